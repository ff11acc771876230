"""Labelling: nothing twice, nothing lost, failures with their reason."""

import functools
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT

from active_learning.labellers import Counting, EnergyOnly, LoggedFactory, Picky, Shapes, coppers, dies, not_there
from betalps.active_learning import LabellingError, LabelProgress, LabelWorkers, label, mtp
from betalps.active_learning.label_store import structure_key
from betalps.active_learning.labelling import describe
from betalps.datasets import stored_labels
from betalps.errors import CheckpointError
from betalps.structures import beta_li3ps4


def same_as_emt(frames, structures):
    assert len(frames) == len(structures)
    for frame, atoms in zip(frames, structures, strict=True):
        right = atoms.copy()
        right.calc = EMT()
        np.testing.assert_array_equal(frame.positions, atoms.positions)
        assert frame.info == atoms.info
        labels = stored_labels(frame)
        assert labels["energy"] == right.get_potential_energy()
        np.testing.assert_array_equal(labels["forces"], right.get_forces())
        np.testing.assert_array_equal(labels["stress"], right.get_stress())


@dataclass(frozen=True)
class Offering:
    """A factory that does not stand by its calculators' stress."""

    properties = ("energy", "forces")

    def __call__(self):
        return EMT()


class TestLabels:
    def test_here(self, tmp_path):
        seen = []
        found = label(coppers(), EMT, folder=tmp_path / "a", observer=seen.append)
        same_as_emt(found.frames, coppers())
        assert (found.computed, found.reused, found.failures) == (8, 0, {})
        assert [p.done for p in seen] == list(range(1, 9))
        assert all(isinstance(p, LabelProgress) and p.total == 8 and p.failed == 0 for p in seen)
        assert {p.key for p in seen} == {structure_key(atoms) for atoms in coppers()}

    def test_what_was_said_of_earlier_labels_is_forgotten(self, tmp_path):
        atoms = coppers(1)[0]
        atoms.info.update(label_source="PBE", converged=False, group="crystal")
        found = label([atoms], EMT, folder=tmp_path).frames[0]
        assert found.info == {"number": 0, "group": "crystal"}
        assert atoms.info["label_source"] == "PBE"

    @pytest.mark.parametrize("kind", ["threads", "processes"])
    def test_on_an_executor(self, tmp_path, kind):
        pool = ThreadPoolExecutor(3) if kind == "threads" else ProcessPoolExecutor(2, mp_context=get_context("spawn"))
        with pool as executor:
            found = label(coppers(), EMT, folder=tmp_path, executor=executor)
        same_as_emt(found.frames, coppers())
        assert found.computed == 8

    def test_on_dask(self, tmp_path):
        distributed = pytest.importorskip("distributed")
        with (
            distributed.LocalCluster(
                n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, protocol="inproc://"
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            found = label(coppers(), EMT, folder=tmp_path, executor=client)
        same_as_emt(found.frames, coppers())

    def test_nothing_twice(self, tmp_path):
        log = tmp_path / "log"
        factory = LoggedFactory(str(log))
        structures = coppers()
        label([*structures[:5], *structures[:5]], factory, folder=tmp_path / "a")
        found = label(structures[::-1] + structures, factory, folder=tmp_path / "a")
        assert (found.computed, found.reused) == (3, 5)
        begun = [line for line in log.read_text().splitlines() if line.startswith("begin")]
        assert len(begun) == len(set(begun)) == 8
        same_as_emt(found.frames, structures[::-1] + structures)

    def test_what_a_key_sees(self):
        atoms = coppers(1)[0]
        same, moved, cell, pbc, element, magnetic = (atoms.copy() for _ in range(6))
        same.info["note"] = "else"
        same.calc = EMT()
        same.positions = same.positions * 1.0 - 0.0
        moved.positions[0, 0] = np.nextafter(moved.positions[0, 0], 1)
        cell.cell[0, 0] += 1e-9
        pbc.pbc = (True, True, False)
        element.symbols[0] = "Ag"
        magnetic.set_initial_magnetic_moments([1, 0, 0, 0])
        assert structure_key(same) == structure_key(atoms)
        assert len({structure_key(a) for a in (atoms, moved, cell, pbc, element, magnetic)}) == 6

    def test_no_stress_of_a_molecule(self, tmp_path):
        molecule = Atoms("Cu2", [[0, 0, 0], [2.2, 0, 0]])
        found = label([molecule], EMT, folder=tmp_path)
        assert set(stored_labels(found.frames[0])) == {"energy", "forces"}

    def test_calculators_are_made_anew_unless_reusable(self, tmp_path):
        for reusable, made in ((False, 8), (True, 1)):
            Counting.made = 0
            label(coppers(), Counting(reusable), folder=tmp_path / str(reusable))
            assert Counting.made == made

    def test_files_go_into_a_folder_of_the_structure(self, tmp_path):
        directories = []

        class Writing(EMT):
            def calculate(self, *arguments):
                directories.append(self.directory)
                super().calculate(*arguments)

        label(coppers(2), Writing, folder=tmp_path, method="writing")
        assert [Path(d) for d in dict.fromkeys(directories)] == [
            tmp_path / "work" / structure_key(atoms) for atoms in coppers(2)
        ]


class TestFailures:
    @staticmethod
    def structures():
        frames = coppers(4)
        for kind, atoms in enumerate(frames):
            atoms.set_cell([3.6 + 0.001 * kind, 3.61, 3.61])
        return frames

    def test_are_kept_with_their_reason(self, tmp_path):
        found = label(self.structures(), Picky, folder=tmp_path)
        assert len(found.frames) == 1
        assert {k: f.reason for k, f in found.failures.items()} == {
            1: "RuntimeError: the self-consistent field diverged",
            2: "BetalpsError: forces: NaN or infinite",
            3: "BetalpsError: the calculator says that it did not converge",
        }
        assert "in calculate" in found.failures[1].traceback
        assert found.failures[1].attempts == 1

    def test_are_tried_again_on_request(self, tmp_path):
        structures = self.structures()
        label(structures, Picky, folder=tmp_path, method="emt")
        again = label(structures, Picky, folder=tmp_path, method="emt")
        assert again.computed == 0
        assert {f.attempts for f in again.failures.values()} == {1}
        twice = label(structures, Picky, folder=tmp_path, method="emt", retry=True)
        assert {f.attempts for f in twice.failures.values()} == {2}
        cured = label(structures, EMT, folder=tmp_path, method="emt", retry=True)
        assert (cured.computed, cured.reused, cured.failures) == (3, 1, {})
        same_as_emt(cured.frames, structures)
        assert not list((tmp_path / "failed").iterdir())

    def test_a_missing_property_is_a_failure(self, tmp_path):
        found = label(coppers(1), EnergyOnly, folder=tmp_path / "all")
        assert "PropertyNotImplementedError" in found.failures[0].reason
        found = label(coppers(1), EnergyOnly, folder=tmp_path / "energy", properties=["energy"])
        assert stored_labels(found.frames[0]) == {"energy": 4.0}

    @pytest.mark.parametrize("workers", [0, 1])
    def test_shapes_that_are_wrong_are_failures_of_their_structures(self, tmp_path, workers):
        structures = self.structures()
        with LabelWorkers() as pool:
            found = label(structures, Shapes, folder=tmp_path, executor=pool if workers else None)
        same_as_emt(found.frames, structures[:2])
        assert {k: f.reason for k, f in found.failures.items()} == {
            2: "BetalpsError: forces: the calculator gave an array of shape (3, 3); expected (4, 3)",
            3: "SystemExit: 3",
        }

    @pytest.mark.parametrize("workers", [0, 1])
    def test_a_calculator_that_cannot_be_made_is_no_failure_of_a_structure(self, tmp_path, workers):
        label(coppers(1), EMT, folder=tmp_path, method="dft")
        missing = r"the calculator cannot be made: ModuleNotFoundError: No module named 'dft'. 1 of 4 labels are stored"
        with LabelWorkers() as pool, pytest.raises(LabellingError, match=missing):
            label(coppers(4), not_there, folder=tmp_path, method="dft", executor=pool if workers else None)
        installed = label(coppers(4), EMT, folder=tmp_path, method="dft")
        assert (installed.computed, installed.reused, installed.failures) == (3, 1, {})

    def test_a_calculator_instead_of_a_factory(self, tmp_path):
        with pytest.raises(TypeError, match="calculator_factory is a EMT; expected a function that makes a calculator"):
            label(coppers(1), EMT(), folder=tmp_path / "a")
        assert not (tmp_path / "a").exists()

    def test_a_broken_executor_is_no_failure_of_a_structure(self, tmp_path):
        lost = pytest.raises(LabellingError, match=r"lost 2 structures, the first with BrokenProcessPool")
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, lost:
            label(coppers(2), dies, folder=tmp_path, executor=pool, method="emt")
        found = label(coppers(2), EMT, folder=tmp_path, method="emt")
        assert (found.computed, found.failures) == (2, {})

    def test_a_factory_that_cannot_travel(self, tmp_path):
        class Local(EMT):
            pass

        lost = pytest.raises(LabellingError, match=r"lost 2 structures.*[Pp]ickle.*0 of 2 labels are stored")
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, lost:
            label(coppers(2), Local, folder=tmp_path, executor=pool, method="emt")

    def test_ctrl_c_keeps_what_is_there(self, tmp_path):
        def stop(progress):
            if progress.done == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            label(coppers(), EMT, folder=tmp_path, observer=stop)
        assert label(coppers(), EMT, folder=tmp_path).reused == 3


class TestFolder:
    def test_holds_one_method(self, tmp_path):
        label(coppers(1), EMT, folder=tmp_path, method="emt")
        with pytest.raises(CheckpointError, match=r"labels with method 'emt', now 'other' is asked for"):
            label(coppers(1), EMT, folder=tmp_path, method="other")
        with pytest.raises(CheckpointError, match=r"labels with properties .*now \['energy'\] is asked for"):
            label(coppers(1), EMT, folder=tmp_path, method="emt", properties=["energy"])
        (tmp_path / "labels.json").write_text("{")
        with pytest.raises(CheckpointError, match=r"labels\.json: cannot be read"):
            label(coppers(1), EMT, folder=tmp_path, method="emt")

    def test_one_process_at_a_time(self, tmp_path):
        def again(progress):
            label(coppers(), EMT, folder=tmp_path)

        with pytest.raises(CheckpointError, match="another process is labelling in"):
            label(coppers(), EMT, folder=tmp_path, observer=again)

    def test_that_cannot_be_written(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(OSError, match="file"):
            label(coppers(1), EMT, folder=tmp_path / "file" / "a")

    def test_that_can_no_longer_be_written(self, tmp_path):
        """A disk that fills up: the error comes out, and what was stored before stays."""

        def lose(progress):
            if progress.done == 2:
                (tmp_path / "labelled").rename(tmp_path / "elsewhere")

        with pytest.raises(OSError, match="labelled"):
            label(coppers(), EMT, folder=tmp_path, observer=lose)
        assert len(list((tmp_path / "elsewhere").iterdir())) == 2

    def test_properties(self, tmp_path):
        with pytest.raises(ValueError, match=r"properties are \['magmoms'\]; expected some of energy, forces, stress"):
            label(coppers(1), EMT, folder=tmp_path, properties=["magmoms"])

    def test_properties_that_a_factory_offers(self, tmp_path):
        factory = Offering()
        found = label(coppers(), factory, folder=tmp_path / "a")
        assert set(stored_labels(found.frames[0])) == {"energy", "forces"}
        with pytest.raises(ValueError, match=r"Offering\(\) gives energy, forces, and no stress"):
            label(coppers(), factory, folder=tmp_path / "b", properties=("energy", "stress"))
        assert not (tmp_path / "b").exists()

    def test_names_of_methods(self):
        assert describe(EMT) == "ase.calculators.emt.EMT"
        assert describe(functools.partial(EMT, 1, label="x")) == "ase.calculators.emt.EMT(1, label='x')"
        assert describe(LoggedFactory("log", 2.0)) == "LoggedFactory(log='log', seconds=2.0)"


def test_killed_and_resumed(tmp_path):
    """SIGKILL in the middle: finished labels stay, and only the one that was being computed is computed twice."""
    log, folder = tmp_path / "log", tmp_path / "labels"
    program = Path(__file__).with_name("labellers.py")
    process = subprocess.Popen([sys.executable, program, folder, log, "0.15"])
    try:
        until = time.monotonic() + 60
        while len(list(folder.glob("labelled/*.extxyz"))) < 3:
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    finished = {path.name: path.read_bytes() for path in folder.glob("labelled/*.extxyz")}
    assert 3 <= len(finished) < 8
    found = label(coppers(), LoggedFactory(str(log)), folder=folder, method="emt")
    assert (found.computed, found.reused) == (8 - len(finished), len(finished))
    same_as_emt(found.frames, coppers())
    for name, data in finished.items():
        assert (folder / "labelled" / name).read_bytes() == data
    lines = log.read_text().splitlines()
    begun = [line for line in lines if line.startswith("begin")]
    assert len(set(begun)) == 8
    assert len(begun) <= 9  # at most the one that the kill interrupted


def test_a_reused_calculator_remembers_nothing(tmp_path):
    """Labels are those of the structure, whatever was labelled before: the last bit of a neighbour list's order too."""
    frames = [beta_li3ps4()]
    frames[0].rattle(0.05, seed=0)
    for step in range(10):  # steps so small that a neighbour list would serve for several
        frames.append(frames[-1].copy())
        frames[-1].rattle(0.03, seed=step)
        frames[-1].positions[:, 0] += 0.1
        frames[-1].wrap()
    one = label(frames, mtp("beta-lps"), folder=tmp_path / "one")
    other = label(frames[::-1], mtp("beta-lps"), folder=tmp_path / "other")
    for a, b in zip(one.frames, other.frames[::-1], strict=True):
        np.testing.assert_array_equal(a.get_forces(), b.get_forces())
