"""Rings and how long they last."""

from __future__ import annotations

import numpy as np

from betalps.analysis import RingLifetimes, Rings
from betalps.reports.presentation.quantity import Presentation, Quantity, present
from betalps.reports.rings import plot_persistence, plot_persistent_fraction, plot_ring_lifetimes, plot_ring_sizes

_MOST_SIZES = 6


@present.register
def _(result: Rings) -> Presentation:
    told = [
        Quantity(name="rings of a snapshot", value=len(result.births) / len(result.times)),
        *(
            Quantity(name=f"f_PD, L > {cut:g} Å", value=float(fraction), error=float(error))
            for cut, fraction, error in zip(result.cuts, result.fraction, result.fraction_error, strict=True)
        ),
    ]
    sizes = np.flatnonzero(result.size_fraction > 0.0)[:_MOST_SIZES]
    for k in sizes:
        share, error = 100.0 * float(result.size_fraction[k]), 100.0 * float(result.size_fraction_error[k])
        name = f"rings of {result.ring_sizes[k]} {result.species}"
        told.append(Quantity(name=name, value=share, error=error, unit="%", note="of those above the cut"))
    figures = {"fraction": lambda: plot_persistent_fraction(result), "sizes": lambda: plot_ring_sizes(result)}
    if len(result.births):
        figures = {"diagram": lambda: plot_persistence(result), **figures}
    return Presentation(
        title=f"Rings of {result.species}",
        quantities=tuple(told),
        figures=figures,
        notes=(
            result.definition,
            f"{len(result.times)} snapshots of {result.ions.mean():.1f} {result.species}",
        ),
    )


@present.register
def _(result: RingLifetimes) -> Presentation:
    total = result.total
    if total.bound is None:
        note = "" if total.resolved else "not resolved: most rings break from one frame to the next"
        # Half of the rings are gone after ln 2 lifetimes.
        value = total.lifetime if total.resolved else f"below {result.lags[1] / np.log(2.0):.3g}"
        life = Quantity(name="mean lifetime of a ring", value=value, error=total.lifetime_error, unit="ps", note=note)
    else:
        life = Quantity(name="mean lifetime of a ring", value=f"above {total.bound:.3g}", unit="ps", note="none broke")
    return Presentation(
        title="Lifetimes of rings",
        quantities=(
            life,
            Quantity(name="different rings", value=total.distinct, note="sets of ions"),
            Quantity(name="breaks", value=total.breaks),
        ),
        figures={"": lambda: plot_ring_lifetimes(result)},
        notes=(result.parameters["definition"],),
    )
