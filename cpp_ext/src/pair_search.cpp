#include "pair_search.hpp"

#include <algorithm>
#include <utility>

#include "range.hpp"

namespace betalps {
namespace {

class PairSearch {
 public:
  PairSearch(const Bins& bins, std::size_t centres, double reach, std::size_t expected)
      : bins_(bins), centres_(static_cast<std::int32_t>(centres)), square_(reach * reach) {
    found_.first.reserve(centres + 1);
    found_.first.push_back(0);
    found_.neighbours.reserve(expected);
    found_.used.assign(bins.id.size(), 0);
  }

  FoundPairs run() {
    std::int32_t b = 0;
    for (std::int32_t i = 0; i < bins_.count[0]; ++i) {
      for (std::int32_t j = 0; j < bins_.count[1]; ++j) {
        for (std::int32_t k = 0; k < bins_.count[2]; ++k, ++b) {
          const std::int32_t begin = bins_.start[b];
          std::int32_t end = begin;  // a bin holds its centres first
          while (end < bins_.start[b + 1] && bins_.id[end] < centres_) ++end;
          if (begin == end) continue;
          gather(i, j, k, begin, end);
          for (std::int32_t c = begin; c < end; ++c) find(c);
        }
      }
    }
    return std::move(found_);
  }

 private:
  /// Collects the points of the 27 bins around that are within reach of the box around centres begin .. end.
  void gather(std::int32_t i, std::int32_t j, std::int32_t k, std::int32_t begin, std::int32_t end) {
    Range x, y, z;
    for (std::int32_t c = begin; c < end; ++c) {
      x.add(bins_.x[c]);
      y.add(bins_.y[c]);
      z.add(bins_.z[c]);
    }
    near_ = 0;
    const auto& n = bins_.count;
    for (std::int32_t p = std::max(i - 1, 0); p <= std::min(i + 1, n[0] - 1); ++p) {
      for (std::int32_t q = std::max(j - 1, 0); q <= std::min(j + 1, n[1] - 1); ++q) {
        const std::int32_t row = (p * n[1] + q) * n[2];
        const std::int32_t from = bins_.start[row + std::max(k - 1, 0)];
        const std::int32_t to = bins_.start[row + std::min(k + 1, n[2] - 1) + 1];
        reserve(near_ + static_cast<std::size_t>(to - from));
        for (std::int32_t s = from; s < to; ++s) {
          const double dx = std::max(std::max(x.low - bins_.x[s], bins_.x[s] - x.high), 0.0);
          const double dy = std::max(std::max(y.low - bins_.y[s], bins_.y[s] - y.high), 0.0);
          const double dz = std::max(std::max(z.low - bins_.z[s], bins_.z[s] - z.high), 0.0);
          x_[near_] = bins_.x[s];
          y_[near_] = bins_.y[s];
          z_[near_] = bins_.z[s];
          point_[near_] = s;
          near_ += dx * dx + dy * dy + dz * dz <= square_;
        }
      }
    }
  }

  /// Appends the neighbours of centre c. Written first and counted after: a branch would be mispredicted.
  void find(std::int32_t c) {
    const double x = bins_.x[c], y = bins_.y[c], z = bins_.z[c];
    for (std::size_t s = 0; s < near_; ++s) {
      const double dx = x_[s] - x, dy = y_[s] - y, dz = z_[s] - z;
      distance_[s] = dx * dx + dy * dy + dz * dz;
    }
    std::size_t found = 0;
    for (std::size_t s = 0; s < near_; ++s) {
      kept_[found] = point_[s];
      found += static_cast<std::size_t>(distance_[s] <= square_) & static_cast<std::size_t>(point_[s] != c);
    }
    for (std::size_t s = 0; s < found; ++s) found_.used[kept_[s]] = 1;
    found_.neighbours.insert(found_.neighbours.end(), kept_.data(), kept_.data() + found);
    found_.first.push_back(static_cast<std::int64_t>(found_.neighbours.size()));
  }

  void reserve(std::size_t points) {
    if (points < x_.size()) return;
    const std::size_t size = 2 * points + 64;
    x_.resize(size);
    y_.resize(size);
    z_.resize(size);
    distance_.resize(size);
    point_.resize(size);
    kept_.resize(size);
  }

  const Bins& bins_;
  const std::int32_t centres_;
  const double square_;
  std::size_t near_ = 0;
  std::vector<double> x_, y_, z_, distance_;
  std::vector<std::int32_t> point_, kept_;
  FoundPairs found_;
};

}  // namespace

FoundPairs find_pairs(const Bins& bins, std::size_t centres, double reach, std::size_t expected) {
  return PairSearch(bins, centres, reach, expected).run();
}

}  // namespace betalps
