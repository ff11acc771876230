"""What a study simulates."""

import pytest

from betalps.structures import boundary_record
from betalps.studies import StudyConfig, build_systems
from betalps.studies.systems import boundary_folder


def test_the_default_is_the_crystal_a_tilt_and_a_twist():
    config = StudyConfig()
    crystal, tilt, twist = build_systems(config)
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
    config = StudyConfig(boundaries=("Σ5[001]/(2-10)", "Σ5[001]/(130)"), boundary_temperatures=(650.5,))
    names = [system.folder(t) for system in build_systems(config) for t in system.specs]
    assert names[-2:] == ["Sigma5-001-2m10/650.5K", "Sigma5-001-130/650.5K"]
    assert len(set(names)) == len(names)
    assert boundary_folder("Σ29[001]/(-250)") != boundary_folder("Σ29[001]/(250)")
