import json
import platform
from datetime import UTC, datetime

import numpy as np

import betalps
from betalps import provenance as module
from betalps.provenance import provenance

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def checkout(tmp_path):
    """Lay out a checkout with an empty git folder; return the path of its package file."""
    package = tmp_path / "src" / "betalps"
    package.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    return tmp_path / ".git", package / "provenance.py"


def test_says_what_ran():
    told = json.loads(json.dumps(provenance()))
    assert told["betalps"] == betalps.__version__
    assert told["numpy"] == np.__version__
    assert told["python"] == platform.python_version()
    assert told["processor"]
    age = datetime.now(UTC) - datetime.fromisoformat(told["time_utc"])
    assert abs(age.total_seconds()) < 60


def test_commit_of_a_branch(tmp_path):
    git, package = checkout(tmp_path)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "refs" / "heads" / "main").write_text(COMMIT + "\n")
    assert module._commit(package) == COMMIT


def test_commit_of_packed_refs_and_detached_head(tmp_path):
    git, package = checkout(tmp_path)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"# pack-refs with: peeled\n{COMMIT} refs/heads/main\n")
    assert module._commit(package) == COMMIT
    (git / "HEAD").write_text(COMMIT[::-1] + "\n")
    assert module._commit(package) == COMMIT[::-1]


def test_no_commit_without_a_checkout(tmp_path):
    git, package = checkout(tmp_path)
    assert module._commit(package) is None  # no HEAD
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert module._commit(package) is None  # nothing committed yet
    assert module._commit(tmp_path / "lib" / "site-packages" / "betalps" / "provenance.py") is None
