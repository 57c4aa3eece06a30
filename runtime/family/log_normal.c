/* Log-normal: log x is normal with loc and scale; x > 0. */
#include "density.h"
#include "tails.h"

enum { LOC, SCALE };

static void rows(int64_t n, const real *restrict x, const real *restrict loc,
                 const real *restrict scale, real *restrict log_density, real *restrict d_x,
                 real *restrict d_loc, real *restrict d_scale)
{
    for (int64_t i = 0; i < n; i++) {
        const real inside = x[i] > 0 ? (real)1 : (real)0;
        const real at = x[i] > 0 ? x[i] : (real)1;
        const real inverse = 1 / scale[i];
        const real log_x = urn__log_real(at);
        const real z = (log_x - loc[i]) * inverse;
        const real slope = z * inverse;
        const real value =
            -log_x - urn__log_real(scale[i]) - (real)(0.5 * URN__LOG_2PI) - (real)0.5 * (z * z);
        const real density = x[i] <= 0 ? -INFINITE : x[i] > 0 ? value : x[i];
        log_density[i] = scale[i] > 0 ? density : NOT_A_NUMBER;
        d_x[i] = -inside * (1 + slope) / at;
        d_loc[i] = slope;
        d_scale[i] = slope * z - inverse;
    }
}

static void log_density(const urn__density_call_real *c)
{
    rows(c->n, c->x, c->param[LOC], c->param[SCALE], c->log_density, urn__partial(c, c->d_x, 0),
         urn__partial(c, c->d_param[LOC], 1), urn__partial(c, c->d_param[SCALE], 2));
}

URN__DENSITY_DEFINE(log_normal, log_density)

#ifndef URN_SINGLE

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)dim;
    return 3 * n;
}

static void draw_of(const urn_draw_call *c, int64_t row, double z)
{
    const double scale = urn__argument(c, SCALE, row);
    c->x[row] = scale > 0.0 ? exp(urn__argument(c, LOC, row) + scale * z) : (double)NAN;
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    draw_of(c, row, urn_rng_normal(rng));
}

static void of_normals(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        draw_of(c, i, c->out[i]);
}

static void to_normals(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double log_x = c->x[i] <= 0.0 ? -(double)INFINITY : log(c->x[i]);
        c->out[i] = (log_x - urn__argument(c, LOC, i)) / urn__argument(c, SCALE, i);
    }
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
    to_normals(c);
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = urn__normal_cdf(c->out[i]);
}

static void quantile(const urn_draw_call *c)
{
    const double z = urn__normal_quantile(c->p);
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = exp(urn__argument(c, LOC, i) + urn__argument(c, SCALE, i) * z);
}

static double tail(bool upper, double x, const double *param, double *d_x, double *d_param)
{
    if (x <= 0.0)
        return upper ? 0.0 : -(double)INFINITY;
    const double value =
        urn__location_scale_tail(urn__normal_tail, upper, log(x), param, d_x, d_param);
    *d_x = isfinite(x) ? *d_x / x : 0.0;
    return value;
}

URN__TAILS(tail)

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
    .log_cdf = log_cdf,
    .log_survival = log_survival,
    .of_normals = of_normals,
    .to_normals = to_normals,
};

URN__FAMILY_DEFINE(log_normal, family)

#endif
