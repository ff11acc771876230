"""A described run as files for LAMMPS: structure, potential, and a script of stages that can be entered anywhere."""

from __future__ import annotations

import io
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from betalps import __version__
from betalps.errors import SpeciesError, StructureError
from betalps.files import write_atomic
from betalps.lammps.box import is_skewed, turn_of
from betalps.lammps.names import (
    DATA,
    FINAL,
    FIRST,
    FRAMES,
    INPUT,
    LAST,
    LOG,
    POTENTIAL,
    SECOND,
    SELECTED,
    SETUP,
    STAGES,
    SUBMIT,
)
from betalps.potentials import Potential
from betalps.protocols import RunSpec, Stage
from betalps.typing import PathLike

if TYPE_CHECKING:
    from ase import Atoms

SKIN = 1.0  # Å beyond the cutoff in the neighbour list
_BAR_PER_GPA = 1e4

# How thermo_style names what thermo.csv and Progress need
THERMO = (
    *("step", "temp", "pe", "ke", "econserve", "vol", "press"),
    *("pxx", "pyy", "pzz", "pyz", "pxz", "pxy"),
)


def write_structure(folder: Path, atoms: Atoms, potential: Potential, *, triclinic: bool = False) -> None:
    """Write structure (with velocities) and potential where the script expects them.

    Raises
    ------
    StructureError
        The cell has no volume, or atoms of one element differ in mass.
    SpeciesError
        An element that the potential does not know.
    """
    from ase.io.lammpsdata import write_lammps_data

    species = list(potential.species)
    unknown = sorted(set(atoms.get_chemical_symbols()) - set(species))
    if unknown:
        message = f"the structure holds {', '.join(unknown)}; the potential knows {', '.join(species)}"
        raise SpeciesError(message)
    for symbol in sorted(set(atoms.get_chemical_symbols())):
        masses = atoms.get_masses()[atoms.symbols == symbol]
        if np.ptp(masses) > 0:
            message = f"the masses of {symbol} range from {masses.min():g} to {masses.max():g} u; expected one mass"
            raise StructureError(message)
    data = io.StringIO()
    write_lammps_data(
        data,
        atoms,
        specorder=species,
        prismobj=turn_of(atoms)[1],
        force_skew=triclinic or is_skewed(atoms),
        masses=True,
        velocities=True,
    )
    write_atomic(folder / DATA, data.getvalue().encode())
    write_atomic(folder / POTENTIAL, potential.to_bytes())


def preamble(atoms: Atoms) -> list[str]:
    """What comes before the structure is read."""
    # "m": the box of a direction that is not periodic is the cell's, or larger where atoms leave it
    boundary = " ".join("p" if periodic else "m" for periodic in atoms.pbc)
    return ["units metal", "atom_style atomic", "newton on", f"boundary {boundary}"]


def pair_lines(potential: Potential, settings: str = "") -> list[str]:
    """The pair style of betalps, and the neighbour list that suits it."""
    return [
        "plugin load ${plugin}",  # within quotes LAMMPS would not substitute
        f"pair_style betalps {settings}".rstrip(),
        f"pair_coeff * * {POTENTIAL} {' '.join(potential.species)}",
        *neighbour_lines(),
    ]


def quoted(path: Path) -> str:
    """A path as the value of a variable that a command of the script consists of."""
    return f'"{path}"' if " " in str(path) else str(path)


def neighbour_lines() -> list[str]:
    """Rebuilt whenever an atom has moved half the skin."""
    return [f"neighbor {SKIN:g} bin", "neigh_modify every 1 delay 0 check yes"]


def write_input(folder: Path, spec: RunSpec, atoms: Atoms, potential: Potential) -> None:
    """Write the script, whole and in two parts.

    It is started as ``lmp -in in.lammps -var plugin FILE``, and after a kill with ``-var resumed 1 -var restart
    FILE -var first FILE -var second FILE`` too: `betalps.lammps.next_launch` says which. For ``fix external``
    there are two parts: between them the box exists and the forces are attached.
    """
    setup, stages = _setup(spec, atoms), _stages(spec, atoms, potential)
    pair = pair_lines(potential, _grade_settings(spec))
    for name, lines in ((INPUT, [*setup, *pair, *stages]), (SETUP, setup), (STAGES, [*neighbour_lines(), *stages])):
        write_atomic(folder / name, ("\n".join(lines) + "\n").encode())


def _setup(spec: RunSpec, atoms: Atoms) -> list[str]:
    return [
        f"# Written by betalps {__version__}: {len(atoms)} atoms, {spec.steps} steps in {len(spec.stages)} stages.",
        "# Files that grow carry the step at which they were begun; a launch that goes on begins new ones.",
        "variable resumed index 0",
        "variable restart index none",
        f"variable first index {FIRST}",
        f"variable second index {SECOND}",
        *preamble(atoms),
        f'if "${{resumed}} == 0" then "read_data {DATA}" else "read_restart ${{restart}}"',
        "variable start string $(step:%.0f)",
        f"log {LOG.format('${start}')}",
        f"shell rm -f {FRAMES.format('${start}')} {SELECTED.format('${start}')}",
    ]


def _stages(spec: RunSpec, atoms: Atoms, potential: Potential) -> list[str]:
    lines = [
        f"timestep {_number(1e-3 * spec.timestep)}",
        *_thermo_lines(spec),
        *_guard_lines(spec, atoms),
        f"restart {spec.checkpoint_steps} ${{first}} ${{second}}",
        "variable append string no",
    ]
    begin = 0
    for number, (stage, steps) in enumerate(zip(spec.stages, spec.stage_steps, strict=True), start=1):
        lines += _stage_lines(spec, number, stage, begin, potential.species)
        begin += steps
    final = f"write_dump all custom {FINAL} id element xu yu zu vx vy vz modify sort id format float %.17g"
    return [*lines, "", f"{final} element {' '.join(potential.species)}", f"write_restart {LAST}"]


def _grade_settings(spec: RunSpec) -> str:
    if spec.grade is None:
        return ""
    limits = spec.grade
    file = SELECTED.format("${start}")
    return f"grade {limits.every} select {limits.gamma_select:g} break {limits.gamma_break:g} file {file}"


def _thermo_lines(spec: RunSpec) -> list[str]:
    columns = list(THERMO)
    lines = []
    if spec.grade is not None:
        lines.append("compute grade all pair betalps")
        columns.append("c_grade[1]")
    return [
        *lines,
        f"thermo {spec.thermo_steps}",
        f"thermo_style custom {' '.join(columns)}",
        "thermo_modify line yaml flush yes format float %.15g",
    ]


def _guard_lines(spec: RunSpec, atoms: Atoms) -> list[str]:
    """What ends a run that blew up."""
    coldest, hottest = spec.allowed_temperatures
    smallest, largest = (abs(atoms.cell.volume) * bound for bound in spec.volume_bounds)
    lines = []
    for name, keyword, low, high in (("temperature", "temp", coldest, hottest), ("volume", "vol", smallest, largest)):
        lines += [
            f'variable {name}_out equal "({keyword} < {low:.10g}) || ({keyword} > {high:.10g})"',
            f"fix {name}_bounds all halt {min(spec.thermo_steps, 100)} v_{name}_out != 0 error hard",
        ]
    return lines


def _stage_lines(spec: RunSpec, number: int, stage: Stage, begin: int, species: tuple[str, ...]) -> list[str]:
    end, every = begin + spec.stage_steps[number - 1], spec.frame_steps[number - 1]
    after = f"after{number}"
    lines = [
        "",
        f"# stage {number}: {stage.name}",
        f'if "$(step) >= {end}" then "jump SELF {after}"',
        f"fix stage{number} all {_ensemble(spec, stage)}",  # of its own name: a checkpoint must not set its state
    ]
    frames = every and begin + every <= end
    if frames:
        lines += [
            f"variable frames equal stride({begin + every},{end},{every})",
            f"dump frames all custom {every} {FRAMES.format('${start}')} id element xu yu zu",
            f"dump_modify frames every v_frames append ${{append}} sort id element {' '.join(species)}",
            "dump_modify frames format float %.10g",
        ]
    # In pieces from checkpoint to checkpoint: LAMMPS takes a barostat's mass from the temperature at which a run
    # begins, so that a ramp resumed from a checkpoint would go another way than one that runs through.
    interval = spec.checkpoint_steps
    lines += [
        f"variable up equal (floor(step/{interval})+1)*{interval}",
        f"variable next equal ternary(v_up<{end},v_up,{end})",
        f"label piece{number}",
        f"run ${{next}} upto start {begin} stop {end} post no",
        f'if "$(step) < {end}" then "jump SELF piece{number}"',
    ]
    if frames:
        lines += ["undump frames", "variable append string yes"]
    return [*lines, f"unfix stage{number}", f"label {after}"]


def _ensemble(spec: RunSpec, stage: Stage) -> str:
    if stage.ensemble == "nve":
        return "nve"
    first, last = stage.temperature, stage.temperature_at(1.0)
    heat = f"temp {_number(first)} {_number(last)} {_number(spec.thermostat_time)}"
    if stage.ensemble == "nvt":
        return f"nvt {heat}"
    bars = (_BAR_PER_GPA * stage.pressure, _BAR_PER_GPA * stage.pressure_at(1.0))
    push = f"{_number(bars[0])} {_number(bars[1])} {_number(spec.barostat_time)}"
    if stage.free == "isotropic":
        return f"npt {heat} iso {push}"
    if stage.free == "cell":
        return f"npt {heat} tri {push} flip no"
    return f"npt {heat} {' '.join(f'{axis} {push}' for axis in stage.free)}"


def needs_triclinic(spec: RunSpec) -> bool:
    """Whether a stage changes the angles of the cell."""
    return any(stage.free == "cell" for stage in spec.stages)


def _number(value: float) -> str:
    return repr(round(value, 12))


def write_submit(folder: Path, spec: RunSpec, ranks: int, lammps: PathLike | None = None) -> None:
    """Write a script for SLURM that starts the run, and goes on with it whenever it is submitted again."""
    export = (
        f"export BETALPS_LAMMPS={shlex.quote(str(lammps))}\n"
        if lammps
        else "# export BETALPS_LAMMPS=/prefix/of/lammps\n"
    )
    text = f"""#!/bin/bash
#SBATCH --job-name=betalps
#SBATCH --ntasks={ranks}
#SBATCH --cpus-per-task=1
#SBATCH --time=24:00:00
#SBATCH --requeue

# {spec.steps} steps. Submit it again after the time limit or a crash: it goes on from the last checkpoint.
# The environment in which betalps is installed, and the modules that its LAMMPS was built with:
# module load gcc openmpi lammps
# source /path/to/venv/bin/activate
{export}export OMP_NUM_THREADS=1

set -euo pipefail
cd "${{SLURM_SUBMIT_DIR:-$(dirname "$0")}}"
plugin=$(betalps lammps build)      # compiled once, then kept
next=$(betalps lammps next .)       # -var resumed 1 ... after a kill, nothing at the start
srun "$(betalps lammps program)" -in {INPUT} -var plugin "$plugin" $next
betalps lammps collect .            # trajectory/ and thermo.csv
"""
    write_atomic(folder / SUBMIT, text.encode())
