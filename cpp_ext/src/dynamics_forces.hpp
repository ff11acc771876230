// Energy, forces and virial of moving atoms: the neighbour list and the kernel, in the order of the atoms.
#pragma once

#include <cstdint>
#include <vector>

#include "betalps/dynamics.hpp"
#include "betalps/evaluate.hpp"
#include "betalps/neighbours.hpp"
#include "betalps/threads.hpp"
#include "dynamics_tensor.hpp"

namespace betalps {

class Forces {
 public:
  Forces(const Potential& potential, const DynamicsSettings& settings, std::vector<std::int32_t> species,
         const Periodic& periodic);

  /// `graded`: with extrapolation grades, which cost less here than later. Throws std::invalid_argument when the list
  /// cannot be built.
  void compute(const std::vector<double>& positions, const Cell& cell, bool graded, ThreadPool& pool,
               DynamicsTimes& times);

  /// Extrapolation grades for the structure of the last compute(), if it gave none.
  void grade(ThreadPool& pool);

  // Of the last compute():
  double energy() const { return energy_; }
  const Symmetric& virial() const { return virial_; }
  const double* forces() const { return forces_.data(); }
  void site_energies(double* to) const;
  void site_virials(double* to) const;
  const std::vector<double>& grades() const { return grades_; }  // empty where none were computed
  /// The first atom whose energy is not finite; the number of atoms if none.
  std::size_t first_not_finite() const;

  /// Where the list was last built.
  const std::vector<double>& list_positions() const { return list_positions_; }
  const Cell& list_cell() const { return list_cell_; }
  /// Builds the list there, as it was built once.
  void build_list(const std::vector<double>& positions, const Cell& cell);
  std::size_t rebuilds() const { return list_.rebuilds(); }

 private:
  bool update_list(const std::vector<double>& positions, const Cell& cell);
  void gather(const Pairs& pairs);
  void gather_grades(const Pairs& pairs);

  Evaluator evaluator_;
  NeighbourList list_;
  std::vector<std::int32_t> species_;
  Periodic periodic_;
  std::vector<double> list_positions_;
  Cell list_cell_{};
  double energy_ = 0;
  Symmetric virial_{};
  std::vector<double> forces_;                                                          // in the order of the atoms
  std::vector<double> sorted_energies_, sorted_forces_, sorted_virials_, sorted_grades_;  // in that of the list
  std::vector<double> grades_;
};

}  // namespace betalps
