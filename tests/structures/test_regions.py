"""Regions: who is inside, in any cell, frame by frame; volumes exact; records and dicts round trip."""

import json

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.errors import StructureError
from betalps.structures.boundaries.bicrystals import tilt
from betalps.structures.crystals import beta_li3ps4
from betalps.structures.regions import (
    AtomChoice,
    Box,
    Complement,
    Everywhere,
    Intersection,
    Union,
    around_boundaries,
    grain_region,
    region_from_dict,
    slab_region,
)

CELL = np.diag([10.0, 20.0, 40.0])
SKEW = np.array([[10.0, 0, 0], [3.0, 20.0, 0], [-4.0, 5.0, 40.0]])


@pytest.fixture(scope="module")
def bicrystal():
    return tilt(beta_li3ps4(), "(120)", lattice_planes=8)


def random_cell(rng):
    cell = rng.normal(size=(3, 3)) + 4 * np.eye(3)
    return cell * rng.uniform(2, 5, (3, 1))


def test_a_slab_is_measured_along_its_normal():
    slab = slab_region(SKEW, 10.0, 6.0)
    normal = np.cross(SKEW[0], SKEW[1])
    normal /= np.linalg.norm(normal)
    positions = np.random.default_rng(0).random((2000, 3)) @ SKEW
    inside = slab.contains(positions @ np.linalg.inv(SKEW), SKEW)
    height = positions @ normal
    np.testing.assert_array_equal(inside, np.abs(height - 10.0) <= 3.0)
    np.testing.assert_allclose(slab.normal(SKEW), normal, atol=1e-12)
    assert slab.thickness == 6.0
    assert slab.axis == 2
    assert slab.volume(SKEW) == pytest.approx(10.0 * 20.0 * 6.0)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_boxes_by_brute_force_over_images(seed):
    rng = np.random.default_rng(seed)
    cell = random_cell(rng)
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    lengths = tuple(None if rng.random() < 0.3 else float(rng.uniform(0.1, 0.9) * h) for h in heights)
    box = Box(centre=tuple(rng.uniform(-1, 2, 3)), lengths=lengths)
    points = rng.uniform(-1, 2, (200, 3))
    inside = box.contains(points, cell)
    images = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3), axis=-1).reshape(-1, 3)
    away = np.abs(points[:, None] + images - box.centre) * heights
    limits = np.array([np.inf if length is None else length / 2 for length in lengths])
    np.testing.assert_array_equal(inside, (away <= limits).all(axis=2).any(axis=1))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_volumes_of_overlapping_parts(seed):
    rng = np.random.default_rng(seed)
    cell = random_cell(rng)
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    boxes = [
        Box(
            centre=tuple(rng.random(3)),
            lengths=tuple(None if rng.random() < 0.3 else float(rng.uniform(0.1, 1.2) * h) for h in heights),
        )
        for _ in range(3)
    ]
    region = (boxes[0] | boxes[1]) & ~boxes[2]
    points = rng.random((40_000, 3))
    share = region.contains(points, cell).mean()
    assert region.volume(cell) / abs(np.linalg.det(cell)) == pytest.approx(share, abs=0.015)
    assert region.volume(cell) + (~region).volume(cell) == pytest.approx(abs(np.linalg.det(cell)))


def test_regions_follow_the_cell_but_keep_their_thickness():
    slab = slab_region(CELL, 20.0, 8.0)
    points = np.array([[0.5, 0.5, 0.5], [0.1, 0.9, 0.61], [0, 0, 0.59]])
    assert slab.contains(points, CELL).tolist() == [True, False, True]
    assert slab.contains(points, CELL * 0.9).tolist() == [True, True, True]  # 0.11 × 36 Å are 3.96 Å
    assert slab.volume(CELL * [[1], [1], [2]]) == pytest.approx(8.0 * 200)
    frames = np.stack([points, points, points])
    cells = np.stack([CELL, CELL * 0.9, CELL * 2])
    expected = [slab.contains(frame, cell).tolist() for frame, cell in zip(frames, cells, strict=True)]
    assert slab.contains(frames, cells).tolist() == expected
    assert slab.contains(frames.astype(np.float32), CELL).shape == (3, 3)
    assert slab.contains(points + 7.0, CELL).tolist() == slab.contains(points, CELL).tolist()


def test_combinations():
    low, high = slab_region(CELL, 10.0, 10.0), slab_region(CELL, 30.0, 10.0)
    points = np.array([[0, 0, 0.25], [0, 0, 0.5], [0, 0, 0.75]])
    assert (low | high).contains(points, CELL).tolist() == [True, False, True]
    assert (low & high).contains(points, CELL).tolist() == [False] * 3
    assert (~(low | high)).contains(points, CELL).tolist() == [False, True, False]
    assert Everywhere().contains(points, CELL).all()
    assert Everywhere().volume(CELL) == pytest.approx(8000)
    assert (low | high).thickness == 10.0
    assert (low | high).axis == 2
    assert (low | slab_region(CELL, 30.0, 5.0)).thickness is None
    assert (low | slab_region(CELL, 3.0, 5.0, axis=0)).normal(CELL) is None
    assert (~low).thickness is None
    # contains must not write into what a part returned
    mask = AtomChoice(mask=np.array([False, False, False]))
    (mask | low).contains(points, CELL)
    assert not mask.mask.any()


def test_chosen_atoms():
    mask = np.array([[True, False], [False, True]])
    points = np.zeros((2, 2, 3))
    assert AtomChoice(mask=mask).contains(points, CELL).tolist() == mask.tolist()
    assert AtomChoice(mask=mask[0]).contains(points, CELL).tolist() == [[True, False]] * 2
    with pytest.raises(ValueError, match=r"a choice among \(2, 2\) atoms: expected coordinates of these"):
        AtomChoice(mask=mask).contains(np.zeros((3, 2, 3)), CELL)
    with pytest.raises(ValueError, match="has no volume"):
        AtomChoice(mask=mask[0]).volume(CELL)
    with pytest.raises(ValueError, match="expected booleans"):
        AtomChoice(mask=np.array([0, 1]))


@pytest.mark.parametrize(
    "region",
    [
        Box(centre=(0.1, 0.2, 0.3), lengths=(None, 4.0, 5.0)),
        slab_region(CELL, 10.0, 10.0) | Everywhere(),
        Intersection(parts=(Everywhere(), ~slab_region(CELL, 1.0, 2.0))),
        Complement(part=AtomChoice(mask=np.array([True, False, True] * 10))),
    ],
)
def test_dicts_make_the_same_region(region):
    again = region_from_dict(json.loads(json.dumps(region.to_dict())))
    assert again.to_dict() == region.to_dict()
    points = np.random.default_rng(1).random((30, 3))
    np.testing.assert_array_equal(again.contains(points, CELL), region.contains(points, CELL))


def test_boundaries_of_a_bicrystal(bicrystal):
    region = around_boundaries(bicrystal, 10.0)
    fractional = bicrystal.get_scaled_positions(wrap=False)
    inside = region.contains(fractional, bicrystal.cell.array)
    np.testing.assert_array_equal(inside, bicrystal.arrays["boundary"] <= 5.0)
    assert 0 < inside.sum() < len(bicrystal)
    assert region.thickness == 10.0
    np.testing.assert_allclose(region.normal(bicrystal.cell.array), [0, 0, 1], atol=1e-12)
    area = bicrystal.get_volume() / bicrystal.cell.array[2, 2]
    assert region.volume(bicrystal.cell.array) == pytest.approx(2 * 10.0 * area)
    one = around_boundaries(bicrystal, 10.0, which=[1])
    assert one.volume(bicrystal.cell.array) == pytest.approx(10.0 * area)
    assert isinstance(region, Union)


def test_one_boundary_of_a_slab():
    atoms = tilt(beta_li3ps4(), "(120)", lattice_planes=6, vacuum=10.0)
    region = around_boundaries(atoms)
    inside = region.contains(atoms.get_scaled_positions(wrap=False), atoms.cell.array)
    np.testing.assert_array_equal(inside, atoms.arrays["boundary"] <= 5.0)


def test_grains(bicrystal):
    first, second = grain_region(bicrystal, 0), grain_region(bicrystal, 1)
    fractional = bicrystal.get_scaled_positions()
    cell = bicrystal.cell.array
    assert (first | second).contains(fractional, cell).all()
    assert not (first & second).contains(fractional, cell).any()


def test_bad_input_is_named(bicrystal):
    with pytest.raises(StructureError, match="carries no boundary"):
        around_boundaries(beta_li3ps4())
    with pytest.raises(ValueError, match=r"boundaries \[2\]: expected numbers from 0 to 1"):
        around_boundaries(bicrystal, which=[2])
    with pytest.raises(StructureError, match="has no atoms of grain 0"):
        grain_region(Atoms("H"), 0)
    with pytest.raises(ValueError, match="expected three lengths above 0"):
        Box(centre=(0, 0, 0), lengths=(None, None, -1.0))
    with pytest.raises(ValueError, match="expected three fractional coordinates"):
        Box(centre=(0, np.nan, 0), lengths=(None, None, 1.0))
    with pytest.raises(ValueError, match=r"union of .*: expected at least one region"):
        Union(parts=())
    with pytest.raises(ValueError, match="region of kind 'ball': expected box"):
        region_from_dict({"kind": "ball"})
    with pytest.raises(ValueError, match="box: not what a region's to_dict gives"):
        region_from_dict({"kind": "box"})
