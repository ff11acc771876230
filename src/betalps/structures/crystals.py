"""Relaxed crystals of Li3PS4, shipped with the package.

The cells were relaxed with SevenNet 7net-l3i5 (sevenn 0.13.0; largest force 0.02 eV/Å). Where spglib finds
a space group within 0.05 Å (0.1 Å for one ordering), positions and cell are averaged over its operations, so
that the axes are exactly orthogonal; every frame of the data file says by how much the atoms moved for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ase import Atoms

BETA_ORDERINGS = (
    "4b4",
    "4b3_4c1",
    "4b2_4c2_0145",
    "4b2_4c2_0147",
    "4b2_4c2_0246",
    "4b2_4c2_0345",
    "4c4",
)
"""Lithium orderings of the β cell: how many of its four mobile Li lie on 4b and on 4c. The digits after two +
two name the filled sites: 0-3 are those of 4b, 4-7 those of 4c."""


@cache
def _relaxed_cells() -> dict[str, Atoms]:
    from io import StringIO

    from ase.io import read

    text = files("betalps.structures").joinpath("data/li3ps4_relaxed.extxyz").read_text(encoding="utf-8")
    frames = read(StringIO(text), index=":", format="extxyz")
    return {frame.info["ordering"]: frame for frame in frames}


def _supercell(name: str, phase: str, repeats: Sequence[int]) -> Atoms:
    counts = tuple(repeats)
    if len(counts) != 3 or any(type(n) is not int or n < 1 for n in counts):
        raise ValueError(f"supercell must be three whole numbers of at least 1, got {tuple(repeats)!r}")
    cell = _relaxed_cells()[name]
    atoms: Atoms = cell.repeat(counts)
    atoms.info = {
        "phase": phase,
        "ordering": name,
        "space_group": str(cell.info["space_group"]),
        "supercell": counts,
        "source": str(cell.info["source"]),
    }
    return atoms


def beta_li3ps4(supercell: Sequence[int] = (1, 1, 1), *, ordering: str = "4b4") -> Atoms:
    """Build β-Li3PS4 (Pnma) from its relaxed 32-atom cell.

    Parameters
    ----------
    supercell
        How often the cell is repeated along a (13.08 Å), b (8.12 Å) and c (6.27 Å).
    ordering
        The lithium ordering, one of `BETA_ORDERINGS`. The default, all mobile Li on 4b, has the full symmetry
        of the published structure. ``"4b2_4c2_0145"`` is the lowest in energy of those shipped, 4 meV/atom
        below it. ``"4b2_4c2_0246"`` relaxed into a sheared cell and ``"4b3_4c1"`` into a triclinic one.

    Returns
    -------
    ase.Atoms
        Periodic, 32 atoms per cell, ordered Li, P, S within each cell; ``info`` says phase, ordering, space
        group, supercell and source.

    Raises
    ------
    ValueError
        For an unknown ordering or a supercell that is not three positive whole numbers.
    """
    if ordering not in BETA_ORDERINGS:
        raise ValueError(f"unknown Li ordering {ordering!r}; expected one of {', '.join(BETA_ORDERINGS)}")
    return _supercell(ordering, "beta", supercell)


def gamma_li3ps4(supercell: Sequence[int] = (1, 1, 1)) -> Atoms:
    """Build γ-Li3PS4 (Pmn2_1) from its relaxed 16-atom cell (7.80 × 6.63 × 6.23 Å).

    Parameters
    ----------
    supercell
        How often the cell is repeated along a, b and c.

    Returns
    -------
    ase.Atoms
        Periodic, 16 atoms per cell; ``info`` as in `beta_li3ps4`.

    Raises
    ------
    ValueError
        If the supercell is not three positive whole numbers.
    """
    return _supercell("gamma", "gamma", supercell)
