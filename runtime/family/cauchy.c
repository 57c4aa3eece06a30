/* Cauchy: density 1 / (pi scale (1 + z^2)), z = (x - loc) / scale. It has no moments. */
#include "location_scale.h"
#include "tails.h"

#define PI 3.14159265358979323846

static void rows(int64_t n, const real *restrict x, const real *restrict loc,
                 const real *restrict scale, real *restrict log_density, real *restrict d_x,
                 real *restrict d_loc, real *restrict d_scale)
{
    for (int64_t i = 0; i < n; i++) {
        const real inverse = 1 / scale[i];
        const real z = (x[i] - loc[i]) * inverse;
        const real pull = 2 * z / (1 + z * z);
        const real value = -(real)URN__LOG_PI - urn__log_real(scale[i]) - urn__log1p_real(z * z);
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

URN__DENSITY_DEFINE(cauchy, log_density)

#ifndef URN_SINGLE

/* P(Z <= z) times pi; each tail keeps its digits. */
static double angle_below(double z)
{
    return atan2(1.0, -z);
}

/* For p above a half by the other tail, which keeps its digits. */
static double unit_quantile(double p)
{
    if (!(p >= 0.0 && p <= 1.0))
        return NAN;
    if (p == 0.0 || p == 1.0)
        return p == 0.0 ? -(double)INFINITY : (double)INFINITY;
    return p == 0.5 ? 0.0 : p < 0.5 ? -1.0 / tan(PI * p) : 1.0 / tan(PI * (1.0 - p));
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    urn__location_scale_draw(c, row, unit_quantile(urn_rng_uniform(rng)));
}

static double unit_cdf(double z)
{
    return angle_below(z) / PI;
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
    const double angle = angle_below(upper ? -z : z);
    *slope = (upper ? -1.0 : 1.0) / ((1.0 + z * z) * angle);
    return log(angle) - URN__LOG_PI;
}

static double tail(bool upper, double x, const double *param, double *d_x, double *d_param)
{
    return urn__location_scale_tail(standard, upper, x, param, d_x, d_param);
}

URN__TAILS(tail)

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "cauchy",
    .support = urn_support_real,
    .params = {{"loc", 0, URN_DOMAIN_REAL, 0}, {"scale", 0, URN_DOMAIN_POSITIVE, 0}},
    .scratch_doubles = urn__location_scale_scratch,
    .log_density = log_density,
    .draw = draw,
    .centre = urn__location_centre,
    .cdf = cdf,
    .quantile = quantile,
    .log_cdf = log_cdf,
    .log_survival = log_survival,
};

URN__FAMILY_DEFINE(cauchy, family)

#endif
