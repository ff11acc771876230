// The fit's inner loop: derivatives of energy, forces and virial by every coefficient. Compiled once per instruction
// set, like kernel.inl, and like it without anything of the standard library.
//
// For a centre, with moments M(c) and scalars B(M): dE_i/dr_ij is linear in the adjoints g = dE/dM of the summed
// monomials, so its derivative by a coefficient is the same matrix D (gradients of the monomials of every pair) times
// the derivative of g. Those are found for all coefficients at once: lanes are the coefficients (z_j, n) of one mu, a
// forward and a backward sweep over the products; and the scalars, one backward sweep. One matrix product does the rest.

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "fit_tables.hpp"
#include "tables.hpp"

namespace betalps {
namespace {

#include "simd.inl"

constexpr std::size_t lanes = BETALPS_LANES(double);
using V = Vec<double>;

inline __attribute__((always_inline)) V load_any(const double* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline __attribute__((always_inline)) void store_any(double* p, V v) { __builtin_memcpy(p, &v, sizeof v); }

inline void clear(double* p, std::size_t n) { __builtin_memset(p, 0, n * sizeof(double)); }

/// y += factor * x, n a multiple of the lanes.
inline __attribute__((always_inline)) void add_scaled(double* y, double factor, const double* x, std::size_t n) {
  const V f = broadcast(factor);
  for (std::size_t c = 0; c < n; c += lanes) store_any(y + c, load_any(y + c) + f * load_any(x + c));
}

// ---- matrix products: a block of the result stays in registers ----------------------------------------------------

#if BETALPS_VECTOR_BYTES >= 64
constexpr int block_rows = 6, block_vectors = 4;
#else
constexpr int block_rows = 4, block_vectors = 2;
#endif

/// c[R x N vectors] (+)= sum_k a[row * a_row + k * a_k] * b[k * b_k ...].
template <int R, int N, bool add>
inline __attribute__((always_inline)) void block(std::size_t k_count, const double* a, std::size_t a_row,
                                                 std::size_t a_k, const double* b, std::size_t b_k, double* c,
                                                 std::size_t c_row) {
  V sum[R][N];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sum[r][n] = add ? load_any(c + r * c_row + n * lanes) : V{};
  for (std::size_t k = 0; k < k_count; ++k) {
    V right[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) right[n] = load_any(b + k * b_k + n * lanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const V left = broadcast(a[r * a_row + k * a_k]);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) sum[r][n] += left * right[n];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) store_any(c + r * c_row + n * lanes, sum[r][n]);
}

template <int R, bool add>
void block_row(std::size_t vectors, std::size_t k_count, const double* a, std::size_t a_row, std::size_t a_k,
               const double* b, std::size_t b_k, double* c, std::size_t c_row) {
  for (; vectors >= block_vectors; vectors -= block_vectors, b += block_vectors * lanes, c += block_vectors * lanes)
    block<R, block_vectors, add>(k_count, a, a_row, a_k, b, b_k, c, c_row);
  for (; vectors > 0; --vectors, b += lanes, c += lanes) block<R, 1, add>(k_count, a, a_row, a_k, b, b_k, c, c_row);
}

/// c[rows x columns] = a b; columns a multiple of the lanes.
void multiply(std::size_t rows, std::size_t columns, std::size_t k_count, const double* a, std::size_t a_row,
              const double* b, std::size_t b_k, double* c, std::size_t c_row) {
  std::size_t r = 0;
  for (; r + block_rows <= rows; r += block_rows)
    block_row<block_rows, false>(columns / lanes, k_count, a + r * a_row, a_row, 1, b, b_k, c + r * c_row, c_row);
  for (; r < rows; ++r)
    block_row<1, false>(columns / lanes, k_count, a + r * a_row, a_row, 1, b, b_k, c + r * c_row, c_row);
}

/// Blocks of columns of the lower triangle, widened to whole vectors.
void add_squares(const double* rows, std::size_t count, std::size_t n, double* matrix) {
  for (std::size_t p = 0; p < n;) {
    const std::size_t height = n - p >= block_rows ? block_rows : 1;
    const std::size_t vectors = (p + height + lanes - 1) / lanes;  // columns 0 .. p + height - 1
    if (height == block_rows)
      block_row<block_rows, true>(vectors, count, rows + p, 1, n, rows, n, matrix + p * n, n);
    else
      block_row<1, true>(vectors, count, rows + p, 1, n, rows, n, matrix + p * n, n);
    p += height;
  }
}

// ---- one centre ---------------------------------------------------------------------------------------------------

constexpr std::size_t padded(std::size_t n) { return (n + lanes - 1) / lanes * lanes; }

class Centre {
  const FitTables& t;
  const bool linear;
  const std::size_t columns;     // of gradients: radial block (unless linear) and scalars
  const std::size_t scalars_at;  // first column of the scalars
  // per pair
  double *unit, *inverse_r, *q, *dq, *f, *df, *monomial, *tangential;
  // per centre
  double *sums, *moment, *adjoint, *tangent, *tangent_adjoint, *scalar_adjoint, *adjoints, *gradient_matrix, *gradients;
  double* energy_row;

 public:
  static std::size_t carve(const FitTables& t, std::size_t most, bool linear, double* buffer, Centre* to) {
    const std::size_t columns = (linear ? 0 : t.radial_block) + t.scalar_columns;
    std::size_t used = 0;
    const auto take = [&](double*& p, std::size_t n) {
      p = buffer + used;
      used += padded(n);
    };
    Centre here(t, linear);
    Centre& c = to ? *to : here;
    take(c.unit, 3 * most);
    take(c.inverse_r, most);
    take(c.q, most * t.radial_size);
    take(c.dq, most * t.radial_size);
    take(c.f, most * t.radial_count);
    take(c.df, most * t.radial_count);
    take(c.monomial, most * t.monomials);
    take(c.tangential, 3 * most * t.monomials);
    take(c.sums, t.monomials * t.tangents);
    take(c.moment, t.moments);
    take(c.adjoint, t.moments);
    take(c.tangent, linear ? 0 : t.moments * t.tangents);
    take(c.tangent_adjoint, linear ? 0 : t.moments * t.tangents);
    take(c.scalar_adjoint, t.moments * t.scalar_block);
    take(c.adjoints, t.summed_total * columns);
    take(c.gradient_matrix, 3 * most * t.summed_total);
    take(c.gradients, 3 * most * columns);
    take(c.energy_row, columns);
    return used;
  }

  Centre(const FitTables& tables, bool linear)
      : t(tables),
        linear(linear),
        columns((linear ? 0 : t.radial_block) + t.scalar_columns),
        scalars_at(linear ? 0 : t.radial_block) {}

  void add(const FitConfiguration& configuration, const FitCoefficients& coefficients, std::size_t centre, double* rows,
           std::size_t stride, double* predictions) {
    const std::size_t begin = configuration.first[centre], count = configuration.first[centre + 1] - begin;
    const int species = configuration.species[centre];
    const std::size_t radial_at = linear ? 0 : static_cast<std::size_t>(species) * t.radial_block;
    const std::size_t species_at = linear ? 0 : static_cast<std::size_t>(t.species) * t.radial_block;
    clear(sums, t.monomials * t.tangents);
    for (std::size_t j = 0; j < count; ++j) {
      const int other = configuration.species[configuration.neighbour[begin + j]];
      add_pair(configuration.displacement + 3 * (begin + j), j, species, other, coefficients.radial);
    }
    moments(species, coefficients.radial);
    scalars(coefficients.moments);
    if (!linear)
      for (int mu = 0; mu < t.radial_count; ++mu) tangents(mu, coefficients.moments);
    pair_gradients(count);
    if (!linear)
      for (std::size_t j = 0; j < count; ++j)
        direct(j, configuration.species[configuration.neighbour[begin + j]]);

    // energy
    if (!linear)
      for (int mu = 0; mu < t.radial_count; ++mu)
        for (std::size_t k = 0; k < t.summed[mu]; ++k)
          add_scaled(rows + radial_at + mu * t.tangents, adjoint[t.mu_offset[mu] + k],
                     sums + t.monomial_of[t.summed_offset[mu] + k] * t.tangents, t.tangents);
    rows[species_at + species] += 1;
    double* const scalar_values = energy_row + scalars_at;
    add_scaled(rows + species_at + t.species_columns, 1.0, scalar_values, t.scalar_columns);
    predictions[0] += coefficients.species[species] + dot(scalar_values, coefficients.moments, t.scalar_columns);

    // forces: -dE/dr on the neighbour, the opposite on the centre; virial -d (x) dE/dr
    const std::size_t scalars_to = species_at + t.species_columns;
    for (std::size_t j = 0; j < count; ++j) {
      const double* d = configuration.displacement + 3 * (begin + j);
      for (std::size_t a = 0; a < 3; ++a) {
        const double* g = gradients + (3 * j + a) * columns;
        const double slope = dot(g + scalars_at, coefficients.moments, t.scalar_columns);
        const auto put = [&](std::size_t row, double factor) {
          double* to = rows + row * stride;
          if (!linear) add_scaled(to + radial_at, factor, g, t.radial_block);
          add_scaled(to + scalars_to, factor, g + scalars_at, t.scalar_columns);
          predictions[row] += factor * slope;
        };
        put(1 + 3 * configuration.neighbour[begin + j] + a, -1.0);
        put(1 + 3 * centre + a, 1.0);
        // xx yy zz yz xz xy: each off-diagonal component once
        const std::size_t virial = 1 + 3 * configuration.atoms;
        put(virial + a, -d[a]);
        if (a == 2) put(virial + 3, -d[1]), put(virial + 4, -d[0]);
        if (a == 1) put(virial + 5, -d[0]);
      }
    }
  }

 private:
  static double dot(const double* x, const double* y, std::size_t n) {
    V sum = V{};
    for (std::size_t c = 0; c < n; c += lanes) sum += load_any(x + c) * load_any(y + c);
    double total = 0;
    for (std::size_t l = 0; l < lanes; ++l) total += sum[l];
    return total;
  }

  /// Radial functions, monomials and their tangential gradients of pair j; adds Q_n times the monomials to the sums.
  void add_pair(const double* d, std::size_t j, int species, int other, const double* radial_coefficients) {
    const double r = __builtin_sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
    const double u[3] = {d[0] / r, d[1] / r, d[2] / r};
    for (int a = 0; a < 3; ++a) unit[3 * j + a] = u[a];
    inverse_r[j] = 1 / r;
    double *values = q + j * t.radial_size, *slopes = dq + j * t.radial_size;
    const double xi = r * t.xi_scale + t.xi_shift, edge = r - t.cutoff;
    values[0] = t.scaling * edge * edge;
    slopes[0] = 2 * t.scaling * edge;
    for (int n = 1; n < t.radial_size; ++n) {
      const double factor = n == 1 ? xi : 2 * xi, slope = n == 1 ? t.xi_scale : 2 * t.xi_scale;
      values[n] = factor * values[n - 1] - (n == 1 ? 0 : values[n - 2]);
      slopes[n] = slope * values[n - 1] + factor * slopes[n - 1] - (n == 1 ? 0 : slopes[n - 2]);
    }
    const double* c = radial_coefficients +
                      static_cast<std::size_t>(species * t.species + other) * t.radial_count * t.radial_size;
    for (int mu = 0; mu < t.radial_count; ++mu, c += t.radial_size) {
      double value = 0, slope = 0;
      for (int n = 0; n < t.radial_size; ++n) value += c[n] * values[n], slope += c[n] * slopes[n];
      f[j * t.radial_count + mu] = value;
      df[j * t.radial_count + mu] = slope;
    }
    double power[3][16];  // u_a^p; the rank is at most rank_limit
    for (int a = 0; a < 3; ++a) {
      power[a][0] = 1;
      for (int p = 1; p <= rank_limit; ++p) power[a][p] = power[a][p - 1] * u[a];
    }
    double *m = monomial + j * t.monomials, *g = tangential + 3 * j * t.monomials;
    for (std::size_t k = 0; k < t.monomials; ++k) {
      const int a = t.power_x[k], b = t.power_y[k], z = t.power_z[k];
      const double value = power[0][a] * power[1][b] * power[2][z], along = (a + b + z) * value;
      m[k] = value;
      g[k] = (a ? a * power[0][a - 1] * power[1][b] * power[2][z] : 0) - along * u[0];
      g[t.monomials + k] = (b ? b * power[0][a] * power[1][b - 1] * power[2][z] : 0) - along * u[1];
      g[2 * t.monomials + k] = (z ? power[0][a] * power[1][b] : 0) - along * u[2];
      double* sum = sums + k * t.tangents + static_cast<std::size_t>(other) * t.radial_size;
      for (int n = 0; n < t.radial_size; ++n) sum[n] += value * values[n];
    }
  }

  void moments(int species, const double* radial_coefficients) {
    clear(moment, t.moments);
    for (int mu = 0; mu < t.radial_count; ++mu) {
      for (std::size_t k = 0; k < t.summed[mu]; ++k) {
        const double* sum = sums + t.monomial_of[t.summed_offset[mu] + k] * t.tangents;
        double total = 0;
        for (int z = 0; z < t.species; ++z) {
          const double* c = radial_coefficients +
                            static_cast<std::size_t>((species * t.species + z) * t.radial_count + mu) * t.radial_size;
          for (int n = 0; n < t.radial_size; ++n) total += c[n] * sum[z * t.radial_size + n];
        }
        moment[t.mu_offset[mu] + k] = total;
      }
      for (std::uint32_t s = t.step_begin[mu]; s < t.step_begin[mu + 1]; ++s) {
        const std::uint32_t* step = t.steps + 4 * s;
        moment[step[0]] = moment[step[1]] - moment[step[2]] - moment[step[3]];
      }
    }
    for (std::size_t p = 0; p < t.products_count; ++p) {
      const FitProduct& product = t.products[p];
      moment[product.result] += product.factor * moment[product.left] * moment[product.right];
    }
  }

  /// Values of the scalars, dB_s/dM for all of them (lanes are scalars), and dE/dM.
  void scalars(const double* moment_coefficients) {
    double* values = energy_row + scalars_at;
    clear(values, t.scalar_columns);
    clear(adjoint, t.moments);
    for (std::size_t block = 0; block < t.scalar_blocks; ++block) {
      const std::size_t from = block * t.scalar_block, left = t.scalar_columns - from;
      const std::size_t width = left < t.scalar_block ? left : t.scalar_block;
      scalar_adjoints(block, from, width, values);
      for (std::uint32_t i = t.block_moments[block]; i < t.block_moments[block + 1]; ++i) {
        const std::uint32_t m = t.moments_of_block[i];
        adjoint[m] += dot(scalar_adjoint + m * width, moment_coefficients + from, width);
      }
      fold(scalar_adjoint, width, scalars_at + from);
    }
    fold_adjoint();
  }

  void scalar_adjoints(std::size_t block, std::size_t from, std::size_t width, double* values) {
    for (int mu = 0; mu < t.radial_count; ++mu)  // all monomials are read by fold()
      clear(scalar_adjoint + t.mu_offset[mu] * width, t.monomials_of_mu[mu] * width);
    for (std::uint32_t i = t.block_moments[block]; i < t.block_moments[block + 1]; ++i)
      clear(scalar_adjoint + t.moments_of_block[i] * width, width);
    for (std::size_t s = from; s < from + width && s < t.scalars; ++s)
      if (t.scalar_moment[s] != no_moment) {
        values[s] = moment[t.scalar_moment[s]];
        scalar_adjoint[t.scalar_moment[s] * width + s - from] = 1;
      }
    for (std::uint32_t i = t.block_terms[block]; i < t.block_terms[block + 1]; ++i) {
      const FitScalarTerm& term = t.scalar_terms[i];
      const double left = term.factor * moment[term.left], right = term.factor * moment[term.right];
      values[term.scalar] += left * moment[term.right];
      scalar_adjoint[term.left * width + term.scalar - from] += right;
      scalar_adjoint[term.right * width + term.scalar - from] += left;
    }
    for (std::uint32_t i = t.block_products[block]; i < t.block_products[block + 1]; ++i) {
      const FitProduct& product = t.products[t.products_of_block[i]];
      const double* source = scalar_adjoint + product.result * width;
      add_scaled(scalar_adjoint + product.left * width, product.factor * moment[product.right], source, width);
      add_scaled(scalar_adjoint + product.right * width, product.factor * moment[product.left], source, width);
    }
  }

  /// As fold(), for dE/dM itself.
  void fold_adjoint() {
    for (std::uint32_t s = t.step_begin[t.radial_count]; s-- > 0;) {
      const std::uint32_t* step = t.steps + 4 * s;
      adjoint[step[1]] += adjoint[step[0]];
      adjoint[step[2]] -= adjoint[step[0]];
      adjoint[step[3]] -= adjoint[step[0]];
    }
  }

  /// From all monomials to the summed ones, and into the columns of the adjoint matrix.
  void fold(double* adjoint_of, std::size_t width, std::size_t column) {
    for (int mu = 0; mu < t.radial_count; ++mu) {
      for (std::uint32_t s = t.step_begin[mu + 1]; s-- > t.step_begin[mu];) {
        const std::uint32_t* step = t.steps + 4 * s;
        const double* from = adjoint_of + step[0] * width;
        add_scaled(adjoint_of + step[1] * width, 1.0, from, width);
        add_scaled(adjoint_of + step[2] * width, -1.0, from, width);
        add_scaled(adjoint_of + step[3] * width, -1.0, from, width);
      }
      for (std::size_t k = 0; k < t.summed[mu]; ++k) {
        double* to = adjoints + (t.summed_offset[mu] + k) * columns + column;
        const double* from = adjoint_of + (t.mu_offset[mu] + k) * width;
        for (std::size_t c = 0; c < width; c += lanes) store_any(to + c, load_any(from + c));
      }
    }
  }

  /// d(dE/dM)/dc of the coefficients (z_j, n) of one mu.
  void tangents(int mu, const double* moment_coefficients) {
    const std::size_t width = t.tangents;
    const std::uint8_t* depends = t.depends + static_cast<std::size_t>(mu) * t.moments;
    for (std::size_t k = 0; k < t.summed[mu]; ++k) {
      double* to = tangent + (t.mu_offset[mu] + k) * width;
      const double* from = sums + t.monomial_of[t.summed_offset[mu] + k] * width;
      for (std::size_t c = 0; c < width; c += lanes) store_any(to + c, load_any(from + c));
    }
    for (std::uint32_t s = t.step_begin[mu]; s < t.step_begin[mu + 1]; ++s) {
      const std::uint32_t* step = t.steps + 4 * s;
      double* to = tangent + step[0] * width;
      for (std::size_t c = 0; c < width; c += lanes)
        store_any(to + c, load_any(tangent + step[1] * width + c) - load_any(tangent + step[2] * width + c) -
                              load_any(tangent + step[3] * width + c));
    }
    for (std::size_t p = 0; p < t.products_count; ++p) {
      const FitProduct& product = t.products[p];
      if (!depends[product.result]) continue;
      double* to = tangent + product.result * width;
      if (p == 0 || t.products[p - 1].result != product.result) clear(to, width);
      if (depends[product.left])
        add_scaled(to, product.factor * moment[product.right], tangent + product.left * width, width);
      if (depends[product.right])
        add_scaled(to, product.factor * moment[product.left], tangent + product.right * width, width);
    }

    clear(tangent_adjoint, t.moments * width);
    for (std::size_t i = 0; i < t.scalar_terms_count; ++i) {
      const FitScalarTerm& term = t.scalar_terms[i];
      const double weight = term.factor * moment_coefficients[term.scalar];
      if (depends[term.right]) add_scaled(tangent_adjoint + term.left * width, weight, tangent + term.right * width, width);
      if (depends[term.left]) add_scaled(tangent_adjoint + term.right * width, weight, tangent + term.left * width, width);
    }
    for (std::size_t p = t.products_count; p-- > 0;) {
      const FitProduct& product = t.products[p];
      const double* from = tangent_adjoint + product.result * width;
      const double weight = product.factor * adjoint[product.result];
      double *left = tangent_adjoint + product.left * width, *right = tangent_adjoint + product.right * width;
      add_scaled(left, product.factor * moment[product.right], from, width);
      if (depends[product.right]) add_scaled(left, weight, tangent + product.right * width, width);
      add_scaled(right, product.factor * moment[product.left], from, width);
      if (depends[product.left]) add_scaled(right, weight, tangent + product.left * width, width);
    }
    fold(tangent_adjoint, width, static_cast<std::size_t>(mu) * width);
  }

  /// dE_i/dr_ij by all columns whose coefficients act through the moments: one matrix product.
  void pair_gradients(std::size_t count) {
    for (std::size_t j = 0; j < count; ++j)
      for (std::size_t a = 0; a < 3; ++a) {
        double* to = gradient_matrix + (3 * j + a) * t.summed_total;
        const double *m = monomial + j * t.monomials, *g = tangential + (3 * j + a) * t.monomials;
        for (int mu = 0; mu < t.radial_count; ++mu) {
          const double along = df[j * t.radial_count + mu] * unit[3 * j + a];
          const double across = f[j * t.radial_count + mu] * inverse_r[j];
          const std::uint32_t* k = t.monomial_of + t.summed_offset[mu];
          for (std::size_t s = 0; s < t.summed[mu]; ++s) *to++ = along * m[k[s]] + across * g[k[s]];
        }
      }
    multiply(3 * count, columns, t.summed_total, gradient_matrix, t.summed_total, adjoints, columns, gradients, columns);
  }

  /// A coefficient also stands in the radial function of its own pairs.
  void direct(std::size_t j, int other) {
    const double* m = monomial + j * t.monomials;
    const double *values = q + j * t.radial_size, *slopes = dq + j * t.radial_size;
    for (int mu = 0; mu < t.radial_count; ++mu) {
      double p = 0, across[3] = {0, 0, 0};
      const double* weight = adjoint + t.mu_offset[mu];
      const std::uint32_t* k = t.monomial_of + t.summed_offset[mu];
      for (std::size_t s = 0; s < t.summed[mu]; ++s) {
        p += weight[s] * m[k[s]];
        for (std::size_t a = 0; a < 3; ++a) across[a] += weight[s] * tangential[(3 * j + a) * t.monomials + k[s]];
      }
      for (std::size_t a = 0; a < 3; ++a) {
        double* to = gradients + (3 * j + a) * columns + static_cast<std::size_t>(mu) * t.tangents +
                     static_cast<std::size_t>(other) * t.radial_size;
        const double along = p * unit[3 * j + a], side = across[a] * inverse_r[j];
        for (int n = 0; n < t.radial_size; ++n) to[n] += slopes[n] * along + values[n] * side;
      }
    }
  }
};

std::size_t scratch_size(const FitTables& tables, std::size_t neighbours, bool linear) {
  return Centre::carve(tables, neighbours, linear, nullptr, nullptr);
}

void rows_of(const FitTables& tables, const FitConfiguration& configuration, const FitCoefficients& coefficients,
             bool linear, double* scratch, double* rows, std::size_t stride, double* predictions) {
  Centre centre(tables, linear);
  Centre::carve(tables, configuration.most, linear, scratch, &centre);
  for (std::size_t i = 0; i < configuration.atoms; ++i)
    centre.add(configuration, coefficients, i, rows, stride, predictions);
}

constexpr FitKernel kernel = {static_cast<int>(lanes), &scratch_size, &rows_of, &add_squares};

}  // namespace

#define BETALPS_JOIN_(a, b) a##b
#define BETALPS_JOIN(a, b) BETALPS_JOIN_(a, b)
const FitKernel& BETALPS_JOIN(fit_kernel_, BETALPS_ISA_NAME)() { return kernel; }

}  // namespace betalps
