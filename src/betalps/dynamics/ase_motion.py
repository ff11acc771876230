"""ASE's own integrators as a stage of a run: any calculator, with ramps, a state, and 3N - 3 degrees of freedom.

ASE's Nosé-Hoover classes fix their target when they are made. Here each step has its own: thermostat and
barostat are made for its temperature, so that their masses follow it and the relaxation times stay what they
were, and they take over the coordinates and *velocities* of those before, so that the friction on the atoms
does not jump (their momenta scale with their masses, that is with the temperature). LAMMPS does the same.

ASE counts 3N degrees of freedom. A periodic system keeps its total momentum, here zero, and has 3N - 3:
counting three too many makes it hotter than asked for by N/(N - 1), 4 K at 750 K and 192 atoms. So thermostat
and barostat are made for N - 1 atoms, by which every formula (Martyna, Tobias and Klein's N_f too) gives what
it should. For the same reason a cell that is free in lengths and angles is given the six freedoms that its symmetric
momentum has: with ASE's nine the cell becomes half as hot again, and its volume fluctuates too much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.dynamics.motion import (
    CELL_FREEDOMS,
    Conditions,
    MotionState,
    check_movable,
    check_temperature,
    kinetic_energy,
    kinetic_temperature,
)

if TYPE_CHECKING:
    from ase import Atoms

# What each of ASE's integrators carries beyond positions, momenta and cell; and its barostat's momentum.
_VARIABLES = {
    "VelocityVerlet": (),
    "NoseHooverChainNVT": (),
    "IsotropicMTKNPT": ("_eps", "_p_eps", "_volume0", "_cell0"),
    "MTKNPT": ("_p_g",),
    "MaskedMTKNPT": ("_p_c", "_h0_basis"),
}
_CELL_MOMENTUM = {"IsotropicMTKNPT": "_p_eps", "MTKNPT": "_p_g", "MaskedMTKNPT": "_p_c"}


class AseMotion:
    """One stage under ASE's velocity Verlet, Nosé-Hoover chain or Martyna-Tobias-Klein integrator.

    Parameters
    ----------
    atoms
        Moved in place; with momenta whose sum is zero, and a calculator.
    conditions
        Ensemble, targets, times.

    Raises
    ------
    ValueError
        If the atoms are constrained or fewer than two.
    """

    def __init__(self, atoms: Atoms, conditions: Conditions) -> None:
        check_movable(atoms)
        self.atoms = atoms
        self.nsteps = 0
        self._conditions = conditions
        self._masses = atoms.get_masses()[:, None]
        self._dynamics = _integrator(atoms, conditions)
        self._name = type(self._dynamics).__name__
        self._temperature = conditions.temperature(1)
        self._work = 0.0
        self._thermalize(self._temperature)
        if hasattr(self._dynamics, "_num_atoms_global"):
            self._dynamics._num_atoms_global = len(atoms) - 1

    def run(self, steps: int) -> None:
        """Advance by this many steps.

        Raises
        ------
        UnstableRunError
            If the kinetic temperature is not finite or out of bounds.
        """
        allowed = self._conditions.allowed_temperatures
        with np.errstate(all="ignore"):  # what overflows is found by its temperature
            for _ in range(steps):
                self._set_targets(self.nsteps + 1)
                self._dynamics.step()
                self.nsteps += 1
                energy = kinetic_energy(self.atoms.arrays["momenta"], self._masses)
                check_temperature(kinetic_temperature(energy, len(self.atoms)), allowed)

    def state(self) -> MotionState:
        """Variables of thermostat and barostat, and the work done by ramps."""
        state = {name.lstrip("_"): np.array(getattr(self._dynamics, name)) for name in _VARIABLES[self._name]}
        for part, names in self._chains():
            state |= {name.lstrip("_"): np.array(getattr(part, name)) for name in names}
        return state | {"work": np.array(self._work)}

    def restore(self, state: MotionState, nsteps: int) -> None:
        """Go on from a state; positions, momenta and cell are those of the atoms.

        Raises
        ------
        KeyError
            The state is that of another ensemble.
        """
        self.nsteps = nsteps
        self._temperature = self._conditions.temperature(max(nsteps, 1))
        self._thermalize(self._temperature)
        if self._name in _CELL_MOMENTUM:
            self._dynamics._pressure_au = self._conditions.pressure(nsteps)
        for name in _VARIABLES[self._name]:
            value = np.array(state[name.lstrip("_")])
            setattr(self._dynamics, name, value if value.shape else float(value))
        for part, names in self._chains():
            for name in names:
                setattr(part, name, np.array(state[name.lstrip("_")]))
        self._work = float(state["work"])

    def conserved_energy(self) -> float:
        """Energy that the equations of motion conserve, eV, less the work done by ramps of their targets."""
        return float(self.atoms.get_total_energy()) + self._extended_energy() - self._work

    def _extended_energy(self) -> float:
        """Energy of thermostat, barostat and cell under pressure, eV."""
        moving, energy = self._dynamics, 0.0
        if self._name != "VelocityVerlet":
            energy += moving._thermostat.get_thermostat_energy()
        if self._name in _CELL_MOMENTUM:
            momentum = getattr(moving, _CELL_MOMENTUM[self._name])
            energy += moving._barostat.get_barostat_energy() + moving._pressure_au * moving._get_volume()
            energy += float(np.sum(momentum**2)) / (2 * moving._barostat.W)
        return float(energy)

    def _chains(self) -> list[tuple[Any, tuple[str, str]]]:
        """Thermostat and barostat, as far as there are any, with their variables."""
        parts = (("_thermostat", ("_eta", "_p_eta")), ("_barostat", ("_xi", "_p_xi")))
        return [(getattr(self._dynamics, part), names) for part, names in parts if hasattr(self._dynamics, part)]

    def _set_targets(self, step: int) -> None:
        if not self._conditions.stage.ramped:
            return
        before = self._extended_energy()
        if self._name in _CELL_MOMENTUM:
            self._dynamics._pressure_au = self._conditions.pressure(step)
        kelvin = self._conditions.temperature(step)
        if kelvin != self._temperature:
            self._retarget(kelvin)
        self._work += self._extended_energy() - before

    def _retarget(self, kelvin: float) -> None:
        """Take coordinates and velocities of thermostat, barostat and cell over to another temperature."""
        before, ratio = self._chains(), kelvin / self._temperature
        self._temperature = kelvin
        self._thermalize(kelvin)
        for (old, (coordinate, momentum)), (new, _) in zip(before, self._chains(), strict=True):
            setattr(new, coordinate, getattr(old, coordinate))
            setattr(new, momentum, getattr(old, momentum) * ratio)
        if self._name in _CELL_MOMENTUM:
            cell = _CELL_MOMENTUM[self._name]
            setattr(self._dynamics, cell, getattr(self._dynamics, cell) * ratio)

    def _thermalize(self, kelvin: float) -> None:
        """Give the integrator a thermostat and a barostat at rest, made for a temperature."""
        from ase.md import nose_hoover_chain as nhc

        if self._name == "VelocityVerlet":
            return
        moving, conditions = self._dynamics, self._conditions
        target: Any = {"num_atoms_global": len(self.atoms) - 1, "temperature_K": kelvin}
        moving._thermostat = nhc.NoseHooverChainThermostat(
            masses=self._masses, tdamp=conditions.thermostat_time, **target
        )
        if self._name == "IsotropicMTKNPT":
            moving._barostat = nhc.IsotropicMTKBarostat(pdamp=conditions.barostat_time, **target)
        elif self._name in _CELL_MOMENTUM:
            barostat = nhc.MTKBarostat(pdamp=conditions.barostat_time, mask=moving.mask, **target)
            if self._name == "MTKNPT":
                barostat._R[0] *= CELL_FREEDOMS / barostat._cell_dof
                barostat._cell_dof = CELL_FREEDOMS
            moving._barostat = barostat


def _integrator(atoms: Atoms, conditions: Conditions) -> Any:
    from ase.md import nose_hoover_chain as nhc
    from ase.md.verlet import VelocityVerlet

    stage = conditions.stage
    if stage.ensemble == "nve":
        return VelocityVerlet(atoms, conditions.timestep)
    settings: dict[str, Any] = {
        "timestep": conditions.timestep,
        "temperature_K": conditions.temperature(1),
        "tdamp": conditions.thermostat_time,
    }
    if stage.ensemble == "nvt":
        return nhc.NoseHooverChainNVT(atoms, **settings)
    settings |= {"pressure_au": conditions.pressure(0), "pdamp": conditions.barostat_time}
    if stage.free == "isotropic":
        return nhc.IsotropicMTKNPT(atoms, **settings)
    if stage.axes is None:
        return nhc.MTKNPT(atoms, **settings)
    # An array: indexed by a tuple, ASE 3.29 leaves the cell as it is without a word.
    mask: Any = np.array(stage.axes)
    return nhc.MaskedMTKNPT(atoms, mask=mask, **settings)
