// From a potential to the tables of the inner loop.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "aligned.hpp"
#include "betalps/mtp.hpp"
#include "tables.hpp"

namespace betalps {

/// A TermList and the memory it points into.
template <class TermType>
struct OwnedTerms {
  std::vector<TermType> terms;
  std::vector<std::uint32_t> destinations;
  std::vector<Segment> segments;

  TermList<TermType> view() const { return {terms.data(), destinations.data(), segments.data(), segments.size()}; }
};

/// Tables and the memory they point into.
template <class T>
struct CompiledPotential {
  Tables<T> tables{};

  AlignedVector<T> radial;
  std::vector<double> species_energy;
  std::vector<int> rank;
  std::vector<std::uint32_t> mu_offset;
  std::vector<SphereStep> sphere_steps;
  std::vector<T> linear;
  OwnedTerms<Term<T>> forward, backward, scalar_products;
  OwnedTerms<LinearTerm<T>> terminal;
  std::vector<std::uint32_t> scalar_moment;
};

/// Throws std::invalid_argument when the potential has no coefficients or is beyond what the inner loop holds
/// (radial basis size, rank of the basic moments).
template <class T>
std::unique_ptr<CompiledPotential<T>> compile(const Potential& potential, const Layout& layout);

extern template std::unique_ptr<CompiledPotential<double>> compile(const Potential&, const Layout&);
extern template std::unique_ptr<CompiledPotential<float>> compile(const Potential&, const Layout&);

}  // namespace betalps
