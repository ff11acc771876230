"""Numbers as a reader expects them."""

import pytest

from betalps.reports.tables import interval, scientific


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0.00"),
        (7.4e-5, "7.40 × 10<sup>−5</sup>"),
        (-1.2e-7, "−1.20 × 10<sup>−7</sup>"),
        (9.999e-5, "1.00 × 10<sup>−4</sup>"),
        (1.837, "1.84"),
        (0.571, "0.571"),
        (23.4, "23.4"),
        (4.56e7, "4.56 × 10<sup>7</sup>"),
    ],
)
def test_scientific(value, text):
    assert scientific(value) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (2.5e-5, 5.8e-5, "(2.5 to 5.8) × 10<sup>−5</sup>"),
        (8.8e-5, 1.12e-4, "(0.9 to 1.1) × 10<sup>−4</sup>"),
        (4.6e-8, 5.7e-6, "4.6 × 10<sup>−8</sup> to 5.7 × 10<sup>−6</sup>"),
        (0.0, 5.0e-7, "(0.0 to 5.0) × 10<sup>−7</sup>"),
        (1.2, 3.4, "1.2 to 3.4"),
    ],
)
def test_interval(low, high, text):
    assert interval(low, high, 1) == text
