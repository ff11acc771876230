// Columns of low rank as combinations of a few of them, and inverses of active sets that are packed with their help.
#include "grade_tables.hpp"

#include <limits>
#include <random>

#include "active_sets.hpp"
#include "check.hpp"
#include "interpolation.hpp"
#include "plain_mtp.hpp"

using namespace betalps;

namespace {

using Numbers = std::vector<double>;

Numbers normals(std::mt19937& rng, std::size_t count) {
  std::normal_distribution<double> normal;
  Numbers out(count);
  for (double& number : out) number = normal(rng);
  return out;
}

/// Columns, one after the other, that are combinations of `rank` random ones.
Numbers of_rank(std::mt19937& rng, std::size_t rows, std::size_t size, std::size_t rank) {
  const Numbers directions = normals(rng, rows * rank);
  Numbers out;
  for (std::size_t k = 0; k < size; ++k) {
    const Numbers amounts = normals(rng, rank);
    for (std::size_t i = 0; i < rows; ++i) {
      double sum = 0;
      for (std::size_t r = 0; r < rank; ++r) sum += directions[r * rows + i] * amounts[r];
      out.push_back(sum);
    }
  }
  return out;
}

double worst_error(const Numbers& columns, std::size_t rows, const Interpolation& found) {
  double worst = 0;
  for (std::size_t o = 0; o < found.others.size(); ++o)
    for (std::size_t i = 0; i < rows; ++i) {
      double wrong = columns[found.others[o] * rows + i];
      for (std::size_t p = 0; p < found.pivots.size(); ++p)
        wrong -= found.coefficients[p * found.others.size() + o] * columns[found.pivots[p] * rows + i];
      worst = std::max(worst, std::abs(wrong));
    }
  return worst;
}

bool every_column_once(const Interpolation& found, std::size_t size) {
  std::vector<int> seen(size, 0);
  for (const auto* part : {&found.pivots, &found.others})
    for (const std::size_t k : *part) ++seen.at(k);
  return std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; });
}

void as_many_pivots_as_the_rank() {
  std::mt19937 rng(1);
  for (const std::size_t rows : {3, 40, 101})
    for (const std::size_t size : {1, 7, 60})
      for (const std::size_t rank : {1, 2, 7, 20}) {
        const Numbers columns = of_rank(rng, rows, size, rank);
        const std::size_t expected = std::min(std::min(rows, size), rank);
        const Interpolation found = interpolate(columns, rows, expected);
        CHECK(found.pivots.size() == expected && every_column_once(found, size));
        CHECK_CLOSE(worst_error(columns, rows, found), 0, 1e-10);
      }
}

void too_few_pivots_are_none() {
  std::mt19937 rng(2);
  const Numbers columns = of_rank(rng, 30, 20, 6);
  CHECK(interpolate(columns, 30, 6).others.size() == 14);
  CHECK(interpolate(columns, 30, 5).others.empty());
  CHECK(interpolate(columns, 30, 5, 1e3).others.size() == 15);
  CHECK(interpolate(columns, 30, 0).others.empty());
  Numbers broken = columns;
  broken[77] = std::numeric_limits<double>::quiet_NaN();
  CHECK(interpolate(broken, 30, 6).others.empty());
}

void nothing_needs_no_pivot() {
  const Interpolation found = interpolate(Numbers(15, 0.0), 3, 4);
  CHECK(found.pivots.empty() && found.others.size() == 5 && found.coefficients.empty());
  CHECK(interpolate({}, 3, 4).pivots.empty());
}

/// How many numbers are packed for one species.
std::size_t packed(const GradeTable& table, int columns) {
  std::size_t sum = 0;
  for (std::size_t p = 0; p < table.products_count; ++p)
    sum += table.products[p].rows * table.products[p].blocks * static_cast<std::size_t>(columns);
  return sum;
}

/// The plain product of a row with what was packed, from the tables alone.
Numbers product(const GradeTable& table, int columns, const Numbers& row) {
  Numbers all, kept;
  for (std::size_t p = 0; p < table.products_count; ++p) {
    const GradeProduct& of = table.products[p];
    const double* element = of.packed;
    for (std::size_t block = 0; block < of.blocks; ++block) {
      Numbers sums(static_cast<std::size_t>(columns), 0);
      for (std::size_t r = 0; r < of.rows; ++r)
        for (double& sum : sums) sum += (p ? kept : row).at(of.first_row + r) * *element++;
      all.insert(all.end(), sums.begin(), sums.end());
      if (p == 0 && block < table.kept_blocks) kept.insert(kept.end(), sums.begin(), sums.end());
    }
  }
  return all;
}

/// Its elements, sizes only and in order of size, are those of the full product; what pads the blocks is zero.
void tables_give_the_full_product() {
  std::mt19937 rng(3);
  for (const std::size_t mixed : {0, 5}) {
    Potential potential = plain::random_potential(rng, make_basis(8), 3, 6);
    potential.active_set = plain::random_active_set(rng, potential, mixed);
    const ActiveSet& set = *potential.active_set;
    const std::size_t n = set.size, radial = potential.radial_coeffs_count() / 3;
    for (const int columns : {4, 8}) {
      const auto grades = pack_grades(potential, columns);
      for (std::size_t z = 0; z < 3; ++z) {
        const std::size_t site = radial + 1 + potential.basis.scalars.size();
        const Numbers row = normals(rng, site);
        Numbers found = product(grades->tables[z], columns, row), expected;
        CHECK(packed(grades->tables[z], columns) < (mixed ? 0.8 : 0.7) * static_cast<double>(site * n));
        for (std::size_t k = 0; k < n; ++k) {
          double sum = 0;
          for (std::size_t r = 0; r < site; ++r) {
            const std::size_t c = r < radial ? z * radial + r : r == radial ? 3 * radial + z : 2 * (radial + 1) + r;
            sum += row[r] * set.inverse_transpose[k * n + c] * set.site_energy_weight;
          }
          expected.push_back(sum);
        }
        for (Numbers* some : {&found, &expected}) {
          for (double& value : *some) value = std::abs(value);
          std::sort(some->rbegin(), some->rend());
        }
        for (std::size_t k = 0; k < found.size(); ++k)
          CHECK_CLOSE(found[k] / expected[0], k < n ? expected[k] / expected[0] : 0, 1e-10);
      }
    }
  }
}

/// Zeros in A that its "inverse" knows nothing of: every element is then computed by itself.
void an_inverse_of_something_else_is_taken_as_it_is() {
  std::mt19937 rng(4);
  Potential potential = plain::random_potential(rng, make_basis(6), 2, 4);
  potential.active_set = plain::random_active_set(rng, potential, 0);
  ActiveSet& set = *potential.active_set;
  set.inverse_transpose = normals(rng, set.size * set.size);
  const auto grades = pack_grades(potential, 4);
  for (const GradeTable& table : grades->tables) CHECK(table.products_count == 1 && table.kept_blocks == 0);
}

}  // namespace

int main() {
  as_many_pivots_as_the_rank();
  too_few_pivots_are_none();
  nothing_needs_no_pivot();
  tables_give_the_full_product();
  an_inverse_of_something_else_is_taken_as_it_is();
  return check::finish();
}
