/* See normals.h. Words come from two times eight lanes of the generator, each sixteen outputs on
 * from step to step; a pair of words becomes a pair of normals by Box and Muller's transform. The
 * single-precision version turns whole words into floats, so that tails and small radii keep their
 * relative precision. */
#include "bench/normals.h"

#define HALF (NORMAL_BLOCK / 2)
#define MULTIPLIER UINT64_C(6364136223846793005)
#define OUTPUT_MULTIPLIER UINT64_C(12605985483714917081)

typedef uint64_t lanes __attribute__((vector_size(64)));

/* state -> multiplier * state + addend */
typedef struct jump {
    uint64_t multiplier, addend;
} jump;

static jump jump_of(uint64_t steps, uint64_t increment)
{
    jump total = {1, 0}, power = {MULTIPLIER, increment};
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

ALWAYS_INLINE lanes output_of(lanes state)
{
    const lanes out = ((state >> ((state >> 59) + 5)) ^ state) * OUTPUT_MULTIPLIER;
    return out ^ (out >> 43);
}

/* Minus two times log(1 - (word >> 12) / 2^52): the number is 2^e m with m in [sqrt(1/2), sqrt(2)),
 * log m = 2 atanh(s). And sine and cosine of 2 pi times (word >> 12) / 2^52, by quarter turns. */
#ifdef FLOOR_SINGLE
ALWAYS_INLINE float minus_two_log(uint64_t word)
{
    const float u = (float)((UINT64_C(1) << 52) - (word >> 12)) * 0x1p-52F;
    const float below_one = (float)(word >> 12) * 0x1p-52F;
    const uint32_t offset = 0x3f3504f3, moved = bits_of(u) - offset;
    const float e = (float)((int32_t)moved >> 23);
    const float m = real_of((moved & 0x7fffff) + offset);
    const float s = ((int32_t)moved >= 0 ? -below_one : m - 1.0F) / (m + 1.0F), t = s * s;
    float p = 0.29924390479144987F;
    p = p * t + 0.39974850517519048F;
    p = p * t + 0.66666815338151188F;
    return -2.0F * (e * 0.69314718055994531F + s * (p * t + 2.0F));
}

ALWAYS_INLINE void turn(uint64_t word, float *cosine, float *sine)
{
    const float x = (float)(int64_t)(word << 2) * 0x1p-64F, t = x * x;
    const uint32_t quadrant = (uint32_t)((word + (UINT64_C(1) << 61)) >> 32);
    float s = -0.0046021492128141759F;
    s = s * t + 0.079680217647755413F;
    s = s * t - 0.6459634776648118F;
    s = x * (s * t + 1.5707963219532367F);
    float c = 0.00090362806638025049F;
    c = c * t - 0.020860069500264077F;
    c = c * t + 0.25366920365511348F;
    c = c * t - 1.2337005406331622F;
    c = c * t + 1.0F;
    const float a = (int32_t)(quadrant << 1) < 0 ? c : s, b = (int32_t)(quadrant << 1) < 0 ? s : c;
    *sine = real_of(bits_of(a) ^ (quadrant & 0x80000000U));
    *cosine = real_of(bits_of(b) ^ ((quadrant ^ (quadrant << 1)) & 0x80000000U));
}
#else
ALWAYS_INLINE double minus_two_log(uint64_t word)
{
    const double u = 2.0 - real_of((word >> 12) | UINT64_C(0x3ff0000000000000));
    const uint64_t offset = UINT64_C(0x3fe6a09e667f3bcd), moved = bits_of(u) - offset;
    const double e = (double)((int64_t)moved >> 52);
    const double m = real_of((moved & UINT64_C(0xfffffffffffff)) + offset);
    const double s = (m - 1.0) / (m + 1.0), t = s * s;
    double p = 0.14809710360655277;
    p = p * t + 0.15312528148364191;
    p = p * t + 0.18183631680229329;
    p = p * t + 0.22222197056726047;
    p = p * t + 0.2857142876064168;
    p = p * t + 0.39999999999302338;
    p = p * t + 0.66666666666667646;
    return -2.0 * (e * 0.69314718055994531 + s * (p * t + 2.0));
}

ALWAYS_INLINE void turn(uint64_t word, double *cosine, double *sine)
{
    const double x = (double)(int64_t)((word & ~UINT64_C(0xfff)) << 2) * 0x1p-64, t = x * x;
    const uint64_t quadrant = word + (UINT64_C(1) << 61);
    double s = 5.633933781537854e-8;
    s = s * t - 3.5986433529823097e-6;
    s = s * t + 0.00016044115074219091;
    s = s * t - 0.004681754132340976;
    s = s * t + 0.079692626246043003;
    s = s * t - 0.64596409750624432;
    s = x * (s * t + 1.5707963267948966);
    double c = 4.6552961874867622e-7;
    c = c * t - 2.5200135264284791e-5;
    c = c * t + 0.00091925995004166092;
    c = c * t - 0.020863480734946569;
    c = c * t + 0.25366950789986473;
    c = c * t - 1.2337005501361513;
    c = c * t + 1.0;
    const double a = (int64_t)(quadrant << 1) < 0 ? c : s, b = (int64_t)(quadrant << 1) < 0 ? s : c;
    *sine = real_of(bits_of(a) ^ (quadrant & (UINT64_C(1) << 63)));
    *cosine = real_of(bits_of(b) ^ ((quadrant ^ (quadrant << 1)) & (UINT64_C(1) << 63)));
}
#endif

static void box_muller(const uint64_t *restrict words, real *restrict z)
{
#pragma omp simd
    for (int k = 0; k < HALF; k++) {
        const real square = minus_two_log(words[k]);
#ifdef FLOOR_SINGLE
        const real radius = sqrtf(square);
#else
        const real radius = sqrt(square);
#endif
        real cosine, sine;
        turn(words[HALF + k], &cosine, &sine);
        z[k] = radius * cosine;
        z[HALF + k] = radius * sine;
    }
}

void floor_normals(uint64_t key, uint64_t key2, int64_t first, int64_t n, real *z)
{
    const uint64_t increment = key2 | 1;
    const jump start = jump_of((uint64_t)first, increment), step = jump_of(16, increment);
    uint64_t words[NORMAL_BLOCK] __attribute__((aligned(64)));
    uint64_t state = start.multiplier * key + start.addend;
    lanes a, b;
    for (int i = 0; i < 16; i++) {
        if (i < 8)
            a[i] = state;
        else
            b[i - 8] = state;
        state = state * MULTIPLIER + increment;
    }
    for (; n > 0; n -= NORMAL_BLOCK, z += NORMAL_BLOCK) {
        for (int k = 0; k < NORMAL_BLOCK; k += 16) {
            const lanes x = output_of(a), y = output_of(b);
            memcpy(words + k, &x, sizeof x);
            memcpy(words + k + 8, &y, sizeof y);
            a = a * step.multiplier + step.addend;
            b = b * step.multiplier + step.addend;
        }
        box_muller(words, z);
    }
}
