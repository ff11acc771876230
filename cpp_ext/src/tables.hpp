// A potential in the form that the inner loop reads: coefficients laid out for the lanes, and the products of
// moments as flat lists of terms. Plain pointers only: this header is included by code compiled for other
// instruction sets, where an inline function of the standard library must not be instantiated.
#pragma once

#include <cstddef>
#include <cstdint>

namespace betalps {

/// acc += factor * x[first] * y[second]; offsets in numbers, lanes included.
template <class T>
struct Term {
  T factor;
  std::uint32_t first, second;
};

/// acc += factor * x[first].
template <class T>
struct LinearTerm {
  T factor;
  std::uint32_t first;
};

/// `count` consecutive destinations of `length` terms each.
struct Segment {
  std::uint32_t count, length;
};

template <class TermType>
struct TermList {
  const TermType* terms;
  const std::uint32_t* destinations;  // offset of each destination
  const Segment* segments;
  std::size_t segments_count;
};

/// M[result] = M[first] - M[second] - M[third]: x^a y^b z^(c+2) on the unit sphere.
struct SphereStep {
  std::uint32_t result, first, second, third;
};

/// Sizes that the layout of the tables depends on.
struct Layout {
  int lanes;         // atoms side by side in one vector
  int groups;        // vectors handled together by the products
  int lookup_width;  // species whose coefficients fit in one vector
  int grade_batch;   // vectors of atoms that are graded together
  int grade_columns; // columns of A^-1 side by side in memory
};

template <class T>
struct Tables {
  int species, radial_count, radial_size;
  int row_length;  // species, rounded up to a multiple of the lookup width
  bool wide;       // more species than one vector looks up
  bool repulsive;
  double cutoff, min_dist;
  T xi_scale, xi_shift;  // xi = xi_scale r + xi_shift
  T scaling;
  const T* radial;       // [z_i][mu][power of xi][z_j, row_length]; the scaling is in it
  const double* species_energy;

  // Moments: for every mu all monomials up to rank[mu], those without and with one z first (they are summed over
  // neighbours), the rest by sphere steps; then the products that other products read.
  const int* rank;                   // [mu]; -1: no basic moment has this mu
  const std::uint32_t* mu_offset;    // [mu], offset of its first monomial
  std::uint32_t moments;             // how many
  const SphereStep* sphere_steps;
  std::size_t sphere_steps_count;
  const T* linear;                   // [moment]: its own coefficient in the energy

  TermList<Term<T>> forward;         // products that others read
  TermList<LinearTerm<T>> terminal;  // h_i = sum_j w_ij M_j of the products that nobody reads: E = 1/2 sum_i M_i h_i
  TermList<Term<T>> backward;        // what is left of dE/dM_i: factor * (dE/dM_first) * M_second

  // Scalars as functions of moments, for dE/d(moment coefficients).
  TermList<Term<T>> scalar_products;  // destinations: scalar index
  const std::uint32_t* scalar_moment; // per scalar: offset of its moment, or no_moment
  std::size_t scalars;
};

constexpr std::uint32_t no_moment = 0xffffffffu;
constexpr int radial_size_limit = 20;  // powers of xi lose digits beyond
constexpr int single_precision_radial_size_limit = 12;
constexpr int rank_limit = 10;         // of the basic moments, as levels up to 28 have it

/// One atom, or the image of one, as the inner loop reads it. key = index << 32 | species.
struct alignas(32) Row {
  double x, y, z;
  std::int64_t key;
};

/// Columns of a matrix, packed [block of grade_columns][row][column in block].
struct GradeProduct {
  const double* packed;
  std::size_t first_row;  // of its input
  std::size_t rows, blocks;
};

/// A^-1 for one central species, as grade_tables.hpp says. The input of the first product is dE_i/d(coefficients),
/// that of the others what the first `kept_blocks` blocks of the first give.
struct GradeTable {
  const GradeProduct* products;
  std::size_t products_count;
  std::size_t kept_blocks;
};

/// One call of the inner loop, shared by all threads.
template <class T>
struct Call {
  const Tables<T>* tables;
  const Row* rows;                    // atoms, and one more: the dummy that padding points to
  std::uint32_t dummy;
  const std::int64_t* first;
  const std::int32_t* neighbours;
  std::size_t centres_count;
  const std::int32_t* centres;        // group after group: `lanes` centres of one species, -1 where there is none
  const std::int32_t* group_species;
  std::size_t groups;
  double* site_energies;
  double* site_virials;               // may be null
  bool gradient;                      // forces (and virials)
  double* site_rows;                  // may be null: [centre][coefficients]
  std::size_t coefficients;
  const GradeTable* grade_tables;     // may be null: per species
  double* grades;
};

/// Buffers of one thread.
template <class T>
struct Scratch {
  std::size_t capacity;   // neighbours per lane that fit
  std::size_t pair_stride;  // numbers per pair record
  T* pairs;               // [group][neighbour][slot][lane]
  std::int32_t* indices;  // [group][neighbour][lane]
  double* lanes;          // [4][lane][capacity]: the filter's output before it is transposed
  T* moments;             // [moment][group][lane]
  T* adjoints;            // [moment][group][lane]
  std::size_t factors_stride;  // numbers per record of
  T* factors;             // [neighbour][Q_n, P_mu, weights, species][lane]
  T* columns;             // [species][in its queue][coefficient of the species][lane]: dE_i/d(coefficients)
  T* kept;                // [in the queue][column][lane]: elements of b A^-1 that others are sums of
  std::size_t* queue;     // [species][grade_batch]: groups that wait to be graded
  std::size_t* queued;    // [species]: how many
  double* forces;         // rows of 4, atoms + dummy
  double* seconds;        // per stage; null: not measured
  double (*clock)();
};

template <class T>
struct Kernel {
  Layout layout;
  void (*run)(const Call<T>&, const Scratch<T>&, std::size_t first_group, std::size_t last_group);
  double (*peak)(long repetitions);  // arithmetic alone: returns the number of operations done
};

// One pair of these per instruction set.
const Kernel<double>& kernel_baseline(double);
const Kernel<float>& kernel_baseline(float);
const Kernel<double>& kernel_avx2(double);
const Kernel<float>& kernel_avx2(float);
const Kernel<double>& kernel_avx512(double);
const Kernel<float>& kernel_avx512(float);

}  // namespace betalps
