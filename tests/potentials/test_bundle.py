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

FORMS = {"beta-lps": (14, 5.0), "beta-lps-accurate": (20, 5.0)}  # level, cutoff


@pytest.fixture(scope="module", params=FORMS)
def name(request):
    return request.param


@pytest.fixture(scope="session")
def recipe(root):
    """The folder with the scripts and the data; the test is skipped where it is absent."""
    folder = root / "potentials" / "beta-lps"
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
    assert available() == tuple(sorted(FORMS))
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


def test_card_is_of_the_potential_it_lies_beside(name):
    card, potential = model_card_data(name), load(name)
    assert card["name"] == name
    assert card["potential"]["sha256"] == potential.sha256
    level, cutoff = FORMS[name]
    assert card["potential"]["cutoff_A"] == potential.cutoff == cutoff
    assert card["potential"]["level"] == potential.level == level


def test_card_names_the_data_by_their_hashes(name, recipe):
    for data, facts in model_card_data(name)["data"].items():
        path = recipe / f"data/{data}.extxyz.xz"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == facts["sha256"], data


def test_held_out_frames_and_trajectories_were_not_trained_on(name, recipe, held_out, boundaries):
    data = model_card_data(name)["data"]
    seen = {part: facts for part, facts in data.items() if part not in ("test", "boundaries")}
    frames = [atoms for part in seen for atoms in read(recipe / f"data/{part}.extxyz.xz")]
    assert {"earlier"} <= seen.keys()
    assert len(frames) == sum(facts["frames"] for facts in seen.values())
    sources = {atoms.info["source"] for atoms in frames}
    assert not sources & {atoms.info["source"] for atoms in (*held_out, *boundaries)}


def test_errors_of_the_card_are_found_again(name, held_out):
    card = model_card_data(name)["held_out"]
    report = evaluate(name, held_out, groups=["group"], threads=1)
    for found, said in [
        (report.overall, card["overall"]),
        *((errors, card["groups"]["group"][group]) for group, errors in report.groups["group"].items()),
    ]:
        assert found.configurations == said["configurations"]
        for kind, errors, factor in [
            ("energy_meV_per_atom", found.energy, 1e3),
            ("force_meV_per_A", found.force, 1e3),
            ("stress_GPa", found.stress, 1.0),
        ]:
            assert factor * errors.mae == pytest.approx(said[kind]["mae"], abs=2e-3)
            assert factor * errors.max == pytest.approx(said[kind]["max"], abs=2e-3)


def test_errors_on_the_six_boundaries_are_found_again(name, boundaries):
    card, found = model_card_data(name)["boundaries"], evaluate(name, boundaries, threads=1).overall
    assert len({atoms.info["source"].partition("/")[0] for atoms in boundaries}) == 6
    text = model_card(name)
    for kind, what, errors in (
        ("energy_meV_per_atom", "energy", found.energy),
        ("force_meV_per_A", "force", found.force),
    ):
        said, target = card["overall"][kind]["mae"], card["target"][kind]
        assert 1e3 * errors.mae == pytest.approx(said, abs=2e-3)
        verdict = text.partition(f"- {what}: mean absolute error ")[2].partition(";")[2]
        assert verdict.startswith(f" wanted {target:g}: {'reached' if said <= target else 'missed'};")
        assert said <= 2 * target


def test_targets_that_are_missed_are_said(name):
    said = model_card(name).partition("Not reached on the test data: ")[2].partition(". ")[0].split("; ")
    for what, found in model_card_data(name)["held_out"]["targets"].items():
        assert (found["value"] <= found["target"]) == (what not in said), what
        assert found["value"] <= 2 * found["target"], what
        assert found["frames"] >= 20, what


def test_grades_work_out_of_the_box(name, held_out):
    potential = load(name)
    assert potential.has_active_set
    crystal = beta_li3ps4()
    crystal.calc = MTP(name, threads=1, grade=True)
    assert 0 < crystal.calc.get_grade(crystal) <= 1.1
    crystal.positions[0] += [0.0, 0.0, 1.6]  # onto a neighbour
    with pytest.warns(UserWarning, match="'never seen'"):
        assert crystal.calc.get_grade(crystal) > 10
    cold = [atoms for atoms in held_out if atoms.info["temperature_K"] <= 600]
    assert grade(name, cold, threads=1).largest.max() < 2


@pytest.mark.parametrize(("data", "least"), [("collapse", 10), ("droplets", 4)])
def test_what_the_potential_only_has_no_well_for_has_a_grade(name, recipe, data, least):
    frames = list(read(recipe / f"data/{data}.extxyz.xz"))
    assert np.median(grade(name, frames, threads=1).largest) > least


def test_crystal_has_the_cell_and_density_of_the_card(name):
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE

    said = model_card_data(name)["properties"]
    crystal = beta_li3ps4()
    crystal.calc = MTP(name, threads=1)
    FIRE(FrechetCellFilter(crystal, mask=[1, 1, 1, 0, 0, 0]), logfile=None).run(fmax=0.005, steps=300)
    mine, teacher = said["potential"]["beta 4b4"], said["teacher"]["beta 4b4"]
    np.testing.assert_allclose(crystal.cell.lengths(), mine["cell_A"], rtol=1e-3)
    np.testing.assert_allclose(mine["cell_A"], teacher["cell_A"], rtol=0.01)
    np.testing.assert_allclose(mine["cell_A"], [13.08, 8.12, 6.265], rtol=0.01)
    density = crystal.get_masses().sum() / units.kg * 1e3 / (crystal.get_volume() * 1e-24)
    assert density == pytest.approx(mine["density_g_per_cm3"], rel=2e-3)
    assert math.isclose(density, 1.797, rel_tol=0.01)


def test_phases_and_orderings_of_the_card_lie_as_the_teacher_has_them(name):
    from betalps.analysis import relaxed_lattice
    from betalps.structures import gamma_li3ps4

    said = model_card_data(name)["properties"]
    for phase, mine in said["potential"].items():
        if "above_gamma_meV_per_atom" in mine and "0246" not in phase:  # that one relaxes into different sheared cells
            teachers = said["teacher"][phase]["above_gamma_meV_per_atom"]
            assert mine["above_gamma_meV_per_atom"] == pytest.approx(teachers, abs=6.0), phase
    beta, gamma = (relaxed_lattice(atoms, MTP(name, threads=1)) for atoms in (beta_li3ps4(), gamma_li3ps4()))
    above = 1e3 * (beta.energy - gamma.energy)
    assert above == pytest.approx(said["potential"]["beta 4b4"]["above_gamma_meV_per_atom"], abs=0.5)


@pytest.mark.physics
@pytest.mark.parametrize("temperature", [300.0, 600.0])
def test_tetrahedra_stay_whole_at_constant_pressure(name, temperature):
    from ase.md.nose_hoover_chain import IsotropicMTKNPT
    from ase.md.velocitydistribution import thermalize_momenta
    from matscipy.neighbours import neighbour_list

    crystal = beta_li3ps4((1, 1, 2))
    crystal.calc = MTP(name, threads=1)
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


def test_boundary_energies_of_the_card_are_found_again(name, recipe):
    """The differences from what they are of; and the boundary that relaxes fastest, relaxed anew."""
    from betalps.analysis import boundary_energy

    script = runpy.run_path(str(recipe / "boundary_energies.py"))
    card = model_card_data(name)["boundary_energies"]
    assert set(card["boundaries"]) == set(script["BOUNDARIES"])
    assert script["differences"](card["boundaries"]) == card["differences"]
    assert card["differences"]["same structures"]["boundaries"] == len(script["BOUNDARIES"])
    assert card["differences"]["same structures"]["mae"] <= 0.10  # J/m², the study's
    for label, one in card["boundaries"].items():
        assert one["potential"]["converged"], label
        assert 0.0 < one["potential"]["energy"] < one["potential"]["unrelaxed"], label
    label, one = min(card["boundaries"].items(), key=lambda item: item[1]["potential"]["steps"])
    atoms = script["built"](label)
    found = boundary_energy(atoms, lambda: MTP(name, threads=1), beta_li3ps4(), relaxation=script["MINE"])
    assert found.energy == pytest.approx(one["potential"]["energy"], abs=2e-3)
    assert f"| {label} | {len(atoms)} | {one['potential']['energy']:.3f}" in model_card(name)


def test_long_runs_of_the_card_did_not_break(name):
    runs = model_card_data(name)["stability"]
    assert len(runs) == 6
    for what, run in runs.items():
        assert run["broken_after_ps"] is None, what
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
    with pytest.raises(
        FileNotFoundError, match=r"'lps' is neither a file nor a bundled potential \(beta-lps, beta-lps-accurate\)"
    ):
        load("lps")
    with pytest.raises(KeyError, match="no bundled potential is called 'x'"):
        model_card("x")
    with pytest.raises(KeyError, match="no bundled potential is called 'x'"):
        model_card_data("x")
