// Part of class Loop: the neighbours within the cutoff, neighbour k of each lane side by side.
// Fills displacement and species key of every record and the indices; returns the padded number of neighbours.

  std::size_t filter(int g, std::size_t group) {
    const std::int32_t* centres = call.centres + group * W;
    std::size_t longest = 0;
    std::size_t counts[W];
    for (int l = 0; l < W; ++l) {
      counts[l] = centres[l] < 0 ? 0 : filter_lane(g, l, centres[l]);
      if (counts[l] > longest) longest = counts[l];
    }
    const std::size_t padded = (longest + 1) / 2 * 2;
    for (int l = 0; l < W; ++l) pad_lane(g, l, counts[l], padded);
    transpose(g, padded);
    return padded;
  }

#if defined(__AVX512F__)

  double* lane(int coordinate, int l) const { return scratch.lanes + (coordinate * W + l) * scratch.capacity; }

  /// Eight candidates at a time: rows to coordinates by shuffles, then compress in register and store; storing
  /// compressed is slow on some processors.
  std::size_t filter_lane(int, int l, std::int32_t centre) {
    const Row* rows = call.rows;
    const __m512d x0 = _mm512_set1_pd(rows[centre].x), y0 = _mm512_set1_pd(rows[centre].y),
                  z0 = _mm512_set1_pd(rows[centre].z), limit = _mm512_set1_pd(tables.cutoff * tables.cutoff);
    double *out_x = lane(0, l), *out_y = lane(1, l), *out_z = lane(2, l), *out_key = lane(3, l);
    const std::int32_t* candidate = call.neighbours + call.first[centre];
    const std::int64_t candidates = call.first[centre + 1] - call.first[centre];
    const std::int64_t readable = call.first[call.centres_count] - call.first[centre];
    std::size_t found = 0;
    for (std::int64_t c = 0; c < candidates; c += 8, candidate += 8) {
      const std::int32_t* index = candidate;
      std::int32_t tail[8];
      if (readable - c < 8) {
        for (int i = 0; i < 8; ++i) tail[i] = candidate[c + i < candidates ? i : 0];
        index = tail;
      }
      // past its end comes the list of the next centre: harmless to look at, and masked
      const __mmask8 own = candidates - c < 8 ? static_cast<__mmask8>((1u << (candidates - c)) - 1) : 0xff;
      __m512d two[4];
      for (int i = 0; i < 4; ++i) {
        const int a = i / 2 * 4 + i % 2;  // rows a and a + 2
        two[i] = _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_load_pd(&rows[index[a]].x)),
                                    _mm256_load_pd(&rows[index[a + 2]].x), 1);
      }
      const __m512d xz01 = _mm512_unpacklo_pd(two[0], two[1]), yk01 = _mm512_unpackhi_pd(two[0], two[1]);
      const __m512d xz23 = _mm512_unpacklo_pd(two[2], two[3]), yk23 = _mm512_unpackhi_pd(two[2], two[3]);
      const __m512d x = _mm512_sub_pd(_mm512_shuffle_f64x2(xz01, xz23, 0x88), x0);
      const __m512d y = _mm512_sub_pd(_mm512_shuffle_f64x2(yk01, yk23, 0x88), y0);
      const __m512d z = _mm512_sub_pd(_mm512_shuffle_f64x2(xz01, xz23, 0xdd), z0);
      const __m512d key = _mm512_shuffle_f64x2(yk01, yk23, 0xdd);
      const __m512d r2 = _mm512_fmadd_pd(x, x, _mm512_fmadd_pd(y, y, _mm512_mul_pd(z, z)));
      const __mmask8 inside = _mm512_mask_cmp_pd_mask(own, r2, limit, _CMP_LT_OQ);
      _mm512_storeu_pd(out_x + found, _mm512_maskz_compress_pd(inside, x));
      _mm512_storeu_pd(out_y + found, _mm512_maskz_compress_pd(inside, y));
      _mm512_storeu_pd(out_z + found, _mm512_maskz_compress_pd(inside, z));
      _mm512_storeu_pd(out_key + found, _mm512_maskz_compress_pd(inside, key));
      found += static_cast<std::size_t>(__builtin_popcount(inside));
    }
    return found;
  }

  void pad_lane(int, int l, std::size_t from, std::size_t to) {
    const __m512d key = _mm512_castsi512_pd(_mm512_set1_epi64(static_cast<std::int64_t>(call.dummy) << 32));
    for (std::size_t k = from; k < to; k += 8) {
      _mm512_storeu_pd(lane(0, l) + k, _mm512_set1_pd(static_cast<double>(cutoff)));
      _mm512_storeu_pd(lane(1, l) + k, _mm512_setzero_pd());
      _mm512_storeu_pd(lane(2, l) + k, _mm512_setzero_pd());
      _mm512_storeu_pd(lane(3, l) + k, key);
    }
  }

  static BETALPS_INLINE void put(double* to, __m512d v) { _mm512_store_pd(to, v); }
  static BETALPS_INLINE void put(float* to, __m512d v) { _mm256_store_ps(to, _mm512_cvtpd_ps(v)); }
  static BETALPS_INLINE void put_key(double* to, __m512i key) { _mm512_store_si512(to, key); }
  static BETALPS_INLINE void put_key(float* to, __m512i key) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi64_epi32(key));
  }

  /// Eight lanes by eight neighbours, in register.
  static BETALPS_INLINE void transpose8(__m512d* m) {
    __m512d t[8];
    for (int i = 0; i < 8; i += 2) {
      t[i] = _mm512_unpacklo_pd(m[i], m[i + 1]);
      t[i + 1] = _mm512_unpackhi_pd(m[i], m[i + 1]);
    }
    for (int i = 0; i < 2; ++i) {
      const __m512d a = _mm512_shuffle_f64x2(t[i], t[i + 2], 0x88), b = _mm512_shuffle_f64x2(t[i], t[i + 2], 0xdd);
      const __m512d c = _mm512_shuffle_f64x2(t[i + 4], t[i + 6], 0x88),
                    d = _mm512_shuffle_f64x2(t[i + 4], t[i + 6], 0xdd);
      m[i] = _mm512_shuffle_f64x2(a, c, 0x88);
      m[i + 4] = _mm512_shuffle_f64x2(a, c, 0xdd);
      m[i + 2] = _mm512_shuffle_f64x2(b, d, 0x88);
      m[i + 6] = _mm512_shuffle_f64x2(b, d, 0xdd);
    }
  }

  void transpose(int g, std::size_t neighbours) {
    const __m512i low = _mm512_set1_epi64(0xffffffff);
    for (std::size_t k = 0; k < neighbours; k += 8) {
      const std::size_t rows = neighbours - k < 8 ? neighbours - k : 8;
      for (int l = 0; l < W; l += 8) {
        for (int coordinate = 0; coordinate < 4; ++coordinate) {
          __m512d m[8];
          for (int i = 0; i < 8; ++i) m[i] = _mm512_load_pd(lane(coordinate, l + i) + k);
          transpose8(m);
          for (std::size_t i = 0; i < rows; ++i) {
            T* pair = record(g, k + i);
            if (coordinate < 3) {
              put(pair + coordinate * W + l, m[i]);
            } else {
              const __m512i key = _mm512_castpd_si512(m[i]);
              put_key(pair + slot_inverse_r * W + l, _mm512_and_si512(key, low));
              _mm256_store_si256(reinterpret_cast<__m256i*>(indices(g, k + i) + l),
                                 _mm512_cvtepi64_epi32(_mm512_srli_epi64(key, 32)));
            }
          }
        }
      }
    }
  }

#else

  BETALPS_INLINE void put_pair(int g, int l, std::size_t k, T x, T y, T z, int species, std::int32_t index) {
    T* pair = record(g, k);
    pair[slot_x * W + l] = x;
    pair[slot_y * W + l] = y;
    pair[slot_z * W + l] = z;
    reinterpret_cast<typename Types<T>::Int*>(pair + slot_inverse_r * W)[l] = Lookup<T>::key(species, tables.wide);
    indices(g, k)[l] = index;
  }

  /// One candidate at a time, without a branch: what lies outside is overwritten by the next.
  std::size_t filter_lane(int g, int l, std::int32_t centre) {
    const Row* rows = call.rows;
    const Row from = rows[centre];
    const double limit = tables.cutoff * tables.cutoff;
    std::size_t found = 0;
    for (std::int64_t c = call.first[centre]; c < call.first[centre + 1]; ++c) {
      const std::int32_t index = call.neighbours[c];
      const Row& to = rows[index];
      const double x = to.x - from.x, y = to.y - from.y, z = to.z - from.z;
      put_pair(g, l, found, static_cast<T>(x), static_cast<T>(y), static_cast<T>(z),
               static_cast<std::int32_t>(to.key), index);
      found += x * x + y * y + z * z < limit;
    }
    return found;
  }

  void pad_lane(int g, int l, std::size_t from, std::size_t to) {
    for (std::size_t k = from; k < to; ++k) put_pair(g, l, k, cutoff, T(0), T(0), 0, static_cast<int>(call.dummy));
  }

  void transpose(int, std::size_t) {}  // the pairs were written where they belong

#endif
