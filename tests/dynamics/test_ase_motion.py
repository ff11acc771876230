"""ASE's integrators as stages: the same steps as ASE's, ramps that arrive, a state that is all there is."""

import numpy as np
import pytest
from ase import units
from ase.constraints import FixAtoms
from ase.md import nose_hoover_chain as nhc
from ase.md.verlet import VelocityVerlet

from betalps.dynamics.ase_motion import AseMotion
from betalps.dynamics.motion import Conditions, UnstableRunError, thermal_momenta
from dynamics import cases

ENSEMBLES = {
    "nve": {"ensemble": "nve"},
    "nvt": {"ensemble": "nvt"},
    "isotropic": {"ensemble": "npt", "free": "isotropic"},
    "cell": {"ensemble": "npt", "free": "cell"},
    "z": {"ensemble": "npt", "free": "z"},
    "xyz": {"ensemble": "npt", "free": "xyz"},
}
RAMPS = {"final_temperature": 30.0, "temperature": 60.0}


def moving(ensemble, steps=40, timestep=4.0, **settings):
    atoms = cases.argon()
    atoms.calc = cases.Morse()
    atoms.set_momenta(thermal_momenta(atoms, 60.0, np.random.default_rng(5)))
    hold = cases.stage(steps=steps * timestep / 4, **ENSEMBLES[ensemble], **settings)
    run = cases.spec(hold, timestep=timestep, barostat_time=0.2)
    return atoms, AseMotion(atoms, Conditions.of(run, 0))


def of_ase(ensemble, atoms, kelvin):
    settings = {"timestep": 4 * units.fs, "temperature_K": kelvin, "tdamp": 100 * units.fs}
    pressure = {"pressure_au": 0.0, "pdamp": 200 * units.fs}
    if ensemble == "nve":
        return VelocityVerlet(atoms, 4 * units.fs)
    if ensemble == "nvt":
        return nhc.NoseHooverChainNVT(atoms, **settings)
    if ensemble == "isotropic":
        return nhc.IsotropicMTKNPT(atoms, **settings, **pressure)
    if ensemble == "cell":
        return nhc.MTKNPT(atoms, **settings, **pressure)
    return nhc.MaskedMTKNPT(atoms, **settings, **pressure, mask=np.array([axis in ensemble for axis in "xyz"]))


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_follows_ase_up_to_the_degrees_of_freedom(ensemble):
    """Under NVE to the last bit; elsewhere as close as 3N and 3N - 3 are, and not closer."""
    atoms, motion = moving(ensemble)
    other = atoms.copy()
    other.calc = cases.Morse()
    reference = of_ase(ensemble, other, 60.0)
    motion.run(40)
    reference.run(40)
    difference = np.abs(atoms.positions - other.positions).max()
    assert np.abs(other.positions - cases.argon().positions).max() > 0.1
    if ensemble == "nve":
        assert difference == 0.0
    else:
        assert 1e-6 < difference < 0.03


@pytest.mark.parametrize("ensemble", [name for name in ENSEMBLES if name != "nve"])
def test_follows_ase_exactly_where_ase_is_told_the_degrees_of_freedom(ensemble):
    atoms, motion = moving(ensemble)
    other = atoms.copy()
    other.calc = cases.Morse()
    reference = of_ase(ensemble, other, 60.0)
    n = len(atoms) - 1
    reference._thermostat = nhc.NoseHooverChainThermostat(n, other.get_masses()[:, None], 60.0, 100 * units.fs)
    if ensemble != "nvt":
        reference._num_atoms_global = n
        barostat = nhc.IsotropicMTKBarostat if ensemble == "isotropic" else nhc.MTKBarostat
        mask = {} if ensemble in {"isotropic", "cell"} else {"mask": reference.mask}
        reference._barostat = barostat(n, 60.0, 200 * units.fs, **mask)
        if ensemble == "cell":
            reference._barostat._cell_dof = 6
            reference._barostat._R[0] = 6 * units.kB * 60.0 * (200 * units.fs) ** 2
    motion.run(40)
    reference.run(40)
    np.testing.assert_array_equal(atoms.positions, other.positions)
    np.testing.assert_array_equal(atoms.cell.array, other.cell.array)
    assert motion.conserved_energy() == pytest.approx(reference.get_conserved_energy(), abs=1e-12)


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_conserves_energy_and_momentum(ensemble):
    atoms, motion = moving(ensemble, steps=400, timestep=2.0)
    conserved, kinetic = [], []
    for _ in range(100):
        motion.run(4)
        conserved.append(motion.conserved_energy())
        kinetic.append(atoms.get_kinetic_energy())
    assert np.ptp(kinetic) > 0.1
    # The error falls with the square of the time step; the light barostat of these tests makes most of it.
    assert np.ptp(conserved) < {"nve": 1e-4, "nvt": 3e-4}.get(ensemble, 4e-3)
    assert np.abs(atoms.get_momenta().sum(axis=0)).max() < 1e-11
    assert (atoms.cell.array != cases.argon().cell.array).any() == (ENSEMBLES[ensemble]["ensemble"] == "npt")


@pytest.mark.parametrize("ensemble", [name for name in ENSEMBLES if name != "nve"])
def test_conserves_energy_along_a_ramp(ensemble):
    """Less the work that the ramp does, a hundred times what the integration loses."""
    pressure = {"final_pressure": 0.2} if ENSEMBLES[ensemble]["ensemble"] == "npt" else {}
    _, motion = moving(ensemble, steps=400, timestep=2.0, temperature=60.0, final_temperature=20.0, **pressure)
    conserved = []
    for _ in range(100):
        motion.run(4)
        conserved.append(motion.conserved_energy())
    assert np.ptp(conserved) < (3e-4 if ensemble == "nvt" else 4e-3)
    assert abs(motion._work) > 100 * np.ptp(conserved)


def test_only_what_is_free_of_the_cell_moves():
    start = cases.argon().cell.array
    for free, same in (("z", [0, 1, 3, 4, 5]), ("xyz", [3, 4, 5]), ("isotropic", [3, 4, 5])):
        atoms, motion = moving(free, steps=100)
        motion.run(100)
        before = np.array([*np.linalg.norm(start, axis=1), 90, 90, 90])
        moved = np.abs(atoms.cell.cellpar() - before) > 1e-9
        assert not moved[same].any()
        assert moved[[k for k in range(6) if k not in same]].all()
    assert np.ptp(atoms.cell.lengths()) < 1e-12  # isotropic


@pytest.mark.parametrize("ensemble", [name for name in ENSEMBLES if name != "nve"])
def test_a_state_is_all_there_is(ensemble):
    """Also in the middle of a ramp: taken over into new objects, the run goes on bit for bit."""
    ramps = RAMPS | ({"final_pressure": 0.3} if ENSEMBLES[ensemble]["ensemble"] == "npt" else {})
    atoms, motion = moving(ensemble, **ramps)
    motion.run(17)
    again, other = moving(ensemble, **ramps)
    for name in ("positions", "momenta"):
        again.arrays[name][:] = atoms.arrays[name]
    again.set_cell(atoms.cell.array)
    state = {name: np.array(value) for name, value in motion.state().items()}
    other = AseMotion(again, other._conditions)
    other.restore(state, 17)
    motion.run(23)
    other.run(23)
    np.testing.assert_array_equal(again.positions, atoms.positions)
    np.testing.assert_array_equal(again.get_momenta(), atoms.get_momenta())
    assert motion.conserved_energy() == other.conserved_energy()
    assert other.nsteps == 40


@pytest.mark.parametrize("ensemble", [name for name in ENSEMBLES if name != "nve"])
def test_a_state_of_another_ensemble_does_not_fit(ensemble):
    _, motion = moving(ensemble)
    with pytest.raises(KeyError):
        motion.restore({}, 3)


@pytest.mark.parametrize("ensemble", [name for name in ENSEMBLES if name != "nve"])
def test_a_ramp_to_the_same_temperature_is_no_ramp(ensemble):
    plain, first = moving(ensemble)
    ramped, second = moving(ensemble, temperature=60.0, final_temperature=60.0)
    first.run(30)
    second.run(30)
    np.testing.assert_array_equal(plain.positions, ramped.positions)


@pytest.mark.parametrize("ensemble", [name for name in ENSEMBLES if name != "nve"])
def test_a_ramp_keeps_the_relaxation_times(ensemble):
    """Masses follow the temperature, velocities of thermostat and barostat do not jump."""
    _, motion = moving(ensemble, temperature=60.0, final_temperature=15.0)
    motion.run(20)
    before = motion.state()
    masses = [np.array(part._Q if hasattr(part, "_Q") else part._R) for part, _ in motion._chains()]
    at = 60.0 - 45.0 * 20 / 40
    motion._set_targets(40)  # straight to the end
    after = motion.state()
    ratio = 15.0 / at
    for (part, _), mass in zip(motion._chains(), masses, strict=True):
        now = np.array(part._Q if hasattr(part, "_Q") else part._R)
        np.testing.assert_allclose(now, mass * ratio, rtol=1e-12)
    for name, value in before.items():
        if name == "work":
            continue
        scaled = name in {"p_eta", "p_xi", "p_eps", "p_g", "p_c"}
        np.testing.assert_allclose(after[name], value * ratio if scaled else value, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("ensemble", ["nvt", "isotropic"])
def test_a_ramp_takes_the_temperature_along(ensemble):
    atoms, motion = moving(ensemble, steps=1500, temperature=30.0, final_temperature=70.0)
    motion.run(500)
    kelvin = []
    for _ in range(10):
        motion.run(50)
        kelvin.append(atoms.get_temperature() * len(atoms) / (len(atoms) - 1))
    # The middle third goes from 43 to 57 K; the crystal follows with the thermostat's delay.
    assert np.mean(kelvin) == pytest.approx(50.0, abs=5.0)


@pytest.mark.physics
@pytest.mark.slow
@pytest.mark.parametrize(("ensemble", "freedoms"), [("isotropic", 1), ("cell", 6)])
def test_the_cell_is_as_hot_as_the_atoms(ensemble, freedoms):
    """Twice the kinetic energy of the cell, in k_B T, is the number of its freedoms; ASE's own cell has nine."""
    _, motion = moving(ensemble, steps=4000)
    momentum = {"isotropic": "_p_eps", "cell": "_p_g"}.get(ensemble, "_p_c")
    motion.run(400)
    found = []
    for _ in range(360):
        motion.run(10)
        cell = np.sum(np.square(getattr(motion._dynamics, momentum)))
        found.append(cell / motion._dynamics._barostat.W / (60.0 * units.kB))
    assert np.mean(found) == pytest.approx(freedoms, rel=0.25)


def test_pressure_ramp_compresses():
    atoms, motion = moving("isotropic", steps=300, final_pressure=1.0)
    motion.run(300)
    calm, other = moving("isotropic", steps=300)
    other.run(300)
    assert atoms.get_volume() < 0.96 * calm.get_volume()


def test_explosion_and_nan_are_named():
    atoms, motion = moving("nvt")
    atoms.arrays["momenta"] *= 10  # ASE's class holds its own copy; the next one starts from these
    motion = AseMotion(atoms, motion._conditions)
    with pytest.raises(UnstableRunError, match=r"temperature is .* K; allowed are 0 to 300 K") as caught:
        motion.run(5)
    assert caught.value.cause == "temperature"
    atoms.arrays["momenta"][0] = np.nan
    with pytest.raises(UnstableRunError, match="temperature is nan") as caught:
        AseMotion(atoms, motion._conditions).run(1)
    assert caught.value.cause == "not finite"


def test_constraints_and_single_atoms_are_refused():
    atoms, motion = moving("nvt")
    atoms.set_constraint(FixAtoms([0]))
    with pytest.raises(ValueError, match="constraints are not supported"):
        AseMotion(atoms, motion._conditions)
    single = atoms[:1]
    single.set_constraint()
    with pytest.raises(ValueError, match="found 1 atoms; a run at zero total momentum needs at least two"):
        AseMotion(single, motion._conditions)
