"""Observers of a run, with the meaning they have in ASE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Observers:
    """Functions called at regular steps.

    Attributes
    ----------
    observers
        (function, interval, args, kwargs) each, in the order of the calls.
    """

    max_steps: int

    @property
    def nsteps(self) -> int:
        """Steps done."""
        raise NotImplementedError

    def __init__(self) -> None:
        self.observers: list[tuple[Callable[..., Any], int, tuple[Any, ...], dict[str, Any]]] = []

    def attach(self, function: Any, interval: int = 1, *args: Any, **kwargs: Any) -> None:
        """Add an observer.

        Parameters
        ----------
        function
            Called with `args` and `kwargs`; or something with ``write``, which is then called.
        interval
            Steps between calls, from step 0 on. 0 or less: one call, at step ``-interval``.
        """
        self.insert_observer(function, len(self.observers), interval, *args, **kwargs)

    def insert_observer(self, function: Any, position: int = 0, interval: int = 1, *args: Any, **kwargs: Any) -> None:
        """As `attach`, at a place among the observers."""
        if not callable(function):
            function = function.write
        self.observers.insert(position, (function, interval, args, kwargs))

    def call_observers(self) -> None:
        """Call those whose step it is."""
        for function, interval, args, kwargs in self.observers:
            if self.nsteps % interval == 0 if interval > 0 else self.nsteps == -interval:
                function(*args, **kwargs)

    def steps_to_observer(self) -> int:
        """Steps until one is due; those left to make, if none is."""
        step = self.nsteps
        waits = [
            interval - step % interval if interval > 0 else -interval - step for _, interval, _, _ in self.observers
        ]
        return min((wait for wait in waits if wait > 0), default=self.max_steps - step)
