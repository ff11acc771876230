"""What the kinds of ``betalps build`` share: the crystal to start from, sizes, and the files that come out."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.structures import Size

_LAMMPS = (".data", ".lmp", ".lammps")
_OTHERS = {".cif": "cif", ".vasp": "vasp"}
_XYZ = (".extxyz", ".xyz")


def add_crystal_options(parser: argparse.ArgumentParser, option: str = "--crystal") -> None:
    """Options that say which crystal."""
    parser.add_argument(
        option,
        metavar="NAME|FILE",
        default="beta",
        help="beta, gamma or alpha Li3PS4, or a file that ASE reads, its last frame (%(default)s)",
    )
    parser.add_argument(
        "--ordering", metavar="NAME", help="lithium ordering of beta: see betalps build bulk --list (4b4)"
    )


def add_size_options(parser: argparse.ArgumentParser) -> None:
    """Options that say how large."""
    add = parser.add_argument_group("size").add_argument
    add("--atoms", type=int, metavar="N", help="at least so many")
    add("--separation", type=float, metavar="Å", help="least distance between the two boundaries (20)")
    add("--lateral", type=float, metavar="Å", help="least width of the cell in the plane (0)")


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Options that say where to."""
    add = parser.add_argument_group("output").add_argument
    add(
        "--output",
        metavar="FILE",
        type=Path,
        nargs="+",
        default=[],
        help="written by suffix: .extxyz[.xz|.gz] (keeps everything), .data or .lmp (LAMMPS), .cif, .vasp",
    )
    add("--types", nargs="+", metavar="SYMBOL", help="species of LAMMPS types 1, 2, ... (in alphabetical order)")


def crystal_of(name: str, ordering: str | None) -> Atoms:
    """The crystal of a name or a file.

    Raises
    ------
    ValueError
        An ordering for a crystal that has none, or an unknown one.
    OSError
        Neither a known name nor a file.
    """
    from betalps import structures

    library: dict[str, Callable[..., Atoms]] = {
        "beta": structures.beta_li3ps4,
        "gamma": structures.gamma_li3ps4,
        "alpha": structures.alpha_li3ps4,
    }
    if ordering is not None and name != "beta":
        raise ValueError(f"--ordering {ordering}: only beta has orderings, not {name}")
    if name in library:
        return library[name]() if ordering is None else library[name](ordering=ordering)
    if not Path(name).exists():
        raise FileNotFoundError(f"crystal {name}: neither one of {', '.join(library)} nor a file that exists")
    return read_structure(Path(name))


def read_structure(path: Path) -> Atoms:
    """The last frame of a file, without calculator."""
    from betalps.datasets import read

    frames = list(read([path]))
    if not frames:
        raise ValueError(f"{path}: holds no structure")
    atoms: Atoms = frames[-1].copy()
    return atoms


def size_of(arguments: argparse.Namespace, default: Size | None = None) -> Size:
    """The size that was asked for, the rest from the default."""
    from dataclasses import replace

    from betalps.structures import Size

    given = {name: getattr(arguments, name) for name in ("atoms", "separation", "lateral")}
    return replace(default or Size(), **{name: value for name, value in given.items() if value is not None})


def check_output(paths: list[Path], types: list[str] | None) -> None:
    """Refuse a suffix that is not known, or a folder that is not there, before anything is built."""
    for path in paths:
        if path.suffix not in _LAMMPS + tuple(_OTHERS) and not _is_xyz(path):
            raise ValueError(
                f"--output {path}: expected a name that ends in {', '.join([*_XYZ, *_LAMMPS, *_OTHERS])}; "
                ".extxyz also with .xz, .gz or .bz2 behind it"
            )
        if not path.absolute().parent.is_dir():
            raise FileNotFoundError(f"--output {path}: the folder {path.parent} does not exist")
    if types is not None and not any(path.suffix in _LAMMPS for path in paths):
        raise ValueError("--types is for LAMMPS files (.data, .lmp): none is among --output")


def write_structure(atoms: Atoms, path: Path, types: list[str] | None, title: str) -> str:
    """Write a structure in the format of the file's suffix, and say what the file holds and lacks."""
    from betalps.datasets import write
    from betalps.files import write_atomic

    if _is_xyz(path):
        write(atoms, path)
        return "with the record of how it was built" if "boundary" in atoms.info else "with all arrays and info"
    plain = atoms.copy()
    plain.wrap()
    if path.suffix in _LAMMPS:
        text, said = _lammps(plain, types, title)
        write_atomic(path, text.encode())
        return said
    from ase.io import write as write_by_ase

    buffer = BytesIO() if path.suffix == ".cif" else StringIO()
    write_by_ase(buffer, plain[plain.numbers.argsort(kind="stable")], format=_OTHERS[path.suffix])
    content = buffer.getvalue()
    write_atomic(path, content if isinstance(content, bytes) else content.encode())
    return "cell and positions alone"


def write_all(atoms: Atoms, arguments: argparse.Namespace, title: str) -> None:
    """Write every file that was asked for, and say so."""
    for path in arguments.output:
        print(f"{'written':<15} {path}: {write_structure(atoms, path, arguments.types, title)}")


def potential_factory(arguments: argparse.Namespace) -> Callable[[], Any]:
    """Makes calculators of ``--potential``; an error of its name comes now, not later."""
    from betalps.calculators import MTP
    from betalps.potentials import load

    potential = load(arguments.potential)
    return lambda: MTP(potential, threads=arguments.threads)


def _lammps(atoms: Atoms, types: list[str] | None, title: str) -> tuple[str, str]:
    from ase.io.lammpsdata import write_lammps_data

    present = sorted(set(atoms.get_chemical_symbols()))
    order = present if types is None else types
    if len(set(order)) != len(order) or not set(present) <= set(order):
        raise ValueError(f"--types {' '.join(order)}: expected each of {', '.join(present)} once")
    buffer = StringIO()
    write_lammps_data(buffer, atoms, specorder=order, masses=True, units="metal", atom_style="atomic")
    named = ", ".join(f"{number} {symbol}" for number, symbol in enumerate(order, start=1))
    borders = " ".join("p" if periodic else "f" for periodic in atoms.pbc)
    _, _, rest = buffer.getvalue().partition("\n")
    header = f"{title}; units metal, atom_style atomic, boundary {borders}, types {named}"
    return f"{header}\n{rest}", f"LAMMPS types {named}; boundary {borders}; without the record"


def _is_xyz(path: Path) -> bool:
    from betalps.datasets.compression import kind_of

    return kind_of(path) in _XYZ
