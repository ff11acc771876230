"""Arrhenius lines with known activation energies."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.analysis import arrhenius
from betalps.analysis.transport.conductivity import charge_diffusivity
from betalps.units import thermal_energy

TEMPERATURES = np.array([500.0, 600.0, 700.0, 850.0, 1000.0])


def line(temperatures: np.ndarray, energy: float = 0.3, prefactor: float = 8.0) -> np.ndarray:
    return prefactor * np.exp(-energy / np.array([thermal_energy(t) for t in np.atleast_1d(temperatures)]))


@settings(max_examples=30, deadline=None)
@given(energy=st.floats(0.05, 1.0), prefactor=st.floats(0.1, 100.0), error=st.floats(0.01, 0.3))
def test_an_exact_line_is_found(energy: float, prefactor: float, error: float) -> None:
    values = line(TEMPERATURES, energy, prefactor)
    result = arrhenius(TEMPERATURES, values, error * values)
    assert result.activation_energy == pytest.approx(energy, rel=1e-6)
    assert result.log_prefactor == pytest.approx(np.log(prefactor), abs=1e-6)
    assert result.target_diffusivity == pytest.approx(line(300.0, energy, prefactor)[0], rel=1e-5)
    assert result.chi2_reduced < 1e-6


def test_the_error_is_that_of_the_textbook() -> None:
    """Equal relative errors s: Var Ea = s² / sum (x - mean x)² with x = 1/(kT)."""
    values = line(TEMPERATURES)
    result = arrhenius(TEMPERATURES, values, 0.1 * values)
    x = 1.0 / np.array([thermal_energy(t) for t in TEMPERATURES])
    expected = 0.1 / np.sqrt(np.sum((x - x.mean()) ** 2))
    assert result.activation_energy_error == pytest.approx(expected)
    low, high = result.activation_energy_interval
    assert high - low == pytest.approx(2 * 1.959964 * expected, rel=1e-6)


def test_scatter_beyond_the_errors_widens_the_interval() -> None:
    values = line(TEMPERATURES) * np.exp(0.5 * np.array([1, -1, 1, -1, 1]))
    result = arrhenius(TEMPERATURES, values, 0.05 * values)
    assert result.chi2_reduced > 50
    claimed = np.sqrt(result.covariance[1, 1])
    assert result.activation_energy_error == pytest.approx(claimed * np.sqrt(result.chi2_reduced))
    low, high = result.activation_energy_interval
    # Student's t for 3 degrees of freedom.
    assert high - low == pytest.approx(2 * 3.182446 * result.activation_energy_error, rel=1e-6)


@pytest.mark.parametrize(
    ("temperatures", "excess", "low", "high"),
    [
        (TEMPERATURES, 1.0, 0.93, 0.99),
        (TEMPERATURES, 2.0, 0.92, 0.98),
        (TEMPERATURES[[0, 2, 3, 4]], 1.0, 0.93, 0.995),
    ],
)
def test_the_interval_holds_the_truth(temperatures: np.ndarray, excess: float, low: float, high: float) -> None:
    """Errors estimated from ten blocks each, and the true ones up to twice as large."""
    rng = np.random.default_rng(0)
    truth, held_energy, held_target, count = line(temperatures), 0, 0, 600
    relative = np.linspace(0.12, 0.04, len(temperatures))
    for _ in range(count):
        values = truth * np.exp(excess * relative * rng.normal(size=len(truth)))
        errors = values * relative * np.sqrt(rng.chisquare(9, len(truth)) / 9)
        result = arrhenius(temperatures, values, errors)
        held_energy += result.activation_energy_interval[0] < 0.3 < result.activation_energy_interval[1]
        held_target += result.target_interval[0] < line(300.0)[0] < result.target_interval[1]
    assert low <= held_energy / count <= high
    assert low <= held_target / count <= high


def test_unresolved_temperatures_are_left_out_and_named() -> None:
    values = line(np.append(TEMPERATURES, [300.0, 400.0, 450.0]))
    values[6] = -0.001
    errors = 0.1 * np.abs(values)
    errors[7] = np.nan
    resolved = np.array([True] * 5 + [False, True, True])
    result = arrhenius(np.append(TEMPERATURES, [300.0, 400.0, 450.0]), values, errors, resolved=resolved)
    np.testing.assert_allclose(result.temperatures, TEMPERATURES)
    assert [(e["temperature_K"], e["why"]) for e in result.excluded] == [
        (300.0, "diffusion not resolved"),
        (400.0, "diffusivity -0.001 is not positive"),
        (450.0, "standard error nan is not positive"),
    ]


def test_extrapolation_is_flagged_and_its_interval_is_on_the_log_scale() -> None:
    values = line(TEMPERATURES)
    cold = arrhenius(TEMPERATURES, values, 0.1 * values)
    inside = arrhenius(TEMPERATURES, values, 0.1 * values, target_temperature=800.0)
    assert cold.extrapolated
    assert not inside.extrapolated
    low, high = cold.target_interval
    assert low * high == pytest.approx(cold.target_diffusivity**2)
    assert high / low > (inside.target_interval[1] / inside.target_interval[0]) ** 2
    assert cold.target_diffusivity_cm2_per_s == pytest.approx(1e-4 * cold.target_diffusivity)
    middle, below, above = cold.at([300.0, 800.0])
    np.testing.assert_allclose(middle, [cold.target_diffusivity, inside.target_diffusivity])
    np.testing.assert_allclose(below, [low, inside.target_interval[0]])
    np.testing.assert_allclose(above, [high, inside.target_interval[1]])


def test_the_order_of_the_temperatures_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    values = line(TEMPERATURES) * np.exp(0.1 * rng.normal(size=5))
    order = rng.permutation(5)
    one = arrhenius(TEMPERATURES, values, 0.1 * values)
    other = arrhenius(TEMPERATURES[order], values[order], 0.1 * values[order])
    assert other.activation_energy == pytest.approx(one.activation_energy)
    assert other.target_interval == pytest.approx(one.target_interval)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"needs 3 different temperatures, got \[600\.0, 700\.0\]; excluded"):
        arrhenius([500, 600, 700], [0.1, 0.2, 0.3], [0.01] * 3, resolved=[False, True, True])
    with pytest.raises(ValueError, match=r"needs 3 different temperatures"):
        arrhenius([500, 500, 600], [0.1, 0.1, 0.2], [0.01] * 3)
    with pytest.raises(ValueError, match="as many diffusivities and errors as temperatures"):
        arrhenius([500, 600, 700], [0.1, 0.2, 0.3], 0.1)
    with pytest.raises(ValueError, match="expected positive ones in K"):
        arrhenius([-500, 600, 700], [0.1, 0.2, 0.3], [0.01] * 3)


def test_the_result_is_json() -> None:
    values = line(TEMPERATURES)
    plain = json.loads(json.dumps(arrhenius(TEMPERATURES, values, 0.1 * values).to_dict(), allow_nan=False))
    assert plain["units"]["activation_energy"] == "eV"
    assert plain["temperatures"] == TEMPERATURES.tolist()
    assert plain["extrapolated"] is True


MANY = np.array([400.0, 450.0, 500.0, 550.0, 600.0, 700.0, 800.0, 900.0, 1000.0])


def two_lines(temperatures: np.ndarray, cold: float = 0.4, hot: float = 0.2, at: float = 620.0) -> np.ndarray:
    """The activation energies of the study's crystal have two regimes."""
    x = 1.0 / np.array([thermal_energy(t) for t in np.atleast_1d(temperatures)])
    return 8.0 * np.exp(-hot * x - (cold - hot) * np.maximum(x - 1.0 / thermal_energy(at), 0.0))


def test_two_regimes_are_found_where_there_are_two() -> None:
    rng = np.random.default_rng(2)
    held, count = np.zeros(4), 60
    for _ in range(count):
        values = two_lines(MANY) * np.exp(0.05 * rng.normal(size=len(MANY)))
        result = arrhenius(MANY, values, 0.05 * values, draws=300)
        assert result.model == "broken line"
        assert result.criteria["broken line"] < result.criteria["one line"]
        assert result.break_interval is not None
        assert result.hot_activation_energy_interval is not None
        pairs = (
            (result.activation_energy_interval, 0.4),
            (result.hot_activation_energy_interval, 0.2),
            (result.target_interval, two_lines(300.0)[0]),
            (result.break_interval, 620.0),
        )
        held += [low < truth < high for (low, high), truth in pairs]
    assert held.min() >= 0.88 * count


def test_one_regime_stays_one() -> None:
    rng = np.random.default_rng(3)
    models = []
    for _ in range(60):
        values = line(MANY) * np.exp(0.1 * rng.normal(size=len(MANY)))
        # Errors that claim half of the scatter must not turn it into a break.
        models.append(arrhenius(MANY, values, 0.05 * values, draws=10).model)
    assert models.count("broken line") <= 5


def test_the_regimes_asked_for() -> None:
    values = two_lines(MANY)
    one = arrhenius(MANY, values, 0.05 * values, regimes="one")
    two = arrhenius(MANY, line(MANY), 0.05 * line(MANY), regimes="two")
    assert one.model == "one line"
    assert one.break_temperature is None
    assert two.model == "broken line"
    assert two.activation_energy == pytest.approx(0.3, rel=1e-6)
    assert two.hot_activation_energy == pytest.approx(0.3, rel=1e-6)
    with pytest.raises(ValueError, match="two regimes need 6 different temperatures"):
        arrhenius(TEMPERATURES, line(TEMPERATURES), 0.1 * line(TEMPERATURES), regimes="two")
    with pytest.raises(ValueError, match="regimes: expected auto, one or two, got 'three'"):
        arrhenius(MANY, values, 0.05 * values, regimes="three")  # type: ignore[arg-type]


def test_the_colder_regime_is_what_is_extrapolated() -> None:
    values = two_lines(MANY)
    result = arrhenius(MANY, values, 0.03 * values)
    assert result.target_diffusivity == pytest.approx(two_lines(300.0)[0], rel=0.05)
    assert result.extrapolated
    assert result.break_temperature == pytest.approx(620.0, abs=10.0)
    middle, low, high = result.at([300.0, 620.0, 900.0])
    np.testing.assert_allclose(middle, two_lines(np.array([300.0, 620.0, 900.0])), rtol=0.05)
    assert middle[0] == pytest.approx(result.target_diffusivity)
    assert (low[0], high[0]) == pytest.approx(result.target_interval)
    assert np.all((low < middle) & (middle < high))
    again = arrhenius(MANY, values, 0.03 * values)
    assert again.target_interval == result.target_interval
    other = arrhenius(MANY, values, 0.03 * values, rng=1)
    assert other.target_interval == pytest.approx(result.target_interval, rel=0.1)
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert "draws" not in plain
    assert plain["break_temperature"] == result.break_temperature


def test_a_line_of_conductivities_is_one_of_ln_sigma_t() -> None:
    """σ and Ea of a synthetic set of conductivities, σT = A exp(-Ea / kT)."""
    density = 0.0185
    sigma = 5.0e3 / MANY * np.exp(-0.35 / np.array([thermal_energy(t) for t in MANY]))
    values = [charge_diffusivity(s, carrier_density=density, temperature=t) for s, t in zip(sigma, MANY, strict=True)]
    result = arrhenius(MANY, values, 0.05 * np.array(values))
    assert result.activation_energy == pytest.approx(0.35, rel=1e-6)
    at_room = result.conductivity(density)
    assert at_room.conductivity == pytest.approx(5.0e3 / 300.0 * np.exp(-0.35 / thermal_energy(300.0)), rel=1e-5)
    assert at_room.temperature == 300.0
    low, high = at_room.interval
    assert low * high == pytest.approx(at_room.conductivity**2)
