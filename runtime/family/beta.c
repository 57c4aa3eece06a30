/* Beta: density x^(a - 1) (1 - x)^(b - 1) / B(a, b) on [0, 1], a = concentration1, b =
 * concentration0. Where both are large the formula loses digits; it is then written with
 *   t1 = x (a + b) / a,  t2 = (1 - x) (a + b) / b
 * as a (log t1 - (t1 - 1)) + b (log t2 - (t2 - 1)) and terms of the size of the result. */
#include "density.h"
#include <gsl/gsl_randist.h>

enum { A, B };
#define LARGE 10.0

/* What depends on the parameters alone. */
typedef struct terms {
    double a, b, constant, d_a, d_b;
    bool valid, large;
} terms;

static terms terms_of(double a, double b)
{
    terms t = {.a = a, .b = b, .constant = (double)NAN, .large = a >= LARGE && b >= LARGE};
    t.valid = a > 0.0 && b > 0.0 && isfinite(a + b);
    if (!t.valid)
        return t;
    const double both = urn__digamma(a + b);
    t.d_a = both - urn__digamma(a);
    t.d_b = both - urn__digamma(b);
    t.constant = -urn__log_beta(a, b);
    if (t.large)
        t.constant = 0.5 * (log(a) + log(b) - log(a + b) - URN__LOG_2PI) +
                     urn__stirling_error(a + b) - urn__stirling_error(a) - urn__stirling_error(b);
    return t;
}

/* power log x, where 0 log 0 is 0 */
static double power_of(double power, double logarithm)
{
    return power == 0.0 ? 0.0 : power * logarithm;
}

static double value_at(const terms *t, double x)
{
    if (!t->valid || isnan(x))
        return (double)NAN;
    if (x < 0.0 || x > 1.0)
        return (double)-INFINITY;
    const double low = log(x), high = log1p(-x);
    if (!t->large || x == 0.0 || x == 1.0)
        return power_of(t->a - 1.0, low) + power_of(t->b - 1.0, high) +
               (t->large ? 0.0 : t->constant);
    const double sum = t->a + t->b, t1 = x * sum / t->a, t2 = (1.0 - x) * sum / t->b;
    return t->a * (log(t1) - (t1 - 1.0)) + t->b * (log(t2) - (t2 - 1.0)) - low - high + t->constant;
}

static void log_density(const urn_density_call *c)
{
    terms t = {.a = NAN};
    for (int64_t i = 0; i < c->n; i++) {
        const double a = c->param[A][i], b = c->param[B][i], x = c->x[i];
        if (a != t.a || b != t.b)
            t = terms_of(a, b);
        c->log_density[i] = value_at(&t, x);
        if (c->d_x != NULL)
            c->d_x[i] = (a - 1.0) / x - (b - 1.0) / (1.0 - x);
        if (c->d_param[A] != NULL)
            c->d_param[A][i] = log(x) + t.d_a;
        if (c->d_param[B] != NULL)
            c->d_param[B][i] = log1p(-x) + t.d_b;
    }
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const double a = urn__argument(c, A, row), b = urn__argument(c, B, row);
    c->x[row] = (double)NAN;
    if (a > 0.0 && b > 0.0 && isfinite(a + b))
        c->x[row] = gsl_ran_beta(urn_rng_gsl(rng), a, b);
}

/* Rows that share their parameters share the search. */
static void quantiles(const urn_draw_call *c, double p, double *out)
{
    double last_a = NAN, last_b = NAN, found = NAN;
    for (int64_t i = 0; i < c->n; i++) {
        const double a = urn__argument(c, A, i), b = urn__argument(c, B, i);
        if (a != last_a || b != last_b)
            found = urn__beta_quantile(a, b, p);
        last_a = a;
        last_b = b;
        out[i] = found;
    }
}

static void centre(const urn_draw_call *c)
{
    quantiles(c, 0.5, c->x);
}

static void quantile(const urn_draw_call *c)
{
    quantiles(c, c->p, c->out);
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double a = urn__argument(c, A, i), b = urn__argument(c, B, i);
        c->out[i] = a / (a + b);
    }
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double a = urn__argument(c, A, i), b = urn__argument(c, B, i), sum = a + b;
        c->out[i] = a / sum * (b / sum) / (sum + 1.0);
    }
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = urn__beta_p(urn__argument(c, A, i), urn__argument(c, B, i), c->x[i]);
}

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "beta",
    .support = urn_support_unit,
    .params = {{"concentration1", 0, URN_DOMAIN_POSITIVE, 0},
               {"concentration0", 0, URN_DOMAIN_POSITIVE, 0}},
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = quantile,
};

URN__FAMILY_DEFINE(beta, family)
