#define BETALPS_ISA_NAME baseline
#define BETALPS_VECTOR_BYTES 16
#include "fit.inl"
