// A cell with its missing directions filled in, so that every structure has fractional coordinates.
#pragma once

#include <array>

#include "betalps/neighbours.hpp"

namespace betalps {

using Vector = std::array<double, 3>;

struct Lattice {
  Cell rows;       // lattice vectors; a direction that is not periodic holds a unit vector normal to the periodic ones
  Cell inverse;    // fractional = position (a row) times inverse
  Vector spacing;  // distance between neighbouring lattice planes of each direction, Angstrom
};

/// Throws std::invalid_argument for a cell that is not finite or beyond 1e9 Angstrom, and for periodic lattice
/// vectors that are zero or linearly dependent. Lattice vectors of directions that are not periodic are ignored.
Lattice complete_lattice(const Cell& cell, const Periodic& periodic);

/// x (a row) times m.
inline Vector times(const Vector& x, const Cell& m) {
  return {x[0] * m[0] + x[1] * m[3] + x[2] * m[6], x[0] * m[1] + x[1] * m[4] + x[2] * m[7],
          x[0] * m[2] + x[1] * m[5] + x[2] * m[8]};
}

/// The matrix that carries points of `from` along to `to`: new position = old position (a row) times it.
Cell affine_map(const Lattice& from, const Lattice& to);

/// An upper bound of the spectral norm of (map - 1); equal to it when the map only stretches along x, y, z.
double strain_bound(const Cell& map);

}  // namespace betalps
