"""Molecular dynamics in process: described runs that can be killed at any moment and resumed bit for bit."""

from betalps.dynamics.checkpoint import Checkpoint, load_checkpoint
from betalps.dynamics.cost import RunCost, estimate_run
from betalps.dynamics.events import Callback, Observer, Progress, RunResult, Stop, StopRun
from betalps.dynamics.motion import UnstableRunError, thermal_momenta
from betalps.dynamics.runner import run
from betalps.dynamics.starting import build_structure, read_structure, starting_structure
from betalps.dynamics.thermo import read_thermo

__all__ = [
    "Callback",
    "Checkpoint",
    "Observer",
    "Progress",
    "RunCost",
    "RunResult",
    "Stop",
    "StopRun",
    "UnstableRunError",
    "build_structure",
    "estimate_run",
    "load_checkpoint",
    "read_structure",
    "read_thermo",
    "run",
    "starting_structure",
    "thermal_momenta",
]
