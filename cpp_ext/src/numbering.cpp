#include "numbering.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace betalps {
namespace {

/// Numbers the monomials, and the steps to those that are not summed.
void number_monomials(const Basis& basis, int radial_count, Numbering& numbering,
                      std::map<std::tuple<int, int, int, int>, std::uint32_t>& monomials) {
  numbering.rank.assign(radial_count, -1);
  for (const BasicMoment& b : basis.basics) numbering.rank[b.mu] = std::max(numbering.rank[b.mu], b.rank());
  for (int mu = 0; mu < radial_count; ++mu) {
    const int rank = numbering.rank[mu];
    numbering.mu_offset.push_back(numbering.count);
    for_summed_monomials(rank, [&](int x, int y, int z) { monomials[{mu, x, y, z}] = numbering.count++; });
    for (int z = 2; z <= rank; ++z)
      for (int x = 0; x + z <= rank; ++x)
        for (int y = 0; x + y + z <= rank; ++y) {
          const std::uint32_t result = numbering.count++;
          monomials[{mu, x, y, z}] = result;
          numbering.steps.push_back({result, monomials[{mu, x, y, z - 2}], monomials[{mu, x + 2, y, z - 2}],
                                     monomials[{mu, x, y + 2, z - 2}]});
        }
  }
  numbering.monomials_count = numbering.count;
}

}  // namespace

Numbering number_moments(const Basis& basis, int radial_count) {
  Numbering numbering;
  std::map<std::tuple<int, int, int, int>, std::uint32_t> monomials;
  number_monomials(basis, radial_count, numbering, monomials);
  numbering.of_moment.assign(basis.moments_count, no_moment);
  for (std::size_t i = 0; i < basis.basics.size(); ++i) {
    const BasicMoment& b = basis.basics[i];
    numbering.of_moment[i] = monomials[{b.mu, b.x, b.y, b.z}];
  }
  std::vector<bool> read(basis.moments_count, false);
  for (const Product& p : basis.products) read[p.left] = read[p.right] = true;
  for (const Product& p : basis.products)
    if (read[p.result] && numbering.of_moment[p.result] == no_moment) numbering.of_moment[p.result] = numbering.count++;
  return numbering;
}

std::vector<int> product_depths(const Basis& basis) {
  std::vector<int> depth(basis.moments_count, 0);
  for (const Product& p : basis.products)
    depth[p.result] = std::max(depth[p.result], 1 + std::max(depth[p.left], depth[p.right]));
  return depth;
}

}  // namespace betalps
