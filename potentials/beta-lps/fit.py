"""Fit the potential: ``python fit.py data/*.extxyz.xz --output P.almtp [--warm OLD.almtp]``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ase import Atoms

from betalps.active_learning import select
from betalps.datasets import read
from betalps.potentials import Potential
from betalps.training import FitSettings, Weights, fit

WEIGHTS = Weights(energy=7.5, force=0.15, stress=0.02, force_scale=0.3)
COLD_WEIGHT = 10.0
_COLD = 600  # K
_FACTORS = {"melt and glass": 0.7}  # by group
# What no run should come to needs energies that are right to some tenths of eV per atom, no more.
_INSTEAD = {"contact": 0.04, "collapse": 0.01, "droplet": 1e-4, "PS6": 0.6}  # weights by group
# Of the active set: a grade is to tell where the potential is good, not where it only has no well
LEFT_OUT = ("contact", "collapse", "droplet")
SPECIES = ("Li", "P", "S")


def weigh(frames: list[Atoms], cold: float = COLD_WEIGHT, **instead: float) -> None:
    """Say how much each frame counts: those up to 600 K, and those of groups that are named."""
    weights = {**_INSTEAD, **instead}
    for atoms in frames:
        group = atoms.info["group"]
        usual = (cold if atoms.info["temperature_K"] <= _COLD else 1.0) * _FACTORS.get(group, 1.0)
        atoms.info["config_weight"] = weights.get(group, usual)


def main() -> None:
    """Fit, select the active set, and say how good it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("data", nargs="+", type=Path)
    add("--output", type=Path, required=True)
    add("--name", default="beta-lps")
    add("--level", type=int, default=14)
    add("--cutoff", type=float, default=5.0)
    add("--radial-size", type=int, default=12)
    add("--min-dist", type=float)
    add("--warm", type=Path, help="begin at the radial functions of this potential, of this or a lower level")
    add("--energy-weight", type=float, default=WEIGHTS.energy)
    add("--force-weight", type=float, default=WEIGHTS.force)
    add("--stress-weight", type=float, default=WEIGHTS.stress)
    add("--force-scale", type=float, default=WEIGHTS.force_scale)
    add("--cold-weight", type=float, default=COLD_WEIGHT, help="weight of frames up to 600 K")
    add("--group-weight", nargs=2, action="append", default=[], metavar=("GROUP", "WEIGHT"), help="of all its frames")
    add("--starts", type=int, default=4)
    add("--iterations", type=int, default=60)
    add("--seed", type=int, default=1)
    add("--no-active-set", action="store_true")
    add("--threads", type=int, default=2)
    arguments = parser.parse_args()
    frames = read(arguments.data).frames
    weigh(frames, arguments.cold_weight, **{group: float(weight) for group, weight in arguments.group_weight})
    weights = Weights(
        energy=arguments.energy_weight,
        force=arguments.force_weight,
        stress=arguments.stress_weight,
        force_scale=arguments.force_scale,
    )
    result = fit(
        frames,
        _grown(arguments) if arguments.warm else arguments.level,
        cutoff=arguments.cutoff,
        radial_size=arguments.radial_size,
        min_dist=arguments.min_dist,
        weights=weights,
        settings=FitSettings(starts=arguments.starts, iterations=arguments.iterations),
        warm_start=bool(arguments.warm),
        groups=("group", "temperature_K"),
        seed=arguments.seed,
        threads=arguments.threads,
        checkpoint=arguments.output.with_suffix(".checkpoint"),
        observer=lambda it: print(
            it.leg, it.number, it.configurations, f"{it.loss:.6g} {it.cpu_seconds:.0f} s", flush=True
        ),
    )
    potential = result.potential.replace(name=arguments.name)
    if not arguments.no_active_set:
        known = [atoms for atoms in frames if atoms.info["group"] not in LEFT_OUT]
        potential = select(potential, known, threads=arguments.threads).potential
    potential.write(arguments.output)
    arguments.output.with_suffix(".fit.json").write_text(
        json.dumps(result.to_dict(), indent=1) + "\n", encoding="utf-8"
    )
    print(*result.flags, sep="\n")
    print("training:", _line(result.training.overall))


def _grown(arguments: argparse.Namespace) -> Potential:
    """The potential to begin at, with the level and the radial basis asked for.

    Further basis functions have coefficient zero; further radial functions, of a higher level, are random. The linear
    coefficients are solved for anew by the fit.
    """
    given = Potential.read(arguments.warm, SPECIES)
    grown = Potential.from_level(
        arguments.level,
        SPECIES,
        cutoff=given.cutoff,
        min_dist=given.min_dist,
        radial_size=arguments.radial_size,
        rng=arguments.seed,
    )
    radial, known = grown.core.radial_coeffs.copy(), given.core.radial_coeffs
    count, size = known.shape[2:]
    radial[:, :, :count] = 0.0
    radial[:, :, :count, :size] = known
    return grown.replace(radial_coeffs=radial)


def _line(errors) -> str:
    return (
        f"{errors.configurations} frames, {1e3 * errors.energy.mae:.2f} (median {1e3 * errors.energy.median:.2f}) "
        f"meV/atom, {1e3 * errors.force.mae:.1f} ({1e3 * errors.force.median:.1f}) meV/Å, {errors.stress.mae:.3f} GPa"
    )


if __name__ == "__main__":
    main()
