// The one inner loop. Compiled once per instruction set by kernel_<isa>.cpp, which defines
//   BETALPS_ISA_NAME      the name of its namespace
//   BETALPS_VECTOR_BYTES  the width of a vector
// Lanes are central atoms of one species; neighbour k of each sits in its lane, and lanes that have fewer are
// padded with a neighbour at the cutoff, which contributes exactly nothing. See "Speed" in docs/explanation.md.
//
// Everything is in an unnamed namespace and uses no standard library: a function shared with the rest of the
// program could be the copy that only newer processors run.

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "tables.hpp"

namespace betalps {
namespace {

#include "simd.inl"

#define BETALPS_INLINE inline __attribute__((always_inline))
#define BETALPS_APART __attribute__((noinline))  // a hot loop that needs the registers to itself

#if BETALPS_VECTOR_BYTES >= 64
constexpr int registers = 32;
#else
constexpr int registers = 16;
#endif
constexpr int groups_together = 2;
constexpr int accumulate_together = registers >= 32 ? 4 : 2;  // neighbours whose monomials are summed in registers
constexpr int forces_together = registers >= 32 ? 2 : 1;      // neighbours that share a load of the adjoints
constexpr int grade_groups = 3, grade_columns = registers >= 32 ? 8 : 4;  // held in registers by the grades' product
constexpr int grade_batch = 4 * grade_groups;  // groups that share one pass over A^-1

enum Stage { filter_stage, radial_stage, basics_stage, forward_stage, backward_stage, forces_stage, scatter_stage,
             columns_stage, grades_stage };
enum Slot { slot_x, slot_y, slot_z, slot_r, slot_inverse_r, slot_radial };  // f_mu, then f_mu', then the repulsion's
constexpr int max_radial_size = radial_size_limit;

template <int I>
struct Const {
  static constexpr int value = I;
};

/// f(Const<0>), ..., f(Const<N - 1>), written out.
template <int N, int I = 0, class F>
BETALPS_INLINE void unrolled(F&& f) {
  if constexpr (I < N) {
    f(Const<I>{});
    unrolled<N, I + 1>(static_cast<F&&>(f));
  }
}

constexpr int triangle(int n) { return (n + 1) * (n + 2) / 2; }  // monomials x^a y^b with a + b <= n

/// The loop over one thread's share of the groups.
template <class T>
class Loop {
  using V = Vec<T>;
  static constexpr int W = BETALPS_LANES(T);
  static constexpr int G = groups_together;
  static constexpr int stride = W * G;  // from one moment to the next

  const Call<T>& call;
  const Tables<T>& tables;
  const Scratch<T>& scratch;
  const T cutoff;
  double began = 0;
  double repelled[G][W] = {};  // energy of RBChebyshev_repuls

 public:
  Loop(const Call<T>& call, const Scratch<T>& scratch)
      : call(call), tables(*call.tables), scratch(scratch), cutoff(static_cast<T>(tables.cutoff)) {}

  void run(std::size_t first_group, std::size_t last_group) {
    start_clock();
    const bool columns = call.site_rows || call.grade_tables;
    for (std::size_t block = first_group; block < last_group; block += G) {
      std::size_t neighbours[G];
      for (int g = 0; g < G; ++g) neighbours[g] = block + g < last_group ? gather(g, block + g) : 0;
      expand();
      forward();
      tick(forward_stage);
      terminal(block, last_group);
      if (!call.gradient && !columns) continue;
      backward();
      fold();
      tick(backward_stage);
      for (int g = 0; g < G && block + g < last_group; ++g) {
        if (columns) coefficients(g, block + g, neighbours[g]);
        if (call.gradient) forces(g, block + g, neighbours[g]);
      }
    }
    if (call.grade_tables) grade_rest();
  }

 private:
  void start_clock() {
    if (scratch.seconds) began = scratch.clock();
  }
  void tick(Stage stage) {
    if (!scratch.seconds) return;
    const double now = scratch.clock();
    scratch.seconds[stage] += now - began;
    began = now;
  }

  T* record(int g, std::size_t k) const { return scratch.pairs + (g * scratch.capacity + k) * scratch.pair_stride; }
  std::int32_t* indices(int g, std::size_t k) const { return scratch.indices + (g * scratch.capacity + k) * W; }

  // ---- neighbours: filter by distance, radial functions, basic moments ------------------------------------------

#include "filter.inl"

  /// Everything up to the summed moments of one group; returns its number of (padded) neighbours.
  std::size_t gather(int g, std::size_t group) {
    const std::size_t neighbours = filter(g, group);
    for (double& energy : repelled[g]) energy = 0;
    tick(filter_stage);
    const int species = call.group_species[group];
    if (tables.wide)
      radial<true>(g, species, neighbours);
    else
      radial<false>(g, species, neighbours);
    tick(radial_stage);
    basics(g, neighbours);
    tick(basics_stage);
    return neighbours;
  }

  /// f_mu(r) = s (r - r_c)^2 p_mu(xi) and its derivative, p_mu by Horner's rule in powers of xi.
  template <bool wide>
  BETALPS_APART void radial(int g, int species, std::size_t neighbours) {
    const int functions = tables.radial_count, size = tables.radial_size, row = tables.row_length;
    const T* of_species = tables.radial + static_cast<std::size_t>(species) * functions * size * row;
    const V r_c = broadcast(cutoff), r_min = broadcast(static_cast<T>(tables.min_dist));
    constexpr int N = 2;  // neighbours that share a load of the coefficients
    for (std::size_t k = 0; k < neighbours; k += N) {
      T* pair[N];
      V xi[N], edge2[N], twice_edge[N], slope_scale[N];
      IntVec<T> keys[N], close[N];
      unrolled<N>([&](auto i) __attribute__((always_inline)) {
        constexpr int n = i.value;
        pair[n] = record(g, k + n);
        const V x = load(pair[n] + slot_x * W), y = load(pair[n] + slot_y * W), z = load(pair[n] + slot_z * W);
        keys[n] = (IntVec<T>)load(pair[n] + slot_inverse_r * W);
        V r = square_root(x * x + y * y + z * z);
        const V inverse_r = T(1) / r;
        store(pair[n] + slot_x * W, x * inverse_r);
        store(pair[n] + slot_y * W, y * inverse_r);
        store(pair[n] + slot_z * W, z * inverse_r);
        store(pair[n] + slot_r * W, r);
        store(pair[n] + slot_inverse_r * W, inverse_r);
        if (tables.repulsive) {
          close[n] = r < r_min;
          repulsion(g, pair[n], r, close[n]);
          r = close[n] ? r_min : r;
        }
        xi[n] = r * tables.xi_scale + tables.xi_shift;
        const V edge = r - r_c;
        edge2[n] = edge * edge;
        twice_edge[n] = edge + edge;
        slope_scale[n] = edge2[n] * tables.xi_scale;
      });
      const T* coefficients = of_species;
      for (int mu = 0; mu < functions; ++mu) {
        coefficients += static_cast<std::size_t>(size) * row;
        const T* c = coefficients - row;
        V p[N], slope[N];
        unrolled<N>([&](auto n) __attribute__((always_inline)) {
          p[n.value] = Lookup<T>::template get<wide>(c, keys[n.value]);
          slope[n.value] = V{};
        });
        for (int power = 1; power < size; ++power) {
          c -= row;
          unrolled<N>([&](auto n) __attribute__((always_inline)) {
            slope[n.value] = slope[n.value] * xi[n.value] + p[n.value];
            p[n.value] = p[n.value] * xi[n.value] + Lookup<T>::template get<wide>(c, keys[n.value]);
          });
        }
        unrolled<N>([&](auto i) __attribute__((always_inline)) {
          constexpr int n = i.value;
          V derivative = twice_edge[n] * p[n] + slope_scale[n] * slope[n];
          if (tables.repulsive) derivative = close[n] ? V{} : derivative;
          store(pair[n] + (slot_radial + mu) * W, edge2[n] * p[n]);
          store(pair[n] + (slot_radial + functions + mu) * W, derivative);
        });
      }
    }
  }

  /// RBChebyshev_repuls: 1e4 (exp(-10 (r - 1)) - exp(-10 (r_min - 1))) for every neighbour closer than r_min.
  void repulsion(int g, T* pair, V r, IntVec<T> close) {
    T* slope = pair + (slot_radial + 2 * tables.radial_count) * W;
    for (int l = 0; l < W; ++l) {
      const double here = close[l] ? 1e4 * __builtin_exp(-10 * (static_cast<double>(r[l]) - 1)) : 0;
      if (close[l]) repelled[g][l] += here - 1e4 * __builtin_exp(-10 * (tables.min_dist - 1));
      slope[l] = static_cast<T>(-10 * here);
    }
  }

  void basics(int g, std::size_t neighbours) {
    for (int mu = 0; mu < tables.radial_count; ++mu) {
      T* sums = scratch.moments + tables.mu_offset[mu] * static_cast<std::size_t>(stride) + g * W;
      switch (tables.rank[mu]) {
        case -1: break;
        case 0: basics_of_rank<0>(g, mu, neighbours, sums); break;
        case 1: basics_of_rank<1>(g, mu, neighbours, sums); break;
        case 2: basics_of_rank<2>(g, mu, neighbours, sums); break;
        case 3: basics_of_rank<3>(g, mu, neighbours, sums); break;
        case 4: basics_of_rank<4>(g, mu, neighbours, sums); break;
        case 5: basics_of_rank<5>(g, mu, neighbours, sums); break;
        case 6: basics_of_rank<6>(g, mu, neighbours, sums); break;
        case 7: basics_of_rank<7>(g, mu, neighbours, sums); break;
        case 8: basics_of_rank<8>(g, mu, neighbours, sums); break;
        case 9: basics_of_rank<9>(g, mu, neighbours, sums); break;
        default: basics_of_rank<10>(g, mu, neighbours, sums); break;
      }
    }
  }

  template <int D>
  void basics_of_rank(int g, int mu, std::size_t neighbours, T* sums) {
    for (int m = 0; m < (D + 1) * (D + 1); ++m) store(sums + m * stride, V{});
    std::size_t k = 0;
    for (; k + accumulate_together <= neighbours; k += accumulate_together)
      add_monomials<D, accumulate_together>(record(g, k), mu, sums);
    for (; k < neighbours; k += 2) add_monomials<D, 2>(record(g, k), mu, sums);
  }

  /// Adds f x^a y^b for a + b <= D, then f x^a y^b z for a + b < D, of N neighbours.
  template <int D, int N>
  BETALPS_INLINE void add_monomials(const T* pairs, int mu, T* sums) {
    V x[N], y[N], z[N], power[N];
    for (int n = 0; n < N; ++n) {
      const T* pair = pairs + n * scratch.pair_stride;
      x[n] = load(pair + slot_x * W);
      y[n] = load(pair + slot_y * W);
      z[n] = load(pair + slot_z * W);
      power[n] = load(pair + (slot_radial + mu) * W);
    }
    T* with_z = sums + triangle(D) * stride;
    unrolled<D + 1>([&](auto a) __attribute__((always_inline)) {
      V term[N];
      for (int n = 0; n < N; ++n) term[n] = power[n];
      unrolled<D - a.value + 1>([&](auto b) __attribute__((always_inline)) {
        V sum = term[0];
        for (int n = 1; n < N; ++n) sum += term[n];
        store(sums, load(sums) + sum);
        sums += stride;
        if constexpr (a.value + b.value < D) {
          V sum_z = load(with_z);
          for (int n = 0; n < N; ++n) sum_z += term[n] * z[n];
          store(with_z, sum_z);
          with_z += stride;
          for (int n = 0; n < N; ++n) term[n] *= y[n];
        }
      });
      for (int n = 0; n < N; ++n) power[n] *= x[n];
    });
  }

  // ---- moments: products, energy, adjoints ----------------------------------------------------------------------

  struct Pack {  // the same moment of all groups
    V v[G];
  };
  static BETALPS_INLINE Pack load_pack(const T* p) {
    Pack pack;
    for (int g = 0; g < G; ++g) pack.v[g] = load(p + g * W);
    return pack;
  }
  static BETALPS_INLINE void store_pack(T* p, const Pack& pack) {
    for (int g = 0; g < G; ++g) store(p + g * W, pack.v[g]);
  }

  void expand() {
    T* m = scratch.moments;
    for (std::size_t s = 0; s < tables.sphere_steps_count; ++s) {
      const SphereStep& step = tables.sphere_steps[s];
      for (int g = 0; g < stride; g += W)
        store(m + step.result + g, load(m + step.first + g) - load(m + step.second + g) - load(m + step.third + g));
    }
  }

  /// The transpose of expand().
  void fold() {
    T* a = scratch.adjoints;
    for (std::size_t s = tables.sphere_steps_count; s-- > 0;) {
      const SphereStep& step = tables.sphere_steps[s];
      for (int g = 0; g < stride; g += W) {
        const V d = load(a + step.result + g);
        store(a + step.first + g, load(a + step.first + g) + d);
        store(a + step.second + g, load(a + step.second + g) - d);
        store(a + step.third + g, load(a + step.third + g) - d);
      }
    }
  }

  /// out[destination] = (start ? out[destination] : 0) + sum of factor * left[first] * right[second].
  template <bool start>
  static BETALPS_APART void accumulate(const TermList<Term<T>>& list, T* out, const T* left, const T* right) {
    const Term<T>* term = list.terms;
    const std::uint32_t* destination = list.destinations;
    for (std::size_t s = 0; s < list.segments_count; ++s) {
      const Segment segment = list.segments[s];
      for (std::uint32_t d = 0; d < segment.count; ++d) {
        T* const to = out + *destination++;
        Pack sum = start ? load_pack(to) : Pack{};
        for (std::uint32_t t = 0; t < segment.length; ++t, ++term) {
          const V factor = broadcast(term->factor);
          for (int g = 0; g < G; ++g)
            sum.v[g] += factor * load(left + term->first + g * W) * load(right + term->second + g * W);
        }
        store_pack(to, sum);
      }
    }
  }

  void forward() { accumulate<false>(tables.forward, scratch.moments, scratch.moments, scratch.moments); }
  void backward() { accumulate<true>(tables.backward, scratch.adjoints, scratch.adjoints, scratch.moments); }

  /// The energy, and dE/dM of every moment as if no moment were a product of others.
  void terminal(std::size_t block, std::size_t last_group) {
    const T* m = scratch.moments;
    Pack energy{};
    const LinearTerm<T>* term = tables.terminal.terms;
    const std::uint32_t* destination = tables.terminal.destinations;
    for (std::size_t s = 0; s < tables.terminal.segments_count; ++s) {
      const Segment segment = tables.terminal.segments[s];
      for (std::uint32_t d = 0; d < segment.count; ++d) {
        const std::uint32_t to = *destination++;
        Pack sum{};
        for (std::uint32_t t = 0; t < segment.length; ++t, ++term) {
          const V factor = broadcast(term->factor);
          for (int g = 0; g < G; ++g) sum.v[g] += factor * load(m + term->first + g * W);
        }
        const V linear = broadcast(tables.linear[to / stride]);
        for (int g = 0; g < G; ++g) {
          energy.v[g] += (linear + T(0.5) * sum.v[g]) * load(m + to + g * W);
          sum.v[g] += linear;
        }
        store_pack(scratch.adjoints + to, sum);
      }
    }
    for (int g = 0; g < G && block + g < last_group; ++g) {
      const std::int32_t* centres = call.centres + (block + g) * W;
      const double shift = tables.species_energy[call.group_species[block + g]];
      for (int l = 0; l < W && centres[l] >= 0; ++l)
        call.site_energies[centres[l]] = shift + static_cast<double>(energy.v[g][l]) + repelled[g][l];
    }
  }

#include "gradient.inl"
#include "columns.inl"
#include "grades.inl"
};

template <class T>
void run(const Call<T>& call, const Scratch<T>& scratch, std::size_t first_group, std::size_t last_group) {
  Loop<T>(call, scratch).run(first_group, last_group);
}

#if defined(__x86_64__)
#define BETALPS_KEEP(v) asm volatile("" : "+v"(v))  // computed, in a register, and not known beyond
#else
#define BETALPS_KEEP(v) asm volatile("" : "+w"(v))
#endif

/// Independent chains of multiply-adds, enough to fill the pipeline.
template <class T>
double peak(long repetitions) {
  constexpr int chains = registers >= 32 ? 24 : 12;
  Vec<T> sums[chains];
  unrolled<chains>([&](auto c) __attribute__((always_inline)) { sums[c.value] = broadcast(static_cast<T>(c.value)); });
  const Vec<T> a = broadcast(static_cast<T>(0.999)), b = broadcast(static_cast<T>(1e-3));
  for (long i = 0; i < repetitions; ++i)
    unrolled<chains>([&](auto c) __attribute__((always_inline)) {
      sums[c.value] = sums[c.value] * a + b;
      BETALPS_KEEP(sums[c.value]);
    });
  return 2.0 * chains * BETALPS_LANES(T) * static_cast<double>(repetitions);
}

template <class T>
const Kernel<T>& kernel() {
  static constexpr Kernel<T> it = {
      {BETALPS_LANES(T), groups_together, Lookup<T>::width, grade_batch, grade_columns}, &run<T>, &peak<T>};
  return it;
}

}  // namespace

#define BETALPS_JOIN_(a, b) a##b
#define BETALPS_JOIN(a, b) BETALPS_JOIN_(a, b)
const Kernel<double>& BETALPS_JOIN(kernel_, BETALPS_ISA_NAME)(double) { return kernel<double>(); }
const Kernel<float>& BETALPS_JOIN(kernel_, BETALPS_ISA_NAME)(float) { return kernel<float>(); }

}  // namespace betalps
