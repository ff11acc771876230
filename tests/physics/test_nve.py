"""Newtonian dynamics of β-Li3PS4 with the bundled potential: what is conserved, and time turned back."""

import numpy as np
import pytest
from ase import units
from ase.md.verlet import VelocityVerlet

from betalps import MTP
from betalps.calculators import Engine
from betalps.structures import beta_li3ps4

pytestmark = pytest.mark.physics
BUNDLED = "beta-lps"


class Newton:
    """Velocity Verlet on arrays: 128 atoms that start in the relaxed crystal with random momenta."""

    def __init__(self, *, kelvin=300.0, timestep=2.0, seed=0, **settings):
        self.atoms = beta_li3ps4((1, 2, 2))
        self.engine = Engine(BUNDLED, threads=1, **settings)
        self.timestep = timestep * units.fs
        self.masses = self.atoms.get_masses()[:, None]
        self.positions = self.atoms.positions.copy()
        momenta = np.random.default_rng(seed).normal(size=(128, 3)) * np.sqrt(self.masses * units.kB * 2 * kelvin)
        # twice the temperature: half of it goes into the potential energy
        self.momenta = momenta - self.masses * momenta.sum(axis=0) / self.masses.sum()
        self.evaluate()

    def evaluate(self):
        atoms = self.atoms
        self.out = self.engine.evaluate(self.positions, atoms.numbers, atoms.cell.array, True)

    def run(self, steps):
        for _ in range(steps):
            self.momenta += 0.5 * self.timestep * self.out.forces
            self.positions += self.timestep * self.momenta / self.masses
            self.evaluate()
            self.momenta += 0.5 * self.timestep * self.out.forces

    def energies(self, blocks, steps):
        """Total energy per atom, meV, after each of `blocks` runs of `steps` steps."""
        found = []
        for _ in range(blocks):
            self.run(steps)
            found.append(1e3 * (self.out.energy + self.kinetic) / 128)
        return np.array(found)

    @property
    def kinetic(self):
        return 0.5 * float((self.momenta**2 / self.masses).sum())

    @property
    def temperature(self):
        return 2 * self.kinetic / (3 * 127 * units.kB)


def slope(times, energies):
    return float(np.polyfit(times, energies, 1)[0])


@pytest.mark.slow
def test_energy_drift_over_100_ps():
    """Less than 1 meV/atom is promised; -0.04 to 0.03 was found, with the noise of a finite run in it."""
    run = Newton()
    run.run(500)
    energies = run.energies(2000, 25)  # one every 50 fs
    times = 0.05 * np.arange(2000)  # ps
    drift = 100 * slope(times, energies)
    assert abs(drift) < 0.2
    halves = [100 * slope(times[half], energies[half]) for half in (slice(1000), slice(1000, None))]
    assert max(map(abs, halves)) < 0.4
    assert np.ptp(energies) < 0.3
    assert 250 < run.temperature < 360
    assert np.abs(run.momenta.sum(axis=0)).max() < 1e-10 * np.abs(run.momenta).max()
    assert run.engine.rebuilds > 3  # the list was rebuilt along the way, which nothing noticed


@pytest.mark.parametrize("precision", ["double", "mixed"])
def test_energy_is_conserved_over_5_ps(precision):
    run = Newton(precision=precision, seed=1)
    run.run(250)
    energies = run.energies(250, 10)
    assert np.std(energies) < 0.03
    assert abs(slope(0.02 * np.arange(250), energies)) < 0.01  # meV/atom per ps
    momentum = np.abs(run.momenta.sum(axis=0)).max() / np.abs(run.momenta).max()
    assert momentum < (1e-11 if precision == "double" else 1e-4)


def test_fluctuations_are_those_of_the_integrator():
    """They fall with the square of the time step: the forces are the derivatives of the energy, all along."""
    sizes = []
    for timestep, every in ((4.0, 1), (2.0, 2), (1.0, 4)):
        run = Newton(timestep=timestep, seed=2)
        run.run(50 * every)
        sizes.append(np.std(run.energies(200, every)))
    assert 3.3 < sizes[0] / sizes[1] < 5
    assert 3.3 < sizes[1] / sizes[2] < 5


def test_time_reversal():
    run = Newton(seed=3)
    start, momenta = run.positions.copy(), run.momenta.copy()
    run.run(200)
    assert np.abs(run.positions - start).max() > 0.3
    run.momenta *= -1
    run.run(200)
    assert np.abs(run.positions - start).max() < 1e-9
    assert np.abs(run.momenta + momenta).max() < 1e-9 * np.abs(momenta).max()


def test_ase_integrates_the_same():
    run = Newton(seed=4)
    atoms = run.atoms.copy()
    atoms.calc = MTP(BUNDLED, threads=1)
    atoms.set_momenta(run.momenta)
    VelocityVerlet(atoms, 2 * units.fs).run(100)
    run.run(100)
    np.testing.assert_allclose(atoms.positions, run.positions, rtol=0, atol=1e-10)
