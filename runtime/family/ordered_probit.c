/* Ordered probit: categories 0 .. number of cutpoints, standard normal noise. */
#include "../tensor/normal_tail.h"
#include "tails.h"

static double below(double a)
{
    return urn__normal_cdf_of(a);
}

/* In the lower tail, where both logarithms have their digits. */
static double log_between(double a, double b, double *d_a, double *d_b)
{
    const double high = b > 0.0 ? -b : a, low = b > 0.0 ? -a : b;
    const double log_high = urn__log_normal_cdf_of(high), log_low = urn__log_normal_cdf_of(low);
    const double value = log_high + urn__log1m_exp(log_low - log_high);
    *d_a = isinf(a) ? 0.0 : exp(-0.5 * a * a - URN__LOG_SQRT_2PI - value);
    *d_b = isinf(b) ? 0.0 : -exp(-0.5 * b * b - URN__LOG_SQRT_2PI - value);
    return value;
}

#include "ordinal.h"

static const urn_family family = ORDINAL_FAMILY(ordered_probit);

URN__FAMILY_DEFINE(ordered_probit, family)
