"""Run by a test as a process of its own, which is killed: python watcher.py FOLDER [SECONDS OF PATIENCE]."""

import sys

import betalps.lammps.running as running_module
from betalps.protocols import RunSpec, Stage
from betalps.structures import beta_li3ps4

if __name__ == "__main__":
    if len(sys.argv) > 2:
        running_module._PATIENCE = float(sys.argv[2])
    spec = RunSpec(
        stages=[Stage(name="produce", ensemble="nve", time=1000.0, temperature=300.0)],
        engine="lammps",
        thermo_interval=0.02,
    )
    running_module.run_lammps(spec, sys.argv[1], atoms=beta_li3ps4(), ranks=1)
