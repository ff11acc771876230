"""H5MD, the HDF5 format of molecular data that other programs read.

Written as MDAnalysis and VMD expect it: one group of particles, ``position``, ``velocity`` and ``image`` with their
steps and times, the box edges of every frame, units in attributes, species as an enumeration by atomic number.

Format: https://www.nongnu.org/h5md/h5md.html (version 1.1); de Buyl, Colberg, Höfling, Comput. Phys. Commun. 2014,
185, 1546.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from betalps.errors import FormatError
from betalps.trajectories.frame import Frame, momentum_of_unit_velocity, to_fractional
from betalps.typing import Floats, PathLike

if TYPE_CHECKING:
    import h5py

_GROUP = "particles/trajectory"
_LENGTHS = {"angstrom": 1.0, "a": 1.0, "nm": 10.0, "nanometer": 10.0, "pm": 0.01}
_TIMES = {"ps": 1.0, "fs": 1e-3, "ns": 1e3}


def read_h5md(
    path: PathLike, *, group: str | None = None, specorder: Sequence[str] | None = None, interval: float | None = None
) -> Iterator[Frame]:
    """Frames of an H5MD file, one in memory at a time.

    Parameters
    ----------
    path : path
    group : str, optional
        Which of the groups under ``particles``; needed where there are several.
    specorder : sequence of str, optional
        Chemical symbols of the species 1, 2, ..., where the file numbers them without naming them.
    interval : float, ps, optional
        Between frames, where the file has no times.

    Yields
    ------
    Frame
        Lengths without a unit are taken as Å, times as ps.

    Raises
    ------
    FormatError
        The file is no H5MD, or lacks what a trajectory needs.
    """
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise FormatError(f"{path}: is no HDF5 file ({error})") from error
    with file:
        reader = _Reader(file, Path(path), group, specorder)
        times = reader.times(interval)
        for number in range(len(times)):
            try:
                yield reader.frame(number, float(times[number]), (number + 1) / len(times))
            except (KeyError, OSError, ValueError) as error:
                if isinstance(error, FormatError):
                    raise
                raise FormatError(f"{path}, frame {number}: cannot be read ({error})") from error


class _Reader:
    def __init__(self, file: h5py.File, path: Path, group: str | None, specorder: Sequence[str] | None) -> None:
        self._path = path
        particles = file.get("particles")
        names = [] if particles is None else sorted(particles)
        if group is None and len(names) != 1:
            raise FormatError(f"{path}: holds {len(names)} groups of particles ({', '.join(names)}): name one")
        name = names[0] if group is None else group
        if name not in names or "position/value" not in particles[name]:
            raise FormatError(f"{path}: holds no positions in particles/{name}; groups: {', '.join(names)}")
        self._group = particles[name]
        self._observables = {
            name: element["value"]
            for name, element in (file.get("observables") or {}).items()
            if "value" in element and element["value"].shape == (len(self._values("position")),)
        }
        box = self._group.get("box")
        if box is None or "edges" not in box:
            raise FormatError(f"{path}: particles/{name} has no box with edges")
        self._edges = box["edges/value"] if "edges/value" in box else box["edges"][()]
        boundary = np.atleast_1d(box.attrs.get("boundary", ["periodic"] * 3)).tolist()
        self._pbc = np.array([_text(word) == "periodic" for word in boundary])
        if self._pbc.shape != (3,):
            raise FormatError(f"{path}: expected the boundary of three dimensions, got {len(self._pbc)}")
        self._symbols = self._species(specorder)

    def _values(self, name: str) -> Any:
        return self._group[f"{name}/value"]

    def _unit(self, item: Any, units: dict[str, float]) -> float:
        unit = _text(item.attrs.get("unit", next(iter(units)))).lower()
        if unit not in units:
            raise FormatError(f"{self._path}: {item.name} is in {unit}, expected one of {', '.join(units)}")
        return units[unit]

    def _species(self, specorder: Sequence[str] | None) -> NDArray[np.str_]:
        import h5py

        if "species" not in self._group:
            raise FormatError(f"{self._path}: {self._group.name} has no species")
        item = self._group["species"]
        if "value" in getattr(item, "keys", list)():
            item = item["value"]
        numbers = np.asarray(item[()])
        numbers = numbers[0] if numbers.ndim == 2 else numbers
        names = h5py.check_enum_dtype(item.dtype)
        if names is None and specorder is None:
            raise FormatError(f"{self._path}: its species are numbers without names: give specorder")
        table = (
            {number: name for name, number in names.items()}
            if specorder is None
            else dict(enumerate(specorder, start=1))
        )
        try:
            return np.array([table[int(number)] for number in numbers], dtype=np.str_)
        except KeyError as error:
            raise FormatError(f"{self._path}: species {error} has no name") from None

    def times(self, interval: float | None) -> Floats:
        """(frames,) array, ps."""
        frames = len(self._values("position"))
        if interval is not None:
            return interval * np.arange(frames, dtype=np.float64)
        item = self._group["position"].get("time")
        if item is None:
            raise FormatError(f"{self._path}: its positions have no times: give the interval between frames")
        unit = self._unit(item, _TIMES)
        if item.shape == ():  # the interval, for frames at even steps
            times: Floats = float(item.attrs.get("offset", 0.0)) + float(item[()]) * np.arange(frames, dtype=np.float64)
        else:
            times = np.asarray(item[()], dtype=np.float64)
        return np.asarray(unit * times)

    def frame(self, number: int, time: float, done: float) -> Frame:
        position = self._values("position")
        length = self._unit(position, _LENGTHS)
        edges = (
            np.asarray(self._edges, dtype=np.float64) if isinstance(self._edges, np.ndarray) else self._edges[number]
        )
        cell = length * (np.diag(edges) if np.ndim(edges) == 1 else np.asarray(edges, dtype=np.float64))
        if cell.shape != (3, 3) or np.linalg.det(cell) == 0.0:
            raise FormatError(f"{self._path}, frame {number}: the box is no cell with a volume")
        positions = length * position[number].astype(np.float64)
        images = self._values("image")[number].astype(np.int64) if "image/value" in self._group else None
        momenta = None
        if "velocity/value" in self._group:
            velocities = self._values("velocity")[number].astype(np.float64) * self._speed()
            momenta = velocities * momentum_of_unit_velocity(self._symbols)[:, None]
        return Frame(
            symbols=self._symbols,
            pbc=self._pbc,
            fractional=to_fractional(positions, cell),
            cell=cell,
            time=time,
            images=images,
            momenta=momenta,
            scalars={name: float(values[number]) for name, values in self._observables.items()},
            done=done,
        )

    def _speed(self) -> float:
        """Å/ps per unit of velocity."""
        item = self._values("velocity")
        unit = _text(item.attrs.get("unit", "Angstrom ps-1"))
        length, _, time = unit.replace("/", " ").partition(" ")
        time = time.removesuffix("-1")
        if length.lower() not in _LENGTHS or time not in _TIMES:
            raise FormatError(f"{self._path}: {item.name} is in {unit}, which is not understood")
        return _LENGTHS[length.lower()] / _TIMES[time]


def write_h5md(frames: Iterable[Frame], path: Path) -> None:
    """Write frames as H5MD: wrapped positions, with images where they are known."""
    import h5py

    from betalps import __version__

    with h5py.File(path, "w") as file:
        head = file.create_group("h5md")
        head.attrs["version"] = np.array([1, 1], dtype=np.int32)
        head.create_group("author").attrs["name"] = "unknown"
        head.create_group("creator").attrs.update({"name": "betalps", "version": __version__})
        group = file.create_group(_GROUP)
        elements: dict[str, _Element] = {}
        for number, frame in enumerate(frames):
            if not number:
                elements = _elements(file, group, frame)
            whole = np.floor(frame.fractional) * frame.pbc
            values: dict[str, Any] = {
                "position": (frame.fractional - whole) @ frame.cell,
                "box/edges": frame.cell,
                **{f"observables/{name}": value for name, value in frame.scalars.items()},
            }
            if frame.images is not None:
                values["image"] = whole + frame.images
            if frame.momenta is not None:
                values["velocity"] = frame.momenta / momentum_of_unit_velocity(frame.symbols)[:, None]
            for name, element in elements.items():
                element.append(values[name], number, frame.time)


class _Element:
    """A quantity with a value, a step and a time per frame."""

    def __init__(self, group: h5py.Group, name: str, shape: tuple[int, ...], kind: str, unit: str | None) -> None:
        element = group.create_group(name)
        chunks = (1, *shape) if shape else (1024,)
        self._value = element.create_dataset("value", (0, *shape), kind, maxshape=(None, *shape), chunks=chunks)
        self._step = element.create_dataset("step", (0,), "i8", maxshape=(None,), chunks=(1024,))
        self._time = element.create_dataset("time", (0,), "f8", maxshape=(None,), chunks=(1024,))
        self._time.attrs["unit"] = "ps"
        if unit is not None:
            self._value.attrs["unit"] = unit

    def append(self, value: Any, step: int, time: float) -> None:
        for dataset, number in ((self._value, value), (self._step, step), (self._time, time)):
            dataset.resize(step + 1, axis=0)
            dataset[step] = number


def _elements(file: h5py.File, group: h5py.Group, frame: Frame) -> dict[str, _Element]:
    import h5py
    from ase.data import atomic_masses, atomic_numbers

    numbers = np.array([atomic_numbers[symbol] for symbol in frame.symbols.tolist()], dtype=np.int32)
    names = {symbol: atomic_numbers[symbol] for symbol in sorted(set(frame.symbols.tolist()))}
    group.create_dataset("species", data=numbers, dtype=h5py.enum_dtype(names, basetype="i4"))
    group.create_dataset("mass", data=atomic_masses[numbers]).attrs["unit"] = "u"
    box = group.create_group("box")
    box.attrs["dimension"] = 3
    box.attrs["boundary"] = ["periodic" if periodic else "none" for periodic in frame.pbc]
    atoms = (len(numbers), 3)
    elements = {
        "position": _Element(group, "position", atoms, "f4", "Angstrom"),
        "box/edges": _Element(box, "edges", (3, 3), "f8", "Angstrom"),
    }
    if frame.images is not None:
        elements["image"] = _Element(group, "image", atoms, "i4", None)
    if frame.momenta is not None:
        elements["velocity"] = _Element(group, "velocity", atoms, "f4", "Angstrom ps-1")
    observables = file.create_group("observables")
    for name in frame.scalars:
        elements[f"observables/{name}"] = _Element(observables, name, (), "f8", None)
    return elements


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
