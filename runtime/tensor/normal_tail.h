/* The standard normal distribution function and its logarithm, with full relative accuracy in both
 * tails. For kernels and families. */
#ifndef URN_TENSOR_NORMAL_TAIL_H
#define URN_TENSOR_NORMAL_TAIL_H

#include <math.h>

#define URN__SQRT_HALF 0.70710678118654752440
#define URN__LOG_SQRT_2PI 0.91893853320467274178

static inline double urn__normal_cdf_of(double z)
{
    return 0.5 * erfc(-z * URN__SQRT_HALF);
}

/* log Phi(z). Far down by the asymptotic series of Mills' ratio (Abramowitz and Stegun 26.2.12), of
 * which ten terms are exact to the last digit below -20. */
static inline double urn__log_normal_cdf_of(double z)
{
    if (z > 0.0)
        return log1p(-0.5 * erfc(z * URN__SQRT_HALF));
    if (!(z < -20.0))
        return log(0.5 * erfc(-z * URN__SQRT_HALF));
    const double f = 1.0 / (z * z);
    double series = 0.0; /* f - 3 f^2 + 15 f^3 - ... */
    for (int k = 10; k > 0; k--)
        series = (2 * k - 1) * f * (1.0 - series);
    return -0.5 * z * z - URN__LOG_SQRT_2PI - log(-z) + log1p(-series);
}

#endif
