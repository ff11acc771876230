#include "dynamics_barostat.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace betalps {
namespace {

int count_directions(const DynamicsSettings& settings) {
  switch (settings.cell) {
    case CellMotion::isotropic: return 1;
    case CellMotion::full: return 9;
    default: break;
  }
  const int free = settings.axes[0] + settings.axes[1] + settings.axes[2];
  if (settings.cell != CellMotion::axes || free == 0)
    throw std::invalid_argument("no axis of the cell is free to move: expected at least one");
  return free;
}

Chain make_chain(const DynamicsSettings& settings, double temperature) {
  const int directions = count_directions(settings);
  const double given = settings.cell_freedoms;
  if (given != 0) {
    if (!(given > 0 && given <= directions))
      throw std::invalid_argument("degrees of freedom of the cell: found " + std::to_string(given) +
                                  ", expected above 0 and at most " + std::to_string(directions));
    return Chain(*settings.barostat, given, given, temperature);
  }
  // ASE's choices: for a symmetric tensor its nine elements, of which six are independent, so that the cell becomes
  // half as hot again; and for the first link of an isotropic cell the mass of nine, where one is coupled.
  const double first_mass = settings.cell == CellMotion::isotropic ? 9 : directions;
  return Chain(*settings.barostat, directions, first_mass, temperature);
}

double contract(const Symmetric& s, const Matrix& b) {
  return s[0] * b[0] + s[1] * b[4] + s[2] * b[8] + s[3] * (b[5] + b[7]) + s[4] * (b[2] + b[6]) + s[5] * (b[1] + b[3]);
}

}  // namespace

Barostat::Barostat(const DynamicsSettings& settings, const Cell& cell, double temperature)
    : motion_(settings.cell),
      free_(settings.axes),
      freedoms_(settings.degrees_of_freedom),
      temperature_(temperature),
      axes_(cell),
      chain_(make_chain(settings, temperature)) {
  const double damping = settings.barostat->damping;
  unit_mass_ = (freedoms_ + 3) * (motion_ == CellMotion::isotropic ? 1 : 1.0 / 3) * damping * damping;
  for (int i = 0; i < 3; ++i) {
    const double length = std::hypot(axes_[3 * i], axes_[3 * i + 1], axes_[3 * i + 2]);
    for (int k = 0; k < 3; ++k) axes_[3 * i + k] /= length;
  }
  set_directions();
  momenta_.assign(directions_.size(), 0.0);
}

void Barostat::set_directions() {
  directions_.clear();
  if (motion_ == CellMotion::isotropic) directions_.push_back({1, 0, 0, 0, 1, 0, 0, 0, 1});
  if (motion_ == CellMotion::full)
    for (int k = 0; k < 9; ++k) directions_.emplace_back(Matrix{})[k] = 1;
  if (motion_ != CellMotion::axes) return;
  for (int axis = 0; axis < 3; ++axis) {
    if (!free_[axis]) continue;
    Matrix along;
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) along[3 * i + j] = axes_[3 * axis + i] * axes_[3 * axis + j];
    directions_.push_back(along);
  }
}

void Barostat::thermalise(double time) {
  const double factor = chain_.integrate(twice_kinetic(), time);
  for (double& momentum : momenta_) momentum *= factor;
}

void Barostat::push(const Symmetric& virial, const Symmetric& twice_kinetic, double pressure_volume, double time) {
  Symmetric force;
  for (int k = 0; k < 6; ++k) force[k] = virial[k] + twice_kinetic[k];
  for (int k = 0; k < 3; ++k) force[k] += trace(twice_kinetic) / freedoms_ - pressure_volume;
  for (std::size_t k = 0; k < momenta_.size(); ++k) momenta_[k] += time * contract(force, directions_[k]);
}

Matrix Barostat::rate() const {
  Matrix rate{};
  for (std::size_t k = 0; k < momenta_.size(); ++k)
    for (int e = 0; e < 9; ++e) rate[e] += momenta_[k] * directions_[k][e] / mass();
  return rate;
}

double Barostat::twice_kinetic() const {
  double sum = 0;
  for (const double momentum : momenta_) sum += momentum * momentum;
  return sum / mass();
}

double Barostat::energy() const { return twice_kinetic() / 2 + chain_.energy(); }

void Barostat::retarget(double temperature) {
  const double ratio = temperature / temperature_;
  for (double& momentum : momenta_) momentum *= ratio;
  chain_.retarget(temperature);
  temperature_ = temperature;
}

void Barostat::restore(const std::vector<double>& momenta, const Matrix& axes, const std::vector<double>& chain,
                       double temperature) {
  if (momenta.size() != momenta_.size())
    throw std::invalid_argument("state: found " + std::to_string(momenta.size()) + " momenta of the cell, expected " +
                                std::to_string(momenta_.size()));
  chain_.restore(chain, temperature);
  momenta_ = momenta;
  temperature_ = temperature;
  axes_ = axes;
  set_directions();
}

}  // namespace betalps
