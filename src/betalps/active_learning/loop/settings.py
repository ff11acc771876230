"""The parts of a study of active learning: how it explores, chooses, labels and fits, and what it may cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from betalps.protocols.checks import choice, number, whole
from betalps.protocols.stage import FREE, Ensemble
from betalps.training import FitSettings, Sources, Weights

# Of the labels, in the search from random starts. What a loop has collected is of many kinds: of 1,480 frames the
# default, 27, led to a loss 4 % above that of the last refit, 300 to one 3 % below it (docs/active-learning.md).
_SUBSET = 0.2


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """Molecular dynamics with the extrapolation grade watched.

    Attributes
    ----------
    time
        Length of a run, ps.
    heating
        Before it the temperature rises from a third of the run's, ps. 0 begins at the run's.
    ensemble, free, pressure
        As in `betalps.protocols.Stage`; pressure in GPa.
    timestep
        In fs.
    thermostat_time, barostat_time
        In ps.
    grade_interval
        Steps between grades. Every step sees everything and costs the most; see ``docs/active-learning.md`` for what
        10 and 50 cost, and miss.
    gamma_select
        Structures with a grade above this are candidates.
    gamma_break
        A run ends at a grade above this; one number for every iteration, the last one for all that follow.
    workers
        Runs side by side, each in a process of its own.
    threads
        Of each run.
    """

    time: float = 20.0
    heating: float = 1.0
    ensemble: Ensemble = "npt"
    free: str = "isotropic"
    pressure: float = 0.0
    timestep: float = 2.0
    thermostat_time: float = 0.1
    barostat_time: float = 1.0
    grade_interval: int = 10
    gamma_select: float = 2.0
    gamma_break: tuple[float, ...] = (10.0, 5.0, 2.0)
    workers: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("time", "timestep", "thermostat_time", "barostat_time", "gamma_select"):
            object.__setattr__(self, name, number(f"exploration.{name}", getattr(self, name), above=0.0))
        object.__setattr__(self, "heating", number("exploration.heating", self.heating, least=0.0))
        object.__setattr__(self, "pressure", number("exploration.pressure", self.pressure))
        choice("exploration.ensemble", self.ensemble, get_args(Ensemble))
        choice("exploration.free", self.free, FREE)
        for name in ("grade_interval", "workers", "threads"):
            whole(f"exploration.{name}", getattr(self, name), 1)
        check_numbers(self, "exploration:", "gamma_break", least=self.gamma_select)

    def breaks_at(self, iteration: int) -> float:
        """The grade at which runs of an iteration end; iterations count from 1."""
        return self.gamma_break[min(iteration, len(self.gamma_break)) - 1]


@dataclass(frozen=True, kw_only=True)
class Choosing:
    """Which candidates are labelled.

    Attributes
    ----------
    most
        New structures of one iteration, at most: those that hold most rows of the active set.
    per_run
        Candidates of one run, at most; evenly spaced if there are more.
    gamma_max
        What extrapolates further has been made up by the potential, and is not labelled; but for the structures that
        runs begin from. Grades count without directions that no data have ever filled.
    contact
        Nor is what has two atoms closer than this fraction of the sum of their covalent radii: 0.6 is 1.28 Å for P-P.
    largest
        Atoms of a structure to label, at most. Of larger ones the extrapolating neighbourhoods are cut out.
    cut
        ``periodic`` cells or ``cluster``, see `betalps.active_learning.Cutting`.
    relax_cut
        Relax what lies outside of a cut-out neighbourhood with the present potential.
    spot_checks
        Structures of every iteration that are drawn at random from all its runs, labelled and trained on besides. The
        grade tells where a potential extrapolates, these tell where it is wrong: their errors, before they are trained
        on, are those of its own simulations.
    """

    most: int = 60
    per_run: int = 100
    gamma_max: float = 1000.0
    contact: float = 0.6
    largest: int = 256
    cut: Literal["periodic", "cluster"] = "periodic"
    relax_cut: bool = True
    spot_checks: int = 0

    def __post_init__(self) -> None:
        for name, least in (("most", 1), ("per_run", 1), ("largest", 1), ("spot_checks", 0)):
            whole(f"selection.{name}", getattr(self, name), least)
        object.__setattr__(self, "gamma_max", number("selection.gamma_max", self.gamma_max, above=0.0))
        object.__setattr__(self, "contact", number("selection.contact", self.contact, least=0.0))
        choice("selection.cut", self.cut, ("periodic", "cluster"))


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Where labels come from.

    Attributes
    ----------
    calculator
        By name, see `betalps.active_learning.named_calculator`.
    settings
        Of the ready calculators.
    timeout
        Longest time for one label, s.
    workers
        Labels at a time, each in a process of its own.
    attempts
        How often a structure is tried that fails.
    largest_force
        Structures with a force above this are not trained on, eV/Å.
    source
        Names the source of these labels (``info["label_source"]``), where the starting data come from another method
        and name theirs: see `Fitting.reference_source`.
    """

    calculator: str = "sevennet"
    settings: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 3600.0
    workers: int = 1
    attempts: int = 2
    largest_force: float = 50.0
    source: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.calculator, str) or not self.calculator:
            raise ValueError(f"labels.calculator is {self.calculator!r}; expected a name")
        if not isinstance(self.settings, Mapping):
            raise ValueError(f"labels.settings is {self.settings!r}; expected a table")  # noqa: TRY004 - in a file
        for name in ("timeout", "largest_force"):
            object.__setattr__(self, name, number(f"labels.{name}", getattr(self, name), above=0.0))
        for name in ("workers", "attempts"):
            whole(f"labels.{name}", getattr(self, name), 1)


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """How the potential is fitted, and what its data count.

    Attributes
    ----------
    level, cutoff, radial_size
        Of the potential; without meaning where one is given to begin with. Cutoff in Å.
    min_dist
        Lower end of the radial functions, Å; by default 0.8 of the shortest distance in the starting data, for what
        hotter runs will bring.
    starts, iterations
        Of the first fit, see `betalps.training.FitSettings`.
    refit_iterations
        Of every later one, which begins at the coefficients of the last potential.
    finish
        At the end of the loop, fit all labels once more as the first fit was: from random starts. Refits hold on to the
        radial functions that the starting data asked for. The potential with the lower loss is taken.
    energy, force, stress, force_scale, size_exponent
        Weights, see `betalps.training.Weights`.
    group_weights
        Factor of structures by their ``info["group"]``; 1 for the others.
    cold, cold_weight
        Structures to this temperature (``info["temperature_K"]``, K) count so many times. A level is a budget of
        accuracy: without this hot structures, whose errors are large, get all of it.
    reference_source, source_weights
        Of labels of several sources, see `betalps.training.Sources`. By default the source of most energies, which may
        change as labels are added.
    threads
        None takes all cores.
    """

    level: int = 14
    cutoff: float = 5.0
    radial_size: int = 8
    min_dist: float | None = None
    starts: int = 4
    iterations: int = 60
    refit_iterations: int = 20
    finish: bool = True
    energy: float = 1.0
    force: float = 0.01
    stress: float = 0.001
    force_scale: float | None = 0.1
    size_exponent: float = 1.0
    group_weights: Mapping[str, float] = field(default_factory=dict)
    cold: float = 600.0
    cold_weight: float = 1.0
    reference_source: str | None = None
    source_weights: Mapping[str, float] | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("level", 2), ("radial_size", 1), ("starts", 0), ("iterations", 0)):
            whole(f"fit.{name}", getattr(self, name), least)
        whole("fit.refit_iterations", self.refit_iterations, 1)
        if not isinstance(self.finish, bool):
            raise ValueError(f"fit.finish is {self.finish!r}; expected true or false")  # noqa: TRY004 - in a file
        for name in ("cutoff", "cold", "cold_weight", *(() if self.min_dist is None else ("min_dist",))):
            object.__setattr__(self, name, number(f"fit.{name}", getattr(self, name), above=0.0))
        for name in ("energy", "force", "stress"):
            object.__setattr__(self, name, number(f"fit.{name}", getattr(self, name), least=0.0))
        object.__setattr__(self, "size_exponent", number("fit.size_exponent", self.size_exponent))
        if self.force_scale is not None:
            object.__setattr__(self, "force_scale", number("fit.force_scale", self.force_scale, above=0.0))
        if not isinstance(self.group_weights, Mapping):
            raise ValueError(f"fit.group_weights is {self.group_weights!r}; expected a table")  # noqa: TRY004 - in a file
        weights = {name: number(f"fit.group_weights.{name}", w, least=0.0) for name, w in self.group_weights.items()}
        object.__setattr__(self, "group_weights", weights)
        if self.threads is not None:
            whole("fit.threads", self.threads, 1)
        if not isinstance(self.source_weights, Mapping | None):
            raise ValueError(f"fit.source_weights is {self.source_weights!r}; expected a table")  # noqa: TRY004 - in a file
        self.sources()
        self.weights()

    def weights(self) -> Weights:
        """Of the loss."""
        return Weights(
            energy=self.energy,
            force=self.force,
            stress=self.stress,
            force_scale=self.force_scale,
            size_exponent=self.size_exponent,
        )

    def sources(self) -> Sources:
        """Of the labels."""
        return Sources(reference=self.reference_source, weights=self.source_weights or {})

    def search(self, *, anew: bool) -> FitSettings:
        """Settings of a fit from random starts, or of one that begins at a potential."""
        if anew:
            return FitSettings(starts=self.starts, iterations=self.iterations, subset=_SUBSET)
        return FitSettings(starts=0, iterations=self.refit_iterations)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Where it ends at the latest: cleanly, with a potential fitted to all labels there are.

    Attributes
    ----------
    labels
        Structures sent to be labelled.
    iterations
        Of exploration, selection, labels and fit.
    hours
        Wall time, all calls together; looked at between steps, so that one may take longer.
    """

    labels: int = 1500
    iterations: int = 20
    hours: float | None = None

    def __post_init__(self) -> None:
        whole("budget.labels", self.labels, 0)
        whole("budget.iterations", self.iterations, 0)
        if self.hours is not None:
            object.__setattr__(self, "hours", number("budget.hours", self.hours, above=0.0))


def check_numbers(config: Any, here: str, name: str, **limits: float) -> None:
    """Make a tuple of numbers of a setting, one or several.

    Raises
    ------
    ValueError
        They are no numbers, or out of range.
    """
    values = getattr(config, name)
    values = [values] if isinstance(values, int | float) else values
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise ValueError(f"{here} {name} is {values!r}; expected numbers")
    object.__setattr__(config, name, tuple(number(f"{here} {name}", value, **limits) for value in values))
