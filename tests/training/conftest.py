"""Data that several tests share."""

import pytest
from threadpoolctl import threadpool_limits

from training import cases


@pytest.fixture(scope="session")
def frames():
    return cases.labelled(14)


@pytest.fixture(scope="session")
def held():
    return cases.labelled(4, seed=1)


@pytest.fixture(autouse=True, scope="session")
def one_blas_thread():
    """As within `fit`: waiting threads cost more than these small matrices."""
    with threadpool_limits(1, "blas"):
        yield
