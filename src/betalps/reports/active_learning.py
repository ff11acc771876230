"""The live HTML report of active learning."""

from __future__ import annotations

from html import escape
from pathlib import Path

from betalps.active_learning.loop.exploration import WHOLE
from betalps.active_learning.loop.results import kept_fit
from betalps.files import write_atomic
from betalps.reports.learning_plots import plot_grades, plot_learning_errors, plot_selections
from betalps.reports.page import filled, page, picture, read_results, require_kind, settings
from betalps.reports.tables import card, table
from betalps.typing import Json, PathLike

_KIND, _VERSION = "betalps active learning", 1
_ENDS = {
    "finished": "to the end",
    "boiled": "boiled",
    "grade": "broken by its grade",
    "unstable": "blew up",
    "failed": "could not begin",
}


def write_learning_report(results: Json | PathLike, path: PathLike) -> Path:
    """Write the HTML report of active learning; while it is under way, the page renews itself.

    Parameters
    ----------
    results
        What `betalps.active_learning.ActiveLearning.results` returned, or the path of its ``results.json``.
    path
        The HTML file to write; replaced atomically.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FormatError
        `results` is not what active learning writes.
    """
    path = Path(path)
    write_atomic(path, render_learning_report(read_results(results)).encode())
    return path


def render_learning_report(results: Json) -> str:
    """Make the text of the report: HTML with style and images inside.

    Raises
    ------
    FormatError
        `results` is not what active learning writes.
    """
    require_kind(results, _KIND, _VERSION)
    iterations, finished = results["iterations"], results["finished"]
    content = filled(
        "learning.html",
        cards=_cards(results),
        remarks="".join(f"<li>{escape(remark)}</li>" for remark in results["remarks"]) or "<li>Nothing.</li>",
        errors=_errors(results) if any("fit" in entry for entry in iterations) else "<p>Not yet.</p>",
        grades=_grades(results) if any("explore" in entry for entry in iterations) else "<p>Not yet.</p>",
        selections=_selections(results) if any("select" in entry for entry in iterations) else "<p>Not yet.</p>",
        details=settings({"Settings": results["config"], "Where": results["provenance"]}),
    )
    renew = "" if finished else '<meta http-equiv="refresh" content="30">'
    return page("Active learning", escape(_lead(results)), content, head=renew)


def _lead(results: Json) -> str:
    config, state = results["config"], results["state"]
    form = config["potential"] or f"level {config['fit']['level']}, {config['fit']['cutoff']:g} Å"
    runs = next((len(e["explore"]["runs"]) for e in results["iterations"] if "explore" in e), None)
    seeds = f"{len(config['seeds'])} seeds" + ("" if runs is None else f", {runs} runs in every iteration")
    begun = f"{state['seconds'] / 3600:.1f} h" if state["seconds"] > 5400 else f"{state['seconds'] / 60:.1f} min"
    where = results["finished"] or f"Under way: iteration {state['iteration']}, {state['stage']} comes next."
    return f"{form}; {seeds}; labels by {config['labels']['calculator']}; {begun}. {where}"


def _cards(results: Json) -> str:
    iterations, finished = results["iterations"], results["finished"]
    explored = [entry["explore"] for entry in iterations if "explore" in entry]
    fits = [kept_fit(entry) for entry in iterations if "fit" in entry]
    text = card("State", escape(finished.partition(":")[0] or "under way"), f"{len(explored)} iterations")
    failed = sum(len(entry["label"]["failed"]) for entry in iterations if "label" in entry)
    text += card("Labels", str(results["state"]["labels"]), f"{failed} failed", warn=failed > 0)
    if explored:
        runs = explored[-1]["runs"]
        broken = sum(run["ended"] not in WHOLE for run in runs)
        worst = max((run["worst"] for run in runs if run["worst"] is not None), default=0.0)
        text += card("Worst grade", f"{worst:.3g}", f"{broken} of {len(runs)} runs broke", warn=broken > 0)
    for name, errors in fits[-1]["errors"].items() if fits else ():
        if name != "training" or len(fits[-1]["errors"]) == 1:
            text += card(escape(name), f"{_number(errors['energy_mae'], 2)} meV/atom", _forces(errors))
    return text


def _forces(errors: Json) -> str:
    return f"{_number(errors['force_mae'], 0)} meV/Å, mean absolute errors of {errors['frames']} structures"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _errors(results: Json) -> str:
    fits = [entry for entry in results["iterations"] if "fit" in entry]
    head = ("iteration", "structures", "set", "energy MAE, meV/atom", "median", "force MAE, meV/Å", "median", "worst",
            "stress MAE, GPa")  # fmt: skip
    rows = []
    for entry in fits:
        for which, record in ((str(entry["iteration"]), entry["fit"]), ("anew", entry.get("finish"))):
            for row, (name, errors) in enumerate(record["errors"].items() if record else ()):
                first = (which, str(record["frames"])) if row == 0 else ("", "")
                rows.append((*first, escape(name), *_line(errors)))
    text = picture(
        plot_learning_errors(results),
        "Mean absolute errors of energy and forces against the iteration.",
        "Mean absolute errors of the potential of every iteration. Dashed: on what it was trained on. Diamonds: of the "
        "fit from random starts that ends the loop.",
    )
    text += f'<div class="scroll">{table(head, rows)}</div>'
    return text + _by_group(fits[-1])


def _by_group(entry: Json) -> str:
    """The last potential's errors by group and temperature."""
    rows = []
    for name, errors in kept_fit(entry)["errors"].items():
        for key, unit in (("group", ""), ("temperature_K", " K")):
            for value, found in sorted(errors.get(key, {}).items(), key=_in_order):
                if value != "-":
                    rows.append((escape(name), escape(f"{value}{unit}"), str(found["frames"]), *_line(found)))
    if not rows:
        return ""
    head = ("set", "part", "structures", "energy MAE, meV/atom", "median", "force MAE, meV/Å", "median", "worst",
            "stress MAE, GPa")  # fmt: skip
    return (
        f"<details><summary>By group and temperature, iteration {entry['iteration']}</summary>"
        f'<div class="scroll">{table(head, rows)}</div></details>'
    )


def _in_order(item: tuple[str, Json]) -> tuple[int, float, str]:
    try:
        return (0, float(item[0]), "")
    except ValueError:
        return (1, 0.0, item[0])


def _line(errors: Json) -> tuple[str, ...]:
    keys = (("energy_mae", 2), ("energy_median", 2), ("force_mae", 1), ("force_median", 1), ("force_max", 0))
    return (*(_number(errors[key], digits) for key, digits in keys), _number(errors["stress_mae"], 3))


def _grades(results: Json) -> str:
    explored = [entry for entry in results["iterations"] if "explore" in entry]
    last = explored[-1]
    rows = []
    for run in last["explore"]["runs"]:
        how = _ENDS.get(run["ended"], run["ended"])
        ended = how if run["ended"] in WHOLE else f'<span class="flag">{how}</span>'
        worst = "–" if run["worst"] is None else f"{run['worst']:.3g}"
        rows.append((escape(run["name"]), str(run["atoms"]), f"{run['time']:.3g} of {run['length']:.3g}", worst, ended))
    text = picture(
        plot_grades(results),
        "Extrapolation grade of every run against time, a panel for every iteration.",
        "Largest extrapolation grade of all atoms, by temperature; a cross where a run broke. Dotted: gamma_select; "
        "dashed: gamma_break. Grades beyond 3000 are drawn there.",
    )
    head = ("run", "atoms", "ps", "worst grade", "ended")
    summary = f"Runs of iteration {last['iteration']}"
    return f'{text}<details open><summary>{summary}</summary><div class="scroll">{table(head, rows)}</div></details>'


def _selections(results: Json) -> str:
    rows = []
    for entry in results["iterations"]:
        if "select" not in entry:
            continue
        found, labelled = entry["select"], entry.get("label")
        left_out = ", ".join(f"{count} {reason}" for reason, count in found["rejected"].items()) or "–"
        done = "–" if labelled is None else f"{labelled['labelled']} ({len(labelled['failed'])} failed)"
        rows.append(
            (
                str(entry["iteration"]),
                str(found["candidates"]),
                left_out,
                str(found["wanted"]),
                str(len(found["selected"]) - found.get("drawn", 0)),
                _checks(found, labelled),
                done,
            )
        )
    text = picture(
        plot_selections(results),
        "New structures of every iteration, by group.",
        "Structures chosen to be labelled.",
    )
    head = ("iteration", "candidates", "left out", "by MaxVol", "chosen", "at random: errors", "labelled")
    text += f'<div class="scroll">{table(head, rows)}</div>'
    return text + _sources(results)


def _checks(found: Json, labelled: Json | None) -> str:
    """How many structures were drawn at random, and how wrong the potential that made them was."""
    errors = (labelled or {}).get("spot_checks")
    drawn = str(found.get("drawn", 0) or "–")
    if errors is None:
        return drawn
    return f"{drawn}: {_number(errors['energy_mae'], 1)} meV/atom, {_number(errors['force_mae'], 0)} meV/Å"


def _sources(results: Json) -> str:
    """How many structures came from each run, and at which grades."""
    where: dict[str, list[Json]] = {}
    for entry in results["iterations"]:
        for one in entry.get("select", {}).get("selected", []):
            where.setdefault(one["source"], []).append(one)
    rows = []
    for name, found in sorted(where.items(), key=lambda item: (-len(item[1]), item[0])):
        grades = [one["grade"] for one in found]
        cut = sum(one["cut"] for one in found)
        rows.append(
            (
                escape(name),
                escape(found[0]["group"]),
                f"{found[0]['temperature_K']:g}",
                str(len(found)),
                f"{min(grades):.3g} to {max(grades):.3g}",
                f"{min(one['time_ps'] for one in found):.3g} to {max(one['time_ps'] for one in found):.3g}",
                str(cut) if cut else "–",
            )
        )
    head = ("run", "group", "T, K", "chosen", "grades", "times, ps", "cut out")
    return (
        "<details open><summary>From which runs, all iterations</summary>"
        f'<div class="scroll">{table(head, rows)}</div></details>'
    )
