#include "betalps/fit.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "aligned.hpp"
#include "fit_tables.hpp"
#include "numbering.hpp"
#include "tables.hpp"

namespace betalps {
namespace {

const FitKernel& fit_kernel_for(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::avx2: return fit_kernel_avx2();
    case Isa::avx512: return fit_kernel_avx512();
#endif
    default: return fit_kernel_baseline();
  }
}

std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

constexpr std::size_t vectors_per_block = 4;  // of scalars

/// FitTables and the memory they point into.
struct OwnedTables {
  FitTables tables{};
  std::vector<int> power_x, power_y, power_z;
  std::vector<std::uint32_t> mu_offset, summed, summed_offset, monomial_of, step_begin, steps, scalar_moment;
  std::vector<std::uint8_t> depends;
  std::vector<FitProduct> products;
  std::vector<FitScalarTerm> scalar_terms;
  std::vector<std::uint32_t> monomials_of_mu, block_terms, block_products, block_moments, products_of_block,
      moments_of_block;
};

void lay_out_monomials(const Numbering& numbering, OwnedTables& out) {
  FitTables& t = out.tables;
  const int highest = *std::max_element(numbering.rank.begin(), numbering.rank.end());
  std::vector<std::array<int, 3>> all;
  for_summed_monomials(highest, [&](int x, int y, int z) { all.push_back({x, y, z}); });
  for (const auto& m : all) {
    out.power_x.push_back(m[0]);
    out.power_y.push_back(m[1]);
    out.power_z.push_back(m[2]);
  }
  t.monomials = all.size();
  for (int mu = 0; mu < t.radial_count; ++mu) {
    out.mu_offset.push_back(numbering.mu_offset[mu]);
    out.summed_offset.push_back(static_cast<std::uint32_t>(out.monomial_of.size()));
    for_summed_monomials(numbering.rank[mu], [&](int x, int y, int z) {
      const auto found = std::find(all.begin(), all.end(), std::array<int, 3>{x, y, z});
      out.monomial_of.push_back(static_cast<std::uint32_t>(found - all.begin()));
    });
    out.summed.push_back(static_cast<std::uint32_t>(out.monomial_of.size()) - out.summed_offset.back());
    out.step_begin.push_back(static_cast<std::uint32_t>(out.steps.size() / 4));
    const std::uint32_t end = mu + 1 < t.radial_count ? numbering.mu_offset[mu + 1] : numbering.monomials_count;
    out.monomials_of_mu.push_back(end - numbering.mu_offset[mu]);
    for (const SphereStep& s : numbering.steps)
      if (s.result >= numbering.mu_offset[mu] && s.result < end)
        out.steps.insert(out.steps.end(), {s.result, s.first, s.second, s.third});
  }
  out.step_begin.push_back(static_cast<std::uint32_t>(out.steps.size() / 4));
  t.summed_total = out.monomial_of.size();
}

/// Products so that each moment's terms stand together and come after all that they read.
void lay_out_products(const Basis& basis, const Numbering& numbering, OwnedTables& out) {
  FitTables& t = out.tables;
  const auto& ours = numbering.of_moment;
  const std::vector<int> depth = product_depths(basis);
  std::vector<Product> order(basis.products);
  std::stable_sort(order.begin(), order.end(), [&](const Product& a, const Product& b) {
    return std::make_pair(depth[a.result], a.result) < std::make_pair(depth[b.result], b.result);
  });
  std::vector<std::vector<std::uint32_t>> scalars_of(basis.moments_count);
  for (std::size_t s = 0; s < basis.scalars.size(); ++s) {
    scalars_of[basis.scalars[s]].push_back(static_cast<std::uint32_t>(s));
    out.scalar_moment.push_back(ours[basis.scalars[s]]);
  }
  for (const Product& p : order) {
    if (ours[p.result] != no_moment)
      out.products.push_back({ours[p.result], ours[p.left], ours[p.right], static_cast<double>(p.factor)});
    else
      for (const std::uint32_t s : scalars_of[p.result])
        out.scalar_terms.push_back({s, ours[p.left], ours[p.right], static_cast<double>(p.factor)});
  }
  t.moments = numbering.count;
  out.depends.assign(static_cast<std::size_t>(t.radial_count) * t.moments, 0);
  for (int mu = 0; mu < t.radial_count; ++mu) {
    std::uint8_t* depends = &out.depends[static_cast<std::size_t>(mu) * t.moments];
    const std::uint32_t end = mu + 1 < t.radial_count ? numbering.mu_offset[mu + 1] : numbering.monomials_count;
    std::fill(depends + numbering.mu_offset[mu], depends + end, std::uint8_t(1));
    for (const FitProduct& p : out.products) depends[p.result] |= depends[p.left] | depends[p.right];
  }
}

/// For each block of scalars the moments and products (last first) that lead to one of them.
void lay_out_blocks(OwnedTables& out) {
  FitTables& t = out.tables;
  const auto block_of = [&](std::size_t scalar) { return scalar / t.scalar_block; };
  std::stable_sort(out.scalar_terms.begin(), out.scalar_terms.end(),
                   [&](const auto& a, const auto& b) { return block_of(a.scalar) < block_of(b.scalar); });
  t.scalar_blocks = (t.scalar_columns + t.scalar_block - 1) / t.scalar_block;
  std::uint32_t term = 0;
  for (std::size_t block = 0; block < t.scalar_blocks; ++block) {
    out.block_terms.push_back(term);
    out.block_products.push_back(static_cast<std::uint32_t>(out.products_of_block.size()));
    out.block_moments.push_back(static_cast<std::uint32_t>(out.moments_of_block.size()));
    std::vector<bool> leads(t.moments, false);
    for (std::size_t s = block * t.scalar_block; s < std::min(t.scalars, (block + 1) * t.scalar_block); ++s)
      if (out.scalar_moment[s] != no_moment) leads[out.scalar_moment[s]] = true;
    for (; term < out.scalar_terms.size() && block_of(out.scalar_terms[term].scalar) == block; ++term)
      leads[out.scalar_terms[term].left] = leads[out.scalar_terms[term].right] = true;
    for (std::size_t p = out.products.size(); p-- > 0;)
      if (leads[out.products[p].result]) {
        leads[out.products[p].left] = leads[out.products[p].right] = true;
        out.products_of_block.push_back(static_cast<std::uint32_t>(p));
      }
    for (std::uint32_t m = 0; m < t.moments; ++m)
      if (leads[m]) out.moments_of_block.push_back(m);
  }
  out.block_terms.push_back(term);
  out.block_products.push_back(static_cast<std::uint32_t>(out.products_of_block.size()));
  out.block_moments.push_back(static_cast<std::uint32_t>(out.moments_of_block.size()));
}

std::unique_ptr<OwnedTables> lay_out(const Potential& form, std::size_t lanes) {
  auto out = std::make_unique<OwnedTables>();
  FitTables& t = out->tables;
  t.species = form.species_count;
  t.radial_count = form.radial_count;
  t.radial_size = form.radial_size;
  t.cutoff = form.max_dist;
  const double range = form.max_dist - form.min_dist;
  t.xi_scale = 2 / range;
  t.xi_shift = -(form.min_dist + form.max_dist) / range;
  t.scaling = form.scaling;
  const Numbering numbering = number_moments(form.basis, form.radial_count);
  lay_out_monomials(numbering, *out);
  lay_out_products(form.basis, numbering, *out);
  t.scalars = form.basis.scalars.size();
  t.tangents = round_up(static_cast<std::size_t>(t.species) * t.radial_size, lanes);
  t.radial_block = t.tangents * t.radial_count;
  t.species_columns = round_up(t.species, lanes);
  t.scalar_columns = round_up(t.scalars, lanes);
  t.row = t.species * t.radial_block + t.species_columns + t.scalar_columns;
  t.scalar_block = vectors_per_block * lanes;
  lay_out_blocks(*out);

  t.power_x = out->power_x.data();
  t.power_y = out->power_y.data();
  t.power_z = out->power_z.data();
  t.mu_offset = out->mu_offset.data();
  t.monomials_of_mu = out->monomials_of_mu.data();
  t.summed = out->summed.data();
  t.summed_offset = out->summed_offset.data();
  t.monomial_of = out->monomial_of.data();
  t.step_begin = out->step_begin.data();
  t.steps = out->steps.data();
  t.depends = out->depends.data();
  t.products = out->products.data();
  t.products_count = out->products.size();
  t.scalar_terms = out->scalar_terms.data();
  t.scalar_terms_count = out->scalar_terms.size();
  t.scalar_moment = out->scalar_moment.data();
  t.block_terms = out->block_terms.data();
  t.block_products = out->block_products.data();
  t.block_moments = out->block_moments.data();
  t.products_of_block = out->products_of_block.data();
  t.moments_of_block = out->moments_of_block.data();
  return out;
}

/// One configuration: its pairs, its labels, the square root of the weight of every row.
struct Member {
  std::vector<std::int32_t> species;
  std::vector<std::uint32_t> first, neighbour;
  std::vector<double> displacement;
  std::vector<double> target, root_weight;  // energy, forces, virial
  std::vector<double> shifts;
  std::size_t most = 0;

  FitConfiguration view() const {
    return {species.size(), species.data(), first.data(), neighbour.data(), displacement.data(), most};
  }
  std::size_t rows() const { return target.size(); }
};

void put_label(Member& member, double value, double weight, const char* what) {
  if (!std::isfinite(weight) || weight < 0)
    throw std::invalid_argument(std::string("weight of ") + what + ": found " + std::to_string(weight) +
                                ", expected a finite number that is not negative");
  if (weight > 0 && !std::isfinite(value))
    throw std::invalid_argument(std::string(what) + ": found a label that is not finite");
  member.target.push_back(weight > 0 ? value : 0.0);
  member.root_weight.push_back(std::sqrt(weight));
}

void put_labels(Member& member, const Labels& labels, std::size_t shifts) {
  put_label(member, labels.energy, labels.energy_weight, "energy");
  for (std::size_t i = 0; i < member.species.size(); ++i)
    for (std::size_t a = 0; a < 3; ++a)
      put_label(member, labels.forces ? labels.forces[3 * i + a] : 0,
                labels.forces && labels.force_weights ? labels.force_weights[i] : 0, "force");
  for (std::size_t v = 0; v < 6; ++v)
    put_label(member, labels.virial ? labels.virial[v] : 0,
              labels.virial && labels.virial_weights ? labels.virial_weights[v] : 0, "virial");
  member.shifts.assign(shifts, 0.0);
  if (labels.shifts) std::copy_n(labels.shifts, shifts, member.shifts.begin());
  for (const double shift : member.shifts)
    if (!std::isfinite(shift)) throw std::invalid_argument("shifts: found a number that is not finite");
}

/// Columns of the padded rows -> coefficients as numbered in mtp.hpp, then shifts; -1 for padding.
std::vector<std::ptrdiff_t> column_numbers(const FitTables& t, Columns columns, std::size_t shifts, std::size_t lanes) {
  std::vector<std::ptrdiff_t> of;
  const std::ptrdiff_t size = t.radial_size, functions = t.radial_count, species = t.species;
  std::ptrdiff_t next = 0;
  if (columns == Columns::all) {
    of.assign(t.species * t.radial_block, -1);
    for (std::ptrdiff_t i = 0; i < species; ++i)
      for (std::ptrdiff_t mu = 0; mu < functions; ++mu)
        for (std::ptrdiff_t j = 0; j < species; ++j)
          for (std::ptrdiff_t n = 0; n < size; ++n)
            of[i * t.radial_block + mu * t.tangents + j * size + n] = ((i * species + j) * functions + mu) * size + n;
    next = species * species * functions * size;
  }
  const std::size_t base = of.size();
  const std::size_t shifts_at = base + t.species_columns + t.scalar_columns;
  of.resize(shifts_at + round_up(shifts, lanes), -1);
  for (std::ptrdiff_t i = 0; i < species; ++i) of[base + i] = next++;
  for (std::size_t s = 0; s < t.scalars; ++s) of[base + t.species_columns + s] = next++;
  for (std::size_t s = 0; s < shifts; ++s) of[shifts_at + s] = next++;
  return of;
}

/// What one thread sums up.
struct Sums {
  AlignedVector<double> matrix, gradient, rows, scratch;
  std::vector<double> predictions;
  double value = 0;
};

}  // namespace

struct Fit::Data {
  Potential form;
  const FitKernel& kernel;
  std::size_t shifts;
  std::unique_ptr<OwnedTables> layout;
  std::vector<Member> members;
  NeighbourList neighbours;
  std::size_t pairs = 0;
  double shortest2 = INFINITY;

  /// The shifts stand in the last columns of the energy's row; the kernel leaves those alone.
  void add_shifts(const Member& member, const double* coefficients, std::size_t width, Sums& sums) const {
    double* row = &sums.rows[width - round_up(shifts, kernel.lanes)];
    for (std::size_t s = 0; s < shifts; ++s) {
      row[s] = member.shifts[s];
      sums.predictions[0] += coefficients[s] * member.shifts[s];
    }
  }

  void add(const Member& member, const FitCoefficients& coefficients, const double* shift_coefficients, bool linear,
           std::size_t width, Sums& sums) const {
    const FitTables& t = layout->tables;
    const FitConfiguration view = member.view();
    sums.rows.assign(member.rows() * width, 0.0);
    sums.predictions.assign(member.rows(), 0.0);
    const std::size_t scratch = kernel.scratch(t, member.most, linear);
    if (sums.scratch.size() < scratch) sums.scratch.resize(scratch);
    kernel.rows(t, view, coefficients, linear, sums.scratch.data(), sums.rows.data(), width, sums.predictions.data());
    if (shifts) add_shifts(member, shift_coefficients, width, sums);
    for (std::size_t r = 0; r < member.rows(); ++r) {
      const double root = member.root_weight[r];
      const double residual = root * ((linear ? 0 : sums.predictions[r]) - member.target[r]);
      double* row = &sums.rows[r * width];
      for (std::size_t c = 0; c < width; ++c) {
        row[c] *= root;
        sums.gradient[c] += residual * row[c];
      }
      sums.value += residual * residual;
    }
    kernel.add_squares(sums.rows.data(), member.rows(), width, sums.matrix.data());
  }
};

Fit::Fit(const Potential& form, Isa isa, std::size_t shifts) {
  form.check();
  if (form.radial_basis != RadialBasis::chebyshev)
    throw std::invalid_argument("radial basis: found RBChebyshev_repuls, expected RBChebyshev for a fit");
  for (const BasicMoment& b : form.basis.basics)
    if (b.rank() > rank_limit)
      throw std::invalid_argument("rank of a basic moment: found " + std::to_string(b.rank()) + ", expected at most " +
                                  std::to_string(rank_limit));
  const FitKernel& kernel = fit_kernel_for(isa);
  data_.reset(new Data{form, kernel, shifts, lay_out(form, kernel.lanes), {}, NeighbourList(form.max_dist, 0.0)});
}
Fit::~Fit() = default;

void Fit::add(std::size_t atoms, const double* positions, const std::int32_t* species, const Cell& cell,
              const Periodic& periodic, const Labels& labels) {
  NeighbourList& list = data_->neighbours;
  list.clear();
  list.update(atoms, positions, species, cell, periodic);
  const Pairs pairs = list.pairs();
  const auto& order = list.order();
  std::vector<std::uint32_t> centre_of(atoms);  // the caller's atom -> centre
  for (std::size_t c = 0; c < atoms; ++c) centre_of[order[c]] = static_cast<std::uint32_t>(c);

  Member member;
  member.species.assign(species, species + atoms);
  member.first.push_back(0);
  const double cutoff2 = data_->form.max_dist * data_->form.max_dist;
  double shortest2 = data_->shortest2;
  for (std::size_t i = 0; i < atoms; ++i) {
    if (species[i] < 0 || species[i] >= data_->form.species_count)
      throw std::invalid_argument("species of atom " + std::to_string(i) + ": found " + std::to_string(species[i]) +
                                  ", expected 0 to " + std::to_string(data_->form.species_count - 1));
    const std::size_t centre = centre_of[i];
    for (std::int64_t p = pairs.first[centre]; p < pairs.first[centre + 1]; ++p) {
      const auto other = static_cast<std::size_t>(pairs.neighbours[p]);
      double d[3], r2 = 0;
      for (int a = 0; a < 3; ++a) {
        d[a] = pairs.positions[3 * other + a] - pairs.positions[3 * centre + a];
        r2 += d[a] * d[a];
      }
      if (r2 >= cutoff2) continue;
      if (r2 == 0) throw std::invalid_argument("atom " + std::to_string(i) + " lies on another atom");
      shortest2 = std::min(shortest2, r2);
      const std::size_t parent = other < atoms ? other : static_cast<std::size_t>(list.ghost_parent()[other - atoms]);
      member.neighbour.push_back(static_cast<std::uint32_t>(order[parent]));
      member.displacement.insert(member.displacement.end(), d, d + 3);
    }
    member.most = std::max(member.most, member.neighbour.size() - member.first.back());
    member.first.push_back(static_cast<std::uint32_t>(member.neighbour.size()));
  }
  put_labels(member, labels, data_->shifts);
  data_->shortest2 = shortest2;
  data_->pairs += member.neighbour.size();
  data_->members.push_back(std::move(member));
}

std::size_t Fit::configurations() const { return data_->members.size(); }
std::size_t Fit::pairs() const { return data_->pairs; }
double Fit::shortest_distance() const { return std::sqrt(data_->shortest2); }

NormalEquations Fit::normal_equations(const double* coefficients, Columns columns,
                                      const std::vector<std::size_t>& members, ThreadPool& pool) const {
  const FitTables& t = data_->layout->tables;
  const bool linear = columns == Columns::linear;
  const std::vector<std::ptrdiff_t> of = column_numbers(t, columns, data_->shifts, data_->kernel.lanes);
  const std::size_t width = of.size();
  for (const std::size_t m : members)
    if (m >= data_->members.size())
      throw std::invalid_argument("configuration " + std::to_string(m) + ": expected one of " +
                                  std::to_string(data_->members.size()));
  const std::size_t radial = data_->form.radial_coeffs_count();
  AlignedVector<double> moments(t.scalar_columns, 0.0);
  std::copy_n(coefficients + radial + t.species, t.scalars, moments.begin());
  const FitCoefficients given{coefficients, coefficients + radial, moments.data()};

  std::vector<Sums> sums(pool.threads());
  pool.run([&](int thread) {
    Sums& own = sums[thread];
    own.matrix.assign(width * width, 0.0);
    own.gradient.assign(width, 0.0);
    for (std::size_t m = thread; m < members.size(); m += pool.threads())
      data_->add(data_->members[members[m]], given, coefficients + data_->form.coeffs_count(), linear, width, own);
  });

  NormalEquations out;
  const std::size_t n = static_cast<std::size_t>(std::count_if(of.begin(), of.end(), [](auto c) { return c >= 0; }));
  out.matrix.assign(n * n, 0.0);
  out.gradient.assign(n, 0.0);
  for (const Sums& own : sums) {
    out.value += own.value;
    for (std::size_t p = 0; p < width; ++p) {
      if (of[p] < 0) continue;
      out.gradient[of[p]] += own.gradient[p];
      for (std::size_t q = 0; q <= p; ++q) {
        if (of[q] < 0) continue;
        out.matrix[of[p] * n + of[q]] += own.matrix[p * width + q];
        if (q != p) out.matrix[of[q] * n + of[p]] += own.matrix[p * width + q];
      }
    }
  }
  return out;
}

}  // namespace betalps
