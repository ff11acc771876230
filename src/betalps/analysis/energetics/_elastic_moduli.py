"""Moduli of a polycrystal from the elastic constants of a single crystal."""

from __future__ import annotations

import numpy as np

from betalps.typing import Floats

MODULI = (
    "bulk_voigt",
    "bulk_reuss",
    "bulk_modulus",
    "shear_voigt",
    "shear_reuss",
    "shear_modulus",
    "young_modulus",
    "poisson_ratio",
    "anisotropy",
)


def polycrystal(stiffness: Floats) -> Floats:
    """Voigt's and Reuss's bounds, Hill's means and what follows from these, in the order of `MODULI`.

    Parameters
    ----------
    stiffness : (6, 6) array, GPa
        Voigt's notation; not singular.

    Notes
    -----
    R. Hill, Proc. Phys. Soc. A 65, 349 (1952); the anisotropy is the universal one of S. I. Ranganathan and M.
    Ostoja-Starzewski, Phys. Rev. Lett. 101, 055504 (2008), zero for an isotropic crystal.
    """
    c, s = stiffness, np.linalg.inv(stiffness)
    bulk_v = c[:3, :3].sum() / 9.0
    bulk_r = 1.0 / s[:3, :3].sum()
    shear_v = (1.5 * np.trace(c[:3, :3]) - 0.5 * c[:3, :3].sum() + 3.0 * np.trace(c[3:, 3:])) / 15.0
    shear_r = 15.0 / (6.0 * np.trace(s[:3, :3]) - 2.0 * s[:3, :3].sum() + 3.0 * np.trace(s[3:, 3:]))
    bulk, shear = 0.5 * (bulk_v + bulk_r), 0.5 * (shear_v + shear_r)
    young = 9.0 * bulk * shear / (3.0 * bulk + shear)
    poisson = (3.0 * bulk - 2.0 * shear) / (2.0 * (3.0 * bulk + shear))
    anisotropy = 5.0 * shear_v / shear_r + bulk_v / bulk_r - 6.0
    return np.array([bulk_v, bulk_r, bulk, shear_v, shear_r, shear, young, poisson, anisotropy])
