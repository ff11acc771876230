// Normal equations of a fit against the derivatives of the plain evaluation by every coefficient, taken by finite
// differences in extended precision.
#include "betalps/fit.hpp"

#include <limits>
#include <string>

#include "check.hpp"
#include "plain_mtp.hpp"

using namespace betalps;
using plain::Cluster;
using plain::Real;

namespace {

using Numbers = std::vector<double>;

Numbers coefficients_of(const Potential& p) {
  Numbers all(p.radial_coeffs);
  all.insert(all.end(), p.species_coeffs.begin(), p.species_coeffs.end());
  all.insert(all.end(), p.moment_coeffs.begin(), p.moment_coeffs.end());
  return all;
}

double& coefficient(Potential& p, std::size_t c) {
  if (c < p.radial_coeffs.size()) return p.radial_coeffs[c];
  c -= p.radial_coeffs.size();
  return c < p.species_coeffs.size() ? p.species_coeffs[c] : p.moment_coeffs[c - p.species_coeffs.size()];
}

/// Energy, forces, virial: the rows of one configuration.
std::vector<Real> predictions(const Potential& p, const Cluster& cluster) {
  const plain::Result result = plain::evaluate(p, cluster.pairs());
  std::vector<Real> rows{result.energy()};
  rows.insert(rows.end(), result.forces.begin(), result.forces.end());
  for (std::size_t v = 0; v < 6; ++v) {
    Real sum = 0;
    for (std::size_t i = 0; i < cluster.centres; ++i) sum += result.virials[6 * i + v];
    rows.push_back(sum);
  }
  return rows;
}

/// d(predictions)/d(coefficient): central differences of fourth order.
std::vector<Real> derivative(const Potential& p, const Cluster& cluster, std::size_t c) {
  std::vector<Real> sum(1 + 3 * cluster.centres + 6, 0);
  const double h = 1.0 / 1024;  // exact in binary, so that the steps are what they say
  for (const auto& [steps, weight] : {std::pair{-2, 1.0L}, {-1, -8.0L}, {1, 8.0L}, {2, -1.0L}}) {
    Potential moved = p;
    coefficient(moved, c) += steps * h;
    const std::vector<Real> at = predictions(moved, cluster);
    for (std::size_t r = 0; r < sum.size(); ++r) sum[r] += weight * at[r] / (12 * static_cast<Real>(h));
  }
  return sum;
}

struct Example {
  Cluster cluster;
  Numbers targets, weights;  // energy, forces, virial; force weights by atom
  std::vector<Real> predicted;
  std::vector<std::vector<Real>> columns;  // [coefficient][row]

  double weight(std::size_t row) const {
    const std::size_t n = cluster.centres;
    return row == 0 ? weights[0] : row <= 3 * n ? weights[1 + (row - 1) / 3] : weights[1 + n + row - 1 - 3 * n];
  }
  Labels labels() const {
    const std::size_t n = cluster.centres;
    return {targets[0],          weights[0],              targets.data() + 1, weights.data() + 1,
            &targets[1 + 3 * n], weights.data() + 1 + n};
  }
};

Example make_example(const Potential& p, std::mt19937& rng) {
  Example e;
  e.cluster = plain::random_cluster(rng, 7, 0, p.species_count, 5.0, 1.6, 6.0);
  std::uniform_real_distribution<double> uniform(0.1, 1.0);
  const std::size_t n = e.cluster.centres, rows = 1 + 3 * n + 6;
  for (std::size_t r = 0; r < rows; ++r) e.targets.push_back(uniform(rng));
  for (std::size_t w = 0; w < 1 + n + 6; ++w) e.weights.push_back(w % 5 == 3 ? 0.0 : uniform(rng));
  e.predicted = predictions(p, e.cluster);
  for (std::size_t c = 0; c < p.coeffs_count(); ++c) e.columns.push_back(derivative(p, e.cluster, c));
  return e;
}

/// Largest deviation relative to the largest expected value.
double deviation(const std::vector<double>& found, const std::vector<Real>& right) {
  if (found.size() != right.size()) return std::numeric_limits<double>::infinity();
  double worst = 0, size = 0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    const auto error = static_cast<double>(std::abs(found[i] - right[i]));
    if (!(error <= worst)) worst = error;
    size = std::max(size, static_cast<double>(std::abs(right[i])));
  }
  return worst / size;
}

/// The sums over all rows of all examples, straight from the definition; `from` is the first column that counts.
struct Expected {
  std::vector<Real> matrix, gradient;
  Real value = 0;

  Expected(const std::vector<Example>& examples, std::size_t from, bool around_zero) {
    const std::size_t n = examples[0].columns.size() - from;
    matrix.assign(n * n, 0);
    gradient.assign(n, 0);
    for (const Example& e : examples)
      for (std::size_t r = 0; r < e.targets.size(); ++r) {
        const Real residual = (around_zero ? 0 : e.predicted[r]) - e.targets[r], w = e.weight(r);
        value += w * residual * residual;
        for (std::size_t p = 0; p < n; ++p) {
          gradient[p] += w * residual * e.columns[from + p][r];
          for (std::size_t q = 0; q < n; ++q) matrix[p * n + q] += w * e.columns[from + p][r] * e.columns[from + q][r];
        }
      }
  }
};

void check_sums(const NormalEquations& found, const Expected& right, double allowed, const std::string& what) {
  const double worst = std::max({deviation(found.matrix, right.matrix), deviation(found.gradient, right.gradient),
                                 static_cast<double>(std::abs(found.value / right.value - 1))});
  check::report(worst < allowed, __FILE__, __LINE__, what + ": deviation " + std::to_string(worst * 1e12) + "e-12");
}

void normal_equations() {
  for (const auto& [level, species, size] : {std::tuple{6, 1, 3}, {10, 2, 5}, {12, 3, 2}, {16, 1, 8}}) {
    std::mt19937 rng(static_cast<unsigned>(level));
    const Potential p = plain::random_potential(rng, make_basis(level), species, size);
    std::vector<Example> examples;
    for (int k = 0; k < 3; ++k) examples.push_back(make_example(p, rng));
    const Numbers coefficients = coefficients_of(p);
    const Expected all(examples, 0, false), linear(examples, p.radial_coeffs_count(), true);
    for (const Isa isa : available_isas()) {
      Fit fit(p, isa);
      for (const Example& e : examples)
        fit.add(e.cluster.centres, e.cluster.positions.data(), e.cluster.species.data(), Cell{}, Periodic{}, e.labels());
      for (const int threads : {1, 2}) {
        ThreadPool pool(threads);
        const std::string what = std::string(name(isa)) + ", level " + std::to_string(level);
        check_sums(fit.normal_equations(coefficients.data(), Columns::all, {0, 1, 2}, pool), all, 1e-10, what);
        check_sums(fit.normal_equations(coefficients.data(), Columns::linear, {0, 1, 2}, pool), linear, 1e-10,
                   what + ", linear");
      }
      ThreadPool pool(1);
      check_sums(fit.normal_equations(coefficients.data(), Columns::all, {1}, pool), Expected({examples[1]}, 0, false),
                 1e-10, "one member");
    }
  }
}

/// Shifts are columns of their own, which only the energy's row knows.
void shifts() {
  std::mt19937 rng(6);
  const Potential p = plain::random_potential(rng, make_basis(8), 2, 4);
  const std::vector<Numbers> shifts{{3, -1, 0}, {0, 0, 0}, {0.5, 0, 2}};
  Numbers coefficients = coefficients_of(p);
  coefficients.insert(coefficients.end(), {0.7, -0.2, 1.1});
  std::vector<Example> examples;
  for (const Numbers& shift : shifts) {
    Example e = make_example(p, rng);
    for (std::size_t s = 0; s < shift.size(); ++s) {
      e.columns.emplace_back(e.predicted.size(), Real(0)).front() = shift[s];
      e.predicted[0] += shift[s] * coefficients[p.coeffs_count() + s];
    }
    examples.push_back(std::move(e));
  }
  const Expected all(examples, 0, false), linear(examples, p.radial_coeffs_count(), true);
  for (const Isa isa : available_isas()) {
    Fit fit(p, isa, shifts[0].size());
    for (std::size_t k = 0; k < examples.size(); ++k) {
      Labels labels = examples[k].labels();
      if (k != 1) labels.shifts = shifts[k].data();  // none: all zero
      const Cluster& cluster = examples[k].cluster;
      fit.add(cluster.centres, cluster.positions.data(), cluster.species.data(), Cell{}, Periodic{}, labels);
    }
    ThreadPool pool(2);
    const std::string what = std::string(name(isa)) + ", shifts";
    check_sums(fit.normal_equations(coefficients.data(), Columns::all, {0, 1, 2}, pool), all, 1e-10, what);
    check_sums(fit.normal_equations(coefficients.data(), Columns::linear, {0, 1, 2}, pool), linear, 1e-10,
               what + ", linear");
  }
}

void repeatable() {
  std::mt19937 rng(3);
  const Potential p = plain::random_potential(rng, make_basis(8), 2, 4);
  const Numbers coefficients = coefficients_of(p);
  Fit fit(p);
  for (int k = 0; k < 5; ++k) {
    const Example e = make_example(p, rng);
    fit.add(e.cluster.centres, e.cluster.positions.data(), e.cluster.species.data(), Cell{}, Periodic{}, e.labels());
  }
  ThreadPool pool(2);
  const std::vector<std::size_t> members{0, 1, 2, 3, 4};
  const NormalEquations first = fit.normal_equations(coefficients.data(), Columns::all, members, pool);
  const NormalEquations again = fit.normal_equations(coefficients.data(), Columns::all, members, pool);
  CHECK(first.matrix == again.matrix && first.gradient == again.gradient && first.value == again.value);
  for (std::size_t p1 = 0; p1 < coefficients.size(); ++p1)
    for (std::size_t q = 0; q < p1; ++q)
      if (first.matrix[p1 * coefficients.size() + q] != first.matrix[q * coefficients.size() + p1]) CHECK(false);
}

void errors() {
  std::mt19937 rng(4);
  const Potential p = plain::random_potential(rng, make_basis(6), 2, 3);
  const Potential repulsive = plain::random_potential(rng, make_basis(6), 2, 3, RadialBasis::chebyshev_repulsive);
  CHECK_THROWS(Fit{repulsive}, std::invalid_argument, "found RBChebyshev_repuls");
  Fit fit(p);
  const double positions[6] = {0, 0, 0, 2, 0, 0}, same[6] = {1, 1, 1, 1, 1, 1};
  const std::int32_t species[2] = {0, 1}, unknown[2] = {0, 2};
  Labels labels;
  labels.energy = 1;
  labels.energy_weight = 1;
  CHECK_THROWS(fit.add(2, positions, unknown, Cell{}, Periodic{}, labels), std::invalid_argument,
               "species of atom 1: found 2, expected 0 to 1");
  CHECK_THROWS(fit.add(2, same, species, Cell{}, Periodic{}, labels), std::invalid_argument, "lies on another atom");
  labels.energy = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS(fit.add(2, positions, species, Cell{}, Periodic{}, labels), std::invalid_argument,
               "energy: found a label that is not finite");
  labels.energy = 1;
  labels.energy_weight = -1;
  CHECK_THROWS(fit.add(2, positions, species, Cell{}, Periodic{}, labels), std::invalid_argument, "weight of energy");
  const double infinite = std::numeric_limits<double>::infinity();
  labels.energy_weight = 1;
  labels.shifts = &infinite;
  Fit shifted(p, default_isa(), 1);
  CHECK_THROWS(shifted.add(2, positions, species, Cell{}, Periodic{}, labels), std::invalid_argument,
               "shifts: found a number that is not finite");
  CHECK(fit.configurations() == 0);
  ThreadPool pool(1);
  const Numbers coefficients = coefficients_of(p);
  CHECK_THROWS(fit.normal_equations(coefficients.data(), Columns::all, {0}, pool), std::invalid_argument,
               "configuration 0: expected one of 0");
}

}  // namespace

int main() {
  normal_equations();
  shifts();
  repeatable();
  errors();
  return check::finish();
}
