/* An inverse_gamma prior of a variance or of the scale of a gamma: that of a gamma, in 1 / x. */
#include "shape_rate.h"
#include <math.h>

static const char *const priors[] = {"inverse_gamma", NULL};
static const urn__rule_child children[] = {URN__SHAPE_RATE_CHILDREN(0.5), {0}};

static void prior_into(const urn__prior_call *c)
{
    c->acc[URN__SHAPE] = c->param[0][0][0];
    c->acc[URN__RATE] = c->param[0][1][0];
}

static bool draw(const double *acc, int64_t dim, urn_rng *rng, double *const x[2], double *scratch,
                 double *condition)
{
    (void)dim, (void)scratch;
    return urn__shape_rate_draw(urn_family_inverse_gamma(), acc, rng, x[0], condition);
}

static bool mode(const double *acc, int64_t dim, double *const x[2], double *scratch)
{
    (void)dim, (void)scratch;
    x[0][0] = acc[URN__RATE] / (acc[URN__SHAPE] + 1.0);
    return x[0][0] > 0.0 && isfinite(x[0][0]);
}

static double log_density(const double *acc, int64_t dim, const double *const x[2], double *scratch)
{
    (void)dim, (void)scratch;
    return -(acc[URN__SHAPE] + 1.0) * log(x[0][0]) - acc[URN__RATE] / x[0][0];
}

const urn__rule urn__rule_inverse_gamma = {
    .name = "inverse_gamma",
    .summary = "inverse_gamma prior of a variance, or of the scale of a gamma, inverse_gamma or "
               "exponential",
    .priors = priors,
    .children = children,
    .accumulator = urn__shape_rate_accumulator,
    .scratch = urn__shape_rate_scratch,
    .prior_into = prior_into,
    .draw = draw,
    .mode = mode,
    .log_density = log_density,
};
