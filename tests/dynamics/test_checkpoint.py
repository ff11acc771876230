"""Checkpoints: whole, exact, and refused where they do not belong."""

import json

import numpy as np
import pytest

from betalps.dynamics.checkpoint import Checkpoint, load_checkpoint, require_same_run, save_checkpoint
from betalps.errors import CheckpointError
from dynamics.cases import spec, stage


def example(**changes):
    rng = np.random.default_rng(4)
    values = {
        "step": 12,
        "stage": 1,
        "stage_step": 2,
        "positions": rng.normal(size=(5, 3)),
        "momenta": rng.normal(size=(5, 3)),
        "cell": np.eye(3) / 3,
        "motion": {"p_eta": rng.normal(size=3), "eps": np.array(1 / 3), "axes": np.array([True, False, True])},
        "frames": 3,
        "thermo_size": 120,
        "selected_size": 7,
        "grade": 0.1 + 0.2,
        "stopped": None,
        "identity": {"potential": "abc", "stages": [stage("a", 10).to_dict(), stage("b", 10).to_dict()]},
    }
    return Checkpoint(**{**values, **changes})


def test_round_trip_is_exact(tmp_path):
    for name, before in {
        "a.npz": example(),
        "b.npz": example(motion={}, grade=None, stopped={"cause": "user", "message": "ä", "step": 12, "value": 0.0}),
    }.items():
        save_checkpoint(tmp_path / name, before)
        after = load_checkpoint(tmp_path / name)
        for field in ("positions", "momenta", "cell"):
            np.testing.assert_array_equal(getattr(after, field), getattr(before, field))
        assert after.motion.keys() == before.motion.keys()
        for key, value in before.motion.items():
            np.testing.assert_array_equal(after.motion[key], value)
        for field in ("step", "stage", "stage_step", "frames", "thermo_size", "selected_size", "grade", "stopped"):
            assert getattr(after, field) == getattr(before, field)
        assert after.identity == before.identity
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz"]


@pytest.mark.parametrize("keep", [0, 10, 500])
def test_cut_file_is_named(tmp_path, keep):
    path = tmp_path / "c.npz"
    save_checkpoint(path, example())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"c\.npz is not a readable checkpoint"):
        load_checkpoint(path)


def test_other_version_is_named(tmp_path):
    path = tmp_path / "c.npz"
    save_checkpoint(path, example())
    with np.load(path) as archive:
        arrays = dict(archive)
    scalars = json.loads(str(arrays.pop("scalars")))
    np.savez(path, scalars=np.array(json.dumps(scalars | {"version": 99})), **arrays)
    with pytest.raises(CheckpointError, match="version 99, expected 2"):
        load_checkpoint(path)


def asked(*stages, **changes):
    made = spec(*stages)
    identity = {"potential": "abc", "stages": [s.to_dict() for s in made.stages], **changes}
    return made, identity


def test_every_difference_is_named(tmp_path):
    with pytest.raises(CheckpointError) as caught:
        require_same_run(tmp_path, example(), *asked(stage("a", 10, temperature=5.0), stage("b", 10), potential="x"))
    message = str(caught.value)
    assert "potential (there 'abc', asked for 'x')" in message
    assert "stage 'a': temperature (there 60.0, asked for 5.0)" in message
    assert "stage 'b'" not in message
    assert "Use another folder" in message


def test_only_what_is_done_decides(tmp_path):
    same = [
        (stage("a", 10), stage("b", 10)),
        (stage("a", 10), stage("b", 2)),
        (stage("a", 10), stage("b", 50), stage("c", 5)),
    ]
    for stages in same:
        require_same_run(tmp_path, example(), *asked(*stages))
    other = [
        ((stage("a", 11), stage("b", 10)), "stage 'a': time"),
        ((stage("a", 10), stage("b", 1)), "step 2 of stage 'b', beyond the 1 asked for"),
        ((stage("a", 10),), "stage 'b': ensemble .* asked for None"),
        ((stage("a", 10), stage("c", 10)), "stage 'b': name .*there 'b', asked for 'c'"),
    ]
    for stages, said in other:
        with pytest.raises(CheckpointError, match=said):
            require_same_run(tmp_path, example(), *asked(*stages))
