"""The thermostat against ASE's, against plain velocity Verlet, and against the canonical ensemble."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.lj import LennardJones
from ase.constraints import FixAtoms
from ase.md.bussi import Bussi
from ase.md.verlet import VelocityVerlet

from betalps.dynamics import NVT, UnstableRunError
from betalps.dynamics.integrator import BussiVerlet, thermal_momenta


class Springs(Calculator):
    """Every atom tied to its place: the harmonic crystal, whose canonical distribution is known."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, places, stiffness):
        super().__init__()
        self.places, self.stiffness = places, stiffness

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        shift = atoms.positions - self.places
        shift = shift - shift.mean(axis=0)  # only the relative coordinates: the total momentum is kept
        self.results = {
            "energy": 0.5 * float((self.stiffness * shift**2).sum()),
            "forces": -self.stiffness * shift,
        }


def start(atoms, settings, seed, heat=0.0):
    rng = np.random.default_rng(seed)
    momenta = thermal_momenta(atoms, settings.temperature, rng)
    return BussiVerlet(atoms, settings, momenta=momenta, rng=rng, heat=heat), momenta.copy()


def many_steps(motion, n):
    for _ in range(n):
        motion.step()


def lennard_jones():
    return LennardJones(epsilon=0.0104, sigma=3.40, rc=6.5, ro=5.5, smooth=True)


def test_is_ase_bussi_with_the_right_degrees_of_freedom(argon):
    settings = NVT(temperature=70.0, timestep=3.0, thermostat_time=0.05)
    argon.calc = lennard_jones()
    other = argon.copy()
    other.calc = lennard_jones()
    ours, momenta = start(argon, settings, 3)
    other.set_momenta(momenta)
    rng = np.random.default_rng(3)
    thermal_momenta(other, 70.0, rng)  # bring the generator to the same state
    reference = Bussi(other, 3.0 * units.fs, 70.0, 50.0 * units.fs, rng=rng)
    reference.ndof = 3 * len(other) - 3
    reference.target_kinetic_energy = 0.5 * units.kB * 70.0 * reference.ndof
    for _ in range(50):
        ours.step()
        reference.step()
    np.testing.assert_allclose(argon.positions, other.positions, atol=1e-10)
    np.testing.assert_allclose(ours.momenta, other.get_momenta(), atol=1e-10)
    assert ours.heat == pytest.approx(reference.transferred_energy, abs=1e-10)


def test_weak_coupling_is_velocity_verlet(argon):
    settings = NVT(temperature=50.0, timestep=2.0, thermostat_time=1e12)
    argon.calc = lennard_jones()
    other = argon.copy()
    other.calc = lennard_jones()
    ours, momenta = start(argon, settings, 1)
    other.set_momenta(momenta)
    reference = VelocityVerlet(other, 2.0 * units.fs)
    for _ in range(100):
        ours.step()
        reference.step()
    np.testing.assert_allclose(argon.positions, other.positions, atol=1e-5)


def test_conserved_energy_and_momentum(argon):
    argon.calc = lennard_jones()
    ours, _ = start(argon, NVT(temperature=60.0, timestep=4.0, thermostat_time=0.1), 5)
    conserved, kinetic = [], []
    for _ in range(500):
        ours.step()
        _, _, k, c = ours.energies()
        conserved.append(c)
        kinetic.append(k)
    assert np.std(kinetic) > 5e-3  # the thermostat works ...
    assert np.ptp(conserved) < 2e-3  # ... and its heat is accounted for
    np.testing.assert_allclose(ours.momenta.sum(axis=0), 0.0, atol=1e-10)


@pytest.mark.physics
def test_samples_the_canonical_distribution():
    """Potential and kinetic energy of a harmonic crystal are Gamma distributed with 3N - 3 halves each."""
    n, temperature = 8, 300.0
    atoms = Atoms(f"Cu{n}", positions=np.random.default_rng(0).uniform(0, 10, (n, 3)))
    masses = atoms.get_masses()[:, None]
    frequency = 2 * np.pi / (60.0 * units.fs)
    atoms.calc = Springs(atoms.positions.copy(), masses * frequency**2)
    ours, _ = start(atoms, NVT(temperature=temperature, timestep=1.0, thermostat_time=0.02), 11)
    for _ in range(2000):
        ours.step()
    samples = []
    for _ in range(2500):
        for _ in range(20):
            ours.step()
        _, potential, kinetic, _ = ours.energies()
        samples.append((potential, kinetic))
    dof, kt = 3 * n - 3, units.kB * temperature
    for column in np.array(samples).T:
        # One correlation time of the total energy is about 2 thermostat times: 1250 independent samples.
        assert column.mean() == pytest.approx(0.5 * dof * kt, rel=5 * np.sqrt(2 / dof / 1250))
        assert column.var() == pytest.approx(0.5 * dof * kt**2, rel=5 * np.sqrt(2 / 1250) * 1.3)


def test_initial_momenta(argon):
    atoms = argon.repeat((3, 3, 3))
    momenta = thermal_momenta(atoms, 120.0, np.random.default_rng(2))
    np.testing.assert_allclose(momenta.sum(axis=0), 0.0, atol=1e-9)
    kinetic = 0.5 * (momenta**2 / atoms.get_masses()[:, None]).sum()
    dof = 3 * len(atoms) - 3
    assert 2 * kinetic / dof / units.kB == pytest.approx(120.0, rel=5 * np.sqrt(2 / dof))
    again = thermal_momenta(atoms, 120.0, np.random.default_rng(2))
    np.testing.assert_array_equal(momenta, again)


def test_explosion_is_a_clear_error(argon):
    argon.positions[0] = argon.positions[1] + [1.2, 0, 0]
    argon.calc = lennard_jones()
    ours, _ = start(argon, NVT(temperature=60.0), 5)
    with pytest.raises(UnstableRunError, match=r"temperature .* K where 60 K was asked for and at most 300 K"):
        many_steps(ours, 50)


def test_nan_is_a_clear_error(argon):
    argon.calc = lennard_jones()
    ours, _ = start(argon, NVT(temperature=60.0), 5)
    ours.momenta[0, 0] = np.nan
    with pytest.raises(UnstableRunError, match="kinetic temperature nan"):
        ours.step()


def test_constraints_and_single_atoms_are_refused(argon):
    argon.calc = lennard_jones()
    argon.set_constraint(FixAtoms([0]))
    with pytest.raises(ValueError, match="constraints are not supported"):
        start(argon, NVT(temperature=60.0), 5)
    single = Atoms("Ar")
    single.calc = lennard_jones()
    with pytest.raises(ValueError, match="at least two atoms"):
        start(single, NVT(temperature=60.0), 5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0.0),
        ("temperature", float("nan")),
        ("timestep", -1.0),
        ("thermostat_time", float("inf")),
        ("frame_interval", 0),
        ("frame_interval", 1.5),
        ("checkpoint_interval", 0),
        ("equilibration", -1),
    ],
)
def test_bad_settings_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must be .*, got {value!r}"):
        NVT(**{"temperature": 300.0, name: value})
