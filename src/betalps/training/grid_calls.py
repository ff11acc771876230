"""The calls of a grid, one after the other or on an executor."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Executor(Protocol):
    """What `grid_search` needs of an executor; those of `concurrent.futures`, dask, parsl have it."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Any:
        """Start a call; returns a future with ``result()``, and ``cancel()`` if it can be called off."""


def call_all(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    executor: Executor | None,
    take: Callable[[Result], None],
) -> None:
    """Call a function with every task, and hand on the results in order.

    Parameters
    ----------
    function, tasks
        To call with each of these.
    executor
        None calls here.
    take
        Is given each result.

    Notes
    -----
    Whatever exception ends this, calls that have not begun are called off. The executor is not shut down.
    """
    if executor is None:
        for task in tasks:
            take(function(task))
        return
    futures: list[Any] = []
    try:
        futures.extend(executor.submit(function, task) for task in tasks)
        for future in futures:
            take(future.result())
    except BaseException:
        _call_off(futures)
        raise


def _call_off(futures: Iterable[Any]) -> None:
    for future in futures:
        with contextlib.suppress(AttributeError, NotImplementedError):  # parsl's futures refuse
            future.cancel()
