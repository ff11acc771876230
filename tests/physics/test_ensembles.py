"""Runs sample the ensembles that they say, by the checks of physical_validation (Merz and Shirts, 2018).

Kinetic energies follow the Gamma distribution of 3N - 3 degrees of freedom; the ratio of two distributions of
energy (at two temperatures) or volume (at two pressures) is the Boltzmann factor, whatever the potential. Each
check gives deviations in standard errors: with some twenty of them, 4.5 is exceeded by chance in one of several
thousand; the last tests show what errors they find.
"""

import warnings

import numpy as np
import pytest
from ase import units

from betalps import MTP
from betalps.dynamics.engines import set_in_motion
from betalps.dynamics.motion import Conditions, kinetic_energy, thermal_momenta
from betalps.dynamics.native import MTKNPT
from betalps.protocols import RunSpec, Stage
from betalps.structures import beta_li3ps4
from dynamics import cases

pytestmark = [pytest.mark.physics, pytest.mark.slow]
pv = pytest.importorskip("physical_validation", reason="pip install 'betalps[test]'")

LIMIT = 4.5  # standard errors
# Time between samples. A volume oscillates about its mean, and its amplitude changes more slowly than it does itself:
# its square is correlated over 100 fs where it is correlated over none. physical_validation looks at the volume only.
EVERY = 100  # fs


def crystal(engine):
    if engine == "ase":
        atoms = cases.argon()
        atoms.calc = cases.Morse()
    else:
        atoms = beta_li3ps4()
        atoms.calc = MTP("beta-lps", threads=1)
    return atoms


def sample(engine, steps, *, kelvin, gigapascal=0.0, seed=1, **ensemble):
    """Kinetic and potential energy (eV) and volume (Å³) along a run, (samples, 3); N, T, P and mass with them."""
    atoms = crystal(engine)
    timestep = 4.0 if engine == "ase" else 2.0
    pressure = {"pressure": gigapascal} if ensemble["ensemble"] == "npt" else {}
    stage = Stage(name="sample", time=1e-3 * timestep * steps, temperature=kelvin, **pressure, **ensemble)
    spec = RunSpec(stages=(stage,), timestep=timestep, barostat_time=0.3 if engine == "ase" else 0.1)
    atoms.set_momenta(thermal_momenta(atoms, kelvin, np.random.default_rng(seed)))
    motion = set_in_motion(engine, atoms, Conditions.of(spec, 0))
    masses, found = atoms.get_masses()[:, None], []
    motion.run(steps // 5)
    every = round(EVERY / timestep)
    for _ in range((steps - steps // 5) // every):
        motion.run(every)
        kinetic = kinetic_energy(atoms.get_momenta(), masses)
        found.append((kinetic, atoms.get_potential_energy(), atoms.get_volume()))
    assert np.ptp([volume for _, _, volume in found]) < 0.4 * found[0][2], "the crystal has evaporated"
    return describe(np.array(found), atoms, kelvin, gigapascal, stage.ensemble)


def describe(samples, atoms, kelvin, gigapascal, ensemble, removed=3):
    kinetic, potential, volume = samples.T
    made = pv.data.SimulationData()
    made.units = pv.data.UnitData(
        kb=units.kB,
        energy_str="eV",
        energy_conversion=96.485332,  # to kJ/mol
        length_str="A",
        length_conversion=0.1,
        volume_str="A^3",
        volume_conversion=1e-3,
        temperature_str="K",
        temperature_conversion=1,
        pressure_str="eV/A^3",
        pressure_conversion=1 / units.GPa * 1e4,  # to bar
        time_str="ps",
        time_conversion=1,
    )
    made.system = pv.data.SystemData(
        natoms=len(atoms), nconstraints=0, ndof_reduction_tra=removed, ndof_reduction_rot=0, mass=atoms.get_masses()
    )
    fixed = {"volume": volume[0]} if ensemble == "nvt" else {"pressure": gigapascal * units.GPa}
    made.ensemble = pv.data.EnsembleData(ensemble.upper(), natoms=len(atoms), temperature=kelvin, **fixed)
    made.observables = pv.data.ObservableData(
        kinetic_energy=kinetic, potential_energy=potential, total_energy=kinetic + potential, volume=volume
    )
    return made


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # physical_validation's own
        yield


def kinetic_deviations(data):
    """How far mean and width of the kinetic energy are from those of its distribution, standard errors."""
    return pv.kinetic_energy.distribution(data, strict=False, verbosity=0, bootstrap_seed=1)


def pair_deviations(first, second):
    """How far the slopes of log ratios of distributions are from the Boltzmann factor's, standard errors."""
    return pv.ensemble.check(first, second, verbosity=0, bootstrap_seed=1)


NATIVE_STEPS, ASE_STEPS = 60_000, 8_000
NPT = {free: {"ensemble": "npt", "free": free} for free in ("isotropic", "xyz", "z", "cell")}


@pytest.mark.parametrize(
    ("engine", "steps", "cold", "hot"), [("native", NATIVE_STEPS, 300.0, 345.0), ("ase", ASE_STEPS, 40.0, 46.0)]
)
def test_nvt_at_two_temperatures(engine, steps, cold, hot):
    pair = [sample(engine, steps, kelvin=kelvin, ensemble="nvt") for kelvin in (cold, hot)]
    for data in pair:
        assert max(map(abs, kinetic_deviations(data))) < LIMIT
    assert max(map(abs, pair_deviations(*pair))) < LIMIT


@pytest.mark.parametrize(
    ("engine", "steps", "cold", "hot"), [("native", NATIVE_STEPS, 300.0, 345.0), ("ase", ASE_STEPS, 40.0, 46.0)]
)
def test_npt_at_two_temperatures(engine, steps, cold, hot):
    pair = [sample(engine, steps, kelvin=kelvin, **NPT["isotropic"]) for kelvin in (cold, hot)]
    for data in pair:
        assert max(map(abs, kinetic_deviations(data))) < LIMIT
    assert max(map(abs, pair_deviations(*pair))) < LIMIT


@pytest.mark.parametrize("free", NPT)
def test_npt_at_two_pressures(free):
    pair = [sample("native", NATIVE_STEPS, kelvin=300.0, gigapascal=p, **NPT[free]) for p in (0.0, 0.5)]
    for data in pair:
        assert max(map(abs, kinetic_deviations(data))) < LIMIT
    assert max(map(abs, pair_deviations(*pair))) < LIMIT


def twice_kinetic_energy_of_the_cell(freedoms):
    """Mean of sum p_g^2 / W of a cell free in everything, and its standard error, in kT."""
    atoms, step, kelvin, pdamp = crystal("native"), 2 * units.fs, 300.0, 100 * units.fs
    atoms.set_momenta(thermal_momenta(atoms, kelvin, np.random.default_rng(1)))
    nf = 3 * len(atoms) - 3
    dynamics = MTKNPT(
        atoms, step, kelvin, 0.0, 100 * units.fs, pdamp, degrees_of_freedom=nf, cell_degrees_of_freedom=freedoms
    )
    mass = (nf + 3) / 3 * pdamp**2  # W / kT
    dynamics.run(5000)
    found = []
    dynamics.attach(lambda: found.append((dynamics.state()["cell_momenta"] ** 2).sum()), 10)
    dynamics.run(NATIVE_STEPS)
    blocks = np.array_split(np.array(found) / (mass * (units.kB * kelvin) ** 2), 20)
    means = [block.mean() for block in blocks]
    return np.mean(means), np.std(means, ddof=1) / np.sqrt(len(means))


def test_a_free_cell_is_as_hot_as_its_atoms():
    """Its momentum is symmetric: six numbers, each with kT/2. With the nine that ASE counts it is too hot."""
    mean, error = twice_kinetic_energy_of_the_cell(6)
    assert error < 0.3
    assert abs(mean - 6) < LIMIT * error
    mean, error = twice_kinetic_energy_of_the_cell(None)
    assert mean - 6 > LIMIT * error
    assert abs(mean - 9) < abs(mean - 6)


def test_wrong_numbers_are_found():
    """Three degrees of freedom too many (as ASE counts), and temperatures and pressures that are 10 % off."""
    atoms = crystal("native")
    cold, hot = (sample("native", NATIVE_STEPS, kelvin=kelvin, **NPT["isotropic"]) for kelvin in (300.0, 345.0))
    values = np.array([cold.observables.kinetic_energy, cold.observables.potential_energy, cold.observables.volume]).T
    miscounted = describe(values, atoms, 300.0, 0.0, "npt", removed=0)
    assert max(map(abs, kinetic_deviations(miscounted))) > 5
    hot.ensemble = pv.data.EnsembleData("NPT", natoms=32, temperature=360.0, pressure=0.0)
    assert max(map(abs, pair_deviations(cold, hot))) > 3
    assert max(map(abs, kinetic_deviations(hot))) > 5
