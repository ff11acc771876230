"""From labelled structures to a potential."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from betalps.calculators import Engine
from betalps.calculators.engine import default_threads
from betalps.potentials import Potential
from betalps.provenance import provenance
from betalps.training.accuracy import compare
from betalps.training.checkpoint import Checkpoint
from betalps.training.distances import beyond, hold_out, shortest_distances
from betalps.training.labels import Sample, hash_samples, read_labels
from betalps.training.problem import Problem
from betalps.training.result import TrainingResult
from betalps.training.search import HeldOut, Observer, Search
from betalps.training.settings import FitSettings
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
    atomic_energies: Mapping[str, float] | None = None,
    warm_start: bool = False,
    groups: Sequence[str] = (),
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
    atomic_energies
        Energy of a lone atom by species, eV: energies are fitted relative to them. By default relative to the
        least-squares energies of the species.
    warm_start
        Begin at the coefficients of `form` instead of at random.
    groups
        ``info`` entries to report errors by.
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
    ValueError
        A setting is out of range, or several ridges are given without validation.

    Notes
    -----
    Variable projection and Levenberg-Marquardt; see `betalps.training.levenberg`.
    """
    weights, settings = weights or Weights(), settings or FitSettings()
    threads = default_threads() if threads is None else threads
    data = _gather(frames, form, validation, species, cutoff, seed)
    if len(settings.ridges) > 1 and not data.deciding:
        raise ValueError("several ridges need validation data to choose by")
    wanted = _form(data, form, cutoff, min_dist, radial_size)
    references = _references(wanted, data.training, atomic_energies)
    problem = Problem(
        wanted, data.training, weights, references=references, threads=threads, penalty=settings.penalty
    )
    identity: Json = {
        "training data": hash_samples(data.training),
        "held-out data": hash_samples(data.held_out),
        "potential": wanted.sha256,
        "references": references.tolist(),
        "weights": weights.to_dict(),
        "settings": settings.to_dict(),
        "seed": seed,
        "warm start": warm_start,
    }
    store = Checkpoint(checkpoint, identity)
    held_out = HeldOut(data.deciding, weights, threads) if data.deciding else None
    search = Search(problem, settings, store, held_out, observer)
    start = _start(wanted, data, weights, settings, seed, threads, warm_start=warm_start)
    subset = settings.method == "vplm" and not warm_start
    leg = search.run(start, np.random.default_rng([seed, 1]), subset=subset)
    potential = problem.potential(leg.best.radial, leg.best.linear)
    engine = Engine(potential, threads=threads)
    training = compare(engine, data.training, weights, groups)
    report = compare(engine, data.held_out, weights, groups) if data.held_out else None
    return TrainingResult(
        potential=potential,
        loss=leg.best.loss,
        ridge=_ridge_of(leg, settings),
        history=tuple(iteration for done in store.legs.values() for iteration in done.history),
        training=training,
        held_out=report,
        flags=tuple(_flags(wanted, data, weights, leg, report)),
        provenance={
            **provenance(),
            "training_frames": len(data.training),
            "held_out_frames": len(data.held_out),
            **{name.replace(" ", "_").replace("-", "_"): value for name, value in identity.items()},
            "threads": threads,
            "potential": potential.sha256,
            "cpu_seconds": store.cpu_seconds,
        },
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Data:
    """Samples of both kinds, and the shortest distances by pair of species."""

    species: tuple[str, ...]
    training: list[Sample]
    held_out: list[Sample]
    shortest: Floats  # in training, (species, species)
    held_out_distances: Floats  # (held out, species, species)

    @property
    def deciding(self) -> list[Sample]:
        """Held-out samples that the training data reach, and that have labels and a weight."""
        outside = beyond(self.held_out_distances, self.shortest)
        return [s for s, out in zip(self.held_out, outside, strict=True) if not out and s.rows and s.weight]


def _gather(
    frames: Iterable[Atoms],
    form: Potential | int,
    validation: Iterable[Atoms] | float | None,
    species: Sequence[str] | None,
    cutoff: float,
    seed: int,
) -> _Data:
    samples = read_labels(frames)
    if isinstance(form, Potential):
        symbols, cutoff = form.species, form.cutoff
    else:
        symbols = tuple(species) if species is not None else _species_of(samples)
    held_out: list[Sample] = []
    _check_species(symbols, samples)
    distances = shortest_distances(symbols, samples, cutoff)
    if isinstance(validation, float):
        kept, held = hold_out(distances, validation, np.random.default_rng([seed, 0]))
        held_out, held_distances = [samples[k] for k in held], distances[held]
        samples, distances = [samples[k] for k in kept], distances[kept]
    else:
        held_out = [] if validation is None else read_labels(validation, "validation")
        _check_species(symbols, held_out)
        held_distances = shortest_distances(symbols, held_out, cutoff)
    used = distances[[sample.weight > 0 for sample in samples]]
    return _Data(
        species=symbols,
        training=samples,
        held_out=held_out,
        shortest=used.min(axis=0, initial=np.inf),
        held_out_distances=held_distances,
    )
