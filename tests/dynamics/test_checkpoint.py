"""Checkpoints: whole, exact, and refused where they do not belong."""

import json

import numpy as np
import pytest

from betalps.dynamics.checkpoint import Checkpoint, load_checkpoint, require_same_run, save_checkpoint
from betalps.errors import CheckpointError


def example(bit_generator):
    rng = np.random.Generator(bit_generator(4))
    return Checkpoint(
        step=12,
        positions=rng.normal(size=(5, 3)),
        momenta=rng.normal(size=(5, 3)),
        cell=np.eye(3) / 3,
        heat=0.1 + 0.2,
        rng_state=dict(rng.bit_generator.state),
        frames=3,
        thermo_size=120,
        identity={"potential": "abc"},
    )


@pytest.mark.parametrize("bit_generator", [np.random.PCG64, np.random.MT19937, np.random.Philox])
def test_round_trip_is_exact(tmp_path, bit_generator):
    before = example(bit_generator)
    save_checkpoint(tmp_path / "c.npz", before)
    after = load_checkpoint(tmp_path / "c.npz")
    for name in ("positions", "momenta", "cell"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    assert (after.step, after.heat, after.frames, after.thermo_size, after.identity) == (
        12,
        0.1 + 0.2,
        3,
        120,
        {"potential": "abc"},
    )
    draws = []
    for state in (before.rng_state, after.rng_state):
        rng = np.random.Generator(bit_generator())
        rng.bit_generator.state = state
        draws.append(rng.normal(size=50))
    np.testing.assert_array_equal(*draws)
    assert [p.name for p in tmp_path.iterdir()] == ["c.npz"]


@pytest.mark.parametrize("keep", [0, 10, 500])
def test_cut_file_is_named(tmp_path, keep):
    path = tmp_path / "c.npz"
    save_checkpoint(path, example(np.random.PCG64))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"c\.npz is not a readable checkpoint"):
        load_checkpoint(path)


def test_other_version_is_named(tmp_path):
    path = tmp_path / "c.npz"
    save_checkpoint(path, example(np.random.PCG64))
    with np.load(path) as archive:
        arrays = dict(archive)
    scalars = json.loads(str(arrays.pop("scalars")))
    np.savez(path, scalars=np.array(json.dumps(scalars | {"version": 99})), **arrays)
    with pytest.raises(CheckpointError, match="version 99, expected 1"):
        load_checkpoint(path)


def test_every_difference_is_named(tmp_path):
    with pytest.raises(CheckpointError) as caught:
        require_same_run(tmp_path, {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 4})
    message = str(caught.value)
    assert "b (there 2, asked for 5)" in message
    assert "c (there 3, asked for None)" in message
    assert "d (there None, asked for 4)" in message
    assert "a (" not in message
