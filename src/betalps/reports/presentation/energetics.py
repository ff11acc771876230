"""Lattice, elastic constants, equation of state."""

from __future__ import annotations

from betalps.analysis import BulkProperties, ElasticTensor, EquationOfState, Lattice
from betalps.reports.bulk import plot_elastic_tensor, plot_equation_of_state
from betalps.reports.presentation.quantity import Presentation, Quantity, present

_UNEQUAL = "the run is not equilibrated: its volume still drifts ({:+.1f} standard errors from half to half)"
_UNFINISHED = "a relaxation did not reach its limit"


@present.register
def _(result: Lattice) -> Presentation:
    rows = [
        Quantity(name=name, value=float(result.lengths[k]), error=float(result.lengths_error[k]), unit="Å")
        for k, name in enumerate("abc")
    ]
    rows += [
        Quantity(name=name, value=float(result.angles[k]), error=float(result.angles_error[k]), unit="°")
        for k, name in enumerate("αβγ")
    ]
    rows += [
        Quantity(name="volume", value=result.volume, error=result.volume_error, unit="Å³"),
        Quantity(name="density", value=result.density, error=result.density_error, unit="g/cm³"),
    ]
    if result.energy is not None:
        rows.append(Quantity(name="energy", value=result.energy, unit="eV/atom"))
    notes = ["of one unit cell: the run holds {} × {} × {}".format(*result.parameters["supercell"])]
    if result.space_group is not None:
        notes.append(f"space group {result.space_group}")
    if result.equilibrated is False:
        notes.append(_UNEQUAL.format(result.drift))
    if result.converged is False:
        notes.append(_UNFINISHED)
    return Presentation(title="Lattice", quantities=tuple(rows), notes=tuple(notes))


@present.register
def _(result: ElasticTensor) -> Presentation:
    rows = [
        Quantity(name="bulk modulus", value=result.bulk_modulus, error=result.bulk_modulus_error, unit="GPa"),
        Quantity(name="shear modulus", value=result.shear_modulus, error=result.shear_modulus_error, unit="GPa"),
        Quantity(name="Young's modulus", value=result.young_modulus, error=result.young_modulus_error, unit="GPa"),
        Quantity(name="Poisson's ratio", value=result.poisson_ratio, error=result.poisson_ratio_error),
        Quantity(name="universal anisotropy", value=result.anisotropy),
        Quantity(name="stable (Born)", value="yes" if result.stable else "NO"),
    ]
    notes = ["moduli: Hill's means of Voigt's and Reuss's bounds; errors: of the fit alone"]
    if result.space_group is not None:
        notes.append(f"{result.independent} constants, space group {result.space_group}")
    return Presentation(
        title="Elastic constants",
        quantities=tuple(rows),
        figures={"": lambda: plot_elastic_tensor(result)},
        notes=(*notes, *(() if result.converged else (_UNFINISHED,))),
    )


@present.register
def _(result: EquationOfState) -> Presentation:
    per_atom = 1.0 / result.atoms
    return Presentation(
        title="Equation of state",
        quantities=(
            Quantity(
                name="volume", value=per_atom * result.volume, error=per_atom * result.volume_error, unit="Å³/atom"
            ),
            Quantity(name="bulk modulus", value=result.bulk_modulus, error=result.bulk_modulus_error, unit="GPa"),
            Quantity(name="its derivative", value=result.derivative, error=result.derivative_error),
        ),
        figures={"": lambda: plot_equation_of_state(result)},
        notes=() if result.converged else (_UNFINISHED,),
    )


@present.register
def _(result: BulkProperties) -> Presentation:
    parts = {"lattice": present(result.lattice), "elastic": present(result.elastic)}
    if result.equation_of_state is not None:
        parts["equation-of-state"] = present(result.equation_of_state)
    return Presentation(
        title=f"Bulk properties of {result.formula}",
        quantities=tuple(one for part in parts.values() for one in part.quantities),
        figures={name: figure for name, part in parts.items() for figure in part.figures.values()},
        notes=tuple(dict.fromkeys(note for part in parts.values() for note in part.notes)),
    )
