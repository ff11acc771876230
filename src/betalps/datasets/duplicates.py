"""Configurations that are the same, found by fingerprints."""

from collections.abc import Sequence

import numpy as np
from ase import Atoms

from betalps.neighbors import neighbor_list
from betalps.typing import Floats

_WAVES = 6


def fingerprints(frames: Sequence[Atoms], cutoff: float = 5.0) -> Floats:
    """Numbers that do not change when a structure is moved, turned, wrapped, renumbered or repeated.

    Parameters
    ----------
    frames
        The structures.
    cutoff
        Distances up to here count, Å.

    Returns
    -------
    ndarray
        Shape (frames, columns): the share of each element; then, per pair of elements and for k = 1 to 6, the sum
        over pairs of (1 - r/cutoff)² cos(k π r/cutoff), per atom. The elements are those of all frames together.

    Raises
    ------
    StructureError
        A structure has a position that is not finite, or a periodic direction without a lattice vector.
    """
    elements = sorted({int(number) for atoms in frames for number in atoms.numbers})
    kinds = len(elements)
    waves = np.pi * np.arange(1, _WAVES + 1)
    rows = np.zeros((len(frames), kinds + kinds * kinds * _WAVES))
    for row, atoms in zip(rows, frames, strict=True):
        kind = np.searchsorted(elements, atoms.numbers)
        pairs = neighbor_list(atoms, cutoff)
        first, second = kind[pairs.i], kind[pairs.j]
        which = np.minimum(first, second) * kinds + np.maximum(first, second)
        x = pairs.distances / cutoff
        values = (1 - x)[:, None] ** 2 * np.cos(waves * x[:, None])
        sums = np.zeros((kinds * kinds, _WAVES))
        for wave in range(_WAVES):
            sums[:, wave] = np.bincount(which, weights=values[:, wave], minlength=kinds * kinds)
        row[:kinds] = np.bincount(kind, minlength=kinds)
        row[kinds:] = sums.ravel()
        row /= max(1, len(atoms))
    return rows


def duplicates(frames: Sequence[Atoms], *, tolerance: float = 1e-6, cutoff: float = 5.0) -> list[tuple[int, ...]]:
    """Groups of configurations that are the same structure.

    Parameters
    ----------
    frames
        Labels are not compared.
    tolerance
        Distance of two fingerprints (see :func:`fingerprints`) up to which they count as equal. The default finds
        structures that a file with eight decimals has rounded, and tells apart atoms that moved by 1e-3 Å.
    cutoff
        Å.

    Returns
    -------
    list of tuples
        The numbers of the frames of each group of two or more, in ascending order. A supercell of a structure counts
        as that structure: both say the same to a potential.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    if not frames:
        return []
    pairs = cKDTree(fingerprints(frames, cutoff)).query_pairs(tolerance, output_type="ndarray")
    n = len(frames)
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, component = connected_components(graph, directed=False)
    groups: dict[int, list[int]] = {}
    for frame, number in enumerate(component.tolist()):
        groups.setdefault(number, []).append(frame)
    return [tuple(group) for group in groups.values() if len(group) > 1]
