"""The generated moment basis: its counts, its order, and the space that its scalars span."""

import itertools

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from betalps import _core
from betalps.potentials import LEVELS, Potential
from betalps.potentials.levels import counts, level_of

# design of MLIP-3: basics, products, scalars, moments, radial functions
MLIP3 = {
    6: (5, 5, 5, 8, 2),
    8: (11, 14, 9, 18, 2),
    10: (25, 42, 16, 41, 3),
    12: (46, 117, 29, 84, 3),
    14: (81, 348, 52, 174, 4),
    16: (130, 969, 92, 350, 4),
    18: (201, 2634, 163, 718, 5),
    20: (295, 6349, 288, 1352, 5),
    22: (421, 15431, 500, 2621, 6),
    24: (581, 36170, 864, 4991, 6),
    26: (706, 82520, 1464, 9396, 6),
    28: (866, 180069, 2445, 17366, 6),
}
NEW_SCALARS = (1, 1, 3, 4, 7, 13, 23, 40, 71, 125, 212, 364, 600, 981)


def template(level):
    return Potential.from_level(level, ["Li"], cutoff=5.0, min_dist=1.8).core


def neighbourhoods(rng, count, neighbours, radial_functions):
    """Random directions and, in place of f_mu(r), random numbers: identities of the scalars hold for any."""
    directions = rng.normal(size=(count, neighbours, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    return directions, rng.uniform(0.3, 1.0, size=(count, neighbours, radial_functions))


def scalars(core, directions, radial):
    """The tables evaluated as the format defines them: (neighbourhoods, scalars)."""
    moments = np.zeros((core.moments_count, len(directions)))
    for index, (mu, x, y, z) in enumerate(core.basics):
        moments[index] = np.sum(radial[..., mu] * np.prod(directions ** np.array([x, y, z]), axis=-1), axis=-1)
    for left, right, factor, result in core.products:
        moments[result] += factor * moments[left] * moments[right]
    return moments[core.scalars].T


def residual(of, by):
    """Largest relative distance of the columns of `of` from the span of the columns of `by`."""
    by = by / np.linalg.norm(by, axis=0)
    of = of / np.linalg.norm(of, axis=0)
    fit = np.linalg.lstsq(by, of, rcond=1e-14)[0]
    return np.linalg.norm(by @ fit - of, axis=0).max()


def rotation(rng):
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


@pytest.mark.parametrize("level", MLIP3)
def test_counts(level):
    basics, products, scalars_count, moments, radial_functions = MLIP3[level]
    core = template(level)
    assert len(core.basics) == basics
    assert len(core.scalars) == scalars_count == len(set(core.scalars.tolist()))
    assert core.radial_count == radial_functions
    assert core.moments_count <= moments
    assert len(core.products) <= products
    if level >= 14:
        assert len(core.products) < 0.9 * products


def test_new_scalars_of_each_level():
    assert np.diff([0, *(_core.scalars_count(level) for level in LEVELS)]).tolist() == list(NEW_SCALARS)


def test_levels_are_recognised_by_their_counts():
    for level in LEVELS:
        assert level_of(*counts(level)) == level
    assert level_of(2, 11, 8) is None


@pytest.mark.parametrize("level", [0, 1, 3, 30, -2])
def test_other_levels_are_refused(level):
    with pytest.raises(ValueError, match=f"level is {level}, expected an even number from 2 to 28"):
        template(level)


def test_basics_are_ordered_by_radial_function_then_rank(shared):
    reference = Potential.read(shared / "reference/mtp/pots/lps_14.almtp").core
    np.testing.assert_array_equal(template(14).basics, reference.basics)


@pytest.mark.parametrize("level", LEVELS)
def test_products_are_topological_and_nothing_is_idle(level):
    core = template(level)
    products, basics = core.products, len(core.basics)
    last = np.full(core.moments_count, -1)
    last[products[:, 3]] = np.arange(len(products))  # the later of equal indices wins
    for side in (0, 1):
        read = products[:, side]
        assert np.all((read < basics) | (last[read] < np.arange(len(products))))
    assert np.all(last[basics:] >= 0)
    used = set(products[:, :2].ravel().tolist()) | set(core.scalars.tolist())
    assert set(range(basics, core.moments_count)) <= used
    assert np.all(products[:, 2] > 0)


@pytest.mark.parametrize("level", [8, 16, pytest.param(24, marks=pytest.mark.slow)])
def test_a_level_continues_the_one_below(level):
    """The first scalars of a level are those of the level below, up to a constant factor each."""
    rng = np.random.default_rng(level)
    core, below = template(level), template(level - 2)
    directions, radial = neighbourhoods(rng, 5, 7, core.radial_count)
    ratio = scalars(core, directions, radial)[:, : len(below.scalars)] / scalars(below, directions, radial)
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[0], ratio.shape), rtol=1e-9)


@pytest.mark.parametrize(
    "level", [6, 8, 10, 12, 14, 16, 18, 20, *(pytest.param(n, marks=pytest.mark.slow) for n in (22, 24))]
)
def test_same_space_as_mlip3(shared, level):
    rng = np.random.default_rng(level)
    ours, theirs = template(level), Potential.read(shared / f"reference/mtp/pots/lps_{level:02d}.almtp").core
    sample = neighbourhoods(rng, 2 * len(ours.scalars) + 20, 5, ours.radial_count)
    a, b = scalars(ours, *sample), scalars(theirs, *sample)
    assert residual(a, b) < 1e-9
    assert residual(b, a) < 1e-9


@pytest.mark.parametrize("level", [14, 20, 28])
def test_scalars_do_not_change_under_rotation_and_inversion(level):
    rng = np.random.default_rng(level)
    core = template(level)
    directions, radial = neighbourhoods(rng, 3, 8, core.radial_count)
    before = scalars(core, directions, radial)
    for turn in (rotation(rng), -rotation(rng)):
        scale = scalars(core, np.abs(directions), radial)  # no cancellation: the size of what is summed
        after = scalars(core, directions @ turn.T, radial)
        assert np.max(np.abs(after - before) / scale) < 1e-11


def multigraphs(level):
    """Contractions of up to four M_{mu,nu}, up to isomorphism: mus, and index pairs of all i < j."""
    found = set()
    for factors in range(1, 5):
        pairs = list(itertools.combinations(range(factors), 2))
        for mus in itertools.combinations_with_replacement(range(6), factors):
            twice_edges = level - 2 * factors - 4 * sum(mus)
            if twice_edges < 0 or twice_edges % 2:
                continue
            for edges in compositions(twice_edges // 2, len(pairs)):
                counts_of = dict(zip(pairs, edges, strict=True))
                degree = [sum(n for pair, n in counts_of.items() if k in pair) for k in range(factors)]
                if max(degree) <= 10:
                    found.add(canonical(mus, counts_of))
    return found


def compositions(total, parts):
    if parts == 0:
        return [()] if total == 0 else []
    if parts == 1:
        return [(total,)]
    return [(n, *rest) for n in range(total + 1) for rest in compositions(total - n, parts - 1)]


def canonical(mus, edges):
    forms = []
    for order in itertools.permutations(range(len(mus))):
        relabelled = tuple(mus[k] for k in order)
        if list(relabelled) == sorted(relabelled):
            pairs = itertools.combinations(order, 2)
            forms.append((relabelled, tuple(edges[min(pair), max(pair)] for pair in pairs)))
    return min(forms)


def contraction(graph, directions, radial):
    """The scalar by its definition: a sum over tuples of neighbours of powers of cosines."""
    mus, edges = graph
    cosines = np.einsum("cix,cjx->cij", directions, directions)
    letters = "ijkl"[: len(mus)]
    operands = [radial[..., mu] for mu in mus]
    terms = [f"c{letter}" for letter in letters]
    for pair, count in zip(itertools.combinations(letters, 2), edges, strict=True):
        operands.append(cosines**count)
        terms.append(f"c{''.join(pair)}")
    return np.einsum(f"{','.join(terms)}->c", *operands)


@pytest.mark.parametrize("level", [2, 8, 14, 18, *(pytest.param(n, marks=pytest.mark.slow) for n in (22, 26, 28))])
def test_every_scalar_is_one_contraction_and_none_is_missing(level):
    """Against sums over tuples of neighbours, which know nothing of moments and products."""
    core = template(level)
    sample = neighbourhoods(np.random.default_rng(level), 12, 4, core.radial_count)
    ours = scalars(core, *sample)
    graphs = [graph for lower in range(2, level + 1, 2) for graph in sorted(multigraphs(lower))]
    exact = np.stack([contraction(graph, *sample) for graph in graphs], axis=1)
    assert ours.shape == exact.shape
    ours, exact = ours / np.linalg.norm(ours, axis=0), exact / np.linalg.norm(exact, axis=0)
    distance = cdist(ours.T, exact.T, "chebyshev")
    match = distance.argmin(axis=1)
    assert sorted(match) == list(range(len(graphs)))
    assert distance[np.arange(len(graphs)), match].max() < 1e-12


def rank(core, rng, neighbours):
    values = scalars(core, *neighbourhoods(rng, len(core.scalars) + 30, neighbours, core.radial_count))
    spectrum = np.linalg.svd(values / np.linalg.norm(values, axis=0), compute_uv=False)
    return int(np.sum(spectrum > 1e-12 * spectrum[0]))


def test_up_to_level_14_all_scalars_are_independent():
    assert rank(template(14), np.random.default_rng(1), 6) == 52


def test_from_level_16_on_cayley_hamilton_relates_a_few():
    """For symmetric 3 x 3 matrices tr(M^4) follows from lower traces, and tr(M_{0,2}) = M_{0,0}.

    The rule counts graphs, like MLIP-3, and keeps that scalar.
    """
    core = template(16)
    assert rank(core, np.random.default_rng(1), 8) == len(core.scalars) - 1


def test_a_permutation_of_neighbours_changes_nothing():
    rng = np.random.default_rng(5)
    core = template(12)
    directions, radial = neighbourhoods(rng, 2, 6, core.radial_count)
    orders = [np.array(order) for order in itertools.islice(itertools.permutations(range(6)), 1, 720, 100)]
    for order in orders:
        np.testing.assert_allclose(
            scalars(core, directions[:, order], radial[:, order]),
            scalars(core, directions, radial),
            rtol=1e-11,
        )
