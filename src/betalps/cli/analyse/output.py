"""What ``betalps analyse`` prints and writes."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.cli.analyse.kind import Watch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from betalps.analysis import Result
    from betalps.cli.analyse.source import Source

AT_BOUNDARIES = "-at-boundaries"
"""How the names of results end that are of the boundaries alone."""

_DPI = 150
_PATIENCE = 5.0  # seconds between two lines of progress, where there is no terminal


def add_output_options(parser: argparse.ArgumentParser, default: Path | None = None) -> None:
    """Where files go."""
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        default=default,
        help="write numbers (JSON) and figures (PNG) there; made if absent"
        + (" (%(default)s)" if default else "; without it nothing is written"),
    )


def tell(results: Mapping[str, Result], region: str | None) -> None:
    """Print the numbers of all results, and of which region they are."""
    from betalps.reports import present
    from betalps.reports.presentation import lines

    shown = {name: present(result) for name, result in results.items()}
    titles = [one.title for one in shown.values()]
    for number, (name, one) in enumerate(shown.items()):
        if number:
            print()
        where = region or ("boundary" if name.endswith(AT_BOUNDARIES) else None)
        # Of several runs the name of the file tells which.
        which = f" ({name})" if region == where and titles.count(one.title) > 1 else ""
        print(f"{one.title}{which}" if where is None else f"{one.title}, {where}{which}")
        print("".join(f"  {line}\n" for line in lines(one.quantities)), end="")
        print("".join(f"  ({note})\n" for note in one.notes), end="")


def save(results: Mapping[str, Result], sources: Sequence[Source], folder: Path, region: str | None) -> list[Path]:
    """Write each result as JSON with its provenance, and its figures as PNG, every file at once or not at all."""
    from betalps.files import write_atomic
    from betalps.provenance import provenance
    from betalps.reports import present

    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "trajectories": [source.describe() for source in sources],
        "region": region,
        "provenance": provenance(),
    }
    written = []
    for name, result in results.items():
        content = {"kind": "betalps analysis", "name": name, "result": result.to_dict(), **about}
        path = folder / f"{name}.json"
        write_atomic(path, (json.dumps(content, allow_nan=False, ensure_ascii=False) + "\n").encode())
        written.append(path)
        for label, draw in present(result).figures.items():
            path = folder / f"{name}{f'-{label}' if label else ''}.png"
            write_atomic(path, png(draw()))
            written.append(path)
    return written


def png(figure: Figure) -> bytes:
    """A figure as a file."""
    from betalps.reports.style import drawing

    file = BytesIO()
    with drawing():
        figure.savefig(file, format="png", dpi=_DPI)
    return file.getvalue()


@contextmanager
def watching() -> Iterator[Watch]:
    """Give observers that show how far jobs are: a bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _line
        return
    from tqdm import tqdm

    bars: list[tqdm[None]] = []

    def watch(name: str) -> Callable[[int, int], None]:
        bar: tqdm[None] = tqdm(
            desc=name,
            unit="frame",
            bar_format="{desc}: {percentage:3.0f} %|{bar:24}| {elapsed}, {remaining} left",
            file=sys.stderr,
            delay=1.0,
            leave=False,
        )
        bars.append(bar)

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return show

    try:
        yield watch
    finally:
        for bar in bars:
            bar.close()


def _line(name: str) -> Callable[[int, int], None]:
    last = time.perf_counter()

    def show(done: int, total: int) -> None:
        nonlocal last
        if done < total and time.perf_counter() - last > _PATIENCE:
            last = time.perf_counter()
            print(f"{name}: {done} of {total}", file=sys.stderr, flush=True)

    return show
