"""The core's loop and ASE's integrators give the same stages, and the same runs."""

from dataclasses import replace

import numpy as np
import pytest

from betalps import MTP
from betalps.dynamics import UnstableRunError, estimate_run, load_checkpoint, read_thermo, run
from betalps.dynamics.engines import choose_engine, set_in_motion
from betalps.dynamics.motion import Conditions, thermal_momenta
from betalps.errors import CheckpointError
from betalps.protocols import RunSpec, Stage
from betalps.structures import beta_li3ps4
from dynamics.test_runner import Killed, assert_same, content, killer

ENSEMBLES = {
    "nve": {"ensemble": "nve"},
    "nvt": {"ensemble": "nvt"},
    **{free: {"ensemble": "npt", "free": free} for free in ("isotropic", "cell", "z", "xyz")},
}


def moving(engine, ensemble, *, ramped=False):
    atoms = beta_li3ps4()
    atoms.calc = MTP("beta-lps", threads=1)
    atoms.set_momenta(thermal_momenta(atoms, 500.0, np.random.default_rng(1)))
    ramps = {"final_temperature": 700.0} if ramped and ensemble != "nve" else {}
    if ramps and ENSEMBLES[ensemble]["ensemble"] == "npt":
        ramps["final_pressure"] = 0.5
    stage = Stage(name="a", time=0.2, temperature=500.0, **ENSEMBLES[ensemble], **ramps)
    return set_in_motion(engine, atoms, Conditions.of(RunSpec(stages=(stage,)), 0))


@pytest.mark.parametrize("ramped", [False, True])
@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_both_engines_make_the_same_steps(ensemble, ramped):
    ours, reference = moving("native", ensemble, ramped=ramped), moving("ase", ensemble, ramped=ramped)
    for _ in range(100):
        ours.run(1)
        reference.run(1)
        np.testing.assert_allclose(ours.atoms.positions, reference.atoms.positions, rtol=0, atol=1e-10)
        np.testing.assert_allclose(ours.atoms.get_momenta(), reference.atoms.get_momenta(), rtol=0, atol=1e-9)
        np.testing.assert_allclose(ours.atoms.cell.array, reference.atoms.cell.array, rtol=0, atol=1e-10)
        assert ours.conserved_energy() == pytest.approx(reference.conserved_energy(), abs=1e-9)
        assert ours.nsteps == reference.nsteps
    assert np.abs(ours.atoms.positions - beta_li3ps4().positions).max() > 0.1


STAGES = (
    Stage(name="heat", time=0.1, temperature=100.0, final_temperature=700.0, production=False),
    Stage(name="cell", time=0.1, temperature=700.0, free="cell"),
    Stage(name="normal", time=0.1, temperature=700.0, free="z"),
    Stage(name="fixed", time=0.1, ensemble="nvt", temperature=700.0),
    Stage(name="free", time=0.1, ensemble="nve", temperature=700.0),
)
SPEC = RunSpec(
    stages=STAGES,
    structure={"builder": "beta_li3ps4"},
    threads=1,
    frame_interval=0.02,
    thermo_interval=0.02,
    checkpoint_interval=0.034,
)


def test_both_engines_make_the_same_run(tmp_path):
    for engine in ("native", "ase"):
        run(replace(SPEC, engine=engine), tmp_path / engine)
    logs = [read_thermo(tmp_path / engine) for engine in ("native", "ase")]
    for name in ("temperature_K", "potential_energy_eV", "conserved_energy_eV", "volume_A3", "stress_xy_GPa"):
        # Five stages of 50 steps: what rounding differs in has grown by then.
        np.testing.assert_allclose(logs[0][name], logs[1][name], rtol=0, atol=1e-6, err_msg=name)
    with pytest.raises(CheckpointError, match=r"engine \(there 'native', asked for 'ase'\)"):
        run(replace(SPEC, engine="ase"), tmp_path / "native")


@pytest.mark.parametrize("at", [10, 50, 80, 130, 180, 230, 250])
def test_resumes_bit_for_bit(tmp_path, at):
    run(SPEC, tmp_path / "whole")
    with pytest.raises(Killed):
        run(SPEC, tmp_path / "cut", observers=[killer(at)])
    run(SPEC, tmp_path / "cut")
    assert_same(content(tmp_path / "whole"), content(tmp_path / "cut"))


def test_native_is_the_default_for_moment_tensor_potentials(tmp_path):
    assert choose_engine(SPEC, MTP("beta-lps", threads=1)) == "native"
    run(replace(SPEC, stages=STAGES[:1]), tmp_path)
    assert load_checkpoint(tmp_path / "checkpoint.npz").identity["engine"] == "native"
    assert estimate_run(SPEC, trial_steps=5).engine == "native"


def test_explosion_is_named_with_its_stage(tmp_path):
    atoms = beta_li3ps4()
    atoms.positions[0] = atoms.positions[1] + [0.9, 0, 0]
    with pytest.raises(UnstableRunError, match=r"stage 'free'.*: the run blew up"):
        run(replace(SPEC, stages=STAGES[-1:]), tmp_path, atoms=atoms)
    assert read_thermo(tmp_path)["step"][0] == 0
