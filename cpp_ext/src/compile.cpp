#include "compile.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <tuple>

#include "numbering.hpp"

namespace betalps {
namespace {

template <class TermType>
struct Destination {
  std::uint32_t offset;
  int order;  // destinations of a lower order come first
  std::vector<TermType> terms;
};

/// Destinations in order, those of equal length together, so that the loop over terms is predictable.
template <class TermType>
OwnedTerms<TermType> flatten(std::vector<Destination<TermType>> destinations) {
  std::stable_sort(destinations.begin(), destinations.end(), [](const auto& a, const auto& b) {
    return std::make_tuple(a.order, a.terms.size()) < std::make_tuple(b.order, b.terms.size());
  });
  OwnedTerms<TermType> out;
  for (const auto& d : destinations) {
    const auto length = static_cast<std::uint32_t>(d.terms.size());
    if (out.segments.empty() || out.segments.back().length != length) out.segments.push_back({0, length});
    ++out.segments.back().count;
    out.destinations.push_back(d.offset);
    out.terms.insert(out.terms.end(), d.terms.begin(), d.terms.end());
  }
  return out;
}

/// Sums of products by destination; terms of the same two factors are merged.
template <class T>
class TermSums {
 public:
  void add(std::uint32_t to, double factor, std::uint32_t first, std::uint32_t second) {
    sums_[to][{first, second}] += factor;
  }

  /// `order` of our moment number; offsets are numbers times `stride`, destinations times `to_stride`.
  template <class Order>
  OwnedTerms<Term<T>> flatten_by(Order order, std::uint32_t to_stride, std::uint32_t stride) const {
    std::vector<Destination<Term<T>>> list;
    for (const auto& [to, terms] : sums_) {
      Destination<Term<T>> d{to * to_stride, order(to), {}};
      for (const auto& [pair, factor] : terms)
        d.terms.push_back({static_cast<T>(factor), pair.first * stride, pair.second * stride});
      list.push_back(std::move(d));
    }
    return flatten(std::move(list));
  }

 private:
  std::map<std::uint32_t, std::map<std::pair<std::uint32_t, std::uint32_t>, double>> sums_;
};

template <class T>
void compile_products(const Potential& potential, const Numbering& numbering, const Layout& layout,
                      CompiledPotential<T>& out) {
  const Basis& basis = potential.basis;
  const auto stride = static_cast<std::uint32_t>(layout.lanes * layout.groups);
  const auto& ours = numbering.of_moment;

  std::vector<double> coefficient(basis.moments_count, 0);  // of each moment in the energy
  for (std::size_t s = 0; s < basis.scalars.size(); ++s) coefficient[basis.scalars[s]] += potential.moment_coeffs[s];
  std::vector<double> linear(numbering.count, 0);
  const std::vector<int> depth = product_depths(basis);
  std::vector<int> our_depth(numbering.count, 0);
  for (int m = 0; m < basis.moments_count; ++m)
    if (ours[m] != no_moment) {
      linear[ours[m]] += coefficient[m];
      our_depth[ours[m]] = std::max(our_depth[ours[m]], depth[m]);
    }
  out.linear.assign(linear.begin(), linear.end());

  TermSums<T> forward, backward;
  std::map<std::uint32_t, std::map<std::uint32_t, double>> terminal;
  for (const Product& p : basis.products) {
    const std::uint32_t left = ours[p.left], right = ours[p.right], result = ours[p.result];
    if (result == no_moment) {
      const double weight = p.factor * coefficient[p.result];
      if (weight == 0) continue;
      terminal[left][right] += weight;
      terminal[right][left] += weight;
    } else {
      forward.add(result, p.factor, std::min(left, right), std::max(left, right));
      backward.add(left, p.factor, result, right);
      backward.add(right, p.factor, result, left);
    }
  }
  out.forward = forward.flatten_by([&](std::uint32_t m) { return our_depth[m]; }, stride, stride);
  out.backward = backward.flatten_by([&](std::uint32_t m) { return -our_depth[m]; }, stride, stride);

  std::vector<Destination<LinearTerm<T>>> rows;
  for (std::uint32_t m = 0; m < numbering.count; ++m) {
    Destination<LinearTerm<T>> row{m * stride, 0, {}};
    for (const auto& [other, weight] : terminal[m]) row.terms.push_back({static_cast<T>(weight), other * stride});
    rows.push_back(std::move(row));
  }
  out.terminal = flatten(std::move(rows));
}

template <class T>
void compile_scalars(const Basis& basis, const Numbering& numbering, const Layout& layout, CompiledPotential<T>& out) {
  const auto stride = static_cast<std::uint32_t>(layout.lanes * layout.groups);
  std::map<int, std::vector<std::uint32_t>> scalars_of;  // products that nobody reads -> scalars
  for (std::size_t s = 0; s < basis.scalars.size(); ++s) {
    const std::uint32_t moment = numbering.of_moment[basis.scalars[s]];
    out.scalar_moment.push_back(moment == no_moment ? no_moment : moment * stride);
    if (moment == no_moment) scalars_of[basis.scalars[s]].push_back(static_cast<std::uint32_t>(s));
  }
  TermSums<T> sums;
  for (const Product& p : basis.products)
    if (const auto found = scalars_of.find(p.result); found != scalars_of.end())
      for (const std::uint32_t s : found->second)
        sums.add(s, p.factor, numbering.of_moment[p.left], numbering.of_moment[p.right]);
  out.scalar_products = sums.flatten_by([](std::uint32_t) { return 0; }, 1, stride);
}

/// Chebyshev coefficients to powers of xi: T_n = 2 xi T_(n-1) - T_(n-2).
std::vector<long double> powers_of_xi(const double* chebyshev, int size) {
  std::vector<long double> sum(size, 0), before(size, 0), now(size, 0);
  for (int n = 0; n < size; ++n) {
    std::vector<long double> next(size, 0);
    if (n == 0) {
      next[0] = 1;
    } else {
      for (int k = 0; k + 1 < size; ++k) next[k + 1] = (n == 1 ? 1 : 2) * now[k];
      for (int k = 0; k < size; ++k) next[k] -= n == 1 ? 0 : before[k];
    }
    for (int k = 0; k < size; ++k) sum[k] += chebyshev[n] * next[k];
    before = now;
    now = next;
  }
  return sum;
}

template <class T>
void compile_radial(const Potential& potential, const Layout& layout, CompiledPotential<T>& out) {
  Tables<T>& t = out.tables;
  const int species = potential.species_count, size = potential.radial_size, functions = potential.radial_count;
  t.species = species;
  t.radial_count = functions;
  t.radial_size = size;
  t.row_length = (species + layout.lookup_width - 1) / layout.lookup_width * layout.lookup_width;
  t.wide = species > layout.lookup_width;
  t.repulsive = potential.radial_basis == RadialBasis::chebyshev_repulsive;
  t.cutoff = potential.max_dist;
  t.min_dist = potential.min_dist;
  const double range = potential.max_dist - potential.min_dist;
  t.xi_scale = static_cast<T>(2 / range);
  t.xi_shift = static_cast<T>(-(potential.min_dist + potential.max_dist) / range);
  t.scaling = static_cast<T>(potential.scaling);
  out.radial.assign(static_cast<std::size_t>(species) * functions * size * t.row_length, T(0));
  for (int i = 0; i < species; ++i)
    for (int j = 0; j < species; ++j)
      for (int mu = 0; mu < functions; ++mu) {
        const std::size_t at = (static_cast<std::size_t>(i) * species + j) * functions + mu;
        const auto powers = powers_of_xi(&potential.radial_coeffs[at * size], size);
        for (int n = 0; n < size; ++n)
          out.radial[((static_cast<std::size_t>(i) * functions + mu) * size + n) * t.row_length + j] =
              static_cast<T>(powers[n] * static_cast<long double>(potential.scaling));
      }
  out.species_energy = potential.species_coeffs;
}

void check(const Potential& potential) {
  potential.check();
  if (!potential.fitted())
    throw std::invalid_argument("the potential has no coefficients: found an untrained template, expected a fitted one");
  if (potential.radial_size > radial_size_limit)
    throw std::invalid_argument("radial_basis_size: found " + std::to_string(potential.radial_size) +
                                ", expected at most " + std::to_string(radial_size_limit));
  for (const BasicMoment& b : potential.basis.basics)
    if (b.rank() > rank_limit)
      throw std::invalid_argument("rank of a basic moment: found " + std::to_string(b.rank()) + ", expected at most " +
                                  std::to_string(rank_limit));
}

}  // namespace

template <class T>
std::unique_ptr<CompiledPotential<T>> compile(const Potential& potential, const Layout& layout) {
  check(potential);
  if (sizeof(T) == 4 && potential.radial_size > single_precision_radial_size_limit)
    throw std::invalid_argument("radial_basis_size: found " + std::to_string(potential.radial_size) +
                                ", expected at most " + std::to_string(single_precision_radial_size_limit) +
                                " in mixed precision");
  auto out = std::make_unique<CompiledPotential<T>>();
  compile_radial(potential, layout, *out);
  const Numbering numbering = number_moments(potential.basis, potential.radial_count);
  compile_products(potential, numbering, layout, *out);
  compile_scalars(potential.basis, numbering, layout, *out);

  const auto stride = static_cast<std::uint32_t>(layout.lanes * layout.groups);
  for (const SphereStep& s : numbering.steps)
    out->sphere_steps.push_back({s.result * stride, s.first * stride, s.second * stride, s.third * stride});
  out->rank = numbering.rank;
  out->mu_offset = numbering.mu_offset;

  Tables<T>& t = out->tables;
  t.moments = numbering.count;
  t.radial = out->radial.data();
  t.species_energy = out->species_energy.data();
  t.rank = out->rank.data();
  t.mu_offset = out->mu_offset.data();
  t.sphere_steps = out->sphere_steps.data();
  t.sphere_steps_count = out->sphere_steps.size();
  t.linear = out->linear.data();
  t.forward = out->forward.view();
  t.terminal = out->terminal.view();
  t.backward = out->backward.view();
  t.scalar_products = out->scalar_products.view();
  t.scalar_moment = out->scalar_moment.data();
  t.scalars = potential.basis.scalars.size();
  return out;
}

template std::unique_ptr<CompiledPotential<double>> compile(const Potential&, const Layout&);
template std::unique_ptr<CompiledPotential<float>> compile(const Potential&, const Layout&);

}  // namespace betalps
