// Part of class Loop: dE_i/d(coefficients), and the extrapolation grade from them.
// The columns of one group: radial (z_j, mu, n) of the central species, its species coefficient, moments.

  std::size_t radial_columns() const {
    return static_cast<std::size_t>(tables.species) * tables.radial_count * tables.radial_size;
  }
  std::size_t columns_count() const { return radial_columns() + 1 + tables.scalars; }

  void site_columns(int g, std::size_t neighbours, T* columns) {
    for (std::size_t c = 0; c < radial_columns(); ++c) store(columns + c * W, V{});
    for (std::size_t k = 0; k < neighbours; ++k) radial_columns_of_pair(g, k, columns);
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

  /// dE_i/dc[z_j][mu][n] += Q_n(r_ij) P_mu(u_ij), in the lanes whose neighbour is of species z_j.
  void radial_columns_of_pair(int g, std::size_t k, T* columns) {
    const T* pair = record(g, k);
    const std::int32_t* index = indices(g, k);
    IntVec<T> species{};
    for (int l = 0; l < W; ++l) species[l] = static_cast<std::int32_t>(call.rows[index[l]].key);
    const V x = load(pair + slot_x * W), y = load(pair + slot_y * W), z = load(pair + slot_z * W);
    V r = load(pair + slot_r * W);
    const V r_min = broadcast(static_cast<T>(tables.min_dist));
    if (tables.repulsive) r = r < r_min ? r_min : r;
    const V edge = r - broadcast(cutoff), xi = r * tables.xi_scale + tables.xi_shift, two_xi = xi + xi;
    V q[max_radial_size];
    q[0] = edge * edge * tables.scaling;
    q[1] = xi * q[0];
    for (int n = 2; n < tables.radial_size; ++n) q[n] = two_xi * q[n - 1] - q[n - 2];
    for (int mu = 0; mu < tables.radial_count; ++mu) {
      const V p = adjoint_value(g, mu, x, y, z);
      for (int z_j = 0; z_j < tables.species; ++z_j) {
        const IntVec<T> zeros{};
        const V weight = species == zeros + static_cast<typename Types<T>::Int>(z_j) ? p : V{};
        T* to = columns + static_cast<std::size_t>(z_j * tables.radial_count + mu) * tables.radial_size * W;
        for (int n = 0; n < tables.radial_size; ++n) store(to + n * W, load(to + n * W) + weight * q[n]);
      }
    }
  }

  template <int D>
  V adjoint_value_of_rank(const T* c, const V& x, const V& y, const V& z) {
    V p[1], px[1], py[1];
    polynomial<D, 1>(c, &x, &y, p, px, py);
    if constexpr (D > 0) {
      V q[1];
      polynomial<D - 1, 1>(c + triangle(D) * stride, &x, &y, q, px, py);
      p[0] += z * q[0];
    }
    return p[0];
  }

  V adjoint_value(int g, int mu, const V& x, const V& y, const V& z) {
    const T* c = scratch.adjoints + tables.mu_offset[mu] * static_cast<std::size_t>(stride) + g * W;
    switch (tables.rank[mu]) {
      case -1: return V{};
      case 0: return adjoint_value_of_rank<0>(c, x, y, z);
      case 1: return adjoint_value_of_rank<1>(c, x, y, z);
      case 2: return adjoint_value_of_rank<2>(c, x, y, z);
      case 3: return adjoint_value_of_rank<3>(c, x, y, z);
      case 4: return adjoint_value_of_rank<4>(c, x, y, z);
      case 5: return adjoint_value_of_rank<5>(c, x, y, z);
      case 6: return adjoint_value_of_rank<6>(c, x, y, z);
      case 7: return adjoint_value_of_rank<7>(c, x, y, z);
      case 8: return adjoint_value_of_rank<8>(c, x, y, z);
      case 9: return adjoint_value_of_rank<9>(c, x, y, z);
      default: return adjoint_value_of_rank<10>(c, x, y, z);
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

  void grade(std::size_t group, std::size_t groups) {
    static_assert(grade_groups == 3, "one case for each number of groups");
    switch (groups) {
      case 1: grade_of<1>(group); break;
      case 2: grade_of<2>(group); break;
      default: grade_of<3>(group); break;
    }
  }

  /// max_k |(b A^-1)_k| for N groups of one species: a matrix product whose result never leaves the registers.
  template <int N>
  void grade_of(std::size_t group) {
    const GradeTable& table = call.grade_tables[call.group_species[group]];
    const std::size_t rows = columns_count();
    V best[N];
    for (int n = 0; n < N; ++n) best[n] = V{};
    for (std::size_t block = 0; block < table.blocks; ++block) {
      const double* packed = table.packed + block * rows * grade_columns;
      V sums[N][grade_columns];
      for (int n = 0; n < N; ++n)
        for (int c = 0; c < grade_columns; ++c) sums[n][c] = V{};
      for (std::size_t row = 0; row < rows; ++row, packed += grade_columns) {
        V b[N];
        for (int n = 0; n < N; ++n) b[n] = load(scratch.columns + (n * rows + row) * W);
#pragma GCC unroll 8
        for (int c = 0; c < grade_columns; ++c) {
          const V a = broadcast(static_cast<T>(packed[c]));
          for (int n = 0; n < N; ++n) sums[n][c] += b[n] * a;
        }
      }
      for (int n = 0; n < N; ++n)
        for (int c = 0; c < grade_columns; ++c) {
          const V size = sums[n][c] < V{} ? -sums[n][c] : sums[n][c];
          best[n] = size > best[n] ? size : best[n];
        }
    }
    for (int n = 0; n < N; ++n) {
      const std::int32_t* centres = call.centres + (group + n) * W;
      for (int l = 0; l < W && centres[l] >= 0; ++l) call.grades[centres[l]] = static_cast<double>(best[n][l]);
    }
  }
