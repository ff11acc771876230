"""The verb ``build``."""

import json

import numpy as np
import pytest
from ase.io import read as ase_read
from ase.io.lammpsdata import read_lammps_data

from betalps.cli.build_study import file_name
from betalps.cli.main import main
from betalps.datasets import read
from betalps.structures import REFERENCE_TILTS, REFERENCE_TWISTS, boundary_record, check_lps, reference_study, tilt

SMALL = ["--separation", "13"]


def rows(text):
    return {line[:15].strip(): line[16:] for line in text.splitlines()}


@pytest.fixture
def build(capsys, tmp_path, monkeypatch):
    """Run the verb in an empty folder: status, rows of the table, what went to stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        status = main(["build", *arguments])
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return call


def last(path):
    return list(read([path]))[-1]


def test_bulk_in_every_format(build, tmp_path):
    status, out, _ = build("bulk", "--supercell", "1", "2", "1", "--output", "a.extxyz.xz", "a.data", "a.cif", "a.vasp")
    assert status == 0
    said = rows(out)
    assert said["atoms"] == "64, Li3PS4"
    assert said["crystal"] == "beta 4b4 Pnma"
    assert said["density"] == "1.797 g/cm³"
    whole = last(tmp_path / "a.extxyz.xz")
    check_lps(whole)
    text = (tmp_path / "a.data").read_text()
    assert "types 1 Li, 2 P, 3 S" in text.splitlines()[0]
    back = read_lammps_data(tmp_path / "a.data", units="metal", atom_style="atomic")
    check_lps(back)
    for name in ("a.cif", "a.vasp"):
        check_lps(ase_read(tmp_path / name))


def test_types_of_lammps(build, tmp_path):
    status, out, _ = build("bulk", "--output", "a.lmp", "--types", "S", "Li", "P", "Cl")
    assert status == 0
    assert "LAMMPS types 1 S, 2 Li, 3 P, 4 Cl" in out
    assert "4 atom types" in (tmp_path / "a.lmp").read_text()
    assert build("bulk", "--output", "a.lmp", "--types", "S", "Li")[0] == 2
    assert build("bulk", "--output", "a.cif", "--types", "S", "Li", "P")[2].startswith("betalps build: --types is for")


def test_bulk_list_disorder_and_files(build, tmp_path):
    status, out, _ = build("bulk", "--list")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["beta"] * 7 + ["gamma", "alpha"]
    assert build("bulk", "--random-lithium", "3", "--supercell", "1", "2", "2", "--output", "r.extxyz")[0] == 0
    assert build("bulk", "--random-lithium", "3", "--supercell", "1", "2", "2", "--output", "again.extxyz")[0] == 0
    first, again = last(tmp_path / "r.extxyz"), last(tmp_path / "again.extxyz")
    assert len(first) == 128
    assert np.array_equal(first.positions, again.positions)
    status, out, _ = build("bulk", "--crystal", "r.extxyz", "--supercell", "2", "1", "1")
    assert rows(out)["atoms"] == "256, Li3PS4"


def test_a_relaxed_crystal(build, tmp_path):
    status, out, _ = build("bulk", "--relax", "--fmax", "0.05", "--threads", "1", "--output", "own.extxyz")
    assert status == 0
    assert "eV/atom" in rows(out)["relaxed"]
    assert last(tmp_path / "own.extxyz").info["relaxed"]["converged"]
    status, _, err = build("bulk", "--relax", "--fmax", "0.00001", "--steps", "1", "--threads", "1")
    assert status == 1
    assert "not converged to 1e-05 eV/Å after 1 steps" in err


def test_a_tilt_keeps_its_record(build, tmp_path):
    status, out, _ = build("gb", "--name", "S5[001]/(120)", *SMALL, "--output", "gb.extxyz", "gb.data")
    assert status == 0
    said = rows(out)
    assert said["boundary"] == "Σ5[001]/(120), tilt"
    assert said["disorientation"].startswith("34.49°")
    atoms = last(tmp_path / "gb.extxyz")
    assert boundary_record(atoms)["planes"] == [[1, 2, 0], [1, 2, 0]]
    assert set(atoms.arrays["grain"].tolist()) == {0, 1}
    assert atoms.arrays["boundary"].max() <= 10.0
    from betalps.structures import beta_li3ps4

    built = tilt(beta_li3ps4(), "(120)", size=boundary_size(13))
    assert atoms.positions == pytest.approx(built.positions)
    lammps = read_lammps_data(tmp_path / "gb.data", units="metal", atom_style="atomic")
    assert len(lammps) == len(atoms)


def boundary_size(separation):
    from betalps.structures import Size

    return Size(separation=separation)


def test_axes_of_either_setting(build):
    angles = []
    for setting in ("crystal", "sorted"):
        _, out, _ = build("gb", "--name", "Σ5[001]/(120)", "--setting", setting, *SMALL)
        angles.append(float(rows(out)["disorientation"].split("°")[0]))
    assert angles == pytest.approx([34.49, 65.88], abs=0.03)


def test_twists_and_asymmetric_boundaries(build):
    _, out, _ = build("gb", "--plane", "100", "--candidate", "1", *SMALL)
    assert rows(out)["disorientation"].startswith("75.52°")
    _, out, _ = build("gb", "--plane", "(1 0 0)", "--angle", "75", *SMALL, "--max-area", "400")
    assert rows(out)["disorientation"].startswith("75.52°")
    _, out, _ = build("gb", "--plane", "100", "--plane-b", "001", "--max-area", "400", *SMALL)
    assert rows(out)["boundary"] == "(1 0 0) against (0 0 1), asymmetric"
    _, out, _ = build("gb", "--plane", "100", "--plane-b", "100", "--crystal-b", "gamma", "--max-area", "300", *SMALL)
    assert "Li6P2S8 (1 0 0)" in rows(out)["upper grain"]


def test_how_it_is_put_together(build):
    given = ["--termination", "0.25", "--translation", "0", "0.5", "--gap", "2.5", "3", "--repeats", "2", "1"]
    _, out, _ = build("gb", "--plane", "120", *given, "--lattice-planes", "4", "5")
    said = rows(out)
    assert said["gaps"].startswith("2.500, 3.000 Å")
    assert said["translation"].startswith("0.0000, 0.5000 of")
    assert said["boundary cell"].endswith("repeated 2 × 1")
    assert "4 planes" in said["lower grain"]
    assert "5 planes" in said["upper grain"]
    _, out, _ = build("gb", "--plane", "120", "--gap", "0", "--overlaps", "remove", "--translation", "0", "0", *SMALL)
    assert "removed" in rows(out)
    _, out, _ = build("gb", "--plane", "-2 5 0", "--slab", "8", *SMALL)
    assert rows(out)["two boundaries"].startswith("one only")
    assert "(-2 5 0)" in rows(out)["boundary"]


def test_a_slab_for_lammps_is_not_periodic(build, tmp_path):
    _, out, _ = build("gb", "--plane", "120", "--slab", "8", *SMALL, "--output", "slab.data")
    assert "boundary p p f" in out
    text = (tmp_path / "slab.data").read_text()
    heights = [float(line.split()[4]) for line in text.split("Atoms # atomic")[1].splitlines() if line.strip()]
    (top,) = [float(line.split()[1]) for line in text.splitlines() if line.endswith("zlo zhi")]
    assert 0 < min(heights) < max(heights) < top


def test_lists(build, tmp_path):
    status, out, _ = build("gb", "--list")
    assert status == 0
    assert all(name in out for name in [*REFERENCE_TILTS, *REFERENCE_TWISTS])
    _, out, _ = build("gb", "--plane", "120", "--list", "--max-area", "400")
    assert "14 terminations in a spacing of 3.878 Å" in out
    _, best, _ = build("gb", "--plane", "100", "--list", "--max-area", "800", "--picture", "c.png")
    assert (tmp_path / "c.png").stat().st_size > 10_000
    _, everything, _ = build("gb", "--plane", "100", "--list", "all", "--max-area", "800")
    assert len(everything.splitlines()) > len(best.splitlines()) > 25
    line = next(line for line in best.splitlines() if line.split()[:1] == ["5"])
    _, out, _ = build("gb", "--plane", "100", "--candidate", "5", "--max-area", "800", *SMALL)
    assert rows(out)["disorientation"].startswith(f"{float(line.split()[2]):.2f}°")
    _, out, _ = build("gb", "--plane", "100", "--plane-b", "001", "--list", "--max-area", "400")
    assert out.count("terminations in a spacing") == 2
    assert "against" in out
    _, out, _ = build("gb", "--name", "Σ5[100]/(100)", "--list", "--max-area", "600")
    assert "near 36.8" in out


def test_energy_and_relaxed_structure(build, tmp_path):
    common = ["gb", "--plane", "120", *SMALL, "--fmax", "5", "--threads", "1", "--output", "gb.extxyz"]
    status, out, _ = build(*common, "--energy")
    assert status == 0
    said = rows(out)
    assert said["energy"].split()[1] == "J/m²;"
    assert said["relaxation"].startswith("converged after")
    built = last(tmp_path / "gb.extxyz")
    status, out, _ = build(*common, "--fmax", "0.001", "--steps", "2", "--relax")
    assert status == 1
    assert "NOT CONVERGED after 2 steps" in out
    relaxed = last(tmp_path / "gb.extxyz")
    assert np.abs(relaxed.positions - built.positions).max() > 1e-4


def test_scan_finds_a_lower_energy(build):
    common = ["gb", "--plane", "100", "--candidate", "1", "--lattice-planes", "1", "--threads", "1"]
    common += ["--steps", "0", "--energy"]
    energies = []
    for scan in ([], ["--scan", "1.5"]):
        _, out, _ = build(*common, *scan)
        energies.append(float(rows(out)["energy"].split()[-1]))
    assert energies[1] <= energies[0] + 1e-9


def test_the_whole_study_in_a_folder(build, tmp_path):
    """Small, without relaxation steps; what is there is not computed again."""
    command = ["gb", "--reference-study", "all", "--atoms", "1", "--lateral", "0", *SMALL, "--output", "study"]
    status, out, err = build(*command)
    assert status == 0
    names = list(reference_study())
    assert [line.split()[0] for line in out.splitlines()[1 : 1 + len(names)]] == names
    assert all((tmp_path / "study" / f"{file_name(name)}.extxyz").exists() for name in names)
    assert not (tmp_path / "study" / "energies.json").exists()
    assert err.count(" atoms in ") == len(names)


def test_energies_of_the_study_are_kept(build, tmp_path, monkeypatch):
    names = ["Σ5[001]/(120)", "Σ3[1-10]/(111)", "amorphous/(001)"]
    whole = reference_study

    def part(*arguments, **options):
        return {name: make for name, make in whole(*arguments, **options).items() if name in names}

    monkeypatch.setattr("betalps.structures.reference_study", part)
    command = ["gb", "--reference-study", "all", "--atoms", "1", "--lateral", "0", *SMALL, "--output", "study"]
    command += ["--energy", "--steps", "0", "--threads", "1"]
    status, out, _ = build(*command)
    assert status == 1  # no step, nothing converged
    assert out.count("J/m²  NOT CONVERGED") == 2
    path = tmp_path / "study" / "energies.json"
    content = json.loads(path.read_text())
    assert list(content) == names[:2]  # a glass has none
    path.write_text(json.dumps({name: {**found, "energy": 42.0} for name, found in content.items()}))
    _, out, _ = build(*command)
    assert out.count(" 42.0000 J/m²") == 2
    _, out, _ = build(*command, "--fmax", "0.5")
    assert "J/m²" in out
    assert "42.0000" not in out
    built = last(tmp_path / "study" / "S5_001_120.extxyz")
    build(*command, "--relax", "--steps", "1")
    relaxed = last(tmp_path / "study" / "S5_001_120.extxyz")
    assert 1e-6 < np.abs(relaxed.positions - built.positions).max() < 1.0


def test_a_boundary_of_the_study(build):
    _, out, _ = build("gb", "--reference-study", "Σ3[1-10]/(111)", "--atoms", "1", "--lateral", "0", *SMALL)
    assert rows(out)["disorientation"].startswith("84.49°")
    assert "expected all, or one of Σ5[001]/(120)" in build("gb", "--reference-study", "Σ7")[2]
    assert "use --name with --gap" in build("gb", "--reference-study", "Σ5[001]/(120)", "--gap", "1")[2]


def test_pictures(build, tmp_path):
    assert build("gb", "--plane", "120", *SMALL, "--picture", "gb.png")[0] == 0
    assert build("interface", "--plane", "120", "--packed", "1", *SMALL, "--picture", "i.svg")[0] == 0
    assert (tmp_path / "gb.png").stat().st_size > 10_000
    assert (tmp_path / "i.svg").read_text().lstrip().startswith("<?xml")


def test_interface(build, tmp_path):
    status, out, _ = build("interface", "--plane", "120", "--melt", *SMALL, "--output", "melt.extxyz")
    assert status == 0
    assert "keep the first two cell vectors" in out
    glass = last(tmp_path / "melt.extxyz")
    glass.rattle(0.05, seed=1)
    glass.write(tmp_path / "glass.extxyz")
    status, out, _ = build("interface", "--plane", "120", "--glass", "glass.extxyz", "--output", "i.extxyz")
    assert status == 0
    assert rows(out)["boundary"] == "(1 2 0), amorphous/crystal"
    assert rows(out)["atoms"].endswith("Li3PS4")
    record = boundary_record(last(tmp_path / "i.extxyz"))
    assert record["glass"]["units"] == {"Li": 72, "PS4": 24} or sum(record["glass"]["units"].values()) > 0
    assert "a glass has its size" in build("interface", "--plane", "120", "--glass", "glass.extxyz", *SMALL)[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gb"], "which boundary? Expected --plane, --name or --reference-study"),
        (["gb", "--plane", "120", "--name", "Σ5[001]/(120)"], "--name, --plane: expected one of them"),
        (["gb", "--plane", "240"], "common factor 2"),
        (["gb", "--plane", "001", "--angle", "53.13"], "no candidate within 3°"),
        (["gb", "--plane", "120", "--output", "gb.foo"], "--output gb.foo: expected a name that ends in"),
        (["gb", "--plane", "120", "--output", "nowhere/gb.cif"], "the folder nowhere does not exist"),
        (["gb", "--plane", "120", "--slab", "8", "--energy"], "--slab has two surfaces"),
        (["gb", "--plane", "120", "--axis", "001", "--angle", "3"], "--axis is for symmetric tilts"),
        (["gb", "--name", "Σ5[001]/(120)", "--angle", "3"], "--angle and --candidate are for twists"),
        (["gb", "--name", "Σ5[001]/(120)", "--plane-b", "001"], "--plane-b goes with --plane"),
        (["gb", "--plane", "120", "--crystal-b", "gamma"], "--crystal-b goes with --plane-b"),
        (["gb", "--plane", "120", "--gap", "1", "2", "3"], "expected one number, or two"),
        (["gb", "--plane", "120", "--scan", "1", "--translation", "0", "0"], "--scan chooses the translation"),
        (["gb", "--crystal", "delta", "--plane", "120"], "neither one of beta, gamma, alpha nor a file"),
        (["gb", "--crystal", "gamma", "--ordering", "4b4", "--plane", "120"], "only beta has orderings"),
        (["gb", "--reference-study", "all"], "writes to a folder"),
        (
            ["gb", "--reference-study", "all", "--output", "d", "--scan", "1"],
            "--picture and --scan are for one boundary",
        ),
        (["bulk", "--random-lithium", "1", "--crystal", "gamma"], "fills the sites of beta"),
        (["interface", "--plane", "120", "--melt", "--picture", "a.png"], "expected none with --melt"),
    ],
)
def test_what_cannot_be_built(build, arguments, said):
    status, _, err = build(*arguments)
    assert status == 2
    assert said in err
    assert err.count("\n") == 1


def test_a_broken_file_of_energies(build, tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "energies.json").write_text("{")
    status, _, err = build("gb", "--reference-study", "all", "--output", "study")
    assert status == 2
    assert "delete it to compute all energies anew" in err


def test_help_teaches(capsys):
    for kind in ("bulk", "gb", "interface"):
        with pytest.raises(SystemExit) as leaving:
            main(["build", kind, "--help"])
        assert leaving.value.code == 0
        assert f"betalps build {kind} --" in capsys.readouterr().out
