"""Every code block of the README and of the documentation runs, and every command in them exists."""

import doctest
import itertools
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

import betalps
from betalps.active_learning import LoopConfig
from betalps.studies import StudyConfig
from conftest import ROOT

PAGES = [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))] if path.is_file()]
FENCE = re.compile(r"^```([^`\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CHECKED_HERE = {"python", "pycon", "bash", "console", "toml"}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the page's line that it starts on."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(match[1], match[2], text.count("\n", 0, match.start(2)) + 1) for match in FENCE.finditer(text)]


def commands(page: Path) -> list[list[str]]:
    """Every call of betalps in the page's shell blocks, split into words."""
    lines = [
        part.strip().removeprefix("$ ")
        for block in blocks(page)
        if block.language in {"bash", "console"}
        for line in block.text.splitlines()
        for part in line.split("&&")
    ]
    return [shlex.split(line, comments=True) for line in lines if re.match(r"(\S*/)?betalps\b", line)]


COMMANDS = sorted({tuple(words) for page in PAGES for words in commands(page)})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run_in_order(page, tmp_path, monkeypatch):
    """The blocks of a page share their names, and work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for block in blocks(page):
        if block.language == "python":
            padded = "\n" * (block.line - 1) + block.text  # so that a traceback shows the page's line
            exec(compile(padded, str(page), "exec"), names)
        elif block.language == "pycon":
            test = doctest.DocTestParser().get_doctest(block.text, names, page.name, str(page), block.line - 1)
            test.globs = names
            assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, clear_globs=False).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_block_of_an_unknown_language(page):
    """A block is checked here, by Sphinx, or called plain, so that none escapes by a typing mistake."""
    ours = {block.language for block in blocks(page) if not block.language.startswith("{")}
    assert ours <= CHECKED_HERE | {"text"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_toml_blocks_are_settings_of_a_study(page):
    for block in blocks(page):
        if block.language == "toml":
            values = tomllib.loads(block.text)
            kind = LoopConfig if "seeds" in values else StudyConfig
            kind.from_dict(values)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_command_is_known_with_its_options(words):
    """`betalps VERB --option …` as written on a page: the verb's help names every option."""
    verb = list(itertools.takewhile(lambda word: re.fullmatch(r"[a-z]+(-[a-z]+)*", word), words[1:]))
    options = [word.partition("=")[0] for word in words[1:] if word.startswith("-")]
    program = shutil.which("betalps", path=str(Path(sys.executable).parent))
    assert program, "the console script is not installed beside this python"
    told = subprocess.run([program, *verb, "--help"], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    for option in options:
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", told.stdout), f"{option} is not in the help"


def test_the_pages_hold_code():
    if not PAGES:
        pytest.skip("not run from a checkout")
    assert sum(block.language in {"python", "pycon"} for page in PAGES for block in blocks(page)) >= 5
    assert COMMANDS


def test_every_package_is_in_the_api(root):
    page = (root / "docs" / "api.md").read_text(encoding="utf-8")
    public = {m.name for m in pkgutil.iter_modules(betalps.__path__) if not m.name.startswith(("_", "libbetalps"))}
    missing = {name for name in public - {"cli", "typing"} if f"automodule:: betalps.{name}\n" not in page}
    assert not missing


def test_readme_names_the_two_commands(root):
    """The two lines that .ci/run and a new user copy: one line each, under their markers."""
    text = (root / "README.md").read_text(encoding="utf-8")
    for marker, end in {"study": ".venv/bin/betalps study", "tests": ".venv/bin/pytest"}.items():
        found = re.search(rf"^<!-- {marker} -->\n```bash\n(.+)\n```$", text, re.MULTILINE)
        assert found, marker
        assert found[1].startswith("python3 -m venv .venv && .venv/bin/pip install ")
        assert found[1].endswith(end)
