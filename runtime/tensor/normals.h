/* Blocks of standard normals, for the kernel that stores them and for those that use them at once.
 * Addressed: normal number i of a stream is the same however a range is cut.
 *
 * Uniforms come from a 64-bit linear congruential generator with the RXS-M-XS output permutation
 * (O'Neill, PCG: A family of simple fast space-efficient statistically good algorithms for random
 * number generation, 2014), started at the stream's key with the odd increment key2 | 1. Block b of
 * 512 normals uses outputs 512 b .. 512 b + 511: outputs k and k + 256 of it become normals k and
 * k + 256 by Box and Muller's transform. Each lane of a register holds the state of every n-th
 * output, n being the number of lanes, and steps by the n-fold jump.
 *
 * In single precision the same words become the same normals up to rounding: what the uniforms are
 * reduced to (the mantissa's distance from 1, the angle's from a quarter turn) is found exactly in
 * double and rounded once, so nothing is lost near 0 or 1 and the tails are as long (8.49 standard
 * deviations). Each normal is off by at most 12 roundings of itself (2^-53, or 2^-24 in single
 * precision): 6 of the radius, 5 of the sine or cosine, one of their product. */
#ifndef URN_TENSOR_NORMALS_H
#define URN_TENSOR_NORMALS_H

#include "roots.h"

#define URN__NORMAL_HALF (URN__NORMAL_BLOCK / 2)
#define URN__PCG_MULTIPLIER UINT64_C(6364136223846793005)
#define URN__PCG_OUTPUT_MULTIPLIER UINT64_C(12605985483714917081)

/* state -> multiplier * state + addend */
typedef struct urn__jump {
    uint64_t multiplier, addend;
} urn__jump;

/* The states of the next outputs of a block's two halves. */
typedef struct urn__normal_lanes {
    urn__words radius, angle;
    urn__jump step, half; /* by a register, by half a block */
} urn__normal_lanes;

/* The map of `steps` single steps, by repeated squaring. */
static inline urn__jump urn__jump_of(uint64_t steps, uint64_t increment)
{
    urn__jump total = {1, 0};
    urn__jump power = {URN__PCG_MULTIPLIER, increment};
    for (; steps > 0; steps >>= 1) {
        if (steps & 1) {
            total.multiplier *= power.multiplier;
            total.addend = total.addend * power.multiplier + power.addend;
        }
        power.addend *= power.multiplier + 1;
        power.multiplier *= power.multiplier;
    }
    return total;
}

/* x * y modulo 2^64; before AVX-512 from products of 32-bit halves. */
URN__INLINE void urn__times(urn__words *x, uint64_t y)
{
#if URN_CPU == 1
    const __m256i low = _mm256_set1_epi64x((int64_t)y),
                  high = _mm256_set1_epi64x((int64_t)(y >> 32));
    const __m256i v = (__m256i)*x;
    const __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(v, 32), low),
                                           _mm256_mul_epu32(v, high));
    *x = (urn__words)_mm256_add_epi64(_mm256_mul_epu32(v, low), _mm256_slli_epi64(cross, 32));
#else
    *x *= y;
#endif
}

URN__INLINE void urn__jump_by(urn__words *state, urn__jump jump)
{
    urn__times(state, jump.multiplier);
    *state += jump.addend;
}

/* Puts the lanes at normal number `position`, the first of a block. */
static inline void urn__normals_start(urn__normal_lanes *l, const urn__stream *stream,
                                      uint64_t position)
{
    const uint64_t increment = stream->key2 | 1;
    const urn__jump to_start = urn__jump_of(position, increment);
    uint64_t state = to_start.multiplier * stream->key + to_start.addend;
    for (int i = 0; i < URN__DOUBLES; i++) {
        l->radius[i] = state;
        state = state * URN__PCG_MULTIPLIER + increment;
    }
    l->step = urn__jump_of(URN__DOUBLES, increment);
    l->half = urn__jump_of(URN__NORMAL_HALF, increment);
}

/* The outputs at `state`, which is moved on. */
URN__INLINE void urn__next_words(urn__words *state, urn__jump step, urn__words *out)
{
    const urn__words s = *state;
    urn__words word = (s >> ((s >> 59) + 5)) ^ s;
    urn__times(&word, URN__PCG_OUTPUT_MULTIPLIER);
    *out = (word >> 43) ^ word;
    urn__jump_by(state, step);
}

/* 52 of the bits are u in (0, 1], counted down from 1: u = 2^e (1 + f) with 1 + f in [sqrt(1/2),
 * sqrt(2)). f is exact; e + 64 is in the top 12 bits of `moved`. */
URN__INLINE void urn__split(const urn__words *word, urn__words *moved, urn__doubles *f)
{
    const uint64_t offset = UINT64_C(0x3fe6a09e667f3bcd); /* sqrt(1/2) */
    const urn__doubles u = 2.0 - (urn__doubles)((*word >> 12) | UINT64_C(0x3ff0000000000000));
    *moved = (urn__words)u - (offset - (UINT64_C(64) << 52));
    *f = (urn__doubles)((*moved & UINT64_C(0x000fffffffffffff)) + offset) - 1.0;
}

/* The same bits as an angle of up to a turn: a number of quarter turns (the low bits of `quarter`)
 * and x of one, x in [-1/2, 1/2]; exact. */
URN__INLINE void urn__quarters(const urn__words *word, urn__words *quarter, urn__doubles *x)
{
    const urn__doubles quarters = (urn__doubles)((*word >> 12) | UINT64_C(0x4010000000000000));
    const double rounder = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer */
    const urn__doubles rounded = quarters + rounder; /* of 4 .. 8 */
    *quarter = (urn__words)rounded;
    *x = quarters - (rounded - rounder);
}

/* The next words reduced, in the kernels' own type and a register of them. */
#ifdef URN_SINGLE
typedef float urn__half_reals __attribute__((vector_size(URN__REGISTER_BYTES / 2)));
typedef uint32_t urn__half_words __attribute__((vector_size(URN__REGISTER_BYTES / 2)));
typedef int32_t urn__integers __attribute__((vector_size(URN__REGISTER_BYTES)));

/* Two registers of doubles rounded into one of floats. */
URN__INLINE void urn__round_pair(const urn__doubles *pair, urn__reals *x)
{
#if URN_CPU == 2
    const __m512 low = _mm512_castps256_ps512(_mm512_cvtpd_ps(pair[0]));
    *x = _mm512_insertf32x8(low, _mm512_cvtpd_ps(pair[1]), 1);
#elif URN_CPU == 1
    *x = _mm256_set_m128(_mm256_cvtpd_ps(pair[1]), _mm256_cvtpd_ps(pair[0]));
#elif defined(__SSE2__)
    *x = _mm_movelh_ps(_mm_cvtpd_ps(pair[0]), _mm_cvtpd_ps(pair[1]));
#else
    for (int l = 0; l < URN__REGISTER_LANES; l++)
        (*x)[l] = (float)pair[l / URN__DOUBLES][l % URN__DOUBLES];
#endif
}

/* The lower halves of two registers of words. */
URN__INLINE void urn__narrow_pair(const urn__words *pair, urn__real_words *x)
{
#if URN_CPU == 2
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    *x = (urn__real_words)_mm512_permutex2var_epi32((__m512i)pair[0], even, (__m512i)pair[1]);
#else
    for (int l = 0; l < URN__REGISTER_LANES; l++)
        (*x)[l] = (uint32_t)pair[l / URN__DOUBLES][l % URN__DOUBLES];
#endif
}

URN__INLINE void urn__next_split(urn__words *state, urn__jump step, urn__reals *e, urn__reals *f)
{
    urn__words exponents[2];
    urn__doubles fractions[2];
    urn__real_words exponent;
    for (int i = 0; i < 2; i++) {
        urn__words word;
        urn__next_words(state, step, &word);
        urn__split(&word, &exponents[i], &fractions[i]);
        exponents[i] >>= 52;
    }
    urn__round_pair(fractions, f);
    urn__narrow_pair(exponents, &exponent);
    *e = __builtin_convertvector((urn__integers)exponent, urn__reals) - 64;
}

URN__INLINE void urn__next_quarters(urn__words *state, urn__jump step, urn__real_words *quarter,
                                    urn__reals *x)
{
    urn__words quarters[2];
    urn__doubles rests[2];
    for (int i = 0; i < 2; i++) {
        urn__words word;
        urn__next_words(state, step, &word);
        urn__quarters(&word, &quarters[i], &rests[i]);
    }
    urn__narrow_pair(quarters, quarter);
    urn__round_pair(rests, x);
}
#else
URN__INLINE void urn__next_split(urn__words *state, urn__jump step, urn__reals *e, urn__reals *f)
{
    urn__words word, moved;
    urn__next_words(state, step, &word);
    urn__split(&word, &moved, f);
    /* A small integer in the low bits of a number near 2^52. */
    *e = (urn__doubles)((moved >> 52) | UINT64_C(0x4330000000000000)) - (4503599627370496.0 + 64.0);
}

URN__INLINE void urn__next_quarters(urn__words *state, urn__jump step, urn__real_words *quarter,
                                    urn__reals *x)
{
    urn__words word;
    urn__next_words(state, step, &word);
    urn__quarters(&word, quarter, x);
}
#endif

/* The polynomials below interpolate at Chebyshev nodes; their own error is under a tenth of the
 * type's. Library functions would do the same job, but these know their arguments' range, and give
 * the same normals with every compiler and C library. */

#ifdef URN_SINGLE
#define URN__LOG_TERMS                                                                             \
    {                                                                                              \
        0.233305819f, 0.285508166f, 0.400001219f, 0.666666666f, 2.0f                               \
    }
#define URN__SINE_TERMS                                                                            \
    {                                                                                              \
        0.000158651513f, -0.00468147497f, 0.0796926123f, -0.645964097f, 1.5707963267948966f        \
    }
#define URN__COSINE_TERMS                                                                          \
    {                                                                                              \
        0.000906739898f, -0.0208615283f, 0.25366941f, -1.23370055f, 1.0f                           \
    }
#define URN__SIGN (UINT32_C(1) << 31)
#define URN__SIGN_SHIFT 30
#else
#define URN__LOG_TERMS                                                                             \
    {                                                                                              \
        0.14616585424888623, 0.15331710618210773, 0.18182889455674947, 0.22222211130259878,        \
            0.2857142862600327, 0.39999999999899444, 0.66666666666666696, 2.0                      \
    }
#define URN__SINE_TERMS                                                                            \
    {                                                                                              \
        5.6339337815378543e-08, -3.5986433529823099e-06, 0.00016044115074219091,                   \
            -0.0046817541323409756, 0.079692626246043008, -0.64596409750624428, 1.5707963267948966 \
    }
#define URN__COSINE_TERMS                                                                          \
    {                                                                                              \
        4.6632053886903437e-07, -2.5200703761965414e-05, 0.00091926010144262489,                   \
            -0.02086348075319688, 0.25366950790083043, -1.2337005501361691, 1.0                    \
    }
#define URN__SIGN (UINT64_C(1) << 63)
#define URN__SIGN_SHIFT 62
#endif

/* c[0] t^(n-1) + ... + c[n-1] for n = 5, 7 or 8, by Estrin's scheme, which waits less than
 * Horner's. */
URN__INLINE void urn__polynomial(int n, const urn__real *c, const urn__reals *t, urn__reals *p)
{
    const urn__reals t2 = *t * *t, t4 = t2 * t2;
    const urn__real *d = c + n - 4;
    const urn__reals low = (*t * d[0] + d[1]) * t2 + (*t * d[2] + d[3]);
    if (n == 5)
        *p = t4 * c[0] + low;
    else if (n == 7)
        *p = (t2 * c[0] + (*t * c[1] + c[2])) * t4 + low;
    else
        *p = ((*t * c[0] + c[1]) * t2 + (*t * c[2] + c[3])) * t4 + low;
}

/* sqrt(-2 log u): log(1 + f) = 2 atanh(s), s = f / (2 + f). */
URN__INLINE void urn__next_radius(urn__normal_lanes *l, urn__reals *radius)
{
    static const urn__real terms[] = URN__LOG_TERMS;
    urn__reals e, f, p;
    urn__next_split(&l->radius, l->step, &e, &f);
    const urn__reals s = f / (f + 2), t = s * s;
    urn__polynomial((int)(sizeof terms / sizeof *terms), terms, &t, &p);
    const urn__reals square = (e * URN__C(0.69314718055994531) + s * p) * -2;
    urn__roots(&square, radius);
}

/* cos and sin of the next angle: those of x quarter turns, swapped where the number of quarters is
 * odd and negated by its second bit. */
URN__INLINE void urn__next_turn(urn__normal_lanes *l, urn__reals *cosine, urn__reals *sine)
{
    static const urn__real sines[] = URN__SINE_TERMS, cosines[] = URN__COSINE_TERMS;
    enum { TERMS = sizeof sines / sizeof *sines };
    urn__real_words q;
    urn__reals x, s, c;
    urn__next_quarters(&l->angle, l->step, &q, &x);
    const urn__reals t = x * x;
    urn__polynomial(TERMS, sines, &t, &s);
    urn__polynomial(TERMS, cosines, &t, &c);
    s *= x;
    const urn__real_words swap = ((urn__real_words)s ^ (urn__real_words)c) & -(q & 1);
    *sine = (urn__reals)((urn__real_words)s ^ swap ^ ((q << URN__SIGN_SHIFT) & URN__SIGN));
    *cosine = (urn__reals)((urn__real_words)c ^ swap ^ (((q + 1) << URN__SIGN_SHIFT) & URN__SIGN));
}

/* The next block of the stream. Two loops: the processor overlaps more turns of short ones, and
 * both are long chains of operations. */
static inline void urn__normals_block(urn__normal_lanes *l, urn__real *restrict z)
{
    urn__normal_lanes at = *l;
    at.angle = at.radius;
    urn__jump_by(&at.angle, at.half);
    urn__reals radius[URN__NORMAL_HALF / URN__REGISTER_LANES];
    for (int k = 0; k < URN__NORMAL_HALF / URN__REGISTER_LANES; k++)
        urn__next_radius(&at, &radius[k]);
    for (int k = 0; k < URN__NORMAL_HALF / URN__REGISTER_LANES; k++) {
        urn__reals cosine, sine;
        urn__next_turn(&at, &cosine, &sine);
        cosine *= radius[k];
        sine *= radius[k];
        memcpy(z + k * URN__REGISTER_LANES, &cosine, sizeof cosine);
        memcpy(z + URN__NORMAL_HALF + k * URN__REGISTER_LANES, &sine, sizeof sine);
    }
    l->radius = at.angle;
}

#endif
