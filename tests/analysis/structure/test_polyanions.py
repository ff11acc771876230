"""Polyanions built by hand are recognised wherever they lie, and counted in a crystal and in time."""

import numpy as np
import pytest
from ase import Atoms
from scipy.spatial.transform import Rotation

from betalps.analysis.structure.polyanions import polyanion_units, polyanions
from betalps.structures import beta_li3ps4
from betalps.structures.bonding import bonded_units
from betalps.structures.regions import AtomChoice, Box
from betalps.trajectories import Trajectory

CUTOFFS = {("P", "S"): 2.6, ("P", "P"): 2.6, ("S", "S"): 2.6}
CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
BOND = 2.05


def tetrahedron(corners: int = 4) -> Atoms:
    return Atoms(f"PS{corners}", positions=np.concatenate([[[0, 0, 0]], BOND * CORNERS[:corners]]))


def turned(direction: np.ndarray) -> np.ndarray:
    """Corners of a tetrahedron, the first along a direction."""
    found, _ = Rotation.align_vectors([direction], [CORNERS[0]])
    return found.apply(CORNERS)


def corner_sharing(count: int) -> Atoms:
    """P2S7, P3S10, ...: tetrahedra in a straight chain, each sharing an S with the next."""
    atoms = Atoms()
    for k in range(count):
        place = np.array([2.0 * BOND * k, 0, 0])
        others = turned(np.array([-1.0, 0, 0]))[1:] * BOND + place
        atoms += Atoms("P", positions=[place])
        atoms += Atoms("S", positions=[place + np.array([BOND, 0, 0])])
        # those in the middle have a bridge on either side, and two S of their own
        atoms += Atoms(f"S{2 if 0 < k else 3}", positions=others[: 2 if 0 < k else 3])
    return atoms


def edge_sharing() -> Atoms:
    """P2S6 with two bridges between its P, which are 2.9 Å apart."""
    bridge = np.sqrt(BOND**2 - 1.45**2)
    end = [(1.45 + 1.0, 0, 1.79), (1.45 + 1.0, 0, -1.79)]
    both = [(x, y, z) for x, y, z in end] + [(-x, y, z) for x, y, z in end]
    return Atoms("P2S6", positions=[(1.45, 0, 0), (-1.45, 0, 0), (0, bridge, 0), (0, -bridge, 0), *both])


def ethane_like() -> Atoms:
    """P2S6 with a P-P bond of 2.2 Å."""
    ring = [(0.6, 1.96 * np.cos(t), 1.96 * np.sin(t)) for t in np.arange(3) * 2 * np.pi / 3 + 0.3]
    half = np.array([(1.1, 0, 0), *[(1.1 + x, y, z) for x, y, z in ring]])
    return Atoms("PS3PS3", positions=np.concatenate([half, -half]))


def thiodiphosphate() -> Atoms:
    """P2S5: two PS2 ends and a bridge."""
    atoms = Atoms("P2S", positions=[(0, 0, 0), (2 * BOND, 0, 0), (BOND, 0, 0)])
    return atoms + Atoms("S4", positions=[(-1, 1.79, 0), (-1, -1.79, 0), (5.1, 1.79, 0), (5.1, -1.79, 0)])


UNITS = {
    "PS4": tetrahedron,
    "PS3": lambda: tetrahedron(3),
    "P2S7": lambda: corner_sharing(2),
    "P3S10": lambda: corner_sharing(3),
    "P4S13": lambda: corner_sharing(4),
    "P2S6 edge-sharing": edge_sharing,
    "P2S6 ethane-like": ethane_like,
    "P2S5": thiodiphosphate,
    "S2": lambda: Atoms("S2", positions=[(0, 0, 0), (2.06, 0, 0)]),
    "S": lambda: Atoms("S"),
    "S3": lambda: Atoms("S3", positions=[(0, 0, 0), (2.06, 0, 0), (2.7, 1.95, 0)]),
    # an S hangs on another one, not on P
    "PS4 other": lambda: tetrahedron(3) + Atoms("S", positions=[CORNERS[0] * (BOND + 2.05)]),
}


@pytest.mark.parametrize("kind", UNITS)
@pytest.mark.parametrize("seed", range(4))
def test_every_kind_is_recognised(kind, seed):
    """Across borders, turned, and in any order."""
    rng = np.random.default_rng(seed)
    atoms = UNITS[kind]()
    expected = {kind}
    if "P" not in set(atoms.symbols):  # both species must be there
        atoms += Atoms("P", positions=[(9.0, 9.0, 9.0)])
        expected.add("P")
    atoms.positions = Rotation.random(rng=rng).apply(atoms.positions) + rng.uniform(0, 25, 3)
    atoms = atoms[rng.permutation(len(atoms))] + Atoms("Li2", positions=[(3, 3, 3), (9, 9, 9)])
    atoms.set_cell([[25, 0, 0], [6, 24, 0], [-5, 4, 26]])
    atoms.pbc = True
    atoms.wrap()
    found = polyanion_units(atoms, CUTOFFS)
    assert set(found.kinds) == expected
    assert np.all(found.labels[atoms.numbers == 3] == -1)
    assert np.all(found.labels[atoms.numbers != 3] >= 0)


def mixture() -> Atoms:
    """Three PS4, one P2S7, an S2 and an S, 13 Å apart, and lithium far from all."""
    parts = [tetrahedron(), tetrahedron(), tetrahedron(), corner_sharing(2), UNITS["S2"](), UNITS["S"]()]
    atoms = Atoms(cell=[80, 14, 14], pbc=True)
    for k, part in enumerate(parts):
        part.positions += [13.0 * k + 2.0, 7.0, 7.0]
        atoms += part
    return atoms + Atoms("Li", positions=[(76, 1, 1)])


def test_a_mixture_is_counted():
    result = polyanions(mixture(), cutoff=2.6)
    counts = dict(zip(result.kinds, result.counts[0], strict=True))
    assert counts == {"PS4": 3, "P2S7": 1, "S": 1, "S2": 1}
    fractions = dict(zip(result.kinds, result.fractions, strict=True))
    assert fractions == pytest.approx({"PS4": 0.6, "P2S7": 0.4, "S": 0.0, "S2": 0.0})
    assert result.tetrahedral == pytest.approx(0.6)
    assert np.isnan(result.tetrahedral_error)
    assert {pair: n[0] for pair, n in result.bonds.items()} == {"P-S": 20, "P-P": 0, "S-S": 1}
    assert result.cutoffs == pytest.approx({"P-S": 2.6, "P-P": 2.675, "S-S": 2.625})
    assert result.cutoff_from == {
        "P-S": "given",
        "P-P": "1.25 times the sum of the covalent radii",
        "S-S": "1.25 times the sum of the covalent radii",
    }


def test_regions_share_units_and_add_up():
    atoms = mixture()
    box = Box(centre=(0.2, 0.5, 0.5), lengths=(35.0, None, None))
    whole, part, rest = (polyanions(atoms, cutoff=2.6, region=region) for region in (None, box, ~box))
    for kind in whole.kinds:
        here, there, both = (
            sum(row for row, name in zip(one.counts[0], one.kinds, strict=True) if name == kind)
            for one in (part, rest, whole)
        )
        assert here + there == pytest.approx(both)
    assert part.tetrahedral == 1.0
    assert rest.tetrahedral == 0.0
    assert rest.parameters["region"]["kind"] == "complement"


def test_the_share_in_time_and_its_error():
    """A tetrahedron loses an S in the second half: 1/3 of the P, half of the time."""
    whole = mixture()[[*range(15)]]
    broken = whole.copy()
    broken.positions[1] += [3.0, 3.0, 0.0]
    trajectory = Trajectory.from_atoms([whole] * 6 + [broken] * 6, np.arange(12) * 0.1)
    result = polyanions(trajectory, cutoff=2.6, blocks=4)
    assert result.kinds == ("PS4", "PS3", "S")
    np.testing.assert_allclose(result.fractions_in_time[:, 0], [1.0] * 6 + [2 / 3] * 6)
    assert result.tetrahedral == pytest.approx(5 / 6)
    assert result.tetrahedral_error == pytest.approx(np.std([1, 1, 2 / 3, 2 / 3], ddof=1) / 2)
    np.testing.assert_allclose(result.counts[:, 2], [0] * 6 + [1] * 6)
    np.testing.assert_allclose(result.times, trajectory.times)


def test_the_crystal_is_all_tetrahedra():
    crystal = beta_li3ps4((1, 2, 2))
    rng = np.random.default_rng(0)
    frames = [crystal.copy() for _ in range(8)]
    for frame in frames:
        frame.positions += rng.normal(scale=0.12, size=frame.positions.shape)
    result = polyanions(Trajectory.from_atoms(frames, np.arange(8.0)))
    assert result.tetrahedral == 1.0
    assert result.tetrahedral_error == 0.0
    assert 2.5 < result.cutoffs["P-S"] < 3.0
    assert "first" in result.cutoff_from["P-S"]
    assert result.to_dict()["kinds"] == ["PS4"]


def test_a_short_edge_is_no_bond():
    """Two S of one tetrahedron that a vibration brings within the length of an S-S bond."""
    atoms = tetrahedron()
    middle = atoms.positions[[1, 2]].mean(axis=0)
    atoms.positions[[1, 2]] += 0.35 * (middle - atoms.positions[[1, 2]])
    assert atoms.get_distance(1, 2) < CUTOFFS["S", "S"]
    atoms.center(vacuum=8.0)
    assert polyanion_units(atoms, CUTOFFS).kinds == ("PS4",)


def test_chains_without_end_are_named_by_their_cell():
    chain = Atoms("PS", positions=[(0, 5, 5), (2.0, 5, 5)], cell=[4.0, 10, 10], pbc=True).repeat((3, 1, 1))
    assert polyanion_units(chain, CUTOFFS).kinds == ("P3S3",)


def test_agrees_with_bonded_units():
    """The house's other way to find units, where it applies."""
    atoms = mixture()
    mine = polyanion_units(atoms, CUTOFFS)
    theirs = bonded_units(atoms, CUTOFFS)
    covered = mine.labels >= 0
    pairs = set(zip(mine.labels[covered].tolist(), theirs.labels[covered].tolist(), strict=True))
    assert len(pairs) == len(mine.kinds) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def test_other_elements():
    germanium = tetrahedron()
    germanium.symbols = ["Ge", *["Se"] * 4]
    germanium.center(vacuum=6.0)
    result = polyanions(germanium, centre="Ge", ligand="Se", cutoff=2.7)
    assert result.kinds == ("GeSe4",)
    assert result.tetrahedral == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cutoff": 0.0}, "cutoff of P-S: expected a number above 0 Å, got 0.0"),
        ({"cutoff": {("Li", "S"): 2.0}}, r"cutoff of \('Li', 'S'\): expected two of P and S"),
        ({"ligand": "O"}, "no 'O' in the trajectory, which holds Li, P, S"),
        ({}, "no first minimum within 6 Å: give a cutoff"),
        ({"cutoff": 2.6, "region": AtomChoice(mask=np.zeros(6, dtype=bool))}, "region: no P is inside it in any frame"),
        ({"cutoff": 2.6, "blocks": 0}, "blocks: expected at least 2, got 0"),
    ],
)
def test_bad_input(options, message):
    lonely = tetrahedron() + Atoms("Li", positions=[(5, 5, 5)])
    lonely.center(vacuum=10.0)
    lonely.pbc = True
    with pytest.raises(ValueError, match=message):
        polyanions(lonely, **options)
