"""What all reports share: the page, pictures in it, parts that unfold, and the results it is made from."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from betalps.errors import FormatError
from betalps.reports.style import drawing
from betalps.typing import Json, PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def page(title: str, lead: str, content: str, *, head: str = "") -> str:
    """An HTML page that needs nothing else.

    Parameters
    ----------
    title
        As text.
    lead, content, head
        As HTML: the line below the title, what follows, and what the page's head holds beside title and style.
    """
    return Template(_asset("page.html")).substitute(
        title=escape(title), style=_asset("page.css"), lead=lead, content=content, head=head
    )


def filled(name: str, **parts: str) -> str:
    """The content of a page: the template of this name with its parts, HTML, filled in."""
    return Template(_asset(name)).substitute(parts)


def image(figure: Figure) -> str:
    """A figure as the address of an image that needs no file."""
    file = io.BytesIO()
    with drawing():
        figure.savefig(file, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode()


def picture(figure: Figure, alt: str, caption: str) -> str:
    """A figure with its caption, as HTML."""
    return f'<figure><img alt="{alt}" src="{image(figure)}"><figcaption>{caption}</figcaption></figure>'


def unfolding(summary: str, content: str) -> str:
    """HTML that shows when asked; nothing where there is none."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>" if content else ""


def settings(parts: Mapping[str, Any]) -> str:
    """JSON that shows when asked, by its name."""
    return "".join(
        unfolding(name, f"<pre>{escape(json.dumps(content, indent=1, ensure_ascii=False))}</pre>")
        for name, content in parts.items()
    )


def read_results(results: Json | PathLike) -> Json:
    """Results, or the content of their file.

    Raises
    ------
    FormatError
        The file is not JSON.
    """
    if isinstance(results, dict):
        return results
    try:
        content: Json = json.loads(Path(results).read_text(encoding="utf-8"))
    except ValueError as error:
        raise FormatError(f"{results} is not JSON: {error}") from error
    return content


def require_kind(results: Json, kind: str, version: int) -> None:
    """Refuse results of something else.

    Raises
    ------
    FormatError
        Says what was found and what was expected.
    """
    found = (results.get("kind"), results.get("version")) if isinstance(results, dict) else type(results)
    if found != (kind, version):
        raise FormatError(f"results: found {found}, expected {(kind, version)}")


def _asset(name: str) -> str:
    """The text of a file beside this one."""
    return files("betalps.reports").joinpath(name).read_text(encoding="utf-8")
