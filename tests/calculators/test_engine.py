"""The raw call: every kind of structure, selections of outputs, instruction sets, the skin."""

import numpy as np
import pytest

import betalps
from betalps import _core
from betalps.calculators import Engine
from betalps.potentials import load
from calculators.cases import BUNDLED, STRUCTURES, arrays, random_potential, with_active_set

ISAS = _core.available_isas()


def by_brute_force(potential, atoms):
    """Site energies from isolated clusters: around each atom every image within the cutoff, one by one."""
    engine = Engine(potential, threads=1)
    cell, cutoff = atoms.cell.array, potential.cutoff
    reach = []
    for axis in range(3):
        if not atoms.pbc[axis]:
            reach.append([0])
            continue
        height = 1 / np.linalg.norm(np.linalg.inv(atoms.cell.complete().array)[:, axis])
        n = int(np.ceil(cutoff / height)) + 1
        reach.append(range(-n, n + 1))
    shifts = np.array(np.meshgrid(*reach, indexing="ij")).reshape(3, -1).T @ cell
    inside = atoms.copy()
    inside.wrap()
    everywhere = (inside.positions[:, None] + shifts).reshape(-1, 3)
    numbers = np.repeat(atoms.numbers, len(shifts))
    energies = []
    for centre in inside.positions:
        r = np.linalg.norm(everywhere - centre, axis=1)
        near = np.flatnonzero((r < cutoff) & (r > 0))
        cluster = np.vstack([centre, everywhere[near]])
        who = np.append(atoms.numbers[len(energies)], numbers[near])
        energies.append(engine.evaluate(cluster, who, forces=False).energies[0])
    return np.array(energies)


# ------------------------------------------------------------------------------------------------- structures


@pytest.mark.parametrize("name", STRUCTURES)
def test_images_and_boundaries(structures, name):
    atoms = structures[name]
    out = Engine(BUNDLED, threads=1).evaluate(*arrays(atoms), virials=True)
    np.testing.assert_allclose(out.energies, by_brute_force(load(BUNDLED), atoms), rtol=1e-11, atol=1e-11)
    assert out.energy == pytest.approx(out.energies.sum(), rel=1e-14)
    np.testing.assert_allclose(out.forces.sum(axis=0), 0, atol=1e-11 * max(1, np.abs(out.forces).max()))
    assert out.forces.shape == (len(atoms), 3)
    assert out.virials.shape == (len(atoms), 6)


def test_forces_of_atoms_that_see_their_own_images(structures):
    """An atom's images move with it, so that the force is a derivative of all their energies."""
    engine = Engine(BUNDLED, threads=1)
    atoms = structures["self images"]
    forces = engine.evaluate(*arrays(atoms)).forces
    h = 1e-4
    for i in range(3):
        for axis in range(3):
            energies = []
            for k in (-2, -1, 1, 2):
                moved = atoms.positions.copy()
                moved[i, axis] += k * h
                energies.append(engine.evaluate(moved, *arrays(atoms)[1:], forces=False).energy)
            slope = np.dot([1, -8, 8, -1], energies) / (12 * h)
            assert -slope == pytest.approx(forces[i, axis], abs=1e-6)
    alone = structures["one atom"]
    assert np.abs(engine.evaluate(*arrays(alone)).forces).max() < 1e-12  # by symmetry


def test_no_atoms():
    engine = Engine(with_active_set(random_potential()), threads=2)
    for cell, pbc in ((None, False), ([5, 5, 5], True)):
        out = engine.evaluate(np.zeros((0, 3)), [], cell, pbc, virials=True, grades=True)
        assert out.energy == 0
        assert out.energies.shape == out.grades.shape == (0,)
        assert out.forces.shape == (0, 3)
        assert out.virials.shape == (0, 6)
    assert engine.site_gradients(np.zeros((0, 3)), []).shape == (0, engine.potential.coeffs_count)
    assert engine.configuration_grade(np.zeros((0, 3)), []) == 0


def test_cell_and_pbc_in_every_form(crystal):
    engine = Engine(BUNDLED, threads=1)
    expected = engine.evaluate(*arrays(crystal))
    lengths = crystal.cell.lengths()
    for cell in (crystal.cell, lengths, list(lengths), np.asfortranarray(crystal.cell.array)):
        for pbc in (True, np.True_, [True] * 3, (1, 1, 1), np.array([True] * 3)):
            assert engine.evaluate(crystal.positions, crystal.numbers, cell, pbc).energy == expected.energy
    single = crystal.positions.astype(np.float32)
    assert engine.evaluate(single.tolist(), crystal.numbers.tolist(), lengths, True).energy == pytest.approx(
        expected.energy, abs=1e-3
    )
    strided = np.zeros((32, 6))
    strided[:, ::2] = crystal.positions
    assert engine.evaluate(strided[:, ::2], crystal.numbers, lengths, True).energy == expected.energy


def test_order_of_species_in_the_file_is_not_that_in_the_structure(crystal):
    one = random_potential(("Li", "P", "S"))
    swap = [2, 0, 1]  # S, Li, P
    other = random_potential(("S", "Li", "P")).replace(
        radial_coeffs=one.radial_coeffs[np.ix_(swap, swap)],
        species_coeffs=np.array([0.3, -1.0, 2.0])[swap],
        moment_coeffs=one.moment_coeffs,
    )
    one = one.replace(species_coeffs=[0.3, -1.0, 2.0])
    first, second = (Engine(p, threads=1).evaluate(*arrays(crystal)) for p in (one, other))
    np.testing.assert_allclose(first.energies, second.energies, rtol=1e-13)
    np.testing.assert_allclose(first.forces, second.forces, atol=1e-12)


@pytest.mark.parametrize("skin", [0.0, 0.3, 2.5])
def test_the_skin_changes_nothing_along_a_run(crystal, skin):
    """Positions and cell drift until the list must be rebuilt several times; species change in between."""
    rng = np.random.default_rng(0)
    engine = Engine(BUNDLED, threads=1, skin=skin)
    for step in range(25):
        crystal.positions += rng.normal(0, 0.04, crystal.positions.shape)
        crystal.set_cell(crystal.cell.array * (1 + 0.002 * np.sin(step)), scale_atoms=True)
        if step == 12:
            crystal.numbers = crystal.numbers[::-1].copy()
        fresh = Engine(BUNDLED, threads=1, skin=1.0).evaluate(*arrays(crystal), virials=True)
        out = engine.evaluate(*arrays(crystal), virials=True)
        size = np.abs(fresh.forces).max()
        np.testing.assert_allclose(out.energies, fresh.energies, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(out.forces, fresh.forces, atol=1e-12 * size)
        np.testing.assert_allclose(out.virials, fresh.virials, atol=1e-12 * size)
    assert engine.rebuilds == 25 if skin == 0 else 1 < engine.rebuilds < 25 if skin < 1 else engine.rebuilds <= 5


# ------------------------------------------------------------------------------------------ settings, outputs


def test_only_what_was_asked_for(crystal, graded):
    engine = Engine(graded, threads=1)
    everything = engine.evaluate(*arrays(crystal), forces=True, virials=True, grades=True)
    for choice in range(8):
        wanted = {"forces": bool(choice & 1), "virials": bool(choice & 2), "grades": bool(choice & 4)}
        out = engine.evaluate(*arrays(crystal), **wanted)
        assert out.energy == everything.energy
        np.testing.assert_array_equal(out.energies, everything.energies)
        for name, asked in wanted.items():
            found = getattr(out, name)
            if not asked:
                assert found is None
            else:
                np.testing.assert_allclose(found, getattr(everything, name), rtol=1e-12, atol=1e-12)


def test_results_are_new_arrays(crystal):
    engine = Engine(BUNDLED, threads=1)
    first = engine.evaluate(*arrays(crystal), virials=True)
    kept = [array.copy() for array in first[1:4]]
    first_again = engine.evaluate(*arrays(crystal), virials=True)
    crystal.positions += 0.1 * np.random.default_rng(1).normal(size=crystal.positions.shape)
    engine.evaluate(*arrays(crystal), virials=True)
    for array, copy, again in zip(first[1:4], kept, first_again[1:4], strict=True):
        np.testing.assert_array_equal(array, copy)
        np.testing.assert_array_equal(array, again)
        assert not np.shares_memory(array, again)


@pytest.mark.parametrize("precision", ["double", "mixed"])
@pytest.mark.parametrize("isa", ISAS)
def test_instruction_sets_and_threads_agree(structures, isa, precision):
    for name in ("triclinic", "supercell", "slab", "molecule"):
        expected = Engine(BUNDLED, threads=1, isa="baseline").evaluate(*arrays(structures[name]), virials=True)
        size = max(1, np.abs(expected.forces).max())
        for threads in (1, 2, 3, 4):
            engine = Engine(BUNDLED, threads=threads, isa=isa, precision=precision)
            assert (engine.isa, engine.threads) == (isa, threads)
            out = engine.evaluate(*arrays(structures[name]), virials=True)
            allowed = 1e-12 if precision == "double" else 2e-5
            np.testing.assert_allclose(out.energies, expected.energies, rtol=allowed, atol=allowed)
            np.testing.assert_allclose(out.forces, expected.forces, atol=allowed * size)
            np.testing.assert_allclose(out.virials, expected.virials, atol=allowed * 5 * size)


@pytest.mark.parametrize("precision", ["double", "mixed"])
def test_repeatable_bitwise(structures, precision):
    """Also after a reset, and in another engine, for the same number of threads."""
    atoms = structures["supercell"]
    for threads in (1, 2, 3):
        engine = Engine(BUNDLED, threads=threads, precision=precision)
        first = engine.evaluate(*arrays(atoms), virials=True)
        for k in range(5):
            if k == 2:
                engine.reset()
            if k == 3:
                engine = Engine(BUNDLED, threads=threads, precision=precision)
            again = engine.evaluate(*arrays(atoms), virials=True)
            assert again.energy == first.energy
            for a, b in zip(again[1:4], first[1:4], strict=True):
                np.testing.assert_array_equal(a, b)


def test_profile_names_the_stages(crystal):
    engine = Engine(BUNDLED, threads=1)
    before = engine.evaluate(*arrays(crystal)).energy
    times = engine.profile(*arrays(crystal), repeats=2, virials=True)
    assert sum(times.values()) > 0
    assert all(seconds >= 0 for seconds in times.values())
    assert {"filter", "radial", "scatter"} <= times.keys()
    assert engine.evaluate(*arrays(crystal)).energy == before


def test_pairs_and_rebuilds_are_counted(crystal):
    engine = Engine(BUNDLED, threads=1, skin=0.0)
    engine.evaluate(*arrays(crystal))
    matscipy = pytest.importorskip("matscipy.neighbours")
    assert engine.pairs == len(matscipy.neighbour_list("i", crystal, 5.0))
    assert engine.rebuilds == 1
    engine.evaluate(*arrays(crystal))
    assert engine.rebuilds == 1
    engine.reset()
    engine.evaluate(*arrays(crystal))
    assert engine.rebuilds == 2


# ------------------------------------------------------------------------------------------- betalps.evaluate


def test_evaluate_is_the_engine(crystal):
    engine = Engine(BUNDLED, threads=1)
    expected = engine.evaluate(*arrays(crystal), virials=True)
    for potential in (BUNDLED, load(BUNDLED), engine):
        out = betalps.evaluate(potential, *arrays(crystal), virials=True, threads=1)
        assert out.energy == expected.energy
        np.testing.assert_array_equal(out.forces, expected.forces)
        np.testing.assert_array_equal(out.virials, expected.virials)
    mixed = betalps.evaluate(BUNDLED, *arrays(crystal), threads=1, precision="mixed")
    assert mixed.energy != expected.energy
    assert mixed.energy == pytest.approx(expected.energy, rel=1e-5)


def test_evaluate_notices_that_a_file_was_written_again(crystal, tmp_path):
    path = tmp_path / "fit.almtp"
    for factor in (1.0, 2.0, 3.0):
        potential = load(BUNDLED)
        potential = potential.replace(species_coeffs=factor * potential.species_coeffs)
        potential.write(path)
        expected = Engine(potential, threads=1).evaluate(*arrays(crystal)).energy
        assert betalps.evaluate(path, *arrays(crystal), threads=1).energy == expected
