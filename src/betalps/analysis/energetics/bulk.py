"""A crystal's lattice, density and moduli: at 0 K with any ASE calculator, or as a run at constant pressure shows them.

The quantities of Table 1 of the reference study (Jalem et al., Energy Adv. 2023, 2, 2029).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import special

from betalps.analysis._frames import block_numbers, scatter
from betalps.analysis._symmetry import space_group
from betalps.analysis.energetics._strained import FINE, Observer, check_crystal, how_relaxed, tell
from betalps.analysis.energetics.elasticity import ElasticTensor, elastic_tensor
from betalps.analysis.energetics.equation_of_state import EquationOfState, equation_of_state
from betalps.analysis.energetics.relaxation import Relaxation, relax
from betalps.analysis.result import Result
from betalps.errors import StructureError
from betalps.trajectories import Trajectory
from betalps.typing import Floats
from betalps.units import GRAM_PER_CM3_PER_U_PER_ANGSTROM3

if TYPE_CHECKING:
    from ase import Atoms

TABLE_1: dict[str, dict[str, float | tuple[float, float]]] = {
    "MTP of the study": {"a": 13.06, "b": 8.12, "c": 6.26, "density": 1.80, "bulk": 30.5, "shear": 9.8},
    "optB88-vdW": {"a": 13.07, "b": 8.13, "c": 6.26, "density": 1.80, "bulk": 22.0, "shear": 11.0},
    "experiment": {
        "a": 13.07,
        "b": 8.02,
        "c": 6.10,
        "density": 1.872,
        "bulk": (10.0, 12.0),
        "shear": (5.0, 6.0),
    },
}
"""β-Li3PS4 in Table 1 of Jalem et al. 2023: Å, g/cm³, GPa; ranges as (low, high). The two computed densities follow
from the cells; the table's own, 1.864 and 1.860 g/cm³, contradict them."""

_CHANCE = 0.01  # that the halves of an equilibrated run differ by more than is allowed


@dataclass(frozen=True, kw_only=True, eq=False)
class Lattice(Result):
    """The lattice of a crystal, of one structure or averaged over a trajectory.

    Attributes
    ----------
    lengths, lengths_error : (3,) array
        a, b and c of one unit cell. Errors are zero for a single relaxed structure, NaN for a single frame.
    angles, angles_error : (3,) array
        α, β and γ.
    volume, volume_error : float
        Of one unit cell.
    density, density_error : float
    lengths_spread : (3,) array
        Standard deviation over the frames: how much the cell breathes, which depends on its size.
    energy : float or None
        Per atom, of a relaxed structure.
    space_group : str or None
        Of a relaxed structure.
    frames : int
    drift : float or None
        Difference of the volume between the halves of a trajectory, in standard errors.
    equilibrated : bool or None
        Whether that may be chance (two-sided test of Student's, 1 %). None for a structure, or where there are too few
        blocks to tell.
    converged : bool or None
        Whether the relaxation reached its limit.
    atoms : ase.Atoms or None
        The relaxed structure, without calculator. Not part of `to_dict`.
    parameters : dict
        ``supercell``; of a relaxation ``fmax`` (eV/Å), ``steps``, ``optimizer``, ``symprec`` (Å); of a trajectory
        ``blocks``.
    """

    units: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("lengths", "lengths_error", "lengths_spread"), "angstrom"),
        **dict.fromkeys(("angles", "angles_error"), "degree"),
        **dict.fromkeys(("volume", "volume_error"), "angstrom^3"),
        **dict.fromkeys(("density", "density_error"), "g/cm^3"),
        "energy": "eV/atom",
    }
    lengths: Floats
    lengths_error: Floats
    angles: Floats
    angles_error: Floats
    volume: float
    volume_error: float
    density: float
    density_error: float
    lengths_spread: Floats
    energy: float | None
    space_group: str | None
    frames: int
    drift: float | None
    equilibrated: bool | None
    converged: bool | None
    atoms: Atoms | None
    parameters: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As `Result.to_dict`, without the structure."""
        found = super().to_dict()
        del found["atoms"]
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class BulkProperties(Result):
    """What a calculator makes of a crystal: lattice, density and moduli at 0 K.

    Attributes
    ----------
    formula : str
    lattice : Lattice
    elastic : ElasticTensor
    equation_of_state : EquationOfState or None
    """

    formula: str
    lattice: Lattice
    elastic: ElasticTensor
    equation_of_state: EquationOfState | None

    @property
    def table_1(self) -> dict[str, float]:
        """a, b, c (Å), density (g/cm³), bulk and shear modulus (GPa, Hill's means), as in `TABLE_1`."""
        a, b, c = (float(length) for length in self.lattice.lengths)
        return {
            "a": a,
            "b": b,
            "c": c,
            "density": self.lattice.density,
            "bulk": self.elastic.bulk_modulus,
            "shear": self.elastic.shear_modulus,
        }


def bulk_properties(
    atoms: Atoms,
    calculator: Any,
    *,
    supercell: Sequence[int] = (1, 1, 1),
    strain: float = 0.005,
    points: int = 2,
    with_equation_of_state: bool = False,
    relaxation: Relaxation = FINE,
    symprec: float = 0.02,
    observer: Observer | None = None,
) -> BulkProperties:
    """Relax a crystal, then find its elastic constants: a, b, c, ρ, B and G from any calculator.

    Parameters
    ----------
    atoms : ase.Atoms
        Such as ``betalps.structures.beta_li3ps4()``. It is not changed.
    calculator
        Any ASE calculator with energies, forces and stresses.
    supercell : (3,) sequence of int
        How many unit cells `atoms` holds along each axis; the lattice is that of one.
    strain, points
        As in `elastic_tensor`.
    with_equation_of_state : bool
        Add an equation of state, the shape of the cell relaxed.
    relaxation, symprec
        Of every structure.
    observer
        Called with a `BulkProgress` before the first relaxation of each stage and after each.

    Returns
    -------
    BulkProperties

    Raises
    ------
    StructureError
        As in `elastic_tensor` and `equation_of_state`.
    ValueError
        As in these, or a supercell that is not three positive whole numbers.
    """
    lattice = relaxed_lattice(
        atoms, calculator, supercell=supercell, relaxation=relaxation, symprec=symprec, observer=observer
    )
    rest = lattice.atoms
    assert rest is not None
    elastic = elastic_tensor(
        rest,
        calculator,
        strain=strain,
        points=points,
        relax_cell=False,
        relaxation=relaxation,
        symprec=symprec,
        observer=observer,
    )
    found = None
    if with_equation_of_state:
        found = equation_of_state(rest, calculator, relax_shape=True, relaxation=relaxation, observer=observer)
    return BulkProperties(
        formula=rest.get_chemical_formula("metal", empirical=True),
        lattice=lattice,
        elastic=elastic,
        equation_of_state=found,
    )


def relaxed_lattice(
    atoms: Atoms,
    calculator: Any,
    *,
    supercell: Sequence[int] = (1, 1, 1),
    relaxation: Relaxation = FINE,
    symprec: float = 0.02,
    observer: Observer | None = None,
) -> Lattice:
    """Relax cell and ions of a crystal.

    Parameters
    ----------
    atoms, calculator, supercell, relaxation, symprec, observer
        As in `bulk_properties`.

    Returns
    -------
    Lattice

    Raises
    ------
    StructureError
        A structure that is not periodic, or of energy that is not finite.
    ValueError
        A supercell that is not three positive whole numbers.
    """
    check_crystal(atoms, "the lattice")
    counts = _counts(supercell)
    tell(observer, "cell", 0, 1)
    end = relax(atoms, calculator, relaxation, free="cell")
    tell(observer, "cell", 1, 1)
    group = space_group(end.atoms, symprec)
    lengths, angles = _parameters(end.atoms.cell.array[None], counts)
    volume = float(end.atoms.get_volume())
    return Lattice(
        lengths=lengths[0],
        lengths_error=np.zeros(3),
        angles=angles[0],
        angles_error=np.zeros(3),
        volume=volume / int(counts.prod()),
        volume_error=0.0,
        density=GRAM_PER_CM3_PER_U_PER_ANGSTROM3 * float(end.atoms.get_masses().sum()) / volume,
        density_error=0.0,
        lengths_spread=np.zeros(3),
        energy=end.energy / len(end.atoms),
        space_group=f"{group.international} ({group.number})",
        frames=1,
        drift=None,
        equilibrated=None,
        converged=end.converged,
        atoms=end.atoms,
        parameters={"supercell": counts.tolist(), "symprec": symprec, **how_relaxed(relaxation)},
    )


def lattice_parameters(trajectory: Trajectory, *, supercell: Sequence[int] = (1, 1, 1), blocks: int = 5) -> Lattice:
    """Mean lattice and density of a run at constant pressure.

    Parameters
    ----------
    trajectory : Trajectory
        Of the equilibrated crystal: cut the beginning off with ``trajectory.select(start)``.
    supercell : (3,) sequence of int
        How many unit cells the run holds along each axis; the lattice is that of one.
    blocks : int
        Blocks of consecutive frames from which errors are estimated. They must be longer than the cell's breathing is
        correlated.

    Returns
    -------
    Lattice

    Raises
    ------
    ValueError
        A supercell that is not three positive whole numbers, fewer than two blocks.
    StructureError
        A cell that never changes: a run at constant volume says nothing about its lattice.
    """
    from ase.data import atomic_masses, atomic_numbers

    counts = _counts(supercell)
    cells = np.asarray(trajectory.cells, dtype=np.float64)
    if len(cells) > 1 and np.all(np.ptp(cells, axis=0) == 0.0):
        raise StructureError(
            f"the cell is the same in all {len(cells)} frames: expected a run at constant pressure, whose cell breathes"
        )
    lengths, angles = _parameters(cells, counts)
    volumes = np.abs(np.linalg.det(cells)) / counts.prod()
    mass = sum(float(atomic_masses[atomic_numbers[str(symbol)]]) for symbol in trajectory.symbols) / counts.prod()
    densities = GRAM_PER_CM3_PER_U_PER_ANGSTROM3 * mass / volumes
    number_of, number = block_numbers(len(cells), blocks)
    of_block = np.array(number_of)
    series = np.column_stack([lengths, angles, volumes, densities])
    means = np.array([series[of_block == block].mean(axis=0) for block in range(number)])
    mean, error = series.mean(axis=0), scatter(means)
    drift, allowed = _drift(means[:, 6])
    return Lattice(
        lengths=mean[:3],
        lengths_error=error[:3],
        angles=mean[3:6],
        angles_error=error[3:6],
        volume=float(mean[6]),
        volume_error=float(error[6]),
        density=float(mean[7]),
        density_error=float(error[7]),
        lengths_spread=lengths.std(axis=0),
        energy=None,
        space_group=None,
        frames=len(cells),
        drift=drift,
        equilibrated=None if drift is None else abs(drift) <= allowed,
        converged=None,
        atoms=None,
        parameters={"supercell": counts.tolist(), "blocks": number},
    )


def _drift(means: Floats) -> tuple[float | None, float]:
    """By how many standard errors the second half of some blocks exceeds the first, and what may be chance."""
    half = len(means) // 2
    if half < 2:
        return None, np.inf
    first, second = means[:half], means[-half:]
    error = float(np.hypot(scatter(first), scatter(second)))
    difference = float(second.mean() - first.mean())
    allowed = float(special.stdtrit(2 * half - 2, 1.0 - 0.5 * _CHANCE))
    return difference / error if error else 0.0, allowed


def _counts(supercell: Sequence[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    counts = tuple(supercell)
    if len(counts) != 3 or any(isinstance(n, bool) or n != int(n) or n < 1 for n in counts):
        raise ValueError(f"supercell must be three whole numbers of at least 1, got {counts!r}")
    return np.array(counts, dtype=np.int64)


def _parameters(cells: Floats, counts: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[Floats, Floats]:
    """Lengths (frames, 3) of one unit cell in Å, and angles (frames, 3) in degrees."""
    lengths = np.linalg.norm(cells, axis=2)
    units = cells / lengths[:, :, None]
    cosines = np.stack([(units[:, i] * units[:, j]).sum(axis=1) for i, j in ((1, 2), (0, 2), (0, 1))], axis=1)
    return lengths / counts, np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
