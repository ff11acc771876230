#include "betalps/neighbours.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "bins.hpp"
#include "images.hpp"
#include "lattice.hpp"
#include "pair_search.hpp"

namespace betalps {
namespace {

constexpr double kFarthest = 1e9;  // Angstrom

struct Displacements {
  double largest, second;  // lengths, Angstrom
  Vector mean;             // not finite when a position is not
};

/// Of the positions from where `map` carries the reference, less `centre`. No map: from the reference itself.
Displacements displacements(const std::vector<double>& reference, const double* positions, const Cell* map,
                            const Vector& centre) {
  const std::size_t atoms = reference.size() / 3;
  double largest = 0, second = 0;
  Vector sum{};
  for (std::size_t i = 0; i < atoms; ++i) {
    Vector from = {reference[3 * i], reference[3 * i + 1], reference[3 * i + 2]};
    if (map) from = times(from, *map);
    double square = 0;
    for (int k = 0; k < 3; ++k) {
      const double u = positions[3 * i + k] - from[k];
      sum[k] += u;
      square += (u - centre[k]) * (u - centre[k]);
    }
    second = std::max(second, std::min(largest, square));
    largest = std::max(largest, square);
  }
  const double n = static_cast<double>(std::max<std::size_t>(atoms, 1));
  return {std::sqrt(largest), std::sqrt(second), {sum[0] / n, sum[1] / n, sum[2] / n}};
}

void check_length(const char* name, double length, bool ok, const char* expected) {
  if (ok && length <= kFarthest) return;
  std::ostringstream message;
  message << name << " is " << length << ": expected a finite length " << expected << ", in Angstrom";
  throw std::invalid_argument(message.str());
}

}  // namespace

NeighbourList::NeighbourList(double cutoff, double skin) : cutoff_(cutoff), skin_(skin) {
  check_length("cutoff", cutoff, cutoff > 0, "above 0");
  check_length("skin", skin, skin >= 0, "of at least 0");
}

bool NeighbourList::update(std::size_t atoms, const double* positions, const std::int32_t* species, const Cell& cell,
                           const Periodic& periodic) {
  const bool fresh = !still_valid(atoms, positions, cell, periodic);
  if (fresh) {
    rebuild(atoms, positions, cell, periodic);
  } else {
    move(positions, cell);
  }
  if (fresh || !std::equal(species, species + atoms, caller_species_.begin())) set_species(species);
  return fresh;
}

Pairs NeighbourList::pairs() const {
  return {order_.size(), species_.size(), extended_.data(), species_.data(), first_.data(), neighbours_.data()};
}

void NeighbourList::fold_ghosts(double* forces) const {
  const double* from = forces + 3 * order_.size();
  for (const std::int32_t parent : ghost_parent_)
    for (int c = 0; c < 3; ++c) forces[3 * static_cast<std::size_t>(parent) + c] += *from++;
}

void NeighbourList::clear() { built_ = false; }

std::array<std::int32_t, 3> NeighbourList::translation(std::size_t e) const {
  if (e < order_.size()) return wrap_[e];
  const Shift& wrap = wrap_[ghost_parent_[e - order_.size()]];
  const Shift& shift = ghost_shift_[e - order_.size()];
  return {wrap[0] + shift[0], wrap[1] + shift[1], wrap[2] + shift[2]};
}

// With F the affine map from the cell at the last rebuild to this one, atom i stands at F x_i0 + u_i. A pair that was
// farther apart than R = cutoff + skin is now farther than R (1 - ||F - 1||) - |u_i - u_j|, and
// |u_i - u_j| <= |u_i - c| + |u_j - c| for any c: first c = 0, then, where that is not enough, the mean of all u,
// which takes a common drift out.
bool NeighbourList::still_valid(std::size_t atoms, const double* positions, const Cell& cell,
                                const Periodic& periodic) const {
  if (!built_ || atoms != atoms_ || periodic != periodic_) return false;
  bool deformed = false, finite = true;
  for (int k = 0; k < 9; ++k) finite &= std::isfinite(cell[k]);
  if (!finite) return false;  // rebuild() says so
  for (int k = 0; k < 9; ++k) deformed |= periodic[k / 3] && cell[k] != cell_[k];
  Cell map{1, 0, 0, 0, 1, 0, 0, 0, 1};
  double budget = skin_;
  if (deformed) {
    map = affine_map(complete_lattice(cell_, periodic), complete_lattice(cell, periodic));
    budget -= strain_bound(map) * (cutoff_ + skin_);
    if (budget < 0) return false;
  }
  const Displacements first = displacements(reference_, positions, deformed ? &map : nullptr, Vector{});
  if (!std::isfinite(first.mean[0] + first.mean[1] + first.mean[2]) || first.largest > kLongestDrift) return false;
  if (first.largest + first.second <= budget) return true;
  const Displacements second = displacements(reference_, positions, deformed ? &map : nullptr, first.mean);
  return second.largest + second.second <= budget;
}

void NeighbourList::rebuild(std::size_t atoms, const double* positions, const Cell& cell, const Periodic& periodic) {
  // Everything is built beside the old list and put in its place by a move, which cannot fail.
  const Lattice lattice = complete_lattice(cell, periodic);
  const Images images = make_images(atoms, positions, lattice, periodic, cutoff_ + skin_);
  const Bins bins = make_bins(images.parent.size(), images.positions.data(), images.reach);
  const std::size_t expected = atoms == atoms_ ? neighbours_.size() + neighbours_.size() / 16 : 0;
  FoundPairs found = find_pairs(bins, atoms, images.reach, expected);

  NeighbourList fresh(cutoff_, skin_);
  fresh.take_in_order(atoms, images, bins, found);
  fresh.reference_.assign(positions, positions + 3 * atoms);
  fresh.caller_species_.resize(atoms);
  fresh.species_.resize(atoms + fresh.ghost_parent_.size());
  fresh.extended_.resize(3 * fresh.species_.size());
  fresh.atoms_ = atoms;
  fresh.cell_ = cell;
  fresh.periodic_ = periodic;
  fresh.built_ = true;
  fresh.rebuilds_ = rebuilds_ + 1;
  fresh.move(positions, cell);
  *this = std::move(fresh);
}

/// Numbers the atoms, and after them the images that are somebody's neighbour, in the order of the bins.
void NeighbourList::take_in_order(std::size_t atoms, const Images& images, const Bins& bins, FoundPairs& found) {
  const std::size_t places = bins.id.size();
  std::vector<std::int32_t> rank(atoms), number(places);
  order_.reserve(atoms);
  wrap_.reserve(atoms);
  for (std::size_t s = 0; s < places; ++s) {
    const auto id = static_cast<std::size_t>(bins.id[s]);
    if (id >= atoms) continue;
    number[s] = rank[id] = static_cast<std::int32_t>(order_.size());
    order_.push_back(bins.id[s]);
    wrap_.push_back(images.shift[id]);
  }
  for (std::size_t s = 0; s < places; ++s) {
    const auto id = static_cast<std::size_t>(bins.id[s]);
    if (id < atoms || !found.used[s]) continue;
    number[s] = static_cast<std::int32_t>(atoms + ghost_parent_.size());
    ghost_parent_.push_back(rank[images.parent[id]]);
    ghost_shift_.push_back(images.shift[id]);
  }
  for (std::int32_t& neighbour : found.neighbours) neighbour = number[neighbour];
  first_ = std::move(found.first);
  neighbours_ = std::move(found.neighbours);
}

void NeighbourList::move(const double* positions, const Cell& cell) {
  const auto translated = [&cell](const double* from, const Shift& n, double* to) {
    const Vector by = times({double(n[0]), double(n[1]), double(n[2])}, cell);
    for (int k = 0; k < 3; ++k) to[k] = from[k] + by[k];
  };
  const std::size_t centres = order_.size();
  for (std::size_t c = 0; c < centres; ++c) translated(positions + 3 * order_[c], wrap_[c], &extended_[3 * c]);
  for (std::size_t g = 0; g < ghost_parent_.size(); ++g) {
    translated(&extended_[3 * ghost_parent_[g]], ghost_shift_[g], &extended_[3 * (centres + g)]);
  }
}

void NeighbourList::set_species(const std::int32_t* species) {
  std::copy(species, species + atoms_, caller_species_.begin());
  const std::size_t centres = order_.size();
  for (std::size_t c = 0; c < centres; ++c) species_[c] = species[order_[c]];
  for (std::size_t g = 0; g < ghost_parent_.size(); ++g) species_[centres + g] = species_[ghost_parent_[g]];
}

}  // namespace betalps
