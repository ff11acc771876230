"""A small crystal for dynamics."""

import pytest
from ase.build import bulk


@pytest.fixture
def argon():
    return bulk("Ar", "fcc", a=5.3, cubic=True).repeat((2, 2, 1))
