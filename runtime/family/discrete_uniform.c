/* Whole numbers from low to high, both included, all with the same probability. Bounds that are not
 * whole mean the whole numbers between them. */
#include "density.h"

enum { LOW, HIGH };

static double first_of(double low)
{
    return ceil(low);
}

static double count_of(double low, double high)
{
    return floor(high) - ceil(low) + 1.0;
}

/* A step function of its bounds: without slopes. */
static void log_density(const urn_density_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double low = c->param[LOW][i], high = c->param[HIGH][i], x = c->x[i];
        const double count = count_of(low, high);
        const bool inside = x >= low && x <= high && x == floor(x);
        c->log_density[i] = isnan(x) ? x : inside ? -log(count) : -(double)INFINITY;
        if (!(count >= 1.0))
            c->log_density[i] = NAN;
        if (c->d_x != NULL)
            c->d_x[i] = 0.0;
        for (int k = 0; k < 2; k++)
            if (c->d_param[k] != NULL)
                c->d_param[k][i] = 0.0;
    }
}

/* The value that a share p of the numbers are at or below. */
static double quantile_of(const urn_draw_call *c, int64_t row, double p)
{
    const double low = urn__argument(c, LOW, row), high = urn__argument(c, HIGH, row);
    const double count = count_of(low, high), steps = ceil(p * count);
    if (!(count >= 1.0 && count < (double)INFINITY && p >= 0.0 && p <= 1.0))
        return NAN;
    return first_of(low) + (steps > 1.0 ? steps - 1.0 : 0.0);
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    c->x[row] = quantile_of(c, row, urn_rng_uniform(rng));
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->x[i] = quantile_of(c, i, 0.5);
}

static void quantile(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = quantile_of(c, i, c->p);
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = 0.5 * (ceil(urn__argument(c, LOW, i)) + floor(urn__argument(c, HIGH, i)));
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double count = count_of(urn__argument(c, LOW, i), urn__argument(c, HIGH, i));
        c->out[i] = (count * count - 1.0) / 12.0;
    }
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double low = urn__argument(c, LOW, i);
        const double count = count_of(low, urn__argument(c, HIGH, i));
        const double below = floor(c->x[i]) - first_of(low) + 1.0;
        c->out[i] = below <= 0.0 ? 0.0 : below >= count ? 1.0 : below / count;
    }
}

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "discrete_uniform",
    .support = urn_support_integer,
    .low_word = "low",
    .high_word = "high",
    .params = {{"low", 0, URN_DOMAIN_REAL, 0}, {"high", 0, URN_DOMAIN_REAL, 0}},
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = quantile,
};

URN__FAMILY_DEFINE(discrete_uniform, family)
