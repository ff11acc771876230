"""Diffusion in part of a cell, by direction: in a boundary along its plane and across it, in a dislocation core.

Ions come and go, and that biases whoever does not mind. Ions followed only while they stay are the ones that did not
move far towards the border; ions followed wherever they go have seen other parts of the cell. Along the plane of a slab
the first is harmless, since staying says nothing about motion in the plane. Across it we follow all ions that start
inside, and take the border's part out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from betalps.analysis._frames import described
from betalps.analysis.result import Result
from betalps.analysis.transport._escape import fit_escape
from betalps.analysis.transport._estimates import LEVEL, Estimate, bounded, ratio
from betalps.analysis.transport._membership import density, directions, thinner
from betalps.analysis.transport._regional_lines import Found, RegionalLines
from betalps.analysis.transport.survival import Survival, find_stays, summarise
from betalps.analysis.transport.window import FitWindow
from betalps.structures.regions import Region
from betalps.trajectories import Trajectory
from betalps.typing import Floats

Method = Literal["border", "resident", "survival", "study"]
REGIONAL_METHODS: tuple[Method, ...] = ("border", "resident", "survival", "study")


@dataclass(frozen=True, kw_only=True, eq=False)
class RegionalDiffusion(Result):
    """Diffusion of a species in a region.

    Parameters
    ----------
    species, method : str
    axes : (3, 3) array
        Rows are the directions: for a slab two in its plane and the normal, else x, y and z.
    names : (3,) tuple of str
        What to call them.
    crossing : (3,) tuple of bool
        Along which of them an ion may leave.
    directions : (3,) tuple of Estimate
        D = lim <Δx²> / 2t along each.
    lateral : Estimate or None
        Mean of the two in the plane of a slab; None for other regions.
    normal : Estimate or None
        Across the slab.
    total : Estimate
        Mean of the three, the D of a conductivity.
    xi : float or None
        ξ = D_normal / max(D_lateral), the study's eqn 3; NaN where one of them is not resolved.
    xi_interval : (2,) tuple or None
    thickness : float or None
        Of a slab.
    carrier_density : float or None
        Ions inside over the region's volume; None where it has none.
    windows : (3,) tuple of FitWindow
        Which lags each direction's line went through and why.
    intercepts, borders : (3,) array
        Of each line: the mean squared displacement is intercept + 2 D τ + border τ^(3/2). NaN where there is no line.
    lags : (k,) array
    msd : (k, 3) array
        Mean squared displacements of the ions that the method follows; NaN where there are none.
    running : (k, 3) array
        D against τ: half the slope between τ and 2τ; for a normal by survival, the D that gives P(τ). NaN where
        unknown.
    survival : Survival
        Occupancy and P(τ).
    parameters : dict
        ``region``, ``hop_length`` (Å), ``fit_start`` (ps), ``level``, ``drift``, ``margin`` (Å, of a survival).
    """

    units: ClassVar[dict[str, str]] = {
        "thickness": "angstrom",
        "carrier_density": "1/angstrom^3",
        "intercepts": "angstrom^2",
        "borders": "angstrom^2/ps^1.5",
        "lags": "ps",
        "msd": "angstrom^2",
        "running": "angstrom^2/ps",
    }
    species: str
    method: str
    axes: Floats
    names: tuple[str, str, str]
    crossing: tuple[bool, bool, bool]
    directions: tuple[Estimate, Estimate, Estimate]
    lateral: Estimate | None
    normal: Estimate | None
    total: Estimate
    xi: float | None
    xi_interval: tuple[float, float] | None
    thickness: float | None
    carrier_density: float | None
    windows: tuple[FitWindow, FitWindow, FitWindow]
    intercepts: Floats
    borders: Floats
    lags: Floats
    msd: Floats
    running: Floats
    survival: Survival
    parameters: dict[str, Any]


def regional_diffusion(
    trajectory: Trajectory,
    region: Region,
    species: str = "Li",
    *,
    method: Method = "border",
    fit_start: float | None = None,
    hop_length: float = 3.5,
    margin: float | None = None,
    remove_drift: bool = True,
) -> RegionalDiffusion:
    """Diffusion coefficients of the ions of a region, along its plane and across it.

    Parameters
    ----------
    trajectory : Trajectory
        Evenly spaced frames of the equilibrated system, at least 100; the shorter their interval, the better is known
        who has left.
    region : Region
        A slab (`betalps.structures.around_boundaries`, `slab_region`), a box, a choice of atoms, or any of these
        combined. It moves with the framework.
    species : str
    method : {"border", "resident", "survival", "study"}
        ``"border"``: directions along which no ion can leave from the displacements of ions while they stay; the
        others from all displacements that start inside, with the border's part taken out (see Notes).
        ``"resident"``: only ions while they stay, in all directions. Across a border this is biased low.
        ``"survival"``: for slabs. The normal from the probability of staying, P(τ).
        ``"study"``: the definition of the reference study.
    fit_start : float, ps, optional
        Where the lines start. By default the shortest lag from which on the slope no longer changes.
    hop_length : float, Å
        As in `betalps.analysis.diffusion`.
    margin : float, Å, optional
        For ``"survival"``: how far inside the region the walls are, where ions on both sides of them are alike. By
        default three steps of sqrt(2 D Δt), at most a quarter of the slab.
    remove_drift : bool
        Subtract the motion of the centre of mass of the framework (every other species).

    Returns
    -------
    RegionalDiffusion

    Raises
    ------
    ValueError
        An unknown method, or one that does not fit the region; no atom of the species; a region that no ion is ever in;
        too few or unevenly spaced frames; ions that leave before there is a line to fit.

    Warns
    -----
    UnwrapWarning
        A step between frames too long to unwrap.

    Notes
    -----
    *Border.* Ions that start in a slab of width w and diffusivity D, beside a medium with D', have

        <Δz²> = 2 D τ [1 - 8/(3 √π) (1 - D'/D) √(D τ) / w],

    exactly, until ions from one border meet the other: the half-space beside a sharp border has no length of its own,
    so that what it does can only grow as τ^(3/2), whatever the media on its sides. The line is therefore fitted
    together with a free term in τ^(3/2), to lags up to which half of the ions stay. Where diffusivities change
    gradually, or for another shape, the term stands for the leading effect.

    *Survival.* See `betalps.analysis.escape_probability`. It holds for steps that are short against the slab
    and independent: ions that rattle at the walls leave too soon, ions with few sites in the slab too late.

    *Study.* Jalem et al. (Energy Adv. 2023, 2, 2029) give D as the slope of the mean squared displacement of the Li of
    the region (eqns 1 and 3) and cite pymatgen-analysis-diffusion for the code, which documents: displacements that
    start and end in the region, and a least-squares line weighted with 1/τ, from 1 ps on. Up to which lag the
    study does not say; here it is a tenth of the run. Ions that leave drop out: its normal is biased low, the more
    the longer that is.

    The errors are those of `betalps.analysis.diffusion`, with the ions that are inside on average for the atoms.
    """
    if method not in REGIONAL_METHODS:
        raise ValueError(f"method: expected one of {', '.join(REGIONAL_METHODS)}, got {method!r}")
    if not hop_length > 0.0:
        raise ValueError(f"hop_length: expected a positive length in Å, got {hop_length}")
    stays = find_stays(trajectory, region, species, remove_drift=remove_drift)
    if method == "survival":
        thinner(region, 0.0)  # says so where it is no slab
    frame = directions(region, trajectory.mean_cell)
    lines = RegionalLines(trajectory, stays, frame, hop_length, fit_start)
    found = [lines.study(axis) if method == "study" else lines.fit(axis, method != "resident") for axis in range(3)]
    if method == "survival":
        if margin is None:
            step = np.sqrt(2.0 * max(0.0, *(one.estimate.diffusivity for one in found[:2])) * trajectory.interval)
            margin = min(3.0 * float(step), 0.25 * float(region.thickness or 0.0))
        found[2] = _by_survival(trajectory, thinner(region, margin), lines, found[2], species, remove_drift)
    pair = _mean([found[0].estimate, found[1].estimate], lines.hop(2)) if region.axis is not None else None
    normal = found[2].estimate if region.axis is not None else None
    xi, xi_interval = None, None
    if normal is not None:
        fastest = max((found[0].estimate, found[1].estimate), key=lambda one: one.diffusivity)
        xi, xi_interval = ratio(normal, fastest)
    summary = summarise(trajectory, stays, species, {"region": described(region), "allowed_absence": 0.0})
    return RegionalDiffusion(
        species=species,
        method=method,
        axes=frame.axes,
        names=frame.names,
        crossing=(bool(frame.crossing[0]), bool(frame.crossing[1]), bool(frame.crossing[2])),
        directions=(found[0].estimate, found[1].estimate, found[2].estimate),
        lateral=pair,
        normal=normal,
        total=_mean([one.estimate for one in found], lines.hop(3)),
        xi=xi,
        xi_interval=xi_interval,
        thickness=region.thickness,
        carrier_density=density(region, trajectory.mean_cell, summary.ions),
        windows=(found[0].window, found[1].window, found[2].window),
        intercepts=np.array([one.intercept for one in found]),
        borders=np.array([one.border for one in found]),
        lags=np.asarray(trajectory.interval * stays.grid, dtype=np.float64),
        msd=np.stack([one.msd for one in found], axis=1),
        running=np.stack([one.running for one in found], axis=1),
        survival=summary,
        parameters={
            "region": described(region),
            "hop_length": hop_length,
            "fit_start": fit_start,
            "level": LEVEL,
            "margin": margin if method == "survival" else None,
            "drift": summary.parameters["drift"],
        },
    )


def _by_survival(
    trajectory: Trajectory, inner: Region, lines: RegionalLines, line: Found, species: str, remove_drift: bool
) -> Found:
    """The normal of a slab from the time that ions stay between walls inside it."""
    stays = find_stays(trajectory, inner, species, remove_drift=remove_drift)
    escape = fit_escape(stays, float(inner.thickness or 0.0), trajectory.interval, lines.hop(1))
    return line._replace(
        estimate=escape.estimate, window=escape.window, intercept=np.nan, border=np.nan, running=escape.running
    )


def _mean(estimates: list[Estimate], hop: float) -> Estimate:
    """Of directions, whose errors are taken for independent."""
    count = len(estimates)
    value = sum(one.diffusivity for one in estimates) / count
    brownian, block = (
        float(np.sqrt(sum(getattr(one, name) ** 2 for one in estimates))) / count
        for name in ("brownian_error", "block_error")
    )
    whys = [one.why for one in estimates if not one.resolved]
    # Of each at least five blocks, side by side.
    return bounded(value, brownian, block, 4.0 * count, hop=hop, atoms=1.0, why=whys[0] if whys else "")
