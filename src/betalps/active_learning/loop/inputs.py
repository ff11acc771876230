"""What a study begins with: labelled structures, test sets, and what runs begin from; and that it is the same study."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.active_learning.label_store import structure_key
from betalps.active_learning.loop.config import LoopConfig
from betalps.active_learning.loop.seeds import Start, build_starts
from betalps.active_learning.loop.state import load_json, save_json
from betalps.datasets import format_extxyz, read, stored_labels
from betalps.errors import CheckpointError, SpeciesError
from betalps.potentials import load
from betalps.training import LabelError
from betalps.typing import Json

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, kw_only=True, eq=False)
class Inputs:
    """What a study begins with.

    Attributes
    ----------
    data
        Labelled structures.
    tests
        Labelled structures that are never trained on, by the names of their files.
    starts
        What runs begin from.
    """

    data: tuple[Atoms, ...]
    tests: dict[str, tuple[Atoms, ...]]
    starts: tuple[Start, ...]


def read_inputs(config: LoopConfig) -> Inputs:
    """Read and build everything.

    Raises
    ------
    LabelError
        A file holds no structures, or one without energy or forces.
    SpeciesError
        A seed holds an element that the data do not.
    ValueError, StructureError, FormatError, FileNotFoundError
        A file or a structure cannot be had.
    """
    data = _labelled(config.data)
    species = {symbol for atoms in data for symbol in atoms.get_chemical_symbols()}
    known = "the starting data"
    if config.potential is not None:
        _require_known("the starting data", data, set(load(config.potential).species), config.potential)
    starts = build_starts(config)
    for start in starts:
        _require_known(f"seed {start.seed.name}", [start.atoms], species, known)
    tests = {_test_name(file, config.test): _labelled((file,)) for file in config.test}
    for file, frames in zip(config.test, tests.values(), strict=True):
        _require_known(file, frames, species, known)
    groups = {start.group for start in starts} | {str(atoms.info.get("group")) for atoms in data}
    unknown = sorted(set(config.fit.group_weights) - groups)
    if unknown:
        raise ValueError(
            f"fit.group_weights names {', '.join(unknown)}; the groups of the seeds and of the starting data are "
            f"{', '.join(sorted(groups - {'None'}))}"
        )
    return Inputs(data=data, tests=tests, starts=starts)


def _require_known(what: str, frames: Sequence[Atoms], species: set[str], where: str) -> None:
    """Refuse elements that are not there."""
    unknown = sorted({symbol for atoms in frames for symbol in atoms.get_chemical_symbols()} - species)
    if unknown:
        raise SpeciesError(f"{what}: holds {', '.join(unknown)}, which {where} lack: {', '.join(sorted(species))}")


def require_same(path: Path, config: LoopConfig, inputs: Inputs, *, begun: bool) -> None:
    """Note what decides the study, or compare with what was noted.

    Parameters
    ----------
    path
        Of the note.
    config, inputs
        The study.
    begun
        Whether any of it has been done: until then it may become another one.

    Raises
    ------
    CheckpointError
        It is another one; says in what it differs.
    """
    starts = [(start.name, structure_key(start.atoms)) for start in inputs.starts]
    identity: Json = {
        **config.identity(),
        "data": hashlib.sha256(format_extxyz(inputs.data).encode()).hexdigest(),
        "potential": None if config.potential is None else load(config.potential).sha256,
        "structures": hashlib.sha256(repr(starts).encode()).hexdigest(),
    }
    found = load_json(path)
    if found is None or not begun:
        save_json(path, identity)
        return
    there, asked = _flat(found), _flat(identity)
    differing = [
        f"{name} (there {there.get(name)!r}, asked for {asked.get(name)!r})"
        for name in sorted(there.keys() | asked.keys())
        if there.get(name) != asked.get(name)
    ]
    if differing:
        raise CheckpointError(f"{path} is of another study; it differs in {'; '.join(differing)}")


def _flat(values: Json) -> Json:
    """Settings by their names, those of parts as ``part.name``; the seeds as what comes of them."""
    flat: Json = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": entry for inner, entry in value.items()}
        elif name != "seeds":
            flat[name] = value
    seeds = {entry["name"]: dict(entry) for entry in values.get("seeds", [])}
    for entry in seeds.values():
        if isinstance(entry.get("structure"), str):
            entry["structure"] = "a file"  # wherever it lies: what it holds is compared
    return flat | {f"seed {name}": entry for name, entry in seeds.items()}


def _labelled(files: Sequence[str]) -> tuple[Atoms, ...]:
    frames = tuple(read(files))
    if not frames:
        raise LabelError(f"{', '.join(files)}: no frames; expected labelled structures")
    for number, atoms in enumerate(frames):
        labels = stored_labels(atoms)
        missing = [name for name in ("energy", "forces") if name not in labels]
        if missing:
            raise LabelError(f"{', '.join(files)}: frame {number} has no {' and no '.join(missing)}")
    return frames


def _test_name(file: str, files: Sequence[str]) -> str:
    """The file's name without its endings; its path where two are alike."""
    names = [Path(other).name.partition(".")[0] for other in files]
    name = Path(file).name.partition(".")[0]
    return name if names.count(name) == 1 and name != "training" else file
