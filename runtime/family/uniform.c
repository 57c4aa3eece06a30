/* Uniform on [low, high], low < high. */
#include "density.h"

enum { LOW, HIGH };

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)dim;
    return 2 * n;
}

static void rows(int64_t n, const double *restrict x, const double *restrict low,
                 const double *restrict high, double *restrict log_density, double *restrict d_low,
                 double *restrict d_high)
{
    for (int64_t i = 0; i < n; i++) {
        const double width = high[i] - low[i], inverse = 1.0 / width;
        const double below = x[i] < low[i] ? (double)-INFINITY : -log(width);
        const double inside = x[i] > high[i] ? (double)-INFINITY : below;
        const double number = x[i] == x[i] ? inside : (double)NAN;
        log_density[i] = width > 0.0 ? number : (double)NAN;
        d_low[i] = inverse;
        d_high[i] = -inverse;
    }
}

static void log_density(const urn_density_call *c)
{
    rows(c->n, c->x, c->param[LOW], c->param[HIGH], c->log_density,
         urn__partial(c, c->d_param[LOW], 0), urn__partial(c, c->d_param[HIGH], 1));
    if (c->d_x != NULL)
        memset(c->d_x, 0, (size_t)c->n * sizeof(double));
}

static double between(const urn_draw_call *c, int64_t row, double p)
{
    const double low = urn__argument(c, LOW, row), high = urn__argument(c, HIGH, row);
    return low < high ? low + p * (high - low) : (double)NAN;
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    c->x[row] = between(c, row, urn_rng_uniform(rng));
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->x[i] = between(c, i, 0.5);
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = between(c, i, 0.5);
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double width = urn__argument(c, HIGH, i) - urn__argument(c, LOW, i);
        c->out[i] = width * width / 12.0;
    }
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double low = urn__argument(c, LOW, i);
        const double p = (c->x[i] - low) / (urn__argument(c, HIGH, i) - low);
        c->out[i] = p < 0.0 ? 0.0 : p > 1.0 ? 1.0 : p;
    }
}

static void quantile(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = between(c, i, c->p);
}

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "uniform",
    .support = urn_support_bounded,
    .low_word = "low",
    .high_word = "high",
    .params = {{"low", 0, URN_DOMAIN_REAL, 0}, {"high", 0, URN_DOMAIN_REAL, 0}},
    .scratch_doubles = scratch_doubles,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = quantile,
};

URN__FAMILY_DEFINE(uniform, family)
