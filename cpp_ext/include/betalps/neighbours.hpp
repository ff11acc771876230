// A neighbour list with a skin, for any cell: small cells with self images, triclinic, partly periodic, isolated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "betalps/pairs.hpp"

namespace betalps {

struct Images;      // of the implementation
struct Bins;
struct FoundPairs;

using Cell = std::array<double, 9>;  // rows are the lattice vectors, Angstrom
using Periodic = std::array<bool, 3>;

/// Holds the atoms in an order that is compact in space, their periodic images as ghosts, and the pairs.
/// update() moves everything along and rebuilds only when some pair could have crossed the skin.
class NeighbourList {
 public:
  /// Throws std::invalid_argument unless cutoff > 0 and skin >= 0 and both are finite.
  NeighbourList(double cutoff, double skin);

  /// Brings the list up to date; returns true when it was rebuilt. `positions` is atoms x 3, `species` is atoms.
  /// A periodic direction with a zero or linearly dependent lattice vector, or a position or cell that is not
  /// finite (the message names the first such atom), is std::invalid_argument, and leaves the list as it was.
  bool update(std::size_t atoms, const double* positions, const std::int32_t* species, const Cell& cell,
              const Periodic& periodic);

  /// The view for the kernel. Valid until the next update().
  Pairs pairs() const;

  /// For each centre of pairs(): the caller's index of that atom.
  const std::vector<std::int32_t>& order() const { return order_; }
  /// For each ghost of pairs() (atom centres + g): the centre that it is an image of.
  const std::vector<std::int32_t>& ghost_parent() const { return ghost_parent_; }
  /// Adds what the ghosts of pairs() feel to their parents; `forces` is atoms x 3.
  void fold_ghosts(double* forces) const;
  /// The lattice translation from the caller's position of that atom to atom e of pairs().
  std::array<std::int32_t, 3> translation(std::size_t e) const;

  std::size_t rebuilds() const { return rebuilds_; }
  double cutoff() const { return cutoff_; }
  double skin() const { return skin_; }
  void clear();  // forces a rebuild at the next update()

 private:
  bool still_valid(std::size_t atoms, const double* positions, const Cell& cell, const Periodic& periodic) const;
  void rebuild(std::size_t atoms, const double* positions, const Cell& cell, const Periodic& periodic);
  void take_in_order(std::size_t atoms, const Images& images, const Bins& bins, FoundPairs& found);
  void move(const double* positions, const Cell& cell);
  void set_species(const std::int32_t* species);

  double cutoff_, skin_;
  std::size_t rebuilds_ = 0;
  bool built_ = false;
  std::size_t atoms_ = 0;
  Cell cell_{};          // at the last rebuild
  Periodic periodic_{};  // at the last rebuild
  std::vector<double> reference_;                         // the caller's positions at the last rebuild; x 3
  std::vector<std::int32_t> caller_species_;              // as given, to notice a change
  std::vector<std::int32_t> order_;                       // centre -> caller's index
  std::vector<std::array<std::int32_t, 3>> wrap_;         // centre -> lattice translation that wraps it into the cell
  std::vector<std::int32_t> ghost_parent_;                // ghost -> centre
  std::vector<std::array<std::int32_t, 3>> ghost_shift_;  // ghost -> lattice translation from its (wrapped) parent
  std::vector<double> extended_;                          // positions of centres, then ghosts; x 3
  std::vector<std::int32_t> species_;                     // of centres, then ghosts
  std::vector<std::int64_t> first_;
  std::vector<std::int32_t> neighbours_;
};

}  // namespace betalps
