"""The one shape in which every run, ours or somebody else's, reaches an analysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectory:
    """Frames of the same atoms in the same order.

    Parameters
    ----------
    symbols : (atoms,) array of str
        Chemical symbols.
    fractional : (frames, atoms, 3) float32 or float64 array
        Fractional coordinates, wrapped or not.
    cells : (frames, 3, 3) array, Å
        Rows are the cell vectors. A single (3, 3) cell stands for every frame.
    times : (frames,) array, ps
        Strictly increasing.
    pbc : (3,) array of bool
        Periodic cell vectors.

    Raises
    ------
    ValueError
        Shapes that do not fit together, non-finite numbers, a cell without volume, times that do not
        increase.
    """

    symbols: NDArray[np.str_]
    fractional: NDArray[np.floating[Any]]
    cells: NDArray[np.float64]
    times: NDArray[np.float64]
    pbc: NDArray[np.bool_]

    def __post_init__(self) -> None:
        fractional = np.asarray(self.fractional)
        if fractional.dtype not in (np.float32, np.float64):
            fractional = fractional.astype(np.float64)
        if fractional.ndim != 3 or fractional.shape[2] != 3 or 0 in fractional.shape:
            raise ValueError(f"fractional: expected shape (frames, atoms, 3), got {fractional.shape}")
        frames, atoms, _ = fractional.shape
        cells = np.asarray(self.cells, dtype=np.float64)
        if cells.shape == (3, 3):
            cells = np.broadcast_to(cells, (frames, 3, 3))
        values = {
            "symbols": np.asarray(self.symbols, dtype=np.str_),
            "fractional": fractional,
            "cells": cells,
            "times": np.asarray(self.times, dtype=np.float64),
            "pbc": np.broadcast_to(np.asarray(self.pbc, dtype=np.bool_), (3,)),
        }
        shapes = {"symbols": (atoms,), "cells": (frames, 3, 3), "times": (frames,)}
        for name, shape in shapes.items():
            if values[name].shape != shape:
                raise ValueError(
                    f"{name}: expected shape {shape} for {frames} frames of {atoms} atoms, got {values[name].shape}"
                )
        _check_values(values)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return int(self.fractional.shape[0])

    @classmethod
    def from_atoms(cls, frames: Sequence[Atoms], times: Sequence[float] | NDArray[np.float64]) -> Trajectory:
        """From ASE structures.

        Parameters
        ----------
        frames : sequence of ase.Atoms
            The same atoms in the same order.
        times : (frames,) array, ps
            When each was taken.

        Raises
        ------
        ValueError
            No frame at all, or a frame with other atoms or another periodicity than the first.
        """
        if not frames:
            raise ValueError("from_atoms: expected at least one frame, got none")
        first = frames[0]
        symbols = np.array(first.get_chemical_symbols())
        for number, atoms in enumerate(frames):
            if not np.array_equal(atoms.numbers, first.numbers):
                raise ValueError(f"frame {number}: its atoms are not those of frame 0 in the same order")
            if not np.array_equal(atoms.pbc, first.pbc):
                raise ValueError(f"frame {number}: pbc is {atoms.pbc}, expected {first.pbc} as in frame 0")
        return cls(
            symbols=symbols,
            fractional=np.array([atoms.cell.scaled_positions(atoms.positions) for atoms in frames]),
            cells=np.array([atoms.cell.array for atoms in frames]),
            times=np.asarray(times, dtype=np.float64),
            pbc=first.pbc,
        )

    @property
    def mean_cell(self) -> NDArray[np.float64]:
        """(3, 3) array, Å: the cell averaged over the frames."""
        return np.asarray(self.cells.mean(axis=0))

    @property
    def interval(self) -> float:
        """Time between frames, ps.

        Raises
        ------
        ValueError
            Fewer than two frames, or frames that are not evenly spaced.
        """
        if len(self) < 2:
            raise ValueError("a frame interval needs at least 2 frames, got 1")
        steps = np.diff(self.times)
        interval = float((self.times[-1] - self.times[0]) / (len(self) - 1))
        worst = int(np.argmax(np.abs(steps - interval)))
        if abs(steps[worst] - interval) > 1e-4 * interval:
            raise ValueError(
                f"times: expected evenly spaced frames ({interval:g} ps), "
                f"got {steps[worst]:g} ps between frames {worst} and {worst + 1}"
            )
        return interval

    def select(self, start: int = 0, stop: int | None = None, step: int = 1) -> Trajectory:
        """The frames of ``slice(start, stop, step)``, for example without the equilibration."""
        part = slice(start, stop, step)
        return Trajectory(
            symbols=self.symbols,
            fractional=self.fractional[part],
            cells=self.cells[part],
            times=self.times[part],
            pbc=self.pbc,
        )

    def indices(self, species: str) -> NDArray[np.intp]:
        """Which atoms are of a species.

        Raises
        ------
        ValueError
            There is none.
        """
        found = np.flatnonzero(self.symbols == species)
        if not found.size:
            present = ", ".join(sorted(set(self.symbols.tolist())))
            raise ValueError(f"no {species!r} in the trajectory, which holds {present}")
        return found


def _check_values(values: dict[str, NDArray[Any]]) -> None:
    for name in ("fractional", "cells", "times"):
        # Frame by frame: the coordinates may be most of the memory there is.
        for frame, value in enumerate(values[name]):
            if not np.isfinite(value).all():
                raise ValueError(f"{name}: frame {frame} is not finite")
    volumes = np.abs(np.linalg.det(values["cells"]))
    if not np.all(volumes > 0.0):
        raise ValueError(f"cells: frame {int(np.argmin(volumes))} has no volume")
    late = np.flatnonzero(np.diff(values["times"]) <= 0.0)
    if late.size:
        frame = int(late[0]) + 1
        before, after = values["times"][frame - 1], values["times"][frame]
        raise ValueError(f"times: expected increasing, got {after:g} ps at frame {frame} after {before:g} ps")
