"""``betalps amorphize``: a glass by melting and quenching."""

from __future__ import annotations

import argparse
from pathlib import Path

from betalps.cli.pairs import numbers_by_name
from betalps.cli.runs import add_run_options, execute, run_options

_DESCRIPTION = """\
Melts a structure and quenches it to a glass, in the five stages of the reference study under constant pressure:
  heat      300 to 2000 K in 200 ps
  melt      2000 K for 400 ps
  cool      2000 to 300 K at 5 K/ps (340 ps)
  relax     300 K for 2 ns
  produce   300 K for 8 ns: these frames are stored
--scale makes all of them shorter alike (the cooling faster by as much), --scales single ones. The output folder holds
what betalps md writes; stopped or killed at any moment, the same command goes on.
"""

_EPILOG = """\
Examples:
  betalps amorphize --dry-run                               the study's run of 12,288 atoms: what it costs here
  betalps amorphize --supercell 1 2 2 --scale 0.001         11 ps of 128 atoms: to see it work
  betalps amorphize crystal.extxyz --scale 0.1 --scales produce=0.5 --output glass
A faster quench freezes more disorder in. Is the potential made for a melt? Its model card tells (betalps potentials),
and --grade 2 10 watches it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("structure", nargs="?", metavar="FILE", help="whatever ASE reads; by default β-Li3PS4")
    parser.add_argument(
        "--supercell",
        nargs=3,
        type=int,
        metavar=("A", "B", "C"),
        help="without a FILE: repeats of the 32-atom cell of β-Li3PS4 (4 8 12)",
    )
    protocol = parser.add_argument_group("the protocol")
    protocol.add_argument("--scale", type=float, default=1.0, metavar="X", help="multiplies all lengths (%(default)s)")
    protocol.add_argument(
        "--scales", nargs="+", default=[], metavar="STAGE=X", help="multiplies single lengths, on top of --scale"
    )
    protocol.add_argument("--initial", type=float, default=300.0, metavar="K", help="at the start (%(default)s)")
    protocol.add_argument("--melt", type=float, default=2000.0, metavar="K", help="of the melt (%(default)s)")
    protocol.add_argument("--final", type=float, default=300.0, metavar="K", help="of the glass (%(default)s)")
    protocol.add_argument("--cooling-rate", type=float, default=5.0, metavar="K/PS", help="at scale 1 (%(default)s)")
    protocol.add_argument("--pressure", type=float, default=0.0, metavar="GPA", help="(%(default)s)")
    protocol.add_argument(
        "--free",
        default="isotropic",
        metavar="WHAT",
        help="of the cell: isotropic, cell, or axes such as xyz; a melt holds no shape (%(default)s)",
    )
    add_run_options(parser, "betalps-glass")


def run(arguments: argparse.Namespace) -> int:
    """Run, or say what it would cost."""
    from betalps.dynamics import starting_structure
    from betalps.protocols import RunSpec, amorphization

    stages = amorphization(
        arguments.scale,
        scales=numbers_by_name("--scales", arguments.scales, "STAGE=NUMBER, such as produce=0.5"),
        initial=arguments.initial,
        melt=arguments.melt,
        final=arguments.final,
        cooling_rate=arguments.cooling_rate,
        pressure=arguments.pressure,
        free=arguments.free,
    )
    if arguments.structure is not None and arguments.supercell is not None:
        raise ValueError("--supercell is for β-Li3PS4; the structure is that of the file: give one of them")
    crystal = {"builder": "beta_li3ps4", "supercell": arguments.supercell or [4, 8, 12]}
    spec = RunSpec.from_dict({"stages": stages, "structure": arguments.structure or crystal, **run_options(arguments)})
    return execute(spec, arguments.output, starting_structure(spec, Path()), dry_run=arguments.dry_run)
