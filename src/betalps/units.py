"""Conversions between ASE's units (eV, Å, u, K) and those of the literature on ion conductors.

Every factor comes from the CODATA 2014 values of `ase.units`, so that temperatures and energies agree with
the dynamics, or is an exact decimal ratio.
"""

from ase import units

ANGSTROM2_PER_PS_TO_CM2_PER_S: float = 1e-4
"""1 Å²/ps = (1e-8 cm)² / 1e-12 s, exactly."""

EV_PER_ANGSTROM3_TO_GPA: float = 1.0 / units.GPa
"""1 eV/Å³ in GPa (160.2177)."""

GRAM_PER_CM3_PER_U_PER_ANGSTROM3: float = 1e24 / units.mol
"""1 u/Å³ in g/cm³ (1.6605)."""


def thermal_energy(temperature: float) -> float:
    """Thermal energy k_B T.

    Parameters
    ----------
    temperature
        In K.

    Returns
    -------
    float
        In eV.

    Examples
    --------
    >>> round(thermal_energy(300.0), 6)
    0.025852
    """
    return temperature * units.kB


def nernst_einstein(diffusivity: float, number_density: float, temperature: float, charge: float = 1.0) -> float:
    """Conductivity of ions that diffuse independently: n (z e)² D / (k_B T).

    Parameters
    ----------
    diffusivity
        Tracer diffusion coefficient D, cm²/s.
    number_density
        Ions per volume n, 1/Å³.
    temperature
        In K.
    charge
        Charge number z of the ion.

    Returns
    -------
    float
        Conductivity, S/cm.

    Notes
    -----
    With D in cm²/s, n in 1/cm³, e in C and k_B T in J the result is in C²/(J s cm) = S/cm. Ions that move
    together conduct more or less than this: the ratio is Haven's.

    Examples
    --------
    >>> f"{nernst_einstein(1e-8, 0.0185, 300.0):.2e}"
    '1.15e-03'
    """
    coulomb = units._e
    per_cm3 = number_density * 1e24
    joule = units._k * temperature
    return per_cm3 * (charge * coulomb) ** 2 * diffusivity / joule
