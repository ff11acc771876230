"""The ready factories: VASP by the files it is given, the others as far as they are installed."""

import pickle
import sys

import numpy as np
import pytest

from betalps.active_learning import gpaw, label, mtp, sevennet, vasp_pbe_aimd, vasp_single_point
from betalps.calculators import MTP
from betalps.errors import BetalpsError
from betalps.potentials import load
from betalps.structures import beta_li3ps4


def incar(text):
    pairs = (line.split("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, value in pairs}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes a factory's input files, with stand-ins for VASP's potentials, which are not free."""
    for name in ("Li_sv", "P", "S"):
        folder = tmp_path / "pp" / "potpaw_PBE" / name
        folder.mkdir(parents=True)
        (folder / "POTCAR").write_text(f"  PAW_PBE {name}\n   1.0\n")
    monkeypatch.setenv("VASP_PP_PATH", str(tmp_path / "pp"))
    monkeypatch.setenv("ASE_VASP_VDW", str(tmp_path / "pp"))
    (tmp_path / "pp" / "vdw_kernel.bindat").write_text("")

    def write(factory):
        calc = factory()
        calc.directory = str(tmp_path / "run")
        (tmp_path / "run").mkdir(exist_ok=True)
        calc.write_input(beta_li3ps4())
        return {path.name: path.read_text() for path in (tmp_path / "run").iterdir()}

    return write


@pytest.mark.filterwarnings("ignore:Loaded .* from environment")  # ASE would rather have a configuration file
class TestVASP:
    def test_single_point_is_the_study(self, written):
        files = written(vasp_single_point())
        settings = incar(files["INCAR"])
        assert float(settings["ENCUT"]) == 520
        assert float(settings["EDIFF"]) == 1e-5
        assert settings["GGA"] == "BO"  # optB88-vdW, of three keys
        assert settings["LUSE_VDW"] == ".TRUE."
        assert float(settings["AGGAC"]) == 0
        assert float(settings["PARAM1"]) == pytest.approx(1.1 / 6, abs=1e-6)
        assert float(settings["PARAM2"]) == 0.22
        assert (settings["IBRION"], settings["NSW"], settings["ISYM"]) == ("-1", "0", "0")
        assert files["KPOINTS"].split("\n")[2:4] == ["Gamma", "1 1 1"]
        assert [line.split()[1] for line in files["POTCAR"].splitlines() if "PAW" in line] == ["Li_sv", "P", "S"]

    def test_k_points_by_spacing(self, written):
        files = written(vasp_single_point(xc="PBE", kpts=None, kspacing=0.3))
        assert "KPOINTS" not in files
        settings = incar(files["INCAR"])
        assert float(settings["KSPACING"]) == 0.3
        assert settings["GGA"] == "PE"
        assert "LUSE_VDW" not in settings

    def test_dynamics(self, written):
        settings = incar(written(vasp_pbe_aimd(temperature=300, steps=5000, final_temperature=2000))["INCAR"])
        assert (settings["IBRION"], settings["NSW"], settings["MDALGO"]) == ("0", "5000", "2")
        assert (float(settings["TEBEG"]), float(settings["TEEND"]), float(settings["POTIM"])) == (300, 2000, 2)
        assert (float(settings["ENCUT"]), float(settings["EDIFF"]), settings["GGA"]) == (520, 1e-5, "PE")


class TestMTP:
    def test_labels(self, tmp_path):
        atoms = beta_li3ps4()
        found = label([atoms], mtp("beta-lps"), folder=tmp_path)
        atoms.calc = MTP("beta-lps", threads=1)
        np.testing.assert_allclose(found.frames[0].get_forces(), atoms.get_forces(), rtol=0, atol=1e-12)

    def test_a_file_that_changed_is_refused(self, tmp_path):
        path = tmp_path / "pot.almtp"
        potential = load("beta-lps")
        potential.write(path)
        factory = mtp(path)
        assert factory().potential == potential
        potential.replace(name="another").write(path)
        with pytest.raises(BetalpsError, match="is another potential than at the start"):
            factory()


@pytest.mark.parametrize("factory", [sevennet(), gpaw(), vasp_single_point(), mtp("beta-lps")], ids=repr)
def test_travels(factory):
    again = pickle.loads(pickle.dumps(factory))
    assert again == factory
    assert repr(again) == repr(factory)


@pytest.mark.parametrize("factory", [sevennet(), gpaw()], ids=repr)
def test_a_package_that_is_missing_is_named_with_its_extra(factory, monkeypatch):
    package, extra = ("gpaw", "gpaw") if factory == gpaw() else ("sevenn", "sevennet")
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.calculator", None)
    with pytest.raises(BetalpsError, match=rf"{package}.* \(pip install 'betalps\[{extra}\]'\)"):
        factory()


def test_gpaw_settings_can_be_replaced():
    settings = gpaw(xc="optB88-vdW", cutoff=400, kpoint_density=3, txt="-").settings
    assert (settings["xc"], settings["cutoff"], settings["txt"]) == ("optB88-vdW", 400, "-")
    assert settings["kpts"] == {"density": 3, "gamma": True}


def test_gpaw_k_points_are_those_of_the_documentation():
    from ase.calculators.calculator import kpts2ndarray

    points = kpts2ndarray(dict(gpaw().settings["kpts"]), beta_li3ps4())
    assert [len(np.unique(column.round(6))) for column in points.T] == [1, 2, 3]
    assert np.abs(points).sum(axis=1).min() < 1e-12  # Γ


@pytest.mark.parametrize(
    ("xc", "stress"),
    [
        ("PBE", True),
        ({"name": "PBE"}, True),
        ("optB88-vdW", False),
        ("vdW-DF2", False),
        ({"name": "optB88-vdW"}, False),
        ({"name": "optB88-vdW", "backend": "libvdwxc"}, True),
    ],
)
def test_gpaw_has_no_stress_of_its_own_van_der_waals_functionals(xc, stress, tmp_path):
    """What it returns lacks the non-local part. Refused before anything is computed."""
    factory = gpaw(xc=xc)
    assert ("stress" in factory.properties) == stress
    if not stress:
        with pytest.raises(ValueError, match=r"GPAWFactory.* gives energy, forces, and no stress"):
            label([beta_li3ps4()], factory, folder=tmp_path, properties=("energy", "forces", "stress"))


@pytest.mark.slow
def test_stress_that_gpaw_offers_is_the_derivative_of_its_energy(tmp_path):
    """Li2S strained along x. The tolerance is for the plane waves, whose number changes with the cell."""
    pytest.importorskip("gpaw", reason="GPAW is not installed")
    from ase.build import bulk

    crystal = bulk("Li2S", "fluorite", a=5.7)
    factory = gpaw(cutoff=500, kpoint_density=1.0)
    step = 0.01
    cells = []
    for strain in (-step, 0.0, step):
        atoms = crystal.copy()
        atoms.set_cell(atoms.cell.array * [1 + strain, 1, 1], scale_atoms=True)
        cells.append(atoms)
    found = label(cells, factory, folder=tmp_path).frames
    energies = [atoms.get_potential_energy() for atoms in found]
    slope = (energies[2] - energies[0]) / (2 * step) / crystal.get_volume()
    assert found[1].get_stress()[0] == pytest.approx(slope, abs=5e-4)


@pytest.mark.slow
def test_gpaw_runs(tmp_path):
    pytest.importorskip("gpaw", reason="GPAW is not installed")
    from ase.build import bulk

    found = label([bulk("Li", cubic=True)], gpaw(cutoff=200, kpoint_density=1.0), folder=tmp_path)
    assert not found.failures
    assert found.frames[0].get_stress().shape == (6,)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of torch and e3nn, about themselves
def test_sevennet_labels_as_the_teacher(tmp_path, shared):
    """Two frames of the data that the bundled potential is trained on, computed again."""
    pytest.importorskip("sevenn", reason="sevenn is not installed")
    from betalps.datasets import read, stored_labels

    frames = read(shared / "data/teacher-l3i5/valid.extxyz.xz", index="::30")
    found = label(frames, sevennet(), folder=tmp_path)
    assert not found.failures
    for frame, right in zip(found.frames, frames, strict=True):
        labels, expected = stored_labels(frame), stored_labels(right)
        assert labels["energy"] == pytest.approx(expected["energy"], abs=2e-4)
        np.testing.assert_allclose(labels["forces"], expected["forces"], atol=2e-4)
        np.testing.assert_allclose(labels["stress"], expected["stress"], atol=2e-6)
