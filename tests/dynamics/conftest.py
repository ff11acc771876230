"""A small crystal for dynamics."""

import pytest

from dynamics import cases


@pytest.fixture
def argon():
    return cases.argon()
