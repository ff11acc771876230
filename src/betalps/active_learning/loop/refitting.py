"""From all labels to the next potential, with its active set and its errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from betalps.active_learning.loop.settings import Fitting
from betalps.active_learning.selection import select
from betalps.datasets import stored_labels
from betalps.potentials import Potential
from betalps.training import Iteration, evaluate, fit
from betalps.training.distances import shortest_distances
from betalps.training.labels import WEIGHT_KEY, read_labels
from betalps.training.sources import Shifts
from betalps.typing import Json

if TYPE_CHECKING:
    from ase import Atoms

_MIN_DIST = 0.8  # of the shortest distance in the starting data


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """A potential of the loop and how good it is.

    Attributes
    ----------
    potential
        With the active set of everything it was trained on.
    errors
        Of the training set (``"training"``) and every test set by its file's name: see `errors_of`.
    flags
        Of the fit.
    unfilled
        Rows of the active set that no data fill.
    shifts
        Between the sources of labels.
    loss
        Of the fit; None of a potential that was given.
    """

    potential: Potential
    errors: Json
    flags: tuple[str, ...]
    unfilled: int
    shifts: Shifts | None
    loss: float | None

    def record(self, frames: Sequence[Atoms]) -> Json:
        """What there is to say of it and of its data, for JSON."""
        return {
            "frames": len(frames),
            "atoms": sum(map(len, frames)),
            "loss": self.loss,
            "errors": self.errors,
            "flags": list(self.flags),
            "unfilled": self.unfilled,
            "shifts": self.shifts,
            "potential": self.potential.sha256,
        }


def train(
    frames: Sequence[Atoms],
    settings: Fitting,
    *,
    previous: Potential | None,
    anew: bool = False,
    tests: Mapping[str, Sequence[Atoms]],
    seed: int,
    checkpoint: Path,
    observer: Callable[[Iteration], None],
) -> Fitted:
    """Fit to labelled structures, from the previous potential if there is one, and select the active set.

    With `anew` only the form of the previous potential is kept (level, cutoff, radial basis), and the fit begins at
    random starts. Killed and called again, it goes on from the checkpoint, and gives the same bit for bit.
    """
    weighted = [_weighted(atoms, settings) for atoms in frames]
    anew = anew or previous is None
    result = fit(
        weighted,
        _form(weighted, settings) if previous is None else previous.replace(active_set=None),
        weights=settings.weights(),
        settings=settings.search(anew=anew),
        sources=settings.sources(),
        warm_start=not anew,
        seed=seed,
        threads=settings.threads,
        checkpoint=checkpoint,
        observer=observer,
    )
    found = graded(result.potential, frames, settings, tests, shifts=result.shifts, flags=result.flags)
    return replace(found, loss=result.loss)


def graded(
    potential: Potential,
    frames: Sequence[Atoms],
    settings: Fitting,
    tests: Mapping[str, Sequence[Atoms]],
    *,
    shifts: Shifts | None = None,
    flags: tuple[str, ...] = (),
) -> Fitted:
    """Select the active set of a potential from what it was trained on, and measure its errors."""
    found = select(potential, frames, threads=settings.threads)
    sets = {"training": frames, **tests}
    errors = {name: errors_of(found.potential, these, settings, shifts) for name, these in sets.items()}
    return Fitted(
        potential=found.potential, errors=errors, flags=flags, unfilled=found.unfilled, shifts=shifts, loss=None
    )


def errors_of(potential: Potential, frames: Sequence[Atoms], settings: Fitting, shifts: Shifts | None = None) -> Json:
    """Mean, median and largest errors of energy (meV/atom), forces (meV/Å) and stress (GPa), by group as well."""
    by = ("group", "temperature_K")
    report = evaluate(potential, frames, groups=by, shifts=shifts, threads=settings.threads)
    values: Json = _line(report.overall)
    for name, groups in report.groups.items():
        values[name] = {value: _line(errors) for value, errors in groups.items()}
    return values


def _line(errors: object) -> Json:
    found: Json = {"frames": errors.configurations}  # type: ignore[attr-defined]
    for name, scale in (("energy", 1e3), ("force", 1e3), ("stress", 1.0)):
        part = getattr(errors, name)
        for which in ("mae", "median", "max"):
            value = scale * getattr(part, which)
            found[f"{name}_{which}"] = value if np.isfinite(value) else None
    return found


def largest_force(atoms: Atoms) -> float:
    """Largest force of a labelled structure, eV/Å; 0 where it has none."""
    forces = stored_labels(atoms).get("forces")
    return 0.0 if forces is None or not len(forces) else float(np.linalg.norm(forces, axis=1).max())


def _form(frames: Sequence[Atoms], settings: Fitting) -> Potential:
    from ase.data import chemical_symbols

    numbers = sorted({int(z) for atoms in frames for z in atoms.numbers})
    species = tuple(chemical_symbols[z] for z in numbers)
    min_dist = settings.min_dist
    if min_dist is None:
        shortest = float(shortest_distances(species, read_labels(frames), settings.cutoff).min())
        min_dist = _MIN_DIST * min(shortest, settings.cutoff)
    return Potential.from_level(
        settings.level, species, cutoff=settings.cutoff, min_dist=min_dist, radial_size=settings.radial_size
    )


def _weighted(atoms: Atoms, settings: Fitting) -> Atoms:
    """With its weight; a weight that the starting data bring counts as a factor."""
    weight = float(atoms.info.get(WEIGHT_KEY, 1.0)) * settings.group_weights.get(str(atoms.info.get("group")), 1.0)
    temperature = atoms.info.get("temperature_K")
    if temperature is not None and float(temperature) <= settings.cold:
        weight *= settings.cold_weight
    found: Atoms = atoms.copy()
    found.calc = atoms.calc
    found.info[WEIGHT_KEY] = weight
    return found
