// The cell as a particle: its momenta, and the Nosé-Hoover chain that they are coupled to.
#pragma once

#include <vector>

#include "betalps/dynamics.hpp"
#include "dynamics_chain.hpp"
#include "dynamics_tensor.hpp"

namespace betalps {

/// The cell's momenta are numbers c_k on a few directions B_k of strain: one for a change of volume (the unit matrix),
/// one along each free lattice vector, or nine. Their tensor is sum_k c_k B_k, and what drives c_k is G : B_k.
/// Martyna, Tobias and Klein 1994.
class Barostat {
 public:
  Barostat(const DynamicsSettings& settings, const Cell& cell, double temperature);

  /// Couples the momenta to their chain over a time.
  void thermalise(double time);

  /// Over a time, by the virial and twice the kinetic energy (tensors, eV) against `pressure_volume`.
  void push(const Symmetric& virial, const Symmetric& twice_kinetic, double pressure_volume, double time);

  /// d(strain)/dt: symmetric.
  Matrix rate() const;

  double energy() const;  // kinetic energy of the cell, and the energy of its chain
  void retarget(double temperature);  // as Chain::retarget; the rate stays

  const Chain& chain() const { return chain_; }
  const std::vector<double>& momenta() const { return momenta_; }
  const Matrix& axes() const { return axes_; }
  void restore(const std::vector<double>& momenta, const Matrix& axes, const std::vector<double>& chain,
               double temperature);

 private:
  void set_directions();
  double twice_kinetic() const;
  double mass() const { return unit_mass_ * temperature_; }

  CellMotion motion_;
  std::array<bool, 3> free_;
  double freedoms_, temperature_;
  double unit_mass_;  // for a temperature of 1
  Matrix axes_;
  std::vector<Matrix> directions_;
  std::vector<double> momenta_;
  Chain chain_;
};

}  // namespace betalps
