/* Copyright (C) the betalps developers
 *
 * This file is part of the pair style "betalps" for LAMMPS. It is free software: you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by the Free Software Foundation, either version 2
 * of the License, or (at your option) any later version. It is distributed without any warranty; without even the
 * implied warranty of merchantability or fitness for a particular purpose. See the GNU General Public License
 * (https://www.gnu.org/licenses/old-licenses/gpl-2.0.html) for more details.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later */

// How LAMMPS's `plugin load` finds the pair style, and why it may be refused. Compiled with
//   BETALPS_LAMMPS_VERSION   the version's text
//   BETALPS_LAMMPS_CRC       CRC-32 of the file that holds LAMMPS's code
#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "betalps/c_api.h"
#include "library.h"
#include "pair_betalps.h"

using namespace LAMMPS_NS;

namespace {

// As in lammpsplugin.h, which installations of LAMMPS do not all carry.
struct Plugin {
  const char *version, *style, *name, *info, *author;
  Pair* (*creator)(LAMMPS*);
  void* handle;
};
using Register = void (*)(Plugin*, void*);

class EmptyPair : public Pair {
 public:
  explicit EmptyPair(LAMMPS* lmp) : Pair(lmp) {}
  void compute(int, int) override {}
  void settings(int, char**) override {}
  void coeff(int, char**) override {}
  bool last_member_is_set() const { return copymode == 0; }
};

/// Whether the constructor of the running LAMMPS fills exactly the Pair of the headers: versions of one name differ.
bool pair_fits(LAMMPS* lmp) {
  constexpr std::size_t beyond = 512;
  constexpr unsigned char mark = 0x5A;
  const std::unique_ptr<unsigned char[]> memory(new unsigned char[sizeof(EmptyPair) + beyond]);
  void* (*volatile fill)(void*, int, std::size_t) = std::memset;  // volatile: it is not to be left out
  fill(memory.get(), mark, sizeof(EmptyPair) + beyond);
  const auto* const pair = new (memory.get()) EmptyPair(lmp);  // never destroyed: it may not be what it seems
  if (!pair->last_member_is_set()) return false;
  for (std::size_t i = 0; i < beyond; ++i)
    if (memory[sizeof(EmptyPair) + i] != mark) return false;
  return true;
}

/// CRC-32 of a file, as zlib's; 0 when it cannot be read.
std::uint32_t file_crc(const char* path) {
  std::array<std::uint32_t, 256> table;
  for (std::uint32_t n = 0; n < 256; ++n) {
    std::uint32_t c = n;
    for (int bit = 0; bit < 8; ++bit) c = c & 1 ? 0xEDB88320u ^ c >> 1 : c >> 1;
    table[n] = c;
  }
  FILE* const file = std::fopen(path, "rb");
  if (!file) return 0;
  std::uint32_t crc = 0xFFFFFFFFu;
  static unsigned char buffer[1 << 16];
  for (std::size_t size; (size = std::fread(buffer, 1, sizeof buffer, file)) > 0;)
    for (std::size_t i = 0; i < size; ++i) crc = table[(crc ^ buffer[i]) & 0xFF] ^ crc >> 8;
  std::fclose(file);
  return crc ^ 0xFFFFFFFFu;
}

/// Why this plugin must not be used here; empty when it may.
std::string reason_against(LAMMPS* lmp) {
  if (betalps_abi() != BETALPS_ABI)
    return "it was compiled for another version of betalps (ABI " + std::to_string(BETALPS_ABI) + ", found " +
           std::to_string(betalps_abi()) + ")";
  Dl_info where;
  if (dladdr(reinterpret_cast<void*>(&lammps_version), &where) && where.dli_fname) {
    const std::uint32_t crc = file_crc(where.dli_fname);
    if (crc != 0 && crc != BETALPS_LAMMPS_CRC)
      return std::string("it was compiled for another LAMMPS than ") + where.dli_fname;
  }
  if (!pair_fits(lmp)) return "LAMMPS's headers and its library are of different versions (sizes of Pair differ)";
  return "";
}

Pair* create(LAMMPS* lmp) { return new PairBetalps(lmp); }

}  // namespace

extern "C" BETALPS_EXPORT void lammpsplugin_init(void* lmp, void* handle, void* registration) {
  const std::string reason = reason_against(static_cast<LAMMPS*>(lmp));
  if (!reason.empty()) {
    std::fprintf(stderr, "pair_style betalps is not loaded: %s. Compile it again: betalps lammps build\n",
                 reason.c_str());
    return;
  }
  Plugin plugin = {BETALPS_LAMMPS_VERSION, "pair", "betalps", "moment tensor potentials of betalps",
                   "the betalps developers", &create, handle};
  reinterpret_cast<Register>(registration)(&plugin, lmp);
}
