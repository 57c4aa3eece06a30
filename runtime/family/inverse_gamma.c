/* Inverse gamma: 1 / x is gamma; density rate^shape / Gamma(shape) x^-(shape + 1) exp(-rate / x),
 * x > 0. */
#include "gamma_terms.h"
#include "tails.h"

static void rows(int64_t n, const real *restrict x, const real *restrict shape,
                 const real *restrict rate, const real *restrict term, const real *restrict d_term,
                 real *restrict log_density, real *restrict d_x, real *restrict d_shape,
                 real *restrict d_rate)
{
    for (int64_t i = 0; i < n; i++) {
        const double v = (double)x[i], a = (double)shape[i], b = (double)rate[i];
        const double in = v > 0.0 ? 1.0 : 0.0, at = v > 0.0 ? v : 1.0;
        const double inverse = 1.0 / at, s = b * inverse, t = s / a, log_x = log(at);
        const double log_t = log(a >= URN__SHAPE_LARGE ? t : b);
        const double large = a * (log_t - (t - 1.0));
        const double small = a * (log_t - log_x) - s;
        const double value = (a >= URN__SHAPE_LARGE ? large : small) + (double)term[i] - log_x;
        const double finite = at < (double)INFINITY ? value : (double)-INFINITY;
        const double inside = v <= 0.0 ? (double)-INFINITY : v > 0.0 ? finite : v;
        log_density[i] = (real)(((a > 0.0) & (b > 0.0)) ? inside : (double)NAN);
        d_x[i] = (real)(in * (s - (a + 1.0)) * inverse);
        d_shape[i] = (real)(log_t - (a >= URN__SHAPE_LARGE ? 0.0 : log_x) + (double)d_term[i]);
        d_rate[i] = (real)(a / b - inverse);
    }
}

static void log_density(const urn__density_call_real *c)
{
    urn__gamma_density(c, rows);
}

URN__DENSITY_DEFINE(inverse_gamma, log_density)

#ifndef URN_SINGLE

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    c->x[row] = urn__argument(c, RATE, row) / urn__gamma_unit_draw(c, row, rng);
}

static void quantiles(const urn_draw_call *c, double p, double *out)
{
    urn__gamma_unit_quantiles(c, p, true, out);
    for (int64_t i = 0; i < c->n; i++)
        out[i] = urn__argument(c, RATE, i) / out[i];
}

static void centre(const urn_draw_call *c)
{
    quantiles(c, 0.5, c->x);
}

static void quantile(const urn_draw_call *c)
{
    quantiles(c, c->p, c->out);
}

/* Infinite up to shape 1, the variance up to shape 2. */
static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double shape = urn__argument(c, SHAPE, i);
        c->out[i] = shape > 1.0 ? urn__argument(c, RATE, i) / (shape - 1.0) : (double)INFINITY;
    }
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double shape = urn__argument(c, SHAPE, i);
        const double m = urn__argument(c, RATE, i) / (shape - 1.0);
        c->out[i] = shape > 2.0 ? m * m / (shape - 2.0) : (double)INFINITY;
    }
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double ratio = urn__argument(c, RATE, i) / c->x[i];
        c->out[i] = c->x[i] <= 0.0 ? 0.0 : urn__gamma_q(urn__argument(c, SHAPE, i), ratio);
    }
}

/* 1 / X is gamma: its other tail. */
static double tail(bool upper, double x, const double *param, double *d_x, double *d_param)
{
    double d_inverse = 0.0;
    const double value =
        urn__gamma_tail(!upper, param[SHAPE], param[RATE], x > 0.0 ? 1.0 / x : (double)INFINITY,
                        &d_inverse, &d_param[SHAPE], &d_param[RATE]);
    *d_x = x > 0.0 && isfinite(x) ? -d_inverse / (x * x) : 0.0;
    return value;
}

URN__TAILS(tail)

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "inverse_gamma",
    .support = urn_support_positive,
    .params = {{"shape", 0, URN_DOMAIN_POSITIVE, 0}, {"rate", 0, URN_DOMAIN_POSITIVE, 0}},
    .scratch_doubles = urn__gamma_scratch,
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

URN__FAMILY_DEFINE(inverse_gamma, family)

#endif
