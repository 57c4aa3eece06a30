/* Expected log predictive densities (see elpd.h for the references). */
#include "elpd.h"

#include "../psis.h"

#include <math.h>

#define LARGEST_WAIC_VARIANCE 0.4 /* Vehtari, Gelman and Gabry 2017, section 2.3 */

static urn_status check(const urn__log_lik *data, urn_error *error)
{
    if (data->n_draws >= 2 && data->n_points >= 1)
        return URN_OK;
    return urn__fail(
        error, URN_ERR_USAGE, NULL, NULL,
        "keep two draws or more, and the log likelihood of one observation or more",
        "log likelihoods of %lld observations under %lld draws; an elpd needs at least "
        "one observation and two draws",
        (long long)data->n_points, (long long)data->n_draws);
}

static const double *start_of(const urn__log_lik *data, int64_t point)
{
    return data->log_lik + point * data->point_stride;
}

static bool all_finite(const urn__log_lik *data, const double *from)
{
    for (int64_t s = 0; s < data->n_draws; s++)
        if (!isfinite(from[s * data->draw_stride]))
            return false;
    return true;
}

/* log sum exp(log likelihood + log weight); a NULL weight is log 1 / n_draws for all. */
static double log_mean(const urn__log_lik *data, const double *from, const double *weight)
{
    const double equal = -log((double)data->n_draws);
    double highest = -HUGE_VAL, sum = 0.0;
    for (int64_t s = 0; s < data->n_draws; s++)
        highest = fmax(highest, from[s * data->draw_stride] + (weight ? weight[s] : equal));
    for (int64_t s = 0; s < data->n_draws; s++)
        sum += exp(from[s * data->draw_stride] + (weight ? weight[s] : equal) - highest);
    return highest + log(sum);
}

/* Sums and errors of pointwise figures. */
static void add_up(const urn__log_lik *data, const urn__elpd_point *points, urn__elpd *total)
{
    const int64_t n = data->n_points;
    double sum = 0.0, squares = 0.0;
    *total = (urn__elpd){.worst_k = (double)NAN,
                         .good_k = fmin(1.0 - 1.0 / log10((double)data->n_draws), 0.7)};
    for (int64_t i = 0; i < n; i++) {
        sum += points[i].elpd;
        total->p += points[i].p;
        total->worst_k = fmax(total->worst_k, points[i].k); /* passes over NaN */
    }
    for (int64_t i = 0; i < n; i++) {
        const double off = points[i].elpd - sum / (double)n;
        squares += off * off;
    }
    total->elpd = sum;
    total->se = sqrt(squares); /* n times the mean of the squares */
    total->ic = -2.0 * sum;
    total->ic_se = 2.0 * total->se;
}

static urn__elpd_point no_point(void)
{
    const double nan = (double)NAN;
    return (urn__elpd_point){.elpd = nan, .lppd = nan, .p = nan, .k = (double)INFINITY};
}

static urn_status leave_out(const urn_allocator *allocator, const urn__log_lik *data, int64_t i,
                            double relative_efficiency, double *weight, urn__elpd_point *point,
                            urn_error *error)
{
    const double *from = start_of(data, i);
    *point = no_point();
    if (!all_finite(data, from))
        return URN_OK;
    for (int64_t s = 0; s < data->n_draws; s++)
        weight[s] = -from[s * data->draw_stride];
    URN_TRY(urn__psis(allocator, data->n_draws, weight, relative_efficiency, &point->k, error));
    point->elpd = log_mean(data, from, weight);
    point->lppd = log_mean(data, from, NULL);
    point->p = point->lppd - point->elpd;
    return URN_OK;
}

urn_status urn__loo(const urn_allocator *allocator, const urn__log_lik *data,
                    double relative_efficiency, urn__elpd_point *points, urn__elpd *total,
                    urn_error *error)
{
    URN_TRY(check(data, error));
    if (!(relative_efficiency > 0.0 && isfinite(relative_efficiency)))
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL,
                         "it is the mean of ESS over draws; leave parameters that never move out",
                         "the relative efficiency of the draws is %g; it must be positive",
                         relative_efficiency);
    double *weight = urn__calloc(allocator, (size_t)data->n_draws, sizeof *weight);
    if (!weight)
        return urn__fail_memory(error, "importance weights",
                                (size_t)data->n_draws * sizeof *weight);
    urn_status status = URN_OK;
    for (int64_t i = 0; i < data->n_points && status == URN_OK; i++)
        status = leave_out(allocator, data, i, relative_efficiency, weight, &points[i], error);
    urn__free(allocator, weight);
    URN_TRY(status);
    add_up(data, points, total);
    for (int64_t i = 0; i < data->n_points; i++)
        total->n_bad += points[i].k > total->good_k;
    return URN_OK;
}

static double variance(const urn__log_lik *data, const double *from)
{
    double mean = 0.0, squares = 0.0;
    for (int64_t s = 0; s < data->n_draws; s++)
        mean += from[s * data->draw_stride] - from[0];
    mean = from[0] + mean / (double)data->n_draws;
    for (int64_t s = 0; s < data->n_draws; s++) {
        const double off = from[s * data->draw_stride] - mean;
        squares += off * off;
    }
    return squares / (double)data->n_draws;
}

urn_status urn__waic(const urn__log_lik *data, urn__elpd_point *points, urn__elpd *total,
                     urn_error *error)
{
    URN_TRY(check(data, error));
    for (int64_t i = 0; i < data->n_points; i++) {
        const double *from = start_of(data, i);
        points[i] = no_point();
        points[i].k = (double)NAN;
        if (!all_finite(data, from))
            continue;
        points[i].lppd = log_mean(data, from, NULL);
        points[i].p = variance(data, from);
        points[i].elpd = points[i].lppd - points[i].p;
    }
    add_up(data, points, total);
    for (int64_t i = 0; i < data->n_points; i++)
        total->n_bad += !(points[i].p <= LARGEST_WAIC_VARIANCE);
    return URN_OK;
}

double urn__elpd_difference(int64_t n, const urn__elpd_point *a, const urn__elpd_point *b,
                            double *se)
{
    double sum = 0.0, squares = 0.0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i].elpd - b[i].elpd;
    for (int64_t i = 0; i < n; i++) {
        const double off = a[i].elpd - b[i].elpd - sum / (double)n;
        squares += off * off;
    }
    *se = n > 1 ? sqrt(squares) : (double)NAN;
    return sum;
}
