#if defined(__x86_64__)
#define BETALPS_ISA_NAME avx512
#define BETALPS_VECTOR_BYTES 64
#include "fit.inl"
#endif
