/* Logistic: density exp(-z) / (scale (1 + exp(-z))^2), z = (x - loc) / scale; written in |z|, in
 * which it is even and does not overflow. */
#include "density.h"
#include "tails.h"

enum { LOC, SCALE };

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
    rows(c->n, c->x, c->param[LOC], c->param[SCALE], c->log_density, urn__partial(c, c->d_x, 0),
         urn__partial(c, c->d_param[LOC], 1), urn__partial(c, c->d_param[SCALE], 2));
}

URN__DENSITY_DEFINE(logistic, log_density)

#ifndef URN_SINGLE

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)dim;
    return 3 * n;
}

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
    const double scale = urn__argument(c, SCALE, row);
    const double unit = unit_quantile(urn_rng_uniform(rng));
    c->x[row] = scale > 0.0 ? urn__argument(c, LOC, row) + scale * unit : (double)NAN;
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
    for (int64_t i = 0; i < c->n; i++) {
        const double s = urn__argument(c, SCALE, i) * PI;
        c->out[i] = s * s / 3.0;
    }
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = below((c->x[i] - urn__argument(c, LOC, i)) / urn__argument(c, SCALE, i));
}

static void quantile(const urn_draw_call *c)
{
    const double unit = unit_quantile(c->p);
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = urn__argument(c, LOC, i) + urn__argument(c, SCALE, i) * unit;
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

URN__FAMILY_DEFINE(logistic, family)

#endif
