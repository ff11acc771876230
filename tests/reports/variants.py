"""Results of a study with something gone wrong, made from sound ones."""

import copy


def without_line(results):
    """No temperature resolved, so no Arrhenius line."""
    changed = copy.deepcopy(results)
    for run in changed["runs"]:
        run["diffusion"]["total"].update(resolved=False, interval=[0.0, 0.5], interval_cm2_per_s=[0.0, 5e-5])
    changed.update(arrhenius=None, target_conductivity=None, arrhenius_missing="needs <3> temperatures")
    return changed


def with_line(results):
    """A line through three points, whatever the few picoseconds of the test run resolved."""
    changed = copy.deepcopy(results)
    values = [0.1, 0.2, 0.4]
    for run, value in zip(changed["runs"], values, strict=True):
        run["diffusion"]["total"].update(
            resolved=True,
            diffusivity=value,
            interval=[0.8 * value, 1.25 * value],
            diffusivity_cm2_per_s=1e-4 * value,
            interval_cm2_per_s=[0.8e-4 * value, 1.25e-4 * value],
        )
    from betalps.analysis import arrhenius, conductivity
    from betalps.studies.lines import drawn

    line = arrhenius([700.0, 850.0, 1000.0], values, [0.1 * v for v in values])
    sigma = conductivity(line.target_diffusivity, line.target_interval, carrier_density=0.018, temperature=300.0)
    changed.update(
        arrhenius={**line.to_dict(), "line": drawn(line)},
        target_conductivity=sigma.to_dict(),
        arrhenius_missing=None,
    )
    return changed


def without_runs(results):
    changed = without_line(results)
    changed["runs"] = []
    changed["failed"] = [{"temperature_K": 700.0, "why": "the run blew up: <b>"}]
    return changed
