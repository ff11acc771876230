// Potential files: MLIP-3's .almtp (with its active set) and MLIP-2's .mtp.
#pragma once

#include <string>
#include <string_view>

#include "betalps/mtp.hpp"

namespace betalps {

/// Parses the bytes of an .almtp or .mtp file. `source` names the file in error messages.
/// Throws FormatError; never allocates more than a small multiple of the number of bytes given.
Potential parse_potential(std::string_view bytes, const std::string& source = "<memory>");

/// Reads a file. Throws std::runtime_error when it cannot be opened, FormatError when it cannot be understood.
Potential read_potential(const std::string& path);

enum class FileFormat {
  almtp,  // MLIP-3; the active set, if any, is appended
  mtp,    // MLIP-2; no active set
};

/// The bytes of the file. Numbers carry 17 significant digits; an active set that was read is written verbatim.
std::string format_potential(const Potential&, FileFormat = FileFormat::almtp);

}  // namespace betalps
