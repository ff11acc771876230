"""Rings of lithium by persistent homology: how the network of ions closes, and which ions make its rings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from betalps.analysis._frames import as_trajectory, described, per, positive
from betalps.analysis._series import mean_and_error, ratio_and_error
from betalps.analysis.homology._ring_snapshots import FEWEST, diagrams, snapshot_tasks
from betalps.analysis.homology.persistence import THRESHOLD, Filtration, PersistenceDiagram
from betalps.analysis.result import Result
from betalps.structures.regions import Region
from betalps.trajectories import Trajectory
from betalps.typing import Bools, Floats

if TYPE_CHECKING:
    from ase import Atoms

CUT = 1.0
"""Å; the reference study counts the rings that live longer."""

CUTS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rings(Result):
    """Rings of a species in the snapshots of a trajectory.

    Births b, deaths d and persistences L = d - b are sphere diameters or radii, as ``parameters["units"]`` says;
    `definition` says it all in a line.

    Parameters
    ----------
    species : str
    times : (snapshots,) array
    ions : (snapshots,) array of int
        How many were inside the region.
    births, deaths : (rings,) array
        Of all snapshots, one after the other.
    snapshot : (rings,) array of int
        Where each ring was found.
    sizes : (rings,) array of int
        How many ions make each ring whose persistence is above the cut; zero for the others.
    starts : (rings + 1,) array of int
        Where each ring begins in `members`; `ring` looks there.
    members : (n,) array of int
        Numbers of the ions, in order around each ring.
    unclosed : (snapshots,) array of int
        Rings that have no death: around the whole cell, or around holes wider than the threshold.
    winding : (snapshots,) array of int
        Rings above the cut that only ways around the cell close; their size is zero.
    copies : (snapshots,) array of int
        How many copies of the cell the rings are from: more than one where it is short (`persistence_diagram`).
    cuts : (k,) array
    series : (snapshots, k) array
        Fraction of the rings with L above each cut, f_PD; NaN in a snapshot without rings.
    fraction, fraction_error : (k,) array
        Mean of `series` over the snapshots, and its standard error; the snapshots may remember each other.
    ring_sizes : (s,) array of int
    size_fraction, size_fraction_error : (s,) array
        Of the rings with L above the cut, the fraction made of so many ions, and its standard error.
    parameters : dict
        ``filtration``, ``units``, ``cut`` (Å), ``threshold`` (Å, a diameter), ``periodic``, ``region``, ``software``.
    """

    units: ClassVar[dict[str, str]] = {
        "times": "ps",
        "births": "angstrom",
        "deaths": "angstrom",
        "cuts": "angstrom",
    }
    species: str
    times: Floats
    ions: NDArray[np.int64]
    births: Floats
    deaths: Floats
    snapshot: NDArray[np.int32]
    sizes: NDArray[np.int32]
    starts: NDArray[np.int64]
    members: NDArray[np.int32]
    unclosed: NDArray[np.int64]
    winding: NDArray[np.int64]
    copies: NDArray[np.int64]
    cuts: Floats
    series: Floats
    fraction: Floats
    fraction_error: Floats
    ring_sizes: NDArray[np.int64]
    size_fraction: Floats
    size_fraction_error: Floats
    parameters: dict[str, Any]

    @property
    def persistence(self) -> Floats:
        """(rings,) array, Å: L = d - b."""
        return self.deaths - self.births

    @property
    def definition(self) -> str:
        """By which definitions, in a line."""
        told = self.parameters
        name = "Rips" if told["filtration"] == "rips" else "alpha"
        spheres = "diameters" if told["units"] == "diameter" else "radii"
        return f"{name} filtration, sphere {spheres}, L > {told['cut']:g} Å, to a diameter of {told['threshold']:g} Å"

    def ring(self, number: int) -> NDArray[np.int32]:
        """The ions of a ring, in order around it; none where its persistence is not above the cut."""
        return self.members[self.starts[number] : self.starts[number + 1]]

    def fraction_above(self, cut: float) -> tuple[float, float]:
        """f_PD for any cut (Å): its mean over the snapshots, and the standard error of that."""
        return mean_and_error(_fractions(self.snapshot, self.persistence, len(self.times), np.array([cut]))[:, 0])


def rings(
    structure: Trajectory | Atoms,
    *,
    species: str = "Li",
    region: Region | None = None,
    filtration: Filtration = "rips",
    units: Literal["diameter", "radius"] = "diameter",
    cut: float = CUT,
    cuts: Sequence[float] = CUTS,
    threshold: float = THRESHOLD,
    periodic: Sequence[bool] | Literal["in-plane"] | None = None,
    executor: Executor | None = None,
    observer: Callable[[int, int], None] | None = None,
) -> Rings:
    """Rings of a species in every frame, by persistent homology.

    Parameters
    ----------
    structure : Trajectory or ase.Atoms
        The study takes 200 snapshots; ``trajectory[::20]`` leaves out frames.
    species : str
    region : Region, optional
        Rings are made of the ions inside it alone.
    filtration : {"rips", "alpha"}
        Of Vietoris and Rips, by ripser, as the reference study has it; or the alpha filtration, by gudhi (GPL in
        part, optional). See `persistence_diagram`.
    units : {"diameter", "radius"}
        What b, d, L and the cuts measure: spheres' diameters are ripser's distances between ions. The study's text
        speaks of radii; its numbers are diameters.
    cut : float, Å
        Ring sizes are those of the rings with L above it.
    cuts : sequence of float, Å
        At which f_PD is computed; `cut` is one of them in any case.
    threshold : float, Å
        Diameter at which the filtration ends.
    periodic : (3,) sequence of bool or "in-plane", optional
        Along which cell vectors a ring may cross the cell's face; ``"in-plane"`` is all but the one that leaves the
        slab of the region. As in the trajectory by default.
    executor : Executor, optional
        Works on several snapshots at a time, such as ``ProcessPoolExecutor(2)``; None works on one after the other.
        Threads are no help, for ripser does not let go of Python's lock.
    observer : callable, optional
        Called with the number of snapshots done and their total.

    Returns
    -------
    Rings

    Raises
    ------
    ValueError
        A species that is absent, too few of it inside the region for any ring in some frame, arguments that make
        no sense.
    BetalpsError
        The alpha filtration without gudhi.

    Notes
    -----
    Of all rings with L > 1e-4 Å, the resolution of stored coordinates, f_PD is the fraction with L above a cut
    (Jalem et al., Energy Adv. 2023, 2, 2029, fig. 9). A ring's size is the number of ions on the shortest way to
    close the edge that it is born with.
    """
    trajectory = as_trajectory(structure)
    if units not in {"diameter", "radius"}:
        raise ValueError(f"units: expected 'diameter' or 'radius', got {units!r}")
    scale = 1.0 if units == "diameter" else 0.5
    every = np.unique([*(_not_negative(c) for c in cuts), _not_negative(cut)])
    if filtration not in FEWEST:
        raise ValueError(f"filtration: expected 'rips' or 'alpha', got {filtration!r}")
    across = _periodic(trajectory, region, periodic)
    options = {"filtration": filtration, "threshold": positive("threshold", threshold), "cut": cut / scale}
    ions, parts = [], []
    for number, part in diagrams(snapshot_tasks(trajectory, species, region, across, options), executor):
        ions.append(number)
        parts.append(part)
        if observer is not None:
            observer(len(parts), len(trajectory))
    parameters = {**options, "units": units, "cut": float(cut), "periodic": across.tolist()}
    parameters |= {"region": described(region), "software": _software(filtration)}
    return _result(species, trajectory.times, np.array(ions), parts, every, scale, parameters)


def _result(
    species: str,
    times: Floats,
    ions: NDArray[np.int64],
    parts: list[PersistenceDiagram],
    cuts: Floats,
    scale: float,
    parameters: dict[str, Any],
) -> Rings:
    births, deaths = (scale * np.concatenate([getattr(part, name) for part in parts]) for name in ("births", "deaths"))
    sizes = np.concatenate([part.sizes for part in parts])
    snapshot = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part.births) for part in parts])
    series = _fractions(snapshot, deaths - births, len(parts), cuts)
    means = np.array([mean_and_error(column) for column in series.T])
    found = np.arange(3, max(int(sizes.max(initial=0)), 3) + 1)
    made = [np.bincount(part.sizes, minlength=found[-1] + 1)[3:] for part in parts]
    counted = np.array(made, dtype=np.float64)
    shares = np.array([ratio_and_error(column, counted.sum(axis=1)) for column in counted.T])
    return Rings(
        species=species,
        times=times.copy(),
        ions=ions,
        births=births,
        deaths=deaths,
        snapshot=snapshot,
        sizes=sizes,
        starts=np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]),
        members=np.concatenate([part.members for part in parts]),
        unclosed=np.array([part.unclosed for part in parts]),
        winding=np.array([part.winding for part in parts]),
        copies=np.array([part.copies for part in parts]),
        cuts=cuts,
        series=series,
        fraction=means[:, 0],
        fraction_error=means[:, 1],
        ring_sizes=found,
        size_fraction=shares[:, 0],
        size_fraction_error=shares[:, 1],
        parameters=parameters,
    )


def _fractions(snapshot: NDArray[np.int32], persistence: Floats, number: int, cuts: Floats) -> Floats:
    """(snapshots, cuts): of the rings of each snapshot, the fraction above each cut."""
    total = np.bincount(snapshot, minlength=number)
    above = [np.bincount(snapshot[persistence > cut], minlength=number) for cut in cuts]
    return per(np.stack(above, axis=1).astype(np.float64), total.astype(np.float64))


def _not_negative(cut: float) -> float:
    if not (np.isfinite(cut) and cut >= 0.0):
        raise ValueError(f"cut: expected a number from 0 Å on, got {cut!r}")
    return float(cut)


def _periodic(trajectory: Trajectory, region: Region | None, asked: Sequence[bool] | str | None) -> Bools:
    if asked is None:
        return trajectory.pbc.copy()
    if isinstance(asked, str):
        axis = None if region is None else region.axis
        if asked != "in-plane" or axis is None:
            raise ValueError(
                f"periodic: got {asked!r}; expected three bools, or 'in-plane' with a region that is a slab"
            )
        return np.asarray(trajectory.pbc & (np.arange(3) != axis))
    across = np.array(asked, dtype=np.bool_)
    if across.shape != (3,) or (across & ~trajectory.pbc).any():
        raise ValueError(f"periodic: got {asked!r} for a trajectory with pbc {trajectory.pbc.tolist()}")
    return across


def _software(filtration: Filtration) -> str:
    name = "ripser" if filtration == "rips" else "gudhi"
    return f"{name} {version(name)}"
