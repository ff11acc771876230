"""Cutting: the centre's neighbourhood survives, ions stay whole, cells are neutral and free of contacts."""

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.active_learning import Cutting, cut, cut_extrapolative, grade, relax_surroundings, select
from betalps.active_learning.ions import find_ions
from betalps.calculators import MTP
from betalps.errors import BetalpsError, StructureError
from betalps.neighbors import neighbor_list
from betalps.potentials import Potential
from betalps.structures import beta_li3ps4

LPS = Cutting()


def rattled(cell, seed=0):
    atoms = beta_li3ps4(cell)
    atoms.rattle(0.08, seed=seed)
    atoms.wrap()
    return atoms


def environment(atoms, centre, radius=5.0):
    pairs = neighbor_list(atoms, radius)
    mine = pairs.i == centre
    order = np.lexsort(pairs.vectors[mine].round(6).T)
    return atoms.numbers[pairs.j[mine]][order], pairs.vectors[mine][order]


def same_environment(one, centre, other, other_centre):
    (a, b), (c, d) = environment(one, centre), environment(other, other_centre)
    np.testing.assert_array_equal(a, c)
    np.testing.assert_allclose(b, d, atol=1e-9)


def ionic(atoms):
    return sorted(find_ions(atoms, LPS.bonds, LPS.charges).charges.tolist())


class TestIons:
    def test_of_the_crystal(self):
        ions = find_ions(rattled((1, 1, 1)), LPS.bonds, LPS.charges)
        assert sorted(ions.charges.tolist()) == [-3] * 4 + [1] * 12
        atoms = rattled((1, 1, 1))
        for k in np.flatnonzero(ions.charges == -3):
            members = ions.positions[ions.ion == k]
            assert len(members) == 5
            assert np.ptp(members, axis=0).max() < 4.5  # not torn apart by the boundary
        moved = (ions.positions - atoms.positions) @ np.linalg.inv(atoms.cell.array)
        np.testing.assert_allclose(moved, moved.round(), atol=1e-9)

    def test_a_network_is_taken_apart(self):
        chain = Atoms("S2", [[0, 0, 0], [2.0, 0, 0]], cell=[4, 20, 20], pbc=True)
        ions = find_ions(chain, {("S", "S"): 2.4}, {"S": -2})
        assert ions.charges.tolist() == [-2, -2]
        np.testing.assert_array_equal(ions.positions, chain.positions)
        single = find_ions(chain, {}, {})
        assert single.charges.tolist() == [0, 0]


class TestCut:
    def test_the_seam_costs_few_ions(self):
        source = rattled((2, 3, 3))
        density = len(source) / source.get_volume()
        pieces = [cut(source, centre, Cutting(kind="periodic")) for centre in range(0, len(source), 48)]
        assert np.median([len(piece) / piece.get_volume() for piece in pieces]) > 0.8 * density

    @given(st.integers(0, 10**6), st.sampled_from(["periodic", "cluster"]), st.sampled_from([(2, 3, 3), (1, 1, 5)]))
    @settings(max_examples=25, deadline=None)
    def test_keeps_what_matters(self, seed, kind, cell):
        source = rattled(cell, seed % 5)
        centre = seed % len(source)
        piece = cut(source, centre, Cutting(kind=kind))
        same_environment(source, centre, piece, piece.info["cut_centre"])
        assert piece.info["cut_kind"] == kind
        assert piece.info["cut_charge"] == 0
        assert len(piece) <= 160
        if kind == "periodic":  # the seam costs few ions
            assert len(piece) / piece.get_volume() > 0.65 * len(source) / source.get_volume()
        assert set(ionic(piece)) == {-3, 1}  # every PS4 whole, none joined to another
        assert sum(ionic(piece)) == 0
        core = piece.arrays["core"]
        assert core[piece.info["cut_centre"]]
        shortest = neighbor_list(source, 4.0).distances.min()
        assert neighbor_list(piece, 4.0).distances.min() >= 0.9 * shortest
        assert piece.calc is None

    def test_a_direction_that_is_short_stays(self):
        source = rattled((1, 1, 6))
        piece = cut(source, 7)
        np.testing.assert_array_equal(piece.cell.array[:2], source.cell.array[:2])
        assert piece.cell[2, 2] < source.cell[2, 2] / 2
        assert piece.pbc.all()

    def test_a_small_source_is_returned_whole(self):
        source = rattled((1, 1, 1))
        source.calc = MTP("beta-lps", threads=1)
        piece = cut(source, 3)
        np.testing.assert_array_equal(piece.positions, source.positions)
        assert (piece.info["cut_kind"], piece.info["cut_centre"]) == ("whole", 3)
        near = np.unique(neighbor_list(source, 5.0).j[neighbor_list(source, 5.0).i == 3])
        np.testing.assert_array_equal(np.flatnonzero(piece.arrays["core"]), np.union1d(near, [3]))

    def test_triclinic(self):
        source = rattled((2, 3, 3))
        shear = np.array([[1, 0.15, 0], [0, 1, -0.2], [0.1, 0, 1]])
        source.set_cell(source.cell.array @ shear, scale_atoms=True)
        for kind in ("periodic", "cluster"):
            piece = cut(source, 40, Cutting(kind=kind, bonds={("P", "S"): 3.0}))
            same_environment(source, 40, piece, piece.info["cut_centre"])
            assert piece.info["cut_charge"] == 0

    def test_slab_keeps_its_surface(self):
        source = rattled((2, 2, 4))
        source.center(vacuum=8, axis=2)
        source.pbc = (True, True, False)
        top = int(source.positions[:, 2].argmax())
        piece = cut(source, top)
        assert piece.pbc.tolist() == [True, True, False]
        same_environment(source, top, piece, piece.info["cut_centre"])
        assert piece.cell[2, 2] < source.cell[2, 2]

    def test_cluster_has_its_vacuum(self):
        piece = cut(rattled((2, 3, 3)), 5, Cutting(kind="cluster", vacuum=4.0))
        assert not piece.pbc.any()
        low, high = piece.positions.min(axis=0), piece.positions.max(axis=0)
        np.testing.assert_allclose(low, 4.0)
        np.testing.assert_allclose(piece.cell.lengths() - high, 4.0)

    def test_charges_that_cannot_balance_are_told(self):
        source = Atoms("Li27", np.argwhere(np.ones((3, 3, 3))) * 3.0)
        assert cut(source, 13, Cutting(kind="cluster")).info["cut_charge"] > 0

    def test_errors(self):
        with pytest.raises(StructureError, match="there is no atom 32 among 32"):
            cut(rattled((1, 1, 1)), 32)
        with pytest.raises(ValueError, match=r"kind is 'sphere'; expected 'periodic' or 'cluster'"):
            Cutting(kind="sphere")
        with pytest.raises(ValueError, match="expected a radius above 0"):
            Cutting(radius=0)


def test_relaxing_the_seam_leaves_the_core():
    piece = cut(rattled((2, 3, 3)), 11)
    piece.calc = MTP("beta-lps", threads=1)
    relaxed = relax_surroundings(piece, MTP("beta-lps", threads=1), steps=30)
    core = piece.arrays["core"]
    np.testing.assert_array_equal(relaxed.positions[core], piece.positions[core])
    assert relaxed.calc is None
    assert not relaxed.constraints
    relaxed.calc = MTP("beta-lps", threads=1)
    assert relaxed.get_potential_energy() < piece.get_potential_energy()


@pytest.fixture(scope="module")
def potential():
    fresh = Potential.from_level(8, ["Li", "P", "S"], cutoff=4.5, min_dist=1.5, radial_size=4, rng=7)
    return select(fresh, [rattled((1, 1, 1), seed) for seed in range(6)], threads=1).potential


class TestExtrapolative:
    def test_the_disturbed_atom_is_cut(self, potential):
        source = rattled((2, 3, 3), 3)
        lithium = [k for k, symbol in enumerate(source.symbols) if symbol == "Li"][30]
        source.positions[lithium] += [0.9, -0.7, 0.5]
        sites = grade(potential, [source], threads=1).sites[0]
        pieces = cut_extrapolative(potential, [rattled((1, 1, 1), 1), source], threshold=2.0, most=2, threads=1)
        assert 1 <= len(pieces) <= 2
        worst = pieces[0]
        assert worst.info["cut_frame"] == 1
        assert worst.info["cut_grade"] == sites.max() > 2
        again = grade(potential, [worst], threads=1).sites[0]
        assert again[worst.info["cut_centre"]] == pytest.approx(sites.max(), rel=1e-6)

    def test_nothing_above_the_threshold(self, potential):
        assert cut_extrapolative(potential, [rattled((1, 1, 1), 1)], threshold=1e9, threads=1) == []

    def test_grades_of_configurations_cannot_be_cut(self, potential):
        other = select(potential, [rattled((1, 1, 1))], mode="configuration", threads=1).potential
        with pytest.raises(BetalpsError, match="grades whole configurations; cutting needs one of neighbourhoods"):
            cut_extrapolative(other, [rattled((1, 1, 1))], threads=1)
