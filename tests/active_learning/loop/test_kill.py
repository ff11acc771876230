"""Killed at any moment, the loop ends with the potential of one that was left alone."""

import itertools
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest

from active_learning.loop import cases


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The study, and the moments it went through."""
    moments = []
    folder = tmp_path_factory.mktemp("alone") / "study"
    study = cases.learning(folder, observer=lambda progress: moments.append(cases.moment(progress)))
    study.run()
    return study, moments


def kill_at(targets, folder, workers, rng):
    """Do the study in processes that are killed once they have reached each of the moments; then to its end.

    They take turns with these numbers of workers.
    """
    killed_in = []
    for count, target in zip(itertools.cycle(workers), targets, strict=False):
        command = [sys.executable, cases.__file__, str(folder), str(count)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                iteration, stage, fraction = line.split()
                if (int(iteration), int(stage), float(fraction)) >= target:
                    time.sleep(rng.uniform(0, 0.05))  # into whatever comes next, such as writing
                    break
            process.send_signal(signal.SIGKILL)
            process.stdout.close()
        assert process.returncode == -signal.SIGKILL
        killed_in.append(target[1])
    study = cases.learning(folder)
    study.run()
    return study, killed_in


def assert_same(study, alone, kills):
    assert study.finished == alone.finished == "budget: 2 iterations"
    assert study.potential.to_bytes() == alone.potential.to_bytes()
    # every run, every choice, every error
    assert study.results()["iterations"] == alone.results()["iterations"]
    asked = Counter((study.folder.parent / "asked").read_text().split())
    once = Counter((alone.folder.parent / "asked").read_text().split())
    (calls,) = set(once.values())  # of the calculator for one label
    assert set(asked) == set(once)
    assert sum(asked.values()) - sum(once.values()) <= calls * kills  # what was under way at a kill, no more


def test_a_kill_in_every_kind_of_step(tmp_path, uninterrupted):
    alone, moments = uninterrupted
    rng = np.random.default_rng(3)
    steps = [(1, "explore"), (1, "label"), (2, "fit"), (2, "finish")]
    wanted = [(number, cases.STEPS.index(name)) for number, name in steps]
    targets = [tuple(rng.choice([m for m in moments if m[:2] == step])) for step in wanted]
    study, _ = kill_at(targets, tmp_path / "study", [1], rng)
    assert_same(study, alone, len(targets))


@pytest.mark.slow
def test_twenty_kills_at_random_moments(tmp_path, uninterrupted):
    alone, moments = uninterrupted
    rng = np.random.default_rng(20)
    order = sorted(set(moments))
    # some in each kind of step, the others anywhere
    kinds = itertools.chain.from_iterable(
        rng.permutation([k for k, moment in enumerate(order[:-1]) if moment[1] == stage])[:3] for stage in (0, 2, 3, 4)
    )
    chosen = list(kinds)
    chosen += list(rng.choice(len(order) - 1, 20 - len(chosen)))
    targets = [order[k] for k in sorted(chosen)]
    study, killed_in = kill_at(targets, tmp_path / "study", [1, 2], rng)
    assert len(killed_in) == 20
    assert {0, 2, 3, 4} <= set(killed_in)
    assert_same(study, alone, 20 * 2)
