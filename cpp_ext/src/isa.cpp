#include "betalps/isa.hpp"

#include <cstdlib>
#include <stdexcept>

namespace betalps {

const char* name(Isa isa) {
  switch (isa) {
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    default: return "baseline";
  }
}

std::vector<Isa> available_isas() {
  std::vector<Isa> found{Isa::baseline};
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (avx2) found.push_back(Isa::avx2);
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
    found.push_back(Isa::avx512);
#endif
  return found;
}

Isa parse_isa(const std::string& wanted) {
  std::string known;
  for (const Isa isa : available_isas()) {
    if (wanted == name(isa)) return isa;
    known += std::string(known.empty() ? "" : ", ") + name(isa);
  }
  throw std::invalid_argument("instruction set: found \"" + wanted + "\", expected one that this processor has: " +
                              known);
}

Isa default_isa() {
  const char* wanted = std::getenv("BETALPS_ISA");
  if (wanted == nullptr || *wanted == '\0') return available_isas().back();
  try {
    return parse_isa(wanted);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument("environment variable BETALPS_ISA: " + std::string(error.what()));
  }
}

}  // namespace betalps
