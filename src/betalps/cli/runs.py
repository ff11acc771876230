"""What the verbs that run molecular dynamics share: options, progress, cost, and the run itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.dynamics import Progress, RunResult
    from betalps.lammps import EngineChoice
    from betalps.protocols import RunSpec

_LINES = 20  # of progress, where there is no terminal

# Settings of a run that every verb offers: (type, metavar, help). Defaults are RunSpec's.
_OPTIONS: dict[str, tuple[Callable[[str], Any], str, str]] = {
    "potential": (str, "NAME|FILE", "a bundled potential (see: betalps potentials) or a .almtp or .mtp file"),
    "timestep": (float, "FS", "2 fs resolves the fastest vibration, P-S, of about 60 fs"),
    "thermostat_time": (float, "PS", "how fast the thermostat answers"),
    "barostat_time": (float, "PS", "how fast the cell answers to its pressure"),
    "frame_interval": (float, "PS", "time between stored frames"),
    "thermo_interval": (float, "PS", "time between lines of thermo.csv"),
    "checkpoint_interval": (float, "PS", "what a kill can cost at most"),
    "seed": (int, "N", "of the velocities: another seed gives an independent repetition"),
    "velocities": (str, "HOW", "maxwell-boltzmann draws them, keep takes the structure's"),
    "engine": (str, "NAME", "native, ase or lammps; auto chooses by size: LAMMPS from 10,000 atoms on"),
    "ranks": (int, "N", "MPI processes of LAMMPS"),
    "threads": (int, "N", "threads in process; default: all cores"),
}


def add_run_options(parser: argparse.ArgumentParser, output: str) -> None:
    """Add the settings of a run, with where it goes and whether it is only counted."""
    from betalps.protocols import RunSpec

    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=Path(output), help="folder of the run (%(default)s)"
    )
    parser.add_argument("--dry-run", action="store_true", help="time some steps, print what the run costs, and stop")
    group = parser.add_argument_group("settings of the run")
    defaults = {field.name: field.default for field in fields(RunSpec)}
    for name, (kind, metavar, text) in _OPTIONS.items():
        shown = "" if defaults[name] is None else f" ({defaults[name]})"
        group.add_argument("--" + name.replace("_", "-"), type=kind, metavar=metavar, help=text + shown)
    group.add_argument(
        "--grade",
        nargs=2,
        type=float,
        metavar=("SELECT", "BREAK"),
        help="write structures with an extrapolation grade above SELECT to extrapolating.extxyz, end the run above "
        "BREAK (the study: 2 10); the potential needs an active set",
    )


def run_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that were given, by the names of `RunSpec`."""
    given = {name: getattr(arguments, name) for name in _OPTIONS}
    if arguments.grade is not None:
        given["grade"] = {"gamma_select": arguments.grade[0], "gamma_break": arguments.grade[1]}
    return {name: value for name, value in given.items() if value is not None}


def execute(spec: RunSpec, folder: Path, atoms: Atoms, *, dry_run: bool) -> int:
    """Run, or go on running; or say what it costs. Returns the exit status: 0; 1 if the run was stopped."""
    from betalps.lammps import choose_engine

    choice = choose_engine(spec, len(atoms), folder)
    if dry_run:
        _print_cost(spec, folder, atoms, choice)
        return 0
    print(f"{len(atoms)} atoms, {choice} ({choice.reason})", file=sys.stderr)
    try:
        with show_run(spec) as observer:
            result = _run(spec, folder, atoms, observer, choice)
    except KeyboardInterrupt:
        print(f"\nstopped; the same command goes on from {folder}", file=sys.stderr)
        return 130
    _print_result(spec, result)
    return 0 if result.stopped is None else 1


def _run(
    spec: RunSpec, folder: Path, atoms: Atoms, observer: Callable[[Progress], None], choice: EngineChoice
) -> RunResult:
    if choice.engine == "lammps":
        from betalps.lammps import run_lammps

        return run_lammps(spec, folder, atoms=atoms, ranks=choice.ranks, observers=[observer])
    from betalps.dynamics import run

    return run(spec, folder, atoms=atoms, observers=[observer])


def _print_cost(spec: RunSpec, folder: Path, atoms: Atoms, choice: EngineChoice) -> None:
    if choice.engine == "lammps":
        from betalps.lammps import estimate_lammps

        cost = estimate_lammps(spec, folder, atoms=atoms, ranks=choice.ranks)
    else:
        from betalps.dynamics import estimate_run

        cost = estimate_run(spec, folder, atoms=atoms)
    for stage in spec.stages:
        final = "" if stage.final_temperature is None else f" to {stage.final_temperature:g}"
        print(f"{stage.name:14s} {stage.ensemble} {stage.time:10g} ps  {stage.temperature:g}{final} K")
    per_day = 86400 / cost.seconds_per_step * spec.timestep * 1e-6
    print(
        f"\n{cost.atoms} atoms, {cost.steps} steps of {spec.timestep:g} fs ({1e-3 * spec.time:.4g} ns); "
        f"{cost.steps_to_do} steps are left to do\n"
        f"{cost.microseconds_per_atom:.2f} µs per atom and step measured now ({cost.engine}, {per_day:.3g} ns/day): "
        f"about {duration(cost.seconds)}\n"
        f"{cost.frames} frames: {1e-9 * cost.bytes_on_disk:.2g} GB on disk with the log"
    )


def _print_result(spec: RunSpec, result: RunResult) -> None:
    from betalps.dynamics import read_thermo
    from betalps.units import GRAM_PER_CM3_PER_U_PER_ANGSTROM3

    log = read_thermo(result.folder)
    production = [number for number, stage in enumerate(spec.stages, start=1) if stage.production]
    late = [stage in production for stage in log["stage"]]
    if any(late):
        volume = log["volume_A3"][late].mean()
        density = result.atoms.get_masses().sum() / volume * GRAM_PER_CM3_PER_U_PER_ANGSTROM3
        print(
            f"production  {log['temperature_K'][late].mean():.1f} K, {log['pressure_GPa'][late].mean():+.3f} GPa, "
            f"{volume:.1f} Å³, {density:.3f} g/cm³ on average"
        )
    print(f"trajectory  {result.folder / 'trajectory'}\nlog         {result.folder / 'thermo.csv'}")
    if result.stopped is not None:
        print(
            f"betalps: stopped after {result.step} of {result.steps} steps: {result.stopped.message}", file=sys.stderr
        )


def duration(seconds: float) -> str:
    """A time that a person can take in."""
    if seconds == float("inf"):
        return "unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{minutes:.0f} min"
    hours = minutes / 60
    return f"{hours:.1f} h" if hours < 72 else f"{hours / 24:.1f} days"


@contextmanager
def show_run(spec: RunSpec) -> Iterator[Callable[[Progress], None]]:
    """Give an observer that shows how far a run is: a bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from tqdm import tqdm

    with tqdm(
        total=spec.time,
        unit="ps",
        bar_format="{percentage:3.0f} %|{bar:20}| {elapsed}{postfix}",
        file=sys.stderr,
        dynamic_ncols=True,
    ) as bar:

        def show(progress: Progress) -> None:
            bar.update(max(0.0, progress.time - bar.n))
            bar.set_postfix_str(f"{_left(progress)} | {_state(progress)}", refresh=False)

        yield show


class _Lines:
    def __init__(self) -> None:
        self._told = -1

    def __call__(self, progress: Progress) -> None:
        part = _LINES * progress.step // max(progress.steps, 1)
        if part > self._told:
            self._told = part
            percent = 100 * progress.step // max(progress.steps, 1)
            print(f"{percent:3d} % {_state(progress)}; {_left(progress)}", file=sys.stderr, flush=True)


def _left(progress: Progress) -> str:
    if not progress.ns_per_day:
        return "starting"
    return f"{duration(progress.seconds_left)} left, {progress.ns_per_day:.1f} ns/day"


def _state(progress: Progress) -> str:
    grade = "" if progress.grade is None else f", grade {progress.grade:.2g}"
    return (
        f"{progress.stage}: {progress.time:.4g} ps, {progress.temperature:.0f} K (target {progress.target:.0f}), "
        f"{progress.volume:.0f} Å³{grade}"
    )
