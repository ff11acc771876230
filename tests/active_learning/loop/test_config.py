"""Settings: their defaults are the study's, and what is wrong is named."""

import tomllib
from pathlib import Path

import pytest

from betalps.active_learning import LoopConfig
from betalps.active_learning.loop.seeds import build_starts, run_spec
from betalps.cli.active_learn import _EPILOG

SEED = {"name": "beta", "structure": {"builder": "beta_li3ps4"}, "temperatures": [300, 900]}


def study(**changes):
    return LoopConfig.from_dict({"data": ["start.extxyz"], "seeds": [SEED], **changes})


def test_defaults_are_those_of_the_reference_study():
    config = study()
    assert config.exploration.gamma_select == 2.0
    assert [config.exploration.breaks_at(k) for k in (1, 2, 3, 8)] == [10.0, 5.0, 2.0, 2.0]
    assert (config.fit.level, config.fit.cutoff) == (14, 5.0)
    assert config.exploration.grade_interval == 10
    assert (config.exploration.thermostat_time, config.exploration.barostat_time) == (0.1, 1.0)


def test_from_and_to_plain_values():
    config = study(exploration={"gamma_break": 10, "workers": 2}, fit={"group_weights": {"glass": 0.5}}, test="a.xyz")
    assert config.exploration.gamma_break == (10.0,)
    assert config.test == ("a.xyz",)
    assert LoopConfig.from_dict(config.to_dict()) == config


def test_what_decides_nothing_is_no_part_of_the_identity():
    one = study().identity()
    assert study(exploration={"workers": 3}, labels={"timeout": 1.0}, budget={"labels": 1}, test="t").identity() == one
    assert study(exploration={"time": 3.0}).identity() != one


def test_paths_are_relative_to_a_folder(tmp_path):
    (tmp_path / "first.almtp").write_text("")
    values = {
        "data": "start.extxyz",
        "seeds": [{**SEED, "structure": "cell.extxyz"}],
        "potential": "first.almtp",
        "test": ["t.xyz"],
    }
    config = LoopConfig.from_dict(values, tmp_path)
    assert config.data == (str(tmp_path / "start.extxyz"),)
    assert config.test == (str(tmp_path / "t.xyz"),)
    assert config.seeds[0].structure == str(tmp_path / "cell.extxyz")
    assert config.potential == str(tmp_path / "first.almtp")
    labels = {"calculator": "mtp:first.almtp"}
    assert LoopConfig.from_dict({**values, "labels": labels}, tmp_path).labels.calculator == f"mtp:{config.potential}"
    assert LoopConfig.from_dict({**values, "potential": "beta-lps"}, tmp_path).potential == "beta-lps"


def test_the_example_of_the_help_is_a_study(tmp_path):
    toml = _EPILOG[_EPILOG.index("  data = ") : _EPILOG.index("\nExamples:")]
    config = LoopConfig.from_dict(tomllib.loads("\n".join(line[2:] for line in toml.splitlines())))
    starts = {start.name: start for start in build_starts(config)}
    assert len(starts) == 4 * 3 + 3
    assert len(starts["tilt-130-300K"].atoms) >= 150


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": 1}, "unknown setting colour in the study"),
        ({"data": []}, "data is empty"),
        ({"data": [1]}, r"data is \[1\]; expected paths"),
        ({"seeds": []}, "seeds: none"),
        ({"seeds": [SEED, SEED]}, "seeds: beta; expected at least one, of different names"),
        ({"seeds": {"name": "x"}}, r"expected tables \[\[seeds\]\]"),
        ({"seeds": [{"name": "x"}]}, r"seeds\[1\] lacks structure, temperatures"),
        ({"seeds": [{**SEED, "name": "a/b"}]}, "name is 'a/b'; expected letters"),
        ({"seeds": [{**SEED, "temperatures": []}]}, r"seed beta: temperatures is \[\]"),
        ({"seeds": [{**SEED, "temperatures": [-1]}]}, "temperatures is -1; expected a finite number above 0"),
        ({"seeds": [{**SEED, "strains": [-0.7]}]}, "strains is -0.7"),
        ({"seeds": [{**SEED, "strains": [0, 5]}]}, r"strains are \(0.0, 5.0\); expected fractions below 0.5"),
        ({"seeds": [{**SEED, "temperatures": [300, 300]}]}, r"temperatures are \(300.0, 300.0\); expected each once"),
        (
            {"seeds": [{**SEED, "time": 0.01}]},
            "seed beta: its runs have 5 steps .* expected no fewer than .*interval, 10",
        ),
        ({"seeds": [{**SEED, "structure": 3}]}, "structure is 3; expected a path"),
        ({"seeds": [{**SEED, "ensemble": "muvt"}]}, "ensemble is 'muvt'"),
        ({"seeds": [{**SEED, "speed": 1}]}, r"unknown setting speed in seeds\[1\]"),
        ({"exploration": {"time": 0}}, "exploration.time is 0"),
        ({"exploration": {"gamma_break": [10, 1]}}, "gamma_break is 1; expected a finite number of at least 2"),
        ({"exploration": {"grade_interval": 0}}, "grade_interval is 0"),
        ({"exploration": 3}, "exploration is 3; expected a table"),
        ({"selection": {"cut": "sphere"}}, "selection.cut is 'sphere'"),
        ({"selection": {"most": 0}}, "selection.most is 0"),
        ({"labels": {"timeout": 0}}, "labels.timeout is 0"),
        ({"labels": {"calculator": ""}}, "labels.calculator is ''"),
        ({"labels": {"settings": 1}}, "labels.settings is 1; expected a table"),
        ({"fit": {"group_weights": {"glass": -1}}}, "fit.group_weights.glass is -1"),
        ({"fit": {"force": "a"}}, "fit.force is 'a'; expected a finite number of at least 0"),
        ({"fit": {"force_scale": 0}}, "force_scale is 0"),
        ({"fit": {"refit_iterations": 0}}, "refit_iterations is 0"),
        ({"fit": {"finish": 1}}, "fit.finish is 1; expected true or false"),
        ({"budget": {"hours": 0}}, "budget.hours is 0"),
        ({"budget": {"labels": -1}}, "budget.labels is -1"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_what_is_wrong_is_named(changes, said):
    with pytest.raises(ValueError, match=said):
        study(**changes)
    with pytest.raises(ValueError, match="the study lacks data, seeds"):
        LoopConfig.from_dict({})


def test_runs_of_an_iteration():
    config = study(
        seeds=[
            {**SEED, "strains": [0.0, 0.05], "group": "crystal"},
            {"name": "slab", "structure": {"builder": "slab", "crystal": {"builder": "beta_li3ps4"}, "plane": "(001)",
             "planes": 1, "vacuum": 5.0}, "temperatures": [600], "time": 3.0},
        ],
    )  # fmt: skip
    starts = {start.name: start for start in build_starts(config)}
    assert list(starts) == ["beta-300K", "beta-900K", "beta+0.05-300K", "beta+0.05-900K", "slab-600K"]
    plain, strained = starts["beta-300K"], starts["beta+0.05-300K"]
    assert strained.atoms.cell.volume == pytest.approx(1.05**3 * plain.atoms.cell.volume)
    assert (plain.group, starts["slab-600K"].group) == ("crystal", "slab")

    def spec(start, iteration=1, seed=1):
        return run_spec(start, config.exploration, iteration, seed, Path("p.almtp"))

    assert [stage.ensemble for stage in spec(plain).stages] == ["npt", "npt"]
    assert [stage.ensemble for stage in spec(strained).stages] == ["nvt", "nvt"]  # it keeps its strain
    assert [stage.ensemble for stage in spec(starts["slab-600K"]).stages] == ["nvt", "nvt"]
    heat, explore = spec(plain).stages
    assert (heat.temperature, heat.final_temperature, explore.temperature) == (100.0, 300.0, 300.0)
    assert (explore.time, spec(starts["slab-600K"]).stages[1].time) == (20.0, 3.0)
    assert [spec(plain, k).grade.gamma_break for k in (1, 2, 3, 4)] == [10.0, 5.0, 2.0, 2.0]
    drawn = {spec(start, k, s).seed for start in starts.values() for k in (1, 2) for s in (1, 2)}
    assert len(drawn) == 5 * 2 * 2  # no two runs share their velocities
    assert spec(plain).frames == 0
