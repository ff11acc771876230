"""What every test may use: the reference data beside the checkout, and the checkout itself."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def _find_shared() -> Path | None:
    place = Path(os.environ.get("BETALPS_SHARED", ROOT.parent / "shared"))
    return place if (place / "reference").is_dir() else None


SHARED: Path | None = _find_shared()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data; the test is skipped where there is none."""
    if SHARED is None:
        pytest.skip("reference data not found: put it beside the checkout as shared/, or set BETALPS_SHARED")
    return SHARED


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout; the test is skipped where only the tests were copied."""
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("not run from a checkout")
    return ROOT
