/* Uniform on [low, high], low < high. */
#include "density.h"

enum { LOW, HIGH };

static void rows(int64_t n, const real *restrict x, const real *restrict low,
                 const real *restrict high, real *restrict log_density, real *restrict d_low,
                 real *restrict d_high)
{
    for (int64_t i = 0; i < n; i++) {
        const real width = high[i] - low[i], inverse = 1 / width;
        const real below = x[i] < low[i] ? -INFINITE : -urn__log_real(width);
        const real inside = x[i] > high[i] ? -INFINITE : below;
        const real number = x[i] == x[i] ? inside : NOT_A_NUMBER;
        log_density[i] = width > 0 ? number : NOT_A_NUMBER;
        d_low[i] = inverse;
        d_high[i] = -inverse;
    }
}

static void log_density(const urn__density_call_real *c)
{
    rows(c->n, c->x, c->param[LOW], c->param[HIGH], c->log_density,
         urn__partial(c, c->d_param[LOW], 0), urn__partial(c, c->d_param[HIGH], 1));
    if (c->d_x != NULL)
        memset(c->d_x, 0, (size_t)c->n * sizeof *c->d_x);
}

URN__DENSITY_DEFINE(uniform, log_density)

#ifndef URN_SINGLE

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)dim;
    return 2 * n;
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

#endif
