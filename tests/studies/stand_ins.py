"""Calculators that stand in for a potential where a test is about the study, not the physics."""

import numpy as np
from ase.calculators.calculator import Calculator, all_changes


class Einstein(Calculator):
    """Every atom on its own spring: a crystal in which nothing diffuses."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012
    stiffness = 5.0

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        if not hasattr(self, "places"):
            from betalps.structures import beta_li3ps4

            self.places = beta_li3ps4((1, 1, len(atoms) // 32)).positions
        shift = atoms.positions - self.places
        shift = shift - shift.mean(axis=0)
        self.results = {
            "energy": 0.5 * self.stiffness * float((shift**2).sum()),
            "forces": -self.stiffness * shift,
        }


class Explosive(Einstein):
    """Pushes harder the farther an atom is from its place."""

    stiffness = -50.0


class ExplosiveWhenHot(Einstein):
    """Blows up once the mean square displacement is that of a hot crystal."""

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        if self.results["energy"] > 0.25 * len(atoms):
            self.results["forces"] = -100.0 * self.results["forces"]


class NotANumber(Einstein):
    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results["forces"] = np.full((len(atoms), 3), np.nan)
