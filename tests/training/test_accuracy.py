"""The numbers of an error report."""

import json

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

from betalps.errors import SpeciesError
from betalps.training import Errors, Weights, evaluate
from betalps.units import EV_PER_ANGSTROM3_TO_GPA
from training import cases


def test_errors_of_numbers():
    errors = Errors.of(np.array([[-3.0, 0.0], [1.0, 4.0]]))
    assert (errors.count, errors.mae, errors.median, errors.max) == (4, 2.0, 2.0, 4.0)
    assert errors.rmse == pytest.approx(np.sqrt(26 / 4))
    nothing = Errors.of(np.zeros(0))
    assert nothing.count == 0
    assert np.isnan([nothing.mae, nothing.rmse, nothing.median, nothing.max]).all()


@pytest.fixture(scope="module")
def wrong():
    """The labels of the potential itself, but for errors that are known."""
    frames = cases.labelled(3)
    changes = [
        {"energy": 0.32},
        {"forces": np.where(np.arange(32)[:, None] == 3, [0.5, 0, 0], 0.0)},
        {"stress": np.array([0, 0, 0.01, 0, 0, 0])},
    ]
    for atoms, change in zip(frames, changes, strict=True):
        results = dict(atoms.calc.results)
        for name, error in change.items():
            results[name] = results[name] + error
        atoms.calc = SinglePointCalculator(atoms, **results)
    return frames


def test_report_finds_the_errors(wrong):
    report = evaluate("beta-lps", wrong, groups=["temperature_K", "absent"], threads=1)
    assert report.overall.configurations == 3
    assert report.overall.energy.max == pytest.approx(0.01)
    assert report.overall.energy.mae == pytest.approx(0.01 / 3)
    assert report.overall.force.count == 3 * 96
    assert report.overall.force.max == pytest.approx(0.5)
    assert report.overall.stress.max == pytest.approx(0.01 * EV_PER_ANGSTROM3_TO_GPA)
    assert report.worst == {"energy": 0, "force": 1, "stress": 2}
    symbol = wrong[1].get_chemical_symbols()[3]
    assert report.species[symbol].max == pytest.approx(0.5)
    assert all(errors.max < 1e-9 for name, errors in report.species.items() if name != symbol)
    assert sum(errors.count for errors in report.species.values()) == 3 * 96
    assert list(report.groups["temperature_K"]) == ["300", "600"]
    assert report.groups["temperature_K"]["300"].energy.count == 2
    assert report.groups["temperature_K"]["600"].energy.max < 1e-9
    assert report.groups["absent"]["-"].energy == report.overall.energy
    alone = evaluate("beta-lps", wrong, groups="temperature_K", threads=1)  # one name, not its letters
    assert alone.groups == {"temperature_K": report.groups["temperature_K"]}
    assert report.energies.shape == (3, 2)
    assert report.forces.shape == (288, 2)
    assert report.stresses.shape == (18, 2)
    np.testing.assert_allclose(report.energies[0, 1] - report.energies[0, 0], -0.01)


def test_loss_of_the_report(wrong):
    report = evaluate("beta-lps", wrong, weights=Weights(energy=2, force=3, stress=5), threads=1)
    volume = wrong[2].get_volume()
    expected = [2 * 0.32**2 / 32, 3 * 0.25, 5 * (0.01 * volume) ** 2 / 32]
    np.testing.assert_allclose(report.losses, expected, rtol=1e-8)
    assert report.loss == pytest.approx(np.mean(expected))


def test_missing_labels_are_counted(wrong):
    bare = wrong[0].copy()
    bare.calc = SinglePointCalculator(bare, energy=-100.0)
    report = evaluate("beta-lps", [bare], threads=1)
    assert report.missing == {"energy": 0, "forces": 1, "stress": 1, "weight": 0}
    assert report.worst["force"] == -1
    assert report.overall.force.count == 0
    assert "NaN" in json.dumps(report.to_dict())  # as it is; writers replace it
    with pytest.raises(SpeciesError, match="Cl"):
        evaluate("beta-lps", [cases.dimer(3.0, 0.0, "LiCl")], threads=1)
