// What an Evaluator holds: the compiled potential, the structure as the inner loop reads it, and the buffers of
// every thread. Engine<T> does the work in one precision.
#pragma once

#include <memory>
#include <vector>

#include "aligned.hpp"
#include "betalps/evaluate.hpp"
#include "compile.hpp"
#include "dispatch.hpp"
#include "grade_tables.hpp"

namespace betalps {

/// A structure packed for the inner loop: one row per atom, centres in groups of one species.
struct PackedPairs {
  AlignedVector<Row> rows;
  std::vector<std::int32_t> centres;        // groups x lanes, -1 where there is none
  std::vector<std::int32_t> group_species;
  std::size_t longest = 0;                  // candidates of one centre

  void pack(const Pairs& pairs, int species_count, int lanes);
  std::size_t groups() const { return group_species.size(); }
};

template <class T>
struct ThreadBuffers {
  AlignedVector<T> pairs, moments, adjoints, factors, columns, kept;
  AlignedVector<double> lanes, forces;
  std::vector<std::int32_t> indices;
  std::vector<std::size_t> queue, queued;
  std::array<double, StageTimes::count> seconds{};
};

struct Wanted {
  Output output;
  double* site_rows = nullptr;
  double* grades = nullptr;
};

template <class T>
class TypedEngine {
 public:
  TypedEngine(const Potential& potential, Isa isa);
  void run(const Pairs& pairs, const Wanted& wanted, const PackedGrades* grades, ThreadPool& pool, StageTimes* times);

 private:
  Scratch<T> scratch(ThreadBuffers<T>& buffers, bool forces, bool columns, const PackedGrades* grades,
                     std::size_t atoms, bool timed) const;

  const Kernel<T>& kernel_;
  std::unique_ptr<CompiledPotential<T>> compiled_;
  std::size_t coefficients_;
  PackedPairs packed_;
  std::vector<ThreadBuffers<T>> buffers_;
};

extern template class TypedEngine<double>;
extern template class TypedEngine<float>;

}  // namespace betalps
