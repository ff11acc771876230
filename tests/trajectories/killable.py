"""Run by the kill test as a process of its own: python killable.py FOLDER. Says each frame that is in the store."""

import sys
import time

import numpy as np

from betalps.trajectories import TrajectoryWriter

ATOMS, SEGMENT = 700, 4


def frame(number):
    """Positions (unwrapped), cell and time of a frame."""
    rng = np.random.default_rng(number)
    cell = np.diag([20.0, 21.0, 22.0]) + rng.normal(scale=0.1, size=(3, 3))
    return rng.normal(scale=30.0, size=(ATOMS, 3)), cell, 0.5 * number


if __name__ == "__main__":
    with TrajectoryWriter(sys.argv[1], ["Li"] * ATOMS, frames_per_segment=SEGMENT) as writer:
        while True:
            number = len(writer)
            if number and number % 11 == 0:
                writer.truncate(number - 3)
                for again in range(number - 3, number):
                    writer.append(*frame(again))
            writer.append(*frame(number))
            if number % 3 == 0:
                writer.flush()
            print(number, flush=True)
            time.sleep(0.0005)
