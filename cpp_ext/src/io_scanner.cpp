#include "io_scanner.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#if !defined(__cpp_lib_to_chars)
#include <locale>
#include <sstream>
#endif

namespace betalps::io {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool is_space(char c) { return is_blank(c) || c == '\n'; }
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
bool is_numeric(char c) { return is_word(c) || c == '+' || c == '-' || c == '.'; }

/// Whether this is UTF-8 (RFC 3629, table 3-7 of Unicode) without control characters.
bool is_text(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned lead = byte(i), next = byte(i + 1);
    if (lead < 0x20 || lead == 0x7f || (lead >= 0x80 && lead < 0xc2) || lead > 0xf4) return false;
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    for (std::size_t k = 1; k < length; ++k)
      if ((byte(i + k) & 0xc0u) != 0x80u) return false;
    const bool overlong = (lead == 0xe0 && next < 0xa0) || (lead == 0xf0 && next < 0x90);
    const bool surrogate_or_beyond = (lead == 0xed && next > 0x9f) || (lead == 0xf4 && next > 0x8f);
    if (overlong || surrogate_or_beyond) return false;
    i += length;
  }
  return true;
}

/// The whole of `token` as a double; false when it is not one or is out of range.
bool to_double(std::string_view token, double& value) {
  if (token.empty() || !(token[0] == '-' || token[0] == '.' || (token[0] >= '0' && token[0] <= '9'))) return false;
#if defined(__cpp_lib_to_chars)
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  return error == std::errc() && end == token.data() + token.size();
#else
  std::istringstream stream{std::string(token)};
  stream.imbue(std::locale::classic());
  stream >> value;
  return !stream.fail() && stream.peek() == std::istringstream::traits_type::eof();
#endif
}

}  // namespace

std::string Scanner::found_at(std::size_t position) const {
  constexpr std::size_t kShown = 40;
  if (position >= bytes_.size()) return "the end of the file";
  if (bytes_[position] == '\n') return "the end of the line";
  std::string text = "'";
  std::size_t i = position;
  for (; i < bytes_.size() && i < position + kShown && bytes_[i] != '\n'; ++i) {
    const unsigned char c = static_cast<unsigned char>(bytes_[i]);
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, c < 0x20 || c >= 0x7f ? "\\x%02x" : "%c", c);
    text += escaped;
  }
  return text + (i == position + kShown && i < bytes_.size() && bytes_[i] != '\n' ? "...'" : "'");
}

void Scanner::fail_at(std::size_t position, const std::string& expected) const {
  fail_at(position, found_at(position), expected);
}

void Scanner::fail_at(std::size_t position, const std::string& found, const std::string& expected) const {
  const auto end = bytes_.begin() + static_cast<std::ptrdiff_t>(std::min(position, bytes_.size()));
  const auto breaks = static_cast<std::size_t>(std::count(bytes_.begin(), end, '\n'));
  throw FormatError(source_, breaks + 1, found, expected);
}

void Scanner::skip_blanks() {
  while (!at_end() && is_blank(bytes_[position_])) ++position_;
}

void Scanner::skip_space() {
  while (!at_end() && is_space(bytes_[position_])) ++position_;
}

std::string_view Scanner::peek_word() {
  skip_space();
  std::size_t end = position_;
  while (end < bytes_.size() && is_word(bytes_[end])) ++end;
  return bytes_.substr(position_, end - position_);
}

bool Scanner::accept(char symbol) {
  skip_space();
  if (at_end() || bytes_[position_] != symbol) return false;
  ++position_;
  return true;
}

void Scanner::expect(char symbol) {
  if (!accept(symbol)) fail(std::string("'") + symbol + "'");
}

void Scanner::expect_word(std::string_view word) {
  if (peek_word() != word) fail("'" + std::string(word) + "'");
  position_ += word.size();
}

void Scanner::expect_key(std::string_view key) {
  const std::string expected = "'" + std::string(key) + " ='";
  if (peek_word() != key) fail(expected);
  const std::size_t start = position_;
  position_ += key.size();
  skip_blanks();
  if (at_end() || bytes_[position_] != '=') fail_at(start, expected);
  ++position_;
}

void Scanner::expect_text(std::string_view text) {
  if (bytes_.substr(position_, text.size()) != text) {
    std::string shown;
    for (const char c : text) shown += c == '\n' ? std::string("\\n") : std::string(1, c);
    fail("'" + shown + "'");
  }
  position_ += text.size();
}

std::string_view Scanner::take(std::size_t count) {
  const std::string_view taken = bytes_.substr(position_, count);
  position_ += taken.size();
  return taken;
}

double Scanner::number() {
  skip_space();
  std::size_t end = position_;
  while (end < bytes_.size() && is_numeric(bytes_[end])) ++end;
  std::string_view token = bytes_.substr(position_, end - position_);
  if (token.size() > 1 && token[0] == '+' && token[1] != '-') token.remove_prefix(1);
  double value = 0;
  if (!to_double(token, value) || !std::isfinite(value)) fail("a finite number");
  position_ = end;
  return value;
}

int Scanner::integer(int low, int high) {
  skip_space();
  int value = 0;
  const char* begin = bytes_.data() + position_;
  const auto [end, error] = std::from_chars(begin, bytes_.data() + bytes_.size(), value);
  const bool whole = end == bytes_.data() + bytes_.size() || !(is_word(*end) || *end == '.');
  if (error != std::errc() || !whole || value < low || value > high)
    fail("an integer from " + std::to_string(low) + " to " + std::to_string(high));
  position_ += static_cast<std::size_t>(end - begin);
  return value;
}

std::string_view Scanner::rest_of_line() {
  const std::size_t line_break = bytes_.find('\n', position_);
  const std::size_t end = line_break == std::string_view::npos ? bytes_.size() : line_break;
  std::string_view text = bytes_.substr(position_, end - position_);
  position_ = line_break == std::string_view::npos ? end : end + 1;
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string Scanner::key_text(std::string_view key) {
  expect_key(key);
  const std::size_t start = position_;
  const std::string_view text = rest_of_line();
  if (!is_text(text)) fail_at(start, "a line of UTF-8 text without control characters");
  return std::string(text);
}

double Scanner::key_number(std::string_view key) {
  expect_key(key);
  return number();
}

int Scanner::key_integer(std::string_view key, int low, int high) {
  expect_key(key);
  return integer(low, high);
}

void Scanner::need(std::size_t count, std::size_t bytes_each, const char* what) const {
  if (left() / bytes_each < count)
    fail_at(bytes_.size(), "the file's end after " + std::to_string(left()) + " more bytes",
            std::to_string(count) + " " + what);
}

std::vector<double> Scanner::numbers(std::size_t count) {
  need(count, 2, "numbers in braces");  // a digit and a separator
  std::vector<double> values(count);
  expect('{');
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0 && !accept(','))
      fail("',' and " + std::to_string(count - i) + " more of " + std::to_string(count) + " numbers");
    values[i] = number();
  }
  if (!accept('}')) fail("'}' after " + std::to_string(count) + " numbers");
  return values;
}

std::vector<int> Scanner::integers(std::size_t count, int low, int high) {
  need(count, 2, "integers in braces");
  std::vector<int> values(count);
  expect('{');
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0 && !accept(','))
      fail("',' and " + std::to_string(count - i) + " more of " + std::to_string(count) + " integers");
    values[i] = integer(low, high);
  }
  if (!accept('}')) fail("'}' after " + std::to_string(count) + " integers");
  return values;
}

void append_number(std::string& text, double value) {
#if defined(__cpp_lib_to_chars)
  char buffer[40];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific, 16);
  static_cast<void>(error);  // 24 characters always fit
  text.append(buffer, end);
#else
  std::ostringstream stream;
  stream.imbue(std::locale::classic());
  stream.precision(16);
  stream << std::scientific << value;
  text += stream.str();
#endif
}

}  // namespace betalps::io
