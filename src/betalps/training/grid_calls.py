"""The calls of a grid, one after the other or on an executor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from betalps.workers import Executor, call_off

Task = TypeVar("Task")
Result = TypeVar("Result")


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
        call_off(futures)
        raise
