// Moments as the inner loops number them: for every mu all monomials up to its rank, then the products that other
// products read. Products that nobody reads have no number: their scalars are sums over pairs of moments.
#pragma once

#include <cstdint>
#include <vector>

#include "betalps/basis.hpp"
#include "tables.hpp"

namespace betalps {

struct Numbering {
  std::vector<int> rank;                  // per mu, -1 when absent
  std::vector<std::uint32_t> mu_offset;   // per mu: its first monomial
  std::vector<SphereStep> steps;          // in moment numbers, by mu
  std::vector<std::uint32_t> of_moment;   // the file's moment -> ours, or no_moment
  std::uint32_t monomials_count = 0;
  std::uint32_t count = 0;
};

Numbering number_moments(const Basis& basis, int radial_count);

/// How many products deep each of the file's moments is.
std::vector<int> product_depths(const Basis& basis);

/// The monomials of a mu that are summed over neighbours, in their order: without z, then with one z.
template <class Visit>
void for_summed_monomials(int rank, Visit visit) {
  for (int z = 0; z < 2; ++z)
    for (int x = 0; x + z <= rank; ++x)
      for (int y = 0; x + y + z <= rank; ++y) visit(x, y, z);
}

}  // namespace betalps
