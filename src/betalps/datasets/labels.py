"""The labels of a configuration: what is stored with it, without a calculation."""

from collections.abc import Mapping

import numpy as np
from ase import Atoms

from betalps.typing import Floats

LABELS = ("energy", "forces", "stress")


def stored_labels(atoms: Atoms) -> dict[str, Floats]:
    """The labels that a configuration carries; nothing is calculated.

    Parameters
    ----------
    atoms
        With or without a calculator.

    Returns
    -------
    dict
        Those there are of ``energy`` (eV, shape ()), ``forces`` (eV/Å, shape (n, 3)) and ``stress`` (eV/Å³, shape
        (6,), ASE's sign, Voigt order). Results of another structure than `atoms` are not its labels.
    """
    calc = atoms.calc
    if calc is None:
        return {}
    names = [name for name in LABELS if calc.results.get(name) is not None]
    return {
        name: np.asarray(calc.results[name], dtype=np.float64)
        for name in names
        if not calc.calculation_required(atoms, [name])
    }


def with_labels(atoms: Atoms, labels: Mapping[str, Floats | float]) -> Atoms:
    """A copy of a configuration that carries the labels given, and no others.

    Parameters
    ----------
    atoms
        Not changed.
    labels
        Some of ``energy`` (eV), ``forces`` (eV/Å, shape (n, 3)) and ``stress`` (eV/Å³, ASE's sign, shape (6,)).
    """
    from ase.calculators.singlepoint import SinglePointCalculator

    labelled: Atoms = atoms.copy()
    results = {name: float(value) if name == "energy" else value for name, value in labels.items()}
    labelled.calc = SinglePointCalculator(labelled, **results)
    return labelled
