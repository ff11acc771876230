"""Speed of the kernel: python benchmarks/kernel.py [--help]

Times energy, forces and virial of one structure per instruction set, precision and number of threads, from
positions with a neighbour list that carries a 1 Å skin (no rebuild), beside the C engine of motep in the same
process. Then the share of the processor's measured peak, the time split by stage, the cost of extrapolation
grades, and a whole step of ASE's VelocityVerlet. Without files it makes its own structure and random
potentials: `pip install '.[bench]'` brings motep; without it that column is empty.

Numbers are the minimum over repeated evaluations, and for the single-threaded ones of processor time: other
work on the machine lengthens both, never shortens them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.io import read
from ase.md.verlet import VelocityVerlet

from betalps import MTP, _core
from betalps.calculators import Engine
from betalps.calculators.engine import Precision, default_threads
from betalps.dynamics import thermal_momenta
from betalps.neighbors import neighbor_list
from betalps.potentials import Potential, load
from betalps.structures import beta_li3ps4

SPECIES = ("Li", "P", "S")


def crystal() -> Atoms:
    """1536 slightly rattled atoms of β-Li3PS4."""
    atoms = beta_li3ps4().repeat((3, 4, 4))
    atoms.rattle(0.05, rng=np.random.default_rng(1))
    return atoms


def best(function: Callable[[], object], seconds: float, clock: Callable[[], float]) -> float:
    """Shortest of repeated runs, in seconds."""
    function()
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = clock()
        function()
        times.append(clock() - start)
    return min(times)


def operations(potential: Potential, neighbours: float) -> float:
    """Floating-point operations per atom that the algorithm needs (an FMA is two), padding left out."""
    basics, products = potential.core.basics, potential.core.products
    ranks = [
        int(basics[basics[:, 0] == mu, 1:].sum(axis=1).max(initial=0)) for mu in range(potential.core.radial_count)
    ]
    pair = 30.0  # distance, unit vector, projection, virial
    for rank in ranks:
        sums = (rank + 1) ** 2
        pair += 4 * (potential.core.radial_size - 1) + 8  # radial function and slope
        pair += 2 * sums + (rank + 1) * (rank + 2) // 2  # monomials, with and without z
        pair += 4 * sums + 6 * (2 * rank + 1) + 12  # two polynomials with two derivatives each, by Horner's rule
    reads = np.unique(products[:, :2])
    inner = np.isin(products[:, 3], reads)
    terms = 3 * inner.sum() * 3 + 2 * 2 * (~inner).sum()
    return neighbours * pair + float(terms)


class Bench:
    """The structure, and what is measured on it."""

    def __init__(self, atoms: Atoms, seconds: float) -> None:
        self.atoms = atoms
        self.seconds = seconds
        self.structure = (atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)
        self.peaks = {
            (isa, precision): _core.measure_peak_flops(isa, precision)
            for isa in _core.available_isas()
            for precision in ("double", "mixed")
        }

    def ours(
        self, potential: Potential, isa: str, precision: Precision, threads: int, *, grades: bool = False
    ) -> float:
        """µs per atom."""
        engine = Engine(potential, threads=threads, precision=precision, isa=isa)
        clock = time.thread_time if threads == 1 else time.perf_counter
        run = lambda: engine.evaluate(*self.structure, virials=True, grades=grades)  # noqa: E731
        return best(run, self.seconds, clock) / len(self.atoms) * 1e6

    def motep(self, potential: Potential) -> float | None:
        """µs per atom of motep's C engine, its own Python around it included; None without motep."""
        try:
            from motep.calculator import MTP as Motep
            from motep.io.mlip.mtp import read_mtp
        except ImportError:
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "potential.mtp"
            path.write_bytes(potential.to_bytes("mtp"))
            data = read_mtp(path)
        data.species = [int(z) for z in Atoms(potential.species).numbers]
        calc = Motep(data, engine="cext")
        calc.calculate(self.atoms)
        reference = Engine(potential, threads=1).evaluate(*self.structure)
        worst = np.abs(calc.results["forces"] - reference.forces).max()
        if worst > 1e-6:
            message = f"motep's forces differ from ours by {worst:.1e} eV/Å: not the same potential?"
            raise RuntimeError(message)
        return best(lambda: calc.calculate(self.atoms), self.seconds, time.thread_time) / len(self.atoms) * 1e6

    def stages(self, potential: Potential, isa: str) -> str:
        """The split of the time by stage, µs per atom."""
        engine = Engine(potential, threads=1, isa=isa)
        times = engine.profile(*self.structure, virials=True, repeats=20)
        return ", ".join(f"{name} {t / len(self.atoms) * 1e6:.3f}" for name, t in times.items() if t > 0)

    def verlet(self, potential: Potential, threads: int, steps: int = 200) -> tuple[float, float]:
        """ms per step of ASE's VelocityVerlet at 300 K, list rebuilds included, and of the kernel in it."""
        atoms = self.atoms.copy()
        atoms.calc = MTP(potential, threads=threads)
        atoms.set_momenta(thermal_momenta(atoms, 300, np.random.default_rng(0)))
        dynamics = VelocityVerlet(atoms, 2 * units.fs)
        dynamics.run(50)
        engine = atoms.calc.engine
        chunks, kernels = [], []
        for _ in range(10):
            start = time.perf_counter()
            dynamics.run(steps // 10)
            chunks.append((time.perf_counter() - start) / (steps // 10))
            structure = (atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)
            kernels.append(best(lambda s=structure: engine.evaluate(*s, virials=True), 0.02, time.perf_counter))
        return float(np.median(chunks)) * 1e3, float(np.median(kernels)) * 1e3


def with_active_set(potential: Potential) -> Potential:
    """The potential with an active set that serves for timing: a random well-conditioned matrix."""
    n = potential.coeffs_count
    matrix = np.linalg.qr(np.random.default_rng(0).normal(size=(n, n)))[0]
    active_set = _core.ActiveSet(
        matrix=matrix,
        inverse_transpose=np.linalg.inv(matrix).T,
        configuration=np.zeros(n, np.int32),
        equation=np.zeros(n, np.int32),
    )
    return Potential(potential.core.replaced(active_set=active_set), potential.species)


def report(bench: Bench, potential: Potential, label: str, neighbours: float, threads: list[int]) -> None:
    """Print the table of one potential."""
    theirs = bench.motep(potential)
    flops = operations(potential, neighbours)
    print(f"\n{label}: {flops / 1e3:.1f} kflop per atom; motep (C engine): ", end="")
    print("not installed" if theirs is None else f"{theirs:.1f} µs per atom")
    print("  isa       precision  threads  µs/atom  of peak  motep / ours")
    for isa in _core.available_isas():
        for precision in ("double", "mixed"):
            for count in threads if isa == _core.available_isas()[-1] else [1]:
                t = bench.ours(potential, isa, precision, count)
                share = flops / t * 1e6 / bench.peaks[isa, precision] / count
                ratio = "" if theirs is None else f"{theirs / t:6.0f}"
                print(f"  {isa:9} {precision:9} {count:8} {t:8.3f} {share:8.0%}  {ratio}", flush=True)
    for isa in _core.available_isas():
        print(f"  stages, {isa}: {bench.stages(potential, isa)}")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structure", help="structure file of Li, P and S (default: 1536 atoms of β-Li3PS4)")
    parser.add_argument(
        "--levels", type=int, nargs="+", default=[8, 14, 16, 20], help="levels of the random potentials"
    )
    parser.add_argument("--potential", nargs="+", default=[], help=".almtp files (types Li, P, S) to time instead")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, default_threads()}))
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each number")
    options = parser.parse_args()

    atoms = read(options.structure) if options.structure else crystal()
    bench = Bench(atoms, options.seconds)
    files = {Path(p).name: Potential.read(p, species=SPECIES) for p in options.potential}
    made = {
        f"level {level}": Potential.from_level(level, SPECIES, cutoff=5.0, min_dist=1.7, rng=level)
        for level in options.levels
    }
    potentials = files or made
    neighbours = len(neighbor_list(atoms, next(iter(potentials.values())).cutoff).i) / len(atoms)
    print(f"{len(atoms)} atoms, {neighbours:.2f} neighbours per atom, {os.cpu_count()} cores")
    for isa in _core.available_isas():
        peaks = " / ".join(f"{bench.peaks[isa, p] / 1e9:.1f}" for p in ("double", "mixed"))
        print(f"peak of one core, {isa}: {peaks} Gflop/s (double / single)")
    for label, potential in potentials.items():
        report(bench, potential, label, neighbours, options.threads)

    level14 = made.get("level 14")
    if level14 is not None and not files:
        graded = with_active_set(level14)
        isa = _core.available_isas()[-1]
        plain, watched = (bench.ours(graded, isa, "double", 1, grades=g) for g in (False, True))
        extra = watched - plain
        print(
            f"\nextrapolation grade, level 14: {extra:.2f} µs per atom more; "
            f"every 10 steps {extra / plain / 10:.0%}, every 50 steps {extra / plain / 50:.0%} more per run"
        )
        for count in options.threads:
            step, kernel = Bench(crystal(), 0).verlet(load("beta-lps"), count)
            print(
                f"VelocityVerlet, {count} threads: {step:.2f} ms per step, kernel {kernel:.2f} ms, "
                f"ratio {step / kernel:.2f}"
            )


if __name__ == "__main__":
    main()
