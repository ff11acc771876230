"""What a study simulates."""

import numpy as np
import pytest

from betalps.errors import StructureError
from betalps.structures import boundary_record
from betalps.studies import StudyConfig, build_melts, build_systems
from betalps.studies.systems import boundary_folder, keep_glass


def test_the_default_is_crystal_tilt_twist_glass_and_interface():
    config = StudyConfig()
    crystal, tilt, twist, glass, interface = build_systems(config)
    assert [system.kind for system in (crystal, tilt, twist, glass, interface)] == [
        "crystal",
        "boundary",
        "boundary",
        "glass",
        "interface",
    ]
    assert (crystal.name, len(crystal.atoms)) == ("crystal", 192)
    assert tuple(crystal.specs) == config.temperatures
    assert [boundary_record(system.atoms)["kind"] for system in (tilt, twist)] == ["tilt", "twist"]
    assert boundary_record(tilt.atoms)["strain"] == 0.0
    assert 0 < boundary_record(twist.atoms)["strain"] < 0.02
    for system in (tilt, twist):
        assert len(system.atoms) >= config.boundary_atoms
        assert set(system.specs) == set(config.boundary_temperatures)
        assert set(config.boundary_temperatures) <= set(config.temperatures)  # so that the crystal stands beside it
        assert min(boundary_record(system.atoms)["separations"]) >= 12.0
        assert system.specs[600.0].time == pytest.approx(config.equilibration + config.boundary_production)


def test_folders_differ_and_are_plain():
    config = StudyConfig(
        boundaries=("Σ5[001]/(2-10)", "Σ5[001]/(130)"), boundary_temperatures=(650.5,), glass_temperatures=()
    )
    names = [system.folder(t) for system in build_systems(config) for t in system.specs]
    assert names[-2:] == ["Sigma5-001-2m10/650.5K", "Sigma5-001-130/650.5K"]
    assert len(set(names)) == len(names)
    assert boundary_folder("Σ29[001]/(-250)") != boundary_folder("Σ29[001]/(250)")


def test_glass_and_interface_wait_for_the_melt(tmp_path):
    """What stands for them has as many atoms; then the glass is taken from the folder, the same every time."""
    config = StudyConfig(boundaries=(), glass_atoms=64, interfaces=("(001)", "(3-20)"))
    _, glass, first, second = build_systems(config, tmp_path)
    assert [system.name for system in (glass, first, second)] == ["glass", "amorphous/(001)", "amorphous/(3-20)"]
    assert all(system.missing == "the glass is not made" for system in (glass, first, second))
    melt, other = build_melts(config)
    assert (melt.place, other.place) == ("melt-001", "melt-3m20")
    assert [system.folder(600.0) for system in (glass, second)] == ["glass/600K", "amorphous-3m20/600K"]
    # The crystal that is melted stands in for its glass.
    (tmp_path / melt.place).mkdir()
    made = melt.atoms.copy()
    made.set_momenta(np.ones((len(made), 3)))
    made.positions += 0.1234567890123456
    keep_glass(tmp_path, "(001)", made)
    _, now, on_crystal, still = build_systems(config, tmp_path)
    assert not now.missing
    assert not on_crystal.missing
    assert still.missing
    assert len(now.atoms) == len(glass.atoms)
    assert len(on_crystal.atoms) == len(first.atoms) == 2 * len(now.atoms)
    assert np.array_equal(now.atoms.positions, made.positions)
    assert not now.atoms.has("momenta")
    assert boundary_record(on_crystal.atoms)["kind"] == "amorphous/crystal"
    made.positions += 1.0
    keep_glass(tmp_path, "(001)", made)  # one that is there stays
    again = build_systems(config, tmp_path)
    assert np.array_equal(again[1].atoms.positions, now.atoms.positions)
    assert np.array_equal(again[2].atoms.positions, on_crystal.atoms.positions)


def test_a_glass_that_cannot_be_put_on_the_crystal_is_said(tmp_path, monkeypatch):
    config = StudyConfig(boundaries=(), glass_atoms=64)
    (melt,) = build_melts(config)
    (tmp_path / melt.place).mkdir()
    keep_glass(tmp_path, melt.plane, melt.atoms)

    def endless(*_):
        raise StructureError("units without end")

    monkeypatch.setattr("betalps.studies.systems.amorphous_crystal", endless)
    _, glass, interface = build_systems(config, tmp_path)
    assert not glass.missing
    assert interface.missing == "the glass cannot be put on the crystal: units without end"


def test_no_glass_no_interface():
    config = StudyConfig(boundaries=(), glass_temperatures=())
    assert [system.name for system in build_systems(config)] == ["crystal"]
    assert build_melts(config) == ()
    alone = StudyConfig(boundaries=(), interfaces=())
    assert [system.name for system in build_systems(alone)] == ["crystal", "glass"]
    assert len(build_melts(alone)) == 1
