"""MaxVol: known answers, and what must hold for any rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.active_learning import MaxVol


def filled(rows, **options):
    volume = MaxVol(rows.shape[1], **options)
    volume.update(rows, np.arange(len(rows)))
    return volume


def rows_from(seed, m, n, rank):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(m, rank)) @ rng.normal(size=(rank, n))
    return rows * 10.0 ** rng.integers(-1, 3, size=(m, 1))


class TestKnownAnswers:
    def test_picks_the_long_vectors(self):
        volume = filled(np.array([[1.0, 0.0], [0.0, 1.0], [5.0, 0.0], [3.0, 4.0], [0.0, 2.0]]))
        assert sorted(volume.labels) == [2, 3]  # |det| = 20, the largest of all pairs
        assert np.exp(volume.log_determinant) == pytest.approx(20.0)
        np.testing.assert_allclose(volume.grades([[5.0, 0.0], [10.0, 0.0], [3.0, 4.0]]), [1, 2, 1])

    def test_three_points_of_a_line_that_span_quadratics_best(self):
        """Fekete points of degree 2 on [-1, 1] are -1, 0, 1."""
        x = np.linspace(-1, 1, 201)
        volume = filled(np.stack([np.ones_like(x), x, x * x], axis=1))
        np.testing.assert_allclose(np.sort(x[volume.labels]), [-1, 0, 1], atol=1e-12)

    def test_the_best_of_all_subsets(self):
        """On few rows, the determinant is that of the best subset, up to threshold ** n of a local maximum."""
        from itertools import combinations

        rows = np.random.default_rng(5).normal(size=(9, 3))
        best = max(abs(np.linalg.det(rows[list(subset)])) for subset in combinations(range(9), 3))
        found = np.exp(filled(rows).log_determinant)
        assert best / 3**1.5 <= found <= best * (1 + 1e-12)

    def test_rank_deficiency_keeps_unit_vectors(self):
        volume = filled(np.array([[1.0, 2.0, 0.0], [2.0, -1.0, 0.0], [3.0, 1.0, 0.0]]))
        assert list(volume.unfilled) == [2]
        np.testing.assert_array_equal(volume.matrix[2], [0, 0, 1e-6])
        assert volume.labels[2] == -1
        assert volume.grades([[1.0, 1.0, 1e-3]])[0] == pytest.approx(1e3)  # along what was never seen
        assert volume.grades([[1.0, 1.0, 0.0]])[0] < 1.001

    def test_no_rows_and_rows_of_zeros_change_nothing(self):
        volume = MaxVol(3)
        assert volume.update(np.zeros((0, 3)), []) == 0
        assert volume.update(np.zeros((4, 3)), range(4)) == 0
        assert volume.start(np.zeros((0, 3)), []) == 0
        assert list(volume.unfilled) == [0, 1, 2]
        assert volume.log_determinant == pytest.approx(3 * np.log(1e-6))


class TestProperties:
    cases = st.tuples(
        st.integers(0, 10**6),
        st.integers(1, 60),
        st.integers(1, 8),
        st.integers(1, 8),
        st.sampled_from(["identity", "qr"]),
    )

    @given(cases)
    @settings(max_examples=60, deadline=None)
    def test_every_row_is_graded_at_most_the_threshold(self, case):
        seed, m, n, rank, start = case
        rank = min(rank, n)
        rows = rows_from(seed, m, n, rank)
        volume = MaxVol(n)
        if start == "qr":
            volume.start(rows, np.arange(m))
        volume.update(rows, np.arange(m))
        assert volume.grades(rows).max() <= 1.001 * (1 + 1e-6)
        assert len(volume.unfilled) == n - min(rank, m)
        chosen = volume.labels >= 0
        np.testing.assert_array_equal(volume.matrix[chosen], rows[volume.labels[chosen]])
        assert len(set(volume.labels[chosen])) == chosen.sum()  # no row twice
        np.testing.assert_allclose(volume.matrix @ volume.inverse, np.eye(n), atol=1e-6)
        assert volume.update(rows, np.arange(m)) == 0  # the criterion holds: nothing is left to do

    @given(st.integers(0, 10**6), st.integers(2, 40), st.integers(1, 6))
    @settings(max_examples=40, deadline=None)
    def test_the_determinant_never_falls(self, seed, m, n):
        rows = rows_from(seed, m, n, n)
        volume = MaxVol(n)
        last = volume.log_determinant
        for k in range(m):  # one at a time, so that each exchange shows
            swaps = volume.update(rows[k : k + 1], [k])
            assert volume.log_determinant >= last + swaps * np.log(1.001) - 1e-9 * abs(last)
            last = volume.log_determinant

    @given(st.integers(0, 10**6))
    @settings(max_examples=20, deadline=None)
    def test_the_criterion_does_not_depend_on_the_order(self, seed):
        rows = rows_from(seed, 50, 6, 5)
        order = np.random.default_rng(seed).permutation(50)
        one, other = filled(rows), filled(rows[order])
        for volume in (one, other):
            assert volume.grades(rows).max() <= 1.001 * (1 + 1e-6)
            assert len(volume.unfilled) == 1
        assert abs(one.log_determinant - other.log_determinant) <= 6 * np.log(6)  # both are local maxima

    def test_many_exchanges_do_not_lose_the_inverse(self):
        """Growing rows exchange every row again and again, far beyond one refresh of the inverse."""
        rng = np.random.default_rng(2)
        rows = rng.normal(size=(600, 40)) * 1.05 ** np.arange(600)[:, None]
        volume = MaxVol(40)
        for k in range(600):
            volume.update(rows[k : k + 1], [k])
        assert volume.swaps > 400
        np.testing.assert_allclose(volume.matrix @ volume.inverse, np.eye(40), atol=1e-8)
        volume.update(rows, np.arange(600))
        assert volume.grades(rows).max() <= 1.001

    def test_goes_on_from_a_matrix(self):
        rows = rows_from(3, 80, 7, 7)
        first = filled(rows[:40])
        resumed = MaxVol.from_matrix(first.matrix, first.labels)
        resumed.update(rows[40:], np.arange(40, 80))
        assert resumed.log_determinant >= first.log_determinant
        assert resumed.grades(rows[40:]).max() <= 1.001


class TestErrors:
    def test_settings(self):
        with pytest.raises(ValueError, match=r"threshold is 1; expected more than 1"):
            MaxVol(3, threshold=1)
        with pytest.raises(ValueError, match=r"regularization is 0; expected more than 0"):
            MaxVol(3, regularization=0)

    def test_rows(self):
        volume = MaxVol(3)
        with pytest.raises(ValueError, match=r"rows have shape \(2, 2\), expected \(m, 3\)"):
            volume.update(np.zeros((2, 2)), [0, 1])
        with pytest.raises(ValueError, match=r"row 1 holds a number that is not finite"):
            volume.update([[0, 0, 1], [0, np.nan, 0]], [0, 1])
        with pytest.raises(ValueError, match=r"labels have shape \(1,\), expected \(2,\)"):
            volume.update(np.ones((2, 3)), [0])
        with pytest.raises(ValueError, match=r"numbers of 0 or more"):
            volume.update(np.ones((2, 3)), [0, -1])
        volume.update(np.eye(3), range(3))
        with pytest.raises(ValueError, match=r"the matrix has rows already"):
            volume.start(np.eye(3), range(3))
