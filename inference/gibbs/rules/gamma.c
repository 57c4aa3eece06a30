/* A gamma (or exponential) prior of a precision or a rate. */
#include "shape_rate.h"
#include <math.h>

enum { SHAPE, RATE };

static const char *const priors[] = {"gamma", "exponential", NULL};
static const urn__rule_child children[] = {URN__SHAPE_RATE_CHILDREN(-0.5), {0}};

static int64_t accumulator(int64_t dim)
{
    (void)dim;
    return 2;
}

/* exponential has one parameter, its rate. */
static void prior_into(const urn__prior_call *c)
{
    const bool exponential = c->param[0][1] == NULL;
    c->acc[SHAPE] = exponential ? 1.0 : c->param[0][0][0];
    c->acc[RATE] = exponential ? c->param[0][0][0] : c->param[0][1][0];
}

static int64_t scratch(int64_t dim)
{
    return dim;
}

static bool draw(const double *acc, int64_t dim, urn_rng *rng, double *const x[2], double *scratch_,
                 double *condition)
{
    (void)dim, (void)scratch_;
    const urn_draw_call one = {
        .n = 1, .dim = 1, .event = 1, .param = {acc + SHAPE, acc + RATE}, .x = x[0]};
    *condition = acc[SHAPE] > 0.0 && isfinite(acc[SHAPE]) ? acc[RATE] : acc[SHAPE];
    if (!(acc[SHAPE] > 0.0 && acc[RATE] > 0.0 && isfinite(acc[SHAPE]) && isfinite(acc[RATE])))
        return false;
    urn_family_gamma()->draw(&one, 0, rng);
    return true;
}

static bool mode(const double *acc, int64_t dim, double *const x[2], double *scratch_)
{
    (void)dim, (void)scratch_;
    x[0][0] = (acc[SHAPE] - 1.0) / acc[RATE];
    return x[0][0] > 0.0 && isfinite(x[0][0]);
}

static double log_density(const double *acc, int64_t dim, const double *const x[2],
                          double *scratch_)
{
    (void)dim, (void)scratch_;
    return (acc[SHAPE] - 1.0) * log(x[0][0]) - acc[RATE] * x[0][0];
}

const urn__rule urn__rule_gamma = {
    .name = "gamma",
    .summary = "gamma or exponential prior of a precision, or of the rate of a poisson, gamma, "
               "inverse_gamma or exponential",
    .priors = priors,
    .children = children,
    .accumulator = accumulator,
    .scratch = scratch,
    .prior_into = prior_into,
    .draw = draw,
    .mode = mode,
    .log_density = log_density,
};
