"""Boundary energy: what a grain boundary costs per area, γ = (E - N e_bulk) / 2A."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, TypeVar

import numpy as np

from betalps.analysis.energetics._boundary_bulk import bulks_of
from betalps.analysis.energetics.relaxation import Relaxation, relax
from betalps.analysis.result import Result
from betalps.errors import StructureError
from betalps.structures.boundaries.record import boundary_record, mark
from betalps.typing import Floats, Json
from betalps.units import EV_PER_ANGSTROM3_TO_GPA

if TYPE_CHECKING:
    from ase import Atoms

CalculatorFactory: TypeAlias = Callable[[], Any]
_Thing = TypeVar("_Thing")
Optimizer: TypeAlias = Literal["FIRE", "LBFGS"]

_SAME_CELL = 1e-3  # Å
_J_PER_M2 = 0.1 * EV_PER_ANGSTROM3_TO_GPA  # of 1 eV/Å²: 1 GPa Å is 0.1 J/m²


@dataclass(frozen=True, kw_only=True)
class BoundaryProgress:
    """How far a boundary energy is.

    Attributes
    ----------
    stage
        ``"bulk"``, then ``"boundary"``.
    step
        Steps of the relaxation done.
    energy
        In eV, of what is being relaxed.
    force
        The largest, in eV/Å.
    boundary_energy
        γ as it stands, in J/m²; None while the bulk is relaxed.
    """

    stage: Literal["bulk", "boundary"]
    step: int
    energy: float
    force: float
    boundary_energy: float | None


Observer: TypeAlias = Callable[[BoundaryProgress], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class BoundaryEnergy(Result):
    """The energy of a grain boundary, and what it was computed from.

    Attributes
    ----------
    name
        What the boundary is.
    energy
        γ, relaxed; the mean of the two boundaries where they differ.
    unrelaxed
        γ of the structure as built, against the bulk as built.
    equivalent
        Whether the two boundaries were the same when built: if not, `energy` is a mean of two. None: not known.
    area
        Of one boundary.
    total_energy
        Of the relaxed structure.
    bulk_energies
        Of the relaxed bulk of the lower and of the upper grain, strained in the plane as the grain is, per atom.
    strains
        The largest principal strain in the plane of either grain.
    expansion
        How much thicker a boundary makes the relaxed structure than the relaxed bulk of as many atoms.
    steps
        Of the relaxation of the boundary.
    converged, force
        Whether its limit was reached, and the largest force on an atom left.
    stress
        Normal stress left along z.
    bulk_converged
        Whether every bulk reference reached the limit.
    atoms
        The relaxed structure without calculator, its record brought up to date. Not part of `to_dict`.
    bulks
        The relaxed bulk of the lower and of the upper grain. Not part of `to_dict`.
    parameters
        Of the relaxation; the record's translation, gaps and terminations.
    """

    name: str
    energy: float
    unrelaxed: float
    equivalent: bool | None
    area: float
    total_energy: float
    bulk_energies: tuple[float, float]
    strains: tuple[float, float]
    expansion: float
    steps: int
    converged: bool
    force: float
    stress: float
    bulk_converged: bool
    atoms: Atoms
    bulks: tuple[Atoms, Atoms]
    parameters: Json

    units: ClassVar[dict[str, str]] = {
        "energy": "J/m^2",
        "unrelaxed": "J/m^2",
        "area": "angstrom^2",
        "total_energy": "eV",
        "bulk_energies": "eV/atom",
        "expansion": "angstrom",
        "force": "eV/angstrom",
        "stress": "GPa",
    }

    def to_dict(self) -> Json:
        """As `Result.to_dict`, without the structures."""
        found = super().to_dict()
        del found["atoms"], found["bulks"]
        return found


def boundary_energy(
    atoms: Atoms,
    calculator: CalculatorFactory,
    crystal: Atoms | Sequence[Atoms],
    *,
    relaxation: Relaxation | None = None,
    observer: Observer | None = None,
) -> BoundaryEnergy:
    """Relax a grain boundary and find its energy per area.

    γ = (E - Σ n_g e_g) / 2A with the n_g atoms of either grain and the energy e_g per atom of its crystal, strained in
    the plane as the grain is: strain that a twist was built with is not counted as boundary. The bulk relaxes with its
    in-plane cell fixed, the boundary with its cell free along the normal only.

    Parameters
    ----------
    atoms
        A periodic bicrystal of `betalps.structures`. It is not changed.
    calculator
        Called without arguments, once for the boundary and once for each bulk; gives an ASE calculator.
    crystal
        What the boundary was built of; of two crystals both, the lower grain's first.
    relaxation
        The default is `Relaxation()`.
    observer
        Called with a `BoundaryProgress` before the first step and after each.

    Returns
    -------
    BoundaryEnergy

    Raises
    ------
    StructureError
        `atoms` is no boundary, or not made of whole formula units of its crystals: its energy would depend on chemical
        potentials. Or an energy is not finite.
    ValueError
        A slab, which has surfaces too; or a crystal that the boundary was not built of.

    Notes
    -----
    The bulk is free to shear out of the plane, xz and yz, as the grains of a symmetric tilt are, which shear opposite
    ways without moving at the boundaries. A crystal relaxed with the same calculator has no need to, and is the better
    start.

    Examples
    --------
    >>> from ase.calculators.emt import EMT
    >>> from ase.build import bulk
    >>> from betalps.structures import tilt
    >>> copper = bulk("Cu", a=3.5898, cubic=True)
    >>> twin = tilt(copper, "(111)", translation=(1 / 3, 1 / 3), gap=0.0, lattice_planes=6)
    >>> round(abs(boundary_energy(twin, EMT, copper).energy), 2)
    0.0
    """
    how = Relaxation() if relaxation is None else relaxation
    record = boundary_record(atoms)
    crystals = _checked(atoms, record, crystal)
    bulks = bulks_of(record, crystals)
    references = [relax(bulk, calculator(), how, free="out of plane", observer=_teller(observer)) for bulk in bulks]
    lower, upper = _both(references)
    shares = _shares(atoms, [lower.atoms, upper.atoms])

    def gamma(energy: float, *, built: bool = False) -> float:
        bulk = [one.start_energy if built else one.energy for one in (lower, upper)]
        return _per_area(energy - float(shares @ bulk), atoms)

    end = relax(atoms, calculator(), how, free="normal", observer=_teller(observer, gamma))
    bulk_volume = shares @ [one.atoms.get_volume() for one in (lower, upper)]
    area = _area(atoms)
    return BoundaryEnergy(
        name=_name(record),
        energy=gamma(end.energy),
        unrelaxed=gamma(end.start_energy, built=True),
        equivalent=record["equivalent"]["equivalent"],
        area=area,
        total_energy=end.energy,
        bulk_energies=(lower.energy / len(lower.atoms), upper.energy / len(upper.atoms)),
        strains=(_largest(record["strains"][0]), _largest(record["strains"][1])),
        expansion=float((end.atoms.get_volume() - bulk_volume) / (2 * area)),
        steps=end.steps,
        converged=end.converged,
        force=end.force,
        stress=float(end.stress[2]),
        bulk_converged=all(one.converged for one in references),
        atoms=_marked(end.atoms, record, float(atoms.cell.array[2, 2])),
        bulks=(lower.atoms, upper.atoms),
        parameters={
            "fmax": how.fmax,
            "steps": how.steps,
            "optimizer": how.optimizer,
            "atoms": len(atoms),
            **{key: record[key] for key in ("terminations", "translation", "gaps", "removed")},
        },
    )


def static_boundary_energy(atoms: Atoms, bulks: Sequence[Atoms], calculator: Any) -> float:
    """γ of a boundary and its bulk as they are, nothing relaxed: what another calculator says of the same structures.

    Parameters
    ----------
    atoms, bulks
        The structures of a `BoundaryEnergy`, or as they come back from a file; one bulk stands for both grains.
    calculator
        An ASE calculator.

    Returns
    -------
    float
        In J/m².

    Raises
    ------
    StructureError
        `atoms` is no boundary, a grain is not made of whole formula units of its bulk, or an energy is not finite.
    ValueError
        Neither one bulk nor two, or `atoms` is no periodic bicrystal.
    """
    _check_bicrystal(atoms, boundary_record(atoms))
    if len(bulks) not in {1, 2}:
        raise ValueError(f"{len(bulks)} bulks: expected one, or that of the lower and that of the upper grain")
    _check_stoichiometry(atoms, boundary_record(atoms), _both(bulks))
    as_it_is = Relaxation(steps=0)
    total, *references = (relax(one, calculator, as_it_is, free="nothing").energy for one in (atoms, *bulks))
    return _per_area(total - float(_shares(atoms, _both(bulks)) @ _both(references)), atoms)


def boundary_energies(
    boundaries: Mapping[str, Atoms | Callable[[], Atoms]],
    calculator: CalculatorFactory,
    crystal: Atoms | Sequence[Atoms],
    *,
    relaxation: Relaxation | None = None,
    observer: Callable[[str, BoundaryProgress], None] | None = None,
) -> Iterator[tuple[str, BoundaryEnergy]]:
    """Energies of several boundaries, one after the other, each handed over as soon as it is known.

    Parameters
    ----------
    boundaries
        Structures by name, or functions that build them, as `reference_study` gives.
    calculator, crystal, relaxation
        As for `boundary_energy`; all are built of the same crystal.
    observer
        Called with the name and a `BoundaryProgress`.

    Yields
    ------
    tuple of str and BoundaryEnergy
        The name, and the energy.
    """
    for name, entry in boundaries.items():
        atoms = entry() if callable(entry) else entry

        def tell(progress: BoundaryProgress, name: str = name) -> None:
            if observer is not None:
                observer(name, progress)

        yield name, boundary_energy(atoms, calculator, crystal, relaxation=relaxation, observer=tell)


def _teller(
    observer: Observer | None, gamma: Callable[[float], float] | None = None
) -> Callable[[int, float, float], None]:
    def tell(step: int, energy: float, force: float) -> None:
        if observer is not None:
            observer(
                BoundaryProgress(
                    stage="bulk" if gamma is None else "boundary",
                    step=step,
                    energy=energy,
                    force=force,
                    boundary_energy=None if gamma is None else gamma(energy),
                )
            )

    return tell


def _area(atoms: Atoms) -> float:
    return float(np.linalg.norm(np.cross(*atoms.cell.array[:2])))


def _per_area(excess: float, atoms: Atoms) -> float:
    """Of an energy in eV, shared by two boundaries, in J/m²."""
    return _J_PER_M2 * excess / (2 * _area(atoms))


def _shares(atoms: Atoms, bulks: Sequence[Atoms]) -> Floats:
    """How much of its bulk is in either grain."""
    return np.asarray(np.bincount(atoms.arrays["grain"], minlength=2) / [len(one) for one in bulks])


def _both(one_or_two: Sequence[_Thing]) -> list[_Thing]:
    """One of either grain, where one is for both."""
    return [one_or_two[0], one_or_two[-1]]


def _checked(atoms: Atoms, record: Json, crystal: Atoms | Sequence[Atoms]) -> list[Atoms]:
    """The crystals of the lower and the upper grain, if there is a boundary energy to be found with them."""
    from ase import Atoms as AseAtoms

    _check_bicrystal(atoms, record)
    given = [crystal] if isinstance(crystal, AseAtoms) else list(crystal)
    if len(given) not in {1, 2}:
        raise ValueError(f"{len(given)} crystals: expected one, or that of the lower and that of the upper grain")
    for which, one, was in zip(("lower", "upper"), _both(given), _both(record["crystals"]), strict=True):
        formula = one.get_chemical_formula("metal")
        if formula != was["formula"] or not np.allclose(one.cell.array, was["cell"], atol=_SAME_CELL, rtol=0):
            raise ValueError(
                f"crystal {formula} with cell lengths {one.cell.lengths().round(3).tolist()} Å is not what the {which} "
                f"grain was cut from: {was['formula']}, {np.linalg.norm(was['cell'], axis=1).round(3).tolist()} Å"
            )
    _check_stoichiometry(atoms, record, _both(given))
    return _both(given)


def _check_bicrystal(atoms: Atoms, record: Json) -> None:
    if None in record["planes"]:
        raise ValueError(f"{_name(record)} has a glass on one side: expected two crystals, whose bulk is a reference")
    if len(record["boundaries"]) != 2 or not all(atoms.pbc):
        raise ValueError(
            f"{_name(record)} is a slab, whose surfaces cost energy too: expected a periodic bicrystal, built without "
            "vacuum"
        )


def _check_stoichiometry(atoms: Atoms, record: Json, crystals: list[Atoms]) -> None:
    symbols = np.array(atoms.get_chemical_symbols())
    for grain, (which, crystal) in enumerate(zip(("lower", "upper"), crystals, strict=True)):
        there = Counter(symbols[atoms.arrays["grain"] == grain].tolist())
        formula = Counter(crystal.get_chemical_symbols())
        if set(there) != set(formula) or len({there[symbol] / formula[symbol] for symbol in formula}) > 1:
            raise StructureError(
                f"{_name(record)}: the {which} grain holds "
                f"{' '.join(f'{n} {symbol}' for symbol, n in sorted(there.items()))}: expected a multiple of "
                f"{crystal.get_chemical_formula('metal', empirical=True)}; off stoichiometry γ depends on the chemical "
                "potentials"
            )


def _marked(relaxed: Atoms, record: Json, height: float) -> Atoms:
    """The relaxed structure with its record: the boundaries move with the cell."""
    stretch = float(relaxed.cell.array[2, 2]) / height
    mark(relaxed, {**record, "boundaries": [stretch * z for z in record["boundaries"]]})
    return relaxed


def _largest(strain: Sequence[Sequence[float]]) -> float:
    return float(np.abs(np.linalg.eigvalsh(np.array(strain))).max())


def _name(record: Json) -> str:
    """The literature's name, or kind and planes."""
    if record.get("name"):
        return str(record["name"])
    planes = ["(" + " ".join(map(str, plane)) + ")" for plane in record["planes"] if plane is not None]
    return f"{record['kind']} {' against '.join(dict.fromkeys(planes))}"
