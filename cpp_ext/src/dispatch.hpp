// The variant of the inner loop for an instruction set.
#pragma once

#include <stdexcept>

#include "betalps/isa.hpp"
#include "tables.hpp"

namespace betalps {

template <class T>
const Kernel<T>& kernel_for(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::avx2: return kernel_avx2(T());
    case Isa::avx512: return kernel_avx512(T());
#endif
    default: return kernel_baseline(T());
  }
}

}  // namespace betalps
