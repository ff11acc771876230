"""Tasks for the tests of the workers; they must be importable by other processes."""

import os
import signal
import sys
import time
from functools import partial

from betalps.errors import StructureError
from betalps.workers import run_tasks


def count(report, *, upto):
    for k in range(upto):
        report((os.getpid(), k))


def fail(report):
    raise StructureError("this task cannot be done")


def crash(report):
    raise ZeroDivisionError("a bug")


def kill_itself(report):
    report((os.getpid(), 0))
    os.kill(os.getpid(), signal.SIGKILL)


def tick(report):
    """Reports for a minute, unless somebody ends it."""
    for k in range(1200):
        report((os.getpid(), k))
        time.sleep(0.05)


if __name__ == "__main__":
    # A parent to be killed: prints the pids of its children.
    seen = set()

    def show(key, message):
        if message[0] not in seen:
            seen.add(message[0])
            print(message[0], flush=True)

    run_tasks({1.0: tick, 2.0: partial(tick)}, 2, show)
    sys.exit("not reached")
