// Energies, forces and virials of a structure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "betalps/isa.hpp"
#include "betalps/mtp.hpp"
#include "betalps/pairs.hpp"
#include "betalps/threads.hpp"

namespace betalps {

enum class Precision {
  float64,  // everything in double precision
  mixed,    // pairs and moments in single precision; sums over atoms in double precision
};

/// Where results go. A null pointer is a quantity that nobody asked for; without forces and virials only the
/// energy path runs. Virial: -dE_i/d(strain), eV, in the order xx yy zz yz xz xy.
struct Output {
  double* site_energies = nullptr;  // centres
  double* forces = nullptr;         // atoms x 3, ghosts included: what a ghost feels belongs to its parent
  double* site_virials = nullptr;   // centres x 6
};

/// Seconds spent in each part of the kernel, summed over threads.
struct StageTimes {
  static constexpr int count = 9;
  static const std::array<const char*, count> names;
  std::array<double, count> seconds{};
};

struct Engine;  // src/evaluate.cpp

/// A potential made ready for evaluation. Holds workspaces: one call at a time.
class Evaluator {
 public:
  /// Throws std::invalid_argument when the potential has no coefficients, or is beyond what the kernel holds.
  explicit Evaluator(const Potential& potential, Precision precision = Precision::float64, Isa isa = default_isa());
  ~Evaluator();
  Evaluator(Evaluator&&) noexcept;

  /// Every site energy, and what else `output` asks for. Results do not depend on the number of threads by more
  /// than rounding, and are bitwise repeatable for the same pairs and number of threads.
  void evaluate(const Pairs& pairs, const Output& output, ThreadPool& pool);

  /// dE_i/d(coefficient), one row of coeffs_count() per centre; columns as numbered in mtp.hpp. Always float64.
  void site_gradients(const Pairs& pairs, double* rows, ThreadPool& pool);

  /// As evaluate(), to the last bit, and the extrapolation grade of every centre: max_k |(dE_i/d(coeffs) A^-1)_k|
  /// (Podryabinkin et al. 2023, eq. 6), which is always float64. Throws std::invalid_argument when the potential has no
  /// active set of neighbourhoods.
  void evaluate_with_grades(const Pairs& pairs, const Output& output, double* grades, ThreadPool& pool);

  std::size_t coeffs_count() const;
  Isa isa() const;
  Precision precision() const;

  void profile(bool on);
  const StageTimes& stage_times() const;

 private:
  std::unique_ptr<Engine> engine_;
};

/// The largest |(row A^-1)_k| of one row of coeffs_count() numbers: the grade of any equation, whole configurations
/// among them (sum of their site rows divided by N^(weight_scaling / 2)).
double grade(const ActiveSet& active_set, const double* row);

/// Double-precision fused multiply-adds per second times two, measured on the calling thread with the given ISA.
double measure_peak_flops(Isa isa, Precision precision);

}  // namespace betalps
