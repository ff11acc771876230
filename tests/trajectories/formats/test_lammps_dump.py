"""LAMMPS dumps as LAMMPS writes them, built here by its documented conventions."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.lammps import Prism
from ase.units import fs
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.errors import FormatError
from betalps.trajectories import CutFrameWarning, convert, lammps_rotation, read_lammps_dump, read_trajectory, unwrap
from trajectories.cases import CELL, MASSES, SYMBOLS, path_of, wandering

RIGHT = CELL
TURNED = np.array([[0.5, 11.0, 1.0], [-9.0, 2.0, 0.5], [1.0, -0.5, 8.0]])  # right-handed, in no special position


def dump(
    trajectory, *, columns: str, origin=(0.7, -3.0, 2.0), shuffle: int = 0, time: bool = False, general=False
) -> str:
    """What LAMMPS would write of a trajectory whose cells are already in its form."""
    rng = np.random.default_rng(shuffle)
    text = []
    species = ["Li", "P", "S"]
    path = path_of(trajectory)
    for number, cell in enumerate(trajectory.cells):
        xy, xz, yz = cell[1, 0], cell[2, 0], cell[2, 1]
        low, high = np.array(origin), np.array(origin) + np.diag(cell)
        text += ["ITEM: UNITS", "metal"] if time and number == 0 else []
        text += ["ITEM: TIME", repr(float(trajectory.times[number]))] if time else []
        text += ["ITEM: TIMESTEP", str(100 * number), "ITEM: NUMBER OF ATOMS", str(len(SYMBOLS))]
        if general:
            text.append("ITEM: BOX BOUNDS abc origin pp pp pp")
            text += [" ".join(map(repr, [*map(float, cell[k]), float(origin[k])])) for k in range(3)]
        else:
            text.append("ITEM: BOX BOUNDS xy xz yz pp pp pp")
            low += [min(0, xy, xz, xy + xz), min(0, yz), 0]
            high += [max(0, xy, xz, xy + xz), max(0, yz), 0]
            text += [f"{float(low[k])!r} {float(high[k])!r} {float(t)!r}" for k, t in enumerate((xy, xz, yz))]
        text.append(f"ITEM: ATOMS {columns}")
        images = np.floor(path[number])
        unwrapped = path[number] @ cell + origin
        wrapped = (path[number] - images) @ cell + origin
        for atom in rng.permutation(len(SYMBOLS)):
            values = {
                "id": atom + 1,
                "type": species.index(SYMBOLS[atom]) + 1,
                "element": SYMBOLS[atom],
                **{name: float(wrapped[atom, k]) for k, name in enumerate("xyz")},
                **{f"{name}s": float((path[number] - images)[atom, k]) for k, name in enumerate("xyz")},
                **{f"{name}u": float(unwrapped[atom, k]) for k, name in enumerate("xyz")},
                **{f"{name}su": float(path[number][atom, k]) for k, name in enumerate("xyz")},
                **{f"i{name}": int(images[atom, k]) for k, name in enumerate("xyz")},
                **{f"v{name}": float(atom + 0.1 * k - number) for k, name in enumerate("xyz")},
                "q": -0.5,
            }
            text.append(" ".join(str(values[column]) for column in columns.split()))
    return "\n".join(text) + "\n"


def triangular(trajectory):
    """The trajectory with every cell in LAMMPS's form, path kept."""
    cells = np.array([cell @ lammps_rotation(cell) for cell in trajectory.cells])
    return replace(trajectory, cells=cells)


COLUMNS = {
    "xu": "id type element xu yu zu",
    "xsu": "element id xsu ysu zsu q",
    "x ix": "id element x y z ix iy iz",
    "xs ix": "ix iy iz xs ys zs element id",
    "x": "id element x y z",
    "xs": "id element xs ys zs",
}


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(sorted(COLUMNS)),
    shuffle=st.integers(0, 99),
    general=st.booleans(),
)
def test_the_path_of_every_atom(tmp_path_factory, seed: int, kind: str, shuffle: int, general: bool) -> None:
    expected = triangular(wandering(seed))
    path = tmp_path_factory.mktemp("dump") / "run.dump"
    path.write_text(dump(expected, columns=COLUMNS[kind], shuffle=shuffle, time=True, general=general))
    found = read_trajectory(path)
    assert found.symbols.tolist() == SYMBOLS.tolist()
    assert (found.images is None) == (kind in {"x", "xs"})
    np.testing.assert_allclose(found.cells, expected.cells, atol=1e-12)
    np.testing.assert_array_equal(found.times, expected.times)
    if found.images is not None:
        np.testing.assert_allclose(path_of(found), path_of(expected), atol=1e-12)
    moved = unwrap(found)
    np.testing.assert_allclose(moved - moved[0], unwrap(expected) - unwrap(expected)[0], atol=1e-9)


@pytest.mark.parametrize("cell", [RIGHT, TURNED])
def test_cells_come_back_as_they_were(tmp_path: Path, cell: np.ndarray) -> None:
    """ASE turns a cell for LAMMPS; given that rotation, positions, cells and momenta are turned back."""
    before = wandering(1, momenta=True, cell=cell, frames=1)
    prism = Prism(before.cells[0])
    after = triangular(before)
    np.testing.assert_allclose(after.cells[0], prism.lammps_tilt, atol=1e-12)
    np.testing.assert_allclose(lammps_rotation(before.cells[0]), prism.rot_mat, atol=1e-12)
    path = tmp_path / "run.lammpstrj"
    path.write_text(dump(after, columns="id element xu yu zu vx vy vz", time=True))
    found = read_trajectory(path, rotation=prism.rot_mat)
    np.testing.assert_allclose(found.cells, before.cells, atol=1e-12)
    np.testing.assert_allclose(path_of(found), path_of(before), atol=1e-12)
    velocities = np.arange(5.0)[:, None] + [0.0, 0.1, 0.2]  # Å/ps, in LAMMPS's frame
    momenta = MASSES[:, None] * velocities / (1000 * fs)
    np.testing.assert_allclose(found.momenta[0], prism.vector_to_ase(momenta), rtol=1e-3)


def test_an_orthogonal_box_and_its_boundaries(tmp_path: Path) -> None:
    path = tmp_path / "run.dump"
    path.write_text(
        "ITEM: TIMESTEP\n7\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp fm ss\n-1 9\n0.0e+00 2.0e+01\n5 35\n"
        "ITEM: ATOMS id type x y z\n2 1 0 10 5\n1 2 -1 30 35\n"
    )
    found = read_trajectory(path, specorder=["Li", "S"], timestep=0.002)
    assert found.symbols.tolist() == ["S", "Li"]
    assert found.pbc.tolist() == [True, False, False]
    assert found.times.tolist() == [0.014]
    np.testing.assert_allclose(found.fractional[0], [[0.0, 1.5, 1.0], [0.1, 0.5, 0.0]])
    np.testing.assert_allclose(found.cells[0], np.diag([10.0, 20.0, 30.0]))


def test_types_by_specorder_go_before_elements(tmp_path: Path) -> None:
    """Without dump_modify element, LAMMPS calls every element C."""
    path = tmp_path / "run.dump"
    path.write_text(
        dump(triangular(wandering(2)), columns="id type element xu yu zu", time=True).replace(" Li ", " C ")
    )
    assert read_trajectory(path, specorder=["Na", "P", "S"]).symbols.tolist() == ["Na", "P", "S", "S", "Na"]
    assert read_trajectory(path).symbols.tolist() == ["C", "P", "S", "S", "C"]
    with pytest.raises(FormatError, match="types 1 to 3, but specorder names 2"):
        read_trajectory(path, specorder=["Na", "P"])


def test_real_units(tmp_path: Path) -> None:
    path = tmp_path / "run.dump"
    text = dump(triangular(wandering(2)), columns="id element xu yu zu vx vy vz", time=True)
    path.write_text(text)
    metal = read_trajectory(path)
    path.write_text(text.replace("metal", "real"))
    real = read_trajectory(path)
    np.testing.assert_allclose(real.times, metal.times * 1e-3)
    np.testing.assert_allclose(real.momenta, metal.momenta * 1e3)
    path.write_text(text.replace("metal", "lj"))
    with pytest.raises(FormatError, match="line 2: expected units metal or real, got lj"):
        read_trajectory(path)


def test_a_flipped_box_is_the_same_lattice(tmp_path: Path) -> None:
    """LAMMPS replaces a cell vector where the tilt grows too large; paths go on in the cell of before."""
    expected = triangular(wandering(3))
    flips = np.array([[1.0, 0.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    cells, path = expected.cells.copy(), path_of(expected)
    cells[6:] = flips @ cells[6:]
    path[6:] = path[6:] @ np.linalg.inv(flips)
    for kind in ("xu", "x ix", "x"):
        flipped = replace(expected, cells=cells, fractional=path, images=None)
        file = tmp_path / "run.dump"
        file.write_text(dump(flipped, columns=COLUMNS[kind], time=True))
        found = read_trajectory(file)
        np.testing.assert_allclose(found.cells, expected.cells, atol=1e-9)
        moved = unwrap(found)
        np.testing.assert_allclose(moved - moved[0], unwrap(expected) - unwrap(expected)[0], atol=1e-9)


def test_compressed(tmp_path: Path) -> None:
    expected = triangular(wandering(4))
    with gzip.open(tmp_path / "run.dump.gz", "wt") as file:
        file.write(dump(expected, columns=COLUMNS["xu"], time=True))
    np.testing.assert_allclose(path_of(read_trajectory(tmp_path / "run.dump.gz")), path_of(expected), atol=1e-12)


def test_a_step_written_twice_comes_once(tmp_path: Path) -> None:
    expected = triangular(wandering(5))
    file = tmp_path / "run.dump"
    first, second = (dump(expected[part], columns=COLUMNS["xu"]) for part in (slice(0, 7), slice(0, 1)))
    file.write_text(first + second.replace("TIMESTEP\n0\n", "TIMESTEP\n600\n"))
    assert len(list(read_lammps_dump(file, timestep=0.001))) == 7
    file.write_text(first + second)
    with pytest.raises(FormatError, match=r"line 99: step 0 follows step 600"):
        list(read_lammps_dump(file, timestep=0.001))


def test_a_file_that_ends_anywhere(tmp_path: Path) -> None:
    text = dump(triangular(wandering(6, 3)), columns=COLUMNS["x ix"], time=True)
    file = tmp_path / "run.dump"
    third = text.rindex("ITEM: TIME\n")
    for end in range(third + 1, len(text) - 1, 7):
        file.write_text(text[:end])
        with pytest.warns(CutFrameWarning, match=r"ends within frame 2, which began in line 35"):
            assert len(list(read_lammps_dump(file))) == 2
    for content in ("", "\n\n"):
        file.write_text(content)
        with pytest.raises(FormatError, match="holds no frame"):
            list(read_lammps_dump(file))
    file.write_text(text[:200])
    with pytest.raises(FormatError, match="holds no whole frame"):
        list(read_lammps_dump(file))


GOOD = (
    "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\n"
    "ITEM: ATOMS id element x y z\n1 Li 1 2 3\n2 S 4 5 6\n"
)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("TIMESTEP\n0", "TIMESTEP\nzero", r"line 2: expected a number below ITEM: TIMESTEP, got 'zero'"),
        ("0 9\n0 9\n0 9", "0 9\n0 x\n0 9", r"line 8: expected numbers for the bounds"),
        ("0 9\n0 9\n0 9", "0 9 1\n0 9 1\n0 9 1", r"line 8: expected the bounds of a box, got shape \(3, 3\)"),
        ("0 9\n0 9\n0 9", "0 9\n0 0\n0 9", r"the box has no volume"),
        ("id element", "di element", r"the atoms have no id"),
        ("id element x", "id kind x", r"no column says the species"),
        ("x y z", "a b c", r"no coordinates among the columns id element a b c"),
        ("2 S 4 5 6", "1 S 4 5 6", r"frame 0: an id occurs twice"),
        ("2 S 4 5 6", "2 S 4 5", r"frame 0, line 11: expected 5 columns, got 4"),
        ("2 S 4 5 6", "2 S 4 5 six", r"frame 0, line 11: expected a number in column 5, got 'six'"),
        ("2 S 4 5 6", "2.5 S 4 5 6", r"frame 0, line 11: expected a whole number in column 1, got '2.5'"),
        ("ITEM: TIMESTEP\n0\n", "", r"line 7: atoms before their time step, number or box"),
        ("ITEM: TIMESTEP", "TIMESTEP", r"line 1: expected ITEM: ..., got 'TIMESTEP'"),
    ],
)
def test_what_cannot_be_understood_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = tmp_path / "run.dump"
    assert old in GOOD
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(FormatError, match=rf"run\.dump.*{message}"):
        list(read_lammps_dump(file, timestep=0.001))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2 S", "3 S", r"frame 1: its atoms are not those of frame 0 \(2 and 2 of them\)"),
        ("2 S", "2 Li", r"frame 1: atom 2 is of another species than in frame 0"),
        ("pp pp pp", "pp pp ff", r"frame 1: pbc is"),
    ],
)
def test_frames_that_do_not_belong_together(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = tmp_path / "run.dump"
    file.write_text(GOOD + GOOD.replace("TIMESTEP\n0", "TIMESTEP\n10").replace(old, new))
    with pytest.raises(FormatError, match=message):
        read_trajectory(file, timestep=0.001)


def test_steps_without_a_timestep(tmp_path: Path) -> None:
    file = tmp_path / "run.dump"
    file.write_text(GOOD)
    with pytest.raises(FormatError, match="has steps but no times: give the timestep in ps"):
        read_trajectory(file)
    with pytest.raises(ValueError, match="rotation: expected an orthogonal"):
        read_trajectory(file, timestep=0.001, rotation=2 * np.eye(3))


def test_left_handed_cells_are_refused(tmp_path: Path) -> None:
    left = wandering(1, cell=TURNED[::-1].copy())
    with pytest.raises(ValueError, match="right-handed"):
        convert(left, tmp_path / "run.dump")
    assert not list(tmp_path.iterdir())


def test_ase_reads_what_we_write(tmp_path: Path) -> None:
    from ase.io import read

    expected = wandering(7, 3, cell=TURNED)
    convert(expected, tmp_path / "run.dump")
    frames = read(tmp_path / "run.dump", ":", format="lammps-dump-text")
    assert len(frames) == 3
    for number, atoms in enumerate(frames):
        assert atoms.get_chemical_symbols() == SYMBOLS.tolist()
        turned = expected.cells[number] @ lammps_rotation(expected.cells[number])
        np.testing.assert_allclose(atoms.cell.array, turned, atol=1e-9)
        np.testing.assert_allclose(atoms.positions, expected.fractional[number] @ turned, atol=1e-7)
