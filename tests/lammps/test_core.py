"""The core's C interface."""

import ctypes

import numpy as np
import pytest

from betalps import _core
from betalps.calculators import Engine
from betalps.errors import FormatError
from betalps.lammps import LammpsError, core, plugin
from betalps.lammps.core import Model
from betalps.potentials import load
from calculators.cases import BUNDLED, arrays, with_active_set


@pytest.fixture(autouse=True)
def _built():
    try:
        plugin.core_library()
    except LammpsError as error:
        pytest.skip(str(error))


@pytest.fixture
def path(tmp_path):
    load(BUNDLED).without_active_set().write(tmp_path / "potential.almtp")
    return tmp_path / "potential.almtp"


def test_what_a_file_says(path, tmp_path):
    model = Model(path)
    assert model.species == ("Li", "P", "S")
    assert model.cutoff == load(BUNDLED).cutoff
    assert not model.has_grades
    with_active_set(load(BUNDLED)).write(tmp_path / "graded.almtp")
    assert Model(tmp_path / "graded.almtp").has_grades
    path.write_text(path.read_text().replace("species:Li,P,S", "nothing"))
    assert Model(path).species == ("", "", "")


def test_evaluates_as_the_engine(path, distorted):
    """Ghosts by hand: the images that the core's own list finds."""
    atoms = distorted()
    neighbours = _core.NeighbourList(load(BUNDLED).cutoff, 0.0)
    neighbours.update(atoms.positions, np.zeros(len(atoms), np.int32), atoms.cell.array, atoms.pbc.tolist())
    i, j, shifts, _ = neighbours.pairs()
    order = np.argsort(i, kind="stable")
    images, which = np.unique(np.column_stack([j, shifts])[order], axis=0, return_inverse=True)
    n = len(atoms)
    ghosts = atoms.positions[images[:, 0]] + images[:, 1:] @ atoms.cell.array
    species = np.array([("Li", "P", "S").index(symbol) for symbol in atoms.symbols], dtype=np.int32)
    out = Model(path, threads=2).evaluate(
        np.concatenate([atoms.positions, ghosts]),
        np.concatenate([species, species[images[:, 0]]]),
        np.searchsorted(i[order], np.arange(n + 1)),
        n + which.ravel().astype(np.int32),
    )
    expected = Engine(BUNDLED).evaluate(*arrays(atoms), virials=True)
    forces = out.forces[:n].copy()
    np.add.at(forces, images[:, 0], out.forces[n:])
    np.testing.assert_allclose(out.energies, expected.energies, rtol=1e-12)
    np.testing.assert_allclose(forces, expected.forces, atol=1e-11)
    np.testing.assert_allclose(out.virials, expected.virials, atol=1e-11)


def test_errors_cross_the_interface(tmp_path, path):
    with pytest.raises(FormatError, match=r"nowhere\.almtp"):
        Model(tmp_path / "nowhere.almtp")
    (tmp_path / "bad.almtp").write_text("MTP\nversion = 9\n")
    with pytest.raises(FormatError, match=r"bad\.almtp, line 2"):
        Model(tmp_path / "bad.almtp")
    with pytest.raises(Exception, match="species of atom 0: found 9, expected 0 to 2"):
        Model(path).evaluate(np.zeros((1, 3)), np.array([9], np.int32), np.zeros(2, np.int64), np.zeros(0, np.int32))


def test_another_interface_is_refused(monkeypatch):
    core._library.cache_clear()
    monkeypatch.setattr(core, "_ABI", 999)
    with pytest.raises(Exception, match="has interface 1, expected 999: install betalps again"):
        core._library()
    core._library.cache_clear()
    assert isinstance(ctypes.CDLL(str(plugin.core_library())).betalps_abi(), int)
