"""Run by the resume test as a process of its own, which kills itself: python killable.py CHECKPOINT ITERATION."""

import itertools
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import betalps.training.checkpoint as checkpoint_module
from betalps.training import FitSettings, fit
from training import cases

SETTINGS = FitSettings(starts=2, subset=4, iterations=6)


def go(checkpoint, observer=None):
    return fit(
        cases.labelled(10),
        4,
        validation=cases.labelled(2, seed=1),
        settings=SETTINGS,
        seed=5,
        threads=1,
        checkpoint=checkpoint,
        observer=observer,
    )


if __name__ == "__main__":
    checkpoint_module._INTERVAL = 0.0
    left = itertools.count(int(sys.argv[2]) - 1, -1)

    def stop(iteration):
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    go(sys.argv[1], stop)
