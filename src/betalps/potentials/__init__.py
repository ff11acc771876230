"""The moment tensor potential as immutable data: files, levels, and the potentials that come with betalps."""

from betalps.potentials.active_set import ActiveSet
from betalps.potentials.bundle import available, load, model_card, model_card_data
from betalps.potentials.levels import LEVELS
from betalps.potentials.potential import Potential

__all__ = ["LEVELS", "ActiveSet", "Potential", "available", "load", "model_card", "model_card_data"]
