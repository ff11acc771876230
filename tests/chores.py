"""Tasks for the tests of the workers; they must be importable by other processes."""

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from betalps.errors import StructureError
from betalps.workers import process_pool, run_tasks


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


def sleep(folder):
    """Leaves its pid in a folder, and sleeps for a minute, unless somebody ends it."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(60)


def keep_a_pool_busy(folder):
    """More for a pool of two to do than a test would wait for."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    with process_pool(2) as pool:
        for future in [pool.submit(sleep, folder) for _ in range(8)]:
            future.result()


if __name__ == "__main__":
    if sys.argv[1:]:
        keep_a_pool_busy(sys.argv[1])
    # A parent to be killed: prints the pids of its children.
    seen = set()

    def show(key, message):
        if message[0] not in seen:
            seen.add(message[0])
            print(message[0], flush=True)

    run_tasks({1.0: tick, 2.0: partial(tick)}, 2, show)
    sys.exit("not reached")
