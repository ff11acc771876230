"""How well a potential reproduces labels: by property, species and group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from betalps.calculators import Engine
from betalps.potentials import Potential
from betalps.training.labels import Sample, count_missing, read_labels
from betalps.training.sources import Shifts, shifted_by
from betalps.training.weights import Weights
from betalps.typing import Bools, Floats, Ints, Json, PathLike
from betalps.units import EV_PER_ANGSTROM3_TO_GPA

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Absolute errors of one property. NaN where there are none.

    Attributes
    ----------
    count
        Numbers compared: energies, force components, stress components.
    mae, rmse, median, max
        Mean, root mean square, median and largest of the absolute errors.
    """

    count: int
    mae: float
    rmse: float
    median: float
    max: float

    @classmethod
    def of(cls, differences: Floats) -> Errors:
        """Summarise differences of any shape."""
        size = np.abs(differences).ravel()
        if not size.size:
            return cls(count=0, mae=np.nan, rmse=np.nan, median=np.nan, max=np.nan)
        return cls(
            count=size.size,
            mae=float(size.mean()),
            rmse=float(np.sqrt((size**2).mean())),
            median=float(np.median(size)),
            max=float(size.max()),
        )


@dataclass(frozen=True, kw_only=True)
class PropertyErrors:
    """Errors of a set of configurations.

    Attributes
    ----------
    configurations
        Their number.
    energy
        Of the energy per atom, eV/atom.
    force
        Of force components, eV/Å.
    stress
        Of the six stress components, GPa.
    """

    configurations: int
    energy: Errors
    force: Errors
    stress: Errors

    def to_dict(self) -> Json:
        """With the units in the names."""
        named = {"energy_eV_per_atom": self.energy, "force_eV_per_A": self.force, "stress_GPa": self.stress}
        return {"configurations": self.configurations, **{name: asdict(errors) for name, errors in named.items()}}


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorReport:
    """What a potential gives for labelled configurations, against the labels.

    Attributes
    ----------
    overall
        Errors of all configurations.
    species
        Errors of the force components on atoms of each species, eV/Å.
    groups
        Errors by name and value of every ``info`` entry asked for, such as ``groups["temperature_K"]["600"]``.
    missing
        Configurations without ``energy``, ``forces``, ``stress``, and those of ``weight`` 0 (which are
        evaluated like the others).
    loss
        Mean over configurations with the weights given.
    losses
        Of each configuration, shape (frames,); their mean with the configurations' weights is `loss`.
    worst
        Frame with the largest error of ``energy``, ``force`` and ``stress``; -1 where nothing was compared.
    energies
        Label and prediction, eV/atom, shape (labelled, 2).
    forces
        Components, eV/Å, shape (labelled, 2).
    stresses
        Components, GPa, shape (labelled, 2).
    """

    overall: PropertyErrors
    species: dict[str, Errors]
    groups: dict[str, dict[str, PropertyErrors]]
    missing: dict[str, int]
    loss: float
    losses: Floats = field(repr=False)
    worst: dict[str, int]
    energies: Floats = field(repr=False)
    forces: Floats = field(repr=False)
    stresses: Floats = field(repr=False)

    def to_dict(self) -> Json:
        """Summaries for JSON; the single predictions are left out."""
        return {
            "overall": self.overall.to_dict(),
            "species_force_eV_per_A": {name: asdict(errors) for name, errors in self.species.items()},
            "groups": {
                key: {value: errors.to_dict() for value, errors in found.items()} for key, found in self.groups.items()
            },
            "missing": self.missing,
            "loss": self.loss,
            "worst_frame": self.worst,
        }


def evaluate(
    potential: Potential | PathLike,
    frames: Iterable[Atoms],
    *,
    groups: str | Sequence[str] = (),
    weights: Weights | None = None,
    shifts: Shifts | None = None,
    threads: int | None = None,
) -> ErrorReport:
    """Compare a potential with labelled configurations.

    Parameters
    ----------
    potential
        A potential, the name of a bundled one, or a file.
    frames
        Labelled structures (`read_labels` says where labels are looked for).
    groups
        One name of an ``info`` entry to group by, such as ``"temperature_K"``, or several. Frames without it are
        grouped under "-".
    weights
        Of the reported loss; MLIP-3's by default.
    shifts
        Of the energies of other sources of labels than the potential's, `TrainingResult.shifts`. Energies of sources
        that are not named are compared as they are.
    threads
        Of the evaluation; None as for `betalps.calculators.Engine`.

    Returns
    -------
    ErrorReport

    Raises
    ------
    LabelError
        A frame or a label is not sound; names it.
    SpeciesError
        A frame holds an element that the potential does not know.
    ValueError
        The shifts of a source lack a species of its frames.
    """
    engine = Engine(potential, threads=threads)
    return compare(engine, shifted_by(read_labels(frames), shifts or {}), weights or Weights(), groups)


def names_of(groups: str | Sequence[str]) -> list[str]:
    """The names in `groups`; a text is one name, not a sequence of letters."""
    return [groups] if isinstance(groups, str) else list(dict.fromkeys(groups))


def compare(
    engine: Engine, samples: Sequence[Sample], weights: Weights, groups: str | Sequence[str] = ()
) -> ErrorReport:
    """Like `evaluate`, for labels that are read and an engine that is made."""
    table = _Table(engine, samples, weights)
    everything = np.ones(len(samples), dtype=bool)
    numbers = np.concatenate([s.numbers for s in samples if s.forces is not None] or [np.zeros(0, np.int32)])
    total = sum(sample.weight for sample in samples)
    weighted = table.losses @ np.array([sample.weight for sample in samples])
    return ErrorReport(
        overall=table.errors(everything),
        species=_by_species(numbers, np.diff(table.forces).reshape(-1, 3)),
        groups={key: _by_value(table, samples, key) for key in names_of(groups)},
        missing=count_missing(samples),
        loss=float(weighted / total) if total > 0 else np.nan,
        losses=table.losses,
        worst=table.worst(),
        energies=table.energies,
        forces=table.forces,
        stresses=table.stresses,
    )


class _Table:
    """Labels and predictions side by side, each row with the index of its sample."""

    def __init__(self, engine: Engine, samples: Sequence[Sample], weights: Weights) -> None:
        energies, forces, stresses = [], [], []
        self.losses = np.zeros(len(samples))
        for index, sample in enumerate(samples):
            out = engine.evaluate(sample.positions, sample.numbers, sample.cell, sample.pbc, virials=True)
            assert out.forces is not None
            assert out.virials is not None
            one = [*[getattr(sample, name) for name in ("energy", "forces", "virial")]]
            unit = _unit_weight(sample)
            if one[0] is not None:
                energies.append((index, one[0] / len(sample.numbers), out.energy / len(sample.numbers)))
                self.losses[index] += weights.of_energy(unit) * (out.energy - one[0]) ** 2
            if one[1] is not None:
                forces.append(_rows(index, one[1], out.forces))
                self.losses[index] += weights.of_forces(unit) @ ((out.forces - one[1]) ** 2).sum(axis=1)
            if one[2] is not None:
                virial = out.virials.sum(axis=0)
                stresses.append(_rows(index, one[2], virial) * [1, *2 * [-EV_PER_ANGSTROM3_TO_GPA / sample.volume]])
                self.losses[index] += weights.of_virial(unit) @ (virial - one[2]) ** 2
        self._energies = np.array(energies).reshape(-1, 3)
        self._forces = np.concatenate([np.zeros((0, 3)), *forces])
        self._stresses = np.concatenate([np.zeros((0, 3)), *stresses])

    @property
    def energies(self) -> Floats:
        return self._energies[:, 1:]

    @property
    def forces(self) -> Floats:
        return self._forces[:, 1:]

    @property
    def stresses(self) -> Floats:
        return self._stresses[:, 1:]

    def errors(self, members: Bools) -> PropertyErrors:
        """Errors of some of the samples."""
        parts = [Errors.of(np.diff(t[members[t[:, 0].astype(int)], 1:])) for t in self._tables()]
        return PropertyErrors(configurations=int(members.sum()), energy=parts[0], force=parts[1], stress=parts[2])

    def worst(self) -> dict[str, int]:
        return {
            name: int(table[np.argmax(np.abs(table[:, 2] - table[:, 1])), 0]) if len(table) else -1
            for name, table in zip(("energy", "force", "stress"), self._tables(), strict=True)
        }

    def _tables(self) -> tuple[Floats, Floats, Floats]:
        return self._energies, self._forces, self._stresses


def _rows(index: int, label: Floats, predicted: Floats) -> Floats:
    return np.stack([np.full(label.size, float(index)), label.ravel(), predicted.ravel()], axis=1)


def _unit_weight(sample: Sample) -> Sample:
    from dataclasses import replace

    return sample if sample.weight == 1 else replace(sample, weight=1.0)


def _by_species(numbers: Ints, differences: Floats) -> dict[str, Errors]:
    from ase.data import chemical_symbols

    return {chemical_symbols[z]: Errors.of(differences[numbers == z]) for z in np.unique(numbers)}


def _by_value(table: _Table, samples: Sequence[Sample], key: str) -> dict[str, PropertyErrors]:
    values = np.array([_text(sample.info.get(key, "-")) for sample in samples])
    return {str(value): table.errors(values == value) for value in sorted(set(values), key=_natural)}


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)


def _natural(text: str) -> tuple[int, float, str]:
    """Numbers by size, before words."""
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text
