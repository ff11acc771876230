"""Molecular dynamics whose steps stay in the core, with the classes, arguments and numbers of ASE.

Change the import and keep the script: these classes follow their namesakes of `ase.md` step by step to rounding.
Positions, momenta, neighbour list and forces cross to Python only where something there can see them: when an
observer is called, and at the end. The integrators are the factorised propagators of Martyna, Tuckerman, Tobias
and Klein, Mol. Phys. 87, 1117 (1996), in the form of Tuckerman et al., J. Phys. A 39, 5629 (2006).
"""

from __future__ import annotations

from typing import Any

from ase import Atoms, units

from betalps.dynamics.native_grades import Grade
from betalps.dynamics.native_loop import NativeDynamics

__all__ = [
    "MTKNPT",
    "Grade",
    "IsotropicMTKNPT",
    "MaskedMTKNPT",
    "NativeDynamics",
    "NoseHooverChainNVT",
    "VelocityVerlet",
]


class VelocityVerlet(NativeDynamics):
    """Constant energy.

    Parameters
    ----------
    atoms, timestep, **kwargs
        See `NativeDynamics`.
    """

    ase_class = "ase.md.verlet.VelocityVerlet"

    def __init__(self, atoms: Atoms, timestep: float, **kwargs: Any) -> None:
        super().__init__(atoms, timestep, ensemble={}, **kwargs)


class NoseHooverChainNVT(NativeDynamics):
    """Constant temperature: a chain of Nosé-Hoover thermostats.

    Parameters
    ----------
    temperature_K
        Target, K.
    tdamp
        Characteristic time of the thermostat, ASE units (0.1 ps in the study: ``100 * units.fs``).
    tchain
        Number of thermostats in the chain.
    tloop
        Sub-steps of its integration.
    atoms, timestep, **kwargs
        See `NativeDynamics`.
    """

    ase_class = "ase.md.nose_hoover_chain.NoseHooverChainNVT"

    def __init__(
        self,
        atoms: Atoms,
        timestep: float,
        temperature_K: float,
        tdamp: float,
        tchain: int = 3,
        tloop: int = 1,
        **kwargs: Any,
    ) -> None:
        ensemble = {"temperature": temperature_K * units.kB, "thermostat": (tdamp, tchain, tloop)}
        super().__init__(atoms, timestep, ensemble=ensemble, **kwargs)


class MTKNPT(NativeDynamics):
    """Constant temperature and pressure with a cell free in size and shape (Martyna, Tobias and Klein).

    Parameters
    ----------
    temperature_K
        Target, K.
    pressure_au
        Target, eV/Å³.
    tdamp, pdamp
        Characteristic times of thermostat and barostat, ASE units (0.1 and 1 ps in the study).
    tchain, pchain
        Numbers of thermostats in the chains of the atoms and of the cell.
    tloop, ploop
        Sub-steps of their integration.
    cell_degrees_of_freedom
        Independent momenta of the cell, which its thermostat is made for. None: as many as ASE counts. That is nine
        for a cell free in size and shape, where six are right, for the tensor of its momenta is symmetric: with nine
        its kinetic energy is half as large again as it should be, and its volume fluctuates too much.
    atoms, timestep, **kwargs
        See `NativeDynamics`.
    """

    ase_class = "ase.md.nose_hoover_chain.MTKNPT"
    _motion = "full"

    def __init__(
        self,
        atoms: Atoms,
        timestep: float,
        temperature_K: float,
        pressure_au: float,
        tdamp: float,
        pdamp: float,
        tchain: int = 3,
        pchain: int = 3,
        tloop: int = 1,
        ploop: int = 1,
        *,
        cell_degrees_of_freedom: int | None = None,
        _axes: tuple[bool, bool, bool] = (False, False, False),
        **kwargs: Any,
    ) -> None:
        if cell_degrees_of_freedom is not None and cell_degrees_of_freedom < 1:
            raise ValueError(f"cell_degrees_of_freedom is {cell_degrees_of_freedom}; expected at least 1")
        ensemble = {
            "temperature": temperature_K * units.kB,
            "pressure": pressure_au,
            "thermostat": (tdamp, tchain, tloop),
            "barostat": (pdamp, pchain, ploop),
            "cell_motion": self._motion,
            "axes": _axes,
            "cell_degrees_of_freedom": cell_degrees_of_freedom or 0,
        }
        super().__init__(atoms, timestep, ensemble=ensemble, **kwargs)


class IsotropicMTKNPT(MTKNPT):
    """Constant temperature and pressure with a cell free in volume. Parameters are those of `MTKNPT`."""

    ase_class = "ase.md.nose_hoover_chain.IsotropicMTKNPT"
    _motion = "isotropic"


class MaskedMTKNPT(MTKNPT):
    """Constant temperature and pressure with a cell free along chosen lattice vectors, such as a boundary's normal.

    Parameters
    ----------
    mask
        Which of the three lattice vectors may change its length; the directions of strain are theirs at the start.
        (ASE 3.29 leaves the cell as it is where its mask is a tuple with a False: give it an array.)
    *args, **kwargs
        See `MTKNPT`.
    """

    ase_class = "ase.md.nose_hoover_chain.MaskedMTKNPT"
    _motion = "axes"

    def __init__(self, *args: Any, mask: tuple[bool, bool, bool], **kwargs: Any) -> None:
        free = tuple(bool(axis) for axis in mask)
        if len(free) != 3 or not any(free):
            raise ValueError(f"mask is {mask!r}; expected three flags, at least one of them true")
        super().__init__(*args, _axes=free, **kwargs)
