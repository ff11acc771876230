#include "betalps/mtp.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <stdexcept>

namespace betalps {
namespace {

// Far above anything in use; they keep what a small file or a wrong argument can ask for in bounds.
constexpr int kMaxSpecies = 118;
constexpr int kMaxRadialSize = 128;
constexpr double kMaxCutoff = 100;  // Angstrom
constexpr std::size_t kMaxCoeffs = std::size_t{1} << 24;

[[noreturn]] void fail(const std::string& message) { throw std::invalid_argument("potential: " + message); }

void check_int(const char* name, int value, int low, int high) {
  if (value < low || value > high)
    fail(std::string(name) + " is " + std::to_string(value) + ", expected " + std::to_string(low) + " to " +
         std::to_string(high));
}

std::string show(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

void check_text(const char* name, const std::string& text) {
  for (const unsigned char c : text)
    if (c < 0x20 || c == 0x7f) fail(std::string(name) + " holds a line break or another control character");
  if (!text.empty() && (text.front() == ' ' || text.back() == ' '))
    fail(std::string(name) + " starts or ends with a blank");
}

void check_numbers(const char* name, const std::vector<double>& values, std::size_t expected, bool may_be_empty) {
  if (values.size() != expected && !(may_be_empty && values.empty()))
    fail(std::string(name) + " has " + std::to_string(values.size()) + " numbers, expected " +
         std::to_string(expected));
  const auto bad = std::find_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); });
  if (bad != values.end())
    fail(std::string(name) + "[" + std::to_string(bad - values.begin()) + "] is " + show(*bad) +
         ", expected a finite number");
}

void check_radial(const Potential& p) {
  if (!std::isfinite(p.scaling) || p.scaling == 0)
    fail("scaling is " + show(p.scaling) + ", expected a finite number other than 0");
  if (!(p.min_dist >= 0) || !std::isfinite(p.min_dist))
    fail("min_dist is " + show(p.min_dist) + " A, expected 0 or more");
  if (!(p.max_dist > p.min_dist) || p.max_dist > kMaxCutoff)
    fail("max_dist is " + show(p.max_dist) + " A, expected more than min_dist (" + show(p.min_dist) +
         ") and at most " + show(kMaxCutoff));
  check_int("radial_size", p.radial_size, 1, kMaxRadialSize);
  check_int("radial_count", p.radial_count, 1, BasisLimits::radial_functions);
  if (p.radial_count < p.basis.radial_functions())
    fail("radial_count is " + std::to_string(p.radial_count) + ", the basic moments need " +
         std::to_string(p.basis.radial_functions()));
}

void check_types(const Potential& p) {
  check_int("species_count", p.species_count, 1, kMaxSpecies);
  if (p.types.size() != static_cast<std::size_t>(p.species_count))
    fail("types has " + std::to_string(p.types.size()) + " entries, expected " + std::to_string(p.species_count));
  std::set<int> seen;
  for (const int type : p.types) {
    if (type < 0) fail("type " + std::to_string(type) + " is negative");
    if (!seen.insert(type).second) fail("type " + std::to_string(type) + " appears twice");
  }
}

void check_active_set(const ActiveSet& set, std::size_t coeffs) {
  if (set.size != coeffs)
    fail("active_set.size is " + std::to_string(set.size) + ", expected the number of coefficients, " +
         std::to_string(coeffs));
  check_numbers("active_set.matrix", set.matrix, coeffs * coeffs, false);
  check_numbers("active_set.inverse_transpose", set.inverse_transpose, coeffs * coeffs, false);
  check_numbers("active_set weights",
                {set.energy_weight, set.force_weight, set.stress_weight, set.site_energy_weight}, 4, false);
  if (set.configuration.size() != coeffs || set.equation.size() != coeffs)
    fail("active_set names the origin of " + std::to_string(set.configuration.size()) + " and " +
         std::to_string(set.equation.size()) + " rows, expected " + std::to_string(coeffs));
}

}  // namespace

std::size_t ActiveSet::unfilled() const {
  return static_cast<std::size_t>(
      std::count_if(configuration.begin(), configuration.end(), [](int index) { return index < 0; }));
}

void Potential::check() const {
  if (version != "1.1.0") fail("version is '" + version + "', expected '1.1.0'");
  check_text("name", name);
  check_text("tag", tag);
  basis.check();
  check_radial(*this);
  check_types(*this);
  if (coeffs_count() > kMaxCoeffs)
    fail(std::to_string(coeffs_count()) + " coefficients, at most " + std::to_string(kMaxCoeffs) + " are accepted");
  check_numbers("radial_coeffs", radial_coeffs, radial_coeffs_count(), true);
  check_numbers("species_coeffs", species_coeffs, static_cast<std::size_t>(species_count), true);
  check_numbers("moment_coeffs", moment_coeffs, basis.scalars.size(), true);
  if (active_set) check_active_set(*active_set, coeffs_count());
}

}  // namespace betalps
