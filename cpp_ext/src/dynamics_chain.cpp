#include "dynamics_chain.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace betalps {

Chain::Chain(const ChainSettings& settings, double freedoms, double first_mass, double temperature)
    : freedoms_(freedoms), temperature_(temperature), loops_(settings.loops) {
  if (!(settings.damping > 0) || !std::isfinite(settings.damping))
    throw std::invalid_argument("damping time is " + std::to_string(settings.damping) + ": expected above 0");
  if (settings.links < 1 || settings.loops < 1)
    throw std::invalid_argument("a chain of " + std::to_string(settings.links) + " links and " +
                                std::to_string(settings.loops) + " loops: expected at least 1 of each");
  const auto links = static_cast<std::size_t>(settings.links);
  unit_mass_.assign(links, settings.damping * settings.damping);
  unit_mass_[0] *= first_mass;
  position_.assign(links, 0.0);
  momentum_.assign(links, 0.0);
}

double Chain::integrate(double twice_kinetic, double time) {
  static const double outer = 1 / (2 - std::cbrt(2.0));
  static const double weights[3] = {outer, 1 - 2 * outer, outer};  // Yoshida 1990
  const std::size_t links = unit_mass_.size();
  double factor = 1;
  for (int loop = 0; loop < loops_; ++loop) {
    for (const double weight : weights) {
      const double t = weight * time / loops_;
      for (std::size_t j = links; j-- > 0;) push(j, twice_kinetic, t);
      for (std::size_t j = 0; j < links; ++j) position_[j] += t * momentum_[j] / mass(j);
      const double damping = std::exp(-t * momentum_[0] / mass(0));
      factor *= damping;
      twice_kinetic *= damping * damping;
      for (std::size_t j = 0; j < links; ++j) push(j, twice_kinetic, t);
    }
  }
  return factor;
}

/// Half of `time` for the momentum of one link: damped by the next link, driven by what lies before.
void Chain::push(std::size_t link, double twice_kinetic, double time) {
  const bool last = link + 1 == unit_mass_.size();
  const double damping = last ? 1 : std::exp(-time / 4 * momentum_[link + 1] / mass(link + 1));
  const double force = link == 0 ? twice_kinetic - freedoms_ * temperature_
                                 : momentum_[link - 1] * momentum_[link - 1] / mass(link - 1) - temperature_;
  momentum_[link] = (momentum_[link] * damping + time / 2 * force) * damping;
}

double Chain::energy() const {
  double energy = 0;
  for (std::size_t j = 0; j < unit_mass_.size(); ++j)
    energy += momentum_[j] * momentum_[j] / (2 * mass(j)) + (j == 0 ? freedoms_ : 1) * temperature_ * position_[j];
  return energy;
}

void Chain::retarget(double temperature) {
  const double ratio = temperature / temperature_;
  for (double& momentum : momentum_) momentum *= ratio;
  temperature_ = temperature;
}

std::vector<double> Chain::state() const {
  std::vector<double> state = position_;
  state.insert(state.end(), momentum_.begin(), momentum_.end());
  return state;
}

void Chain::restore(const std::vector<double>& state, double temperature) {
  if (state.size() != 2 * unit_mass_.size())
    throw std::invalid_argument("state: found " + std::to_string(state.size() / 2) + " links of a chain, expected " +
                                std::to_string(unit_mass_.size()));
  const auto middle = state.begin() + static_cast<std::ptrdiff_t>(unit_mass_.size());
  position_.assign(state.begin(), middle);
  momentum_.assign(middle, state.end());
  temperature_ = temperature;
}

}  // namespace betalps
