"""Droplets of part of the elements: ``python droplets.py P.almtp SEED --output X.extxyz.xz``, to be labelled.

Melts of 10,000 atoms come to places that no small cell has: chains of bare P, clusters of bare S. Where no label is
near, a potential may have a deep well there, which then grows. Cells of 30 atoms of S, P, Li, PS2, P2S, Li2S, LiS2 and
LiP, packed at random at four volumes each, are relaxed a little and moved for a few picoseconds at 800 to 2000 K by the
potential itself, which shows its wells.
"""

from __future__ import annotations

import argparse
from itertools import count
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.md.velocitydistribution import thermalize_momenta
from ase.neighborlist import neighbor_list
from ase.optimize import FIRE

from betalps import MTP
from betalps.datasets import write
from betalps.dynamics import UnstableRunError, native
from betalps.potentials import Potential

VOLUMES = {  # Å³ per atom, from and to
    "S": (14, 30),
    "P": (12, 30),
    "Li": (12, 26),
    "PS2": (14, 30),
    "P2S": (13, 30),
    "Li2S": (11, 24),
    "LiS2": (12, 28),
    "LiP": (11, 26),
}
TEMPERATURES = (800.0, 1500.0, 2000.0)  # K
STEPS = (300, 1500, 3000)  # of 1 fs, between frames
_APART = {"LiLi": 2.2, "LiP": 2.1, "LiS": 2.1, "PP": 1.7, "PS": 1.8, "SS": 1.8}  # Å, of packed atoms
_SIZE, _TRIES = 30, 400
_CLOSE = 1.1  # Å: what has come closer is not kept


def packed(formula: str, volume: float, rng: np.random.Generator) -> Atoms:
    """Atoms at random, as far apart as they must be, or nearly so where that cannot be had."""
    unit = Atoms(formula).get_chemical_symbols()
    symbols = unit * (_SIZE // len(unit))
    edge = (volume * len(symbols)) ** (1 / 3)
    for attempt in count():
        places: list[np.ndarray] = []
        for symbol in symbols:
            apart = [0.97**attempt * _APART["".join(sorted((symbol, other)))] for other in symbols[: len(places)]]
            for place in rng.uniform(0, edge, (_TRIES, 3)):
                away = (np.array(places).reshape(-1, 3) - place + edge / 2) % edge - edge / 2
                if (np.linalg.norm(away, axis=1) > apart).all():
                    places.append(place)
                    break
            else:
                break
        if len(places) == len(symbols):
            return Atoms(symbols, places, cell=[edge] * 3, pbc=True)
    raise AssertionError  # count() has no end


def moved(atoms: Atoms, potential: Potential, kelvin: float, rng: np.random.Generator) -> list[Atoms]:
    """What the potential makes of it, until it blows up."""
    frames = [atoms.copy()]
    atoms.calc = MTP(potential, threads=1)
    FIRE(atoms, logfile=None, maxstep=0.1).run(fmax=5.0, steps=60)
    frames.append(atoms.copy())
    thermalize_momenta(atoms, temperature_K=kelvin, rng=rng)
    dynamics = native.NoseHooverChainNVT(atoms, 1 * units.fs, temperature_K=kelvin, tdamp=20 * units.fs)
    try:
        for steps in STEPS:
            dynamics.run(steps)
            frames.append(atoms.copy())
    except UnstableRunError as error:
        print(f"{atoms.symbols.formula:reduce}, {kelvin:g} K: {error}")
    return [frames[0], *frames[1:][-3:]]


def main() -> None:
    """Make them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("potential", type=Path)
    parser.add_argument("seed", type=int)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    potential = Potential.read(arguments.potential, ("Li", "P", "S")).without_active_set()
    rng, found = np.random.default_rng(arguments.seed), []
    for formula, (least, most) in VOLUMES.items():
        for volume in np.linspace(least, most, 4):
            kelvin = float(rng.choice(TEMPERATURES))
            for number, frame in enumerate(moved(packed(formula, volume, rng), potential, kelvin, rng)):
                frame.wrap()
                if len(neighbor_list("i", frame, _CLOSE)):
                    continue
                kept = Atoms(frame.numbers, frame.positions.round(5), cell=frame.cell.array.round(5), pbc=True)
                source = f"droplet-{arguments.seed}-{formula}-{volume:.0f}"
                kept.info = {
                    "group": "droplet",
                    "source": source,
                    "temperature_K": int(kelvin),
                    "time_ps": float(number),
                }
                found.append(kept)
    write(found, arguments.output)
    print(f"{len(found)} structures")


if __name__ == "__main__":
    main()
