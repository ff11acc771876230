#include "contraction_tensors.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <tuple>

namespace betalps::levels {
namespace {

struct Monomial {
  int x = 0, y = 0, z = 0;
  Monomial& operator+=(const Monomial& o) {
    x += o.x, y += o.y, z += o.z;
    return *this;
  }
  int index() const { return (y + z) * (y + z + 1) / 2 + z; }
};

std::int64_t factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }
std::int64_t factorials(const Monomial& m) { return factorial(m.x) * factorial(m.y) * factorial(m.z); }

/// Walks over every assignment of directions to the strands and hands on the component indices and the weight.
class Walk {
 public:
  Walk(const Tensor& left, const Tensor& right, const std::vector<Strand>& strands, const std::vector<int>& out_ranks)
      : left_(left.ranks), right_(right.ranks), out_(out_ranks), strands_(strands) {}

  template <typename Visit>  // visit(left index, right index, out index, weight)
  void run(const Visit& visit, std::size_t strand = 0, std::int64_t numerator = 1, std::int64_t denominator = 1) {
    if (strand == strands_.size()) {
      for (std::size_t g = 0; g < out_.size(); ++g) numerator *= factorials(sum_[2][g]);
      visit(index(0, left_), index(1, right_), index(2, out_), numerator / denominator);
      return;
    }
    const Strand& s = strands_[strand];
    const std::array<int, 3> group = {s.left, s.right, s.out};
    const std::array<std::array<Monomial, 2>, 3> saved = sum_;
    for (int x = s.legs; x >= 0; --x)
      for (int y = s.legs - x; y >= 0; --y) {
        const Monomial m{x, y, s.legs - x - y};
        for (std::size_t t = 0; t < 3; ++t)
          if (group[t] >= 0) sum_[t][static_cast<std::size_t>(group[t])] += m;
        if (s.out < 0)  // contracted: every order of the indices is a term of the sum
          run(visit, strand + 1, numerator * (factorial(s.legs) / factorials(m)), denominator);
        else
          run(visit, strand + 1, numerator, denominator * factorials(m));
        sum_ = saved;
      }
  }

 private:
  int index(std::size_t tensor, const std::vector<int>& ranks) const {
    int index = 0;
    for (std::size_t g = 0; g < ranks.size(); ++g) index = index * components(ranks[g]) + sum_[tensor][g].index();
    return index;
  }

  const std::vector<int>&left_, &right_, &out_;
  const std::vector<Strand>& strands_;
  std::array<std::array<Monomial, 2>, 3> sum_{};  // [left, right, out][group]
};

int count_components(const std::vector<int>& ranks) {
  return std::accumulate(ranks.begin(), ranks.end(), 1, [](int n, int rank) { return n * components(rank); });
}

}  // namespace

Tensor Moments::leaf(const std::vector<int>& ranks) {
  Tensor tensor{ranks, std::vector<Component>(static_cast<std::size_t>(count_components(ranks)))};
  for (Component& value : tensor.values) value.moment = count_++;
  return tensor;
}

Tensor Moments::contract(const Tensor& left, const Tensor& right, const std::vector<Strand>& strands,
                         const std::vector<int>& out_ranks) {
  std::vector<Term> terms;
  Walk(left, right, strands, out_ranks).run([&](int l, int r, int out, std::int64_t weight) {
    const Component a = left.values[static_cast<std::size_t>(l)], b = right.values[static_cast<std::size_t>(r)];
    terms.push_back({out, std::min(a.moment, b.moment), std::max(a.moment, b.moment), weight * a.scale * b.scale});
  });
  const auto key = [](const Term& t) { return std::make_tuple(t.out, t.left, t.right); };
  std::sort(terms.begin(), terms.end(), [&](const Term& a, const Term& b) { return key(a) < key(b); });
  std::size_t merged = 0;
  for (const Term& term : terms) {
    if (merged > 0 && key(terms[merged - 1]) == key(term))
      terms[merged - 1].factor += term.factor;
    else
      terms[merged++] = term;
  }
  terms.resize(merged);
  Tensor result{out_ranks, {}};
  for (auto begin = terms.cbegin(); begin != terms.cend();) {
    const auto end = std::find_if(begin, terms.cend(), [&](const Term& t) { return t.out != begin->out; });
    result.values.push_back(add(begin, end));
    begin = end;
  }
  return result;
}

Component Moments::multiply(Component left, Component right) {
  const std::vector<Term> term = {{0, std::min(left.moment, right.moment), std::max(left.moment, right.moment),
                                   std::int64_t{left.scale} * right.scale}};
  return add(term.cbegin(), term.cend());
}

Component Moments::add(std::vector<Term>::const_iterator begin, std::vector<Term>::const_iterator end) {
  std::int64_t divisor = 0;
  for (auto term = begin; term != end; ++term) divisor = std::gcd(divisor, term->factor);
  std::vector<int> sum;
  for (auto term = begin; term != end; ++term) {
    if (term->factor / divisor > std::numeric_limits<int>::max() || divisor > std::numeric_limits<int>::max())
      throw std::overflow_error("make_basis: a factor of a product exceeds an int");
    sum.insert(sum.end(), {term->left, term->right, static_cast<int>(term->factor / divisor)});
  }
  const auto [found, is_new] = known_.try_emplace(sum, count_);
  if (is_new) {
    for (std::size_t i = 0; i < sum.size(); i += 3) products_.push_back({sum[i], sum[i + 1], sum[i + 2], count_});
    ++count_;
  }
  return {found->second, static_cast<int>(divisor)};
}

}  // namespace betalps::levels
