"""How fast ions must move across a slab to leave it as soon as they do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from betalps.analysis.transport._blocks import freedom_of_blocks, scatter_of_blocks
from betalps.analysis.transport._estimates import Estimate, bounded
from betalps.analysis.transport.survival import Stays
from betalps.analysis.transport.window import FitWindow
from betalps.typing import Floats

CHERNOFF = 0.5825971579390106
"""-zeta(1/2) / sqrt(2 pi): how far beyond a wall, in steps, an ion is when it is first seen there."""

_TERMS = 400
_MOST, _LEAST = 0.85, 0.35  # P(τ) between which the fit looks
_BLOCKS = 5


class Escape(NamedTuple):
    """What survival says about the normal: an estimate, the lags that went into it, and D at every lag."""

    estimate: Estimate
    window: FitWindow
    running: Floats


def fit_escape(stays: Stays, width: float, interval: float, hop: float) -> Escape:
    """The diffusion coefficient across a slab from the probability of staying in it.

    Parameters
    ----------
    stays : Stays
        In the slab.
    width : float, Å
    interval : float, ps
        Between frames.
    hop : float, Å²/ps
        What a single net hop amounts to.

    Returns
    -------
    Escape

    Raises
    ------
    ValueError
        Not two lags within a tenth of the run at which P(τ) is between 0.35 and 0.85.
    """
    frames, grid, probability = stays.inside.shape[1], stays.grid, stays.probability()
    longest = frames // (2 * _BLOCKS)
    use = (probability <= _MOST) & (probability >= _LEAST) & (grid <= longest)
    if use.sum() < 2:
        within = probability[grid <= longest]
        raise ValueError(
            f"survival: the probability of staying falls from {within[0]:.2f} at {interval * grid[0]:g} ps to "
            f"{within[-1]:.2f} at {interval * longest:g} ps, a tenth of the run; expected at least two lags between "
            f"{_MOST} and {_LEAST}"
        )
    lags, chosen = grid[use], probability[use]
    times = np.asarray(interval * lags, dtype=np.float64)
    running = diffusivity_of(probability, np.asarray(interval * grid, dtype=np.float64), width, interval)
    value = float(running[use].mean())
    in_blocks = diffusivity_of(stays.in_blocks(lags, _BLOCKS), times, width, interval)
    block = float(scatter_of_blocks(np.nanmean(in_blocks, axis=1), _BLOCKS) / np.sqrt(_BLOCKS))
    # Each ion starts anew, without memory, about once in the time that half of them stay.
    middle = len(lags) // 2
    ions = float(stays.inside.sum()) / frames
    fresh = max(ions * frames / float(lags[middle]), 1.0)
    spread = np.sqrt(chosen[middle] * (1.0 - chosen[middle]) / fresh)
    ends = chosen[middle] + spread * np.array([[-1.0], [1.0]])
    low, high = diffusivity_of(ends, times[middle : middle + 1], width, interval)[:, 0]
    brownian = 0.5 * abs(float(high - low)) if np.isfinite(high - low) else block
    window = FitWindow(
        start=float(times[0]),
        stop=float(times[-1]),
        points=len(lags),
        blocks=_BLOCKS,
        linear=True,
        why=f"where between {_LEAST} and {_MOST} of the ions stay",
    )
    return Escape(bounded(value, brownian, block, freedom_of_blocks(_BLOCKS), hop=hop, atoms=ions), window, running)


def escape_probability(diffusivity: Floats | float, times: Floats | float, width: float, interval: float) -> Floats:
    """P(τ) of Brownian particles that start anywhere in a slab with absorbing walls, and are looked at now and then.

    Parameters
    ----------
    diffusivity : array, Å²/ps
        Along the normal.
    times : array, ps
        The two are broadcast.
    width : float, Å
    interval : float, ps
        Between looks. What leaves and comes back between two of them was never away: the walls are effectively
        0.5826 steps of sqrt(2 D Δt) further out (Chernoff 1965; Broadie, Glasserman and Kou, Math. Finance 1997, 7,
        325).

    Returns
    -------
    array

    Notes
    -----
    P = Σ 8 w' / (n² π² w) sin(nπ/2) sin(nπ w / 2w') exp(-n² π² D τ / w'²), n odd, with w' the effective width; for
    w' = w it is (8/π²) Σ exp(-n² π² D τ / w²) / n² (Carslaw and Jaeger, Conduction of Heat in Solids, 3.3).
    """
    each, time = np.broadcast_arrays(np.asarray(diffusivity, dtype=np.float64), np.asarray(times, dtype=np.float64))
    wide = width + 2.0 * CHERNOFF * np.sqrt(2.0 * each * interval)
    n = np.arange(1, _TERMS, 2).reshape(-1, *([1] * each.ndim))
    share = np.sin(0.5 * np.pi * n) * np.sin(0.5 * np.pi * n * width / wide) * 8.0 * wide / (n**2 * np.pi**2 * width)
    return np.asarray((share * np.exp(-((n * np.pi / wide) ** 2) * each * time)).sum(axis=0))


def diffusivity_of(probability: Floats, times: Floats, width: float, interval: float) -> Floats:
    """The diffusion coefficient for which `escape_probability` is as seen, time by time; NaN for P of 0 or 1.

    Parameters
    ----------
    probability : (..., n) array
    times : (n,) array, ps
    width : float, Å
    interval : float, ps

    Returns
    -------
    (..., n) array, Å²/ps
    """
    found = np.full(np.shape(probability), np.nan)
    for k, time in enumerate(times):
        # P falls with D: a table of D by P, between hardly anything having left and hardly anything being left.
        table = np.geomspace(1e-5, 2.0, 500) * width**2 / time
        seen = escape_probability(table, float(time), width, interval)
        usable = np.append(np.diff(seen) < 0.0, False)
        logs = np.log(table[usable])
        found[..., k] = np.exp(np.interp(-probability[..., k], -seen[usable], logs, left=np.nan, right=np.nan))
    return found
