// Molecular dynamics without leaving the core: positions, momenta, neighbour list and forces stay here between steps.
// Constant energy, Nosé-Hoover chains at constant volume, and the Martyna-Tobias-Klein equations at constant pressure.
//
// Units: Å, eV, u; so time is in Å sqrt(u/eV), momenta in sqrt(u eV), pressure in eV/Å^3. Temperatures are k_B T.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "betalps/evaluate.hpp"
#include "betalps/neighbours.hpp"

namespace betalps {

/// A chain of thermostats (Martyna, Klein and Tuckerman 1992).
struct ChainSettings {
  double damping = 0;  // characteristic time
  int links = 3;
  int loops = 1;  // sub-steps of its integration
};

/// Which changes of shape the cell is free to make.
enum class CellMotion {
  fixed,
  isotropic,  // its volume
  full,       // every strain
  axes,       // lengths along chosen lattice vectors, in their directions at the start
};

/// A target that is linear in the step number: `from` at step `begin`, `to` at step begin + steps and after.
struct Ramp {
  double from = 0, to = 0;
  std::int64_t begin = 0, steps = 0;
  double at(std::int64_t step) const;
};

struct DynamicsSettings {
  double timestep = 0;
  double degrees_of_freedom = 0;            // 3 x atoms, or less the conserved momenta
  std::optional<ChainSettings> thermostat;  // none: constant energy
  std::optional<ChainSettings> barostat;    // of the cell's momenta; exactly where the cell moves
  CellMotion cell = CellMotion::fixed;
  std::array<bool, 3> axes{};               // for CellMotion::axes: the free ones
  double cell_freedoms = 0;                 // of the cell's momenta, for their chain; 0: as ASE counts them
  Precision precision = Precision::float64;
  Isa isa = Isa::baseline;
  double skin = 1;
  int threads = 1;
};

struct MovingAtoms {
  std::vector<double> positions, momenta;  // atoms x 3
  std::vector<double> masses;
  std::vector<std::int32_t> species;
  Cell cell{};
  Periodic periodic{};
};

/// What no step of a sound run goes beyond.
struct MotionLimits {
  static constexpr double none = std::numeric_limits<double>::infinity();
  double coldest = 0, hottest = none;  // k_B T
  double displacement = none;          // of an atom in one step, its cell's deformation left out
  double strain = none;                // of the cell in one step
};

/// Extrapolation grades of all atoms at every `interval`-th step (0: never). They do not change the motion.
struct GradeWatch {
  std::int64_t interval = 0;
  double select = 0, stop = 0;  // run() returns where the largest grade exceeds one of them
  std::int64_t offset = 0;      // added to the number of the step
};

enum class Event {
  none,         // all steps were done
  interrupted,  // the caller's function asked for it
  select,       // the watched grade is above its first threshold ...
  stop,         // ... and its second
  not_finite,   // the energy or the temperature: from here on, the motion is lost
  temperature,  // out of bounds
  fast,         // an atom moved too far
  strained,     // the cell was deformed too much
};

struct Outcome {
  Event event = Event::none;
  std::int64_t step = 0;  // at which it happened
  std::int64_t atom = -1;
  double value = 0;
};

/// Everything that decides how a run goes on; restored, it goes on bit for bit (with the same number of threads).
struct DynamicsState {
  std::int64_t step = 0;
  std::vector<double> positions, momenta;
  Cell cell{};
  std::vector<double> list_positions;  // where the neighbour list was last built: the order of sums follows it
  Cell list_cell{};
  std::vector<double> thermostat, barostat;  // positions of the links, then their momenta
  std::vector<double> cell_momenta;
  Cell axes{};                          // unit vectors along the lattice vectors at the start
  double temperature = 0, pressure = 0;  // targets that the momenta of chains and cell belong to
  Ramp temperature_ramp, pressure_ramp;
  double work = 0;  // done by changes of the targets
};

/// Where the wall time of run() went, in seconds. The forces of a step that is graded are counted under its grades.
struct DynamicsTimes {
  double rebuild = 0, list = 0, kernel = 0, gather = 0, motion = 0, grades = 0;
};

class Dynamics {
 public:
  /// Throws std::invalid_argument for settings out of range and for what NeighbourList and Evaluator refuse.
  Dynamics(const Potential& potential, MovingAtoms atoms, const DynamicsSettings& settings, double temperature,
           double pressure);
  ~Dynamics();

  /// At most `steps` further steps. `interrupted` is asked after each of them.
  Outcome run(std::int64_t steps, const std::function<bool()>& interrupted);
  /// Grades of the present structure, and whether they are beyond the thresholds of the watch.
  Outcome grade();
  /// The largest grade of every check since the last call.
  std::vector<Outcome> take_grades();

  std::size_t atoms() const;
  std::int64_t step() const;
  const std::vector<double>& positions() const;
  const std::vector<double>& momenta() const;
  const Cell& cell() const;
  void set_positions(const double* positions);
  void set_momenta(const double* momenta);
  void set_cell(const Cell& cell);

  /// From the next step on, linearly to these, reached after `steps` steps (0: at once).
  void ramp(double temperature, double pressure, std::int64_t steps);
  double target_temperature() const;  // of the last step
  double target_pressure() const;
  void set_limits(const MotionLimits& limits);
  void set_watch(const GradeWatch& watch);

  double potential_energy();
  double kinetic_energy() const;
  double conserved_energy();
  /// In the order of the atoms: forces (x 3), site energies, site virials (x 6).
  void results(double* forces, double* energies, double* virials);
  /// Empty unless the present step was graded.
  const std::vector<double>& grades() const;

  /// Whether a step was left half done: run() and state() then throw std::logic_error until restore().
  bool lost() const;
  DynamicsState state();
  /// Throws std::invalid_argument when it does not fit these atoms and settings.
  void restore(const DynamicsState& state);

  std::size_t rebuilds() const;
  const DynamicsTimes& times() const;
  int threads() const;

 private:
  struct Run;
  std::unique_ptr<Run> run_;
};

}  // namespace betalps
