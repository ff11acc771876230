"""From labelled structures to a potential."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.blas import one_blas_thread
from betalps.calculators import Engine
from betalps.calculators.engine import default_threads
from betalps.potentials import Potential
from betalps.provenance import provenance
from betalps.training import findings
from betalps.training.accuracy import compare, names_of
from betalps.training.checkpoint import Checkpoint
from betalps.training.data import TrainingData, gather
from betalps.training.labels import SOURCE_KEY, LabelError, hash_samples
from betalps.training.levenberg import State
from betalps.training.problem import Problem, reference_energies
from betalps.training.result import TrainingResult
from betalps.training.search import HeldOut, Observer, Search
from betalps.training.settings import FitSettings
from betalps.training.sources import EnergyScale, Sources
from betalps.training.starts import pair_radial, radial_of, random_radial
from betalps.training.weights import Weights
from betalps.typing import Floats, Json, PathLike

if TYPE_CHECKING:
    from ase import Atoms

_MIN_DIST = 0.99  # of the shortest distance in training


def fit(
    frames: Iterable[Atoms],
    form: Potential | int,
    *,
    validation: Iterable[Atoms] | float | None = None,
    species: Sequence[str] | None = None,
    cutoff: float = 5.0,
    min_dist: float | None = None,
    radial_size: int = 8,
    weights: Weights | None = None,
    settings: FitSettings | None = None,
    sources: Sources | None = None,
    atomic_energies: Mapping[str, float] | None = None,
    warm_start: bool = False,
    groups: str | Sequence[str] = (),
    seed: int = 0,
    threads: int | None = None,
    checkpoint: PathLike | None = None,
    observer: Observer | None = None,
) -> TrainingResult:
    """Train a moment tensor potential.

    Parameters
    ----------
    frames
        Labelled structures (`betalps.training.labels.read_labels` says where labels are looked for). A frame's
        weight is its ``info["config_weight"]``, or 1.
    form
        An even level from 2 to 28, or a potential whose species, cutoff, min_dist, basis and moments are taken.
    validation
        Held-out structures; or the fraction of `frames` to hold out, chosen at random but for rare environments
        (`hold_out`); or None. They decide when to stop and between several ridges.
    species, cutoff, min_dist, radial_size
        For a level: chemical symbols (by default those of the frames, by atomic number), cutoff in Å, lower end
        of the radial basis in Å (by default 0.99 of the shortest distance in training), number of radial basis
        functions.
    weights
        Of the residuals; MLIP-3's by default.
    settings
        How to search.
    sources
        Of labels that come from several methods, as their ``info["label_source"]`` says: whose energy scale the
        potential gets, and what each counts. The energies of the others are shifted by a number for each species, which
        is fitted along. By default the source of most energies sets the scale, and all count alike.
    atomic_energies
        Energy of a lone atom by species, eV, of the reference source: energies are fitted relative to them. By default
        relative to the least-squares energies of the species.
    warm_start
        Begin at the coefficients of `form` instead of at random.
    groups
        One name of an ``info`` entry to report errors by, or several.
    seed
        Of starts, subset and held-out fraction. The same data, seed and threads give the same potential, bit
        for bit, interrupted or not.
    threads
        None as for `betalps.calculators.Engine`.
    checkpoint
        A file from which a killed fit goes on; it can be deleted afterwards.
    observer
        Called with every `Iteration`.

    Returns
    -------
    TrainingResult

    Raises
    ------
    LabelError
        A frame or label is not sound (not finite, wrong shape), or there is nothing to fit; names the frame.
    SpeciesError
        A frame holds a species that the potential does not have.
    CheckpointError
        The checkpoint is unreadable or belongs to another fit.
    TypeError
        `form` is neither of the two.
    ValueError
        A setting is out of range, several ridges are given without validation, or `sources` names one that has no
        frames or no energies.

    Notes
    -----
    Variable projection and Levenberg-Marquardt; see `betalps.training.levenberg`.
    """
    if not isinstance(form, Potential | int):
        raise TypeError(f"form is {form!r}; expected a level or a potential, such as Potential.read gives")
    if seed < 0:
        raise ValueError(f"seed is {seed}; expected 0 or more")
    weights, settings, sources = weights or Weights(), settings or FitSettings(), sources or Sources()
    threads = default_threads() if threads is None else threads
    symbols, reach = (form.species, form.cutoff) if isinstance(form, Potential) else (species, cutoff)
    data = gather(frames, validation, symbols, reach, seed, sources)
    scale = EnergyScale.of(sources, data.species, data.training)
    if len(settings.ridges) > 1 and not data.deciding:
        raise ValueError("several ridges need validation data to choose by")
    wanted = _form(form, data, cutoff, min_dist, radial_size)
    references, shifts = reference_energies(data.training, scale, _atomic(data.species, atomic_energies))
    problem = Problem(
        wanted,
        data.training,
        weights,
        references=references,
        threads=threads,
        penalty=settings.penalty,
        scale=scale,
        shifts=shifts,
    )
    identity: Json = {
        "training_data": hash_samples(data.training),
        "held_out_data": hash_samples(data.held_out),
        "form": wanted.sha256,
        "references": dict(zip(data.species, references.tolist(), strict=True)),
        "sources": {**sources.to_dict(), "reference": scale.reference} if scale.others else None,
        "weights": weights.to_dict(),
        "settings": settings.to_dict(),
        "seed": seed,
        "warm_start": warm_start,
    }
    store = Checkpoint(checkpoint, identity)
    held_out = HeldOut(data.deciding, weights, threads) if data.deciding else None
    search = Search(problem, settings, store, held_out, observer)
    start = _start(problem, data, weights, settings, seed, threads, warm_start=warm_start)
    subset = settings.method == "vplm" and not warm_start
    with one_blas_thread():
        leg, ridge = search.run(start, np.random.default_rng([seed, 1]), subset=subset)
    history = tuple(iteration for done in store.legs.values() for iteration in done.history)
    found = _result(problem, data, weights, groups, leg.best, threads)
    counts = {"training_frames": len(data.training), "held_out_frames": len(data.held_out), "threads": threads}
    record = {**provenance(), **identity, **counts, "potential": found["potential"].sha256}
    return TrainingResult(**found, ridge=ridge, history=history, provenance=record)


def _result(
    problem: Problem, data: TrainingData, weights: Weights, groups: str | Sequence[str], best: State, threads: int
) -> dict[str, Any]:
    """The potential of the best state, its errors by source where there are several, and what to know about it."""
    scale, shifts = problem.scale, problem.shifts(best.linear)
    potential = problem.potential(best.radial, best.linear)
    engine = Engine(potential, threads=threads)
    keys = list(dict.fromkeys([*names_of(groups), *([SOURCE_KEY] if scale.others else [])]))
    report = compare(engine, scale.shifted(data.held_out, shifts), weights, keys) if data.held_out else None
    flags = findings.about_training(problem.form, data.training, weights, data.shortest)
    flags += findings.about_sources(scale, data.training, data.held_out)
    if report is not None:
        flags += findings.about_held_out(problem.form, data.held_out, data.held_out_distances, data.shortest, report)
    return {
        "potential": potential,
        "loss": best.loss,
        "training": compare(engine, scale.shifted(data.training, shifts), weights, keys),
        "held_out": report,
        "reference_source": scale.reference,
        "shifts": scale.named(shifts),
        "flags": tuple(flags),
    }


def _form(
    form: Potential | int, data: TrainingData, cutoff: float, min_dist: float | None, radial_size: int
) -> Potential:
    if isinstance(form, Potential):
        return form
    if min_dist is None:
        nearest = float(data.shortest.min())
        if not np.isfinite(nearest):
            raise LabelError(f"no two atoms of the training data are closer than the cutoff of {cutoff:g} Å")
        min_dist = _MIN_DIST * nearest
    return Potential.from_level(form, data.species, cutoff=cutoff, min_dist=min_dist, radial_size=radial_size)


def _atomic(species: Sequence[str], atomic_energies: Mapping[str, float] | None) -> Floats | None:
    if atomic_energies is None:
        return None
    missing = [symbol for symbol in species if symbol not in atomic_energies]
    if missing:
        raise ValueError(f"atomic_energies lacks {', '.join(missing)}; expected one for each of {species}")
    return np.array([atomic_energies[symbol] for symbol in species], dtype=np.float64)


def _start(
    problem: Problem,
    data: TrainingData,
    weights: Weights,
    settings: FitSettings,
    seed: int,
    threads: int,
    *,
    warm_start: bool,
) -> Callable[[int], Floats]:
    """Gives the radial coefficients of a start by its number."""
    form, shape = problem.form, problem.radial_shape
    if warm_start:
        return lambda _: radial_of(form)
    seen = np.isfinite(data.shortest)
    if settings.method == "instant":
        rng = np.random.default_rng([seed, 2])
        return lambda _: pair_radial(form, data.training, weights, seen, rng, threads, problem.scale)
    return lambda number: random_radial(shape, seen, np.random.default_rng([seed, 2, number]))
