"""Extrapolation grades of structures, with a word on what was never seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from betalps.active_learning.rows import Mode, coefficient_groups, row_batches
from betalps.errors import BetalpsError
from betalps.typing import Bools, Floats, PathLike

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.potentials import Potential

_NEVER = 2.0  # along an unfilled row; what was selected from reaches 1.001


@dataclass(frozen=True, kw_only=True, eq=False)
class Grades:
    """Extrapolation grades of several structures.

    Attributes
    ----------
    mode
        What the active set grades.
    largest
        The grade of every structure, shape (structures,): that of its worst atom, or its own. As MLIP-3 computes it,
        with whatever rows were never filled.
    sites
        The grades of its atoms, one array per structure; None for an active set of configurations.
    seen
        Like `largest`, but over the rows of the active set that were filled: how far a structure is from what was
        selected, in the directions that were.
    unseen
        Shape (structures,): whether some component along a row that was never filled exceeds 2. Then `largest` says
        only "never seen", and not how far away.
    unfilled
        Rows of the active set that were never filled.
    unfilled_coefficients
        Which coefficients they belong to: ``"radial P-P"`` to a count, and so on.
    """

    mode: Mode
    largest: Floats
    sites: tuple[Floats, ...] | None
    seen: Floats
    unseen: Bools
    unfilled: int
    unfilled_coefficients: dict[str, int]

    def __len__(self) -> int:
        return len(self.largest)

    def above(self, threshold: float) -> list[int]:
        """Numbers of the structures that extrapolate by more than `threshold`, the worst first."""
        order = np.argsort(-self.largest, kind="stable")
        return [int(k) for k in order if self.largest[k] > threshold]


def grade(potential: Potential | PathLike, frames: Sequence[Atoms], *, threads: int | None = None) -> Grades:
    """Extrapolation grades of structures.

    γ = max_k |(b A⁻¹)_k|, b being ∂E_i/∂θ of an atom or the mean of it over the configuration, whichever the active
    set A was selected by. Podryabinkin et al., J. Chem. Phys. 159, 084112 (2023), eqs. 5 to 8.

    Parameters
    ----------
    potential
        With an active set; or its file or name.
    frames
        The structures.
    threads
        None takes BETALPS_THREADS, OMP_NUM_THREADS or all cores this process may use.

    Raises
    ------
    BetalpsError
        The potential has no active set.
    StructureError, SpeciesError
        A structure cannot be evaluated; names it.
    """
    from betalps.calculators import Engine

    engine = Engine(potential, threads=threads)
    active_set = engine.potential.active_set
    if active_set is None:
        raise BetalpsError(
            f"{engine.potential!r} has no active set; `betalps select` (betalps.active_learning.select) makes one of "
            "the training configurations"
        )
    unfilled = active_set.configuration < 0
    inverse = np.ascontiguousarray(active_set.inverse_transpose.T)
    weight = active_set.energy_weight if active_set.mode == "configuration" else active_set.site_energy_weight
    sites: list[Floats] = []
    seen: list[float] = []
    unseen: list[bool] = []
    for rows, sizes in row_batches(engine, frames, active_set.mode, active_set.weight_scaling):
        coordinates = np.abs(weight * rows @ inverse)
        new = coordinates[:, unfilled].max(axis=1, initial=0.0)
        coordinates[:, unfilled] = 0.0
        known = coordinates.max(axis=1, initial=0.0)
        ends = np.cumsum(sizes)[:-1]
        sites += np.split(np.maximum(known, new), ends)
        seen += [float(part.max()) for part in np.split(known, ends)]
        unseen += [bool(part.max() > _NEVER) for part in np.split(new, ends)]
    return Grades(
        mode=active_set.mode,
        largest=np.array([values.max() for values in sites], dtype=np.float64),
        sites=tuple(sites) if active_set.mode == "neighbourhood" else None,
        seen=np.array(seen, dtype=np.float64),
        unseen=np.array(unseen, dtype=np.bool_),
        unfilled=int(unfilled.sum()),
        unfilled_coefficients=coefficient_groups(engine.potential, np.flatnonzero(unfilled)),
    )
