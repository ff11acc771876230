// A moment tensor potential as data: its parameters, and nothing about how it is evaluated.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "betalps/basis.hpp"

namespace betalps {

enum class RadialBasis {
  chebyshev,            // RBChebyshev
  chebyshev_repulsive,  // RBChebyshev_repuls: r clamped at min_dist, plus a fixed repulsion
};

/// The active set of MLIP-3 (D-optimality): A (n x n), its inverse transposed, and where each row came from.
struct ActiveSet {
  double energy_weight = 0, force_weight = 0, stress_weight = 0, site_energy_weight = 1;
  int weight_scaling = 2;
  std::size_t size = 0;                   // n = number of coefficients of the potential
  std::vector<double> matrix;             // A, row-major, one row per selected equation
  std::vector<double> inverse_transpose;  // A^-T, row-major
  std::vector<int> configuration;         // per row; -1: this row was never filled
  std::vector<int> equation;              // per row; 0 energy, 1.. forces, 3N+1.. stress, 3N+10.. site energies
  std::string configurations;             // the selected configurations, as .cfg text
  std::string raw;  // when read from a file: every byte from the line "#MVS_v1.1" on; written back verbatim

  /// Neighbourhood mode grades single site energies; configuration mode grades their sum.
  bool neighbourhood_mode() const { return site_energy_weight != 0; }
  std::size_t unfilled() const;  // rows that still hold the initial 1e-6 * identity
};

struct Potential {
  std::string version = "1.1.0";
  std::string name = "MTP1m";
  std::string tag;
  RadialBasis radial_basis = RadialBasis::chebyshev;
  double scaling = 1;    // s: multiplies every radial basis function
  double min_dist = 0;   // r_min, Angstrom
  double max_dist = 0;   // r_c, Angstrom
  int radial_size = 0;   // number of radial basis functions Q_n
  int radial_count = 0;  // number of radial functions f_mu
  int species_count = 0;
  std::vector<int> types;  // the integer that stands for each species in .cfg files; 0, 1, 2, ... unless the file says
  Basis basis;
  std::vector<double> radial_coeffs;   // [z_i][z_j][mu][n]; empty when untrained
  std::vector<double> species_coeffs;  // [z_i]; empty when untrained
  std::vector<double> moment_coeffs;   // [scalar]; empty when untrained
  std::optional<ActiveSet> active_set;

  bool fitted() const { return !radial_coeffs.empty() && !species_coeffs.empty() && !moment_coeffs.empty(); }

  // Coefficients are numbered: radial (z_i, z_j, mu, n), species, moments.
  std::size_t radial_coeffs_count() const {
    return static_cast<std::size_t>(species_count) * species_count * radial_count * radial_size;
  }
  std::size_t coeffs_count() const { return radial_coeffs_count() + species_count + basis.scalars.size(); }

  /// Throws std::invalid_argument naming the first member that is out of range or of the wrong length.
  void check() const;
};

}  // namespace betalps
