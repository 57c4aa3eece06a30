/* Categorical over 0 .. dim - 1 by unnormalised log probabilities, one vector a row or one for all.
 */
#include "density.h"
#include <urn/ops.h>

enum { LOGITS };

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)n;
    return dim;
}

/* Softmax into `probs`; returns the log normaliser. */
static double normalise(int64_t dim, const double *restrict logits, double *restrict probs)
{
    double top = logits[0];
    for (int64_t k = 1; k < dim; k++)
        top = logits[k] > top ? logits[k] : top;
    double total = 0.0;
    for (int64_t k = 0; k < dim; k++)
        probs[k] = exp(logits[k] - top);
    for (int64_t k = 0; k < dim; k++)
        total += probs[k];
    const double inverse = 1.0 / total;
    for (int64_t k = 0; k < dim; k++)
        probs[k] *= inverse;
    return top + log(total);
}

/* The category, or -1 when x is none. */
static int64_t category_of(double x, int64_t dim)
{
    return x >= 0.0 && x < (double)dim && x == floor(x) ? (int64_t)x : -1;
}

static void log_density(const urn_density_call *c)
{
    double *probs = c->scratch, log_total = 0.0;
    const int64_t stride = c->stride[LOGITS];
    for (int64_t i = 0; i < c->n; i++) {
        const double *logits = c->param[LOGITS] + i * stride;
        double *d_logits = c->d_param[LOGITS] != NULL ? c->d_param[LOGITS] + i * stride : NULL;
        if (i == 0 || stride != 0)
            log_total = normalise(c->dim, logits, probs);
        const int64_t k = category_of(c->x[i], c->dim);
        const double outside = isnan(log_total) ? (double)NAN : (double)-INFINITY;
        c->log_density[i] = k >= 0 ? logits[k] - log_total : outside;
        if (c->d_x != NULL)
            c->d_x[i] = 0.0;
        if (d_logits == NULL)
            continue;
        for (int64_t j = 0; j < c->dim; j++)
            d_logits[j] = (stride == 0 ? d_logits[j] : 0.0) - probs[j];
        if (k >= 0)
            d_logits[k] += 1.0;
    }
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
