"""Labels of several sources: the shifts of their energies, and the potential that is left."""

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps import MTP
from betalps.errors import CheckpointError
from betalps.potentials import Potential
from betalps.training import FitSettings, Sources, evaluate, fit, grid_search
from betalps.training.labels import hash_samples, read_labels
from betalps.training.problem import reference_energies
from betalps.training.sources import EnergyScale, shifted_by
from betalps.training.starts import random_radial
from training import cases

SYMBOLS = np.array(cases.SPECIES)
EXACT = FitSettings(iterations=0, ridges=(0.0,), penalty=0.0)  # the linear coefficients of known radial functions


@pytest.fixture(scope="module")
def known():
    """A potential whose labels can be fitted exactly."""
    form = Potential.from_level(6, cases.SPECIES, cutoff=4.0, min_dist=1.5, radial_size=3)
    shape = (3, 3, form.core.radial_count, form.core.radial_size)
    rng = np.random.default_rng(5)
    linear = rng.normal(size=form.coeffs_count - int(np.prod(shape)))
    radial = random_radial(shape, np.ones((3, 3), bool), rng)
    return form.replace(radial_coeffs=radial, species_coeffs=linear[:3], moment_coeffs=linear[3:])


def cells(count, seed, symbols=None):
    """Small cells of any composition, atoms on a rattled lattice."""
    rng = np.random.default_rng(seed)
    grid = 2.4 * np.stack(np.meshgrid(*3 * [np.arange(2)], indexing="ij"), axis=-1).reshape(-1, 3)
    frames = []
    for _ in range(count):
        chosen = SYMBOLS[rng.integers(3, size=8)] if symbols is None else rng.permutation(symbols)
        positions = grid + rng.uniform(-0.3, 0.3, size=(8, 3))
        frames.append(Atoms(chosen, positions=positions, cell=3 * [4.8], pbc=True))
    return frames


def labelled(known, frames, source=None, shifts=(0.0, 0.0, 0.0), without=()):
    """Labels of the potential, their energies shifted by as much for each atom of a species."""
    calc = MTP(known, threads=1)
    found = []
    for atoms in frames:
        atoms = cases.label(atoms, calc)
        numbers = [atoms.get_chemical_symbols().count(symbol) for symbol in cases.SPECIES]
        atoms.calc.results["energy"] += float(np.dot(numbers, shifts))
        for name in without:
            del atoms.calc.results[name]
        if source is not None:
            atoms.info["label_source"] = source
        found.append(atoms)
    return found


def refit(known, frames, **arguments):
    return fit(frames, known, warm_start=True, settings=EXACT, threads=1, **arguments)


def assert_same(potential, known, seed=99):
    for atoms in labelled(known, cells(3, seed)):
        found = cases.label(atoms, MTP(potential, threads=1))
        assert found.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-8)
        np.testing.assert_allclose(found.get_forces(), atoms.get_forces(), atol=1e-8)
        np.testing.assert_allclose(found.get_stress(), atoms.get_stress(), atol=1e-8)


@settings(deadline=None, max_examples=10, derandomize=True)
@given(
    shifts=st.tuples(*3 * [st.floats(-500, 500)]),
    seed=st.integers(0, 1000),
    second=st.integers(5, 10),
    without=st.sampled_from([(), ("forces", "stress"), ("stress",)]),
)
def test_the_shifts_come_back_and_the_potential_with_them(known, shifts, seed, second, without):
    """Also where the second source has energies alone."""
    frames = labelled(known, cells(12, seed), "a")
    frames += labelled(known, cells(second, seed + 1), "b", shifts, without)
    result = refit(known, frames)
    assert result.reference_source == "a"
    assert list(result.shifts) == ["b"]
    assert list(result.shifts["b"]) == list(cases.SPECIES)
    np.testing.assert_allclose(list(result.shifts["b"].values()), shifts, atol=1e-8)
    assert_same(result.potential, known)
    for errors in result.training.groups["label_source"].values():
        assert errors.energy.max < 1e-9


@pytest.mark.parametrize(("shift", "other"), [(-4.7, 300.0)])
def test_moving_a_source_moves_its_shift_alone(frames, shift, other):
    """Of any data: the search, from a random start, ends at the same potential. Li3PS4 tells one shift of three."""
    results = []
    for value in (0.0, shift, other):
        moved = [cases.label(atoms, _Moved(value if number % 2 else 0.0)) for number, atoms in enumerate(frames[:6])]
        for number, atoms in enumerate(moved):
            atoms.info["label_source"] = ["a", "b"][number % 2]
        results.append(fit(moved, 4, settings=FitSettings(starts=1, iterations=5), seed=3, threads=1))
    composition = {"Li": 12, "P": 4, "S": 16}
    totals = [sum(n * r.shifts["b"][symbol] for symbol, n in composition.items()) for r in results]
    assert totals[1] - totals[0] == pytest.approx(32 * shift, abs=1e-6)
    assert totals[2] - totals[0] == pytest.approx(32 * other, abs=1e-6)
    for result in results[1:]:
        assert result.loss == pytest.approx(results[0].loss, rel=1e-6)


class _Moved(MTP):
    """The bundled potential, its energies higher by so much per atom."""

    def __init__(self, per_atom):
        super().__init__("beta-lps", threads=1)
        self._per_atom = per_atom

    def calculate(self, atoms=None, *arguments, **named):
        super().calculate(atoms, *arguments, **named)
        self.results["energy"] += self._per_atom * len(atoms)


@pytest.mark.parametrize("method", ["vplm", "instant", "bfgs"])
def test_every_method_knows_sources(known, method):
    """Energies of the second source are worlds away: without a shift the errors would be, too."""
    frames = labelled(known, cells(10, 1), "a") + labelled(known, cells(10, 2), "b", (-300.0, 40.0, -90.0))
    how = FitSettings(method=method, starts=1, iterations=25)
    result = fit(frames, known.replace(), settings=how, threads=1, validation=labelled(known, cells(4, 3), "a"))
    errors = result.training.groups["label_source"]
    assert errors["b"].energy.mae < 0.3
    assert result.held_out.overall.energy.mae < 0.3


def test_one_composition_tells_one_shift(known):
    """It is shared out with the least norm, as among the energies of the species."""
    formula = ["Li"] * 3 + ["P"] + ["S"] * 4
    frames = labelled(known, cells(12, 1), "a") + labelled(known, cells(6, 2, formula), "b", (-1.0, 2.0, -3.0))
    result = refit(known, frames)
    total = -3.0 + 2.0 - 12.0
    expected = total * np.array([3, 1, 4]) / 26
    np.testing.assert_allclose(list(result.shifts["b"].values()), expected, atol=1e-8)
    assert_same(result.potential, known)
    assert any("source b: its compositions determine 1 of 3 shifts" in flag for flag in result.flags)


def test_a_source_of_one_frame_trains_by_its_forces(known):
    frames = labelled(known, cells(12, 1), "a") + labelled(known, cells(1, 2), "b", (5.0, 5.0, 5.0))
    result = refit(known, frames)
    symbols = frames[-1].get_chemical_symbols()
    assert sum(result.shifts["b"][symbol] for symbol in symbols) == pytest.approx(40.0, abs=1e-8)
    assert_same(result.potential, known)
    assert any("source b: 1 energies for 1 shifts: they do not train the potential" in flag for flag in result.flags)


def test_a_source_without_energies_needs_no_shift(known):
    frames = labelled(known, cells(12, 1), "a") + labelled(known, cells(3, 2), "b", without=("energy",))
    result = refit(known, frames)
    assert result.shifts == {}
    assert result.reference_source == "a"
    assert_same(result.potential, known)
    assert any("sources without energies in training: b" in flag for flag in result.flags)


def test_the_reference_sets_the_scale(known):
    shifts = (-2.0, 7.0, -1.0)
    frames = labelled(known, cells(12, 1), "a") + labelled(known, cells(8, 2), "b", shifts)
    result = refit(known, frames, sources=Sources(reference="b"))
    np.testing.assert_allclose(list(result.shifts["a"].values()), -np.array(shifts), atol=1e-8)
    atoms = labelled(known, cells(1, 3), shifts=shifts)[0]
    assert cases.label(atoms, MTP(result.potential, threads=1)).get_potential_energy() == pytest.approx(
        atoms.get_potential_energy(), abs=1e-8
    )


def test_the_default_reference_has_most_energies(known):
    forces = labelled(known, cells(9, 1), "forces", without=("energy",))
    some = labelled(known, cells(5, 2), "some")
    assert refit(known, [*forces, *some[:3], *labelled(known, cells(4, 3))]).reference_source == "-"
    assert refit(known, [*forces, *some, *labelled(known, cells(4, 3))]).reference_source == "some"


def test_one_source_is_as_none(known):
    """The same bit for bit, marked or not, and no shift."""
    plain = refit(known, labelled(known, cells(8, 1)))
    marked = refit(known, labelled(known, cells(8, 1), "a"))
    assert plain.potential.sha256 == marked.potential.sha256
    assert plain.shifts == marked.shifts == {}
    assert (plain.reference_source, marked.reference_source) == ("-", "a")
    assert "label_source" not in marked.training.groups


def test_weights_of_sources_are_those_of_their_frames(known):
    rng = np.random.default_rng(0)

    def data(weight):
        frames = labelled(known, cells(8, 1), "a") + labelled(known, cells(8, 2), "b", (1.0, 2.0, 3.0))
        for number, atoms in enumerate(frames):
            atoms.calc.results["forces"] = atoms.calc.results["forces"] + rng.normal(size=(8, 3))
            if number >= 8:
                atoms.info["config_weight"] = weight
        return frames

    rng = np.random.default_rng(0)
    by_frame = refit(known, data(7.0), validation=labelled(known, cells(2, 3), "a"))
    rng = np.random.default_rng(0)
    by_source = refit(
        known, data(1.0), validation=labelled(known, cells(2, 3), "a"), sources=Sources(weights={"b": 7.0})
    )
    assert by_source.potential.sha256 == by_frame.potential.sha256
    assert by_source.loss == by_frame.loss


def test_atomic_energies_are_the_reference_sources(known):
    frames = labelled(known, cells(12, 1), "a") + labelled(known, cells(8, 2), "b", (10.0, 20.0, 30.0))
    result = refit(known, frames, atomic_energies={"Li": 0.0, "P": 1.0, "S": -1.0})
    np.testing.assert_allclose(list(result.shifts["b"].values()), [10.0, 20.0, 30.0], atol=1e-8)
    assert_same(result.potential, known)


def test_held_out_energies_are_shifted_too(known):
    shifts = (-50.0, 70.0, 90.0)
    frames = labelled(known, cells(12, 1), "a") + labelled(known, cells(8, 2), "b", shifts)
    held = labelled(known, cells(2, 3), "b", shifts) + labelled(known, cells(2, 4), "c")
    result = refit(known, frames, validation=held)
    assert result.held_out.groups["label_source"]["b"].energy.max < 1e-8
    assert result.held_out.groups["label_source"]["c"].energy.count == 0
    assert result.held_out.groups["label_source"]["c"].force.count == 2 * 24
    assert any("held-out energies of sources without any in training are not compared: c" in f for f in result.flags)
    assert result.history[-1].held_out["energy_mae"] < 1e-8


def test_evaluate_shifts(known):
    shifts = (-50.0, 70.0, 90.0)
    frames = labelled(known, cells(2, 1)) + labelled(known, cells(3, 2), "b", shifts)
    named = {"b": dict(zip(cases.SPECIES, shifts, strict=True))}
    assert evaluate(known, frames, threads=1).overall.energy.max > 10
    assert evaluate(known, frames, shifts=named, threads=1).overall.energy.max < 1e-10
    with pytest.raises(ValueError, match=r"frame 2: the shifts of source b lack Li, P"):
        evaluate(known, frames, shifts={"b": {"S": 1.0}}, threads=1)
    assert shifted_by(read_labels(frames), {})[3].energy == frames[3].get_potential_energy()


def test_what_is_written(known):
    frames = labelled(known, cells(12, 1), "a") + labelled(known, cells(8, 2), "b", (1.0, 2.0, 3.0))
    result = refit(known, frames, sources=Sources(weights={"b": 2.0}))
    content = result.to_dict()
    assert content["sources"]["reference"] == "a"
    assert content["sources"]["shifts_eV_per_atom"]["b"]["P"] == pytest.approx(2.0, abs=1e-8)
    assert content["provenance"]["sources"] == {"reference": "a", "weights": {"b": 2.0}}
    assert set(content["training"]["groups"]["label_source"]) == {"a", "b"}


def test_a_checkpoint_belongs_to_its_sources(known, tmp_path):
    frames = labelled(known, cells(8, 1), "a") + labelled(known, cells(8, 2), "b", (1.0, 2.0, 3.0))
    first = refit(known, frames, checkpoint=tmp_path / "c")
    again = refit(known, frames, checkpoint=tmp_path / "c")
    assert again.potential.sha256 == first.potential.sha256
    assert again.shifts == first.shifts
    with pytest.raises(CheckpointError, match="sources"):
        refit(known, frames, checkpoint=tmp_path / "c", sources=Sources(reference="b"))
    frames[0].info["label_source"] = "b"
    with pytest.raises(CheckpointError, match="training_data"):
        refit(known, frames, checkpoint=tmp_path / "c")


def test_a_name_is_part_of_the_data(known):
    plain, marked = (read_labels(labelled(known, cells(2, 1), source)) for source in (None, "a"))
    assert [sample.source for sample in (plain[0], marked[0])] == ["-", "a"]
    assert hash_samples(plain) != hash_samples(marked)


def test_grid_passes_sources_on(known, tmp_path):
    frames = labelled(known, cells(8, 1), "a") + labelled(known, cells(8, 2), "b", (-100.0, 20.0, 30.0))
    how = {"levels": (2,), "cutoffs": (4.0,), "validation": 0.25, "settings": FitSettings(starts=1, iterations=2)}
    point = grid_search(frames, sources=Sources(reference="b"), folder=tmp_path, **how).points[0]
    assert not point.failed
    assert point.training_energy_mae < 3.0
    with pytest.raises(CheckpointError, match="another grid"):
        grid_search(frames, folder=tmp_path, **how)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (Sources(reference="PBE"), r"reference source PBE: the training data have a \(4\), b \(2\)"),
        (Sources(reference="b"), r"reference source b has no energies; expected one of a \(4\)"),
        (Sources(weights={"c": 2.0}), r"weights of sources c: the training data have a \(4\), b \(2\)"),
    ],
)
def test_sources_that_are_not_there(known, sources, message):
    frames = labelled(known, cells(4, 1), "a") + labelled(known, cells(2, 2), "b", without=("energy",))
    with pytest.raises(ValueError, match=message):
        refit(known, frames, sources=sources)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_weights_must_be_numbers(weight):
    with pytest.raises(ValueError, match=r"weight of source b is .*; expected a number that is not negative"):
        Sources(weights={"b": weight})


def test_reference_energies_of_sources():
    """Li2 and S2 of one source, Li2 and LiS of another."""
    frames = [cases.dimer(3.0, e, s) for e, s in ((-2.0, "Li2"), (-6.0, "S2"), (-12.0, "Li2"), (-24.0, "LiS"))]
    for number, atoms in enumerate(frames):
        atoms.info["label_source"] = "ab"[number // 2]
    samples = read_labels(frames)
    scale = EnergyScale.of(Sources(), ("Li", "S"), samples)
    species, shifts = reference_energies(samples, scale)
    np.testing.assert_allclose(species, [-1.0, -3.0])
    np.testing.assert_allclose(shifts, [-5.0, -15.0])
    assert scale.named(shifts) == {"b": pytest.approx({"Li": -5.0, "S": -15.0})}
    np.testing.assert_array_equal(scale.columns(samples), [[0, 0], [0, 0], [2, 0], [1, 1]])
