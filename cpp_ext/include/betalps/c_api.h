/* The core as a shared library with a C interface, for programs that are compiled elsewhere: the LAMMPS pair style,
 * ctypes. Nothing of C++ crosses it, so compiler and standard library of the two sides need not agree.
 *
 * A function that can fail writes the reason to `message` (at most `size` bytes, always terminated). */
#ifndef BETALPS_C_API_H
#define BETALPS_C_API_H

#include <stddef.h>
#include <stdint.h>

/* Raised by every change of this file that a program compiled before cannot live with. */
#define BETALPS_ABI 1

#if defined(__GNUC__)
#define BETALPS_EXPORT __attribute__((visibility("default")))
#else
#define BETALPS_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A potential made ready for evaluation. One call at a time. */
typedef struct betalps_model betalps_model;

/* As betalps::Pairs in pairs.hpp: atoms 0 .. centres-1 are centres, the others ghosts; the list is full and may hold
 * candidates beyond the cutoff. */
typedef struct {
  size_t centres;
  size_t atoms;
  const double* positions;   /* atoms x 3, Angstrom */
  const int32_t* species;    /* atoms */
  const int64_t* first;      /* centres + 1 */
  const int32_t* neighbours; /* first[centres] */
} betalps_pairs;

/* Where results go, each overwritten. Null: not asked for. */
typedef struct {
  double* site_energies; /* centres, eV; always needed */
  double* forces;        /* atoms x 3, eV/Angstrom, ghosts included */
  double* site_virials;  /* centres x 6: -dE_i/dstrain, eV, xx yy zz yz xz xy */
  double* grades;        /* centres: extrapolation grades */
} betalps_output;

/* BETALPS_ABI of the library. */
BETALPS_EXPORT int betalps_abi(void);

/* Reads an .almtp or .mtp file. `mixed`: 1 for pairs and moments in single precision. Null on failure. */
BETALPS_EXPORT betalps_model* betalps_open(const char* path, int threads, int mixed, char* message, size_t size);
BETALPS_EXPORT void betalps_close(betalps_model*);

BETALPS_EXPORT double betalps_cutoff(const betalps_model*); /* Angstrom */
BETALPS_EXPORT int betalps_species_count(const betalps_model*);

/* Chemical symbol of a species; an empty string where the file does not name it. */
BETALPS_EXPORT const char* betalps_species(const betalps_model*, int species);

/* 1 when grades can be computed: the file has an active set of neighbourhoods. */
BETALPS_EXPORT int betalps_has_grades(const betalps_model*);

/* 0 when it went well. */
BETALPS_EXPORT int betalps_evaluate(betalps_model*, const betalps_pairs*, const betalps_output*, char* message,
                                    size_t size);

#ifdef __cplusplus
}
#endif

#endif
