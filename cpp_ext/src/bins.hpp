// Points sorted into rectangular bins no narrower than a given reach: who is near whom is then a matter of
// looking into the 27 bins around.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace betalps {

/// One direction of the grid. Two points within reach of each other are at most one bin apart.
/// Where the points are sparse, runs of empty bins can be squeezed to a single one, which keeps that promise.
class BinAxis {
 public:
  BinAxis() = default;
  BinAxis(double low, double high, double width);

  std::int32_t count() const { return count_; }
  std::int32_t bin(double x) const;

  /// Squeezes out the empty bins between `points` (n x 3; this axis's component is `component`).
  void squeeze(std::size_t n, const double* points, int component);

 private:
  std::int64_t raw_bin(double x) const;

  double low_ = 0, inverse_width_ = 0;
  std::int32_t count_ = 1;
  std::int64_t last_ = 0;                  // the last bin before squeezing
  std::vector<std::int64_t> occupied_;     // sorted; empty unless squeezed
  std::vector<std::int32_t> squeezed_;     // for each of occupied_
};

/// Points in the order of their bins (of one bin: in the order given), each component in an array of its own.
struct Bins {
  std::array<std::int32_t, 3> count;      // bins along the slow, the middle and the fast axis
  std::vector<std::int32_t> start;        // bins + 1: the points of bin b are start[b] .. start[b+1]
  std::vector<double> x, y, z;
  std::vector<std::int32_t> id;           // which point this was
};

/// `reach` > 0. The number of bins is at most 4 n + 64, however far apart the points are.
Bins make_bins(std::size_t n, const double* points, double reach);

}  // namespace betalps
