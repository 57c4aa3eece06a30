/* Half-normal: density sqrt(2 / pi) exp(-(x / scale)^2 / 2) / scale, x >= 0. */
#include "half.h"
#include "tails.h"

#define LOG_SQRT_HALF_PI 0.22579135264472743236
#define SQRT_HALF 0.70710678118654752440

static void rows(int64_t n, const real *restrict x, const real *restrict scale,
                 real *restrict log_density, real *restrict d_x, real *restrict d_scale)
{
    for (int64_t i = 0; i < n; i++) {
        const real inverse = 1 / scale[i];
        const real z = x[i] * inverse;
        const real value = -(real)LOG_SQRT_HALF_PI - urn__log_real(scale[i]) - (real)0.5 * (z * z);
        const real inside = x[i] < 0 ? -INFINITE : value;
        log_density[i] = scale[i] > 0 ? inside : NOT_A_NUMBER;
        d_x[i] = -z * inverse;
        d_scale[i] = (z * z - 1) * inverse;
    }
}

static void log_density(const urn__density_call_real *c)
{
    urn__half_density(c, rows);
}

URN__DENSITY_DEFINE(half_normal, log_density)

#ifndef URN_SINGLE

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    urn__half_draw(c, row, fabs(urn_rng_normal(rng)));
}

static void quantiles(const urn_draw_call *c, double p, double *out)
{
    const double unit =
        p < 0.5 ? urn__normal_quantile(0.5 + 0.5 * p) : -urn__normal_quantile(0.5 - 0.5 * p);
    urn__half_of(c, unit, out);
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
    urn__half_of(c, 0.79788456080286535588, c->out); /* sqrt(2 / pi) */
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double scale = urn__argument(c, SCALE, i);
        c->out[i] = 0.36338022763241865692 * scale * scale; /* 1 - 2 / pi */
    }
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = c->x[i] < 0.0 ? 0.0 : erf(c->x[i] / urn__argument(c, SCALE, i) * SQRT_HALF);
}

/* P(X > x) = 2 Q(z). */
static double tail(bool upper, double x, const double *param, double *d_x, double *d_param)
{
    if (!(param[SCALE] > 0.0))
        return NAN;
    if (x <= 0.0)
        return upper ? 0.0 : -(double)INFINITY;
    const double z = x / param[SCALE];
    double slope;
    const double beyond = URN__LOG_2 + urn__normal_tail(true, z, &slope);
    const double below = z < 1.0 ? log(erf(z * SQRT_HALF)) : urn__log1m_exp(beyond);
    if (!upper)
        slope = isfinite(z) ? exp(-LOG_SQRT_HALF_PI - 0.5 * z * z - below) : 0.0;
    *d_x = slope / param[SCALE];
    d_param[SCALE] = isfinite(z) ? -slope * z / param[SCALE] : 0.0;
    return upper ? beyond : below;
}

URN__TAILS(tail)

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "half_normal",
    .support = urn_support_non_negative,
    .params = {{"scale", 0, URN_DOMAIN_POSITIVE, 0}},
    .scratch_doubles = urn__half_scratch,
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

URN__FAMILY_DEFINE(half_normal, family)

#endif
