// Part of class Loop: the extrapolation grade max_k |(b A^-1)_k| from the columns b of dE_i/d(coefficients).
// Groups wait in a queue for their species' turn: what is packed of A^-1 is then read from memory once for several.

  /// The columns of the group that is n-th in the queue of a species.
  T* queued_columns(int species, std::size_t n) const {
    return scratch.columns + (static_cast<std::size_t>(species) * grade_batch + n) * columns_count() * W;
  }

  /// Rows and grades of one group.
  void coefficients(int g, std::size_t group, std::size_t neighbours) {
    const int species = call.group_species[group];
    std::size_t& queued = scratch.queued[species];
    T* columns = queued_columns(species, queued);
    site_columns(g, neighbours, columns);
    if (call.site_rows) write_rows(group, columns);
    tick(columns_stage);
    if (!call.grade_tables) return;
    scratch.queue[static_cast<std::size_t>(species) * grade_batch + queued++] = group;
    if (queued == grade_batch) grade(species);
  }

  void grade_rest() {
    for (int species = 0; species < tables.species; ++species)
      if (scratch.queued[species]) grade(species);
  }

  /// The largest and the smallest element so far, lane by lane.
  struct Extremes {
    V high{}, low{};
  };

  /// Grades of all groups in the queue of a species.
  BETALPS_APART void grade(int species) {
    const GradeTable& table = call.grade_tables[species];
    const std::size_t groups = scratch.queued[species];
    const std::size_t kept = table.kept_blocks * grade_columns * W;  // numbers of one group
    Extremes extremes[grade_batch];
    for (std::size_t p = 0; p < table.products_count; ++p) {
      const GradeProduct& product = table.products[p];
      const T* from = p ? scratch.kept + product.first_row * W : queued_columns(species, 0);
      const std::size_t from_stride = p ? kept : columns_count() * W;
      for (std::size_t block = 0; block < product.blocks; ++block) {
        const double* packed = product.packed + block * product.rows * grade_columns;
        T* to = !p && block < table.kept_blocks ? scratch.kept + block * grade_columns * W : nullptr;
        for (std::size_t n = 0; n < groups; n += grade_groups)
          multiply(groups - n, packed, product.rows, from + n * from_stride, from_stride, extremes + n,
                   to ? to + n * kept : nullptr, kept);
      }
    }
    for (std::size_t n = 0; n < groups; ++n) {
      const std::size_t group = scratch.queue[static_cast<std::size_t>(species) * grade_batch + n];
      const std::int32_t* centres = call.centres + group * W;
      const V high = extremes[n].high, low = -extremes[n].low, size = high > low ? high : low;
      for (int l = 0; l < W && centres[l] >= 0; ++l) call.grades[centres[l]] = static_cast<double>(size[l]);
    }
    scratch.queued[species] = 0;
    tick(grades_stage);
  }

  void multiply(std::size_t groups, const double* packed, std::size_t rows, const T* from, std::size_t from_stride,
                Extremes* extremes, T* to, std::size_t to_stride) {
    static_assert(grade_groups == 3, "one case for each number of groups");
    switch (groups) {
      case 1: multiply<1>(packed, rows, from, from_stride, extremes, to, to_stride); break;
      case 2: multiply<2>(packed, rows, from, from_stride, extremes, to, to_stride); break;
      default: multiply<3>(packed, rows, from, from_stride, extremes, to, to_stride); break;
    }
  }

  /// A block of columns for N groups: a matrix product whose result leaves the registers only where it is kept.
  template <int N>
  void multiply(const double* packed, std::size_t rows, const T* from, std::size_t from_stride, Extremes* extremes,
                T* to, std::size_t to_stride) {
    V sums[N][grade_columns];
    for (int n = 0; n < N; ++n)
      for (int c = 0; c < grade_columns; ++c) sums[n][c] = V{};
    for (std::size_t row = 0; row < rows; ++row, packed += grade_columns) {
      V b[N];
      for (int n = 0; n < N; ++n) b[n] = load(from + n * from_stride + row * W);
#pragma GCC unroll 8
      for (int c = 0; c < grade_columns; ++c) {
        const V a = broadcast(static_cast<T>(packed[c]));
        for (int n = 0; n < N; ++n) sums[n][c] += b[n] * a;
      }
    }
    for (int n = 0; n < N; ++n) {
      Extremes& so_far = extremes[n];
      for (int c = 0; c < grade_columns; ++c) {
        so_far.high = sums[n][c] > so_far.high ? sums[n][c] : so_far.high;
        so_far.low = sums[n][c] < so_far.low ? sums[n][c] : so_far.low;
      }
      if (to)
        for (int c = 0; c < grade_columns; ++c) store(to + n * to_stride + c * W, sums[n][c]);
    }
  }
