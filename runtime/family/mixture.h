/* For the mixtures: weights given by their logarithms up to a common term. */
#ifndef URN_FAMILY_MIXTURE_H
#define URN_FAMILY_MIXTURE_H

#include "made.h"
#include <urn/ops.h>

/* Gives the copy of a base with n parameters its weights, of that many event dims. */
void urn__add_weights(urn__made *made, int n, int rank);

/* Why components of a base with bounds that are parameters cannot be mixed, or NULL. */
const char *urn__refuse_bounds(const urn_family *base);

/* log sum exp(x[k step] + plus[k]); plus may be NULL. */
static inline double urn__log_sum_exp(int64_t n, const double *x, int64_t step, const double *plus)
{
    double high = -(double)INFINITY, sum = 0.0;
    for (int64_t k = 0; k < n; k++) {
        const double v = x[k * step] + (plus != NULL ? plus[k] : 0.0);
        high = v > high || isnan(v) ? v : high;
    }
    if (!isfinite(high))
        return high;
    for (int64_t k = 0; k < n; k++)
        sum += exp(x[k * step] + (plus != NULL ? plus[k] : 0.0) - high);
    return high + log(sum);
}

/* What has no share has no slope, even where that is infinite. */
static inline double urn__part(double share, double slope)
{
    return share == 0.0 ? 0.0 : share * slope;
}

/* The component that a uniform number falls on. */
static inline int64_t urn__component_of(int64_t n, const double *logits, double uniform)
{
    const double norm = urn__log_sum_exp(n, logits, 1, NULL);
    double left = uniform;
    int64_t chosen = 0;
    for (int64_t j = 0; j < n; j++) {
        const double weight = exp(logits[j] - norm);
        chosen = weight > 0.0 ? j : chosen;
        left -= weight;
        if (left < 0.0)
            break;
    }
    return isnan(norm) ? -1 : chosen;
}

#endif
