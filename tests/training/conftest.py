"""Data that several tests share."""

import pytest

from training import cases


@pytest.fixture(scope="session")
def frames():
    return cases.labelled(14)


@pytest.fixture(scope="session")
def held():
    return cases.labelled(4, seed=1)
