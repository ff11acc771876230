"""The shipped crystals: symmetry, density, supercells, and fidelity to the relaxed cells."""

import warnings

import numpy as np
import pytest
from ase.geometry import find_mic

from betalps.structures import BETA_ORDERINGS, beta_li3ps4, check_lps, gamma_li3ps4

AMU_PER_A3 = 1.66053906660  # g/cm³ of one amu/Å³


def density(atoms):
    return AMU_PER_A3 * atoms.get_masses().sum() / atoms.get_volume()


def space_group(atoms, symprec):
    spglib = pytest.importorskip("spglib")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # spglib announces its own future error handling
        return spglib.get_spacegroup((atoms.cell[:], atoms.get_scaled_positions(), atoms.numbers), symprec=symprec)


def test_beta_is_the_published_crystal():
    atoms = beta_li3ps4()
    assert atoms.get_chemical_formula() == "Li12P4S16"
    assert space_group(atoms, 1e-4) == "Pnma (62)"
    np.testing.assert_allclose(atoms.cell.cellpar(), [13.080, 8.120, 6.265, 90, 90, 90], atol=1e-3)
    assert density(atoms) == pytest.approx(1.797, abs=1e-3)
    # Li on 4b, (0, 0, ½) and its three images, exactly.
    mobile = np.sort(atoms.get_scaled_positions()[8:12] % 1.0, axis=0)
    np.testing.assert_allclose(
        mobile, np.sort([[0, 0, 0.5], [0.5, 0, 0], [0, 0.5, 0.5], [0.5, 0.5, 0]], axis=0), atol=1e-8
    )


def test_gamma_is_the_published_crystal():
    atoms = gamma_li3ps4()
    assert atoms.get_chemical_formula() == "Li6P2S8"
    assert space_group(atoms, 1e-4) == "Pmn2_1 (31)"
    assert density(atoms) == pytest.approx(1.857, abs=2e-3)


@pytest.mark.parametrize("ordering", BETA_ORDERINGS)
def test_every_ordering_is_stoichiometric_with_its_stated_group(ordering):
    atoms = beta_li3ps4(ordering=ordering)
    assert atoms.get_chemical_formula() == "Li12P4S16"
    assert space_group(atoms, 1e-3).split()[0] == atoms.info["space_group"]


def test_supercell_repeats_and_keeps_the_crystal():
    atoms = beta_li3ps4((1, 2, 3))
    assert len(atoms) == 6 * 32
    assert atoms.info["supercell"] == (1, 2, 3)
    assert density(atoms) == pytest.approx(density(beta_li3ps4()))
    check_lps(atoms)


def test_callers_cannot_change_the_shipped_cell():
    beta_li3ps4().positions[:] = 0.0
    check_lps(beta_li3ps4())


@pytest.mark.parametrize("ordering", [*BETA_ORDERINGS, "gamma"])
def test_cells_are_the_relaxed_ones(shared, ordering):
    from ase.io import read

    frames = read(shared / "data/teacher-l3i5/relaxed.extxyz", ":")
    source = next(frame for frame in frames if frame.info["ordering"] == ordering)
    ours = gamma_li3ps4() if ordering == "gamma" else beta_li3ps4(ordering=ordering)
    np.testing.assert_allclose(np.sort(ours.cell.lengths()), np.sort(source.cell.lengths()), atol=1e-3)
    # Same crystal up to the small origin shift of the averaging: every atom finds its partner.
    for symbol in ("Li", "P", "S"):
        a, b = ours[ours.symbols == symbol], source[source.symbols == symbol]
        delta = (a.positions[:, None] - b.positions[None]).reshape(-1, 3)
        distance = find_mic(delta, source.cell)[1].reshape(len(a), len(b))
        assert distance.min(axis=1).max() < 0.03
        assert len(set(distance.argmin(axis=1))) == len(a)


@pytest.mark.parametrize("bad", [(1, 2), (0, 1, 1), (1, 1, -1), (1, 1, 1.5), (True, 1, 1)])
def test_bad_supercell_is_named(bad):
    with pytest.raises(ValueError, match="three whole numbers"):
        beta_li3ps4(bad)


def test_unknown_ordering_is_named():
    with pytest.raises(ValueError, match="unknown Li ordering '5b'; expected one of 4b4"):
        beta_li3ps4(ordering="5b")
