// Part of class Loop: dE_i/dr_ij of every pair from the adjoints of the moments, and where it goes.
// On the sphere the adjoint of mu is a polynomial P(x, y, z) = A(x, y) + z B(x, y) of the unit vector, so
// dE_i/dr_ij = (sum_mu f'_mu P_mu) u + (1 - u u^T) (sum_mu f_mu grad P_mu) / r.

  /// Value and first derivatives of sum_{a+b<=D} c_ab x^a y^b for N neighbours.
  template <int D, int N>
  static BETALPS_INLINE void polynomial(const T* c, const V* x, const V* y, V* p, V* px, V* py) {
    constexpr auto at = [](int a, int b) { return (a * (D + 1) - a * (a - 1) / 2 + b) * stride; };
    for (int n = 0; n < N; ++n) {
      p[n] = load(c + at(D, 0));
      px[n] = py[n] = V{};
    }
    unrolled<D>([&](auto i) __attribute__((always_inline)) {
      constexpr int a = D - 1 - i.value;
      V h[N], hy[N];
      for (int n = 0; n < N; ++n) h[n] = load(c + at(a, D - a));
      unrolled<D - a>([&](auto j) __attribute__((always_inline)) {
        constexpr int b = D - a - 1 - j.value;
        const V next = load(c + at(a, b));
        for (int n = 0; n < N; ++n) {
          if constexpr (j.value == 0)
            hy[n] = h[n];
          else
            hy[n] = hy[n] * y[n] + h[n];
          h[n] = h[n] * y[n] + next;
        }
      });
      for (int n = 0; n < N; ++n) {
        if constexpr (i.value == 0) {
          px[n] = p[n];
          py[n] = hy[n];
        } else {
          px[n] = px[n] * x[n] + p[n];
          py[n] = py[n] * x[n] + hy[n];
        }
        p[n] = p[n] * x[n] + h[n];
      }
    });
  }

  template <int N>
  struct PairGradient {
    V x[N], y[N], z[N], radial[N], gx[N], gy[N], gz[N];
  };

  template <int D, int N>
  BETALPS_INLINE void add_adjoint(const T* c, const T* pairs, int mu, PairGradient<N>& out) {
    V p[N], px[N], py[N];
    polynomial<D, N>(c, out.x, out.y, p, px, py);
    if constexpr (D > 0) {
      V q[N], qx[N], qy[N];
      polynomial<D - 1, N>(c + triangle(D) * stride, out.x, out.y, q, qx, qy);
      for (int n = 0; n < N; ++n) {
        const V f = load(pairs + n * scratch.pair_stride + (slot_radial + mu) * W);
        p[n] += out.z[n] * q[n];
        out.gx[n] += f * (px[n] + out.z[n] * qx[n]);
        out.gy[n] += f * (py[n] + out.z[n] * qy[n]);
        out.gz[n] += f * q[n];
      }
    }
    for (int n = 0; n < N; ++n)
      out.radial[n] += load(pairs + n * scratch.pair_stride + (slot_radial + tables.radial_count + mu) * W) * p[n];
  }

  template <int N>
  BETALPS_INLINE void add_adjoints(int g, const T* pairs, PairGradient<N>& out) {
    for (int mu = 0; mu < tables.radial_count; ++mu) {
      const T* c = scratch.adjoints + tables.mu_offset[mu] * static_cast<std::size_t>(stride) + g * W;
      switch (tables.rank[mu]) {
        case -1: break;
        case 0: add_adjoint<0, N>(c, pairs, mu, out); break;
        case 1: add_adjoint<1, N>(c, pairs, mu, out); break;
        case 2: add_adjoint<2, N>(c, pairs, mu, out); break;
        case 3: add_adjoint<3, N>(c, pairs, mu, out); break;
        case 4: add_adjoint<4, N>(c, pairs, mu, out); break;
        case 5: add_adjoint<5, N>(c, pairs, mu, out); break;
        case 6: add_adjoint<6, N>(c, pairs, mu, out); break;
        case 7: add_adjoint<7, N>(c, pairs, mu, out); break;
        case 8: add_adjoint<8, N>(c, pairs, mu, out); break;
        case 9: add_adjoint<9, N>(c, pairs, mu, out); break;
        default: add_adjoint<10, N>(c, pairs, mu, out); break;
      }
    }
  }

  void forces(int g, std::size_t group, std::size_t neighbours) {
    constexpr int N = forces_together;
    V on_centre[3] = {V{}, V{}, V{}}, virial[6] = {V{}, V{}, V{}, V{}, V{}, V{}};
    for (std::size_t k = 0; k < neighbours; k += N) {
      T* pairs = record(g, k);
      PairGradient<N> pair;
      for (int n = 0; n < N; ++n) {
        const T* from = pairs + n * scratch.pair_stride;
        pair.x[n] = load(from + slot_x * W);
        pair.y[n] = load(from + slot_y * W);
        pair.z[n] = load(from + slot_z * W);
        pair.radial[n] = pair.gx[n] = pair.gy[n] = pair.gz[n] = V{};
      }
      add_adjoints<N>(g, pairs, pair);
      for (int n = 0; n < N; ++n) {
        T* from = pairs + n * scratch.pair_stride;
        const V x = pair.x[n], y = pair.y[n], z = pair.z[n], inverse_r = load(from + slot_inverse_r * W);
        V radial = pair.radial[n];
        if (tables.repulsive) radial += load(from + (slot_radial + 2 * tables.radial_count) * W);
        // the part of the gradient along u counts for nothing: the polynomials live on the sphere
        const V along = pair.gx[n] * x + pair.gy[n] * y + pair.gz[n] * z;
        const V common = radial - along * inverse_r;
        const V gx = pair.gx[n] * inverse_r + common * x, gy = pair.gy[n] * inverse_r + common * y,
                gz = pair.gz[n] * inverse_r + common * z;
        on_centre[0] += gx;
        on_centre[1] += gy;
        on_centre[2] += gz;
        const V r = load(from + slot_r * W);
        const V rx = r * x, ry = r * y, rz = r * z;
        virial[0] -= rx * gx;
        virial[1] -= ry * gy;
        virial[2] -= rz * gz;
        virial[3] -= ry * gz;
        virial[4] -= rx * gz;
        virial[5] -= rx * gy;
        store(from + slot_x * W, gx);
        store(from + slot_y * W, gy);
        store(from + slot_z * W, gz);
      }
    }
    tick(forces_stage);
    const std::int32_t* centres = call.centres + group * W;
    for (int l = 0; l < W && centres[l] >= 0; ++l) {
      double* force = scratch.forces + 4 * static_cast<std::size_t>(centres[l]);
      for (int c = 0; c < 3; ++c) force[c] += static_cast<double>(on_centre[c][l]);
      if (call.site_virials)
        for (int c = 0; c < 6; ++c) call.site_virials[6 * static_cast<std::size_t>(centres[l]) + c] =
            static_cast<double>(virial[c][l]);
    }
    for (std::size_t k = 0; k < neighbours; ++k) scatter(record(g, k), indices(g, k));
    tick(scatter_stage);
  }

  /// Subtracts the pair gradients from the forces on the neighbours.
  void scatter(const T* pair, const std::int32_t* index) {
#if defined(__AVX512F__)
    for (int l = 0; l < W; l += 8) {
      const __m512d x = doubles(pair + slot_x * W + l), y = doubles(pair + slot_y * W + l),
                    z = doubles(pair + slot_z * W + l), zero = _mm512_setzero_pd();
      const __m512d xy[2] = {_mm512_unpacklo_pd(x, y), _mm512_unpackhi_pd(x, y)};
      const __m512d z0[2] = {_mm512_unpacklo_pd(z, zero), _mm512_unpackhi_pd(z, zero)};
      const __m512i near = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), far = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
      for (int odd = 0; odd < 2; ++odd) {  // lanes odd, odd + 2, odd + 4, odd + 6
        const __m512d rows[2] = {_mm512_permutex2var_pd(xy[odd], near, z0[odd]),
                                 _mm512_permutex2var_pd(xy[odd], far, z0[odd])};
        for (int half = 0; half < 2; ++half) {
          subtract(index[l + odd + 4 * half], _mm512_castpd512_pd256(rows[half]));
          subtract(index[l + odd + 4 * half + 2], _mm512_extractf64x4_pd(rows[half], 1));
        }
      }
    }
#else
    for (int l = 0; l < W; ++l) {
      double* force = scratch.forces + 4 * static_cast<std::size_t>(index[l]);
      for (int c = 0; c < 3; ++c) force[c] -= static_cast<double>(pair[c * W + l]);
    }
#endif
  }

#if defined(__AVX512F__)
  static BETALPS_INLINE __m512d doubles(const double* p) { return _mm512_load_pd(p); }
  static BETALPS_INLINE __m512d doubles(const float* p) { return _mm512_cvtps_pd(_mm256_load_ps(p)); }
  BETALPS_INLINE void subtract(std::int32_t index, __m256d gradient) {
    double* force = scratch.forces + 4 * static_cast<std::size_t>(index);
    _mm256_store_pd(force, _mm256_sub_pd(_mm256_load_pd(force), gradient));
  }
#endif
