/* Bulk standard normals, addressed: normal number i of a stream is the same however a range is cut.
 *
 * Uniforms come from a 64-bit linear congruential generator with the RXS-M-XS output permutation
 * (O'Neill, PCG: A family of simple fast space-efficient statistically good algorithms for random
 * number generation, 2014), started at the stream's key with the odd increment key2 | 1. Block b of
 * 512 normals uses outputs 512 b .. 512 b + 511: outputs k and k + 256 of it become normals k and
 * k + 256 by Box and Muller's transform. Lane l of eight holds every eighth output, so the lanes
 * step by the eight-fold jump and run straight from one block into the next. */
#include "kernels.h"
#include "vmath.h"

#include <string.h>

#define PCG_MULTIPLIER UINT64_C(6364136223846793005)
#define PCG_OUTPUT_MULTIPLIER UINT64_C(12605985483714917081)

#define HALF (URN__NORMAL_BLOCK / 2)

/* state -> multiplier * state + addend */
typedef struct jump {
    uint64_t multiplier, addend;
} jump;

typedef struct lanes {
    urn__word_lanes state;
    jump step;
} lanes;

/* The map of `steps` single steps, by repeated squaring. */
static jump jump_of(uint64_t steps, uint64_t increment)
{
    jump total = {1, 0};
    jump power = {PCG_MULTIPLIER, increment};
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

static void start_lanes(lanes *l, const urn__stream *stream, uint64_t position)
{
    const uint64_t increment = stream->key2 | 1;
    const jump to_start = jump_of(position, increment);
    uint64_t state = to_start.multiplier * stream->key + to_start.addend;
    for (int i = 0; i < URN__LANES; i++) {
        l->state[i] = state;
        state = state * PCG_MULTIPLIER + increment;
    }
    l->step = jump_of(URN__LANES, increment);
}

static void block_words(lanes *l, uint64_t *words)
{
    urn__word_lanes state = l->state;
    for (int k = 0; k < URN__NORMAL_BLOCK; k += URN__LANES) {
        urn__word_lanes out = ((state >> ((state >> 59) + 5)) ^ state) * PCG_OUTPUT_MULTIPLIER;
        out ^= out >> 43;
        memcpy(words + k, &out, sizeof out);
        state = state * l->step.multiplier + l->step.addend;
    }
    l->state = state;
}

URN__INLINE double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

URN__INLINE uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* 52 of the bits, as a number in [1, 2). */
URN__INLINE double unit_of(uint64_t word)
{
    return double_of((word >> 12) | UINT64_C(0x3ff0000000000000));
}

/* The polynomials below interpolate at Chebyshev nodes; their own error is under 1e-16. Library
 * functions would do the same job, but these know their arguments' range, and give the same normals
 * with every compiler and C library. */

/* Minus two times the logarithm of u in (0, 1]: u = 2^e m with m in [sqrt(1/2), sqrt(2)), and
 * log m = 2 atanh(s), s = (m - 1) / (m + 1). */
URN__INLINE double minus_two_log(double u)
{
    const uint64_t offset = UINT64_C(0x3fe6a09e667f3bcd); /* sqrt(1/2) */
    const uint64_t moved = bits_of(u) - offset;
    /* The exponent is in -52 .. 0: biased to be positive it goes into a double's low bits. */
    const uint64_t biased = ((moved + (UINT64_C(64) << 52)) >> 52) | UINT64_C(0x4330000000000000);
    const double e = double_of(biased) - (4503599627370496.0 + 64.0);
    const double m = double_of((moved & UINT64_C(0x000fffffffffffff)) + offset);
    const double s = (m - 1.0) / (m + 1.0);
    const double t = s * s;
    double p = 0.14616585424888623;
    p = p * t + 0.15331710618210773;
    p = p * t + 0.18182889455674947;
    p = p * t + 0.22222211130259878;
    p = p * t + 0.2857142862600327;
    p = p * t + 0.39999999999899444;
    p = p * t + 0.66666666666666696;
    const double log_m = s * (p * t + 2.0);
    return -2.0 * (e * 0.69314718055994531 + log_m);
}

/* cos and sin of 2 pi v, v in [1, 2): quarter turns by rounding, then polynomials on an eighth. */
URN__INLINE void turn(double v, double *cosine, double *sine)
{
    const double quarters = v * 4.0;
    const double rounder = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer */
    const double rounded = quarters + rounder;
    const uint64_t quadrant = bits_of(rounded);
    const double x = quarters - (rounded - rounder);
    const double t = x * x;
    double s = 5.6339337815378543e-08;
    s = s * t - 3.5986433529823099e-06;
    s = s * t + 0.00016044115074219091;
    s = s * t - 0.0046817541323409756;
    s = s * t + 0.079692626246043008;
    s = s * t - 0.64596409750624428;
    s = x * (s * t + 1.5707963267948966);
    double c = 4.6632053886903437e-07;
    c = c * t - 2.5200703761965414e-05;
    c = c * t + 0.00091926010144262489;
    c = c * t - 0.02086348075319688;
    c = c * t + 0.25366950790083043;
    c = c * t - 1.2337005501361691;
    c = c * t + 1.0;
    const uint64_t swap = UINT64_C(0) - (quadrant & 1);
    const uint64_t bits_s = bits_of(s), bits_c = bits_of(c);
    const uint64_t changed = (bits_s ^ bits_c) & swap;
    *sine = double_of(bits_s ^ changed ^ ((quadrant & 2) << 62));
    *cosine = double_of(bits_c ^ changed ^ (((quadrant + 1) & 2) << 62));
}

static void box_muller(const uint64_t *restrict words, double *restrict z)
{
    URN__SIMD
    for (int k = 0; k < HALF; k++) {
        const double radius = sqrt(minus_two_log(2.0 - unit_of(words[k])));
        double cosine, sine;
        turn(unit_of(words[HALF + k]), &cosine, &sine);
        z[k] = radius * cosine;
        z[HALF + k] = radius * sine;
    }
}

void URN__KERNEL(normals)(const urn__stream *stream, int64_t first, int64_t n, double *z)
{
    uint64_t words[URN__NORMAL_BLOCK] __attribute__((aligned(64)));
    lanes l;
    start_lanes(&l, stream, (uint64_t)first);
    for (; n >= URN__NORMAL_BLOCK; n -= URN__NORMAL_BLOCK, z += URN__NORMAL_BLOCK) {
        block_words(&l, words);
        box_muller(words, z);
    }
    if (n > 0) {
        double last[URN__NORMAL_BLOCK] __attribute__((aligned(64)));
        block_words(&l, words);
        box_muller(words, last);
        memcpy(z, last, (size_t)n * sizeof *z);
    }
}
