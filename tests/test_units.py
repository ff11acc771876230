import pytest

from betalps import units


def test_nernst_einstein_by_hand():
    """One ion per nm³ with D = 1e-5 cm²/s at 298.15 K: e²/(k_B T) = 6.236e-18 C/V, n D = 1e16 / (cm s)."""
    e, k = 1.602176634e-19, 1.380649e-23
    expected = 1e21 * e**2 * 1e-5 / (k * 298.15)
    assert units.nernst_einstein(1e-5, 1e-3, 298.15) == pytest.approx(expected, rel=1e-6)


def test_charge_enters_squared():
    single = units.nernst_einstein(1e-6, 0.01, 500.0)
    assert units.nernst_einstein(1e-6, 0.01, 500.0, charge=-2.0) == pytest.approx(4 * single, rel=1e-14)


def test_factors_against_exact_si():
    assert pytest.approx(160.2176634, rel=1e-7) == units.EV_PER_ANGSTROM3_TO_GPA
    assert pytest.approx(1.66053906660, rel=1e-7) == units.GRAM_PER_CM3_PER_U_PER_ANGSTROM3
    assert pytest.approx((1e-10 * 100) ** 2 / 1e-12, rel=1e-14) == units.ANGSTROM2_PER_PS_TO_CM2_PER_S
    assert units.thermal_energy(11604.518) == pytest.approx(1.0, rel=1e-6)
