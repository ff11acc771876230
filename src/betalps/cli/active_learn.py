"""``betalps active-learn``: the loop from labelled structures to a potential that no longer extrapolates."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.cli.learning_progress import show_learning
from betalps.cli.runs import duration

if TYPE_CHECKING:
    from betalps.active_learning import ActiveLearning, LoopConfig

_DESCRIPTION = """\
Takes labelled structures, structures to simulate, and a calculator that labels; gives a potential that no longer
extrapolates on them. Again and again: molecular dynamics of every structure at every temperature with the
extrapolation grade watched; what extrapolates is a candidate, and a run ends where it does so too far; MaxVol chooses
among all candidates; the calculator labels them; the potential is fitted again, from the last one, with a new active
set. It ends when no run breaks and nothing is chosen, or cleanly when the budget is spent; all labels are then fitted
once more from random starts, and the fit with the lower loss is taken. The folder then holds
  potential.almtp    the potential, with its active set
  new.extxyz.xz      all new labelled structures, with where each comes from
  report.html        grades against time, selections, errors of every iteration; rewritten as it goes
  results.json       the same as numbers
  labels/            every label, once; failures with their reasons
  iteration-01/ ...  runs, choice, labels and potential of each
Stopped or killed at any moment, the same command goes on where it was, and ends with the same potential.
"""

_EPILOG = """\
STUDY is a TOML file; its paths are relative to it. All but data and seeds have defaults (shown by --dry-run):
  data = ["start.extxyz.xz"]            # labelled structures to begin with
  test = ["boundaries.extxyz.xz"]       # never trained on; errors of every iteration
  seed = 1
  [[seeds]]                             # what is simulated
  name = "beta"
  structure = { builder = "beta_li3ps4", supercell = [1, 2, 2] }    # or a path
  temperatures = [300, 800, 1400, 2000]
  strains = [-0.05, 0.0, 0.05]
  [[seeds]]
  name = "tilt-130"
  structure = { builder = "tilt", crystal = { builder = "beta_li3ps4" }, plane = "(130)", size = { atoms = 150 } }
  temperatures = [300, 800, 2000]
  free = "xyz"
  [exploration]
  time = 20.0                           # ps of every run
  grade_interval = 10                   # steps
  gamma_select = 2.0
  gamma_break = [10.0, 5.0, 2.0]        # of the first, the second, and all later iterations
  workers = 2                           # runs side by side
  [selection]
  most = 60                             # new structures of an iteration
  largest = 256                         # atoms; of larger structures neighbourhoods are cut out
  spot_checks = 50                      # besides, drawn at random from the runs: where is the potential wrong?
  [labels]
  calculator = "sevennet"               # gpaw, vasp-single-point, mtp:NAME|FILE, MODULE:FUNCTION
  timeout = 3600.0                      # s
  [fit]
  level = 14
  cutoff = 5.0
  group_weights = { glass = 0.7 }
  finish = true                         # at the end once more from random starts
  [budget]
  labels = 1500
  hours = 24.0

Examples:
  betalps active-learn study.toml --dry-run
  betalps active-learn study.toml --output work
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("study", metavar="STUDY", type=Path, help="TOML file, see below")
    parser.add_argument("--output", metavar="DIR", type=Path, help="folder of the study (by default STUDY's name)")
    parser.add_argument("--dry-run", action="store_true", help="print the settings and what is run, and stop")


def run(arguments: argparse.Namespace) -> int:
    """Learn; status 0 if nothing extrapolates any more, 1 if it ended for another reason."""
    from betalps.active_learning import ActiveLearning
    from betalps.reports import write_learning_report

    config = configuration(arguments.study)
    folder: Path = arguments.output or Path(arguments.study.stem)
    if arguments.dry_run:
        _print_plan(config)
        return 0
    try:
        with show_learning() as observer:
            learning = ActiveLearning(config, folder, observer=observer)
            while not learning.finished:
                learning.step()
                write_learning_report(learning.results(), folder / "report.html")
    except KeyboardInterrupt:
        print(f"\nstopped; the same command goes on from {folder}", file=sys.stderr)
        return 130
    report = write_learning_report(learning.results(), folder / "report.html")
    _print_end(learning, report)
    return 0 if learning.finished.startswith("converged") else 1


def configuration(path: Path) -> LoopConfig:
    """Read a study.

    Raises
    ------
    ValueError
        The file is not TOML, or has a setting that is unknown or out of range; names the file.
    OSError
        It cannot be read.
    """
    from betalps.active_learning import LoopConfig

    text = path.read_text(encoding="utf-8")
    try:
        return LoopConfig.from_dict(tomllib.loads(text), path.parent)
    except ValueError as error:  # a TOMLDecodeError is one too
        raise ValueError(f"{path}: {error}") from error


def _print_plan(config: LoopConfig) -> None:
    from betalps.active_learning.loop.inputs import read_inputs

    inputs = read_inputs(config)
    for name, value in config.to_dict().items():
        if name == "seeds":
            continue
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for inner, entry in parts:
            print(f"{name + '.' + inner if inner else name:30s} {entry}")
    print(f"\n{len(inputs.data)} labelled structures to begin with")
    for name, frames in inputs.tests.items():
        print(f"{len(frames)} in the test set {name}")
    for start in inputs.starts:
        print(f"{start.name:30s} {len(start.atoms)} atoms")
    steps = sum((one.seed.time or config.exploration.time) + config.exploration.heating for one in inputs.starts)
    print(f"{len(inputs.starts)} runs in every iteration, {steps:g} ps together")


def _print_end(learning: ActiveLearning, report: Path) -> None:
    results, state = learning.results(), learning.state
    print(learning.finished)
    labelled = sum(entry["label"]["labelled"] for entry in results["iterations"] if "label" in entry)
    print(f"{labelled} of {state.labels} structures sent got a label, {duration(state.seconds)}")
    fits = [entry for entry in results["iterations"] if "fit" in entry]
    sets = list(dict.fromkeys(name for entry in fits for name in entry["fit"]["errors"]))
    print(f"{'iteration':>9}  {'frames':>6}  " + "  ".join(f"{name:>26}" for name in sets))
    for entry in fits:
        for name, record in ((entry["iteration"], entry["fit"]), ("anew", entry.get("finish"))):
            if record:
                errors = [_errors(record["errors"].get(which)) for which in sets]
                print(f"{name:>9}  {record['frames']:>6}  " + "  ".join(f"{text:>26}" for text in errors))
    for remark in results["remarks"]:
        print(f"note: {remark}")
    print(f"\npotential  {learning.folder / 'potential.almtp'}\nreport     {report}")


def _errors(found: dict[str, float] | None) -> str:
    return "" if found is None else f"{found['energy_mae']:.2f} meV/atom {found['force_mae']:.1f} meV/Å"
