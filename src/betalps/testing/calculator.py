"""The check of a calculator as a whole."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

import numpy as np

from betalps.testing.bench import Bench, NotApplicableError
from betalps.testing.report import CalculatorCheckError, CalculatorReport, Check
from betalps.typing import Seed

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator


def check_calculator(
    calc: BaseCalculator,
    atoms: Atoms,
    *,
    derivative_tolerance: float = 1e-5,
    invariance_tolerance: float = 1e-8,
    samples: int = 4,
    rattle: float = 0.05,
    skip: Collection[str] = (),
    rng: Seed = 0,
) -> CalculatorReport:
    """Check that a calculator keeps the promises every ASE calculator makes.

    Parameters
    ----------
    calc
        Any ASE calculator with energy and forces. Stress and site energies are checked where it has them.
    atoms
        A structure it can evaluate; not changed. Its atoms are displaced at random and, in a periodic cell,
        it is strained by 1 %, so that nothing vanishes by symmetry.
    derivative_tolerance
        Allowed error of forces in eV/Å and of the stress as virial per atom in eV, relative to the largest
        component where that exceeds 1.
    invariance_tolerance
        Allowed change of the energy per atom (eV), the forces (eV/Å) and the virial per atom (eV) under
        operations that must not change them, relative as above. Single-precision calculators need about 1e-4.
    samples
        Atoms whose force components are checked one by one; the others are checked through `samples`
        displacements of all atoms together.
    rattle
        Standard deviation of the random displacements, Å.
    skip
        Names of checks to leave out, for a promise that a calculator knowingly does not make.
    rng
        Seed or generator.

    Returns
    -------
    CalculatorReport
        Every measured deviation.

    Raises
    ------
    CalculatorCheckError
        If any check failed; it says which and by how much, and carries the report.
    ValueError
        If `skip` names a check that does not exist.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from ase.calculators.emt import EMT
    >>> report = check_calculator(EMT(), bulk("Cu", cubic=True), skip={"pickle"})
    >>> report["forces"].passed
    True
    """
    rng = np.random.default_rng(rng)
    start = _disturbed(atoms, rattle, rng)
    bench = Bench(calc, start, rng, derivative_tolerance, invariance_tolerance)
    todo = dict(_checks(bench, samples))
    unknown = sorted(set(skip) - todo.keys())
    if unknown:
        raise ValueError(f"skip: no check named {', '.join(unknown)}; there are {', '.join(todo)}")
    checks: list[Check] = []
    skipped: list[str] = []
    for name, check in todo.items():
        if name in skip:
            skipped.append(f"{name} (as asked)")
            continue
        try:
            checks.append(check())
        except NotApplicableError as reason:
            skipped.append(f"{name} ({reason})")
    report = CalculatorReport(checks=tuple(checks), skipped=tuple(skipped))
    if report.failed:
        raise CalculatorCheckError(report)
    return report


def _checks(bench: Bench, samples: int) -> Iterator[tuple[str, Callable[[], Check]]]:
    yield "forces", lambda: bench.forces(samples)
    yield "stress", bench.stress
    yield "site energies", bench.site_energies
    yield "translation", bench.translation
    yield "periodic images", bench.images
    yield "rotation", bench.rotation
    yield "permutation", bench.permutation
    yield "supercell", bench.supercell
    yield "deepcopy", lambda: bench.copies("deepcopy", copy.deepcopy)
    yield "pickle", lambda: bench.copies("pickle", lambda calc: pickle.loads(pickle.dumps(calc)))  # noqa: S301 (our own bytes)
    yield "isolation", bench.isolation
    yield "results are copies", bench.results_stay
    yield "input unchanged", bench.input_unchanged


def _disturbed(atoms: Atoms, rattle: float, rng: np.random.Generator) -> Atoms:
    disturbed: Atoms = atoms.copy()
    disturbed.calc = None
    if atoms.pbc.all():
        strain = 0.01 * rng.uniform(-1, 1, (3, 3))
        disturbed.set_cell(disturbed.cell[:] @ (np.eye(3) + 0.5 * (strain + strain.T)), scale_atoms=True)
    disturbed.positions += rng.normal(0.0, rattle, disturbed.positions.shape)
    return disturbed
