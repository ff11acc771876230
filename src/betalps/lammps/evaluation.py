"""One structure through LAMMPS: the check that its ranks compute what the calculator does."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from betalps.calculators.engine import Engine, as_potential
from betalps.errors import StructureError
from betalps.lammps.box import Turn, turn_of
from betalps.lammps.errors import LammpsError
from betalps.lammps.inputs import neighbour_lines, pair_lines, preamble, quoted, write_structure
from betalps.lammps.installation import Installation, find_lammps
from betalps.lammps.names import DATA, POTENTIAL
from betalps.lammps.plugin import build_plugin
from betalps.potentials import Potential
from betalps.typing import Floats, PathLike

if TYPE_CHECKING:
    from ase import Atoms

Way = Literal["plugin", "external"]

_BAR_ANGSTROM3 = 1.6021765e6  # LAMMPS's eV in bar Å³, to undo its conversion with its own number


class Evaluated(NamedTuple):
    """What LAMMPS computed, in the frame and order of the structure.

    Attributes
    ----------
    energy
        In eV.
    forces
        Shape (n, 3), eV/Å.
    virial
        -dE/dstrain, shape (3, 3), eV.
    """

    energy: float
    forces: Floats
    virial: Floats


def evaluate(
    atoms: Atoms,
    potential: Potential | PathLike,
    *,
    ranks: int = 1,
    way: Way = "plugin",
    installation: Installation | None = None,
) -> Evaluated:
    """Energy, forces and virial of a structure, computed by LAMMPS in processes of its own.

    Parameters
    ----------
    atoms
        Not changed.
    potential
        A potential, the name of a bundled one, or a file.
    ranks
        MPI processes.
    way
        "plugin": the compiled pair style; "external": ``fix external``.
    installation
        None: `find_lammps`.

    Raises
    ------
    LammpsError
        LAMMPS is missing, does not fit, or failed.
    StructureError
        The structure has no cell with a volume.
    SpeciesError
        It holds an element that the potential does not know.
    """
    if not len(atoms):
        message = "the structure is empty; LAMMPS needs at least one atom"
        raise StructureError(message)
    potential = as_potential(potential)
    installation = installation or find_lammps()
    still = atoms.copy()
    still.set_momenta(np.zeros((len(atoms), 3)))
    with tempfile.TemporaryDirectory(prefix="betalps-") as scratch:
        folder = Path(scratch)
        write_structure(folder, still, potential)
        read = [*preamble(atoms), f"read_data {DATA}"]
        if way == "plugin":
            read += pair_lines(potential)
        else:
            read += neighbour_lines()
        (folder / "in.setup").write_text("\n".join(read) + "\n")
        (folder / "in.stages").write_text(_MEASURE)
        _start(folder, potential, ranks, way, installation)
        return _read(folder, turn_of(atoms)[0], len(atoms))


_MEASURE = """\
compute push all pressure NULL virial
thermo_style custom step pe c_push[1] c_push[2] c_push[3] c_push[4] c_push[5] c_push[6] vol
run 0
print "$(pe:%.17g) $(c_push[1]:%.17g) $(c_push[2]:%.17g) $(c_push[3]:%.17g) &
$(c_push[4]:%.17g) $(c_push[5]:%.17g) $(c_push[6]:%.17g) $(vol:%.17g)" file numbers.txt
write_dump all custom forces.txt id fx fy fz modify sort id format float %.17g
"""


def _start(folder: Path, potential: Potential, ranks: int, way: Way, installation: Installation) -> None:
    arguments = ["-log", "log.lammps", "-screen", "none"]
    if way == "plugin":
        (folder / "in.all").write_text("include in.setup\ninclude in.stages\n")
        plugin = quoted(build_plugin(installation))
        command = installation.command(ranks, ["-in", "in.all", "-var", "plugin", plugin, *arguments])
    else:
        species = ",".join(potential.species)
        worker = ["-m", "betalps.lammps.external", POTENTIAL, species, "in.setup", "in.stages", *arguments]
        command = installation.command(ranks, worker, program=sys.executable)
    environment = installation.environment()
    done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0 or not (folder / "forces.txt").exists():
        said = "\n".join(path.read_text(errors="replace")[-2000:] for path in [folder / "log.lammps"] if path.exists())
        message = f"LAMMPS failed on {ranks} ranks:\n{said}\n{done.stdout[-2000:]}{done.stderr[-2000:]}".strip()
        raise LammpsError(message)


def _read(folder: Path, turn: Turn, atoms: int) -> Evaluated:
    numbers = np.loadtxt(folder / "numbers.txt")
    forces = np.loadtxt(folder / "forces.txt", skiprows=9, ndmin=2)[:, 1:]
    if forces.shape != (atoms, 3):
        message = f"LAMMPS returned forces of shape {forces.shape} for {atoms} atoms: it lost some"
        raise LammpsError(message)
    xx, yy, zz, xy, xz, yz = numbers[1:7] * numbers[7] / _BAR_ANGSTROM3
    virial = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    return Evaluated(float(numbers[0]), turn.back(forces), turn.tensor_back(virial))


class Deviation(NamedTuple):
    """How far LAMMPS is from the calculator.

    Attributes
    ----------
    energy, forces, virial
        Largest difference, relative to the largest value.
    """

    energy: float
    forces: float
    virial: float


def compare(
    atoms: Atoms,
    potential: Potential | PathLike,
    *,
    ranks: int = 1,
    way: Way = "plugin",
    installation: Installation | None = None,
) -> Deviation:
    """Evaluate a structure in LAMMPS and in process.

    Parameters
    ----------
    atoms, potential, ranks, way, installation
        As for `evaluate`.
    """
    potential = as_potential(potential)
    there = evaluate(atoms, potential, ranks=ranks, way=way, installation=installation)
    structure = (atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)
    here = Engine(potential).evaluate(*structure, virials=True)
    assert here.forces is not None
    assert here.virials is not None
    xx, yy, zz, yz, xz, xy = here.virials.sum(axis=0)
    virial = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    return Deviation(
        energy=_relative(np.array(there.energy), np.array(here.energy)),
        forces=_relative(there.forces, here.forces),
        virial=_relative(there.virial, virial),
    )


def _relative(found: Floats, expected: Floats) -> float:
    scale = max(float(np.abs(expected).max()), 1e-300)
    return float(np.abs(found - expected).max()) / scale
