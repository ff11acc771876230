// The moment basis of a moment tensor potential: which moments are accumulated over neighbours,
// which are products of others, and which are the scalars that the site energy is linear in.
#pragma once

#include <cstdint>
#include <vector>

namespace betalps {

/// Basic moment M_{mu,xyz} = sum_j f_mu(r_ij) (x/r)^x (y/r)^y (z/r)^z.
struct BasicMoment {
  int mu, x, y, z;
  int rank() const { return x + y + z; }
};

/// M_result += factor * M_left * M_right, in file order.
struct Product {
  int left, right, factor, result;
};

/// Moments are numbered: the basics first, then the results of products.
struct Basis {
  int moments_count = 0;
  std::vector<BasicMoment> basics;
  std::vector<Product> products;
  std::vector<int> scalars;  // moment index of every scalar, in the order of moment_coeffs

  /// Number of radial functions the basics need (largest mu + 1).
  int radial_functions() const;

  /// Throws std::invalid_argument unless every index is in range, every product reads only moments that are
  /// complete before it is evaluated, no product writes to a basic, and the numbers are within the limits below.
  void check() const;
};

/// Largest values accepted from a file or a caller: far above any level in use, low enough to bound memory.
struct BasisLimits {
  static constexpr int moments = 1 << 20;
  static constexpr int products = 1 << 22;
  static constexpr int rank = 16;
  static constexpr int radial_functions = 64;
};

/// The basis of even level 2..28, generated from lev(M_{mu,nu}) = 2 + 4 mu + nu (Gubaev et al. 2019, eq. 4):
/// every independent full contraction to a scalar of level <= `level`, of at most four factors.
/// Throws std::invalid_argument for any other level.
Basis make_basis(int level);

/// The number of scalars of make_basis(level), without making it.
int scalars_count(int level);

}  // namespace betalps
