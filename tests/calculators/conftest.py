"""Fixtures made of what cases.py builds."""

import pytest

from betalps import MTP
from betalps.calculators import Engine
from calculators.cases import BUNDLED, make_structures, random_potential, with_active_set


@pytest.fixture
def structures():
    return make_structures()


@pytest.fixture
def crystal(structures):
    return structures["crystal"]


@pytest.fixture(scope="session")
def graded():
    return with_active_set(random_potential())


@pytest.fixture(scope="session")
def graded_by_configuration():
    return with_active_set(random_potential(), mode="configuration")


@pytest.fixture
def calc():
    return MTP(BUNDLED, threads=1)


@pytest.fixture
def counted(monkeypatch):
    """Every evaluation that calculators ask their engines for: a list of what was wanted."""
    calls = []
    evaluate = Engine.evaluate

    def counting(self, *structure, **wanted):
        calls.append(wanted)
        return evaluate(self, *structure, **wanted)

    monkeypatch.setattr(Engine, "evaluate", counting)
    return calls
