"""The trajectory's shape and what it refuses."""

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from ase import Atoms

from betalps.trajectories import Trajectory


def arguments(**changes: Any) -> dict[str, Any]:
    good: dict[str, Any] = {
        "symbols": ["Li", "Li", "S"],
        "fractional": np.linspace(0.0, 0.9, 36).reshape(4, 3, 3),
        "cells": np.eye(3) * 10.0,
        "times": [0.0, 0.5, 1.0, 1.5],
        "pbc": True,
    }
    return good | changes


def test_one_cell_and_one_flag_stand_for_all() -> None:
    trajectory = Trajectory(**arguments())
    assert len(trajectory) == 4
    assert trajectory.cells.shape == (4, 3, 3)
    assert trajectory.pbc.tolist() == [True, True, True]
    assert trajectory.interval == pytest.approx(0.5)
    np.testing.assert_allclose(trajectory.mean_cell, np.eye(3) * 10.0)
    assert trajectory.indices("Li").tolist() == [0, 1]
    with pytest.raises(FrozenInstanceError):
        trajectory.times = np.zeros(4)  # type: ignore[misc]


def test_single_precision_is_kept() -> None:
    coordinates = arguments()["fractional"].astype(np.float32)
    assert Trajectory(**arguments(fractional=coordinates)).fractional.dtype == np.float32
    assert Trajectory(**arguments(fractional=np.zeros((4, 3, 3), dtype=int))).fractional.dtype == np.float64


def test_select_takes_frames() -> None:
    part = Trajectory(**arguments()).select(1, step=2)
    np.testing.assert_allclose(part.times, [0.5, 1.5])
    np.testing.assert_allclose(part.fractional, arguments()["fractional"][1::2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fractional": np.zeros((4, 9))}, r"fractional: expected shape \(frames, atoms, 3\), got \(4, 9\)"),
        ({"fractional": np.zeros((0, 3, 3))}, r"fractional: expected shape .* got \(0, 3, 3\)"),
        ({"symbols": ["Li"]}, r"symbols: expected shape \(3,\) for 4 frames of 3 atoms, got \(1,\)"),
        ({"cells": np.zeros((3, 3, 3))}, r"cells: expected shape \(4, 3, 3\) .* got \(3, 3, 3\)"),
        ({"times": [0.0, 1.0]}, r"times: expected shape \(4,\) .* got \(2,\)"),
        ({"times": [0.0, 1.0, 1.0, 2.0]}, r"times: expected increasing, got 1 ps at frame 2 after 1 ps"),
        ({"times": [0.0, 1.0, np.nan, 2.0]}, r"times: frame 2 is not finite"),
        ({"cells": np.zeros((3, 3))}, r"cells: frame 0 has no volume"),
        ({"fractional": np.full((4, 3, 3), np.inf)}, r"fractional: frame 0 is not finite"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Trajectory(**arguments(**changes))


def test_from_atoms_is_the_same_structures() -> None:
    rng = np.random.default_rng(0)
    cell = np.array([[5.0, 0.0, 0.0], [1.0, 6.0, 0.0], [0.5, -1.0, 7.0]])
    frames = [
        Atoms("Li2PS", positions=rng.normal(scale=8.0, size=(4, 3)), cell=cell * (1 + 0.01 * k), pbc=[1, 1, 0])
        for k in range(3)
    ]
    trajectory = Trajectory.from_atoms(frames, [0.0, 0.1, 0.2])
    assert trajectory.symbols.tolist() == ["Li", "Li", "P", "S"]
    assert trajectory.pbc.tolist() == [True, True, False]
    np.testing.assert_allclose(trajectory.fractional @ trajectory.cells, [atoms.positions for atoms in frames])


def test_from_atoms_refuses_other_atoms() -> None:
    one = Atoms("LiS", positions=[[0, 0, 0], [1, 1, 1]], cell=[5, 5, 5], pbc=True)
    with pytest.raises(ValueError, match="at least one frame"):
        Trajectory.from_atoms([], [])
    with pytest.raises(ValueError, match="frame 1: its atoms are not those of frame 0"):
        Trajectory.from_atoms([one, one[[1, 0]]], [0.0, 1.0])
    other = one.copy()
    other.pbc = False
    with pytest.raises(ValueError, match="frame 1: pbc"):
        Trajectory.from_atoms([one, other], [0.0, 1.0])
