"""A study of a few seconds: 32 atoms, level 4, hundreds of steps, labelled by the bundled potential.

python cases.py FOLDER [WORKERS] does it, to be killed.
"""

import os
import signal
import sys
import time
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # where a process of its own finds its neighbours

import numpy as np

from betalps import MTP
from betalps.active_learning import ActiveLearning, LoopConfig, label, mtp
from betalps.datasets import write
from betalps.structures import beta_li3ps4

LABELLER = "beta-lps"
STEPS = ["explore", "select", "label", "fit", "finish"]


def rattled(count, size=0.04, seed=0):
    frames = []
    for number in range(count):
        atoms = beta_li3ps4()
        atoms.rattle(size, seed=seed + number)
        atoms.positions = atoms.positions.round(5)
        atoms.info = {"group": "start", "temperature_K": 300.0}
        frames.append(atoms)
    return frames


def write_data(folder, count=8):
    """Labelled structures to begin with, and a test set."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frames in (("start", rattled(count)), ("test", rattled(4, 0.06, seed=100))):
        if not (folder / f"{name}.extxyz").exists():
            labelled = label(frames, mtp(LABELLER), folder=folder / "labels")
            write(labelled.frames, folder / f"{name}.extxyz")


def study(folder, **changes):
    """The study's settings; the data are made if absent."""
    write_data(folder / "data")
    values = {
        "data": ["start.extxyz"],
        "test": ["test.extxyz"],
        "seeds": [
            {"name": "beta", "structure": {"builder": "beta_li3ps4"}, "temperatures": [300, 900]},
            {"name": "gamma", "structure": {"builder": "gamma_li3ps4", "supercell": [1, 1, 2]}, "temperatures": [600]},
        ],
        "exploration": {"time": 0.2, "heating": 0.04, "grade_interval": 5, "gamma_break": [10.0, 3.0]},
        "selection": {"most": 4, "per_run": 10, "spot_checks": 2},
        "labels": {"calculator": f"mtp:{LABELLER}", "timeout": 120.0},
        "fit": {"level": 4, "starts": 1, "iterations": 6, "refit_iterations": 4, "threads": 1},
        "budget": {"iterations": 2},
    }
    for name, value in changes.items():
        old = values.get(name)
        values[name] = {**old, **value} if isinstance(old, dict) else value
    return LoopConfig.from_dict(values, folder / "data")


@dataclass(frozen=True)
class Logged:
    """The labeller, writing down what it is asked for, and failing as a file beside that says."""

    log: str
    reusable: ClassVar[bool] = True

    def __call__(self):
        if _fault(self.log) == "missing":
            import no_such_teacher  # noqa: F401
        return _Logged(self.log)


def _fault(log):
    file = Path(log + ".fault")
    return file.read_text() if file.exists() else ""


class _Logged(MTP):
    def __init__(self, log):
        super().__init__(LABELLER, threads=1)
        self._log = log

    def calculate(self, atoms=None, *arguments, **named):
        with Path(self._log).open("a") as file:
            file.write(f"{atoms.positions.sum()!r}\n")
        which, _, what = _fault(self._log).partition(" ")
        gamma = atoms.cell.lengths()[0] < 10
        started = any(np.array_equal(atoms.positions, known.positions) for known in rattled(8))
        fault = what if which == "everything" or (not started and (gamma or which == "all")) else ""
        if fault == "raises":
            raise RuntimeError("the self-consistent field diverged")
        if fault == "hangs":
            time.sleep(3600)
        if fault == "dies":
            os._exit(3)
        super().calculate(atoms, *arguments, **named)
        if fault == "nan":
            self.results = {name: value * np.nan for name, value in self.results.items()}


class Here:
    """An executor of this process: no seconds for another one to begin."""

    def submit(self, function, /, *args):
        future = Future()
        future.set_result(function(*args))
        return future


def learning(folder, workers=1, observer=None, executor=None, **changes):
    config = study(folder.parent, **changes)
    exploration, labels = replace(config.exploration, workers=workers), replace(config.labels, workers=workers)
    config = replace(config, exploration=exploration, labels=labels)
    factory = Logged(str(folder.parent / "asked"))
    return ActiveLearning(config, folder, factory=factory, executor=executor, observer=observer)


def moment(progress):
    """Where a study is, as something that grows."""
    return (progress.iteration, STEPS.index(progress.stage), progress.fraction)


if __name__ == "__main__":
    learning(Path(sys.argv[1]), int(sys.argv[2]), lambda progress: print(*moment(progress), flush=True)).run()
    os.close(sys.stdout.fileno())  # whoever reads knows that no more will come
    signal.pause()  # a kill that comes late finds it here
