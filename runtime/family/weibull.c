/* Weibull: density shape / scale z^(shape - 1) exp(-z^shape), z = x / scale, x > 0. */
#include "density.h"
#include "tails.h"

enum { SHAPE, SCALE };

static void rows(int64_t n, const double *restrict x, const double *restrict shape,
                 const double *restrict scale, double *restrict log_density, double *restrict d_x,
                 double *restrict d_shape, double *restrict d_scale)
{
    for (int64_t i = 0; i < n; i++) {
        const double v = x[i], k = shape[i], s = scale[i];
        const double in = v > 0.0 ? 1.0 : 0.0, at = v > 0.0 ? v : 1.0;
        const double log_z = log(at / s), t = exp(k * log_z);
        const double value = log(k) - log(at) + k * log_z - t;
        const double finite = at < (double)INFINITY ? value : (double)-INFINITY;
        const double inside = v <= 0.0 ? (double)-INFINITY : v > 0.0 ? finite : v;
        log_density[i] = (((k > 0.0) & (s > 0.0)) ? inside : (double)NAN);
        d_x[i] = (in * (k - 1.0 - k * t) / at);
        d_shape[i] = (1.0 / k + log_z * (1.0 - t));
        d_scale[i] = (k * (t - 1.0) / s);
    }
}

static void log_density(const urn_density_call *c)
{
    rows(c->n, c->x, c->param[SHAPE], c->param[SCALE], c->log_density, urn__partial(c, c->d_x, 0),
         urn__partial(c, c->d_param[SHAPE], 1), urn__partial(c, c->d_param[SCALE], 2));
}

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)dim;
    return 3 * n;
}

/* z^shape = -log(1 - p) =: hazard. */
static double of_hazard(const urn_draw_call *c, int64_t row, double hazard)
{
    const double shape = urn__argument(c, SHAPE, row), scale = urn__argument(c, SCALE, row);
    return shape > 0.0 && scale > 0.0 ? scale * exp(log(hazard) / shape) : (double)NAN;
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    c->x[row] = of_hazard(c, row, -log(urn_rng_uniform(rng)));
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->x[i] = of_hazard(c, i, URN__LOG_2);
}

static void quantile(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = of_hazard(c, i, -log1p(-c->p));
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = urn__argument(c, SCALE, i) *
                    exp(urn__log_gamma(1.0 + 1.0 / urn__argument(c, SHAPE, i)));
}

/* Gamma(1 + 2 / k) - Gamma(1 + 1 / k)^2 as a difference of logarithms: it is small at large k. */
static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double scale = urn__argument(c, SCALE, i), r = 1.0 / urn__argument(c, SHAPE, i);
        const double first = 2.0 * urn__log_gamma(1.0 + r), second = urn__log_gamma(1.0 + 2.0 * r);
        c->out[i] = scale * scale * exp(first) * expm1(second - first);
    }
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double z = c->x[i] / urn__argument(c, SCALE, i);
        c->out[i] = z <= 0.0 ? 0.0 : -expm1(-exp(urn__argument(c, SHAPE, i) * log(z)));
    }
}

static double tail(bool upper, double x, const double *param, double *d_x, double *d_param)
{
    if (!(param[SHAPE] > 0.0 && param[SCALE] > 0.0))
        return NAN;
    if (x <= 0.0)
        return upper ? 0.0 : -(double)INFINITY;
    const double k = param[SHAPE], log_z = log(x / param[SCALE]), t = exp(k * log_z);
    double factor = 1.0;
    const double value = upper ? -t : urn__other_tail(-t, &factor);
    *d_x = isfinite(x) ? -factor * k * t / x : 0.0;
    d_param[SHAPE] = isfinite(x) ? -factor * t * log_z : 0.0;
    d_param[SCALE] = isfinite(x) ? factor * k * t / param[SCALE] : 0.0;
    return value;
}

URN__TAILS(tail)

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "weibull",
    .support = urn_support_positive,
    .params = {{"shape", 0, URN_DOMAIN_POSITIVE, 0}, {"scale", 0, URN_DOMAIN_POSITIVE, 0}},
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

URN__FAMILY_DEFINE(weibull, family)
