/* Multinomial: counts of d categories in `total` trials, by unnormalised log probabilities:
 *   log p(x) = log total! - sum_k log x_k! + sum_k x_k log p_k,  p = softmax(logits). */
#include "counts.h"
#include <urn/ops.h>

enum { TOTAL, LOGITS };

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)n;
    return dim;
}

/* Softmax into `probs`; returns the log normaliser, NaN if any of `logits` is. */
static double normalise(int64_t d, const double *logits, double *probs)
{
    double top = (double)-INFINITY, sum = 0.0;
    for (int64_t k = 0; k < d; k++)
        top = logits[k] > top || isnan(logits[k]) ? logits[k] : top;
    for (int64_t k = 0; k < d; k++) {
        probs[k] = exp(logits[k] - top);
        sum += probs[k];
    }
    for (int64_t k = 0; k < d; k++)
        probs[k] /= sum;
    return top + log(sum);
}

static double value_at(int64_t d, double total, const double *logits, double log_sum,
                       const double *x)
{
    double left = total, value = urn__is_count(total) ? urn__log_gamma(total + 1.0) : (double)NAN;
    if (isnan(value) || isnan(log_sum))
        return (double)NAN;
    for (int64_t k = 0; k < d; k++) {
        if (!urn__is_count(x[k]))
            return isnan(x[k]) ? (double)NAN : (double)-INFINITY;
        left -= x[k];
        value -= urn__log_gamma(x[k] + 1.0);
        if (x[k] > 0.0)
            value += x[k] * (logits[k] - log_sum);
    }
    return left == 0.0 ? value : (double)-INFINITY;
}

static void log_density(const urn_density_call *c)
{
    const int64_t d = c->dim, stride = c->stride[LOGITS];
    double *probs = c->scratch, *d_logits = c->d_param[LOGITS], *d_total = c->d_param[TOTAL];
    double log_sum = 0.0;
    if (c->d_x != NULL && c->x_stride != 0)
        memset(c->d_x, 0, (size_t)(c->n * d) * sizeof *c->d_x);
    if (d_total != NULL && c->stride[TOTAL] != 0)
        memset(d_total, 0, (size_t)c->n * sizeof *d_total);
    for (int64_t i = 0; i < c->n; i++) {
        const double *logits = c->param[LOGITS] + i * stride, *x = c->x + i * c->x_stride;
        const double total = c->param[TOTAL][i * c->stride[TOTAL]];
        if (i == 0 || stride != 0)
            log_sum = normalise(d, logits, probs);
        c->log_density[i] = value_at(d, total, logits, log_sum, x);
        for (int64_t k = 0; d_logits != NULL && k < d; k++)
            d_logits[i * stride + k] =
                (stride == 0 ? d_logits[k] : 0.0) + (x[k] - total * probs[k]);
    }
}

/* Category after category: a binomial among those that are left. Sums of what is left are taken
 * from the end, so that they keep their digits. */
static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const int64_t d = c->dim;
    const double *logits = c->param[LOGITS] + row * c->stride[LOGITS];
    double left = urn__argument(c, TOTAL, row), *x = c->x + row * d, *tail = c->scratch;
    const bool valid = urn__is_count(left) && !isnan(normalise(d, logits, x));
    double sum = 0.0;
    for (int64_t k = d - 1; k >= 0; k--) {
        sum += x[k];
        tail[k] = sum;
    }
    for (int64_t k = 0; k < d; k++) {
        const double p = k == d - 1 ? 1.0 : tail[k] > 0.0 ? x[k] / tail[k] : 0.0;
        x[k] = valid ? urn__draw_binomial(rng, left, p) : (double)NAN;
        left -= x[k];
    }
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        (void)normalise(c->dim, c->param[LOGITS] + i * c->stride[LOGITS], c->out + i * c->dim);
        for (int64_t k = i * c->dim; k < (i + 1) * c->dim; k++)
            c->out[k] *= urn__argument(c, TOTAL, i);
    }
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        (void)normalise(c->dim, c->param[LOGITS] + i * c->stride[LOGITS], c->out + i * c->dim);
        for (int64_t k = i * c->dim; k < (i + 1) * c->dim; k++)
            c->out[k] *= (1.0 - c->out[k]) * urn__argument(c, TOTAL, i);
    }
}

/* Whole numbers near the mean that sum to the total: steps of the rounded running sums. */
static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        double *x = c->x + i * c->dim, sum = 0.0, before = 0.0;
        const double total = urn__argument(c, TOTAL, i);
        (void)normalise(c->dim, c->param[LOGITS] + i * c->stride[LOGITS], x);
        for (int64_t k = 0; k < c->dim; k++) {
            sum += x[k];
            const double now = k == c->dim - 1 ? total : fmin(floor(sum * total + 0.5), total);
            x[k] = now - before;
            before = now;
        }
    }
}

static const urn_family_alternative alternatives[] = {
    {"probs", "logits", URN_DOMAIN_UNIT, urn_log},
    {0},
};

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "multinomial",
    .support = urn_support_counts,
    .high_word = "total",
    .event_rank = 1,
    .size_from = "logits",
    .params = {{"total", 0, URN_DOMAIN_COUNT, 0}, {"logits", 1, URN_DOMAIN_REAL, 0}},
    .alternatives = alternatives,
    .scratch_doubles = scratch_doubles,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
};

URN__FAMILY_DEFINE(multinomial, family)
