#include "contraction_graphs.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

namespace betalps::levels {
namespace {

/// Calls visit(edges) for every way to put `count` edges between the nodes (pairs from `pair` on).
template <typename Visit>
void place_edges(Graph& graph, int pair, int count, const Visit& visit) {
  static constexpr int kPairs[][2] = {{0, 1}, {0, 2}, {1, 2}, {0, 3}, {1, 3}, {2, 3}};
  const int pairs = graph.factors * (graph.factors - 1) / 2;
  if (pair == pairs) {
    if (count == 0) visit();
    return;
  }
  const auto [i, j] = kPairs[pair];
  for (int n = pair == pairs - 1 ? count : 0; n <= count; ++n) {
    graph.edges[i][j] = graph.edges[j][i] = n;
    place_edges(graph, pair + 1, count - n, visit);
  }
  graph.edges[i][j] = graph.edges[j][i] = 0;
}

/// Calls visit() for every non-decreasing choice of mu (from `node` on) that sums to `sum`.
template <typename Visit>
void place_mu(Graph& graph, int node, int sum, const Visit& visit) {
  if (node == graph.factors) {
    if (sum == 0) visit();
    return;
  }
  for (int mu = node == 0 ? 0 : graph.mu[node - 1]; mu <= std::min(sum, kMostMu); ++mu) {
    graph.mu[node] = mu;
    place_mu(graph, node + 1, sum - mu, visit);
  }
}

/// Every graph of exactly this level and number of factors: 2 factors + 4 sum(mu) + 2 edges = level.
void collect(int level, int factors, std::set<Graph>& found) {
  Graph graph;
  graph.factors = factors;
  const int rest = level - 2 * factors;
  for (int mu_sum = 0; 4 * mu_sum <= rest; ++mu_sum)
    place_mu(graph, 0, mu_sum, [&] {
      place_edges(graph, 0, (rest - 4 * mu_sum) / 2, [&] {
        for (int node = 0; node < factors; ++node)
          if (graph.rank(node) > kMostRank) return;
        found.insert(graph.canonical());
      });
    });
}

}  // namespace

int Graph::rank(int node) const { return std::accumulate(edges[node].begin(), edges[node].end(), 0); }

int Graph::level() const {
  int sum = 0;
  for (int node = 0; node < factors; ++node) sum += level_of(mu[node], rank(node));
  return sum;
}

unsigned Graph::component(int node) const {
  unsigned reached = 1u << node;
  for (int step = 1; step < factors; ++step)
    for (int i = 0; i < factors; ++i)
      for (int j = 0; j < factors; ++j)
        if (reached >> i & 1u && edges[i][j] > 0) reached |= 1u << j;
  return reached;
}

Graph Graph::part(unsigned nodes) const {
  Graph part;
  std::array<int, kMostFactors> kept{};
  for (int node = 0; node < factors; ++node)
    if (nodes >> node & 1u) kept[part.factors++] = node;
  for (int i = 0; i < part.factors; ++i) {
    part.mu[i] = mu[kept[i]];
    for (int j = 0; j < part.factors; ++j) part.edges[i][j] = edges[kept[i]][kept[j]];
  }
  return part.canonical();
}

Graph Graph::canonical() const {
  Graph best = *this;
  std::array<int, kMostFactors> order{};
  std::iota(order.begin(), order.end(), 0);
  bool first = true;
  do {
    Graph graph;
    graph.factors = factors;
    for (int i = 0; i < factors; ++i) {
      graph.mu[i] = mu[order[i]];
      for (int j = 0; j < factors; ++j) graph.edges[i][j] = edges[order[i]][order[j]];
    }
    if (first || graph < best) best = graph;
    first = false;
  } while (std::next_permutation(order.begin(), order.begin() + factors));
  return best;
}

bool operator<(const Graph& a, const Graph& b) {
  return std::tie(a.factors, a.mu, a.edges) < std::tie(b.factors, b.mu, b.edges);
}

std::vector<Graph> scalar_graphs(int level) {
  std::vector<Graph> graphs;
  for (int exact = kLowestLevel; exact <= level; exact += 2) {
    std::set<Graph> found;
    for (int factors = 1; factors <= kMostFactors; ++factors) {
      // A single factor has no partner for its indices: only M_{mu,0} is a scalar.
      collect(exact, factors, found);
    }
    graphs.insert(graphs.end(), found.begin(), found.end());
  }
  return graphs;
}

}  // namespace betalps::levels
