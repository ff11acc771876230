"""ASE's files, written by ASE itself and by us."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

from betalps.errors import FormatError
from betalps.trajectories import CutFrameWarning, convert, read_trajectory, unwrap
from trajectories.cases import SYMBOLS, path_of, wandering


def structures(trajectory, *, energy: bool = True, wrap: bool = False) -> list[Atoms]:
    frames = []
    for number, path in enumerate(path_of(trajectory)):
        cell = trajectory.cells[number]
        atoms = Atoms(SYMBOLS, positions=path @ cell, cell=cell, pbc=trajectory.pbc)
        if wrap:
            atoms.wrap()
        atoms.set_momenta(trajectory.momenta[number])
        if energy:
            atoms.calc = SinglePointCalculator(atoms, energy=-1.5 * number)
        frames.append(atoms)
    return frames


@pytest.mark.parametrize(("name", "tolerance"), [("run.traj", 1e-12), ("run.extxyz", 1e-7), ("run.xyz.gz", 1e-7)])
@pytest.mark.parametrize("unwrapped", [True, None])
def test_what_ase_writes(tmp_path: Path, name: str, tolerance: float, unwrapped: bool | None) -> None:
    expected = wandering(1, momenta=True)
    write(tmp_path / name, structures(expected, wrap=not unwrapped))
    found = read_trajectory(tmp_path / name, interval=0.25, unwrapped=unwrapped)
    np.testing.assert_allclose(found.times, 0.25 * np.arange(len(expected)))
    np.testing.assert_allclose(found.cells, expected.cells, atol=1e-8)
    np.testing.assert_allclose(found.momenta, expected.momenta, atol=1e-7)
    np.testing.assert_allclose(found.scalars["energy"], -1.5 * np.arange(len(expected)))
    assert found.symbols.tolist() == SYMBOLS.tolist()
    assert (found.images is not None) == bool(unwrapped)
    moved, wanted = unwrap(found), unwrap(expected)
    np.testing.assert_allclose(moved - moved[0], wanted - wanted[0], atol=20 * tolerance)


@pytest.mark.parametrize("name", ["run.traj", "run.extxyz"])
def test_what_ase_reads(tmp_path: Path, name: str) -> None:
    expected = wandering(2, momenta=True, scalars=("grade",), pbc=(True, True, False))
    convert(expected, tmp_path / name)
    frames = read(tmp_path / name, ":")
    assert len(frames) == len(expected)
    for number, atoms in enumerate(frames):
        np.testing.assert_allclose(atoms.cell.array, expected.cells[number], atol=1e-8)
        np.testing.assert_allclose(atoms.positions, path_of(expected)[number] @ expected.cells[number], atol=1e-8)
        np.testing.assert_allclose(atoms.get_momenta(), expected.momenta[number], atol=1e-8)
        assert atoms.pbc.tolist() == [True, True, False]
        assert atoms.info["grade"] == pytest.approx(expected.scalars["grade"][number])
        assert atoms.info["time"] == pytest.approx(expected.times[number])


@pytest.mark.parametrize("name", ["run.traj", "run.extxyz"])
def test_frames_need_times(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, structures(wandering(1, momenta=True)))
    with pytest.raises(FormatError, match=rf"{name}, frame 0: has no time in ps: give the interval"):
        read_trajectory(tmp_path / name)


@pytest.mark.parametrize("name", ["run.traj", "run.extxyz"])
def test_frames_of_other_atoms(tmp_path: Path, name: str) -> None:
    frames = structures(wandering(1, momenta=True))
    frames[3] = frames[3][[1, 0, 2, 3, 4]]
    write(tmp_path / name, frames)
    with pytest.raises(FormatError, match=rf"{name}, frame 3: its atoms are not those of frame 0"):
        read_trajectory(tmp_path / name, interval=0.1)


def test_a_damaged_traj(tmp_path: Path) -> None:
    file = tmp_path / "run.traj"
    write(file, structures(wandering(1, momenta=True)))
    file.write_bytes(b"something else")
    with pytest.raises(FormatError, match=r"run\.traj: is no ASE trajectory"):
        read_trajectory(file, interval=0.1)
    with pytest.raises(FormatError, match=r"other\.traj: is no ASE trajectory"):
        read_trajectory(tmp_path / "other.traj", interval=0.1)


HEAD = '2\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3 time={} pbc="T T F"\n'
ROWS = "Li 0 1 2\nS 3 4 5\n"


def test_an_extxyz_file_that_ends_anywhere(tmp_path: Path) -> None:
    file = tmp_path / "run.extxyz"
    text = "".join(HEAD.format(k) + ROWS for k in range(3))
    for end in range(text.rindex("2\nLattice") + 1, len(text) - 1, 5):
        file.write_text(text[:end])
        with pytest.warns(CutFrameWarning, match="ends within frame 2, which began in line 9"):
            assert len(read_trajectory(file)) == 2
    file.write_text("")
    with pytest.raises(FormatError, match="holds no frame"):
        read_trajectory(file)


def test_other_columns_and_the_comment_line(tmp_path: Path) -> None:
    file = tmp_path / "run.extxyz"
    text = HEAD.replace("species:S:1:pos:R:3", "tag:I:1:pos:R:3:species:S:1").format(0) + "energy"
    file.write_text(
        text.replace("\nenergy", ' energy=-3.25 label=abc good=T stress="1 2 3 4 5 6 7 8 9"\n')
        + "7 0 1 2 Li\n8 3 4 5 S\n"
    )
    found = read_trajectory(file)
    assert found.symbols.tolist() == ["Li", "S"]
    assert found.pbc.tolist() == [True, True, False]
    assert {name: values.tolist() for name, values in found.scalars.items()} == {"energy": [-3.25]}
    np.testing.assert_allclose(found.fractional[0] * 9, [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2\n", "two\n", r"line 1: expected the number of atoms, got 'two'"),
        ('Lattice="9 0 0 0 9 0 0 0 9" ', "", r"line 2: expected Lattice, nine numbers"),
        ("pos:R:3", "force:R:3", r"line 2: expected 3 columns of pos in the Properties"),
        ("pos:R:3", "pos:R", r"line 2: Properties are name:type:columns"),
        ("S 3 4 5", "S 3 4", r"frame 0, line 4: expected 4 columns, got 3"),
        ("S 3 4 5", "S 3 4 x", r"frame 0, line 4: expected a number in column 4, got 'x'"),
        ("9 0 0 0 9 0 0 0 9", "9 0 0 0 0 0 0 0 9", r"frame 0: the cell has no volume"),
        ("time=0", 'time=0 stress="1 2 3"', r"line 2: Got info item stress"),
        ("time=0", "time=soon", r"frame 0: has no time in ps"),
    ],
)
def test_what_cannot_be_understood_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = tmp_path / "run.extxyz"
    good = HEAD.format(0) + ROWS
    assert old in good
    file.write_text(good.replace(old, new, 1))
    with pytest.raises(FormatError, match=rf"run\.extxyz.*{message}"):
        read_trajectory(file)


def test_compressed_in_place(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "run.xyz.gz", "wt") as file:
        file.write(HEAD.format(1.5) + ROWS)
    assert read_trajectory(tmp_path / "run.xyz.gz").times.tolist() == [1.5]
