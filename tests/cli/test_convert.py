"""The verb ``convert``."""

import numpy as np
import pytest
from ase.calculators.lammps import Prism
from ase.io import read, write

from betalps.cli.main import main
from betalps.structures import beta_li3ps4
from betalps.trajectories import open_trajectory, unwrap


@pytest.fixture
def frames():
    rng = np.random.default_rng(1)
    atoms = beta_li3ps4()
    found = []
    for _ in range(12):
        atoms = atoms.copy()
        atoms.positions += 0.4 * rng.normal(size=atoms.positions.shape)
        found.append(atoms)
    return found


def test_into_a_store_and_back(tmp_path, frames, capsys):
    write(tmp_path / "run.traj", frames)
    source, store, target = (str(tmp_path / name) for name in ("run.traj", "run", "part.extxyz"))
    assert main(["convert", source, store, "--interval", "0.02", "--unwrapped"]) == 0
    assert "12 frames" in capsys.readouterr().out
    trajectory = open_trajectory(store)
    assert trajectory.times[-1] == pytest.approx(11 * 0.02)
    moved = unwrap(trajectory) - unwrap(trajectory)[0]
    np.testing.assert_allclose(moved[-1], frames[-1].positions - frames[0].positions, atol=1e-5)
    assert main(["convert", store, target, "--start", "2", "--stop", "9", "--every", "3"]) == 0
    part = read(target, ":")
    assert len(part) == 3
    offset = part[1].get_scaled_positions(wrap=False) - frames[5].get_scaled_positions(wrap=False)
    np.testing.assert_allclose(offset - np.round(offset), 0, atol=1e-5)


def test_the_rotation_to_lammps_is_undone(tmp_path):
    atoms = beta_li3ps4(ordering="4b3_4c1")
    atoms.rotate(30, "x", rotate_cell=True)
    atoms.write(tmp_path / "start.extxyz")
    prism = Prism(atoms.cell.array)
    turned = atoms.copy()
    turned.set_cell(prism.lammps_cell)
    turned.positions = prism.vector_to_lammps(atoms.positions)
    xx, yy, zz, xy, xz, yz = map(float, prism.get_lammps_prism())
    low = np.array([min(0, xy, xz, xy + xz), min(0, yz), 0.0])
    high = np.array([xx + max(0, xy, xz, xy + xz), yy + max(0, yz), zz])
    lines = ["ITEM: TIMESTEP", "0", "ITEM: NUMBER OF ATOMS", str(len(atoms)), "ITEM: BOX BOUNDS xy xz yz pp pp pp"]
    lines += [f"{a!r} {b!r} {t!r}" for a, b, t in zip(low.tolist(), high.tolist(), (xy, xz, yz), strict=True)]
    lines.append("ITEM: ATOMS id element xu yu zu")
    lines += [
        f"{k + 1} {s} {x!r} {y!r} {z!r}"
        for k, (s, (x, y, z)) in enumerate(zip(atoms.symbols, turned.positions.tolist(), strict=True))
    ]
    dump = tmp_path / "run.dump"
    dump.write_text("\n".join(lines) + "\n")
    command = ["convert", str(dump), str(tmp_path / "run"), "--timestep", "0.002"]
    assert main([*command, "--rotation-from", str(tmp_path / "start.extxyz")]) == 0
    back = open_trajectory(tmp_path / "run")[0]
    np.testing.assert_allclose(back.cell.array, atoms.cell.array, atol=1e-5)
    np.testing.assert_allclose(back.get_all_distances(mic=True), atoms.get_all_distances(mic=True), atol=1e-4)


def test_errors_are_one_line(tmp_path, frames, capsys):
    write(tmp_path / "run.traj", frames)
    source, target = str(tmp_path / "run.traj"), str(tmp_path / "run")
    for extra, word in (
        (["--specorder", "Li,P,S"], "specorder"),
        (["--interval", "1", "--start", "100"], "no frame"),
    ):
        assert main(["convert", source, target, *extra]) == 2
        said = capsys.readouterr().err
        assert word in said
        assert said.count("\n") == 1
        assert not (tmp_path / "run").exists()
    (tmp_path / "there.extxyz").write_text("mine")
    assert main(["convert", source, str(tmp_path / "there.extxyz"), "--interval", "1"]) == 2
    assert (tmp_path / "there.extxyz").read_text() == "mine"
