"""Errors of a potential as a table of text."""

from __future__ import annotations

from betalps.training import ErrorReport, PropertyErrors

_HEAD = f"{'':24}{'frames':>7}{'energy':>20}{'forces':>20}{'stress':>20}"
_UNITS = f"{'mean (median) |error|':24}{'':>7}{'meV/atom':>20}{'meV/Å':>20}{'GPa':>20}"


def error_table(report: ErrorReport) -> str:
    """Mean and median absolute errors, over all frames, by group and by species."""
    lines = [_HEAD, _UNITS, _line("all", report.overall)]
    for key, groups in report.groups.items():
        lines += [_line(f"{key} {value}", errors) for value, errors in groups.items()]
    lines += [
        f"{'forces on ' + symbol:51}{_pair(1e3, errors.mae, errors.median):>20}"
        for symbol, errors in report.species.items()
    ]
    worst = ", ".join(f"{name} {frame}" for name, frame in report.worst.items() if frame >= 0)
    lines.append(f"frames with the largest error (from 0): {worst or 'none'}")
    missing = [f"{count} without {name}" for name, count in report.missing.items() if count and name != "weight"]
    if missing:
        lines.append(f"frames that lack labels: {', '.join(missing)}")
    return "\n".join(lines)


def _line(name: str, errors: PropertyErrors) -> str:
    parts = ((1e3, errors.energy), (1e3, errors.force), (1.0, errors.stress))
    numbers = "".join(
        f"{_pair(factor, found.mae, found.median) if found.count else '-':>20}" for factor, found in parts
    )
    return f"{name:24.24}{errors.configurations:7d}{numbers}"


def _pair(factor: float, mean: float, median: float) -> str:
    return f"{factor * mean:.3g} ({factor * median:.3g})"
