/* Half-Cauchy: density 2 / (pi scale (1 + (x / scale)^2)), x >= 0. It has no moments. */
#include "density.h"

enum { SCALE };

#define HALF_PI 1.5707963267948966192
#define LOG_HALF_PI 0.45158270528945486473

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)dim;
    return 2 * n;
}

static void rows(int64_t n, const double *restrict x, const double *restrict scale,
                 double *restrict log_density, double *restrict d_x, double *restrict d_scale)
{
    for (int64_t i = 0; i < n; i++) {
        const double inverse = 1.0 / scale[i];
        const double z = x[i] * inverse;
        const double pull = 2.0 * z / (1.0 + z * z);
        const double value = -LOG_HALF_PI - log(scale[i]) - log1p(z * z);
        const double inside = x[i] < 0.0 ? (double)-INFINITY : value;
        log_density[i] = scale[i] > 0.0 ? inside : (double)NAN;
        d_x[i] = -pull * inverse;
        d_scale[i] = (pull * z - 1.0) * inverse;
    }
}

static void log_density(const urn_density_call *c)
{
    rows(c->n, c->x, c->param[SCALE], c->log_density, urn__partial(c, c->d_x, 0),
         urn__partial(c, c->d_param[SCALE], 1));
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const double scale = urn__argument(c, SCALE, row);
    const double unit = tan(HALF_PI * urn_rng_uniform(rng));
    c->x[row] = scale > 0.0 ? scale * unit : (double)NAN;
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->x[i] = urn__argument(c, SCALE, i);
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = c->x[i] < 0.0 ? 0.0 : atan2(c->x[i], urn__argument(c, SCALE, i)) / HALF_PI;
}

static void quantile(const urn_draw_call *c)
{
    const double unit = c->p < 1.0 ? tan(HALF_PI * c->p) : (double)INFINITY;
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = unit * urn__argument(c, SCALE, i);
}

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "half_cauchy",
    .support = urn_support_non_negative,
    .params = {{"scale", 0, URN_DOMAIN_POSITIVE, 0}},
    .scratch_doubles = scratch_doubles,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .cdf = cdf,
    .quantile = quantile,
};

URN__FAMILY_DEFINE(half_cauchy, family)
