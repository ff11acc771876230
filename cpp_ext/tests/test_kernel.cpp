// The kernel against the plain evaluation of plain_mtp.hpp: every instruction set, precision and number of threads,
// for bases of several levels and random ones, 1 to 20 species, both radial bases, and distances below min_dist.
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

#include "betalps/evaluate.hpp"
#include "check.hpp"
#include "plain_mtp.hpp"

using namespace betalps;
using plain::Cluster;
using plain::Real;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

struct Computed {
  std::vector<double> energies, forces, virials;
};

Computed compute(Evaluator& evaluator, const Pairs& pairs, int threads) {
  Computed out;
  out.energies.assign(pairs.centres, nan_value);
  out.forces.assign(3 * pairs.atoms, nan_value);
  out.virials.assign(6 * pairs.centres, nan_value);
  ThreadPool pool(threads);
  evaluator.evaluate(pairs, {out.energies.data(), out.forces.data(), out.virials.data()}, pool);
  return out;
}

double largest(const std::vector<Real>& values) {
  Real most = 1;
  for (const Real v : values) most = std::max(most, std::abs(v));
  return static_cast<double>(most);
}

/// Largest deviation, relative to the largest of the right values where that exceeds 1; NaN is infinite.
double deviation(const std::vector<double>& found, const std::vector<Real>& right) {
  if (found.size() != right.size()) return std::numeric_limits<double>::infinity();
  double worst = 0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    const double error = static_cast<double>(std::abs(found[i] - right[i]));
    if (!(error <= worst)) worst = std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
  }
  return worst / largest(right);
}

void check_deviation(const std::string& what, double found, double allowed) {
  char text[64];
  std::snprintf(text, sizeof text, ": deviation %.2e, allowed %.0e", found, allowed);
  if (std::getenv("BETALPS_SHOW")) std::printf("%s%s\n", what.c_str(), text);
  check::report(found <= allowed, __FILE__, __LINE__, what + text);
}

std::string label(const Potential& p, Isa isa, Precision precision, int threads) {
  return std::string(name(isa)) + (precision == Precision::mixed ? " mixed" : " double") + ", " +
         std::to_string(threads) + " threads, " + std::to_string(p.basis.scalars.size()) + " scalars, " +
         std::to_string(p.species_count) + " species, radial size " + std::to_string(p.radial_size) +
         (p.radial_basis == RadialBasis::chebyshev ? "" : ", repulsive");
}

struct Allowed {
  double float64 = 2e-13, mixed = 5e-5;  // some ten times what was seen
};

/// Energies, forces, virials and derivatives by coefficients of every variant against the plain evaluation.
void compare(const Potential& potential, const Cluster& cluster, Allowed allowed = {}, bool rotational = true) {
  const Pairs pairs = cluster.pairs();
  const plain::Result right = plain::evaluate(potential, pairs);
  for (const Isa isa : available_isas())
    for (const Precision precision : {Precision::float64, Precision::mixed}) {
      if (precision == Precision::mixed && potential.radial_size > 12) continue;  // refused
      Evaluator evaluator(potential, precision, isa);
      const double most = precision == Precision::mixed ? allowed.mixed : allowed.float64;
      for (const int threads : {1, 3}) {
        const std::string what = label(potential, isa, precision, threads);
        const Computed found = compute(evaluator, pairs, threads);
        check_deviation(what + ", energies", deviation(found.energies, right.energies), most);
        check_deviation(what + ", forces", deviation(found.forces, right.forces), most);
        if (rotational) check_deviation(what + ", virials", deviation(found.virials, right.virials), most);
      }
      ThreadPool pool(2);
      std::vector<double> rows(right.rows.size(), nan_value);
      evaluator.site_gradients(pairs, rows.data(), pool);  // in double precision whatever the evaluator's
      check_deviation(label(potential, isa, precision, 2) + ", rows", deviation(rows, right.rows), allowed.float64);
    }
}

// ---- the plain evaluation itself ----------------------------------------------------------------------------------

/// Central difference of fourth order of a function of a displacement.
template <class Function>
Real slope(Function energy) {
  const Real h = 1e-4L;
  return (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h);
}

/// Forces, virials and rows of the plain evaluation are the derivatives of its energies.
void plain_evaluation_is_sound() {
  std::mt19937 rng(1);
  for (const RadialBasis radial : {RadialBasis::chebyshev, RadialBasis::chebyshev_repulsive}) {
    const Potential potential = plain::random_potential(rng, make_basis(12), 2, 5, radial);
    const Cluster cluster = plain::random_cluster(rng, 6, 4, 2, 4.0, 1.5, 6.0);
    const plain::Result right = plain::evaluate(potential, cluster.pairs());
    std::vector<Real> forces, virials, rows;
    const auto moved = [&](const auto& change, Real s) {
      Cluster other = cluster;
      for (std::size_t j = 0; j < cluster.atoms(); ++j) change(s, &other.positions[3 * j], j);
      return plain::evaluate(potential, other.pairs());
    };
    for (std::size_t k = 0; k < 3 * cluster.atoms(); ++k)
      forces.push_back(-slope([&](Real s) {
        const auto one = [&](Real h, double* r, std::size_t j) {
          if (j == k / 3) r[k % 3] += static_cast<double>(h);
        };
        return moved(one, s).energy();
      }));
    const int voigt[6][2] = {{0, 0}, {1, 1}, {2, 2}, {1, 2}, {0, 2}, {0, 1}};
    for (std::size_t i = 0; i < cluster.centres; ++i)
      for (const auto& [a, b] : voigt)
        virials.push_back(-slope([&, a = a, b = b](Real s) {
          const auto strain = [&](Real h, double* r, std::size_t) {
            const double before[3] = {r[0], r[1], r[2]}, half = static_cast<double>(h) / 2;
            r[a] += half * before[b];
            r[b] += half * before[a];
          };
          return moved(strain, s).energies[i];
        }));
    for (std::size_t i = 0; i < cluster.centres; ++i)
      for (std::size_t c = 0; c < potential.coeffs_count(); ++c)
        rows.push_back(slope([&](Real s) {
          Potential other = potential;
          double* coefficient = c < other.radial_coeffs.size() ? &other.radial_coeffs[c]
                                : c < other.radial_coeffs.size() + 2
                                    ? &other.species_coeffs[c - other.radial_coeffs.size()]
                                    : &other.moment_coeffs[c - other.radial_coeffs.size() - 2];
          *coefficient += static_cast<double>(s);
          return plain::evaluate(other, cluster.pairs()).energies[i];
        }));
    const auto as_double = [](const std::vector<Real>& v) { return std::vector<double>(v.begin(), v.end()); };
    check_deviation("plain forces", deviation(as_double(forces), right.forces), 1e-10);
    check_deviation("plain virials", deviation(as_double(virials), right.virials), 1e-10);
    check_deviation("plain rows", deviation(as_double(rows), right.rows), 1e-10);
  }
}

// ---- the kernel ---------------------------------------------------------------------------------------------------

void levels() {
  std::mt19937 rng(2);
  for (const int level : {2, 4, 6, 8, 10, 12, 14, 16})
    for (const RadialBasis radial : {RadialBasis::chebyshev, RadialBasis::chebyshev_repulsive}) {
      const Potential potential = plain::random_potential(rng, make_basis(level), 3, 8, radial);
      compare(potential, plain::random_cluster(rng, 21, 30, 3, 7.0, 1.5, 6.0));
    }
  const Potential potential = plain::random_potential(rng, make_basis(20), 2, 6);
  compare(potential, plain::random_cluster(rng, 3, 12, 2, 5.0, 1.6, 9.0));
}

/// One more than each width at which coefficients stop fitting a vector, and the widths themselves.
void numbers_of_species() {
  std::mt19937 rng(3);
  for (const int species : {1, 2, 3, 4, 5, 8, 9, 16, 17, 20}) {
    const Potential potential = plain::random_potential(rng, make_basis(8), species, 4);
    compare(potential, plain::random_cluster(rng, 40, 10, species, 8.0, 1.5, 5.6));
  }
}

/// Powers of xi lose digits as they grow in number.
void radial_sizes() {
  std::mt19937 rng(4);
  for (const int size : {1, 2, 3, 5, 8, 10, 12, 16, 20})
    for (const RadialBasis radial : {RadialBasis::chebyshev, RadialBasis::chebyshev_repulsive}) {
      const Potential potential = plain::random_potential(rng, make_basis(10), 2, size, radial);
      compare(potential, plain::random_cluster(rng, 12, 12, 2, 5.5, 1.3, 6.0),
              size <= 12 ? Allowed{} : size <= 16 ? Allowed{2e-11, 0} : Allowed{5e-10, 0});
    }
}

/// Bases that no level has: repeated basics and scalars, gaps in mu, products read by many, dead ends.
Basis random_basis(std::mt19937& rng) {
  const auto below = [&](int n) { return static_cast<int>(rng() % static_cast<unsigned>(n)); };
  Basis basis;
  for (int b = 0; b < 12; ++b) basis.basics.push_back({2 * below(2), below(3), below(3), below(4)});
  basis.basics.push_back({3, below(6), 4, 0});
  basis.moments_count = static_cast<int>(basis.basics.size());
  for (int m = 0; m < 15; ++m) {
    const int ready = basis.moments_count++;
    for (int p = 1 + below(3); p > 0; --p)
      basis.products.push_back({below(m < 9 ? ready : 13), below(m < 9 ? ready : 13), below(7) - 3, ready});
  }
  for (int s = 0; s < 14; ++s) basis.scalars.push_back(below(basis.moments_count));
  return basis;
}

void bases_of_no_level() {
  std::mt19937 rng(5);
  for (int k = 0; k < 12; ++k) {
    Potential potential = plain::random_potential(rng, random_basis(rng), 2, 3);
    compare(potential, plain::random_cluster(rng, 9, 9, 2, 6.0, 1.6, 6.0), {}, false);
  }
}

/// More radial functions than the basics use; more neighbours than any padding; candidates out of reach.
void odd_sizes() {
  std::mt19937 rng(6);
  Potential potential = plain::random_potential(rng, make_basis(8), 2, 4);
  potential.radial_count += 2;
  potential.radial_coeffs.resize(potential.radial_coeffs_count(), 0.3);
  compare(potential, plain::random_cluster(rng, 12, 12, 2, 6.0, 1.6, 6.0));

  potential = plain::random_potential(rng, make_basis(8), 2, 4);
  potential.scaling /= 20;
  const Cluster crowd = plain::random_cluster(rng, 11, 330, 2, 4.6, 0.3, 20.0);
  CHECK(crowd.first[1] == 340);
  compare(potential, crowd);

  for (std::size_t centres = 1; centres <= 70; centres += centres < 20 ? 1 : 7)  // every filling of the last group
    compare(potential, plain::random_cluster(rng, centres, 5, 2, 9.0, 1.5, 5.0));
}

/// Atoms that have no neighbours, have candidates but none within the cutoff, or are alone.
void lonely_atoms() {
  std::mt19937 rng(7);
  for (const RadialBasis radial : {RadialBasis::chebyshev, RadialBasis::chebyshev_repulsive}) {
    const Potential potential = plain::random_potential(rng, make_basis(12), 3, 6, radial);
    Cluster cluster;
    cluster.centres = 4;
    cluster.positions = {0, 0, 0, 20, 0, 0, 20, 4.6, 0, 20, 0, 40};  // 1 and 2 are exactly a cutoff apart
    cluster.species = {0, 1, 2, 1};
    for (const double reach : {1.0, 5.0, 100.0}) {
      cluster.list_candidates(reach, rng);
      for (const Isa isa : available_isas())
        for (const Precision precision : {Precision::float64, Precision::mixed}) {
          Evaluator evaluator(potential, precision, isa);
          const Computed found = compute(evaluator, cluster.pairs(), 2);
          for (std::size_t i = 0; i < 4; ++i)
            CHECK(found.energies[i] == potential.species_coeffs[static_cast<std::size_t>(cluster.species[i])]);
          CHECK(found.forces == std::vector<double>(12, 0.0));
          CHECK(found.virials == std::vector<double>(24, 0.0));
        }
      compare(potential, cluster, {0, 0});
    }
    Cluster alone = plain::random_cluster(rng, 1, 0, 3, 1, 0, 5);
    compare(potential, alone, {0, 0});
    compare(potential, Cluster{0, {}, {}, {0}, {}}, {0, 0});
  }
}

}  // namespace

int main() {
  plain_evaluation_is_sound();
  levels();
  numbers_of_species();
  radial_sizes();
  bases_of_no_level();
  odd_sizes();
  lonely_atoms();
  return check::finish();
}
