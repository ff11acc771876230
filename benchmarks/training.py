"""Speed of training: python benchmarks/training.py [--help]

Fits 200 configurations of 32 atoms at level 8 from several seeds, and at level 14, beside motep (`pip install
'.[bench]'`) in the same process, on one core; prints after how much processor time the loss of MLIP-3 passes given
values, and what it ends at. Then the cost of a pass over the data per atom, and how far its derivatives are from finite
differences.

The data are those in a folder shared/ beside the checkout (or where BETALPS_SHARED points), else any given with
--train and --valid, else made here: rattled crystals labelled by the bundled potential.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # motep's numpy, too: one core for everybody

import argparse
import contextlib
import tempfile
import time
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read

from betalps import MTP, _core
from betalps.potentials import Potential
from betalps.structures import beta_li3ps4
from betalps.training import FitSettings, TrainingResult, Weights, evaluate, fit
from betalps.training.labels import read_labels
from betalps.training.problem import Problem
from betalps.training.starts import random_radial

SPECIES = ("Li", "P", "S")
SHARED = Path(os.environ.get("BETALPS_SHARED", Path(__file__).resolve().parents[2] / "shared"))


class OutOfTime(Exception):
    """The budget of processor time is spent."""


def reference_data() -> tuple[list[Atoms], list[Atoms]] | None:
    folder = SHARED / "reference" / "mtp" / "train"
    if not folder.is_dir():
        return None
    return read(folder / "train.extxyz", ":"), read(folder / "valid.extxyz", ":")


def made_data(count: int, seed: int) -> list[Atoms]:
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(count):
        atoms = beta_li3ps4()
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.02 * rng.normal(size=(3, 3))), scale_atoms=True)
        atoms.positions += 0.15 * rng.normal(size=(32, 3))
        atoms.calc = MTP("beta-lps", threads=1)
        energy, forces, stress = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces, stress=stress)
        frames.append(atoms)
    return frames


def first_below(result: TrainingResult, loss: float) -> float:
    """CPU seconds until the loss on all data was this low; infinite if it never was."""
    most = result.history[-1].configurations
    times = [i.cpu_seconds for i in result.history if i.configurations == most and i.loss <= loss]
    return times[0] if times else np.inf


def ours(
    train: list[Atoms], valid: list[Atoms], level: int, seeds: range, targets: tuple[float, ...], settings: FitSettings
) -> None:
    rows = []
    for seed in seeds:
        result = fit(train, level, validation=valid, seed=seed, settings=settings, threads=1)
        assert result.held_out is not None
        median = float(np.median(result.held_out.losses))
        reached = [first_below(result, target) for target in targets]
        rows.append([*reached, result.cpu_seconds, result.training.loss, result.held_out.loss, median])
        print(f"  seed {seed}: {text(rows[-1], targets)}", flush=True)
    print(f"  median: {text(np.median(rows, axis=0).tolist(), targets)}")


def text(row: list[float], targets: tuple[float, ...]) -> str:
    parts = [f"{target:.3g} after {seconds:.1f} s" for target, seconds in zip(targets, row, strict=False)]
    end, loss, held, median = row[len(targets) :]
    return f"{', '.join(parts)}; ends at {loss:.3g} after {end:.1f} s, held out {held:.3g} (median {median:.2g})"


def motep(train: list[Atoms], level: int, targets: tuple[float, ...], budget: float) -> None:
    """The same loss, from random coefficients, by motep's BFGS on all coefficients."""
    try:
        from motep.io.mlip.mtp import read_mtp
        from motep.loss import LossFunction, LossSetting
        from motep.optimizers import make_optimizer
    except ImportError:
        print("  motep is not installed")
        return
    shortest = min(a.get_all_distances(mic=True)[np.triu_indices(len(a), 1)].min() for a in train)
    potential = Potential.from_level(level, SPECIES, cutoff=5.0, min_dist=0.99 * shortest, rng=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "start.mtp"
        path.write_bytes(potential.to_bytes("mtp"))
        data = read_mtp(path)
    data.species = [int(z) for z in Atoms(SPECIES).numbers]
    size = len(train[0])  # it divides by the square of the number of atoms
    setting = LossSetting(energy_weight=size, stress_weight=0.001 * size, forces_per_atom=False)
    found: list[tuple[float, float]] = []
    begin = time.process_time()

    class Timed(LossFunction):
        def __call__(self, parameters):
            value = super().__call__(parameters)
            found.append((time.process_time() - begin, float(value)))
            if found[-1][0] > budget:
                raise OutOfTime
            return value

    loss = Timed(train, data, setting, engine="cext")
    with contextlib.suppress(OutOfTime):
        make_optimizer("minimize")(loss).optimize(method="BFGS")
    check = evaluate(potential, train, threads=1).loss
    if not np.isclose(found[0][1], check, rtol=1e-6):
        message = f"motep's loss is {found[0][1]:.6g}, ours of the same potential {check:.6g}"
        raise RuntimeError(message)
    lowest = np.minimum.accumulate([value for _, value in found])
    reached = [next((t for (t, _), v in zip(found, lowest, strict=True) if v <= target), np.inf) for target in targets]
    parts = [f"{target:.3g} after {seconds:.1f} s" for target, seconds in zip(targets, reached, strict=True)]
    per_atom = found[-1][0] / len(found) / sum(map(len, train)) * 1e6
    print(
        f"  {', '.join(parts)}; at {lowest[-1]:.3g} after {found[-1][0]:.0f} s and {len(found)} evaluations, "
        f"{per_atom:.0f} µs per atom each"
    )


def passes(train: list[Atoms], level: int) -> None:
    """Cost of one pass over the data, and its derivatives against differences of the loss."""
    samples = read_labels(train)
    form = Potential.from_level(level, SPECIES, cutoff=5.0, min_dist=1.6)
    atoms = sum(map(len, train))
    rng = np.random.default_rng(0)
    for isa in _core.available_isas():
        problem = Problem(form, samples, Weights(), references=np.zeros(3), threads=1, penalty=1e-6, isa=isa)
        radial = random_radial(problem.radial_shape, np.ones((3, 3), bool), rng)
        linear = rng.normal(size=form.coeffs_count - problem.radial_size)
        members = problem.everything
        times = [
            cpu_time(lambda: problem.equations(radial, linear, members)),
            cpu_time(lambda: problem.linear_equations(radial, members)),
        ]
        d_radial, d_linear = rng.normal(size=radial.shape), rng.normal(size=linear.shape)
        gradient = 2 * problem.equations(radial, linear, members).gradient
        exact = float(gradient @ np.r_[d_radial.ravel(), d_linear])

        def slope(h: float) -> float:
            """Fourth order in h: too large a step truncates, too small a one rounds."""
            a, b, c, d = (problem.loss(radial + s * d_radial, linear + s * d_linear, members) for s in step * h)
            return float(8 * (a - b) - (c - d)) / (12 * h)

        step = np.array([1, -1, 2, -2])
        off = min(abs(slope(h) / exact - 1) for h in (1e-2, 3e-3, 1e-3, 3e-4, 1e-4))
        all_columns, only_linear = (t / atoms * 1e6 for t in times)
        print(
            f"  level {level} {isa}: all columns {all_columns:.1f}, linear ones {only_linear:.1f} µs per atom; "
            f"gradient off by {off:.0e}",
            flush=True,
        )


def cpu_time(function) -> float:
    times = []
    for _ in range(3):
        begin = time.process_time()
        function()
        times.append(time.process_time() - begin)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, help="labelled structures")
    parser.add_argument("--valid", type=Path, help="held-out ones")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--levels", type=int, nargs="+", default=[8, 14])
    parser.add_argument("--motep-seconds", type=float, default=60.0, help="processor time that motep gets")
    arguments = parser.parse_args()
    if arguments.train:
        data = read(arguments.train, ":"), read(arguments.valid, ":")
    else:
        data = reference_data() or (made_data(200, 0), made_data(50, 1))
    train, valid = data
    print(f"{len(train)} + {len(valid)} configurations, {sum(map(len, train))} atoms to train on; processor time")
    print("passes over the data")
    for level in arguments.levels:
        passes(train[:50], level)
    for level in arguments.levels:
        targets = (1.57e-4, 4e-5) if level < 12 else (1.57e-4, 1.2e-5)
        seeds = range(arguments.seeds if level < 12 else min(arguments.seeds, 2))
        print(f"level {level}, betalps from scratch")
        ours(train, valid, level, seeds, targets, FitSettings())
        print(f"level {level}, betalps, one start")
        ours(train, valid, level, seeds, targets, FitSettings(starts=1))
        if arguments.motep_seconds > 0:
            print(f"level {level}, motep")
            motep(train, level, targets, arguments.motep_seconds)


if __name__ == "__main__":
    main()
