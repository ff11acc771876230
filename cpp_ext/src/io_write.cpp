// The writer of .almtp and .mtp files.
#include "betalps/io.hpp"
#include "io_active_set.hpp"
#include "io_scanner.hpp"

namespace betalps {
namespace {

void append_list(std::string& text, const double* values, std::size_t count) {
  text += '{';
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) text += ", ";
    io::append_number(text, values[i]);
  }
  text += "}\n";
}

void append_row(std::string& text, bool first, int a, int b, int c, int d) {
  text += first ? "{" : ", {";
  text += std::to_string(a) + ", " + std::to_string(b) + ", " + std::to_string(c) + ", " + std::to_string(d) + '}';
}

void append_radial(std::string& text, const Potential& p) {
  const auto number = [&text](const char* key, double value) {
    text += key;
    io::append_number(text, value);
    text += '\n';
  };
  text += "radial_basis_type = ";
  text += p.radial_basis == RadialBasis::chebyshev ? "RBChebyshev\n" : "RBChebyshev_repuls\n";
  number("\tmin_dist = ", p.min_dist);
  number("\tmax_dist = ", p.max_dist);
  text += "\tradial_basis_size = " + std::to_string(p.radial_size) + '\n';
  text += "\tradial_funcs_count = " + std::to_string(p.radial_count) + '\n';
  if (p.radial_coeffs.empty()) return;
  text += "\tradial_coeffs\n";
  const double* row = p.radial_coeffs.data();
  for (const int centre : p.types)
    for (const int neighbour : p.types) {
      text += "\t\t" + std::to_string(centre) + '-' + std::to_string(neighbour) + '\n';
      for (int mu = 0; mu < p.radial_count; ++mu, row += p.radial_size) {
        text += "\t\t\t";
        append_list(text, row, static_cast<std::size_t>(p.radial_size));
      }
    }
}

// Every list stands on one line: LAMMPS's readers of these files ask for it.
void append_basis(std::string& text, const Basis& basis) {
  text += "alpha_moments_count = " + std::to_string(basis.moments_count);
  text += "\nalpha_index_basic_count = " + std::to_string(basis.basics.size()) + "\nalpha_index_basic = {";
  for (const BasicMoment& m : basis.basics) append_row(text, &m == &basis.basics.front(), m.mu, m.x, m.y, m.z);
  text += "}\nalpha_index_times_count = " + std::to_string(basis.products.size()) + "\nalpha_index_times = {";
  for (const Product& p : basis.products)
    append_row(text, &p == &basis.products.front(), p.left, p.right, p.factor, p.result);
  text += "}\nalpha_scalar_moments = " + std::to_string(basis.scalars.size()) + "\nalpha_moment_mapping = {";
  for (std::size_t s = 0; s < basis.scalars.size(); ++s)
    text += (s > 0 ? ", " : "") + std::to_string(basis.scalars[s]);
  text += "}\n";
}

}  // namespace

std::string format_potential(const Potential& p, FileFormat format) {
  p.check();
  std::string text = "MTP\nversion = " + p.version + "\npotential_name = " + p.name + "\nscaling = ";
  io::append_number(text, p.scaling);
  text += "\nspecies_count = " + std::to_string(p.species_count) + "\npotential_tag = " + p.tag + '\n';
  append_radial(text, p);
  append_basis(text, p.basis);
  if (!p.species_coeffs.empty()) {
    text += "species_coeffs = ";
    append_list(text, p.species_coeffs.data(), p.species_coeffs.size());
  }
  if (!p.moment_coeffs.empty()) {
    text += "moment_coeffs = ";
    append_list(text, p.moment_coeffs.data(), p.moment_coeffs.size());
  }
  if (format == FileFormat::almtp && p.active_set) io::append_active_set(text, *p.active_set);
  return text;
}

}  // namespace betalps
