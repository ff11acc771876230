"""The smallest bicrystal that is large enough."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.structures.boundaries.sizes import Size


@settings(deadline=None)
@given(
    atoms=st.integers(1, 30_000),
    separation=st.floats(0, 60),
    spacings=st.tuples(st.floats(0.3, 9), st.floats(0.3, 9)),
    per_plane=st.tuples(st.integers(1, 500), st.integers(1, 500)),
)
def test_thick_enough_and_no_thicker(atoms, separation, spacings, per_plane):
    planes = Size(atoms=atoms, separation=separation).planes(spacings, per_plane)
    assert min(planes) >= 1
    thickness = [n * d for n, d in zip(planes, spacings, strict=True)]
    assert min(thickness) >= separation - 1e-6
    assert np.dot(planes, per_plane) >= atoms
    # both grains are about as thick, and one step less would not do
    thinner = min(thickness) - max(spacings)
    fewer = [max(1, math.ceil(thinner / d - 1e-9)) for d in spacings]
    assert (
        fewer == list(planes)
        or np.dot(fewer, per_plane) < atoms
        or min(n * d for n, d in zip(fewer, spacings, strict=True)) < max(separation, *spacings)
    )


@settings(deadline=None)
@given(lateral=st.floats(0, 80), first=st.floats(2, 30), second=st.floats(2, 30), angle=st.floats(40, 140))
def test_wide_enough_and_no_wider(lateral, first, second, angle):
    cell = np.array([[first, 0], [second * np.cos(np.radians(angle)), second * np.sin(np.radians(angle))]])
    widths = np.array([first, second]) * np.sin(np.radians(angle))
    repeats = np.array(Size(lateral=lateral).repeats(cell))
    assert np.all(repeats * widths >= lateral - 1e-6)
    assert np.all((repeats == 1) | ((repeats - 1) * widths < lateral))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"atoms": 0}, "size of 0 atoms: expected at least 1"),
        ({"separation": -1.0}, "separation -1.0 Å: expected 0 or more"),
        ({"lateral": math.nan}, "lateral nan Å: expected 0 or more"),
    ],
)
def test_bad_sizes(arguments, message):
    with pytest.raises(ValueError, match=message):
        Size(**arguments)
