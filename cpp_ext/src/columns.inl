// Part of class Loop: dE_i/d(coefficients).
// The columns of one group: radial (z_j, mu, n) of the central species, its species coefficient, moments.

  std::size_t radial_columns() const {
    return static_cast<std::size_t>(tables.species) * tables.radial_count * tables.radial_size;
  }
  std::size_t columns_count() const { return radial_columns() + 1 + tables.scalars; }

  void site_columns(int g, std::size_t neighbours, T* columns) {
    factors(g, neighbours);
    for (int z_j = 0; z_j < tables.species; ++z_j) radial_columns_of(z_j, neighbours, columns);
    T* at = columns + radial_columns() * W;
    store(at, broadcast(T(1)));
    at += W;
    const T* m = scratch.moments + g * W;
    for (std::size_t s = 0; s < tables.scalars; ++s)
      if (tables.scalar_moment[s] != no_moment) store(at + s * W, load(m + tables.scalar_moment[s]));
    const Term<T>* term = tables.scalar_products.terms;
    const std::uint32_t* destination = tables.scalar_products.destinations;
    for (std::size_t i = 0; i < tables.scalar_products.segments_count; ++i) {
      const Segment segment = tables.scalar_products.segments[i];
      for (std::uint32_t d = 0; d < segment.count; ++d) {
        V sum = V{};
        for (std::uint32_t t = 0; t < segment.length; ++t, ++term)
          sum += broadcast(term->factor) * load(m + term->first) * load(m + term->second);
        store(at + *destination++ * static_cast<std::size_t>(W), sum);
      }
    }
  }

  // What dE_i/dc[z_j][mu][n] = sum_j Q_n(r_ij) P_mu(u_ij) is made of. A record holds a neighbour's Q_n, its P_mu,
  // these once more for one z_j (zero in lanes whose neighbour is of another species), and its species.
  std::size_t factor(int number) const { return static_cast<std::size_t>(number) * W; }
  std::size_t factor_p() const { return factor(tables.radial_size); }
  std::size_t factor_weight() const { return factor(tables.radial_size + tables.radial_count); }
  std::size_t factor_species() const { return factor(tables.radial_size + 2 * tables.radial_count); }

  void factors(int g, std::size_t neighbours) {
    for (std::size_t k = 0; k < neighbours; ++k) {
      T* to = scratch.factors + k * scratch.factors_stride;
      radial_basis(load(record(g, k) + slot_r * W), to);
      const std::int32_t* index = indices(g, k);
      auto* species = reinterpret_cast<typename Types<T>::Int*>(to + factor_species());
      for (int l = 0; l < W; ++l) species[l] = static_cast<std::int32_t>(call.rows[index[l]].key);
    }
    for (std::size_t k = 0; k < neighbours; k += 2)
      for (int mu = 0; mu < tables.radial_count; ++mu)
        adjoint_values(g, mu, record(g, k), scratch.factors + k * scratch.factors_stride + factor_p() + factor(mu));
  }

  /// Q_0 = s (r - r_c)^2, Q_1 = xi Q_0, Q_n = 2 xi Q_(n-1) - Q_(n-2).
  BETALPS_INLINE void radial_basis(V r, T* q) const {
    const V r_min = broadcast(static_cast<T>(tables.min_dist));
    if (tables.repulsive) r = r < r_min ? r_min : r;
    const V edge = r - broadcast(cutoff), xi = r * tables.xi_scale + tables.xi_shift, two_xi = xi + xi;
    V before = edge * edge * tables.scaling, last = xi * before;
    store(q, before);
    store(q + W, last);
    for (int n = 2; n < tables.radial_size; ++n) {
      const V next = two_xi * last - before;
      store(q + n * W, next);
      before = last;
      last = next;
    }
  }

  BETALPS_APART void radial_columns_of(int z_j, std::size_t neighbours, T* columns) const {
    const IntVec<T> wanted = IntVec<T>{} + static_cast<typename Types<T>::Int>(z_j);
    for (std::size_t k = 0; k < neighbours; ++k) {
      T* of = scratch.factors + k * scratch.factors_stride;
      const auto match = (IntVec<T>)load(of + factor_species()) == wanted;
      for (int mu = 0; mu < tables.radial_count; ++mu)
        store(of + factor_weight() + factor(mu), match ? load(of + factor_p() + factor(mu)) : V{});
    }
    T* to = columns + factor(z_j * tables.radial_count * tables.radial_size);
    int mu = 0;
    for (; mu + 2 <= tables.radial_count; mu += 2) products<2>(mu, neighbours, to + factor(mu * tables.radial_size));
    if (mu < tables.radial_count) products<1>(mu, neighbours, to + factor(mu * tables.radial_size));
  }

  /// to[m][n] = sum over neighbours of Q_n and the weights of M radial functions.
  template <int M>
  BETALPS_INLINE void products(int mu, std::size_t neighbours, T* to) const {
    int n = 0;
    for (; n + 4 <= tables.radial_size; n += 4) tile<M, 4>(mu, n, neighbours, to + factor(n));
    for (; n < tables.radial_size; ++n) tile<M, 1>(mu, n, neighbours, to + factor(n));
  }

  template <int M, int N>
  BETALPS_INLINE void tile(int mu, int n, std::size_t neighbours, T* to) const {
    const T* q = scratch.factors + factor(n);
    const T* weight = scratch.factors + factor_weight() + factor(mu);
    V sums[M * N];
    for (int i = 0; i < M * N; ++i) sums[i] = V{};
    for (std::size_t k = 0; k < neighbours; ++k) {
      for (int m = 0; m < M; ++m)
        for (int i = 0; i < N; ++i) sums[m * N + i] += load(weight + m * W) * load(q + i * W);
      q += scratch.factors_stride;
      weight += scratch.factors_stride;
    }
    for (int m = 0; m < M; ++m)
      for (int i = 0; i < N; ++i) store(to + factor(m * tables.radial_size + i), sums[m * N + i]);
  }

  /// P_mu(u_ij) of two neighbours, into their records.
  template <int D>
  BETALPS_INLINE void adjoint_values_of_rank(const T* c, const T* pairs, T* values) const {
    V x[2], y[2], px[2], py[2];
    for (int n = 0; n < 2; ++n) {
      x[n] = load(pairs + n * scratch.pair_stride + slot_x * W);
      y[n] = load(pairs + n * scratch.pair_stride + slot_y * W);
    }
    V p[2];
    polynomial<D, 2>(c, x, y, p, px, py);
    if constexpr (D > 0) {
      V q[2];
      polynomial<D - 1, 2>(c + triangle(D) * stride, x, y, q, px, py);
      for (int n = 0; n < 2; ++n) p[n] += load(pairs + n * scratch.pair_stride + slot_z * W) * q[n];
    }
    for (int n = 0; n < 2; ++n) store(values + n * scratch.factors_stride, p[n]);
  }

  void adjoint_values(int g, int mu, const T* pairs, T* values) const {
    const T* c = scratch.adjoints + tables.mu_offset[mu] * static_cast<std::size_t>(stride) + g * W;
    switch (tables.rank[mu]) {
      case -1: store(values, V{}), store(values + scratch.factors_stride, V{}); break;
      case 0: adjoint_values_of_rank<0>(c, pairs, values); break;
      case 1: adjoint_values_of_rank<1>(c, pairs, values); break;
      case 2: adjoint_values_of_rank<2>(c, pairs, values); break;
      case 3: adjoint_values_of_rank<3>(c, pairs, values); break;
      case 4: adjoint_values_of_rank<4>(c, pairs, values); break;
      case 5: adjoint_values_of_rank<5>(c, pairs, values); break;
      case 6: adjoint_values_of_rank<6>(c, pairs, values); break;
      case 7: adjoint_values_of_rank<7>(c, pairs, values); break;
      case 8: adjoint_values_of_rank<8>(c, pairs, values); break;
      case 9: adjoint_values_of_rank<9>(c, pairs, values); break;
      default: adjoint_values_of_rank<10>(c, pairs, values); break;
    }
  }

  void write_rows(std::size_t group, const T* columns) {
    const std::int32_t* centres = call.centres + group * W;
    const std::size_t species = static_cast<std::size_t>(call.group_species[group]), radial = radial_columns();
    for (int l = 0; l < W && centres[l] >= 0; ++l) {
      double* row = call.site_rows + static_cast<std::size_t>(centres[l]) * call.coefficients;
      for (std::size_t c = 0; c < radial; ++c) row[species * radial + c] = static_cast<double>(columns[c * W + l]);
      const T* rest = columns + radial * W + l;
      row += radial * tables.species;
      row[species] = static_cast<double>(*rest);
      for (std::size_t s = 0; s < tables.scalars; ++s) row[tables.species + s] = static_cast<double>(rest[(s + 1) * W]);
    }
  }
