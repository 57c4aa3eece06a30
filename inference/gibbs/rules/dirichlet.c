/* A dirichlet prior of probabilities: counts are added to its concentration. */
#include "../gibbs.h"
#include <math.h>
#include <string.h>

static void add_categorical(const urn__child_call *c)
{
    for (int64_t r = 0; r < c->n; r++) {
        const double v = c->value[urn__child_row(c, r) * c->value_stride];
        if (v >= 0.0 && v < (double)c->x_dim)
            c->acc[(int64_t)v] += 1.0;
    }
}

static void add_multinomial(const urn__child_call *c)
{
    for (int64_t r = 0; r < c->n; r++)
        for (int64_t k = 0; k < c->x_dim; k++)
            c->acc[k] += c->value[urn__child_row(c, r) * c->value_stride + k];
}

static const char *const priors[] = {"dirichlet", NULL};
static const urn__rule_child children[] = {
    {"categorical", "probs", URN__FORM_POWER, 1.0, true, add_categorical},
    {"multinomial", "probs", URN__FORM_POWER, 1.0, true, add_multinomial},
    {0}};

static int64_t accumulator(int64_t dim)
{
    return dim;
}

static void prior_into(const urn__prior_call *c)
{
    memcpy(c->acc, c->param[0][0], (size_t)c->dim * sizeof *c->acc);
}

static bool draw(const double *acc, int64_t dim, urn_rng *rng, double *const x[2], double *scratch,
                 double *condition)
{
    (void)scratch;
    const urn_draw_call one = {.n = 1, .dim = dim, .event = dim, .param = {acc}, .x = x[0]};
    for (int64_t k = 0; k < dim; k++)
        if (!(acc[k] > 0.0 && isfinite(acc[k]))) {
            *condition = acc[k];
            return false;
        }
    urn_family_dirichlet()->draw(&one, 0, rng);
    return true;
}

static bool mode(const double *acc, int64_t dim, double *const x[2], double *scratch)
{
    double sum = 0.0;
    (void)scratch;
    for (int64_t k = 0; k < dim; k++) {
        x[0][k] = acc[k] - 1.0;
        sum += x[0][k] >= 0.0 ? x[0][k] : (double)NAN;
    }
    for (int64_t k = 0; k < dim; k++)
        x[0][k] /= sum;
    return sum > 0.0;
}

static double log_density(const double *acc, int64_t dim, const double *const x[2], double *scratch)
{
    double sum = 0.0;
    (void)scratch;
    for (int64_t k = 0; k < dim; k++)
        sum += (acc[k] - 1.0) * log(x[0][k]);
    return sum;
}

const urn__rule urn__rule_dirichlet = {
    .name = "dirichlet",
    .summary = "dirichlet prior of the probabilities of a categorical or multinomial",
    .priors = priors,
    .children = children,
    .accumulator = accumulator,
    .prior_into = prior_into,
    .draw = draw,
    .mode = mode,
    .log_density = log_density,
};
