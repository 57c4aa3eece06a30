/* PCG64 (M. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms
 * for Random Number Generation", HMC-CS-2014-0905), addressed by name and row. */
#include "rng.h"
#include "base.h"

#include <math.h>

static urn__u128 join(uint64_t high, uint64_t low)
{
    return (urn__u128)high << 64 | low;
}

static urn__u128 multiplier(void)
{
    return join(UINT64_C(2549297995355413924), UINT64_C(4865540595714422341));
}

/* XSL-RR: the halves folded, then rotated by the top six bits. */
static uint64_t output(urn__u128 state)
{
    const uint64_t folded = (uint64_t)(state >> 64) ^ (uint64_t)state;
    const unsigned turn = (unsigned)(state >> 122);
    return folded >> turn | folded << (-turn & 63);
}

uint64_t urn__pcg64_next(urn__pcg64 *rng)
{
    rng->state = rng->state * multiplier() + rng->inc;
    return output(rng->state);
}

/* F. Brown, "Random number generation with arbitrary strides" (1994). */
urn__pcg64_jump urn__pcg64_jump_of(urn__u128 delta, urn__u128 inc)
{
    urn__pcg64_jump jump = {.mult = 1, .add = 0};
    urn__u128 mult = multiplier(), add = inc;
    for (; delta; delta >>= 1) {
        if (delta & 1) {
            jump.mult *= mult;
            jump.add = jump.add * mult + add;
        }
        add *= mult + 1;
        mult *= mult;
    }
    return jump;
}

void urn__pcg64_advance(urn__pcg64 *rng, urn__u128 delta)
{
    const urn__pcg64_jump jump = urn__pcg64_jump_of(delta, rng->inc);
    rng->state = jump.mult * rng->state + jump.add;
}

/* ---- as a GSL generator -------------------------------------------------------------------- */

static void gsl_set(void *state, unsigned long seed)
{
    urn__pcg64 *rng = state;
    uint64_t word[4];
    for (uint64_t i = 0; i < 4; i++)
        word[i] = urn__hash_u64(urn__hash_u64(UINT64_C(0x67736C), seed), i);
    *rng = (urn__pcg64){.state = join(word[0], word[1]), .inc = join(word[2], word[3]) | 1};
}

static unsigned long gsl_get(void *state)
{
    return urn__pcg64_next(state);
}

/* GSL wants [0, 1). */
static double gsl_get_double(void *state)
{
    return (double)(urn__pcg64_next(state) >> 11) * 0x1p-53;
}

const gsl_rng_type *urn__pcg64_gsl_type(void)
{
    static const gsl_rng_type type = {
        .name = "pcg64",
        .max = UINT64_MAX,
        .min = 0,
        .size = sizeof(urn__pcg64),
        .set = gsl_set,
        .get = gsl_get,
        .get_double = gsl_get_double,
    };
    return &type;
}

/* ---- addressed streams --------------------------------------------------------------------- */

urn__stream urn__stream_at(uint64_t seed, uint64_t chain, const char *site, uint64_t step)
{
    /* Two independent hashes of the address, 128 bits of it: no two addresses meet in practice. */
    uint64_t name[2], word[6];
    for (uint64_t i = 0; i < 2; i++) {
        name[i] = urn__hash_u64(UINT64_C(0x75726E) + i, seed);
        name[i] = urn__hash_u64(name[i], chain);
        name[i] = urn__hash_text(name[i], site);
        name[i] = urn__hash_u64(name[i], step);
    }
    for (uint64_t i = 0; i < 6; i++)
        word[i] = urn__hash_u64(urn__hash_u64(name[0], i), name[1]);
    urn__stream stream = {
        .base = {.state = join(word[0], word[1]), .inc = join(word[2], word[3]) | 1},
        .key = word[4],
        .key2 = word[5],
    };
    stream.next_row = urn__pcg64_jump_of(URN__ROW_BLOCK, stream.base.inc);
    return stream;
}

static void point_at(urn_rng *rng, urn__pcg64 pcg)
{
    rng->pcg = pcg;
    rng->gsl.type = urn__pcg64_gsl_type();
    rng->gsl.state = &rng->pcg;
}

void urn__rng_at_row(urn_rng *rng, const urn__stream *stream, int64_t row)
{
    urn__row_cursor cursor = urn__row_cursor_at(stream, row);
    point_at(rng, cursor.start);
}

urn__row_cursor urn__row_cursor_at(const urn__stream *stream, int64_t row)
{
    urn__row_cursor cursor = {.start = stream->base, .jump = stream->next_row};
    urn__pcg64_advance(&cursor.start, (urn__u128)row * URN__ROW_BLOCK); /* row -1 is fine, too */
    return cursor;
}

static void next_row(urn__row_cursor *cursor)
{
    cursor->start.state = cursor->jump.mult * cursor->start.state + cursor->jump.add;
}

void urn__row_cursor_next(urn__row_cursor *cursor, urn_rng *rng)
{
    next_row(cursor);
    point_at(rng, cursor->start);
}

/* ---- what families see --------------------------------------------------------------------- */

static double uniform_of(uint64_t word)
{
    /* 52 bits and a half: with 53, the largest would round to 1. */
    return ((double)(word >> 12) + 0.5) * 0x1p-52;
}

double urn_rng_uniform(urn_rng *rng)
{
    return uniform_of(urn__pcg64_next(&rng->pcg));
}

void urn__row_uniforms(const urn__stream *stream, int64_t first, int64_t n, double *u, double *v)
{
    urn__row_cursor cursor = urn__row_cursor_at(stream, first);
    for (int64_t i = 0; i < n; i++) {
        next_row(&cursor);
        urn__pcg64 pcg = cursor.start;
        u[i] = uniform_of(urn__pcg64_next(&pcg));
        v[i] = uniform_of(urn__pcg64_next(&pcg));
    }
}

/* Box-Muller (1958), one normal from two outputs: a fixed count, so that rows and resumes stay
 * aligned. */
double urn_rng_normal(urn_rng *rng)
{
    const double radius = sqrt(-2.0 * log(urn_rng_uniform(rng)));
    return radius * cos(2.0 * M_PI * urn_rng_uniform(rng));
}

void *urn_rng_gsl(urn_rng *rng)
{
    return &rng->gsl;
}
