// The moment basis of a level, generated from lev(M_{mu,nu}) = 2 + 4 mu + nu.
#include <map>
#include <stdexcept>
#include <string>

#include "betalps/basis.hpp"
#include "contraction_graphs.hpp"
#include "contraction_plan.hpp"
#include "contraction_tensors.hpp"

namespace betalps {
namespace {

using namespace levels;

/// M_{mu,nu} of rank nu > 0 needs a partner of the same rank; alone it is a scalar.
bool is_needed(int mu, int nu, int level) {
  return level_of(mu, nu) + (nu == 0 ? 0 : level_of(0, nu)) <= level;
}

/// Turns graphs and expressions into moments, each once.
class Builder {
 public:
  explicit Builder(int level) {
    for (int mu = 0; mu <= kMostMu; ++mu)
      for (int nu = 0; nu <= kMostRank && is_needed(mu, nu, level); ++nu) {
        basics_[{mu, nu}] = moments_.leaf({nu});
        for (int x = nu; x >= 0; --x)
          for (int y = nu - x; y >= 0; --y) basis_.basics.push_back({mu, x, y, nu - x - y});
      }
  }

  Basis build(const std::vector<Graph>& graphs) {
    std::vector<Graph> connected;
    std::vector<std::vector<int>> candidates;
    for (const Graph& graph : graphs)
      if (graph.factors > 1 && graph.component(0) == (1u << graph.factors) - 1) {
        connected.push_back(graph);
        candidates.push_back(contractions(graph, expressions_));
      }
    const std::vector<int> roots = choose(expressions_, candidates);
    for (std::size_t i = 0; i < roots.size(); ++i) roots_[connected[i]] = roots[i];
    for (const Graph& graph : graphs) basis_.scalars.push_back(scalar(graph).moment);
    basis_.products = moments_.products();
    basis_.moments_count = moments_.count();
    return basis_;
  }

 private:
  Component scalar(const Graph& graph) {
    const auto known = scalars_.find(graph);
    if (known != scalars_.end()) return known->second;
    const unsigned all = (1u << graph.factors) - 1, first = graph.component(0);
    Component value;
    if (graph.factors == 1)
      value = basics_.at({graph.mu[0], 0}).values.front();
    else if (first == all)
      value = tensor(roots_.at(graph)).values.front();
    else  // a product of scalars of lower level
      value = moments_.multiply(scalar(graph.part(first)), scalar(graph.part(all & ~first)));
    return scalars_[graph] = value;
  }

  const Tensor& tensor(int id) {
    const Expression& e = expressions_[id];
    if (e.left < 0) return basics_.at({e.mu, e.ranks.front()});
    const auto known = tensors_.find(id);
    if (known != tensors_.end()) return known->second;
    const Tensor& left = tensor(e.left);  // references into a std::map stay valid
    const Tensor& right = tensor(e.right);
    return tensors_[id] = moments_.contract(left, right, e.strands, e.ranks);
  }

  Basis basis_;
  Moments moments_;
  Expressions expressions_;
  std::map<std::pair<int, int>, Tensor> basics_;  // (mu, nu)
  std::map<int, Tensor> tensors_;                 // by expression
  std::map<Graph, int> roots_;                    // the expression chosen for a connected graph
  std::map<Graph, Component> scalars_;
};

void check_level(int level) {
  if (level < kLowestLevel || level > kHighestLevel || level % 2 != 0)
    throw std::invalid_argument("level is " + std::to_string(level) + ", expected an even number from " +
                                std::to_string(kLowestLevel) + " to " + std::to_string(kHighestLevel));
}

}  // namespace

Basis make_basis(int level) {
  check_level(level);
  const Basis basis = Builder(level).build(scalar_graphs(level));
  basis.check();
  return basis;
}

int scalars_count(int level) {
  check_level(level);
  return static_cast<int>(scalar_graphs(level).size());
}

}  // namespace betalps
