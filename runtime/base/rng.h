/* Addressed random numbers. PCG64 (XSL-RR 128/64, O'Neill 2014) for single draws, a 64-bit PCG
 * member (RXS-M-XS) in vector lanes for bulk normals. Nothing is consumed in order: a stream is
 * named by (seed, chain, site name, step), and a row owns a fixed block of its outputs. */
#ifndef URN_RUNTIME_RNG_H
#define URN_RUNTIME_RNG_H

#include <gsl/gsl_rng.h>
#include <stdint.h>
#include <urn/families.h>

typedef unsigned __int128 urn__u128;

/* Raw PCG64: the numbers of numpy.random.PCG64 for the same state and increment. */
typedef struct urn__pcg64 {
    urn__u128 state, inc;
} urn__pcg64;

uint64_t urn__pcg64_next(urn__pcg64 *rng);
/* Moves `delta` outputs ahead, in log(delta) steps. */
void urn__pcg64_advance(urn__pcg64 *rng, urn__u128 delta);
/* Affine map of a fixed jump: state -> mult * state + add, for one increment. */
typedef struct urn__pcg64_jump {
    urn__u128 mult, add;
} urn__pcg64_jump;
urn__pcg64_jump urn__pcg64_jump_of(urn__u128 delta, urn__u128 inc);

/* PCG64 as a GSL generator type (state: urn__pcg64). */
const gsl_rng_type *urn__pcg64_gsl_type(void);

/* Outputs a row owns: far more than any rejection sampler takes. */
#define URN__ROW_BLOCK ((urn__u128)1 << 20)

/* A named stream. `key` seeds the vector generator as well. */
typedef struct urn__stream {
    urn__pcg64 base;
    urn__pcg64_jump next_row;
    uint64_t key, key2;
} urn__stream;

urn__stream urn__stream_at(uint64_t seed, uint64_t chain, const char *site, uint64_t step);

/* The generator handed to families; lives on the stack of the caller. */
struct urn_rng {
    urn__pcg64 pcg;
    gsl_rng gsl; /* points at pcg */
};

/* Positions `rng` at `row` of the stream (a general jump), or at the next row (one multiply). */
void urn__rng_at_row(urn_rng *rng, const urn__stream *stream, int64_t row);
/* Row starts for a loop: begin at `row`, then call _next for row + 1, ... */
typedef struct urn__row_cursor {
    urn__pcg64 start;
    urn__pcg64_jump jump;
} urn__row_cursor;
urn__row_cursor urn__row_cursor_at(const urn__stream *stream, int64_t row);
void urn__row_cursor_next(urn__row_cursor *cursor, urn_rng *rng);
/* The first two uniforms of the n rows that a cursor at `first` comes to: those of urn_rng_normal.
 */
void urn__row_uniforms(const urn__stream *stream, int64_t first, int64_t n, double *u, double *v);

#endif
