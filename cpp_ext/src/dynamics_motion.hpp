// The passes over all atoms of a step. Sums are taken in blocks of fixed size, so that they do not depend on the
// number of threads.
#pragma once

#include <vector>

#include "betalps/threads.hpp"
#include "dynamics_tensor.hpp"

namespace betalps {

/// The linear map of one sub-step: x <- x keep + y add, row by row.
struct SubStep {
  Matrix keep, add;
};

class Motion {
 public:
  /// Positions and momenta are x 3, masses one for each atom.
  Motion(std::vector<double> positions, std::vector<double> momenta, const std::vector<double>& masses);

  std::vector<double> positions, momenta;

  /// Momenta by the forces, then positions by the velocities. Returns the largest squared velocity;
  /// not a finite number when one of them is not.
  double kick_and_drift(const SubStep& kick, const SubStep& drift, const double* forces, ThreadPool& pool);

  // Both return sum_i p_i p_i^T / m_i of the momenta they leave: twice their kinetic energy.
  Symmetric kick(const SubStep& kick, const double* forces, ThreadPool& pool);
  Symmetric scale(double factor, ThreadPool& pool);

  std::size_t atoms() const { return atoms_; }
  /// The atom with the largest velocity.
  std::size_t fastest() const;
  /// The first atom whose position, momentum or force is not finite; the number of atoms if none.
  std::size_t first_not_finite(const double* forces) const;

 private:
  template <class Block>
  void each_block(ThreadPool& pool, Block&& block);
  template <class Change>
  Symmetric change_and_measure(ThreadPool& pool, Change&& change);
  double squared_velocity(std::size_t atom) const;

  std::size_t atoms_;
  std::vector<double> inverse_masses_;
  std::vector<double> largest_;      // per block
  std::vector<Symmetric> kinetic_;   // per block
};

}  // namespace betalps
