"""``betalps build gb --list``: what could be built."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.structures import Candidates


def print_list(crystal: Atoms, upper: Atoms, arguments: argparse.Namespace) -> None:
    """Print the study's boundaries; or the terminations and twists of a plane; or the common cells of two planes."""
    from betalps import structures

    plane, angle = arguments.plane, arguments.angle
    if plane is None and arguments.name is None:
        _print_study()
        return
    if plane is None:
        parsed = structures.parse_name(arguments.name)
        plane = structures.convert_indices(parsed.plane, crystal.cell.array, arguments.setting)
        angle = parsed.angle if angle is None and parsed.kind == "twist" else angle
    limits = {name: getattr(arguments, name) for name in ("max_strain", "max_area", "tolerance", "share")}
    if arguments.plane_b is None:
        _print_terminations(crystal, plane)
        candidates = structures.twist_candidates(crystal, plane, angle, **limits)
    else:
        for one, indices in ((crystal, plane), (upper, arguments.plane_b)):
            _print_terminations(one, indices)
        candidates = structures.asymmetric_candidates(crystal, plane, upper, arguments.plane_b, angle, **limits)
    _print_candidates(candidates, everything=arguments.list == "all")
    if arguments.picture is not None:
        from betalps.reports.candidates import plot_candidates

        plot_candidates(candidates).savefig(arguments.picture, dpi=150)
        print(f"drawn: {arguments.picture}")


def _print_study() -> None:
    from betalps import structures

    print("the reference study, for --reference-study; tilts and twists also for --name")
    for name in structures.REFERENCE_TILTS:
        print(f"  {name:18} tilt")
    for name, angle in structures.REFERENCE_TWISTS.items():
        print(f"  {name:18} twist near {angle}°")
    for plane in structures.REFERENCE_INTERFACES:
        print(f"  {'amorphous/' + plane:18} a glass on the crystal")
    print("give --plane HKL for the terminations and twists of a plane")


def _print_terminations(crystal: Atoms, plane: str | tuple[int, ...]) -> None:
    from betalps import structures

    found = structures.terminations(crystal, plane)
    lattice = structures.plane_lattice(crystal.cell.array, plane)
    sides = " × ".join(f"{math.hypot(*vector):.2f}" for vector in lattice.basis[:2].tolist())
    print(
        f"{crystal.get_chemical_formula('metal')} ({' '.join(map(str, lattice.plane))}): {len(found)} terminations "
        f"in a spacing of {lattice.spacing:.3f} Å; in-plane cell {sides} Å, {lattice.area:.1f} Å²"
    )
    print(f"{'--termination':>13} {'height Å':>9} {'width Å':>8}  below | above")
    for cut in found:
        print(f"{cut.offset:>13.6f} {cut.height:>9.3f} {cut.width:>8.3f}  {cut.below} | {cut.above}")
    print()


def _print_candidates(candidates: Candidates, *, everything: bool) -> None:
    """All, or the best with the numbers that they have among all."""
    from betalps.structures import best_matches

    title, head, *rows = str(candidates).splitlines()
    shown = list(range(len(candidates)))
    if not everything:
        best = {id(match) for match in best_matches([candidate.match for candidate in candidates])}
        shown = [number for number in shown if id(candidates[number].match) in best]
    print(f"{title}: {len(shown)} of {len(candidates)} common cells; # is for --candidate, with the same limits")
    print("\n".join([head, *(rows[number] for number in shown)]))
