/* Categorical over 0 .. dim - 1 by unnormalised log probabilities, one vector a row or one for all.
 */
#include "density.h"
#include <urn/ops.h>

enum { LOGITS };

/* Softmax into `probs`; returns the log normaliser. */
static double normalise(int64_t dim, const real *restrict logits, real *restrict probs)
{
    real top = logits[0];
    for (int64_t k = 1; k < dim; k++)
        top = logits[k] > top ? logits[k] : top;
    double total = 0.0;
    for (int64_t k = 0; k < dim; k++)
        probs[k] = urn__exp_real(logits[k] - top);
    for (int64_t k = 0; k < dim; k++)
        total += (double)probs[k];
    const real inverse = (real)(1.0 / total);
    for (int64_t k = 0; k < dim; k++)
        probs[k] *= inverse;
    return (double)top + log(total);
}

/* The category, or -1 when x is none. */
static int64_t category_of(real x, int64_t dim)
{
    return x >= 0 && x < (real)dim && x == urn__floor_real(x) ? (int64_t)x : -1;
}

/* What n rows of one vector add to its partials: their categories less n times the probabilities.
 */
static void add_shared(int64_t dim, int64_t n, const real *probs, const real *counts,
                       real *d_logits)
{
    for (int64_t k = 0; k < dim; k++)
        d_logits[k] =
            (real)((double)d_logits[k] + ((double)counts[k] - (double)n * (double)probs[k]));
}

static void log_density(const urn__density_call_real *c)
{
    real *probs = c->scratch, *counts = probs + c->dim;
    const int64_t stride = c->stride[LOGITS];
    real *d_logits = c->d_param[LOGITS];
    double log_total = 0.0;
    memset(counts, 0, (size_t)c->dim * sizeof *counts);
    for (int64_t i = 0; i < c->n; i++) {
        const real *logits = c->param[LOGITS] + i * stride;
        if (i == 0 || stride != 0)
            log_total = normalise(c->dim, logits, probs);
        const int64_t k = category_of(c->x[i], c->dim);
        const double outside = isnan(log_total) ? (double)NAN : (double)-INFINITY;
        c->log_density[i] = (real)(k >= 0 ? (double)logits[k] - log_total : outside);
        if (c->d_x != NULL)
            c->d_x[i] = 0;
        if (k >= 0)
            counts[k] += 1;
        if (d_logits == NULL || stride == 0)
            continue;
        for (int64_t j = 0; j < c->dim; j++)
            d_logits[i * stride + j] = -probs[j];
        if (k >= 0)
            d_logits[i * stride + k] += 1;
    }
    if (d_logits != NULL && stride == 0 && c->n > 0)
        add_shared(c->dim, c->n, probs, counts, d_logits);
}

URN__DENSITY_DEFINE(categorical, log_density)

#ifndef URN_SINGLE

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)n;
    return 2 * dim;
}

/* Gumbel's trick needs one uniform a category; this needs one a row. */
static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const double *logits = c->param[LOGITS] + row * c->stride[LOGITS];
    double top = logits[0], total = 0.0;
    for (int64_t k = 1; k < c->dim; k++)
        top = logits[k] > top ? logits[k] : top;
    for (int64_t k = 0; k < c->dim; k++)
        total += exp(logits[k] - top);
    double left = urn_rng_uniform(rng) * total;
    int64_t chosen = 0;
    for (int64_t k = 0; k < c->dim; k++) {
        const double weight = exp(logits[k] - top);
        chosen = weight > 0.0 ? k : chosen;
        left -= weight;
        if (left < 0.0)
            break;
    }
    c->x[row] = isnan(total) ? (double)NAN : (double)chosen;
}

/* Categories have no order, so no median: the most probable one. */
static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double *logits = c->param[LOGITS] + i * c->stride[LOGITS];
        int64_t best = 0;
        for (int64_t k = 1; k < c->dim; k++)
            best = logits[k] > logits[best] ? k : best;
        c->x[i] = (double)best;
    }
}

static const urn_family_alternative alternatives[] = {
    {"probs", "logits", URN_DOMAIN_UNIT, urn_log},
    {0},
};

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "categorical",
    .support = urn_support_category,
    .size_from = "logits",
    .params = {{"logits", 1, URN_DOMAIN_REAL, 0}},
    .alternatives = alternatives,
    .scratch_doubles = scratch_doubles,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
};

URN__FAMILY_DEFINE(categorical, family)

#endif
