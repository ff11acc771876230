"""What Python sees of native dynamics: the atoms and the results of their calculator, kept at the present step."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from betalps import _core
from betalps.calculators.mtp import MTP, ase_results


class Mirror:
    """Atoms that follow the core, and whatever Python code does to them in between.

    Parameters
    ----------
    atoms
        With an MTP, without constraints; momenta are added if there are none.
    ase_class
        Named where something is refused that this class of ASE's does.

    Raises
    ------
    TypeError
        The calculator is not an MTP.
    ValueError
        The atoms are constrained.
    """

    def __init__(self, atoms: Atoms, ase_class: str) -> None:
        self.atoms = atoms
        self._ase_class = ase_class
        self._refuse()
        self.calculator: MTP = atoms.calc
        if not atoms.has("momenta"):
            atoms.set_momenta(np.zeros((len(atoms), 3)))
        self._fixed = (atoms.numbers.copy(), atoms.pbc.copy(), atoms.get_masses())
        self._shown = Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        self._shown.set_momenta(atoms.get_momenta())

    def _refuse(self) -> None:
        calculator = self.atoms.calc
        if not isinstance(calculator, MTP) or type(calculator).calculate is not MTP.calculate:
            found = "no calculator" if calculator is None else f"a {type(calculator).__name__}"
            raise TypeError(f"found {found}, expected a betalps.MTP: for other calculators use {self._ase_class}")
        if self.atoms.constraints:
            kinds = ", ".join(type(constraint).__name__ for constraint in self.atoms.constraints)
            raise ValueError(f"the atoms carry constraints ({kinds}), which need {self._ase_class}")

    def tell(self, core: _core.Dynamics) -> None:
        """Tell the core what was done to positions, momenta and cell since they were shown.

        Raises
        ------
        ValueError
            Something else changed that the core holds: numbers, pbc, masses, the calculator, constraints.
        """
        atoms, shown = self.atoms, self._shown
        self._refuse()
        if atoms.calc is not self.calculator:
            raise ValueError("the atoms have another calculator than at the start: make new dynamics for it")
        now = (atoms.numbers, atoms.pbc, atoms.get_masses())
        for name, before, after in zip(("numbers", "pbc", "masses"), self._fixed, now, strict=True):
            if not np.array_equal(before, after):
                raise ValueError(f"{name} of the atoms changed since the start: make new dynamics for them")
        momenta = atoms.get_momenta()
        pairs = (
            (shown.positions, atoms.positions),
            (shown.arrays["momenta"], momenta),
            (shown.cell.array, atoms.cell.array),
        )
        if not all(np.array_equal(before, after) for before, after in pairs):
            core.set(atoms.positions, momenta, atoms.cell.array)

    def show(self, core: _core.Dynamics) -> None:
        """Bring atoms and calculator to the core's step."""
        positions, momenta, cell = core.positions, core.momenta, core.cell
        self.atoms.set_momenta(momenta)
        self._shown.set_momenta(momenta)
        for atoms in (self.atoms, self._shown):
            atoms.positions[:] = positions
            atoms.cell[:] = cell
        self.calculator.atoms = self._shown
        out = core.results()
        results = ase_results(out["energy"], out["energies"], out["forces"], out["virials"], self.atoms.cell.array)
        if "grades" in out:
            results.update(grade=float(out["grades"].max()), site_grades=out["grades"])
        self.calculator.results = results
