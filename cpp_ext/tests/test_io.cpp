// Potential files: round trips, and what is said about files that are wrong.
#include <algorithm>
#include <clocale>
#include <limits>
#include <stdexcept>
#include <string>

#include "betalps/errors.hpp"
#include "betalps/io.hpp"
#include "check.hpp"

using namespace betalps;

namespace {

Potential template_of_level(int level, int species) {
  Potential p;
  p.basis = make_basis(level);
  p.min_dist = 1.8, p.max_dist = 5.0, p.scaling = 0.1;
  p.radial_size = 3, p.radial_count = p.basis.radial_functions();
  p.species_count = species;
  for (int type = 0; type < species; ++type) p.types.push_back(type);
  return p;
}

/// Numbers with all bits in use, of very different sizes and both signs.
std::vector<double> numbers(std::size_t count, double seed) {
  std::vector<double> values(count);
  double x = seed;
  for (double& value : values) {
    x = 3.9 * x * (1 - x);
    value = (x - 0.5) * std::pow(10.0, 40 * x - 20);
  }
  return values;
}

Potential trained(int level = 8, int species = 2) {
  Potential p = template_of_level(level, species);
  p.radial_coeffs = numbers(p.radial_coeffs_count(), 0.3);
  p.species_coeffs = numbers(static_cast<std::size_t>(species), 0.4);
  p.moment_coeffs = numbers(p.basis.scalars.size(), 0.6);
  return p;
}

Potential with_active_set() {
  Potential p = trained(2, 1);
  ActiveSet set;
  const std::size_t n = p.coeffs_count();
  set.size = n;
  set.matrix = numbers(n * n, 0.2);
  set.inverse_transpose = numbers(n * n, 0.7);
  set.configuration.assign(n, -1), set.equation.assign(n, -1);
  set.configuration[0] = 3, set.equation[0] = 7;
  set.configurations = "BEGIN_CFG\nEND_CFG\n\n";
  p.active_set = set;
  return p;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  CHECK(at != std::string::npos);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

void check_same(const Potential& a, const Potential& b) {
  CHECK(a.radial_coeffs == b.radial_coeffs);
  CHECK(a.species_coeffs == b.species_coeffs);
  CHECK(a.moment_coeffs == b.moment_coeffs);
  CHECK(a.scaling == b.scaling && a.min_dist == b.min_dist && a.max_dist == b.max_dist);
  CHECK(a.types == b.types && a.name == b.name && a.tag == b.tag && a.radial_basis == b.radial_basis);
  CHECK(a.basis.scalars == b.basis.scalars);
  CHECK(a.basis.products.size() == b.basis.products.size());
  CHECK(a.active_set.has_value() == b.active_set.has_value());
}

void round_trips() {
  for (const int level : {2, 8, 14}) {
    Potential p = trained(level, 3);
    p.tag = "species:Li,P,S and more", p.name = "a name", p.types = {3, 15, 16};
    check_same(p, parse_potential(format_potential(p)));
  }
  Potential untrained = template_of_level(6, 4);
  check_same(untrained, parse_potential(format_potential(untrained)));
  CHECK(!parse_potential(format_potential(untrained)).fitted());
  Potential extreme = trained();
  extreme.moment_coeffs[0] = std::numeric_limits<double>::denorm_min();
  extreme.moment_coeffs[1] = std::numeric_limits<double>::max();
  extreme.moment_coeffs[2] = -0.0;
  check_same(extreme, parse_potential(format_potential(extreme)));
  CHECK(std::signbit(parse_potential(format_potential(extreme)).moment_coeffs[2]));
  extreme.radial_basis = RadialBasis::chebyshev_repulsive;
  check_same(extreme, parse_potential(format_potential(extreme)));
}

void active_sets() {
  const Potential p = with_active_set();
  const std::string text = format_potential(p);
  const Potential q = parse_potential(text);
  CHECK(q.active_set->matrix == p.active_set->matrix);
  CHECK(q.active_set->inverse_transpose == p.active_set->inverse_transpose);
  CHECK(q.active_set->configuration == p.active_set->configuration);
  CHECK(q.active_set->equation == p.active_set->equation);
  CHECK(q.active_set->configurations == p.active_set->configurations);
  CHECK(q.active_set->unfilled() == p.active_set->size - 1);
  CHECK(format_potential(q) == text);
  CHECK(format_potential(q, FileFormat::mtp).find('#') == std::string::npos);
  // What was read is written as it was, even where we would have written it differently.
  const std::string other = replaced(text, "weight_scaling 2", "weight_scaling   2 ");
  CHECK(format_potential(parse_potential(other)) == other);

  for (std::size_t cut = text.find("#MVS") + 1; cut + 20 < text.size(); ++cut)
    CHECK_THROWS(parse_potential(text.substr(0, cut)), FormatError, "expected");
  const std::size_t blob = text.find("2\n#") + 3;
  std::string nan = text;
  std::fill_n(nan.begin() + static_cast<std::ptrdiff_t>(blob), 8, '\xff');
  CHECK_THROWS(parse_potential(nan), FormatError, "finite doubles");
  CHECK_THROWS(parse_potential(text.substr(0, blob) + text.substr(blob + 8)), FormatError,
               "two matrices of 5 x 5 doubles");
}

void variants() {
  const std::string text = format_potential(trained());
  std::string bare = replaced(text, "potential_name = MTP1m\n", "");
  bare = replaced(bare, "potential_tag = \n", "");
  CHECK(parse_potential(bare).name == "MTP1m");
  std::string older = replaced(text, "min_dist", "min_val");
  older = replaced(replaced(older, "max_dist", "max_val"), "radial_basis_size", "basis_size");
  check_same(parse_potential(older), trained());
  const std::string twice = replaced(text, "\tmin_dist", "\tscaling = 0.5\n\tmin_dist");
  CHECK_CLOSE(parse_potential(twice).scaling, 0.05, 1e-17);
  std::string windows;
  for (const char c : text) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  check_same(parse_potential(windows), trained());
  std::string wrapped;  // lists over several lines
  for (const char c : text) wrapped += c == ',' ? std::string(",\n\t") : std::string(1, c);
  check_same(parse_potential(wrapped), trained());
}

void locales() {
  const std::string text = format_potential(trained());
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8"})
    if (std::setlocale(LC_ALL, name)) CHECK(format_potential(parse_potential(text)) == text);
  std::setlocale(LC_ALL, "C");
}

/// Every message names the line, what is there, and what should be.
void malformed() {
  const std::string text = format_potential(trained());
  const auto expect = [&](const std::string& from, const std::string& to, const char* message) {
    CHECK_THROWS(parse_potential(replaced(text, from, to), "x.almtp"), FormatError, message);
  };
  CHECK_THROWS(parse_potential("", "x.almtp"), FormatError,
               "x.almtp, line 1: found the end of the file, expected 'MTP'");
  expect("MTP\n", "MTQ\n", "line 1: found 'MTQ', expected 'MTP'");
  expect("1.1.0", "2.0", "line 2: found '2.0', expected version 1.1.0");
  expect("scaling = ", "scaling = nan", "line 4: found 'nan");
  expect("scaling = 1", "scaling = inf 1", "line 4: found 'inf");
  expect("species_count = 2", "species_count = 0", "line 5: found '0', expected an integer from 1 to 118");
  expect("species_count = 2", "species_count = 99999999999999999999", "expected an integer from 1 to 118");
  expect("species_count = 2", "species_count = 2.5", "found '2.5', expected an integer");
  expect("species_count = 2", "species_count = 3", "found '1-0', expected '0-<type>' with type 3 of 3");
  expect("species_count", "species_number", "found 'species_number = 2', expected 'species_count ='");
  expect("RBChebyshev", "RBShapeev", "line 7: found 'RBShapeev', expected RBChebyshev or RBChebyshev_repuls");
  expect("\tradial_funcs_count", "\tmagnetic_basis_type = X\n\tradial_funcs_count",
         "magnetic potentials are not supported");
  for (const char* tag : {"a\tb", "\xff", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                          "\xf4\x90\x80\x80", "\xc3\x28"})
    expect("potential_tag = ", (std::string("potential_tag = ") + tag).c_str(), "expected a line of UTF-8 text");
  for (const char* tag : {"\xc3\x85", "\xe2\x88\x82", "\xf0\x9f\x99\x82"})
    CHECK(parse_potential(replaced(text, "potential_tag = ", std::string("potential_tag = ") + tag)).tag == tag);
  expect("max_dist = 5", "max_dist = 1", "max_dist is 1 A, expected more than min_dist (1.8)");
  expect("\t\t0-1\n", "\t\t1-1\n", "found '1-1', expected '0-<type>'");
  expect("\t\t1-0\n", "\t\t0-1\n", "found '0-1', expected '1-0'");
  expect("\t\t0-0\n", "\t\t0-1\n", "found '0-1', expected '0-0'");
  expect("\t\t0-1\n", "\t\t0-0\n", "found '0-0', expected '0-<type>' with type 2 of 2, which has not appeared yet");
  expect("{0, 1, 0, 0}", "{0, 1, 0}", "found '}");
  expect("{0, 1, 0, 0}", "{0, -1, 0, 0}", "has the power -1, expected 0 to 16");
  expect("{0, 1, 0, 0}", "{64, 1, 0, 0}", "mu = 64, expected 0 to 63");
  expect("{0, 1, 0, 0}", "{2, 1, 0, 0}", "radial_count is 2, the basic moments need 3");
  expect("{0, 0, 1, 11}", "{0, 17, 1, 11}", "before product");
  expect("{0, 0, 1, 11}", "{0, 0, 1, 3}", "writes to basic moment 3");
  expect("{0, 0, 1, 11}", "{0, 0, 1, 99}", "names moment 99, expected 0 to 17");
  expect("alpha_index_times_count = 14", "alpha_index_times_count = 4194304", "expected 4194304 rows {a,b,c,d}");
  expect("alpha_index_times_count = 14", "alpha_index_times_count = 15", "expected ',' and 1 more of 15 rows");
  expect("alpha_index_times_count = 14", "alpha_index_times_count = 13", "expected '}'");
  expect("alpha_moments_count = 18", "alpha_moments_count = 1048576", "moments_count is 1048576, expected 11 to 25");
  expect("alpha_scalar_moments = 9", "alpha_scalar_moments = 8", "expected '}' after 8 integers");
  expect("alpha_moment_mapping = {0", "alpha_moment_mapping = {18", "expected an integer from 0 to 17");
  expect("moment_coeffs = {", "moment_coeffs = {1, ", "expected '}' after 9 numbers");
  expect("moment_coeffs", "moment_coefs", "expected 'species_coeffs =', 'moment_coeffs ='");
  CHECK_THROWS(parse_potential(text + "x"), FormatError, "found 'x', expected '#MVS_v1.1' or the end of the file");
  const std::size_t last_comma = text.rfind(',');
  CHECK_THROWS(parse_potential(text.substr(0, last_comma) + "}\n"), FormatError,
               "found '}', expected ',' and 1 more of 9 numbers");
  CHECK_THROWS(read_potential("/no/such/file.almtp"), std::runtime_error, "cannot open the potential file");
}

/// No prefix of a file is taken for a whole one, except where what is missing is optional.
void truncated() {
  const std::string text = format_potential(trained());
  const std::size_t mapping_end = text.find("species_coeffs") - 1, species_end = text.find("moment_coeffs") - 1;
  for (std::size_t cut = 0; cut + 1 < text.size(); ++cut) {
    if (cut == mapping_end || cut == mapping_end + 1 || cut == species_end || cut == species_end + 1) continue;
    if (cut + 2 == text.size()) continue;
    CHECK_THROWS(parse_potential(text.substr(0, cut)), FormatError, "expected");
  }
}

void bad_potentials() {
  const auto expect = [](const char* message, void (*spoil)(Potential&)) {
    Potential p = trained();
    spoil(p);
    CHECK_THROWS(p.check(), std::invalid_argument, message);
    CHECK_THROWS(format_potential(p), std::invalid_argument, message);
  };
  expect("radial_coeffs has 35 numbers, expected 24", [](Potential& p) { p.radial_coeffs.resize(35); });
  expect("moment_coeffs[4] is nan", [](Potential& p) { p.moment_coeffs[4] = std::nan(""); });
  expect("name holds a line break", [](Potential& p) { p.name = "a\nb"; });
  expect("tag starts or ends with a blank", [](Potential& p) { p.tag = " a"; });
  expect("types has 2 entries, expected 3", [](Potential& p) { p.species_count = 3; });
  expect("type 1 appears twice", [](Potential& p) { p.types = {1, 1}; });
  expect("radial_count is 1, the basic moments need 2", [](Potential& p) { p.radial_count = 1; });
  expect("active_set.size is 0", [](Potential& p) { p.active_set.emplace(); });
  expect("scaling is 0", [](Potential& p) { p.scaling = 0; });
  expect("min_dist is -1", [](Potential& p) { p.min_dist = -1; });
}

}  // namespace

int main() {
  round_trips();
  active_sets();
  variants();
  locales();
  malformed();
  truncated();
  bad_potentials();
  return check::finish();
}
