/* A beta prior of a probability: successes and failures are added to its two parameters. */
#include "../gibbs.h"
#include <math.h>

enum { ONE, ZERO };

static double value(const urn__child_call *c, int64_t row)
{
    return c->value[row * c->value_stride];
}

static void add_bernoulli(const urn__child_call *c)
{
    for (int64_t r = 0; r < c->n; r++) {
        const double v = value(c, urn__child_row(c, r));
        c->acc[ONE] += v;
        c->acc[ZERO] += 1.0 - v;
    }
}

static void add_binomial(const urn__child_call *c)
{
    for (int64_t r = 0; r < c->n; r++) {
        const int64_t row = urn__child_row(c, r);
        c->acc[ONE] += value(c, row);
        c->acc[ZERO] += c->param[0][row * c->stride[0]] - value(c, row);
    }
}

static void add_geometric(const urn__child_call *c)
{
    for (int64_t r = 0; r < c->n; r++) {
        c->acc[ONE] += 1.0;
        c->acc[ZERO] += value(c, urn__child_row(c, r));
    }
}

static const char *const priors[] = {"beta", NULL};
static const urn__rule_child children[] = {
    {"bernoulli", "probs", URN__FORM_POWER, 1.0, true, add_bernoulli},
    {"binomial", "probs", URN__FORM_POWER, 1.0, true, add_binomial},
    {"geometric", "probs", URN__FORM_POWER, 1.0, true, add_geometric},
    {0}};

static int64_t accumulator(int64_t dim)
{
    (void)dim;
    return 2;
}

static void prior_into(const urn__prior_call *c)
{
    c->acc[ONE] = c->param[0][0][0];
    c->acc[ZERO] = c->param[0][1][0];
}

static bool draw(const double *acc, int64_t dim, urn_rng *rng, double *const x[2], double *scratch,
                 double *condition)
{
    (void)dim, (void)scratch;
    const urn_draw_call one = {.n = 1, .dim = 1, .event = 1, .param = {acc, acc + 1}, .x = x[0]};
    *condition = acc[ONE] > 0.0 ? acc[ZERO] : acc[ONE];
    if (!(acc[ONE] > 0.0 && acc[ZERO] > 0.0))
        return false;
    urn_family_beta()->draw(&one, 0, rng);
    return isfinite(x[0][0]);
}

static bool mode(const double *acc, int64_t dim, double *const x[2], double *scratch)
{
    (void)dim, (void)scratch;
    x[0][0] = (acc[ONE] - 1.0) / (acc[ONE] + acc[ZERO] - 2.0);
    return acc[ONE] > 1.0 && acc[ZERO] > 1.0;
}

static double log_density(const double *acc, int64_t dim, const double *const x[2], double *scratch)
{
    (void)dim, (void)scratch;
    return (acc[ONE] - 1.0) * log(x[0][0]) + (acc[ZERO] - 1.0) * log1p(-x[0][0]);
}

const urn__rule urn__rule_beta = {
    .name = "beta",
    .summary = "beta prior of the probability of a bernoulli, binomial or geometric",
    .priors = priors,
    .children = children,
    .accumulator = accumulator,
    .prior_into = prior_into,
    .draw = draw,
    .mode = mode,
    .log_density = log_density,
};
