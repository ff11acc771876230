// What an Evaluator holds: the compiled potential, the structure as the inner loop reads it, and the buffers of
// every thread. Engine<T> does the work in one precision.
#pragma once

#include <memory>
#include <vector>

#include "aligned.hpp"
#include "betalps/evaluate.hpp"
#include "compile.hpp"
#include "dispatch.hpp"

namespace betalps {

/// A structure packed for the inner loop: one row per atom, centres in groups of one species.
struct PackedPairs {
  AlignedVector<Row> rows;
  std::vector<std::int32_t> centres;        // groups x lanes, -1 where there is none
  std::vector<std::int32_t> group_species;
  std::size_t longest = 0;                  // candidates of one centre

  /// `species_together` puts all groups of a species side by side, as grades want them; else they follow space.
  void pack(const Pairs& pairs, int species_count, int lanes, bool species_together);
  std::size_t groups() const { return group_species.size(); }
};

/// A^-1 cut and packed for each central species.
struct PackedGrades {
  AlignedVector<double> memory;
  std::vector<GradeTable> tables;
};
PackedGrades pack_grades(const Potential& potential, int columns);

template <class T>
struct ThreadBuffers {
  AlignedVector<T> pairs, moments, adjoints, columns;
  AlignedVector<double> lanes, forces;
  std::vector<std::int32_t> indices;
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
  Scratch<T> scratch(ThreadBuffers<T>& buffers, bool forces, bool columns, std::size_t atoms, bool timed) const;

  const Kernel<T>& kernel_;
  std::unique_ptr<CompiledPotential<T>> compiled_;
  std::size_t coefficients_;
  PackedPairs packed_;
  std::vector<ThreadBuffers<T>> buffers_;
};

extern template class TypedEngine<double>;
extern template class TypedEngine<float>;

}  // namespace betalps
