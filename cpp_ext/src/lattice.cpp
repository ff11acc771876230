#include "lattice.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>

namespace betalps {
namespace {

constexpr double kLargest = 1e9;    // Angstrom; beyond it a double no longer resolves 1e-7 Angstrom
constexpr double kShortest = 1e-6;  // Angstrom
constexpr double kFlattest = 1e-6;  // volume over the product of the lengths

Vector row(const Cell& m, int i) { return {m[3 * i], m[3 * i + 1], m[3 * i + 2]}; }

void set_row(Cell& m, int i, const Vector& v) { std::copy(v.begin(), v.end(), m.begin() + 3 * i); }

double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

double length(const Vector& a) { return std::sqrt(dot(a, a)); }

Vector cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

/// The unit vector along a; a must not be zero.
Vector unit(const Vector& a) {
  const double l = length(a);
  return {a[0] / l, a[1] / l, a[2] / l};
}

std::string show(const Vector& v) {
  std::ostringstream text;
  text.precision(10);
  text << "(" << v[0] << ", " << v[1] << ", " << v[2] << ")";
  return text.str();
}

void check_rows(const Cell& cell, const Periodic& periodic) {
  for (int i = 0; i < 3; ++i) {
    const Vector v = row(cell, i);
    for (const double component : v) {
      if (!(std::abs(component) <= kLargest)) {
        throw std::invalid_argument("lattice vector " + std::to_string(i) + " is " + show(v) +
                                    ": expected finite components of at most 1e9 Angstrom");
      }
    }
    if (periodic[i] && length(v) < kShortest) {
      throw std::invalid_argument("direction " + std::to_string(i) + " is periodic but its lattice vector is " +
                                  show(v) + ": expected a length of at least 1e-6 Angstrom");
    }
  }
}

[[noreturn]] void throw_dependent(const Cell& cell, const Periodic& periodic) {
  std::string message = "the lattice vectors of the periodic directions are linearly dependent:";
  for (int i = 0; i < 3; ++i) {
    if (periodic[i]) message += " " + show(row(cell, i));
  }
  throw std::invalid_argument(message);
}

/// Fills the directions that are not periodic.
Cell complete_rows(const Cell& cell, const Periodic& periodic) {
  const int count = periodic[0] + periodic[1] + periodic[2];
  if (count == 0) return {1, 0, 0, 0, 1, 0, 0, 0, 1};
  Cell rows = cell;
  if (count == 2) {
    const int open = !periodic[0] ? 0 : !periodic[1] ? 1 : 2;
    const Vector a = unit(row(cell, (open + 1) % 3)), b = unit(row(cell, (open + 2) % 3)), normal = cross(a, b);
    if (length(normal) < kFlattest) throw_dependent(cell, periodic);
    set_row(rows, open, unit(normal));
  } else if (count == 1) {
    const int closed = periodic[0] ? 0 : periodic[1] ? 1 : 2;
    const Vector a = unit(row(cell, closed));
    int flattest = 0;
    for (int k = 1; k < 3; ++k) {
      if (std::abs(a[k]) < std::abs(a[flattest])) flattest = k;
    }
    Vector axis{};
    axis[flattest] = 1;
    const Vector b = unit(cross(a, axis));
    set_row(rows, (closed + 1) % 3, b);
    set_row(rows, (closed + 2) % 3, cross(a, b));
  }
  return rows;
}

}  // namespace

Lattice complete_lattice(const Cell& cell, const Periodic& periodic) {
  check_rows(cell, periodic);
  Lattice lattice;
  lattice.rows = complete_rows(cell, periodic);
  const Vector a = row(lattice.rows, 0), b = row(lattice.rows, 1), c = row(lattice.rows, 2);
  const double volume = dot(a, cross(b, c));
  if (!(std::abs(volume) > kFlattest * length(a) * length(b) * length(c))) throw_dependent(cell, periodic);
  const std::array<Vector, 3> dual = {cross(b, c), cross(c, a), cross(a, b)};
  for (int i = 0; i < 3; ++i) {
    for (int k = 0; k < 3; ++k) lattice.inverse[3 * k + i] = dual[i][k] / volume;
    lattice.spacing[i] = std::abs(volume) / length(dual[i]);
  }
  return lattice;
}

Cell affine_map(const Lattice& from, const Lattice& to) {
  Cell map;
  for (int i = 0; i < 3; ++i) set_row(map, i, times(row(from.inverse, i), to.rows));
  return map;
}

double strain_bound(const Cell& map) {
  // Two bounds of the spectral norm: Frobenius, and the root of (largest row sum times largest column sum).
  double squares = 0;
  Vector by_row{}, by_column{};
  for (int i = 0; i < 3; ++i) {
    for (int k = 0; k < 3; ++k) {
      const double e = std::abs(map[3 * i + k] - (i == k ? 1 : 0));
      squares += e * e;
      by_row[i] += e;
      by_column[k] += e;
    }
  }
  const double product = *std::max_element(by_row.begin(), by_row.end()) *
                         *std::max_element(by_column.begin(), by_column.end());
  return std::sqrt(std::min(squares, product));
}

}  // namespace betalps
