"""The error of mixed precision."""

import numpy as np
import pytest

from betalps import _core
from betalps.calculators import Engine
from betalps.structures import beta_li3ps4
from calculators.cases import BUNDLED, arrays


@pytest.mark.parametrize("isa", _core.available_isas())
@pytest.mark.parametrize("rattle", [0.0, 0.05, 0.1, 0.2])
def test_error_of_mixed_precision(rattle, isa):
    """The bound that the docs state, for β-Li3PS4 with every component moved at random by `rattle` Å."""
    for seed in range(5):
        atoms = beta_li3ps4((1, 2, 2))
        atoms.positions += np.random.default_rng(seed).normal(0, rattle, atoms.positions.shape)
        double, mixed = (
            Engine(BUNDLED, threads=1, isa=isa, precision=precision).evaluate(*arrays(atoms), virials=True)
            for precision in ("double", "mixed")
        )
        error = mixed.forces - double.forces
        largest, usual = (2e-5, 1e-5) if rattle <= 0.1 else (1e-4, 1e-4)
        assert 0 < np.abs(error).max() < largest * (1 + np.abs(double.forces).max())
        assert np.sqrt((error**2).mean()) < usual * (1 + np.sqrt((double.forces**2).mean()))
        assert abs(mixed.energy - double.energy) < 5e-6 * (len(atoms) + np.abs(double.energies).sum())
        virial_error = np.abs((mixed.virials - double.virials).sum(axis=0)).max() / len(atoms)
        assert virial_error < 1e-5 * (1 + np.abs(double.forces).max())
