#if defined(__x86_64__)
#define BETALPS_ISA_NAME avx2
#define BETALPS_VECTOR_BYTES 32
#include "fit.inl"
#endif
