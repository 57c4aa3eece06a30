/* Log-normal: log x is normal with loc and scale; x > 0. */
#include "density.h"

enum { LOC, SCALE };

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)dim;
    return 3 * n;
}

static void rows(int64_t n, const double *restrict x, const double *restrict loc,
                 const double *restrict scale, double *restrict log_density, double *restrict d_x,
                 double *restrict d_loc, double *restrict d_scale)
{
    for (int64_t i = 0; i < n; i++) {
        const double inside = x[i] > 0.0 ? 1.0 : 0.0;
        const double at = x[i] > 0.0 ? x[i] : 1.0;
        const double inverse = 1.0 / scale[i];
        const double log_x = log(at);
        const double z = (log_x - loc[i]) * inverse;
        const double slope = z * inverse;
        const double value = -log_x - log(scale[i]) - 0.5 * URN__LOG_2PI - 0.5 * (z * z);
        const double density = x[i] <= 0.0 ? (double)-INFINITY : x[i] > 0.0 ? value : x[i];
        log_density[i] = scale[i] > 0.0 ? density : (double)NAN;
        d_x[i] = -inside * (1.0 + slope) / at;
        d_loc[i] = slope;
        d_scale[i] = slope * z - inverse;
    }
}

static void log_density(const urn_density_call *c)
{
    rows(c->n, c->x, c->param[LOC], c->param[SCALE], c->log_density, urn__partial(c, c->d_x, 0),
         urn__partial(c, c->d_param[LOC], 1), urn__partial(c, c->d_param[SCALE], 2));
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const double scale = urn__argument(c, SCALE, row);
    const double z = urn_rng_normal(rng);
    c->x[row] = scale > 0.0 ? exp(urn__argument(c, LOC, row) + scale * z) : (double)NAN;
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->x[i] = exp(urn__argument(c, LOC, i));
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double scale = urn__argument(c, SCALE, i);
        c->out[i] = exp(urn__argument(c, LOC, i) + 0.5 * scale * scale);
    }
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double scale = urn__argument(c, SCALE, i), square = scale * scale;
        c->out[i] = expm1(square) * exp(2.0 * urn__argument(c, LOC, i) + square);
    }
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double scale = urn__argument(c, SCALE, i);
        c->out[i] = c->x[i] <= 0.0
                        ? 0.0
                        : urn__normal_cdf((log(c->x[i]) - urn__argument(c, LOC, i)) / scale);
    }
}

static void quantile(const urn_draw_call *c)
{
    const double z = urn__normal_quantile(c->p);
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = exp(urn__argument(c, LOC, i) + urn__argument(c, SCALE, i) * z);
}

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "log_normal",
    .support = urn_support_positive,
    .params = {{"loc", 0, URN_DOMAIN_REAL, 0}, {"scale", 0, URN_DOMAIN_POSITIVE, 0}},
    .scratch_doubles = scratch_doubles,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = quantile,
};

URN__FAMILY_DEFINE(log_normal, family)
