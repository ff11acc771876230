"""A small crystal and a quick potential for it."""

import numpy as np
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from betalps.protocols import RunSpec, Stage


class Morse(Calculator):
    """Morse pairs whose energy and force go to zero at 5 Å: all pairs at once, nearest image."""

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012
    depth, width, length, reach = 0.02, 3.0, 3.82, 5.0

    def pair(self, distance):
        decay = np.exp(-self.width * (distance - self.length))
        return self.depth * (decay**2 - 2 * decay), -2 * self.width * self.depth * (decay**2 - decay)

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        cell = atoms.cell.array
        i, j = np.triu_indices(len(atoms), 1)
        vectors = atoms.positions[j] - atoms.positions[i]
        vectors -= np.rint(vectors @ np.linalg.inv(cell)) @ cell
        distance = np.sqrt((vectors**2).sum(axis=1))
        near = distance < self.reach
        i, j, vectors, distance = i[near], j[near], vectors[near], distance[near]
        (energies, slopes), (at_end, slope_at_end) = self.pair(distance), self.pair(self.reach)
        pull = ((slopes - slope_at_end) / distance)[:, None] * vectors
        forces = np.zeros((len(atoms), 3))
        for axis in range(3):
            forces[:, axis] = np.bincount(i, pull[:, axis], len(atoms)) - np.bincount(j, pull[:, axis], len(atoms))
        energy = float((energies - at_end - slope_at_end * (distance - self.reach)).sum())
        self.results = {"energy": energy, "free_energy": energy, "forces": forces}
        self.results["stress"] = full_3x3_to_voigt_6_stress(pull.T @ vectors) / atoms.get_volume()


class Remembering(Morse):
    """A calculator with a memory: like a neighbour list that ages, its rounding depends on its past."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.calls += 1
        self.results["forces"] = self.results["forces"] * (1.0 + 1e-15 * self.calls)


def argon(edge=5.4):
    return bulk("Ar", "fcc", a=edge, cubic=True).repeat((2, 2, 2))


def spec(*stages, timestep=4.0, **settings):
    """A run of 4 fs steps: a frame every 5 steps, a line every 5, a checkpoint every 8."""
    every = {"frame_interval": 0.02, "thermo_interval": 0.02, "checkpoint_interval": 0.032}
    return RunSpec(stages=stages or (stage(),), timestep=timestep, **{**every, **settings})


def stage(name="hold", steps=40, ensemble="nvt", temperature=60.0, **settings):
    return Stage(name=name, time=4e-3 * steps, ensemble=ensemble, temperature=temperature, **settings)
