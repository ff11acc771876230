// A closed interval that grows with what is put into it.
#pragma once

#include <algorithm>
#include <limits>

namespace betalps {

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();

  void add(double x) {
    low = std::min(low, x);
    high = std::max(high, x);
  }
  void widen(double by) {
    low -= by;
    high += by;
  }
  bool contains(double x) const { return x >= low && x <= high; }
};

}  // namespace betalps
