"""The crystals that the loop begins with: ``python first.py``, from data/start to data/first."""

from __future__ import annotations

from pathlib import Path

from betalps.datasets import read, write

_DATA = Path(__file__).parent / "data"
_HOTTEST = 900  # K
_GAMMA = 2


def main() -> None:
    """All frames of unstrained β up to 900 K, and two of γ."""
    frames = [atoms for atoms in read(_DATA / "start.extxyz.xz") if atoms.info["temperature_K"] <= _HOTTEST]
    beta = [atoms for atoms in frames if atoms.info["group"] == "beta"]
    gamma = [atoms for atoms in frames if atoms.info["group"] == "gamma"]
    write([*beta, *gamma[:_GAMMA]], _DATA / "first.extxyz.xz")


if __name__ == "__main__":
    main()
