/* Pareto-smoothed importance sampling (see psis.h for the references). */
#include "psis.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_GRID 4096 /* 30 + sqrt(n) points, for tails of up to 16 million weights */

static double mean_log1p(int64_t n, const double *x, double b)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        sum += log1p(-b * x[i]);
    return sum / (double)n;
}

/* Posterior mean of b = -k / sigma over a grid, under its profile likelihood. */
static double posterior_b(int64_t n, const double *x)
{
    const double root = floor(sqrt((double)n));
    const int points = 30 + (int)fmin(root, LARGEST_GRID - 30);
    const double quartile = x[(int64_t)((double)n / 4.0 + 0.5) - 1];
    double b[LARGEST_GRID], profile[LARGEST_GRID];
    double highest = -HUGE_VAL;
    for (int j = 0; j < points; j++) {
        b[j] = 1.0 / x[n - 1] + (1.0 - sqrt(points / (j + 0.5))) / (3.0 * quartile);
        const double k = mean_log1p(n, x, b[j]);
        profile[j] = (double)n * (log(-b[j] / k) - k - 1.0);
        if (profile[j] > highest)
            highest = profile[j];
    }
    double all = 0.0, total = 0.0, sum = 0.0;
    for (int j = 0; j < points; j++)
        all += exp(profile[j] - highest);
    for (int j = 0; j < points; j++) {
        const double weight = exp(profile[j] - highest) / all;
        if (!(weight >= 10.0 * DBL_EPSILON))
            continue;
        total += weight;
        sum += weight * b[j];
    }
    return sum / total;
}

void urn__pareto_fit(int64_t n, const double *exceedance, double *k, double *sigma)
{
    const double prior_weight = 10.0, prior_k = 0.5;
    const double b = posterior_b(n, exceedance);
    const double raw = mean_log1p(n, exceedance, b);
    *sigma = -raw / b;
    *k = (raw * (double)n + prior_weight * prior_k) / ((double)n + prior_weight);
}

typedef struct ranked {
    double value;
    int64_t index;
} ranked;

static int compare(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->value != y->value)
        return (x->value > y->value) - (x->value < y->value);
    return (x->index > y->index) - (x->index < y->index);
}

static void normalise(int64_t n, double *log_weight)
{
    double sum = 0.0; /* the largest log weight is 0 here */
    for (int64_t i = 0; i < n; i++)
        sum += exp(log_weight[i]);
    for (int64_t i = 0; i < n; i++)
        log_weight[i] -= log(sum);
}

/* Replaces the tail, order[from ..], by the fit's quantiles. */
static void smooth_tail(int64_t n, double *log_weight, const ranked *order, int64_t from,
                        double cutoff, double k, double sigma)
{
    const double count = (double)(n - from);
    for (int64_t i = from; i < n; i++) {
        const double p = ((double)(i - from) + 0.5) / count;
        const double quantile =
            fabs(k) < 1e-12 ? -sigma * log1p(-p) : sigma * expm1(-k * log1p(-p)) / k;
        log_weight[order[i].index] = fmin(log(quantile + exp(cutoff)), 0.0);
    }
}

/* Order of the weights, largest last, after shifting the largest to 0. False: unusable weights. */
static bool rank_weights(int64_t n, double *log_weight, ranked *order)
{
    double largest = -HUGE_VAL;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(log_weight[i]))
            return false;
        largest = fmax(largest, log_weight[i]);
    }
    if (!isfinite(largest))
        return false;
    for (int64_t i = 0; i < n; i++) {
        log_weight[i] -= largest;
        order[i] = (ranked){log_weight[i], i};
    }
    qsort(order, (size_t)n, sizeof *order, compare);
    return true;
}

static void smooth(int64_t n, double *log_weight, double relative_efficiency, const ranked *order,
                   double *exceedance, double *k)
{
    const double wanted = ceil(fmin((double)n / 5.0, 3.0 * sqrt((double)n / relative_efficiency)));
    const int64_t at = n - (int64_t)wanted - 1;
    const double cutoff = fmax(order[at > 0 ? at : 0].value, log(DBL_MIN));
    int64_t from = n;
    while (from > 0 && order[from - 1].value > cutoff)
        from--;
    if (n - from <= 4)
        return;
    double sigma;
    for (int64_t i = from; i < n; i++)
        exceedance[i - from] = exp(order[i].value) - exp(cutoff);
    urn__pareto_fit(n - from, exceedance, k, &sigma);
    if (isfinite(*k))
        smooth_tail(n, log_weight, order, from, cutoff, *k, sigma);
    else
        *k = (double)INFINITY;
}

urn_status urn__psis(const urn_allocator *allocator, int64_t n, double *log_weight,
                     double relative_efficiency, double *k, urn_error *error)
{
    *k = (double)INFINITY;
    if (n < 1)
        return URN_OK;
    ranked *order = urn__calloc(allocator, (size_t)n, sizeof *order);
    double *exceedance = urn__calloc(allocator, (size_t)n, sizeof *exceedance);
    urn_status status = URN_OK;
    if (!order || !exceedance) {
        status = urn__fail_memory(error, "importance weights", (size_t)n * sizeof *order);
    } else if (rank_weights(n, log_weight, order)) {
        smooth(n, log_weight, relative_efficiency, order, exceedance, k);
        normalise(n, log_weight);
    }
    urn__free(allocator, exceedance);
    urn__free(allocator, order);
    return status;
}

bool urn__weights_agree(int64_t n, const double *log_weight)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int64_t i = 0; i < n; i++) {
        low = fmin(low, log_weight[i]);
        high = fmax(high, log_weight[i]);
    }
    return high - low < 1e-6;
}
