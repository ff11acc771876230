"""The loop of the native ensembles: an ASE dynamics object whose steps stay in the core."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from ase import Atoms, units
from ase.utils import IOContext

from betalps import _core
from betalps.blas import one_blas_thread
from betalps.dynamics.motion import ADVICE, UnstableRunError
from betalps.dynamics.native_grades import Graded
from betalps.dynamics.native_mirror import Mirror
from betalps.dynamics.native_observers import Observers
from betalps.errors import CheckpointError, StructureError
from betalps.typing import Floats, PathLike

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HOTTEST = 10.0  # times the highest target
_STRAIN = 0.05  # of the cell in one step


def _require_finite(what: str, values: Floats) -> None:
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        raise StructureError(f"the {what} of atom {int(np.argmin(finite))} is not finite")


class NativeDynamics(Observers, Graded, IOContext):
    """What the ensembles share: the loop, observers, limits, grades, ramps and the state.

    Parameters
    ----------
    atoms
        With a `betalps.MTP` and without constraints. It always shows the present step: positions, momenta,
        cell, and the results of its calculator. What is done to these arrays between steps is taken over.
    timestep
        In ASE's unit of time (``2 * units.fs``).
    degrees_of_freedom
        That the target temperature is shared by. None: 3N, as in ASE. A periodic system keeps its total momentum
        and has 3N - 3; with 3N at zero total momentum it becomes N/(N - 1) times as hot as asked for.
    temperature_limits
        In K; beyond them the run is taken for lost. None: up to ten times the highest target, at constant
        energy without limit.
    skin
        Å that the neighbour list holds beyond the cutoff; the calculator's own is for its own list.
    displacement_limit
        Å that an atom may move in one step (the deformation of its cell left out).
    trajectory, append_trajectory
        A file for ASE's trajectory format, or anything with ``write``.
    logfile
        File, or "-", for ASE's thermodynamic log.
    loginterval
        Steps between frames and lines of these two.

    Raises
    ------
    TypeError
        The calculator is not an MTP.
    ValueError
        The atoms are constrained, a direction is not periodic under pressure, or an argument is out of range.
    SpeciesError
        The potential does not know an element.
    StructureError
        A position, a momentum or an energy is not finite.

    Attributes
    ----------
    atoms, dt, max_steps, observers
        As in ASE.
    grade, worst_grade, stopped
        See `watch_grade`.
    """

    ase_class: ClassVar[str]

    def __init__(
        self,
        atoms: Atoms,
        timestep: float,
        *,
        ensemble: Mapping[str, Any],
        degrees_of_freedom: int | None = None,
        temperature_limits: tuple[float, float] | None = None,
        skin: float = 1.5,
        displacement_limit: float = 0.5,
        trajectory: PathLike | Any = None,
        append_trajectory: bool = False,
        logfile: Any = None,
        loginterval: int = 1,
    ) -> None:
        self.atoms = atoms
        self.dt = timestep
        self.max_steps = 0
        Observers.__init__(self)
        Graded.__init__(self)
        self._mirror = Mirror(atoms, self.ase_class)
        self.degrees_of_freedom = 3 * len(atoms) if degrees_of_freedom is None else degrees_of_freedom
        self._core = self._make_core(ensemble, skin)
        self._coupled, self._under_pressure = "thermostat" in ensemble, "barostat" in ensemble
        self._temperature_limits, self._displacement_limit = temperature_limits, displacement_limit
        self._set_limits(self._core.target_temperature)
        self._mirror.show(self._core)
        if self._mirror.calculator.grade_interval:
            self.watch_grade(self._mirror.calculator.grade_interval)
        self._open(trajectory, append_trajectory, logfile, loginterval)

    # ---- making

    def _make_core(self, ensemble: Mapping[str, Any], skin: float) -> _core.Dynamics:
        atoms, calculator = self.atoms, self._mirror.calculator
        if "barostat" in ensemble and not atoms.pbc.all():
            raise ValueError(f"pbc is {atoms.pbc.tolist()}: a cell under pressure needs three periodic directions")
        _require_finite("position", atoms.positions)
        _require_finite("momentum", atoms.get_momenta())
        core = _core.Dynamics(
            calculator.potential.core,
            positions=atoms.positions,
            momenta=atoms.get_momenta(),
            masses=atoms.get_masses(),
            species=calculator.engine.species_indices(atoms.numbers),
            cell=atoms.cell.array,
            pbc=atoms.pbc.tolist(),
            timestep=self.dt,
            degrees_of_freedom=self.degrees_of_freedom,
            precision=calculator.parameters["precision"],
            skin=skin,
            threads=calculator.engine.threads,
            **ensemble,
        )
        _require_finite("energy", core.results()["energies"][:, None])
        return core

    def _open(self, trajectory: Any, append: bool, logfile: Any, interval: int) -> None:
        """Attach ASE's writers, as ASE's classes do."""
        if trajectory is not None and not hasattr(trajectory, "write"):
            from ase.io.trajectory import Trajectory

            trajectory = self._close_later(Trajectory(str(trajectory), "a" if append else "w"))
            trajectory.set_description(self.todict() | {"interval": interval})
        if trajectory is not None:
            self.attach(trajectory.write, interval, self.atoms)
        if logfile:
            from ase.md.logger import MDLogger

            self.attach(self._close_later(MDLogger(self, self.atoms, logfile)), interval)

    def _close_later(self, writer: Any) -> Any:
        return self.closelater(writer)  # type: ignore[no-untyped-call]

    # ---- running

    def run(self, steps: int = 50) -> bool:
        """Make steps.

        Parameters
        ----------
        steps
            How many.

        Returns
        -------
        True when all of them were made; False when a grade ended the run (see `stopped`).

        Raises
        ------
        UnstableRunError
            The run blew up: names the step and the atom. `atoms` stays at the step that Python saw last.
        KeyboardInterrupt
            On Ctrl-C, within a second, between two steps: the run can go on from there.
        """
        with one_blas_thread():
            for _ in self._go(steps, None):
                pass
        return self.stopped is None

    def irun(self, steps: int = 50) -> Iterator[bool]:
        """Make steps one by one; yields before the first and after each whether all are made."""
        for _ in self._go(steps, 1):
            yield self.nsteps == self.max_steps

    def _go(self, steps: int, stride: int | None) -> Iterator[None]:
        if type(steps) is not int or steps < 0:
            raise ValueError(f"steps is {steps!r}; expected a whole number of at least 0")
        self.max_steps = self.nsteps + steps
        self.stopped = None
        if self.nsteps == 0:
            self._mirror.tell(self._core)
            if self._watching:
                self._grade_now()
            self._mirror.show(self._core)
            self._call_select()
            self.call_observers()
        yield
        while self.nsteps < self.max_steps and self.stopped is None:
            self._advance(min(self.max_steps - self.nsteps, stride or self.steps_to_observer()))
            self._call_select()
            self.call_observers()
            yield

    def _advance(self, steps: int) -> None:
        self._mirror.tell(self._core)
        try:
            outcome = self._core.run(steps)
        except BaseException as error:  # KeyboardInterrupt, and whatever a signal's handler raises
            if self._core.lost:
                raise UnstableRunError(f"the run blew up at step {self.nsteps + 1}: {error}", "not finite") from error
            self._note_grades()
            self._mirror.show(self._core)
            raise
        if self._core.lost:
            raise self._unstable(*outcome)
        self._note_grades()
        self._mirror.show(self._core)

    def _unstable(self, event: str, step: int, atom: int, value: float) -> UnstableRunError:
        """What to raise for an event that the core calls the end."""
        coldest, hottest = self._bounds
        cause, text = {
            "not finite": ("not finite", f"it is no longer finite, first at atom {atom}"),
            "temperature": (
                "temperature",
                f"{value / units.kB:.4g} K, allowed are {coldest:g} to {hottest:.4g} K; the fastest is atom {atom}",
            ),
            "fast": (
                "displacement",
                f"atom {atom} moves by {value:.3g} Å in one step, allowed are {self._displacement_limit:g} Å",
            ),
            "strained": ("volume", f"the cell is strained by {value:.3g} in one step, allowed are {_STRAIN:g}"),
        }[event]
        return UnstableRunError(f"the run blew up at step {step}: {text}. {ADVICE}", cause)

    # ---- targets, limits, grades

    def ramp(self, steps: int, *, temperature_K: float | None = None, pressure_au: float | None = None) -> None:
        """Change the targets linearly in the step number, from what they are now.

        The first of `steps` steps has a target one `steps`-th of the way, the last one the target itself; 0 steps
        set it at once. The masses of thermostat and barostat follow the temperature, so that their relaxation
        times stay; the velocities of their variables stay too (momenta scale with masses), so that the friction
        on the atoms does not jump. `get_conserved_energy` stays flat: the work of the change is booked.

        Parameters
        ----------
        steps
            Length of the ramp.
        temperature_K
            Target at its end. None: stays as it is now.
        pressure_au
            Target at its end, eV/Å³. None: stays as it is now.

        Raises
        ------
        ValueError
            The ensemble has no such target, or a number is out of range.
        """
        if not self._coupled:
            raise ValueError("constant energy has no target to change")
        if pressure_au is not None and not self._under_pressure:
            raise ValueError("constant volume has no target pressure to change")
        start = self._core.target_temperature
        end = start if temperature_K is None else temperature_K * units.kB
        self._core.ramp(end, self._core.target_pressure if pressure_au is None else pressure_au, steps)
        self._set_limits(max(start, end))

    @property
    def target_temperature(self) -> float:
        """Target of the last step, K (0 at constant energy)."""
        return self._core.target_temperature / units.kB

    @property
    def target_pressure(self) -> float:
        """Target of the last step, eV/Å³ (0 at constant volume)."""
        return self._core.target_pressure

    def _set_limits(self, hottest_target: float) -> None:
        """Tell the core what ends the run; `hottest_target` is k_B T, 0 for none."""
        default = (0.0, _HOTTEST * hottest_target / units.kB or math.inf)
        self._bounds = self._temperature_limits or default
        coldest, hottest = (kelvin * units.kB for kelvin in self._bounds)
        self._core.set_limits(coldest=coldest, hottest=hottest, displacement=self._displacement_limit, strain=_STRAIN)

    # ---- what it says about itself

    @property
    def nsteps(self) -> int:
        """Steps done."""
        return self._core.step

    def get_number_of_steps(self) -> int:
        """Steps done."""
        return self.nsteps

    def get_time(self) -> float:
        """Simulated time, ASE units."""
        return self.nsteps * self.dt

    def converged(self) -> bool:
        """Whether all steps asked for are done."""
        return self.nsteps >= self.max_steps

    def todict(self) -> dict[str, Any]:
        """What ASE writes into its trajectories."""
        return {"type": "molecular-dynamics", "md-type": type(self).__name__, "timestep": self.dt}

    @property
    def temperature(self) -> float:
        """Kinetic temperature over `degrees_of_freedom`, K."""
        return 2 * self._core.kinetic_energy / (self.degrees_of_freedom * units.kB)

    def get_conserved_energy(self) -> float:
        """The energy that the equations of motion conserve, eV: the atoms', thermostat's and barostat's."""
        return self._core.conserved_energy

    @property
    def rebuilds(self) -> int:
        """How often the neighbour list was built."""
        return self._core.rebuilds

    @property
    def times(self) -> dict[str, float]:
        """Seconds spent in the core: rebuild (of the list), list, kernel, gather, motion, grades.

        The forces of a step that is graded are counted under its grades.
        """
        return self._core.times

    # ---- restart

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that decides how the run goes on, as arrays ready for `numpy.savez`. Disturbs nothing.

        Positions (not wrapped), momenta and cell, the variables of thermostat and barostat, targets and ramps, the
        step, and where the neighbour list was last built, for the order of sums follows it.
        """
        self._mirror.tell(self._core)
        return self._core.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state: bit for bit as the run it was taken from, given the same arguments and threads.

        Raises
        ------
        CheckpointError
            It is the state of another ensemble or of other atoms, or incomplete.
        """
        try:
            self._core.restore(dict(state))
        except (ValueError, TypeError) as error:
            raise CheckpointError(f"these dynamics cannot go on from the state: {error}") from None
        self._set_limits(max(self._core.target_temperature, *np.asarray(state["temperature_ramp"])[:2]))
        self._mirror.show(self._core)
