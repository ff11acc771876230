"""Running a trajectory in a folder: frames, thermodynamic log and checkpoints, resumable at any moment."""

from __future__ import annotations

import hashlib
import json
import time as clock
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from betalps.dynamics.checkpoint import Checkpoint, load_checkpoint, require_same_run, save_checkpoint
from betalps.dynamics.integrator import NVT, BussiVerlet, thermal_momenta
from betalps.dynamics.thermo import ThermoLog
from betalps.errors import CheckpointError, StructureError
from betalps.files import locked
from betalps.trajectories import ChunkWriter
from betalps.typing import Json, PathLike, Seed

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

_PATIENCE = 5.0  # s to wait for a process that is about to end, such as one whose parent was just killed


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    step, steps
        Steps done, and steps asked for.
    time
        Simulated time, ps.
    temperature
        Kinetic temperature at this step, K.
    energy
        Potential energy, eV.
    ns_per_day
        Simulated time per wall time since this process took the run up; 0 before the first step.
    """

    step: int
    steps: int
    time: float
    temperature: float
    energy: float
    ns_per_day: float


Observer = Callable[[Progress], None]


def run_nvt(
    atoms: Atoms,
    folder: PathLike,
    settings: NVT,
    *,
    steps: int,
    calculator: Callable[[], Calculator],
    potential: str,
    rng: Seed,
    observer: Observer | None = None,
) -> Atoms:
    """Run, or go on running, a canonical trajectory in a folder.

    Parameters
    ----------
    atoms
        The starting structure; not changed. Momenta are drawn afresh.
    folder
        Holds ``checkpoint.npz``, ``thermo.csv`` and the frames in ``trajectory/``; made if absent. If it
        holds a part of this very run, the run continues from its last checkpoint; if it holds all of it,
        nothing is computed.
    settings
        Temperature, time step, thermostat and intervals.
    steps
        Length of the whole run. A finished run can be made longer.
    calculator
        Makes the ASE calculator. It is called at the start and again at every checkpoint, so that no memory
        of the past (a neighbour list's age and order) reaches beyond a checkpoint.
    potential
        Identifies the potential, such as its SHA-256: a folder run with another one is refused.
    rng
        Seed or generator of the initial momenta and the thermostat.
    observer
        Called with a `Progress` at every line of the thermodynamic log.

    Returns
    -------
    ase.Atoms
        The structure at the end, with momenta, without calculator.

    Raises
    ------
    CheckpointError
        If the folder belongs to another run, is in use by another process, or cannot be read.
    StructureError
        If a starting position or the cell is not finite.
    UnstableRunError
        If the run blows up.

    Notes
    -----
    Killed at any moment and called again, the run gives bit for bit the trajectory of an uninterrupted one,
    given a calculator that is deterministic. (Lengthening a run whose number of steps was no multiple of the
    checkpoint interval adds a checkpoint that a longer run from the start would not have had.)
    """
    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell[:]).all()):
        raise StructureError("the starting structure has a position or cell vector that is not finite")
    if type(steps) is not int or steps < 0:
        raise ValueError(f"steps must be a whole number of at least 0, got {steps!r}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, "running", _PATIENCE):
        run = _Run(
            atoms,
            folder,
            settings,
            calculator=calculator,
            potential=potential,
            rng=np.random.default_rng(rng),
        )
        try:
            run.advance(steps, observer)
        finally:
            run.close()
    return run.final_atoms()


class _Run:
    """A trajectory in its folder: the moving atoms and the three files that record them."""

    def __init__(
        self,
        atoms: Atoms,
        folder: Path,
        settings: NVT,
        *,
        calculator: Callable[[], Calculator],
        potential: str,
        rng: np.random.Generator,
    ) -> None:
        self._atoms = atoms.copy()
        self._settings = settings
        self._calculator = calculator
        self._rng = rng
        self._path = folder / "checkpoint.npz"
        self._identity = _identity(atoms, settings, potential, rng)
        self._motion: BussiVerlet | None = None
        state = self._resume() if self._path.exists() else self._begin(folder)
        self.step = state.step
        self._momenta, self._heat = state.momenta, state.heat
        self._frames = ChunkWriter(folder / "trajectory", atoms.get_chemical_symbols(), atoms.pbc)
        self._frames.truncate(state.frames)
        self._thermo = ThermoLog(folder / "thermo.csv", state.thermo_size)
        self._recorded = state.thermo_size > 0

    def _resume(self) -> Checkpoint:
        state = load_checkpoint(self._path)
        require_same_run(self._path, state.identity, self._identity)
        self._atoms.set_positions(state.positions)
        self._rng.bit_generator.state = state.rng_state
        return state

    def _begin(self, folder: Path) -> Checkpoint:
        """Draw momenta and write the checkpoint of step 0, which has nothing recorded yet."""
        left_over = [name for name in ("trajectory", "thermo.csv") if (folder / name).exists()]
        if left_over:
            raise CheckpointError(f"{folder} holds {' and '.join(left_over)} but no checkpoint.npz")
        state = Checkpoint(
            step=0,
            positions=self._atoms.get_positions(),
            momenta=thermal_momenta(self._atoms, self._settings.temperature, self._rng),
            cell=self._atoms.cell[:].copy(),
            heat=0.0,
            rng_state=dict(self._rng.bit_generator.state),
            frames=0,
            thermo_size=0,
            identity=self._identity,
        )
        save_checkpoint(self._path, state)
        return state

    def advance(self, steps: int, observer: Observer | None) -> None:
        """Run until `steps`."""
        if self.step > steps:
            raise CheckpointError(f"{self._path} is at step {self.step}, beyond the {steps} asked for")
        if self.step == steps and self._recorded:
            return
        began, first = clock.perf_counter(), self.step
        self._take_up()
        if not self._recorded:
            self._record(steps, observer, 0.0)
        while self.step < steps:
            self._moving.step()
            self.step += 1
            if self.step % self._settings.frame_interval == 0 or self._frame_due():
                per_second = (self.step - first) / (clock.perf_counter() - began)
                self._record(steps, observer, per_second * self._settings.timestep * 1e-6 * 86400)
            if self.step % self._settings.checkpoint_interval == 0 and self.step < steps:
                self._save()
                self._take_up()
        self._save()

    @property
    def _moving(self) -> BussiVerlet:
        assert self._motion is not None
        return self._motion

    def _take_up(self) -> None:
        """Go on from the present state as a resumed process would: with a new calculator."""
        self._atoms.calc = self._calculator()
        self._motion = BussiVerlet(self._atoms, self._settings, momenta=self._momenta, rng=self._rng, heat=self._heat)

    def _frame_due(self) -> bool:
        since = self.step - self._settings.equilibration
        return since >= 0 and since % self._settings.frame_interval == 0

    def _record(self, steps: int, observer: Observer | None, ns_per_day: float) -> None:
        time = self.step * self._settings.timestep * 1e-3
        energies = self._moving.energies()
        self._thermo.write(self.step, time, energies)
        if self._frame_due():
            self._frames.append(self._atoms.positions, self._atoms.cell[:], time)
        self._recorded = True
        if observer is not None:
            observer(
                Progress(
                    step=self.step,
                    steps=steps,
                    time=time,
                    temperature=energies[0],
                    energy=energies[1],
                    ns_per_day=ns_per_day,
                )
            )

    def _save(self) -> None:
        """Write frames and log, then the checkpoint that counts them: resuming cuts what lies beyond it."""
        self._momenta, self._heat = self._moving.momenta, self._moving.heat
        self._frames.flush()
        state = Checkpoint(
            step=self.step,
            positions=self._atoms.get_positions(),
            momenta=self._momenta,
            cell=self._atoms.cell[:].copy(),
            heat=self._heat,
            rng_state=dict(self._rng.bit_generator.state),
            frames=len(self._frames),
            thermo_size=self._thermo.sync(),
            identity=self._identity,
        )
        save_checkpoint(self._path, state)

    def final_atoms(self) -> Atoms:
        """Positions and momenta of the present step, without calculator."""
        final: Atoms = self._atoms.copy()
        final.set_momenta(self._momenta)
        return final

    def close(self) -> None:
        self._thermo.close()


def _identity(atoms: Atoms, settings: NVT, potential: str, rng: np.random.Generator) -> Json:
    """Collect what tells one run from another, ready for JSON."""
    structure = hashlib.sha256()
    for array in (atoms.numbers, atoms.positions, atoms.cell[:], atoms.pbc, atoms.get_masses()):
        structure.update(np.ascontiguousarray(array).tobytes())
    state = json.dumps(rng.bit_generator.state, sort_keys=True, default=lambda array: array.tolist())
    return {
        **asdict(settings),
        "structure": structure.hexdigest(),
        "potential": potential,
        "rng": hashlib.sha256(state.encode()).hexdigest(),
    }
