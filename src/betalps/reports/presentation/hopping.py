"""Sites of a crystal and jumps between them."""

from __future__ import annotations

from betalps.analysis import JumpActivation, Jumps, SiteOccupancy
from betalps.reports.jumps import (
    plot_jump_activation,
    plot_jump_correlation,
    plot_jump_rates,
    plot_occupancy,
    plot_residence,
)
from betalps.reports.presentation.quantity import Presentation, Quantity, present


@present.register
def _(result: SiteOccupancy) -> Presentation:
    rows = [
        Quantity(
            name=f"occupancy of {kind}",
            value=float(result.occupancy[k]),
            error=float(result.occupancy_error[k]),
            note=f"{result.sites[k]} sites, {result.share[k]:.1%} of the ions",
        )
        for k, kind in enumerate(result.kinds)
    ]
    return Presentation(
        title="Occupancy of sites",
        quantities=tuple(rows),
        figures={"": lambda: plot_occupancy(result)},
        notes=result.doubts,
    )


@present.register
def _(result: Jumps) -> Presentation:
    through = ", ".join(name for name, there in zip("abc", result.percolates, strict=True) if there)
    rows = [
        Quantity(name="jumps", value=result.count, note=f"of {result.ions} ions in {result.duration:.4g} ps"),
        Quantity(name="they lead through the crystal along", value=through or "no direction"),
        *(
            Quantity(
                name=path.name.replace("-", " → ", 1),
                value=path.rate,
                interval=path.rate_interval,
                unit="1/ps",
                note=f"{path.count} jumps",
            )
            for path in result.paths
        ),
        *(
            Quantity(
                name=f"time on {one.kind}",
                value=one.mean,
                interval=one.mean_interval,
                unit="ps",
                note=f"{one.departures} departures",
            )
            for one in result.residence
        ),
    ]
    if result.correlation_factor == result.correlation_factor:
        note = "" if result.correlation_settled else "not settled"
        name, error = "correlation factor", result.correlation_error
        rows.append(Quantity(name=name, value=result.correlation_factor, error=error, note=note))
    figures = {"rates": lambda: plot_jump_rates(result)}
    if result.count:
        figures["residence"] = lambda: plot_residence(result)
        figures["correlation"] = lambda: plot_jump_correlation(result)
    return Presentation(title="Jumps between sites", quantities=tuple(rows), figures=figures, notes=result.doubts)


@present.register
def _(result: JumpActivation) -> Presentation:
    note = "95 %: {:.3f} to {:.3f}".format(*result.barrier_interval)
    return Presentation(
        title=f"Barrier of {result.name}",
        quantities=(
            Quantity(
                name=result.name.replace("-", " → ", 1),
                value=result.barrier,
                error=result.barrier_error,
                unit="eV",
                note=note,
            ),
        ),
        figures={"": lambda: plot_jump_activation([result])},
    )
