/* Elementwise kernels. Results do not depend on where an element stands in its array: what does not
 * fill a vector is padded to one, because a vector function and its scalar twin may differ by an
 * ulp. */
#include "kernels.h"
#include "normal_tail.h"
#include "vmath.h"

/* A kernel `name`: y = expression in v, over whole groups of lanes. x and y may be the same, which
 * the pragma allows and `restrict` would not. */
#define MAP1(name, expression)                                                                     \
    URN__INLINE void name##_whole(int64_t n, const urn__real *x, urn__real *y)                     \
    {                                                                                              \
        URN__SIMD for (int64_t i = 0; i < n; i++)                                                  \
        {                                                                                          \
            const urn__real v = x[i];                                                              \
            y[i] = (expression);                                                                   \
        }                                                                                          \
    }                                                                                              \
    void URN__KERNEL(name)(int64_t n, const urn__real *x, urn__real *y)                            \
    {                                                                                              \
        const int64_t whole = URN__WHOLE(n);                                                       \
        name##_whole(whole, x, y);                                                                 \
        if (whole < n) {                                                                           \
            urn__real pad[URN__LANES];                                                             \
            pad_with(pad, n - whole, x + whole);                                                   \
            name##_whole(URN__LANES, pad, pad);                                                    \
            memcpy(y + whole, pad, (size_t)(n - whole) * sizeof *y);                               \
        }                                                                                          \
    }

/* Fills a group with `n` elements and copies of the first: no value that was not there before. */
URN__INLINE void pad_with(urn__real *pad, int64_t n, const urn__real *x)
{
    for (int i = 0; i < URN__LANES; i++)
        pad[i] = x[i < n ? i : 0];
}

URN__INLINE urn__real sigmoid_of(urn__real v)
{
    const urn__real e = urn__exp_real(-urn__fabs_real(v)); /* never overflows */
    return (v >= 0 ? 1 : e) / (1 + e);
}

URN__INLINE urn__real softplus_of(urn__real v)
{
    return (v > 0 ? v : 0) + urn__log1p_real(urn__exp_real(-urn__fabs_real(v)));
}

/* log(1 - exp(v)), v < 0, each half where it does not cancel (Maechler 2012). */
URN__INLINE urn__real log1m_exp_of(urn__real v)
{
    const urn__real near = urn__log_real(-urn__expm1_real(v));
    const urn__real far = urn__log1p_real(-urn__exp_real(v));
    return v > (urn__real)-0.69314718055994530942 ? near : far;
}

/* The gamma functions are evaluated in double in both precisions. Recurrence up to where the
 * asymptotic series holds to the last digit, in pairs of terms. */
#define SHIFT 10

/* Digamma for x > 0 (Abramowitz and Stegun 6.3.5 and 6.3.18). */
URN__INLINE double digamma_positive(double x)
{
    const double small = x < SHIFT ? x : 1.0;
    double below = 0.0;
    for (int k = 0; k < SHIFT; k += 2) {
        const double a = small + k, b = a + 1.0;
        below += (a + b) / (a * b);
    }
    const double z = x < SHIFT ? x + SHIFT : x;
    const double t = 1.0 / (z * z);
    double p = 1.0 / 12;
    p = p * t - 691.0 / 32760;
    p = p * t + 1.0 / 132;
    p = p * t - 1.0 / 240;
    p = p * t + 1.0 / 252;
    p = p * t - 1.0 / 120;
    p = p * t + 1.0 / 12;
    return log(z) - 0.5 / z - p * t - (x < SHIFT ? below : 0.0);
}

/* Trigamma for x > 0 (6.4.6 and 6.4.12). */
URN__INLINE double trigamma_positive(double x)
{
    const double small = x < SHIFT ? x : 1.0;
    double below = 0.0;
    for (int k = 0; k < SHIFT; k += 2) {
        const double a = 1.0 / (small + k), b = 1.0 / (small + (k + 1));
        below += a * a + b * b;
    }
    const double z = x < SHIFT ? x + SHIFT : x;
    const double r = 1.0 / z, t = r * r;
    double p = 7.0 / 6;
    p = p * t - 691.0 / 2730;
    p = p * t + 5.0 / 66;
    p = p * t - 1.0 / 30;
    p = p * t + 1.0 / 42;
    p = p * t - 1.0 / 30;
    p = p * t + 1.0 / 6;
    return r + 0.5 * t + p * t * r + (x < SHIFT ? below : 0.0);
}

#define PI 3.14159265358979323846

/* Distance to the nearest integer, exactly, for reflection: sines of pi x are those of pi times it
 * up to the sign, which the formulas below do not see. */
URN__INLINE double from_integer(double v)
{
    return v - rint(v);
}

/* 6.3.7. NaN at the poles, which digamma leaves with opposite signs on their two sides. The cosine
 * is written as a sine: of a sine and a cosine of the same angle the compiler makes one call, which
 * has no vector version. */
URN__INLINE double digamma_of(double v)
{
    const double f = from_integer(v);
    const double cotangent = sin(PI * (0.5 - fabs(f))) / sin(PI * f);
    const double reflected = digamma_positive(1.0 - v) - PI * cotangent;
    return v > 0.0 ? digamma_positive(v) : (f == 0.0 ? (double)NAN : reflected);
}

/* 6.4.7. +infinity at the poles. */
URN__INLINE double trigamma_of(double v)
{
    const double s = PI / sin(PI * from_integer(v));
    return v > 0.0 ? trigamma_positive(v) : s * s - trigamma_positive(1.0 - v);
}

MAP1(map_neg, -v)
MAP1(map_exp, urn__exp_real(v))
MAP1(map_log, urn__log_real(v))
MAP1(map_log1p, urn__log1p_real(v))
MAP1(map_expm1, urn__expm1_real(v))
MAP1(map_sqrt, urn__sqrt_real(v))
MAP1(map_square, v *v)
MAP1(map_reciprocal, 1 / v)
MAP1(map_abs, urn__fabs_real(v))
MAP1(map_sigmoid, sigmoid_of(v))
MAP1(map_softplus, softplus_of(v))
MAP1(map_tanh, urn__tanh_real(v))
MAP1(map_sin, urn__sin_real(v))
MAP1(map_cos, urn__cos_real(v))
MAP1(map_digamma, (urn__real)digamma_of((double)v))
MAP1(map_trigamma, (urn__real)trigamma_of((double)v))
MAP1(map_erf, urn__erf_real(v))
/* Written so that NaN stays NaN. */
MAP1(map_relu, v <= 0 ? 0 : v)
MAP1(map_sign, v > 0 ? 1 : (v < 0 ? -1 : v))
MAP1(map_step, v > 0 ? 1 : (v <= 0 ? 0 : v))
MAP1(map_log1m_exp, log1m_exp_of(v))

/* The re-entrant one: lgamma itself writes the global signgam. */
void URN__KERNEL(map_lgamma)(int64_t n, const urn__real *x, urn__real *y)
{
    for (int64_t i = 0; i < n; i++) {
        int sign;
        y[i] = (urn__real)lgamma_r((double)x[i], &sign);
    }
}

/* There is no vector erfc; the tails need it. */
void URN__KERNEL(map_phi)(int64_t n, const urn__real *x, urn__real *y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = (urn__real)urn__normal_cdf_of((double)x[i]);
}

void URN__KERNEL(map_log_phi)(int64_t n, const urn__real *x, urn__real *y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = (urn__real)urn__log_normal_cdf_of((double)x[i]);
}
