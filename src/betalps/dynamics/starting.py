"""From a run's description to what runs: structure, calculator, and what tells one run from another."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.dynamics.motion import check_movable
from betalps.errors import FormatError, StructureError
from betalps.protocols import RunSpec
from betalps.protocols.checks import known_names
from betalps.typing import Json, PathLike

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

CalculatorSource = Any  # a Calculator, or a function that makes one; ASE's class is not imported for its name


def starting_structure(spec: RunSpec, folder: PathLike | None = None) -> Atoms:
    """Read or build the structure that a run starts from.

    Parameters
    ----------
    spec
        Its `structure`: a path (``file@3`` takes frame 3 as ASE does; otherwise the last one), or a table with
        a ``builder`` and its arguments.
    folder
        What a path is relative to; None takes the working directory.

    Returns
    -------
    ase.Atoms
        With its velocities, if the file has any.

    Raises
    ------
    FormatError
        If the file cannot be understood.
    FileNotFoundError
        If there is none.
    ValueError
        If no structure is named, or there is no such builder, or it does not take these arguments.
    """
    if spec.structure is None:
        raise ValueError("the run names no structure; expected a path or a builder, or atoms given by hand")
    if isinstance(spec.structure, dict):
        return build_structure(spec.structure)
    return read_structure(Path(folder or ".") / spec.structure)


def read_structure(path: Path) -> Atoms:
    """Read one structure: ``file@3`` is frame 3 as ASE counts, otherwise the last one.

    Raises
    ------
    FormatError
        The file cannot be understood.
    FileNotFoundError
        There is none.
    """
    from ase.io import read

    name = path.name.partition("@")[0]
    if not path.with_name(name).is_file():
        raise FileNotFoundError(f"structure {path.with_name(name)}: no such file")
    try:
        found = read(path)
    except (OSError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise FormatError(f"{path}: ASE cannot read a structure from it: {error}") from error
    atoms: Atoms = found[-1] if isinstance(found, list) else found
    atoms.calc = None
    return atoms


def build_structure(table: Json) -> Atoms:
    """Build the structure that a table describes.

    Parameters
    ----------
    table
        A ``builder``, the name of a function of `betalps.structures`, and its arguments. An argument may be such a
        table itself: ``{"builder": "tilt", "plane": "(120)", "crystal": {"builder": "beta_li3ps4"}}``. ``size`` is a
        table of the least size (`betalps.structures.Size`).

    Raises
    ------
    ValueError
        There is no such builder, or it does not take these arguments.
    """
    built: Atoms = _built(table, {"Atoms"})
    return built


def _built(table: Json, kinds: set[str] | None = None) -> Any:
    """Call the builder that a table names; `kinds` are the types that it may return."""
    from betalps import structures

    arguments = {name: _argument(name, value) for name, value in table.items()}
    name = arguments.pop("builder", None)
    public = {known: getattr(structures, known) for known in structures.__all__}
    builders = {
        known: function
        for known, function in public.items()
        if inspect.isfunction(function) and (kinds is None or _returns(function) in kinds)
    }
    if name not in builders:
        raise ValueError(f"structure: no builder {name!r}; betalps.structures has {', '.join(builders)}")
    function = builders[name]
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        raise ValueError(f"structure: builder {name}: {error}") from error
    return function(**arguments)


def _returns(function: Callable[..., Any]) -> str:
    returned = inspect.signature(function).return_annotation
    return str(getattr(returned, "__name__", returned))


def _argument(name: str, value: Any) -> Any:
    from betalps.structures import Size

    if isinstance(value, list):
        return tuple(_argument("", entry) for entry in value)
    if isinstance(value, dict) and "builder" in value:
        return _built(value)
    if isinstance(value, dict) and name == "size":
        return Size(**known_names("size", value, Size))
    return value


def check_start(atoms: Atoms, spec: RunSpec) -> None:
    """Refuse a structure that the run cannot start from.

    Raises
    ------
    StructureError
        A position or the cell is not finite, the cell has no volume, or an "npt" stage meets a cell that is
        not periodic in all directions.
    ValueError
        The atoms are constrained or fewer than two; velocities are to be kept, but there are none.
    """
    check_movable(atoms)
    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell[:]).all()):
        raise StructureError("the starting structure has a position or cell vector that is not finite")
    if not abs(np.linalg.det(atoms.cell.array)) > 0:
        raise StructureError(f"the starting structure's cell {atoms.cell[:].tolist()} has no volume")
    moving = [stage.name for stage in spec.stages if stage.ensemble == "npt"]
    if moving and not atoms.pbc.all():
        raise StructureError(f"stage {moving[0]!r} is npt; expected a cell periodic in all directions, got {atoms.pbc}")
    if spec.velocities == "keep":
        momenta = atoms.get_momenta()
        if not np.isfinite(momenta).all():
            raise StructureError("the starting structure has a momentum that is not finite")
        if not momenta.any():
            raise ValueError('velocities is "keep", but the structure has none (all are zero)')


def calculator_maker(spec: RunSpec, calculator: CalculatorSource | None) -> Callable[[], Calculator]:
    """A function that gives a calculator without a memory of earlier structures.

    Parameters
    ----------
    spec
        Names the potential where there is no calculator.
    calculator
        An ASE calculator, which is reset whenever it is asked for; or a function that makes a new one.
    """
    from ase.calculators.calculator import Calculator

    if calculator is None:
        from betalps.calculators import MTP
        from betalps.potentials import load

        potential = load(spec.potential)
        return lambda: MTP(potential, threads=spec.threads)
    if isinstance(calculator, Calculator):
        return partial(_reset, calculator)
    if callable(calculator):
        make: Callable[[], Calculator] = calculator
        return make
    raise ValueError(f"calculator is {calculator!r}; expected an ASE calculator, or a function that makes one")


def _reset(calculator: Calculator) -> Calculator:
    calculator.reset()
    return calculator


def describe_potential(calculator: Calculator) -> str:
    """What identifies the potential behind a calculator: its SHA-256, or the calculator's class and settings."""
    fingerprint = getattr(getattr(calculator, "potential", None), "sha256", None)
    if isinstance(fingerprint, str):
        return fingerprint
    kind = type(calculator)
    parameters = dict(getattr(calculator, "parameters", {}) or {})
    settings = hashlib.sha256(repr(sorted(parameters.items())).encode()).hexdigest()[:16]
    return f"{kind.__module__}.{kind.__qualname__}" + (f" {settings}" if parameters else "")


def identity(spec: RunSpec, atoms: Atoms, potential: str, engine: str) -> Json:
    """Collect what tells one run from another, ready for JSON."""
    structure = hashlib.sha256()
    for array in (atoms.numbers, atoms.positions, atoms.cell[:], atoms.pbc, atoms.get_masses()):
        structure.update(np.ascontiguousarray(array).tobytes())
    if spec.velocities == "keep":
        structure.update(np.ascontiguousarray(atoms.get_momenta()).tobytes())
    made: Json = {
        **spec.identity(),
        "stages": [stage.to_dict() for stage in spec.stages],
        "structure": structure.hexdigest(),
        "potential": potential,
        "engine": engine,
    }
    plain: Json = json.loads(json.dumps(made))
    return plain
