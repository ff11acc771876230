"""Every boundary of the reference study, as large as the study asks."""

import numpy as np
import pytest

from betalps.neighbors import neighbor_list
from betalps.structures import beta_li3ps4
from betalps.structures.bonding import bonded_units
from betalps.structures.boundaries.reference import REFERENCE_TILTS, REFERENCE_TWISTS, reference_study
from betalps.structures.boundaries.sizes import Size
from betalps.structures.contacts import shortest_contacts
from betalps.structures.glasses.interfaces import glass_cell

STRAINS = {"Σ5[001]/(001)": 0.0107, "Σ5[100]/(100)": 0.0060, "Σ5[010]/(010)": 0.0022}


def assert_as_promised(name, atoms):
    """What the study's structures must be, measured on the structure itself and not read from its record."""
    crystal = beta_li3ps4()
    counts = np.bincount(atoms.numbers)
    assert len(atoms) == 8 * counts[15]
    assert (counts[3], counts[16]) == (3 * counts[15], 4 * counts[15])
    pairs = neighbor_list(atoms, 4.6)
    bonded = (atoms.numbers[pairs.i] == 15) & (atoms.numbers[pairs.j] == 16) & (pairs.distances < 2.6)
    assert np.all(np.bincount(pairs.i[bonded], minlength=len(atoms))[atoms.numbers == 15] == 4)
    across = atoms.arrays["grain"][pairs.i] != atoms.arrays["grain"][pairs.j]
    symbols = np.array(atoms.get_chemical_symbols())
    for (a, b), least in shortest_contacts([(crystal, bonded_units(crystal))]).items():
        touching = across & (symbols[pairs.i] == a) & (symbols[pairs.j] == b)
        assert pairs.distances[touching].min(initial=np.inf) > 0.9 * least - 1e-6, (a, b)
    record = atoms.info["boundary"]
    assert record["strain"] == pytest.approx(STRAINS.get(name, 0.0), abs=1e-4)
    assert np.all(np.array(record["separations"]) >= 30)
    normal = np.cross(atoms.cell[0], atoms.cell[1])
    widths = np.linalg.norm(normal) / np.linalg.norm(atoms.cell.array[:2], axis=1)
    assert widths.min() >= 25


@pytest.mark.parametrize("name", list(reference_study()))
@pytest.mark.slow
def test_every_structure_of_the_study(name):
    atoms = reference_study()[name]()
    assert len(atoms) >= 10_000
    assert_as_promised(name, atoms)


def test_the_list_is_complete():
    study = reference_study()
    assert len(study) == 15
    assert set(REFERENCE_TILTS) | set(REFERENCE_TWISTS) < set(study)
    assert {"amorphous/(120)", "amorphous/(001)", "amorphous/(100)"} < set(study)


def test_another_crystal_and_a_glass_of_ones_own():
    crystal = beta_li3ps4()
    crystal.set_cell([13.07, 8.13, 6.26], scale_atoms=True)
    glass = glass_cell(crystal, "(001)", repeats=(2, 1), lattice_planes=2)
    study = reference_study(crystal, size=Size(separation=10), glasses={"(001)": glass})
    tilted = study["Σ5[001]/(2-10)"]()
    assert tilted.info["boundary"]["area"] == pytest.approx(130.6, abs=0.1)
    assert len(tilted) < 200
    interface = study["amorphous/(001)"]()
    assert interface.info["boundary"]["glass"]["units"] == bonded_units(glass).counts
