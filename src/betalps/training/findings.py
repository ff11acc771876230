"""What a user must know about the data of a fit before believing its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from betalps.datasets import is_unconverged
from betalps.potentials import Potential
from betalps.training.accuracy import ErrorReport
from betalps.training.compositions import compositions
from betalps.training.distances import beyond
from betalps.training.labels import Sample, count_missing
from betalps.training.sources import EnergyScale
from betalps.training.weights import Weights
from betalps.typing import Floats


def about_training(form: Potential, samples: Sequence[Sample], weights: Weights, shortest: Floats) -> list[str]:
    """Missing labels, species and pairs without data, too few labels, energies that nothing determines.

    Parameters
    ----------
    form
        What was trained.
    samples
        Training data, as given.
    weights
        Of the residuals: a label of weight 0 is none.
    shortest
        Shortest distance of each pair of species, shape (species, species).
    """
    used = [sample for sample in samples if sample.weight > 0]
    found = [f"training data: {text}" for text in _missing(samples)]
    counts = compositions(form.species, used)
    absent = [symbol for symbol, count in zip(form.species, counts.sum(axis=0), strict=True) if not count]
    if absent:
        found.append(f"no data for {', '.join(absent)}: the potential knows nothing about them")
    pairs = [
        f"{a}-{b}"
        for i, a in enumerate(form.species)
        for j, b in enumerate(form.species[: i + 1])
        if not np.isfinite(shortest[i, j]) and not {a, b} & set(absent)
    ]
    if pairs:
        found.append(f"no pair {', '.join(pairs)} within the cutoff: such pairs do not interact in the potential")
    labels = sum(_labels(sample, weights) for sample in used)
    if labels < form.coeffs_count:
        found.append(f"{labels} labels for {form.coeffs_count} coefficients: fewer than can determine them")
    with_energy = [row for row, sample in zip(counts, used, strict=True) if sample.energy is not None]
    if not with_energy or not weights.energy:
        return [*found, "no energies in the fit: those of the potential mean nothing"]
    rank, present = int(np.linalg.matrix_rank(np.array(with_energy))), len(form.species) - len(absent)
    if rank < present:
        found.append(
            f"the compositions span {rank} of {present} dimensions: energies compare structures of these "
            "compositions, not of others"
        )
    return found


def about_sources(scale: EnergyScale, training: Sequence[Sample], held_out: Sequence[Sample]) -> list[str]:
    """Sources without energies, shifts that hold for few compositions or say more than they are told.

    Parameters
    ----------
    scale
        The sources of the fit.
    training, held_out
        As given.
    """
    found = []
    used = [sample for sample in training if sample.weight > 0]
    for name in scale.others:
        energies = [sample for sample in used if sample.source == name and sample.energy is not None]
        counts = compositions(scale.species, energies)
        rank, present = int(np.linalg.matrix_rank(counts)), int((counts.sum(axis=0) > 0).sum())
        if rank < present:
            found.append(
                f"source {name}: its compositions determine {rank} of {present} shifts: together they hold for these "
                "compositions, each alone means nothing"
            )
        if len(energies) <= rank:
            found.append(f"source {name}: {len(energies)} energies for {rank} shifts: they do not train the potential")
    without = sorted({sample.source for sample in used if not scale.knows(sample) and sample.rows})
    if without:
        found.append(f"sources without energies in training: {', '.join(without)}: their forces and stresses are used")
    lost = sorted({s.source for s in held_out if s.energy is not None and not scale.knows(s)})
    if lost:
        found.append(
            f"held-out energies of sources without any in training are not compared: {', '.join(lost)} "
            f"(the scale is that of {scale.reference})"
        )
    return found


def about_held_out(
    form: Potential, samples: Sequence[Sample], distances: Floats, training: Floats, report: ErrorReport
) -> list[str]:
    """Missing labels, configurations beyond the training data, and one that decides the mean alone."""
    found = [f"held-out data: {text}" for text in _missing(samples)]
    outside = np.flatnonzero(beyond(distances, training))
    if len(outside):
        frames = ", ".join(str(samples[k].index) for k in outside[:10]) + (", …" if len(outside) > 10 else "")
        pairs = _closest_pairs(form, distances[outside].min(axis=0), training)
        found.append(
            f"held-out frames with pairs closer than any in training: {frames} ({pairs}); they are in the errors "
            "reported, but had no say in when to stop"
        )
    total = report.losses.sum()
    if len(samples) >= 4 and report.losses.max() > 0.5 * total:
        worst = int(report.losses.argmax())
        share = report.losses[worst] / total
        found.append(f"held-out frame {samples[worst].index} alone is {share:.0%} of the held-out loss: read medians")
    return found


def _missing(samples: Sequence[Sample]) -> list[str]:
    missing = count_missing(samples)
    total = len(samples)
    found = [f"{missing[n]} of {total} frames have no {n}" for n in ("energy", "forces", "stress") if missing[n]]
    unconverged = sum(is_unconverged(sample.info) for sample in samples if sample.rows and sample.weight)
    if unconverged:
        found.append(f"{unconverged} of {total} frames are marked as unconverged; their labels are used all the same")
    unlabelled = sum(sample.rows == 0 for sample in samples)
    if unlabelled:
        found.append(f"{unlabelled} of {total} frames have no label at all and are not used")
    if missing["weight"]:
        found.append(f"{missing['weight']} of {total} frames have a weight of 0 and are not used")
    return found


def _labels(sample: Sample, weights: Weights) -> int:
    energy = weights.of_energy(sample) > 0
    forces = 3 * int((weights.of_forces(sample) > 0).sum())
    return energy + forces + int((weights.of_virial(sample) > 0).sum())


def _closest_pairs(form: Potential, distances: Floats, training: Floats) -> str:
    parts = []
    for i, a in enumerate(form.species):
        for j, b in enumerate(form.species[: i + 1]):
            if beyond(distances[None, i : i + 1, j : j + 1], training[i : i + 1, j : j + 1])[0]:
                seen = f"{training[i, j]:.2f} Å" if np.isfinite(training[i, j]) else "none"
                parts.append(f"{a}-{b} {distances[i, j]:.2f} Å, in training {seen}")
    return "; ".join(parts)
