/* Blocks of standard normals, for the kernel that stores them and for those that use them at once.
 * Addressed: normal number i of a stream is the same however a range is cut.
 *
 * Uniforms come from a 64-bit linear congruential generator with the RXS-M-XS output permutation
 * (O'Neill, PCG: A family of simple fast space-efficient statistically good algorithms for random
 * number generation, 2014), started at the stream's key with the odd increment key2 | 1. Block b of
 * 512 normals uses outputs 512 b .. 512 b + 511: outputs k and k + 256 of it become normals k and
 * k + 256 by Box and Muller's transform. Lane l of eight holds every eighth output, so the lanes
 * step by the eight-fold jump and run straight from one block into the next.
 *
 * In single precision the same words become the same normals up to rounding: what the uniforms are
 * reduced to (the mantissa's distance from 1, the angle's from a quarter turn) is found exactly in
 * double and rounded once, so nothing is lost near 0 or 1 and the tails are as long (8.49 standard
 * deviations). With u = 2^-24, the radius is off by at most 5 u of itself and the sine or cosine by
 * 3 u, so the float normal by 8 u of itself, 4.8e-7. */
#ifndef URN_TENSOR_NORMALS_H
#define URN_TENSOR_NORMALS_H

#include "kernels.h"
#include "vmath.h"

#define URN__NORMAL_HALF (URN__NORMAL_BLOCK / 2)
#define URN__PCG_MULTIPLIER UINT64_C(6364136223846793005)
#define URN__PCG_OUTPUT_MULTIPLIER UINT64_C(12605985483714917081)
#define URN__WORD_LANES 8
typedef uint64_t urn__word_lanes __attribute__((vector_size(URN__WORD_LANES * sizeof(uint64_t))));

/* state -> multiplier * state + addend */
typedef struct urn__jump {
    uint64_t multiplier, addend;
} urn__jump;

typedef struct urn__normal_lanes {
    urn__word_lanes state;
    urn__jump step;
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

/* Puts the lanes at normal number `position`, the first of a block. */
static inline void urn__normals_start(urn__normal_lanes *l, const urn__stream *stream,
                                      uint64_t position)
{
    const uint64_t increment = stream->key2 | 1;
    const urn__jump to_start = urn__jump_of(position, increment);
    uint64_t state = to_start.multiplier * stream->key + to_start.addend;
    for (int i = 0; i < URN__WORD_LANES; i++) {
        l->state[i] = state;
        state = state * URN__PCG_MULTIPLIER + increment;
    }
    l->step = urn__jump_of(URN__WORD_LANES, increment);
}

static inline void urn__normals_words(urn__normal_lanes *l, uint64_t *words)
{
    urn__word_lanes state = l->state;
    for (int k = 0; k < URN__NORMAL_BLOCK; k += URN__WORD_LANES) {
        urn__word_lanes out = ((state >> ((state >> 59) + 5)) ^ state) * URN__PCG_OUTPUT_MULTIPLIER;
        out ^= out >> 43;
        memcpy(words + k, &out, sizeof out);
        state = state * l->step.multiplier + l->step.addend;
    }
    l->state = state;
}

URN__INLINE double urn__double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

URN__INLINE uint64_t urn__bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* 52 of the bits, as a number in [1, 2). */
URN__INLINE double urn__unit_of(uint64_t word)
{
    return urn__double_of((word >> 12) | UINT64_C(0x3ff0000000000000));
}

/* u in (0, 1] is 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); both exact. */
URN__INLINE void urn__split(double u, double *e, double *f)
{
    const uint64_t offset = UINT64_C(0x3fe6a09e667f3bcd); /* sqrt(1/2) */
    const uint64_t moved = urn__bits_of(u) - offset;
    /* The exponent is in -52 .. 0: biased to be positive it goes into a double's low bits. */
    const uint64_t biased = ((moved + (UINT64_C(64) << 52)) >> 52) | UINT64_C(0x4330000000000000);
    *e = urn__double_of(biased) - (4503599627370496.0 + 64.0);
    *f = urn__double_of((moved & UINT64_C(0x000fffffffffffff)) + offset) - 1.0;
}

/* The angle 2 pi v, v in [1, 2), is a number of quarter turns (the low bits of `quadrant`) and x of
 * one, x in [-1/2, 1/2]; exact. */
URN__INLINE void urn__quarters(double v, uint64_t *quadrant, double *x)
{
    const double quarters = v * 4.0;
    const double rounder = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer */
    const double rounded = quarters + rounder;
    *quadrant = urn__bits_of(rounded);
    *x = quarters - (rounded - rounder);
}

/* The polynomials below interpolate at Chebyshev nodes; their own error is under a tenth of the
 * type's. Library functions would do the same job, but these know their arguments' range, and give
 * the same normals with every compiler and C library. */

#ifdef URN_SINGLE
#define URN__LOG_TAIL(t)                                                                           \
    (((0.233305819f * (t) + 0.285508166f) * (t) + 0.400001219f) * (t) + 0.666666666f)
#define URN__SINE_TAIL(t)                                                                          \
    (((0.000158651513f * (t)-0.00468147497f) * (t) + 0.0796926123f) * (t)-0.645964097f)
#define URN__COSINE_TAIL(t)                                                                        \
    (((0.000906739898f * (t)-0.0208615283f) * (t) + 0.25366941f) * (t)-1.23370055f)
#else
#define URN__LOG_TAIL(t)                                                                           \
    ((((((0.14616585424888623 * (t) + 0.15331710618210773) * (t) + 0.18182889455674947) * (t) +    \
        0.22222211130259878) *                                                                     \
           (t) +                                                                                   \
       0.2857142862600327) *                                                                       \
          (t) +                                                                                    \
      0.39999999999899444) *                                                                       \
         (t) +                                                                                     \
     0.66666666666666696)
#define URN__SINE_TAIL(t)                                                                          \
    (((((5.6339337815378543e-08 * (t)-3.5986433529823099e-06) * (t) + 0.00016044115074219091) *    \
       (t)-0.0046817541323409756) *                                                                \
          (t) +                                                                                    \
      0.079692626246043008) *                                                                      \
     (t)-0.64596409750624428)
#define URN__COSINE_TAIL(t)                                                                        \
    (((((4.6632053886903437e-07 * (t)-2.5200703761965414e-05) * (t) + 0.00091926010144262489) *    \
       (t)-0.02086348075319688) *                                                                  \
          (t) +                                                                                    \
      0.25366950790083043) *                                                                       \
     (t)-1.2337005501361691)
#endif

/* sqrt(-2 log u): log(1 + f) = 2 atanh(s), s = f / (2 + f). */
URN__INLINE urn__real urn__radius(double u)
{
    double exponent, fraction;
    urn__split(u, &exponent, &fraction);
    const urn__real e = (urn__real)exponent, f = (urn__real)fraction;
    const urn__real s = f / (f + URN__C(2.0));
    const urn__real t = s * s;
    const urn__real log_m = s * (URN__LOG_TAIL(t) * t + URN__C(2.0));
    return urn__sqrt_real(URN__C(-2.0) * (e * URN__C(0.69314718055994531) + log_m));
}

/* The number negated where `negate` has its second bit set. */
URN__INLINE urn__real urn__negated(urn__real x, uint64_t negate)
{
    return negate & 2 ? -x : x;
}

/* cos and sin of 2 pi v, v in [1, 2). */
URN__INLINE void urn__turn(double v, urn__real *cosine, urn__real *sine)
{
    uint64_t quadrant;
    double rest;
    urn__quarters(v, &quadrant, &rest);
    const urn__real x = (urn__real)rest, t = x * x;
    const urn__real s = x * (URN__SINE_TAIL(t) * t + URN__C(1.5707963267948966));
    const urn__real c = URN__COSINE_TAIL(t) * t + URN__C(1.0);
    *sine = urn__negated(quadrant & 1 ? c : s, quadrant);
    *cosine = urn__negated(quadrant & 1 ? s : c, quadrant + 1);
}

/* The next block of the stream. */
static inline void urn__normals_block(urn__normal_lanes *l, urn__real *restrict z)
{
    uint64_t words[URN__NORMAL_BLOCK] __attribute__((aligned(64)));
    urn__normals_words(l, words);
    URN__SIMD
    for (int k = 0; k < URN__NORMAL_HALF; k++) {
        const urn__real radius = urn__radius(2.0 - urn__unit_of(words[k]));
        urn__real cosine, sine;
        urn__turn(urn__unit_of(words[URN__NORMAL_HALF + k]), &cosine, &sine);
        z[k] = radius * cosine;
        z[URN__NORMAL_HALF + k] = radius * sine;
    }
}

#endif
