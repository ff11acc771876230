"""Run by the resume test as a process of its own, to be killed: python killable.py FOLDER STEPS."""

import sys

from ase.build import bulk
from ase.calculators.lj import LennardJones

from betalps.dynamics import NVT, run_nvt

SETTINGS = NVT(temperature=60.0, timestep=4.0, frame_interval=3, equilibration=4, checkpoint_interval=7)


class Remembering(LennardJones):
    """A calculator with a memory: like a neighbour list that ages, its rounding depends on its past."""

    def __init__(self):
        super().__init__(epsilon=0.0104, sigma=3.40, rc=6.5, ro=5.5, smooth=True)
        self.calls = 0

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.calls += 1
        self.results["forces"] = self.results["forces"] * (1.0 + 1e-15 * self.calls)


def crystal():
    return bulk("Ar", "fcc", a=5.3, cubic=True)


def go(folder, steps):
    return run_nvt(crystal(), folder, SETTINGS, steps=steps, calculator=Remembering, potential="lj", rng=7)


if __name__ == "__main__":
    print("ready", flush=True)
    go(sys.argv[1], int(sys.argv[2]))
