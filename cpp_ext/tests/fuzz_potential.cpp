// Fuzzes the parser of potential files: it throws FormatError or returns a potential that survives a round trip,
// and never asks for much more memory than the file has bytes.
//
// With clang, -fsanitize=fuzzer supplies main() and -malloc_limit_mb=64 watches the memory. Otherwise define
// BETALPS_FUZZ_MAIN for a main() that needs neither: fuzz_potential [--seconds S] [--seed N] [FILE...] replays the
// files, then mutates them (or, without files, potentials made here) until the time is over.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

#include "betalps/errors.hpp"
#include "betalps/io.hpp"

namespace {

std::size_t largest_allocation = 0;
bool watching = false;

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "fuzz_potential: %s\n", what);
  std::abort();
}

}  // namespace

#ifdef BETALPS_FUZZ_MAIN
// Out of line: GCC pairs an inlined free() with the new that it does not see through, and warns.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (watching && size > largest_allocation) largest_allocation = size;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  largest_allocation = 0;
  watching = true;
  try {
    const betalps::Potential potential = betalps::parse_potential(bytes);
    watching = false;
    const std::string text = betalps::format_potential(potential);
    const betalps::Potential again = betalps::parse_potential(text);
    if (betalps::format_potential(again) != text) die("a second round trip changes the file");
    if (again.radial_coeffs != potential.radial_coeffs || again.moment_coeffs != potential.moment_coeffs ||
        again.species_coeffs != potential.species_coeffs || again.types != potential.types)
      die("a round trip changes the potential");
  } catch (const betalps::FormatError&) {
    watching = false;  // anything else that is thrown ends the program
  }
  // A product takes 16 bytes and at least 10 in the file; a growing vector may hold twice what it needs.
  if (largest_allocation > 8 * size + 4096) die("an allocation far larger than the file");
  return 0;
}

#ifdef BETALPS_FUZZ_MAIN

#include <chrono>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t bound) { return bound == 0 ? 0 : random() % bound; }

std::string made_here(int level, bool trained, bool active_set) {
  betalps::Potential p;
  p.basis = betalps::make_basis(level);
  p.min_dist = 1.5, p.max_dist = 5.0;
  p.radial_size = 2, p.radial_count = p.basis.radial_functions();
  p.species_count = 2, p.types = {3, 16};
  if (trained) {
    p.radial_coeffs.assign(p.radial_coeffs_count(), 0.25);
    p.species_coeffs.assign(2, -1.0);
    p.moment_coeffs.assign(p.basis.scalars.size(), 1e-3);
  }
  if (active_set) {
    betalps::ActiveSet set;
    set.size = p.coeffs_count();
    set.matrix.assign(set.size * set.size, 0.5), set.inverse_transpose = set.matrix;
    set.configuration.assign(set.size, 0), set.equation.assign(set.size, 1);
    p.active_set = set;
  }
  return betalps::format_potential(p);
}

/// Replaces one run of digits by a number that a careless reader would trust.
void replace_number(std::string& text, Random& random) {
  static const char* const kNumbers[] = {"0", "-1", "1", "2147483647", "2147483648", "4194304", "1048576",
                                         "18446744073709551616", "1e308", "1e309", "nan", "inf", "", "0x10", "1e-400"};
  const std::size_t start = text.find_first_of("0123456789", below(random, text.size()));
  if (start == std::string::npos) return;
  const std::size_t end = text.find_first_not_of("0123456789", start);
  text.replace(start, (end == std::string::npos ? text.size() : end) - start,
               kNumbers[below(random, std::size(kNumbers))]);
}

void mutate(std::string& text, const std::vector<std::string>& corpus, Random& random) {
  const std::size_t at = below(random, text.size());
  const std::size_t length = 1 + below(random, below(random, 4) == 0 ? text.size() : 16);
  switch (below(random, 7)) {
    case 0: text.resize(at); break;
    case 1: if (!text.empty()) text[at] = static_cast<char>(random()); break;
    case 2: text.erase(at, length); break;
    case 3: text.insert(at, text.substr(below(random, text.size()), length)); break;
    case 4: {
      const std::string& other = corpus[below(random, corpus.size())];
      text = text.substr(0, at) + other.substr(below(random, other.size()));
      break;
    }
    default: replace_number(text, random);
  }
}

void run(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 5;
  Random random(1);
  std::vector<std::string> corpus;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--seconds" && i + 1 < argc) {
      seconds = std::atof(argv[++i]);
    } else if (argument == "--seed" && i + 1 < argc) {
      random.seed(std::strtoull(argv[++i], nullptr, 10));
    } else {
      std::ifstream file(argument, std::ios::binary);
      if (!file) die("cannot open a file that was named");
      corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
      run(corpus.back());
    }
  }
  if (corpus.empty()) corpus = {made_here(2, true, true), made_here(6, true, false), made_here(8, false, false)};
  const auto start = std::chrono::steady_clock::now();
  std::size_t runs = 0;
  while (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < seconds) {
    std::string text = corpus[below(random, corpus.size())];
    for (std::size_t n = 1 + below(random, 4); n > 0; --n) mutate(text, corpus, random);
    run(text);
    ++runs;
  }
  std::printf("%zu mutated files, none of them trusted too far\n", runs);
  return 0;
}

#endif
