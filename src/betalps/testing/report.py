"""What a check of a calculator measured."""

from __future__ import annotations

from dataclasses import dataclass

from betalps.errors import BetalpsError


@dataclass(frozen=True, kw_only=True)
class Check:
    """One promise, and how far the calculator was from it.

    Attributes
    ----------
    name
        What was checked.
    deviation
        The largest deviation found, in `unit`.
    tolerance
        What was allowed.
    unit
        Of both.
    where
        Where the largest deviation was, or what went wrong.
    """

    name: str
    deviation: float
    tolerance: float
    unit: str
    where: str = ""

    @property
    def passed(self) -> bool:
        """Whether the deviation is within its tolerance (a deviation that is not a number is not)."""
        return self.deviation <= self.tolerance

    def __str__(self) -> str:
        verdict = "ok" if self.passed else "FAILED"
        where = f" ({self.where})" if self.where else ""
        return f"{self.name}: {self.deviation:.2e} {self.unit} (allowed {self.tolerance:.0e}) {verdict}{where}"


@dataclass(frozen=True, kw_only=True)
class CalculatorReport:
    """What `check_calculator` measured.

    Attributes
    ----------
    checks
        In the order they were made.
    skipped
        Names of checks that do not apply, each with the reason.
    """

    checks: tuple[Check, ...]
    skipped: tuple[str, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)

    def __getitem__(self, name: str) -> Check:
        """Look a check up by its name."""
        return next(check for check in self.checks if check.name == name)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.checks), *(f"{reason}: skipped" for reason in self.skipped)])


class CalculatorCheckError(BetalpsError, AssertionError):
    """A calculator that breaks a promise; `report` has every deviation.

    Parameters
    ----------
    report
        With at least one failed check.
    """

    def __init__(self, report: CalculatorReport) -> None:
        self.report = report
        lines = "\n  ".join(map(str, report.failed))
        super().__init__(f"{len(report.failed)} of {len(report.checks)} calculator checks failed:\n  {lines}")
