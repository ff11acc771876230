"""The labels of a configuration: what is stored with it, without a calculation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms

from betalps.datasets.stress import voigt
from betalps.typing import Floats

LABELS = ("energy", "forces", "stress")


def label_shapes(atoms: Atoms) -> dict[str, tuple[int, ...]]:
    """The shape of each label of a configuration, by name."""
    return {"energy": (), "forces": (len(atoms), 3), "stress": (6,)}


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

    Raises
    ------
    ValueError
        A label is not numbers; names it.
    """
    calc = atoms.calc
    if calc is None:
        return {}
    names = [name for name in LABELS if calc.results.get(name) is not None]
    return {name: _numbers(calc.results[name], name) for name in names if not calc.calculation_required(atoms, [name])}


def carried_labels(atoms: Atoms) -> dict[str, Floats]:
    """Like `stored_labels`, and where a calculator has none, those under ASE's names in ``info`` and ``arrays``.

    An entry that cannot be such a label, for its shape or its type, is none. A stress may be a matrix there.
    """
    labels = stored_labels(atoms)
    for name, shape in label_shapes(atoms).items():
        value = (atoms.arrays if name == "forces" else atoms.info).get(name)
        if name in labels or value is None:
            continue
        try:
            array = np.asarray(value)
        except ValueError:  # a list of lists of several lengths
            continue
        fits = array.shape == shape or (name == "stress" and array.shape == (3, 3))
        if fits and array.dtype.kind in "fiu":
            array = array.astype(np.float64)
            labels[name] = voigt(array) if name == "stress" else array
    return labels


def is_unconverged(info: Mapping[str, Any]) -> bool:
    """Whether a configuration is marked as one whose electronic structure did not converge.

    Parameters
    ----------
    info
        Of the configuration. ``converged`` is a flag, or text where the format knows no flags (``.cfg``).
    """
    flag = info.get("converged", True)
    return flag.lower() in {"false", "f"} if isinstance(flag, str) else flag is not None and not np.all(flag)


def with_labels(atoms: Atoms, labels: Mapping[str, Floats | float]) -> Atoms:
    """A copy of a configuration that carries the labels given, and no others, in ``info`` or ``arrays`` neither.

    Parameters
    ----------
    atoms
        Not changed.
    labels
        Some of ``energy`` (eV), ``forces`` (eV/Å, shape (n, 3)) and ``stress`` (eV/Å³, ASE's sign, shape (6,)).
    """
    from ase.calculators.singlepoint import SinglePointCalculator

    labelled: Atoms = atoms.copy()
    for name in LABELS:
        (labelled.arrays if name == "forces" else labelled.info).pop(name, None)
    results = {name: float(value) if name == "energy" else value for name, value in labels.items()}
    labelled.calc = SinglePointCalculator(labelled, **results)
    return labelled


def _numbers(value: Any, name: str) -> Floats:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is {value!r}, expected numbers") from error
