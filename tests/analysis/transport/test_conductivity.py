"""Nernst and Einstein by hand."""

import json

import numpy as np
import pytest

from analysis.walks import BOX, wrapped
from betalps.analysis import carrier_density, conductivity
from betalps.analysis.transport.conductivity import charge_diffusivity
from betalps.trajectories import Trajectory


def test_a_conductivity_worked_by_hand() -> None:
    # n = 0.02/Å³ = 2e22/cm³, D = 1e-4 Å²/ps = 1e-8 cm²/s, T = 300 K:
    # 2e22 * (1.602177e-19)² * 1e-8 / (1.380649e-23 * 300) = 1.239e-3 S/cm
    result = conductivity(1e-4, (0.5e-4, 2e-4), carrier_density=0.02, temperature=300.0)
    assert result.conductivity == pytest.approx(1.2395e-3, rel=1e-4)
    assert result.interval == pytest.approx((0.5 * result.conductivity, 2 * result.conductivity))
    assert result.conductivity_mS_per_cm == pytest.approx(1.2395, rel=1e-4)
    assert result.interval_mS_per_cm == pytest.approx([1e3 * bound for bound in result.interval])
    divalent = conductivity(1e-4, (0.5e-4, 2e-4), carrier_density=0.02, temperature=300.0, charge=2.0)
    assert divalent.conductivity == pytest.approx(4 * result.conductivity)


def test_the_haven_ratio_is_said_to_be_assumed() -> None:
    plain = conductivity(1e-4, (0.0, 2e-4), carrier_density=0.02, temperature=300.0).to_dict()
    assert plain["haven_ratio"] == 1.0
    assert "H_R = 1" in plain["assumptions"]
    assert plain["units"]["conductivity"] == "S/cm"
    json.dumps(plain, allow_nan=False)


def test_carriers_are_counted_in_the_mean_cell() -> None:
    trajectory = wrapped(np.zeros((3, 54, 3)))
    assert carrier_density(trajectory) == pytest.approx(54 / BOX**3)
    breathing = Trajectory(
        symbols=trajectory.symbols,
        fractional=trajectory.fractional,
        cells=np.array([np.diag([BOX, BOX, z]) for z in (9.0, 10.0, 11.0)]),
        times=trajectory.times,
        pbc=trajectory.pbc,
    )
    assert carrier_density(breathing) == pytest.approx(54 / (10.0 * BOX**2))


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="temperature: expected a positive"):
        conductivity(1e-4, (0.0, 1e-3), carrier_density=0.02, temperature=0.0)
    with pytest.raises(ValueError, match="carrier_density: expected a positive"):
        conductivity(1e-4, (0.0, 1e-3), carrier_density=0.0, temperature=300.0)
    flat = wrapped(np.zeros((3, 5, 3)))
    slab = Trajectory(
        symbols=flat.symbols,
        fractional=flat.fractional,
        cells=flat.cells,
        times=flat.times,
        pbc=[True, True, False],
    )
    with pytest.raises(ValueError, match="periodic in three directions"):
        carrier_density(slab)


def test_a_conductivity_is_a_diffusivity() -> None:
    sigma = conductivity(0.03, (0.02, 0.04), carrier_density=0.02, temperature=600.0, charge=2.0)
    found = charge_diffusivity(sigma.conductivity, carrier_density=0.02, temperature=600.0, charge=2.0)
    assert found == pytest.approx(0.03)
    with pytest.raises(ValueError, match="charge: expected a positive number, got 0"):
        charge_diffusivity(1e-3, carrier_density=0.02, temperature=600.0, charge=0.0)


def test_a_measured_haven_ratio_is_said_to_be_one() -> None:
    result = conductivity(0.03, (0.02, 0.04), carrier_density=0.02, temperature=600.0, haven_ratio=0.4)
    assert result.haven_ratio == 0.4
    assert "are in it" in result.assumptions
