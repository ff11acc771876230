// Active sets to test grades with: matrices and their inverses in extended precision.
#pragma once

#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "plain_mtp.hpp"

namespace plain {

using Matrix = std::vector<std::vector<Real>>;

/// Gauss-Jordan with row pivoting.
inline Matrix inverse(Matrix a) {
  const std::size_t n = a.size();
  Matrix out(n, std::vector<Real>(n, 0));
  for (std::size_t i = 0; i < n; ++i) out[i][i] = 1;
  for (std::size_t column = 0; column < n; ++column) {
    std::size_t pivot = column;
    for (std::size_t row = column; row < n; ++row)
      if (std::abs(a[row][column]) > std::abs(a[pivot][column])) pivot = row;
    std::swap(a[column], a[pivot]);
    std::swap(out[column], out[pivot]);
    const Real scale = 1 / a[column][column];
    for (std::size_t k = 0; k < n; ++k) {
      a[column][k] *= scale;
      out[column][k] *= scale;
    }
    for (std::size_t row = 0; row < n; ++row) {
      if (row == column) continue;
      const Real factor = a[row][column];
      for (std::size_t k = 0; k < n; ++k) {
        a[row][k] -= factor * a[column][k];
        out[row][k] -= factor * out[column][k];
      }
    }
  }
  return out;
}

inline betalps::ActiveSet active_set_of(const Matrix& a, const std::vector<int>& origin) {
  const std::size_t n = a.size();
  const Matrix b = inverse(a);
  betalps::ActiveSet set;
  set.size = n;
  set.configuration = origin;
  set.equation.assign(n, 0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < n; ++k) {
      set.matrix.push_back(static_cast<double>(a[i][k]));
      set.inverse_transpose.push_back(static_cast<double>(b[k][i]));
    }
  return set;
}

/// Random rows with the zeros that rows of single atoms have, in random order; and `mixed` rows without zeros.
inline betalps::ActiveSet random_active_set(std::mt19937& rng, const betalps::Potential& p, std::size_t mixed) {
  std::normal_distribution<double> normal;
  const std::size_t species = static_cast<std::size_t>(p.species_count), n = p.coeffs_count();
  const std::size_t radial = p.radial_coeffs_count() / species, common = species * (radial + 1);
  Matrix a;
  for (std::size_t k = 0; k < n; ++k) {
    const bool whole = k >= n - mixed;
    const std::size_t z = k % species;
    std::vector<Real> row(n, 0);
    for (std::size_t c = 0; c < n; ++c)
      if (whole || c >= common || c / radial == z || c == species * radial + z) row[c] = normal(rng);
    a.push_back(row);
  }
  std::shuffle(a.begin(), a.end(), rng);
  return active_set_of(a, std::vector<int>(n, 0));
}

}  // namespace plain
