// Columns of a matrix of low rank as combinations of a few of them (an interpolative decomposition).
#pragma once

#include <cstddef>
#include <vector>

namespace betalps {

struct Interpolation {
  std::vector<std::size_t> pivots;   // columns that stand for themselves
  std::vector<std::size_t> others;   // each is sum over pivots p of coefficients[p][other] * column p
  std::vector<double> coefficients;  // pivots x others
};

/// Takes `count` pivots: the whole rank, so that what is wrong with the other columns is rounding. Where it is not,
/// sum |element| being above `tolerance` times that of the largest column, every column is a pivot.
/// `columns`: one after the other, of `rows` elements each.
Interpolation interpolate(const std::vector<double>& columns, std::size_t rows, std::size_t count,
                          double tolerance = 1e-9);

}  // namespace betalps
