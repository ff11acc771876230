// Vectors of lanes, in the compiler's own vector types; intrinsics only where those have no word for it.
// Included by kernel.inl inside an unnamed namespace: nothing here may be shared between instruction sets.

template <class T>
struct Types;

#define BETALPS_LANES(T) (BETALPS_VECTOR_BYTES / static_cast<int>(sizeof(T)))

template <>
struct Types<double> {
  typedef double V __attribute__((vector_size(BETALPS_VECTOR_BYTES)));
  typedef long long I __attribute__((vector_size(BETALPS_VECTOR_BYTES)));
  typedef long long Int;
};
template <>
struct Types<float> {
  typedef float V __attribute__((vector_size(BETALPS_VECTOR_BYTES)));
  typedef int I __attribute__((vector_size(BETALPS_VECTOR_BYTES)));
  typedef int Int;
};

template <class T>
using Vec = typename Types<T>::V;
template <class T>
using IntVec = typename Types<T>::I;

template <class T>
inline Vec<T> load(const T* p) {
  return *reinterpret_cast<const Vec<T>*>(p);
}
template <class T>
inline void store(T* p, Vec<T> v) {
  *reinterpret_cast<Vec<T>*>(p) = v;
}
template <class T>
inline Vec<T> broadcast(T value) {
  return value - Vec<T>{};
}

inline Vec<double> square_root(Vec<double> v) {
#if defined(__AVX512F__)
  return (Vec<double>)_mm512_sqrt_pd((__m512d)v);
#elif defined(__AVX2__)
  return (Vec<double>)_mm256_sqrt_pd((__m256d)v);
#else
  for (int l = 0; l < BETALPS_LANES(double); ++l) v[l] = __builtin_sqrt(v[l]);
  return v;
#endif
}
inline Vec<float> square_root(Vec<float> v) {
#if defined(__AVX512F__)
  return (Vec<float>)_mm512_sqrt_ps((__m512)v);
#elif defined(__AVX2__)
  return (Vec<float>)_mm256_sqrt_ps((__m256)v);
#else
  for (int l = 0; l < BETALPS_LANES(float); ++l) v[l] = __builtin_sqrtf(v[l]);
  return v;
#endif
}

// A coefficient for each lane by the species of the neighbour in it. Up to Lookup::width species sit in registers;
// a larger table (wide) is read lane by lane.
template <class T>
struct Lookup {
  static constexpr int width = BETALPS_LANES(T);

  // What is kept per lane to look coefficients up by.
  static typename Types<T>::Int key(int species, [[maybe_unused]] bool wide) {
#if defined(__AVX2__) && !defined(__AVX512F__)
    // 32-bit halves: a double is two of them
    if (sizeof(T) == 8 && !wide) return species * 0x0000000200000002LL + 0x0000000100000000LL;
#endif
    return species;
  }

  template <bool wide>
  static inline Vec<T> get(const T* table, IntVec<T> keys) {
#if defined(__AVX512F__)
    if constexpr (!wide && sizeof(T) == 8)
      return (Vec<T>)_mm512_permutexvar_pd((__m512i)keys, _mm512_load_pd(table));
    if constexpr (!wide && sizeof(T) == 4)
      return (Vec<T>)_mm512_permutexvar_ps((__m512i)keys, _mm512_load_ps(table));
#elif defined(__AVX2__)
    if constexpr (!wide)
      return (Vec<T>)_mm256_permutevar8x32_ps(_mm256_load_ps(reinterpret_cast<const float*>(table)), (__m256i)keys);
#endif
    Vec<T> v;
    for (int l = 0; l < BETALPS_LANES(T); ++l) v[l] = table[keys[l]];
    return v;
  }
};
