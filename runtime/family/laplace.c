/* Laplace: density exp(-|z|) / (2 scale), z = (x - loc) / scale. At loc itself the slope is 0. */
#include "location_scale.h"
#include "tails.h"

static void rows(int64_t n, const real *restrict x, const real *restrict loc,
                 const real *restrict scale, real *restrict log_density, real *restrict d_x,
                 real *restrict d_loc, real *restrict d_scale)
{
    for (int64_t i = 0; i < n; i++) {
        const real inverse = 1 / scale[i];
        const real z = (x[i] - loc[i]) * inverse, size = urn__fabs_real(z);
        const real side = z > 0 ? 1 : z < 0 ? -1 : z;
        const real value = -size - urn__log_real(scale[i]) - (real)URN__LOG_2;
        log_density[i] = scale[i] > 0 ? value : NOT_A_NUMBER;
        d_x[i] = -side * inverse;
        d_loc[i] = side * inverse;
        d_scale[i] = (size - 1) * inverse;
    }
}

static void log_density(const urn__density_call_real *c)
{
    urn__location_scale_density(c, rows);
}

URN__DENSITY_DEFINE(laplace, log_density)

#ifndef URN_SINGLE

static double unit_quantile(double p)
{
    if (!(p >= 0.0 && p <= 1.0))
        return NAN;
    return p < 0.5 ? log(2.0 * p) : -log(2.0 * (1.0 - p));
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    urn__location_scale_draw(c, row, unit_quantile(urn_rng_uniform(rng)));
}

static void variance(const urn_draw_call *c)
{
    urn__location_scale_variance(c, 2.0);
}

static double unit_cdf(double z)
{
    const double beyond = 0.5 * exp(-fabs(z));
    return z < 0.0 ? beyond : 1.0 - beyond;
}

static void cdf(const urn_draw_call *c)
{
    urn__location_scale_cdf(c, unit_cdf);
}

static void quantile(const urn_draw_call *c)
{
    urn__location_scale_quantile(c, unit_quantile(c->p));
}

static double standard(bool upper, double z, double *slope)
{
    const double towards = upper ? -z : z, sign = upper ? -1.0 : 1.0;
    const double beyond = 0.5 * exp(-fabs(z));
    *slope = sign * (towards < 0.0 ? 1.0 : beyond / (1.0 - beyond));
    return towards < 0.0 ? towards - URN__LOG_2 : log1p(-beyond);
}

static double tail(bool upper, double x, const double *param, double *d_x, double *d_param)
{
    return urn__location_scale_tail(standard, upper, x, param, d_x, d_param);
}

URN__TAILS(tail)

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "laplace",
    .support = urn_support_real,
    .params = {{"loc", 0, URN_DOMAIN_REAL, 0}, {"scale", 0, URN_DOMAIN_POSITIVE, 0}},
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
};

URN__FAMILY_DEFINE(laplace, family)

#endif
