"""Frames of a run, their store on disk, other formats, and unwrapped displacements."""

from betalps.trajectories.convert import (
    FORMATS,
    ConversionProgress,
    convert,
    frames_of,
    read_frames,
    read_trajectory,
    trajectory_format,
)
from betalps.trajectories.formats import (
    CutFrameWarning,
    lammps_rotation,
    read_ase,
    read_extxyz,
    read_h5md,
    read_lammps_dump,
)
from betalps.trajectories.frame import Frame
from betalps.trajectories.opening import open_trajectory
from betalps.trajectories.store import TrajectoryWriter
from betalps.trajectories.trajectory import Trajectory
from betalps.trajectories.unwrapping import UnwrapWarning, displacement_blocks, framework_drift, unwrap

__all__ = [
    "FORMATS",
    "ConversionProgress",
    "CutFrameWarning",
    "Frame",
    "Trajectory",
    "TrajectoryWriter",
    "UnwrapWarning",
    "convert",
    "displacement_blocks",
    "frames_of",
    "framework_drift",
    "lammps_rotation",
    "open_trajectory",
    "read_ase",
    "read_extxyz",
    "read_frames",
    "read_h5md",
    "read_lammps_dump",
    "read_trajectory",
    "trajectory_format",
    "unwrap",
]
