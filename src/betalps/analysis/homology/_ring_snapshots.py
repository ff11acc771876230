"""Rings of one snapshot after the other, or of several at a time in other processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from betalps.analysis._frames import snapshots
from betalps.analysis.homology.persistence import PersistenceDiagram, persistence_diagram
from betalps.structures.regions import Region
from betalps.trajectories import Trajectory
from betalps.typing import Bools, Floats

FEWEST = {"rips": 4, "alpha": 3}  # points of a ring
_BATCH, _WAITING = 2, 64  # snapshots sent to another process at a time, and batches on the way


@dataclass(frozen=True, kw_only=True, eq=False)
class SnapshotTask:
    """One snapshot, as it travels to another process."""

    positions: Floats
    ions: NDArray[np.intp]
    cell: Floats
    periodic: Bools
    options: dict[str, Any]

    def diagram(self) -> tuple[int, PersistenceDiagram]:
        """How many ions there are, and their rings by the ions' numbers in the trajectory."""
        found = persistence_diagram(self.positions, self.cell, self.periodic, **self.options)
        return len(self.ions), replace(found, members=self.ions[found.members].astype(np.int32))


def snapshot_tasks(
    trajectory: Trajectory, species: str, region: Region | None, periodic: Bools, options: dict[str, Any]
) -> Iterator[SnapshotTask]:
    """The ions of each frame inside the region.

    Raises
    ------
    ValueError
        Too few for a ring.
    """
    chosen, fewest = trajectory.indices(species), FEWEST[options["filtration"]]
    for frame, (fractional, cell, inside) in enumerate(snapshots(trajectory, region)):
        ions = chosen[inside[chosen]]
        if len(ions) < fewest:
            where = "structure" if region is None else "region"
            raise ValueError(
                f"frame {frame}: {len(ions)} {species} in the {where}, expected at least {fewest}, or no ring can close"
            )
        positions = _cut_open(fractional[ions], trajectory.pbc & ~periodic) @ cell
        yield SnapshotTask(positions=positions, ions=ions, cell=cell, periodic=periodic, options=options)


def _work(tasks: list[SnapshotTask]) -> list[tuple[int, PersistenceDiagram]]:
    return [task.diagram() for task in tasks]


def diagrams(tasks: Iterator[SnapshotTask], executor: Executor | None) -> Iterator[tuple[int, PersistenceDiagram]]:
    """The results in order, while no more than a few batches of tasks are in memory."""
    if executor is None:
        yield from (task.diagram() for task in tasks)
        return
    waiting: deque[Future[list[tuple[int, PersistenceDiagram]]]] = deque()
    try:
        while batch := list(islice(tasks, _BATCH)):
            waiting.append(executor.submit(_work, batch))
            if len(waiting) == _WAITING:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _cut_open(fractional: Floats, closed: Bools) -> Floats:
    """Along what is periodic but shall not be, the cell begins in the middle of the widest gap between the ions."""
    moved = fractional.copy()
    for axis in np.flatnonzero(closed):
        column = fractional[:, axis] - np.floor(fractional[:, axis])
        ordered = np.sort(column)
        gaps = np.diff(ordered, append=ordered[0] + 1.0)
        widest = int(np.argmax(gaps))
        moved[:, axis] = (column - ordered[widest] - gaps[widest] / 2.0) % 1.0
    return moved
