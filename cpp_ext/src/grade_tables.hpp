// The inverse of the active set in the form that the inner loop multiplies with.
//
// A row of A that belongs to an atom of species y has zeros in the columns of every other species: its coefficients
// for the radial functions about that species, and the energy of that species. Let b be the row of an atom of species
// z, and c = b A^-1, so that c A = b. The elements of c at the n rows of another species y then cancel in each of the
// m columns that are y's alone, which leaves n - m of them free: at level 14 with 12 radial functions and three species
// about 20 of 160. So that many (pivots) are computed from b, and the others are fixed combinations of the pivots, the
// same for all z: exact but for rounding, and less than half of the work.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "aligned.hpp"
#include "betalps/mtp.hpp"
#include "tables.hpp"

namespace betalps {

/// Tables and the memory they point into.
struct PackedGrades {
  std::vector<GradeTable> tables;  // per species
  std::vector<GradeProduct> products;
  AlignedVector<double> memory;
  std::size_t kept_blocks = 0;  // most of one species
};

/// `columns`: side by side in memory. Throws std::invalid_argument when the active set is not of this potential.
std::unique_ptr<PackedGrades> pack_grades(const Potential& potential, int columns);

}  // namespace betalps
