"""Crystals of Li3PS4: relaxed cells, lithium orderings, and the check of their distances."""

from betalps.structures.checks import BETA_LI3PS4, DistanceBounds, check_distances, check_lps
from betalps.structures.crystals import BETA_ORDERINGS, beta_li3ps4, gamma_li3ps4

__all__ = [
    "BETA_LI3PS4",
    "BETA_ORDERINGS",
    "DistanceBounds",
    "beta_li3ps4",
    "check_distances",
    "check_lps",
    "gamma_li3ps4",
]
