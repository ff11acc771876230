#include "interpolation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace betalps {
namespace {

double sum_of_sizes(const double* column, std::size_t rows) {
  double sum = 0;
  for (std::size_t i = 0; i < rows; ++i) sum += std::abs(column[i]);
  return sum;
}

double dot(const double* a, const double* b, std::size_t rows) {
  double sums[4] = {};  // independent of each other: one sum would wait for itself
  std::size_t i = 0;
  for (; i + 4 <= rows; i += 4)
    for (std::size_t lane = 0; lane < 4; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  for (; i < rows; ++i) sums[0] += a[i] * b[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// Modified Gram-Schmidt, the worst column that is left being the next pivot.
class GramSchmidt {
 public:
  GramSchmidt(const std::vector<double>& columns, std::size_t rows)
      : rows_(rows), left_(columns), size_(columns.size() / rows), chosen_(size_, false), sizes_(size_) {
    for (std::size_t k = 0; k < size_; ++k) sizes_[k] = sum_of_sizes(&left_[k * rows_], rows_);
  }

  void choose(std::size_t count) {
    while (pivots.size() < count) {
      std::size_t worst = size_;
      for (std::size_t k = 0; k < size_; ++k)
        if (!chosen_[k] && (worst == size_ || sizes_[k] > sizes_[worst])) worst = k;
      if (worst == size_ || !(sizes_[worst] > 0)) return;
      remove(worst);
    }
  }

  /// Coefficients of the pivots in a column: R11 c = R12, from below.
  std::vector<double> coefficients(std::size_t column) const {
    std::vector<double> c(pivots.size());
    for (std::size_t i = pivots.size(); i-- > 0;) {
      double sum = projections_[i][column];
      for (std::size_t j = i + 1; j < pivots.size(); ++j) sum -= projections_[i][pivots[j]] * c[j];
      c[i] = sum / projections_[i][pivots[i]];
    }
    return c;
  }

  std::vector<std::size_t> pivots;

 private:
  /// Takes the direction of a column out of all that are left.
  void remove(std::size_t pivot) {
    double* const direction = &left_[pivot * rows_];
    const double length = std::sqrt(dot(direction, direction, rows_));
    for (std::size_t i = 0; i < rows_; ++i) direction[i] /= length;
    chosen_[pivot] = true;
    pivots.push_back(pivot);
    std::vector<double> along(size_, 0);
    along[pivot] = length;
    for (std::size_t k = 0; k < size_; ++k) {
      if (chosen_[k]) continue;
      double* const column = &left_[k * rows_];
      along[k] = dot(direction, column, rows_);
      for (std::size_t i = 0; i < rows_; ++i) column[i] -= along[k] * direction[i];
      sizes_[k] = sum_of_sizes(column, rows_);
    }
    projections_.push_back(std::move(along));
  }

  std::size_t rows_;
  std::vector<double> left_;  // of the columns, less what lies along the pivots; a pivot: its direction
  std::size_t size_;
  std::vector<bool> chosen_;
  std::vector<double> sizes_;                     // sum |element| of what is left
  std::vector<std::vector<double>> projections_;  // of each column on the direction of each pivot
};

}  // namespace

Interpolation interpolate(const std::vector<double>& columns, std::size_t rows, std::size_t count, double tolerance) {
  const std::size_t size = columns.size() / rows;
  double largest = 0;
  for (std::size_t k = 0; k < size; ++k) largest = std::max(largest, sum_of_sizes(&columns[k * rows], rows));
  Interpolation all;
  all.pivots.resize(size);
  std::iota(all.pivots.begin(), all.pivots.end(), std::size_t{0});

  GramSchmidt process(columns, rows);
  process.choose(count);
  Interpolation out;
  out.pivots = process.pivots;
  for (const std::size_t k : all.pivots)
    if (std::find(out.pivots.begin(), out.pivots.end(), k) == out.pivots.end()) out.others.push_back(k);
  out.coefficients.resize(out.pivots.size() * out.others.size());
  std::vector<double> wrong(rows);
  for (std::size_t o = 0; o < out.others.size(); ++o) {
    const std::vector<double> c = process.coefficients(out.others[o]);
    std::copy_n(&columns[out.others[o] * rows], rows, wrong.begin());
    for (std::size_t p = 0; p < c.size(); ++p) {
      out.coefficients[p * out.others.size() + o] = c[p];
      const double* const pivot = &columns[out.pivots[p] * rows];
      for (std::size_t i = 0; i < rows; ++i) wrong[i] -= c[p] * pivot[i];
    }
    if (!(sum_of_sizes(wrong.data(), rows) <= tolerance * largest)) return all;
  }
  return out;
}

}  // namespace betalps
