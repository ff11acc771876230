"""Configurations to look at before they are trained on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from ase import Atoms

from betalps.datasets.labels import is_unconverged, stored_labels
from betalps.neighbors import neighbor_list
from betalps.typing import Floats

Kind = Literal["not finite", "unconverged", "force", "contact", "energy", "unlabelled"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Beyond which a configuration is listed.

    Attributes
    ----------
    force
        Largest force on an atom, eV/Å. Atoms of a hot melt feel 10 to 15; 25 means two atoms in each other's way.
    contact
        Shortest distance, as a fraction of the sum of the covalent radii. P-S: 0.65 of 2.12 Å is 1.38 Å.
    energy
        Distance of the energy per atom from the median over the configurations with the same composition, in robust
        standard deviations (1.4826 times the median distance); only where there are ten of that composition.
    """

    force: float = 25.0
    contact: float = 0.65
    energy: float = 12.0


@dataclass(frozen=True, kw_only=True)
class Outlier:
    """Why a configuration is listed.

    Attributes
    ----------
    index
        Its number.
    kind
        ``"not finite"``: a label or position is NaN or infinite. ``"unconverged"``: the file said so.
        ``"force"``, ``"contact"``, ``"energy"``: beyond the limit. ``"unlabelled"``: no energy and no forces.
    value, limit
        Of the number that was judged: eV/Å, Å, or robust standard deviations; NaN where there is none.
    message
        All this in words, with the atoms it concerns.
    """

    index: int
    kind: Kind
    value: float
    limit: float
    message: str


def outliers(frames: Sequence[Atoms], limits: Limits | None = None) -> list[Outlier]:
    """List unconverged, broken and extreme configurations.

    Parameters
    ----------
    frames
        Labelled configurations.
    limits
        What counts as extreme.

    Returns
    -------
    list of Outlier
        In the order of the frames; one frame can be there for several reasons. Nothing is removed.
    """
    limits = limits or Limits()
    found = [entry for index, atoms in enumerate(frames) for entry in _one(index, atoms, limits)]
    found += _energies(frames, limits)
    return sorted(found, key=lambda entry: entry.index)


def _one(index: int, atoms: Atoms, limits: Limits) -> Iterator[Outlier]:
    labels = stored_labels(atoms)
    if not labels.keys() & {"energy", "forces"}:
        yield _entry(index, "unlabelled", "neither energy nor forces")
    if is_unconverged(atoms.info):
        yield _entry(index, "unconverged", "the electronic structure did not converge")
    broken = [name for name, value in labels.items() if not np.all(np.isfinite(value))]
    if broken:
        yield _entry(index, "not finite", f"{', '.join(broken)} with NaN or infinity")
    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
        yield _entry(index, "not finite", "positions or cell with NaN or infinity")
        return
    forces = np.linalg.norm(np.nan_to_num(labels.get("forces", np.zeros((1, 3)))), axis=1)
    if forces.max(initial=0.0) > limits.force:
        atom = int(forces.argmax())
        message = f"force of {forces[atom]:.3g} eV/Å on atom {atom} ({atoms.symbols[atom]}), limit {limits.force:g}"
        yield _entry(index, "force", message, float(forces[atom]), limits.force)
    yield from _contact(index, atoms, limits)


def _contact(index: int, atoms: Atoms, limits: Limits) -> Iterator[Outlier]:
    from ase.data import covalent_radii

    radii = covalent_radii[atoms.numbers]
    pairs = neighbor_list(atoms, max(0.1, 2 * limits.contact * float(radii.max(initial=0.0))))
    if not len(pairs.i):
        return
    allowed = limits.contact * (radii[pairs.i] + radii[pairs.j])
    worst = int(np.argmin(pairs.distances / allowed))
    if pairs.distances[worst] < allowed[worst]:
        i, j, distance = int(pairs.i[worst]), int(pairs.j[worst]), float(pairs.distances[worst])
        message = (
            f"{atoms.symbols[i]}-{atoms.symbols[j]} distance of {distance:.3f} Å between atoms {i} and {j}, "
            f"limit {allowed[worst]:.3f}"
        )
        yield _entry(index, "contact", message, distance, float(allowed[worst]))


def _energies(frames: Sequence[Atoms], limits: Limits) -> list[Outlier]:
    groups: dict[str, list[tuple[int, float]]] = {}
    for index, atoms in enumerate(frames):
        energy = stored_labels(atoms).get("energy")
        if energy is not None and np.isfinite(energy):
            formula = atoms.symbols.formula.reduce()[0].format("hill")
            groups.setdefault(formula, []).append((index, float(energy) / len(atoms)))
    found = []
    for formula, members in groups.items():
        if len(members) < 10:
            continue
        energies: Floats = np.array([energy for _, energy in members])
        median = float(np.median(energies))
        width = 1.4826 * float(np.median(np.abs(energies - median)))
        for index, value in members:
            distance = abs(value - median) / width if width > 0 else 0.0
            if distance > limits.energy:
                message = (
                    f"{value:.4f} eV/atom, {distance:.1f} robust standard deviations from the median of {formula} "
                    f"({median:.4f}), limit {limits.energy:g}"
                )
                found.append(_entry(index, "energy", message, distance, limits.energy))
    return found


def _entry(index: int, kind: Kind, message: str, value: float = float("nan"), limit: float = float("nan")) -> Outlier:
    return Outlier(index=index, kind=kind, value=value, limit=limit, message=f"configuration {index}: {message}")
