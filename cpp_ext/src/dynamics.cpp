#include "betalps/dynamics.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "dynamics_barostat.hpp"
#include "dynamics_chain.hpp"
#include "dynamics_forces.hpp"
#include "dynamics_motion.hpp"

namespace betalps {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void require_positive(const char* what, double value) {
  if (!(value > 0) || !std::isfinite(value))
    throw std::invalid_argument(std::string(what) + " is " + std::to_string(value) + ": expected above 0 and finite");
}

void require_sizes(const MovingAtoms& atoms) {
  const std::size_t n = atoms.species.size();
  if (n == 0) throw std::invalid_argument("no atoms: expected at least one");
  if (atoms.positions.size() != 3 * n || atoms.momenta.size() != 3 * n || atoms.masses.size() != n)
    throw std::invalid_argument("positions, momenta and masses: expected 3, 3 and 1 numbers for each of " +
                                std::to_string(n) + " atoms");
  for (std::size_t i = 0; i < n; ++i) require_positive(("mass of atom " + std::to_string(i)).c_str(), atoms.masses[i]);
}

const DynamicsSettings& checked(const DynamicsSettings& settings) {
  require_positive("time step", settings.timestep);
  require_positive("number of degrees of freedom", settings.degrees_of_freedom);
  if (settings.barostat.has_value() != (settings.cell != CellMotion::fixed))
    throw std::invalid_argument("a cell that moves needs a barostat, and one that is fixed has none");
  return settings;
}

}  // namespace

double Ramp::at(std::int64_t step) const {
  if (step >= begin + steps) return to;
  if (step <= begin) return from;
  return from + (to - from) * (static_cast<double>(step - begin) / static_cast<double>(steps));
}

struct Dynamics::Run {
  DynamicsSettings settings;
  ThreadPool pool;
  Motion motion;
  Forces forces;
  Cell cell;
  std::optional<Chain> thermostat;
  std::optional<Barostat> barostat;
  double temperature, pressure, work = 0;
  Ramp temperature_ramp, pressure_ramp;
  MotionLimits limits;
  GradeWatch watch;
  std::vector<Outcome> checks;
  std::int64_t step = 0;
  Symmetric twice_kinetic;  // of the present momenta
  bool current = false;     // whether the forces are those of the present positions
  bool lost = false;        // a step was left half done
  DynamicsTimes times;

  Run(const Potential& potential, MovingAtoms& atoms, const DynamicsSettings& given, double temperature,
      double pressure)
      : settings(checked(given)),
        pool(settings.threads),
        motion(std::move(atoms.positions), std::move(atoms.momenta), atoms.masses),
        forces(potential, settings, std::move(atoms.species), atoms.periodic),
        cell(atoms.cell),
        temperature(temperature),
        pressure(pressure),
        temperature_ramp{temperature, temperature, 0, 0},
        pressure_ramp{pressure, pressure, 0, 0} {
    const double n = settings.degrees_of_freedom;
    if (settings.thermostat || settings.barostat) require_positive("target temperature", temperature);
    if (settings.thermostat) thermostat.emplace(*settings.thermostat, n, n, temperature);
    if (settings.barostat) {
      require_positive("volume of the cell", volume());
      barostat.emplace(settings, cell, temperature);
    }
    twice_kinetic = motion.scale(1, pool);
  }

  double volume() const { return std::abs(determinant(cell)); }

  /// `graded`: with grades, if anything is computed at all.
  void refresh(bool graded = false) {
    if (current) return;
    forces.compute(motion.positions, cell, graded, pool, times);
    current = true;
  }

  bool watched(std::int64_t at) const { return watch.interval > 0 && (at + watch.offset) % watch.interval == 0; }

  /// Energy of everything that is not an atom.
  double extended_energy() const {
    double energy = thermostat ? thermostat->energy() : 0;
    if (barostat) energy += barostat->energy() + pressure * volume();
    return energy;
  }

  /// Sets the targets of the step that ends at step `next`.
  void retarget(std::int64_t next) {
    const double to_temperature = temperature_ramp.at(next), to_pressure = pressure_ramp.at(next);
    if (to_temperature == temperature && to_pressure == pressure) return;
    const double before = extended_energy();
    if (to_temperature != temperature) {
      if (thermostat) thermostat->retarget(to_temperature);
      if (barostat) barostat->retarget(to_temperature);
    }
    temperature = to_temperature;
    pressure = to_pressure;
    work += extended_energy() - before;
  }

  void push_cell(double time) {
    if (barostat) barostat->push(forces.virial(), twice_kinetic, pressure * volume(), time);
  }

  /// One step of the factorised propagator: chain of the cell, chain of the atoms, momenta of the cell, momenta,
  /// positions and cell, and back.
  Outcome advance() {
    const double whole = settings.timestep, half = whole / 2;
    retarget(step + 1);
    if (barostat) barostat->thermalise(half);
    const double factor = thermostat ? thermostat->integrate(trace(twice_kinetic), half) : 1;
    for (double& component : twice_kinetic) component *= factor * factor;  // the momenta follow in their kick
    push_cell(half);

    const Matrix rate = barostat ? barostat->rate() : Matrix{};
    const Spectrum strain(rate);
    const double strained = largest(strain.values()) * whole;
    if (!(strained <= limits.strain)) return lose(Event::strained, strained, step + 1);
    const double coupling = (rate[0] + rate[4] + rate[8]) / settings.degrees_of_freedom;
    const SubStep kick = {strain.apply([&](double r) { return std::exp(-(r + coupling) * half); }),
                          strain.apply([&](double r) { return half * exprel(-(r + coupling) * half); })};
    const SubStep drift = {strain.apply([&](double r) { return std::exp(r * whole); }),
                           strain.apply([&](double r) { return whole * exprel(r * whole); })};
    SubStep damped_kick = kick;
    for (double& element : damped_kick.keep) element *= factor;
    const double moved = whole * std::sqrt(motion.kick_and_drift(damped_kick, drift, forces.forces(), pool));
    if (!(moved <= limits.displacement)) return lose(Event::fast, moved, step + 1);
    if (barostat) cell = product(cell, drift.keep);
    current = false;
    refresh(watched(step + 1));

    twice_kinetic = motion.kick(kick, forces.forces(), pool);
    push_cell(half);
    if (thermostat) twice_kinetic = motion.scale(thermostat->integrate(trace(twice_kinetic), half), pool);
    if (barostat) barostat->thermalise(half);
    ++step;
    const double instantaneous = trace(twice_kinetic) / settings.degrees_of_freedom;
    if (!std::isfinite(forces.energy())) return lose(Event::not_finite, forces.energy(), step);
    if (!(instantaneous >= limits.coldest && instantaneous <= limits.hottest))
      return lose(Event::temperature, instantaneous, step);
    return {Event::none, step, -1, 0};
  }

  static double largest(const Vector& values) {
    return std::max(std::max(std::abs(values[0]), std::abs(values[1])), std::abs(values[2]));
  }

  double seconds_in_forces() const { return times.rebuild + times.list + times.kernel + times.gather + times.grades; }

  /// The run cannot go on from here: names the atom that is to blame.
  Outcome lose(Event event, double value, std::int64_t at) {
    lost = true;
    if (!std::isfinite(value)) event = Event::not_finite;
    if (event == Event::strained) return {event, at, -1, value};
    if (event != Event::not_finite) return {event, at, static_cast<std::int64_t>(motion.fastest()), value};
    const std::size_t atom = std::min(motion.first_not_finite(forces.forces()), forces.first_not_finite());
    return {event, at, atom < motion.atoms() ? static_cast<std::int64_t>(atom) : -1, value};
  }

  Outcome grade() {
    refresh();
    const double began = seconds_now();
    forces.grade(pool);
    times.grades += seconds_now() - began;
    const std::vector<double>& grades = forces.grades();
    const auto worst = std::max_element(grades.begin(), grades.end());
    const Event event = *worst > watch.stop ? Event::stop : *worst > watch.select ? Event::select : Event::none;
    checks.push_back({event, step, worst - grades.begin(), *worst});
    return checks.back();
  }
};

Dynamics::Dynamics(const Potential& potential, MovingAtoms atoms, const DynamicsSettings& settings, double temperature,
                   double pressure) {
  require_sizes(atoms);
  run_ = std::make_unique<Run>(potential, atoms, settings, temperature, pressure);
  run_->refresh();
}

Dynamics::~Dynamics() = default;

Outcome Dynamics::run(std::int64_t steps, const std::function<bool()>& interrupted) {
  Run& run = *run_;
  if (run.lost) throw std::logic_error("this run was lost at step " + std::to_string(run.step) + ": restore a state");
  Outcome outcome{Event::none, run.step, -1, 0};
  for (const std::int64_t end = run.step + steps; run.step < end && outcome.event == Event::none;) {
    try {
      run.refresh();
      const double began = seconds_now() - run.seconds_in_forces();
      outcome = run.advance();
      run.times.motion += seconds_now() - run.seconds_in_forces() - began;
    } catch (...) {
      run.lost = true;
      throw;
    }
    if (outcome.event != Event::none) break;
    if (run.watched(run.step)) outcome = run.grade();
    if (outcome.event == Event::none && interrupted && interrupted()) outcome.event = Event::interrupted;
  }
  return outcome;
}

Outcome Dynamics::grade() { return run_->grade(); }
std::vector<Outcome> Dynamics::take_grades() { return std::exchange(run_->checks, {}); }

std::size_t Dynamics::atoms() const { return run_->motion.positions.size() / 3; }
std::int64_t Dynamics::step() const { return run_->step; }
const std::vector<double>& Dynamics::positions() const { return run_->motion.positions; }
const std::vector<double>& Dynamics::momenta() const { return run_->motion.momenta; }
const Cell& Dynamics::cell() const { return run_->cell; }

void Dynamics::set_positions(const double* positions) {
  std::copy_n(positions, run_->motion.positions.size(), run_->motion.positions.begin());
  run_->current = false;
}

void Dynamics::set_momenta(const double* momenta) {
  std::copy_n(momenta, run_->motion.momenta.size(), run_->motion.momenta.begin());
  run_->twice_kinetic = run_->motion.scale(1, run_->pool);
}

void Dynamics::set_cell(const Cell& cell) {
  run_->cell = cell;
  run_->current = false;
}

void Dynamics::ramp(double temperature, double pressure, std::int64_t steps) {
  if (run_->thermostat || run_->barostat) require_positive("target temperature", temperature);
  if (!std::isfinite(pressure)) throw std::invalid_argument("target pressure is not finite");
  if (steps < 0) throw std::invalid_argument("a ramp over " + std::to_string(steps) + " steps: expected at least 0");
  run_->temperature_ramp = {run_->temperature, temperature, run_->step, steps};
  run_->pressure_ramp = {run_->pressure, pressure, run_->step, steps};
}

double Dynamics::target_temperature() const { return run_->temperature; }
double Dynamics::target_pressure() const { return run_->pressure; }
void Dynamics::set_limits(const MotionLimits& limits) { run_->limits = limits; }
void Dynamics::set_watch(const GradeWatch& watch) { run_->watch = watch; }

double Dynamics::potential_energy() {
  run_->refresh();
  return run_->forces.energy();
}

double Dynamics::kinetic_energy() const { return trace(run_->twice_kinetic) / 2; }

double Dynamics::conserved_energy() {
  return potential_energy() + kinetic_energy() + run_->extended_energy() - run_->work;
}

void Dynamics::results(double* forces, double* energies, double* virials) {
  run_->refresh();
  std::copy_n(run_->forces.forces(), 3 * atoms(), forces);
  run_->forces.site_energies(energies);
  run_->forces.site_virials(virials);
}

const std::vector<double>& Dynamics::grades() const { return run_->forces.grades(); }

DynamicsState Dynamics::state() {
  Run& run = *run_;
  if (run.lost) throw std::logic_error("this run was lost at step " + std::to_string(run.step) + ": it has no state");
  run.refresh();
  DynamicsState state;
  state.step = run.step;
  state.positions = run.motion.positions;
  state.momenta = run.motion.momenta;
  state.cell = run.cell;
  state.list_positions = run.forces.list_positions();
  state.list_cell = run.forces.list_cell();
  if (run.thermostat) state.thermostat = run.thermostat->state();
  if (run.barostat) {
    state.barostat = run.barostat->chain().state();
    state.cell_momenta = run.barostat->momenta();
    state.axes = run.barostat->axes();
  }
  state.temperature = run.temperature;
  state.pressure = run.pressure;
  state.temperature_ramp = run.temperature_ramp;
  state.pressure_ramp = run.pressure_ramp;
  state.work = run.work;
  return state;
}

void Dynamics::restore(const DynamicsState& state) {
  Run& run = *run_;
  const std::size_t size = run.motion.positions.size();
  if (state.positions.size() != size || state.momenta.size() != size || state.list_positions.size() != size)
    throw std::invalid_argument("state: found " + std::to_string(state.positions.size() / 3) + " atoms, expected " +
                                std::to_string(size / 3));
  if (state.thermostat.empty() == run.thermostat.has_value() || state.barostat.empty() == run.barostat.has_value())
    throw std::invalid_argument("state: it is that of another ensemble");
  run.lost = true;  // until all of it is in place
  if (run.thermostat) run.thermostat->restore(state.thermostat, state.temperature);
  if (run.barostat) run.barostat->restore(state.cell_momenta, state.axes, state.barostat, state.temperature);
  run.step = state.step;
  run.motion.positions = state.positions;
  run.motion.momenta = state.momenta;
  run.cell = state.cell;
  run.temperature = state.temperature;
  run.pressure = state.pressure;
  run.temperature_ramp = state.temperature_ramp;
  run.pressure_ramp = state.pressure_ramp;
  run.work = state.work;
  run.twice_kinetic = run.motion.scale(1, run.pool);
  run.forces.build_list(state.list_positions, state.list_cell);
  run.current = false;
  run.refresh();
  run.lost = false;
}

bool Dynamics::lost() const { return run_->lost; }
std::size_t Dynamics::rebuilds() const { return run_->forces.rebuilds(); }
const DynamicsTimes& Dynamics::times() const { return run_->times; }
int Dynamics::threads() const { return run_->pool.threads(); }

}  // namespace betalps
