#include "dynamics_forces.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace betalps {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point& last) {
  const Clock::time_point now = Clock::now();
  return std::chrono::duration<double>(now - std::exchange(last, now)).count();
}

}  // namespace

Forces::Forces(const Potential& potential, const DynamicsSettings& settings, std::vector<std::int32_t> species,
               const Periodic& periodic)
    : evaluator_(potential, settings.precision, settings.isa),
      list_(potential.max_dist, settings.skin),
      species_(std::move(species)),
      periodic_(periodic),
      forces_(3 * species_.size()),
      sorted_energies_(species_.size()),
      sorted_virials_(6 * species_.size()) {}

void Forces::compute(const std::vector<double>& positions, const Cell& cell, bool graded, ThreadPool& pool,
                     DynamicsTimes& times) {
  Clock::time_point clock = Clock::now();
  const bool rebuilt = update_list(positions, cell);
  (rebuilt ? times.rebuild : times.list) += since(clock);
  const Pairs pairs = list_.pairs();
  sorted_forces_.resize(3 * pairs.atoms);
  const Output output{sorted_energies_.data(), sorted_forces_.data(), sorted_virials_.data()};
  grades_.clear();
  if (graded) {
    sorted_grades_.resize(pairs.centres);
    evaluator_.evaluate_with_grades(pairs, output, sorted_grades_.data(), pool);
    gather_grades(pairs);
  } else {
    evaluator_.evaluate(pairs, output, pool);
  }
  (graded ? times.grades : times.kernel) += since(clock);
  gather(pairs);
  times.gather += since(clock);
}

bool Forces::update_list(const std::vector<double>& positions, const Cell& cell) {
  const bool rebuilt = list_.update(species_.size(), positions.data(), species_.data(), cell, periodic_);
  if (rebuilt) {
    list_positions_ = positions;
    list_cell_ = cell;
  }
  return rebuilt;
}

void Forces::build_list(const std::vector<double>& positions, const Cell& cell) {
  list_.clear();
  update_list(positions, cell);
}

/// Adds what ghosts feel to their parents, sums up, and puts the forces in the order of the atoms.
void Forces::gather(const Pairs& pairs) {
  const std::vector<std::int32_t>& order = list_.order();
  list_.fold_ghosts(sorted_forces_.data());
  energy_ = 0;
  virial_ = {};
  for (std::size_t i = 0; i < pairs.centres; ++i) {
    std::copy_n(&sorted_forces_[3 * i], 3, &forces_[3 * static_cast<std::size_t>(order[i])]);
    energy_ += sorted_energies_[i];
    for (int k = 0; k < 6; ++k) virial_[k] += sorted_virials_[6 * i + k];
  }
}

void Forces::grade(ThreadPool& pool) {
  if (!grades_.empty()) return;
  const Pairs pairs = list_.pairs();
  sorted_grades_.resize(pairs.centres);
  evaluator_.evaluate_with_grades(pairs, Output{}, sorted_grades_.data(), pool);
  gather_grades(pairs);
}

void Forces::gather_grades(const Pairs& pairs) {
  grades_.resize(pairs.centres);
  for (std::size_t i = 0; i < pairs.centres; ++i)
    grades_[static_cast<std::size_t>(list_.order()[i])] = sorted_grades_[i];
}

void Forces::site_energies(double* to) const {
  for (std::size_t i = 0; i < species_.size(); ++i) to[list_.order()[i]] = sorted_energies_[i];
}

void Forces::site_virials(double* to) const {
  for (std::size_t i = 0; i < species_.size(); ++i) std::copy_n(&sorted_virials_[6 * i], 6, to + 6 * list_.order()[i]);
}

std::size_t Forces::first_not_finite() const {
  std::size_t first = species_.size();
  for (std::size_t i = 0; i < species_.size(); ++i)
    if (!std::isfinite(sorted_energies_[i])) first = std::min(first, static_cast<std::size_t>(list_.order()[i]));
  return first;
}

}  // namespace betalps
