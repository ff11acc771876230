"""Frames of a run, their store on disk, and unwrapped displacements."""

from betalps.trajectories.store import ChunkWriter, read_chunks
from betalps.trajectories.trajectory import Trajectory
from betalps.trajectories.unwrapping import UnwrapWarning, displacement_blocks, framework_drift, unwrap

__all__ = [
    "ChunkWriter",
    "Trajectory",
    "UnwrapWarning",
    "displacement_blocks",
    "framework_drift",
    "read_chunks",
    "unwrap",
]
