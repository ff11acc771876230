"""Boundaries of any crystal: the design's table, whole units, exact strain, honest records."""

import json
import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read, write
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps import __version__
from betalps.errors import StructureError
from betalps.neighbors import neighbor_list
from betalps.structures import beta_li3ps4, gamma_li3ps4
from betalps.structures.bonding import bonded_units
from betalps.structures.boundaries.bicrystals import asymmetric, boundary, tilt, twist
from betalps.structures.boundaries.candidates import twist_candidates
from betalps.structures.boundaries.sizes import Size
from betalps.structures.contacts import shortest_contacts
from structures.random_crystals import assert_same_crystal, crystals, planes

TABLE = [  # name, nominal and true angle, cell, area, spacing, repeats, planes, atoms, angle if sorted axes are meant
    ("Σ5[001]/(120)", 53.13, 34.55, (6.26, 27.38), 171.4, 3.882, (4, 1), 40, 10240, 66.00),
    ("Σ5[001]/(130)", 36.87, 23.43, (6.26, 40.04), 250.7, 2.654, (4, 1), 40, 10240, 46.82),
    ("Σ5[001]/(2-10)", 53.13, 77.59, (6.26, 20.86), 130.6, 5.093, (4, 2), 20, 10240, 42.11),
    ("Σ13[001]/(150)", 22.62, 14.18, (6.26, 65.85), 412.2, 1.614, (4, 1), 40, 10240, 29.12),
    ("Σ13[001]/(3-20)", 67.38, 86.03, (6.26, 35.75), 223.8, 2.972, (4, 1), 40, 10240, 54.35),
    ("Σ25[001]/(170)", 16.26, 10.16, (6.26, 91.85), 575.0, 1.157, (4, 1), 40, 10240, 21.02),
    ("Σ29[001]/(-250)", 43.60, 27.94, (6.26, 67.34), 421.6, 1.578, (4, 1), 40, 10240, 54.90),
    ("Σ3[1-10]/(111)", 70.53, 84.40, (10.26, 14.49), 143.4, 4.637, (3, 2), 27, 10368, 84.40),
    ("Σ5[010]/(201)", 53.13, 87.54, (8.13, 18.10), 147.1, 4.521, (4, 2), 20, 10240, 26.94),
]


@pytest.fixture(scope="module")
def beta():
    """The cell that the design's table was computed for."""
    crystal = beta_li3ps4()
    crystal.set_cell([13.07, 8.13, 6.26], scale_atoms=True)
    return crystal


def assert_sound(atoms, crystal, contact=0.9):
    """Whole units, the crystal's composition, and no contact between the grains that is too short."""
    units, expected = bonded_units(atoms).counts, bonded_units(crystal).counts
    groups = len(atoms) // len(crystal)
    assert units == {kind: groups * n for kind, n in expected.items()}
    shortest = shortest_contacts([(crystal, bonded_units(crystal))])
    reach = contact * max(shortest.values())
    pairs = neighbor_list(atoms, reach)
    across = atoms.arrays["grain"][pairs.i] != atoms.arrays["grain"][pairs.j]
    symbols = np.array(atoms.get_chemical_symbols())
    for (a, b), least in shortest.items():
        touching = across & (symbols[pairs.i] == a) & (symbols[pairs.j] == b)
        assert pairs.distances[touching].min(initial=np.inf) > contact * least - 1e-6, (a, b)


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_the_table_of_tilts(beta, row):
    name, nominal, true, lengths, area, spacing, repeats, count, total, true_sorted = row
    atoms = boundary(name, beta, size=Size(atoms=10_000, separation=30, lateral=25), step=4.0)
    record = atoms.info["boundary"]
    assert len(atoms) == total
    assert record["kind"] == "tilt"
    assert record["name"] == name.replace("Σ", "Sigma")
    assert record["nominal"]["angle"] == pytest.approx(nominal, abs=0.01)
    assert record["disorientation"]["angle"] == pytest.approx(true, abs=0.01)
    assert np.linalg.norm(record["cell"], axis=1) == pytest.approx(lengths, abs=0.01)
    assert record["area"] == pytest.approx(area, abs=0.1)
    assert record["spacings"] == pytest.approx([spacing] * 2, abs=0.001)
    assert record["repeats"] == list(repeats)
    assert record["lattice_planes"] == [count, count]
    assert record["strain"] == 0
    assert np.abs(record["strains"]).max() < 1e-12
    assert atoms.cell[2, 2] == pytest.approx(2 * count * spacing + sum(record["gaps"]), abs=0.05)
    assert_sound(atoms, beta)
    small = boundary(name, beta, "sorted", size=Size(separation=5), translation=(0, 0), termination=0.1)
    assert small.info["boundary"]["disorientation"]["angle"] == pytest.approx(true_sorted, abs=0.01)
    assert small.info["boundary"]["setting"] == "sorted"


def test_ten_thousand_atoms_in_three_seconds(beta):
    start = time.process_time()
    assert len(tilt(beta, "(170)", size=Size(atoms=10_000, separation=30, lateral=25))) == 10_240
    assert time.process_time() - start < 3


@settings(deadline=None, max_examples=25)
@given(
    crystal=crystals(),
    plane=planes,
    counts=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    repeats=st.tuples(*[st.integers(1, 2)] * 2),
    given_offset=st.none() | st.floats(0, 1),
    vacuum=st.sampled_from([None, None, 7.0]),
)
def test_tilts_of_any_crystal(crystal, plane, counts, repeats, given_offset, vacuum):
    spacing = tilt_spacing(crystal, plane)
    thick = tuple(int(np.ceil(7 / spacing)) + n for n in counts)
    atoms = tilt(
        crystal,
        plane,
        lattice_planes=thick,
        repeats=repeats,
        termination="auto" if given_offset is None else given_offset,
        vacuum=vacuum,
        step=2.0,
    )
    record = atoms.info["boundary"]
    wide = repeats[0] * repeats[1]
    assert len(atoms) == len(crystal) * sum(thick) * wide
    assert np.bincount(atoms.arrays["grain"]).tolist() == [len(crystal) * n * wide for n in thick]
    assert record["separations"] == pytest.approx([n * spacing for n in thick])
    assert record["contacts"]["overlaps"] == 0
    assert_sound(atoms, crystal)
    height = sum(thick) * spacing + sum(record["gaps"]) + (0 if vacuum is None else 2 * vacuum)
    if vacuum is None:
        assert atoms.cell[2, 2] == pytest.approx(height)
        assert len(record["boundaries"]) == len(record["gaps"]) == 2
        if thick[0] == thick[1]:
            np.testing.assert_allclose(atoms.cell[2, :2], 0, atol=1e-6)
    else:
        assert atoms.pbc.tolist() == [True, True, False]
        assert len(record["boundaries"]) == len(record["gaps"]) == 1
    # the boundary's own cell is a period
    moved = atoms.copy()
    moved.positions[:, :2] += np.array(record["cell"]).sum(axis=0)
    assert_same_places(atoms, moved)
    # without improper operation the mirror image is of the other hand, and the record says so
    assert ("chiral" in record["chirality"]) is not record["equivalent_rotation"]


def tilt_spacing(crystal, plane):
    reciprocal = np.linalg.inv(crystal.cell.array).T
    return 1 / np.linalg.norm(np.array(plane) @ reciprocal)


def assert_same_places(one, other):
    """The same atoms at the same places, modulo the cell, in whatever order."""
    inverse = np.linalg.inv(one.cell.array)
    keys = []
    for atoms in (one, other):
        fractions = (atoms.positions @ inverse + 1e-5) % 1.0
        keys.append(sorted(map(tuple, np.column_stack([atoms.numbers, fractions.round(4)]).tolist())))
    np.testing.assert_allclose(keys[0], keys[1], atol=2e-4)


@settings(deadline=None, max_examples=20)
@given(crystal=crystals(), plane=planes, more=st.tuples(st.integers(0, 2), st.integers(0, 2)))
def test_no_misorientation_gives_the_crystal_back(crystal, plane, more):
    thick = tuple(int(np.ceil(7 / tilt_spacing(crystal, plane))) + n for n in more)
    lattice_area = np.linalg.det(crystal.cell.array) / tilt_spacing(crystal, plane)
    atoms = twist(crystal, plane, 0.0, lattice_planes=thick, step=2.0, max_area=1.01 * abs(lattice_area))
    record = atoms.info["boundary"]
    assert record["strain"] == pytest.approx(0, abs=1e-9)
    assert record["gaps"] == [0.0, 0.0]
    assert record["disorientation"]["angle"] == pytest.approx(0, abs=1e-4)
    assert record["equivalent"]["equivalent"]
    assert_same_crystal(crystal, atoms, sum(thick))


def test_twist_of_beta(beta):
    atoms = twist(beta, "(001)", 36.87, size=Size(separation=12))
    record = atoms.info["boundary"]
    assert record["operation"]["angle"] == pytest.approx(35.10, abs=0.01)
    assert record["disorientation"]["angle"] == pytest.approx(35.10, abs=0.01)
    assert record["strain"] == pytest.approx(0.0096, abs=1e-4)
    assert record["area"] == pytest.approx(1169, abs=1)
    assert [round(abs(np.linalg.det(m))) for m in record["coincidence"]] == [11, 11]
    # shared half and half: what the lower grain is stretched by, the upper one is compressed by in its own frame
    largest = [np.abs(np.linalg.eigvalsh(strain)).max() for strain in record["strains"]]
    assert largest == pytest.approx([0.0048, 0.0048], abs=1e-4)
    assert_sound(atoms, beta)
    bonds = np.linalg.norm(bonded_units(atoms).offsets, axis=1)
    assert bonds.max() == pytest.approx(np.linalg.norm(bonded_units(beta).offsets, axis=1).max(), abs=1e-6)


def test_strain_on_one_grain_leaves_the_other_alone(beta):
    record = twist(beta, "(001)", 36.87, share="b", size=Size(separation=5)).info["boundary"]
    assert np.abs(record["strains"][0]).max() < 1e-9
    assert np.abs(np.linalg.eigvalsh(record["strains"][1])).max() == pytest.approx(0.0096, abs=1e-4)


@pytest.mark.parametrize(("angle", "multiple"), [(36.87, 5), (22.62, 13), (28.07, 17)])
def test_cubic_twists_are_exact(angle, multiple):
    crystal = bulk("Cu", a=3.6, cubic=True)
    record = twist(crystal, "(001)", angle, max_area=300, size=Size(separation=5), tolerance=0.1).info["boundary"]
    assert record["strain"] == pytest.approx(0, abs=1e-9)
    assert record["operation"]["angle"] == pytest.approx(angle, abs=0.01)
    assert round(record["area"] / 3.6**2, 6) == multiple


def test_orientations_carry_the_crystal_into_the_grains():
    """A displacement between atoms of one grain, taken back to the crystal, is one between atoms of the crystal."""
    crystal = gamma_li3ps4()
    for atoms in (tilt(crystal, "(110)"), twist(bulk("Mg"), "(001)", 21.79, tolerance=0.1, max_area=100)):
        source = crystal if "S" in atoms.symbols else bulk("Mg")
        record = atoms.info["boundary"]
        pairs, expected = neighbor_list(atoms, 3.3), neighbor_list(source, 3.31).vectors
        deep = (atoms.arrays["boundary"][pairs.i] > 6) & (atoms.arrays["boundary"][pairs.j] > 6)
        for grain in (0, 1):
            inner = deep & (atoms.arrays["grain"][pairs.i] == grain)
            back = pairs.vectors[inner][:300] @ np.array(record["orientations"][grain])
            nearest = np.linalg.norm(back[:, None] - expected[None], axis=2).min(axis=1)
            assert inner.any()
            assert nearest.max() < 1e-6


def test_mirror_of_a_chiral_crystal_is_said_to_be_one():
    quartz_like = Atoms(
        "SiSiSi",
        cell=[4.9, 4.9, 5.4, 90, 90, 120],
        pbc=True,
        scaled_positions=[(0.47, 0, 0), (0, 0.47, 1 / 3), (0.53, 0.53, 2 / 3)],
    )
    quartz_like += Atoms("Na", positions=[(0.9, 1.5, 1.2)])
    record = tilt(quartz_like, "(110)", bonds={}, size=Size(separation=8)).info["boundary"]
    assert not record["equivalent_rotation"]
    assert "opposite hand" in record["chirality"]
    record = tilt(bulk("Cu", cubic=True), "(210)", size=Size(separation=5)).info["boundary"]
    assert record["equivalent_rotation"]


def test_copper_twin_and_tilts():
    """Σ3(111) is the coherent twin: every atom keeps its twelve neighbours; Σ5 are 36.87° about [001]."""
    crystal = bulk("Cu", a=3.6, cubic=True)
    twin = tilt(crystal, "(111)")
    assert twin.info["boundary"]["disorientation"]["angle"] == pytest.approx(60)
    assert np.bincount(neighbor_list(twin, 3.0).i).tolist() == [12] * len(twin)
    for plane in ("(210)", "(310)"):
        record = tilt(crystal, plane).info["boundary"]
        assert record["disorientation"]["angle"] == pytest.approx(36.87, abs=0.01)
        assert record["disorientation"]["direction"] == [0, 0, 1]
        assert record["equivalent"]["equivalent"]
        assert max(record["gaps"]) < 0.6


def test_asymmetric_boundary_of_one_crystal(beta):
    atoms = asymmetric(beta, "(100)", beta, "(001)", max_area=800, size=Size(separation=10), step=2.0)
    record = atoms.info["boundary"]
    assert record["kind"] == "asymmetric"
    assert record["planes"] == [[1, 0, 0], [0, 0, 1]]
    assert len(record["crystals"]) == 1
    assert 0 < record["strain"] < 0.05
    assert record["disorientation"]["angle"] > 10
    assert bonded_units(atoms).counts["PS4"] * 8 == len(atoms)
    assert record["contacts"]["overlaps"] == 0


def test_asymmetric_boundary_of_two_crystals():
    copper, nickel = bulk("Cu", a=3.6, cubic=True), bulk("Ni", a=3.52, cubic=True)
    atoms = asymmetric(copper, "(001)", nickel, "(001)", angle=0.0, max_area=100, size=Size(separation=10), share="a")
    record = atoms.info["boundary"]
    assert record["strain"] == pytest.approx(np.log(3.6 / 3.52))
    assert [crystal["formula"] for crystal in record["crystals"]] == ["Cu4", "Ni4"]
    assert record["disorientation"] is None
    assert set(atoms.symbols[atoms.arrays["grain"] == 1]) == {"Ni"}
    assert atoms.cell[0, 0] == pytest.approx(3.6 * np.exp(-record["strain"]))


def test_the_record_survives_a_file(beta, tmp_path):
    atoms = boundary("Σ5[001]/(120)", beta, size=Size(lateral=10), step=2.0)
    write(tmp_path / "gb.extxyz", atoms)
    back = read(tmp_path / "gb.extxyz")
    assert back.info["boundary"] == atoms.info["boundary"]
    assert json.loads(json.dumps(atoms.info["boundary"])) == atoms.info["boundary"]
    np.testing.assert_array_equal(back.arrays["grain"], atoms.arrays["grain"])
    np.testing.assert_allclose(back.arrays["boundary"], atoms.arrays["boundary"], atol=1e-7)


def test_the_record_says_what_was_built(beta):
    beta.info["source"] = "a test of β"
    record = tilt(beta, "(120)", axis="[001]", size=Size(atoms=400), gap=0.5, translation=(0.25, 0.5)).info["boundary"]
    assert record["betalps"] == __version__
    assert record["operation"] == {"kind": "mirror", "angle": None}
    assert record["disorientation"]["direction"] == [0, 0, 1]
    assert record["disorientation"]["tilt_axis"] == [0, 0, 1]
    assert record["translation"]["fractions"] == [0.25, 0.5]
    assert record["translation"]["vector"] == pytest.approx([6.26 / 4, 27.375 / 2], abs=1e-3)
    assert record["gaps"] == [0.5, 0.5]
    assert record["contacts"]["overlaps"] > 0
    assert record["crystals"][0]["info"]["source"] == "a test of beta"
    assert record["crystals"][0]["units"] == {"Li": 12, "PS4": 4}
    assert record["bonds"] is None


def test_distances_to_the_boundaries(beta):
    atoms = tilt(beta, "(120)", step=2.0)
    low, high = atoms.info["boundary"]["boundaries"]
    assert low == 0
    assert 0.4 < high / atoms.cell[2, 2] < 0.6
    z = atoms.positions[:, 2]
    expected = np.minimum.reduce([np.abs(z), np.abs(z - high), np.abs(z - atoms.cell[2, 2])])
    np.testing.assert_allclose(atoms.arrays["boundary"], expected)
    # the lower grain lies between the boundaries
    points = np.isin(atoms.numbers, (3, 15))
    between = (z > low) & (z < high)
    np.testing.assert_array_equal(between[points], atoms.arrays["grain"][points] == 0)


def test_names_that_do_not_fit_are_built_with_notes(beta):
    record = boundary("Σ3[110]/(111)", beta, size=Size(separation=5), step=3.0).info["boundary"]
    assert record["planes"] == [[1, 1, 1]] * 2
    assert "does not lie in" in record["notes"][0]
    record = boundary("Σ5[010]/(201) twist", beta, size=Size(separation=5), step=3.0).info["boundary"]
    assert record["kind"] == "tilt"
    assert "is a tilt boundary" in record["notes"][0]


def test_twist_by_name(beta):
    record = boundary("Σ5[001]/(001)", beta, size=Size(separation=5), step=4.0).info["boundary"]
    assert (record["kind"], record["name"]) == ("twist", "Sigma5[001]/(001)")
    assert record["nominal"]["angle"] == pytest.approx(36.87, abs=0.01)
    assert record["operation"]["angle"] == pytest.approx(35.10, abs=0.01)
    chosen = boundary("Σ5[001]/(001)", beta, angle=44.42, size=Size(separation=5), step=4.0).info["boundary"]
    assert chosen["operation"]["angle"] == pytest.approx(44.42, abs=0.01)


def test_a_candidate_can_be_chosen_by_number_or_itself(beta):
    listed = twist_candidates(beta, "(001)", max_area=900)
    number = next(n for n, entry in enumerate(listed) if entry.multiplicity == (5, 5) and entry.strain < 0.02)
    options = {"size": Size(separation=5), "step": 4.0}
    one = twist(beta, "(001)", candidate=number, max_area=900, **options)
    other = twist(beta, "(001)", candidate=listed[number], **options)
    np.testing.assert_array_equal(one.positions, other.positions)
    assert one.info["boundary"]["operation"]["angle"] == pytest.approx(78.46, abs=0.01)
    with pytest.raises(ValueError, match=r"candidate 99: twists on .* has .*, counted from 0"):
        twist(beta, "(001)", candidate=99, max_area=900)
    with pytest.raises(ValueError, match=r"does not fit the plane \(1, 0, 0\)"):
        twist(beta, "(100)", candidate=listed[number])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: tilt(c, (2, 4, 0)), r"common factor 2: \(1, 2, 0\) is probably meant"),
        (lambda c: tilt(c, (0, 0, 0)), "at least one index that is not zero"),
        (lambda c: tilt(c, "(120)", axis="[100]"), r"axis \[1, 0, 0\] does not lie in the plane \(1, 2, 0\)"),
        (lambda c: twist(c, "(001)", 53.13), r"no candidate within 3°.*the nearest are 44\.42° \(744 Å², 1\.10 %\)"),
        (lambda c: twist(c, "(001)"), "no angle and no candidate"),
        (
            lambda c: tilt(c, "(120)", lattice_planes=1),
            "does not keep the boundaries apart; expected at least 2 planes",
        ),
        (lambda c: tilt(c, "(120)", repeats=(1, 0)), "expected two whole numbers"),
        (lambda c: tilt(c, "(120)", gap="wide"), "gap 'wide': expected numbers or 'auto'"),
        (lambda c: tilt(c, "(120)", gap=(1.0, 2.0, 3.0)), "one for each of 2 boundaries"),
        (lambda c: tilt(c, "(120)", translation=(0.5,)), "expected two fractions"),
        (lambda c: tilt(c, "(120)", termination=(0.1, 0.2, 0.3)), "termination .* expected an offset"),
        (lambda c: tilt(c, "(120)", overlaps="ignore"), "overlaps 'ignore': expected 'keep' or 'remove'"),
        (lambda c: tilt(c, "(120)", vacuum=0.0), r"vacuum 0\.0 Å: expected a length above 0"),
        (lambda c: tilt(c, "(120)", size=10_000), r"size 10000: expected Size\("),
        (lambda c: tilt(c, "(120)", step=0.0), r"step 0\.0 Å: expected a length above 0"),
        (lambda c: tilt(c, "(120)", contact=-1.0), r"contact -1\.0: expected a fraction"),
        (lambda c: boundary("Σ3[100]/(211)", c), "neither a tilt nor a twist|no rotation about"),
    ],
)
def test_bad_arguments(beta, call, message):
    with pytest.raises(ValueError, match=message):
        call(beta)


def test_unknown_options_are_refused(beta):
    with pytest.raises(TypeError, match="thickness"):
        tilt(beta, "(120)", thickness=3)


def test_unsound_crystals_are_refused(beta):
    crowded = beta.copy()
    crowded.positions[0] = crowded.positions[1] + 0.3
    with pytest.raises(StructureError, match=r"atoms 0 \(Li\) and 1 \(Li\) overlap"):
        tilt(crowded, "(120)")
    with pytest.raises(StructureError, match=r"no bonded units found in NaCl.*pass bonds=\{\}"):
        tilt(bulk("NaCl", "rocksalt", a=5.64), "(100)")
    salt = tilt(bulk("NaCl", "rocksalt", a=5.64, cubic=True), "(210)", bonds={}, size=Size(separation=8))
    assert salt.symbols.count("Na") == salt.symbols.count("Cl")
    with pytest.raises(StructureError, match="bonds go on for ever"):
        tilt(bulk("Si"), "(111)")
