"""The one shape in which every run, ours or somebody else's, reaches an analysis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from betalps.trajectories.stored import StoredArray
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms

_PER_ATOM = ("fractional", "images", "momenta")


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectory:
    """Frames of the same atoms in the same order, in memory or on disk.

    Frames are atoms to ASE's users (``trajectory[-1]``, ``for atoms in trajectory``) and arrays to analyses. Where
    it comes from `open_trajectory`, its per-atom arrays stay on disk until they are indexed.

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
    images : (frames, atoms, 3) array of int, optional
        Whole cells to add to `fractional` for the path of each atom. Without them the path is taken to follow the
        minimum image from frame to frame.
    momenta : (frames, atoms, 3) float32 or float64 array, optional
        In ASE's unit, (eV u)^(1/2).
    scalars : dict of str to (frames,) array
        One value per frame: energies, grades and the like.

    Raises
    ------
    ValueError
        Shapes that do not fit together, non-finite numbers, a cell without volume, times that do not
        increase.
    """

    symbols: NDArray[np.str_]
    fractional: NDArray[np.floating[Any]] | StoredArray
    cells: Floats
    times: Floats
    pbc: NDArray[np.bool_]
    images: NDArray[np.signedinteger[Any]] | StoredArray | None = None
    momenta: NDArray[np.floating[Any]] | StoredArray | None = None
    scalars: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values: dict[str, Any] = {
            "symbols": np.asarray(self.symbols, dtype=np.str_),
            "fractional": _floating(self.fractional),
            "cells": np.asarray(self.cells, dtype=np.float64),
            "times": np.asarray(self.times, dtype=np.float64),
            "pbc": np.broadcast_to(np.asarray(self.pbc, dtype=np.bool_), (3,)),
            "images": _whole(self.images),
            "momenta": None if self.momenta is None else _floating(self.momenta),
            "scalars": {name: np.asarray(value, dtype=np.float64) for name, value in self.scalars.items()},
        }
        shape = values["fractional"].shape
        if len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ValueError(f"fractional: expected shape (frames, atoms, 3), got {shape}")
        if values["cells"].shape == (3, 3):
            values["cells"] = np.broadcast_to(values["cells"], (shape[0], 3, 3))
        _check_shapes(values, *shape[:2])
        _check_values(values)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return int(self.fractional.shape[0])

    @overload
    def __getitem__(self, frame: int) -> Atoms: ...

    @overload
    def __getitem__(self, frame: slice) -> Trajectory: ...

    def __getitem__(self, frame: int | slice) -> Atoms | Trajectory:
        if isinstance(frame, slice):
            return self.select(frame.start, frame.stop, frame.step)
        return self.atoms(frame)

    def __iter__(self) -> Iterator[Atoms]:
        return (self.atoms(frame) for frame in range(len(self)))

    @classmethod
    def from_atoms(cls, frames: Sequence[Atoms], times: Sequence[float] | Floats) -> Trajectory:
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

    def atoms(self, frame: int) -> Atoms:
        """A frame as an ASE structure.

        Parameters
        ----------
        frame : int
            Negative numbers count from the end.

        Returns
        -------
        ase.Atoms
            Positions as the trajectory has them (wrapped where it comes from a store), with momenta where there
            are any; ``info`` holds ``time`` (ps) and the scalars.

        Raises
        ------
        IndexError
            There is no such frame.
        """
        from ase import Atoms

        number = range(len(self))[frame]
        atoms = Atoms(
            self.symbols,
            scaled_positions=self.fractional[number].astype(np.float64),
            cell=self.cells[number],
            pbc=self.pbc,
            info={
                "time": float(self.times[number]),
                **{name: float(values[number]) for name, values in self.scalars.items()},
            },
        )
        if self.momenta is not None:
            atoms.set_momenta(self.momenta[number].astype(np.float64))
        return atoms

    @property
    def mean_cell(self) -> Floats:
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

    def select(self, start: int | None = None, stop: int | None = None, step: int | None = None) -> Trajectory:
        """The frames of ``slice(start, stop, step)``, for example without the equilibration."""
        part = slice(start, stop, step)
        arrays = {name: _part(getattr(self, name), part) for name in _PER_ATOM}
        return Trajectory(
            symbols=self.symbols,
            cells=self.cells[part],
            times=self.times[part],
            pbc=self.pbc,
            scalars={name: values[part] for name, values in self.scalars.items()},
            **arrays,
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

    def blocks(self, atoms: NDArray[np.intp], drift: Floats | None = None) -> Iterator[Floats]:
        """Unwrapped displacements from the first frame, some atoms at a time: see `displacement_blocks`."""
        from betalps.trajectories.unwrapping import displacement_blocks

        return displacement_blocks(self, atoms, drift)


def _part(array: Any, frames: slice) -> Any:
    if array is None:
        return None
    return array.view(frames) if isinstance(array, StoredArray) else array[frames]


def _floating(array: Any) -> Any:
    if isinstance(array, StoredArray):
        return array
    array = np.asarray(array)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _whole(images: Any) -> Any:
    if images is None or isinstance(images, StoredArray):
        return images
    images = np.asarray(images)
    if not np.issubdtype(images.dtype, np.signedinteger):
        raise ValueError(f"images: expected whole numbers, got {images.dtype}")
    return images


def _check_shapes(values: dict[str, Any], frames: int, atoms: int) -> None:
    expected = {"symbols": (atoms,), "cells": (frames, 3, 3), "times": (frames,)}
    expected |= {name: (frames, atoms, 3) for name in ("images", "momenta") if values[name] is not None}
    shapes = {name: values[name].shape for name in expected}
    shapes |= {f"scalars[{name!r}]": value.shape for name, value in values["scalars"].items()}
    for name, shape in shapes.items():
        wanted = expected.get(name, (frames,))
        if shape != wanted:
            raise ValueError(f"{name}: expected shape {wanted} for {frames} frames of {atoms} atoms, got {shape}")


def _check_values(values: dict[str, Any]) -> None:
    for name in ("fractional", "cells", "times", "momenta"):
        if values[name] is None or isinstance(values[name], StoredArray):
            continue  # its writer has looked
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
