"""Which polyanions a thiophosphate is made of: PS4 tetrahedra, and what forms where they share or lose sulphur."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from betalps.analysis._frames import (
    FrameObserver,
    Snapshot,
    as_trajectory,
    block_numbers,
    described,
    per,
    scatter,
    snapshots,
)
from betalps.analysis.result import Result
from betalps.analysis.structure._cutoffs import bond_cutoffs, given_cutoffs
from betalps.neighbors import neighbor_list
from betalps.structures.regions import Region
from betalps.trajectories import Trajectory
from betalps.typing import Floats, Integers

if TYPE_CHECKING:
    from ase import Atoms


class _Bonding(NamedTuple):
    """What tells units of one formula apart: bonds between centres, between ligands, and bridging ligands."""

    centre_bonds: int
    ligand_bonds: int
    bridges: int


# By centres and ligands. Of P2S6 there are two kinds: two tetrahedra that share an edge (2-), and two PS3 joined by
# a P-P bond as carbon is in ethane (4-).
_NAMED: dict[tuple[int, int], dict[_Bonding, str]] = {
    (1, 3): {_Bonding(0, 0, 0): ""},
    (1, 4): {_Bonding(0, 0, 0): ""},
    (2, 5): {_Bonding(0, 0, 1): ""},
    (2, 6): {_Bonding(0, 0, 2): " edge-sharing", _Bonding(1, 0, 0): " ethane-like"},
    (2, 7): {_Bonding(0, 0, 1): ""},
    (3, 10): {_Bonding(0, 0, 2): ""},
    (0, 1): {_Bonding(0, 0, 0): ""},
    (0, 2): {_Bonding(0, 1, 0): ""},
}


@dataclass(frozen=True, kw_only=True, eq=False)
class PolyanionUnits:
    """The polyanions of one frame.

    Attributes
    ----------
    labels : (atoms,) array of int
        The unit of each atom, -1 for atoms that are neither centre nor ligand.
    kinds : tuple of str
        Of each unit: ``"PS4"``, ``"P2S7"``, ``"P2S6 edge-sharing"``, ``"P2S6 ethane-like"``, ``"P3S10"``, ``"P2S5"``,
        ``"PS3"``, ``"S2"``, ``"S"``. Units of these formulas that are bonded otherwise are called ``"P2S7 other"``
        and so on; all others go by their formula alone.
    bonds : dict of str to int
        How many of each pair: ``"P-S"``, ``"P-P"``, ``"S-S"``.
    """

    labels: Integers
    kinds: tuple[str, ...]
    bonds: dict[str, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Polyanions(Result):
    """A census of the polyanions.

    Parameters
    ----------
    times : (frames,) array
    kinds : tuple of str
        As in `PolyanionUnits`, in the order of the share of the centres that they hold; units without centre last.
    counts : (frames, kinds) array
        Units of each kind. With a region, a unit counts by the share of its centres (of its ligands, where it has no
        centre) that are inside.
    fractions, fraction_errors : (kinds,) array
        Share of the centres, P by default, in each kind, over all frames, with its standard error from blocks of
        frames; NaN errors for a single frame.
    fractions_in_time : (frames, kinds) array
        NaN in frames without a centre in the region.
    tetrahedral, tetrahedral_error : float
        `fractions` of PS4: 1 in the crystal, 0.87 in the glass of the reference study.
    bonds : dict of str to (frames,) array
        Bonds of each pair in the whole cell.
    cutoffs : dict of str to float
        The longest bond of each pair.
    cutoff_from : dict of str to str
        Where each cutoff came from.
    parameters : dict
        ``centre``, ``ligand``, ``region``, ``frames``, ``blocks``.
    """

    units: ClassVar[dict[str, str]] = {"times": "ps", "cutoffs": "angstrom"}
    times: Floats
    kinds: tuple[str, ...]
    counts: Floats
    fractions: Floats
    fraction_errors: Floats
    fractions_in_time: Floats
    tetrahedral: float
    tetrahedral_error: float
    bonds: dict[str, Floats]
    cutoffs: dict[str, float]
    cutoff_from: dict[str, str]
    parameters: dict[str, Any]


def polyanions(
    structure: Trajectory | Atoms,
    *,
    cutoff: float | Mapping[tuple[str, str], float] | None = None,
    centre: str = "P",
    ligand: str = "S",
    region: Region | None = None,
    blocks: int = 5,
    observer: FrameObserver | None = None,
) -> Polyanions:
    """Count the polyanions of each kind, frame by frame.

    Parameters
    ----------
    structure : Trajectory or ase.Atoms
    cutoff : float or mapping of pairs of str to float, Å, optional
        The longest P-S bond; or a mapping with that of other pairs too, ``{("P", "S"): 2.6, ("P", "P"): 2.5}``. What
        is not given is chosen as the notes say.
    centre, ligand : str
        Of the tetrahedra. Other species (Li, Cl) are not looked at.
    region : Region, optional
    blocks : int
        Blocks of consecutive frames from which errors are estimated.
    observer : callable, optional
        Called with the number of frames done and their total.

    Returns
    -------
    Polyanions

    Raises
    ------
    ValueError
        A species that is absent, a cutoff that is not positive or of another pair, a radial distribution without
        first minimum, a region in which there never is a centre.

    Notes
    -----
    Atoms connected by bonds are a unit. The cutoff of P-S is the first minimum of its radial distribution in up to 20
    frames, spread over the trajectory, but at most 1.35 times its first peak: a crystal has a wide gap behind the
    bonds, in which the S of the other P of an ethane-like P2S6 would lie (3.4 Å). P-P and S-S have no such minimum in
    a crystal, where they do not bond at all; they bond within 1.25 times the sum of their covalent radii (2.68 and
    2.62 Å), as `betalps.structures.bonding.default_bonds` has it, which lies in the gap between the bonds (2.2 and
    2.1 Å) and the edges of a tetrahedron (3.3 Å). Two ligands of one centre are not bonded to each other, however near
    a vibration brings them.
    """
    trajectory = as_trajectory(structure)
    for species in (centre, ligand):
        trajectory.indices(species)
    cutoffs, origin = bond_cutoffs(trajectory, cutoff, centre, ligand)
    rows, bonds = [], []
    is_centre, is_ligand = trajectory.symbols == centre, trajectory.symbols == ligand
    for snapshot in snapshots(trajectory, region, observer):
        units = _units(snapshot, trajectory, cutoffs, centre, ligand)
        rows.append(_shares(units, snapshot.inside, is_centre, is_ligand))
        bonds.append(units.bonds)
    held: dict[str, float] = {}
    for row in rows:
        for kind, (_, centres) in row.items():
            held[kind] = held.get(kind, 0.0) + centres
    if not sum(held.values()):
        raise ValueError(f"region: no {centre} is inside it in any frame")
    kinds = tuple(sorted(held, key=lambda kind: (-held[kind], kind)))
    table = np.array([[row.get(kind, (0.0, 0.0)) for kind in kinds] for row in rows])
    block_of, number = block_numbers(len(trajectory), blocks)
    in_blocks = np.zeros((number, len(kinds)))
    np.add.at(in_blocks, block_of, table[:, :, 1])
    fractions = in_blocks.sum(axis=0) / in_blocks.sum()
    errors = scatter(per(in_blocks, in_blocks.sum(axis=1)))
    tetrahedron = f"{centre}{ligand}4"
    at = kinds.index(tetrahedron) if tetrahedron in kinds else None
    return Polyanions(
        times=trajectory.times,
        kinds=kinds,
        counts=table[:, :, 0],
        fractions=fractions,
        fraction_errors=errors,
        fractions_in_time=per(table[:, :, 1], table[:, :, 1].sum(axis=1)),
        tetrahedral=0.0 if at is None else float(fractions[at]),
        tetrahedral_error=float(errors[at] if at is not None else 0.0 * errors[0]),
        bonds={pair: np.array([frame[pair] for frame in bonds], dtype=np.float64) for pair in bonds[0]},
        cutoffs={"-".join(pair): value for pair, value in cutoffs.items()},
        cutoff_from={"-".join(pair): why for pair, why in origin.items()},
        parameters={
            "centre": centre,
            "ligand": ligand,
            "region": described(region),
            "frames": len(trajectory),
            "blocks": number,
        },
    )


def polyanion_units(
    atoms: Atoms, cutoffs: Mapping[tuple[str, str], float], *, centre: str = "P", ligand: str = "S"
) -> PolyanionUnits:
    """The polyanion of every atom of a structure, to colour or to select by.

    Parameters
    ----------
    atoms : ase.Atoms
    cutoffs : mapping of pairs of str to float, Å
        The longest bond of each pair; pairs that are missing do not bond.
    centre, ligand : str

    Returns
    -------
    PolyanionUnits

    Raises
    ------
    ValueError
        A species that is absent, or a cutoff that is not positive or of another pair.
    """
    trajectory = as_trajectory(atoms)
    for species in (centre, ligand):
        trajectory.indices(species)
    known = given_cutoffs(cutoffs, centre, ligand)
    return _units(next(snapshots(trajectory)), trajectory, known, centre, ligand)


def _units(
    snapshot: Snapshot,
    trajectory: Trajectory,
    cutoffs: Mapping[tuple[str, str], float],
    centre: str,
    ligand: str,
) -> PolyanionUnits:
    """Connected atoms. `bonded_units` would do it too, but it refuses chains without end, which a melt may have."""
    from ase import Atoms
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    chosen = np.flatnonzero(np.isin(trajectory.symbols, [centre, ligand]))
    is_centre = trajectory.symbols[chosen] == centre
    positions = snapshot.fractional[chosen] @ snapshot.cell
    pairs = neighbor_list(
        Atoms(numbers=np.ones(len(chosen)), positions=positions, cell=snapshot.cell, pbc=trajectory.pbc),
        max(cutoffs.values()),
    )
    kind = is_centre[pairs.i].astype(np.int64) + is_centre[pairs.j]
    longest = np.array([cutoffs.get(pair, 0.0) for pair in ((ligand, ligand), (centre, ligand), (centre, centre))])
    bonded = pairs.distances < longest[kind]
    bonded[bonded] = ~_edges(pairs.i[bonded], pairs.j[bonded], kind[bonded], len(chosen))
    i, j, kind = pairs.i[bonded], pairs.j[bonded], kind[bonded]
    graph = coo_array((np.ones(len(i), np.int8), (i, j)), shape=(len(chosen), len(chosen)))
    number, labels = connected_components(graph, directed=False)
    # A ligand with two centres is a bridge. Ordered pairs: every bond between alike atoms is there twice.
    bridging = np.bincount(i[(kind == 1) & ~is_centre[i]], minlength=len(chosen)) > 1
    columns = [is_centre, ~is_centre, bridging]
    table = [np.bincount(labels[column], minlength=number) for column in columns]
    table += [np.bincount(labels[i[kind == k]], minlength=number) // 2 for k in (2, 0)]
    distinct, which = np.unique(np.stack(table, axis=1), axis=0, return_inverse=True)
    names = [_name(row, centre, ligand) for row in distinct.tolist()]
    everyone = np.full(len(trajectory.symbols), -1)
    everyone[chosen] = labels
    counts = [int(np.count_nonzero(kind == k)) // 2 for k in (1, 2, 0)]
    return PolyanionUnits(
        labels=everyone,
        kinds=tuple(names[k] for k in which.ravel().tolist()),
        bonds=dict(zip((f"{centre}-{ligand}", f"{centre}-{centre}", f"{ligand}-{ligand}"), counts, strict=True)),
    )


def _edges(i: NDArray[np.int32], j: NDArray[np.int32], kind: Integers, number: int) -> NDArray[np.bool_]:
    """Which pairs are of two ligands of one centre: an edge of a tetrahedron that a vibration has made short."""
    from scipy.sparse import csr_array

    to_centre = kind == 1
    bonds = csr_array((np.ones(np.count_nonzero(to_centre), np.int8), (i[to_centre], j[to_centre])), (number, number))
    edges = np.zeros(len(i), dtype=np.bool_)
    both = np.flatnonzero(kind == 0)
    if both.size:
        edges[both] = bonds[i[both]].multiply(bonds[j[both]]).sum(axis=1) > 0
    return edges


def _name(row: list[int], centre: str, ligand: str) -> str:
    centres, ligands, bridges, centre_bonds, ligand_bonds = row
    parts = ((centre, centres), (ligand, ligands))
    formula = "".join(f"{symbol}{n if n > 1 else ''}" for symbol, n in parts if n)
    known = _NAMED.get((centres, ligands))
    if known is None:
        return formula
    return formula + known.get(_Bonding(centre_bonds, ligand_bonds, bridges), " other")


def _shares(
    units: PolyanionUnits, inside: NDArray[np.bool_], is_centre: NDArray[np.bool_], is_ligand: NDArray[np.bool_]
) -> dict[str, tuple[float, float]]:
    """Of each kind, how many units are inside, and how many centres that belong to one."""
    number = len(units.kinds)
    centres, ligands = (np.bincount(units.labels[of], minlength=number) for of in (is_centre, is_ligand))
    centres_in, ligands_in = (np.bincount(units.labels[of & inside], minlength=number) for of in (is_centre, is_ligand))
    share = np.where(centres > 0, centres_in / np.maximum(centres, 1), ligands_in / np.maximum(ligands, 1))
    kinds, which = np.unique(np.array(units.kinds), return_inverse=True)
    units_in, held = np.bincount(which, share), np.bincount(which, centres_in)
    return {str(kind): (float(n), float(p)) for kind, n, p in zip(kinds, units_in, held, strict=True) if n}
