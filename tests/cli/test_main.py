"""The command line as a user meets it: fast help, one clear line for an error."""

import subprocess
import sys
import time

import pytest

import betalps
from betalps.cli.main import VERBS, main


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "betalps.cli.main", *arguments], capture_output=True, text=True, check=False
    )


def best_time(*arguments):
    times = []
    for _ in range(3):
        began = time.perf_counter()
        assert command(*arguments).returncode == 0
        times.append(time.perf_counter() - began)
    return min(times)


def test_version():
    done = command("--version")
    assert done.stdout == f"betalps {betalps.__version__}\n"


def test_help_names_every_verb():
    done = command("--help")
    assert done.returncode == 0
    for verb in VERBS:
        assert f"\n    {verb}" in done.stdout
    assert command().stdout == done.stdout


@pytest.mark.parametrize("arguments", [("--help",), *((verb, "--help") for verb in VERBS)])
def test_help_is_fast(arguments):
    # Half a second is the promise; a busy test machine gets as much again.
    assert best_time(*arguments) < 1.0


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_imports_nothing_heavy(verb):
    code = (
        "import sys\nfrom betalps.cli.main import main\n"
        f"try:\n    main([{verb!r}, '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'scipy.stats', 'matplotlib', 'betalps._core', 'ase.io'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_unknown_verb_lists_the_known():
    done = command("stdy")
    assert done.returncode == 2
    assert "study" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_is_one_line(tmp_path, capsys):
    assert main(["study", "--output", str(tmp_path), "--production", "-5"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "betalps study: production must be a number that is not negative, got -5.0\n"


def test_debug_shows_where_it_happened(tmp_path):
    with pytest.raises(ValueError, match="production must be"):
        main(["study", "--output", str(tmp_path), "--production", "-5", "--debug"])
