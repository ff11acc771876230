"""``betalps study``: lithium diffusion against temperature, with a report."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from betalps.cli.progress import show_progress
from betalps.studies import (
    RegionAnalyses,
    StudyConfig,
    System,
    analyse_study,
    build_melts,
    build_systems,
    choose_engines,
    diffusion_study,
    estimate_cost,
    steps_done,
)
from betalps.typing import Json

QUICK: dict[str, Any] = {
    "temperatures": (600.0, 700.0, 800.0),
    "supercell": (1, 2, 2),
    "equilibration": 2.0,
    "production": 80.0,
    "boundaries": ("Σ5[001]/(120)",),
    "boundary_temperatures": (700.0, 800.0),
    "boundary_production": 20.0,
    "glass_temperatures": (700.0, 800.0),
    "glass_scale": 0.02,
    "glass_production": 20.0,
}

_DESCRIPTION = """\
Runs molecular dynamics of β-Li3PS4 at several temperatures with a moment tensor potential: of the crystal, of its
glass, of a tilt and a twist boundary, and of an interface of glass and crystal. The glass is made once, melted and
quenched as in the reference study but --glass-scale times as long. From each run it takes the diffusion coefficient of
Li with its uncertainty, by region and direction; fits Arrhenius lines and carries them to room temperature. Writes to
the output folder:
  report.html     plots, tables and what to know before using the numbers; one file, opens anywhere
  results.json    every number with its unit and uncertainty, the settings, and where it came from
  analyses.json   structure, polyanions, rings, disorder, sites, diffusion at boundaries: by region
  600K/ ...       one folder per temperature: frames, thermodynamic log, checkpoint
  Sigma5-001-120/ one folder per grain boundary, with its temperatures; so for glass/ and amorphous-001/
  melt-001/       how the glass was made, and glass.extxyz
Stopped or killed at any moment, the same command goes on where it was. A temperature that is done is not
computed again, so temperatures can be added later.
"""

_EPILOG = """\
Examples:
  betalps study --quick
  betalps study --temperatures 600 700 800 900 --production 500 --output long
  betalps study --boundaries "Σ5[001]/(130)" "Σ13[001]/(150)" --boundary-atoms 2000
  betalps study --boundaries --glass-temperatures         the crystal alone
  betalps study --boundaries --interfaces "(120)" --glass-scale 1 --glass-atoms 1000
  betalps study --supercell 4 8 12 --boundaries --glass-temperatures    12,288 atoms: in LAMMPS, if it is installed
  betalps study --config study.toml --dry-run
where study.toml holds settings by the names of the options, with _ for -:
  temperatures = [600, 700, 800, 900]
  supercell = [2, 3, 4]
  frame_interval = 0.2
An option on the command line goes before the file, the file before --quick, --quick before the defaults.
"""

# What each setting is for: (metavar, help). Type and default are StudyConfig's.
_SETTINGS: dict[str, tuple[str | tuple[str, ...], str]] = {
    "temperatures": ("K", "one run at each; three that show diffusion make an Arrhenius line"),
    "supercell": (
        ("A", "B", "C"),
        "repeats of the 32-atom cell (13.1 × 8.1 × 6.3 Å); more atoms, better averages, higher cost",
    ),
    "ordering": ("NAME", "which sites Li fills at the start: 4b4 is the published structure"),
    "boundaries": ("NAME", "grain boundaries beside the crystal, such as 'Σ5[001]/(120)'; may be none"),
    "boundary_temperatures": ("K", "one run of each boundary at each"),
    "boundary_atoms": ("N", "least size of their cells"),
    "boundary_area": ("A2", "largest common cell of the grains of a twist, Å²"),
    "boundary_production": ("PS", "time analysed of each of their runs"),
    "glass_temperatures": ("K", "one run of the glass and of each interface at each; none: neither of them"),
    "interfaces": ("PLANE", "of the crystal, that glass is put on, such as '(120)'; may be none"),
    "glass_atoms": ("N", "least size of the glass; its interface has twice that"),
    "glass_scale": ("X", "factor of the reference study's times for melting and quenching: 0.1 cools 10 times as fast"),
    "glass_production": ("PS", "time analysed of each run of the glass and its interfaces"),
    "potential": ("NAME|FILE", "a bundled potential (see: betalps potentials) or a .almtp or .mtp file"),
    "ensemble": ("NAME", "npt: the cell expands with the temperature, as in the reference study; nvt: it is fixed"),
    "free": ("WHAT", "of the cell under npt: isotropic, cell (lengths and angles), or axes such as xyz"),
    "pressure": ("GPA", "under npt"),
    "equilibration": ("PS", "time to forget the perfect crystal; not analysed"),
    "production": ("PS", "time analysed; the error of D falls with its square root"),
    "timestep": ("FS", "2 fs resolves the fastest vibration, P-S, of about 60 fs"),
    "thermostat_time": ("PS", "how fast the thermostat restores the mean kinetic energy"),
    "barostat_time": ("PS", "how fast the cell answers to its pressure"),
    "frame_interval": ("PS", "time between stored frames; shorter than a hop takes"),
    "target_temperature": ("K", "where the Arrhenius line is carried to"),
    "seed": ("N", "another seed gives an independent repetition"),
    "workers": ("N", "temperatures at the same time; as many as you have cores"),
    "threads": ("N", "threads per temperature; use more only if cores are left over"),
    "engine": ("NAME", "auto: LAMMPS for cells of 10,000 atoms and more, in process below; or lammps, native, ase"),
    "ranks": ("N", "MPI processes of each run in LAMMPS; by default the cores, shared by the workers"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("betalps-study"),
        help="output folder (%(default)s)",
    )
    parser.add_argument("--config", metavar="FILE", type=Path, help="settings from a TOML file")
    parser.add_argument(
        "--quick", action="store_true", help="a study of about a minute: small, short, large uncertainties"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the settings and what they will cost, and stop")
    parser.add_argument(
        "--no-analyses", action="store_true", help="diffusion alone: no structure, rings, disorder, sites by region"
    )
    group = parser.add_argument_group("settings")
    for field in dataclasses.fields(StudyConfig):
        metavar, text = _SETTINGS[field.name]
        default = field.default
        several = isinstance(default, tuple)
        shown = " ".join(map(_shown, default)) if isinstance(default, tuple) else default
        kind = int if default is None else type(default[0]) if isinstance(default, tuple) else type(default)
        group.add_argument(
            "--" + field.name.replace("_", "-"),
            dest=field.name,
            metavar=metavar,
            nargs=len(metavar) if isinstance(metavar, tuple) else "*" if several else None,
            type=kind,
            help=text if default is None else f"{text} ({shown})",
        )


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def run(arguments: argparse.Namespace) -> int:
    """Run the study, or say what it would cost."""
    config = configuration(arguments)
    if arguments.dry_run:
        _print_estimate(config, arguments.output)
        return 0
    done = steps_done(config, arguments.output)
    found = (*build_melts(config), *build_systems(config, arguments.output))
    steps = {(system.name, t): spec.steps for system in found for t, spec in system.specs.items()}
    _tell_engines(config, found, arguments.output)
    try:
        with show_progress(steps, done, config.timestep) as observer:
            results = diffusion_study(config, arguments.output, observer=observer)
    except KeyboardInterrupt:
        print(f"\nstopped; the same command goes on from {arguments.output}", file=sys.stderr)
        return 130
    from betalps.reports import write_report

    analyses = () if arguments.no_analyses else analyse_study(config, arguments.output, observer=_say)
    report = write_report(results, arguments.output / "report.html", analyses)
    _print_results(results, analyses)
    print(f"\nreport   {report}\nnumbers  {arguments.output / 'results.json'}")
    return 0


def _tell_engines(config: StudyConfig, systems: Sequence[System], folder: Path) -> None:
    """Say what goes to LAMMPS, and why a large cell does not."""
    from betalps.lammps.choosing import ATOMS_FOR_LAMMPS

    atoms = {system.name: len(system.atoms) for system in systems}
    told = {
        f"{name}: {choice} ({choice.reason})"
        for (name, _), choice in choose_engines(config, systems, folder).items()
        if choice.engine == "lammps" or atoms[name] >= ATOMS_FOR_LAMMPS
    }
    for line in sorted(told):
        print(line, file=sys.stderr)


def configuration(arguments: argparse.Namespace) -> StudyConfig:
    """Put the settings together: defaults, --quick, file, options.

    Raises
    ------
    ValueError
        For a file that is not TOML, an unknown setting, or a value out of range; names the file.
    """
    values: dict[str, Any] = dict(QUICK) if arguments.quick else {}
    if arguments.config is not None:
        try:
            values.update(tomllib.loads(arguments.config.read_text(encoding="utf-8")))
            StudyConfig.from_dict(values)
        except ValueError as error:  # a TOMLDecodeError is one too
            raise ValueError(f"{arguments.config}: {error}") from error
    options = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(StudyConfig)}
    values.update({name: value for name, value in options.items() if value is not None})
    return StudyConfig.from_dict(values)


def _say(what: str) -> None:
    print(f"analysing {what}", file=sys.stderr, flush=True)


def _print_estimate(config: StudyConfig, folder: Path) -> None:
    cost = estimate_cost(config, folder)
    for name, value in dataclasses.asdict(config).items():
        print(f"{name:20s} {' '.join(map(str, value)) if isinstance(value, tuple) else value}")
    print()
    for name, atoms in cost.atoms.items():
        steps = [count for (system, _), count in cost.steps.items() if system == name]
        print(f"{name}: {atoms} atoms, {steps[0]} steps at {_each(len(steps))}, {cost.engines[name]}")
    print(
        f"{cost.steps_to_do} steps are left to do; {1e3 * cost.seconds_per_step:.3f} ms per step of the crystal "
        f"measured now: about {_duration(cost.seconds)} with {config.workers} workers"
    )


def _each(count: int) -> str:
    return "one temperature" if count == 1 else f"each of {count} temperatures"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _print_results(results: Json, analyses: Sequence[RegionAnalyses]) -> None:
    from betalps.reports.study_lines import lines_of

    print("crystal")
    _print_runs(results)
    for entry in results["others"]:
        strain = f", {entry['system']['strain']:.1%} strain" if "strain" in entry["system"] else ""
        print(f"{entry['name']}, {entry['system']['atoms']} atoms{strain}")
        _print_runs(entry)
    kelvin = results["config"]["target_temperature"]
    print(f"\n{'line':<18} {'region':<12} {'direction':<11} {'E_a, eV':<13} sigma({kelvin:g} K), S/cm, 95 % interval")
    for line in lines_of(results, analyses):
        place = f"{line.system:<18} {line.region:<12} {line.direction:<11}"
        if line.arrhenius is None or line.conductivity is None:
            print(f"{place} {line.why}")
            continue
        found, sigma = line.arrhenius, line.conductivity
        energy = f"{found['activation_energy']:.3f} ± {found['activation_energy_error']:.3f}"
        how = " extrapolated" if found["extrapolated"] else ""
        print(f"{place} {energy} {_with_interval(sigma['conductivity'], sigma['interval'])}{how}")


def _print_runs(system: Json) -> None:
    print(f"{'T, K':>6}  {'D, cm²/s':>10}  95 % interval")
    for entry in system["runs"]:
        found = entry["diffusion"]["total"]
        if found["resolved"]:
            low, high = found["interval_cm2_per_s"]
            value, spread = f"{found['diffusivity_cm2_per_s']:.2e}", f"{low:.1e} to {high:.1e}"
        else:
            value, spread = "unresolved", f"below {found['upper_bound_cm2_per_s']:.1e}"
        print(f"{entry['temperature_K']:6g}  {value:>10}  {spread}")
    for entry in system["failed"]:
        print(f"{entry['temperature_K']:6g}  {'failed':>10}  {entry['why']}")


def _with_interval(value: float, interval: list[float]) -> str:
    return f"{value:.1e} ({interval[0]:.1e} to {interval[1]:.1e})"
