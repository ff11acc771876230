"""Partially occupied sites: read from a CIF, written as structures, and refused where they make no sense."""

from io import BytesIO, StringIO

import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write
from ase.spacegroup import crystal

from betalps.errors import StructureError
from betalps.structures.crystals import beta_li3ps4, beta_li3ps4_sites
from betalps.structures.ordering.sites import SiteOrder, partial_occupancies

BETA_CIF = """data_beta_Li3PS4
_symmetry_space_group_name_H-M 'P n m a'
_symmetry_Int_Tables_number 62
_cell_length_a 13.08
_cell_length_b 8.12
_cell_length_c 6.265
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
P1 P 0.087 0.25 0.160 1.0
S1 S 0.154 0.033 0.221 1.0
S2 S 0.933 0.25 0.255 1.0
S3 S 0.102 0.25 0.871 1.0
Li1 Li 0.332 0.033 0.388 1.0
Li2 Li 0.0 0.0 0.5 0.7
Li3 Li 0.0 0.25 0.595 0.3
"""


def beta_from_cif(text=BETA_CIF):
    return read(StringIO(text), format="cif")


def square(**changes):
    given = {
        "framework": Atoms("S", cell=[4, 4, 4], pbc=True),
        "positions": [[2, 0, 0], [0, 2, 0]],
        "kinds": ("a", "a"),
        "occupancy": {"a": {"Li": 0.5}},
    }
    return SiteOrder(**{**given, **changes})


def test_beta_sites_are_those_of_the_published_crystal():
    order = beta_li3ps4_sites()
    assert order.framework.get_chemical_formula() == "Li8P4S16"
    assert order.numbers == {"Li": 4}
    assert order.kinds == ("4b",) * 4 + ("4c",) * 4
    # All on 4b is the relaxed crystal itself.
    atoms = order.atoms([1] * 4 + [0] * 4)
    assert sorted(atoms.get_chemical_symbols()) == sorted(beta_li3ps4().get_chemical_symbols())
    distance = np.linalg.norm(atoms.positions[:, None] - beta_li3ps4().positions, axis=2).min(axis=1)
    assert distance.max() < 1e-9
    assert atoms.arrays["site"].tolist() == [-1] * 28 + [0, 1, 2, 3]


def test_a_cif_with_occupancies_becomes_the_same_sites():
    order = partial_occupancies(beta_from_cif())
    assert order.framework.get_chemical_formula() == "Li8P4S16"
    assert order.numbers == {"Li": 4}
    assert order.occupancy == {"Li5": {"Li": 0.7}, "Li6": {"Li": 0.3}}
    ours = beta_li3ps4_sites()
    for kind, theirs in (("4b", "Li5"), ("4c", "Li6")):
        a = ours.positions[np.array(ours.kinds) == kind]
        b = order.positions[np.array(order.kinds) == theirs]
        delta = (a[:, None] - b[None]) / [13.08, 8.12, 6.265]
        delta -= np.rint(delta)
        assert np.abs(delta).max(axis=2).min(axis=1).max() < 1e-3


def test_repeated_cells_keep_their_sites():
    atoms = beta_from_cif().repeat((1, 2, 1))
    order = partial_occupancies(atoms)
    assert order.numbers == {"Li": 8}
    again = partial_occupancies(beta_from_cif()).repeat((1, 2, 1))
    assert again.numbers == {"Li": 8}
    key = [tuple(p) for p in np.round(np.sort(order.positions, axis=0), 6).tolist()]
    assert key == [tuple(p) for p in np.round(np.sort(again.positions, axis=0), 6).tolist()]


def test_sites_survive_extxyz():
    buffer = BytesIO()
    text = StringIO()
    write(text, beta_from_cif(), format="extxyz")
    buffer.write(text.getvalue().encode())
    order = partial_occupancies(read(StringIO(text.getvalue()), format="extxyz"))
    assert order.numbers == {"Li": 4}


def test_shared_sites_take_one_species_or_the_other():
    atoms = crystal(
        ["Ge", "P", "S"],
        [(0, 0, 0), (0, 0, 0), (0.5, 0.5, 0.5)],
        spacegroup=221,
        cellpar=[4, 4, 4, 90, 90, 90],
        occupancies=[0.5, 0.5, 1.0],
        onduplicates="keep",
    )
    order = partial_occupancies(atoms.repeat((2, 1, 1)))
    assert order.numbers == {"Ge": 1, "P": 1}
    assert order.never_vacant.all()
    assert sorted(order.atoms([1, 2]).get_chemical_symbols()) == ["Ge", "P", "S", "S"]


def test_structures_without_occupancies_are_named():
    with pytest.raises(StructureError, match="Li12P4S16 carries no occupancies: expected info"):
        partial_occupancies(beta_li3ps4())
    with pytest.raises(StructureError, match=r"every site of .* is full: nothing to order"):
        partial_occupancies(beta_from_cif(BETA_CIF.replace("0.7\n", "1.0\n").replace("0.3\n", "1.0\n")))


def test_sums_that_are_not_whole_are_named_and_can_be_overruled():
    atoms = beta_from_cif(BETA_CIF.replace("0.7\n", "0.6\n"))
    with pytest.raises(
        StructureError, match=r"add up to 3\.600 Li per cell: expected a whole number.*numbers=\{'Li': 4"
    ):
        partial_occupancies(atoms)
    assert partial_occupancies(atoms, numbers={"Li": 4}).numbers == {"Li": 4}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions": [[2, 0, 0]]}, r"positions: expected shape \(2, 3\)"),
        ({"occupancy": {"b": {"Li": 0.5}}}, r"expected kinds \['a'\], got \['b'\]"),
        ({"occupancy": {"a": {"Li": 0.7, "Na": 0.7}}}, "together at most 1"),
        ({"occupancy": {"a": {"Li": 0.0}}}, "expected fractions above 0"),
        ({"numbers": {"Na": 1}}, "no site takes Na; expected Li"),
        ({"numbers": {"Li": 3}}, "3 Li on 2 sites"),
        ({"numbers": {"Li": 1.5}}, "expected a whole number"),
        ({"occupancy": {"a": {"Li": 0.5, "Na": 0.5}}, "numbers": {"Li": 1, "Na": 0}}, "of which 2 are never vacant"),
    ],
)
def test_bad_sites_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        square(**changes)


def test_labels_that_do_not_fit_are_named():
    for labels in ([1], [0, 2], [0, -1]):
        with pytest.raises(ValueError, match="labels: expected 2 numbers from 0 to 1"):
            square().atoms(labels)
    assert square().counts([0, 1]) == {"a": {"Li": 1}}
