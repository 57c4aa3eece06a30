/* The number type of the floors: double, or float with FLOOR_SINGLE. Each floor is built as two
 * programs. Sums over rows and log densities are doubles in both. */
#ifndef URN_BENCH_REAL_H
#define URN_BENCH_REAL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef FLOOR_SINGLE
typedef float real;
typedef uint32_t real_bits;
#define FLOOR_PRECISION "single"
#else
typedef double real;
typedef uint64_t real_bits;
#define FLOOR_PRECISION "double"
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE real_bits bits_of(real x)
{
    real_bits bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

ALWAYS_INLINE real real_of(real_bits bits)
{
    real x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* exp(x) within 2 ulp, 0 below the smallest normal number; plain arithmetic, so that loops over it
 * become vector code. x = k log 2 + r; adding `rounder` rounds k to an integer in the low bits; the
 * polynomials interpolate exp at Chebyshev nodes. */
#ifdef FLOOR_SINGLE
ALWAYS_INLINE float floor_exp(float x)
{
    const float rounder = 0x1.8p23F, clamped = x < -87.0F ? -87.0F : x > 88.0F ? 88.0F : x;
    const float moved = clamped * 1.4426950408889634F + rounder, k = moved - rounder;
    const float r = (clamped - k * 0x1.62e4p-1F) - k * 0x1.7f7d1cp-20F;
    float p = 0.0013941108433972675F;
    p = p * r + 0.0083751263981533357F;
    p = p * r + 0.041666352896775157F;
    p = p * r + 0.16666415514653275F;
    p = p * r + 0.50000000471177577F;
    p = p * r * r + r + 1.0F;
    return x < -87.0F ? 0.0F : real_of(bits_of(p) + (bits_of(moved) << 23));
}
#else
ALWAYS_INLINE double floor_exp(double x)
{
    const double rounder = 0x1.8p52, clamped = x < -708.0 ? -708.0 : x > 709.0 ? 709.0 : x;
    const double moved = clamped * 1.4426950408889634 + rounder, k = moved - rounder;
    const double r = (clamped - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
    double p = 2.5110037605963778e-8;
    p = p * r + 2.763263963904103e-7;
    p = p * r + 2.755724091857897e-6;
    p = p * r + 2.4801485482328492e-5;
    p = p * r + 0.00019841269890047114;
    p = p * r + 0.0013888888952314775;
    p = p * r + 0.0083333333333196006;
    p = p * r + 0.041666666666488095;
    p = p * r + 0.16666666666666681;
    p = p * r + 0.50000000000000184;
    p = p * r * r + r + 1.0;
    return x < -708.0 ? 0.0 : real_of(bits_of(p) + (bits_of(moved) << 52));
}
#endif

#endif
