"""Bond angles of structures in which they are known."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from betalps.analysis.structure.angles import bond_angles
from betalps.structures import beta_li3ps4
from betalps.structures.regions import AtomChoice
from betalps.trajectories import Trajectory


def test_angles_of_fcc():
    result = bond_angles(bulk("Cu", cubic=True).repeat(3), ("Cu", "Cu", "Cu"), cutoff=3.0, bins=36)
    assert result.per_centre == pytest.approx(66)
    at = {angle: result.density[abs(result.angles - angle) < 5.0].sum() * 5.0 * 66 for angle in (60, 90, 120, 178)}
    assert at == pytest.approx({60: 24, 90: 12, 120: 24, 178: 6})
    assert result.mean == pytest.approx((24 * 60 + 12 * 90 + 24 * 120 + 6 * 180) / 66)


def test_directions_at_random_have_no_preferred_angle():
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(600, 3, 3))
    positions = np.concatenate([np.zeros((600, 1, 3)), directions / np.linalg.norm(directions, axis=2)[:, :, None]], 1)
    frames = [Atoms("PS3", positions=one + 5.0, cell=[10] * 3, pbc=True) for one in positions]
    result = bond_angles(Trajectory.from_atoms(frames, np.arange(600.0)), cutoff=2.0, bins=12)
    assert result.density.sum() * 15.0 == pytest.approx(1.0)
    assert np.all(abs(result.per_solid_angle - 1.0) < 5.0 * result.density_error / result.density)
    assert result.mean == pytest.approx(90.0, abs=4.0 * result.mean_error)
    assert result.deviation == pytest.approx(np.degrees(np.sqrt(np.pi**2 / 4 - 2)), rel=0.05)


def test_tetrahedra_of_the_crystal():
    result = bond_angles(beta_li3ps4((1, 2, 2)))
    assert result.per_centre == 6.0
    assert result.mean == pytest.approx(109.47, abs=0.3)
    assert "first" in result.cutoff_from["P-S"]
    assert np.isnan(result.mean_error)
    part = bond_angles(beta_li3ps4((1, 2, 2)), region=AtomChoice(mask=np.arange(128) < 64))
    assert part.mean == pytest.approx(result.mean, abs=1e-6)


def test_unlike_legs():
    water = Atoms("HOLi", positions=[(1, 0, 0), (0, 0, 0), (0, 1.5, 0)], cell=[9, 9, 9], pbc=True)
    result = bond_angles(water, ("H", "O", "Li"), cutoff=(1.2, 1.8), bins=20)
    assert result.mean == pytest.approx(90.0)
    assert result.cutoffs == {"O-H": 1.2, "O-Li": 1.8}
    with pytest.raises(ValueError, match=r"no O has both legs within 1\.20 and 1\.40 Å"):
        bond_angles(water, ("H", "O", "Li"), cutoff=(1.2, 1.4))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"triplet": ("S", "P")}, "expected three species"),
        ({"triplet": ("S", "Na", "S")}, "no 'Na' in the trajectory"),
        ({"bins": 0}, "bins: expected at least 1"),
        ({"cutoff": -2.0}, "cutoff of P-S: expected a number above 0 Å"),
        ({"cutoff": (2.0, 3.0)}, "expected one for two legs of S"),
        ({"region": AtomChoice(mask=np.zeros(32, dtype=bool))}, "no P inside the region has both legs"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        bond_angles(beta_li3ps4(), **arguments)
