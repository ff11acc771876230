"""Molecular dynamics in process: canonical runs that can be killed at any moment and resumed bit for bit."""

from betalps.dynamics.checkpoint import Checkpoint, load_checkpoint
from betalps.dynamics.integrator import NVT, UnstableRunError
from betalps.dynamics.runs import Observer, Progress, run_nvt
from betalps.dynamics.thermo import read_thermo

__all__ = [
    "NVT",
    "Checkpoint",
    "Observer",
    "Progress",
    "UnstableRunError",
    "load_checkpoint",
    "read_thermo",
    "run_nvt",
]
