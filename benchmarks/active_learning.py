"""What active learning costs, misses, and gains: python benchmarks/active_learning.py cost|missed|compare [--help]

cost     time of molecular dynamics with the grade of all atoms watched every 1, 10 and 50 steps, over that of plain
         dynamics: processor time of the same run without its beginning, the shortest of several
missed   hot runs whose grade is looked at in every step, and what a look at every 10th or 50th would have seen of it:
         how many excursions beyond gamma_select it misses, how many steps late it sees gamma_break passed, and how far
         the grade has risen by then
compare  the loop against as many structures drawn at random from runs of the same length, for several seeds: errors on
         the study's test set of six boundaries. Both arms begin with the same labelled crystals, break runs at the same
         grades and leave out the same contacts; the random arm's runs are driven by its own potentials. The labeller is
         any of `betalps label`; by default it is the bundled moment tensor potential itself, so that the numbers show
         what the selection is worth, not what a teacher says.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from betalps import MTP
from betalps.active_learning import ActiveLearning, LoopConfig, label, named_calculator, select
from betalps.active_learning.loop.candidates import Choice, draw
from betalps.active_learning.loop.results import kept_fit
from betalps.datasets import Sampling, read, sample, write
from betalps.dynamics import UnstableRunError, read_thermo, run
from betalps.potentials import Potential, available, load
from betalps.protocols import Grading, RunSpec, single_temperature
from betalps.structures import beta_li3ps4
from betalps.studies import boundary_test_runs, draw_held_out


def cost(arguments: argparse.Namespace) -> None:
    """Ratios of the time of a run with grades to that without."""
    for name in arguments.potentials:
        potential = _graded(load(name))
        size = potential.core.radial_size
        print(f"{name}: level {potential.level}, {size} radial functions, {potential.coeffs_count} coefficients")
        print(f"{'atoms':>6} {'every':>6} {'µs/atom/step':>13} {'over plain':>11}")
        for cells in ((1, 2, 2), (2, 4, 4)):
            atoms = beta_li3ps4(cells)
            steps = max(50, arguments.steps * 128 // len(atoms))
            plain = None
            for every in (None, 50, 10, 1):
                short, long = (
                    min(_time(atoms, potential, every, n * steps) for _ in range(arguments.repeats)) for n in (1, 3)
                )
                taken = (long - short) / 2  # without what a run takes to begin
                plain = plain or taken
                per_atom = 1e6 * taken / steps / len(atoms)
                over = 100 * (taken / plain - 1)
                print(f"{len(atoms):>6} {every or '-':>6} {per_atom:>13.2f} {over:>9.1f} %", flush=True)


def _graded(potential: Potential) -> Potential:
    """With an active set, of rattled crystals if it has none: its cost does not depend on what it holds."""
    if potential.has_active_set:
        return potential
    frames = [beta_li3ps4() for _ in range(12)]
    for number, atoms in enumerate(frames):
        atoms.rattle(0.05 + 0.02 * number, seed=number)
    return select(potential, frames, threads=1).potential


def _time(atoms, potential: Potential, every: int | None, steps: int) -> float:
    spec = _hot("beta-lps", 600.0, 2e-3 * steps, every, 1, 50)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        run(spec, folder, atoms=atoms, calculator=MTP(potential, threads=1))
        return time.process_time() - began


def _hot(potential: str, temperature: float, picoseconds: float, every: int | None, seed: int, log: int) -> RunSpec:
    """A run with a line of the log every so many steps."""
    return RunSpec(
        stages=single_temperature(temperature, production=picoseconds),
        potential=potential,
        frame_interval=1e3,
        thermo_interval=2e-3 * log,
        checkpoint_interval=1e3,
        threads=1,
        seed=seed,
        grade=None if every is None else Grading(every=every, gamma_select=1e8, gamma_break=1e8),
    )


def missed(arguments: argparse.Namespace) -> None:
    """What coarser looks at the grade of hot runs see."""
    series = []
    for temperature in arguments.temperatures:
        for seed in range(arguments.runs):
            with tempfile.TemporaryDirectory() as folder:
                spec = _hot(arguments.potential, temperature, arguments.time, 1, seed, 1)
                try:
                    run(spec, folder, atoms=beta_li3ps4((1, 2, 2)))
                except UnstableRunError as error:
                    print(f"{temperature:g} K, run {seed}: {error}")
                series.append((temperature, read_thermo(folder)["grade"]))
    print(f"{arguments.potential}, 128 atoms, {arguments.runs} runs of {arguments.time:g} ps at each temperature")
    print("excursions: stretches of steps beyond gamma_select = 2; late: steps from the first one beyond gamma_break")
    head = f"{'T, K':>6} {'every':>6} {'excursions':>11} {'missed':>7} {'break':>6} {'runs':>5} {'late, steps':>12}"
    print(f"{head} {'grade there (median, max)':>26} {'runs unseen':>12}")
    for temperature in arguments.temperatures:
        grades = [values[np.isfinite(values)] for kelvin, values in series if kelvin == temperature]
        for every in (1, 10, 50):
            counts = np.array([_excursions(values, every) for values in grades]).sum(axis=0)
            for limit in (10.0, 5.0, 2.0):
                late = [_late(values, every, limit) for values in grades]
                found = [one for one in late if one is not None]
                seen = np.array([one for one in found if one[0] is not None], dtype=float).reshape(-1, 2)
                middle = f"{np.median(seen[:, 0]):.0f}" if len(seen) else "-"
                risen = f"{np.median(seen[:, 1]):.3g}, {seen[:, 1].max():.3g}" if len(seen) else "-"
                print(
                    f"{temperature:>6g} {every:>6} {counts[0]:>11} {counts[1]:>7} {limit:>6g} {len(found):>5} "
                    f"{middle:>12} {risen:>26} {len(found) - len(seen):>12}"
                )


def _excursions(grades, every: int) -> tuple[int, int]:
    """How often the grade is beyond 2 for a stretch of steps, and how many of these contain no look."""
    beyond = np.concatenate([[False], grades > 2.0, [False]]).astype(int)
    starts, ends = np.flatnonzero(np.diff(beyond) == 1), np.flatnonzero(np.diff(beyond) == -1)
    unseen = [-(-start // every) * every >= end for start, end in zip(starts, ends, strict=True)]
    return len(starts), int(sum(unseen))


def _late(grades, every: int, limit: float) -> tuple[float | None, float | None] | None:
    """Steps between the first one beyond the limit and the first look that sees one, and the grade there."""
    beyond = np.flatnonzero(grades > limit)
    if not len(beyond):
        return None
    looks = beyond[beyond % every == 0]
    return (None, None) if not len(looks) else (float(looks[0] - beyond[0]), float(grades[looks[0]]))


class RandomLearning(ActiveLearning):
    """The same loop, but for the choice: as many structures at random, of all that its runs kept."""

    counts: tuple[int, ...] = ()

    def _choose(self, outcomes):
        number = self.state.iteration
        count = self.counts[number - 1] if number <= len(self.counts) else 0
        drawn = draw(
            self._read_potential(number - 1),
            self._shuffled(outcomes),
            replace(self.config.selection, spot_checks=count),
            beside=(),
            room=count,
            known=self._labeller.known,
            threads=1,
        )
        return Choice(frames=(), candidates=0, rejected={}, wanted=0, cut=0, drawn=tuple(drawn))


def compare(arguments: argparse.Namespace) -> None:
    """Errors on the boundaries after the loop, and after as many labels drawn at random."""
    work = Path(arguments.output)
    work.mkdir(parents=True, exist_ok=True)
    _data(work, arguments)
    print(f"labels by {arguments.labeller}; level {arguments.level}; energy MAE (meV/atom), force MAE (meV/Å)")
    print(f"{'seed':>4} {'arm':>7} {'labels':>6} {'begin':>14} {'end':>14}  forces per iteration, and anew", flush=True)
    ends: dict[str, list[tuple[float, float]]] = {"loop": [], "random": []}
    for seed in range(1, arguments.seeds + 1):
        config = _config(work, arguments, seed)
        loop = ActiveLearning(config, work / f"loop-{seed}")
        loop.run()
        counts = tuple(e["label"]["asked"] for e in loop.results()["iterations"] if "label" in e)
        drawn = RandomLearning(config, work / f"random-{seed}")
        drawn.counts = counts
        drawn.run()
        for arm, study in (("loop", loop), ("random", drawn)):
            entries = [entry for entry in study.results()["iterations"] if "fit" in entry]
            fits = [*(entry["fit"] for entry in entries), kept_fit(entries[-1])]
            errors = [fit["errors"]["boundaries"] for fit in fits]
            pairs = [(found["energy_mae"], found["force_mae"]) for found in errors]
            ends[arm].append(pairs[-1])
            steps = " ".join(f"{force:.0f}" for _, force in pairs)
            print(
                f"{seed:>4} {arm:>7} {study.state.labels:>6} {_pair(pairs[0])} {_pair(pairs[-1])}  {steps}", flush=True
            )
    for arm, pairs in ends.items():
        print(f"{arm}, mean of {len(pairs)} seeds: {_pair(np.mean(pairs, axis=0))}")
    (work / "ends.json").write_text(json.dumps(ends) + "\n", encoding="utf-8")


def _pair(errors) -> str:
    return f"{errors[0]:6.2f} {errors[1]:7.1f}"


def _data(work: Path, arguments: argparse.Namespace) -> None:
    """Fifty crystals at 300 K to begin with, and the six boundaries to be tested on, labelled."""
    factory = named_calculator(arguments.labeller)
    if not (work / "start.extxyz.xz").exists():
        settings = Sampling(temperature=300.0, frames=50, interval=0.2, equilibration=1.0)
        frames = sample(beta_li3ps4((1, 1, 2)), MTP(arguments.driver, threads=1), settings, rng=1).frames
        for atoms in frames:
            atoms.info = {"group": "crystal", "temperature_K": 300.0}
            atoms.calc = None
        write(label(frames, factory, folder=work / "labels").frames, work / "start.extxyz.xz")
    if not (work / "boundaries.extxyz.xz").exists():
        runs = boundary_test_runs(potential=arguments.driver, times=tuple(arguments.test_times))
        frames = draw_held_out(runs, work / "held-out").frames
        write(label(frames, factory, folder=work / "labels").frames, work / "boundaries.extxyz.xz")
    print(f"{len(read(work / 'start.extxyz.xz'))} to begin with, {len(read(work / 'boundaries.extxyz.xz'))} to test on")


def _config(work: Path, arguments: argparse.Namespace, seed: int) -> LoopConfig:
    crystal = {"builder": "beta_li3ps4"}
    tilt = {"builder": "tilt", "crystal": crystal, "size": {"atoms": 96, "separation": 0.0}}
    return LoopConfig.from_dict(
        {
            "data": ["start.extxyz.xz"],
            "test": ["boundaries.extxyz.xz"],
            "seed": seed,
            "seeds": [
                {
                    "name": "beta",
                    "structure": {**crystal, "supercell": [1, 1, 2]},
                    "temperatures": [300, 800, 2000],
                    "strains": [-0.05, 0.0, 0.05],
                },
                *(
                    {
                        "name": f"tilt-{plane[1:-1]}",
                        "structure": {**tilt, "plane": plane},
                        "temperatures": [300, 800, 2000],
                        "free": "xyz",
                    }
                    for plane in ("(130)", "(150)")
                ),
            ],
            "exploration": {"time": arguments.time, "gamma_break": [10.0]},
            "selection": {"most": arguments.most, "spot_checks": arguments.spot_checks},
            "labels": {"calculator": arguments.labeller},
            "fit": {"level": arguments.level, "starts": 2, "iterations": 30, "refit_iterations": 12, "threads": 1},
            "budget": {"iterations": arguments.iterations, "labels": 1500},
        },
        work,
    )


def main() -> None:
    """Choose a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    mode = modes.add_parser("cost")
    mode.add_argument("--potentials", nargs="+", default=available(), help="bundled, or files (%(default)s)")
    mode.add_argument("--steps", type=int, default=1000, help="of 128 atoms (%(default)s)")
    mode.add_argument("--repeats", type=int, default=3)
    mode = modes.add_parser("missed")
    mode.add_argument("--potential", default="beta-lps")
    mode.add_argument("--temperatures", type=float, nargs="+", default=[1000.0, 2000.0])
    mode.add_argument("--time", type=float, default=10.0, help="of a run, ps (%(default)s)")
    mode.add_argument("--runs", type=int, default=3, help="at each temperature (%(default)s)")
    mode = modes.add_parser("compare")
    mode.add_argument("--output", default="work-active-learning", help="folder; killed, it goes on (%(default)s)")
    mode.add_argument("--labeller", default="mtp:beta-lps", help="as in betalps label, such as sevennet (%(default)s)")
    mode.add_argument("--driver", default="beta-lps", help="potential that drives the runs of both sets")
    mode.add_argument("--level", type=int, default=8)
    mode.add_argument("--seeds", type=int, default=3)
    mode.add_argument("--iterations", type=int, default=8)
    mode.add_argument("--most", type=int, default=40, help="labels of an iteration that MaxVol chooses (%(default)s)")
    mode.add_argument("--spot-checks", type=int, default=10, help="and that the loop draws at random (%(default)s)")
    mode.add_argument("--time", type=float, default=10.0, help="of a run, ps (%(default)s)")
    mode.add_argument("--test-times", type=float, nargs=3, default=[1.0, 1.0, 2.6], help="ps of the test set's stages")
    arguments = parser.parse_args()
    {"cost": cost, "missed": missed, "compare": compare}[arguments.mode](arguments)


if __name__ == "__main__":
    main()
