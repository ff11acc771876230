// A Nosé-Hoover chain: the thermostat of the atoms, and that of the cell's momenta.
#pragma once

#include <vector>

#include "betalps/dynamics.hpp"

namespace betalps {

/// Propagated by the factorised Liouville operator of Martyna et al. 1996 with Yoshida's fourth-order coefficients.
class Chain {
 public:
  /// `freedoms`: how many momenta it is coupled to. Link 1 has the mass first_mass k_B T damping^2, the others
  /// k_B T damping^2.
  Chain(const ChainSettings& settings, double freedoms, double first_mass, double temperature);

  /// Over a time; `twice_kinetic` is that of the momenta it is coupled to. Returns the factor on these momenta.
  double integrate(double twice_kinetic, double time);

  /// Kinetic and potential energy of the links.
  double energy() const;

  /// Another target. The masses follow it, and so do the momenta of the links: their velocities, which are the
  /// friction that the atoms feel, stay.
  void retarget(double temperature);

  std::vector<double> state() const;  // positions, then momenta
  void restore(const std::vector<double>& state, double temperature);

 private:
  void push(std::size_t link, double twice_kinetic, double time);
  double mass(std::size_t link) const { return unit_mass_[link] * temperature_; }

  double freedoms_, temperature_;
  int loops_;
  std::vector<double> unit_mass_;  // for a temperature of 1
  std::vector<double> position_, momentum_;
};

}  // namespace betalps
