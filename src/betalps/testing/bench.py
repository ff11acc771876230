"""The single checks of a calculator: each measures one deviation."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.testing.report import Check
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

# Central differences of fourth order: weights at -2h, -h, h, 2h.
_STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))
# Large against rounding, and small because the second derivative of many potentials jumps at their cutoff: a
# strain moves a pair that is 5 Å long by five times as much.
_STEP = 5e-4  # Å
_STRAIN_STEP = 1e-4
_VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


class NotApplicableError(Exception):
    """A check that has no meaning for this calculator or structure; says why."""


@dataclass(frozen=True)
class _Properties:
    """Energy per atom, forces, and virial per atom (None without stress)."""

    energy: float
    forces: Floats
    virial: Floats | None


class Bench:
    """A calculator and the structure on which it is examined."""

    def __init__(
        self,
        calc: BaseCalculator,
        atoms: Atoms,
        rng: np.random.Generator,
        derivative: float,
        invariance: float,
    ) -> None:
        self.calc, self.atoms, self.rng = calc, atoms, rng
        self.derivative, self.invariance = derivative, invariance
        self.has_stress = "stress" in calc.implemented_properties and bool(atoms.pbc.all())
        self.base = self.evaluate(atoms)

    def evaluate(self, atoms: Atoms, calc: BaseCalculator | None = None) -> _Properties:
        """Evaluate a structure afresh with the calculator, or with another one."""
        work: Atoms = atoms.copy()
        work.calc = calc or self.calc
        virial = None
        if self.has_stress:
            virial = _matrix(work.get_stress()) * work.get_volume() / len(work)
        return _Properties(work.get_potential_energy() / len(work), work.get_forces(), virial)

    def energy(self, atoms: Atoms) -> float:
        """Energy of a structure, eV."""
        work: Atoms = atoms.copy()
        work.calc = self.calc
        return float(work.get_potential_energy())

    def slope(self, deformed: Callable[[float], Atoms], step: float) -> float:
        """Differentiate the energy along a path of structures."""
        return sum(weight * self.energy(deformed(k * step)) for k, weight in _STENCIL) / step

    # ------------------------------------------------------------------------------------------- derivatives

    def forces(self, samples: int) -> Check:
        """Compare forces with differences of the energy: some components, and displacements of all atoms."""
        n = len(self.atoms)
        moves = []
        for atom in self.rng.choice(n, size=min(samples, n), replace=False):
            for axis in range(3):
                move = np.zeros((n, 3))
                move[atom, axis] = 1.0
                moves.append((f"atom {atom}, {'xyz'[axis]}", move))
        for k in range(samples):
            move = self.rng.normal(size=(n, 3))
            moves.append((f"random displacement {k} of all atoms", move / np.linalg.norm(move)))
        errors = []
        for where, move in moves:
            slope = self.slope(lambda s, move=move: _moved(self.atoms, s * move), _STEP)  # type: ignore[misc]
            errors.append((abs(slope + float((self.base.forces * move).sum())), where))
        worst, where = max(errors, key=_badness)
        scale = max(1.0, float(np.abs(self.base.forces).max()))
        return Check(name="forces", deviation=float(worst / scale), tolerance=self.derivative, unit="eV/Å", where=where)

    def stress(self) -> Check:
        """Compare all six components of the stress with differences of the energy."""
        if self.base.virial is None:
            raise NotApplicableError("no stress, or not periodic in three directions")
        errors = []
        for i, j in _VOIGT:
            strain = np.zeros((3, 3))
            strain[i, j] += 0.5
            strain[j, i] += 0.5
            slope = self.slope(lambda s, strain=strain: _strained(self.atoms, s * strain), _STRAIN_STEP)  # type: ignore[misc]
            errors.append((abs(slope / len(self.atoms) - self.base.virial[i, j]), "xyz"[i] + "xyz"[j]))
        worst, where = max(errors, key=_badness)
        scale = max(1.0, float(np.abs(self.base.virial).max()))
        return Check(
            name="stress",
            deviation=float(worst / scale),
            tolerance=self.derivative,
            unit="eV/atom",
            where=where,
        )

    def site_energies(self) -> Check:
        """Check that site energies add up to the energy."""
        if "energies" not in self.calc.implemented_properties:
            raise NotApplicableError("no site energies")
        work: Atoms = self.atoms.copy()
        work.calc = self.calc
        error = abs(float(work.get_potential_energies().mean()) - self.base.energy)
        return self._invariance("site energies", error, "their sum against the energy")

    # -------------------------------------------------------------------------------------------- invariances

    def translation(self) -> Check:
        """Shift everything by a random vector."""
        shift = self.rng.uniform(-20.0, 20.0, 3)
        return self._same("translation", self.evaluate(_moved(self.atoms, shift)), self.base)

    def images(self) -> Check:
        """Move every atom to a random one of its periodic images."""
        if not self.atoms.pbc.any():
            raise NotApplicableError("not periodic")
        hops = self.rng.integers(-2, 3, (len(self.atoms), 3)) * self.atoms.pbc
        return self._same("periodic images", self.evaluate(_moved(self.atoms, hops @ self.atoms.cell[:])), self.base)

    def rotation(self) -> Check:
        """Turn atoms and cell by a random rotation; forces and stress must turn with them."""
        q, r = np.linalg.qr(self.rng.normal(size=(3, 3)))
        q = q * np.sign(np.diag(r))
        q[:, 0] *= np.linalg.det(q)
        turned: Atoms = self.atoms.copy()
        turned.set_cell(turned.cell[:] @ q.T, scale_atoms=False)
        turned.positions = self.atoms.positions @ q.T
        virial = None if self.base.virial is None else q @ self.base.virial @ q.T
        expected = _Properties(self.base.energy, self.base.forces @ q.T, virial)
        return self._same("rotation", self.evaluate(turned), expected)

    def permutation(self) -> Check:
        """Number the atoms in a random order."""
        order = self.rng.permutation(len(self.atoms))
        expected = _Properties(self.base.energy, self.base.forces[order], self.base.virial)
        return self._same("permutation", self.evaluate(self.atoms[order]), expected)

    def supercell(self) -> Check:
        """Describe the same crystal by a cell twice as long along its shortest periodic axis."""
        if not self.atoms.pbc.any():
            raise NotApplicableError("not periodic")
        lengths = np.where(self.atoms.pbc, self.atoms.cell.lengths(), np.inf)
        repeats = np.ones(3, dtype=int)
        repeats[int(np.argmin(lengths))] = 2
        expected = _Properties(self.base.energy, np.tile(self.base.forces, (2, 1)), self.base.virial)
        return self._same("supercell", self.evaluate(self.atoms.repeat(repeats.tolist())), expected)

    # ------------------------------------------------------------------------------------- ASE's conventions

    def copies(self, name: str, duplicate: Callable[[Any], Any]) -> Check:
        """Check that a copy of the calculator computes the same."""
        try:
            twin = duplicate(self.calc)
        except Exception as error:  # noqa: BLE001 (whatever it raises is the finding)
            return self._invariance(name, np.inf, f"{type(error).__name__}: {error}")
        self.evaluate(_moved(self.atoms, self.rng.normal(0, 0.1, self.atoms.positions.shape)), twin)
        return self._same(name, self.evaluate(self.atoms, twin), self.base)

    def isolation(self) -> Check:
        """Alternate between structures that differ in one thing each; a fresh calculator is the reference."""
        worst = self._invariance("isolation", 0.0, "")
        for what, other in self._others():
            fresh = copy.deepcopy(self.calc)
            fresh.reset() if hasattr(fresh, "reset") else None
            expected = self.evaluate(other, fresh)
            for which, atoms, reference in (
                (what, other, expected),
                ("the first again", self.atoms, self.base),
            ):
                check = self._same("isolation", self.evaluate(atoms), reference)
                if _badness((check.deviation, "")) > worst.deviation:
                    worst = self._invariance("isolation", check.deviation, f"{which}: {check.where}")
        return worst

    def _others(self) -> Iterator[tuple[str, Atoms]]:
        yield "other positions", _moved(self.atoms, self.rng.normal(0, 0.02, self.atoms.positions.shape))
        yield "one atom moved by 1e-6 Å", _moved(self.atoms, 1e-6 * np.eye(len(self.atoms), 3))
        if self.atoms.pbc.any():
            yield "other cell", _strained(self.atoms, 0.01 * np.eye(3))
        species = self.atoms.numbers
        if len(set(species.tolist())) > 1:
            swapped: Atoms = self.atoms.copy()
            swapped.numbers = species[::-1]
            yield "other species", swapped
        yield "more atoms", self.atoms.repeat(1) if not self.atoms.pbc.any() else self.atoms.repeat((1, 1, 2))

    def results_stay(self) -> Check:
        """Change what was handed out, and compute another structure: neither may touch earlier results."""
        work: Atoms = self.atoms.copy()
        work.calc = self.calc
        kept = work.get_forces()
        self.evaluate(_moved(self.atoms, self.rng.normal(0, 0.02, self.atoms.positions.shape)))
        overwritten = float(np.abs(kept - self.base.forces).max())
        work.get_forces()[:] = 1e3
        spoilt = float(np.abs(work.get_forces() - self.base.forces).max())
        where = "an array handed out earlier changed" if overwritten > spoilt else "the caller's change came back"
        error = max(overwritten, spoilt)
        return self._invariance("results are copies", error, where if error > self.invariance else "")

    def input_unchanged(self) -> Check:
        """Check that positions, cell, species and periodicity are as they were."""
        work: Atoms = self.atoms.copy()
        work.calc = self.calc
        work.get_potential_energy()
        work.get_forces()
        changes = [
            (
                float(np.abs(np.asarray(getattr(work, name)[:], float) - getattr(self.atoms, name)[:]).max()),
                name,
            )
            for name in ("positions", "cell", "numbers", "pbc")
        ]
        worst, where = max(changes)
        return self._invariance("input unchanged", worst, where if worst else "")

    # -------------------------------------------------------------------------------------------------- tools

    def _invariance(self, name: str, deviation: float, where: str) -> Check:
        return Check(
            name=name,
            deviation=float(deviation),
            tolerance=self.invariance,
            unit="eV/atom or eV/Å",
            where=where,
        )

    def _same(self, name: str, found: _Properties, expected: _Properties) -> Check:
        pairs = [
            ("energy", np.array(found.energy), np.array(expected.energy)),
            ("forces", found.forces, expected.forces),
        ]
        if found.virial is not None and expected.virial is not None:
            pairs.append(("stress", found.virial, expected.virial))
        errors = []
        for what, a, b in pairs:
            if a.shape != b.shape:
                errors.append((np.inf, f"{what} of shape {a.shape}, expected {b.shape}"))
            else:
                errors.append((float(np.abs(a - b).max() / max(1.0, np.abs(b).max())), what))
        worst, where = max(errors, key=_badness)
        return self._invariance(name, worst, where)


def _badness(error: tuple[float, str]) -> float:
    """Order deviations so that one that is not a number is the worst."""
    return np.inf if np.isnan(error[0]) else error[0]


def _moved(atoms: Atoms, move: Floats) -> Atoms:
    moved: Atoms = atoms.copy()
    moved.positions += move
    return moved


def _strained(atoms: Atoms, strain: Floats) -> Atoms:
    strained: Atoms = atoms.copy()
    strained.set_cell(atoms.cell[:] @ (np.eye(3) + strain), scale_atoms=False)
    strained.positions = atoms.positions @ (np.eye(3) + strain)
    return strained


def _matrix(voigt: Floats) -> Floats:
    xx, yy, zz, yz, xz, xy = np.asarray(voigt, dtype=float)
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
