"""Labelled configurations: MLIP ``.cfg`` files, and the sign convention of stress."""

from betalps.datasets.cfg import read_cfg, write_cfg
from betalps.datasets.stress import plus_stress_from_stress, stress_from_plus_stress

__all__ = ["plus_stress_from_stress", "read_cfg", "stress_from_plus_stress", "write_cfg"]
