#include "betalps/basis.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace betalps {
namespace {

[[noreturn]] void fail(const std::string& message) { throw std::invalid_argument("basis: " + message); }

std::string number(long long value) { return std::to_string(value); }

void check_basics(const Basis& basis) {
  if (basis.basics.empty()) fail("no basic moments");
  if (basis.products.size() > static_cast<std::size_t>(BasisLimits::products))
    fail(number(basis.products.size()) + " products, at most " + number(BasisLimits::products) + " are accepted");
  // Every moment beyond the basics needs a product that writes it, so the count cannot exceed both together.
  const std::size_t most = std::min<std::size_t>(BasisLimits::moments, basis.basics.size() + basis.products.size());
  const std::size_t moments = basis.moments_count < 0 ? 0 : static_cast<std::size_t>(basis.moments_count);
  if (moments < basis.basics.size() || moments > most)
    fail("moments_count is " + number(basis.moments_count) + ", expected " + number(basis.basics.size()) + " to " +
         number(most));
  for (std::size_t i = 0; i < basis.basics.size(); ++i) {
    const BasicMoment& m = basis.basics[i];
    if (m.mu < 0 || m.mu >= BasisLimits::radial_functions)
      fail("basic moment " + number(i) + " has mu = " + number(m.mu) + ", expected 0 to " +
           number(BasisLimits::radial_functions - 1));
    for (const int power : {m.x, m.y, m.z})
      if (power < 0 || power > BasisLimits::rank)
        fail("basic moment " + number(i) + " has the power " + number(power) + ", expected 0 to " +
             number(BasisLimits::rank));
    if (m.rank() > BasisLimits::rank)
      fail("basic moment " + number(i) + " has rank " + number(m.rank()) + ", at most " + number(BasisLimits::rank) +
           " is accepted");
  }
}

/// For every moment, the position of the last product that writes it; -1 for none.
std::vector<int> last_writes(const Basis& basis) {
  std::vector<int> last(basis.moments_count, -1);
  for (std::size_t p = 0; p < basis.products.size(); ++p) {
    const Product& product = basis.products[p];
    for (const int moment : {product.left, product.right, product.result})
      if (moment < 0 || moment >= basis.moments_count)
        fail("product " + number(p) + " names moment " + number(moment) + ", expected 0 to " +
             number(basis.moments_count - 1));
    if (product.result < static_cast<int>(basis.basics.size()))
      fail("product " + number(p) + " writes to basic moment " + number(product.result));
    last[product.result] = static_cast<int>(p);
  }
  return last;
}

}  // namespace

int Basis::radial_functions() const {
  int count = 0;
  for (const BasicMoment& m : basics) count = std::max(count, m.mu + 1);
  return count;
}

void Basis::check() const {
  check_basics(*this);
  const int basics_count = static_cast<int>(basics.size());
  const std::vector<int> last = last_writes(*this);
  for (int m = basics_count; m < moments_count; ++m)
    if (last[m] < 0) fail("no product writes moment " + number(m));
  for (std::size_t p = 0; p < products.size(); ++p)
    for (const int moment : {products[p].left, products[p].right})
      if (moment >= basics_count && last[moment] >= static_cast<int>(p))
        fail("product " + number(p) + " reads moment " + number(moment) + " before product " + number(last[moment]) +
             " has completed it");
  for (std::size_t s = 0; s < scalars.size(); ++s)
    if (scalars[s] < 0 || scalars[s] >= moments_count)
      fail("scalar " + number(s) + " is moment " + number(scalars[s]) + ", expected 0 to " +
           number(moments_count - 1));
  if (scalars.empty() || scalars.size() > static_cast<std::size_t>(moments_count))
    fail(number(scalars.size()) + " scalars, expected 1 to " + number(moments_count));
}

}  // namespace betalps
