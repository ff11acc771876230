"""Snapshots of molecular dynamics, as a study draws them from ab initio dynamics: with any calculator."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator

from betalps.datasets.labels import LABELS, with_labels
from betalps.errors import BetalpsError
from betalps.typing import Floats, Seed


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How snapshots are drawn from a Langevin trajectory.

    Attributes
    ----------
    temperature
        K.
    frames
        How many snapshots.
    interval
        Time between them, ps. With the default friction the velocities forget themselves in 0.1 ps, and most
        vibrations in a few tenths.
    equilibration
        Time before the first, ps.
    timestep
        fs.
    friction
        Of the Langevin equation, 1/ps. 10/ps heats a crystal in 0.2 ps and disturbs vibrations little; it is for
        sampling, not for diffusion.
    temperature_limit
        The run stops as unstable when its temperature exceeds this multiple of `temperature` (an atom that starts
        from a strained or rattled structure may be hotter for a while).
    """

    temperature: float
    frames: int = 20
    interval: float = 0.25
    equilibration: float = 1.0
    timestep: float = 2.0
    friction: float = 10.0
    temperature_limit: float = 5.0

    def __post_init__(self) -> None:
        for name in ("temperature", "interval", "timestep", "friction", "temperature_limit"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be positive and finite, got {value!r}")
        if not (math.isfinite(self.equilibration) and self.equilibration >= 0):
            raise ValueError(f"equilibration must be 0 or more, got {self.equilibration!r}")
        if type(self.frames) is not int or self.frames < 1:
            raise ValueError(f"frames must be a whole number of at least 1, got {self.frames!r}")

    @property
    def stride(self) -> int:
        """Steps between snapshots."""
        return max(1, round(1000 * self.interval / self.timestep))


@dataclass(frozen=True, kw_only=True, eq=False)
class Sampled:
    """Snapshots of one trajectory.

    Attributes
    ----------
    frames
        Labelled by the calculator of the dynamics; ``info`` has ``temperature_K`` and ``time_ps``, and what `atoms`
        had.
    correlation_time
        Integrated correlation time of the potential energy after equilibration, ps.
    temperature
        Mean kinetic temperature after equilibration, K.
    """

    frames: tuple[Atoms, ...]
    correlation_time: float
    temperature: float


def sample(atoms: Atoms, calculator: BaseCalculator, settings: Sampling, *, rng: Seed) -> Sampled:
    """Draw snapshots from Langevin dynamics at constant volume.

    Parameters
    ----------
    atoms
        Where to start; not changed. Momenta are drawn afresh.
    calculator
        Any ASE calculator: an ab initio one, a teacher, or a potential.
    settings
        Temperature, times and friction.
    rng
        Seed or generator of the momenta and of the random forces.

    Returns
    -------
    Sampled
        The snapshots. Independent ones lie twice the `correlation_time` apart or more.

    Raises
    ------
    BetalpsError
        The run became unstable: an energy that is not finite, or a temperature beyond the limit.
    """
    from ase import units
    from ase.md.langevin import Langevin

    generator = np.random.default_rng(rng)
    moving = atoms.copy()
    moving.calc = calculator
    widths = np.sqrt(units.kB * settings.temperature * atoms.get_masses())
    moving.set_momenta(widths[:, None] * generator.standard_normal((len(atoms), 3)))
    dynamics = Langevin(
        moving,
        settings.timestep * units.fs,
        temperature_K=settings.temperature,
        friction=settings.friction / (1000 * units.fs),
        fixcm=False,
        rng=generator,
    )
    before = max(0, round(1000 * settings.equilibration / settings.timestep))
    steps = before + (settings.frames - 1) * settings.stride
    frames, energies, temperatures = [], [], []
    for step in _steps(dynamics, steps):
        energy, temperature = moving.get_potential_energy(), moving.get_temperature()
        if not (math.isfinite(energy) and temperature <= settings.temperature_limit * settings.temperature):
            raise BetalpsError(
                f"the sampling blew up at step {step}: {temperature:.4g} K where {settings.temperature:g} K was asked "
                f"for, energy {energy:.4g} eV. A shorter time step, or a calculator that knows this structure, may help"
            )
        if step < before:
            continue
        energies.append(energy)
        temperatures.append(temperature)
        if (step - before) % settings.stride == 0:
            frames.append(_snapshot(moving, settings.temperature, step * settings.timestep * 1e-3))
    return Sampled(
        frames=tuple(frames),
        correlation_time=correlation_time(np.array(energies)) * settings.timestep * 1e-3,
        temperature=float(np.mean(temperatures)),
    )


def correlation_time(series: Floats) -> float:
    """Integrated correlation time of a series, in steps: Σ_t ρ(t) over t ≥ 0, less one half.

    Parameters
    ----------
    series
        Equally spaced values of a stationary process.

    Returns
    -------
    float
        At least 0.5, that of independent values. The sum ends at the first t ≥ 5 times its value so far (Sokal's
        window); a series shorter than that has not forgotten its beginning, and gives a lower bound.
    """
    x = np.asarray(series, dtype=np.float64) - np.mean(series)
    n = len(x)
    power = np.abs(np.fft.rfft(x, 2 * n)) ** 2
    covariance = np.fft.irfft(power, 2 * n)[:n]
    if n < 2 or covariance[0] <= 0:
        return 0.5
    sums = np.cumsum(covariance / covariance[0]) - 0.5
    window = np.flatnonzero(np.arange(n) >= 5 * sums)
    return max(0.5, float(sums[window[0] if window.size else -1]))


def _steps(dynamics: object, steps: int) -> Iterator[int]:
    """Number the steps, the starting point as 0."""
    yield 0
    for step in range(1, steps + 1):
        dynamics.step()  # type: ignore[attr-defined]
        yield step


def _snapshot(moving: Atoms, temperature: float, time: float) -> Atoms:
    results = moving.calc.results
    labels = {name: np.array(results[name]) for name in LABELS if results.get(name) is not None}
    frame = with_labels(moving, labels)
    frame.arrays.pop("momenta", None)
    frame.info.update(temperature_K=temperature, time_ps=time)
    return frame
