"""Processes that label: one structure at a time each, ended when one takes too long."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from betalps.active_learning.labelling import LabellingError, Outcome
from betalps.workers import end_with_parent

_STARTING = 300.0  # s in which a process must have begun; its imports may come from a slow disk


class LabelWorkers:
    """An executor for `label` whose calculations can hang or crash without harm.

    Every process lives until a calculation takes too long, or takes it along; then another one is started, and the
    structure counts as a failure. They end with the process that started them, however it ends, and take the programs
    with them that calculators have started.

    Parameters
    ----------
    workers
        Processes.
    timeout
        Longest time for one structure, s; None for any.

    Raises
    ------
    ValueError
        A number is out of range.
    """

    def __init__(self, workers: int = 1, timeout: float | None = None) -> None:
        if workers < 1:
            raise ValueError(f"workers is {workers}; expected at least 1")
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout is {timeout}; expected a number of seconds above 0")
        self._timeout = timeout
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None]
        self._jobs = queue.SimpleQueue()
        self._processes = [_Process() for _ in range(workers)]
        self._threads = [threading.Thread(target=self._work, args=(p,), daemon=True) for p in self._processes]
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Have one of the processes call a function that labels; its result is an `Outcome` if it is ended."""
        if self._closed:
            raise LabellingError("the workers have been closed")
        future: Future[Any] = Future()
        self._jobs.put((future, function, args))
        for thread in self._threads:
            if thread.ident is None:
                thread.start()
        return future

    def close(self) -> None:
        """End the processes, whatever they do."""
        self._closed = True
        for _ in self._threads:
            self._jobs.put(None)
        for process in self._processes:
            process.end()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        for process in self._processes:
            process.end()  # one that a thread has begun meanwhile

    def _work(self, process: _Process) -> None:
        while (job := self._jobs.get()) is not None:
            future, function, args = job
            if self._closed or not future.set_running_or_notify_cancel():
                future.cancel()
                continue
            try:
                future.set_result(process.call(function, args, self._timeout))
            except Exception as error:  # noqa: BLE001 (the caller of `result` gets it)
                future.set_exception(error)


class _Process:
    """A process that calls functions, and is replaced when it does not come back."""

    def __init__(self) -> None:
        self._process: Any = None
        self._connection: Connection | None = None

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], timeout: float | None) -> Any:
        """What the function returns; or an `Outcome` without labels."""
        try:
            connection = self._connection or self._start()
            connection.send((function, args))
            if not connection.poll(timeout):
                self.end()
                return Outcome(None, f"TimeoutError: no label within {timeout:g} s", "")
            kind, content = connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            code = self._code()
            self.end()
            return Outcome(None, f"WorkerError: the process ended with exit code {code} during the calculation", "")
        if kind == "lost":
            raise LabellingError(
                f"a worker does not know what to call: {content}. The calculator's factory must be importable from a "
                "module; one that is defined in a notebook or a script needs an executor such as ThreadPoolExecutor(1)"
            )
        return content

    def end(self) -> None:
        """Kill it with the programs that it has started."""
        process, self._process, self._connection = self._process, None, None
        if process is not None and process.is_alive():
            _kill_group(process.pid)
            process.kill()
        if process is not None:
            process.join()

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")  # a fork would copy threads in an unknown state
        ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        if not ours.poll(_STARTING):
            self.end()
            raise LabellingError(f"a process to label in did not start within {_STARTING:g} s")
        try:
            ours.recv()
        except EOFError:  # no calculation has begun: no structure is to blame
            code = self._code()
            self.end()
            raise LabellingError(f"a process to label in ended with exit code {code} before it could begin") from None
        self._connection = ours
        return ours

    def _code(self) -> int | None:
        process = self._process
        if process is not None:
            process.join(1.0)
        return None if process is None else process.exitcode


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)  # the process leads a group of its own


def _serve(connection: Connection) -> None:
    """Call what is sent, for ever; Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(group=True)
    with contextlib.suppress(EOFError, OSError):  # the parent is gone
        connection.send("ready")
        while True:
            try:
                function, args = connection.recv()
            except (EOFError, OSError):
                return
            except Exception as error:  # noqa: BLE001 (what the parent sent cannot be understood here)
                connection.send(("lost", f"{type(error).__name__}: {error}"))
                continue
            outcome = function(*args)
            connection.send(("done", outcome))
