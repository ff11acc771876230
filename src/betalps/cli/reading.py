"""Options about what a trajectory's file does not say, for the verbs that read one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

FORMATS = ("store", "traj", "extxyz", "lammps-dump", "h5md")

_OPTIONS = ("interval", "unwrapped", "timestep", "specorder", "group")


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """What the formats leave open: times, species, wrapping."""
    reading = parser.add_argument_group("what the source does not say")
    reading.add_argument(
        "--interval", type=float, metavar="PS", help="time between frames (.traj, extxyz, H5MD without times)"
    )
    reading.add_argument(
        "--unwrapped", action="store_true", default=None, help="positions are not wrapped into the cell (.traj, extxyz)"
    )
    reading.add_argument("--timestep", type=float, metavar="PS", help="of the run, for a LAMMPS dump without times")
    reading.add_argument(
        "--specorder", type=_species, metavar="A,B,...", help="species of the types 1, 2, ... (LAMMPS dump, H5MD)"
    )
    reading.add_argument("--group", metavar="NAME", help="particle group of an H5MD file")
    reading.add_argument(
        "--rotation-from",
        type=Path,
        metavar="STRUCTURE",
        help="the structure LAMMPS was given through ASE: its cell tells how LAMMPS's frames are to be turned back",
    )


def reader_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Those that were given: a format refuses the options it does not have."""
    options = {name: getattr(arguments, name) for name in _OPTIONS if getattr(arguments, name) is not None}
    if arguments.rotation_from is not None:
        from ase import Atoms
        from ase.io import read

        from betalps.trajectories import lammps_rotation

        atoms = read(arguments.rotation_from)
        assert isinstance(atoms, Atoms)  # for the type checker: one index, one structure
        options["rotation"] = lammps_rotation(atoms.cell)
    return options


def _species(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]
