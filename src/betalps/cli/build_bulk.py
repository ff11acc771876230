"""``betalps build bulk``: crystals."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from betalps.cli.build_files import (
    add_crystal_options,
    add_output_options,
    check_output,
    crystal_of,
    potential_factory,
    write_all,
)

if TYPE_CHECKING:
    from ase import Atoms

_EPILOG = """\
Examples:
  betalps build bulk --list
  betalps build bulk --ordering 4b3_4c1 --supercell 2 3 4 --output beta.extxyz beta.data
  betalps build bulk --random-lithium 7 --supercell 2 3 4 --output disordered.extxyz
  betalps build bulk --relax --potential mine.almtp --output own.extxyz
  betalps build gb --crystal own.extxyz --name "Σ5[001]/(120)" --energy --potential mine.almtp
The last two belong together: energies of boundaries want a crystal relaxed with the same potential.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the kind."""
    parser.epilog = _EPILOG
    parser.add_argument("--list", action="store_true", help="show the crystals and lithium orderings that come along")
    add_crystal_options(parser)
    parser.add_argument("--supercell", type=int, nargs=3, default=(1, 1, 1), metavar=("A", "B", "C"), help="(1 1 1)")
    parser.add_argument(
        "--random-lithium",
        type=int,
        metavar="SEED",
        help="fill the 4b and 4c sites of beta at random by their occupancies, none nearer than neighbours can be",
    )
    parser.add_argument("--relax", action="store_true", help="relax atoms and cell with --potential")
    parser.add_argument("--potential", default="beta-lps", metavar="NAME|FILE", help="(%(default)s)")
    parser.add_argument("--fmax", type=float, default=0.01, metavar="eV/Å", help="force that ends it (%(default)s)")
    parser.add_argument("--steps", type=int, default=1000, metavar="N", help="at most (%(default)s)")
    parser.add_argument("--threads", type=int, metavar="N", help="by default all cores")
    add_output_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Build, relax, write, describe; status 1 if a relaxation did not converge."""
    if arguments.list:
        _print_library()
        return 0
    check_output(arguments.output, arguments.types)
    atoms, converged = _build(arguments), True
    if arguments.relax:
        atoms, converged = _relaxed(atoms, arguments)
    _print(atoms)
    write_all(atoms, arguments, atoms.get_chemical_formula("metal"))
    return 0 if converged else 1


def _build(arguments: argparse.Namespace) -> Atoms:
    from betalps.structures import beta_li3ps4_sites, random_filling

    if arguments.random_lithium is None:
        cell = crystal_of(arguments.crystal, arguments.ordering)
        atoms: Atoms = cell.repeat(tuple(arguments.supercell))
        atoms.info |= {"supercell": list(arguments.supercell)}
        return atoms
    if arguments.crystal != "beta" or arguments.ordering is not None:
        raise ValueError("--random-lithium fills the sites of beta: expected neither --crystal nor --ordering with it")
    filled = random_filling(beta_li3ps4_sites(arguments.supercell), arguments.random_lithium)
    filled.info |= {"phase": "beta", "supercell": list(arguments.supercell), "lithium_seed": arguments.random_lithium}
    return filled


def _relaxed(atoms: Atoms, arguments: argparse.Namespace) -> tuple[Atoms, bool]:
    from betalps.analysis import Relaxation, relax

    how = Relaxation(fmax=arguments.fmax, steps=arguments.steps)
    end = relax(atoms, potential_factory(arguments)(), how, free="cell")
    print(
        f"{'relaxed':<15} with {arguments.potential}, {end.steps} steps, {end.energy / len(atoms):.5f} eV/atom, "
        f"largest force {end.force:.4f} eV/Å"
    )
    if not end.converged:
        print(f"betalps build: not converged to {how.fmax} eV/Å after {end.steps} steps; use --steps", file=sys.stderr)
    end.atoms.info["relaxed"] = {"potential": str(arguments.potential), "fmax": how.fmax, "converged": end.converged}
    return end.atoms, end.converged


def _print(atoms: Atoms) -> None:
    from betalps.structures import bonded_units
    from betalps.units import GRAM_PER_CM3_PER_U_PER_ANGSTROM3

    density = atoms.get_masses().sum() / atoms.get_volume() * GRAM_PER_CM3_PER_U_PER_ANGSTROM3
    lengths, angles = atoms.cell.lengths(), atoms.cell.angles()
    rows = {
        "crystal": " ".join(str(atoms.info[key]) for key in ("phase", "ordering", "space_group") if key in atoms.info),
        "cell": f"{' × '.join(f'{x:.3f}' for x in lengths)} Å, {', '.join(f'{x:.2f}' for x in angles)}°",
        "density": f"{density:.3f} g/cm³",
        "units": " ".join(f"{number} {kind}" for kind, number in bonded_units(atoms).counts.items()),
        "atoms": f"{len(atoms)}, {atoms.get_chemical_formula('metal', empirical=True)}",
        "source": str(atoms.info.get("source", "")),
    }
    for name, text in rows.items():
        if text:
            print(f"{name:<15} {text}")


def _print_library() -> None:
    from betalps.structures import BETA_ORDERINGS

    for name, ordering in [("beta", ordering) for ordering in BETA_ORDERINGS] + [("gamma", None), ("alpha", None)]:
        atoms = crystal_of(name, ordering)
        cell = " × ".join(f"{length:.3f}" for length in atoms.cell.lengths())
        space_group = str(atoms.info.get("space_group", ""))
        print(f"{name:6} {ordering or '':14} {space_group:10} {len(atoms):4d} atoms  {cell} Å")
