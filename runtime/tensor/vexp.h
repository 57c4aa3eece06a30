/* Exponential and logarithm as plain C that compilers turn into full-width vector code wherever
 * they stand in a loop, with every compiler and C library alike; off by less than one unit in the
 * last place. All of C17 F.10's special values. */
#ifndef URN_TENSOR_VEXP_H
#define URN_TENSOR_VEXP_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define URN__MATH static inline __attribute__((always_inline))

URN__MATH double urn__double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

URN__MATH uint64_t urn__bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

URN__MATH float urn__float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

URN__MATH uint32_t urn__bits_of_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* exp(x) = 2^k exp(r), r in [-log(2)/2, log(2)/2]. Adding 1.5 * 2^52 rounds to an integer, which
 * the low bits then hold; 2046 more keep them positive. 2^k is applied in two halves, each of which
 * is in range where the whole is not. The polynomial is (exp(r) - 1 - r) / r^2 at Chebyshev nodes,
 * off by 2^-55. */
URN__MATH double urn__exp_double(double x)
{
    const double rounder = 6755399441055744.0 + 2046.0;
    const double low = x < -746.0 ? -746.0 : x, v = low > 710.0 ? 710.0 : low;
    const double shifted = v * 1.4426950408889634 + rounder;
    const double k = shifted - rounder;
    const double r = (v - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
    const double r2 = r * r;
    double p = 2.5100424157005067e-08;
    p = p * r + 2.7620138719733996e-07;
    p = p * r + 2.7557268378684193e-06;
    p = p * r + 2.4801521190217728e-05;
    p = p * r + 1.9841269863105969e-04;
    p = p * r + 1.3888888917281793e-03;
    p = p * r + 8.3333333333300514e-03;
    p = p * r + 4.1666666666623992e-02;
    p = p * r + 1.6666666666666667e-01;
    p = p * r + 5.0000000000000010e-01;
    const double e = 1.0 + (p * r2 + r);
    const uint64_t power = urn__bits_of(shifted) & 0xfff, half = power >> 1;
    return e * urn__double_of(half << 52) * urn__double_of((power - half) << 52);
}

/* The same; the polynomial is off by 2^-32. */
URN__MATH float urn__exp_float(float x)
{
    const float rounder = 12582912.0f + 254.0f;
    const float low = x < -105.0f ? -105.0f : x, v = low > 89.0f ? 89.0f : low;
    const float shifted = v * 1.44269504f + rounder;
    const float k = shifted - rounder;
    const float r = (v - k * 0.693359375f) - k * -2.12194440e-4f;
    const float r2 = r * r;
    float p = 1.98910307e-4f;
    p = p * r + 1.39336859e-3f;
    p = p * r + 8.33331089e-3f;
    p = p * r + 4.16664646e-2f;
    p = p * r + 1.66666667e-1f;
    p = p * r + 5.00000001e-1f;
    const float e = 1.0f + (p * r2 + r);
    const uint32_t power = urn__bits_of_float(shifted) & 0x3ff, half = power >> 1;
    return e * urn__float_of(half << 23) * urn__float_of((power - half) << 23);
}

/* log(x) = e log 2 + log(1 + f), x = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2)); log(1 + f) =
 * 2 atanh(s), s = f / (2 + f), written as f - (f^2 / 2 - s (f^2 / 2 + R(s^2))), which keeps what is
 * small out of the rounding of f. R is a polynomial at Chebyshev nodes, off by 2^-57. */
URN__MATH double urn__log_double(double x)
{
    const bool tiny = x < DBL_MIN;
    const uint64_t bits = urn__bits_of(tiny ? x * 0x1p54 : x);
    const uint64_t sqrt_half = UINT64_C(0x3fe6a09e667f3bcd), mantissa = UINT64_C(0xfffffffffffff);
    const uint64_t moved = bits - sqrt_half + (UINT64_C(1024) << 52);
    /* The biased exponent goes into the low bits of a number near 2^52. */
    const double biased = urn__double_of((moved >> 52) | UINT64_C(0x4330000000000000));
    const double e = biased - (tiny ? 4503599627370496.0 + 1078.0 : 4503599627370496.0 + 1024.0);
    const double f = urn__double_of((moved & mantissa) + sqrt_half) - 1.0;
    const double s = f / (2.0 + f), t = s * s, h = 0.5 * f * f;
    double p = 1.4616585424888623e-01;
    p = p * t + 1.5331710618210773e-01;
    p = p * t + 1.8182889455674947e-01;
    p = p * t + 2.2222211130259878e-01;
    p = p * t + 2.8571428626003270e-01;
    p = p * t + 3.9999999999899444e-01;
    p = p * t + 6.6666666666666696e-01;
    const double low = s * (h + p * t) + e * 1.90821492927058770002e-10;
    const double y = e * 6.93147180369123816490e-01 - ((h - low) - f);
    const double right = x < (double)INFINITY ? y : x; /* NaN, too */
    return x > 0.0 ? right : (x == 0.0 ? -(double)INFINITY : (double)NAN);
}

/* The same; R is off by 2^-29 of it. */
URN__MATH float urn__log_float(float x)
{
    const bool tiny = x < FLT_MIN;
    const uint32_t bits = urn__bits_of_float(tiny ? x * 0x1p25f : x);
    const uint32_t sqrt_half = UINT32_C(0x3f3504f3), mantissa = UINT32_C(0x7fffff);
    const uint32_t moved = bits - sqrt_half + (UINT32_C(128) << 23);
    const float e = (float)(int32_t)(moved >> 23) - (tiny ? 153.0f : 128.0f);
    const float f = urn__float_of((moved & mantissa) + sqrt_half) - 1.0f;
    const float s = f / (2.0f + f), t = s * s, h = 0.5f * f * f;
    float p = 2.33305819e-1f;
    p = p * t + 2.85508166e-1f;
    p = p * t + 4.00001219e-1f;
    p = p * t + 6.66666666e-1f;
    const float low = s * (h + p * t) + e * -2.12194440e-4f;
    const float y = e * 0.693359375f - ((h - low) - f);
    const float right = x < (float)INFINITY ? y : x;
    return x > 0.0f ? right : (x == 0.0f ? -(float)INFINITY : (float)NAN);
}

#endif
