"""Threads of Python, forked processes, and what the environment sets."""

import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from betalps import _core
from betalps.calculators import Engine
from betalps.potentials import load
from calculators.cases import BUNDLED, arrays, random_potential

ISAS = _core.available_isas()


def test_python_threads_share_a_potential(structures):
    """Two engines at the same time, and one engine from two threads: everybody gets what is theirs."""
    potential = load(BUNDLED)
    shared_engine = Engine(potential, threads=2)
    names = ["crystal", "slab", "molecule", "triclinic"]
    expected = {name: Engine(potential, threads=2).evaluate(*arrays(structures[name])) for name in names}
    failures = []

    def work(engine, name):
        for _ in range(40):
            out = engine.evaluate(*arrays(structures[name]))
            if out.energy != expected[name].energy or not np.array_equal(out.forces, expected[name].forces):
                failures.append(name)

    workers = [threading.Thread(target=work, args=(Engine(potential, threads=2), name)) for name in names[:2]]
    workers += [threading.Thread(target=work, args=(shared_engine, name)) for name in names[2:]]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not any(worker.is_alive() for worker in workers)
    assert not failures


def test_other_threads_run_during_an_evaluation(structures):
    """The interpreter's lock is released: a pure Python thread makes progress while the core computes."""
    atoms = structures["supercell"].repeat((3, 3, 3))
    engine = Engine(random_potential(level=20, radial_size=8), threads=1)
    inside, seen, stop = threading.Event(), [], threading.Event()

    def watch():
        while not stop.is_set():
            seen.append(inside.is_set())
            stop.wait(1e-4)

    watcher = threading.Thread(target=watch)
    before = sys.getswitchinterval()
    sys.setswitchinterval(30)  # so that the lock changes hands only where it is given away
    try:
        watcher.start()
        for _ in range(100):
            inside.set()
            engine.evaluate(*arrays(atoms))
            inside.clear()
            if sum(seen) >= 10:
                break
    finally:
        stop.set()
        sys.setswitchinterval(before)
        watcher.join()
    assert sum(seen) >= 10


def energy_in_child(engine, atoms, queue):
    queue.put(engine.evaluate(*arrays(atoms)).energy)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_survives_fork(structures):
    """A child forked while the parent's threads exist has none of them, and starts its own."""
    atoms = structures["supercell"]
    engine = Engine(BUNDLED, threads=2)
    expected = engine.evaluate(*arrays(atoms)).energy
    context = multiprocessing.get_context("fork")
    for _ in range(3):
        queue = context.SimpleQueue()
        child = context.Process(target=energy_in_child, args=(engine, atoms, queue))
        child.start()
        child.join(30)
        alive = child.is_alive()
        if alive:
            child.kill()
        assert not alive, "the child hangs"
        assert child.exitcode == 0
        assert queue.get() == expected
    assert engine.evaluate(*arrays(atoms)).energy == expected


def run_python(code, **environment):
    kept = {k: v for k, v in os.environ.items() if k not in {"BETALPS_ISA", "BETALPS_THREADS", "OMP_NUM_THREADS"}}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_environment():
    code = f"from betalps.calculators import Engine; e = Engine({BUNDLED!r}); print(e.isa, e.threads)"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cases = [
        ({}, f"{ISAS[-1]} {cores}"),
        ({"BETALPS_ISA": "baseline", "BETALPS_THREADS": "3"}, "baseline 3"),
        ({"OMP_NUM_THREADS": "4,2"}, f"{ISAS[-1]} 4"),
        ({"BETALPS_THREADS": "2", "OMP_NUM_THREADS": "7"}, f"{ISAS[-1]} 2"),
    ]
    for environment, expected in cases:
        assert run_python(code, **environment).stdout.strip() == expected
    for environment, message in [
        (
            {"BETALPS_ISA": "mmx"},
            'environment variable BETALPS_ISA: instruction set: found "mmx", expected one that',
        ),
        (
            {"BETALPS_THREADS": "many"},
            "environment variable BETALPS_THREADS is 'many'; expected a positive number",
        ),
        ({"OMP_NUM_THREADS": "0"}, "environment variable OMP_NUM_THREADS is '0'; expected a positive number"),
    ]:
        answer = run_python(code, **environment)
        assert answer.returncode == 1
        assert message in answer.stderr
