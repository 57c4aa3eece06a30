/* Probabilities by their log odds, for bernoulli, binomial and geometric. */
#ifndef URN_FAMILY_LOGIT_H
#define URN_FAMILY_LOGIT_H

#include "density.h"
#include <urn/ops.h>

/* 1 / (1 + exp(-logit)); exp(-|logit|) never overflows. */
static inline double urn__probability(double logit)
{
    const double e = exp(-fabs(logit));
    return (logit >= 0.0 ? 1.0 : e) / (1.0 + e);
}

/* log of it */
static inline double urn__log_probability(double logit)
{
    return (logit < 0.0 ? logit : 0.0) - log1p(exp(-fabs(logit)));
}

static inline urn_var urn__logit(urn_var p)
{
    return urn_sub(urn_log(p), urn_log1p(urn_neg(p)));
}

#endif
