"""Relaxed crystals of Li3PS4, shipped with the package.

The cells were relaxed with SevenNet 7net-l3i5 (sevenn 0.13.0; largest force 0.02 eV/Å, of α 0.01). Where spglib finds
a space group within 0.05 Å (0.1 Å for one ordering), positions and cell are averaged over its operations, so
that the axes are exactly orthogonal; every frame of the data file says by how much the atoms moved for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.structures.ordering.sites import SiteOrder

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


_Z_4C = 0.595  # fractional, of Homma's Li3


@cache
def _relaxed_cells() -> dict[str, Atoms]:
    from io import StringIO

    from ase.io import read

    text = files("betalps.structures").joinpath("data/li3ps4_relaxed.extxyz").read_text(encoding="utf-8")
    frames = read(StringIO(text), index=":", format="extxyz")
    return {frame.info["ordering"]: frame for frame in frames}


def _checked_counts(repeats: Sequence[int]) -> tuple[int, ...]:
    counts = tuple(repeats)
    if len(counts) != 3 or any(type(n) is not int or n < 1 for n in counts):
        raise ValueError(f"supercell must be three whole numbers of at least 1, got {tuple(repeats)!r}")
    return counts


def _supercell(name: str, phase: str, repeats: Sequence[int]) -> Atoms:
    counts = _checked_counts(repeats)
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


def alpha_li3ps4(supercell: Sequence[int] = (1, 1, 1)) -> Atoms:
    """Build an ordered model of α-Li3PS4, the phase of high temperature (8.53 × 9.66 × 8.23 Å, γ = 86.6°).

    A model, not a published structure: of the literature we have the cell and the space group only, Pbcn with 8.6125 ×
    9.0211 × 8.4262 Å at 906 K (Homma, 2010), read as Cmcm by Kaup (2020), with Li spread over partially occupied sites.
    The framework was set up in Cmcm (P on 4c, isolated PS4 that point up and down in turns, S near a body-centred
    lattice); 520 random placements of the 12 Li were relaxed with an earlier moment tensor potential, and
    the fourteen lowest of these with SevenNet 7net-l3i5. Six came within 0.3 meV/atom of the lowest, three of them as
    this structure.

    At 0 K it is monoclinic (P2_1/c) by its Li order; within 0.8 Å its framework has the symmetry Cmcm. By SevenNet it
    is 2.1 meV/atom above the lowest β ordering and 1.8 above γ. Its volume is 3.4 % larger than that measured at 906 K;
    that of the relaxed β cell is 4.1 % larger than that measured at room temperature.

    Parameters
    ----------
    supercell
        How often the cell is repeated along a, b and c.

    Returns
    -------
    ase.Atoms
        Periodic, 32 atoms per cell; ``info`` as in `beta_li3ps4`.

    Raises
    ------
    ValueError
        If the supercell is not three positive whole numbers.

    References
    ----------
    K. Homma, M. Yonemura, M. Nagao, M. Hirayama, R. Kanno, J. Phys. Soc. Jpn. 79 Suppl. A, 90 (2010): cell, Pbcn.
    K. Kaup, L. Zhou, A. Huq, L. F. Nazar, J. Mater. Chem. A 8, 12446 (2020): Cmcm.
    """
    return _supercell("alpha", "alpha", supercell)


def beta_li3ps4_sites(supercell: Sequence[int] = (1, 1, 1)) -> SiteOrder:
    """The partially occupied lithium sites of β-Li3PS4, to enumerate or draw fillings of.

    Parameters
    ----------
    supercell
        How often the cell is repeated along a, b and c.

    Returns
    -------
    SiteOrder
        Per cell a framework of 8 Li (8d), 4 P and 16 S as relaxed with the mobile Li on 4b, and eight sites for the
        four mobile Li: four of kind ``"4b"``, (0, 0, ½), which are filled to 0.7, then four of kind ``"4c"``,
        (0, ¼, 0.595), filled to 0.3. Neighbouring sites lie 2.1 Å apart, in rows along b.

    Raises
    ------
    ValueError
        If the supercell is not three positive whole numbers.

    References
    ----------
    K. Homma et al., Solid State Ionics 182, 53 (2011): sites and occupancies.
    """
    from betalps.structures.ordering.sites import SiteOrder

    cell = beta_li3ps4()
    mobile = [atom.index for atom in cell if atom.symbol == "Li"][8:]
    scaled_4c = np.array([[0, 0.25, _Z_4C], [0.5, 0.75, _Z_4C + 0.5], [0, 0.75, -_Z_4C], [0.5, 0.25, 0.5 - _Z_4C]])
    framework = cell.copy()
    del framework[mobile]
    sites = SiteOrder(
        framework=framework,
        positions=np.concatenate([cell.positions[mobile], (scaled_4c % 1.0) @ cell.cell.array]),
        kinds=("4b",) * 4 + ("4c",) * 4,
        occupancy={"4b": {"Li": 0.7}, "4c": {"Li": 0.3}},
    )
    return sites.repeat(_checked_counts(supercell))
