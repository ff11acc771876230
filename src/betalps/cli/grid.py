"""``betalps grid``: which level and cutoff to use."""

from __future__ import annotations

import argparse
import json
import math
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.cli.frames import add_keys_option, read_frames
from betalps.cli.train import add_search_arguments, weights_and_settings

if TYPE_CHECKING:
    from betalps.training import GridPoint, GridResult

_DESCRIPTION = """\
Fits a potential for every combination of level and cutoff on the same split of the data, measures what each
costs on this machine, and recommends one. Writes to the output folder:
  grid.json            errors and costs of all points
  grid.svg, cost.svg   heat maps of the errors; errors against cost
  level-…              each potential, and its numbers
Stopped or killed, the same command goes on; points that are done are not computed again.
"""

_EPILOG = """\
Examples:
  betalps grid --data labelled.extxyz --levels 8 12 14 --cutoffs 4 5 6 --starts 1 --workers 2
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    add = parser.add_argument
    add("--data", metavar="FILE", type=Path, nargs="+", required=True, help="extxyz, MLIP .cfg, or what ASE reads")
    held = parser.add_mutually_exclusive_group()
    held.add_argument("--valid", metavar="FILE", type=Path, nargs="+", help="held-out structures")
    held.add_argument("--valid-fraction", metavar="X", type=float, default=0.1, help="of --data (%(default)s)")
    add("--output", metavar="DIR", type=Path, default=Path("betalps-grid"), help="folder (%(default)s)")
    add("--levels", metavar="L", type=int, nargs="+", help="(8 12 14 16 18 20)")
    add("--cutoffs", metavar="Å", type=float, nargs="+", help="(4 5 6 7)")
    add("--radial-sizes", metavar="N", type=int, nargs="+", default=[8], help="radial basis functions (8)")
    add("--species", metavar="X", nargs="+", help="symbols of the types of .cfg files")
    add_keys_option(parser)
    add_search_arguments(parser)
    rule = parser.add_argument_group("recommendation")
    rule.add_argument("--tolerance", metavar="X", type=float, default=0.25, help="errors above the best (%(default)s)")
    rule.add_argument("--budget", metavar="µs", type=float, help="largest cost per atom")
    add("--seed", type=int, default=0, help="of the split and the fits (%(default)s)")
    add("--workers", metavar="N", type=int, default=1, help="fits at the same time (%(default)s)")
    add("--threads", metavar="N", type=int, default=1, help="of each fit (%(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Run the grid, write it, and print table and recommendation."""
    from betalps.files import write_atomic
    from betalps.training import CUTOFFS, LEVELS, grid_search, recommend

    for name in ("workers", "threads"):
        if getattr(arguments, name) < 1:
            raise ValueError(f"--{name} is {getattr(arguments, name)}; expected at least 1")
    weights, settings = weights_and_settings(arguments)
    folder: Path = arguments.output
    with ExitStack() as stack:
        executor = None
        if arguments.workers > 1:
            from betalps.workers import process_pool

            executor = stack.enter_context(process_pool(arguments.workers))
        result = grid_search(
            read_frames(arguments.data, arguments.species, arguments.keys),
            levels=arguments.levels or LEVELS,
            cutoffs=arguments.cutoffs or CUTOFFS,
            radial_sizes=arguments.radial_sizes,
            validation=read_frames(arguments.valid, arguments.species, arguments.keys)
            if arguments.valid
            else arguments.valid_fraction,
            weights=weights,
            settings=settings,
            seed=arguments.seed,
            threads=arguments.threads,
            executor=executor,
            folder=folder,
            observer=_tell,
        )
    write_atomic(folder / "grid.json", json.dumps(result.to_dict(), indent=1).encode())
    print(
        f"{'level':>5} {'cutoff':>6} {'basis':>5} {'meV/atom':>9} {'meV/Å':>8} {'GPa':>7} {'µs/atom':>8} {'fit s':>7}"
    )
    for point in result.points:
        print(_line(point))
    sys.stdout.flush()  # the table is there, whatever plots and recommendation have to say
    _draw(result, folder)
    advice = recommend(result, tolerance=arguments.tolerance, budget=arguments.budget)
    print(f"\n{advice.rule}\n{advice.reason}\n{folder / (advice.point.name + '.almtp')}")
    return 0


def _tell(point: GridPoint) -> None:
    errors = ((1e3 * point.force_mae, "meV/Å"), (1e3 * point.energy_mae, "meV/atom"), (point.stress_mae, "GPa"))
    error = next((f"{value:.4g} {unit}" for value, unit in errors if math.isfinite(value)), "no held-out labels")
    print(f"{point.name}: {point.failed or error}", file=sys.stderr, flush=True)


def _line(point: GridPoint) -> str:
    head = f"{point.level:5d} {point.cutoff:6g} {point.radial_size:5d}"
    if point.failed:
        return f"{head} {point.failed}"
    errors = (f"{1e3 * point.energy_mae:9.3g}", f"{1e3 * point.force_mae:8.4g}", f"{point.stress_mae:7.3g}")
    told = " ".join(f"{'-':>{len(error)}}" if error.strip() == "nan" else error for error in errors)  # no labels
    return f"{head} {told} {point.cost:8.2f} {point.fit_cpu_seconds:7.1f}"


def _draw(result: GridResult, folder: Path) -> None:
    from betalps.reports import plot_cost, plot_grid

    if any(point.complete for point in result.points):
        plot_grid(result).savefig(folder / "grid.svg")
        plot_cost(result).savefig(folder / "cost.svg")
