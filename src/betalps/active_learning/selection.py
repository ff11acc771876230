"""Selecting an active set: the training data that a potential's coefficients need most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from betalps.active_learning.maxvol import THRESHOLD, UNFILLED, MaxVol
from betalps.active_learning.rows import WEIGHT_SCALING, Mode, coefficient_groups, row_batches
from betalps.datasets import format_cfg, read_cfg, stored_labels
from betalps.errors import BetalpsError
from betalps.potentials import ActiveSet
from betalps.typing import Integers, PathLike

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.potentials import Potential

Start = Literal["identity", "qr"]

_FEATURE = "selected_eqn_inds"  # MLIP-3's name


@dataclass(frozen=True, kw_only=True)
class SelectionProgress:
    """How far a selection is.

    Attributes
    ----------
    turn
        Which pass over the configurations this is, from 1.
    done, total
        Configurations looked at in this pass, and in all.
    swaps
        Exchanges so far.
    """

    turn: int
    done: int
    total: int
    swaps: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """What was selected.

    Attributes
    ----------
    potential
        With the active set: `write` it as ``.almtp`` for MLIP-3 and LAMMPS styles.
    chosen
        Numbers of the configurations that are in the active set, in ascending order.
    dropped
        With ``add``: configurations of the old active set that are no longer in it.
    swaps, turns
        Exchanges of rows, and passes over the configurations; the last one exchanged nothing.
    largest
        The largest grade of the given configurations under the new active set: at most the threshold.
    log_determinant
        ln |det A|.
    unfilled
        Rows that no configuration could fill: the data do not determine so many directions of the coefficients.
    unfilled_coefficients
        Which coefficients those rows stand for: ``"radial P-P"`` to a count, and so on. Pairs that never come within
        the cutoff are there with all of their coefficients; a few more belong to the freedom of the functional form
        (a factor can move between radial and moment coefficients) and no data can fill them.
    """

    potential: Potential
    chosen: tuple[int, ...]
    dropped: int
    swaps: int
    turns: int
    largest: float
    log_determinant: float
    unfilled: int
    unfilled_coefficients: dict[str, int]


def select(
    potential: Potential | PathLike,
    frames: Sequence[Atoms],
    *,
    mode: Mode = "neighbourhood",
    add: bool = False,
    threshold: float = THRESHOLD,
    start: Start = "identity",
    threads: int | None = None,
    observer: Callable[[SelectionProgress], None] | None = None,
) -> Selection:
    """Select the active set of a potential by MaxVol, and store it in a new potential.

    Passes over the configurations, a batch of rows at a time, until one exchanges nothing: memory does not grow with
    the data, and the order of the configurations decides only which of several equally good sets is found.

    Parameters
    ----------
    potential
        With coefficients; or its file or name. Its active set is replaced.
    frames
        Candidates, usually the training set. Labels are stored along, as far as there are.
    mode
        Rows of single atoms (``"neighbourhood"``: grades tell which atom is extrapolated) or of whole configurations.
    add
        Begin with the potential's active set and let the candidates improve it, instead of from nothing.
    threshold
        Rows are exchanged while a grade is larger than this.
    start
        ``"identity"``: 1e-6 times the unit matrix, as the method is defined. ``"qr"``: fill it from the first batch
        by QR with column pivoting; saves most of the exchanges, which pays at levels of 20 and more.
    threads
        Of the derivatives.
    observer
        Called with a `SelectionProgress` after every batch.

    Raises
    ------
    ValueError
        No configurations, `threshold` is not larger than 1, or a choice is none of those named.
    BetalpsError
        `add` without an active set or with one of the other mode; a label that is not finite.
    StructureError, SpeciesError
        A configuration cannot be evaluated; names it.
    """
    from betalps.calculators import Engine

    if not len(frames):
        raise ValueError("no configurations to select from")
    for name, given, known in (("mode", mode, get_args(Mode)), ("start", start, get_args(Start))):
        if given not in known:
            raise ValueError(f"{name} is {given!r}; expected {' or '.join(map(repr, known))}")
    for number, atoms in enumerate(frames):
        broken = [name for name, value in stored_labels(atoms).items() if not np.isfinite(value).all()]
        if broken:
            raise BetalpsError(
                f"structure {number}: {', '.join(broken)}: NaN or infinite; expected numbers, or no label"
            )
    engine = Engine(potential, threads=threads)
    pool = _Pool(frames, _old_configurations(engine.potential, mode) if add else [])
    volume = _continued(engine.potential, pool, threshold) if add else None
    volume = volume or MaxVol(engine.potential.coeffs_count, threshold=threshold)
    turns = 0
    while True:
        turns += 1
        swaps, largest, done, batches = volume.swaps, 0.0, 0, 0
        for rows, sizes in row_batches(engine, frames, mode):
            labels = pool.labels_from(done, sizes)
            if start == "qr" and len(volume.unfilled) == engine.potential.coeffs_count:
                volume.start(rows, labels)
            volume.update(rows, labels)
            largest = max(largest, float(volume.grades(rows).max()))
            done, batches = done + len(sizes), batches + 1
            if observer is not None:
                observer(SelectionProgress(turn=turns, done=done, total=len(frames), swaps=volume.swaps))
        if volume.swaps == swaps or batches == 1:  # then all rows have met the final matrix
            break
    kept, active_set = _active_set(engine.potential, volume, mode, pool)
    return Selection(
        potential=engine.potential.replace(active_set=active_set),
        chosen=tuple(k for k in kept if k < len(frames)),
        dropped=len(pool.old) - sum(k >= len(frames) for k in kept),
        swaps=volume.swaps,
        turns=turns,
        largest=largest,
        log_determinant=volume.log_determinant,
        unfilled=len(volume.unfilled),
        unfilled_coefficients=coefficient_groups(engine.potential, volume.unfilled),
    )


class _Pool:
    """The candidates, and behind them the configurations of the old active set; and the labels of their rows.

    A label is one number for a configuration and an atom of it.
    """

    def __init__(self, frames: Sequence[Atoms], old: Sequence[Atoms]) -> None:
        self.old = old
        self._frames = frames
        self._width = max(len(atoms) for atoms in [*frames, *old]) + 1

    def __getitem__(self, number: int) -> Atoms:
        return self._frames[number] if number < len(self._frames) else self.old[number - len(self._frames)]

    def label(self, configuration: Integers | int, atom: Integers) -> Integers:
        return np.asarray(configuration, dtype=np.int64) * self._width + atom

    def label_of_old(self, configuration: Integers, atom: Integers) -> Integers:
        return self.label(configuration + len(self._frames), atom)

    def split(self, labels: Integers) -> tuple[Integers, Integers]:
        """The configuration and the atom of each label."""
        return labels // self._width, labels % self._width

    def labels_from(self, first: int, sizes: Sequence[int]) -> Integers:
        """Labels of the rows of the candidates from number `first` on."""
        return np.concatenate([self.label(first + k, np.arange(size)) for k, size in enumerate(sizes)])


def _old_configurations(potential: Potential, mode: Mode) -> list[Atoms]:
    active_set = potential.active_set
    if active_set is None:
        raise BetalpsError(f"{potential!r} has no active set to add to")
    if active_set.mode != mode or active_set.weight_scaling != WEIGHT_SCALING:
        raise BetalpsError(
            f"the active set is one of {active_set.mode}s with weight_scaling {active_set.weight_scaling}; expected "
            f"{mode}s with {WEIGHT_SCALING}"
        )
    return read_cfg(active_set.configurations, dict(zip(potential.types, potential.species, strict=True)))


def _continued(potential: Potential, pool: _Pool, threshold: float) -> MaxVol:
    """The matrix of the old active set, its rows labelled as those of the pool."""
    active_set = potential.active_set
    assert active_set is not None
    configuration = active_set.configuration.astype(np.int64)
    if configuration.max(initial=-1) >= len(pool.old):
        raise BetalpsError(
            f"the active set names configuration {configuration.max()}, but holds {len(pool.old)} of them"
        )
    atom = np.zeros_like(configuration)
    if active_set.mode == "neighbourhood":
        sizes = np.array([len(atoms) for atoms in pool.old] or [0])
        atom = active_set.equation - _first_site_equation(sizes[configuration])
        if np.any((configuration >= 0) & ((atom < 0) | (atom >= sizes[configuration]))):
            raise BetalpsError("the active set names equations that are no site energies of its configurations")
    labels = np.where(configuration < 0, UNFILLED, pool.label_of_old(configuration, atom))
    return MaxVol.from_matrix(active_set.matrix, labels, threshold=threshold)


def _first_site_equation(atoms: Integers) -> Integers:
    """MLIP-3 numbers a configuration's equations: energy, 3 N forces, nine of the stress, N site energies."""
    return 3 * atoms + 10


def _active_set(potential: Potential, volume: MaxVol, mode: Mode, pool: _Pool) -> tuple[list[int], ActiveSet]:
    """The numbers of the configurations that are in the set, and the set."""
    labels = volume.labels
    filled = labels != UNFILLED
    configuration, atom = pool.split(labels)
    kept = sorted(set(configuration[filled].tolist()))
    numbers = np.where(filled, np.searchsorted(kept, configuration), UNFILLED)
    equation = np.where(filled, 0, UNFILLED)
    if mode == "neighbourhood":
        sizes = np.array([len(pool[int(k)]) if k >= 0 else 0 for k in np.where(filled, configuration, UNFILLED)])
        equation = np.where(filled, _first_site_equation(sizes) + atom, UNFILLED)
    chosen = []
    for index, k in enumerate(kept):
        atoms = pool[k].copy()
        atoms.calc = pool[k].calc
        atoms.info[_FEATURE] = ",".join(map(str, sorted(equation[numbers == index].tolist())))
        chosen.append(atoms)
    neighbourhood = mode == "neighbourhood"
    return kept, ActiveSet(
        mode=mode,
        matrix=volume.matrix,
        inverse_transpose=volume.inverse.T,
        configuration=numbers.astype(np.int32),
        equation=equation.astype(np.int32),
        unfilled=len(volume.unfilled),
        energy_weight=0.0 if neighbourhood else 1.0,
        force_weight=0.0,
        stress_weight=0.0,
        site_energy_weight=1.0 if neighbourhood else 0.0,
        weight_scaling=WEIGHT_SCALING,
        configurations=format_cfg(chosen, dict(zip(potential.types, potential.species, strict=True))),
    )
