"""Draw test structures: ``python held_out.py P.almtp FOLDER --output test.extxyz.xz``; killed, it goes on.

Crystals, strained ones, the melt, the glass and amorphous/crystal interfaces at 300 to 2000 K, in cells of 32, 64 and
128 atoms, from runs that nothing is trained on. With ``--boundaries`` instead the six boundaries of the study.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms

from betalps.datasets import strained, write
from betalps.protocols import Grading, RunSpec, Stage
from betalps.structures import (
    Size,
    beta_li3ps4,
    beta_li3ps4_sites,
    gamma_li3ps4,
    packed_interface,
    random_filling,
    random_glass,
)
from betalps.studies import HeldOutRun, boundary_test_runs, draw_held_out

_MELTS = 1200  # K
_BREAK = 100.0  # a run that extrapolates further is begun anew
_SMALL, _LARGE = (1, 1, 1), (1, 2, 2)  # cells of 32 and 128 atoms


def runs(potential: str, seed: int) -> Iterator[HeldOutRun]:
    """All runs; the name of each, with `seed`, decides its random numbers."""
    for name, group, atoms, temperature, stages in (*_crystals(seed), *_strained(seed), *_disordered(seed)):
        spec = RunSpec(
            stages=stages,
            potential=potential,
            seed=_number(name, seed),
            grade=Grading(every=10, gamma_select=_BREAK, gamma_break=_BREAK),
            threads=1,
            checkpoint_interval=5.0,
        )
        yield HeldOutRun(name=name, group=group, atoms=atoms, temperature=float(temperature), spec=spec)


def _number(name: str, seed: int) -> int:
    return int(np.random.SeedSequence([seed, zlib.crc32(name.encode())]).generate_state(1)[0])


def _held(temperature: float, time: float, frames: int, ensemble: str = "npt") -> tuple[Stage, ...]:
    """1 ps, then frames evenly over `time` (ps); of a melt only the volume is free."""
    free = {"free": "cell" if temperature <= _MELTS else "isotropic"} if ensemble == "npt" else {}
    shared = {"temperature": temperature, "ensemble": ensemble, **free}
    return (
        Stage(name="equilibrate", time=1.0, production=False, **shared),
        Stage(name="produce", time=time, frame_interval=time / frames, **shared),
    )


def _quenched(temperature: float, melt: float) -> tuple[Stage, ...]:
    """Melted, cooled at 100 K/ps and held."""
    cool = max(0.1, (melt - temperature) / 100)
    return (
        Stage(name="melt", time=5.0, temperature=melt, production=False),
        Stage(name="cool", time=cool, temperature=melt, final_temperature=temperature, production=False),
        Stage(name="produce", time=6.0, temperature=temperature, frame_interval=2.0),
    )


def _crystals(seed: int) -> Iterator[tuple]:
    for cells in (_SMALL, _LARGE):
        for temperature in (300, 600, 900, 1200, 1600, 2000):
            for ordering in ("4b4", "random"):
                name = f"beta-{ordering}-{32 * int(np.prod(cells))}/{temperature}K"
                atoms = beta_li3ps4(cells) if ordering == "4b4" else _filled(cells, name, seed)
                yield name, "beta", atoms, temperature, _held(temperature, 9.0, 3)
        gamma = gamma_li3ps4((2, *cells[1:]))
        for temperature in (300, 600, 1200, 2000):
            yield f"gamma-{len(gamma)}/{temperature}K", "gamma", gamma, temperature, _held(temperature, 6.0, 2)


def _filled(cells: tuple[int, int, int], name: str, seed: int) -> Atoms:
    return random_filling(beta_li3ps4_sites(cells), _number(name, seed))


def _strained(seed: int) -> Iterator[tuple]:
    for strain, temperatures in {
        -0.05: (300, 600, 1000, 1600),
        -0.03: (300, 600, 1000),
        0.03: (300, 600, 1000),
        0.05: (300, 600, 1000, 1600),
    }.items():
        for temperature in temperatures:
            name = f"beta{strain:+}/{temperature}K"
            atoms = strained(_filled(_LARGE, name, seed), [strain])[0]
            yield name, "strained", atoms, temperature, _held(temperature, 4.0, 2, "nvt")


def _disordered(seed: int) -> Iterator[tuple]:
    """The melt, the glass, and glass on the crystal, all from units packed at random."""
    crystal = beta_li3ps4()
    for count, depth in ((64, 8.2), (128, 16.4)):
        for temperature in (300, 600, 1000, 2000):
            name = f"glass-{count}/{temperature}K"
            atoms = random_glass(crystal, np.diag([13.1, 12.5, depth]), rng=_number(name, seed))
            group = "melt" if temperature > _MELTS else "glass"
            yield name, group, atoms, temperature, _quenched(temperature, 2000.0)
    for plane in ("(100)", "(010)", "(001)"):
        for temperature in (300, 600, 1000):
            name = f"interface-{plane[1:-1]}/{temperature}K"
            atoms = packed_interface(crystal, plane, _number(name, seed), size=Size(atoms=128, separation=0.0))
            yield name, "interface", atoms, temperature, _quenched(temperature, 1000.0)


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potential", help="name or file of what drives the runs; needs an active set")
    parser.add_argument("folder", type=Path, help="of the runs")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--boundaries", action="store_true", help="the study's six boundaries instead")
    arguments = parser.parse_args()
    potential, seed = arguments.potential, arguments.seed
    plan = boundary_test_runs(potential=potential, seed=seed) if arguments.boundaries else tuple(runs(potential, seed))
    drawn = draw_held_out(plan, arguments.folder, observer=_tell)
    write(drawn.frames, arguments.output)
    print(f"{len(drawn.frames)} frames of {len(plan)} runs")
    for name, why in drawn.broken.items():
        print(f"no attempt came to its end: {name}: {why}")


def _tell(name: str, progress) -> None:
    if progress is None:
        print(name, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
