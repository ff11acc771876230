// The few lines of a test framework that the C++ tests need: CHECK, CHECK_CLOSE, CHECK_THROWS, and a count.
#pragma once

#include <cmath>
#include <cstdio>
#include <exception>
#include <string>

namespace check {

inline int passed = 0, failed = 0;

inline void report(bool ok, const char* file, int line, const std::string& what) {
  if (ok) {
    ++passed;
    return;
  }
  ++failed;
  std::printf("%s:%d: FAILED %s\n", file, line, what.c_str());
}

/// The test program's exit status; prints the totals.
inline int finish() {
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace check

#define CHECK(condition) check::report(static_cast<bool>(condition), __FILE__, __LINE__, #condition)

#define CHECK_CLOSE(a, b, tolerance)                                                                       \
  do {                                                                                                     \
    const double check_a = (a), check_b = (b);                                                             \
    check::report(std::abs(check_a - check_b) <= (tolerance), __FILE__, __LINE__,                          \
                  std::string(#a " = ") + std::to_string(check_a) + ", " #b " = " + std::to_string(check_b)); \
  } while (false)

/// The statement throws `type`, and its message contains `text`.
#define CHECK_THROWS(statement, type, text)                                                           \
  do {                                                                                                \
    std::string check_message = "nothing was thrown";                                                 \
    bool check_ok = false;                                                                            \
    try {                                                                                             \
      statement;                                                                                      \
    } catch (const type& error) {                                                                     \
      check_message = error.what();                                                                   \
      check_ok = check_message.find(text) != std::string::npos;                                       \
    } catch (const std::exception& error) {                                                           \
      check_message = std::string("another exception: ") + error.what();                              \
    }                                                                                                 \
    check::report(check_ok, __FILE__, __LINE__, #statement " throws \"" + std::string(text) + "\": " + check_message); \
  } while (false)
