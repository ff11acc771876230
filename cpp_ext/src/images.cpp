#include "images.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>

#include "range.hpp"

namespace betalps {
namespace {

constexpr double kFarthest = 1e9;  // Angstrom from the origin; beyond it a double does not resolve 1e-7 Angstrom
constexpr double kMostWraps = 1e9;
constexpr double kMostImagesPerAtom = 1e6;  // a cell that needs more is an accident
constexpr double kMostAtoms = 5e8;          // with images: the bins of that many still count in 32 bits

void check_positions(std::size_t atoms, const double* positions) {
  for (std::size_t i = 0; i < atoms; ++i) {
    const double* r = positions + 3 * i;
    if (std::abs(r[0]) <= kFarthest && std::abs(r[1]) <= kFarthest && std::abs(r[2]) <= kFarthest) continue;
    std::ostringstream message;
    message.precision(10);
    message << "position of atom " << i << " is (" << r[0] << ", " << r[1] << ", " << r[2]
            << "): expected finite coordinates of at most 1e9 Angstrom";
    throw std::invalid_argument(message.str());
  }
}

/// How far apart two images may be and count as a pair: the rounding of the positions never loses one.
double padded_reach(double reach, std::size_t atoms, const double* positions, const Lattice& lattice) {
  double largest = kLongestDrift;
  for (std::size_t k = 0; k < 3 * atoms; ++k) largest = std::max(largest, std::abs(positions[k]));
  for (const double component : lattice.rows) largest = std::max(largest, std::abs(component));
  return reach * (1 + 1e-12) + 2e-14 * largest;
}

void wrap_atoms(std::size_t atoms, const double* positions, const Lattice& lattice, const Periodic& periodic,
                Images& images) {
  images.positions.assign(positions, positions + 3 * atoms);
  images.parent.resize(atoms);
  images.shift.assign(atoms, Shift{});
  for (std::size_t i = 0; i < atoms; ++i) {
    images.parent[i] = static_cast<std::int32_t>(i);
    double* r = &images.positions[3 * i];
    const Vector fractional = times({r[0], r[1], r[2]}, lattice.inverse);
    Vector wrap{};
    for (int k = 0; k < 3; ++k) {
      if (!periodic[k] || (fractional[k] >= 0 && fractional[k] < 1)) continue;
      wrap[k] = -std::floor(fractional[k]);
      if (std::abs(wrap[k]) > kMostWraps) {
        throw std::invalid_argument("atom " + std::to_string(i) + " is more than 1e9 cells from the origin");
      }
      images.shift[i][k] = static_cast<std::int32_t>(wrap[k]);
    }
    const Vector move = times(wrap, lattice.rows);
    for (int k = 0; k < 3; ++k) r[k] += move[k];
  }
}

/// The slabs between the lattice planes, and the box, that hold all points within reach of an atom.
struct Surroundings {
  std::array<Range, 3> slab;  // fractional coordinates
  std::array<Range, 3> box;   // Angstrom

  bool in_box(const Vector& r) const {
    return box[0].contains(r[0]) && box[1].contains(r[1]) && box[2].contains(r[2]);
  }
};

Surroundings surround(const std::vector<Vector>& fractional, const Lattice& lattice, const Images& images) {
  Surroundings around;
  for (std::size_t i = 0; i < fractional.size(); ++i) {
    for (int k = 0; k < 3; ++k) {
      around.slab[k].add(fractional[i][k]);
      around.box[k].add(images.positions[3 * i + k]);
    }
  }
  for (int k = 0; k < 3; ++k) {
    // The last term is for the rounding of the inverse of a flat cell.
    around.slab[k].widen(images.reach / lattice.spacing[k] + 1e-9);
    around.box[k].widen(images.reach);
  }
  return around;
}

void check_number_of_images(std::size_t atoms, const Surroundings& around, const Periodic& periodic, double reach) {
  double per_atom = 1;
  for (int k = 0; k < 3; ++k) {
    if (periodic[k]) per_atom *= around.slab[k].high - around.slab[k].low + 1;
  }
  const double all = per_atom * static_cast<double>(atoms);
  if (per_atom <= kMostImagesPerAtom && all <= kMostAtoms) return;
  std::ostringstream message;
  message << "the periodic cell is too small or too flat: about " << all << " images of its atoms lie within " << reach
          << " Angstrom (cutoff plus skin) of it; expected at most 1e6 of each atom and 5e8 in all";
  throw std::invalid_argument(message.str());
}

void add_images(const Lattice& lattice, const Periodic& periodic, Images& images) {
  const std::size_t atoms = images.parent.size();
  if (atoms == 0) return;
  std::vector<Vector> fractional(atoms);
  for (std::size_t i = 0; i < atoms; ++i) {
    const double* r = &images.positions[3 * i];
    fractional[i] = times({r[0], r[1], r[2]}, lattice.inverse);
  }
  const Surroundings around = surround(fractional, lattice, images);
  check_number_of_images(atoms, around, periodic, images.reach);
  for (std::size_t i = 0; i < atoms; ++i) {
    Shift low{}, high{}, n;
    for (int k = 0; k < 3; ++k) {
      if (!periodic[k]) continue;
      low[k] = static_cast<std::int32_t>(std::ceil(around.slab[k].low - fractional[i][k]));
      high[k] = static_cast<std::int32_t>(std::floor(around.slab[k].high - fractional[i][k]));
    }
    for (n[0] = low[0]; n[0] <= high[0]; ++n[0]) {
      for (n[1] = low[1]; n[1] <= high[1]; ++n[1]) {
        for (n[2] = low[2]; n[2] <= high[2]; ++n[2]) {
          if (n == Shift{}) continue;  // the atom itself
          Vector r = times({double(n[0]), double(n[1]), double(n[2])}, lattice.rows);
          for (int k = 0; k < 3; ++k) r[k] += images.positions[3 * i + k];
          if (!around.in_box(r)) continue;
          images.positions.insert(images.positions.end(), r.begin(), r.end());
          images.parent.push_back(static_cast<std::int32_t>(i));
          images.shift.push_back(n);
        }
      }
    }
  }
}

}  // namespace

Images make_images(std::size_t atoms, const double* positions, const Lattice& lattice, const Periodic& periodic,
                   double reach) {
  if (static_cast<double>(atoms) > kMostAtoms) {
    throw std::invalid_argument(std::to_string(atoms) + " atoms: at most 5e8 are possible");
  }
  check_positions(atoms, positions);
  Images images;
  images.reach = padded_reach(reach, atoms, positions, lattice);
  wrap_atoms(atoms, positions, lattice, periodic, images);
  add_images(lattice, periodic, images);
  return images;
}

}  // namespace betalps
