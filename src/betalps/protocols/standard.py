"""The protocols of the reference study: functions that return stages.

Source: R. Jalem et al., Energy Adv. 2, 2029 (2023), its sections on active learning and on the amorphization
of beta-Li3PS4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from betalps.protocols.checks import number
from betalps.protocols.stage import Ensemble, Stage

AMORPHIZATION = ("heat", "melt", "cool", "relax", "produce")
"""Names of the stages of `amorphization`."""


def amorphization(
    scale: float = 1.0,
    *,
    scales: Mapping[str, float] | None = None,
    initial: float = 300.0,
    melt: float = 2000.0,
    final: float = 300.0,
    cooling_rate: float = 5.0,
    pressure: float = 0.0,
    free: str = "isotropic",
) -> tuple[Stage, ...]:
    """Melt and quench, in the five stages of the study.

    Heat to 2000 K over 200 ps; hold for 400 ps; cool to 300 K at 5 K/ps (340 ps); hold for 2 ns; produce for
    8 ns; all at constant pressure.

    Parameters
    ----------
    scale
        Multiplies the length of every stage, so that 0.001 gives a run of 11 ps. The cooling is then faster
        by 1 / scale.
    scales
        Factors of single stages by name (see `AMORPHIZATION`), on top of `scale`.
    initial, melt, final
        Temperatures at the start, of the melt and of the glass, K.
    cooling_rate
        K/ps, at a scale of 1.
    pressure
        GPa.
    free
        What is free of the cell, see `Stage`. A melt does not resist shear, so that lengths and angles that are
        free one by one wander: the study's cell needs no more than its volume.

    Returns
    -------
    tuple of Stage
        Only the last one is production.

    Raises
    ------
    ValueError
        For a number out of range, or a factor of a stage that does not exist.
    """
    for name, value in (("initial", initial), ("melt", melt), ("final", final), ("cooling_rate", cooling_rate)):
        number(name, value, above=0.0)
    if not melt > final:
        raise ValueError(f"melt is {melt} K; expected more than final ({final} K)")
    factors = dict.fromkeys(AMORPHIZATION, number("scale", scale, above=0.0))
    for name, factor in (scales or {}).items():
        if name not in factors:
            raise ValueError(f"scales names {name!r}; the stages are {', '.join(AMORPHIZATION)}")
        factors[name] *= number(f"scales[{name!r}]", factor, above=0.0)
    times = {"heat": 200.0, "melt": 400.0, "cool": (melt - final) / cooling_rate, "relax": 2000.0, "produce": 8000.0}
    temperatures = {
        "heat": (initial, melt),
        "melt": (melt, None),
        "cool": (melt, final),
        "relax": (final, None),
        "produce": (final, None),
    }
    return tuple(
        Stage(
            name=name,
            ensemble="npt",
            time=times[name] * factors[name],
            temperature=temperatures[name][0],
            final_temperature=temperatures[name][1],
            pressure=pressure,
            free=free,
            production=name == "produce",
        )
        for name in AMORPHIZATION
    )


def heating_equilibration_production(
    temperature: float,
    *,
    initial: float = 100.0,
    times: Sequence[float] = (10.0, 10.0, 26.0),
    frames: Sequence[int] = (5, 5, 13),
    ensemble: Ensemble = "npt",
    pressure: float = 0.0,
    free: str = "isotropic",
) -> tuple[Stage, ...]:
    """Heat, equilibrate, produce, with a few frames of each: a run for the test set of active learning.

    The study took 5, 5 and 13 structures at regular intervals from runs at 300, 800 and 2000 K; the lengths of
    its stages are not given, those here are ours.

    Parameters
    ----------
    temperature
        Of the last two stages, K.
    initial
        Where heating begins, K.
    times
        Of the three stages, ps.
    frames
        Of the three stages; 0 for none.
    ensemble, pressure, free
        As in `Stage`.

    Returns
    -------
    tuple of Stage
        "heat", "equilibrate" and "produce".

    Raises
    ------
    ValueError
        If there are not three times and three numbers of frames, or one is out of range.
    """
    for name, values in (("times", times), ("frames", frames)):
        if len(values) != 3:
            raise ValueError(f"{name} has {len(values)} values; expected three: heating, equilibration, production")
    stages = []
    for name, time, count in zip(("heat", "equilibrate", "produce"), times, frames, strict=True):
        if type(count) is not int or count < 0:
            raise ValueError(f"frames of {name} is {count!r}; expected a whole number from 0")
        heating = name == "heat"
        stages.append(
            Stage(
                name=name,
                ensemble=ensemble,
                time=time,
                temperature=initial if heating else temperature,
                final_temperature=temperature if heating else None,
                pressure=pressure,
                free=free,
                production=name == "produce" and count > 0,
                frame_interval=time / count if count else None,
            )
        )
    return tuple(stages)


def single_temperature(
    temperature: float,
    *,
    production: float,
    equilibration: float = 0.0,
    ensemble: Ensemble = "npt",
    pressure: float = 0.0,
    free: str = "isotropic",
) -> tuple[Stage, ...]:
    """Equilibrate and produce at one temperature.

    Parameters
    ----------
    temperature
        In K.
    production, equilibration
        Lengths, ps; without equilibration there is one stage.
    ensemble, pressure, free
        As in `Stage`.

    Returns
    -------
    tuple of Stage
        "equilibrate", if it has a length, and "produce".

    Raises
    ------
    ValueError
        For a number out of range.
    """
    lengths = {"equilibrate": number("equilibration", equilibration, least=0.0), "produce": production}
    return tuple(
        Stage(
            name=name,
            ensemble=ensemble,
            time=time,
            temperature=temperature,
            pressure=pressure,
            free=free,
            production=name == "produce",
        )
        for name, time in lengths.items()
        if name == "produce" or time > 0
    )


PROTOCOLS: dict[str, Callable[..., tuple[Stage, ...]]] = {
    "amorphization": amorphization,
    "heating-equilibration-production": heating_equilibration_production,
    "single-temperature": single_temperature,
}
"""Protocols by the name that a run's table ``protocol`` calls them by."""
