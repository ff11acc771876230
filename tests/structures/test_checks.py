"""check_lps accepts the crystal and names what breaks it."""

import numpy as np
import pytest

from betalps.errors import StructureError
from betalps.structures import BETA_LI3PS4, beta_li3ps4, check_distances, check_lps, gamma_li3ps4
from betalps.structures.checks import ALPHA_LI3PS4, GAMMA_LI3PS4
from betalps.structures.crystals import alpha_li3ps4


def test_relaxed_distances():
    found = check_lps(beta_li3ps4())
    assert found["P", "S"] == pytest.approx(2.04, abs=0.005)
    assert found["Li", "S"] == pytest.approx(2.46, abs=0.005)
    assert found["Li", "P"] == pytest.approx(3.00, abs=0.005)
    assert found["P", "P"] == np.inf or found["P", "P"] == pytest.approx(5.08, abs=0.01)


def test_small_cells_see_their_images():
    # One cell is 6.3 Å long: an atom 1.5 Å from its own image through a compressed axis must be seen.
    atoms = beta_li3ps4()
    atoms.set_cell(atoms.cell[:] * [[1], [1], [0.7]], scale_atoms=True)
    with pytest.raises(StructureError, match="expected at least"):
        check_lps(atoms)


def test_short_contact_names_pair_distance_and_bound():
    atoms = beta_li3ps4()
    li = 0
    near = int(np.argmin(atoms.get_distances(li, range(16, 32), mic=True))) + 16
    bond = atoms.get_distance(li, near, mic=True, vector=True)
    atoms.positions[li] += bond * (1 - 2.0 / np.linalg.norm(bond))
    with pytest.raises(
        StructureError,
        match=rf"Li-S distance of 2\.000 Å between atoms 0 and {near}: expected at least 2\.45",
    ):
        check_lps(atoms)


def test_stretched_bond_is_found():
    atoms = beta_li3ps4()
    sulphur = int(np.argmin(atoms.get_distances(12, range(16, 32), mic=True))) + 16
    bond = atoms.get_distance(12, sulphur, mic=True, vector=True)
    atoms.positions[sulphur] += 0.1 * bond / np.linalg.norm(bond)
    with pytest.raises(
        StructureError,
        match=rf"P-S distance of 2\.\d+ Å between atoms 12 and {sulphur}: expected 2\.04 to 2\.09",
    ):
        check_lps(atoms)


def test_lost_sulphur_is_found():
    atoms = beta_li3ps4((2, 2, 2))
    sulphur = int(np.argmin(atoms.get_distances(12, range(16, 32), mic=True))) + 16
    del atoms[sulphur]
    with pytest.raises(StructureError, match="expected Li3PS4"):
        check_lps(atoms)
    with pytest.raises(StructureError, match=r"P atom 12 has 3 S within 3\.00 Å: expected 4"):
        check_distances(atoms, BETA_LI3PS4)


def test_the_mixed_setting_trap_is_caught():
    # P 4c coordinates of one axis setting in the cell of the other: swap b and c positions, keep the cell.
    atoms = beta_li3ps4()
    scaled = atoms.get_scaled_positions()
    scaled[:12] = scaled[:12][:, [0, 2, 1]]
    atoms.set_scaled_positions(scaled)
    with pytest.raises(StructureError, match="distance of"):
        check_lps(atoms)


def test_gamma_breaks_the_beta_bounds():
    with pytest.raises(StructureError, match=r"Li-S distance of 2\.40"):
        check_lps(gamma_li3ps4())


def test_every_phase_keeps_its_own_bounds():
    assert check_lps(gamma_li3ps4((2, 2, 2)), GAMMA_LI3PS4)["P", "S"] == pytest.approx(2.06, abs=0.005)
    assert check_lps(alpha_li3ps4(), ALPHA_LI3PS4)["Li", "S"] == pytest.approx(2.453, abs=0.005)
    with pytest.raises(StructureError, match=r"Li-Li distance of 3\.146"):
        check_lps(alpha_li3ps4(), GAMMA_LI3PS4)


def test_not_finite_position_is_named():
    atoms = beta_li3ps4()
    atoms.positions[5, 1] = np.nan
    with pytest.raises(StructureError, match=r"atom 5 \(Li\) has a position that is not finite"):
        check_lps(atoms)


def test_wrong_composition_is_named():
    atoms = beta_li3ps4()
    del atoms[0]
    with pytest.raises(StructureError, match="composition Li11P4S16: expected Li3PS4"):
        check_lps(atoms)
