"""Trajectory files of other programs, read and written frame by frame."""

from betalps.trajectories.formats.ase_files import read_ase, read_extxyz, write_ase, write_extxyz
from betalps.trajectories.formats.h5md import read_h5md, write_h5md
from betalps.trajectories.formats.lammps_dump import read_lammps_dump
from betalps.trajectories.formats.lammps_dump_writer import lammps_rotation, write_lammps_dump
from betalps.trajectories.formats.lines import CutFrameWarning

__all__ = [
    "CutFrameWarning",
    "lammps_rotation",
    "read_ase",
    "read_extxyz",
    "read_h5md",
    "read_lammps_dump",
    "write_ase",
    "write_extxyz",
    "write_h5md",
    "write_lammps_dump",
]
