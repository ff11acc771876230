"""What goes wrong is told clearly, and nothing is lost."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.io.vasp import write_vasp

import betalps.files
from active_learning.loop import cases
from betalps.active_learning import ActiveLearning, LabellingError, mtp
from betalps.datasets import read, stored_labels, with_labels, write
from betalps.errors import BetalpsError, CheckpointError, SpeciesError
from betalps.potentials import Potential
from betalps.training import LabelError

ONE = {"budget": {"iterations": 1}}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One iteration, undisturbed."""
    study = cases.learning(tmp_path_factory.mktemp("alone") / "study", executor=cases.Here(), **ONE)
    study.run()
    return study


def fault(study, text):
    (study.folder.parent / "asked.fault").write_text(text)


def at_labels(folder, executor=None, **changes):
    """A study with everything done up to its first labels."""
    study = cases.learning(folder / "study", executor=executor, **{**ONE, **changes})
    while study.state.stage != "label":
        study.step()
    return study


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("raises", "RuntimeError: the self-consistent field diverged"),
        ("nan", "BetalpsError: energy, forces, stress: NaN or infinite"),
        ("hangs", "TimeoutError: no label within 5 s"),
        ("dies", "WorkerError: the process ended with exit code 3"),
    ],
)
def test_some_labels_fail(tmp_path, what, said):
    """Those of one seed: the others are trained on, and the failures told."""
    executor = cases.Here() if what in {"raises", "nan"} else None
    labels = {"timeout": 5.0, "attempts": 1}
    study = at_labels(tmp_path, executor, labels=labels, selection={"most": 20})
    asked = len(read(study.folder / "iteration-01" / "selected.extxyz.xz"))
    fault(study, f"gamma {what}")
    study.run()
    record = study.results()["iterations"][1]["label"]
    assert 0 < len(record["failed"]) < asked
    assert all(reason.startswith(said) for reason in record["failed"])
    assert record["labelled"] == asked - len(record["failed"])
    assert study.results()["iterations"][1]["fit"]["frames"] == 8 + record["labelled"]
    assert any("could not be labelled, the first: " + said in remark for remark in study.results()["remarks"])


def test_all_labels_fail_and_are_tried_again(tmp_path, alone):
    study = at_labels(tmp_path, cases.Here())
    fault(study, "everything raises")
    with pytest.raises(LabellingError, match=r"all \d structures failed .* RuntimeError: the self-consistent.*again"):
        study.step()
    assert study.state.stage == "label"
    fault(study, "")
    study.run()
    assert study.potential.to_bytes() == alone.potential.to_bytes()


def test_all_labels_fail_for_their_structures(tmp_path):
    """The labeller can still label what it could: the loop ends with what it has, instead of at every call again."""
    study = at_labels(tmp_path, cases.Here())
    asked = study.state.labels
    fault(study, "all raises")
    study.run()
    said = f"stalled: iteration 1: none of {asked} new structures has a label to train on; the first: RuntimeError: the"
    assert study.finished.startswith(said)
    assert study.potential.active_set is not None
    assert not list((study.folder / "labels").glob("probe-*"))


def test_what_failed_is_not_chosen_again(tmp_path):
    study = at_labels(tmp_path, cases.Here(), budget={"iterations": 2}, labels={"attempts": 2}, selection={"most": 20})
    fault(study, "gamma raises")
    study.run()
    failures = [json.loads(file.read_text()) for file in (study.folder / "labels" / "failed").iterdir()]
    assert failures
    assert {failure["attempts"] for failure in failures} == {2}
    chosen = [frame for file in study.folder.glob("*/selected.extxyz.xz") for frame in read(file)]
    assert len({frame.positions.tobytes() for frame in chosen}) == len(chosen)
    records = [entry["select"] for entry in study.results()["iterations"][1:]]
    assert any(record["rejected"].get("known") for record in records)  # gamma's start extrapolates every time


def test_a_teacher_that_is_not_installed(tmp_path):
    study = cases.learning(tmp_path / "study")
    fault(study, "missing")
    said = r"tried before anything is run: the calculator cannot be made: ModuleNotFoundError: No module named .no_such"
    with pytest.raises(LabellingError, match=said):
        study.run()
    assert not list(study.folder.glob("*/runs"))
    assert not (study.folder / "potential.almtp").exists()


def test_a_teacher_of_another_method_is_told(tmp_path):
    cases.write_data(tmp_path / "data")
    frames = list(read(tmp_path / "data" / "start.extxyz"))
    labels = stored_labels(frames[0])
    write(
        [with_labels(frames[0], {**labels, "energy": labels["energy"] + 1.0}), *frames[1:]],
        tmp_path / "data" / "start.extxyz",
    )
    study = cases.learning(tmp_path / "study", executor=cases.Here(), **ONE)
    study.step()
    remark = study.results()["remarks"][0]
    assert "differs by 31.2 meV/atom" in remark  # 1 eV in 32 atoms
    assert "one potential is fitted to two methods" in remark


def test_a_teacher_of_another_method_that_is_named(tmp_path):
    """Starting data of another method, 3 eV per atom away, and named so: the loop's labels are shifted to theirs."""
    cases.write_data(tmp_path / "data")
    for name in ("start", "test"):
        moved = []
        for atoms in read(tmp_path / "data" / f"{name}.extxyz"):
            labels = stored_labels(atoms)
            moved.append(with_labels(atoms, {**labels, "energy": labels["energy"] + 3.0 * len(atoms)}))
            moved[-1].info["label_source"] = "other"
        write(moved, tmp_path / "data" / f"{name}.extxyz")
    how = {"labels": {"source": "ours"}, "fit": {"reference_source": "other"}}
    study = cases.learning(tmp_path / "study", executor=cases.Here(), **{**ONE, **how})
    study.run()
    results = study.results()
    assert not any("two methods" in remark for remark in results["remarks"])
    new = list(read(study.folder / "new.extxyz.xz"))
    assert new
    assert {atoms.info["label_source"] for atoms in new} == {"ours"}
    errors = results["iterations"][-1]["fit"]["errors"]
    for name in ("training", "test"):
        assert errors[name]["energy_mae"] < 200  # meV/atom; 3000 without shifts


def test_a_seed_that_explodes_at_once(tmp_path):
    """Its atoms sit on each other: nothing of it is labelled, the others go on, and it is named."""
    seeds = [
        {"name": "squeezed", "structure": {"builder": "beta_li3ps4"}, "temperatures": [900], "strains": [-0.45]},
        {"name": "beta", "structure": {"builder": "beta_li3ps4"}, "temperatures": [600]},
    ]
    study = cases.learning(
        tmp_path / "study", executor=cases.Here(), seeds=seeds, budget={"iterations": 2}, exploration={"time": 0.05}
    )
    study.run()
    results = study.results()
    runs = {run["name"]: run for run in results["iterations"][-1]["explore"]["runs"]}
    assert runs["squeezed-0.45-900K"]["ended"] in {"grade", "unstable"}
    selected = [one for entry in results["iterations"][1:] for one in entry["select"]["selected"]]
    assert {one["group"] for one in selected} == {"beta"}
    assert results["iterations"][1]["select"]["rejected"]["contact"] >= 1
    assert any("with atoms too close" in remark for remark in results["remarks"])


@pytest.mark.parametrize("after", [5, 20, 40])
def test_a_full_disk(tmp_path, monkeypatch, alone, after):
    study = cases.learning(tmp_path / "study", executor=cases.Here(), **ONE)
    fsync = betalps.files.os.fsync
    left = iter(range(after))

    def full(handle):
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(betalps.files.os, "fsync", full)
    with pytest.raises((OSError, BetalpsError), match="No space left on device"):
        study.run()
    monkeypatch.undo()
    again = cases.learning(tmp_path / "study", executor=cases.Here(), **ONE)
    again.run()
    assert again.potential.to_bytes() == alone.potential.to_bytes()
    assert again.results()["iterations"] == alone.results()["iterations"]


def test_budget_of_labels_and_time(tmp_path):
    study = cases.learning(tmp_path / "study", executor=cases.Here(), budget={"iterations": 9, "labels": 5})
    study.run()
    assert study.finished == "budget: 5 labels"
    assert study.state.labels == 5
    assert len(read(study.folder / "new.extxyz.xz")) == 5
    assert study.potential.has_active_set
    before = study.potential.to_bytes()
    study.config = replace(study.config, budget=replace(study.config.budget, labels=1000, hours=1e-9))
    assert study.finished == "budget: 1e-09 hours"
    assert study.step() == study.state
    more = replace(study.config, budget=replace(study.config.budget, hours=None, iterations=study.state.iteration))
    ActiveLearning(more, study.folder, factory=study._factory, executor=cases.Here()).run()
    assert study.potential.to_bytes() != before


def test_time_that_is_over_while_labelling(tmp_path):
    """What has its label by then is trained on."""
    study = at_labels(tmp_path, cases.Here())
    asked = study.state.labels
    study.config = replace(study.config, budget=replace(study.config.budget, hours=study.state.seconds / 3600 + 1e-9))
    study.step()
    record = study.results()["iterations"][1]["label"]
    assert (record["asked"], record["labelled"]) == (asked, 1)
    assert study.state.stage == "fit"
    study.run()
    assert study.finished.startswith("budget: ")
    assert study.results()["iterations"][1]["fit"]["frames"] == 8 + 1


def test_labels_with_forces_beyond_reason_are_left_out(tmp_path):
    study = at_labels(tmp_path, cases.Here(), labels={"largest_force": 1e-3})
    asked = study.state.labels
    study.run()
    assert study.finished.startswith(f"stalled: iteration 1: none of {asked} new structures has a label to train on")
    assert study.results()["iterations"][1]["label"]["too_large_forces"] == asked


def test_candidates_that_cannot_be_labelled_are_no_convergence(tmp_path):
    how = {"exploration": {"gamma_break": [1e9]}, "selection": {"largest": 20, "gamma_max": 1e9, "spot_checks": 0}}
    how["seeds"] = [{"name": "beta", "structure": {"builder": "beta_li3ps4"}, "temperatures": [300]}]
    study = cases.learning(tmp_path / "study", executor=cases.Here(), **how, **ONE)
    study.run()
    assert study.finished.startswith("stalled: no run broke, but none of ")
    assert " for size" in study.finished


def test_a_seed_that_cannot_move_is_named_before_anything_is_run(tmp_path):
    fixed = cases.beta_li3ps4()
    fixed.set_constraint(FixAtoms([0]))
    write_vasp(tmp_path / "POSCAR", fixed)
    seeds = [{"name": "beta", "structure": "../POSCAR", "temperatures": [900]}]
    with pytest.raises(ValueError, match="seed beta: constraints are not supported"):
        cases.learning(tmp_path / "study", seeds=seeds)


def test_groups_and_species_that_nothing_has(tmp_path):
    with pytest.raises(ValueError, match=r"group_weights names glas; the groups .* are beta, gamma, start"):
        cases.learning(tmp_path / "study", fit={"group_weights": {"glas": 0.5, "gamma": 2.0}})
    Potential.from_level(4, ["Cu"], cutoff=5.0, min_dist=2.0).write(tmp_path / "copper.almtp")
    with pytest.raises(SpeciesError, match=r"the starting data: holds Li, P, S, which .*copper\.almtp lack: Cu"):
        cases.learning(tmp_path / "study", potential=str(tmp_path / "copper.almtp"))
    other = bulk("Cu", cubic=True)
    other.calc = EMT()
    other.get_forces()
    write([other], tmp_path / "data" / "copper.extxyz")
    with pytest.raises(SpeciesError, match=r"copper\.extxyz: holds Cu, which the starting data lack: Li, P, S"):
        cases.learning(tmp_path / "study", test=["copper.extxyz"])


def test_fewer_labels_allowed_meanwhile(tmp_path):
    study = cases.learning(tmp_path / "study", executor=cases.Here(), budget={"iterations": 3})
    while (study.state.iteration, study.state.stage) != (2, "select"):
        study.step()
    sent = study.state.labels
    again = cases.learning(tmp_path / "study", executor=cases.Here(), budget={"iterations": 3, "labels": sent - 1})
    again.run()
    assert again.finished == f"budget: {sent - 1} labels"
    assert again.state.labels == sent


def test_a_seed_that_is_a_file_may_be_named_otherwise(tmp_path, monkeypatch):
    write(cases.beta_li3ps4(), tmp_path / "beta.extxyz")
    seeds = [{"name": "beta", "structure": "../beta.extxyz", "temperatures": [900]}]
    cases.learning(tmp_path / "study", executor=cases.Here(), seeds=seeds).step()
    seeds[0]["structure"] = str(tmp_path / "beta.extxyz")
    cases.learning(tmp_path / "study", executor=cases.Here(), seeds=seeds).step()
    write(cases.rattled(1), tmp_path / "beta.extxyz")
    with pytest.raises(CheckpointError, match="another study; it differs in structures"):
        cases.learning(tmp_path / "study", executor=cases.Here(), seeds=seeds)


def test_until_anything_is_done_it_may_become_another_study(tmp_path):
    study = cases.learning(tmp_path / "study")
    fault(study, "missing")
    with pytest.raises(LabellingError):
        study.step()
    fault(study, "")
    other = ActiveLearning(study.config, study.folder, factory=mtp("beta-lps"), executor=cases.Here())
    other.step()
    assert other.state.stage == "explore"


def test_another_study_is_refused(tmp_path):
    study = cases.learning(tmp_path / "study", executor=cases.Here())
    study.step()
    with pytest.raises(CheckpointError, match=r"another study; it differs in fit\.level \(there 4, asked for 6\)$"):
        cases.learning(tmp_path / "study", fit={"level": 6})
    with pytest.raises(CheckpointError, match=r"seed beta \(there .*'4c4'.*structures \(there"):
        cases.learning(
            tmp_path / "study",
            seeds=[{**study.config.to_dict()["seeds"][0], "structure": {"builder": "beta_li3ps4", "ordering": "4c4"}}],
        )
    cases.learning(tmp_path / "study", workers=2, budget={"labels": 3})  # decides nothing about what was done


def test_a_state_that_cannot_be_read(tmp_path):
    study = cases.learning(tmp_path / "study", executor=cases.Here())
    study.step()
    for text, said in (("{", "cannot be read"), ('{"kind": "x", "version": 1}', "expected"), ("{}", "cannot be read")):
        (study.folder / "state.json").write_text(text)
        with pytest.raises(CheckpointError, match=said):
            cases.learning(tmp_path / "study")


def test_inputs_that_do_not_fit(tmp_path):
    copper = [{"name": "copper", "structure": str(tmp_path / "cu.extxyz"), "temperatures": [300]}]
    from ase.build import bulk

    bulk("Cu", cubic=True).write(tmp_path / "cu.extxyz")
    with pytest.raises(SpeciesError, match="seed copper: holds Cu, which the starting data lack: Li, P, S"):
        cases.learning(tmp_path / "study", seeds=copper)
    with pytest.raises(FileNotFoundError, match=r"seed lost: .*none\.extxyz: no such file"):
        cases.learning(tmp_path / "study", seeds=[{**copper[0], "name": "lost", "structure": "none.extxyz"}])
    with pytest.raises(LabelError, match="frame 0 has no energy and no forces"):
        cases.learning(tmp_path / "study", data=[str(tmp_path / "cu.extxyz")])
    with pytest.raises(ValueError, match="calculator magic: expected one of sevennet"):
        ActiveLearning(cases.study(tmp_path, labels={"calculator": "magic"}), tmp_path / "study")


def test_nothing_left_to_learn(tmp_path):
    """Runs that never leave what was trained on: the loop converges."""
    seeds = [{"name": "cold", "structure": {"builder": "beta_li3ps4"}, "temperatures": [10]}]
    study = cases.learning(
        tmp_path / "study",
        executor=cases.Here(),
        seeds=seeds,
        exploration={"time": 0.02, "heating": 0.0},
        budget={"iterations": 9},
    )
    study.run()
    assert study.finished == "converged: no run broke, and nothing was selected"
    assert study.state.stage == "done"
    runs = study.results()["iterations"][-1]["explore"]["runs"]
    assert all(run["ended"] == "finished" and run["worst"] <= 2.0 for run in runs)
    assert not any("did not converge" in remark for remark in study.results()["remarks"])
    assert np.isfinite(study.results()["iterations"][0]["fit"]["errors"]["test"]["force_mae"])
