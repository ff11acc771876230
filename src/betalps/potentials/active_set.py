"""A view of the active set that a potential file carries."""

from dataclasses import dataclass
from typing import Literal

from betalps import _core
from betalps.typing import Floats, Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class ActiveSet:
    """Equations that span the training data best: the rows of A, chosen to maximise the determinant of A.

    Podryabinkin and Shapeev, Comput. Mater. Sci. 140, 171 (2017). A row is ∂E_i/∂θ of one atom in
    neighbourhood mode, or that of a whole configuration.

    Attributes
    ----------
    mode
        Whether single site energies are graded or their sum.
    matrix
        A, shape (n, n) for n coefficients, one row per selected equation. Read-only.
    inverse_transpose
        A⁻ᵀ as stored in the file, shape (n, n). Read-only.
    configuration
        Index of each row's configuration among `configurations`, shape (n,); -1 for a row that was never
        filled.
    equation
        Index of each row's equation in its configuration, shape (n,): 0 energy, 1 to 3N forces, then nine
        of the stress, then the N site energies; -1 for a row that was never filled.
    unfilled
        Rows that still hold 1e-6 times the unit matrix. The training data say nothing about their
        direction, and a structure that has a component along it gets a grade of 1e4 or more.
    energy_weight, force_weight, stress_weight, site_energy_weight
        Weights of the equations when the set was selected.
    weight_scaling
        Equations of N atoms were divided by N^(weight_scaling/2).
    configurations
        The selected configurations as MLIP ``.cfg`` text.
    """

    mode: Literal["neighbourhood", "configuration"]
    matrix: Floats
    inverse_transpose: Floats
    configuration: Ints
    equation: Ints
    unfilled: int
    energy_weight: float
    force_weight: float
    stress_weight: float
    site_energy_weight: float
    weight_scaling: int
    configurations: str

    @property
    def size(self) -> int:
        """The number n of rows, which is the number of coefficients."""
        return len(self.matrix)

    def __repr__(self) -> str:
        return f"ActiveSet(mode={self.mode!r}, size={self.size}, unfilled={self.unfilled})"


def view(core: _core.ActiveSet) -> ActiveSet:
    """The compiled core's active set as a dataclass, its arrays as copies that cannot be written to."""
    found = ActiveSet(
        mode="neighbourhood" if core.neighbourhood_mode else "configuration",
        matrix=core.matrix,
        inverse_transpose=core.inverse_transpose,
        configuration=core.configuration,
        equation=core.equation,
        unfilled=core.unfilled,
        energy_weight=core.energy_weight,
        force_weight=core.force_weight,
        stress_weight=core.stress_weight,
        site_energy_weight=core.site_energy_weight,
        weight_scaling=core.weight_scaling,
        configurations=core.configurations.decode("utf-8", errors="replace"),
    )
    for array in (found.matrix, found.inverse_transpose, found.configuration, found.equation):
        array.setflags(write=False)
    return found


def to_core(active_set: ActiveSet) -> _core.ActiveSet:
    """The dataclass as the compiled core's active set."""
    return _core.ActiveSet(
        matrix=active_set.matrix,
        inverse_transpose=active_set.inverse_transpose,
        configuration=active_set.configuration,
        equation=active_set.equation,
        energy_weight=active_set.energy_weight,
        force_weight=active_set.force_weight,
        stress_weight=active_set.stress_weight,
        site_energy_weight=active_set.site_energy_weight,
        weight_scaling=active_set.weight_scaling,
        configurations=active_set.configurations,
    )
