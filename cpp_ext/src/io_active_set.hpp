// The active set that MLIP-3 appends to a potential file.
#pragma once

#include <string>

#include "betalps/mtp.hpp"
#include "io_scanner.hpp"

namespace betalps::io {

/// Reads from "#MVS_v1.1" to the end of the file; `coeffs` is the number of coefficients of the potential.
ActiveSet parse_active_set(Scanner&, std::size_t coeffs);

/// Appends what parse_active_set reads: verbatim when it was read from a file, else in the same layout.
void append_active_set(std::string& text, const ActiveSet&);

}  // namespace betalps::io
