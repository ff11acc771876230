// The atoms brought into the cell, and their periodic images around it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "betalps/neighbours.hpp"
#include "lattice.hpp"

namespace betalps {

/// A list is built anew once its atoms have drifted farther than this, Angstrom: rounding grows with the coordinates.
constexpr double kLongestDrift = 1e4;

using Shift = std::array<std::int32_t, 3>;  // a lattice translation

/// First the atoms, in the caller's order, then those images that may be within reach of an atom.
struct Images {
  std::vector<double> positions;     // x 3, Angstrom
  std::vector<std::int32_t> parent;  // index of the atom
  std::vector<Shift> shift;          // of an atom: what wraps it into the cell; of an image: from its wrapped atom
  double reach;                      // a little more than asked for: rounding of the positions never loses a pair
};

/// `reach` is the largest distance of a pair, Angstrom. Throws std::invalid_argument for a position that is not
/// finite or beyond 1e9 Angstrom, and for a cell so small that an atom would need more than a million images.
Images make_images(std::size_t atoms, const double* positions, const Lattice& lattice, const Periodic& periodic,
                   double reach);

}  // namespace betalps
