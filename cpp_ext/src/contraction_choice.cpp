#include <algorithm>
#include <limits>

#include "contraction_plan.hpp"

namespace betalps::levels {
namespace {

/// The intermediate tensors that an expression needs, each after those that it needs itself.
std::vector<int> intermediates(const Expressions& expressions, int root) {
  std::vector<int> needed;
  const auto visit = [&](const auto& self, int id) -> void {
    for (const int side : {expressions[id].left, expressions[id].right}) {
      if (expressions[side].left < 0) continue;
      self(self, side);
      if (std::find(needed.begin(), needed.end(), side) == needed.end()) needed.push_back(side);
    }
  };
  visit(visit, root);
  return needed;
}

struct Candidate {
  int root, cost;
  std::vector<int> needs;
};

/// The state of the search: one candidate per scalar, and how many scalars use each intermediate tensor.
class Choice {
 public:
  Choice(const Expressions& expressions, const std::vector<std::vector<int>>& candidates)
      : expressions_(expressions), users_(static_cast<std::size_t>(expressions.count())),
        possible_(static_cast<std::size_t>(expressions.count())) {
    for (std::size_t scalar = 0; scalar < candidates.size(); ++scalar) {
      options_.emplace_back();
      for (const int root : candidates[scalar]) {
        options_.back().push_back({root, expressions[root].cost, intermediates(expressions, root)});
        for (const int id : options_.back().back().needs) {
          auto& list = possible_[static_cast<std::size_t>(id)];
          if (list.empty() || list.back() != scalar) list.push_back(scalar);
        }
      }
    }
    chosen_.assign(candidates.size(), 0);
  }

  /// Starts with the choice that is best when an intermediate tensor's cost is divided among all who could use it.
  void start() {
    for (std::size_t scalar = 0; scalar < options_.size(); ++scalar) {
      double best = std::numeric_limits<double>::max();
      for (std::size_t option = 0; option < options_[scalar].size(); ++option) {
        double cost = options_[scalar][option].cost;
        for (const int id : options_[scalar][option].needs)
          cost += double(expressions_[id].cost) / double(possible_[static_cast<std::size_t>(id)].size());
        if (cost < best) best = cost, chosen_[scalar] = option;
      }
      use(scalar, +1);
    }
  }

  /// Lets every scalar in turn take what is cheapest for the sum; true when something changed.
  bool improve(const std::vector<std::size_t>& scalars) {
    bool changed = false;
    for (const std::size_t scalar : scalars) {
      use(scalar, -1);
      const std::size_t before = chosen_[scalar];
      long best = marginal(options_[scalar][before]);
      for (std::size_t option = 0; option < options_[scalar].size(); ++option) {
        const long cost = marginal(options_[scalar][option]);
        if (cost < best) best = cost, chosen_[scalar] = option;
      }
      use(scalar, +1);
      changed = changed || chosen_[scalar] != before;
    }
    return changed;
  }

  /// Makes `id` free of charge (adopt) or forbidden (abandon) for a moment; keeps the outcome if the sum falls.
  bool perturb(int id) {
    const auto& scalars = possible_[static_cast<std::size_t>(id)];
    const std::vector<std::size_t> saved = chosen_;
    const long before = total_;
    (users_[static_cast<std::size_t>(id)] == 0 ? free_ : banned_) = id;
    improve(scalars);
    free_ = banned_ = -1;
    improve(scalars);
    if (total_ < before) return true;
    for (const std::size_t scalar : scalars) {
      use(scalar, -1);
      chosen_[scalar] = saved[scalar];
      use(scalar, +1);
    }
    return false;
  }

  long total() const { return total_; }
  bool can_be_shared(int id) const { return possible_[static_cast<std::size_t>(id)].size() > 1; }
  std::vector<int> roots() const {
    std::vector<int> roots;
    for (std::size_t scalar = 0; scalar < options_.size(); ++scalar)
      roots.push_back(options_[scalar][chosen_[scalar]].root);
    return roots;
  }

 private:
  long marginal(const Candidate& candidate) const {
    long cost = candidate.cost;
    for (const int id : candidate.needs) {
      if (id == banned_) return std::numeric_limits<long>::max();
      if (id != free_ && users_[static_cast<std::size_t>(id)] == 0) cost += expressions_[id].cost;
    }
    return cost;
  }

  void use(std::size_t scalar, int sign) {
    const Candidate& candidate = options_[scalar][chosen_[scalar]];
    total_ += sign * candidate.cost;
    for (const int id : candidate.needs) {
      int& users = users_[static_cast<std::size_t>(id)];
      const bool was_used = users > 0;
      users += sign;
      if (was_used != (users > 0)) total_ += sign * expressions_[id].cost;
    }
  }

  const Expressions& expressions_;
  std::vector<std::vector<Candidate>> options_;
  std::vector<std::size_t> chosen_;
  std::vector<int> users_;
  std::vector<std::vector<std::size_t>> possible_;  // for every expression, the scalars that could use it
  int free_ = -1, banned_ = -1;
  long total_ = 0;
};

}  // namespace

std::vector<int> choose(const Expressions& expressions, const std::vector<std::vector<int>>& candidates) {
  Choice choice(expressions, candidates);
  choice.start();
  std::vector<std::size_t> all(candidates.size());
  for (std::size_t scalar = 0; scalar < all.size(); ++scalar) all[scalar] = scalar;
  constexpr int kRounds = 4;
  for (int round = 0; round < kRounds; ++round) {
    while (choice.improve(all)) {
    }
    bool changed = false;
    for (int id = 0; id < expressions.count(); ++id)
      if (choice.can_be_shared(id) && choice.perturb(id)) changed = true;
    if (!changed) break;
  }
  return choice.roots();
}

}  // namespace betalps::levels
