"""Is the uncertainty of D what it claims to be, and how fast is D?

For each kind of motion many replicas with a known diffusion coefficient: the true scatter of the estimates,
the error that is claimed (root mean square), and how often the 95 % interval holds the truth. Three ways on
the same replicas:

ols       ordinary least squares over all lags up to half of the run, error from the residuals (as pymatgen
does) brownian  our line by generalised least squares, the error of independent Brownian particles betalps
the same line, the wider of that error and the one from the scatter between blocks of time

Where D is not resolved, the interval of betalps reaches from zero to the upper bound.

    python benchmarks/diffusion.py [--replicas 300] [--case NAME] [--speed]
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from analysis.walks import Case, cases
from betalps.analysis import Diffusion, diffusion, mean_squared_displacement
from betalps.trajectories import Trajectory, displacement_blocks


def ordinary(result: Diffusion) -> tuple[float, float]:
    """Slope and its standard error as if every lag were an independent measurement."""
    half = slice(1, result.frames // 2)
    lags, values = result.msd.lags[half], result.msd.total[half]
    slope, intercept = np.polyfit(lags, values, 1)
    residual = np.sum((values - slope * lags - intercept) ** 2) / (len(lags) - 2)
    return slope / 6, np.sqrt(residual / np.sum((lags - lags.mean()) ** 2)) / 6


def calibrate(case: Case, replicas: int) -> None:
    truth = case.diffusivity
    rows: dict[str, list[tuple[float, float, bool]]] = {"ols": [], "brownian": [], "betalps": []}
    resolved = 0
    for replica in range(replicas):
        result = diffusion(case.trajectory(replica))
        total = result.total
        value, error = ordinary(result)
        rows["ols"].append((value, error, abs(value - truth) < 1.96 * error))
        value, error = total.diffusivity, total.brownian_error
        rows["brownian"].append((value, error, abs(value - truth) < 1.96 * error))
        held = total.interval[0] <= truth <= total.interval[1]
        rows["betalps"].append((value, total.standard_error, held))
        resolved += total.resolved
    for name, row in rows.items():
        values, errors, held = np.array(row).T
        claimed = np.sqrt(np.mean(errors**2))
        note = f"  {resolved / replicas:8.0%}" if name == "betalps" else ""
        print(
            f"{case.name:28s} {name:9s} {truth:8.5f} {values.mean():9.5f} {values.std():9.5f} {claimed:9.5f} "
            f"{held.mean():9.1%}{note}",
            flush=True,
        )


def speed() -> None:
    """A large study: 1000 frames of 12,288 atoms, 4608 of them Li."""
    rng = np.random.default_rng(0)
    frames, atoms = 1000, 12288
    steps = rng.normal(scale=0.003, size=(frames, atoms, 3)).astype(np.float32)
    steps[0] = rng.random((atoms, 3))
    fractional = np.cumsum(steps, axis=0)
    fractional -= np.floor(fractional)
    trajectory = Trajectory(
        symbols=np.repeat(["Li", "P", "S"], [4608, 1536, 6144]),
        fractional=fractional,
        cells=np.diag([52.0, 65.0, 75.0]),
        times=0.02 * np.arange(frames),
        pbc=np.ones(3, dtype=bool),
    )
    jobs = {
        "unwrap 4608 Li": lambda: [None for _ in displacement_blocks(trajectory, trajectory.indices("Li"))],
        "unwrap + MSD, all lags": lambda: mean_squared_displacement(trajectory, remove_drift=False),
        "the same, framework drift removed": lambda: mean_squared_displacement(trajectory),
        "diffusion (all of it)": lambda: diffusion(trajectory),
    }
    print(f"\n{'best of 5, 1000 frames':36s} {'CPU s':>7s} {'wall s':>7s}")
    for name, job in jobs.items():
        best = (np.inf, np.inf)
        for _ in range(5):
            start = time.process_time(), time.perf_counter()
            job()
            best = min(best, (time.process_time() - start[0], time.perf_counter() - start[1]))
        print(f"{name:36s} {best[0]:7.2f} {best[1]:7.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicas", type=int, default=300)
    parser.add_argument("--case", action="append", help="only this one; may be repeated")
    parser.add_argument("--speed", action="store_true", help="only the timings")
    options = parser.parse_args()
    if not options.speed:
        print(
            f"{'motion':28s} {'estimate':9s} {'true D':>8s} {'mean':>9s} {'scatter':>9s} {'claimed':>9s} "
            f"{'coverage':>9s}  resolved   (Å²/ps; 64 ions, 500 frames, 25 ps; {options.replicas} replicas)"
        )
        for case in cases():
            if not options.case or case.name in options.case:
                calibrate(case, options.replicas)
    if options.speed or not options.case:
        speed()


if __name__ == "__main__":
    main()
