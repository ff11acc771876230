"""The core's own loop as a stage of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from betalps.dynamics import native
from betalps.dynamics.motion import CELL_FREEDOMS, Conditions, MotionState, check_movable

if TYPE_CHECKING:
    from ase import Atoms


class NativeMotion:
    """One stage that moves in the core, with 3N - 3 degrees of freedom.

    Parameters
    ----------
    atoms
        Moved in place; with momenta whose sum is zero, and a `betalps.MTP`.
    conditions
        Ensemble, targets, times.

    Raises
    ------
    ValueError
        If the atoms are constrained or fewer than two.

    Attributes
    ----------
    dynamics
        The loop: grades are watched there.
    """

    def __init__(self, atoms: Atoms, conditions: Conditions) -> None:
        check_movable(atoms)
        self.atoms = atoms
        self.dynamics = _integrator(atoms, conditions)
        stage = conditions.stage
        if stage.ramped:
            self.dynamics.ramp(
                conditions.steps,
                temperature_K=stage.final_temperature,
                pressure_au=None if stage.final_pressure is None else conditions.pressure(conditions.steps),
            )

    @property
    def nsteps(self) -> int:
        """Steps done in this stage."""
        return self.dynamics.nsteps

    def run(self, steps: int) -> None:
        """Advance by this many steps.

        Raises
        ------
        UnstableRunError
            If the run blows up.
        """
        self.dynamics.run(steps)

    def state(self) -> MotionState:
        """Everything that decides how the stage goes on, also the order of the neighbour list."""
        return self.dynamics.state()

    def restore(self, state: MotionState, nsteps: int) -> None:  # noqa: ARG002 - the state knows its step
        """Go on from a state.

        Raises
        ------
        CheckpointError
            The state is that of another ensemble.
        """
        self.dynamics.restore(state)

    def conserved_energy(self) -> float:
        """Energy that the equations of motion conserve, eV, less the work done by ramps of their targets."""
        return self.dynamics.get_conserved_energy()


def _integrator(atoms: Atoms, conditions: Conditions) -> native.NativeDynamics:
    stage = conditions.stage
    settings: dict[str, Any] = {
        "timestep": conditions.timestep,
        "degrees_of_freedom": 3 * len(atoms) - 3,
        "temperature_limits": conditions.allowed_temperatures,
    }
    if stage.ensemble == "nve":
        return native.VelocityVerlet(atoms, **settings)
    settings |= {"temperature_K": conditions.temperature(0), "tdamp": conditions.thermostat_time}
    if stage.ensemble == "nvt":
        return native.NoseHooverChainNVT(atoms, **settings)
    settings |= {"pressure_au": conditions.pressure(0), "pdamp": conditions.barostat_time}
    if stage.free == "isotropic":
        return native.IsotropicMTKNPT(atoms, **settings)
    if stage.axes is None:
        return native.MTKNPT(atoms, **settings, cell_degrees_of_freedom=CELL_FREEDOMS)
    return native.MaskedMTKNPT(atoms, mask=stage.axes, **settings)
