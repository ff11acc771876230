"""The search for coefficients: legs of iterations, watched, stopped in time, and kept in a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from betalps.calculators import Engine
from betalps.training.accuracy import compare
from betalps.training.bfgs import minimise
from betalps.training.checkpoint import Checkpoint, Iteration, Leg, finished
from betalps.training.labels import Sample
from betalps.training.levenberg import State, begin, stalled, step
from betalps.training.problem import Problem
from betalps.training.settings import FitSettings
from betalps.training.weights import Weights
from betalps.typing import Floats

Observer = Callable[[Iteration], None]

_LABELS_PER_COEFFICIENT = 15  # in the subset
_ROUNDS = (25, 35, 40)  # iterations on the subset; after each round the better half goes on


class HeldOut:
    """Configurations that are not trained on, evaluated as the search goes on.

    Parameters
    ----------
    samples
        That take part in the decision when to stop.
    weights
        Of their loss.
    threads
        Of the evaluation.
    """

    def __init__(self, samples: Sequence[Sample], weights: Weights, threads: int) -> None:
        self._samples, self._weights, self._threads = samples, weights, threads

    def __call__(self, problem: Problem, state: State) -> dict[str, float]:
        """Loss and mean absolute errors of a state."""
        engine = Engine(problem.potential(state.radial, state.linear), threads=self._threads)
        samples = problem.scale.shifted(self._samples, problem.shifts(state.linear))
        report = compare(engine, samples, self._weights)
        found = {
            "loss": report.loss,
            "energy_mae": report.overall.energy.mae,
            "force_mae": report.overall.force.mae,
            "stress_mae": report.overall.stress.mae,
        }
        return {name: value for name, value in found.items() if math.isfinite(value)}


class Search:
    """Runs the legs of a fit.

    Parameters
    ----------
    problem
        The data.
    settings
        How to search.
    checkpoint
        Holds what earlier processes have done.
    held_out
        None searches without.
    observer
        Called after every iteration.
    """

    def __init__(
        self,
        problem: Problem,
        settings: FitSettings,
        checkpoint: Checkpoint,
        held_out: HeldOut | None,
        observer: Observer | None,
    ) -> None:
        self._problem, self._settings, self._checkpoint = problem, settings, checkpoint
        self._held_out = held_out
        self._observer = observer or (lambda _: None)

    # -- the plan

    def run(self, start: Callable[[int], Floats], rng: np.random.Generator, *, subset: bool) -> tuple[Leg, float]:
        """Search from the best of several starts; gives the last leg, and the ridge taken.

        Parameters
        ----------
        start
            Gives the radial coefficients of a start by its number.
        rng
            Chooses the subset.
        subset
            Whether to search on a subset of the data first.
        """
        ridge = self._settings.ridges[0]
        if self._settings.method == "bfgs":
            return self._bfgs(start(0)), ridge
        radial = self._on_subset(start, rng, ridge).radial if subset and self._settings.starts else start(0)
        iterations = 0 if self._settings.method == "instant" else self._settings.iterations
        legs = []
        for ridge in self._settings.ridges:
            name = "all" if len(self._settings.ridges) == 1 else f"all, ridge {ridge:g}"
            make = partial(begin, self._problem, radial, self._problem.everything, ridge)
            legs.append((self._leg(name, make, None, iterations), ridge))
        return min(legs, key=lambda done: _held_out_loss(done[0]))

    def _on_subset(self, start: Callable[[int], Floats], rng: np.random.Generator, ridge: float) -> State:
        """The best of several starts after the rounds on the subset."""
        members, others = self._choose(rng)
        field: dict[str, Callable[[], State]] = {
            f"start {number + 1}": partial(self._first, start, number, members, ridge)
            for number in range(self._settings.starts)
        }
        ranking: list[tuple[float, str, State]] = []
        for number, iterations in enumerate(_ROUNDS if others and len(field) > 1 else _ROUNDS[:1], 1):
            ranking = []
            for name, make in field.items():
                state = self._leg(f"{name}, round {number}", make, members, iterations).state
                ranking.append((self._rank(state, others or members), name, state))
            ranking.sort(key=lambda entry: entry[:2])
            field = {name: partial(_same, state) for _, name, state in ranking[: math.ceil(len(ranking) / 2)]}
        return ranking[0][2]

    def _first(self, start: Callable[[int], Floats], number: int, members: list[int], ridge: float) -> State:
        return begin(self._problem, start(number), members, ridge)

    def _rank(self, state: State, members: list[int]) -> float:
        if self._held_out and len(members) == len(self._problem.samples):
            return self._held_out(self._problem, state)["loss"]
        return self._problem.loss(state.radial, state.linear, members)

    def _choose(self, rng: np.random.Generator) -> tuple[list[int], list[int]]:
        """A subset to search on, and as many others, or fewer, to rank by."""
        count = len(self._problem.samples)
        labels = sum(sample.rows for sample in self._problem.samples) / count
        wanted = math.ceil(_LABELS_PER_COEFFICIENT * self._problem.form.coeffs_count / labels)
        size = self._settings.subset_of(count, wanted)
        if size > 0.8 * count:  # too few to leave any out
            return self._problem.everything, []
        order = rng.permutation(count).tolist()
        return sorted(order[:size]), sorted(order[size : 2 * size])

    # -- one leg

    def _leg(self, name: str, make: Callable[[], State], members: list[int] | None, iterations: int) -> Leg:
        """Iterate until a reason to stop, from where the checkpoint has it; all data if `members` is None."""
        watched = members is None
        part = self._problem.everything if members is None else members
        leg = self._checkpoint.legs.get(name)
        if leg is None:
            leg = self._grown(name, None, make(), 0, len(part), watched=watched)
        while not leg.done:
            if len(leg.history) > iterations or self._enough(leg, watched=watched):
                leg = finished(leg)
                self._checkpoint.store(name, leg)
                break
            state, trials = step(self._problem, leg.state, part)
            leg = self._grown(name, leg, state, trials, len(part), watched=watched)
        return leg

    def _grown(
        self, name: str, leg: Leg | None, state: State, trials: int, configurations: int, *, watched: bool
    ) -> Leg:
        """The leg with one more iteration, stored and told to the observer."""
        held_out = self._held_out(self._problem, state) if watched and self._held_out else {}
        before = leg.history if leg else ()
        iteration = Iteration(
            leg=name,
            number=len(before),
            configurations=configurations,
            loss=state.loss,
            damping=state.damping,
            trials=trials,
            cpu_seconds=self._checkpoint.cpu_seconds,
            held_out=held_out,
        )
        lowest = min((i.held_out["loss"] for i in before), default=math.inf) if held_out else math.inf
        worse = leg is not None and held_out and held_out["loss"] >= lowest
        best = leg.best if leg is not None and worse else state
        grown = Leg(state=state, best=best, history=(*before, iteration))
        self._checkpoint.store(name, grown)
        self._observer(iteration)
        return grown

    def _enough(self, leg: Leg, *, watched: bool) -> bool:
        if stalled(leg.state):
            return True
        losses = [iteration.loss for iteration in leg.history]
        window = self._settings.window
        if watched and len(losses) > window and losses[-1] > (1 - self._settings.gain) * losses[-1 - window]:
            return True
        held = [iteration.held_out.get("loss", -math.inf) for iteration in leg.history]
        return bool(watched and self._held_out and len(held) - 1 - int(np.argmin(held)) >= self._settings.patience)

    def _bfgs(self, radial: Floats) -> Leg:
        """Quasi-Newton iterations in one go: a killed one begins anew."""
        everything = self._problem.everything
        leg = self._checkpoint.legs.get("bfgs")
        if leg is not None and leg.done:
            return leg
        first = begin(self._problem, radial, everything, self._settings.ridges[0])
        leg = self._grown("bfgs", None, first, 0, len(everything), watched=True)
        for state in minimise(self._problem, first, everything, self._settings.iterations):
            leg = self._grown("bfgs", leg, state, 1, len(everything), watched=True)
            if self._enough(leg, watched=True):
                break
        leg = finished(leg)
        self._checkpoint.store("bfgs", leg)
        return leg


def _same(state: State) -> State:
    return state


def _held_out_loss(leg: Leg) -> float:
    return min((iteration.held_out.get("loss", math.inf) for iteration in leg.history), default=math.inf)
