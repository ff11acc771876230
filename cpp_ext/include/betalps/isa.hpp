// Which compiled variants of the inner loop there are, and which one this processor runs best.
#pragma once

#include <string>
#include <vector>

namespace betalps {

enum class Isa { baseline, avx2, avx512 };

const char* name(Isa);

/// The variants that this processor can run, slowest first; `baseline` is always there.
std::vector<Isa> available_isas();

/// The fastest available one, unless the environment variable BETALPS_ISA names another. An unknown or
/// unavailable name is std::invalid_argument that lists the available ones.
Isa default_isa();
Isa parse_isa(const std::string& name);  // the same checks for a name given by the caller

}  // namespace betalps
