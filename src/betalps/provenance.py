"""Where a result came from: versions, machine, time and command, to be stored beside the numbers."""

import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from betalps.typing import Json


def provenance() -> Json:
    """Describe the running program so that its results can be traced and repeated.

    Returns
    -------
    dict
        JSON-able: ``betalps``, ``python``, ``numpy`` and ``ase`` versions; ``commit``, the git commit of the
        checkout that betalps runs from, or None when it is installed; ``platform``, ``processor``,
        ``time_utc`` (ISO 8601) and ``command``.
    """
    from importlib.metadata import version

    from betalps import __version__

    return {
        "betalps": __version__,
        "commit": _commit(Path(__file__).resolve()),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "ase": version("ase"),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "time_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(sys.argv),
    }


def _commit(module: Path) -> str | None:
    """Read HEAD of the checkout whose ``src/betalps`` holds `module`, without running git."""
    root = module.parents[2]
    git = root / ".git"
    if not (root / "src" / "betalps").is_dir() or not git.is_dir():
        return None
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head
        return _resolve(git, head.removeprefix("ref: "))
    except OSError:
        return None


def _resolve(git: Path, ref: str) -> str | None:
    """Resolve a branch to its commit: a loose file, or a line of the packed refs."""
    loose = git / ref
    if loose.is_file():
        return loose.read_text(encoding="utf-8").strip()
    packed = git / "packed-refs"
    if not packed.is_file():
        return None
    for line in packed.read_text(encoding="utf-8").splitlines():
        commit, _, name = line.partition(" ")
        if name == ref:
            return commit
    return None


def _processor() -> str:
    """Name the processor's model where the system tells it, else its architecture."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
