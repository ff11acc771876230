"""What a study of active learning is made of. A TOML file of the same names makes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self, get_args

from betalps.active_learning.loop.settings import Budget, Choosing, Exploration, Fitting, Labels, check_numbers
from betalps.protocols.checks import choice, known_names, number, whole
from betalps.protocols.stage import FREE, Ensemble
from betalps.typing import Json


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A structure that runs begin from.

    Attributes
    ----------
    name
        Names its runs; letters, digits, ``-``, ``_``, ``.``.
    structure
        Path of a file (``file@3`` for a frame), or a table with a ``builder`` of `betalps.structures` and its
        arguments, see `betalps.dynamics.build_structure`.
    temperatures
        In K, a run at each.
    strains
        Isotropic linear strains, a run of each; a strained cell keeps its volume (nvt). The study: -0.05, 0, 0.05.
    group
        What its structures are counted under; by default its name.
    ensemble, free
        Instead of those of `Exploration`, such as nvt for a slab or z for a boundary.
    time
        Instead of that of `Exploration`, ps.
    """

    name: str
    structure: str | Json
    temperatures: tuple[float, ...]
    strains: tuple[float, ...] = (0.0,)
    group: str = ""
    ensemble: Ensemble | None = None
    free: str | None = None
    time: float | None = None

    def __post_init__(self) -> None:
        plain = isinstance(self.name, str) and self.name.replace("-", "").replace("_", "").replace(".", "").isalnum()
        if not plain or not self.name.isascii() or self.name.startswith("."):
            raise ValueError(f"seeds: name is {self.name!r}; expected letters, digits, '-', '_' and '.'")
        here = f"seed {self.name}:"
        if not isinstance(self.structure, str | dict) or not self.structure:
            raise ValueError(f"{here} structure is {self.structure!r}; expected a path, or a table with a builder")
        check_numbers(self, here, "temperatures", above=0.0)
        check_numbers(self, here, "strains", above=-_STRAIN)
        if max(self.strains) >= _STRAIN:
            raise ValueError(f"{here} strains are {self.strains}; expected fractions below {_STRAIN:g}, 0.05 for 5 %")
        for name, values in (("temperatures", self.temperatures), ("strains", self.strains)):
            if len(set(values)) < len(values):
                raise ValueError(f"{here} {name} are {values}; expected each once")
        if self.ensemble is not None:
            choice(f"{here} ensemble", self.ensemble, get_args(Ensemble))
        if self.free is not None:
            choice(f"{here} free", self.free, FREE)
        if self.time is not None:
            object.__setattr__(self, "time", number(f"{here} time", self.time, above=0.0))


_STRAIN = 0.5

_PARTS: dict[str, type[Any]] = {
    "exploration": Exploration,
    "selection": Choosing,
    "labels": Labels,
    "fit": Fitting,
    "budget": Budget,
}
# How something is computed, and for how long: another value goes on with the same study.
_FREE_TO_CHANGE = {
    "exploration": {"workers"},
    "labels": {"workers", "timeout", "attempts"},
    "fit": {"finish"},
    "budget": {field.name for field in fields(Budget)},
}


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """A study of active learning.

    Attributes
    ----------
    data
        Files of labelled structures to begin with.
    seeds
        What is simulated. In TOML: tables ``[[seeds]]``.
    test
        Files of labelled structures that every potential is held against, and that are never trained on.
    potential
        To begin with, with its form, coefficients and active set: the name of a bundled one, or a file. None: one is
        fitted to `data`.
    seed
        Of everything random.
    exploration, selection, labels, fit, budget
        In TOML: tables of these names.
    """

    data: tuple[str, ...]
    seeds: tuple[Seed, ...]
    test: tuple[str, ...] = ()
    potential: str | None = None
    seed: int = 1
    exploration: Exploration = field(default_factory=Exploration)
    selection: Choosing = field(default_factory=Choosing)
    labels: Labels = field(default_factory=Labels)
    fit: Fitting = field(default_factory=Fitting)
    budget: Budget = field(default_factory=Budget)

    def __post_init__(self) -> None:
        for name in ("data", "test"):
            value = getattr(self, name)
            files = (value,) if isinstance(value, str) else tuple(value)
            if any(not isinstance(file, str) for file in files):
                raise ValueError(f"{name} is {value!r}; expected paths")
            object.__setattr__(self, name, files)
        if not self.data:
            raise ValueError("data is empty; expected files of labelled structures to begin with")
        object.__setattr__(self, "seeds", tuple(self.seeds))
        names = [seed.name for seed in self.seeds]
        twice = sorted({name for name in names if names.count(name) > 1})
        if not names or twice:
            raise ValueError(f"seeds: {', '.join(twice) or 'none'}; expected at least one, of different names")
        whole("seed", self.seed, 0)
        for seed in self.seeds:
            time, runs = (seed.time or self.exploration.time), self.exploration
            steps = round(1e3 * time / runs.timestep)
            if steps < runs.grade_interval:
                raise ValueError(
                    f"seed {seed.name}: its runs have {steps} steps ({time:g} ps); expected no fewer than "
                    f"exploration.grade_interval, {runs.grade_interval}, or no grade would be looked at"
                )

    @classmethod
    def from_dict(cls, values: Json, folder: Path | None = None) -> Self:
        """Make a study from a mapping, as TOML gives it.

        Parameters
        ----------
        values
            Settings by name.
        folder
            What its paths are relative to; None leaves them.

        Raises
        ------
        ValueError
            For a name that is not a setting, one that is missing, or a value out of range.
        """
        values = known_names("the study", values, cls)
        missing = [name for name in ("data", "seeds") if name not in values]
        if missing:
            raise ValueError(f"the study lacks {', '.join(missing)}")
        for name, part in _PARTS.items():
            if name in values:
                values[name] = part(**known_names(name, values[name], part))
        if not isinstance(values["seeds"], list | tuple):
            raise ValueError("seeds: expected tables [[seeds]]")  # noqa: TRY004 - a value in a file
        values["seeds"] = tuple(_seed(entry, number, folder) for number, entry in enumerate(values["seeds"], 1))
        if folder is not None:
            for name in ("data", "test"):
                files = values.get(name, ())
                values[name] = tuple(str(folder / f) for f in ([files] if isinstance(files, str) else files))
            kind, _, file = values["labels"].calculator.partition(":") if "labels" in values else ("", "", "")
            if kind == "mtp" and (folder / file).is_file():
                values["labels"] = replace(values["labels"], calculator=f"mtp:{(folder / file).resolve()}")
            if values.get("potential") is not None and (folder / values["potential"]).is_file():
                values["potential"] = str(folder / values["potential"])
        return cls(**values)

    def to_dict(self) -> Json:
        """Plain values by name."""
        return _plain(asdict(self))  # type: ignore[no-any-return]

    def identity(self) -> Json:
        """What decides the potentials: all but the files' names, test sets, and how long and on how many cores."""
        values = self.to_dict()
        for name in ("data", "test", "potential"):
            del values[name]
        for part, names in _FREE_TO_CHANGE.items():
            values[part] = {name: value for name, value in values[part].items() if name not in names}
        return values


def _seed(entry: Any, count: int, folder: Path | None) -> Seed:
    what = f"seeds[{count}]"
    entry = known_names(what, entry, Seed)
    missing = [name for name in ("name", "structure", "temperatures") if name not in entry]
    if missing:
        raise ValueError(f"{what} lacks {', '.join(missing)}")
    if folder is not None and isinstance(entry["structure"], str):
        entry["structure"] = str(folder / entry["structure"])
    return Seed(**entry)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value
