"""H5MD: our files by the letter of the format, and other people's."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from ase.units import fs

from betalps.errors import FormatError
from betalps.trajectories import convert, read_trajectory
from trajectories.cases import MASSES, SYMBOLS, assert_same, path_of, wandering


def test_what_is_written_is_h5md(tmp_path: Path) -> None:
    expected = wandering(1, momenta=True, scalars=("energy",), pbc=(True, True, False))
    convert(expected, tmp_path / "run.h5md")
    with h5py.File(tmp_path / "run.h5md") as file:
        assert file["h5md"].attrs["version"].tolist() == [1, 1]
        assert file["h5md/author"].attrs["name"]
        assert file["h5md/creator"].attrs["name"] == "betalps"
        group = file["particles/trajectory"]
        assert group["box"].attrs["dimension"] == 3
        assert group["box"].attrs["boundary"].tolist() == ["periodic", "periodic", "none"]
        np.testing.assert_allclose(group["box/edges/value"], expected.cells)
        position = group["position"]
        np.testing.assert_allclose(
            position["value"], np.einsum("fai,fij->faj", expected.fractional, expected.cells), atol=1e-5
        )
        assert position["value"].attrs["unit"] == "Angstrom"
        np.testing.assert_allclose(position["time"], expected.times)
        assert position["time"].attrs["unit"] == "ps"
        assert position["step"][()].tolist() == list(range(12))
        np.testing.assert_array_equal(group["image/value"], expected.images)
        names = {number: name for name, number in h5py.check_enum_dtype(group["species"].dtype).items()}
        assert [names[number] for number in group["species"][()]] == SYMBOLS.tolist()
        np.testing.assert_allclose(group["mass"], MASSES, rtol=1e-3)
        momenta = group["velocity/value"][()] * MASSES[:, None] / (1000 * fs)
        np.testing.assert_allclose(momenta, expected.momenta, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(file["observables/energy/value"], expected.scalars["energy"])


def other(path: Path, change=None) -> None:
    """A file as another program writes it: nm, fs, even steps, one box for all, numbered species."""
    expected = wandering(2, 6, pbc=(True, True, True))
    with h5py.File(path, "w") as file:
        group = file.create_group("particles/all")
        box = group.create_group("box")
        box.attrs["dimension"] = 3
        box.attrs["boundary"] = np.array([b"periodic"] * 3)
        box["edges"] = np.array([1.2, 1.0, 0.9])
        box["edges"].attrs["unit"] = "nm"
        group["position/value"] = path_of(expected) * [1.2, 1.0, 0.9]
        group["position/value"].attrs["unit"] = "nm"
        group["position/step"] = 50
        group["position/time"] = 500.0
        group["position/time"].attrs["unit"] = "fs"
        group["position/time"].attrs["offset"] = 1000.0
        group["velocity/value"] = np.ones((6, 5, 3))
        group["velocity/value"].attrs["unit"] = "nm ps-1"
        group["species"] = np.array([1, 2, 3, 3, 1])
        if change is not None:
            change(file)


def test_what_others_write(tmp_path: Path) -> None:
    other(tmp_path / "run.h5")
    found = read_trajectory(tmp_path / "run.h5", specorder=["Li", "P", "S"])
    assert found.symbols.tolist() == SYMBOLS.tolist()
    np.testing.assert_allclose(found.times, 1.0 + 0.5 * np.arange(6))
    np.testing.assert_allclose(found.cells, np.broadcast_to(np.diag([12.0, 10.0, 9.0]), (6, 3, 3)))
    np.testing.assert_allclose(found.fractional, path_of(wandering(2, 6)), atol=1e-12)
    assert found.images is None
    np.testing.assert_allclose(found.momenta[0, :, 0], 10.0 * MASSES / (1000 * fs), rtol=1e-3)


def remove(name):
    return lambda file: file.pop(f"particles/all/{name}")


def set_unit(name, unit):
    return lambda file: file[f"particles/all/{name}"].attrs.__setitem__("unit", unit)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (None, {}, "its species are numbers without names: give specorder"),
        (None, {"specorder": ["Li", "P"]}, "species 3 has no name"),
        (None, {"group": "water"}, "holds no positions in particles/water; groups: all"),
        (remove("species"), {}, "/particles/all has no species"),
        (remove("box"), {}, "particles/all has no box with edges"),
        (remove("position/time"), {"specorder": SYMBOLS}, "its positions have no times: give the interval"),
        (set_unit("position/value", "mile"), {"specorder": SYMBOLS}, "is in mile, expected one of angstrom, a, nm"),
        (set_unit("velocity/value", "knots"), {"specorder": SYMBOLS}, "is in knots, which is not understood"),
        (
            lambda file: file.create_group("particles/water"),
            {},
            r"holds 2 groups of particles \(all, water\): name one",
        ),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, change, options, message: str) -> None:
    other(tmp_path / "run.h5", change=change)
    with pytest.raises(FormatError, match=rf"run\.h5.*{message}"):
        read_trajectory(tmp_path / "run.h5", **options)


def test_what_is_no_h5md(tmp_path: Path) -> None:
    file = tmp_path / "run.h5md"
    file.write_text("text")
    with pytest.raises(FormatError, match=r"run\.h5md: is no HDF5 file"):
        read_trajectory(file)
    with h5py.File(file, "w") as h5:
        h5["data"] = 1
    with pytest.raises(FormatError, match=r"run\.h5md: holds 0 groups of particles"):
        read_trajectory(file)


def test_an_interval_goes_before_the_times(tmp_path: Path) -> None:
    other(tmp_path / "run.h5")
    found = read_trajectory(tmp_path / "run.h5", specorder=["Li", "P", "S"], interval=2.0)
    assert found.times.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


def test_mdanalysis_reads_it(tmp_path: Path) -> None:
    mda = pytest.importorskip("MDAnalysis", reason="MDAnalysis is not installed")
    expected = wandering(3, momenta=True)
    convert(expected, tmp_path / "run.h5md")
    universe = mda.Universe.empty(len(SYMBOLS), trajectory=False)
    universe.load_new(str(tmp_path / "run.h5md"))
    assert len(universe.trajectory) == len(expected)
    for number, step in enumerate(universe.trajectory):
        np.testing.assert_allclose(step.positions, expected.fractional[number] @ expected.cells[number], atol=1e-4)
        assert step.time == pytest.approx(expected.times[number])
    assert_same(read_trajectory(tmp_path / "run.h5md"), expected, 1e-6)
