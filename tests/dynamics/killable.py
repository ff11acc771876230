"""Run by the kill tests as a process of its own, to be killed: python killable.py FOLDER SCALE."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where a process of its own finds its neighbours

from betalps.dynamics import run
from betalps.protocols import RunSpec, amorphization
from dynamics import cases

SCALE = 5e-5


def amorphize(folder, scale=SCALE, observers=()):
    """Melt and quench argon in five stages, isotropic NPT: 274 steps, a checkpoint every 7."""
    spec = RunSpec(
        stages=amorphization(scale, initial=20.0, melt=90.0, final=30.0, cooling_rate=0.175),
        timestep=2.0,
        frame_interval=0.006,
        thermo_interval=0.01,
        checkpoint_interval=0.014,
    )
    return run(spec, folder, atoms=cases.argon(), calculator=cases.Remembering, observers=observers)


if __name__ == "__main__":
    amorphize(sys.argv[1], float(sys.argv[2]), [lambda progress: print(progress.step, flush=True)])
