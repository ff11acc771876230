"""Speed of the native dynamics: python benchmarks/dynamics.py [--help]

Runs crystalline β-Li3PS4 under each ensemble, with a line of thermodynamics every 10 steps and a frame every 100,
once with our class and once with ASE's of the same name, both with the same calculator, and prints per step

wall, ns/day   the time that passed, and what that makes in a day at 2 fs
cpu            processor time of the calling thread: on a quiet machine the same as wall, and where other work
               competes for the processors about what wall would be without it
kernel         the shortest `Engine.evaluate` (energy, forces, virial) of the structures on the way from a list that
               needs no rebuild, also processor time
ratios         cpu / kernel, and the wall time of the whole run over what it spent in the kernel

then where our run spent its time in the core.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from ase import Atoms, units
from ase.io.trajectory import Trajectory
from ase.md import nose_hoover_chain
from ase.md.verlet import VelocityVerlet

from betalps import MTP
from betalps.calculators import Engine
from betalps.calculators.engine import default_threads
from betalps.dynamics import native, thermal_momenta
from betalps.potentials import load
from betalps.structures import beta_li3ps4

CELLS = {512: (2, 2, 4), 2048: (4, 4, 4), 12288: (6, 8, 8), 32768: (8, 8, 16)}
TIMESTEP = 2 * units.fs


def ensembles(kelvin: float) -> dict[str, dict[str, Any]]:
    """The arguments of each class, with the relaxation times of the study."""
    nvt = {"temperature_K": kelvin, "tdamp": 100 * units.fs}
    npt = nvt | {"pressure_au": 0.0, "pdamp": 1000 * units.fs}
    return {
        "VelocityVerlet": {},
        "NoseHooverChainNVT": nvt,
        "IsotropicMTKNPT": npt,
        "MTKNPT": npt,
        "MaskedMTKNPT": npt | {"mask": np.array([False, False, True])},
    }


def crystal(size: int, kelvin: float, potential: str, threads: int, skin: float) -> Atoms:
    """Equilibrated a little: a crystal at rest takes half of its heat into the springs."""
    atoms = beta_li3ps4().repeat(CELLS[size])
    atoms.set_momenta(thermal_momenta(atoms, 2 * kelvin, np.random.default_rng(0)))
    atoms.calc = MTP(potential, threads=threads, skin=skin)
    native.NoseHooverChainNVT(atoms, TIMESTEP, kelvin, 50 * units.fs).run(200)
    return atoms


def watch(dynamics: Any, atoms: Atoms, log: TextIO, frames: Any) -> None:
    """Thermodynamics every 10 steps and frames every 100."""

    def line() -> None:
        values = (dynamics.nsteps, atoms.get_temperature(), atoms.get_potential_energy(), *atoms.get_stress())
        print(*values, sep=",", file=log)

    dynamics.attach(line, 10)
    dynamics.attach(frames.write, 100)


class Timed:
    """One run, and the kernel alone on the way."""

    def __init__(self, cls: Any, start: Atoms, steps: int, chunks: int, skin: float, arguments: dict[str, Any]) -> None:
        atoms = start.copy()
        atoms.calc = start.calc
        engine = Engine(start.calc.potential, threads=start.calc.engine.threads, skin=skin)
        if issubclass(cls, native.NativeDynamics):
            arguments = arguments | {"skin": skin}
        dynamics = cls(atoms, TIMESTEP, **arguments)
        wall, cpu, kernels = 0.0, 0.0, []
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with (folder / "thermo.csv").open("w") as log, Trajectory(str(folder / "run.traj"), "w", atoms) as frames:
                watch(dynamics, atoms, log, frames)
                dynamics.run(10)
                before, rebuilds = dict(getattr(dynamics, "times", {})), getattr(dynamics, "rebuilds", 0)
                for _ in range(chunks):
                    began = time.perf_counter(), time.thread_time()
                    dynamics.run(steps // chunks)
                    wall += time.perf_counter() - began[0]
                    cpu += time.thread_time() - began[1]
                    kernels.append(self._alone(engine, atoms))
        done = steps // chunks * chunks
        self.wall, self.cpu, self.kernel = wall / done * 1e3, cpu / done * 1e3, float(np.median(kernels)) * 1e3  # ms
        self.split = {part: (t - before[part]) / wall for part, t in getattr(dynamics, "times", {}).items()}
        self.between = done / max(getattr(dynamics, "rebuilds", 0) - rebuilds, 1)

    @staticmethod
    def _alone(engine: Engine, atoms: Atoms) -> float:
        """Seconds of one evaluation whose list needs no rebuild."""
        structure = (atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)
        engine.evaluate(*structure, virials=True)
        times = []
        for _ in range(3):
            began = time.thread_time()
            engine.evaluate(*structure, virials=True)
            times.append(time.thread_time() - began)
        return min(times)


def line(label: str, timed: Timed) -> str:
    """A line of the table."""
    per_day = TIMESTEP / units.fs * 1e-6 / timed.wall * 1e3 * 86400
    inside = f"{1 / timed.split['kernel']:8.2f}" if timed.split else ""
    times = f"{timed.wall:9.3f}{per_day:9.1f}{timed.cpu:9.3f}{timed.kernel:9.3f}"
    return f"  {label:20}{times}{timed.cpu / timed.kernel:8.2f} {inside}"


def report(size: int, threads: int, options: argparse.Namespace) -> None:
    """Print the table of one size."""
    start = crystal(size, options.temperature, options.potential, threads, options.skin)
    print(f"\n{size} atoms, {threads} threads, {options.temperature:g} K, skin {options.skin:g} Å")
    print("                      wall, ms   ns/day  cpu, ms   kernel  ratios")
    for name, arguments in ensembles(options.temperature).items():
        if options.ensembles and name not in options.ensembles:
            continue
        theirs = VelocityVerlet if name == "VelocityVerlet" else getattr(nose_hoover_chain, name)
        ours = Timed(getattr(native, name), start, options.steps, options.chunks, options.skin, arguments)
        print(line(name, ours), flush=True)
        if not options.ours:
            reference = Timed(theirs, start, options.steps, options.chunks, options.skin, arguments)
            print(line("  ASE's", reference), flush=True)
        parts = ", ".join(f"{part} {share:.1%}" for part, share in ours.split.items() if share)
        print(f"    in the core: {parts}; a rebuild every {ours.between:.0f} steps")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--atoms", type=int, nargs="+", default=[2048, 12288], choices=sorted(CELLS))
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, default_threads()}))
    parser.add_argument("--ensembles", nargs="+", default=[], choices=sorted(ensembles(300)))
    parser.add_argument("--temperature", type=float, default=300.0, help="K")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--chunks", type=int, default=10, help="parts of the run, between which the kernel is timed")
    parser.add_argument("--skin", type=float, default=1.5, help="Å beyond the cutoff, of all neighbour lists")
    parser.add_argument("--potential", default="beta-lps")
    parser.add_argument("--ours", action="store_true", help="leave ASE's classes out")
    options = parser.parse_args()
    print(f"potential {load(options.potential)!r}")
    for size in options.atoms:
        for threads in options.threads:
            report(size, threads, options)


if __name__ == "__main__":
    main()
