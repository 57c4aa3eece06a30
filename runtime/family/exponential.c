/* Exponential: density rate exp(-rate x), x >= 0. */
#include "density.h"
#include "tails.h"
#include <urn/ops.h>

enum { RATE };

static void rows(int64_t n, const real *restrict x, const real *restrict rate,
                 real *restrict log_density, real *restrict d_x, real *restrict d_rate)
{
    for (int64_t i = 0; i < n; i++) {
        const real value = urn__log_real(rate[i]) - rate[i] * x[i];
        const real inside = x[i] < 0 ? -INFINITE : value;
        log_density[i] = rate[i] > 0 ? inside : NOT_A_NUMBER;
        d_x[i] = -rate[i];
        d_rate[i] = 1 / rate[i] - x[i];
    }
}

static void log_density(const urn__density_call_real *c)
{
    rows(c->n, c->x, c->param[RATE], c->log_density, urn__partial(c, c->d_x, 0),
         urn__partial(c, c->d_param[RATE], 1));
}

URN__DENSITY_DEFINE(exponential, log_density)

#ifndef URN_SINGLE

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)dim;
    return 2 * n;
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const double rate = urn__argument(c, RATE, row);
    const double unit = -log(urn_rng_uniform(rng));
    c->x[row] = rate > 0.0 ? unit / rate : (double)NAN;
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->x[i] = URN__LOG_2 / urn__argument(c, RATE, i);
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = 1.0 / urn__argument(c, RATE, i);
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double scale = 1.0 / urn__argument(c, RATE, i);
        c->out[i] = scale * scale;
    }
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = c->x[i] < 0.0 ? 0.0 : -expm1(-urn__argument(c, RATE, i) * c->x[i]);
}

static void quantile(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = -log1p(-c->p) / urn__argument(c, RATE, i);
}

static const urn_family_alternative alternatives[] = {
    {"scale", "rate", URN_DOMAIN_POSITIVE, urn_reciprocal},
    {0},
};

static double tail(bool upper, double x, const double *param, double *d_x, double *d_param)
{
    if (!(param[RATE] > 0.0))
        return NAN;
    if (x <= 0.0)
        return upper ? 0.0 : -(double)INFINITY;
    double factor = 1.0;
    const double beyond = -param[RATE] * x;
    const double value = upper ? beyond : urn__other_tail(beyond, &factor);
    *d_x = isfinite(x) ? -factor * param[RATE] : 0.0;
    d_param[RATE] = isfinite(x) ? -factor * x : 0.0;
    return value;
}

URN__TAILS(tail)

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "exponential",
    .support = urn_support_non_negative,
    .params = {{"rate", 0, URN_DOMAIN_POSITIVE, 0}},
    .alternatives = alternatives,
    .scratch_doubles = scratch_doubles,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = quantile,
    .log_cdf = log_cdf,
    .log_survival = log_survival,
};

URN__FAMILY_DEFINE(exponential, family)

#endif
