// What the core throws. Bad arguments are std::invalid_argument; a bad file is a FormatError.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace betalps {

/// A potential file that cannot be read: says where, what was found and what was expected.
class FormatError : public std::runtime_error {
 public:
  FormatError(const std::string& source, std::size_t line, const std::string& found, const std::string& expected)
      : std::runtime_error(source + ", line " + std::to_string(line) + ": found " + found + ", expected " + expected),
        line(line) {}

  std::size_t line;  // counted from 1
};

}  // namespace betalps
