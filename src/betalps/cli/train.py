"""``betalps train``: labelled structures in, a potential out."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from betalps.cli.frames import add_keys_option, numbering, read_sourced
from betalps.cli.pairs import numbers_by_name

if TYPE_CHECKING:
    from betalps.training import FitSettings, Iteration, TrainingResult, Weights

_DESCRIPTION = """\
Fits a moment tensor potential to energies, forces and stresses of labelled structures. Writes
  OUTPUT               the potential, for this program, MLIP-3 and LAMMPS
  OUTPUT's name .json  errors by property, species and group, every iteration, and where it all came from
Killed at any moment, the same command goes on where it was (OUTPUT.checkpoint, removed at the end).
"""

_EPILOG = """\
Examples:
  betalps train --level 14 --cutoff 5.0 --train a.extxyz --valid b.extxyz --output pot.almtp --threads 2 --seed 1
  betalps train --level 8 --train all.extxyz --valid-fraction 0.1 --groups temperature_K --plots figures
  betalps train --form old.almtp --warm-start --train more.extxyz --output new.almtp
  betalps train --train pbe.extxyz vdw.extxyz --sources PBE vdW --reference-source PBE --source-weights vdW=10
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    add = parser.add_argument
    add("--train", metavar="FILE", type=Path, nargs="+", required=True, help="extxyz, MLIP .cfg, or what ASE reads")
    held = parser.add_mutually_exclusive_group()
    held.add_argument("--valid", metavar="FILE", type=Path, nargs="+", help="held-out structures; say when to stop")
    held.add_argument("--valid-fraction", metavar="X", type=float, help="hold out this fraction of --train instead")
    add_keys_option(parser)
    add("--output", metavar="FILE", type=Path, default=Path("potential.almtp"), help="(%(default)s)")
    form = parser.add_argument_group("potential")
    form.add_argument("--level", type=int, default=14, help="2, 4, … 28: accuracy and cost (%(default)s)")
    form.add_argument("--cutoff", metavar="Å", type=float, default=5.0, help="(%(default)s)")
    form.add_argument("--min-dist", metavar="Å", type=float, help="by default 0.99 of the shortest in --train")
    form.add_argument("--radial-size", metavar="N", type=int, default=8, help="radial basis functions (%(default)s)")
    form.add_argument(
        "--species", metavar="X", nargs="+", help="symbols, in order; needed for .cfg files, or by --form"
    )
    form.add_argument("--form", metavar="FILE", type=Path, help="take all of these from a potential instead")
    form.add_argument("--warm-start", action="store_true", help="begin at the coefficients of --form")
    add_search_arguments(parser)
    several = parser.add_argument_group("labels of several sources")
    several.add_argument(
        "--sources", metavar="NAME", nargs="+", help="of each --train file, where its frames name none"
    )
    several.add_argument("--valid-sources", metavar="NAME", nargs="+", help="of each --valid file")
    several.add_argument("--reference-source", metavar="NAME", help="whose energy scale the potential gets")
    several.add_argument(
        "--source-weights", metavar="NAME=W", nargs="+", default=[], help="factors of the frames' weights by source"
    )
    add("--groups", metavar="KEY", nargs="+", default=[], help="info entries to report errors by")
    add("--plots", metavar="DIR", type=Path, help="write loss.svg and parity plots there")
    add("--seed", type=int, default=0, help="of everything random (%(default)s)")
    add("--threads", metavar="N", type=int, help="by default all cores")


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe weights and settings of the search, which ``betalps grid`` shares."""
    weights = parser.add_argument_group("weights")
    weights.add_argument("--energy-weight", metavar="W", type=float, default=1.0, help="1/eV² (%(default)s)")
    weights.add_argument("--force-weight", metavar="W", type=float, default=0.01, help="Å²/eV² (%(default)s)")
    weights.add_argument("--stress-weight", metavar="W", type=float, default=0.001, help="1/eV² (%(default)s)")
    weights.add_argument(
        "--force-scale", metavar="D", type=float, help="weigh a force F by D/(D + F²); 0.1 (eV/Å)² is a good value"
    )
    weights.add_argument(
        "--size-exponent", metavar="P", type=float, default=1.0, help="energy and stress by 1/atoms^P (%(default)s)"
    )
    search = parser.add_argument_group("search")
    search.add_argument(
        "--method",
        choices=["vplm", "bfgs", "instant"],
        default="vplm",
        help="instant: radial functions of a pair potential; bfgs: for comparison, begins anew if killed (%(default)s)",
    )
    search.add_argument("--starts", metavar="N", type=int, default=4, help="random starts (%(default)s)")
    search.add_argument(
        "--subset", metavar="N", type=_count_or_fraction, help="structures that starts are tried on; below 1: of all"
    )
    search.add_argument("--iterations", metavar="N", type=int, default=60, help="on all data, at most (%(default)s)")
    search.add_argument(
        "--ridges", metavar="X", type=float, nargs="+", help="regularisation; of several the best on held-out data"
    )


def _count_or_fraction(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def weights_and_settings(arguments: argparse.Namespace) -> tuple[Weights, FitSettings]:
    """What `add_search_arguments` asked for."""
    from betalps.training import FitSettings, Weights

    weights = Weights(
        energy=arguments.energy_weight,
        force=arguments.force_weight,
        stress=arguments.stress_weight,
        size_exponent=arguments.size_exponent,
        force_scale=arguments.force_scale,
    )
    ridges: dict[str, Any] = {} if arguments.ridges is None else {"ridges": tuple(arguments.ridges)}
    names = ("method", "starts", "subset", "iterations")
    return weights, FitSettings(**{name: getattr(arguments, name) for name in names}, **ridges)


def run(arguments: argparse.Namespace) -> int:
    """Train, write, and say how good it is."""
    from betalps.files import require_writable
    from betalps.potentials import Potential
    from betalps.training import Sources, fit

    weights, settings = weights_and_settings(arguments)
    output: Path = arguments.output
    if output.suffix == ".json":
        raise ValueError(f"--output {output}: the report of the fit gets this name; expected a potential's, .almtp")
    require_writable(output)
    if arguments.warm_start and arguments.form is None:
        raise ValueError("--warm-start needs --form, the potential to begin with")
    form = arguments.level if arguments.form is None else Potential.read(arguments.form, arguments.species)
    types = arguments.species if arguments.form is None else numbering(form)
    validation = arguments.valid_fraction
    if arguments.valid:
        validation = read_sourced(arguments.valid, types, arguments.valid_sources, "--valid-sources", arguments.keys)
    checkpoint = output.with_name(output.name + ".checkpoint")
    try:
        with Progress() as progress:
            result = fit(
                read_sourced(arguments.train, types, arguments.sources, "--sources", arguments.keys),
                form,
                validation=validation,
                species=arguments.species,
                cutoff=arguments.cutoff,
                min_dist=arguments.min_dist,
                radial_size=arguments.radial_size,
                weights=weights,
                settings=settings,
                sources=Sources(
                    reference=arguments.reference_source,
                    weights=numbers_by_name("--source-weights", arguments.source_weights, "NAME=W with a number W"),
                ),
                warm_start=arguments.warm_start,
                groups=arguments.groups,
                seed=arguments.seed,
                threads=arguments.threads,
                checkpoint=checkpoint,
                observer=progress,
            )
    except KeyboardInterrupt:
        kept = f"the same command goes on from {checkpoint}" if checkpoint.exists() else "nothing was begun"
        print(f"stopped; {kept}", file=sys.stderr)
        return 130
    _write(result, output, arguments.plots)
    checkpoint.unlink(missing_ok=True)
    _print(result, output)
    return 0


def _write(result: TrainingResult, output: Path, plots: Path | None) -> None:
    from betalps.files import write_atomic

    result.potential.write(output)
    text = json.dumps(result.to_dict(), indent=1, ensure_ascii=False)
    write_atomic(output.with_suffix(".json"), text.encode())
    if plots is None:
        return
    from betalps.reports import plot_loss, plot_parity

    plots.mkdir(parents=True, exist_ok=True)
    plot_loss(result).savefig(plots / "loss.svg")
    plot_parity(result.training, "training data").savefig(plots / "parity-training.svg")
    if result.held_out is not None:
        plot_parity(result.held_out, "held-out data").savefig(plots / "parity-held-out.svg")


def _print(result: TrainingResult, output: Path) -> None:
    from betalps.cli.error_table import error_table

    print(f"training data, loss {result.training.loss:.4g}\n{error_table(result.training)}")
    if result.held_out is not None:
        print(f"\nheld-out data, loss {result.held_out.loss:.4g}\n{error_table(result.held_out)}")
    for source, shifts in result.shifts.items():
        listed = ", ".join(f"{symbol} {shift:.4f}" for symbol, shift in shifts.items())
        print(f"\nenergies of {source} above those of {result.reference_source}, eV per atom: {listed}")
    for flag in result.flags:
        print(f"note: {flag}")
    print(f"\n{output}: {result.potential!r}, {result.cpu_seconds:.1f} s of processor time")


class Progress:
    """Tells iterations on stderr: on a terminal all of them on one line, elsewhere one every ten seconds."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._told = -float("inf")
        self._open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the line."""
        if self._open:
            print(file=sys.stderr)

    def __call__(self, iteration: Iteration) -> None:
        """Show it, or leave it out."""
        now = time.monotonic()
        if self._terminal:
            print(f"\r{self.text(iteration):110.110}", end="", file=sys.stderr, flush=True)
            self._open = True
        elif now - self._told > 10:
            print(self.text(iteration), file=sys.stderr, flush=True)
            self._told = now

    @staticmethod
    def text(iteration: Iteration) -> str:
        """One iteration in words."""
        words = f"{iteration.leg}, iteration {iteration.number}: loss {iteration.loss:.3e}"
        held = iteration.held_out
        if held:
            parts = [f"{held['loss']:.3e}"]
            parts += [f"{1e3 * held['energy_mae']:.3g} meV/atom"] if "energy_mae" in held else []
            parts += [f"{1e3 * held['force_mae']:.3g} meV/Å"] if "force_mae" in held else []
            words += f", held out {', '.join(parts)}"
        return f"{words}, {iteration.cpu_seconds:.1f} CPU s"
