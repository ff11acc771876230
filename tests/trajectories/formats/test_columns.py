"""Numbers from text: all of them, and what is none is named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.errors import FormatError
from betalps.trajectories.formats.columns import Table

finite = st.floats(allow_nan=False, allow_infinity=False)
formats = st.sampled_from(["%r", "%g", "%.10g", "%.3f", "%+.6f", "%.17g", "%e", "%.0f"])


def table(text: str, rows: int, columns: int) -> Table:
    return Table(text.encode(), rows, columns, "file, frame 3", 10)


@settings(max_examples=150, deadline=None)
@given(
    values=st.lists(st.tuples(st.floats(-1e6, 1e6), finite, st.integers(-(2**50), 2**50)), min_size=1, max_size=20),
    form=formats,
    gap=st.sampled_from([" ", "\t", "   "]),
    end=st.sampled_from(["\n", " \n", "\r\n"]),
)
def test_what_python_reads(values, form: str, gap: str, end: str) -> None:
    rows = [(form % a, form % b, str(n), "Li") for a, b, n in values]
    text = "".join(gap.join(row) + end for row in rows)
    found = table(text, len(rows), 4)
    expected = np.array([[float(a), float(b)] for a, b, _, _ in rows])
    np.testing.assert_array_max_ulp(found.floats([0, 1]), expected, maxulp=1)
    assert found.integers(2).tolist() == [n for _, _, n in values]
    assert found.words(3).tolist() == [b"Li"] * len(rows)


@pytest.mark.parametrize("digits", ["%.8f", "%.6g", "%d"])
def test_numbers_of_ordinary_length_are_exact(digits: str) -> None:
    values = np.random.default_rng(0).normal(scale=1e3, size=5000)
    rows = [digits % value for value in values]
    np.testing.assert_array_equal(
        table("\n".join(rows) + "\n", 5000, 1).floats([0])[:, 0], [float(row) for row in rows]
    )


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-0.0",
        "+.5",
        "5.",
        "1e3",
        "-1.5E-7",
        "123456789012345678901",
        "1" * 18,
        "nan",
        "-inf",
        "0.1234567890123456789",
    ],
)
def test_single_numbers(text: str) -> None:
    found = table(text + "\n", 1, 1).floats([0])
    np.testing.assert_array_equal(found, [[float(text)]])
    assert np.signbit(found[0, 0]) == np.signbit(float(text))


@pytest.mark.parametrize("text", ["1.2.3", "--1", "1-2", ".", "-", "Li", "0x10", "1,5", "1_0x"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(FormatError, match=r"file, frame 3, line 11: expected a number in column 2, got '"):
        table(f"1 2\n3 {text}\n", 2, 2).floats([1])


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(FormatError, match="file, frame 3, line 11: expected 3 columns, got 2"):
        table("1 2 3\n4 5\n6 7 8\n", 3, 3)
    with pytest.raises(FormatError, match="file, frame 3, line 10: expected 2 columns, got 3"):
        table("1 2 3\n4\n", 2, 2)  # as many tokens as expected
    with pytest.raises(FormatError, match=r"line 11: expected a whole number in column 1, got '2\.5'"):
        table("1\n2.5\n", 2, 1).integers(0)
    with pytest.raises(FormatError, match="file, frame 3, line 10: a token of 600 characters"):
        table("1" * 600 + "\n", 1, 1)
    with pytest.raises(FormatError, match="file, frame 3: expected 3 lines, got 2"):
        table("1\n2\n", 3, 1)
