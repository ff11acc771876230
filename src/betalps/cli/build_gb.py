"""``betalps build gb``: grain boundaries."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from betalps.cli.build_files import (
    add_crystal_options,
    add_output_options,
    add_size_options,
    check_output,
    crystal_of,
    size_of,
    write_all,
)

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.structures import Size

_EPILOG = """\
Examples, what there is:
  betalps build gb --list                          the boundaries of the reference study
  betalps build gb --plane 120 --list              where (120) can be cut, and its twists
  betalps build gb --plane 100 --angle 36 --list all --picture candidates.png
Build:
  betalps build gb --name "Σ5[001]/(120)" --atoms 10000 --separation 30 --lateral 25 --output gb.extxyz gb.data
  betalps build gb --plane "-2 5 0" --picture gb.png --output gb.cif
  betalps build gb --plane 100 --angle 36.87 --output twist.extxyz
  betalps build gb --plane 100 --candidate 5 --output twist.extxyz
  betalps build gb --plane 120 --plane-b 001 --max-strain 0.03 --output asymmetric.extxyz
  betalps build gb --crystal my.cif --plane 111 --slab 15 --output slab.extxyz
  betalps build gb --reference-study all --output boundaries/
Energies, in J/m²:
  betalps build gb --plane 120 --scan 1.0 --relax --potential mine.almtp --output relaxed.extxyz
  betalps build gb --reference-study all --energy --potential mine.almtp --atoms 1 --lateral 0 --output boundaries/
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the kind."""
    parser.epilog = _EPILOG
    _add_which(parser.add_argument_group("which boundary").add_argument)
    add_crystal_options(parser)
    add_size_options(parser)
    _add_how(parser.add_argument_group("how it is put together: by default what needs the least gaps").add_argument)
    _add_energy(parser.add_argument_group("energy").add_argument)
    add_output_options(parser)
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw it, or the list (.png, .svg, .pdf)")
    parser.add_argument(
        "--list",
        nargs="?",
        const="best",
        choices=("best", "all"),
        help="show what could be built instead: of the twists those that no other of about this angle beats, or all",
    )


def _add_which(add: Callable[..., Any]) -> None:
    add("--name", metavar="NAME", help='as in the literature: "Σ5[001]/(120)", or S5[001]/(120)')
    add(
        "--setting",
        choices=("crystal", "sorted"),
        default="crystal",
        help="what the indices of --name refer to: the crystal's axes, or these from shortest to longest (%(default)s)",
    )
    add("--plane", metavar="HKL", help="120, (1 2 0) or -2,5,0: alone a symmetric tilt")
    add("--axis", metavar="UVW", help="tilt axis in the plane, for which the angle is to be stated")
    add("--angle", type=float, metavar="°", help="a twist: the least strained near this angle")
    add("--candidate", type=int, metavar="#", help="a twist or an asymmetric boundary: its number in --list")
    add("--plane-b", metavar="HKL", help="an asymmetric boundary: plane of the upper grain")
    add("--crystal-b", metavar="NAME|FILE", help="the upper grain's crystal, if it is another")
    add("--max-strain", type=float, default=0.05, metavar="X", help="of candidates (%(default)s)")
    add("--max-area", type=float, default=1600.0, metavar="Å²", help="of candidates (%(default)s)")
    add("--tolerance", type=float, default=3.0, metavar="°", help="how near to --angle (%(default)s)")
    add("--share", choices=("both", "a", "b"), default="both", help="which grain is strained (%(default)s)")
    add(
        "--reference-study",
        metavar="NAME|all",
        help="a boundary of the study, at its size; all go to the folder --output",
    )


def _add_how(add: Callable[..., Any]) -> None:
    add("--termination", type=float, nargs="+", metavar="X", help="where to cut, in spacings; for both or for each")
    add("--translation", type=float, nargs=2, metavar=("X", "Y"), help="of the upper grain, in fractions")
    add("--gap", type=float, nargs="+", metavar="Å", help="at both boundaries or at each")
    add("--contact", type=float, metavar="X", help="fraction of the crystal's shortest contacts to keep (0.9)")
    add("--overlaps", choices=("keep", "remove"), help="where --gap is too small: remove neutral groups")
    add("--lattice-planes", type=int, nargs="+", metavar="N", help="thickness of both grains or of each")
    add("--repeats", type=int, nargs=2, metavar=("A", "B"), help="of the boundary's cell")
    add("--slab", type=float, metavar="Å", help="one boundary, with so much vacuum on either side")


def _add_energy(add: Callable[..., Any]) -> None:
    add("--energy", action="store_true", help="relax and print γ; the files hold the structure as built")
    add("--relax", action="store_true", help="as --energy, and the files hold the relaxed structure")
    add("--scan", type=float, metavar="Å", help="choose the translation by the energy on a grid of this step")
    add("--potential", default="beta-lps", metavar="NAME|FILE", help="(%(default)s)")
    add("--fmax", type=float, default=0.02, metavar="eV/Å", help="force that ends the relaxation (%(default)s)")
    add("--steps", type=int, default=1000, metavar="N", help="of relaxation, at most (%(default)s)")
    add("--threads", type=int, metavar="N", help="by default all cores")


def run(arguments: argparse.Namespace) -> int:
    """List or build; status 1 if a relaxation did not converge."""
    _check(arguments)
    crystal = crystal_of(arguments.crystal, arguments.ordering)
    if arguments.list:
        from betalps.cli.build_list import print_list

        print_list(crystal, _upper(arguments, crystal), arguments)
        return 0
    if arguments.reference_study == "all":
        from betalps.cli.build_study import build_study

        return build_study(crystal, arguments, size_of(arguments, _study_size()))
    check_output(arguments.output, arguments.types)
    return _build_one(crystal, arguments)


def _build_one(crystal: Atoms, arguments: argparse.Namespace) -> int:
    from betalps.reports.boundary_table import boundary_table, boundary_title
    from betalps.structures import boundary_record

    build = builder(crystal, arguments)
    options = assembly_options(arguments)
    if arguments.scan is not None:
        from betalps.cli.build_energy import scanned

        options |= scanned(build, options, arguments)
    atoms = build(**options)
    print(boundary_table(atoms))
    converged = True
    if arguments.energy or arguments.relax:
        from betalps.cli.build_energy import find_energy, print_energy

        found = find_energy(atoms, [crystal, _upper(arguments, crystal)], arguments)
        print_energy(found)
        converged = found.converged
        if arguments.relax:
            atoms = found.atoms
    record = boundary_record(atoms)
    write_all(atoms, arguments, f"{boundary_title(record)}, {record['kind']}")
    if arguments.picture is not None:
        draw(atoms, arguments.picture)
    return 0 if converged else 1


def builder(crystal: Atoms, arguments: argparse.Namespace) -> Callable[..., Atoms]:
    """The function that builds what was asked for; it takes the options of the assembly."""
    from functools import partial

    from betalps import structures

    matching = {name: getattr(arguments, name) for name in ("max_strain", "max_area", "tolerance", "share")}
    chosen = {name: getattr(arguments, name) for name in ("angle", "candidate") if getattr(arguments, name) is not None}
    name = arguments.reference_study or arguments.name
    if arguments.reference_study is not None:
        return partial(_of_the_study, name, crystal)
    if name is not None:
        twisted = structures.parse_name(name).kind == "twist"
        if chosen and not twisted:
            raise ValueError(f"--angle and --candidate are for twists: {name} is none")
        return partial(structures.boundary, name, crystal, arguments.setting, **(chosen | matching if twisted else {}))
    if arguments.plane_b is not None:
        upper = _upper(arguments, crystal)
        return partial(structures.asymmetric, crystal, arguments.plane, upper, arguments.plane_b, **chosen, **matching)
    if chosen:
        return partial(structures.twist, crystal, arguments.plane, **chosen, **matching)
    return partial(structures.tilt, crystal, arguments.plane, axis=arguments.axis)


def assembly_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was said of size, cuts, places and gaps, by the names of `Assembly`."""
    default = None if arguments.reference_study is None else _study_size()
    options: dict[str, Any] = {"size": size_of(arguments, default)}
    for name, most in (("termination", 2), ("gap", 2), ("lattice_planes", 2)):
        given = getattr(arguments, name)
        if given is not None and len(given) > most:
            raise ValueError(f"--{name.replace('_', '-')} {given}: expected one number, or two")
        if given is not None:
            options[name] = given[0] if len(given) == 1 else tuple(given)
    for name in ("translation", "repeats"):
        if getattr(arguments, name) is not None:
            options[name] = tuple(getattr(arguments, name))
    for name in ("contact", "overlaps"):
        if getattr(arguments, name) is not None:
            options[name] = getattr(arguments, name)
    if arguments.slab is not None:
        options["vacuum"] = arguments.slab
    return options


def draw(atoms: Atoms, path: Path) -> None:
    """Write a picture of a boundary."""
    from betalps.reports.structures import plot_boundary

    plot_boundary(atoms).savefig(path, dpi=150)
    print(f"{'drawn':<15} {path}")


def _of_the_study(name: str, crystal: Atoms, *, size: Size, **options: Any) -> Atoms:
    from betalps.structures import reference_study

    study = reference_study(crystal, size=size)
    if name not in study:
        raise ValueError(f"--reference-study {name}: expected all, or one of {', '.join(study)}")
    if options:
        given = ", ".join(f"--{option.replace('_', '-')}" for option in options)
        raise ValueError(f"--reference-study builds as the study did, save for the size: use --name with {given}")
    return study[name]()


def _study_size() -> Size:
    from betalps import structures

    return structures.REFERENCE_SIZE


def _upper(arguments: argparse.Namespace, crystal: Atoms) -> Atoms:
    return crystal if arguments.crystal_b is None else crystal_of(arguments.crystal_b, None)


def _check(arguments: argparse.Namespace) -> None:
    given = [name for name in ("name", "plane", "reference_study") if getattr(arguments, name) is not None]
    options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
    if len(given) > 1:
        raise ValueError(f"{options}: expected one of them")
    if not given and not arguments.list:
        raise ValueError("which boundary? Expected --plane, --name or --reference-study; --list shows what there is")
    for name in ("axis", "plane_b"):
        if getattr(arguments, name) is not None and arguments.plane is None:
            raise ValueError(f"--{name.replace('_', '-')} goes with --plane")
    if arguments.crystal_b is not None and arguments.plane_b is None:
        raise ValueError("--crystal-b goes with --plane-b")
    if arguments.axis is not None and any(
        getattr(arguments, name) is not None for name in ("angle", "candidate", "plane_b")
    ):
        raise ValueError("--axis is for symmetric tilts: the axis of a twist is its normal")
    if arguments.slab is not None and (arguments.energy or arguments.relax):
        raise ValueError("--slab has two surfaces, whose energy is not the boundary's: leave it out for an energy")
