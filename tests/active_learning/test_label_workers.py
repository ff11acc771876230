"""Labels in processes: what hangs is ended, what dies is told, and nothing is left behind."""

import os
import signal
import time

import pytest

from active_learning.labellers import Hanging, cannot_begin, coppers, starts_a_program
from betalps.active_learning import LabellingError, LabelWorkers, label, label_workers
from betalps.active_learning.labelling import Outcome
from test_workers import ends


def test_labels_are_those_of_one_process(tmp_path):
    frames = coppers(3)
    with LabelWorkers(2, timeout=60.0) as workers:
        there = label(frames, Hanging(), folder=tmp_path / "there", executor=workers)
    here = label(frames, Hanging(), folder=tmp_path / "here")
    assert not there.failures
    assert [a.get_potential_energy() for a in there.frames] == [a.get_potential_energy() for a in here.frames]


def test_what_hangs_is_a_failure_and_others_go_on(tmp_path):
    frames = coppers(3)
    frames[1].set_cell(frames[1].cell * 1.01)
    with LabelWorkers(1, timeout=5.0) as workers:
        found = label(frames, Hanging(hangs=frames[1].cell[0, 0]), folder=tmp_path, executor=workers)
    assert found.computed == 2
    assert found.failures[1].reason == "TimeoutError: no label within 5 s"


def test_what_takes_its_process_along_is_a_failure(tmp_path):
    frames = coppers(3)
    frames[1].set_cell(frames[1].cell * 1.01)
    with LabelWorkers(1, timeout=60.0) as workers:
        found = label(frames, Hanging(dies=frames[1].cell[0, 0]), folder=tmp_path, executor=workers)
    assert found.computed == 2
    assert "the process ended with exit code -9 during the calculation" in found.failures[1].reason


def test_a_process_that_cannot_begin_is_no_failure_of_the_structure(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(label_workers, "_serve", cannot_begin)
        with LabelWorkers(1) as workers, pytest.raises(LabellingError, match="exit code 1 before it could begin"):
            label(coppers(2), Hanging(), folder=tmp_path, executor=workers)
    with LabelWorkers(1) as workers:
        assert label(coppers(2), Hanging(), folder=tmp_path, executor=workers).computed == 2


def test_programs_of_a_calculator_end_with_it(tmp_path):
    """What a calculator starts is in its process group, which is ended as a whole."""
    with LabelWorkers(1, timeout=5.0) as workers:
        started = workers.submit(starts_a_program, tmp_path / "pid")
        outcome = started.result()
        assert isinstance(outcome, Outcome)
        assert "no label within" in outcome.reason
    pid = int((tmp_path / "pid").read_text())
    assert ends(pid)


def test_closing_ends_what_is_under_way():
    workers = LabelWorkers(1)
    workers.submit(os.getpid).result()  # it has begun
    future = workers.submit(time.sleep, 60)
    waiting = workers.submit(os.getpid)
    time.sleep(0.1)
    began = time.monotonic()
    workers.close()
    assert time.monotonic() - began < 20
    assert isinstance(future.result(), Outcome)
    assert waiting.cancelled()
    with pytest.raises(LabellingError, match="have been closed"):
        workers.submit(os.getpid)


def test_a_process_is_replaced():
    with LabelWorkers(1) as workers:
        first = workers.submit(os.getpid).result()
        assert workers.submit(os.getpid).result() == first
        assert isinstance(workers.submit(os.kill, first, signal.SIGKILL).result(), Outcome)
        assert workers.submit(os.getpid).result() != first


def test_what_cannot_travel_is_no_failure_of_the_structure(tmp_path):
    with LabelWorkers(1) as workers, pytest.raises(LabellingError):
        label(coppers(1), lambda: None, folder=tmp_path, executor=workers, method="lambda")


@pytest.mark.parametrize(("numbers", "said"), [((0, None), "workers is 0"), ((1, 0.0), "timeout is 0.0")])
def test_bad_numbers(numbers, said):
    with pytest.raises(ValueError, match=said):
        LabelWorkers(*numbers)
