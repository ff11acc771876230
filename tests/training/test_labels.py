"""What is taken from a structure, and what is refused."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from betalps.training import LabelError, Weights
from betalps.training.labels import count_missing, hash_samples, read_labels
from training import cases


def atoms_with(**results):
    atoms = Atoms("LiS", positions=[[0, 0, 0], [2.5, 0, 0]], cell=[4, 5, 6], pbc=True)
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def test_calculator_and_info_say_the_same():
    stress = np.array([[1.0, 4, 5], [4, 2, 6], [5, 6, 3]])
    forces = np.arange(6.0).reshape(2, 3)
    held = atoms_with(energy=-3.0, forces=forces, stress=[1.0, 2, 3, 6, 5, 4])
    told = Atoms(held.numbers, positions=held.positions, cell=held.cell, pbc=True)
    told.info.update(energy=-3.0, stress=stress)
    told.arrays["forces"] = forces
    for sample in read_labels([held, told]):
        assert sample.energy == -3.0
        np.testing.assert_array_equal(sample.forces, forces)
        np.testing.assert_allclose(sample.virial, -120 * np.array([1, 2, 3, 6, 5, 4]))
        assert sample.rows == 13
        assert sample.volume == pytest.approx(120)


def test_what_is_missing_is_counted():
    cluster = Atoms("Li2", positions=[[0, 0, 0], [3, 0, 0]])
    cluster.info.update(energy=1.0, stress=np.zeros(6))  # of no volume
    unweighted = atoms_with(energy=1.0)
    unweighted.info["config_weight"] = 0
    samples = read_labels([atoms_with(energy=1.0), atoms_with(forces=np.zeros((2, 3))), cluster, unweighted])
    assert count_missing(samples) == {"energy": 1, "forces": 3, "stress": 4, "weight": 1}


def test_labels_of_another_structure_are_none():
    """A structure that was moved after it was labelled has no labels, and none are computed."""
    atoms = atoms_with(energy=1.0)
    atoms.positions[0] += 0.1
    assert read_labels([atoms])[0].energy is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.calc.results.update(energy=np.nan), "frame 1: energy: found nan, expected finite"),
        (lambda a: a.calc.results["forces"].__setitem__((1, 2), np.inf), r"frame 1: forces: found inf at \[1, 2\]"),
        (lambda a: a.calc.results.update(stress=np.zeros(5)), r"stress: found shape \(5,\), expected \(6,\)"),
        (lambda a: a.calc.results.update(forces=np.zeros((3, 3))), r"forces: found shape \(3, 3\), expected \(2, 3\)"),
        (lambda a: a.info.update(config_weight=-1), "config_weight is -1.0, expected a number that is not negative"),
        (lambda a: a.info.update(config_weight="much"), "frame 1: config_weight: found 'much', expected numbers"),
    ],
)
def test_unsound_labels_name_the_frame(change, message):
    frames = [atoms_with(energy=1.0, forces=np.zeros((2, 3)), stress=np.zeros(6)) for _ in range(2)]
    change(frames[1])
    with pytest.raises(LabelError, match=message):
        read_labels(frames)


def test_positions_that_are_not_finite_name_the_frame():
    atoms = atoms_with()
    atoms.positions[1, 0] = np.nan
    with pytest.raises(LabelError, match=r"some: frame 0: positions: found nan at \[1, 0\]"):
        read_labels([atoms], "some")


def test_no_frames_no_atoms():
    with pytest.raises(LabelError, match="frames: there are none"):
        read_labels([])
    with pytest.raises(LabelError, match="frame 0 has no atoms"):
        read_labels([Atoms()])


def test_hash_sees_every_label():
    base = hash_samples(read_labels([cases.dimer(2.5, -1.0)]))
    assert base == hash_samples(read_labels([cases.dimer(2.5, -1.0)]))
    weighted, pushed = cases.dimer(2.5, -1.0), cases.dimer(2.5, -1.0)
    weighted.info["config_weight"] = 2.0
    pushed.calc.results["forces"][0, 0] = 1e-9
    others = [cases.dimer(2.5, -1.0 + 1e-12), cases.dimer(2.5 + 1e-12, -1.0), weighted, pushed]
    assert len({base, *(hash_samples(read_labels([other])) for other in others)}) == 5


def test_weights_are_those_of_the_formula():
    atoms = atoms_with(energy=1.0, forces=[[0.3, 0, 0], [0, 0, 0.4]], stress=np.zeros(6))
    atoms.info["config_weight"] = 2.0
    sample = read_labels([atoms])[0]
    weights = Weights(energy=3, force=0.5, stress=0.25, size_exponent=2, force_scale=0.1)
    assert weights.of_energy(sample) == 2 * 3 / 4
    np.testing.assert_allclose(weights.of_forces(sample), [0.1 / 0.19, 0.1 / 0.26])
    np.testing.assert_allclose(weights.of_virial(sample), 2 * 0.25 / 4 * np.array([1, 1, 1, 2, 2, 2]))
    assert Weights().of_energy(sample) == 2 * 1 / 2
    np.testing.assert_allclose(Weights().of_forces(sample), 0.02)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"energy": -1}, "weight of energy is -1"),
        ({"force": float("nan")}, "weight of force is nan"),
        ({"energy": 0, "force": 0, "stress": 0}, "nothing to fit"),
        ({"force_scale": 0}, "force_scale is 0"),
        ({"size_exponent": float("inf")}, "size_exponent is inf"),
    ],
)
def test_weights_out_of_range(values, message):
    with pytest.raises(ValueError, match=message):
        Weights(**values)
