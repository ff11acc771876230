"""Make the model card: ``python card.py P.almtp --measured FOLDER --output FOLDER``.

Writes NAME.json (all numbers) and NAME.md (for people) from: the fit's record beside the potential (fit.py), the
held-out labels (evaluate.py), properties of potential and teacher (properties.py), the long runs (stability.py), grain
boundaries (boundary_energies.py), large cells (large.py).
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from evaluate import report
from fit import LEFT_OUT
from properties import properties

from betalps import MTP
from betalps.datasets import read
from betalps.potentials import Potential
from betalps.training import PropertyErrors, evaluate

HERE = Path(__file__).parent
TARGETS = {
    "force, all": (100.0, "meV/Å"),
    "force, 300 to 600 K": (60.0, "meV/Å"),
    "energy, >= 128 atoms, to 1200 K": (2.7, "meV/atom"),
    "energy, 32 atoms": (5.0, "meV/atom"),
    "energy, 32 atoms, to 1200 K": (5.0, "meV/atom"),
    "stress, all": (0.2, "GPa"),
}
BOUNDARY_TARGETS = {"beta-lps": (2.7, 110.0), "beta-lps-accurate": (2.0, 80.0)}  # meV/atom, meV/Å
PUBLISHED_BOUNDARIES = (2.66, 147.0)  # of the study's potential, against its density functional theory
TEST, BOUNDARIES = "test", "boundaries"
_FRAMES = ".extxyz.xz"
MEASURED = ("stability", "boundary_energies", "large")


def gather(path: Path, measured: Path) -> dict:
    """All numbers of the card."""
    potential = Potential.read(path)
    fit = json.loads(path.with_suffix(".fit.json").read_text(encoding="utf-8"))
    command = [Path(part).name for part in fit["provenance"]["command"]]
    training = [part.removesuffix(_FRAMES) for part in command if part.endswith(_FRAMES)]
    held = list(read(HERE / f"data/{TEST}.extxyz.xz").frames)
    found, wanted = report(potential, held)
    worst = {name: _where(held[index]) for name, index in found.worst.items()}
    return {
        "name": potential.name,
        "potential": {
            "species": list(potential.species),
            "level": potential.level,
            "cutoff_A": potential.cutoff,
            "min_dist_A": potential.min_dist,
            "radial_size": potential.core.radial_size,
            "coefficients": potential.coeffs_count,
            "active_set_unfilled_rows": int(potential.active_set.unfilled),
            "sha256": potential.sha256,
        },
        "teacher": "SevenNet 7net-l3i5 (sevenn 0.13.0, MIT)",
        "data": {name: _data(name) for name in [*training, TEST, BOUNDARIES]},
        "fit": {key: fit["provenance"][key] for key in ("weights", "settings", "seed", "warm_start")}
        | {"command": command}
        | {"loss": fit["loss"], "training": fit["training"]["overall"]},
        "held_out": {
            "targets": _against(wanted),
            "overall": _errors(found.overall),
            "groups": {key: {v: _errors(e) for v, e in groups.items()} for key, groups in found.groups.items()},
            "species_force": {symbol: _rounded(asdict(errors), 1e3) for symbol, errors in found.species.items()},
            "worst": worst,
        },
        "boundaries": boundaries(potential),
        "properties": {
            "potential": properties(MTP(potential, threads=1)),
            "teacher": json.loads((HERE / "teacher.json").read_text(encoding="utf-8")),
        },
        **{name: _measured(measured / name, potential.sha256) for name in MEASURED},
    }


def boundaries(potential: Potential) -> dict:
    """Errors on the six boundaries of the study."""
    frames = list(read(HERE / f"data/{BOUNDARIES}.extxyz.xz").frames)
    for atoms in frames:
        atoms.info["temperature_K"] = f"{atoms.info['temperature_K']:g}"
    found = evaluate(potential, frames, groups=("temperature_K", "source"), threads=1)
    return {
        "overall": _errors(found.overall),
        "groups": {key: {v: _errors(e) for v, e in groups.items()} for key, groups in found.groups.items()},
        "worst": {name: _where(frames[index]) for name, index in found.worst.items()},
        "target": dict(zip(("energy_meV_per_atom", "force_meV_per_A"), BOUNDARY_TARGETS[potential.name], strict=True)),
    }


def _measured(folder: Path, sha256: str) -> dict | None:
    """What the script of this name left in its folder, if it was of this potential; None if it was not run."""
    path = folder / f"{folder.name}.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    if found.pop("sha256") != sha256:
        raise SystemExit(f"{path} is of another potential")
    return found


def _against(found: dict) -> dict:
    return {name: {**found[name], "target": target, "unit": unit} for name, (target, unit) in TARGETS.items()}


def _where(atoms) -> str:
    info = atoms.info
    return f"{info['source']}, {info['time_ps']:g} ps"


def _data(name: str) -> dict:
    path = HERE / f"data/{name}.extxyz.xz"
    frames = read(path).frames
    groups: dict[str, int] = {}
    for atoms in frames:
        groups[atoms.info["group"]] = groups.get(atoms.info["group"], 0) + 1
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"frames": len(frames), "atoms": sum(map(len, frames)), "groups": groups, "sha256": digest}


def _rounded(errors: dict, factor: float) -> dict:
    return {key: value if key == "count" else round(factor * value, 3) for key, value in errors.items()}


def _errors(errors: PropertyErrors) -> dict:
    return {
        "configurations": errors.configurations,
        "energy_meV_per_atom": _rounded(asdict(errors.energy), 1e3),
        "force_meV_per_A": _rounded(asdict(errors.force), 1e3),
        "stress_GPa": _rounded(asdict(errors.stress), 1.0),
    }


_ABOUT = {
    "beta-lps": "Level and cutoff are those of the study of grain boundaries in β-Li3PS4 (Jalem et al., Energy Adv. 2, "
    "2029 (2023)): 14 and 5 Å.",
    "beta-lps-accurate": "Level 20 with 5 Å, which the grid of levels and cutoffs recommends: smaller errors than "
    "`beta-lps` has, at three and a half times the time per step.",
}


def markdown(card: dict) -> str:
    """The card for people."""
    text, held = (HERE / "card.md.in").read_text(encoding="utf-8"), card["held_out"]
    sections = {
        "NAME": card["name"],
        "ABOUT": _ABOUT[card["name"]],
        "FACTS": _facts(card),
        "DATA": _data_table(card),
        "TARGETS": _targets(card),
        "ERRORS": _error_table(_ordered(held["groups"]["group, K"]), held["overall"], "group, K"),
        "SIX": _six_boundaries(card["boundaries"]),
        "PROPERTIES": _property_table(card),
        "STABILITY": _stability_table(card["stability"]),
        "ENERGIES": _energy_table(card["boundary_energies"]),
        "LARGE": _large_table(card["large"]),
        "HASHES": "\n".join(f"- `data/{name}.extxyz.xz`: `{d['sha256']}`" for name, d in card["data"].items()),
        "MISSED": _missed(card["held_out"]["targets"]),
        "BEYOND": _beyond(held["groups"]["group"], *BOUNDARY_TARGETS[card["name"]]),
        "WORST": "; ".join(f"{name}: {where}" for name, where in card["held_out"]["worst"].items()),
    }
    for name, content in sections.items():
        text = text.replace("{{" + name + "}}", content)
    return text


def _missed(targets: dict) -> str:
    return "; ".join(name for name, found in targets.items() if found["value"] > found["target"]) or "none"


def _beyond(groups: dict, energy: float, force: float) -> str:
    """Groups whose errors are larger than what is wanted of the boundaries."""
    found = []
    for name, errors in groups.items():
        mine = {"meV/atom": (errors["energy_meV_per_atom"], energy), "meV/Å": (errors["force_meV_per_A"], force)}
        over = [
            f"{e['mae']:.{1 if unit == 'meV/Å' else 2}f} {unit}" for unit, (e, most) in mine.items() if e["mae"] > most
        ]
        found += [f"{name} ({', '.join(over)})"] if over else []
    wanted = f"what is wanted of the boundaries, {energy:g} meV/atom and {force:g} meV/Å"
    return f"Means over all temperatures that are beyond {wanted}: {'; '.join(found) or 'none'}."


def _table(head: list[str], rows: list[list[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _facts(card: dict) -> str:
    p, fit = card["potential"], card["fit"]
    trained = [d for name, d in card["data"].items() if name not in (TEST, BOUNDARIES)]
    frames, atoms = sum(d["frames"] for d in trained), sum(d["atoms"] for d in trained)
    w = fit["weights"]
    *others, last = (f"`{group}`" for group in LEFT_OUT)
    scale = (
        "all forces alike" if w["force_scale"] is None else f"forces by d/(d + F²), d = {w['force_scale']:g} (eV/Å)²"
    )
    return "\n".join(
        [
            f"| Species | {', '.join(p['species'])} |",
            (
                f"| Form | level {p['level']}, {p['radial_size']} functions `RBChebyshev`, "
                f"{p['coefficients']} coefficients |"
            ),
            f"| Cutoff, min_dist | {p['cutoff_A']:g} Å, {p['min_dist_A']:.3f} Å |",
            (
                f"| Active set | neighbourhoods of the training set but for {', '.join(others)} and {last}; "
                f"{p['active_set_unfilled_rows']} rows unfilled |"
            ),
            f"| Training set | {frames} frames, {atoms} atoms (below) |",
            f"| Fit | betalps, variable projection with Levenberg-Marquardt; seed {fit['seed']} |",
            f"| Command | `{' '.join(fit['command'])}` |",
            f"| Weights | energy {w['energy']:g}, force {w['force']:g}, stress {w['stress']:g}; {scale} |",
        ]
    )


def _data_table(card: dict) -> str:
    groups = sorted({group for d in card["data"].values() for group in d["groups"]})
    rows = [
        [name, d["frames"], d["atoms"], *(d["groups"].get(group, "") for group in groups)]
        for name, d in card["data"].items()
    ]
    return _table(["file", "frames", "atoms", *groups], rows)


def _targets(card: dict) -> str:
    rows = [
        [
            name,
            t["frames"],
            f"{t['value']:.3g}",
            f"{t['median']:.3g}",
            f"{t['target']:g} {t['unit']}",
        ]
        for name, t in card["held_out"]["targets"].items()
    ]
    head = ["mean absolute error", "frames", "test", "median", "wanted at most"]
    return _table(head, rows)


def _error_table(groups: dict, overall: dict, head: str) -> str:
    rows = []
    for value, e in [*groups.items(), ("all", overall)]:
        energy, force, stress = e["energy_meV_per_atom"], e["force_meV_per_A"], e["stress_GPa"]
        rows.append(
            [
                value,
                e["configurations"],
                f"{energy['mae']:.2f} / {energy['median']:.2f} / {energy['max']:.1f}",
                f"{force['mae']:.0f} / {force['median']:.0f} / {force['max']:.0f}",
                f"{stress['mae']:.2f} / {stress['median']:.2f} / {stress['max']:.2f}",
            ]
        )
    return _table([head, "frames", "energy, meV/atom", "force, meV/Å", "stress, GPa"], rows)


def _ordered(groups: dict) -> dict:
    """Groups "name, 300" by name and temperature."""

    def key(name: str) -> tuple[str, float]:
        group, _, kelvin = name.partition(", ")
        return group, float(kelvin)

    return {name: groups[name] for name in sorted(groups, key=key)}


def _six_boundaries(found: dict) -> str:
    """Errors, and what was wanted."""
    groups = {f"{kelvin} K": e for kelvin, e in found["groups"]["temperature_K"].items()} | found["groups"]["source"]
    kinds = {"energy_meV_per_atom": ("energy", "meV/atom", "{:.2f}"), "force_meV_per_A": ("force", "meV/Å", "{:.1f}")}
    said = []
    for (kind, (name, unit, form)), published in zip(kinds.items(), PUBLISHED_BOUNDARIES, strict=True):
        value, target = found["overall"][kind]["mae"], found["target"][kind]
        verdict = "reached" if value <= target else "missed"
        numbers = f"{form.format(value)} {unit}; wanted {target:g}: {verdict}; the study's potential {published:g}"
        said.append(f"- {name}: mean absolute error {numbers}")
    return _error_table(groups, found["overall"], "temperature; boundary") + "\n\n" + "\n".join(said)


_PUBLISHED = {
    "a, Å": ("13.07", "13.07"),
    "b, Å": ("8.13", "8.02"),
    "c, Å": ("6.26", "6.10"),
    "density, g/cm³": ("1.797 (1.860 printed)", "1.872"),
    "bulk modulus, GPa": ("22", "10 to 12"),
    "shear modulus, GPa": ("11", "5 to 6"),
}


def _property_table(card: dict) -> str:
    both = [card["properties"][name] for name in ("potential", "teacher")]
    beta, gamma, elastic = "beta 4b4", "gamma", "elastic beta 4b4"
    found: dict[str, list[float]] = {
        **{f"{'abc'[k]}, Å": [p[beta]["cell_A"][k] for p in both] for k in range(3)},
        "density, g/cm³": [p[beta]["density_g_per_cm3"] for p in both],
        "bulk modulus, GPa": [p[elastic]["bulk_modulus_GPa"] for p in both],
        "shear modulus, GPa": [p[elastic]["shear_modulus_GPa"] for p in both],
    }
    for k, m in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2), (3, 3), (4, 4), (5, 5)):
        found[f"C{k + 1}{m + 1}, GPa"] = [p[elastic]["constants_GPa"][k][m] for p in both]
    found |= {f"γ: {'abc'[k]}, Å": [p[gamma]["cell_A"][k] for p in both] for k in range(3)}
    found["γ: density, g/cm³"] = [p[gamma]["density_g_per_cm3"] for p in both]
    for ordering in ("4b4", "4b3_4c1", "4b2_4c2_0145", "4b2_4c2_0147", "4c4"):
        found[f"E(β {ordering}) - E(γ), meV/atom"] = [p[f"beta {ordering}"]["above_gamma_meV_per_atom"] for p in both]
    rows = [
        [name, f"{mine:.4g}", f"{teacher:.4g}", *_PUBLISHED.get(name, ("", ""))]
        for name, (mine, teacher) in found.items()
    ]
    return _table(["β with all mobile Li on 4b", "potential", "teacher", "optB88-vdW", "experiment"], rows)


def _stability_table(runs: dict | None) -> str:
    rows = []
    for name, run in (runs or {}).items():
        if run.get("broken_after_ps") is not None:
            rows.append([name, f"broken after {run['broken_after_ps']} ps", "", "", ""])
            continue
        share = f"{100 * run['ps4_mean']:.1f} % ({100 * run['ps4_least']:.1f} %)"
        rows.append(
            [name, f"{run['time_ps']:g} ps, whole", f"{run['temperature_K']:.0f}", run["density_g_per_cm3"], share]
        )
    return _table(["run, NPT, 1 bar, 2 fs", "length", "mean K", "g/cm³", "P in PS4: mean (least)"], rows)


def _energy_table(found: dict | None) -> str:
    if found is None:
        return "Not measured."
    rows = []
    for name, one in found["boundaries"].items():
        rows.append(
            [
                name,
                one["atoms"],
                _relaxed(one["potential"]),
                "" if "teacher_same_structure" not in one else f"{one['teacher_same_structure']:.3f}",
                _relaxed(one.get("teacher_relaxed")),
                f"{one['potential']['expansion_A']:.2f}",
            ]
        )
    head = ["boundary", "atoms", "potential, J/m²", "teacher, same structure", "teacher, its own", "expansion, Å"]
    said = [
        f"- {kind}: mean absolute difference {d['mae']:.3f} J/m², mean {d['mean']:+.3f}, largest {d['largest']:.3f} "
        f"({d['boundaries']} boundaries)"
        for kind, d in found["differences"].items()
    ]
    said.append("- the study's potential against its optB88-vdW: mean absolute difference 0.10 J/m²")
    return _table(head, rows) + "\n\n" + "\n".join(said)


def _relaxed(found: dict | None) -> str:
    """γ, with a star where the forces are not yet below the limit."""
    return "" if found is None else f"{found['energy']:.3f}" + ("" if found["converged"] else "*")


def _large_table(found: dict | None) -> str:
    if found is None:
        return "Not run with this potential."
    rows = [
        [
            name,
            run["atoms"],
            kelvin,
            f"{run['time_ps']:g}" + (f": {run['ended']}" if run["ended"] else ""),
            run["largest_grade"],
            f"{100 * run['beyond_2']:.1f} %",
            run["density_g_per_cm3"],
        ]
        for name, runs in found.items()
        for kelvin, run in runs.items()
    ]
    return _table(["cell", "atoms", "K", "ps", "largest grade", "time beyond 2", "g/cm³"], rows)


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potential", type=Path)
    parser.add_argument("--measured", type=Path, help="folder of the other scripts' folders (measured/NAME)")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    measured = arguments.measured or HERE / "measured" / arguments.potential.stem
    card = gather(arguments.potential, measured)
    stem = arguments.output / card["name"]
    stem.with_suffix(".json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    stem.with_suffix(".md").write_text(markdown(card), encoding="utf-8")


if __name__ == "__main__":
    main()
