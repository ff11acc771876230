// Least squares for the coefficients of a potential: normal equations of labelled configurations, accumulated
// without ever storing the whole Jacobian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "betalps/isa.hpp"
#include "betalps/mtp.hpp"
#include "betalps/neighbours.hpp"
#include "betalps/threads.hpp"

namespace betalps {

/// Labels of one configuration, and the weight of each squared residual. A null pointer or a zero weight is a label
/// that is not there. The virial is -dE/dstrain in eV, xx yy zz yz xz xy.
struct Labels {
  double energy = 0, energy_weight = 0;
  const double* forces = nullptr;         // atoms x 3
  const double* force_weights = nullptr;  // atoms: of each of its three components
  const double* virial = nullptr;         // 6
  const double* virial_weights = nullptr; // 6; off-diagonal components stand for two
  const double* shifts = nullptr;         // Fit's shifts: what each adds to the energy, times its coefficient
};

enum class Columns {
  all,     // every coefficient
  linear,  // species and moment coefficients, shifts
};

/// sum of weight (prediction - label)^2 around the given coefficients, to second order by Gauss-Newton:
/// value + 2 gradient.d + d.matrix.d. For Columns::linear the expansion is exact and around zero linear coefficients.
struct NormalEquations {
  std::vector<double> matrix;    // n x n, J^T W J, symmetric
  std::vector<double> gradient;  // n, J^T W (prediction - label)
  double value = 0;
};

/// Labelled configurations, ready for passes at different coefficients of one form of potential.
class Fit {
 public:
  /// Only the form of the potential is used (species, basis, radial basis): its coefficients come with every pass.
  /// `shifts` is the number of further linear coefficients, which the labels' energies know and the potential does not.
  /// Throws std::invalid_argument for RBChebyshev_repuls and for sizes beyond what the kernel holds.
  explicit Fit(const Potential& form, Isa isa = default_isa(), std::size_t shifts = 0);
  ~Fit();

  /// Throws std::invalid_argument when a structure or a label is not finite, or a weight is negative.
  void add(std::size_t atoms, const double* positions, const std::int32_t* species, const Cell& cell,
           const Periodic& periodic, const Labels& labels);

  std::size_t configurations() const;
  std::size_t pairs() const;  // ordered pairs in all configurations
  double shortest_distance() const;

  /// `coefficients` are numbered as in mtp.hpp, then the shifts (all of them, also for Columns::linear, where only the
  /// radial ones matter). `members` are the configurations that take part. Repeatable bitwise for the same number of
  /// threads.
  NormalEquations normal_equations(const double* coefficients, Columns columns,
                                   const std::vector<std::size_t>& members, ThreadPool& pool) const;

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace betalps
