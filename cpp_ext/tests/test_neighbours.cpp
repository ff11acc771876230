// The neighbour list against every pair of every image, on random structures, fresh and moved along.
#include "betalps/neighbours.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

#include "check.hpp"

using betalps::Cell;
using betalps::NeighbourList;
using betalps::Pairs;
using betalps::Periodic;

namespace {

using Pair = std::array<int, 5>;  // i, j, lattice translation

struct Structure {
  std::vector<double> positions;
  std::vector<std::int32_t> species;
  Cell cell;
  Periodic periodic;

  std::size_t atoms() const { return species.size(); }
  bool update(NeighbourList& list) const {
    return list.update(atoms(), positions.data(), species.data(), cell, periodic);
  }
};

Structure random_structure(std::mt19937& rng, std::size_t atoms, double size, double skew, Periodic periodic) {
  std::uniform_real_distribution<double> uniform(-1, 1);
  Structure s;
  s.periodic = periodic;
  for (int k = 0; k < 9; ++k) s.cell[k] = size * ((k % 4 == 0) + skew * uniform(rng));
  for (std::size_t i = 0; i < atoms; ++i) {
    const double f[3] = {2 * uniform(rng), 2 * uniform(rng), 2 * uniform(rng)};
    for (int k = 0; k < 3; ++k) s.positions.push_back(f[0] * s.cell[k] + f[1] * s.cell[3 + k] + f[2] * s.cell[6 + k]);
    s.species.push_back(static_cast<std::int32_t>(rng() % 3));
  }
  return s;
}

/// All pairs within the cutoff, by looking at every image of every atom out to `far` cells.
std::vector<Pair> all_pairs(const Structure& s, double cutoff, int far) {
  std::vector<Pair> pairs;
  const int n0 = s.periodic[0] ? far : 0, n1 = s.periodic[1] ? far : 0, n2 = s.periodic[2] ? far : 0;
  for (int i = 0; i < static_cast<int>(s.atoms()); ++i) {
    for (int j = 0; j < static_cast<int>(s.atoms()); ++j) {
      for (int a = -n0; a <= n0; ++a) {
        for (int b = -n1; b <= n1; ++b) {
          for (int c = -n2; c <= n2; ++c) {
            if (i == j && a == 0 && b == 0 && c == 0) continue;
            double square = 0;
            for (int k = 0; k < 3; ++k) {
              const double d = s.positions[3 * j + k] - s.positions[3 * i + k] + a * s.cell[k] + b * s.cell[3 + k] +
                               c * s.cell[6 + k];
              square += d * d;
            }
            if (square < cutoff * cutoff) pairs.push_back({i, j, a, b, c});
          }
        }
      }
    }
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

std::vector<Pair> pairs_of(const NeighbourList& list, double cutoff) {
  std::vector<Pair> pairs;
  const Pairs view = list.pairs();
  for (std::size_t c = 0; c < view.centres; ++c) {
    for (std::int64_t p = view.first[c]; p < view.first[c + 1]; ++p) {
      const auto e = static_cast<std::size_t>(view.neighbours[p]);
      double square = 0;
      for (int k = 0; k < 3; ++k) {
        const double d = view.positions[3 * e + k] - view.positions[3 * c + k];
        square += d * d;
      }
      if (square >= cutoff * cutoff) continue;
      const std::size_t parent = e < view.centres ? e : static_cast<std::size_t>(list.ghost_parent()[e - view.centres]);
      const auto from = list.translation(c), to = list.translation(e);
      pairs.push_back({list.order()[c], list.order()[parent], to[0] - from[0], to[1] - from[1], to[2] - from[2]});
    }
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

Periodic directions(int bits) { return {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0}; }

void random_cells() {
  std::mt19937 rng(1);
  for (int bits = 0; bits < 8; ++bits) {
    for (const double size : {1.6, 4.1, 9.2}) {
      for (const double skew : {0.0, 0.25}) {
        const Structure s = random_structure(rng, size < 2 ? 2 : 7, size, skew, directions(bits));
        NeighbourList list(3.0, 0.5);
        CHECK(s.update(list));
        // Atoms lie up to 4 cells apart, and the cutoff spans at most 10 planes of the smallest cell.
        const std::vector<Pair> expected = all_pairs(s, 3.0, 14);
        CHECK(pairs_of(list, 3.0) == expected);
        CHECK(bits != 7 || !expected.empty());
      }
    }
  }
}

void view_is_consistent() {
  std::mt19937 rng(2);
  const Structure s = random_structure(rng, 300, 16.0, 0.1, {true, true, true});
  NeighbourList list(3.0, 1.0);
  s.update(list);
  const Pairs view = list.pairs();
  CHECK(view.centres == 300);
  CHECK(view.atoms == view.centres + list.ghost_parent().size());
  CHECK(view.first[0] == 0);
  std::vector<char> is_neighbour(view.atoms, 0), seen(view.centres, 0);
  for (std::int64_t p = 0; p < view.first[view.centres]; ++p) is_neighbour[view.neighbours[p]] = 1;
  for (std::size_t c = 0; c < view.centres; ++c) seen[list.order()[c]] = 1;
  CHECK(std::count(seen.begin(), seen.end(), 1) == 300);
  CHECK(std::all_of(is_neighbour.begin() + 300, is_neighbour.end(), [](char used) { return used; }));
  bool right = true;
  for (std::size_t e = 0; e < view.atoms; ++e) {
    const std::size_t parent = e < view.centres ? e : static_cast<std::size_t>(list.ghost_parent()[e - view.centres]);
    const std::int32_t atom = list.order()[parent];
    right &= view.species[e] == s.species[atom];
    const auto n = list.translation(e);
    for (int k = 0; k < 3; ++k) {
      const double x = s.positions[3 * atom + k] + n[0] * s.cell[k] + n[1] * s.cell[3 + k] + n[2] * s.cell[6 + k];
      right &= std::abs(x - view.positions[3 * e + k]) < 1e-10;
    }
  }
  CHECK(right);
}

void moves_along() {
  std::mt19937 rng(3);
  std::normal_distribution<double> normal(0, 1);
  Structure s = random_structure(rng, 20, 6.0, 0.1, {true, true, false});
  NeighbourList list(3.0, 1.0);
  bool same = true;
  for (int step = 0; step < 200; ++step) {
    s.update(list);
    same &= pairs_of(list, 3.0) == all_pairs(s, 3.0, 7);
    const double stretch = 1 + 0.002 * normal(rng);
    for (double& x : s.cell) x *= stretch;
    for (double& x : s.positions) x = stretch * x + 0.03 * normal(rng);
  }
  CHECK(same);
  CHECK(list.rebuilds() > 5);
  CHECK(list.rebuilds() < 120);
}

/// Two atoms approach along x: the list must be built anew once they have used up the skin, and not before.
void rebuilds_at_the_skin() {
  Structure s{{0, 0, 0, 4.5, 0, 0}, {0, 1}, {0, 0, 0, 0, 0, 0, 0, 0, 0}, {false, false, false}};
  NeighbourList list(3.0, 1.0);
  CHECK(s.update(list));
  CHECK(list.pairs().first[2] == 0);
  s.positions[3] = 3.501;
  CHECK(!s.update(list));
  s.positions[3] = 3.499;  // one atom moved by just over the skin
  CHECK(s.update(list));
  CHECK(list.pairs().first[2] == 2);
}

void strain_uses_up_the_skin() {
  Structure s{{0, 0, 0}, {0}, {10, 0, 0, 0, 10, 0, 0, 0, 10}, {true, true, true}};
  NeighbourList list(3.0, 1.0);
  CHECK(s.update(list));
  for (int k = 0; k < 9; k += 4) s.cell[k] = 10 * (1 - 0.2499);  // 4 Angstrom shrink by 0.9996
  CHECK(!s.update(list));
  for (int k = 0; k < 9; k += 4) s.cell[k] = 10 * (1 - 0.2501);
  CHECK(s.update(list));
}

void another_species_needs_no_rebuild() {
  std::mt19937 rng(4);
  Structure s = random_structure(rng, 5, 4.0, 0.0, {true, true, true});
  NeighbourList list(3.0, 1.0);
  s.update(list);
  s.species[2] = 7;
  CHECK(!s.update(list));
  const Pairs view = list.pairs();
  bool right = true;
  for (std::size_t e = 0; e < view.atoms; ++e) {
    const std::size_t parent = e < view.centres ? e : static_cast<std::size_t>(list.ghost_parent()[e - view.centres]);
    right &= view.species[e] == s.species[list.order()[parent]];
  }
  CHECK(right);
}

void bad_input() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS(NeighbourList(0, 1), std::invalid_argument, "cutoff is 0: expected a finite length above 0");
  CHECK_THROWS(NeighbourList(nan, 1), std::invalid_argument, "cutoff is");
  CHECK_THROWS(NeighbourList(5, -1), std::invalid_argument, "skin is -1: expected a finite length of at least 0");
  std::mt19937 rng(5);
  const Structure good = random_structure(rng, 5, 6.0, 0.1, {true, true, true});
  NeighbourList list(3.0, 1.0);
  good.update(list);
  const std::vector<Pair> before = pairs_of(list, 4.0);
  Structure bad = good;
  bad.positions[10] = nan;
  CHECK_THROWS(bad.update(list), std::invalid_argument, "position of atom 3 is (");
  bad = good;
  std::fill(bad.cell.begin() + 3, bad.cell.begin() + 6, 0.0);
  CHECK_THROWS(bad.update(list), std::invalid_argument, "direction 1 is periodic but its lattice vector is (0, 0, 0)");
  std::copy(bad.cell.begin(), bad.cell.begin() + 3, bad.cell.begin() + 3);
  CHECK_THROWS(bad.update(list), std::invalid_argument, "linearly dependent");
  bad.cell = {1e-3, 0, 0, 0, 1e-3, 0, 0, 0, 1e-3};
  CHECK_THROWS(bad.update(list), std::invalid_argument, "too small or too flat");
  CHECK(pairs_of(list, 4.0) == before);
  CHECK(!good.update(list));
}

}  // namespace

int main() {
  random_cells();
  view_is_consistent();
  moves_along();
  rebuilds_at_the_skin();
  strain_uses_up_the_skin();
  another_species_needs_no_rebuild();
  bad_input();
  return check::finish();
}
