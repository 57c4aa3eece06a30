/* Counts of d categories in `total` trials whose probabilities are Dirichlet: with A = sum of a,
 *   log p(x) = log total! - log (A)_total + sum_k (log (a_k)_(x_k) - log x_k!),
 * where (a)_n = Gamma(a + n) / Gamma(a). */
#include "counts.h"

enum { TOTAL, CONCENTRATION };

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)n;
    return 3 * dim;
}

/* log Gamma(a + n) - log Gamma(a), without the cancellation of the two at large a. */
static double log_rising(double a, double n)
{
    return n > 0.0 ? urn__log_gamma(n) - urn__log_beta(a, n) : 0.0;
}

/* The sum of the concentrations; NaN unless all are positive and finite. */
static double sum_of(int64_t d, const double *a)
{
    double sum = 0.0;
    for (int64_t k = 0; k < d; k++)
        sum += a[k] > 0.0 && isfinite(a[k]) ? a[k] : (double)NAN;
    return sum;
}

static double value_at(int64_t d, double total, const double *a, double sum, const double *x)
{
    double left = total, value;
    if (!urn__is_count(total) || isnan(sum))
        return (double)NAN;
    value = urn__log_gamma(total + 1.0) - log_rising(sum, total);
    for (int64_t k = 0; k < d; k++) {
        if (!urn__is_count(x[k]))
            return isnan(x[k]) ? (double)NAN : (double)-INFINITY;
        left -= x[k];
        value += log_rising(a[k], x[k]) - urn__log_gamma(x[k] + 1.0);
    }
    return left == 0.0 ? value : (double)-INFINITY;
}

static void log_density(const urn_density_call *c)
{
    const int64_t d = c->dim, stride = c->stride[CONCENTRATION];
    double *d_a = c->d_param[CONCENTRATION], *d_total = c->d_param[TOTAL];
    if (c->d_x != NULL && c->x_stride != 0)
        memset(c->d_x, 0, (size_t)(c->n * d) * sizeof *c->d_x);
    if (d_total != NULL && c->stride[TOTAL] != 0)
        memset(d_total, 0, (size_t)c->n * sizeof *d_total);
    for (int64_t i = 0; i < c->n; i++) {
        const double *a = c->param[CONCENTRATION] + i * stride, *x = c->x + i * c->x_stride;
        const double total = c->param[TOTAL][i * c->stride[TOTAL]], sum = sum_of(d, a);
        c->log_density[i] = value_at(d, total, a, sum, x);
        if (d_a == NULL)
            continue;
        const double common = urn__digamma(sum) - urn__digamma(sum + total);
        for (int64_t k = 0; k < d; k++)
            d_a[i * stride + k] = (stride == 0 ? d_a[k] : 0.0) + common +
                                  urn__digamma(a[k] + x[k]) - urn__digamma(a[k]);
    }
}

/* Probabilities, then counts. */
static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const int64_t d = c->dim;
    const double *a = c->param[CONCENTRATION] + row * c->stride[CONCENTRATION];
    const double total = urn__argument(c, TOTAL, row);
    double *logits = c->scratch, *x = c->x + row * d;
    urn_draw_call one = {
        .n = 1, .dim = d, .event = d, .param = {a}, .x = logits, .scratch = c->scratch + d};
    if (isnan(sum_of(d, a)) || !urn__is_count(total)) {
        for (int64_t k = 0; k < d; k++)
            x[k] = (double)NAN;
        return;
    }
    urn_family_dirichlet()->draw(&one, 0, rng);
    for (int64_t k = 0; k < d; k++)
        logits[k] = log(logits[k]);
    one.param[0] = &total;
    one.param[1] = logits;
    one.x = x;
    urn_family_multinomial()->draw(&one, 0, rng);
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double *a = c->param[CONCENTRATION] + i * c->stride[CONCENTRATION];
        const double each = urn__argument(c, TOTAL, i) / sum_of(c->dim, a);
        for (int64_t k = 0; k < c->dim; k++)
            c->out[i * c->dim + k] = each * a[k];
    }
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double *a = c->param[CONCENTRATION] + i * c->stride[CONCENTRATION];
        const double total = urn__argument(c, TOTAL, i), sum = sum_of(c->dim, a);
        for (int64_t k = 0; k < c->dim; k++) {
            const double p = a[k] / sum;
            c->out[i * c->dim + k] = total * p * (1.0 - p) * (total + sum) / (1.0 + sum);
        }
    }
}

/* That of a multinomial with the same means. */
static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double *a = c->param[CONCENTRATION] + i * c->stride[CONCENTRATION];
        const double total = urn__argument(c, TOTAL, i);
        double *logits = c->scratch;
        for (int64_t k = 0; k < c->dim; k++)
            logits[k] = log(a[k]);
        const urn_draw_call one = {.n = 1,
                                   .dim = c->dim,
                                   .event = c->dim,
                                   .param = {&total, logits},
                                   .x = c->x + i * c->dim,
                                   .scratch = c->scratch + c->dim};
        urn_family_multinomial()->centre(&one);
    }
}

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "dirichlet_multinomial",
    .support = urn_support_counts,
    .high_word = "total",
    .event_rank = 1,
    .size_from = "concentration",
    .params = {{"total", 0, URN_DOMAIN_COUNT, 0}, {"concentration", 1, URN_DOMAIN_POSITIVE, 0}},
    .scratch_doubles = scratch_doubles,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
};

URN__FAMILY_DEFINE(dirichlet_multinomial, family)
