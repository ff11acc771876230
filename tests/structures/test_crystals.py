"""The shipped crystals: symmetry, density, supercells, and fidelity to the relaxed cells."""

import warnings

import numpy as np
import pytest
from ase.geometry import find_mic

from betalps.structures import BETA_ORDERINGS, beta_li3ps4, check_lps, gamma_li3ps4
from betalps.structures.crystals import alpha_li3ps4

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


def shells(atoms, center, other, chosen=None):
    """From each chosen atom of one species the six shortest distances to another species, to 6 Å; then infinity."""
    from ase.neighborlist import neighbor_list

    symbols = np.array(atoms.get_chemical_symbols())
    i, j, distance = neighbor_list("ijd", atoms, 6.0)
    centers = np.flatnonzero(symbols == center) if chosen is None else chosen
    sorted_ = (np.sort(distance[(i == n) & (symbols[j] == other)]).tolist() for n in centers)
    return np.array([[*row, *[np.inf] * 6][:6] for row in sorted_])


def test_beta_has_the_distances_of_the_relaxed_crystal():
    atoms = beta_li3ps4()
    lithium = np.flatnonzero(atoms.symbols == "Li")
    ps = shells(atoms, "P", "S")
    assert ps[:, :4].min() == pytest.approx(2.04, abs=0.01)
    assert ps[:, :4].max() == pytest.approx(2.09, abs=0.01)
    assert ps[:, 4] == pytest.approx(4.2, abs=0.05)
    on_8d, on_4b = (shells(atoms, "Li", "S", chosen) for chosen in (lithium[:8], lithium[8:]))
    assert [on_8d[:, :4].min(), on_8d[:, :4].max()] == pytest.approx([2.46, 2.49], abs=0.01)
    assert [on_4b[:, :4].min(), on_4b[:, :4].max()] == pytest.approx([2.49, 2.59], abs=0.01)
    assert on_4b[:, 4:6] == pytest.approx(np.full((4, 2), 3.18), abs=0.01)
    expected = {("Li", "Li"): 3.28, ("Li", "P"): 3.00, ("P", "P"): 5.08, ("S", "S"): 3.28}
    for (a, b), least in expected.items():
        assert shells(atoms, a, b)[:, 0].min() == pytest.approx(least, abs=0.01), (a, b)


def test_gamma_and_alpha_have_whole_tetrahedra():
    for atoms, longest in ((gamma_li3ps4(), 2.07), (alpha_li3ps4(), 2.09)):
        ps = shells(atoms, "P", "S")
        assert ps[:, :4].min() > 2.04
        assert ps[:, :4].max() < longest
        assert ps[:, 4].min() > 4.1
        li_s = shells(atoms, "Li", "S")
        assert li_s[:, 0].min() > 2.40
        assert li_s[:, 3].max() < 2.75  # every Li has four S around it


def test_alpha_is_an_ordered_model_of_the_phase():
    atoms = alpha_li3ps4()
    assert atoms.get_chemical_formula() == "Li12P4S16"
    assert space_group(atoms, 1e-4) == "P2_1/c (14)"
    np.testing.assert_allclose(atoms.cell.cellpar(), [8.529, 9.659, 8.234, 90, 90, 86.589], atol=1e-3)
    assert density(atoms) == pytest.approx(1.766, abs=1e-3)
    assert atoms.get_volume() == pytest.approx(1.034 * 8.6125 * 9.0211 * 8.42621, rel=1e-3)
    framework = atoms[[atom.index for atom in atoms if atom.symbol != "Li"]]
    assert space_group(framework, 0.8) == "Cmcm (63)"
    assert alpha_li3ps4((1, 2, 1)).info["phase"] == "alpha"


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
