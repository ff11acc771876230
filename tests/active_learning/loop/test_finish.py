"""The fit from random starts that ends the loop."""

from dataclasses import replace

import pytest

from active_learning.loop import cases
from betalps.active_learning import ActiveLearning
from betalps.potentials import Potential

ONE = {"budget": {"iterations": 1}}


def fits(study):
    last = study.results()["iterations"][1]
    return last["fit"], last["finish"]


@pytest.mark.parametrize(
    ("effort", "taken"),
    [
        ({"iterations": 20, "refit_iterations": 1}, True),
        ({"iterations": 1, "starts": 0, "refit_iterations": 20}, False),
    ],
)
def test_the_fit_with_the_lower_loss_is_kept(tmp_path, effort, taken):
    study = cases.learning(tmp_path / "study", executor=cases.Here(), fit=effort, **ONE)
    study.run()
    refit, anew = fits(study)
    assert anew["taken"] is taken is (anew["loss"] < refit["loss"])
    assert anew["frames"] == refit["frames"]
    assert study.potential.sha256 == (anew if taken else refit)["potential"]
    assert study.potential.has_active_set
    kept = {
        name: Potential.read(study.folder / "iteration-01" / f"{name}.almtp").sha256 for name in ("potential", "anew")
    }
    assert kept == {"potential": refit["potential"], "anew": anew["potential"]}


def test_no_fit_at_the_end(tmp_path):
    study = cases.learning(tmp_path / "study", executor=cases.Here(), fit={"finish": False}, **ONE)
    study.run()
    last = study.results()["iterations"][1]
    assert "finish" not in last
    assert study.potential.sha256 == last["fit"]["potential"]


def test_with_a_larger_budget_it_goes_on_as_if_nothing_had_ended(tmp_path):
    at_once = cases.learning(tmp_path / "at once" / "study", executor=cases.Here())
    at_once.run()
    study = cases.learning(tmp_path / "study", executor=cases.Here(), **ONE)
    study.run()
    assert "finish" in study.results()["iterations"][1]
    again = ActiveLearning(
        replace(study.config, budget=at_once.config.budget), study.folder, factory=study._factory, executor=cases.Here()
    )
    assert not again.finished
    again.run()
    assert again.potential.to_bytes() == at_once.potential.to_bytes()
    assert again.results()["iterations"][2] == at_once.results()["iterations"][2]
