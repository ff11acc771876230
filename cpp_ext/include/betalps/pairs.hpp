// What the kernel sees of a structure. Owns nothing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace betalps {

/// Centres and their candidate neighbours. Atoms 0..centres-1 are centres; atoms centres..atoms-1 are ghosts:
/// periodic images (or a neighbouring rank's atoms) that only ever appear as neighbours.
/// The list is full (every ordered pair) and may hold candidates beyond the cutoff: the kernel filters by distance.
struct Pairs {
  std::size_t centres = 0;
  std::size_t atoms = 0;
  const double* positions = nullptr;         // atoms x 3, Angstrom
  const std::int32_t* species = nullptr;     // atoms; index of the species in the potential
  const std::int64_t* first = nullptr;       // centres + 1; neighbours of i are neighbours[first[i] .. first[i+1])
  const std::int32_t* neighbours = nullptr;  // indices of atoms
};

}  // namespace betalps
