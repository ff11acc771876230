"""Everything that a study of active learning did, as plain data for reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from betalps.active_learning.loop.config import LoopConfig
from betalps.active_learning.loop.state import LoopState, load_json
from betalps.provenance import provenance
from betalps.typing import Json

KIND, VERSION = "betalps active learning", 1
_PARTS = ("explore", "select", "label", "fit", "finish")


def assemble(config: LoopConfig, state: LoopState, finished: str, folders: Sequence[Path]) -> Json:
    """Collect the records of all steps.

    Parameters
    ----------
    config, state, finished
        Of the study.
    folders
        Of its iterations, from 0; the last ones may not be there yet.

    Returns
    -------
    dict
        ``kind``, ``version``, ``config``, ``state``, ``finished`` (why, or ""), ``remarks``, ``provenance``, and
        ``iterations``: for each its number and those of ``explore``, ``select``, ``label``, ``fit``, ``finish`` that
        are done.
    """
    iterations: list[Json] = []
    for number, folder in enumerate(folders):
        parts = {part: load_json(folder / f"{part}.json") for part in _PARTS}
        iterations.append({"iteration": number, **{part: content for part, content in parts.items() if content}})
    iterations = [entry for entry in iterations if len(entry) > 1]
    return {
        "kind": KIND,
        "version": VERSION,
        "config": config.to_dict(),
        "state": {"iteration": state.iteration, "stage": state.stage, "labels": state.labels, "seconds": state.seconds},
        "finished": finished,
        "remarks": _remarks(iterations, finished),
        "iterations": iterations,
        "provenance": provenance(),
    }


def _remarks(iterations: Sequence[Json], finished: str) -> list[str]:
    """What to know before using the potential, in sentences."""
    found = [entry["fit"]["warning"] for entry in iterations if entry.get("fit", {}).get("warning")]
    if not finished.startswith("converged"):
        found.append(
            f"The loop did not converge ({finished or 'it is under way'}): the potential still extrapolates somewhere."
        )
    failed = [reason for entry in iterations for reason in entry.get("label", {}).get("failed", [])]
    if failed:
        found.append(f"{len(failed)} structures could not be labelled, the first: {failed[0]}.")
    large = sum(entry.get("label", {}).get("too_large_forces", 0) for entry in iterations)
    if large:
        found.append(f"{large} labelled structures have too large forces and are not trained on.")
    rejected: dict[str, int] = {}
    for entry in iterations:
        for reason, count in entry.get("select", {}).get("rejected", {}).items():
            rejected[reason] = rejected.get(reason, 0) + count
    words = {
        "contact": "with atoms too close",
        "grade": "beyond gamma_max",
        "known": "tried before",
        "size": "too large, and not to be cut",
    }
    if rejected:
        counts = ", ".join(f"{count} {words[reason]}" for reason, count in rejected.items())
        found.append(f"Candidates that were not labelled: {counts}.")
    explored = [entry for entry in iterations if "explore" in entry]
    unstable = [run["name"] for run in explored[-1]["explore"]["runs"] if run["ended"] in _BAD] if explored else []
    if unstable:
        found.append(f"Runs of the last iteration that blew up or could not begin: {', '.join(unstable)}.")
    fits = [entry for entry in iterations if "fit" in entry]
    if fits:
        found += [f"Of the last fit: {flag}" for flag in kept_fit(fits[-1])["flags"]]
    return found


def kept_fit(entry: Json) -> Json:
    """The record of an iteration's better fit: from the potential before it, or from random starts at the end."""
    anew: Json | None = entry.get("finish")
    kept: Json = anew if anew and anew["taken"] else entry["fit"]
    return kept


_BAD = ("unstable", "failed")
