#include "grade_tables.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <string>

#include "interpolation.hpp"

namespace betalps {
namespace {

using Indices = std::vector<std::size_t>;

void append(Indices& to, const Indices& more) { to.insert(to.end(), more.begin(), more.end()); }

/// Which coefficients belong to which species, in the order in which the inner loop has them.
class Coefficients {
 public:
  explicit Coefficients(const Potential& potential)
      : species(static_cast<std::size_t>(potential.species_count)),
        all(potential.coeffs_count()),
        radial_(potential.radial_coeffs_count() / species) {}

  /// The coefficients that an atom's energy depends on only if it is of this species.
  Indices own(std::size_t z) const {
    Indices out;
    for (std::size_t i = 0; i < radial_; ++i) out.push_back(z * radial_ + i);
    out.push_back(species * radial_ + z);
    return out;
  }

  /// Those of the moments.
  Indices common() const {
    Indices out;
    for (std::size_t c = species * (radial_ + 1); c < all; ++c) out.push_back(c);
    return out;
  }

  /// Those that the energy of an atom of this species depends on.
  Indices site(std::size_t z) const {
    Indices out = own(z);
    append(out, common());
    return out;
  }

  const std::size_t species, all;

 private:
  std::size_t radial_;
};

bool touches(const ActiveSet& set, std::size_t row, const Indices& coefficients) {
  const double* const elements = &set.matrix[row * set.size];
  return std::any_of(coefficients.begin(), coefficients.end(), [elements](std::size_t c) { return elements[c] != 0; });
}

/// The rows of A that only atoms of one species can be, for each species; then all others.
std::vector<Indices> rows_by_species(const ActiveSet& set, const Coefficients& numbers) {
  std::vector<Indices> own;
  for (std::size_t z = 0; z < numbers.species; ++z) own.push_back(numbers.own(z));
  std::vector<Indices> out(numbers.species + 1);
  for (std::size_t k = 0; k < set.size; ++k) {
    Indices found;
    for (std::size_t z = 0; z < numbers.species; ++z)
      if (touches(set, k, own[z])) found.push_back(z);
    out[found.size() == 1 ? found[0] : numbers.species].push_back(k);
  }
  return out;
}

/// What each coefficient may at most be in the row of an atom of grade 1: sum over rows |A|.
std::vector<double> scales(const ActiveSet& set) {
  std::vector<double> out(set.size, 0);
  for (std::size_t k = 0; k < set.size; ++k)
    for (std::size_t c = 0; c < set.size; ++c) out[c] += std::abs(set.matrix[k * set.size + c]);
  return out;
}

/// How many elements of c at the rows of species y are free. Rows of several species may share in the cancelling.
std::size_t freedoms(const ActiveSet& set, const Coefficients& numbers, std::size_t y,
                     const std::vector<Indices>& rows) {
  const Indices own = numbers.own(y), &mixed = rows[numbers.species];
  const auto sharing = std::count_if(mixed.begin(), mixed.end(), [&](std::size_t k) { return touches(set, k, own); });
  const std::size_t all = rows[y].size() + static_cast<std::size_t>(sharing);
  return std::min(all - std::min(all, own.size()), rows[y].size());
}

/// Pivots among the rows of species y, for atoms of all other species.
Interpolation pivots_of(const ActiveSet& set, const Coefficients& numbers, std::size_t y,
                        const std::vector<Indices>& rows, const std::vector<double>& scale) {
  const std::size_t count = freedoms(set, numbers, y, rows), of_site = numbers.site(0).size();
  Interpolation found;
  if (count * (of_site + rows[y].size() - count) >= of_site * rows[y].size()) {  // no gain
    found.pivots = rows[y];
    return found;
  }
  Indices coefficients = numbers.common();
  for (std::size_t z = 0; z < numbers.species; ++z)
    if (z != y) append(coefficients, numbers.own(z));
  std::vector<double> columns;
  columns.reserve(rows[y].size() * coefficients.size());
  // In these scales an element of c that is wrong by sum |element| = t is so by at most t where the grade is 1.
  for (const std::size_t k : rows[y])
    for (const std::size_t c : coefficients) columns.push_back(set.inverse_transpose[k * set.size + c] * scale[c]);
  found = interpolate(columns, coefficients.size(), count);
  for (Indices* part : {&found.pivots, &found.others})
    for (std::size_t& index : *part) index = rows[y][index];
  return found;
}

/// Lays products out in memory, block after block.
class Packer {
 public:
  Packer(PackedGrades& out, int columns) : out_(out), width_(static_cast<std::size_t>(columns)) {}

  std::size_t blocks(std::size_t columns) const { return (columns + width_ - 1) / width_; }

  void add(std::size_t first_row, std::size_t rows, std::size_t columns,
           const std::function<double(std::size_t row, std::size_t column)>& element) {
    starts_.push_back(out_.memory.size());
    out_.products.push_back({nullptr, first_row, rows, blocks(columns)});
    for (std::size_t block = 0; block < blocks(columns); ++block)
      for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t column = block * width_; column < (block + 1) * width_; ++column)
          out_.memory.push_back(column < columns ? element(row, column) : 0.0);
  }

  /// Once nothing moves any more.
  void set_pointers() {
    for (std::size_t p = 0; p < starts_.size(); ++p) out_.products[p].packed = out_.memory.data() + starts_[p];
    std::size_t first = 0;
    for (GradeTable& table : out_.tables) {
      table.products = out_.products.data() + first;
      first += table.products_count;
    }
  }

 private:
  PackedGrades& out_;
  std::size_t width_;
  Indices starts_;
};

/// What gives all elements of c for the atoms of species z.
void add_table(PackedGrades& out, Packer& packer, const ActiveSet& set, const Coefficients& numbers, std::size_t z,
               const std::vector<Indices>& rows, const std::vector<Interpolation>& pivots) {
  Indices direct;  // elements of c from b itself, those first that others are combinations of
  std::vector<std::size_t> first_pivot(numbers.species);
  for (std::size_t y = 0; y < numbers.species; ++y) {
    first_pivot[y] = direct.size();
    if (y != z && !pivots[y].others.empty()) append(direct, pivots[y].pivots);
  }
  const std::size_t kept_blocks = packer.blocks(direct.size());
  append(direct, rows[z]);
  append(direct, rows[numbers.species]);
  for (std::size_t y = 0; y < numbers.species; ++y)
    if (y != z && pivots[y].others.empty()) append(direct, pivots[y].pivots);

  const Indices coefficients = numbers.site(z);
  packer.add(0, coefficients.size(), direct.size(), [&](std::size_t row, std::size_t column) {
    return set.inverse_transpose[direct[column] * set.size + coefficients[row]] * set.site_energy_weight;
  });
  std::size_t products = 1;
  for (std::size_t y = 0; y < numbers.species; ++y) {
    const Interpolation& of = pivots[y];
    if (y == z || of.others.empty() || of.pivots.empty()) continue;
    packer.add(first_pivot[y], of.pivots.size(), of.others.size(),
               [&of](std::size_t row, std::size_t column) { return of.coefficients[row * of.others.size() + column]; });
    ++products;
  }
  out.tables.push_back({nullptr, products, kept_blocks});
  out.kept_blocks = std::max(out.kept_blocks, kept_blocks);
}

}  // namespace

std::unique_ptr<PackedGrades> pack_grades(const Potential& potential, int columns) {
  const ActiveSet& set = *potential.active_set;
  const Coefficients numbers(potential);
  if (set.size != numbers.all)
    throw std::invalid_argument("active set: found " + std::to_string(set.size) +
                                " rows, expected one for each of the " + std::to_string(numbers.all) +
                                " coefficients");
  const std::vector<Indices> rows = rows_by_species(set, numbers);
  const std::vector<double> scale = scales(set);
  std::vector<Interpolation> pivots(numbers.species);
  for (std::size_t y = 0; y < numbers.species && numbers.species > 1; ++y)
    pivots[y] = pivots_of(set, numbers, y, rows, scale);

  auto out = std::make_unique<PackedGrades>();
  Packer packer(*out, columns);
  for (std::size_t z = 0; z < numbers.species; ++z) add_table(*out, packer, set, numbers, z, rows, pivots);
  packer.set_pointers();
  return out;
}

}  // namespace betalps
