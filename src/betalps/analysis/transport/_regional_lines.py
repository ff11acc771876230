"""Mean squared displacements of the ions of a region, and the lines through them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from betalps.analysis.transport._blocks import Origins
from betalps.analysis.transport._estimates import Estimate, estimate
from betalps.analysis.transport._membership import Directions
from betalps.analysis.transport.gls import Line, fit_line
from betalps.analysis.transport.survival import Stays
from betalps.analysis.transport.window import FitWindow, choose_window, latest_start
from betalps.trajectories import Trajectory, displacement_blocks
from betalps.typing import Floats

STARTS, STAYS, RETURNS = 0, 1, 2  # which displacements count: see the kernel
# Until half of the ions have left, those that met one border have not met the next.
_LEFT_AT_BORDER = 0.5
# Later, who still stays is no longer a fair choice of ions.
_LEFT_RESIDENT = 0.2
_FIRST_OF_STUDY = 1.0  # ps
_BLOCKS_OF_STUDY = 5


class Found(NamedTuple):
    """What is found along one direction."""

    estimate: Estimate
    window: FitWindow
    intercept: float
    border: float
    msd: Floats
    running: Floats


class RegionalLines:
    """Displacements of the ions of a region under each condition, and the lines through them."""

    def __init__(
        self, trajectory: Trajectory, stays: Stays, frame: Directions, hop_length: float, fit_start: float | None
    ) -> None:
        self.interval, self.frames = trajectory.interval, len(trajectory)
        self._trajectory, self._stays, self._frame = trajectory, stays, frame
        self._hop_length, self._fit_start = hop_length, fit_start
        self.ions = float(stays.inside.sum()) / self.frames
        self._probability = stays.probability()
        self._origins: dict[int, Origins] = {}
        self._windows: dict[tuple[int, bool], tuple[FitWindow, NDArray[np.intp]]] = {}

    def hop(self, dimensions: int) -> float:
        """What one net hop amounts to, Å²/ps."""
        return self._hop_length**2 / (2 * dimensions * self.ions * (self.frames - 1) * self.interval)

    def fit(self, axis: int, follow: bool) -> Found:
        """The line along one axis.

        Parameters
        ----------
        axis : int
        follow : bool
            Follow the ions across the border, where they can leave along the axis; else only while they stay.
        """
        crossing = bool(self._frame.crossing[axis]) and follow
        condition = STARTS if crossing else STAYS
        window, lags = self._window(condition, crossing)
        origins = self._along(condition, [axis])
        msd = origins.means()[:, 0]
        line = fit_line(self._dense(msd), lags, self.frames, 1, atoms=origins.atoms(lags), border=crossing)
        blocks = origins.block_means(lags, window.blocks)[:, :, 0]
        return self._found(line, blocks, msd, window)

    def study(self, axis: int) -> Found:
        """The study's line along one axis: displacements that start and end inside, all lags from 1 ps on."""
        origins = self._along(RETURNS, [axis])
        msd = origins.means()[:, 0]
        start = self._fit_start if self._fit_start is not None else _FIRST_OF_STUDY
        grid = self._stays.grid
        lags = grid[(self.interval * grid >= start - 1e-9) & (grid <= self.frames // (2 * _BLOCKS_OF_STUDY))]
        lags = lags[origins.counted(lags, _BLOCKS_OF_STUDY)]
        if len(lags) < 3:
            raise ValueError(
                f"fit_start: expected at least 3 lags from {start:g} ps to a tenth of the run, "
                f"{self.frames // (2 * _BLOCKS_OF_STUDY) * self.interval:g} ps, got {len(lags)}"
            )
        # The lags are spaced geometrically, which weighs them with 1/τ already.
        design = np.stack([np.ones(len(lags)), lags.astype(np.float64)])
        plain = fit_line(self._dense(msd), lags, self.frames, 1, atoms=origins.atoms(lags))
        weights = np.linalg.pinv(design.T)
        intercept, slope = (float(value) for value in weights @ self._dense(msd)[lags])
        line = Line(
            lags=lags,
            slope=slope,
            intercept=intercept,
            weights=weights,
            model=plain.model,
            dimensions=1,
            atoms=plain.atoms,
        )
        window = FitWindow(
            start=float(lags[0]) * self.interval,
            stop=float(lags[-1]) * self.interval,
            points=len(lags),
            blocks=_BLOCKS_OF_STUDY,
            linear=True,
            why="the study's definition: least squares with weights 1/τ",
        )
        return self._found(line, origins.block_means(lags, _BLOCKS_OF_STUDY)[:, :, 0], msd, window)

    def _found(self, line: Line, blocks: Floats, msd: Floats, window: FitWindow) -> Found:
        value = estimate(
            line,
            blocks,
            blocks=window.blocks,
            atoms=self.ions,
            frames=self.frames,
            interval=self.interval,
            hop_length=self._hop_length,
            linear=window.linear,
        )
        border = 0.0
        if len(line.weights) > 2:
            border = float(line.weights[2] @ self._dense(msd)[line.lags]) / self.interval**1.5
        return Found(value, window, line.intercept, border, msd, slopes(msd, self._stays.grid, self.interval))

    def _along(self, condition: int, axes: list[int]) -> Origins:
        if condition not in self._origins:
            self._origins[condition] = self._accumulate(condition)
        whole = self._origins[condition]
        return whole if len(axes) == 3 else whole.along(axes)

    def _window(self, condition: int, border: bool) -> tuple[FitWindow, NDArray[np.intp]]:
        """The lags for a condition: those of all the axes that share it."""
        if (condition, border) not in self._windows:
            left = _LEFT_AT_BORDER if border else _LEFT_RESIDENT
            try:
                self._windows[condition, border] = self._choose(condition, border, self._until(left))
            except ValueError as error:
                if "fit_start" in str(error):
                    raise
                raise ValueError(
                    f"region: of the ions inside, {1.0 - self._probability[0]:.0%} are gone at the next frame and "
                    f"{1.0 - left:.0%} within {self._until(left) or self.frames} frames of {self.interval:g} ps, which "
                    "leaves no line to fit: store frames oftener, run longer or take a thicker region"
                ) from error
        return self._windows[condition, border]

    def _choose(self, condition: int, border: bool, longest: int | None) -> tuple[FitWindow, NDArray[np.intp]]:
        crossing = self._frame.crossing
        free = np.flatnonzero(~crossing).tolist()
        origins = self._along(condition, np.flatnonzero(crossing).tolist() if border else free or [0, 1, 2])
        total = self._dense(origins.means().sum(axis=1))
        if not (border and free and self._fit_start is None):
            return choose_window(total, origins, self.interval, self._fit_start, border=border, longest=longest)
        # The cage is the same in all directions, and is better seen in those where nothing leaves.
        plane, _ = self._window(STAYS, False)
        latest = latest_start(origins, border=True, longest=longest) * self.interval
        start = min(plane.start, latest)
        window, lags = choose_window(total, origins, self.interval, start, border=True, longest=longest)
        why = f"begun where the other directions begin, to where {1.0 - _LEFT_AT_BORDER:.0%} have left"
        if plane.start > latest * 1.001:
            why = f"the other directions begin at {plane.start:g} ps, when too many have left to fit across the border"
        return replace(window, linear=plane.linear and plane.start <= latest * 1.001, why=why), lags

    def _until(self, left: float) -> int | None:
        """The last lag at which so large a part of the ions stays; None where it always does."""
        stay = self._probability >= left
        if stay.all():
            return None
        grid = self._stays.grid
        return int(grid[max(int(np.argmin(stay)) - 1, 0)])

    def _dense(self, values: Floats) -> Floats:
        """At every lag, from those of the grid."""
        known = np.isfinite(values)
        grid = self._stays.grid[known].astype(np.float64)
        return np.asarray(np.interp(np.arange(self.frames), np.append(0.0, grid), np.append(0.0, values[known])))

    def _accumulate(self, condition: int) -> Origins:
        from betalps.analysis.transport._kernels_regions import add_displacements

        stays = self._stays
        sums = np.zeros((len(stays.grid), self.frames, 3))
        counts = np.zeros((len(stays.grid), self.frames))
        done = 0
        for block in displacement_blocks(self._trajectory, stays.ions, stays.drift):
            rows = slice(done, done + len(block))
            paths = np.ascontiguousarray(self._frame.axes @ block)
            add_displacements(paths, stays.inside[rows], stays.last[rows], stays.grid, condition, sums, counts)
            done += len(block)
        return Origins(stays.grid, sums, counts)


def slopes(msd: Floats, grid: NDArray[np.intp], interval: float) -> Floats:
    """Half the slope between each lag and twice that lag."""
    double = np.interp(2.0 * grid, grid, msd, right=np.nan)
    return np.asarray((double - msd) / (2.0 * grid * interval))
