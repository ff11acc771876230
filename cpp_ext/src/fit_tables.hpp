// What the fit's inner loop reads. Plain pointers only, as in tables.hpp and for the same reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace betalps {

/// M_result += factor * M_left * M_right, in an order in which everything read is complete.
struct FitProduct {
  std::uint32_t result, left, right;
  double factor;
};

/// A scalar's term factor * M_left * M_right; scalars that are moments themselves have none.
struct FitScalarTerm {
  std::uint32_t scalar, left, right;
  double factor;
};

struct FitTables {
  int species, radial_count, radial_size;
  double cutoff, xi_scale, xi_shift, scaling;

  // monomials x^a y^b z^c, c = 0 or 1, up to the highest rank
  std::size_t monomials;
  const int *power_x, *power_y, *power_z;

  // moments as in tables.hpp: per mu the summed monomials, then those by sphere steps; then products
  std::size_t moments;
  const std::uint32_t* mu_offset;     // [mu] in moments
  const std::uint32_t* monomials_of_mu;  // [mu] number of monomials
  const std::uint32_t* summed;        // [mu] number of them that are summed
  const std::uint32_t* summed_offset; // [mu] in the rows of adjoints of all mu
  std::size_t summed_total;
  const std::uint32_t* monomial_of;   // [row] its monomial
  const std::uint32_t* step_begin;    // [mu], and the end
  const std::uint32_t* steps;         // result, first, second, third
  const std::uint8_t* depends;        // [mu * moments + moment]: the moment depends on the radial function mu

  const FitProduct* products;
  std::size_t products_count;
  const FitScalarTerm* scalar_terms;  // by block
  std::size_t scalar_terms_count;
  const std::uint32_t* scalar_moment;  // per scalar, or no_moment
  std::size_t scalars;

  // blocks of scalar_block scalars, each with only the moments and products that lead to one of them
  std::size_t scalar_block, scalar_blocks;
  const std::uint32_t *block_terms, *block_products, *block_moments;  // [block] first, and the end
  const std::uint32_t *products_of_block, *moments_of_block;

  // columns, padded to whole vectors: radial (z_i, mu, (z_j, n)), species, scalars
  std::size_t tangents;       // (z_j, n), padded
  std::size_t radial_block;   // radial_count * tangents
  std::size_t species_columns, scalar_columns;
  std::size_t row;            // species * radial_block + species_columns + scalar_columns
};

/// A configuration: pairs within the cutoff, sorted by centre.
struct FitConfiguration {
  std::size_t atoms;
  const std::int32_t* species;
  const std::uint32_t* first;       // atoms + 1
  const std::uint32_t* neighbour;   // the atom that the neighbour is an image of
  const double* displacement;       // pairs x 3
  std::size_t most;                 // neighbours of one centre
};

/// The coefficients of one pass.
struct FitCoefficients {
  const double* radial;   // (z_i, z_j, mu, n)
  const double* species;  // [z_i]
  const double* moments;  // [scalar], padded with zeros to scalar_columns
};

struct FitKernel {
  int lanes;
  /// Doubles of scratch that a configuration with at most `neighbours` around a centre needs.
  std::size_t (*scratch)(const FitTables&, std::size_t neighbours, bool linear);
  /// Adds to rows (1 energy, 3 x atoms forces, 6 virial; `stride` columns, zeroed by the caller) the derivatives of
  /// the predictions, and to predictions (as many as rows) the predictions themselves.
  void (*rows)(const FitTables&, const FitConfiguration&, const FitCoefficients&, bool linear, double* scratch,
               double* rows, std::size_t stride, double* predictions);
  /// lower triangle of matrix (n x n) += rows^T rows; n a multiple of the lanes.
  void (*add_squares)(const double* rows, std::size_t count, std::size_t n, double* matrix);
};

const FitKernel& fit_kernel_baseline();
const FitKernel& fit_kernel_avx2();
const FitKernel& fit_kernel_avx512();

}  // namespace betalps
