"""Cutting an extrapolative neighbourhood out of a large structure, into a cell small enough to be labelled.

The method. The structure is taken apart into ions: molecular ones, whose atoms are joined by bonds shorter than given
lengths (P-S 2.7 Å, P-P 2.6 Å, S-S 2.4 Å), and single atoms. The core is every atom within a radius of the centre: the
centre's whole neighbourhood. Ions that reach into the core are kept, and kept whole: no P-S bond is cut.

- A *cluster* is the ions of the core in vacuum, made neutral with the nearest ions of the opposite charge (a Li; or a
  PS4, and then Li).
- A *periodic* cell has the angles of the source's own. Lattice vectors along which the source is long are shortened, to
  a distance of opposite faces that begins at twice the radius and grows until no ions of the core meet across the seam;
  the others are kept. The cell is filled with the ions whose middle lies inside. Where two ions meet across the seam
  closer than the elements come anywhere in the source, times a factor, the one farther from the centre goes; then the
  outermost ions of the charge in excess go until the cell is neutral. Each edge may grow by up to 4 Å where fewer ions
  are lost that way (in a crystal, to its period). The seam is no equilibrium: relax the atoms outside the core with the
  potential (`relax_surroundings`) before an expensive label.

Compare Podryabinkin et al., J. Chem. Phys. 159, 084112 (2023), who cut boxes and relax their outer atoms. Ions and
charges are added here, because a torn or charged cell teaches a potential what the material never does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np

from betalps.active_learning.cells import Source, cluster_cell, periodic_cell
from betalps.active_learning.grading import grade
from betalps.active_learning.ions import find_ions
from betalps.errors import BetalpsError, StructureError
from betalps.typing import Floats, PathLike

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

    from betalps.potentials import Potential


@dataclass(frozen=True, kw_only=True)
class Cutting:
    """How neighbourhoods are cut; the defaults are for lithium thiophosphates.

    Attributes
    ----------
    radius
        Of the core, Å: the potential's cutoff, or a little more.
    kind
        ``"periodic"`` or ``"cluster"``.
    margin
        Added to twice the radius, Å: the least distance of opposite faces of a periodic cell.
    vacuum
        Around a cluster on each side, Å.
    contact
        Two atoms on different sides of the seam may come this fraction of the source's shortest distance close.
    charges
        Formal charge of each element; 0 for others.
    bonds
        Longest bond of pairs of elements that form molecular ions, Å.
    """

    radius: float = 5.0
    kind: Literal["periodic", "cluster"] = "periodic"
    margin: float = 1.0
    vacuum: float = 6.0
    contact: float = 0.9
    charges: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({"Li": 1, "P": 5, "S": -2}))
    bonds: Mapping[tuple[str, str], float] = field(
        default_factory=lambda: MappingProxyType({("P", "S"): 2.7, ("P", "P"): 2.6, ("S", "S"): 2.4})
    )

    def __post_init__(self) -> None:
        if self.kind not in {"periodic", "cluster"}:
            raise ValueError(f"kind is {self.kind!r}; expected 'periodic' or 'cluster'")
        if not self.radius > 0 or self.margin < 0 or self.vacuum < 0 or not 0 <= self.contact <= 1:
            raise ValueError("expected a radius above 0, margin and vacuum of at least 0, and contact from 0 to 1")


def cut(atoms: Atoms, centre: int, settings: Cutting | None = None) -> Atoms:
    """Cut the neighbourhood of an atom out of a structure, by the method of this module.

    Parameters
    ----------
    atoms
        The structure, periodic or not; not changed.
    centre
        Number of the atom.
    settings
        Radius, kind of cell, charges and bonds.

    Returns
    -------
    ase.Atoms
        A new structure without labels. ``arrays["core"]`` marks the atoms that were within the radius; the centre has
        the same neighbourhood as in the source up to it. ``info``: ``cut_centre``, the centre's number here;
        ``cut_charge``, 0 unless the charges cannot be balanced; ``cut_kind``: ``"periodic"``, ``"cluster"``, or
        ``"whole"`` where the source is hardly larger than the cell and is returned as it is.

    Raises
    ------
    StructureError
        There is no such atom, or the structure is not finite.
    """
    settings = settings or Cutting()
    if not 0 <= centre < len(atoms):
        raise StructureError(f"there is no atom {centre} among {len(atoms)}")
    ions = find_ions(atoms, settings.bonds, settings.charges)
    source = Source(atoms, centre, ions, settings.radius)
    if settings.kind == "cluster":
        return cluster_cell(source, settings)
    return periodic_cell(source, settings)


def cut_extrapolative(
    potential: Potential | PathLike,
    frames: Sequence[Atoms],
    *,
    threshold: float = 2.0,
    settings: Cutting | None = None,
    most: int = 5,
    threads: int | None = None,
) -> list[Atoms]:
    """Cut the neighbourhoods that a potential extrapolates to.

    Parameters
    ----------
    potential
        With an active set of neighbourhoods; or its file or name.
    frames
        Structures, for instance of a large simulation.
    threshold
        Neighbourhoods with a grade above it are cut; 2 is the study's threshold for selection.
    settings
        How; the radius is at least the potential's cutoff.
    most
        Largest number per structure: the worst ones, none of them in the core of another.
    threads
        For the grades.

    Returns
    -------
    list of ase.Atoms
        As :func:`cut`, with ``info["cut_frame"]`` and ``info["cut_grade"]``.

    Raises
    ------
    BetalpsError
        The potential has no active set of neighbourhoods.
    """
    from betalps.calculators.engine import as_potential

    potential = as_potential(potential)
    settings = settings or Cutting(radius=potential.cutoff)
    grades = grade(potential, frames, threads=threads)
    if grades.sites is None:
        raise BetalpsError("the active set grades whole configurations; cutting needs one of neighbourhoods")
    found = []
    for number, (atoms, sites) in enumerate(zip(frames, grades.sites, strict=True)):
        for centre in _centres(atoms, sites, threshold, settings.radius)[:most]:
            piece = cut(atoms, centre, settings)
            piece.info.update(cut_frame=number, cut_grade=float(sites[centre]))
            found.append(piece)
    return found


def relax_surroundings(atoms: Atoms, calculator: BaseCalculator, *, fmax: float = 0.5, steps: int = 100) -> Atoms:
    """Relax what lies outside the core, so that the seam of a cut costs no extreme forces.

    Parameters
    ----------
    atoms
        What :func:`cut` returned; not changed.
    calculator
        A cheap one: the potential itself.
    fmax
        Largest force to stop at, eV/Å.
    steps
        Most steps.

    Returns
    -------
    ase.Atoms
        A copy without constraints or calculator; the core has not moved.
    """
    from ase.constraints import FixAtoms
    from ase.optimize import FIRE

    relaxed: Atoms = atoms.copy()
    relaxed.calc = calculator
    relaxed.set_constraint(FixAtoms(mask=relaxed.arrays["core"]))
    FIRE(relaxed, logfile=None).run(fmax=fmax, steps=steps)
    relaxed.set_constraint()
    relaxed.calc = None
    return relaxed


def _centres(atoms: Atoms, sites: Floats, threshold: float, radius: float) -> list[int]:
    """Atoms above the threshold, the worst first, none nearer to a worse one than the radius."""
    chosen: list[int] = []
    covered = np.zeros(len(atoms), dtype=np.bool_)
    for atom in np.argsort(-sites, kind="stable").tolist():
        if sites[atom] <= threshold:
            break
        if not covered[atom]:
            chosen.append(atom)
            covered |= atoms.get_distances(atom, range(len(atoms)), mic=bool(atoms.pbc.any())) < radius
    return chosen
