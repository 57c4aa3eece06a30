/* Normal: density exp(-z^2 / 2) / (scale sqrt(2 pi)), z = (x - loc) / scale. */
#include "location_scale.h"
#include "tails.h"
#include <urn/ops.h>

/* Rows often share one scale, which then costs one logarithm and one division. */
static bool is_constant(int64_t n, const real *v)
{
    int64_t same = 0;
    for (int64_t i = 0; i < n; i++)
        same += v[i] == v[0];
    return same == n;
}

static void shared_scale(int64_t n, const real *restrict x, const real *restrict loc, real scale,
                         real *restrict log_density, real *restrict d_x, real *restrict d_loc,
                         real *restrict d_scale)
{
    const real inverse = 1 / scale;
    const double logarithm = log((double)scale) + 0.5 * URN__LOG_2PI;
    const real constant = scale > 0 ? (real)-logarithm : NOT_A_NUMBER;
    for (int64_t i = 0; i < n; i++) {
        const real z = (x[i] - loc[i]) * inverse;
        const real slope = z * inverse;
        log_density[i] = constant - (real)0.5 * (z * z);
        d_x[i] = -slope;
        d_loc[i] = slope;
        d_scale[i] = slope * z - inverse;
    }
}

static void own_scales(int64_t n, const real *restrict x, const real *restrict loc,
                       const real *restrict scale, real *restrict log_density, real *restrict d_x,
                       real *restrict d_loc, real *restrict d_scale)
{
    for (int64_t i = 0; i < n; i++) {
        const real inverse = 1 / scale[i];
        const real z = (x[i] - loc[i]) * inverse;
        const real slope = z * inverse;
        const real value =
            -urn__log_real(scale[i]) - (real)(0.5 * URN__LOG_2PI) - (real)0.5 * (z * z);
        log_density[i] = scale[i] > 0 ? value : NOT_A_NUMBER;
        d_x[i] = -slope;
        d_loc[i] = slope;
        d_scale[i] = slope * z - inverse;
    }
}

static void log_density(const urn__density_call_real *c)
{
    real *d_x = urn__partial(c, c->d_x, 0);
    real *d_loc = urn__partial(c, c->d_param[LOC], 1);
    real *d_scale = urn__partial(c, c->d_param[SCALE], 2);
    const real *loc = c->param[LOC], *scale = c->param[SCALE];
    if (c->n > 0 && is_constant(c->n, scale))
        shared_scale(c->n, c->x, loc, scale[0], c->log_density, d_x, d_loc, d_scale);
    else
        own_scales(c->n, c->x, loc, scale, c->log_density, d_x, d_loc, d_scale);
}

URN__DENSITY_DEFINE(normal, log_density)

#ifndef URN_SINGLE

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    urn__location_scale_draw(c, row, urn_rng_normal(rng));
}

static void variance(const urn_draw_call *c)
{
    urn__location_scale_variance(c, 1.0);
}

static void cdf(const urn_draw_call *c)
{
    urn__location_scale_cdf(c, urn__normal_cdf);
}

static void quantile(const urn_draw_call *c)
{
    urn__location_scale_quantile(c, urn__normal_quantile(c->p));
}

static urn_var scale_of_precision(urn_var precision)
{
    return urn_reciprocal(urn_sqrt(precision));
}

static const urn_family_alternative alternatives[] = {
    {"variance", "scale", URN_DOMAIN_POSITIVE, urn_sqrt},
    {"precision", "scale", URN_DOMAIN_POSITIVE, scale_of_precision},
    {0},
};

static double tail(bool upper, double x, const double *param, double *d_x, double *d_param)
{
    return urn__location_scale_tail(urn__normal_tail, upper, x, param, d_x, d_param);
}

URN__TAILS(tail)

static void quadratic(const double *param, urn_quadratic *found)
{
    const double scale = param[SCALE], inverse = 1.0 / scale;
    found->constant = scale > 0.0 ? -log(scale) - 0.5 * URN__LOG_2PI : (double)NOT_A_NUMBER;
    found->precision = inverse * inverse;
    found->d_constant[SCALE] = -inverse;
    found->d_precision[SCALE] = -2.0 * inverse * found->precision;
}

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "normal",
    .support = urn_support_real,
    .params = {{"loc", 0, URN_DOMAIN_REAL, 0}, {"scale", 0, URN_DOMAIN_POSITIVE, 0}},
    .alternatives = alternatives,
    .scratch_doubles = urn__location_scale_scratch,
    .log_density = log_density,
    .draw = draw,
    .centre = urn__location_centre,
    .mean = urn__location_mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = quantile,
    .log_cdf = log_cdf,
    .log_survival = log_survival,
    .quadratic = quadratic,
    .of_normals = urn__location_scale_of,
    .to_normals = urn__location_scale_to,
};

URN__FAMILY_DEFINE(normal, family)

#endif
