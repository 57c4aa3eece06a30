/* Half-Cauchy: density 2 / (pi scale (1 + (x / scale)^2)), x >= 0. It has no moments. */
#include "half.h"
#include "tails.h"

#define HALF_PI 1.5707963267948966192
#define LOG_HALF_PI 0.45158270528945486473

static void rows(int64_t n, const real *restrict x, const real *restrict scale,
                 real *restrict log_density, real *restrict d_x, real *restrict d_scale)
{
    for (int64_t i = 0; i < n; i++) {
        const real inverse = 1 / scale[i];
        const real z = x[i] * inverse;
        const real pull = 2 * z / (1 + z * z);
        const real value = -(real)LOG_HALF_PI - urn__log_real(scale[i]) - urn__log1p_real(z * z);
        const real inside = x[i] < 0 ? -INFINITE : value;
        log_density[i] = scale[i] > 0 ? inside : NOT_A_NUMBER;
        d_x[i] = -pull * inverse;
        d_scale[i] = (pull * z - 1) * inverse;
    }
}

static void log_density(const urn__density_call_real *c)
{
    urn__half_density(c, rows);
}

URN__DENSITY_DEFINE(half_cauchy, log_density)

#ifndef URN_SINGLE

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    urn__half_draw(c, row, tan(HALF_PI * urn_rng_uniform(rng)));
}

static void centre(const urn_draw_call *c)
{
    urn__half_of(c, 1.0, c->x);
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = c->x[i] < 0.0 ? 0.0 : atan2(c->x[i], urn__argument(c, SCALE, i)) / HALF_PI;
}

static void quantile(const urn_draw_call *c)
{
    urn__half_of(c, c->p < 1.0 ? tan(HALF_PI * c->p) : (double)INFINITY, c->out);
}

static double tail(bool upper, double x, const double *param, double *d_x, double *d_param)
{
    if (!(param[SCALE] > 0.0))
        return NAN;
    if (x <= 0.0)
        return upper ? 0.0 : -(double)INFINITY;
    const double z = x / param[SCALE], angle = upper ? atan2(1.0, z) : atan(z);
    const double slope = isfinite(z) ? (upper ? -1.0 : 1.0) / ((1.0 + z * z) * angle) : 0.0;
    *d_x = slope / param[SCALE];
    d_param[SCALE] = isfinite(z) ? -slope * z / param[SCALE] : 0.0;
    return log(angle / HALF_PI);
}

URN__TAILS(tail)

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "half_cauchy",
    .support = urn_support_non_negative,
    .params = {{"scale", 0, URN_DOMAIN_POSITIVE, 0}},
    .scratch_doubles = urn__half_scratch,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .cdf = cdf,
    .quantile = quantile,
    .log_cdf = log_cdf,
    .log_survival = log_survival,
};

URN__FAMILY_DEFINE(half_cauchy, family)

#endif
