// The generated basis. That its scalars span the right space is tested in Python, against MLIP-3's tables.
#include <algorithm>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "betalps/basis.hpp"
#include "check.hpp"
#include "../src/contraction_graphs.hpp"

using namespace betalps;

namespace {

void counts() {
  const int added[] = {1, 1, 3, 4, 7, 13, 23, 40, 71, 125, 212, 364, 600, 981};
  int level = 2, total = 0;
  for (const int count : added) {
    CHECK(scalars_count(level) == (total += count));
    level += 2;
  }
  for (const int bad : {-2, 0, 1, 7, 30})
    CHECK_THROWS(make_basis(bad), std::invalid_argument, "expected an even number");
}

void every_level_is_consistent() {
  for (int level = 2; level <= 28; level += 2) {
    const Basis basis = make_basis(level);
    basis.check();
    CHECK(basis.scalars.size() == static_cast<std::size_t>(scalars_count(level)));
    const bool mlip_order = std::is_sorted(
        basis.basics.begin(), basis.basics.end(), [](const BasicMoment& a, const BasicMoment& b) {
          return std::make_tuple(a.mu, a.rank(), -a.x, -a.y) < std::make_tuple(b.mu, b.rank(), -b.x, -b.y);
        });
    CHECK(mlip_order);
    std::vector<int> scalars = basis.scalars;
    std::sort(scalars.begin(), scalars.end());
    CHECK(std::adjacent_find(scalars.begin(), scalars.end()) == scalars.end());
  }
}

/// Level 6 by hand: M00, M00^2, M10, M00^3, and the dot product of the vectors M01.
void level_6() {
  const Basis basis = make_basis(6);
  CHECK(basis.basics.size() == 5 && basis.moments_count == 8 && basis.products.size() == 5);
  std::vector<double> m = {2, 3, 5, 7, 11};  // M00, M01x, M01y, M01z, M10
  m.resize(8, 0);
  for (const Product& p : basis.products) m[p.result] += p.factor * m[p.left] * m[p.right];
  std::vector<double> values;
  for (const int scalar : basis.scalars) values.push_back(m[scalar]);
  std::sort(values.begin(), values.end());
  CHECK((values == std::vector<double>{2, 4, 8, 11, 9 + 25 + 49}));
}

void the_same_basis_every_time() {
  const Basis a = make_basis(18), b = make_basis(18);
  CHECK(a.scalars == b.scalars);
  CHECK(a.products.size() == b.products.size());
  for (std::size_t i = 0; i < std::min(a.products.size(), b.products.size()); ++i)
    CHECK(a.products[i].left == b.products[i].left && a.products[i].right == b.products[i].right &&
          a.products[i].factor == b.products[i].factor && a.products[i].result == b.products[i].result);
}

void graphs() {
  using levels::Graph;
  Graph path;  // 1 - 0 - 2, node 2 with mu = 1
  path.factors = 3;
  path.mu = {0, 0, 1, 0};
  path.edges[0][1] = path.edges[1][0] = 1;
  path.edges[0][2] = path.edges[2][0] = 2;
  CHECK(path.rank(0) == 3 && path.level() == 2 * 3 + 4 + 2 * 3);
  CHECK(path.component(1) == 7u);
  CHECK(path.part(3).factors == 2);
  Graph same;  // with the first two nodes exchanged
  same.factors = 3;
  same.mu = {0, 0, 1, 0};
  same.edges[0][1] = same.edges[1][0] = 1;
  same.edges[1][2] = same.edges[2][1] = 2;
  const Graph a = path.canonical(), b = same.canonical();
  CHECK(!(a < b) && !(b < a));
  same.mu = {0, 1, 0, 0};
  CHECK(a < same.canonical() || same.canonical() < a);
}

void checks() {
  const auto expect = [](const char* message, void (*spoil)(Basis&)) {
    Basis basis = make_basis(8);
    spoil(basis);
    CHECK_THROWS(basis.check(), std::invalid_argument, message);
  };
  expect("writes to basic moment 2", [](Basis& b) { b.products[0].result = 2; });
  expect("names moment -1", [](Basis& b) { b.products[3].left = -1; });
  expect("before product", [](Basis& b) { b.products.front().left = b.products.back().result; });
  expect("no product writes moment 18", [](Basis& b) { ++b.moments_count; });
  expect("moments_count is 26, expected 11 to 25", [](Basis& b) { b.moments_count = 26; });
  expect("moments_count is 3", [](Basis& b) { b.moments_count = 3; });
  expect("has rank 17", [](Basis& b) { b.basics[0] = {0, 16, 1, 0}; });
  expect("has the power 17", [](Basis& b) { b.basics[0] = {0, 17, 0, 0}; });
  expect("has mu = 64", [](Basis& b) { b.basics[0].mu = 64; });
  expect("no basic moments", [](Basis& b) { b.basics.clear(); });
  expect("scalar 2 is moment 18", [](Basis& b) { b.scalars[2] = 18; });
  expect("0 scalars", [](Basis& b) { b.scalars.clear(); });
}

}  // namespace

int main() {
  counts();
  every_level_is_consistent();
  level_6();
  the_same_basis_every_time();
  graphs();
  checks();
  return check::finish();
}
