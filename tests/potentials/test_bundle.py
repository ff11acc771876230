"""The potentials that come with betalps."""

import hashlib
import math
import runpy

import numpy as np
import pytest
from ase import units

from betalps import MTP
from betalps.active_learning import grade
from betalps.datasets import read
from betalps.potentials import Potential, available, load, model_card
from betalps.potentials.bundle import model_card_data
from betalps.structures import beta_li3ps4
from betalps.training import evaluate

NAME = "beta-lps"


@pytest.fixture(scope="session")
def recipe(root):
    """The folder with the scripts and the data; the test is skipped where it is absent."""
    folder = root / "potentials" / NAME
    if not (folder / "data").is_dir():
        pytest.skip("the data of the bundled potential are in the repository only")
    return folder


@pytest.fixture(scope="module")
def held_out(recipe):
    return list(read(recipe / "data/test.extxyz.xz"))


@pytest.fixture(scope="module")
def boundaries(recipe):
    return list(read(recipe / "data/boundaries.extxyz.xz"))


def test_each_is_fitted_names_its_species_and_has_a_card():
    assert NAME in available()
    for name in available():
        potential = load(name)
        assert potential.fitted
        assert potential.species
        assert potential.name == name
        card = model_card(name)
        assert card.startswith(f"# {name}\n")
        for part in ("Training set", "Licence", "## Limits", f"level {potential.level}"):
            assert part in card
        for symbol in potential.species:
            assert symbol in card


def test_card_is_of_the_potential_it_lies_beside():
    card, potential = model_card_data(NAME), load(NAME)
    assert card["name"] == NAME
    assert card["potential"]["sha256"] == potential.sha256
    assert card["potential"]["cutoff_A"] == potential.cutoff == 5.0
    assert card["potential"]["level"] == potential.level == 14


def test_card_names_the_data_by_their_hashes(recipe):
    for name, facts in model_card_data(NAME)["data"].items():
        path = recipe / f"data/{name}.extxyz.xz"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == facts["sha256"], name


def test_held_out_frames_and_trajectories_were_not_trained_on(recipe, held_out, boundaries):
    data = model_card_data(NAME)["data"]
    seen = {name: facts for name, facts in data.items() if name not in ("test", "boundaries")}
    frames = [atoms for name in seen for atoms in read(recipe / f"data/{name}.extxyz.xz")]
    assert {"earlier"} <= seen.keys()
    assert len(frames) == sum(facts["frames"] for facts in seen.values())
    sources = {atoms.info["source"] for atoms in frames}
    assert not sources & {atoms.info["source"] for atoms in (*held_out, *boundaries)}


def test_errors_of_the_card_are_found_again(held_out):
    card = model_card_data(NAME)["held_out"]
    report = evaluate(NAME, held_out, groups=["group"], threads=1)
    for found, said in [
        (report.overall, card["overall"]),
        *((errors, card["groups"]["group"][name]) for name, errors in report.groups["group"].items()),
    ]:
        assert found.configurations == said["configurations"]
        for name, errors, factor in [
            ("energy_meV_per_atom", found.energy, 1e3),
            ("force_meV_per_A", found.force, 1e3),
            ("stress_GPa", found.stress, 1.0),
        ]:
            assert factor * errors.mae == pytest.approx(said[name]["mae"], abs=2e-3)
            assert factor * errors.max == pytest.approx(said[name]["max"], abs=2e-3)


def test_errors_on_the_six_boundaries_are_found_again(boundaries):
    card, found = model_card_data(NAME)["boundaries"], evaluate(NAME, boundaries, threads=1).overall
    assert len({atoms.info["source"].partition("/")[0] for atoms in boundaries}) == 6
    text = model_card(NAME)
    for kind, name, errors in (
        ("energy_meV_per_atom", "energy", found.energy),
        ("force_meV_per_A", "force", found.force),
    ):
        said, target = card["overall"][kind]["mae"], card["target"][kind]
        assert 1e3 * errors.mae == pytest.approx(said, abs=2e-3)
        verdict = text.partition(f"- {name}: mean absolute error ")[2].partition(";")[2]
        assert verdict.startswith(f" wanted {target:g}: {'reached' if said <= target else 'missed'};")
        assert said <= 2 * target


def test_targets_that_are_missed_are_said():
    said = model_card(NAME).partition("Not reached on the test data: ")[2].partition(". ")[0].split("; ")
    for name, found in model_card_data(NAME)["held_out"]["targets"].items():
        assert (found["value"] <= found["target"]) == (name not in said), name
        assert found["value"] <= 2 * found["target"], name
        assert found["frames"] >= 20, name


def test_grades_work_out_of_the_box(held_out):
    potential = load(NAME)
    assert potential.has_active_set
    crystal = beta_li3ps4()
    crystal.calc = MTP(NAME, threads=1, grade=True)
    assert 0 < crystal.calc.get_grade(crystal) <= 1.1
    crystal.positions[0] += [0.0, 0.0, 1.4]  # onto a neighbour
    with pytest.warns(UserWarning, match="'never seen'"):
        assert crystal.calc.get_grade(crystal) > 10
    cold = [atoms for atoms in held_out if atoms.info["temperature_K"] <= 600]
    assert grade(NAME, cold, threads=1).largest.max() < 2


def test_crystal_has_the_cell_and_density_of_the_card():
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE

    said = model_card_data(NAME)["properties"]
    crystal = beta_li3ps4()
    crystal.calc = MTP(NAME, threads=1)
    FIRE(FrechetCellFilter(crystal, mask=[1, 1, 1, 0, 0, 0]), logfile=None).run(fmax=0.005, steps=300)
    mine, teacher = said["potential"]["beta 4b4"], said["teacher"]["beta 4b4"]
    np.testing.assert_allclose(crystal.cell.lengths(), mine["cell_A"], rtol=1e-3)
    np.testing.assert_allclose(mine["cell_A"], teacher["cell_A"], rtol=0.01)
    np.testing.assert_allclose(mine["cell_A"], [13.08, 8.12, 6.265], rtol=0.01)
    density = crystal.get_masses().sum() / units.kg * 1e3 / (crystal.get_volume() * 1e-24)
    assert density == pytest.approx(mine["density_g_per_cm3"], rel=2e-3)
    assert math.isclose(density, 1.797, rel_tol=0.01)


def test_phases_and_orderings_of_the_card_lie_as_the_teacher_has_them():
    from betalps.analysis import relaxed_lattice
    from betalps.structures import gamma_li3ps4

    said = model_card_data(NAME)["properties"]
    for name, mine in said["potential"].items():
        if "above_gamma_meV_per_atom" in mine and "0246" not in name:  # that one relaxes into different sheared cells
            teachers = said["teacher"][name]["above_gamma_meV_per_atom"]
            assert mine["above_gamma_meV_per_atom"] == pytest.approx(teachers, abs=6.0), name
    beta, gamma = (relaxed_lattice(atoms, MTP(NAME, threads=1)) for atoms in (beta_li3ps4(), gamma_li3ps4()))
    above = 1e3 * (beta.energy - gamma.energy)
    assert above == pytest.approx(said["potential"]["beta 4b4"]["above_gamma_meV_per_atom"], abs=0.5)


@pytest.mark.physics
@pytest.mark.parametrize("temperature", [300.0, 600.0])
def test_tetrahedra_stay_whole_at_constant_pressure(temperature):
    from ase.md.nose_hoover_chain import IsotropicMTKNPT
    from ase.md.velocitydistribution import thermalize_momenta
    from matscipy.neighbours import neighbour_list

    crystal = beta_li3ps4((1, 1, 2))
    crystal.calc = MTP(NAME, threads=1)
    thermalize_momenta(crystal, temperature_K=temperature, rng=np.random.default_rng(1))
    volume = crystal.get_volume()
    settings = {"temperature_K": temperature, "pressure_au": 1e5 * units.Pascal}
    damping = {"tdamp": 100 * units.fs, "pdamp": 1000 * units.fs}
    IsotropicMTKNPT(crystal, 2 * units.fs, **settings, **damping).run(1000)
    i, j = neighbour_list("ij", crystal, 2.7)
    bonds = (crystal.numbers[i] == 15) & (crystal.numbers[j] == 16)
    number = np.bincount(i[bonds], minlength=len(crystal))[crystal.numbers == 15]
    assert (number == 4).all()
    assert 0.95 < crystal.get_volume() / volume < 1.12


def test_boundary_energies_of_the_card_are_found_again(recipe):
    """The differences from what they are of; and the boundary that relaxes fastest, relaxed anew."""
    from betalps.analysis import boundary_energy

    script = runpy.run_path(str(recipe / "boundary_energies.py"))
    card = model_card_data(NAME)["boundary_energies"]
    assert set(card["boundaries"]) == set(script["BOUNDARIES"])
    assert script["differences"](card["boundaries"]) == card["differences"]
    assert card["differences"]["same structures"]["boundaries"] == len(script["BOUNDARIES"])
    assert card["differences"]["same structures"]["mae"] <= 0.10  # J/m², the study's
    for name, one in card["boundaries"].items():
        assert one["potential"]["converged"], name
        assert 0.0 < one["potential"]["energy"] < one["potential"]["unrelaxed"], name
    name, one = min(card["boundaries"].items(), key=lambda item: item[1]["potential"]["steps"])
    atoms = script["built"](name)
    found = boundary_energy(atoms, lambda: MTP(NAME, threads=1), beta_li3ps4(), relaxation=script["MINE"])
    assert found.energy == pytest.approx(one["potential"]["energy"], abs=2e-3)
    assert f"| {name} | {len(atoms)} | {found.energy:.2f}" in model_card(NAME)


def test_long_runs_of_the_card_did_not_break():
    runs = model_card_data(NAME)["stability"]
    assert len(runs) == 6
    for name, run in runs.items():
        assert run["broken_after_ps"] is None, name
    for temperature in (300, 600):
        run = runs[f"256 atoms, {temperature} K"]
        assert run["time_ps"] >= 1000
        assert run["ps4_least"] == 1.0
        assert run["temperature_K"] == pytest.approx(temperature, rel=0.03)


def test_load_takes_a_path(tmp_path):
    potential = Potential.from_level(6, ["Li"], cutoff=5.0, min_dist=1.8, rng=1)
    potential.write(tmp_path / "mine.almtp")
    assert load(tmp_path / "mine.almtp") == potential
    assert load(str(tmp_path / "mine.almtp"), ["Li"]) == potential


def test_unknown_names():
    with pytest.raises(FileNotFoundError, match=r"'lps' is neither a file nor a bundled potential \(beta-lps"):
        load("lps")
    with pytest.raises(KeyError, match="no bundled potential is called 'x'"):
        model_card("x")
    with pytest.raises(KeyError, match="no bundled potential is called 'x'"):
        model_card_data("x")
