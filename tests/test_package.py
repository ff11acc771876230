"""The package as a whole: what it exports, what importing it costs, and the manner of its modules."""

import ast
import doctest
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import betalps

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(betalps.__path__, "betalps.")
    if not module.name.endswith(("_core", "libbetalps"))  # compiled; the latter is not even a module
)
SOURCES = sorted(Path(betalps.__path__[0]).rglob("*.py"))


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_public_names_are_handed_on():
    assert {"MTP", "evaluate", "__version__"} <= set(dir(betalps))
    for name in betalps.__all__:
        assert getattr(betalps, name) is not None


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'betalps' has no attribute 'MPT'"):
        betalps.MPT  # noqa: B018


def test_import_loads_nothing_heavy():
    loaded = run_python("import sys, betalps; print(*sys.modules)").split()
    heavy = {"ase", "betalps._core", "matplotlib", "numba", "numpy", "scipy", "spglib"}
    assert not heavy & set(loaded)


def test_importing_every_module_draws_nothing():
    """Matplotlib is imported when something is drawn, not when a module is."""
    loaded = run_python(f"import sys\nfor m in {MODULES!r}: __import__(m)\nprint(*sys.modules)").split()
    assert "matplotlib.pyplot" not in loaded
    assert "betalps.units" in loaded


def test_importing_adds_no_log_handler():
    code = (
        "import logging\n"
        f"for m in {MODULES!r}: __import__(m)\n"
        "names = [None, *(n for n in logging.root.manager.loggerDict if n.startswith('betalps'))]\n"
        "print(sum(len(logging.getLogger(n).handlers) for n in names))"
    )
    assert run_python(code).strip() == "0"


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_there_are_examples_in_docstrings():
    """Guards the test above against finding none."""
    finder = doctest.DocTestFinder()
    units = finder.find(importlib.import_module("betalps.units"))
    assert sum(len(test.examples) for test in units) >= 2


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(betalps.__path__[0])))
def test_modules_and_functions_are_small(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= 60, f"{node.name} (line {node.lineno}) has a body of {lines} lines"


def test_version_is_the_installed_one():
    from importlib.metadata import version

    assert betalps.__version__ == version("betalps")
