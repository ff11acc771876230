"""The sign convention of stress, in one place.

With a homogeneous strain ε (positions and cell vectors times 1 + ε) and the potential energy E:

- ASE's stress, and ours everywhere: σ = (1/V) ∂E/∂ε in eV/Å³. Positive in a stretched crystal, which pulls
  its cell together; the pressure is -tr(σ)/3. Voigt order xx, yy, zz, yz, xz, xy.
- MLIP's ``PlusStress`` in ``.cfg`` files: the virial -∂E/∂ε = -V σ in eV. Opposite in sign and not divided by
  the volume. The same Voigt order.
"""

import numpy as np
from numpy.typing import ArrayLike

from betalps.typing import Floats


def stress_from_plus_stress(plus_stress: ArrayLike, volume: float) -> Floats:
    """ASE's stress from MLIP's PlusStress.

    Parameters
    ----------
    plus_stress
        -∂E/∂ε, eV, any shape.
    volume
        V, Å³.

    Returns
    -------
    numpy.ndarray
        ∂E/∂ε / V, eV/Å³, of the same shape.
    """
    return -np.asarray(plus_stress, dtype=np.float64) / volume


def plus_stress_from_stress(stress: ArrayLike, volume: float) -> Floats:
    """MLIP's PlusStress from ASE's stress.

    Parameters
    ----------
    stress
        ∂E/∂ε / V, eV/Å³, any shape.
    volume
        V, Å³.

    Returns
    -------
    numpy.ndarray
        -∂E/∂ε, eV, of the same shape.
    """
    return -np.asarray(stress, dtype=np.float64) * volume


def voigt(stress: Floats) -> Floats:
    """Six components from a matrix, or as they are.

    Parameters
    ----------
    stress
        Shape (6,), (9,) or (3, 3).

    Returns
    -------
    numpy.ndarray
        xx, yy, zz, yz, xz, xy.

    Raises
    ------
    ValueError
        The shape is another.
    """
    if stress.shape == (9,):
        stress = stress.reshape(3, 3)
    if stress.shape == (3, 3):
        return stress[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
    if stress.shape != (6,):
        raise ValueError(f"has shape {stress.shape}, expected (6,), (9,) or (3, 3)")
    return stress
