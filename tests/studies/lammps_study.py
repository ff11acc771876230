"""Run by a test as a process of its own, to be stopped and killed: python lammps_study.py FOLDER."""

import sys
from dataclasses import replace

from betalps.studies import StudyConfig, config, diffusion_study

CONFIG = StudyConfig(
    temperatures=(800.0,),
    supercell=(1, 1, 2),
    equilibration=0.5,
    production=6.0,
    frame_interval=0.05,
    boundaries=(),
    glass_temperatures=(),
    workers=1,
)
LONG = replace(CONFIG, production=40.0, frame_interval=0.2, engine="lammps", ranks=1)

if __name__ == "__main__":
    config._CHECKPOINT_STEPS = 100

    def tell(event):
        if event.progress.step >= 150:
            print(event.progress.step, flush=True)

    diffusion_study(replace(LONG, workers=2), sys.argv[1], observer=tell)
