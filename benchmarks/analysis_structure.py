"""Structure: all partial RDFs to 10 Å of 12,288 atoms against freud, then the other analyses of a frame.

    python benchmarks/analysis_structure.py [--repeats 5] [--no-peer]

CPU seconds on one thread, best of the repeats, ours and freud's taken in turn.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec

import numpy as np
from ase import Atoms

from betalps.analysis import (
    bond_angles,
    concentration_profile,
    density_grid,
    planar_density,
    polyanions,
    radial_distributions,
)
from betalps.structures import beta_li3ps4

SPECIES = ("Li", "P", "S")


def crystal() -> Atoms:
    """4 × 8 × 12 cells of β-Li3PS4, shaken."""
    atoms = beta_li3ps4((4, 8, 12))
    atoms.rattle(0.12, seed=1)
    atoms.wrap()
    return atoms


def by_freud(atoms: Atoms) -> dict[tuple[str, str], np.ndarray]:
    """The six partials that differ; freud has no species, so that each is a search of its own."""
    import freud

    freud.parallel.set_num_threads(1)
    box = freud.box.Box.from_matrix(atoms.cell.array.T)
    places = {species: atoms.positions[atoms.symbols == species] for species in SPECIES}
    found = {}
    for n, a in enumerate(SPECIES):
        for b in SPECIES[n:]:
            rdf = freud.density.RDF(bins=200, r_max=10.0)
            rdf.compute((box, places[b]), query_points=places[a], neighbors={"r_max": 10.0, "exclude_ii": a == b})
            found[a, b] = rdf.rdf
    return found


def clock(job: Callable[[], object]) -> float:
    start = time.process_time()
    job()
    return time.process_time() - start


def run(arguments: Sequence[str] | None = None) -> list[tuple[str, float, float, str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args(arguments)
    atoms = crystal()
    jobs: dict[str, Callable[[], object]] = {
        "all partial RDFs to 10 Å": lambda: radial_distributions(atoms),
        "polyanions, cutoff given": lambda: polyanions(atoms, cutoff=2.8),
        "S-P-S angles, cutoff given": lambda: bond_angles(atoms, cutoff=2.8),
        "map of Li, 0.25 Å": lambda: planar_density(atoms),
        "density of Li, 0.4 Å": lambda: density_grid(atoms),
        "profile of Li": lambda: concentration_profile(atoms),
    }
    peer = not options.no_peer and find_spec("freud") is not None
    if not peer:
        print("freud is left out, or not installed: pip install freud-analysis")
    if peer:
        jobs["all partial RDFs to 10 Å, freud"] = lambda: by_freud(atoms)
        ours, theirs = radial_distributions(atoms), by_freud(atoms)
        worst = max(np.abs(ours[pair].g - g).max() / g.max() for pair, g in theirs.items())
        print(f"largest difference from freud: {worst:.1e} of the highest peak")
    best = dict.fromkeys(jobs, np.inf)
    for _ in range(options.repeats + 1):  # the first loads what is compiled
        best = {name: min(best[name], clock(job)) for name, job in jobs.items()}
    print(f"{f'{len(atoms):,} atoms, one frame':44s} {'CPU s':>8s}")
    for name, seconds in best.items():
        print(f"{name:44s} {seconds:8.3f}")
    ratio = best["all partial RDFs to 10 Å"] / best.get("all partial RDFs to 10 Å, freud", np.nan)
    return [("all partial RDFs to 10 Å: CPU time over freud's", ratio, 0.5, "")]


def main() -> None:
    run()


if __name__ == "__main__":
    main()
