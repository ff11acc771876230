"""Whole fits: what they find, repeat, refuse and flag."""

import itertools
import json
import math

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

from betalps import MTP
from betalps.errors import SpeciesError
from betalps.potentials import Potential
from betalps.training import FitSettings, LabelError, Weights, fit
from training import cases

QUICK = FitSettings(starts=1, iterations=8)


def shifted(frames, energies):
    """Copies whose labels hold another energy of each species."""
    out = []
    for atoms in frames:
        copy = atoms.copy()
        extra = sum(energies[symbol] for symbol in atoms.get_chemical_symbols())
        results = {**atoms.calc.results, "energy": atoms.calc.results["energy"] + extra}
        copy.calc = SinglePointCalculator(copy, **results)
        out.append(copy)
    return out


@pytest.fixture(scope="module")
def result(frames, held):
    settings = FitSettings(starts=2, subset=5, iterations=15)
    return fit(frames, 6, validation=held, settings=settings, groups=["temperature_K"], threads=1)


def test_errors_become_small(result, frames, held):
    spread = np.std(np.concatenate([atoms.get_forces() for atoms in held]))
    assert result.held_out.overall.force.rmse < 0.25 * spread
    assert result.held_out.overall.energy.mae < 0.02
    assert result.training.loss < result.loss < 1.01 * result.training.loss
    assert result.potential.level == 6
    assert result.potential.species == cases.SPECIES
    shortest = min(atoms.get_all_distances(mic=True)[np.triu_indices(32, 1)].min() for atoms in frames)
    assert result.potential.min_dist == pytest.approx(0.99 * shortest)


def test_history_tells_the_search(result):
    legs = list(dict.fromkeys(iteration.leg for iteration in result.history))
    assert legs == [
        "start 1, round 1",
        "start 2, round 1",
        legs[2],
        legs[2].replace("2", "3") if legs[2].startswith("start 1") else "start 2, round 3",
        "all",
    ]
    final = [iteration for iteration in result.history if iteration.leg == "all"]
    assert [iteration.number for iteration in final] == list(range(len(final)))
    assert all(iteration.configurations == 14 for iteration in final)
    assert all({"loss", "energy_mae", "force_mae", "stress_mae"} == set(i.held_out) for i in final)
    times = [iteration.cpu_seconds for iteration in result.history]
    assert times == sorted(times)
    assert result.cpu_seconds == times[-1]


def test_coefficients_are_those_of_the_lowest_held_out_loss(result):
    lowest = min(i.held_out["loss"] for i in result.history if i.held_out)
    assert result.held_out.loss == pytest.approx(lowest, rel=1e-9)


def test_result_for_json(result):
    content = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert content["potential"]["sha256"] == result.potential.sha256
    assert content["held_out"]["groups"]["temperature_K"]["600"]["configurations"] == 2
    assert content["training"]["overall"]["force_eV_per_A"]["count"] == 14 * 96
    assert len(content["provenance"]["training_data"]) == 64
    assert content["provenance"]["seed"] == 0
    assert {"betalps", "command", "settings", "weights"} <= content["provenance"].keys()
    assert len(content["history"]) == len(result.history)


def test_same_seed_same_potential_other_seed_another(frames):
    first, again, other = (fit(frames[:6], 4, settings=QUICK, seed=s, threads=1).potential for s in (1, 1, 2))
    assert first.to_bytes() == again.to_bytes()
    assert first != other


def test_energies_of_free_atoms_change_nothing_but_species_coefficients(frames):
    """Labels of a method that counts the core electrons: 1e4 eV per atom must not cost digits."""
    energies = {"Li": -204.0, "P": -9285.0, "S": -10832.0}
    first = fit(frames[:6], 4, settings=QUICK, threads=1)
    moved = fit(shifted(frames[:6], energies), 4, settings=QUICK, threads=1)
    told = fit(
        shifted(frames[:6], energies),
        4,
        settings=QUICK,
        threads=1,
        atomic_energies={s: e - 4.0 for s, e in energies.items()},
    )
    for other in (moved, told):
        assert other.training.overall.force.mae == pytest.approx(first.training.overall.force.mae, rel=1e-3)
        assert other.training.overall.energy.mae == pytest.approx(first.training.overall.energy.mae, rel=1e-2)
    with pytest.raises(ValueError, match="atomic_energies lacks P, S"):
        fit(frames[:2], 2, atomic_energies={"Li": 0.0}, threads=1)


def test_weights_are_heeded(frames):
    """A configuration that counts a hundred times is reproduced better, one of weight 0 is left out."""
    heavy = [atoms.copy() for atoms in frames[:8]]
    for atoms, labelled in zip(heavy, frames, strict=False):
        atoms.calc = labelled.calc
    heavy[0].info["config_weight"] = 100.0
    heavy[1].info["config_weight"] = 0.0
    even, uneven = (fit(f, 4, settings=QUICK, threads=1) for f in (frames[:8], heavy))
    assert uneven.training.losses[0] < 0.7 * even.training.losses[0]
    assert "training data: 1 of 8 frames have a weight of 0 and are not used" in uneven.flags
    assert uneven.history[-1].configurations == 7
    forces = fit(frames[:8], 4, settings=QUICK, threads=1, weights=Weights(energy=0, stress=0))
    assert forces.training.overall.energy.rmse > 10 * even.training.overall.energy.rmse
    assert "no energies in the fit: those of the potential mean nothing" in forces.flags


def test_warm_start_begins_where_the_potential_is(result, frames):
    """One linear solve at its radial coefficients is about as good as the potential was."""
    settings = FitSettings(iterations=3)
    warm = fit(frames, result.potential, warm_start=True, settings=settings, threads=1)
    first = warm.history[0]
    assert (first.leg, first.number, first.configurations) == ("all", 0, 14)
    assert first.loss < 1.05 * result.loss
    assert warm.history[-1].loss < first.loss
    assert warm.potential.min_dist == result.potential.min_dist
    form = Potential.from_level(4, cases.SPECIES, cutoff=5.0, min_dist=1.5)
    with pytest.raises(ValueError, match="needs a potential with coefficients"):
        fit(frames[:2], form, warm_start=True, threads=1)


def test_instant_fit_is_better_than_a_random_start(frames):
    instant = fit(frames, 6, settings=FitSettings(method="instant"), threads=1)
    assert len(instant.history) == 1
    random = fit(frames, 6, settings=FitSettings(starts=0, iterations=0), threads=1)
    assert len(random.history) == 1
    assert instant.loss < 0.2 * random.loss


def test_bfgs_falls_too_but_slower(frames):
    slow = fit(frames[:6], 4, settings=FitSettings(method="bfgs", iterations=25), threads=1)
    losses = [iteration.loss for iteration in slow.history]
    assert all(later < earlier for earlier, later in itertools.pairwise(losses))
    assert losses[-1] < 0.1 * losses[0]
    fast = fit(frames[:6], 4, settings=FitSettings(starts=0, iterations=25), threads=1)
    assert fast.loss < losses[-1]
    assert slow.training.loss < slow.loss < 1.1 * slow.training.loss


def test_of_several_ridges_the_best_held_out(frames, held):
    settings = FitSettings(starts=1, subset=4, iterations=4, ridges=(1e-2, 1e-9))
    result = fit(frames[:8], 4, validation=held, settings=settings, threads=1)
    lowest = {}
    for iteration in result.history:
        if iteration.held_out:
            lowest[iteration.leg] = min(iteration.held_out["loss"], lowest.get(iteration.leg, np.inf))
    assert set(lowest) == {"all, ridge 0.01", "all, ridge 1e-09"}
    assert f"all, ridge {result.ridge:g}" == min(lowest, key=lowest.get)
    with pytest.raises(ValueError, match="several ridges need validation data"):
        fit(frames[:3], 4, settings=settings, threads=1)


def test_held_out_data_stop_the_search(frames):
    """Two frames and 168 coefficients: soon it gets worse on others, and the search ends."""
    calm = [cases.label(atoms, MTP("beta-lps", threads=1)) for atoms in cases.structures(3, 1, amplitude=0.05)]
    settings = FitSettings(starts=0, iterations=60, patience=3, gain=0.0)
    result = fit(frames[:2], 8, validation=calm, settings=settings, threads=1)
    losses = [iteration.held_out["loss"] for iteration in result.history]
    assert len(losses) < 61
    assert len(losses) - 1 - int(np.argmin(losses)) == 3
    assert result.held_out.loss == pytest.approx(min(losses), rel=1e-6)


def test_a_fraction_is_held_out(frames):
    result = fit(frames, 2, validation=0.3, settings=QUICK, threads=1)
    assert result.provenance["held_out_frames"] in {3, 4}
    assert result.provenance["training_frames"] + result.provenance["held_out_frames"] == 14


# -- flags and errors


def test_gaps_in_the_data_are_flagged(frames):
    lacking = [frames[0].copy(), *frames[1:3], frames[3].copy()]
    results = frames[0].calc.results
    lacking[0].calc = SinglePointCalculator(lacking[0], energy=results["energy"])
    result = fit(lacking, 14, species=["Li", "P", "S", "Cl"], settings=FitSettings(starts=0, iterations=1), threads=1)
    text = "\n".join(result.flags)
    assert "training data: 2 of 4 frames have no forces" in text
    assert "training data: 2 of 4 frames have no stress" in text
    assert "training data: 1 of 4 frames have no energy" in text
    assert "1 of 4 frames have no label at all" in text
    assert "no data for Cl" in text
    assert f"207 labels for {result.potential.coeffs_count} coefficients" in text
    assert "the compositions span 1 of 3 dimensions" in text
    radial = result.potential.radial_coeffs
    assert not radial[3].any()
    assert not radial[:, 3].any()


def test_frames_marked_as_unconverged_are_flagged(frames, held):
    """As a flag, as extended XYZ reads one, and as text; those that are not used do not count."""
    some = [atoms.copy() for atoms in frames[:6]]
    for atoms, labelled, flag in zip(some, frames, [False, np.bool_(False), "False", True, None, False], strict=False):
        atoms.calc = labelled.calc
        atoms.info["converged"] = flag
    some[5].info["config_weight"] = 0.0
    told = held[0].copy()
    told.calc = held[0].calc
    told.info["converged"] = False
    result = fit(some, 2, validation=[told, held[1]], settings=FitSettings(starts=0, iterations=1), threads=1)
    text = "\n".join(result.flags)
    assert "training data: 3 of 6 frames are marked as unconverged; their labels are used all the same" in text
    assert "held-out data: 1 of 2 frames are marked as unconverged" in text


def test_one_group_may_be_given_as_text(frames):
    result = fit(frames[:4], 2, groups="temperature_K", settings=FitSettings(starts=0, iterations=1), threads=1)
    assert set(result.training.groups) == {"temperature_K"}


def test_pairs_that_never_meet_are_flagged_and_do_not_interact(frames):
    """P-P distances in the crystal are more than 4 Å."""
    result = fit(frames[:4], 4, cutoff=4.0, settings=FitSettings(starts=0, iterations=2), threads=1)
    assert "no pair P-P within the cutoff: such pairs do not interact in the potential" in result.flags
    assert not result.potential.radial_coeffs[1, 1].any()
    assert result.potential.radial_coeffs[0, 1].any()


def test_held_out_frames_beyond_the_data_have_no_say(frames, held):
    near = held[0].copy()
    near.positions[1] = near.positions[0] + [0.9, 0.0, 0.0]
    near.calc = SinglePointCalculator(near, energy=1e3, forces=np.full((32, 3), 50.0), stress=np.zeros(6))
    result = fit(frames[:8], 4, validation=[*held, near], settings=QUICK, threads=1)
    alone = fit(frames[:8], 4, validation=held, settings=QUICK, threads=1)
    assert result.potential == alone.potential
    text = "\n".join(result.flags)
    assert "held-out frames with pairs closer than any in training: 4 (Li-Li 0.90 Å" in text
    assert "held-out frame 4 alone is 100% of the held-out loss" in text


def test_labels_that_are_not_finite_name_the_frame(frames):
    bad = frames[2].copy()
    forces = frames[2].get_forces().copy()
    forces[7, 1] = np.nan
    bad.calc = SinglePointCalculator(bad, energy=1.0, forces=forces)
    with pytest.raises(LabelError, match=r"frames: frame 2: forces: found nan at \[7, 1\]"):
        fit([*frames[:2], bad], 4, threads=1)
    with pytest.raises(LabelError, match="validation: frame 0"):
        fit(frames[:2], 4, validation=[bad], threads=1)


def test_other_mistakes_are_explained(frames):
    with pytest.raises(SpeciesError, match="frame 0 holds P"):
        fit(frames[:2], 4, species=["Li", "S"], threads=1)
    with pytest.raises(LabelError, match="no two atoms of the training data are closer than the cutoff of 5 Å"):
        fit([cases.dimer(7.0, 0.0)], 4, threads=1)
    with pytest.raises(TypeError, match=r"form is 'pot.almtp'; expected a level or a potential"):
        fit(frames[:2], "pot.almtp")
    with pytest.raises(ValueError, match="level"):
        fit(frames[:2], 5, threads=1)


@pytest.mark.parametrize(
    ("subset", "expected"), [(None, 27), (5, 5), (300, 300), (0.2, 296), (0.01, 27), (0.999, 1479)]
)
def test_a_fraction_of_the_data_is_searched_on_where_that_is_more(subset, expected):
    assert FitSettings(subset=subset).subset_of(1480, least=27) == expected


def test_starts_are_searched_on_a_fraction_of_the_data(frames):
    settings = FitSettings(starts=2, subset=0.5, iterations=0)
    history = fit(frames, 2, radial_size=3, settings=settings, threads=1).history
    found = {iteration.configurations for iteration in history if iteration.leg != "all"}
    assert found == {math.ceil(0.5 * len(frames))}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "adam"}, "method is 'adam'; expected one of vplm, bfgs, instant"),
        ({"starts": -1}, "starts is -1; expected a whole number from 0"),
        ({"subset": 0}, "subset is 0"),
        ({"subset": 1.5}, "subset is 1.5; expected a number of configurations, a fraction, or None"),
        ({"ridges": ()}, "ridges is empty"),
        ({"ridges": (1e-9, -1.0)}, "ridges is"),
        ({"gain": float("nan")}, "gain is"),
        ({"patience": 0}, "patience is 0; expected a whole number from 1"),
    ],
)
def test_settings_out_of_range(values, message):
    with pytest.raises(ValueError, match=message):
        FitSettings(**values)
