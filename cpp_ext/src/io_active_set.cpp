#include "io_active_set.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace betalps::io {
namespace {

constexpr std::string_view kHeader = "#MVS_v1.1\n";
constexpr std::size_t kDouble = 8;

/// `count` little-endian doubles, whatever the machine's own byte order.
std::vector<double> parse_doubles(Scanner& in, std::size_t count, const char* name) {
  const std::size_t start = in.position();
  const std::string_view bytes = in.take(count * kDouble);
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t bits = 0;
    for (std::size_t b = kDouble; b-- > 0;) bits = bits << 8 | static_cast<unsigned char>(bytes[i * kDouble + b]);
    std::memcpy(&values[i], &bits, sizeof bits);
    if (!std::isfinite(values[i]))
      in.fail_at(start + i * kDouble, "a number that is not finite in " + std::string(name), "finite doubles");
  }
  return values;
}

void append_doubles(std::string& text, const std::vector<double>& values) {
  for (const double value : values) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    for (std::size_t b = 0; b < kDouble; ++b) text += static_cast<char>(bits >> (8 * b) & 0xff);
  }
}

double parse_weight(Scanner& in, std::string_view key) {
  in.expect_word(key);
  return in.number();
}

void parse_matrices(Scanner& in, ActiveSet& set) {
  const std::size_t n = set.size;
  // n is bounded by the coefficients of a potential that passed its own limits, so 16 n^2 cannot overflow.
  if (in.left() / (2 * kDouble) < n * n)
    in.fail_at(in.position() + in.left(),
               std::to_string(in.left()) + " bytes up to the end of the file",
               "two matrices of " + std::to_string(n) + " x " + std::to_string(n) +
                   " doubles, one row per coefficient of the potential");
  set.matrix = parse_doubles(in, n * n, "A");
  set.inverse_transpose = parse_doubles(in, n * n, "the inverse of A");
  if (in.remaining().substr(0, 3) != "\n#\n")
    in.fail("'\\n#\\n' after two matrices of " + std::to_string(n) + " x " + std::to_string(n) +
            " doubles (the active set of a potential with another number of coefficients?)");
  in.take(3);
}

void parse_origins(Scanner& in, ActiveSet& set) {
  constexpr int kMost = std::numeric_limits<int>::max();
  in.need(set.size, 4, "lines 'configuration equation'");
  set.configuration.resize(set.size);
  set.equation.resize(set.size);
  for (std::size_t row = 0; row < set.size; ++row) {
    const std::size_t start = in.position();
    set.configuration[row] = in.integer(-1, kMost);
    set.equation[row] = in.integer(-1, kMost);
    if ((set.configuration[row] < 0) != (set.equation[row] < 0))
      in.fail_at(start, "two indices, or -1 -1 for a row that was never filled");
  }
}

}  // namespace

ActiveSet parse_active_set(Scanner& in, std::size_t coeffs) {
  ActiveSet set;
  set.size = coeffs;
  const std::string_view raw = in.remaining();
  in.expect_text(kHeader);
  set.energy_weight = parse_weight(in, "energy_weight");
  set.force_weight = parse_weight(in, "force_weight");
  set.stress_weight = parse_weight(in, "stress_weight");
  set.site_energy_weight = parse_weight(in, "site_en_weight");
  in.expect_word("weight_scaling");
  set.weight_scaling = in.integer(0, 2);
  in.expect('#');
  parse_matrices(in, set);
  parse_origins(in, set);
  in.expect('#');
  in.expect_text("\n");
  set.configurations = std::string(in.take(in.left()));
  set.raw = std::string(raw);
  return set;
}

void append_active_set(std::string& text, const ActiveSet& set) {
  if (!set.raw.empty()) {
    text += set.raw;
    return;
  }
  const auto weight = [&text](const char* key, double value) {
    text += key;
    text += ' ';
    append_number(text, value);
    text += '\n';
  };
  text += kHeader;
  weight("energy_weight", set.energy_weight);
  weight("force_weight", set.force_weight);
  weight("stress_weight", set.stress_weight);
  weight("site_en_weight", set.site_energy_weight);
  text += "weight_scaling " + std::to_string(set.weight_scaling) + "\n#";
  append_doubles(text, set.matrix);
  append_doubles(text, set.inverse_transpose);
  text += "\n#\n";
  for (std::size_t row = 0; row < set.size; ++row)
    text += std::to_string(set.configuration[row]) + ' ' + std::to_string(set.equation[row]) + '\n';
  text += "#\n" + set.configurations;
}

}  // namespace betalps::io
