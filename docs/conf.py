"""Sphinx configuration; warnings are errors (see .ci/run)."""

import re
from typing import Any

from sphinx.application import Sphinx

import betalps

project = "betalps"
author = "the betalps developers"
copyright = "2026, the betalps developers"  # noqa: A001 (Sphinx's name)
version = release = betalps.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "betalps"

myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
default_role = "code"  # single backticks in docstrings


def escape_bars(app: Sphinx, what: str, name: str, thing: object, options: Any, lines: list[str]) -> None:
    """In our docstrings |x| is an absolute value, not a substitution."""
    lines[:] = [re.sub(r"(?<!\\)\|", r"\\|", line) for line in lines]


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", escape_bars)
