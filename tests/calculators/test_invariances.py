"""What no choice of coordinates, cell or numbering may change, for structures that hypothesis thinks of."""

import numpy as np
from ase import Atoms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from betalps.calculators import Engine
from calculators.cases import arrays, random_potential

POTENTIALS = {
    "plain": random_potential(level=10, cutoff=4.0),
    "repulsive": random_potential(level=8, cutoff=4.0, radial_basis="RBChebyshev_repuls"),
    "one species": random_potential(["Li"], level=12, cutoff=4.2),
}
ENGINES = {name: Engine(potential, threads=1) for name, potential in POTENTIALS.items()}

many = settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@st.composite
def cases(draw, periodic=None):
    """An engine and a structure: 1 to 12 atoms, any cell that is not flat, all, no or any periodicity."""
    name = draw(st.sampled_from(sorted(ENGINES)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 12))
    lengths = [draw(st.floats(2.2, 9.0)) for _ in range(3)]
    skew = draw(st.sampled_from([0.0, 0.2, 0.6]))
    cell = np.diag(lengths) @ (np.eye(3) + skew * np.tril(rng.uniform(-1, 1, (3, 3)), -1))
    pbc = [draw(st.booleans()) if periodic is None else periodic for _ in range(3)]
    atoms = Atoms(rng.choice(POTENTIALS[name].species, n), cell=cell, pbc=pbc)
    atoms.set_scaled_positions(rng.uniform(0, 1, (n, 3)))
    separate(atoms, rng)
    return name, atoms, rng


def separate(atoms, rng):
    """Move atoms apart until none is closer than 1.2 Å, or remove them."""
    for _ in range(30):
        distances = atoms.get_all_distances(mic=bool(atoms.pbc.any())) + 10 * np.eye(len(atoms))
        close = np.flatnonzero((distances < 1.2).any(axis=0))
        if not len(close):
            return
        atoms.positions[close] += rng.normal(0, 0.5, (len(close), 3))
    while len(atoms) > 1 and (atoms.get_all_distances(mic=bool(atoms.pbc.any())) + 10 * np.eye(len(atoms))).min() < 1.2:
        del atoms[-1]


def evaluate(name, atoms, **settings_):
    engine = Engine(POTENTIALS[name], **settings_) if settings_ else ENGINES[name]
    return engine.evaluate(*arrays(atoms), virials=True)


def same(found, expected, *, order=None, turn=None):
    """Equal to rounding, after renumbering and rotating the expected."""
    order = np.arange(len(expected.energies)) if order is None else order
    turn = np.eye(3) if turn is None else turn
    size = max(1.0, np.abs(expected.energies).max(), np.abs(expected.forces).max(), np.abs(expected.virials).max())
    np.testing.assert_allclose(found.energies, expected.energies[order], rtol=0, atol=1e-11 * size)
    np.testing.assert_allclose(found.forces, expected.forces[order] @ turn.T, rtol=0, atol=1e-10 * size)
    virials = expected.virials[order][:, [0, 5, 4, 5, 1, 3, 4, 3, 2]].reshape(-1, 3, 3)
    turned = (turn @ virials @ turn.T).reshape(-1, 9)[:, [0, 4, 8, 5, 2, 1]]
    np.testing.assert_allclose(found.virials, turned, rtol=0, atol=1e-10 * size)


@many
@given(cases())
def test_sums(case):
    name, atoms, _ = case
    out = evaluate(name, atoms)
    size = max(1.0, np.abs(out.forces).max())
    assert abs(out.energy - out.energies.sum()) <= 1e-12 * max(1, np.abs(out.energies).max())
    assert np.abs(out.forces.sum(axis=0)).max() <= 1e-12 * len(atoms) * size


@many
@given(cases(periodic=False))
def test_virial_of_a_cluster(case):
    """Σ r F without images: it is symmetric, as there is no torque, and the sum of the site virials."""
    name, atoms, _ = case
    out = evaluate(name, atoms)
    allowed = 1e-11 * len(atoms) * max(1.0, np.abs(out.forces).max()) * (1 + np.abs(atoms.positions).max())
    virial = (atoms.positions[:, :, None] * out.forces[:, None, :]).sum(axis=0)
    expected = out.virials.sum(axis=0)[[0, 5, 4, 5, 1, 3, 4, 3, 2]].reshape(3, 3)
    np.testing.assert_allclose(virial, expected, rtol=0, atol=allowed)
    np.testing.assert_allclose(virial, virial.T, rtol=0, atol=allowed)


@many
@given(cases())
def test_translation_and_wrapping(case):
    name, atoms, rng = case
    expected = evaluate(name, atoms)
    moved = atoms.copy()
    moved.positions += rng.uniform(-30, 30, 3)
    same(evaluate(name, moved), expected)
    hops = rng.integers(-3, 4, (len(atoms), 3)) * atoms.pbc
    moved.positions += hops @ atoms.cell.array
    same(evaluate(name, moved), expected)
    moved.wrap()
    same(evaluate(name, moved), expected)


@many
@given(cases())
def test_rotation_and_reflection(case):
    name, atoms, rng = case
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turned = atoms.copy()
    turned.set_cell(atoms.cell.array @ turn.T)
    turned.positions = atoms.positions @ turn.T
    same(evaluate(name, turned), evaluate(name, atoms), turn=turn)


@many
@given(cases())
def test_permutation(case):
    name, atoms, rng = case
    order = rng.permutation(len(atoms))
    same(evaluate(name, atoms[order]), evaluate(name, atoms), order=order)


@many
@given(cases(), st.tuples(*[st.integers(1, 2)] * 3))
def test_supercell(case, repeats):
    name, atoms, _ = case
    repeats = np.where(atoms.pbc, repeats, 1)
    order = np.tile(np.arange(len(atoms)), np.prod(repeats))
    same(evaluate(name, atoms.repeat(repeats.tolist())), evaluate(name, atoms), order=order)


@many
@given(cases(periodic=True))
def test_another_cell_of_the_same_lattice(case):
    name, atoms, rng = case
    i, j = rng.permutation(3)[:2]
    cell = atoms.cell.array
    cell[i] += rng.choice([-1, 1]) * cell[j]
    other = atoms.copy()
    other.set_cell(cell[rng.permutation(3)])
    same(evaluate(name, other), evaluate(name, atoms))


@many
@given(cases(), st.integers(1, 4), st.floats(0, 3))
def test_threads_and_skin(case, threads, skin):
    name, atoms, _ = case
    same(evaluate(name, atoms, threads=threads, skin=skin), evaluate(name, atoms))


@many
@given(cases(periodic=False))
def test_what_is_beyond_the_cutoff_does_not_matter(case):
    name, atoms, rng = case
    cutoff = POTENTIALS[name].cutoff
    far = atoms.copy()
    direction = rng.normal(size=3)
    direction *= (2 * np.abs(atoms.positions).max() * 2 + cutoff + 1e-3) / np.linalg.norm(direction)
    far.positions += direction
    both = evaluate(name, atoms + far)
    alone = evaluate(name, atoms)
    assert abs(both.energy - 2 * alone.energy) <= 1e-10 * max(1, np.abs(alone.energies).max())
    np.testing.assert_allclose(both.forces[: len(atoms)], alone.forces, atol=1e-10 * max(1, np.abs(alone.forces).max()))
