/* Metrics: see metric.h. */
#include "metric.h"

#include <math.h>
#include <string.h>

int64_t urn__metric_size(urn__metric_kind kind, int64_t n)
{
    return kind == URN__METRIC_DENSE ? 2 * n * n + n : kind == URN__METRIC_DIAG ? 2 * n : 0;
}

bool urn__metric_new(urn__metric *metric, urn__metric_kind kind, int64_t n,
                     const urn__kernels *kernels, urn__arena *arena)
{
    const bool dense = kind == URN__METRIC_DENSE;
    const size_t size = (size_t)(dense ? n * n : n);
    *metric = (urn__metric){.kind = kind, .n = n, .kernels = kernels};
    if (kind == URN__METRIC_UNIT)
        return true;
    metric->inverse = urn__arena_alloc(arena, size, sizeof(double));
    metric->factor = urn__arena_alloc(arena, size, sizeof(double));
    metric->scratch = dense ? urn__arena_alloc(arena, (size_t)n, sizeof(double)) : NULL;
    if (urn__arena_failed(arena))
        return false;
    for (int64_t i = 0; i < n; i++)
        metric->inverse[dense ? i * n + i : i] = metric->factor[dense ? i * n + i : i] = 1.0;
    return true;
}

bool urn__metric_factor(urn__metric *metric)
{
    const int64_t n = metric->n;
    if (metric->kind == URN__METRIC_DENSE)
        return urn__cholesky(n, metric->inverse, metric->factor);
    for (int64_t i = 0; metric->kind == URN__METRIC_DIAG && i < n; i++) {
        if (!(metric->inverse[i] > 0.0) || isinf(metric->inverse[i]))
            return false;
        metric->factor[i] = sqrt(metric->inverse[i]);
    }
    return true;
}

static void whiten_diagonal(int64_t n, const double *restrict factor, double *restrict g)
{
    for (int64_t i = 0; i < n; i++)
        g[i] *= factor[i];
}

/* F' g by rows of F. */
static void whiten_dense(const urn__metric *metric, double *g)
{
    const int64_t n = metric->n;
    double *w = metric->scratch;
    memset(w, 0, (size_t)n * sizeof *w);
    for (int64_t i = 0; i < n; i++)
        metric->kernels->axpy(i + 1, g[i], metric->factor + i * n, w);
    memcpy(g, w, (size_t)n * sizeof *w);
}

void urn__metric_whiten(const urn__metric *metric, double *g)
{
    if (metric->kind == URN__METRIC_DIAG)
        whiten_diagonal(metric->n, metric->factor, g);
    else if (metric->kind == URN__METRIC_DENSE)
        whiten_dense(metric, g);
}

static void drift_diagonal(int64_t n, double step, const double *restrict factor,
                           const double *restrict from, const double *restrict r,
                           double *restrict to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = from[i] + step * factor[i] * r[i];
}

static void drift_unit(int64_t n, double step, const double *restrict from,
                       const double *restrict r, double *restrict to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = from[i] + step * r[i];
}

void urn__metric_drift(const urn__metric *metric, double step, const double *from, const double *r,
                       double *to)
{
    const int64_t n = metric->n;
    if (metric->kind == URN__METRIC_DIAG)
        drift_diagonal(n, step, metric->factor, from, r, to);
    else if (metric->kind == URN__METRIC_UNIT)
        drift_unit(n, step, from, r, to);
    else
        for (int64_t i = 0; i < n; i++)
            to[i] = from[i] + step * metric->kernels->dot(i + 1, metric->factor + i * n, r);
}
