/* Point mass at loc: log density 0 there and -infinity elsewhere; no partials. */
#include "density.h"

enum { LOC };

static void log_density(const urn_density_call *c)
{
    const double *loc = c->param[LOC];
    for (int64_t i = 0; i < c->n; i++) {
        const double elsewhere = isnan(loc[i]) ? (double)NAN : (double)-INFINITY;
        c->log_density[i] = c->x[i] == loc[i] ? 0.0 : elsewhere;
    }
    if (c->d_x != NULL)
        memset(c->d_x, 0, (size_t)c->n * sizeof(double));
    if (c->d_param[LOC] != NULL)
        memset(c->d_param[LOC], 0, (size_t)c->n * sizeof(double));
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    (void)rng;
    c->x[row] = urn__argument(c, LOC, row);
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->x[i] = urn__argument(c, LOC, i);
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = urn__argument(c, LOC, i);
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = 0.0 * urn__argument(c, LOC, i);
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = c->x[i] >= urn__argument(c, LOC, i) ? 1.0 : 0.0;
}

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "delta",
    .support = urn_support_real,
    .params = {{"loc", 0, URN_DOMAIN_REAL, 0}},
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = mean,
};

URN__FAMILY_DEFINE(delta, family)
