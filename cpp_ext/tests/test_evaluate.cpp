// What an Evaluator promises beyond the right numbers (those are test_kernel.cpp's): repeatable results, paths that
// agree, extrapolation grades, and errors that say what was wrong.
#include "betalps/evaluate.hpp"

#include <cstdlib>
#include <limits>
#include <string>

#include "active_sets.hpp"
#include "check.hpp"
#include "plain_mtp.hpp"

using namespace betalps;
using plain::Cluster;
using plain::Matrix;
using plain::Real;

namespace {

using Numbers = std::vector<double>;

struct Computed {
  Numbers energies, forces, virials;
  bool operator==(const Computed& other) const {
    return energies == other.energies && forces == other.forces && virials == other.virials;
  }
};

Computed compute(Evaluator& evaluator, const Pairs& pairs, ThreadPool& pool) {
  Computed out{Numbers(pairs.centres), Numbers(3 * pairs.atoms), Numbers(6 * pairs.centres)};
  evaluator.evaluate(pairs, {out.energies.data(), out.forces.data(), out.virials.data()}, pool);
  return out;
}

double largest_difference(const Numbers& a, const Numbers& b) {
  double difference = 0, size = 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(a[i] - b[i]));
    size = std::max(size, std::abs(a[i]));
  }
  return difference / size;
}

struct Case {
  std::mt19937 rng;
  Potential potential;
  Cluster cluster;
  Case(int level, int species, std::size_t centres, unsigned seed)
      : rng(seed),
        potential(plain::random_potential(rng, make_basis(level), species, 6)),
        cluster(plain::random_cluster(rng, centres, 20, species, 9.0, 1.6, 6.0)) {}
};

void repeatable_and_independent_of_threads() {
  Case c(10, 3, 83, 1);
  const Pairs pairs = c.cluster.pairs();
  for (const Isa isa : available_isas())
    for (const Precision precision : {Precision::float64, Precision::mixed}) {
      ThreadPool one(1);
      Evaluator first(c.potential, precision, isa);
      const Computed serial = compute(first, pairs, one);
      for (int threads = 1; threads <= 4; ++threads) {
        ThreadPool pool(threads);
        Evaluator evaluator(c.potential, precision, isa);
        const Computed once = compute(evaluator, pairs, pool);
        for (int k = 0; k < 3; ++k) CHECK(compute(evaluator, pairs, pool) == once);
        CHECK(once.energies == serial.energies);  // a site has its own lane
        CHECK(once.virials == serial.virials);
        CHECK_CLOSE(largest_difference(serial.forces, once.forces), 0, 1e-14);
      }
      CHECK(first.isa() == isa && first.precision() == precision);
    }
}

/// A small structure after a large one and back, with other species, on the same workspaces.
void structures_do_not_mix() {
  Case large(8, 2, 90, 2);
  const Cluster small = plain::random_cluster(large.rng, 3, 2, 2, 5.0, 1.6, 6.0);
  Cluster other_species = large.cluster;
  for (std::int32_t& species : other_species.species) species = 1 - species;
  for (const Isa isa : available_isas()) {
    ThreadPool pool(3);
    const auto fresh = [&](const Cluster& cluster) {
      Evaluator evaluator(large.potential, Precision::float64, isa);
      return compute(evaluator, cluster.pairs(), pool);
    };
    Evaluator evaluator(large.potential, Precision::float64, isa);
    const std::vector<const Cluster*> visits{&large.cluster, &small, &other_species, &large.cluster, &small};
    for (const Cluster* cluster : visits)
      CHECK(compute(evaluator, cluster->pairs(), pool) == fresh(*cluster));
  }
}

/// What was not asked for changes nothing in what was.
void every_selection_of_outputs_agrees() {
  Case c(10, 2, 37, 3);
  const Pairs pairs = c.cluster.pairs();
  for (const Isa isa : available_isas())
    for (const Precision precision : {Precision::float64, Precision::mixed}) {
      Evaluator evaluator(c.potential, precision, isa);
      ThreadPool pool(2);
      const Computed all = compute(evaluator, pairs, pool);
      for (int choice = 0; choice < 8; ++choice) {
        Computed some{Numbers(37, -7), Numbers(3 * pairs.atoms, -7), Numbers(6 * 37, -7)};
        const Computed untouched = some;
        const bool e = choice & 1, f = choice & 2, v = choice & 4;
        evaluator.evaluate(pairs,
                           {e ? some.energies.data() : nullptr, f ? some.forces.data() : nullptr,
                            v ? some.virials.data() : nullptr},
                           pool);
        CHECK(some.energies == (e ? all : untouched).energies);
        CHECK(some.forces == (f ? all : untouched).forces);
        CHECK(some.virials == (v ? all : untouched).virials);
      }
      evaluator.profile(true);
      CHECK(compute(evaluator, pairs, pool) == all);
      double seconds = 0;
      for (const double s : evaluator.stage_times().seconds) seconds += s;
      CHECK(seconds > 0);
    }
}

// ---- grades -------------------------------------------------------------------------------------------------------

/// Rows of `candidates` with the largest |det|, from 1e-6 times the identity by swaps; -1 where none was taken.
std::vector<int> select_rows(const Matrix& candidates, Matrix& a) {
  const std::size_t n = candidates[0].size();
  a.assign(n, std::vector<Real>(n, 0));
  for (std::size_t i = 0; i < n; ++i) a[i][i] = 1e-6L;
  std::vector<int> origin(n, -1);
  for (int swaps = 0; swaps < 1000; ++swaps) {
    const Matrix b = plain::inverse(a);
    Real best = 1.001L;
    std::size_t row = 0, slot = n;
    for (std::size_t i = 0; i < candidates.size(); ++i)
      for (std::size_t k = 0; k < n; ++k) {
        Real sum = 0;
        for (std::size_t c = 0; c < n; ++c) sum += candidates[i][c] * b[c][k];
        if (std::abs(sum) > best) best = std::abs(sum), row = i, slot = k;
      }
    if (slot == n) break;
    a[slot] = candidates[row];
    origin[slot] = static_cast<int>(row);
  }
  return origin;
}

Matrix rows_of(const plain::Result& right, std::size_t centres, std::size_t coefficients) {
  Matrix rows(centres);
  for (std::size_t i = 0; i < centres; ++i)
    rows[i].assign(right.rows.begin() + static_cast<std::ptrdiff_t>(i * coefficients),
                   right.rows.begin() + static_cast<std::ptrdiff_t>((i + 1) * coefficients));
  return rows;
}

Numbers grades_of(Evaluator& evaluator, const Pairs& pairs, int threads) {
  ThreadPool pool(threads);
  Numbers grades(pairs.centres, -1);
  evaluator.evaluate_with_grades(pairs, {}, grades.data(), pool);
  return grades;
}

/// A row of the active set has grade 1, and nothing that it was selected from has more than 1.001.
void grades_of_what_was_selected() {
  std::mt19937 rng(4);
  Potential potential = plain::random_potential(rng, make_basis(6), 2, 3);
  const std::size_t n = potential.coeffs_count();
  const Cluster cluster = plain::random_cluster(rng, 90, 30, 2, 10.0, 1.6, 6.0);
  const plain::Result right = plain::evaluate(potential, cluster.pairs());
  Matrix a;
  const std::vector<int> origin = select_rows(rows_of(right, 90, n), a);
  potential.active_set = plain::active_set_of(a, origin);
  // What changes no energy is never seen: scaling f_0 or f_1 and unscaling the moments, and adding f_0 to f_1,
  // which enters level 6 through its sum alone, at the cost of the coefficient of the sum of f_0.
  CHECK(potential.active_set->unfilled() == 3);
  for (const Isa isa : available_isas()) {
    Evaluator evaluator(potential, Precision::float64, isa);
    const Numbers grades = grades_of(evaluator, cluster.pairs(), 2);
    for (const double g : grades) CHECK(g > 0 && g <= 1.0011);
    for (const int i : origin)
      if (i >= 0) CHECK_CLOSE(grades[static_cast<std::size_t>(i)], 1, 1e-7);
  }
}

/// For every number of groups of each species; with the zeros of real rows, some of them, and none.
void grades_against_plain_rows() {
  std::mt19937 rng(5);
  std::normal_distribution<double> normal;
  Potential potential = plain::random_potential(rng, make_basis(8), 3, 4);
  const std::size_t n = potential.coeffs_count();
  std::vector<ActiveSet> sets(3);
  for (const std::size_t mixed : {0, 2}) sets[mixed / 2] = plain::random_active_set(rng, potential, mixed);
  sets[2].size = n;
  sets[2].configuration.assign(n, 0);
  sets[2].equation.assign(n, 0);
  for (std::size_t k = 0; k < n * n; ++k) sets[2].inverse_transpose.push_back(normal(rng));
  sets[2].matrix = sets[2].inverse_transpose;  // any will do to see that the matrix product is right
  for (ActiveSet& set : sets) {
    set.site_energy_weight = 0.7;
    potential.active_set = set;
    for (const std::size_t centres : {1, 7, 23, 50, 131, 400})
      for (const RadialBasis radial : {RadialBasis::chebyshev, RadialBasis::chebyshev_repulsive}) {
        potential.radial_basis = radial;
        const Cluster cluster = plain::random_cluster(rng, centres, 15, 3, centres > 200 ? 12.0 : 9.0, 1.4, 6.0);
        const Pairs pairs = cluster.pairs();
        const plain::Result right = plain::evaluate(potential, pairs);
        Numbers expected;
        for (const std::vector<Real>& row : rows_of(right, centres, n)) {
          Real most = 0;
          for (std::size_t k = 0; k < n; ++k) {
            Real sum = 0;
            for (std::size_t c = 0; c < n; ++c) sum += row[c] * set.inverse_transpose[k * n + c];
            most = std::max(most, std::abs(sum));
          }
          CHECK_CLOSE(static_cast<double>(grade(set, Numbers(row.begin(), row.end()).data()) / most), 1, 1e-12);
          expected.push_back(static_cast<double>(most * 0.7L));
        }
        for (const Isa isa : available_isas())
          for (const Precision precision : {Precision::float64, Precision::mixed})  // grades are always in double
            for (int threads = 1; threads <= 4; ++threads) {
              Evaluator evaluator(potential, precision, isa);
              CHECK_CLOSE(largest_difference(expected, grades_of(evaluator, pairs, threads)), 0, 1e-12);
            }
      }
  }
}

/// Energies, forces and virials do not depend on whether grades come with them.
void grades_change_nothing_else() {
  Case c(8, 2, 60, 6);
  c.potential.active_set = plain::random_active_set(c.rng, c.potential, 0);
  const Pairs pairs = c.cluster.pairs();
  for (const Isa isa : available_isas())
    for (const Precision precision : {Precision::float64, Precision::mixed})
      for (int threads = 1; threads <= 3; ++threads) {
        ThreadPool pool(threads);
        Evaluator evaluator(c.potential, precision, isa);
        const Computed without = compute(evaluator, pairs, pool);
        Computed with{Numbers(60, -7), Numbers(3 * pairs.atoms, -7), Numbers(6 * 60, -7)};
        Numbers grades(60);
        evaluator.evaluate_with_grades(pairs, {with.energies.data(), with.forces.data(), with.virials.data()},
                                       grades.data(), pool);
        CHECK(with == without);
        CHECK(grades_of(evaluator, pairs, threads) == grades);  // without forces
        CHECK(compute(evaluator, pairs, pool) == without);
      }
}

// ---- errors -------------------------------------------------------------------------------------------------------

void bad_potentials() {
  std::mt19937 rng(7);
  const Potential good = plain::random_potential(rng, make_basis(6), 2, 3);
  const auto make = [](const Potential& p) { Evaluator{p}; };
  for (const auto coefficients : {&Potential::radial_coeffs, &Potential::species_coeffs, &Potential::moment_coeffs}) {
    Potential untrained = good;
    (untrained.*coefficients).clear();
    CHECK_THROWS(make(untrained), std::invalid_argument,
                 "the potential has no coefficients: found an untrained template, expected a fitted one");
  }
  const Potential fine = plain::random_potential(rng, make_basis(6), 2, 20);
  CHECK(Evaluator(fine).coeffs_count() == fine.coeffs_count());
  CHECK_THROWS(make(plain::random_potential(rng, make_basis(6), 2, 21)), std::invalid_argument,
               "radial_basis_size: found 21, expected at most 20");
  const Potential long_radial = plain::random_potential(rng, make_basis(8), 2, 13);
  CHECK_THROWS(Evaluator(long_radial, Precision::mixed), std::invalid_argument,
               "radial_basis_size: found 13, expected at most 12 in mixed precision");
  Basis basis = make_basis(6);
  basis.basics[0] = {0, 5, 5, 1};
  CHECK_THROWS(make(plain::random_potential(rng, basis, 2, 3)), std::invalid_argument,
               "rank of a basic moment: found 11, expected at most 10");
  Potential bad = good;
  bad.radial_coeffs[3] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS(make(bad), std::invalid_argument, "radial_coeffs[3] is nan");
}

/// Names the atom, and leaves an Evaluator that still works.
void bad_species() {
  Case c(6, 2, 5, 8);
  ThreadPool pool(2);
  Evaluator evaluator(c.potential);
  const Computed before = compute(evaluator, c.cluster.pairs(), pool);
  for (const std::int32_t wrong : {2, -1, 1 << 30}) {
    Cluster bad = c.cluster;
    bad.species[17] = wrong;  // a ghost
    CHECK_THROWS(compute(evaluator, bad.pairs(), pool), std::invalid_argument,
                 "species of atom 17: found " + std::to_string(wrong) + ", expected 0 to 1");
  }
  CHECK(compute(evaluator, c.cluster.pairs(), pool) == before);
}

void grades_without_their_active_set() {
  Case c(6, 2, 5, 9);
  Evaluator none(c.potential);
  CHECK_THROWS(grades_of(none, c.cluster.pairs(), 1), std::invalid_argument, "the potential has no active set");
  ActiveSet set;
  set.size = c.potential.coeffs_count();
  set.matrix.assign(set.size * set.size, 1.0);
  set.inverse_transpose = set.matrix;
  set.configuration.assign(set.size, -1);
  set.equation.assign(set.size, -1);
  set.energy_weight = 1;
  set.site_energy_weight = 0;
  c.potential.active_set = set;
  Evaluator by_configuration(c.potential);
  CHECK_THROWS(grades_of(by_configuration, c.cluster.pairs(), 1), std::invalid_argument,
               "the active set grades whole configurations");
}

void instruction_sets() {
  for (const Isa isa : available_isas()) {
    CHECK(parse_isa(name(isa)) == isa);
    setenv("BETALPS_ISA", name(isa), 1);
    CHECK(default_isa() == isa);
    CHECK(measure_peak_flops(isa, Precision::float64) > 1e8);
    CHECK(measure_peak_flops(isa, Precision::mixed) > 1e8);
  }
  CHECK_THROWS(parse_isa("sse9"), std::invalid_argument,
               "instruction set: found \"sse9\", expected one that this processor has: baseline");
  setenv("BETALPS_ISA", "fast", 1);
  CHECK_THROWS(default_isa(), std::invalid_argument,
               "environment variable BETALPS_ISA: instruction set: found \"fast\"");
  setenv("BETALPS_ISA", "", 1);
  CHECK(default_isa() == available_isas().back());
  unsetenv("BETALPS_ISA");
  CHECK(default_isa() == available_isas().back());
  CHECK(available_isas().front() == Isa::baseline);
}

}  // namespace

int main() {
  repeatable_and_independent_of_threads();
  structures_do_not_mix();
  every_selection_of_outputs_agrees();
  grades_of_what_was_selected();
  grades_against_plain_rows();
  grades_change_nothing_else();
  bad_potentials();
  bad_species();
  grades_without_their_active_set();
  instruction_sets();
  return check::finish();
}
