"""Processes: they report, their errors arrive, and none is left behind."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

import chores
from betalps.errors import StructureError
from betalps.workers import WorkerError, process_pool, run_tasks


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A child that ended and was not waited for still answers.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def ends(pid, within=10.0):
    deadline = time.monotonic() + within
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


@pytest.mark.parametrize("workers", [1, 2])
def test_all_reports_arrive_in_order(workers):
    seen = {1.0: [], 2.0: [], 3.0: []}
    pids = set()

    def report(key, message):
        pids.add(message[0])
        seen[key].append(message[1])

    tasks = {key: partial(chores.count, upto=5 * int(key)) for key in seen}
    outcomes = run_tasks(tasks, workers, report)
    assert seen == {key: list(range(5 * int(key))) for key in seen}
    assert outcomes == {1.0: None, 2.0: None, 3.0: None}
    assert (os.getpid() in pids) == (workers == 1)
    assert len(pids) == (1 if workers == 1 else 3)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_ours_is_an_outcome_and_others_go_on(workers):
    seen = []
    tasks = {1.0: chores.fail, 2.0: partial(chores.count, upto=3)}
    outcomes = run_tasks(tasks, workers, lambda key, message: seen.append(message[1]))
    assert isinstance(outcomes[1.0], StructureError)
    assert "this task cannot be done" in str(outcomes[1.0])
    assert outcomes[2.0] is None
    assert seen == [0, 1, 2]


def test_a_bug_arrives_with_its_traceback_and_ends_the_others():
    pids = set()
    with pytest.raises(WorkerError, match=r"(?s)process of 2 failed.*ZeroDivisionError: a bug"):
        run_tasks({1.0: chores.tick, 2.0: chores.crash}, 2, lambda key, message: pids.add(message[0]))
    assert all(ends(pid) for pid in pids)


def test_a_killed_process_is_named():
    with pytest.raises(WorkerError, match=r"process of 2 ended with exit code -9 before it was done"):
        run_tasks({1.0: chores.tick, 2.0: chores.kill_itself}, 2, lambda key, message: None)


def test_leaving_ends_the_processes():
    pids = set()

    def report(key, message):
        pids.add(message[0])
        if len(pids) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tasks({1.0: chores.tick, 2.0: chores.tick}, 2, report)
    assert all(ends(pid) for pid in pids)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks at /proc")
def test_processes_end_when_their_parent_is_killed():
    parent = subprocess.Popen([sys.executable, chores.__file__], stdout=subprocess.PIPE, text=True)
    try:
        pids = [int(parent.stdout.readline()) for _ in range(2)]
        assert all(alive(pid) for pid in pids)
        parent.send_signal(signal.SIGKILL)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    assert all(ends(pid) for pid in pids)


def pids_in(folder, count, parent):
    """Those that tasks have left, once there are so many."""
    while len(found := [int(path.name) for path in folder.iterdir()]) < count:
        assert parent.poll() is None, "the parent ended before its workers had begun"
        time.sleep(0.05)
    return found


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks at /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_pool_ends_with_its_parent_and_at_once(number, tmp_path):
    """Killed, it cannot say goodbye to its workers; after Ctrl-C it must not wait for what they are at."""
    parent = subprocess.Popen([sys.executable, chores.__file__, tmp_path], stderr=subprocess.DEVNULL)
    try:
        pids = pids_in(tmp_path, 2, parent)
        assert all(alive(pid) for pid in pids)
        parent.send_signal(number)
        parent.wait(timeout=40)  # its tasks sleep for a minute
    finally:
        parent.kill()
        parent.wait()
    assert all(ends(pid) for pid in pids)
    assert len(list(tmp_path.iterdir())) == 2  # the six others never began


def test_a_pool_waits_for_what_it_was_given():
    with process_pool(1) as pool:
        future = pool.submit(abs, -3)
    assert future.done()
    assert future.result() == 3


def test_a_pool_needs_a_worker():
    with pytest.raises(ValueError, match="workers is 0; expected at least 1"), process_pool(0):
        pass
