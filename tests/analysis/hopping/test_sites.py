"""Ions are assigned to the sites that they were put on, whatever the cell, the framework and the vibrations do."""

import json

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.site_walks import BETA_RATES, Ways, as_trajectory, independent_walks, simple_cubic
from betalps.analysis.hopping.sites import CrystalSites, crystal_sites, site_occupancy, site_visits
from betalps.errors import StructureError
from betalps.structures import (
    AtomChoice,
    alpha_li3ps4,
    beta_li3ps4,
    beta_li3ps4_sites,
    gamma_li3ps4,
    slab_region,
)
from betalps.trajectories import Trajectory


def states(visits):
    """(frames, ions) site and (frames, ions, 3) image, -1 before the first visit."""
    site = np.full((visits.frames, len(visits.ions)), -1)
    image = np.zeros((visits.frames, len(visits.ions), 3), dtype=int)
    for k, ion in enumerate(visits.ion):
        span = slice(visits.start[k], visits.stop[k])
        site[span, ion], image[span, ion] = visits.site[k], visits.image[k]
    return site, image


@pytest.fixture(scope="module")
def beta_walk():
    """1,000 frames of 24 Li on β sites: sites, where the ions are, and the generator."""
    rng = np.random.default_rng(5)
    sites = crystal_sites(beta_li3ps4_sites(), repeat=(1, 2, 2))
    ways = Ways(sites, BETA_RATES)
    start = rng.choice(len(sites), 24, replace=False)
    return sites, *independent_walks(rng, ways, start, 1000, 0.1)


class TestCrystalSites:
    def test_beta_kinds(self):
        sites = crystal_sites(beta_li3ps4_sites())
        assert {name: sites.kinds.count(name) for name in sites.names} == {"8d": 8, "4b": 4, "4c": 4}
        assert sites.framework.get_chemical_formula() == "P4S16"
        full = crystal_sites(beta_li3ps4())
        # spglib puts the origin where the literature's 4b is 4a
        assert {name: full.kinds.count(name) for name in full.names} == {"8d": 8, "4a": 4}

    def test_multiplicity_is_of_the_conventional_cell(self):
        """A primitive cell, a conventional one and a supercell give the same name."""
        for atoms in (bulk("Cu"), bulk("Cu", cubic=True), bulk("Cu", cubic=True).repeat((1, 2, 1))):
            assert set(crystal_sites(atoms, "Cu").kinds) == {"4a"}

    @pytest.mark.parametrize(("crystal", "orbits"), [(gamma_li3ps4(), 2), (alpha_li3ps4(), 3)])
    def test_several_orbits(self, crystal, orbits):
        assert len(crystal_sites(crystal).names) == orbits

    def test_orbits_of_one_letter_are_numbered(self):
        sites = crystal_sites(alpha_li3ps4())  # P2_1/c: only the general position is not fixed
        assert sites.names == ("4e-1", "4e-2", "4e-3")

    def test_repeat_is_that_of_atoms(self):
        crystal = beta_li3ps4()
        many = crystal_sites(crystal, repeat=(1, 2, 3))
        lithium = crystal.repeat((1, 2, 3))
        lithium = lithium[lithium.numbers == 3]
        difference = many.fractional - lithium.get_scaled_positions()
        np.testing.assert_allclose(difference - np.rint(difference), 0, atol=1e-12)
        assert many.kinds == crystal_sites(crystal).kinds * 6
        assert len(many.framework) == 6 * 20

    def test_spacings(self):
        np.testing.assert_allclose(simple_cubic(1, 3.0).spacings(), 3.0)
        spacing = crystal_sites(beta_li3ps4_sites()).spacings()
        np.testing.assert_allclose([spacing.min(), spacing.max()], [2.12, 3.29], atol=0.01)

    def test_bad_references(self):
        with pytest.raises(ValueError, match="no site of 'Na' in the reference Li12P4S16"):
            crystal_sites(beta_li3ps4(), "Na")
        with pytest.raises(StructureError, match=r"pbc .*: expected a crystal"):
            crystal_sites(Atoms("Li", cell=[3, 3, 3]))
        with pytest.raises(ValueError, match="symprec 0: expected a length above 0 Å"):
            crystal_sites(beta_li3ps4(), symprec=0)
        with pytest.raises(StructureError, match="do two atoms share a place"):
            crystal_sites(Atoms("Li2", positions=np.zeros((2, 3)), cell=3 * np.eye(3), pbc=True))
        with pytest.raises(StructureError, match=r"sites 0 and 1 are 0\.300 Å apart"):
            CrystalSites(species="Li", fractional=[[0, 0, 0], [0.1, 0, 0]], kinds=("a", "b"), cell=3 * np.eye(3))
        with pytest.raises(ValueError, match=r"expected finite coordinates of shape \(1, 3\)"):
            CrystalSites(species="Li", fractional=np.zeros((2, 3)), kinds=("a",), cell=3 * np.eye(3))
        with pytest.raises(ValueError, match="three vectors with a volume"):
            CrystalSites(species="Li", fractional=np.zeros((1, 3)), kinds=("a",), cell=np.zeros((3, 3)))
        with pytest.raises(ValueError, match="three whole numbers of at least 1"):
            simple_cubic(1).repeat((1, 0, 1))


class TestAssignment:
    def test_walk_is_found_again(self, beta_walk):
        """Vibrations, a drifting framework, a breathing cell and wrapping change nothing."""
        sites, site, image = beta_walk
        rng = np.random.default_rng(8)
        breathing = sites.cell * (1.0 + 0.003 * rng.normal(size=(len(site), 1, 3)))
        drift = np.cumsum(rng.normal(scale=0.002, size=(len(site), 3)), axis=0)
        plain = site_visits(as_trajectory(sites, site, image, 0.1), sites)
        shaken = site_visits(
            as_trajectory(sites, site, image, 0.1, rng, rattle=0.12, cells=breathing, drift=drift), sites
        )
        found, cells = states(plain)
        np.testing.assert_array_equal(found, site)
        np.testing.assert_array_equal(np.diff(cells, axis=0), np.diff(image, axis=0))
        found, cells = states(shaken)
        assert (
            np.mean(found == site) > 0.999
        )  # where a vibration reaches out of the core, the jump is seen a frame late
        np.testing.assert_array_equal(np.diff(cells[[0, -1]], axis=0), np.diff(image[[0, -1]], axis=0))
        assert shaken.misfit < 0.1
        assert not shaken.doubts
        assert plain.in_cores == 1.0
        assert plain.unassigned == 0.0

    def test_known_images_are_used(self, beta_walk):
        sites, site, image = beta_walk
        given = as_trajectory(sites, site, image, 0.1)
        whole = np.zeros((*given.fractional.shape[:2], 3), dtype=np.int8)
        path = sites.fractional[site] + image
        whole[:, : site.shape[1]] = np.floor(path + 1e-12)
        # every tenth frame: without the images some jumps would be ambiguous, with them none is
        part = Trajectory(
            symbols=given.symbols,
            fractional=given.fractional,
            cells=given.cells,
            times=given.times,
            pbc=given.pbc,
            images=whole,
        ).select(step=10)
        found, cells = states(site_visits(part, sites))
        np.testing.assert_array_equal(found, site[::10])
        np.testing.assert_array_equal(np.diff(cells, axis=0), np.diff(image[::10], axis=0))

    @pytest.mark.parametrize("origin", [(0.0, 0.0, 0.0), (0.31, 0.77, 0.12), (0.5, 0.01, 0.49)])
    def test_origin_is_found(self, beta_walk, origin):
        """The framework is put on the reference's, up to a symmetry of the crystal, in any order of atoms."""
        sites, site, image = beta_walk
        moved = as_trajectory(sites, site[:200], image[:200], 0.1, drift=np.broadcast_to(origin, (200, 3)))
        order = np.random.default_rng(3).permutation(len(moved.symbols))
        mixed = Trajectory(
            symbols=moved.symbols[order],
            fractional=moved.fractional[:, order],
            cells=moved.cells,
            times=moved.times,
            pbc=moved.pbc,
        )
        visits = site_visits(mixed, sites)
        assert visits.misfit < 1e-3
        found, _ = states(visits)
        kinds = sites.kind_numbers
        lithium = order[visits.ions]
        np.testing.assert_array_equal(kinds[found], kinds[site[:200][:, lithium]])

    def test_vibration_across_the_middle_is_no_jump(self):
        sites = simple_cubic(3)
        x = 1.5 + 0.3 * np.sin(np.arange(200))  # about the middle between two sites, out of both cores
        x[0], x[-1] = 0.1, 2.9
        path = np.zeros((200, 1, 3))
        path[:, 0, 0] = x / 9.0
        trajectory = Trajectory(
            symbols=np.array(["Li"]), fractional=path, cells=sites.cell, times=np.arange(200.0), pbc=np.ones(3, bool)
        )
        visits = site_visits(trajectory, sites, core=0.7)
        assert visits.start.tolist() == [0, 199]
        assert visits.stop.tolist() == [199, 200]
        assert visits.in_cores == pytest.approx(0.01)
        assert any("inside cores 1% of the time" in doubt for doubt in visits.doubts)
        every = site_visits(trajectory, sites, core=None)
        assert len(every.site) > 50
        assert any("jumps are missed" in doubt for doubt in every.doubts)

    @settings(deadline=None, max_examples=25, derandomize=True)
    @given(
        slant=st.lists(st.floats(-0.4, 0.4), min_size=3, max_size=3),
        count=st.integers(1, 6),
        seed=st.integers(0, 10**6),
    )
    def test_nearest_site_in_any_cell(self, slant, count, seed):
        """Against all images of all sites, one by one."""
        rng = np.random.default_rng(seed)
        cell = np.array([[4.0, 0.0, 0.0], [4 * slant[0], 5.0, 0.0], [4 * slant[1], 5 * slant[2], 6.0]])
        try:
            sites = CrystalSites(species="Li", fractional=rng.random((count, 3)), kinds=("a",) * count, cell=cell)
        except StructureError:
            return
        points = rng.random((1, 60, 3))
        trajectory = Trajectory(
            symbols=np.full(60, "Li"),
            fractional=np.concatenate([points, points]),
            cells=cell,
            times=np.arange(2.0),
            pbc=np.ones(3, bool),
        )
        visits = site_visits(trajectory, sites, core=None)
        steps = np.stack(np.meshgrid(*([np.arange(-3, 4)] * 3), indexing="ij"), axis=-1).reshape(-1, 3)
        images = sites.fractional[:, None] + steps
        away = np.linalg.norm((points[0][:, None, None] - images[None]) @ cell, axis=-1)
        nearest = away.min(axis=(1, 2))
        chosen = sites.fractional[visits.site] + visits.image
        np.testing.assert_allclose(np.linalg.norm((points[0] - chosen) @ cell, axis=1), nearest, atol=1e-9)

    def test_another_cell(self, beta_walk):
        sites, site, image = beta_walk
        walk = as_trajectory(sites, site[:10], image[:10], 0.1)
        with pytest.raises(StructureError, match=r"sites\.repeat\(\(1, 2, 2\)\) may be what is wanted"):
            site_visits(walk, crystal_sites(beta_li3ps4_sites()))

    def test_another_framework(self, beta_walk):
        sites, site, image = beta_walk
        walk = as_trajectory(sites, site[:10], image[:10], 0.1)
        wrong = sites.framework.copy()
        wrong.positions = np.random.default_rng(0).random((len(wrong), 3)) @ wrong.cell.array
        broken = CrystalSites(
            species="Li", fractional=sites.fractional, kinds=sites.kinds, cell=sites.cell, framework=wrong
        )
        with pytest.raises(StructureError, match="does not lie on the reference's"):
            site_visits(walk, broken)
        fewer = CrystalSites(
            species="Li", fractional=sites.fractional, kinds=sites.kinds, cell=sites.cell, framework=wrong[:40]
        )
        with pytest.raises(StructureError, match="framework is 16 P, 64 S, the reference's"):
            site_visits(walk, fewer)

    def test_bad_arguments(self, beta_walk):
        sites, site, image = beta_walk
        walk = as_trajectory(sites, site[:10], image[:10], 0.1)
        with pytest.raises(ValueError, match=r"core 1\.5: expected a fraction"):
            site_visits(walk, sites, core=1.5)
        with pytest.raises(ValueError, match="no 'Na' in the trajectory"):
            site_visits(walk, simple_cubic(1, species="Na"))
        empty = CrystalSites(species="Li", fractional=[[0.37, 0.41, 0.43]], kinds=("a",), cell=sites.cell)
        with pytest.raises(ValueError, match="no Li ever enters the core"):
            site_visits(walk, empty, core=0.01)
        slab = Trajectory(
            symbols=walk.symbols, fractional=walk.fractional, cells=walk.cells, times=walk.times, pbc=[1, 1, 0]
        )
        with pytest.raises(StructureError, match="periodic along all axes"):
            site_visits(slab, sites)


class TestOccupancy:
    def test_is_that_of_the_walk(self, beta_walk):
        sites, site, image = beta_walk
        found = site_occupancy(site_visits(as_trajectory(sites, site, image, 0.1), sites))
        kinds = sites.kind_numbers
        for k, name in enumerate(sites.names):
            on_kind = (kinds[site] == k).sum(axis=1).mean()
            assert found.kinds[k] == name
            assert found.occupancy[k] == pytest.approx(on_kind / (kinds == k).sum())
            assert found.share[k] == pytest.approx(on_kind / 24)
        single = np.array([(site == s).sum(axis=1) for s in range(len(sites))])
        np.testing.assert_allclose(found.by_site, single.mean(axis=1))
        both = (single >= 2).mean(axis=1)
        np.testing.assert_allclose(found.double, [both[kinds == k].mean() for k in range(3)], atol=1e-12)
        assert found.share.sum() == pytest.approx(1.0)

    def test_error_covers_the_truth(self):
        """Two kinds in equilibrium: the occupancy of each follows from the rates."""
        sites = CrystalSites(
            species="Li", fractional=[[0, 0, 0], [0.5, 0, 0]], kinds=("A", "B"), cell=np.diag([6.0, 4.0, 4.0])
        ).repeat((2, 2, 2))
        ways = Ways(sites, {("A", "B"): (3.0, 0.2), ("B", "A"): (3.0, 0.6)})
        away = []
        for seed in range(8):
            rng = np.random.default_rng(seed)
            start = np.where(rng.random(16) < 0.75, 0, 1) + 2 * rng.integers(8, size=16)
            walk = independent_walks(rng, ways, start, 1000, 0.1)
            found = site_occupancy(site_visits(as_trajectory(sites, *walk, 0.1), sites))
            away.append((found.share[0] - 0.75) / found.share_error[0])
        assert np.median(np.abs(away)) < 2.0
        assert np.max(np.abs(away)) < 8.0  # Student's t of 4 degrees of freedom

    def test_region(self, beta_walk):
        sites, site, image = beta_walk
        visits = site_visits(as_trajectory(sites, site, image, 0.1), sites)
        region = slab_region(sites.cell, 0.25 * sites.cell[2, 2], 0.5 * sites.cell[2, 2] - 0.1)
        half = site_occupancy(visits, region=region)
        inside = (sites.fractional[:, 2] > 0.004) & (sites.fractional[:, 2] < 0.496)
        np.testing.assert_array_equal(np.isfinite(half.by_site), inside)
        assert half.sites.sum() == inside.sum()
        assert half.parameters["region"] == region.to_dict()
        with pytest.raises(ValueError, match="a choice of atoms says nothing about sites"):
            site_occupancy(visits, region=AtomChoice(mask=np.ones(len(sites), bool)))
        with pytest.raises(ValueError, match="no site of Li lies inside"):
            site_occupancy(visits, region=slab_region(sites.cell, 0.7, 0.001))

    def test_bad_blocks(self, beta_walk):
        sites, site, image = beta_walk
        visits = site_visits(as_trajectory(sites, site[:50], image[:50], 0.1), sites)
        with pytest.raises(ValueError, match="blocks: expected at least 2"):
            site_occupancy(visits, blocks=1)

    def test_is_json(self, beta_walk):
        sites, site, image = beta_walk
        visits = site_visits(as_trajectory(sites, site[:50], image[:50], 0.1), sites)
        told = json.loads(json.dumps([visits.to_dict(), site_occupancy(visits).to_dict()]))
        assert told[0]["units"]["interval"] == "ps"
        assert "sites" not in told[0]
        assert told[1]["parameters"]["core"] == 0.7
