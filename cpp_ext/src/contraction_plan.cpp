#include "contraction_plan.hpp"

#include <algorithm>
#include <tuple>

namespace betalps::levels {
namespace {

using Legs = std::array<std::array<int, 2>, 2>;  // [factor][group]: open indices of a pair of factors

/// A product of two basic tensors with its open indices in two groups, which may have changed places.
struct Pair {
  int id;
  bool flipped;
  int group(int g) const { return flipped ? 1 - g : g; }
};

Pair make_pair_tensor(const Graph& graph, int a, int b, Legs open, Expressions& expressions) {
  int first = expressions.basic(graph.mu[a], graph.rank(a)), second = expressions.basic(graph.mu[b], graph.rank(b));
  if (first > second) {
    std::swap(first, second);
    std::swap(open[0], open[1]);
  }
  // Of the equivalent forms (groups exchanged; factors exchanged when they are the same tensor) take the largest.
  bool flipped = false;
  Legs best = open;
  const auto consider = [&](const Legs& form, bool flip) {
    if (form > best) best = form, flipped = flip;
  };
  const auto flip = [](const Legs& form) {
    return Legs{{{form[0][1], form[0][0]}, {form[1][1], form[1][0]}}};
  };
  consider(flip(open), true);
  if (first == second) {
    const Legs exchanged = {open[1], open[0]};
    consider(exchanged, false);
    consider(flip(exchanged), true);
  }
  const std::vector<Strand> strands = {{graph.edges[a][b], 0, 0, -1},
                                       {best[0][0], 0, -1, 0}, {best[0][1], 0, -1, 1},
                                       {best[1][0], -1, 0, 0}, {best[1][1], -1, 0, 1}};
  const std::vector<int> ranks = {best[0][0] + best[1][0], best[0][1] + best[1][1]};
  return {expressions.product(first, second, strands, ranks), flipped};
}

/// Group 0 holds the open indices of a, group 1 those of b.
Pair by_source(const Graph& graph, int a, int b, Expressions& expressions) {
  const int inner = graph.edges[a][b];
  return make_pair_tensor(graph, a, b, {{{graph.rank(a) - inner, 0}, {0, graph.rank(b) - inner}}}, expressions);
}

/// Group 0 holds the indices that meet c, group 1 those that meet d; symmetric in each, as c and d are.
Pair by_target(const Graph& graph, int a, int b, int c, int d, Expressions& expressions) {
  const auto& e = graph.edges;
  return make_pair_tensor(graph, a, b, {{{e[a][c], d < 0 ? 0 : e[a][d]}, {e[b][c], d < 0 ? 0 : e[b][d]}}},
                          expressions);
}

void three_factors(const Graph& graph, Expressions& expressions, std::vector<int>& found) {
  const auto& e = graph.edges;
  for (int c = 0; c < 3; ++c) {
    const int a = (c + 1) % 3, b = (c + 2) % 3, last = expressions.basic(graph.mu[c], graph.rank(c));
    const Pair target = by_target(graph, a, b, c, -1, expressions);
    found.push_back(expressions.product(target.id, last, {{graph.rank(c), target.group(0), 0, -1}}, {}));
    const Pair source = by_source(graph, a, b, expressions);
    found.push_back(expressions.product(
        source.id, last, {{e[a][c], source.group(0), 0, -1}, {e[b][c], source.group(1), 0, -1}}, {}));
  }
}

/// ((a b) c) d
void three_and_one(const Graph& graph, int a, int b, int c, int d, Expressions& expressions, std::vector<int>& found) {
  const auto& e = graph.edges;
  const int third = expressions.basic(graph.mu[c], graph.rank(c)), last = expressions.basic(graph.mu[d], graph.rank(d));
  const Pair target = by_target(graph, a, b, c, d, expressions);
  const Pair source = by_source(graph, a, b, expressions);
  const int first = expressions.product(target.id, third,
                                        {{e[a][c] + e[b][c], target.group(0), 0, -1},
                                         {e[a][d] + e[b][d], target.group(1), -1, 0},
                                         {e[c][d], -1, 0, 0}},
                                        {graph.rank(d)});
  const int second = expressions.product(source.id, third,
                                         {{e[a][c], source.group(0), 0, -1}, {e[b][c], source.group(1), 0, -1},
                                          {e[a][d], source.group(0), -1, 0}, {e[b][d], source.group(1), -1, 0},
                                          {e[c][d], -1, 0, 0}},
                                         {graph.rank(d)});
  for (const int triple : {first, second})
    found.push_back(expressions.product(triple, last, {{graph.rank(d), 0, 0, -1}}, {}));
}

/// (a b) (c d)
void two_and_two(const Graph& graph, int a, int b, int c, int d, Expressions& expressions, std::vector<int>& found) {
  const auto& e = graph.edges;
  const Pair left = by_source(graph, a, b, expressions), right = by_source(graph, c, d, expressions);
  const Pair left_target = by_target(graph, a, b, c, d, expressions);
  const Pair right_target = by_target(graph, c, d, a, b, expressions);
  found.push_back(expressions.product(left.id, right.id,
                                      {{e[a][c], left.group(0), right.group(0), -1},
                                       {e[a][d], left.group(0), right.group(1), -1},
                                       {e[b][c], left.group(1), right.group(0), -1},
                                       {e[b][d], left.group(1), right.group(1), -1}},
                                      {}));
  found.push_back(expressions.product(left_target.id, right.id,
                                      {{e[a][c] + e[b][c], left_target.group(0), right.group(0), -1},
                                       {e[a][d] + e[b][d], left_target.group(1), right.group(1), -1}},
                                      {}));
  found.push_back(expressions.product(left.id, right_target.id,
                                      {{e[a][c] + e[a][d], left.group(0), right_target.group(0), -1},
                                       {e[b][c] + e[b][d], left.group(1), right_target.group(1), -1}},
                                      {}));
}

}  // namespace

int Expressions::basic(int mu, int nu) {
  const auto [found, is_new] = ids_.try_emplace(Key{mu, nu}, count());
  if (is_new) {
    list_.emplace_back();
    list_.back().mu = mu;
    list_.back().ranks = {nu};
  }
  return found->second;
}

int Expressions::product(int left, int right, std::vector<Strand> strands, const std::vector<int>& ranks) {
  strands.erase(std::remove_if(strands.begin(), strands.end(), [](const Strand& s) { return s.legs == 0; }),
                strands.end());
  if (left > right) {
    std::swap(left, right);
    for (Strand& strand : strands) std::swap(strand.left, strand.right);
  }
  const auto order = [](const Strand& s) { return std::make_tuple(s.left, s.right, s.out, s.legs); };
  std::sort(strands.begin(), strands.end(), [&](const Strand& a, const Strand& b) { return order(a) < order(b); });
  Key key = {left, right};
  for (const Strand& s : strands) key.insert(key.end(), {s.legs, s.left, s.right, s.out});
  key.push_back(-2);
  key.insert(key.end(), ranks.begin(), ranks.end());
  const auto [found, is_new] = ids_.try_emplace(key, count());
  if (is_new) {
    Expression expression;
    expression.left = left, expression.right = right;
    expression.strands = std::move(strands), expression.ranks = ranks;
    Key shape(key.begin() + 2, key.end());  // the cost depends on shapes alone, not on which tensors they are
    for (const int side : {left, right}) {
      shape.push_back(-3);
      shape.insert(shape.end(), (*this)[side].ranks.begin(), (*this)[side].ranks.end());
    }
    shape.push_back(left == right);
    expression.cost = cost(shape, expression, left == right);
    list_.push_back(std::move(expression));
  }
  return found->second;
}

int Expressions::cost(const Key& shape, const Expression& product, bool same) {
  const auto [found, is_new] = costs_.try_emplace(shape, 0);
  if (is_new) {
    Moments scratch;
    const Tensor left = scratch.leaf((*this)[product.left].ranks);
    const Tensor right = same ? left : scratch.leaf((*this)[product.right].ranks);
    scratch.contract(left, right, product.strands, product.ranks);
    found->second = static_cast<int>(scratch.products().size());
  }
  return found->second;
}

std::vector<int> contractions(const Graph& graph, Expressions& expressions) {
  std::vector<int> found;
  if (graph.factors == 2) {
    const int a = expressions.basic(graph.mu[0], graph.rank(0)), b = expressions.basic(graph.mu[1], graph.rank(1));
    found.push_back(expressions.product(a, b, {{graph.rank(0), 0, 0, -1}}, {}));
  } else if (graph.factors == 3) {
    three_factors(graph, expressions, found);
  } else {
    for (int d = 0; d < 4; ++d)
      for (int c = 0; c < 4; ++c) {
        if (c == d) continue;
        int a = 0;
        while (a == c || a == d) ++a;
        three_and_one(graph, a, 6 - a - c - d, c, d, expressions, found);
      }
    two_and_two(graph, 0, 1, 2, 3, expressions, found);
    two_and_two(graph, 0, 2, 1, 3, expressions, found);
    two_and_two(graph, 0, 3, 1, 2, expressions, found);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace betalps::levels
