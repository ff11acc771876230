"""Energies of boundaries on the command line: the search for a translation, the relaxation, and what is said of it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from betalps.cli.build_files import potential_factory

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.analysis import BoundaryEnergy, BoundaryProgress

_INTERVAL = 5.0  # seconds between two lines of progress


def find_energy(
    atoms: Atoms, crystals: Sequence[Atoms], arguments: argparse.Namespace, name: str = ""
) -> BoundaryEnergy:
    """Relax, telling how far it is."""
    from betalps.analysis import Relaxation, boundary_energy

    how = Relaxation(fmax=arguments.fmax, steps=arguments.steps)
    return boundary_energy(
        atoms, potential_factory(arguments), crystals, relaxation=how, observer=_Told(name, arguments.steps)
    )


def print_energy(found: BoundaryEnergy) -> None:
    """The energy and how good it is."""
    lower, upper = found.bulk_energies
    bulk = f"{lower:.5f} eV/atom" + (f" below, {upper:.5f} above" if abs(upper - lower) > 1e-7 else "")
    mean = "" if found.equivalent else ", the mean of two different boundaries"
    state = "converged" if found.converged else "NOT CONVERGED"
    print(
        f"{'energy':<15} {found.energy:.4f} J/m²{mean}; as built {found.unrelaxed:.4f}\n"
        f"{'relaxation':<15} {state} after {found.steps} steps, largest force {found.force:.4f} eV/Å, normal stress "
        f"{found.stress:.4f} GPa\n"
        f"{'bulk':<15} {bulk}" + ("" if found.bulk_converged else ", NOT CONVERGED") + "\n"
        f"{'expansion':<15} {found.expansion:.3f} Å at each boundary"
    )


def scanned(build: Callable[..., Atoms], options: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """Termination, translation and gaps of the least energy on a grid of rigid translations of thin grains."""
    from betalps.structures import Size, boundary_record, translations

    if arguments.translation is not None:
        raise ValueError("--scan chooses the translation: expected no --translation with it")
    thin = {name: value for name, value in options.items() if name not in {"size", "lattice_planes", "repeats"}}
    small = build(**thin, size=Size(separation=12.0))
    began = time.perf_counter()
    last = [began]

    def tell(done: int, total: int) -> None:
        if time.perf_counter() - last[0] > _INTERVAL:
            last[0] = time.perf_counter()
            print(f"scan: {done} of {total} translations", file=sys.stderr, flush=True)

    found = translations(
        small,
        step=arguments.scan,
        calculator=potential_factory(arguments)(),
        contact=arguments.contact or 0.9,
        widen=(0.0, 0.5),
        observer=tell,
    )
    print(
        f"{'scan':<15} {len(found.scores)} translations, energies as built spread over "
        f"{found.scores.max() - found.scores.min():.2f} eV; {time.perf_counter() - began:.1f} s"
    )
    terminations = boundary_record(small)["terminations"]
    return {"termination": tuple(terminations), "translation": found.translation, "gap": found.gap}


class _Told:
    """An observer that prints a line now and then."""

    def __init__(self, name: str, steps: int) -> None:
        self._name, self._steps, self._last = f"{name}: " if name else "", steps, time.perf_counter()

    def __call__(self, progress: BoundaryProgress) -> None:
        if time.perf_counter() - self._last < _INTERVAL:
            return
        self._last = time.perf_counter()
        gamma = "" if progress.boundary_energy is None else f", {progress.boundary_energy:.4f} J/m²"
        print(
            f"{self._name}{progress.stage}, step {progress.step} of at most {self._steps}{gamma}, largest force "
            f"{progress.force:.3f} eV/Å",
            file=sys.stderr,
            flush=True,
        )
