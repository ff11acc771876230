// The scalars of a level, as graphs.
#pragma once

#include <array>
#include <vector>

namespace betalps::levels {

inline constexpr int kMostFactors = 4, kMostMu = 5, kMostRank = 10;
inline constexpr int kLowestLevel = 2, kHighestLevel = 28;

/// lev(M_{mu,nu}) of one factor.
constexpr int level_of(int mu, int nu) { return 2 + 4 * mu + nu; }

/// A full contraction of up to four tensors M_{mu,nu}: node i is a factor, edges[i][j] the number of index pairs
/// contracted between factors i and j, so that nu_i is the degree of node i. A tensor is never contracted with
/// itself: x^2 + y^2 + z^2 = 1 makes that a tensor of lower rank.
struct Graph {
  int factors = 0;
  std::array<int, kMostFactors> mu{};
  std::array<std::array<int, kMostFactors>, kMostFactors> edges{};

  int rank(int node) const;
  int level() const;
  /// Nodes that can be reached from `node`, as bits.
  unsigned component(int node) const;
  /// The graph on the nodes whose bits are set, in canonical form.
  Graph part(unsigned nodes) const;
  /// The same scalar with its factors in the order that all isomorphic graphs share.
  Graph canonical() const;
};

bool operator<(const Graph&, const Graph&);

/// One graph per scalar of level <= `level`, in canonical form, sorted by level, then by the number of factors.
/// Level by level there are 1, 1, 3, 4, 7, 13, 23, 40, 71, 125, 212, 364, 600, 981 of them.
std::vector<Graph> scalar_graphs(int level);

}  // namespace betalps::levels
