#include "bins.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace betalps {
namespace {

constexpr double kMostBins = 1 << 30;  // along one axis, before squeezing

double bins_of(const std::array<BinAxis, 3>& axes) {
  return double(axes[0].count()) * axes[1].count() * axes[2].count();
}

std::array<BinAxis, 3> make_axes(std::size_t n, const double* points, double reach) {
  std::array<double, 3> low, high;
  low.fill(std::numeric_limits<double>::infinity());
  high.fill(-std::numeric_limits<double>::infinity());
  for (std::size_t i = 0; i < n; ++i) {
    for (int k = 0; k < 3; ++k) {
      low[k] = std::min(low[k], points[3 * i + k]);
      high[k] = std::max(high[k], points[3 * i + k]);
    }
  }
  if (n == 0) return {};
  const double most = 4.0 * static_cast<double>(n) + 64;
  std::array<BinAxis, 3> axes;
  // The rounding of a bin coordinate below 2^30 is far less than the 1e-6 that the bins are wider than the reach.
  for (double width = reach * (1 + 1e-6);; width *= 1.5) {
    for (int k = 0; k < 3; ++k) axes[k] = BinAxis(low[k], high[k], width);
    if (bins_of(axes) <= most) return axes;
    for (int k = 0; k < 3; ++k) axes[k].squeeze(n, points, k);
    if (bins_of(axes) <= most) return axes;
  }
}

}  // namespace

BinAxis::BinAxis(double low, double high, double width) : low_(low) {
  const double extent = high - low;
  const double count = std::min(std::floor(extent / width), kMostBins);
  last_ = count < 1 ? 0 : static_cast<std::int64_t>(count) - 1;
  count_ = static_cast<std::int32_t>(last_ + 1);
  inverse_width_ = extent > 0 ? count_ / extent : 0;
}

std::int64_t BinAxis::raw_bin(double x) const {
  return std::min(static_cast<std::int64_t>((x - low_) * inverse_width_), last_);
}

std::int32_t BinAxis::bin(double x) const {
  const std::int64_t raw = raw_bin(x);
  if (occupied_.empty()) return static_cast<std::int32_t>(raw);
  return squeezed_[std::lower_bound(occupied_.begin(), occupied_.end(), raw) - occupied_.begin()];
}

void BinAxis::squeeze(std::size_t n, const double* points, int component) {
  occupied_.resize(n);
  for (std::size_t i = 0; i < n; ++i) occupied_[i] = raw_bin(points[3 * i + component]);
  std::sort(occupied_.begin(), occupied_.end());
  occupied_.erase(std::unique(occupied_.begin(), occupied_.end()), occupied_.end());
  squeezed_.assign(occupied_.size(), 0);
  for (std::size_t k = 1; k < occupied_.size(); ++k) {
    squeezed_[k] = squeezed_[k - 1] + (occupied_[k] - occupied_[k - 1] > 1 ? 2 : 1);
  }
  count_ = squeezed_.back() + 1;
}

Bins make_bins(std::size_t n, const double* points, double reach) {
  const std::array<BinAxis, 3> axes = make_axes(n, points, reach);
  // The axis with the most bins is the slow one: neighbours then lie close together in memory.
  std::array<int, 3> axis = {0, 1, 2};
  std::stable_sort(axis.begin(), axis.end(), [&](int a, int b) { return axes[a].count() > axes[b].count(); });
  Bins bins;
  for (int k = 0; k < 3; ++k) bins.count[k] = axes[axis[k]].count();

  std::vector<std::int32_t> bin_of(n);
  bins.start.assign(static_cast<std::size_t>(bins.count[0]) * bins.count[1] * bins.count[2] + 1, 0);
  for (std::size_t i = 0; i < n; ++i) {
    std::array<std::int32_t, 3> b;
    for (int k = 0; k < 3; ++k) b[k] = axes[axis[k]].bin(points[3 * i + axis[k]]);
    bin_of[i] = (b[0] * bins.count[1] + b[1]) * bins.count[2] + b[2];
    ++bins.start[bin_of[i] + 1];
  }
  std::partial_sum(bins.start.begin(), bins.start.end(), bins.start.begin());

  std::vector<std::int32_t> next(bins.start.begin(), bins.start.end() - 1);
  bins.x.resize(n);
  bins.y.resize(n);
  bins.z.resize(n);
  bins.id.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::int32_t to = next[bin_of[i]]++;
    bins.x[to] = points[3 * i];
    bins.y[to] = points[3 * i + 1];
    bins.z[to] = points[3 * i + 2];
    bins.id[to] = static_cast<std::int32_t>(i);
  }
  return bins;
}

}  // namespace betalps
