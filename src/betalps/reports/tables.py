"""The numbers of a study as HTML tables, written so that value and uncertainty can be read together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from betalps.typing import Json


def scientific(value: float | None, digits: int = 2) -> str:
    """Write a number as 1.23 × 10⁻⁵, or plainly where its size is everyday.

    Parameters
    ----------
    value
        None gives a dash.
    digits
        After the point of the mantissa.

    Returns
    -------
    str
        HTML.
    """
    if value is None:
        return "–"
    mantissa, exponent = _split(value, digits)
    if -1 <= exponent <= 2:
        return f"{value:.{max(digits - exponent, 0)}f}".replace("-", "−")
    return f"{mantissa:.{digits}f} × 10<sup>{exponent}</sup>".replace("-", "−")


def interval(low: float, high: float, digits: int = 2) -> str:
    """Write an interval as (1.20 to 3.40) × 10⁻⁵; ends of very different size keep their own powers."""
    small, (top, large) = _split(low, digits)[1], _split(high, digits)
    if low > 0 and (large - small > 1 or -1 <= large <= 2):
        return f"{scientific(low, digits)} to {scientific(high, digits)}"
    text = f"({low / 10.0**large:.{digits}f} to {top:.{digits}f}) × 10<sup>{large}</sup>"
    return text.replace("-", "−")


def _split(value: float, digits: int) -> tuple[float, int]:
    """Mantissa rounded to `digits`, and exponent."""
    if value == 0:
        return 0.0, 0
    exponent = math.floor(math.log10(abs(value)))
    mantissa = round(value / 10.0**exponent, digits)
    return (mantissa / 10, exponent + 1) if abs(mantissa) >= 10 else (mantissa, exponent)


def cards(results: Json) -> str:
    """Make the headline: activation energy, and conductivity and D at the target temperature."""
    line, sigma = results["arrhenius"], results["target_conductivity"]
    if line is None:
        return card("Arrhenius line", "–", results["arrhenius_missing"], warn=True)
    kelvin = f"{line['target_temperature']:g} K"
    how = "extrapolated; 95 %: " if line["extrapolated"] else "95 %: "
    energy = line["activation_energy_interval"]
    return (
        card(
            "Activation energy",
            f"{line['activation_energy']:.3f} ± {line['activation_energy_error']:.3f} eV",
            f"95 %: {energy[0]:.3f} to {energy[1]:.3f} eV",
        )
        + card(
            f"D of Li at {kelvin}, cm²/s",
            scientific(line["target_diffusivity_cm2_per_s"]),
            how + interval(*line["target_interval_cm2_per_s"]),
            warn=line["extrapolated"],
        )
        + card(
            f"Conductivity at {kelvin}, S/cm",
            scientific(sigma["conductivity"]),
            how + interval(*sigma["interval"]),
            warn=line["extrapolated"],
        )
    )


def card(name: str, value: str, note: str, *, warn: bool = False) -> str:
    """Make a headline number of parts that are HTML already."""
    flag = " flag" if warn else ""
    return (
        f'<div class="card"><div class="name">{name}</div><div class="value">{value}</div>'
        f'<div class="note{flag}">{note}</div></div>'
    )


def by_temperature(results: Json) -> tuple[str, str]:
    """Make the table of diffusion coefficients and conductivities, and the note below it."""
    head = ("T, K", "D, cm²/s", "95 % interval", "σ, S/cm", "independent ions", "net hops", "fit, ps")
    rows: list[tuple[str, ...]] = []
    for run in results["runs"]:
        found, window = run["diffusion"]["total"], run["diffusion"]["window"]
        if found["resolved"]:
            value = scientific(found["diffusivity_cm2_per_s"])
            spread = interval(*found["interval_cm2_per_s"])
            sigma = scientific(run["conductivity"]["conductivity"])
        else:
            value = '<span class="flag">not resolved</span>'
            spread = f"&lt; {scientific(found['upper_bound_cm2_per_s'])}"
            sigma = f"&lt; {scientific(run['conductivity']['interval'][1])}"
        rows.append(
            (
                f"{run['temperature_K']:g}",
                value,
                spread,
                sigma,
                f"{found['effective_atoms']:.0f} of {run['diffusion']['atoms']}",
                f"{found['hops']:.0f}",
                f"{window['start']:.3g} to {window['stop']:.3g}",
            )
        )
    missing = ('<span class="flag">no result</span>', *["–"] * 5)
    rows.extend((f"{entry['temperature_K']:g}", *missing) for entry in results["failed"])
    note = (
        "Independent ions: how many uncorrelated Li would give the interval found; net hops: how many jumps "
        "of one hop length the displacement of all Li amounts to; σ by Nernst–Einstein."
    )
    return table(head, rows), note


def boundary_diffusion(results: Json) -> tuple[str, str]:
    """Make the table of diffusion in the glass and in cells with boundaries or interfaces, and the note below it."""
    head = (
        "",
        "angle",
        "strain",
        "atoms",
        "T, K",
        "D, cm²/s",
        "95 % interval",
        "in plane",
        "normal",
        "crystal",
    )
    crystal = {run["temperature_K"]: _plain(run["diffusion"]["total"]) for run in results["runs"]}
    rows: list[tuple[str, ...]] = []
    for entry in results["others"]:
        system, directed = entry["system"], entry["kind"] != "glass"
        turned = system.get("disorientation")
        names = (
            escape(entry["name"]),
            "–" if turned is None else f"{turned['angle']:.1f}°",
            f"{system['strain']:.1%}" if "strain" in system else "–",
            str(system["atoms"]),
        )
        for run in entry["runs"]:
            found, kelvin = run["diffusion"], run["temperature_K"]
            total = found["total"]
            if total["resolved"]:
                spread = interval(*total["interval_cm2_per_s"])
            else:
                spread = f"&lt; {scientific(total['upper_bound_cm2_per_s'])}"
            plane = [found[axis]["diffusivity_cm2_per_s"] for axis in "xy"]
            normal = found["z"]["diffusivity_cm2_per_s"]
            rows.append(
                (
                    *names,
                    f"{kelvin:g}",
                    _plain(total),
                    spread,
                    scientific(sum(plane) / 2) if total["resolved"] and directed else "–",
                    scientific(normal) if total["resolved"] and directed else "–",
                    crystal.get(kelvin, "–"),
                )
            )
            names = ("", "", "", "")
        missing = ('<span class="flag">no result</span>', *["–"] * 4)
        for item in entry["failed"]:
            rows.append((*names, f"{item['temperature_K']:g}", *missing))
            names = ("", "", "", "")
    note = (
        "Angle: the true disorientation of the grains. D is that of all Li of the cell, in the plane of the boundaries "
        "(mean of x and y) and along their normal (z), beside the crystal's at the same temperature."
    )
    return table(head, rows), note


def _plain(estimate: Json) -> str:
    return (
        scientific(estimate["diffusivity_cm2_per_s"])
        if estimate["resolved"]
        else '<span class="flag">not resolved</span>'
    )


def comparison(results: Json) -> tuple[str, str]:
    """Make the table that puts our crystal beside the reference study's."""
    reference, line, sigma = results["reference"], results["arrhenius"], results["target_conductivity"]
    at_300 = line is not None and line["target_temperature"] == 300.0
    ours_energy = ours_sigma = "–"
    if line is not None:
        low, high = line["activation_energy_interval"]
        ours_energy = f"{line['activation_energy']:.3f} eV; 95 %: {low:.3f} to {high:.3f}"
    if at_300:
        flag = "; extrapolated" if line["extrapolated"] else ""
        ours_sigma = f"{scientific(sigma['conductivity'])} S/cm; 95 %: {interval(*sigma['interval'])}{flag}"
    rows = [
        ("Activation energy", ours_energy, f"{reference['activation_energy_eV']:.2f} eV"),
        (
            "Conductivity at 300 K",
            ours_sigma,
            f"{scientific(reference['conductivity_300K_S_per_cm'], 1)} S/cm",
        ),
    ]
    note = escape(
        f"The paper: {reference['source']}. Its crystal shows two slopes and its activation energy is that "
        "of the low-temperature one; its cells breathe and its potential is another one, so the two need "
        "not agree."
    )
    return table(("", "this study", "the paper"), rows, wrap=True), note


def health(results: Json) -> str:
    """Make the table that shows whether the runs can be trusted."""
    head = (
        "T, K",
        "mean T, K",
        "drift, meV/atom per 100 ps",
        "P in whole PS₄",
        "P displacement², Å²",
        "D fit",
    )
    rows = []
    for run in results["runs"]:
        thermo, framework = run["thermodynamics"], run["framework"]
        drift = thermo["conserved_energy_drift_meV_per_atom_per_100ps"]
        linear = "linear" if run["diffusion"]["window"]["linear"] else '<span class="flag">still bent</span>'
        rows.append(
            (
                f"{run['temperature_K']:g}",
                f"{thermo['mean_temperature_K']:.1f}",
                "–" if drift is None else f"{drift:+.2f}".replace("-", "−"),
                f"{framework['whole_PS4_mean']:.1%}",
                f"{framework['P_msd_half_run_A2']:.2f}",
                linear,
            )
        )
    return table(head, rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, wrap: bool = False) -> str:
    """Make an HTML table of cells that are HTML already."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    kind = ' class="wrap"' if wrap else ""
    return f"<table{kind}><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
