"""What a fit hands back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from betalps.potentials import Potential
from betalps.training.accuracy import ErrorReport
from betalps.training.checkpoint import Iteration
from betalps.typing import Json


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingResult:
    """A trained potential and what is known about it.

    Attributes
    ----------
    potential
        With its coefficients.
    loss
        On the training data, of `potential`, with penalty and ridge.
    ridge
        The one of the settings that was taken.
    history
        All iterations of all legs, in order.
    training
        Errors on the training data.
    held_out
        Errors on the held-out data, or None. Of several sources, here as in `training`, energies are compared on the
        scale of the reference, and ``groups["label_source"]`` says the errors of each.
    reference_source
        The source of labels on whose energy scale the potential lies; ``"-"``: frames that name none.
    shifts
        Of the other sources, by species: how far their energies lie above the reference's, eV per atom.
    flags
        What to know before using it, in sentences: missing labels, species without data, too few labels, …
    provenance
        Hashes of data and potential, settings, weights, seed, versions, machine, time and command.
    """

    potential: Potential
    loss: float
    ridge: float
    history: tuple[Iteration, ...] = field(repr=False)
    training: ErrorReport = field(repr=False)
    held_out: ErrorReport | None = field(repr=False)
    reference_source: str
    shifts: dict[str, dict[str, float]]
    flags: tuple[str, ...]
    provenance: Json = field(repr=False)

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the search, all threads."""
        return self.history[-1].cpu_seconds

    def to_dict(self) -> Json:
        """Everything but the coefficients, for JSON; units are in the names, numbers that are not finite None."""
        potential = self.potential
        plain: Json = _finite(
            {
                "kind": "betalps training",
                "version": 1,
                "potential": {
                    "sha256": potential.sha256,
                    "species": list(potential.species),
                    "level": potential.level,
                    "cutoff_A": potential.cutoff,
                    "min_dist_A": potential.min_dist,
                    "radial_size": potential.core.radial_size,
                    "coefficients": potential.coeffs_count,
                },
                "loss": self.loss,
                "ridge": self.ridge,
                "training": self.training.to_dict(),
                "held_out": None if self.held_out is None else self.held_out.to_dict(),
                "sources": {"reference": self.reference_source, "shifts_eV_per_atom": self.shifts},
                "flags": list(self.flags),
                "history": [asdict(iteration) for iteration in self.history],
                "provenance": self.provenance,
            }
        )
        return plain


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not abs(value) < float("inf") else value
