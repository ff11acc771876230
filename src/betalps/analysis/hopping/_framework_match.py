"""How far the framework of a trajectory is shifted from that of a reference crystal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from betalps.errors import StructureError
from betalps.trajectories import Trajectory
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms

_FRAMES = 20  # of the mean positions
_MISFIT = 1.0  # Å; the best-fitting species of a framework that is the reference's is nearer than this
_ROUNDS = 10
_SCORED = 100  # atoms by which origins are compared
_SAME = 1e-4  # Å


def framework_shift(trajectory: Trajectory, reference: Atoms, drift: Floats) -> tuple[Floats, float]:
    """Shift of the framework of a trajectory from a reference, and how well the two then agree.

    Parameters
    ----------
    trajectory
    reference
        Framework of a crystal of the same cell, atoms in any order.
    drift : (frames, 3) array
        Of the framework, in fractional coordinates.

    Returns
    -------
    shift : (3,) array
        In fractional coordinates, of the drift-free trajectory.
    misfit : float
        Root mean square distance of the best-fitting species, in Å.

    Raises
    ------
    StructureError
        Another framework: other atoms, or none of the origins brings them together.
    """
    symbols = np.array(reference.get_chemical_symbols())
    atoms = np.flatnonzero(np.isin(trajectory.symbols, symbols))
    here, there = Counter(trajectory.symbols[atoms].tolist()), Counter(symbols.tolist())
    if here != there:
        raise StructureError(
            f"the trajectory's framework is {_told(here)}, the reference's {_told(there)}: expected the same atoms; "
            "repeat the reference as often as the trajectory's cell holds it"
        )
    found = _Matcher(trajectory, reference, symbols)
    mean = _mean_positions(trajectory, atoms, drift)
    labels = trajectory.symbols[atoms]
    shift, misfits = found.refined(mean, labels, np.zeros(3))
    if max(misfits.values()) > _MISFIT:
        # One species may lie on its like by chance: all together decide.
        other = found.refined(mean, labels, found.best_origin(mean, labels))
        shift, misfits = min((shift, misfits), other, key=lambda one: sum(one[1].values()))
    if min(misfits.values()) > _MISFIT:
        told = ", ".join(f"{symbol} {misfit:.2f} Å" for symbol, misfit in misfits.items())
        raise StructureError(
            f"the trajectory's framework does not lie on the reference's, wherever its origin: root mean square "
            f"distances {told}; expected at most {_MISFIT} Å for one species"
        )
    return shift, min(misfits.values())


class _Matcher:
    """The reference's atoms by species, with their images, in the trajectory's mean cell."""

    def __init__(self, trajectory: Trajectory, reference: Atoms, symbols: NDArray[np.str_]) -> None:
        from scipy.spatial import cKDTree

        self._cell = trajectory.mean_cell
        scaled = reference.get_scaled_positions()
        self._scaled = {str(symbol): scaled[symbols == symbol] for symbol in dict.fromkeys(symbols.tolist())}
        steps = np.arange(-1, 2)
        shifts = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
        self._trees = {
            symbol: cKDTree((places[None] + shifts[:, None]).reshape(-1, 3) @ self._cell)
            for symbol, places in self._scaled.items()
        }

    def _away(self, mean: Floats, labels: NDArray[np.str_], shift: Floats) -> Floats:
        """Vectors (atoms, 3) in Å from the nearest reference atom of the same species."""
        wrapped = mean - shift
        positions = (wrapped - np.floor(wrapped)) @ self._cell
        vectors = np.zeros_like(positions)
        for symbol, tree in self._trees.items():
            of_species = labels == symbol
            _, nearest = tree.query(positions[of_species])
            vectors[of_species] = positions[of_species] - tree.data[nearest]
        return vectors

    def refined(self, mean: Floats, labels: NDArray[np.str_], shift: Floats) -> tuple[Floats, dict[str, float]]:
        """The shift at which the nearest atoms are on average where they should be, and misfits by species."""
        for _ in range(_ROUNDS):
            step = self._away(mean, labels, shift).mean(axis=0)
            shift = shift + step @ np.linalg.inv(self._cell)
            if float(np.linalg.norm(step)) < _SAME:
                break
        squares = (self._away(mean, labels, shift) ** 2).sum(axis=1)
        return shift, {symbol: float(np.sqrt(squares[labels == symbol].mean())) for symbol in self._trees}

    def best_origin(self, mean: Floats, labels: NDArray[np.str_]) -> Floats:
        """Of the shifts that bring one atom of the rarest species onto another, the best one."""
        rarest = min(self._scaled, key=lambda symbol: len(self._scaled[symbol]))
        origins = mean[labels == rarest][0] - self._scaled[rarest]
        every = -(-len(mean) // _SCORED)
        some, names = mean[::every], labels[::every]
        scores = [float((self._away(some, names, origin) ** 2).sum()) for origin in origins]
        return np.asarray(origins[int(np.argmin(scores))])


def _mean_positions(trajectory: Trajectory, atoms: NDArray[np.intp], drift: Floats) -> Floats:
    """Fractional coordinates (atoms, 3) averaged over some of the frames, the drift removed."""
    first = trajectory.fractional[0][atoms].astype(np.float64)
    frames = np.unique(np.linspace(0, len(trajectory) - 1, _FRAMES).astype(int))
    total = np.zeros_like(first)
    for frame in frames:
        away = trajectory.fractional[int(frame)][atoms] - drift[frame] - first
        total += away - np.rint(away)
    return np.asarray(first + total / len(frames))


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {symbol}" for symbol, number in sorted(counts.items())) or "nothing"
