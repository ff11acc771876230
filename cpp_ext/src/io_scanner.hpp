// Reads words and numbers from the bytes of a file, and says where it stood when something is wrong.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "betalps/errors.hpp"

namespace betalps::io {

class Scanner {
 public:
  Scanner(std::string_view bytes, const std::string& source) : bytes_(bytes), source_(source) {}

  std::size_t position() const { return position_; }
  std::size_t left() const { return bytes_.size() - position_; }
  std::string_view remaining() const { return bytes_.substr(position_); }
  bool at_end() const { return position_ == bytes_.size(); }

  /// Throws FormatError: the text at the current position was found where `expected` should be.
  [[noreturn]] void fail(const std::string& expected) const { fail_at(position_, expected); }
  [[noreturn]] void fail_at(std::size_t position, const std::string& expected) const;
  [[noreturn]] void fail_at(std::size_t position, const std::string& found, const std::string& expected) const;

  void skip_blanks();  // spaces, tabs, carriage returns
  void skip_space();   // line breaks as well

  /// Skips space and returns the word ahead ([A-Za-z0-9_]*) without consuming it.
  std::string_view peek_word();
  std::string_view peek_byte() const { return bytes_.substr(position_, 1); }

  void expect(char symbol);                 // after space
  bool accept(char symbol);                 // after space
  void expect_word(std::string_view word);  // after space
  void expect_key(std::string_view key);    // `key =`, leaving the rest of the line
  void expect_text(std::string_view text);  // exactly these bytes, here
  std::string_view take(std::size_t count);  // `count` bytes as they are; at most left()

  double number();                      // finite
  int integer(int low, int high);       // inclusive
  std::string_view rest_of_line();      // without surrounding blanks; consumes the line break

  std::string key_text(std::string_view key);
  double key_number(std::string_view key);
  int key_integer(std::string_view key, int low, int high);

  /// `{a, b, ...}` of exactly `count` entries.
  std::vector<double> numbers(std::size_t count);
  std::vector<int> integers(std::size_t count, int low, int high);

  /// Fails unless at least `count` entries of `bytes_each` bytes can still follow: called before any allocation.
  void need(std::size_t count, std::size_t bytes_each, const char* what) const;

 private:
  std::string found_at(std::size_t position) const;

  std::string_view bytes_;
  const std::string& source_;
  std::size_t position_ = 0;
};

/// The shortest decimal text that has 17 significant digits, independent of the locale.
void append_number(std::string& text, double value);

}  // namespace betalps::io
