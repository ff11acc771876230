// Symmetric 3 x 3 matrices and their functions, as the cell's motion needs them.
#pragma once

#include <array>

#include "betalps/neighbours.hpp"
#include "lattice.hpp"

namespace betalps {

using Matrix = Cell;                    // row by row
using Symmetric = std::array<double, 6>;  // xx yy zz yz xz xy

inline double trace(const Symmetric& s) { return s[0] + s[1] + s[2]; }
Matrix matrix(const Symmetric& s);
double determinant(const Matrix& m);
Matrix product(const Matrix& a, const Matrix& b);

/// A symmetric matrix as sum_k values[k] v_k v_k^T.
class Spectrum {
 public:
  explicit Spectrum(const Matrix& symmetric);

  const Vector& values() const { return values_; }

  /// sum_k f(values[k]) v_k v_k^T.
  template <class F>
  Matrix apply(F&& f) const {
    Matrix out{};
    for (int k = 0; k < 3; ++k) {
      const double value = f(values_[k]);
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) out[3 * i + j] += value * vectors_[3 * i + k] * vectors_[3 * j + k];
    }
    return out;
  }

 private:
  Vector values_;
  Matrix vectors_;  // in columns
};

/// (e^x - 1) / x
double exprel(double x);

}  // namespace betalps
