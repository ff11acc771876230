// The motion by what its equations promise: second-order conservation in every ensemble, with targets at rest and on
// a ramp; reversibility; bitwise continuation; and an end that is named where a run is lost. (That the numbers are
// ASE's is tests/dynamics/test_native.py's.)
#include "betalps/dynamics.hpp"

#include <limits>
#include <random>

#include "../src/dynamics_chain.hpp"
#include "../src/dynamics_tensor.hpp"
#include "check.hpp"
#include "plain_mtp.hpp"

using namespace betalps;

namespace {

constexpr double kRoom = 0.025, kFs = 0.09822694788;  // k_B T near room temperature; 1 fs
constexpr double kInfinite = MotionLimits::none;

struct System {
  Potential potential;
  MovingAtoms atoms;
  double pressure;  // about what its forces exert

  /// 3 x 3 x 3 atoms of two species on a sheared, shaken lattice: they repel each other, and have a little of every
  /// other term.
  explicit System(unsigned seed) {
    std::mt19937 rng(seed);
    std::normal_distribution<double> normal;
    potential = plain::random_potential(rng, make_basis(8), 2, 6);
    for (std::size_t k = 0; k < potential.radial_coeffs.size(); ++k) {
      double& c = potential.radial_coeffs[k];
      c = k % (6 * static_cast<std::size_t>(potential.radial_count)) == 0 ? 1 : 0.03 * c;
    }
    for (double& c : potential.moment_coeffs) c *= 0.01;
    potential.moment_coeffs[0] = 2;
    const double side = 2.6;
    atoms.cell = {3 * side, 0, 0, 0.8, 3 * side, 0, -0.4, 0.6, 3 * side};
    atoms.periodic = {true, true, true};
    for (int i = 0; i < 27; ++i) {
      const double f[3] = {(i % 3) / 3.0, (i / 3 % 3) / 3.0, (i / 9) / 3.0};
      const double mass = i % 2 ? 7 : 30;
      atoms.masses.push_back(mass);
      atoms.species.push_back(i % 2);
      for (int k = 0; k < 3; ++k) {
        double r = 0;
        for (int v = 0; v < 3; ++v) r += f[v] * atoms.cell[3 * v + k];
        atoms.positions.push_back(r + 0.05 * normal(rng));
        atoms.momenta.push_back(std::sqrt(mass * kRoom) * normal(rng));
      }
    }
    pressure = measured_pressure();
  }

  double measured_pressure() const {
    std::vector<double> forces(81), energies(27), virials(27 * 6);
    DynamicsSettings settings;
    settings.timestep = 1;
    settings.degrees_of_freedom = 81;
    Dynamics(potential, atoms, settings, 0, 0).results(forces.data(), energies.data(), virials.data());
    double sum = 0;
    for (std::size_t k = 0; k < virials.size(); ++k)
      if (k % 6 < 3) sum += virials[k];
    return sum / 3 / determinant(atoms.cell);
  }
};

DynamicsSettings settings_of(CellMotion cell, bool thermostat, double timestep) {
  DynamicsSettings s;
  s.timestep = timestep;
  s.degrees_of_freedom = 81;
  s.isa = default_isa();
  s.cell = cell;
  s.axes = {false, true, true};
  if (thermostat) s.thermostat = ChainSettings{20 * kFs, 3, 1};
  if (cell != CellMotion::fixed) s.barostat = ChainSettings{100 * kFs, 3, 1};
  return s;
}

struct Kind {
  CellMotion cell;
  bool thermostat;
};
const Kind kKinds[] = {{CellMotion::fixed, false},
                       {CellMotion::fixed, true},
                       {CellMotion::isotropic, true},
                       {CellMotion::full, true},
                       {CellMotion::axes, true}};

Dynamics make(const System& system, Kind kind, double timestep = kFs, int threads = 1) {
  DynamicsSettings settings = settings_of(kind.cell, kind.thermostat, timestep);
  settings.threads = threads;
  return Dynamics(system.potential, system.atoms, settings, kRoom, system.pressure);
}

/// The largest change of the conserved energy over 100 fs, on the way to twice the temperature if `heated`.
double drift(const System& system, Kind kind, int steps_per_fs, bool heated) {
  Dynamics dynamics = make(system, kind, kFs / steps_per_fs);
  if (heated) dynamics.ramp(2 * kRoom, 1.05 * system.pressure, 100 * steps_per_fs);
  const double start = dynamics.conserved_energy();
  double worst = 0;
  for (int fs = 0; fs < 100; ++fs) {
    dynamics.run(steps_per_fs, {});
    worst = std::max(worst, std::abs(dynamics.conserved_energy() - start));
  }
  return worst;
}

void conserves_to_second_order() {
  const System system(3);
  for (const Kind kind : kKinds)
    for (const bool heated : {false, true}) {
      if (heated && !kind.thermostat) continue;
      const double coarse = drift(system, kind, 1, heated), fine = drift(system, kind, 4, heated);
      CHECK(coarse < 0.05);
      CHECK_CLOSE(coarse / fine, 16, 5);
    }
}

void the_ramp_is_followed() {
  const Ramp ramp{1, 3, 10, 4};
  CHECK(ramp.at(9) == 1 && ramp.at(10) == 1 && ramp.at(11) == 1.5 && ramp.at(14) == 3 && ramp.at(99) == 3);
  CHECK((Ramp{1, 3, 10, 0}.at(10) == 3));
  const System system(2);
  Dynamics dynamics = make(system, {CellMotion::full, true});
  dynamics.run(3, {});
  dynamics.ramp(3 * kRoom, 3 * system.pressure, 4);
  CHECK(dynamics.target_temperature() == kRoom);
  dynamics.run(1, {});
  CHECK_CLOSE(dynamics.target_temperature(), 1.5 * kRoom, 1e-15);
  CHECK_CLOSE(dynamics.target_pressure(), 1.5 * system.pressure, 1e-12);
  dynamics.run(9, {});
  CHECK(dynamics.target_temperature() == 3 * kRoom && dynamics.target_pressure() == 3 * system.pressure);
}

void chain_is_reversible() {
  for (const int links : {1, 2, 5}) {
    Chain chain({7, links, 2}, 12, 12, 0.03);
    const auto start = chain.state();
    double twice_kinetic = 0.7;
    const double total = twice_kinetic / 2 + chain.energy();
    for (int k = 0; k < 10; ++k) {
      const double factor = chain.integrate(twice_kinetic, 0.2);
      twice_kinetic *= factor * factor;
    }
    CHECK(std::abs(twice_kinetic - 0.7) > 0.01);
    CHECK_CLOSE(twice_kinetic / 2 + chain.energy(), total, 1e-6);  // fourth order
    for (int k = 0; k < 10; ++k) {
      const double factor = chain.integrate(twice_kinetic, -0.2);
      twice_kinetic *= factor * factor;
    }
    CHECK_CLOSE(twice_kinetic, 0.7, 1e-13);
    const auto end = chain.state();
    for (std::size_t k = 0; k < end.size(); ++k) CHECK_CLOSE(end[k], start[k], 1e-12);
  }
}

void newton_is_reversible() {
  const System system(3);
  Dynamics dynamics = make(system, {CellMotion::fixed, false});
  dynamics.run(100, {});
  std::vector<double> back = dynamics.momenta();
  for (double& p : back) p = -p;
  dynamics.set_momenta(back.data());
  dynamics.run(100, {});
  for (std::size_t k = 0; k < back.size(); ++k) {
    CHECK_CLOSE(dynamics.positions()[k], system.atoms.positions[k], 1e-9);
    CHECK_CLOSE(dynamics.momenta()[k], -system.atoms.momenta[k], 1e-9);
  }
}

void functions_of_matrices() {
  std::mt19937 rng(5);
  std::normal_distribution<double> normal;
  for (const double size : {1e-9, 1e-3, 1.0})
    for (const bool twofold : {false, true}) {
      Symmetric s;
      for (double& x : s) x = size * normal(rng);
      if (twofold) s = {size, size, 2 * size, 0, 0, 1e-12 * size};
      const Matrix m = matrix(s);
      const Spectrum spectrum(m);
      const Matrix same = spectrum.apply([](double x) { return x; });
      const Matrix squared = product(m, m), by_values = spectrum.apply([](double x) { return x * x; });
      for (int k = 0; k < 9; ++k) {
        CHECK_CLOSE(same[k], m[k], 1e-14 * size);
        CHECK_CLOSE(by_values[k], squared[k], 2e-14 * size * size);
      }
    }
  const Matrix unit = Spectrum(Matrix{}).apply([](double) { return 1.0; });
  CHECK((unit == Matrix{1, 0, 0, 0, 1, 0, 0, 0, 1}));  // so a fixed cell moves its atoms exactly
  CHECK(exprel(0) == 1);
  CHECK_CLOSE(exprel(1e-9), 1 + 5e-10, 1e-15);
  CHECK_CLOSE(determinant({2, 1, 0, 0, 3, 0, 5, 0, 4}), 24, 1e-13);
}

bool same(const DynamicsState& a, const DynamicsState& b) {
  return a.step == b.step && a.positions == b.positions && a.momenta == b.momenta && a.cell == b.cell &&
         a.list_positions == b.list_positions && a.thermostat == b.thermostat && a.barostat == b.barostat &&
         a.cell_momenta == b.cell_momenta && a.temperature == b.temperature && a.work == b.work;
}

void continues_bit_by_bit() {
  const System system(4);
  for (const Kind kind : kKinds) {
    System other = system;
    std::swap(other.atoms.positions, other.atoms.momenta);  // nothing of its start may matter
    Dynamics whole = make(system, kind), first = make(system, kind), second = make(other, kind);
    for (Dynamics* d : {&whole, &first})
      if (kind.thermostat) d->ramp(4 * kRoom, 1.05 * system.pressure, 400);
    whole.run(600, {});
    first.run(250, {});
    const DynamicsState state = first.state();
    second.restore(state);
    CHECK(same(state, second.state()));
    CHECK(second.potential_energy() == first.potential_energy());
    CHECK(second.conserved_energy() == first.conserved_energy());
    first.run(350, {});
    second.run(350, {});
    CHECK(whole.rebuilds() > 2 && same(whole.state(), first.state()) && same(whole.state(), second.state()));
    CHECK(whole.kinetic_energy() == second.kinetic_energy());
  }
}

void threads_differ_by_rounding() {
  const System system(6);
  Dynamics one = make(system, {CellMotion::full, true}), three = make(system, {CellMotion::full, true}, kFs, 3);
  one.run(50, {});
  three.run(50, {});
  CHECK(three.threads() == 3);
  for (std::size_t k = 0; k < one.positions().size(); ++k)
    CHECK_CLOSE(one.positions()[k], three.positions()[k], 1e-9);
}

void a_lost_run_is_named() {
  const System system(7);
  Dynamics dynamics = make(system, {CellMotion::fixed, false});
  const DynamicsState state = dynamics.state();
  dynamics.set_limits({0, kInfinite, 0.1, 0.05});
  std::vector<double> momenta = system.atoms.momenta;
  momenta[3 * 11] = 30 * 0.2 / kFs;
  dynamics.set_momenta(momenta.data());
  Outcome outcome = dynamics.run(5, {});
  CHECK(outcome.event == Event::fast && outcome.step == 1 && outcome.atom == 11 && outcome.value > 0.1);
  CHECK(dynamics.lost());
  CHECK_THROWS(dynamics.run(1, {}), std::logic_error, "lost at step 0");
  CHECK_THROWS(dynamics.state(), std::logic_error, "it has no state");
  dynamics.restore(state);
  CHECK(dynamics.run(5, {}).event == Event::none && dynamics.step() == 5);

  momenta[3 * 4 + 1] = std::numeric_limits<double>::quiet_NaN();
  momenta[3 * 11] = 0;
  dynamics.set_momenta(momenta.data());
  outcome = dynamics.run(5, {});
  CHECK(outcome.event == Event::not_finite && outcome.step == 6 && outcome.atom == 4);

  dynamics.restore(state);
  dynamics.set_limits({0, kRoom / 3, kInfinite, kInfinite});
  outcome = dynamics.run(5, {});
  CHECK(outcome.event == Event::temperature && outcome.step == 1 && outcome.value > kRoom / 3);
  dynamics.restore(state);
  dynamics.set_limits({3 * kRoom, kInfinite, kInfinite, kInfinite});
  CHECK(dynamics.run(5, {}).event == Event::temperature);

  Dynamics pressed(system.potential, system.atoms, settings_of(CellMotion::full, true, kFs), kRoom, 1e6);
  pressed.set_limits({0, kInfinite, kInfinite, 0.05});
  outcome = pressed.run(50, {});
  CHECK(outcome.event == Event::strained && outcome.atom == -1);
}

void stops_where_it_is_asked_to() {
  Dynamics dynamics = make(System(8), {CellMotion::fixed, true});
  int asked = 0;
  const Outcome outcome = dynamics.run(50, [&asked] { return ++asked == 7; });
  CHECK(outcome.event == Event::interrupted && outcome.step == 7 && dynamics.step() == 7);
  CHECK(dynamics.run(3, {}).event == Event::none && dynamics.step() == 10);
}

/// Every row one coefficient: the grade is then that of the largest derivative.
ActiveSet unit_active_set(std::size_t size) {
  ActiveSet set;
  set.size = size;
  set.matrix.assign(size * size, 0);
  for (std::size_t k = 0; k < size; ++k) set.matrix[k * (size + 1)] = 1;
  set.inverse_transpose = set.matrix;
  set.configuration.assign(size, 0);
  set.equation.assign(size, 0);
  return set;
}

void grades_watch_and_leave_alone() {
  System system(10);
  system.potential.active_set = unit_active_set(system.potential.coeffs_count());
  Dynamics free = make(system, {CellMotion::full, true}), watched = make(system, {CellMotion::full, true});
  watched.set_watch({4, kInfinite, kInfinite});
  free.run(30, {});
  const Outcome last = watched.run(28, {});
  CHECK(last.event == Event::none && last.step == 28 && last.atom >= 0 && last.value > 0);
  const std::vector<Outcome> checks = watched.take_grades();
  CHECK(checks.size() == 7 && checks[0].step == 4 && checks[6].value == last.value && watched.take_grades().empty());
  const std::vector<double> grades = watched.grades();
  CHECK(grades.size() == 27 && grades[last.atom] == last.value);
  watched.set_positions(std::vector<double>(watched.positions()).data());
  CHECK(watched.grade().value == last.value && watched.grades() == grades);  // computed after the forces, not with them
  watched.run(2, {});
  CHECK(watched.grades().empty());  // those of another step
  CHECK(same(free.state(), watched.state()));
  watched.set_watch({4, last.value / 2, kInfinite});
  Outcome outcome = watched.run(30, {});
  CHECK(outcome.event == Event::select && outcome.step == 32);
  watched.set_watch({5, last.value / 4, last.value / 2});
  outcome = watched.run(30, {});
  CHECK(outcome.event == Event::stop && outcome.step == 35);
  watched.set_watch({5, last.value / 4, last.value / 2, 3});
  outcome = watched.run(30, {});
  CHECK(outcome.event == Event::stop && outcome.step == 37);
}

/// Forces in mixed precision stay what they are at steps that are graded.
void grades_leave_mixed_precision_alone() {
  System system(12);
  system.potential.active_set = unit_active_set(system.potential.coeffs_count());
  DynamicsSettings mixed = settings_of(CellMotion::fixed, true, 1);
  mixed.precision = Precision::mixed;
  Dynamics free(system.potential, system.atoms, mixed, kRoom, 0);
  Dynamics watched(system.potential, system.atoms, mixed, kRoom, 0);
  watched.set_watch({2, kInfinite, kInfinite});
  free.run(9, {});
  watched.run(9, {});
  CHECK(watched.take_grades().size() == 4 && same(free.state(), watched.state()));
}

void refuses_bad_settings() {
  const System system(11);
  const auto made = [&system](DynamicsSettings s, double temperature = kRoom) {
    Dynamics dynamics(system.potential, system.atoms, s, temperature, 0);
  };
  CHECK_THROWS(made(settings_of(CellMotion::fixed, true, -1)), std::invalid_argument, "time step is -1");
  CHECK_THROWS(made(settings_of(CellMotion::fixed, true, 1), -3), std::invalid_argument, "target temperature is -3");
  DynamicsSettings s = settings_of(CellMotion::axes, true, 1);
  s.axes = {};
  CHECK_THROWS(made(s), std::invalid_argument, "no axis of the cell is free");
  s = settings_of(CellMotion::full, true, 1);
  s.barostat.reset();
  CHECK_THROWS(made(s), std::invalid_argument, "needs a barostat");
  s = settings_of(CellMotion::full, true, 1);
  s.thermostat->damping = 0;
  CHECK_THROWS(made(s), std::invalid_argument, "damping time is 0");
  s.thermostat = ChainSettings{1, 0, 1};
  CHECK_THROWS(made(s), std::invalid_argument, "0 links");
  System massless(12);
  massless.atoms.masses[5] = 0;
  CHECK_THROWS(make(massless, kKinds[0]), std::invalid_argument, "mass of atom 5");
  massless.atoms.masses.pop_back();
  CHECK_THROWS(make(massless, kKinds[0]), std::invalid_argument, "expected 3, 3 and 1 numbers");
  MovingAtoms flat = system.atoms;
  flat.cell = {};
  flat.periodic = {};
  CHECK_THROWS(Dynamics(system.potential, flat, settings_of(CellMotion::full, true, 1), kRoom, 0),
               std::invalid_argument, "volume of the cell");
  Dynamics dynamics = make(system, {CellMotion::full, true});
  CHECK_THROWS(dynamics.ramp(0, 0, 5), std::invalid_argument, "target temperature");
  CHECK_THROWS(dynamics.ramp(1, 0, -5), std::invalid_argument, "-5 steps");
  CHECK_THROWS(dynamics.ramp(1, kInfinite, 5), std::invalid_argument, "pressure");
}

void refuses_states_of_others() {
  const System system(13);
  Dynamics npt = make(system, {CellMotion::full, true}), nve = make(system, kKinds[0]);
  CHECK_THROWS(nve.restore(npt.state()), std::invalid_argument, "another ensemble");
  DynamicsState state = npt.state();
  state.cell_momenta.pop_back();
  CHECK_THROWS(npt.restore(state), std::invalid_argument, "8 momenta of the cell, expected 9");
  CHECK(npt.lost());
  state = nve.state();
  state.positions.resize(12);
  CHECK_THROWS(nve.restore(state), std::invalid_argument, "4 atoms, expected 27");
  CHECK(!nve.lost());
}

}  // namespace

int main() {
  functions_of_matrices();
  chain_is_reversible();
  the_ramp_is_followed();
  conserves_to_second_order();
  newton_is_reversible();
  continues_bit_by_bit();
  threads_differ_by_rounding();
  a_lost_run_is_named();
  stops_where_it_is_asked_to();
  grades_watch_and_leave_alone();
  grades_leave_mixed_precision_alone();
  refuses_bad_settings();
  refuses_states_of_others();
  return check::finish();
}
