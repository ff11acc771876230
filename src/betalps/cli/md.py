"""``betalps md``: molecular dynamics of a structure, or of whatever a file describes."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import Any

from betalps.cli.runs import add_run_options, execute, run_options
from betalps.typing import Json

_DESCRIPTION = """\
Runs molecular dynamics of a structure under a moment tensor potential. Writes to the output folder:
  trajectory/      frames of the production; betalps.trajectories.open_trajectory reads them, betalps convert exports
  thermo.csv       step, time, stage, temperature, energies, volume, pressure, stress, extrapolation grade
  checkpoint.npz   the state: stopped or killed at any moment, the same command goes on bit for bit
  run.json         what the run is, and where it came from
A longer --time makes a finished run longer. The ensembles are NVE, NVT (Nosé-Hoover chain) and NPT
(Martyna-Tobias-Klein).
"""

_EPILOG = """\
Examples:
  betalps md cell.extxyz --temperature 600 --time 100                 NPT at zero pressure, volume free
  betalps md cell.extxyz --temperature 600 --time 100 --equilibration 10 --free xyz
  betalps md boundary.extxyz --temperature 300 --time 50 --free z     only the boundary's normal is free
  betalps md cell.extxyz --temperature 300 --final-temperature 900 --time 60 --ensemble nvt
  betalps md cell.extxyz --temperature 300 --time 1000 --dry-run      hours and GB, measured
  betalps md --config run.toml
where run.toml describes a run of several stages:
  structure = "cell.extxyz"        # beside this file; or { builder = "beta_li3ps4", supercell = [2, 3, 4] }
  frame_interval = 0.5             # any setting of the run, by its option's name, with _ for -
  grade = { every = 10, gamma_select = 2.0, gamma_break = 10.0 }
  [[stages]]
  name = "heat"
  time = 20.0
  temperature = 300
  final_temperature = 800
  production = false               # logged, but no frames
  [[stages]]
  name = "hold"
  time = 100.0
  temperature = 800
  ensemble = "npt"
  free = "xyz"
Instead of stages: protocol = { name = "amorphization", scale = 0.01 }. Options go before the file.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("structure", nargs="?", metavar="FILE", help="whatever ASE reads; FILE@3 takes frame 3")
    parser.add_argument("--config", metavar="TOML", type=Path, help="a run described in a file, see below")
    stage = parser.add_argument_group("one run, without a file")
    stage.add_argument("--temperature", type=float, metavar="K", help="target")
    stage.add_argument("--time", type=float, metavar="PS", help="length of the production")
    stage.add_argument("--equilibration", type=float, metavar="PS", help="before it, at the same temperature (0)")
    stage.add_argument("--final-temperature", type=float, metavar="K", help="go there linearly in the production")
    stage.add_argument("--ensemble", metavar="NAME", help="nve, nvt or npt (npt)")
    stage.add_argument("--pressure", type=float, metavar="GPA", help="under npt (0)")
    stage.add_argument(
        "--free", metavar="WHAT", help="of the cell under npt: isotropic, cell, or axes such as z or xyz (isotropic)"
    )
    add_run_options(parser, "betalps-md")


def run(arguments: argparse.Namespace) -> int:
    """Run, or say what it would cost."""
    from betalps.dynamics import starting_structure
    from betalps.protocols import RunSpec

    folder = Path()
    values: Json = {}
    if arguments.config is not None:
        folder = arguments.config.parent
        try:
            values = tomllib.loads(arguments.config.read_text(encoding="utf-8"))
            RunSpec.from_dict(values)
        except ValueError as error:  # a TOMLDecodeError is one too
            raise ValueError(f"{arguments.config}: {error}") from error
    given = run_options(arguments)
    if "grade" in given:
        given["grade"] = {**values.get("grade", {}), **given["grade"]}
    values.update(given)
    if arguments.structure is not None:
        values["structure"], folder = arguments.structure, Path()
    stages = _stages(arguments)
    if stages is not None:
        values.pop("protocol", None)
        values["stages"] = stages
    if "stages" not in values and "protocol" not in values:
        raise ValueError("say what to run: --temperature and --time, or --config (see betalps md --help)")
    if values.get("structure") is None:
        raise ValueError("say what to run: a structure file, or --config with a structure")
    spec = RunSpec.from_dict(values)
    return execute(spec, arguments.output, starting_structure(spec, folder), dry_run=arguments.dry_run)


def _stages(arguments: argparse.Namespace) -> list[Any] | None:
    """The stages that the options describe; None if they describe none."""
    from betalps.protocols import Stage

    names = ("temperature", "time", "final_temperature", "ensemble", "pressure", "free", "equilibration")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    if not given:
        return None
    missing = [f"--{name}" for name in ("temperature", "time") if name not in given]
    if missing:
        raise ValueError(f"--{next(iter(given)).replace('_', '-')} is given, but not {' and '.join(missing)}")
    equilibration = given.pop("equilibration", 0.0)
    produce = Stage(name="produce", **given)
    if equilibration == 0.0:
        return [produce]
    given.pop("final_temperature", None)
    return [Stage(**{**given, "name": "equilibrate", "time": equilibration, "production": False}), produce]
