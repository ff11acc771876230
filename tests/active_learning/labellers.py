"""Calculators to label with, importable from other processes; and a labelling to be killed.

python labellers.py FOLDER LOG SECONDS labels eight structures, each taking SECONDS.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT

from betalps.active_learning import label


def coppers(count=8):
    frames = []
    for seed in range(count):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.05, seed=seed)
        atoms.info["number"] = seed
        frames.append(atoms)
    return frames


class Logged(EMT):
    """EMT that takes its time, and writes down which structure it is asked for, before and after."""

    def __init__(self, log, seconds):
        super().__init__()
        self.log, self.seconds = Path(log), seconds

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        self._write(f"begin {atoms.positions[0, 0]!r}")
        time.sleep(self.seconds)
        super().calculate(atoms, properties, system_changes)
        self._write(f"end {atoms.positions[0, 0]!r}")

    def _write(self, line):
        with self.log.open("a") as file:
            file.write(line + "\n")


@dataclass(frozen=True)
class LoggedFactory:
    log: str
    seconds: float = 0.0

    def __call__(self):
        return Logged(self.log, self.seconds)


class Picky(EMT):
    """Fails in one way for each structure it does not like, chosen by the first coordinate's sign."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        kind = round(1000 * atoms.cell[0, 0]) % 10
        if kind == 1:
            raise RuntimeError("the self-consistent field diverged")
        if kind == 2:
            self.results["forces"] = self.results["forces"] * np.nan
        self.converged = kind != 3


class _Hanging(EMT):
    """Never comes back from one cell, and is killed in another."""

    def __init__(self, hangs, dies):
        super().__init__()
        self.hangs, self.dies = hangs, dies

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        if atoms.cell[0, 0] == self.hangs:
            time.sleep(3600)
        if atoms.cell[0, 0] == self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        super().calculate(atoms, properties, system_changes)


@dataclass(frozen=True)
class Hanging:
    hangs: float = 0.0
    dies: float = 0.0

    def __call__(self):
        return _Hanging(self.hangs, self.dies)


class Shapes(EMT):
    """Gives labels of odd shapes, by which cell it is: an energy in an array, forces of an atom less, or it exits."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        kind = round(1000 * atoms.cell[0, 0]) % 10
        if kind == 1:
            self.results["energy"] = np.array([self.results["energy"]])
        if kind == 2:
            self.results["forces"] = self.results["forces"][1:]
        if kind == 3:
            sys.exit(3)


def not_there():
    """A factory whose package is missing, as on a node without it."""
    raise ModuleNotFoundError("No module named 'dft'")


class EnergyOnly(Calculator):
    implemented_properties = ["energy"]  # noqa: RUF012

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": float(len(atoms))}


@dataclass
class Counting:
    """A factory that counts; `reusable` as told."""

    reusable: bool
    made: ClassVar[int] = 0

    def __call__(self):
        type(self).made += 1
        return EMT()

    def __hash__(self):
        return 0


def starts_a_program(file):
    """Starts a program, writes down its number, and hangs."""
    program = subprocess.Popen(["sleep", "3600"])
    Path(file).write_text(str(program.pid))
    time.sleep(3600)


def cannot_begin(connection):
    """A process whose imports fail, as on a node without the package."""
    sys.exit(1)


def dies():
    """As if the process had run out of memory."""
    os._exit(1)


if __name__ == "__main__":
    folder, log, seconds = sys.argv[1:]
    label(coppers(), LoggedFactory(log, float(seconds)), folder=folder, method="emt")
