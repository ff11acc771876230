"""The verb ``analyse``: every kind, regions by name, files of other programs, and what it says when it cannot."""

import json

import numpy as np
import pytest
from ase.io import write

from analysis.walks import brownian, wrapped
from betalps.analysis import diffusion, polyanions, radial_distributions
from betalps.cli.main import main
from betalps.datasets import write as write_structure
from betalps.structures import Size, around_boundaries, beta_li3ps4, boundary
from betalps.trajectories import Trajectory, convert, open_trajectory

PNG = b"\x89PNG"


def md(structure, output, *options):
    words = [
        "md",
        structure,
        "--temperature",
        800,
        "--time",
        2.4,
        "--frame-interval",
        0.02,
        "--threads",
        1,
        "--free",
        "xyz",
    ]
    assert main([str(word) for word in [*words, "--output", output, *options]]) == 0


@pytest.fixture(scope="module")
def crystal(tmp_path_factory):
    """A run of the crystal at constant pressure."""
    folder = tmp_path_factory.mktemp("crystal")
    write(folder / "cell.extxyz", beta_li3ps4((1, 2, 2)))
    md(folder / "cell.extxyz", folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def bicrystal(tmp_path_factory):
    """A run of a small boundary, whose structure lies beside it."""
    folder = tmp_path_factory.mktemp("bicrystal")
    atoms = boundary("Σ5[001]/(2-10)", beta_li3ps4(), size=Size(separation=12.0, lateral=6.0))
    write_structure(atoms, folder / "gb.extxyz")
    md(folder / "gb.extxyz", folder / "run", "--time", 2.2)
    return folder / "run"


def analyse(capsys, *words):
    status = main(["analyse", *map(str, words)])
    told = capsys.readouterr()
    return status, told.out, told.err


KINDS = {
    "diffusion": (["diffusion.json", "diffusion.png"], "D of Li"),
    "rdf": (["rdf.json", "rdf.png"], "first minimum"),
    "polyanions": (["polyanions.json", "polyanions.png"], "P in PS4"),
    "angles": (["angles.json", "angles.png"], "mean S–P–S"),
    "map": (["map-c.json", "map-c.png"], "Li on the map    48"),
    "density": (["density.json", "density.png"], "points, 0.4 Å apart"),
    "profile": (["profile.json", "profile.png"], "bulk Li"),
    "disorder": (["disorder.json", "disorder.png"], "mean S_j"),
    "sites": (["sites.json", "jumps.json", "sites.png", "jumps-rates.png"], "occupancy of 4b"),
    "lattice": (["lattice.json"], "g/cm³"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_prints_a_table_and_writes_files(kind, crystal, tmp_path, capsys):
    files, shown = KINDS[kind]
    status, out, _ = analyse(capsys, kind, crystal, "--output", tmp_path / "out")
    assert status == 0
    assert shown in out
    for name in files:
        path = tmp_path / "out" / name
        assert f"written {path}" in out
        if path.suffix == ".png":
            assert path.read_bytes().startswith(PNG)
        else:
            content = json.loads(path.read_text())
            assert content["kind"] == "betalps analysis"
            assert content["provenance"]["betalps"]
            assert content["trajectories"][0]["path"] == str(crystal)
            assert content["trajectories"][0]["frames"] == 120
            assert content["trajectories"][0]["temperature_K"] == 800.0
            assert content["result"]["units"] is not None
            assert content["region"] is None
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_numbers_are_those_of_the_analysis(crystal, tmp_path, capsys):
    analyse(capsys, "rdf", crystal, "--pairs", "Li-S", "--r-max", 6, "--start", 20, "--every", 5, "--output", tmp_path)
    found = json.loads((tmp_path / "rdf.json").read_text())["result"]
    direct = radial_distributions(open_trajectory(crystal / "trajectory")[20::5], pairs=[("Li", "S")], r_max=6.0)
    assert found["partials"]["Li-S"]["g"] == direct["Li", "S"].g.tolist()
    assert found["frames"] == 20


def test_rings_and_rotation(crystal, tmp_path, capsys):
    """A tenth of the frames are enough for rings; rotation wants them all."""
    status, out, _ = analyse(capsys, "rings", crystal, "--snapshots", 3, "--threshold", 5, "--output", tmp_path)
    assert status == 0
    assert "3 snapshots" in out
    assert {"rings.json", "rings-diagram.png", "rings-fraction.png", "rings-sizes.png"} <= names(tmp_path)
    status, out, _ = analyse(capsys, "reorientation", crystal, "--window", 0.1, "--output", tmp_path)
    assert status == 0
    assert "rotations onto themselves" in out
    assert "correlation at the same time" in out
    assert {"reorientation.png", "paddle-wheel.png"} <= names(tmp_path)


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_the_boundary_is_that_of_the_run_s_structure(bicrystal, tmp_path, capsys):
    status, out, _ = analyse(capsys, "polyanions", bicrystal, "--region", "boundary:8", "--output", tmp_path)
    assert status == 0
    assert out.startswith("Polyanions, boundary:8")
    content = json.loads((tmp_path / "polyanions.json").read_text())
    assert content["region"] == "boundary:8"
    trajectory = open_trajectory(bicrystal / "trajectory")
    atoms = boundary("Σ5[001]/(2-10)", beta_li3ps4(), size=Size(separation=12.0, lateral=6.0))
    direct = polyanions(trajectory, region=around_boundaries(atoms, 8.0))
    np.testing.assert_allclose(content["result"]["counts"], direct.counts)


def test_regions_have_names(bicrystal, capsys):
    def inside(region):
        status, out, _ = analyse(capsys, "map", bicrystal, "--stop", 1, "--region", region)
        assert status == 0
        return float(out.split("Li on the map")[1].split()[0])

    everything = len(open_trajectory(bicrystal / "trajectory").indices("Li"))
    near, far = inside("boundary"), inside("grains")
    assert near + far == everything
    assert 0 < near < everything
    assert inside("~boundary") == far
    assert inside("slab:c,0,1000") == everything
    assert inside("slab:c,0,6+~slab:c,0,6") == everything
    assert inside("box:0.5,0.5,0.5,-,-,9") == inside("~slab:c,0,1000+box:0.5,0.5,0.5,-,-,9")
    assert inside("grain:0") + inside("grain:1") == everything


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("edge", "--region 'edge': expected boundary, boundary:THICKNESS, grains"),
        ("slab:z,0,10", "--region 'slab:z,0,10': expected a, b or c for the cell vector, got 'z'"),
        ("slab:c,low,10", "--region 'slab:c,low,10': expected a number, got 'low'"),
        ("slab:c,0", "--region 'slab:c,0': expected boundary"),
        ("slab:c,0,-3", "lengths"),
        ("box:0,0,0,0.1,0.1,0.1", "region: no P is inside it in any frame"),
    ],
)
def test_what_is_no_region(region, message, bicrystal, capsys):
    status, _, err = analyse(capsys, "polyanions", bicrystal, "--region", region)
    assert status == 2
    assert message in err


def test_whose_boundary_nobody_knows(bicrystal, crystal, tmp_path, capsys):
    """No record, a structure that has changed or gone: each says so, and --structure helps."""
    status, _, err = analyse(capsys, "map", crystal, "--region", "boundary")
    assert status == 2
    assert "no boundary" in err or "record" in err
    convert(open_trajectory(bicrystal / "trajectory")[:2], tmp_path / "bare")
    status, _, err = analyse(capsys, "map", tmp_path / "bare", "--region", "boundary")
    assert status == 2
    assert "does not say which structure it started from; name it with --structure FILE" in err
    original = bicrystal.parent / "gb.extxyz"
    status, _, _ = analyse(capsys, "map", tmp_path / "bare", "--region", "boundary", "--structure", original)
    assert status == 0
    status, _, err = analyse(capsys, "map", crystal, "--region", "boundary", "--structure", original)
    assert status == 2
    assert "are not those of the trajectory" in err
    content = original.read_text()
    try:
        original.write_text(content.replace("2.4", "2.5"))
        status, _, err = analyse(capsys, "map", bicrystal, "--region", "boundary")
        assert status == 2
        assert "is no longer what it started from" in err
        original.unlink()
        status, _, err = analyse(capsys, "map", bicrystal, "--region", "boundary")
        assert status == 2
        assert "it started from is not found; name it with --structure FILE" in err
    finally:
        original.write_text(content)


def test_files_of_other_programs(crystal, tmp_path, capsys):
    trajectory = open_trajectory(crystal / "trajectory")[:6]
    for name, options in {
        "run.extxyz": ["--interval", 0.02],
        "run.traj": ["--interval", 0.02],
        "run.lammpstrj": [],
        "run.h5md": [],
    }.items():
        convert(trajectory, tmp_path / name)
        status, out, err = analyse(capsys, "angles", tmp_path / name, *options)
        assert status == 0, err
        assert "mean S–P–S" in out
    status, _, err = analyse(capsys, "angles", tmp_path / "absent.traj")
    assert status == 2
    assert "no such file or folder" in err


def test_frames_that_are_not_there(crystal, capsys):
    status, _, err = analyse(capsys, "rdf", crystal, "--start", 500)
    assert status == 2
    assert "holds 120 frames, none of them among --start, --stop and --every" in err


@pytest.fixture(scope="module")
def walks(tmp_path_factory):
    """Brownian ions that obey D = exp(2 - 0.3 eV / kT) Å²/ps, at four temperatures."""
    folder = tmp_path_factory.mktemp("walks")
    for kelvin in (600, 700, 800, 900):
        diffusivity = np.exp(2.0 - 0.3 / (8.617333e-5 * kelvin))
        walk = wrapped(brownian(np.random.default_rng(kelvin), 600, 200, diffusivity))
        convert(walk, folder / f"{kelvin}K")
    return folder


def test_arrhenius(walks, tmp_path, capsys):
    folders = [walks / f"{kelvin}K" for kelvin in (600, 700, 800, 900)]
    words = ["arrhenius", *folders, "--temperatures", 600, 700, 800, 900]
    status, out, _ = analyse(capsys, *words, "--output", tmp_path)
    assert status == 0
    energy = float(out.split("activation energy")[1].split()[0])
    assert energy == pytest.approx(0.3, abs=0.02)
    assert "D at 300 K" in out
    assert "extrapolated" in out
    assert "σ at 300 K" in out
    assert {"arrhenius.json", "arrhenius.png", "diffusion-600K.png", "conductivity.json"} <= names(tmp_path)
    status, _, err = analyse(capsys, *words[:5], "--temperatures", 600)
    assert status == 2
    assert "--temperatures: expected one for each of 4 trajectories, got 1" in err
    status, _, err = analyse(capsys, *words[:5])
    assert status == 2
    assert "600K: its temperature is not known; give --temperatures" in err
    status, _, err = analyse(capsys, "arrhenius", folders[0], "--temperatures", 600)
    assert status == 2
    assert "needs 3 different temperatures" in err


def test_runs_together_and_charge(walks, capsys):
    status, out, _ = analyse(capsys, "diffusion", walks / "800K", walks / "800K", "--along", 1, 1, 0, "--collective")
    assert status == 0
    assert "2 runs together" in out
    assert "Diffusion of Li (diffusion-1)" in out
    assert "D along (0.71, 0.71, 0)" in out
    assert "Haven ratio" in out
    direct = diffusion(open_trajectory(walks / "800K"))
    assert f"{1e-4 * direct.total.diffusivity:.3g}" in out


def test_an_error_names_the_trajectory_it_is_of(walks, capsys):
    status, _, err = analyse(capsys, "diffusion", walks / "800K", walks / "900K", "--species", "Na")
    assert status == 2
    assert f"{walks / '800K'}: no 'Na' in the trajectory" in err


def test_regional_diffusion(walks, tmp_path, capsys):
    words = ["diffusion", walks / "800K", "--region", "slab:c,0,14"]
    status, out, _ = analyse(capsys, *words, "--output", tmp_path)
    assert status == 0
    for shown in ("D along the slab", "D across it", "ξ, across over along", "Li inside"):
        assert shown in out
    assert {"regional-diffusion.json", "regional-diffusion.png"} <= names(tmp_path)
    status, out, _ = analyse(capsys, *words, "--method", "study")
    assert "method: study" in out


def test_too_short_to_fit(crystal, capsys):
    status, _, err = analyse(capsys, "diffusion", crystal, "--stop", 40)
    assert status == 2
    assert "diffusion: expected at least 100 frames, got 40" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rdf", "--pairs", "Li"], "'Li': expected 2 species with - between them"),
        (["rdf", "--pairs", "Li-Na"], "no 'Na' in the trajectory"),
        (["angles", "--triplets", "S-P"], "'S-P': expected 3 species"),
        (["rings", "--snapshots", "0"], "--snapshots 0: expected at least 1"),
        (["rings", "--workers", "0"], "--workers 0: expected at least 1"),
        (["map", "--species", "Na"], "no 'Na' in the trajectory"),
        (["sites", "--reference", "gamma"], "the trajectory's cell vectors are"),
        (["density", "--grid", "li.txt"], "expected a name that ends in .cube or .xsf"),
    ],
)
def test_bad_options(words, message, crystal, capsys):
    status, _, err = analyse(capsys, words[0], crystal, *words[1:])
    assert status == 2
    assert message in err


def test_densities_for_vesta(crystal, tmp_path, capsys):
    status, out, _ = analyse(capsys, "density", crystal, "--grid", tmp_path / "li.cube", "--spacing", 1)
    assert status == 0
    assert f"written {tmp_path / 'li.cube'}" in out
    assert (tmp_path / "li.cube").stat().st_size > 1000


def test_bulk(capsys, tmp_path):
    words = ["bulk", "beta", "--no-equation-of-state", "--points", 1, "--fmax", 0.05, "--steps", 20, "--threads", 1]
    status, out, _ = analyse(capsys, *words, "--output", tmp_path)
    assert status == 0
    assert out.startswith("Bulk properties of Li3PS4")
    assert "shear modulus" in out
    assert {"bulk.json", "bulk-elastic.png"} <= names(tmp_path)


@pytest.mark.slow
def test_all_of_a_crystal(crystal, tmp_path, capsys):
    status, out, err = analyse(capsys, "all", crystal, "--snapshots", 2, "--output", tmp_path / "out")
    assert status == 0
    page = (tmp_path / "out" / "report.html").read_text()
    for title in (
        "Diffusion of Li",
        "Polyanions",
        "Rings of Li",
        "Disorder parameter",
        "Occupancy of sites",
        "Lattice",
    ):
        assert f"<h2>{title}" in page
    assert page.count("<img") == page.count('src="data:image/svg+xml;base64,')
    assert "report" in out
    assert "rings ..." in err


@pytest.mark.slow
def test_all_of_a_bicrystal_looks_at_its_boundaries(bicrystal, tmp_path, capsys):
    status, out, err = analyse(capsys, "all", bicrystal, "--stop", 60, "--snapshots", 2, "--output", tmp_path / "out")
    assert status == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Polyanions, region boundary" in page
    assert "Rings of Li, boundary" in out
    # 60 frames are too few for a diffusion: said in the page and on the terminal.
    assert "left out: diffusion: diffusion: expected at least 100 frames, got 60" in err
    assert "What is not here, and why" in page
    assert "polyanions-at-boundaries.json" in names(tmp_path / "out")


def test_help_teaches(capsys):
    for kind in ("diffusion", "arrhenius", "rdf", "rings", "sites", "bulk", "all"):
        with pytest.raises(SystemExit) as stopped:
            main(["analyse", kind, "--help"])
        assert stopped.value.code == 0
        told = capsys.readouterr().out
        assert f"  betalps analyse {kind} " in told
        assert ("Regions: boundary" in told) == (kind != "bulk")


def test_trajectories_need_no_folder(tmp_path, capsys):
    """A store by itself, without the run's folder around it."""
    atoms = beta_li3ps4()
    convert(Trajectory.from_atoms([atoms], [0.0]), tmp_path / "one")
    status, out, _ = analyse(capsys, "polyanions", tmp_path / "one", "--cutoff", 2.6)
    assert status == 0
    assert "P in PS4  100" in out
