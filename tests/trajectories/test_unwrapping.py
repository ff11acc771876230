"""Unwrapping, where the path before wrapping is known."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.trajectories import Trajectory, UnwrapWarning, framework_drift, unwrap

TRICLINIC = np.array([[12.0, 0.0, 0.0], [3.0, 10.0, 0.0], [-2.0, 1.5, 9.0]])


def walk(rng: np.random.Generator, frames: int, atoms: int, largest: float = 0.39) -> np.ndarray:
    """Fractional coordinates, unwrapped, that begin inside the cell."""
    steps = rng.uniform(-largest, largest, size=(frames, atoms, 3))
    steps[0] = rng.random((atoms, 3))
    return np.cumsum(steps, axis=0)


def trajectory(fractional: np.ndarray, cells: np.ndarray = TRICLINIC, **changes: object) -> Trajectory:
    given = {
        "symbols": ["Li"] * fractional.shape[1],
        "pbc": True,
        "times": np.arange(len(fractional)),
    } | changes
    return Trajectory(fractional=fractional, cells=cells, **given)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), frames=st.integers(2, 200), atoms=st.integers(1, 70))
def test_a_wrapped_walk_is_recovered_exactly(seed: int, frames: int, atoms: int) -> None:
    path = walk(np.random.default_rng(seed), frames, atoms)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = unwrap(trajectory(path - np.floor(path)))
        same = unwrap(trajectory(path))
    np.testing.assert_allclose(found, path @ TRICLINIC, atol=1e-9)
    np.testing.assert_allclose(same, found, atol=1e-9)


def test_single_precision_loses_less_than_a_tenth_of_a_milliangstrom() -> None:
    path = walk(np.random.default_rng(1), 3000, 10)
    wrapped = (path - np.floor(path)).astype(np.float32)
    assert np.abs(unwrap(trajectory(wrapped)) - path @ TRICLINIC).max() < 1e-5


def test_only_periodic_directions_are_unwrapped() -> None:
    path = walk(np.random.default_rng(2), 100, 5)
    wrapped = path.copy()
    wrapped[..., :2] -= np.floor(wrapped[..., :2])
    open_above = trajectory(wrapped, pbc=[True, True, False])
    np.testing.assert_allclose(unwrap(open_above), path @ TRICLINIC, atol=1e-9)


def test_a_breathing_cell_does_not_carry_ions_along() -> None:
    """An ion that has crossed the box thirty times must not move when the box breathes by half a per cent."""
    rng = np.random.default_rng(3)
    frames = 400
    path = np.zeros((frames, 1, 3))
    path[:101, 0, 0] = np.linspace(0.0, 30.0, 101)
    path[101:, 0, 0] = 30.0
    cells = TRICLINIC * (1.0 + 0.005 * rng.normal(size=(frames, 1, 1)))
    found = unwrap(trajectory(path - np.floor(path), cells=cells))
    resting = found[101:, 0]
    assert np.ptp(resting, axis=0).max() < 1e-9
    np.testing.assert_allclose(resting[0] - found[0, 0], 30.0 * cells.mean(axis=0)[0], atol=1e-9)


def test_a_step_too_long_names_frame_and_atom() -> None:
    path = walk(np.random.default_rng(4), 30, 40, largest=0.05)
    path[17:, 35, 1] += 0.43
    symbols = ["Li"] * 30 + ["S"] * 10
    with pytest.warns(UnwrapWarning, match=r"1 steps between frames.*at frame 17, atom 35 \(S\)"):
        unwrap(trajectory(path - np.floor(path), symbols=symbols))
    with pytest.warns(UnwrapWarning, match=r"at frame 17, atom 35 \(S\)"):
        framework_drift(trajectory(path - np.floor(path), symbols=symbols), "Li")


def test_unwrapped_coordinates_taken_for_wrapped_ones_are_noticed() -> None:
    """Frames so far apart that ions cross more than half of the cell: wrapped or not makes all the difference."""
    path = np.cumsum(0.05 * np.random.default_rng(6).normal(size=(60, 8, 3)), axis=0)
    path[:, 5] += np.array([0.9, 0.0, 0.0]) * np.arange(60)[:, None]
    with pytest.warns(
        UnwrapWarning, match=r"atom 5 \(Li\) runs through more than 1.5 cells and is cut .*images of zeros"
    ):
        cut = unwrap(trajectory(path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = unwrap(trajectory(path, images=np.zeros(path.shape, dtype=int)))
        # Nothing is cut: nothing to notice, and nothing wrong.
        rest = np.delete(path, 5, axis=1)
        np.testing.assert_allclose(unwrap(trajectory(rest)), rest @ TRICLINIC, atol=1e-9)
        # A program that wraps only when it rebuilds its neighbours leaves atoms a little outside.
        lazy = rest - np.floor(rest)[np.arange(60) // 7 * 7]
        moved = unwrap(trajectory(lazy)) - unwrap(trajectory(rest))
        np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-9)
    np.testing.assert_allclose(found, path @ TRICLINIC, atol=1e-9)
    assert np.abs(cut - found).max() > 100.0


def test_a_long_step_without_periodicity_is_no_warning() -> None:
    path = np.array([0.1, 0.9, 0.2])[:, None, None] * np.ones((1, 2, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = unwrap(trajectory(path, pbc=False))
    np.testing.assert_allclose(found, path @ TRICLINIC)


def test_some_atoms_only() -> None:
    path = walk(np.random.default_rng(5), 20, 9)
    found = unwrap(trajectory(path - np.floor(path)), np.array([7, 2]))
    np.testing.assert_allclose(found, path[:, [7, 2]] @ TRICLINIC, atol=1e-9)


def test_the_drift_is_mass_weighted_and_absent_without_a_framework() -> None:
    path = np.zeros((3, 3, 3))
    path[1:, 1, 0] = 0.1  # P moves, S does not
    drift = framework_drift(trajectory(path, symbols=["Li", "P", "S"]), "Li")
    assert drift is not None
    expected = 0.1 * 30.973761998 / (30.973761998 + 32.06) * TRICLINIC[0]
    np.testing.assert_allclose(drift, [np.zeros(3), expected, expected], atol=1e-9)
    assert framework_drift(trajectory(path), "Li") is None
