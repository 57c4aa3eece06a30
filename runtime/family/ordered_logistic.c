/* Ordered logistic: categories 0 .. number of cutpoints, noise with distribution function s(a) =
 * 1 / (1 + exp(-a)). With a > b: s(a) - s(b) = s(a) s(-b) (1 - exp(b - a)), without cancellation.
 */
#include "family.h"

static double log_below(double a)
{
    return (a < 0.0 ? a : 0.0) - log1p(exp(-fabs(a)));
}

static double below(double a)
{
    const double e = exp(-fabs(a));
    return (a >= 0.0 ? 1.0 : e) / (1.0 + e);
}

static double log_between(double a, double b, double *d_a, double *d_b)
{
    const double gap = b - a, odds = isinf(gap) ? 0.0 : 1.0 / expm1(-gap);
    *d_a = isinf(a) ? 0.0 : below(-a) + odds;
    *d_b = isinf(b) ? 0.0 : -below(b) - odds;
    return log_below(a) + log_below(-b) + (gap > -URN__LOG_2 ? log(-expm1(gap)) : log1p(-exp(gap)));
}

#include "ordinal.h"

static const urn_family family = ORDINAL_FAMILY(ordered_logistic);

URN__FAMILY_DEFINE(ordered_logistic, family)
