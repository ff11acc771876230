"""``betalps build interface``: a glass on a crystal."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.cli.build_files import (
    add_crystal_options,
    add_output_options,
    add_size_options,
    check_output,
    crystal_of,
    read_structure,
    size_of,
    write_all,
)

if TYPE_CHECKING:
    from ase import Atoms

_EPILOG = """\
A glass fits without strain if it was melted in the crystal's own lateral cell, its height alone free:
  betalps build interface --plane 120 --atoms 10000 --melt --output to-melt.extxyz
  (melt and quench to-melt.extxyz, the in-plane cell fixed; the last frame is glass.extxyz)
  betalps build interface --plane 120 --glass glass.extxyz --output interface.extxyz --picture interface.png
Without a glass, from units packed at random, which were never relaxed:
  betalps build interface --plane 120 --packed 1 --output start.extxyz
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the kind."""
    parser.epilog = _EPILOG
    parser.add_argument("--plane", metavar="HKL", required=True, help="of the crystal: 120, (1 2 0) or -2,5,0")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--glass", type=Path, metavar="FILE", help="its last frame")
    source.add_argument("--packed", type=int, metavar="SEED", help="pack the crystal's units at random")
    source.add_argument("--melt", action="store_true", help="build the cell to melt instead of an interface")
    add_crystal_options(parser)
    add_size_options(parser)
    parser.add_argument("--gap", type=float, default=2.0, metavar="Å", help="between crystal and glass (%(default)s)")
    parser.add_argument("--contact", type=float, default=0.9, metavar="X", help="of the contacts to keep (%(default)s)")
    parser.add_argument("--max-strain", type=float, metavar="X", help="of the glass, to fit the crystal (0.001)")
    add_output_options(parser)
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw it (.png, .svg, .pdf)")


def run(arguments: argparse.Namespace) -> int:
    """Build, describe, write."""
    from betalps.cli.build_gb import draw
    from betalps.reports.boundary_table import boundary_table

    check_output(arguments.output, arguments.types)
    if arguments.glass is not None and any(
        getattr(arguments, name) is not None for name in ("atoms", "separation", "lateral")
    ):
        raise ValueError("--atoms, --separation and --lateral go with --packed or --melt: a glass has its size")
    if arguments.melt and arguments.picture is not None:
        raise ValueError("--picture is of an interface: expected none with --melt")
    crystal = crystal_of(arguments.crystal, arguments.ordering)
    atoms = _build(crystal, arguments)
    if arguments.melt:
        lengths = " × ".join(f"{length:.2f}" for length in atoms.cell.lengths())
        print(f"{'to melt':<15} {len(atoms)} atoms, {lengths} Å; keep the first two cell vectors as they are")
    else:
        print(boundary_table(atoms))
    write_all(atoms, arguments, f"({arguments.plane.strip('()')}) " + ("to melt" if arguments.melt else "interface"))
    if arguments.picture is not None:
        draw(atoms, arguments.picture)
    return 0


def _build(crystal: Atoms, arguments: argparse.Namespace) -> Atoms:
    from betalps import structures

    if arguments.melt:
        return structures.glass_cell(crystal, arguments.plane, size=size_of(arguments))
    if arguments.packed is not None:
        return structures.packed_interface(
            crystal, arguments.plane, arguments.packed, size=size_of(arguments), contact=arguments.contact
        )
    strain = {} if arguments.max_strain is None else {"max_strain": arguments.max_strain}
    return structures.amorphous_crystal(
        read_structure(arguments.glass),
        crystal,
        arguments.plane,
        gap=arguments.gap,
        contact=arguments.contact,
        **strain,
    )
