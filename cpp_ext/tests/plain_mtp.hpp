// A moment tensor potential evaluated straight from its definition, in extended precision: what the kernel's tests
// compare with. Loops over pairs, basic moments and products as the file lists them; no trick of the kernel is here.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

#include "betalps/mtp.hpp"
#include "betalps/pairs.hpp"

namespace plain {

using Real = long double;

/// A structure that owns what Pairs points to.
struct Cluster {
  std::size_t centres = 0;
  std::vector<double> positions;      // atoms x 3
  std::vector<std::int32_t> species;  // atoms
  std::vector<std::int64_t> first;
  std::vector<std::int32_t> neighbours;

  std::size_t atoms() const { return species.size(); }
  betalps::Pairs pairs() const {
    return {centres, atoms(), positions.data(), species.data(), first.data(), neighbours.data()};
  }

  /// Every other atom closer than `reach` to a centre becomes its candidate, in random order.
  void list_candidates(double reach, std::mt19937& rng) {
    first.assign(1, 0);
    neighbours.clear();
    for (std::size_t i = 0; i < centres; ++i) {
      for (std::size_t j = 0; j < atoms(); ++j) {
        double r2 = 0;
        for (int c = 0; c < 3; ++c) r2 += std::pow(positions[3 * j + c] - positions[3 * i + c], 2);
        if (j != i && r2 < reach * reach) neighbours.push_back(static_cast<std::int32_t>(j));
      }
      std::shuffle(neighbours.begin() + first.back(), neighbours.end(), rng);
      first.push_back(static_cast<std::int64_t>(neighbours.size()));
    }
  }
};

struct Result {
  std::vector<Real> energies;  // centres
  std::vector<Real> forces;    // atoms x 3
  std::vector<Real> virials;   // centres x 6, xx yy zz yz xz xy
  std::vector<Real> rows;      // centres x coefficients: dE_i/d(coefficient)

  Real energy() const {
    Real sum = 0;
    for (const Real e : energies) sum += e;
    return sum;
  }
};

/// One neighbour of the centre at hand.
struct Neighbour {
  std::size_t index;
  int species;
  Real r, d[3];
  std::vector<Real> q, dq;          // Q_n and dQ_n/dr
  Real repulsion = 0, slope = 0;    // of RBChebyshev_repuls
};

inline void radial_basis(const betalps::Potential& p, Neighbour& n) {
  const bool clamped = p.radial_basis == betalps::RadialBasis::chebyshev_repulsive && n.r < p.min_dist;
  const Real low = p.min_dist, high = p.max_dist, r = clamped ? low : n.r;
  const Real xi = (2 * r - (low + high)) / (high - low), dxi = 2 / (high - low);
  n.q = {p.scaling * (r - high) * (r - high)};
  n.dq = {2 * p.scaling * (r - high)};
  for (int k = 1; k < p.radial_size; ++k) {
    const Real twice = k == 1 ? 1 : 2;
    n.q.push_back(twice * xi * n.q[k - 1] - (k == 1 ? 0 : n.q[k - 2]));
    n.dq.push_back(twice * (dxi * n.q[k - 1] + xi * n.dq[k - 1]) - (k == 1 ? 0 : n.dq[k - 2]));
  }
  if (!clamped) return;
  n.dq.assign(p.radial_size, 0);
  n.repulsion = 1e4L * (std::exp(-10 * (n.r - 1)) - std::exp(-10 * (low - 1)));
  n.slope = -1e5L * std::exp(-10 * (n.r - 1));
}

inline std::vector<Neighbour> neighbours_of(const betalps::Potential& p, const betalps::Pairs& pairs, std::size_t i) {
  std::vector<Neighbour> found;
  for (std::int64_t c = pairs.first[i]; c < pairs.first[i + 1]; ++c) {
    Neighbour n{};
    n.index = static_cast<std::size_t>(pairs.neighbours[c]);
    n.species = pairs.species[n.index];
    for (int k = 0; k < 3; ++k)
      n.d[k] = static_cast<Real>(pairs.positions[3 * n.index + k]) - pairs.positions[3 * i + k];
    n.r = std::sqrt(n.d[0] * n.d[0] + n.d[1] * n.d[1] + n.d[2] * n.d[2]);
    if (n.r >= p.max_dist) continue;
    radial_basis(p, n);
    found.push_back(n);
  }
  return found;
}

inline Real power(Real x, int n) {
  Real result = 1;
  while (n-- > 0) result *= x;
  return result;
}

/// x^a y^b z^c / r^(a+b+c), and its gradient by (x, y, z).
inline Real monomial(const betalps::BasicMoment& m, const Neighbour& n, Real gradient[3]) {
  const int powers[3] = {m.x, m.y, m.z};
  const Real scale = power(n.r, m.rank());
  Real value = 1;
  for (int k = 0; k < 3; ++k) value *= power(n.d[k], powers[k]);
  value /= scale;
  for (int k = 0; k < 3; ++k) {
    Real derivative = powers[k];
    for (int l = 0; l < 3; ++l) derivative *= power(n.d[l], powers[l] - (l == k ? 1 : 0));
    gradient[k] = derivative / scale - m.rank() * value * n.d[k] / (n.r * n.r);
  }
  return value;
}

/// Evaluates one centre and adds to `out`.
inline void add_centre(const betalps::Potential& p, const betalps::Pairs& pairs, std::size_t i, Result& out) {
  const betalps::Basis& basis = p.basis;
  const int z = pairs.species[i], size = p.radial_size;
  const std::vector<Neighbour> neighbours = neighbours_of(p, pairs, i);
  const auto coefficient = [&](int z_j, int mu, int n) {
    return ((static_cast<std::size_t>(z) * p.species_count + z_j) * p.radial_count + mu) * size + n;
  };
  const auto radial = [&](const Neighbour& n, const std::vector<Real>& q, int mu) {
    Real sum = 0;
    for (int k = 0; k < size; ++k) sum += p.radial_coeffs[coefficient(n.species, mu, k)] * q[k];
    return sum;
  };

  Real unused[3];
  std::vector<Real> moments(basis.moments_count, 0), adjoints(basis.moments_count, 0);
  for (std::size_t b = 0; b < basis.basics.size(); ++b)
    for (const Neighbour& n : neighbours)
      moments[b] += radial(n, n.q, basis.basics[b].mu) * monomial(basis.basics[b], n, unused);
  for (const betalps::Product& t : basis.products) moments[t.result] += t.factor * moments[t.left] * moments[t.right];

  Real energy = p.species_coeffs[z];
  for (const Neighbour& n : neighbours) energy += n.repulsion;
  Real* row = &out.rows[i * p.coeffs_count()];
  row[p.radial_coeffs_count() + z] = 1;
  for (std::size_t s = 0; s < basis.scalars.size(); ++s) {
    energy += p.moment_coeffs[s] * moments[basis.scalars[s]];
    adjoints[basis.scalars[s]] += p.moment_coeffs[s];
    row[p.radial_coeffs_count() + p.species_count + s] = moments[basis.scalars[s]];
  }
  out.energies[i] = energy;
  for (auto t = basis.products.rbegin(); t != basis.products.rend(); ++t) {
    adjoints[t->left] += t->factor * adjoints[t->result] * moments[t->right];
    adjoints[t->right] += t->factor * adjoints[t->result] * moments[t->left];
  }

  for (const Neighbour& n : neighbours) {
    Real gradient[3] = {};
    for (int k = 0; k < 3; ++k) gradient[k] = n.slope * n.d[k] / n.r;
    for (std::size_t b = 0; b < basis.basics.size(); ++b) {
      const int mu = basis.basics[b].mu;
      Real slope[3];
      const Real value = monomial(basis.basics[b], n, slope), f = radial(n, n.q, mu), df = radial(n, n.dq, mu);
      for (int k = 0; k < 3; ++k) gradient[k] += adjoints[b] * (df * n.d[k] / n.r * value + f * slope[k]);
      for (int k = 0; k < size; ++k) row[coefficient(n.species, mu, k)] += adjoints[b] * n.q[k] * value;
    }
    for (int k = 0; k < 3; ++k) {
      out.forces[3 * i + k] += gradient[k];
      out.forces[3 * n.index + k] -= gradient[k];
      out.virials[6 * i + k] -= gradient[k] * n.d[k];
    }
    const int voigt[3][2] = {{1, 2}, {0, 2}, {0, 1}};
    for (int k = 0; k < 3; ++k) {
      const int a = voigt[k][0], b = voigt[k][1];
      out.virials[6 * i + 3 + k] -= (gradient[a] * n.d[b] + gradient[b] * n.d[a]) / 2;
    }
  }
}

inline Result evaluate(const betalps::Potential& p, const betalps::Pairs& pairs) {
  Result out;
  out.energies.assign(pairs.centres, 0);
  out.forces.assign(3 * pairs.atoms, 0);
  out.virials.assign(6 * pairs.centres, 0);
  out.rows.assign(pairs.centres * p.coeffs_count(), 0);
  for (std::size_t i = 0; i < pairs.centres; ++i) add_centre(p, pairs, i, out);
  return out;
}

/// A potential of the given basis with random coefficients; the moments of a handful of neighbours are of order 1.
inline betalps::Potential random_potential(std::mt19937& rng, betalps::Basis basis, int species, int radial_size,
                                           betalps::RadialBasis radial_basis = betalps::RadialBasis::chebyshev) {
  std::normal_distribution<double> normal;
  betalps::Potential p;
  p.radial_basis = radial_basis;
  p.basis = std::move(basis);
  p.min_dist = 1.7;
  p.max_dist = 4.6;
  p.scaling = 1 / ((p.max_dist - p.min_dist) * (p.max_dist - p.min_dist));
  p.radial_size = radial_size;
  p.radial_count = p.basis.radial_functions();
  p.species_count = species;
  for (int z = 0; z < species; ++z) p.types.push_back(z);
  for (std::size_t c = 0; c < p.radial_coeffs_count(); ++c)
    p.radial_coeffs.push_back(normal(rng) / (1 + static_cast<double>(c % radial_size)));
  for (int z = 0; z < species; ++z) p.species_coeffs.push_back(normal(rng));
  for (std::size_t s = 0; s < p.basis.scalars.size(); ++s) p.moment_coeffs.push_back(0.1 * normal(rng));
  return p;
}

/// Atoms at random places of a cube, none closer to another than `least`; the first `centres` of them are centres.
inline Cluster random_cluster(std::mt19937& rng, std::size_t centres, std::size_t ghosts, int species, double edge,
                              double least, double reach) {
  std::uniform_real_distribution<double> place(0, edge);
  std::uniform_int_distribution<int> any_species(0, species - 1);
  Cluster out;
  out.centres = centres;
  for (int attempts = 0; out.species.size() < centres + ghosts; ++attempts) {
    if (attempts > 1000000) throw std::logic_error("random_cluster: the atoms do not fit");
    const double r[3] = {place(rng), place(rng), place(rng)};
    bool free = true;
    for (std::size_t j = 0; j < out.species.size(); ++j) {
      double r2 = 0;
      for (int c = 0; c < 3; ++c) r2 += (out.positions[3 * j + c] - r[c]) * (out.positions[3 * j + c] - r[c]);
      free = free && r2 > least * least;
    }
    if (!free) continue;
    out.positions.insert(out.positions.end(), r, r + 3);
    out.species.push_back(any_species(rng));
  }
  out.list_candidates(reach, rng);
  return out;
}

}  // namespace plain
