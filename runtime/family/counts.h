/* What families of counts share. */
#ifndef URN_FAMILY_COUNTS_H
#define URN_FAMILY_COUNTS_H

#include "density.h"
#include <gsl/gsl_randist.h>

typedef double urn__count_cdf(const double *param, double k);

/* The smallest count up to `most` (which may be infinite) whose cdf reaches p: doubling, then
 * halving the interval. */
static inline double urn__count_quantile(urn__count_cdf *cdf, const double *param, double most,
                                         double p)
{
    if (!(p >= 0.0 && p <= 1.0 && most >= 0.0))
        return (double)NAN;
    if (p >= 1.0)
        return most;
    double low = -1.0, high = fmin(1.0, most);
    while (high < most && cdf(param, high) < p) {
        low = high;
        high = fmin(2.0 * high, most);
    }
    while (high - low > 1.0) {
        const double middle = floor(0.5 * (low + high));
        if (middle <= low || middle >= high) /* counts beyond 2^53 */
            break;
        if (cdf(param, middle) < p)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static inline bool urn__is_count(double x)
{
    return x >= 0.0 && x < (double)INFINITY && x == floor(x);
}

/* Successes of n trials with probability p. Beyond what GSL counts to, the middle one of n sorted
 * uniforms tells on which side of it p lies, and half of the trials are left. */
static inline double urn__draw_binomial(urn_rng *rng, double n, double p)
{
    double found = 0.0;
    while (n > 0x1p30 && p > 0.0 && p < 1.0) {
        const double a = floor(0.5 * n) + 1.0, b = n + 1.0 - a;
        const double middle = gsl_ran_beta(urn_rng_gsl(rng), a, b);
        if (middle >= p) {
            n = a - 1.0;
            p /= middle;
        } else {
            found += a;
            n = b - 1.0;
            p = (p - middle) / (1.0 - middle);
        }
    }
    if (!(p > 0.0 && p < 1.0))
        return found + (p >= 1.0 ? n : 0.0);
    return found + (double)gsl_ran_binomial(urn_rng_gsl(rng), p, (unsigned)n);
}

#endif
