"""Runs in LAMMPS sample the ensembles that they say, by the checks that runs in process pass (physics/test_ensembles).

With the bundled potential; and with Lennard-Jones argon, by LAMMPS's own pair style under the very stages that are
written for every run.
"""

import subprocess
from functools import cache

import numpy as np
import pytest

from betalps.dynamics import read_thermo
from betalps.lammps import collect, run_lammps, write_run
from betalps.lammps.names import SETUP, STAGES
from betalps.potentials import Potential
from betalps.protocols import RunSpec, Stage
from betalps.structures import beta_li3ps4
from dynamics import cases
from physics.test_ensembles import EVERY, LIMIT, NPT, describe, kinetic_deviations, pair_deviations, quiet  # noqa: F401

pytestmark = [pytest.mark.lammps, pytest.mark.physics, pytest.mark.slow]

STEPS = 40_000
ARGON = ["pair_style lj/cut 5.4", "pair_coeff 1 1 0.0104 3.4", "pair_modify shift yes"]  # eV, Å


def argon_in_lammps(spec, folder, atoms, lammps):
    """A run as `run_lammps` makes it, with the pair style replaced."""
    write_run(spec, folder, atoms=atoms)
    script = [f"include {SETUP}", *ARGON, f"include {STAGES}"]
    (folder / "in.argon").write_text("\n".join(script) + "\n")
    command = lammps.command(1, ["-in", "in.argon", "-log", "none", "-screen", "none"])
    subprocess.run(command, cwd=folder, env=lammps.environment(), check=True)
    collect(folder)


@pytest.fixture(scope="module")
def sample(lammps, tmp_path_factory):
    """Makes what physical_validation wants to know of a run; each run is made once."""

    @cache
    def make(system, kelvin, gigapascal, ensemble, free):
        atoms = cases.argon() if system == "argon" else beta_li3ps4()
        timestep, barostat = (4.0, 0.3) if system == "argon" else (2.0, 0.1)
        pressure = {"pressure": gigapascal, "free": free} if ensemble == "npt" else {}
        time = 1e-3 * timestep * STEPS
        stage = Stage(name="sample", time=time, temperature=kelvin, ensemble=ensemble, production=False, **pressure)
        folder = tmp_path_factory.mktemp("sample")
        settings = {"timestep": timestep, "barostat_time": barostat, "thermo_interval": 1e-3 * EVERY}
        if system == "argon":
            path = folder / "argon.almtp"
            Potential.from_level(2, ["Ar"], cutoff=5.0, min_dist=2.0, rng=0).write(path)  # for the types; not used
            spec = RunSpec(stages=[stage], potential=str(path), **settings)
            argon_in_lammps(spec, folder, atoms, lammps)
        else:
            run_lammps(RunSpec(stages=[stage], **settings), folder, atoms=atoms, ranks=1, installation=lammps)
        log = read_thermo(folder)
        late = log["step"] > STEPS // 5
        names = ("kinetic_energy_eV", "potential_energy_eV", "volume_A3")
        found = np.array([log[name][late] for name in names]).T
        assert np.ptp(found[:, 2]) < 0.4 * found[0, 2], "the crystal has evaporated"
        return describe(found, atoms, kelvin, gigapascal, ensemble)

    return make


@pytest.mark.parametrize("ensemble", ["nvt", "npt"])
@pytest.mark.parametrize(("system", "cold", "hot"), [("bundled", 300.0, 345.0), ("argon", 40.0, 46.0)])
def test_two_temperatures(sample, system, cold, hot, ensemble):
    pair = [sample(system, kelvin, 0.0, ensemble, "isotropic") for kelvin in (cold, hot)]
    for data in pair:
        assert max(map(abs, kinetic_deviations(data))) < LIMIT
    assert max(map(abs, pair_deviations(*pair))) < LIMIT


@pytest.mark.parametrize("free", NPT)
@pytest.mark.parametrize(("system", "kelvin", "high"), [("bundled", 300.0, 0.5), ("argon", 40.0, 0.05)])
def test_two_pressures(sample, system, kelvin, high, free):
    pair = [sample(system, kelvin, gigapascal, "npt", free) for gigapascal in (0.0, high)]
    for data in pair:
        assert max(map(abs, kinetic_deviations(data))) < LIMIT
    assert max(map(abs, pair_deviations(*pair))) < LIMIT
