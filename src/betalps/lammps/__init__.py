"""LAMMPS for production: the pair style, described runs on many ranks, and their results as every run leaves them."""

from betalps.lammps.choosing import EngineChoice, choose_engine, default_ranks
from betalps.lammps.collecting import collect
from betalps.lammps.errors import LammpsError
from betalps.lammps.estimating import estimate_lammps
from betalps.lammps.evaluation import compare, evaluate
from betalps.lammps.external import ExternalForces
from betalps.lammps.installation import Installation, find_lammps, new_lammps
from betalps.lammps.plugin import build_plugin, load_plugin
from betalps.lammps.restarts import Launch, forget_after, next_launch
from betalps.lammps.running import run_lammps
from betalps.lammps.writing import write_run

__all__ = [
    "EngineChoice",
    "ExternalForces",
    "Installation",
    "LammpsError",
    "Launch",
    "build_plugin",
    "choose_engine",
    "collect",
    "compare",
    "default_ranks",
    "estimate_lammps",
    "evaluate",
    "find_lammps",
    "forget_after",
    "load_plugin",
    "new_lammps",
    "next_launch",
    "run_lammps",
    "write_run",
]
