"""Arrhenius lines by region and direction."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from betalps.analysis import Arrhenius, Estimate
from betalps.studies.lines import Point, line_of, regional_lines
from betalps.units import thermal_energy

TEMPERATURES = (500.0, 600.0, 700.0)
DENSITY = 0.018  # 1/Å³


def estimate(temperature, barrier, prefactor=30.0):
    value = prefactor * np.exp(-barrier / thermal_energy(temperature))
    return Estimate(
        diffusivity=value,
        standard_error=0.1 * value,
        interval=(0.8 * value, 1.2 * value),
        upper_bound=1.2 * value,
        resolved=True,
        why="",
        brownian_error=0.1 * value,
        block_error=0.1 * value,
        effective_atoms=10.0,
        hops=100.0,
    )


def unresolved(found):
    return replace(found, resolved=False, why="too short")


def test_line_of_known_points():
    found = line_of([Point(t, estimate(t, 0.3), DENSITY) for t in TEMPERATURES], 300.0)
    assert found["arrhenius"]["activation_energy"] == pytest.approx(0.3, abs=1e-9)
    value = 30.0 * np.exp(-0.3 / thermal_energy(300.0))
    # n e² D / (k_B T) in SI: 1/m³, m²/s; 0.01 S/cm is 1 S/m
    expected = 0.01 * (1e30 * DENSITY) * 1.602176634e-19**2 * (1e-8 * value) / (1.380649e-23 * 300.0)
    assert found["target_conductivity"]["conductivity"] == pytest.approx(expected, rel=1e-5)
    assert found["arrhenius_missing"] is None
    drawn = found["arrhenius"]["line"]
    assert drawn["temperature_K"][-1] == pytest.approx(300.0)
    assert drawn["diffusivity_angstrom2_per_ps"][-1] == pytest.approx(value)


def test_what_has_no_line_says_why():
    points = [Point(t, estimate(t, 0.3), DENSITY) for t in TEMPERATURES]
    points[0] = points[0]._replace(estimate=unresolved(points[0].estimate))
    found = line_of(points, 300.0)
    assert found["arrhenius"] is None
    assert "needs 3 different temperatures, got [600.0, 700.0]" in found["arrhenius_missing"]
    assert line_of([], 300.0)["arrhenius_missing"] == "no run finished"


def test_a_region_has_a_line_for_each_direction():
    """A slab: along and across it; where one direction is not resolved, the others still are."""
    found = [
        (
            t,
            SimpleNamespace(
                total=unresolved(estimate(t, 0.3)),
                lateral=estimate(t, 0.25),
                normal=unresolved(estimate(t, 0.4)),
                carrier_density=DENSITY,
            ),
        )
        for t in TEMPERATURES
    ]
    results, missing = regional_lines(found, 300.0)
    assert results.keys() == {"line, in plane", "conductivity, in plane"}
    assert missing.keys() == {"line, all", "line, normal"}
    line = results["line, in plane"]
    assert isinstance(line, Arrhenius)
    assert line.activation_energy == pytest.approx(0.25, abs=1e-9)
    for _, one in found:
        one.lateral = one.normal = None  # a region that is no slab
    assert regional_lines(found, 300.0)[1].keys() == {"line, all"}
    for _, one in found:
        one.carrier_density = None  # of no volume
    assert regional_lines(found, 300.0) == ({}, {})
