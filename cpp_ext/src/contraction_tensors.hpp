// Tensors whose components are moments, and products of two of them.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "betalps/basis.hpp"

namespace betalps::levels {

/// The number of components of a symmetric tensor of this rank in three dimensions.
constexpr int components(int rank) { return (rank + 1) * (rank + 2) / 2; }

/// One tensor component: scale times a moment.
struct Component {
  int moment = 0, scale = 1;
};

/// Symmetric within each of its one or two groups of indices; components run over the last group fastest, within
/// a group over x^a y^b z^c with a falling, then b.
struct Tensor {
  std::vector<int> ranks;  // of each group
  std::vector<Component> values;
};

/// A bundle of indices in a product of two tensors. With left and right: contracted. With one of them and out:
/// left open, to become part of group `out` of the product, which is made symmetric. -1: not involved.
struct Strand {
  int legs = 0, left = -1, right = -1, out = -1;
};

/// Collects moments and the products that make them; equal sums of products become one moment.
class Moments {
 public:
  /// A tensor of independent moments (the basics), numbered on from those that are there.
  Tensor leaf(const std::vector<int>& ranks);

  /// The product of two tensors, its two or fewer groups made symmetric by summing (not averaging) over the ways to
  /// deal a group's indices to its strands.
  Tensor contract(const Tensor& left, const Tensor& right, const std::vector<Strand>& strands,
                  const std::vector<int>& out_ranks);

  /// Single products.
  Component multiply(Component left, Component right);

  int count() const { return count_; }
  const std::vector<Product>& products() const { return products_; }

 private:
  struct Term {
    int out, left, right;
    std::int64_t factor;
  };
  Component add(std::vector<Term>::const_iterator begin, std::vector<Term>::const_iterator end);

  int count_ = 0;
  std::vector<Product> products_;
  std::map<std::vector<int>, int> known_;  // a sum of products (left, right, factor, ...) -> its moment
};

}  // namespace betalps::levels
