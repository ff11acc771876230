#include "dynamics_motion.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace betalps {
namespace {

constexpr std::size_t kBlock = 256;       // atoms
constexpr std::size_t kWorthThreads = 8;  // blocks of one thread: below, waking the others takes longer

/// x keep + y add for one row of each.
inline void advance(const SubStep& s, double* x, const double* y) {
  const double x0 = x[0], x1 = x[1], x2 = x[2], y0 = y[0], y1 = y[1], y2 = y[2];
  const Matrix &k = s.keep, &a = s.add;
  x[0] = (x0 * k[0] + x1 * k[3] + x2 * k[6]) + (y0 * a[0] + y1 * a[3] + y2 * a[6]);
  x[1] = (x0 * k[1] + x1 * k[4] + x2 * k[7]) + (y0 * a[1] + y1 * a[4] + y2 * a[7]);
  x[2] = (x0 * k[2] + x1 * k[5] + x2 * k[8]) + (y0 * a[2] + y1 * a[5] + y2 * a[8]);
}

}  // namespace

Motion::Motion(std::vector<double> positions, std::vector<double> momenta, const std::vector<double>& masses)
    : positions(std::move(positions)), momenta(std::move(momenta)), atoms_(masses.size()) {
  for (const double mass : masses) inverse_masses_.push_back(1 / mass);
  const std::size_t blocks = (atoms_ + kBlock - 1) / kBlock;
  largest_.resize(blocks);
  kinetic_.resize(blocks);
}

/// Calls block(b, begin, end) for every block of atoms.
template <class Block>
void Motion::each_block(ThreadPool& pool, Block&& block) {
  const std::size_t blocks = largest_.size();
  const auto share = [&](std::size_t from, std::size_t to) {
    for (std::size_t b = from; b < to; ++b) block(b, b * kBlock, std::min(atoms_, (b + 1) * kBlock));
  };
  const auto threads = static_cast<std::size_t>(pool.threads());
  if (blocks < threads * kWorthThreads) return share(0, blocks);
  pool.run([&](int t) { share(blocks * t / threads, blocks * (t + 1) / threads); });
}

double Motion::kick_and_drift(const SubStep& kick, const SubStep& drift, const double* forces, ThreadPool& pool) {
  each_block(pool, [&](std::size_t b, std::size_t begin, std::size_t end) {
    double largest = 0, sum = 0;
    for (std::size_t i = begin; i < end; ++i) {
      double* const p = &momenta[3 * i];
      advance(kick, p, forces + 3 * i);
      const double v[3] = {p[0] * inverse_masses_[i], p[1] * inverse_masses_[i], p[2] * inverse_masses_[i]};
      advance(drift, &positions[3 * i], v);
      const double square = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
      largest = std::max(largest, square);
      sum += square;  // a maximum forgets what is not a number
    }
    largest_[b] = std::isfinite(sum) ? largest : sum;
  });
  double largest = 0;
  for (const double square : largest_) {
    if (!std::isfinite(square)) return square;
    largest = std::max(largest, square);
  }
  return largest;
}

/// Calls change(atom, momentum) for every atom.
template <class Change>
Symmetric Motion::change_and_measure(ThreadPool& pool, Change&& change) {
  each_block(pool, [&](std::size_t b, std::size_t begin, std::size_t end) {
    Symmetric sum{};
    for (std::size_t i = begin; i < end; ++i) {
      double* const p = &momenta[3 * i];
      change(i, p);
      const double x = p[0] * inverse_masses_[i], y = p[1] * inverse_masses_[i], z = p[2] * inverse_masses_[i];
      sum[0] += x * p[0];
      sum[1] += y * p[1];
      sum[2] += z * p[2];
      sum[3] += y * p[2];
      sum[4] += x * p[2];
      sum[5] += x * p[1];
    }
    kinetic_[b] = sum;
  });
  Symmetric sum{};
  for (const Symmetric& part : kinetic_)
    for (int k = 0; k < 6; ++k) sum[k] += part[k];
  return sum;
}

Symmetric Motion::kick(const SubStep& kick, const double* forces, ThreadPool& pool) {
  return change_and_measure(pool, [&](std::size_t i, double* p) { advance(kick, p, forces + 3 * i); });
}

Symmetric Motion::scale(double factor, ThreadPool& pool) {
  return change_and_measure(pool, [factor](std::size_t, double* p) {
    for (int k = 0; k < 3; ++k) p[k] *= factor;
  });
}

double Motion::squared_velocity(std::size_t atom) const {
  const double* p = &momenta[3 * atom];
  return (p[0] * p[0] + p[1] * p[1] + p[2] * p[2]) * inverse_masses_[atom] * inverse_masses_[atom];
}

std::size_t Motion::fastest() const {
  std::size_t fastest = 0;
  for (std::size_t i = 1; i < atoms_; ++i)
    if (squared_velocity(i) > squared_velocity(fastest)) fastest = i;
  return fastest;
}

std::size_t Motion::first_not_finite(const double* forces) const {
  for (std::size_t k = 0; k < 3 * atoms_; ++k)
    if (!std::isfinite(positions[k]) || !std::isfinite(momenta[k]) || !std::isfinite(forces[k])) return k / 3;
  return atoms_;
}

}  // namespace betalps
