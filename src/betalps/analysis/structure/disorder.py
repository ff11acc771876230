"""The disorder parameter of Kawasaki and Onuki: how different the surroundings of neighbouring ions are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from betalps.analysis._frames import FrameObserver, as_trajectory, described, positive, snapshots
from betalps.analysis._series import ratio_and_error
from betalps.analysis.result import Result
from betalps.structures.regions import Region
from betalps.trajectories import Trajectory
from betalps.typing import Bools, Floats

if TYPE_CHECKING:
    from ase import Atoms

NEIGHBOURS = 12
_TIES = {np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-7}
"""Å; distances that differ by less than what coordinates are known to are equal."""

_LARGEST = 4.0  # of the parameter: all neighbours the opposite of their centre
_HIGHEST = 30  # degree up to which rounding is far below 1e-10


@dataclass(frozen=True, kw_only=True, eq=False)
class Disorder(Result):
    """Disorder parameters of a sub-lattice through a trajectory. They have no unit: 0 is order, 2 none at all.

    Parameters
    ----------
    species : tuple of str
        Of which the sub-lattice is made.
    order : int
        Degree l of the spherical harmonics.
    times : (frames,) array
    atoms : (n,) array of int
        Numbers of the sub-lattice's atoms.
    per_atom : (n,) array
        Mean of each atom over the frames in which it is inside the region; NaN for those that never are.
    inside : (frames,) array of int
        How many atoms were counted.
    series : (frames,) array
        Mean over the atoms inside; NaN where there is none.
    mean, error : float
        Mean over all of them and all frames, and its standard error; the frames may remember each other. NaN for
        the error of a single frame.
    deviation : float
        Standard deviation of the distribution.
    edges : (bins + 1,) array
    density, density_error : (bins,) array
        Distribution over atoms and frames, of integral one, and its standard error.
    undefined : int
        Atoms, frame by frame, that have no parameter: without a neighbour, or with surroundings whose bond order
        cancels, as odd ones do about a centre of inversion.
    parameters : dict
        ``neighbours`` or ``cutoff`` (Å), ``region``.
    """

    units: ClassVar[dict[str, str]] = {"times": "ps"}
    species: tuple[str, ...]
    order: int
    times: Floats
    atoms: NDArray[np.intp]
    per_atom: Floats
    inside: NDArray[np.int64]
    series: Floats
    mean: float
    error: float
    deviation: float
    edges: Floats
    density: Floats
    density_error: Floats
    undefined: int
    parameters: dict[str, Any]

    @property
    def definition(self) -> str:
        """By which definitions, in a line."""
        cutoff = self.parameters["cutoff"]
        near = f"{self.parameters['neighbours']} nearest neighbours" if cutoff is None else f"cutoff {cutoff:g} Å"
        return f"{'–'.join(self.species)} sub-lattice, l = {self.order}, {near}"


def disorder(
    structure: Trajectory | Atoms,
    *,
    species: str | Sequence[str] = "Li",
    order: int = 6,
    neighbours: int | None = None,
    cutoff: float | None = None,
    region: Region | None = None,
    width: float = 0.05,
    observer: FrameObserver | None = None,
) -> Disorder:
    """Disorder parameter of every atom of a sub-lattice in every frame, and its distribution.

    Parameters
    ----------
    structure : Trajectory or ase.Atoms
    species : str or sequence of str
        The sub-lattice: centres and neighbours are of these species.
    order : int
        Degree l of the spherical harmonics, 6 in the reference study.
    neighbours : int, optional
        How many nearest neighbours of the sub-lattice surround each atom; 12 where no `cutoff` is given. In a tie
        the direction decides, so that a perfect crystal is in perfect order, and the order of atoms plays no role.
    cutoff : float, Å, optional
        Neighbours are all within it instead; some 5.5 to 6 Å reach the first shell of Li in a thiophosphate.
    region : Region, optional
        Atoms count while they are inside; their neighbours may be anywhere.
    width : float
        Of a bin of the distribution.
    observer : callable, optional
        Called with the number of frames done and their total.

    Returns
    -------
    Disorder

    Raises
    ------
    ValueError
        A species that is absent, fewer atoms than neighbours, a region that is empty in every frame, arguments that
        make no sense.

    Notes
    -----
    D_j = (1/n_j) Σ_k |q_l(j) - q_l(k)|² over the n_j neighbours k of atom j, with
    |q_l(j) - q_l(k)|² = S_jj + S_kk - 2 S_jk, S_jk = Σ_m q_lm(j) q*_lm(k), and q_lm(j) the sum of Y_lm over the
    bonds of j, normalised so that S_jj = 1 (Kawasaki and Onuki, J. Chem. Phys. 2011, 135, 174109; eqn 4 of Jalem et
    al., Energy Adv. 2023, 2, 2029, who write S_j for it). So D_j is 2 - 2⟨cos⟩: 0 in a perfect Bravais lattice, 2
    between surroundings that know nothing of each other, 4 at the most.
    """
    trajectory = as_trajectory(structure)
    names = (species,) if isinstance(species, str) else tuple(species)
    if not names:
        raise ValueError("species: expected at least one, got none")
    chosen = np.sort(np.concatenate([trajectory.indices(name) for name in dict.fromkeys(names)]))
    rule = _rule(order, neighbours, cutoff, _TIES[trajectory.fractional.dtype])
    bins = max(round(_LARGEST / positive("width", width, "")), 1)
    sums = _Sums.zeros(len(trajectory), len(chosen), bins)
    for frame, (fractional, cell, inside) in enumerate(snapshots(trajectory, region, observer)):
        values = _parameters(fractional[chosen] @ cell, cell, trajectory.pbc, rule)
        sums.add(frame, values, inside[chosen])
    if not sums.inside.any():
        raise ValueError(
            f"region: no atom of {', '.join(names)} that has a disorder parameter is inside it in any frame"
            f" ({sums.undefined} without one)"
        )
    parameters = {"neighbours": rule.neighbours, "cutoff": rule.cutoff, "region": described(region)}
    return sums.result(names, order, trajectory.times, chosen, parameters)


def disorder_parameters(
    atoms: Atoms,
    *,
    species: str | Sequence[str] = "Li",
    order: int = 6,
    neighbours: int | None = None,
    cutoff: float | None = None,
) -> Floats:
    """Disorder parameter of every atom of one structure.

    Parameters
    ----------
    atoms : ase.Atoms
    species, order, neighbours, cutoff
        As in `disorder`.

    Returns
    -------
    (atoms,) array
        NaN for atoms of other species, and for those that have none (see `Disorder`).

    Raises
    ------
    ValueError
        As `disorder`.
    """
    found = disorder(atoms, species=species, order=order, neighbours=neighbours, cutoff=cutoff)
    values = np.full(len(atoms), np.nan)
    values[found.atoms] = found.per_atom
    return values


class _Rule(NamedTuple):
    order: int
    neighbours: int | None
    cutoff: float | None
    tie: float


def _rule(order: int, neighbours: int | None, cutoff: float | None, tie: float) -> _Rule:
    if not (isinstance(order, int | np.integer) and 1 <= order <= _HIGHEST):
        raise ValueError(f"order: expected a degree from 1 to {_HIGHEST}, got {order!r}")
    if cutoff is not None:
        if neighbours is not None:
            raise ValueError(f"expected neighbours or a cutoff, got both: {neighbours!r} and {cutoff!r}")
        return _Rule(int(order), None, positive("cutoff", cutoff), tie)
    number = NEIGHBOURS if neighbours is None else neighbours
    if not (isinstance(number, int | np.integer) and number > 0):
        raise ValueError(f"neighbours: expected a whole number above 0, got {neighbours!r}")
    return _Rule(int(order), int(number), None, tie)


@dataclass(frozen=True, eq=False)
class _Sums:
    """Over the frames so far."""

    atom_sums: Floats
    atom_counts: NDArray[np.int64]
    inside: NDArray[np.int64]
    moments: Floats  # (frames, 2): sums of the values and of their squares
    counts: NDArray[np.int64]  # (frames, bins)
    without: NDArray[np.int64]  # (frames,)

    @classmethod
    def zeros(cls, frames: int, atoms: int, bins: int) -> _Sums:
        whole = np.int64
        return cls(
            atom_sums=np.zeros(atoms),
            atom_counts=np.zeros(atoms, dtype=whole),
            inside=np.zeros(frames, dtype=whole),
            moments=np.zeros((frames, 2)),
            counts=np.zeros((frames, bins), dtype=whole),
            without=np.zeros(frames, dtype=whole),
        )

    @property
    def undefined(self) -> int:
        return int(self.without.sum())

    def add(self, frame: int, values: Floats, inside: Bools) -> None:
        counted = inside & np.isfinite(values)
        here = values[counted]
        self.atom_sums[counted] += here
        self.atom_counts[counted] += 1
        self.inside[frame] = len(here)
        self.without[frame] = inside.sum() - len(here)
        self.moments[frame] = here.sum(), (here**2).sum()
        bins = self.counts.shape[1]
        place = np.minimum((here * (bins / _LARGEST)).astype(np.int64), bins - 1)
        self.counts[frame] = np.bincount(place, minlength=bins)

    def result(
        self,
        names: tuple[str, ...],
        order: int,
        times: Floats,
        atoms: NDArray[np.intp],
        parameters: dict[str, Any],
    ) -> Disorder:
        number = self.inside.astype(np.float64)
        mean, error = ratio_and_error(self.moments[:, 0], number)
        edges = np.linspace(0.0, _LARGEST, self.counts.shape[1] + 1)
        shares = np.array([ratio_and_error(column, number) for column in self.counts.T.astype(np.float64)])
        shares /= edges[1]
        with np.errstate(invalid="ignore"):
            per_atom, series = self.atom_sums / self.atom_counts, self.moments[:, 0] / number
        return Disorder(
            species=names,
            order=int(order),
            times=times.copy(),
            atoms=atoms,
            per_atom=per_atom,
            inside=self.inside,
            series=series,
            mean=mean,
            error=error,
            deviation=float(np.sqrt(max(self.moments[:, 1].sum() / number.sum() - mean**2, 0.0))),
            edges=edges,
            density=shares[:, 0],
            density_error=shares[:, 1],
            undefined=self.undefined,
            parameters=parameters,
        )


def _parameters(positions: Floats, cell: Floats, pbc: Bools, rule: _Rule) -> Floats:
    from betalps.analysis.structure._kernels_disorder import bond_orders, mean_differences

    starts, ends, vectors, distances = _bonds(positions, cell, pbc, rule)
    touching = np.flatnonzero(distances == 0.0)
    if touching.size:
        raise ValueError(f"two atoms of the sub-lattice are in one place, {positions[ends[touching[0]]].tolist()} Å")
    return mean_differences(starts, ends, bond_orders(starts, vectors, distances, rule.order))


def _bonds(
    positions: Floats, cell: Floats, pbc: Bools, rule: _Rule
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
    """Where the bonds of each atom begin, the atoms they lead to, their vectors and lengths."""
    from ase import Atoms

    from betalps.analysis.structure._kernels_disorder import nearest
    from betalps.neighbors import neighbor_list

    lattice = Atoms(numbers=np.ones(len(positions)), positions=positions, cell=cell, pbc=pbc)
    number = rule.neighbours
    if number is not None and not pbc.any() and len(positions) <= number:
        raise ValueError(f"{number} neighbours of each of {len(positions)} atoms: expected more atoms, or a cutoff")
    # Twice as many neighbours as are asked for, on average.
    reach = rule.cutoff or (2.0 * (number or 0) * abs(np.linalg.det(cell)) / len(positions) * 0.75 / np.pi) ** (1 / 3)
    while True:
        found = neighbor_list(lattice, reach)
        sure = found.i if number is None else found.i[found.distances < reach - rule.tie]  # and ties are all there
        if number is None or np.bincount(sure, minlength=len(positions)).min() >= number:
            break
        reach *= 1.25
    starts = np.concatenate([[0], np.cumsum(np.bincount(found.i, minlength=len(positions)))])
    ends, vectors, distances = found.j.astype(np.int64), np.ascontiguousarray(found.vectors), found.distances
    if number is None:
        return starts, ends, vectors, distances
    chosen = nearest(starts, distances, vectors, number, rule.tie)
    return number * np.arange(len(positions) + 1), ends[chosen], vectors[chosen], distances[chosen]
