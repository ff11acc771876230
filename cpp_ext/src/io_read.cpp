// The parser of .almtp and .mtp files.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <stdexcept>

#include "betalps/io.hpp"
#include "io_active_set.hpp"
#include "io_scanner.hpp"

namespace betalps {
namespace {

using io::Scanner;

constexpr int kMostSpecies = 118, kMostRadialSize = 128;

void parse_header(Scanner& in, Potential& p) {
  in.expect_word("MTP");
  in.expect_key("version");
  in.skip_blanks();
  const std::size_t start = in.position();
  p.version = std::string(in.rest_of_line());
  if (p.version != "1.1.0") in.fail_at(start, "version 1.1.0");
  if (in.peek_word() == "potential_name") p.name = in.key_text("potential_name");
  if (in.peek_word() == "scaling") p.scaling = in.key_number("scaling");
  p.species_count = in.key_integer("species_count", 1, kMostSpecies);
  for (int type = 0; type < p.species_count; ++type) p.types.push_back(type);
  if (in.peek_word() == "potential_tag") p.tag = in.key_text("potential_tag");
}

RadialBasis parse_radial_type(Scanner& in) {
  in.expect_key("radial_basis_type");
  in.skip_blanks();
  const std::size_t start = in.position();
  const std::string_view type = in.rest_of_line();
  if (type == "RBChebyshev") return RadialBasis::chebyshev;
  if (type == "RBChebyshev_repuls") return RadialBasis::chebyshev_repulsive;
  in.fail_at(start, "RBChebyshev or RBChebyshev_repuls (no other radial basis is implemented)");
}

/// MLIP has two names for some keys; the newer is the one that errors ask for.
std::string_view either(Scanner& in, std::string_view name, std::string_view older) {
  return in.peek_word() == older ? older : name;
}

void parse_radial_sizes(Scanner& in, Potential& p) {
  if (in.peek_word() == "scaling") p.scaling *= in.key_number("scaling");
  p.min_dist = in.key_number(either(in, "min_dist", "min_val"));
  p.max_dist = in.key_number(either(in, "max_dist", "max_val"));
  p.radial_size = in.key_integer(either(in, "radial_basis_size", "basis_size"), 1, kMostRadialSize);
  const std::string_view next = in.peek_word();
  if (next.substr(0, 8) == "magnetic") in.fail("'radial_funcs_count =' (magnetic potentials are not supported)");
  p.radial_count = in.key_integer("radial_funcs_count", 1, BasisLimits::radial_functions);
}

/// `i-j`: the headers of the first centre name the types, all others must repeat them.
void parse_pair_header(Scanner& in, Potential& p, int pair) {
  constexpr int kMost = std::numeric_limits<int>::max();
  in.skip_space();
  const std::size_t start = in.position();
  const int i = pair / p.species_count, j = pair % p.species_count;
  const int centre = in.integer(0, kMost);
  in.expect('-');
  const int neighbour = in.integer(0, kMost);
  if (pair == 0) p.types[0] = centre;
  if (i == 0 && j > 0) {
    const auto known = p.types.begin() + j;
    if (centre != p.types[0] || std::find(p.types.begin(), known, neighbour) != known)
      in.fail_at(start, "'" + std::to_string(p.types[0]) + "-<type>' with type " + std::to_string(j + 1) + " of " +
                            std::to_string(p.species_count) + ", which has not appeared yet");
    p.types[j] = neighbour;
  }
  if (centre != p.types[i] || neighbour != p.types[j])
    in.fail_at(start, "'" + std::to_string(p.types[i]) + "-" + std::to_string(p.types[j]) + "'");
}

void parse_radial_coeffs(Scanner& in, Potential& p) {
  in.expect_word("radial_coeffs");
  in.need(p.radial_coeffs_count(), 2, "radial coefficients");
  p.radial_coeffs.reserve(p.radial_coeffs_count());
  for (int pair = 0; pair < p.species_count * p.species_count; ++pair) {
    parse_pair_header(in, p, pair);
    for (int mu = 0; mu < p.radial_count; ++mu) {
      const std::vector<double> row = in.numbers(static_cast<std::size_t>(p.radial_size));
      p.radial_coeffs.insert(p.radial_coeffs.end(), row.begin(), row.end());
    }
  }
}

/// `key = {{a, b, c, d}, ...}` of `count` rows.
std::vector<std::array<int, 4>> parse_rows(Scanner& in, std::string_view key, int count) {
  constexpr int kLow = std::numeric_limits<int>::min(), kHigh = std::numeric_limits<int>::max();
  in.expect_key(key);
  in.need(static_cast<std::size_t>(count), 9, "rows {a,b,c,d}");
  std::vector<std::array<int, 4>> rows(static_cast<std::size_t>(count));
  in.expect('{');
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (row > 0 && !in.accept(','))
      in.fail("',' and " + std::to_string(rows.size() - row) + " more of " + std::to_string(rows.size()) + " rows");
    in.expect('{');
    for (std::size_t k = 0; k < 4; ++k) {
      if (k > 0) in.expect(',');
      rows[row][k] = in.integer(kLow, kHigh);
    }
    in.expect('}');
  }
  in.expect('}');
  return rows;
}

void parse_basis(Scanner& in, Potential& p) {
  Basis& basis = p.basis;
  in.skip_space();
  const std::size_t start = in.position();
  basis.moments_count = in.key_integer("alpha_moments_count", 1, BasisLimits::moments);
  const int basics = in.key_integer("alpha_index_basic_count", 1, basis.moments_count);
  for (const auto& [mu, x, y, z] : parse_rows(in, "alpha_index_basic", basics)) basis.basics.push_back({mu, x, y, z});
  const int products = in.key_integer("alpha_index_times_count", 0, BasisLimits::products);
  for (const auto& [left, right, factor, result] : parse_rows(in, "alpha_index_times", products))
    basis.products.push_back({left, right, factor, result});
  const int scalars = in.key_integer("alpha_scalar_moments", 1, basis.moments_count);
  in.expect_key("alpha_moment_mapping");
  basis.scalars = in.integers(static_cast<std::size_t>(scalars), 0, basis.moments_count - 1);
  try {
    basis.check();
  } catch (const std::invalid_argument& error) {
    in.fail_at(start, "alpha_* tables that are inconsistent (" + std::string(error.what()) + ")",
               "indices in range and every product after the products that it reads");
  }
}

void parse_linear_coeffs(Scanner& in, Potential& p) {
  if (in.peek_word() == "species_coeffs") {
    in.expect_key("species_coeffs");
    p.species_coeffs = in.numbers(static_cast<std::size_t>(p.species_count));
  }
  if (in.peek_word() == "moment_coeffs") {
    in.expect_key("moment_coeffs");
    p.moment_coeffs = in.numbers(p.basis.scalars.size());
  }
}

}  // namespace

Potential parse_potential(std::string_view bytes, const std::string& source) {
  Scanner in(bytes, source);
  Potential p;
  parse_header(in, p);
  p.radial_basis = parse_radial_type(in);
  parse_radial_sizes(in, p);
  if (in.peek_word() == "radial_coeffs") parse_radial_coeffs(in, p);
  parse_basis(in, p);
  parse_linear_coeffs(in, p);
  in.skip_space();
  const std::size_t end = in.position();
  if (!in.at_end() && in.peek_byte() == "#") p.active_set = io::parse_active_set(in, p.coeffs_count());
  if (!in.at_end())
    in.fail(p.moment_coeffs.empty() ? "'species_coeffs =', 'moment_coeffs =', '#MVS_v1.1' or the end of the file"
                                    : "'#MVS_v1.1' or the end of the file");
  try {
    p.check();  // what is left: values out of range, each alone well-formed
  } catch (const std::invalid_argument& error) {
    in.fail_at(end, "a file whose values do not fit together (" + std::string(error.what()) + ")",
               "a valid potential");
  }
  return p;
}

Potential read_potential(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open the potential file " + path);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) throw std::runtime_error("cannot read the potential file " + path);
  return parse_potential(bytes, path);
}

}  // namespace betalps
