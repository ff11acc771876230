"""The native dynamics against ASE's classes, step by step; what Python sees of them; restart; and their ends."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.io import read
from ase.md import nose_hoover_chain as nhc
from ase.md import verlet
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps import MTP, _core
from betalps.dynamics import UnstableRunError, native
from betalps.errors import BetalpsError, CheckpointError, StructureError
from betalps.potentials import Potential, load
from betalps.structures import beta_li3ps4

STEP = 2 * units.fs
NVT = {"temperature_K": 500.0, "tdamp": 50 * units.fs}
NPT = NVT | {"pressure_au": 0.5 * units.GPa, "pdamp": 400 * units.fs}
SHEAR = np.eye(3) + np.array([[0, 0.1, 0.03], [0, 0.02, 0.08], [0.01, 0, -0.03]])
# ASE 3.29 leaves the cell as it is where the mask is a tuple with a False
MASKS = [np.array(mask, dtype=bool) for mask in ([0, 0, 1], [1, 0, 1], [1, 1, 1])]
ENSEMBLES = [
    ("VelocityVerlet", {}),
    ("NoseHooverChainNVT", NVT),
    ("IsotropicMTKNPT", NPT),
    ("MTKNPT", NPT),
    *[("MaskedMTKNPT", NPT | {"mask": mask}) for mask in MASKS],
]
IDS = ["nve", "nvt", "isotropic", "full", "c", "ac", "abc"]
every_ensemble = pytest.mark.parametrize(("name", "arguments"), ENSEMBLES, ids=IDS)


def crystal(seed=0, *, triclinic=False, kelvin=600, calculator=True):
    """32 atoms, smaller than twice the cutoff, shaken and in motion."""
    atoms = beta_li3ps4()
    if triclinic:
        atoms.set_cell(atoms.cell.array @ SHEAR, scale_atoms=True)
    rng = np.random.default_rng(seed)
    atoms.rattle(0.05, rng=rng)
    momenta = rng.normal(size=(len(atoms), 3)) * np.sqrt(atoms.get_masses()[:, None] * units.kB * kelvin)
    atoms.set_momenta(momenta - momenta.mean(axis=0))
    if calculator:
        atoms.calc = MTP("beta-lps", threads=1)
    return atoms


def ase_class(name):
    return verlet.VelocityVerlet if name == "VelocityVerlet" else getattr(nhc, name)


def both(name, arguments, timestep=STEP, **kwargs):
    """ASE's dynamics and ours, from the same start."""
    theirs, ours = crystal(**kwargs), crystal(**kwargs)
    return ase_class(name)(theirs, timestep, **arguments), getattr(native, name)(ours, timestep, **arguments)


def assert_same(reference, ours, tolerance=1e-9):
    a, b = reference.atoms, ours.atoms
    pairs = {
        "positions": (a.positions, b.positions),
        "momenta": (a.get_momenta(), b.get_momenta()),
        "cell": (a.cell.array, b.cell.array),
        "forces": (a.get_forces(), b.get_forces()),
        "energy": (a.get_potential_energy(), b.get_potential_energy()),
        "stress": (a.get_stress(), b.get_stress()),
    }
    if hasattr(reference, "get_conserved_energy"):
        pairs["conserved"] = (reference.get_conserved_energy(), ours.get_conserved_energy())
    for what, (expected, found) in pairs.items():
        assert np.abs(np.subtract(found, expected)).max() < tolerance, f"{what} at step {ours.nsteps}"


# ---- ASE's numbers


@every_ensemble
@pytest.mark.parametrize(("triclinic", "seed"), [(False, 0), (True, 1), (True, 2)])
def test_follows_ase_step_by_step(name, arguments, triclinic, seed):
    reference, ours = both(name, arguments, seed=seed, triclinic=triclinic)
    start = ours.atoms.cell.array.copy()
    for _ in range(100):
        reference.run(1)
        ours.run(1)
        assert_same(reference, ours)
    moved = np.abs(ours.atoms.cell.array - start).max(axis=1)
    if "mask" in arguments:
        assert ((moved > 1e-3) >= arguments["mask"]).all()
    else:
        assert (moved > 1e-3).all() == ("pdamp" in arguments)


@given(
    ensemble=st.sampled_from(ENSEMBLES),
    seed=st.integers(0, 99),
    femtoseconds=st.floats(0.2, 3),
    kelvin=st.floats(50, 1500),
    pressure=st.floats(-2, 5),
    damping=st.tuples(st.floats(20, 500), st.floats(100, 2000)),
    chains=st.tuples(*[st.integers(1, 4)] * 4),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_follows_ase_for_any_arguments(ensemble, seed, femtoseconds, kelvin, pressure, damping, chains):
    name, given_arguments = ensemble
    arguments = dict(given_arguments)
    if "tdamp" in arguments:
        arguments |= {"temperature_K": kelvin, "tdamp": damping[0] * units.fs, "tchain": chains[0], "tloop": chains[1]}
    if "pdamp" in arguments:
        arguments |= {"pressure_au": pressure * units.GPa, "pdamp": damping[1] * units.fs}
        arguments |= {"pchain": chains[2], "ploop": chains[3]}
    reference, ours = both(name, arguments, femtoseconds * units.fs, seed=seed, triclinic=bool(seed % 2), kelvin=kelvin)
    reference.run(15)
    ours.run(15)
    assert_same(reference, ours)


def with_targets(reference, kelvin, pressure):
    """ASE's dynamics given other targets: masses in proportion to the temperature, velocities of all variables kept."""
    thermostat, barostat = reference._thermostat, getattr(reference, "_barostat", None)
    ratio = units.kB * kelvin / thermostat._kT
    thermostat._Q *= ratio
    thermostat._p_eta *= ratio
    thermostat._kT *= ratio
    if barostat is None:
        return
    barostat._kT *= ratio
    barostat._W *= ratio
    barostat._R *= ratio
    barostat._p_xi *= ratio
    reference._pressure_au = pressure
    for momentum in ("_p_eps", "_p_c", "_p_g"):
        if momentum in vars(reference):
            setattr(reference, momentum, getattr(reference, momentum) * ratio)


@pytest.mark.parametrize(("name", "arguments"), ENSEMBLES[1:], ids=IDS[1:])
def test_ramp_follows_ase_with_new_targets_at_each_step(name, arguments):
    reference, ours = both(name, arguments)
    reference.run(10)
    ours.run(10)
    pressure = arguments.get("pressure_au")
    ours.ramp(50, temperature_K=900, pressure_au=None if pressure is None else 2 * pressure)
    for step in range(1, 61):
        way = min(step / 50, 1)
        with_targets(reference, 500 + 400 * way, (pressure or 0) * (1 + way))
        reference.run(1)
        ours.run(1)
        assert ours.target_temperature == pytest.approx(500 + 400 * way)
        atoms = (reference.atoms, ours.atoms)
        np.testing.assert_allclose(*(a.positions for a in atoms), rtol=0, atol=1e-9)
        np.testing.assert_allclose(*(a.get_momenta() for a in atoms), rtol=0, atol=1e-9)
        np.testing.assert_allclose(*(a.cell.array for a in atoms), rtol=0, atol=1e-9)
    assert ours.target_temperature == pytest.approx(900)
    if pressure:
        assert ours.target_pressure == 2 * pressure


@pytest.mark.parametrize("name", ["NoseHooverChainNVT", "IsotropicMTKNPT", "MTKNPT"])
def test_degrees_of_freedom_are_those_of_fewer_atoms_in_ase(name):
    arguments = NVT if name == "NoseHooverChainNVT" else NPT
    reference, _ = both(name, arguments)
    fewer = {"num_atoms_global": len(reference.atoms) - 1, "temperature_K": 500}
    reference._thermostat = nhc.NoseHooverChainThermostat(masses=reference.masses, tdamp=NVT["tdamp"], **fewer)
    if name != "NoseHooverChainNVT":
        made = nhc.MTKBarostat if name == "MTKNPT" else nhc.IsotropicMTKBarostat
        reference._barostat = made(pdamp=NPT["pdamp"], **fewer)
        reference._num_atoms_global -= 1
    ours = getattr(native, name)(crystal(), STEP, **arguments, degrees_of_freedom=3 * len(reference.atoms) - 3)
    reference.run(50)
    ours.run(50)
    assert_same(reference, ours)
    assert ours.temperature == pytest.approx(ours.atoms.get_temperature() * 32 / 31)


def test_freedoms_of_the_cell_are_those_that_its_chain_counts():
    reference, _ = both("MTKNPT", NPT)
    reference._barostat._cell_dof = 6
    reference._barostat._R[0] *= 6 / 9
    ours = native.MTKNPT(crystal(), STEP, **NPT, cell_degrees_of_freedom=6)
    for _ in range(100):
        reference.run(1)
        ours.run(1)
        assert_same(reference, ours)
    nine, none = native.MTKNPT(crystal(), STEP, **NPT, cell_degrees_of_freedom=9), native.MTKNPT(crystal(), STEP, **NPT)
    for dynamics in (nine, none):
        dynamics.run(100)
    np.testing.assert_array_equal(nine.atoms.positions, none.atoms.positions)
    assert np.abs(nine.atoms.positions - ours.atoms.positions).max() > 1e-6


# ---- physics


@pytest.mark.physics
@every_ensemble
def test_conserved_energy_does_not_drift(name, arguments):
    dynamics = getattr(native, name)(crystal(kelvin=400), units.fs, **arguments)
    dynamics.run(500)
    energies = []
    dynamics.attach(lambda: energies.append(dynamics.get_conserved_energy()), 20)
    dynamics.run(8000)
    slope = np.polyfit(np.arange(len(energies)) * 20e-3, energies, 1)[0] / 32  # eV per atom and ps
    assert abs(slope) < 1e-5
    assert np.std(energies) / 32 < 2e-4


@pytest.mark.physics
def test_conserved_energy_is_flat_through_a_ramp():
    dynamics = native.MTKNPT(crystal(kelvin=400), units.fs, **NPT)
    dynamics.run(500)
    start = dynamics.get_conserved_energy()
    total = dynamics.atoms.get_total_energy()
    dynamics.ramp(3000, temperature_K=900, pressure_au=0.0)
    dynamics.run(3000)
    assert dynamics.atoms.get_total_energy() - total > 2  # eV taken up
    assert dynamics.get_conserved_energy() == pytest.approx(start, abs=0.02)


@pytest.mark.physics
def test_temperature_is_the_one_asked_for():
    dynamics = native.NoseHooverChainNVT(crystal(kelvin=400), STEP, **NVT, degrees_of_freedom=93)
    dynamics.run(1000)
    kelvin = []
    dynamics.attach(lambda: kelvin.append(dynamics.temperature), 5)
    dynamics.run(20000)
    assert np.mean(kelvin) == pytest.approx(500, abs=8)
    assert np.var(kelvin) == pytest.approx(2 * 500**2 / 93, rel=0.25)  # of the canonical ensemble


# ---- what Python sees


def calls_of(dynamics, how):
    calls = []

    class Writer:
        def write(self):
            calls.append(("write", dynamics.nsteps))

    dynamics.attach(lambda: calls.append(("each", dynamics.nsteps)))
    dynamics.attach(lambda *a, **k: calls.append((a, k, dynamics.nsteps)), 3, "x", y=1)
    dynamics.attach(Writer(), interval=-5)
    dynamics.insert_observer(lambda: calls.append(("once", dynamics.nsteps)), interval=0)
    return [how(dynamics, steps) for steps in (0, 4, 7)], calls


@pytest.mark.parametrize("how", [lambda d, n: d.run(n), lambda d, n: list(d.irun(n))], ids=["run", "irun"])
def test_observers_are_called_as_by_ase(how):
    reference, ours = both("VelocityVerlet", {})
    assert calls_of(ours, how) == calls_of(reference, how)
    assert ours.get_time() == reference.get_time() == 11 * STEP
    assert ours.get_number_of_steps() == 11
    assert ours.converged()
    assert ours.todict() == reference.todict()


@every_ensemble
def test_atoms_are_current_without_another_evaluation(name, arguments, monkeypatch):
    atoms = crystal(triclinic=True)
    dynamics = getattr(native, name)(atoms, STEP, **arguments)
    seen = []

    def look():
        properties = ("energy", "free_energy", "energies", "forces", "stress", "stresses")
        seen.append((atoms.copy(), {p: np.copy(atoms.calc.get_property(p, atoms)) for p in properties}))

    def never(*args, **kwargs):
        raise AssertionError("an evaluation that was not needed")

    dynamics.attach(look, 7)
    with monkeypatch.context() as patch:
        patch.setattr(atoms.calc.engine, "evaluate", never)
        dynamics.run(30)
    assert len(seen) == 5
    assert not np.array_equal(seen[-1][0].positions, atoms.positions)
    for copy, results in seen:
        copy.calc = MTP("beta-lps", threads=1)
        for name_, value in results.items():
            np.testing.assert_allclose(value, copy.calc.get_property(name_, copy), rtol=0, atol=1e-10)
    atoms.positions[0, 0] += 0.1  # and where they are moved by hand, the calculator notices
    assert atoms.get_potential_energy() != seen[-1][1]["energy"]


@pytest.mark.parametrize("name", ["VelocityVerlet", "MTKNPT"])
def test_what_an_observer_does_to_the_atoms_counts(name):
    reference, ours = both(name, {} if name == "VelocityVerlet" else NPT)

    def meddle(atoms):
        atoms.set_momenta(0.5 * atoms.get_momenta())
        atoms.positions[3] += 0.01
        atoms.set_cell(1.001 * atoms.cell.array)

    for dynamics in (reference, ours):
        dynamics.attach(meddle, -10, dynamics.atoms)
        dynamics.run(10)
    if name == "MTKNPT":  # ASE's keeps its own, and would overwrite what was done
        atoms = reference.atoms
        reference._q, reference._p, reference._h = atoms.get_positions(), atoms.get_momenta(), atoms.cell.array.copy()
    reference.run(10)
    ours.run(10)
    assert_same(reference, ours)


def test_whole_lattice_vectors_may_be_taken_off():
    wrapped, free = native.VelocityVerlet(crystal(), STEP), native.VelocityVerlet(crystal(), STEP)
    wrapped.attach(wrapped.atoms.wrap, 5)
    wrapped.run(40)
    free.run(40)
    free.atoms.wrap()
    np.testing.assert_allclose(wrapped.atoms.positions, free.atoms.positions, atol=1e-9)


def test_atoms_without_momenta_start_at_rest():
    atoms = beta_li3ps4()
    atoms.calc = MTP("beta-lps", threads=1)
    native.VelocityVerlet(atoms, STEP).run(3)
    assert 0 < atoms.get_kinetic_energy() < 1


def test_clusters_and_slabs_move_at_constant_volume():
    for pbc, cell in ((False, np.zeros((3, 3))), ((True, True, False), beta_li3ps4().cell)):
        theirs, ours = crystal(), crystal()
        for atoms in (theirs, ours):
            atoms.pbc = pbc
            atoms.set_cell(cell)
        verlet.VelocityVerlet(theirs, units.fs).run(20)
        native.VelocityVerlet(ours, units.fs).run(20)
        np.testing.assert_allclose(ours.positions, theirs.positions, rtol=0, atol=1e-10)


def test_writes_what_ase_writes(tmp_path):
    reference, ours = crystal(), crystal()
    for folder, cls, atoms in (("theirs", nhc.MTKNPT, reference), ("ours", native.MTKNPT, ours)):
        (tmp_path / folder).mkdir()
        files = {"trajectory": str(tmp_path / folder / "run.traj"), "logfile": str(tmp_path / folder / "log")}
        with cls(atoms, STEP, **NPT, **files, loginterval=4) as dynamics:
            dynamics.run(12)
    assert (tmp_path / "ours/log").read_text() == (tmp_path / "theirs/log").read_text()
    frames = [read(tmp_path / folder / "run.traj", ":") for folder in ("ours", "theirs")]
    assert len(frames[0]) == len(frames[1]) == 4
    for mine, theirs in zip(*frames, strict=True):
        np.testing.assert_allclose(mine.positions, theirs.positions, atol=1e-9)
        np.testing.assert_allclose(mine.get_velocities(), theirs.get_velocities(), atol=1e-9)
        np.testing.assert_allclose(mine.get_stress(), theirs.get_stress(), atol=1e-9)
    with native.MTKNPT(ours, STEP, **NPT, trajectory=tmp_path / "ours/run.traj", append_trajectory=True) as dynamics:
        dynamics.run(1)
    assert len(read(tmp_path / "ours/run.traj", ":")) == 6


def test_threads_and_precision_of_the_calculator():
    results = []
    for options in ({}, {"threads": 2}, {"precision": "mixed"}):
        atoms = crystal().repeat((3, 3, 2))
        atoms.calc = MTP("beta-lps", **({"threads": 1} | options))
        native.MTKNPT(atoms, STEP, **NPT).run(20)
        results.append(atoms.positions.copy())
    np.testing.assert_allclose(results[1], results[0], rtol=0, atol=1e-10)
    np.testing.assert_allclose(results[2], results[0], rtol=0, atol=1e-5)
    assert not np.array_equal(results[2], results[0])


def test_other_threads_of_python_run_meanwhile():
    atoms = crystal().repeat(3)
    atoms.calc = MTP("beta-lps", threads=1)
    dynamics = native.VelocityVerlet(atoms, STEP)
    counted, done = [0], threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1
            time.sleep(0.001)

    other = threading.Thread(target=count)
    other.start()
    before = counted[0]
    dynamics.run(300)
    after = counted[0]
    done.set()
    other.join()
    assert after - before > 10


# ---- Ctrl-C


def test_ctrl_c_is_heard_and_the_run_goes_on_as_if_nothing_had_been():
    dynamics, undisturbed = native.MTKNPT(crystal(), STEP, **NPT), native.MTKNPT(crystal(), STEP, **NPT)
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    began = []

    def interrupt():
        began.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.3, interrupt)
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            dynamics.run(100_000_000)
        late = time.perf_counter() - began[0]
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, previous)
    assert late < 1
    assert dynamics.nsteps > 0
    undisturbed.run(dynamics.nsteps + 10)
    dynamics.run(10)
    np.testing.assert_array_equal(dynamics.atoms.positions, undisturbed.atoms.positions)


# ---- restart


def assert_bitwise(a, b):
    np.testing.assert_array_equal(a.atoms.positions, b.atoms.positions)
    np.testing.assert_array_equal(a.atoms.get_momenta(), b.atoms.get_momenta())
    np.testing.assert_array_equal(a.atoms.cell.array, b.atoms.cell.array)
    np.testing.assert_array_equal(a.atoms.get_forces(), b.atoms.get_forces())
    np.testing.assert_array_equal(a.atoms.get_stress(), b.atoms.get_stress())
    assert a.atoms.get_potential_energy() == b.atoms.get_potential_energy()
    assert a.get_conserved_energy() == b.get_conserved_energy()
    assert a.temperature == b.temperature
    assert a.nsteps == b.nsteps


@every_ensemble
def test_restored_runs_are_the_same_bit_for_bit(name, arguments, tmp_path):
    make = lambda seed: getattr(native, name)(crystal(seed, triclinic=True), STEP, **arguments)  # noqa: E731
    whole, parts = make(3), make(3)
    for dynamics in (whole, parts):
        if name != "VelocityVerlet":
            dynamics.ramp(150, temperature_K=1500)
    whole.run(400)
    rng = np.random.default_rng(1)
    while parts.nsteps < 400:
        parts.run(min(int(rng.integers(1, 60)), 400 - parts.nsteps))
        np.savez(tmp_path / "state.npz", **parts.state())
        if rng.random() < 0.3:
            continue  # a checkpoint that nobody needs changes nothing
        parts = make(int(rng.integers(99)))  # a new process has another start
        with np.load(tmp_path / "state.npz") as state:
            parts.restore(state)
    assert whole.rebuilds > 3
    assert_bitwise(parts, whole)


def test_a_run_can_be_taken_back():
    dynamics = native.IsotropicMTKNPT(crystal(), STEP, **NPT)
    dynamics.run(20)
    state = dynamics.state()
    dynamics.run(100)
    first = dynamics.atoms.copy()
    dynamics.restore(state)
    assert dynamics.nsteps == 20
    dynamics.run(100)
    np.testing.assert_array_equal(dynamics.atoms.positions, first.positions)


def test_states_that_do_not_fit_are_refused():
    nvt, npt = native.NoseHooverChainNVT(crystal(), STEP, **NVT), native.MTKNPT(crystal(), STEP, **NPT)
    with pytest.raises(CheckpointError, match="another ensemble"):
        nvt.restore(npt.state())
    with pytest.raises(CheckpointError, match="9 momenta of the cell, expected 1"):
        native.IsotropicMTKNPT(crystal(), STEP, **NPT).restore(npt.state())
    longer = native.NoseHooverChainNVT(crystal(), STEP, **NVT, tchain=5)
    with pytest.raises(CheckpointError, match="3 links of a chain, expected 5"):
        longer.restore(nvt.state())
    state = nvt.state()
    with pytest.raises(CheckpointError, match='lacks "momenta"'):
        nvt.restore({name: array for name, array in state.items() if name != "momenta"})
    with pytest.raises(CheckpointError, match="5 atoms, expected 32"):
        nvt.restore(state | {"positions": state["positions"][:5]})
    with pytest.raises(CheckpointError, match="cannot go on"):
        nvt.restore(state | {"positions": np.full((32, 3), np.nan)})


# ---- ends


def test_an_atom_that_is_too_fast_is_named():
    atoms = crystal()
    dynamics = native.NoseHooverChainNVT(atoms, STEP, **NVT, displacement_limit=0.3)
    dynamics.run(12)
    momenta = atoms.get_momenta()
    momenta[17] = atoms.get_masses()[17] * np.array([0, 0.4 / STEP, 0])
    atoms.set_momenta(momenta)
    before = atoms.positions.copy()
    with pytest.raises(UnstableRunError, match=r"step 13: atom 17 moves by 0\.\d+ Å in one step, allowed are 0\.3 Å"):
        dynamics.run(10)
    np.testing.assert_array_equal(atoms.positions, before)
    with pytest.raises(UnstableRunError, match="lost at step 12"):
        dynamics.run(1)


def test_a_temperature_out_of_bounds_ends_the_run():
    for limits, allowed in ((None, "0 to 5000 K"), ((0, 300), "0 to 300 K"), ((2000, 9000), "2000 to 9000 K")):
        kelvin = 9000 if limits is None else 600
        dynamics = native.NoseHooverChainNVT(crystal(kelvin=kelvin), STEP / 4, **NVT, temperature_limits=limits)
        with pytest.raises(UnstableRunError, match=rf"step 1: .* K, allowed are {allowed}") as caught:
            dynamics.run(5)
        assert caught.value.cause == "temperature"


def test_what_is_not_finite_is_named():
    atoms = crystal()
    dynamics = native.VelocityVerlet(atoms, STEP)
    momenta = atoms.get_momenta()
    momenta[5, 1] = np.nan
    atoms.set_momenta(momenta)
    with pytest.raises(UnstableRunError, match="step 1: it is no longer finite, first at atom 5"):
        dynamics.run(1)
    for change, message in ((np.nan, "position of atom 4"), (None, "energy of atom")):
        atoms = crystal()
        atoms.positions[4] = atoms.positions[2] if change is None else change
        with pytest.raises(StructureError, match=f"{message}.*is not finite"):
            native.VelocityVerlet(atoms, STEP)


def test_a_cell_that_runs_away_ends_the_run():
    dynamics = native.MTKNPT(crystal(), STEP, **NPT | {"pressure_au": 1e4})
    with pytest.raises(UnstableRunError, match="the cell is strained by") as caught:
        dynamics.run(50)
    assert caught.value.cause == "volume"


# ---- grades


@pytest.fixture(scope="module")
def graded():
    """The bundled potential with a well-conditioned active set of no meaning."""
    potential = load("beta-lps")
    n = potential.coeffs_count
    matrix = np.linalg.qr(np.random.default_rng(0).normal(size=(n, n)))[0]
    active_set = _core.ActiveSet(
        matrix=matrix,
        inverse_transpose=np.linalg.inv(matrix).T,
        configuration=np.zeros(n, np.int32),
        equation=np.zeros(n, np.int32),
    )
    return Potential(potential.core.replaced(active_set=active_set), potential.species)


def graded_dynamics(potential, **options):
    atoms = crystal(calculator=False)
    atoms.calc = MTP(potential, threads=1, **options)
    return native.NoseHooverChainNVT(atoms, STEP, **NVT)


def test_grades_are_those_of_the_calculator_and_change_nothing(graded):
    watched, alone = graded_dynamics(graded), graded_dynamics(graded)
    watched.watch_grade(5)
    seen = []
    watched.attach(lambda: seen.append((watched.nsteps, watched.atoms.copy(), dict(watched.atoms.calc.results))), 1)
    watched.run(12)
    alone.run(12)
    assert_bitwise(watched, alone)
    assert [step for step, _, results in seen if "grade" in results] == [0, 5, 10]
    _, copy, results = seen[10]
    copy.calc = MTP(graded, threads=1)
    expected = copy.calc.get_property("site_grades", copy)
    np.testing.assert_allclose(results["site_grades"], expected, rtol=1e-9)
    assert watched.grade == native.Grade(step=10, atom=int(expected.argmax()), value=results["grade"])
    assert watched.stopped is None
    assert watched.worst_grade.value == max(results["grade"] for _, _, results in seen if "grade" in results)


def test_grades_select_and_stop(graded):
    plain = graded_dynamics(graded)
    plain.watch_grade(4)
    grades = []
    plain.attach(lambda: grades.append(plain.grade.value), 4)
    plain.run(60)
    select, stop = np.sort(grades)[5], np.sort(grades)[-2]
    first = int(np.argmax(np.array(grades) > stop))

    dynamics, selected = graded_dynamics(graded), []
    dynamics.watch_grade(4, select=select, stop=stop, on_select=lambda atoms, grade: selected.append((atoms, grade)))
    assert dynamics.run(60) is False
    assert dynamics.stopped == dynamics.grade
    assert dynamics.stopped.step == dynamics.nsteps == 4 * first
    assert dynamics.stopped.value > stop
    assert [grade.step for _, grade in selected] == [4 * k for k in range(first + 1) if grades[k] > select]
    assert all(atoms is dynamics.atoms for atoms, _ in selected)
    assert list(dynamics.irun(3)) == [False, False, False, True]
    assert dynamics.stopped is None


def test_looks_of_a_run_that_goes_on(graded):
    """Steps that others came before are graded where they are due among all; the first was theirs."""
    whole, tail = graded_dynamics(graded), graded_dynamics(graded)
    whole.watch_grade(4)
    values = []
    whole.attach(lambda: values.append(whole.grade.value), 4)
    whole.run(12)
    seen = []
    tail.watch_grade(4, select=1e-9, offset=6, on_select=lambda _, grade: seen.append(grade))
    tail.run(12)
    assert [grade.step for grade in seen] == [2, 6, 10]
    assert tail.look().step == 12
    assert tail.look().value == pytest.approx(values[3], rel=1e-12)
    assert [grade.step for grade in seen] == [2, 6, 10, 12, 12]
    assert_bitwise(whole, tail)
    with pytest.raises(ValueError, match=r"offset is -1; expected None or a whole number"):
        tail.watch_grade(4, offset=-1)
    with pytest.raises(BetalpsError, match="active set"):
        graded_dynamics(load("beta-lps").without_active_set()).look()


def test_the_calculator_may_ask_for_grades(graded):
    dynamics = graded_dynamics(graded, grade=3)
    dynamics.run(7)
    assert dynamics.grade.step == 6
    assert "grade" not in dynamics.atoms.calc.results


def test_grades_need_an_active_set_and_sound_thresholds(graded):
    with pytest.raises(BetalpsError, match="active set"):
        graded_dynamics(load("beta-lps").without_active_set()).watch_grade(10)
    dynamics = graded_dynamics(graded)
    with pytest.raises(ValueError, match="select is 3 and stop is 2"):
        dynamics.watch_grade(10, select=3, stop=2)
    with pytest.raises(ValueError, match=r"interval is 2\.5"):
        dynamics.watch_grade(2.5)


# ---- refusals


@pytest.mark.parametrize(("name", "arguments"), ENSEMBLES[:5], ids=IDS[:5])
def test_what_only_ase_does_is_refused_with_its_name(name, arguments):
    atoms = crystal()
    atoms.set_constraint(FixAtoms([0]))
    where = f"ase.md.*{name}"
    with pytest.raises(ValueError, match=rf"constraints \(FixAtoms\).*{where}"):
        getattr(native, name)(atoms, STEP, **arguments)
    atoms = crystal(calculator=False)
    with pytest.raises(TypeError, match=f"no calculator.*{where}"):
        getattr(native, name)(atoms, STEP, **arguments)
    atoms.calc = EMT()
    with pytest.raises(TypeError, match=f"found a EMT.*{where}"):
        getattr(native, name)(atoms, STEP, **arguments)


def test_changes_that_need_new_dynamics_are_refused():
    def masses(atoms):
        atoms.set_masses(2 * atoms.get_masses())

    def numbers(atoms):
        atoms.numbers[0] = 15

    def pbc(atoms):
        atoms.pbc = False

    def calculator(atoms):
        atoms.calc = MTP("beta-lps", threads=1)

    def constraints(atoms):
        atoms.set_constraint(FixAtoms([0]))

    for change in (masses, numbers, pbc, calculator, constraints):
        dynamics = native.VelocityVerlet(crystal(), STEP)
        dynamics.run(2)
        change(dynamics.atoms)
        with pytest.raises(ValueError, match=change.__name__):
            dynamics.run(1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda a: native.VelocityVerlet(a, 0.0), "time step is 0"),
        (lambda a: native.NoseHooverChainNVT(a, STEP, **NVT | {"temperature_K": -5}), "target temperature"),
        (lambda a: native.NoseHooverChainNVT(a, STEP, **NVT | {"tdamp": 0}), "damping time is 0"),
        (lambda a: native.NoseHooverChainNVT(a, STEP, **NVT, tchain=0), "0 links"),
        (lambda a: native.NoseHooverChainNVT(a, STEP, **NVT, degrees_of_freedom=0), "degrees of freedom is 0"),
        (lambda a: native.MTKNPT(a, STEP, **NPT, cell_degrees_of_freedom=0), "expected at least 1"),
        (lambda a: native.MTKNPT(a, STEP, **NPT, cell_degrees_of_freedom=10), r"found 10\.0+, expected .* at most 9"),
        (lambda a: native.MaskedMTKNPT(a, STEP, **NPT, mask=(False, False, False)), "at least one of them true"),
        (lambda a: native.MaskedMTKNPT(a, STEP, **NPT, mask=(True,)), "three flags"),
        (lambda a: native.VelocityVerlet(a, STEP, skin=-1), "skin is -1"),
        (lambda a: native.VelocityVerlet(a, STEP).run(-1), "steps is -1"),
        (lambda a: native.VelocityVerlet(a, STEP).run(2.0), r"steps is 2\.0"),
        (lambda a: native.VelocityVerlet(a, STEP).ramp(5, temperature_K=1), "no target"),
        (lambda a: native.NoseHooverChainNVT(a, STEP, **NVT).ramp(5, pressure_au=1), "no target pressure"),
        (lambda a: native.NoseHooverChainNVT(a, STEP, **NVT).ramp(-5, temperature_K=1), "-5 steps"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make(crystal())


def test_pressure_needs_a_periodic_cell():
    atoms = crystal()
    atoms.pbc = (True, True, False)
    with pytest.raises(ValueError, match="three periodic directions"):
        native.MTKNPT(atoms, STEP, **NPT)


def test_one_thread_at_a_time():
    dynamics = native.VelocityVerlet(crystal(), STEP)
    started = threading.Event()
    dynamics.attach(started.set, -1)
    other = threading.Thread(target=dynamics.run, args=(4000,))

    other.start()
    assert started.wait(10)
    time.sleep(0.05)  # into the steps that follow
    with pytest.raises(RuntimeError, match="another thread"):
        dynamics.state()
    other.join()


def test_empty_structures_are_refused():
    atoms = Atoms()
    atoms.calc = MTP("beta-lps", threads=1)
    with pytest.raises(ValueError, match="no atoms"):
        native.VelocityVerlet(atoms, STEP)
