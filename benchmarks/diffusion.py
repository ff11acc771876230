"""Is the uncertainty of D what it claims to be? (How fast D is: analysis_msd.py.)

For each kind of motion many replicas with a known diffusion coefficient: the true scatter of the estimates,
the error that is claimed (root mean square), and how often the 95 % interval holds the truth. Three ways on
the same replicas:

ols       ordinary least squares over all lags up to half of the run, error from the residuals (as pymatgen does)
brownian  our line by generalised least squares, the error of independent Brownian particles
betalps   the same line, the wider of that error and the one from the scatter between blocks of time

Where D is not resolved, the interval of betalps reaches from zero to the upper bound. Then the same for what ions do
together (charge diffusivity and Haven ratio), and for regions: a slab of 10 Å in another medium, by each method.

    python benchmarks/diffusion.py [--replicas 400] [--case NAME] [--collective | --regional]
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "analysis"))

from walks import Case, Slab, brownian, cases, wrapped

from betalps.analysis import (
    REGIONAL_METHODS,
    Diffusion,
    collective_diffusion,
    diffusion,
    regional_diffusion,
)
from betalps.structures.regions import slab_region


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


def tell(name: str, what: str, truth: float, rows: list[tuple[float, tuple[float, float]]]) -> None:
    """A line of the table, from values and their intervals."""
    values = np.array([value for value, _ in rows])
    claimed = np.array([np.log(high / low) / 3.92 if low > 0.0 else np.nan for _, (low, high) in rows])
    held = np.mean([low <= truth <= high for _, (low, high) in rows])
    print(
        f"{name:28s} {what:9s} {truth:8.5f} {np.nanmean(values):9.5f} {np.nanstd(values):9.5f} "
        f"{np.nanmean(claimed * values):9.5f} {held:9.1%}",
        flush=True,
    )


def calibrate_collective(replicas: int) -> None:
    for group in (1, 8):
        results = [
            collective_diffusion(wrapped(brownian(np.random.default_rng([20231, k]), 500, 64, 0.3, group)))
            for k in range(replicas)
        ]
        name = f"groups of {group}"
        tell(name, "charge D", 0.3 * group, [(r.total.diffusivity, r.total.interval) for r in results])
        tell(name, "Haven", 1.0 / group, [(r.haven_ratio, r.haven_interval) for r in results])


SLABS = {
    "slab of the design note": Slab(ions=300, frames=600, interval=0.5),
    "slab, ions rattle 0.3 Å": Slab(ions=300, frames=600, interval=0.5, rattle=0.3),
    "anisotropic slab": Slab(inside=(0.1, 0.03), ions=300, frames=600, interval=0.5),
    "slab like its surroundings": Slab(outside=(0.1, 0.1), ions=300, frames=600, interval=0.5),
    "slow slab, fast around": Slab(inside=(0.02, 0.02), outside=(0.1, 0.1), ions=300, frames=600, interval=0.5),
}


def calibrate_regional(replicas: int) -> None:
    for name, slab in SLABS.items():
        region = slab_region(slab.length * np.eye(3), 0.5 * slab.length, slab.thickness)
        for method in REGIONAL_METHODS if name == "slab of the design note" else REGIONAL_METHODS[:1]:
            results = []
            for replica in range(replicas):
                walk = slab.trajectory(np.random.default_rng([20232, replica]))
                try:
                    results.append(regional_diffusion(walk, region, method=method))
                except ValueError as error:
                    print(f"{name}: {error}")
                    break
            if not results:
                continue
            lateral, normal = slab.inside
            label = f"{name}, {method}"[:44]
            print(label)
            tell("", "lateral", lateral, [(r.lateral.diffusivity, r.lateral.interval) for r in results])
            tell("", "normal", normal, [(r.normal.diffusivity, r.normal.interval) for r in results])
            tell("", "xi", normal / lateral, [(r.xi, r.xi_interval) for r in results])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicas", type=int, default=400)
    parser.add_argument("--case", action="append", help="only this one; may be repeated")
    parser.add_argument("--collective", action="store_true", help="only charge diffusivities and Haven ratios")
    parser.add_argument("--regional", action="store_true", help="only regions")
    options = parser.parse_args()
    only = options.collective or options.regional
    print(
        f"{'motion':28s} {'estimate':9s} {'true D':>8s} {'mean':>9s} {'scatter':>9s} {'claimed':>9s} "
        f"{'coverage':>9s}  resolved   (Å²/ps; 64 ions, 500 frames, 25 ps; {options.replicas} replicas)"
    )
    if not only:
        for case in cases():
            if not options.case or case.name in options.case:
                calibrate(case, options.replicas)
    if options.collective or not (only or options.case):
        calibrate_collective(options.replicas)
    if options.regional or not (only or options.case):
        calibrate_regional(options.replicas)


if __name__ == "__main__":
    main()
