/* A positive number with a prior that is not conjugate: what the children say of it are the few
 * sums of shape_rate.h, collected once a sweep, so a slice step on the logarithm costs next to
 * nothing however many rows there are. A child's part of the log density is n log t - s t with t =
 * x^e, e one of EXPONENTS. The accumulator is {family, its parameters, the n e of all children,
 * s for each exponent}. */
#include "../stepping.h"
#include "shape_rate.h"
#include <math.h>

enum { FAMILY, PARAMS, N_PARAMS = 4, POWER = PARAMS + N_PARAMS, SUMS, N_EXPONENTS = 4 };
static const double EXPONENTS[N_EXPONENTS] = {1.0, -1.0, 2.0, -2.0};

static const urn_family *(*const families[])(void) = {
    urn_family_half_normal, urn_family_half_cauchy,   urn_family_log_normal,
    urn_family_gamma,       urn_family_inverse_gamma, urn_family_exponential};
enum { N_FAMILIES = sizeof families / sizeof families[0] };
static const char *const priors[] = {"half_normal",   "half_cauchy", "log_normal", "gamma",
                                     "inverse_gamma", "exponential", NULL};

/* By way of the two sums for t. */
static void collect(const urn__child_call *c, int e, void (*into)(const urn__child_call *call))
{
    double both[2] = {0.0, 0.0};
    urn__child_call one = *c;
    one.acc = both;
    into(&one);
    c->acc[POWER] += EXPONENTS[e] * both[0];
    c->acc[SUMS + e] += both[1];
}

#define COLLECT(name)                                                                              \
    static void name##_0(const urn__child_call *c)                                                 \
    {                                                                                              \
        collect(c, 0, urn__add_##name);                                                            \
    }                                                                                              \
    static void name##_1(const urn__child_call *c)                                                 \
    {                                                                                              \
        collect(c, 1, urn__add_##name);                                                            \
    }                                                                                              \
    static void name##_2(const urn__child_call *c)                                                 \
    {                                                                                              \
        collect(c, 2, urn__add_##name);                                                            \
    }                                                                                              \
    static void name##_3(const urn__child_call *c)                                                 \
    {                                                                                              \
        collect(c, 3, urn__add_##name);                                                            \
    }
COLLECT(normal)
COLLECT(log_normal)
COLLECT(half_normal)
COLLECT(mvn_scale)
COLLECT(mvn_precision)
COLLECT(poisson)
COLLECT(exponential)
COLLECT(gamma)
COLLECT(inverse_gamma)

/* t = x^e where scale = c t^-1/2, precision_tril = C t^1/2, rate = c t. */
#define LINES(family, word, to_power, name)                                                        \
    {family, word, URN__FORM_POWER, (to_power)*1.0, false, name##_0},                              \
        {family, word, URN__FORM_POWER, (to_power) * -1.0, false, name##_1},                       \
        {family, word, URN__FORM_POWER, (to_power)*2.0, false, name##_2},                          \
    {                                                                                              \
        family, word, URN__FORM_POWER, (to_power) * -2.0, false, name##_3                          \
    }

static const urn__rule_child children[] = {LINES("normal", "scale", -0.5, normal),
                                           LINES("log_normal", "scale", -0.5, log_normal),
                                           LINES("half_normal", "scale", -0.5, half_normal),
                                           LINES("mvn", "scale_tril", -0.5, mvn_scale),
                                           LINES("mvn", "precision_tril", 0.5, mvn_precision),
                                           LINES("poisson", "rate", 1.0, poisson),
                                           LINES("exponential", "rate", 1.0, exponential),
                                           LINES("gamma", "rate", 1.0, gamma),
                                           LINES("inverse_gamma", "rate", 1.0, inverse_gamma),
                                           {0}};

static int64_t accumulator(int64_t dim)
{
    (void)dim;
    return SUMS + N_EXPONENTS;
}

/* 16 is more than any of these families takes for one row; see log_prior. */
static int64_t scratch(int64_t dim)
{
    return dim + 16;
}

static void prior_into(const urn__prior_call *c)
{
    for (int64_t i = 0; i < accumulator(1); i++)
        c->acc[i] = 0.0;
    for (int f = 0; f < N_FAMILIES; f++)
        if (c->family == families[f]())
            c->acc[FAMILY] = (double)f;
    for (int k = 0; k < N_PARAMS; k++)
        c->acc[PARAMS + k] = c->param[0][k] != NULL ? c->param[0][k][0] : 0.0;
}

typedef struct conditional {
    const double *acc;
    double *scratch;
} conditional;

static double log_prior(const conditional *at, double x)
{
    double value = 0.0;
    urn_density_call call = {.n = 1,
                             .dim = 1,
                             .event = 1,
                             .x = &x,
                             .x_stride = 1,
                             .log_density = &value,
                             .scratch = at->scratch};
    const urn_family *family = families[(int)at->acc[FAMILY]]();
    for (int k = 0; k < N_PARAMS && family->params[k].word != NULL; k++) {
        call.param[k] = at->acc + PARAMS + k;
        call.stride[k] = 1;
    }
    family->log_density(&call);
    return value;
}

static double log_at(const conditional *at, double x)
{
    double sum = log_prior(at, x) + at->acc[POWER] * log(x);
    for (int e = 0; e < N_EXPONENTS; e++)
        if (at->acc[SUMS + e] > 0.0)
            sum -= at->acc[SUMS + e] * pow(x, EXPONENTS[e]);
    return sum;
}

/* Of log x, with its Jacobian. */
static double at_logarithm(void *context, double y)
{
    const double x = exp(y);
    return x > 0.0 && isfinite(x) ? log_at(context, x) + y : (double)-INFINITY;
}

static bool draw(const double *acc, int64_t dim, urn_rng *rng, double *const x[2], double *room,
                 double *condition)
{
    conditional at = {acc, room};
    (void)dim;
    *condition = x[0][0];
    if (!isfinite(at_logarithm(&at, log(x[0][0]))))
        return false;
    x[0][0] = exp(urn__slice_step(at_logarithm, &at, 0.5, log(x[0][0]), rng));
    return true;
}

static double log_density(const double *acc, int64_t dim, const double *const x[2], double *room)
{
    const conditional at = {acc, room};
    (void)dim;
    return log_at(&at, x[0][0]);
}

const urn__rule urn__rule_positive = {
    .name = "positive",
    .summary = "a positive scale, variance, precision or rate: slice steps on the logarithm, by "
               "sums that are collected once",
    .priors = priors,
    .children = children,
    .accumulator = accumulator,
    .scratch = scratch,
    .prior_into = prior_into,
    .draw = draw,
    .log_density = log_density,
    .kind = &urn__kind_row_steps,
};
