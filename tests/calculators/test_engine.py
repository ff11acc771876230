"""The raw call: every kind of structure, selections of outputs, threads, forks, environment, and errors."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
from conftest import SHARED

import betalps
from betalps import _core
from betalps.calculators import Engine
from betalps.errors import BetalpsError, SpeciesError, StructureError
from betalps.potentials import Potential, load

from .conftest import BUNDLED, STRUCTURES, arrays, random_potential, with_active_set

ISAS = _core.available_isas()


def by_brute_force(potential, atoms):
    """Site energies from an isolated cluster around each atom: every image within the cutoff, made one by one."""
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


# ------------------------------------------------------------------------------------------------------- structures


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


# ------------------------------------------------------------------------------------------------ settings, outputs


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


# ----------------------------------------------------------------------------------------- derivatives, grades


def test_site_gradients_are_derivatives(crystal):
    potential = random_potential(level=10)
    positions, *rest = arrays(crystal)
    rows = Engine(potential, threads=2).site_gradients(positions, *rest)
    assert rows.shape == (32, potential.coeffs_count)
    shapes = [potential.radial_coeffs.shape, potential.species_coeffs.shape, potential.moment_coeffs.shape]
    theta = np.concatenate([potential.radial_coeffs.ravel(), potential.species_coeffs, potential.moment_coeffs])
    cuts = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
    rng = np.random.default_rng(0)
    for _ in range(5):
        direction = rng.normal(size=theta.size)
        h = 1e-4 / np.linalg.norm(direction)
        energies = []
        for k in (-2, -1, 1, 2):
            parts = np.split(theta + k * h * direction, cuts)
            radial, species, moments = (p.reshape(shape) for p, shape in zip(parts, shapes, strict=True))
            moved = potential.replace(radial_coeffs=radial, species_coeffs=species, moment_coeffs=moments)
            energies.append(Engine(moved, threads=1).evaluate(positions, *rest, forces=False).energies)
        slope = np.tensordot([1, -8, 8, -1], energies, axes=1) / (12 * h)
        np.testing.assert_allclose(rows @ direction, slope, rtol=1e-8, atol=1e-8)


def test_grades_are_the_largest_component(crystal, graded):
    engine = Engine(graded, threads=2)
    rows = engine.site_gradients(*arrays(crystal))
    expected = np.abs(rows @ np.linalg.inv(graded.active_set.matrix)).max(axis=1)
    np.testing.assert_allclose(engine.evaluate(*arrays(crystal), grades=True).grades, expected, rtol=1e-9)
    assert engine.configuration_grade(*arrays(crystal)) == pytest.approx(expected.max(), rel=1e-9)
    mixed = Engine(graded, threads=1, precision="mixed").evaluate(*arrays(crystal), grades=True)
    np.testing.assert_allclose(mixed.grades, expected, rtol=1e-9)  # grades stay in double precision


def test_grade_of_a_configuration_does_not_depend_on_its_size(crystal, graded_by_configuration):
    engine = Engine(graded_by_configuration, threads=1)
    rows = engine.site_gradients(*arrays(crystal))
    expected = np.abs(rows.mean(axis=0) @ np.linalg.inv(graded_by_configuration.active_set.matrix)).max()
    assert engine.configuration_grade(*arrays(crystal)) == pytest.approx(expected, rel=1e-9)
    double = crystal.repeat((1, 1, 2))
    assert engine.configuration_grade(*arrays(double)) == pytest.approx(expected, rel=1e-9)
    with pytest.raises(BetalpsError, match=r"grades whole configurations: use configuration_grade"):
        engine.evaluate(*arrays(crystal), grades=True)


def test_grades_without_an_active_set(crystal):
    engine = Engine(BUNDLED, threads=1)
    for grade in (lambda: engine.evaluate(*arrays(crystal), grades=True), lambda: engine.configuration_grade(*arrays(crystal))):
        with pytest.raises(BetalpsError, match=r"needs a potential with an active set .* has none"):
            grade()


# ---------------------------------------------------------------------------------------- processes and threads


def test_python_threads_share_a_potential(structures):
    """Two engines at the same time, and one engine from two threads: everybody gets their own structure's results."""
    potential = load(BUNDLED)
    shared_engine = Engine(potential, threads=2)
    names = ["crystal", "slab", "molecule", "triclinic"]
    expected = {name: Engine(potential, threads=2).evaluate(*arrays(structures[name])) for name in names}
    failures = []

    def work(engine, name):
        for _ in range(40):
            out = engine.evaluate(*arrays(structures[name]))
            if out.energy != expected[name].energy or not np.array_equal(out.forces, expected[name].forces):
                failures.append(name)

    workers = [threading.Thread(target=work, args=(Engine(potential, threads=2), name)) for name in names[:2]]
    workers += [threading.Thread(target=work, args=(shared_engine, name)) for name in names[2:]]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not any(worker.is_alive() for worker in workers)
    assert not failures


def test_other_threads_run_during_an_evaluation(structures):
    """The interpreter's lock is released: a pure Python thread makes progress while the core computes."""
    atoms = structures["supercell"].repeat((3, 3, 3))
    engine = Engine(random_potential(level=20, radial_size=8), threads=1)
    inside, seen, stop = threading.Event(), [], threading.Event()

    def watch():
        while not stop.is_set():
            seen.append(inside.is_set())
            stop.wait(1e-4)

    watcher = threading.Thread(target=watch)
    before = sys.getswitchinterval()
    sys.setswitchinterval(30)  # so that the lock changes hands only where it is given away
    try:
        watcher.start()
        for _ in range(100):
            inside.set()
            engine.evaluate(*arrays(atoms))
            inside.clear()
            if sum(seen) >= 10:
                break
    finally:
        stop.set()
        sys.setswitchinterval(before)
        watcher.join()
    assert sum(seen) >= 10


def energy_in_child(engine, atoms, queue):
    queue.put(engine.evaluate(*arrays(atoms)).energy)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_survives_fork(structures):
    """A child forked while the parent's threads exist has none of them, and starts its own."""
    atoms = structures["supercell"]
    engine = Engine(BUNDLED, threads=2)
    expected = engine.evaluate(*arrays(atoms)).energy
    context = multiprocessing.get_context("fork")
    for _ in range(3):
        queue = context.SimpleQueue()
        child = context.Process(target=energy_in_child, args=(engine, atoms, queue))
        child.start()
        child.join(30)
        alive = child.is_alive()
        if alive:
            child.kill()
        assert not alive, "the child hangs"
        assert child.exitcode == 0
        assert queue.get() == expected
    assert engine.evaluate(*arrays(atoms)).energy == expected


def run_python(code, **environment):
    kept = {k: v for k, v in os.environ.items() if k not in {"BETALPS_ISA", "BETALPS_THREADS", "OMP_NUM_THREADS"}}
    return subprocess.run(
        [sys.executable, "-c", code], env=kept | environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_environment():
    code = f"from betalps.calculators import Engine; e = Engine({BUNDLED!r}); print(e.isa, e.threads)"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cases = [
        ({}, f"{ISAS[-1]} {cores}"),
        ({"BETALPS_ISA": "baseline", "BETALPS_THREADS": "3"}, "baseline 3"),
        ({"OMP_NUM_THREADS": "4,2"}, f"{ISAS[-1]} 4"),
        ({"BETALPS_THREADS": "2", "OMP_NUM_THREADS": "7"}, f"{ISAS[-1]} 2"),
    ]
    for environment, expected in cases:
        assert run_python(code, **environment).stdout.strip() == expected
    for environment, message in [
        ({"BETALPS_ISA": "mmx"}, 'environment variable BETALPS_ISA: instruction set: found "mmx", expected one that'),
        ({"BETALPS_THREADS": "many"}, "environment variable BETALPS_THREADS is 'many'; expected a positive number"),
        ({"OMP_NUM_THREADS": "0"}, "environment variable OMP_NUM_THREADS is '0'; expected a positive number"),
    ]:
        answer = run_python(code, **environment)
        assert answer.returncode == 1
        assert message in answer.stderr


# ------------------------------------------------------------------------------------------------ betalps.evaluate


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


# ---------------------------------------------------------------------------------------------------------- errors


def changed(atoms, **arrays_):
    found = {"positions": atoms.positions, "numbers": atoms.numbers, "cell": atoms.cell.array, "pbc": True} | arrays_
    return tuple(found.values())


def spoiled(array, index, value):
    array = np.array(array, dtype=float)
    array[index] = value
    return array


BAD_STRUCTURES = [
    (lambda a: {"positions": spoiled(a.positions, (3, 1), np.nan)}, r"position of atom 3 is \(.*nan.*\): expected finite"),
    (lambda a: {"positions": spoiled(a.positions, (31, 2), -np.inf)}, r"position of atom 31 is .*-inf"),
    (lambda a: {"positions": spoiled(a.positions, (0, 0), 1e300)}, r"position of atom 0 is \(1e\+300"),
    (lambda a: {"positions": spoiled(a.positions, 7, a.positions[5])}, r"energy of atom [57] is not finite"),
    (lambda a: {"positions": a.positions[:, :2]}, r"positions: expected shape \(n, 3\)"),
    (lambda a: {"positions": a.positions[:5]}, r"found 32 numbers, expected one for each of 5 atoms"),
    (lambda a: {"numbers": a.numbers[:, None]}, r"numbers: found int64 of shape \(32, 1\)"),
    (lambda a: {"numbers": a.numbers + 0.0}, r"numbers: found float64 of shape \(32,\); expected atomic numbers"),
    (lambda a: {"cell": spoiled(a.cell.array, (1, 2), np.nan)}, r"lattice vector 1 is \(0, .*, nan\): expected finite"),
    (lambda a: {"cell": None}, r"direction 0 is periodic but its lattice vector is \(0, 0, 0\)"),
    (lambda a: {"cell": [13, 8, 0]}, r"direction 2 is periodic but its lattice vector is \(0, 0, 0\)"),
    (lambda a: {"cell": [[9, 0, 0], [18, 0, 0], [0, 0, 9]]}, r"linearly dependent"),
    (lambda a: {"cell": np.eye(2)}, r"cell: expected shape \(3, 3\)"),
    (lambda a: {"cell": [1e-2, 1e-2, 1e-2]}, r"cell is too small or too flat"),
    (lambda a: {"pbc": [True, False]}, r"pbc: found shape \(2,\), expected one bool or three"),
]


@pytest.mark.parametrize(("change", "message"), BAD_STRUCTURES)
def test_bad_structures(crystal, change, message):
    engine = Engine(BUNDLED, threads=2)
    before = engine.evaluate(*arrays(crystal))
    with pytest.raises(StructureError, match=message):
        engine.evaluate(*changed(crystal, **change(crystal)))
    after = engine.evaluate(*arrays(crystal))  # as if nothing had happened
    assert after.energy == before.energy
    np.testing.assert_array_equal(after.forces, before.forces)


@pytest.mark.parametrize(
    ("number", "name"), [(11, "Na"), (1, "H"), (0, "X"), (-1, "number -1"), (119, "number 119"), (5000, "number 5000")]
)
def test_unknown_species(crystal, number, name):
    engine = Engine(BUNDLED, threads=1)
    crystal.numbers[17] = number
    crystal.numbers[20] = 2
    for call in (engine.evaluate, engine.site_gradients):
        with pytest.raises(SpeciesError, match=rf"atom 17 is {name}; this potential knows Li, P, S"):
            call(*arrays(crystal))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"precision": "single"}, ValueError, r'precision: found "single", expected "double" or "mixed"'),
        ({"isa": "mmx"}, ValueError, r'instruction set: found "mmx", expected one that this processor has: baseline'),
        ({"threads": 0}, ValueError, r"threads is 0: expected 1 to 1024"),
        ({"threads": 5000}, ValueError, r"threads is 5000: expected 1 to 1024"),
        ({"threads": 1.5}, TypeError, r"threads"),
        ({"skin": -1}, ValueError, r"skin is -1: expected a finite length of at least 0"),
        ({"skin": float("nan")}, ValueError, r"skin is nan"),
    ],
)
def test_bad_settings(settings, error, message):
    with pytest.raises(error, match=message):
        Engine(BUNDLED, **settings)


def test_bad_potentials():
    with pytest.raises(FileNotFoundError, match=r"'nothing' is neither a file nor a bundled potential \(.*beta-lps"):
        Engine("nothing")
    untrained = Potential.from_level(8, ["Li"], cutoff=5.0, min_dist=1.5)
    with pytest.raises(ValueError, match=r"has no coefficients: found an untrained template"):
        Engine(untrained)
    with pytest.raises(ValueError, match=r"radial_basis_size: found 30, expected at most 20"):
        Engine(random_potential(radial_size=30))


@pytest.mark.skipif(SHARED is None, reason="reference data not found")
def test_a_file_that_does_not_name_its_species():
    with pytest.raises(SpeciesError, match=r"species"):
        Engine(SHARED / "reference/mtp/pots/lps_08.almtp")


def test_an_engine_itself_is_not_pickled():
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(Engine(BUNDLED, threads=1))
