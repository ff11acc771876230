#include "dynamics_tensor.hpp"

#include <cmath>

namespace betalps {

Matrix matrix(const Symmetric& s) { return {s[0], s[5], s[4], s[5], s[1], s[3], s[4], s[3], s[2]}; }

double determinant(const Matrix& m) {
  return m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6]);
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix out{};
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < 3; ++k)
      for (int j = 0; j < 3; ++j) out[3 * i + j] += a[3 * i + k] * b[3 * k + j];
  return out;
}

/// Jacobi's method: to full precision also where eigenvalues almost coincide, as those of small cell strains do.
Spectrum::Spectrum(const Matrix& symmetric) : vectors_{1, 0, 0, 0, 1, 0, 0, 0, 1} {
  Matrix a = symmetric;
  for (int sweep = 0; sweep < 50; ++sweep) {
    if (a[1] == 0 && a[2] == 0 && a[5] == 0) break;
    for (int p = 0; p < 2; ++p)
      for (int q = p + 1; q < 3; ++q) {
        const double off = a[3 * p + q];
        if (off == 0) continue;
        const double theta = (a[4 * q] - a[4 * p]) / (2 * off);
        const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::hypot(theta, 1.0));
        const double c = 1 / std::hypot(t, 1.0), s = t * c;
        for (int k = 0; k < 3; ++k) {
          const double kp = a[3 * k + p], kq = a[3 * k + q];
          a[3 * k + p] = c * kp - s * kq;
          a[3 * k + q] = s * kp + c * kq;
        }
        for (int k = 0; k < 3; ++k) {
          const double pk = a[3 * p + k], qk = a[3 * q + k];
          a[3 * p + k] = c * pk - s * qk;
          a[3 * q + k] = s * pk + c * qk;
        }
        a[3 * p + q] = a[3 * q + p] = 0;
        for (int k = 0; k < 3; ++k) {
          const double kp = vectors_[3 * k + p], kq = vectors_[3 * k + q];
          vectors_[3 * k + p] = c * kp - s * kq;
          vectors_[3 * k + q] = s * kp + c * kq;
        }
      }
  }
  values_ = {a[0], a[4], a[8]};
}

double exprel(double x) { return x == 0 ? 1 : std::expm1(x) / x; }

}  // namespace betalps
