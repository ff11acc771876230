"""Trajectories that ``betalps analyse`` reads, with what their folders know of them."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.cli.reading import FORMATS, add_reading_options, reader_options
from betalps.errors import FormatError

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.protocols import RunSpec
    from betalps.trajectories import Trajectory
    from betalps.typing import Json

_STRUCTURE = "structure.extxyz"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A trajectory, and where it came from.

    Attributes
    ----------
    path : Path
        As it was given.
    trajectory : Trajectory
        The frames that were asked for.
    given : Path or None
        The structure it started from, where the user named it.
    """

    path: Path
    trajectory: Trajectory
    given: Path | None

    @property
    def name(self) -> str:
        """To tell it from others."""
        return str(self.path)

    @cached_property
    def spec(self) -> RunSpec | None:
        """What ran, where the folder says so."""
        found = _run_record(self.path)
        if found is None:
            return None
        from betalps.protocols import RunSpec

        return RunSpec.from_dict(found["run"])

    @property
    def temperature(self) -> float | None:
        """In K, of a run at one temperature."""
        stages = [] if self.spec is None else [stage for stage in self.spec.stages if stage.production]
        kelvins = {kelvin for stage in stages for kelvin in (stage.temperature, stage.final_temperature)} - {None}
        return kelvins.pop() if len(kelvins) == 1 else None

    def structure(self) -> Atoms:
        """The structure that the trajectory started from, as it was built.

        Raises
        ------
        ValueError
            Nobody knows it, or it is not of these atoms.
        """
        atoms = self._found_structure()
        if list(atoms.symbols) != self.trajectory.symbols.tolist():
            raise ValueError(
                f"{self.given or self.path}: the structure's atoms, {atoms.get_chemical_formula()}, are not those of "
                f"the trajectory, {len(self.trajectory.symbols)} in all, in the same order"
            )
        return atoms

    def bicrystal(self) -> Atoms | None:
        """The structure with a builder's record of boundaries; None where there is none, or nobody knows of one.

        Raises
        ------
        StructureError
            The structure that the user named has no such record.
        """
        from betalps.errors import StructureError
        from betalps.structures import boundary_record

        try:
            atoms = self.structure()
            boundary_record(atoms)
        except (ValueError, StructureError):
            if self.given is not None:
                raise
            return None
        return atoms

    def _found_structure(self) -> Atoms:
        from betalps.cli.build_files import read_structure

        if self.given is not None:
            return read_structure(self.given)
        for path in (self.path / _STRUCTURE, self.path.parent / _STRUCTURE):
            if path.is_file():
                return read_structure(path)
        record = _run_record(self.path)
        hint = "name it with --structure FILE"
        if record is None or self.spec is None or self.spec.structure is None:
            raise ValueError(f"{self.path}: does not say which structure it started from; {hint}")
        from betalps.dynamics.starting import identity, starting_structure

        try:
            atoms = starting_structure(self.spec)
        except (ValueError, OSError, FormatError) as error:
            raise ValueError(
                f"{self.path}: the structure that it started from is not found; {hint} ({error})"
            ) from error
        if identity(self.spec, atoms, "", "")["structure"] != record["identity"]["structure"]:
            raise ValueError(
                f"{self.path}: {self.spec.structure} is no longer what it started from; {hint} of that time"
            )
        return atoms

    def describe(self) -> Json:
        """What a file of results remembers of it."""
        from ase.formula import Formula

        times = self.trajectory.times
        return {
            "path": str(self.path),
            "frames": len(self.trajectory),
            "atoms": len(self.trajectory.symbols),
            "formula": Formula.from_list(self.trajectory.symbols.tolist()).format("metal"),
            "first_ps": float(times[0]),
            "last_ps": float(times[-1]),
            "temperature_K": self.temperature,
        }


def add_source_options(parser: argparse.ArgumentParser, *, several: bool) -> None:
    """Which trajectories, which of their frames, and what their files do not say."""
    parser.add_argument(
        "trajectory",
        type=Path,
        nargs="+" if several else 1,
        metavar="TRAJECTORY",
        help="folder of a run, a store, or a file: .traj, .extxyz, LAMMPS dump, H5MD",
    )
    frames = parser.add_argument_group("frames")
    frames.add_argument("--start", type=int, metavar="N", help="first frame: leave out what is not equilibrated")
    frames.add_argument("--stop", type=int, metavar="N", help="frame to stop before")
    frames.add_argument("--every", type=int, metavar="N", help="take every N-th frame")
    add_reading_options(parser)
    parser.add_argument("--format", choices=FORMATS, help="of the files, where their names do not tell")


def read_sources(arguments: argparse.Namespace) -> list[Source]:
    """Open every trajectory that was named.

    Raises
    ------
    FormatError
        A file that cannot be understood, or none of the frames asked for.
    """
    return [_read(path, arguments) for path in arguments.trajectory]


def _read(path: Path, arguments: argparse.Namespace) -> Source:
    from betalps.trajectories import open_trajectory, read_trajectory

    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    if _run_folder(path):
        whole = open_trajectory(path / "trajectory")
    else:
        whole = read_trajectory(path, format=arguments.format, **reader_options(arguments))
    part = slice(arguments.start, arguments.stop, arguments.every)
    if not range(*part.indices(len(whole))):
        raise FormatError(f"{path}: holds {len(whole)} frames, none of them among --start, --stop and --every")
    return Source(path=path, trajectory=whole[part], given=getattr(arguments, "structure", None))


def _run_folder(path: Path) -> bool:
    return (path / "trajectory").is_dir()


def _run_record(path: Path) -> Json | None:
    """What ``run.json`` says: in the folder of the run, or beside its trajectory."""
    for file in (path / "run.json", path.parent / "run.json"):
        if file.is_file():
            try:
                content: Json = json.loads(file.read_text(encoding="utf-8"))
            except ValueError as error:
                raise FormatError(f"{file} is not JSON: {error}") from error
            return content
    return None
