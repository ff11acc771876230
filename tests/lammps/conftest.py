"""LAMMPS for the tests, compiled against once; without it they are skipped, and say so."""

import os
import shutil

import numpy as np
import pytest

from betalps.lammps import LammpsError, build_plugin, find_lammps
from betalps.lammps.plugin import core_library
from betalps.structures import beta_li3ps4


def _missing():
    """Why LAMMPS cannot be tested here; None when it can."""
    try:
        installation = find_lammps()
        core_library()
    except LammpsError as error:
        return str(error)
    if not any(map(shutil.which, ("c++", "g++", "clang++"))):
        return "there is no C++ compiler"
    return None if installation.mpiexec else "there is no mpiexec"


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A cache of compiled pair styles for these tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BETALPS_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield os.environ["BETALPS_CACHE"]


@pytest.fixture(scope="session")
def lammps(cache):
    """The LAMMPS that is installed, with its pair style compiled."""
    why = _missing()
    if why is not None:
        pytest.skip(why)
    installation = find_lammps()
    build_plugin(installation)
    return installation


def _distorted(repeats=(1, 1, 1), *, sheared=False, seed=0):
    atoms = beta_li3ps4().repeat(repeats)
    rng = np.random.default_rng(seed)
    if sheared:
        shear = np.eye(3) + 0.1 * rng.normal(size=(3, 3))
        atoms.set_cell(atoms.cell.array @ shear, scale_atoms=True)
    atoms.rattle(0.05, rng=rng)
    return atoms


@pytest.fixture(scope="session")
def distorted():
    """Makes rattled β-Li3PS4, on request in a cell whose vectors lie along no axis and in no plane of axes."""
    return _distorted
