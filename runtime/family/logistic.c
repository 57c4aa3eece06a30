/* Logistic: density exp(-z) / (scale (1 + exp(-z))^2), z = (x - loc) / scale; written in |z|, in
 * which it is even and does not overflow. */
#include "location_scale.h"
#include "tails.h"

#define PI 3.14159265358979323846

static void rows(int64_t n, const real *restrict x, const real *restrict loc,
                 const real *restrict scale, real *restrict log_density, real *restrict d_x,
                 real *restrict d_loc, real *restrict d_scale)
{
    for (int64_t i = 0; i < n; i++) {
        const real inverse = 1 / scale[i];
        const real z = (x[i] - loc[i]) * inverse, size = urn__fabs_real(z);
        const real e = urn__exp_real(-size);
        const real value = -size - 2 * urn__log1p_real(e) - urn__log_real(scale[i]);
        const real pull = (z < 0 ? e - 1 : 1 - e) / (1 + e); /* tanh(z / 2) */
        log_density[i] = scale[i] > 0 ? value : NOT_A_NUMBER;
        d_x[i] = -pull * inverse;
        d_loc[i] = pull * inverse;
        d_scale[i] = (pull * z - 1) * inverse;
    }
}

static void log_density(const urn__density_call_real *c)
{
    urn__location_scale_density(c, rows);
}

URN__DENSITY_DEFINE(logistic, log_density)

#ifndef URN_SINGLE

static double below(double z)
{
    const double e = exp(-fabs(z));
    return (z >= 0.0 ? 1.0 : e) / (1.0 + e);
}

static double unit_quantile(double p)
{
    return p >= 0.0 && p <= 1.0 ? log(p) - log1p(-p) : (double)NAN;
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    urn__location_scale_draw(c, row, unit_quantile(urn_rng_uniform(rng)));
}

static void variance(const urn_draw_call *c)
{
    urn__location_scale_variance(c, PI * PI / 3.0);
}

static void cdf(const urn_draw_call *c)
{
    urn__location_scale_cdf(c, below);
}

static void quantile(const urn_draw_call *c)
{
    urn__location_scale_quantile(c, unit_quantile(c->p));
}

static double standard(bool upper, double z, double *slope)
{
    const double towards = upper ? -z : z;
    *slope = (upper ? -1.0 : 1.0) * below(-towards);
    return (towards < 0.0 ? towards : 0.0) - log1p(exp(-fabs(z)));
}

static double tail(bool upper, double x, const double *param, double *d_x, double *d_param)
{
    return urn__location_scale_tail(standard, upper, x, param, d_x, d_param);
}

URN__TAILS(tail)

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "logistic",
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

URN__FAMILY_DEFINE(logistic, family)

#endif
