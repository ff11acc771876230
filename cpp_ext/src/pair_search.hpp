// All ordered pairs of near points, from points sorted into bins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bins.hpp"

namespace betalps {

/// Places in the bins stand for the points.
struct FoundPairs {
  std::vector<std::int64_t> first;        // centres + 1, centres in the order of their places
  std::vector<std::int32_t> neighbours;   // places
  std::vector<char> used;                 // for each place: some centre has it as a neighbour
};

/// Finds for every centre (a point with an id below `centres`) all other points within `reach`, which must be the
/// reach of the bins. `expected` pairs are reserved.
FoundPairs find_pairs(const Bins& bins, std::size_t centres, double reach, std::size_t expected);

}  // namespace betalps
