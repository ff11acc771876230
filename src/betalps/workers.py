"""Several tasks at a time, each in a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from betalps.errors import BetalpsError

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

Key = TypeVar("Key", bound=Hashable)
Report = Callable[[Any], None]
Task = Callable[[Report], None]
"""What a process does: a picklable callable that is handed a function to report through."""


_WATCH = 0.2  # s between looks whether the parent lives
_GRACE = 10.0  # s that a process has to end in


class Executor(Protocol):
    """What executors of `concurrent.futures` have in common with those of dask, Parsl and executorlib.

    A future needs `result`; for labels `add_done_callback`, too.
    """

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Run a function somewhere, and return a future at once."""


def call_off(futures: Iterable[Any]) -> None:
    """Cancel what has not begun, where futures can be cancelled."""
    for future in futures:
        with contextlib.suppress(AttributeError, NotImplementedError):  # parsl's cannot
            future.cancel()


class WorkerError(BetalpsError):
    """A process that ended without finishing its task."""


def run_tasks(
    tasks: Mapping[Key, Task], workers: int, report: Callable[[Key, Any], None]
) -> dict[Key, BetalpsError | None]:
    """Run tasks, at most `workers` at a time.

    Parameters
    ----------
    tasks
        By a key of the caller's. With one worker they run in this process, one after the other.
    workers
        How many processes.
    report
        Called in this process with a task's key and what the task reports.

    Returns
    -------
    dict
        For every key None, or the `BetalpsError` that its task raised.

    Raises
    ------
    WorkerError
        If a process was killed, or raised anything that is not a `BetalpsError`.

    Notes
    -----
    Whatever way this function is left, its processes are ended. When this very process is killed, they notice
    within a fraction of a second, and end too.
    """
    outcomes: dict[Key, BetalpsError | None] = {}
    if workers == 1:
        for key, task in tasks.items():
            outcomes[key] = _here(task, lambda message, key=key: report(key, message))  # type: ignore[misc]
        return outcomes
    context = multiprocessing.get_context("spawn")  # a fork would copy threads in an unknown state
    waiting = list(tasks.items())
    running: dict[Connection, tuple[Key, Any]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                key, task = waiting.pop(0)
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_there, args=(task, theirs), daemon=True)
                process.start()
                theirs.close()
                running[ours] = (key, process)
            for connection in wait(list(running)):
                assert isinstance(connection, Connection)
                key, process = running[connection]
                try:
                    kind, content = connection.recv()
                except EOFError:
                    process.join()
                    message = f"the process of {_told(key)} ended with exit code {process.exitcode} before it was done"
                    raise WorkerError(message) from None
                if kind == "report":
                    report(key, content)
                    continue
                if kind == "crash":
                    raise WorkerError(f"the process of {_told(key)} failed:\n{content}")
                outcomes[key] = content
                del running[connection]
                process.join()
                connection.close()
    finally:
        for connection, (_, process) in running.items():
            process.terminate()
            process.join()
            connection.close()
    return outcomes


@contextlib.contextmanager
def process_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes of which none is left behind.

    Parameters
    ----------
    workers
        How many.

    Yields
    ------
    ProcessPoolExecutor
        Left by an exception, Ctrl-C too, it ends its processes at once, whatever they are at; otherwise it waits for
        what was submitted. When this very process is killed, they notice within a fraction of a second, and end too.

    Raises
    ------
    ValueError
        `workers` is below 1.
    """
    from concurrent.futures import ProcessPoolExecutor

    if workers < 1:
        raise ValueError(f"workers is {workers}; expected at least 1")
    context = multiprocessing.get_context("spawn")  # a fork would copy threads in an unknown state
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin) as pool:
        try:
            yield pool
        except BaseException:
            # Shutting down alone would wait for calls that run, and for those that wait in the pool's queue.
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(cancel_futures=True)
            raise


def end_with_parent(*, group: bool = False) -> None:
    """End this process when the one that started it is gone, however it went.

    Parameters
    ----------
    group
        Lead a process group of its own, and end all of it: programs that a calculator started.
    """
    process = multiprocessing.parent_process()
    parent = os.getppid() if process is None else process.pid  # it may be gone while this process was starting
    if group:
        os.setsid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH)
        if group:
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGTERM)  # who handles it has something to end first, such as LAMMPS
        time.sleep(_GRACE)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _told(key: Hashable) -> str:
    """A key in words."""
    parts = key if isinstance(key, tuple) else (key,)
    return ", ".join(f"{part:g}" if isinstance(part, float) else str(part) for part in parts)


def _here(task: Task, report: Report) -> BetalpsError | None:
    try:
        task(report)
    except BetalpsError as error:
        return error
    return None


def _begin() -> None:
    """What a process of a pool does first; Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def _there(task: Task, connection: Connection) -> None:
    """Run a task in a child process; Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # as an exception, so that a run in LAMMPS ends with it
    end_with_parent()
    try:
        outcome: tuple[str, Any] = ("done", _here(task, lambda message: connection.send(("report", message))))
    except BrokenPipeError:
        sys.exit(1)  # the parent is gone
    except Exception:  # noqa: BLE001 (handed to the parent, which raises)
        outcome = ("crash", traceback.format_exc())
    with contextlib.suppress(BrokenPipeError):  # the parent is gone
        connection.send(outcome)
