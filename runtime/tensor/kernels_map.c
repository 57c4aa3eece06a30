/* Elementwise kernels. Results do not depend on where an element stands in its array: what does not
 * fill a vector is padded to one, because a vector function and its scalar twin may differ by an
 * ulp. */
#include "kernels.h"
#include "normal_tail.h"
#include "vgamma.h"

/* A function `name`_all: y = expression in v. x and y may be the same, which the pragma allows and
 * `restrict` would not. */
#define EACH(name, expression)                                                                     \
    URN__INLINE void name##_whole(int64_t n, const urn__real *x, urn__real *y)                     \
    {                                                                                              \
        URN__SIMD for (int64_t i = 0; i < n; i++)                                                  \
        {                                                                                          \
            const urn__real v = x[i];                                                              \
            y[i] = (urn__real)(expression);                                                        \
        }                                                                                          \
    }                                                                                              \
    static void name##_all(int64_t n, const urn__real *x, urn__real *y)                            \
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

/* The kernel of it. */
#define MAP1(name, expression)                                                                     \
    EACH(name, expression)                                                                         \
    void URN__KERNEL(name)(int64_t n, const urn__real *x, urn__real *y)                            \
    {                                                                                              \
        name##_all(n, x, y);                                                                       \
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

/* ---- gamma functions ---- */

#define PI 3.14159265358979323846

/* Distance to the nearest integer, exactly, for reflection: sines of pi x are those of pi times it
 * up to the sign, which the formulas below do not see. */
static double from_integer(double v)
{
    return v - rint(v);
}

/* Of numbers that are not positive, one by one: models have no use for them. lgamma_r is the
 * re-entrant one; lgamma itself writes the global signgam. */
static double lgamma_of(double v)
{
    int sign;
    return lgamma_r(v, &sign);
}

/* 6.3.7. NaN at the poles, which digamma leaves with opposite signs on their two sides. */
static double digamma_of(double v)
{
    const double f = from_integer(v);
    const double cotangent = cos(PI * f) / sin(PI * f);
    return f == 0.0 ? (double)NAN : urn__digamma_positive(1.0 - v) - PI * cotangent;
}

/* 6.4.7. +infinity at the poles. */
static double trigamma_of(double v)
{
    const double s = PI / sin(PI * from_integer(v));
    return s * s - urn__trigamma_positive(1.0 - v);
}

/* A kernel that takes positive numbers by vectors and the others one by one. */
#define GAMMA(name, positive, other)                                                               \
    EACH(name, positive)                                                                           \
    void URN__KERNEL(name)(int64_t n, const urn__real *x, urn__real *y)                            \
    {                                                                                              \
        gamma_blocks(n, x, y, name##_all, other);                                                  \
    }

static void gamma_blocks(int64_t n, const urn__real *x, urn__real *y,
                         void (*positive)(int64_t n, const urn__real *x, urn__real *y),
                         double (*other)(double v))
{
    urn__real kept[URN__BLOCK]; /* y may be x */
    for (int64_t from = 0; from < n; from += URN__BLOCK) {
        const int64_t part = n - from < URN__BLOCK ? n - from : URN__BLOCK;
        int others = 0;
        for (int64_t i = 0; i < part; i++)
            others |= x[from + i] <= 0;
        if (others)
            memcpy(kept, x + from, (size_t)part * sizeof *x);
        positive(part, x + from, y + from);
        for (int64_t i = 0; others && i < part; i++)
            if (kept[i] <= 0)
                y[from + i] = (urn__real)other((double)kept[i]);
    }
}

GAMMA(map_lgamma, urn__lgamma_positive((double)v), lgamma_of)
GAMMA(map_digamma, urn__digamma_positive((double)v), digamma_of)
GAMMA(map_trigamma, urn__trigamma_positive((double)v), trigamma_of)

/* ---- the others ---- */

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
MAP1(map_erf, urn__erf_real(v))
/* Written so that NaN stays NaN. */
MAP1(map_relu, v <= 0 ? 0 : v)
MAP1(map_sign, v > 0 ? 1 : (v < 0 ? -1 : v))
MAP1(map_step, v > 0 ? 1 : (v <= 0 ? 0 : v))
MAP1(map_log1m_exp, log1m_exp_of(v))

/* In double also where numbers are float. */
void URN__KERNEL(map_phi)(int64_t n, const urn__real *x, urn__real *y)
{
    URN__SIMD
    for (int64_t i = 0; i < n; i++)
        y[i] = (urn__real)urn__normal_cdf_of((double)x[i]);
}

void URN__KERNEL(map_log_phi)(int64_t n, const urn__real *x, urn__real *y)
{
    URN__SIMD
    for (int64_t i = 0; i < n; i++)
        y[i] = (urn__real)urn__log_normal_cdf_of((double)x[i]);
}
