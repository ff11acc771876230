// In which order to contract the tensors of every scalar, so that scalars share intermediate tensors.
#pragma once

#include <array>
#include <map>
#include <utility>
#include <vector>

#include "contraction_graphs.hpp"
#include "contraction_tensors.hpp"

namespace betalps::levels {

/// A tensor as a formula: a basic one, or the product of two earlier ones.
struct Expression {
  int mu = -1;                // of a basic tensor; -1 for a product
  int left = -1, right = -1;  // expressions; -1 for a basic tensor
  std::vector<Strand> strands;
  std::vector<int> ranks;
  int cost = 0;  // products that it adds, given its two tensors
};

/// Holds every expression once.
class Expressions {
 public:
  int basic(int mu, int nu);
  int product(int left, int right, std::vector<Strand> strands, const std::vector<int>& ranks);
  const Expression& operator[](int id) const { return list_[static_cast<std::size_t>(id)]; }
  int count() const { return static_cast<int>(list_.size()); }

 private:
  using Key = std::vector<int>;
  int cost(const Key& shape, const Expression& product, bool same);

  std::vector<Expression> list_;
  std::map<Key, int> ids_, costs_;
};

/// Every way considered to contract a connected graph of two or more factors; each is an expression of rank 0.
std::vector<int> contractions(const Graph& graph, Expressions& expressions);

/// For every scalar one of its candidates, such that the products of all together are few: a local minimum with
/// respect to changing one scalar's choice, or adopting or abandoning one intermediate tensor.
std::vector<int> choose(const Expressions& expressions, const std::vector<std::vector<int>>& candidates);

}  // namespace betalps::levels
