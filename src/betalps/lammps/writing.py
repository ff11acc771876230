"""A run's folder, ready for LAMMPS here or on a cluster."""

from __future__ import annotations

import json
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from betalps.dynamics import starting_structure, thermal_momenta
from betalps.dynamics.motion import at_rest
from betalps.dynamics.recorder import describe
from betalps.dynamics.starting import check_start, identity
from betalps.errors import BetalpsError, CheckpointError
from betalps.lammps.box import turn_of
from betalps.lammps.collecting import save_turn
from betalps.lammps.inputs import needs_triclinic, write_input, write_structure, write_submit
from betalps.lammps.names import DESCRIPTION
from betalps.lammps.restarts import Launch, next_launch
from betalps.potentials import Potential, load
from betalps.protocols import RunSpec
from betalps.typing import Json, PathLike

if TYPE_CHECKING:
    from ase import Atoms


def write_run(
    spec: RunSpec,
    folder: PathLike,
    *,
    atoms: Atoms | None = None,
    ranks: int = 1,
    lammps: PathLike | None = None,
) -> Launch:
    """Write everything that LAMMPS needs for a run.

    Parameters
    ----------
    spec
        The run.
    folder
        Gets ``in.lammps``, ``structure.data`` (with the velocities that the run in process would have),
        ``potential.almtp``, ``submit.sh`` for SLURM, ``run.json`` and ``turn.json``; made if absent. A folder
        that holds a part of this run keeps it.
    atoms
        The starting structure; by default the one that `spec` names.
    ranks
        Tasks in ``submit.sh``.
    lammps
        Prefix of the cluster's LAMMPS, for ``submit.sh``.

    Returns
    -------
    Launch
        From where LAMMPS goes on.

    Raises
    ------
    CheckpointError
        The folder holds another run.
    StructureError, SpeciesError
        The structure cannot be run.
    BetalpsError
        Grades are asked of a potential without an active set of neighbourhoods.
    """
    atoms = starting_structure(spec) if atoms is None else atoms
    check_start(atoms, spec)
    potential = load(spec.potential)
    _check_grades(spec, potential)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    launch = next_launch(folder)
    asked = identity(spec, atoms, potential.sha256, "lammps")
    _require_same_run(folder, spec, asked, launch)
    moving = atoms.copy()
    moving.set_constraint()
    moving.set_momenta(_momenta(atoms, spec))
    write_structure(folder, moving, potential, triclinic=needs_triclinic(spec))
    save_turn(folder, atoms, turn_of(atoms)[0])
    write_input(folder, spec, atoms, potential)
    write_submit(folder, spec, ranks, lammps)
    describe(folder, spec.to_dict(), asked)
    return launch


def _momenta(atoms: Atoms, spec: RunSpec) -> np.ndarray:
    """Those that the run in process begins with."""
    if spec.velocities == "keep":
        return at_rest(atoms.get_momenta(), atoms.get_masses()[:, None])
    return thermal_momenta(atoms, spec.stages[0].temperature, np.random.default_rng(spec.seed))


def _check_grades(spec: RunSpec, potential: Potential) -> None:
    if spec.grade is None:
        return
    active_set = potential.active_set
    if active_set is None or active_set.mode != "neighbourhood":
        found = "no active set" if active_set is None else "one of whole configurations"
        message = f"grade: LAMMPS grades neighbourhoods; expected a potential with an active set of them, found {found}"
        raise BetalpsError(message)


def _require_same_run(folder: Path, spec: RunSpec, asked: Json, launch: Launch) -> None:
    """Refuse a folder of another run; stages that have not begun may differ, and the length of one without ramps."""
    path = folder / DESCRIPTION
    if not path.exists():
        if launch.restart is not None:
            message = f"{folder} holds {launch.restart.name} but no {DESCRIPTION}"
            raise CheckpointError(message)
        return
    try:
        there = dict(json.loads(path.read_text(encoding="utf-8"))["identity"])
        old = list(there.pop("stages"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} does not describe a run: {error}"
        raise CheckpointError(message) from error
    new_identity = dict(asked)
    new = list(new_identity.pop("stages"))
    if launch.restart is not None:
        begun = 1 + sum(launch.step > end for end in accumulate(spec.stage_steps[:-1]))
        there |= _stage_entries(old[:begun], spec)
        new_identity |= _stage_entries(new[:begun], spec)
    differing = [
        f"{name} (there {there.get(name)!r}, asked for {new_identity.get(name)!r})"
        for name in sorted(there.keys() | new_identity.keys())
        if there.get(name) != new_identity.get(name)
    ]
    if differing:
        message = (
            f"{path} belongs to another run; it differs in {'; '.join(differing)}. "
            "Use another folder, or remove this one to start anew"
        )
        raise CheckpointError(message)
    if launch.step > spec.steps:
        message = f"{folder} is at step {launch.step}, beyond the {spec.steps} asked for"
        raise CheckpointError(message)


def _stage_entries(stages: list[Json], spec: RunSpec) -> Json:
    entries: Json = {}
    for number, stage in enumerate(stages):
        under_way = number == len(stages) - 1 and number < len(spec.stages) and not spec.stages[number].ramped
        for name, value in stage.items():
            if not (under_way and name == "time"):
                entries[f"stage {number + 1}: {name}"] = value
    return entries
