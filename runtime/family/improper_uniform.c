/* Improper uniform: log density 0 on the real line, a half-line or an interval. Not a distribution
 * to draw from. */
#include "density.h"

enum { LOW, HIGH };

static void log_density(const urn_density_call *c)
{
    const double *low = c->param[LOW], *high = c->param[HIGH];
    for (int64_t i = 0; i < c->n; i++) {
        const double from = low != NULL ? low[i] : (double)-INFINITY;
        const double to = high != NULL ? high[i] : (double)INFINITY;
        const double inside = c->x[i] >= from && c->x[i] <= to ? 0.0 : (double)-INFINITY;
        c->log_density[i] = from < to ? inside : (double)NAN;
    }
    if (c->d_x != NULL)
        memset(c->d_x, 0, (size_t)c->n * sizeof(double));
    for (int k = LOW; k <= HIGH; k++)
        if (c->d_param[k] != NULL)
            memset(c->d_param[k], 0, (size_t)c->n * sizeof(double));
}

/* The value the bijection to the real line maps to 0. */
static void centre(const urn_draw_call *c)
{
    const bool low = c->param[LOW] != NULL, high = c->param[HIGH] != NULL;
    for (int64_t i = 0; i < c->n; i++) {
        const double from = low ? urn__argument(c, LOW, i) : 0.0;
        const double to = high ? urn__argument(c, HIGH, i) : 0.0;
        if (low && high)
            c->x[i] = from + 0.5 * (to - from);
        else
            c->x[i] = low ? from + 1.0 : high ? to - 1.0 : 0.0;
    }
}

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "improper_uniform",
    .support = urn_support_bounded,
    .low_word = "low",
    .high_word = "high",
    .params = {{"low", 0, URN_DOMAIN_REAL, -1}, {"high", 0, URN_DOMAIN_REAL, -2}},
    .log_density = log_density,
    .centre = centre,
};

URN__FAMILY_DEFINE(improper_uniform, family)
