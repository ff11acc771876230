"""Splits, duplicates, outliers, strains and sampling."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.harmonic import HarmonicCalculator, HarmonicForceField
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.datasets import (
    Limits,
    Sampling,
    duplicates,
    fingerprints,
    outliers,
    read,
    sample,
    split,
    stored_labels,
    strained,
    with_labels,
    write,
)
from betalps.datasets.sampling import correlation_time
from betalps.errors import BetalpsError, StructureError
from betalps.structures import beta_li3ps4, gamma_li3ps4


def coppers(count, **info):
    frames = []
    for seed in range(count):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.1, seed=seed)
        atoms.info.update({key: values[seed] for key, values in info.items()})
        frames.append(atoms)
    return frames


class TestSplit:
    @given(st.integers(2, 60), st.floats(0.05, 0.9), st.integers(0, 99))
    def test_is_a_partition(self, count, fraction, seed):
        frames = coppers(1) * count
        found = split(frames, fraction=fraction, rng=seed)
        assert sorted(found.train_indices + found.valid_indices) == list(range(count))
        assert len(found.valid) == min(max(1, round(fraction * count)), count - 1)
        assert split(frames, fraction=fraction, rng=seed).valid_indices == found.valid_indices

    def test_ninety_to_ten(self):
        found = split(coppers(300), rng=1)
        assert (len(found.train), len(found.valid)) == (270, 30)
        assert split(coppers(300), rng=2).valid_indices != found.valid_indices

    def test_groups_stay_together(self):
        frames = coppers(20, source=[k // 4 for k in range(20)])
        for by in ("source", lambda atoms: atoms.info["source"]):
            found = split(frames, rng=3, fraction=0.3, by=by)
            assert len(found.valid) == 8
            assert not {a.info["source"] for a in found.train} & {a.info["source"] for a in found.valid}

    def test_files_stay_together(self, tmp_path):
        paths = [tmp_path / f"{k}.extxyz" for k in range(4)]
        for path in paths:
            write(coppers(5), path)
        found = split(read(paths), rng=0, fraction=0.2, by="file")
        assert len({k // 5 for k in found.valid_indices}) == 1
        assert len(found.valid) == 5

    def test_rare_frames_are_trained_on(self):
        frames = coppers(10, source=[k // 2 for k in range(10)])
        for seed in range(20):
            found = split(frames, rng=seed, fraction=0.5, by="source", always_train=[3])
            assert {2, 3} <= set(found.train_indices)

    def test_errors(self):
        with pytest.raises(ValueError, match=r"fraction is 1\.0; expected a number between 0 and 1"):
            split(coppers(3), fraction=1.0, rng=0)
        with pytest.raises(ValueError, match=r"configuration 0 has no 'source' in info; it has \[\]"):
            split(coppers(3), rng=0, by="source")
        with pytest.raises(ValueError, match=r"1 groups cannot be split: 0 are left to train on and 3 to validate on"):
            split(coppers(3, source=[1, 1, 1]), rng=0, by="source")
        with pytest.raises(ValueError, match=r"needs what betalps\.datasets\.read returns"):
            split(coppers(3), rng=0, by="file")


class TestDuplicates:
    @given(st.integers(0, 10**6))
    @settings(max_examples=15, deadline=None)
    def test_moved_turned_wrapped_renumbered_repeated(self, seed):
        rng = np.random.default_rng(seed)
        atoms = gamma_li3ps4()
        atoms.rattle(0.1, seed=seed)
        other = atoms.repeat((1, 2, 1)) if seed % 2 else atoms.copy()
        other.positions += rng.normal(size=3) * 10
        other.wrap()
        other.rotate(rng.uniform(0, 360), rng.normal(size=3), rotate_cell=True)
        other = other[rng.permutation(len(other))]
        moved = atoms.copy()
        moved.positions[int(rng.integers(len(atoms)))] += 0.01
        assert duplicates([atoms, moved, other, beta_li3ps4()]) == [(0, 2)]

    def test_rounding_of_a_file(self):
        atoms = beta_li3ps4()
        atoms.rattle(0.1, seed=1)
        rounded = atoms.copy()
        rounded.positions = np.round(atoms.positions, 8)
        rounded.set_cell(np.round(atoms.cell.array, 8))
        assert duplicates([atoms, rounded]) == [(0, 1)]

    def test_groups_in_order(self):
        a, b, c = coppers(3)
        assert duplicates([a, b, a, c, b, a]) == [(0, 2, 5), (1, 4)]
        assert duplicates([a, b, c]) == []
        assert duplicates([]) == []
        assert duplicates([a, b], tolerance=100.0) == [(0, 1)]

    def test_elements_are_told_apart(self):
        gold = bulk("Au", a=3.6, cubic=True)
        copper = bulk("Cu", a=3.6, cubic=True)
        assert duplicates([gold, copper]) == []
        assert fingerprints([gold, copper]).shape == (2, 2 + 4 * 6)
        assert duplicates([Atoms("Li"), Atoms("P"), Atoms("Li")]) == [(0, 2)]

    def test_many_are_quick(self):
        import time

        frames = coppers(200) * 5
        began = time.perf_counter()
        assert len(duplicates(frames)) == 200
        assert time.perf_counter() - began < 10


class TestOutliers:
    @staticmethod
    def labelled(count=14):
        frames = []
        for atoms in coppers(count):
            atoms.calc = EMT()
            labels = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
            frames.append(with_labels(atoms, labels))
        return frames

    def test_sound_data_has_none(self):
        assert outliers(self.labelled()) == []

    @pytest.mark.parametrize("flag", [False, np.False_, "False", "F"])
    def test_unconverged_however_the_file_says_so(self, flag):
        frames = self.labelled()
        frames[5].info["converged"] = flag
        assert [(entry.index, entry.kind) for entry in outliers(frames)] == [(5, "unconverged")]

    def test_each_kind(self):
        frames = self.labelled()
        forces = np.zeros((4, 3))
        forces[2, 1] = 30.0
        frames[1] = with_labels(frames[1], {**stored_labels(frames[1]), "forces": forces})
        frames[2] = with_labels(frames[2], {"energy": np.nan, "forces": np.zeros((4, 3))})
        frames[3].info["converged"] = False
        frames[4].calc = None
        close = frames[5].copy()
        close.positions[1] = close.positions[0] + [0.9, 0, 0]
        frames[5] = with_labels(close, stored_labels(frames[5]))
        frames[6] = with_labels(frames[6], {**stored_labels(frames[6]), "energy": 50.0})
        frames[7].positions[0, 0] = np.inf
        found = outliers(frames)
        kinds = [(entry.index, entry.kind) for entry in found]
        assert kinds == [
            (1, "force"),
            (2, "not finite"),
            (3, "unconverged"),
            (4, "unlabelled"),
            (5, "contact"),
            (6, "energy"),
            (7, "unlabelled"),  # the labels were of the structure before
            (7, "not finite"),
        ]
        told = {entry.index: entry.message for entry in found}
        assert told[1] == "configuration 1: force of 30 eV/Å on atom 2 (Cu), limit 25"
        assert told[2] == "configuration 2: energy with NaN or infinity"
        assert told[5].startswith("configuration 5: Cu-Cu distance of 0.900 Å between atoms 0 and 1, limit 1.716")
        assert "robust standard deviations from the median of Cu" in told[6]

    def test_limits(self):
        assert {e.kind for e in outliers(self.labelled(), Limits(force=0.01, contact=1.0))} == {"force", "contact"}


class TestStrain:
    @given(st.floats(-0.2, 0.2), st.integers(0, 1000))
    @settings(deadline=None)
    def test_isotropic(self, strain, seed):
        atoms = gamma_li3ps4()
        (copy,) = strained(atoms, [strain])
        np.testing.assert_allclose(copy.cell.lengths(), atoms.cell.lengths() * (1 + strain))
        np.testing.assert_allclose(copy.cell.angles(), atoms.cell.angles())
        np.testing.assert_allclose(copy.get_scaled_positions(), atoms.get_scaled_positions(), atol=1e-9)
        assert copy.info["strain"] == strain

    def test_of_the_study(self):
        copies = strained([beta_li3ps4(), gamma_li3ps4()])
        assert [round(copy.info["strain"], 3) for copy in copies] == [-0.05, 0.05, -0.05, 0.05]
        assert copies[0].get_volume() == pytest.approx(beta_li3ps4().get_volume() * 0.95**3)

    def test_stress_is_the_derivative_of_the_energy_by_it(self):
        """Voigt components mean what ASE's stress means: dE = V σ : ε, with ε_yz counted twice."""
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.05, seed=1)
        atoms.calc = EMT()
        stress, volume = atoms.get_stress(), atoms.get_volume()
        for k in range(6):
            energies = []
            for sign in (-1, 1):
                voigt = np.zeros(6)
                voigt[k] = sign * 1e-4
                (copy,) = strained(atoms, [voigt])
                copy.calc = EMT()
                energies.append(copy.get_potential_energy())
            slope = (energies[1] - energies[0]) / 2e-4 / volume
            assert slope == pytest.approx(stress[k] * (1 if k < 3 else 2), abs=1e-5)

    def test_matrix(self):
        shear = np.array([[0, 0.1, 0], [0, 0, 0], [0, 0, 0]])
        (copy,) = strained(bulk("Cu", cubic=True), [shear])
        np.testing.assert_allclose(copy.cell[1], [0.361, 3.61, 0])
        np.testing.assert_array_equal(copy.info["strain"], shear.ravel())

    def test_labels_do_not_follow(self):
        atoms = bulk("Cu")
        atoms.calc = EMT()
        atoms.get_potential_energy()
        assert strained(atoms, [0.01])[0].calc is None

    def test_errors(self):
        with pytest.raises(ValueError, match=r"a strain has shape \(2,\), expected a number, \(6,\) or \(3, 3\)"):
            strained(bulk("Cu"), [[0.1, 0.2]])
        with pytest.raises(ValueError, match="leaves no volume"):
            strained(bulk("Cu"), [-1.0])
        with pytest.raises(StructureError, match=r"structure 0 has pbc \[False, False, False\]"):
            strained(Atoms("Cu"), [0.1])


def crystal_of_springs(count=32, k=2.0):
    """Independent harmonic oscillators: every average is known."""
    atoms = Atoms(f"Ar{count}", np.random.default_rng(0).uniform(0, 20, (count, 3)))
    field = HarmonicForceField(ref_atoms=atoms, ref_energy=0.0, hessian_x=k * np.eye(3 * count), cartesian=True)
    return atoms, HarmonicCalculator(field)


class TestSampling:
    def test_is_canonical(self):
        """Harmonic oscillators: the mean potential energy is 3/2 N k_B T, and so is the kinetic one."""
        atoms, calculator = crystal_of_springs()
        settings = Sampling(temperature=300, frames=60, interval=0.2, equilibration=0.5, friction=20.0, timestep=4.0)
        found = sample(atoms, calculator, settings, rng=5)
        assert len(found.frames) == 60
        energies = np.array([frame.get_potential_energy() for frame in found.frames])
        expected = 1.5 * len(atoms) * units.kB * 300
        error = expected * np.sqrt(2 / (3 * len(atoms) * 60))
        assert energies.mean() == pytest.approx(expected, abs=4 * error)
        assert found.temperature == pytest.approx(300, rel=0.05)

    def test_snapshots(self):
        atoms = bulk("Cu", cubic=True)
        atoms.info["source"] = "bulk"
        settings = Sampling(temperature=400, frames=3, interval=0.05, equilibration=0.1)
        found = sample(atoms, EMT(), settings, rng=1)
        again = sample(atoms, EMT(), settings, rng=np.random.default_rng(1))
        other = sample(atoms, EMT(), settings, rng=2)
        assert [frame.info["time_ps"] for frame in found.frames] == pytest.approx([0.1, 0.15, 0.2])
        for frame, repeated, different in zip(found.frames, again.frames, other.frames, strict=True):
            assert frame.info["source"] == "bulk"
            assert frame.info["temperature_K"] == 400
            np.testing.assert_array_equal(frame.positions, repeated.positions)
            assert not np.allclose(frame.positions, different.positions)
            right = frame.copy()
            right.calc = EMT()
            assert frame.get_potential_energy() == pytest.approx(right.get_potential_energy())
            np.testing.assert_allclose(frame.get_forces(), right.get_forces(), atol=1e-12)
            np.testing.assert_allclose(frame.get_stress(), right.get_stress(), atol=1e-12)
            assert "momenta" not in frame.arrays
        np.testing.assert_array_equal(atoms.positions, bulk("Cu", cubic=True).positions)

    def test_correlation_time_of_a_known_process(self):
        """x' = a x + noise has the integrated correlation time 1/(1 - a) - 1/2."""
        rng = np.random.default_rng(3)
        for a in (0.0, 0.8, 0.95):
            x = np.zeros(60000)
            noise = rng.normal(size=len(x))
            for k in range(1, len(x)):
                x[k] = a * x[k - 1] + noise[k]
            assert correlation_time(x) == pytest.approx(1 / (1 - a) - 0.5, rel=0.12)
        assert correlation_time(np.ones(10)) == 0.5

    def test_blow_up_is_said(self):
        atoms, calculator = crystal_of_springs(4, k=1000.0)
        with pytest.raises(BetalpsError, match=r"the sampling blew up at step \d+: .* K where 300 K was asked for"):
            sample(atoms, calculator, Sampling(temperature=300, timestep=200.0, frames=50), rng=0)

    @pytest.mark.parametrize(
        ("name", "value"), [("temperature", 0.0), ("frames", 0), ("interval", -1.0), ("equilibration", np.inf)]
    )
    def test_settings(self, name, value):
        with pytest.raises(ValueError, match=name):
            Sampling(**{"temperature": 300.0, name: value})
