/* Dirichlet over vectors that sum to 1:
 *   log p(x) = sum_k (a_k - 1) log x_k - sum_k log Gamma(a_k) + log Gamma(sum_k a_k). */
#include "density.h"
#include <gsl/gsl_randist.h>

enum { CONCENTRATION };

/* Rounding and finite differences may leave sums this far from 1. */
#define SUM_TOLERANCE 1e-3

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)n;
    return dim;
}

/* -log B(a) and its partials; NaN unless all of `a` are positive. */
static double normaliser(int64_t d, const double *a, double *d_a)
{
    double sum = 0.0, value = 0.0;
    for (int64_t k = 0; k < d; k++) {
        sum += a[k];
        value -= urn__log_gamma(a[k]);
        d_a[k] = -urn__digamma(a[k]);
    }
    if (!isfinite(sum))
        return (double)NAN;
    const double slope = urn__digamma(sum);
    for (int64_t k = 0; k < d; k++)
        d_a[k] += slope;
    return value + urn__log_gamma(sum);
}

static double value_at(int64_t d, const double *a, const double *x)
{
    double sum = 0.0, value = 0.0;
    for (int64_t k = 0; k < d; k++) {
        sum += x[k] >= 0.0 ? x[k] : (double)NAN;
        value += a[k] == 1.0 ? 0.0 : (a[k] - 1.0) * log(x[k]);
    }
    return fabs(sum - 1.0) < SUM_TOLERANCE ? value : (double)-INFINITY;
}

static void log_density(const urn_density_call *c)
{
    const int64_t d = c->dim, stride = c->stride[CONCENTRATION];
    double *slope = c->scratch, *d_a = c->d_param[CONCENTRATION], constant = 0.0;
    for (int64_t i = 0; i < c->n; i++) {
        const double *a = c->param[CONCENTRATION] + i * stride, *x = c->x + i * c->x_stride;
        if (i == 0 || stride != 0)
            constant = normaliser(d, a, slope);
        c->log_density[i] = isnan(constant) ? constant : value_at(d, a, x) + constant;
        for (int64_t k = 0; k < d; k++) {
            const double of_x = a[k] == 1.0 ? 0.0 : (a[k] - 1.0) / x[k],
                         of_a = log(x[k]) + slope[k];
            if (c->d_x != NULL)
                c->d_x[i * c->x_stride + k] = (c->x_stride == 0 ? c->d_x[k] : 0.0) + of_x;
            if (d_a != NULL)
                d_a[i * stride + k] = (stride == 0 ? d_a[k] : 0.0) + of_a;
        }
    }
}

/* Gamma variables over their sum; as logarithms, since all of them may be too small for a double.
 */
static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const int64_t d = c->dim;
    const double *a = c->param[CONCENTRATION] + row * c->stride[CONCENTRATION];
    double *x = c->x + row * d, top = (double)-INFINITY, sum = 0.0;
    for (int64_t k = 0; k < d; k++) {
        x[k] = (double)NAN;
        if (!(a[k] > 0.0 && isfinite(a[k])))
            top = (double)NAN;
    }
    if (isnan(top))
        return;
    for (int64_t k = 0; k < d; k++) {
        const double more = gsl_ran_gamma(urn_rng_gsl(rng), a[k] + 1.0, 1.0);
        x[k] = log(more) + log(urn_rng_uniform(rng)) / a[k];
        top = fmax(top, x[k]);
    }
    for (int64_t k = 0; k < d; k++) {
        x[k] = exp(x[k] - top);
        sum += x[k];
    }
    for (int64_t k = 0; k < d; k++)
        x[k] /= sum;
}

static double total(const urn_draw_call *c, int64_t i)
{
    double sum = 0.0;
    for (int64_t k = 0; k < c->dim; k++)
        sum += c->param[CONCENTRATION][i * c->stride[CONCENTRATION] + k];
    return sum;
}

static void mean_into(const urn_draw_call *c, double *out)
{
    for (int64_t i = 0; i < c->n; i++)
        for (int64_t k = 0; k < c->dim; k++)
            out[i * c->dim + k] =
                c->param[CONCENTRATION][i * c->stride[CONCENTRATION] + k] / total(c, i);
}

static void mean(const urn_draw_call *c)
{
    mean_into(c, c->out);
}

static void centre(const urn_draw_call *c)
{
    mean_into(c, c->x);
}

static void variance(const urn_draw_call *c)
{
    mean_into(c, c->out);
    for (int64_t i = 0; i < c->n; i++)
        for (int64_t k = i * c->dim; k < (i + 1) * c->dim; k++)
            c->out[k] *= (1.0 - c->out[k]) / (total(c, i) + 1.0);
}

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "dirichlet",
    .support = urn_support_simplex,
    .event_rank = 1,
    .size_from = "concentration",
    .params = {{"concentration", 1, URN_DOMAIN_POSITIVE, 0}},
    .scratch_doubles = scratch_doubles,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
};

URN__FAMILY_DEFINE(dirichlet, family)
