"""Names of the files in a run's folder."""

DATA = "structure.data"
POTENTIAL = "potential.almtp"
INPUT = "in.lammps"
SETUP, STAGES = "in.setup", "in.stages"  # its two parts, for the way "external"
SUBMIT = "submit.sh"
TURN = "turn.json"
DESCRIPTION = "run.json"

# One per launch: {} is the step at which it began.
LOG = "log.{}.lammps"
FRAMES = "frames.{}.dump"
SELECTED = "selected.{}.extxyz"

# LAMMPS writes its checkpoints to the first two in turn, and the last one at the end.
FIRST, SECOND, LAST = "restart.a", "restart.b", "restart.end"

FINAL = "final.dump"  # the last structure, with velocities
OUTPUT = "lammps.out"  # what LAMMPS and MPI print
