/* Adaptation: see adapt.h. */
#include "adapt.h"

#include <math.h>
#include <string.h>

/* ---- step size ---- */

static const double gamma_ = 0.05, delay = 10.0, kappa = 0.75;

void urn__averaging_restart(urn__averaging *a, double step_size)
{
    *a = (urn__averaging){.delta = a->delta, .mu = log(10.0 * step_size)};
}

double urn__averaging_learn(urn__averaging *a, double acceptance)
{
    const double accepted = acceptance < 1.0 ? acceptance : 1.0;
    a->count += 1.0;
    const double weight = 1.0 / (a->count + delay);
    a->error_sum = (1.0 - weight) * a->error_sum + weight * (a->delta - accepted);
    const double log_step = a->mu - a->error_sum * sqrt(a->count) / gamma_;
    const double share = pow(a->count, -kappa);
    a->log_average = (1.0 - share) * a->log_average + share * log_step;
    return exp(log_step);
}

double urn__averaging_final(const urn__averaging *a)
{
    return exp(a->log_average);
}

/* ---- windows ---- */

void urn__windows_start(urn__windows *w, int64_t n_warmup)
{
    *w = (urn__windows){.n_warmup = n_warmup,
                        .first = URN__FIRST_BUFFER,
                        .last = URN__LAST_BUFFER,
                        .size = URN__WINDOW};
    if (n_warmup < URN__FEWEST_WARMUP) { /* too few for a metric */
        w->first = n_warmup;
        w->last = w->size = 0;
        w->end = -1;
        return;
    }
    if (w->first + w->size + w->last > n_warmup) {
        w->first = (int64_t)(0.15 * (double)n_warmup);
        w->last = (int64_t)(0.1 * (double)n_warmup);
        w->size = n_warmup - w->first - w->last;
    }
    w->end = w->first + w->size - 1;
}

bool urn__windows_collect(const urn__windows *w, int64_t t)
{
    return w->end >= 0 && t >= w->first && t < w->n_warmup - w->last;
}

bool urn__windows_close(urn__windows *w, int64_t t)
{
    const int64_t past = w->n_warmup - w->last; /* the first transition after all windows */
    if (w->end < 0 || t != w->end)
        return false;
    if (w->end == past - 1)
        return true;
    w->size *= 2;
    w->end = t + w->size;
    /* A window that would leave less than the next one needs takes the rest. */
    if (w->end != past - 1 && w->end + 2 * w->size >= past)
        w->end = past - 1;
    return true;
}

/* ---- variances ---- */

int64_t urn__moments_size(int64_t n, bool dense)
{
    return 2 * n + (dense ? n * n : n);
}

bool urn__moments_new(urn__moments *m, int64_t n, bool dense, urn__arena *arena)
{
    *m = (urn__moments){.n = n, .dense = dense};
    m->mean = urn__arena_alloc(arena, (size_t)n, sizeof(double));
    m->change = urn__arena_alloc(arena, (size_t)n, sizeof(double));
    m->sum = urn__arena_alloc(arena, (size_t)(dense ? n * n : n), sizeof(double));
    return !urn__arena_failed(arena);
}

void urn__moments_clear(urn__moments *m)
{
    m->count = 0;
    memset(m->mean, 0, (size_t)m->n * sizeof(double));
    memset(m->sum, 0, (size_t)(m->dense ? m->n * m->n : m->n) * sizeof(double));
}

static void add_squares(int64_t n, double share, const double *restrict x, double *restrict mean,
                        double *restrict sum)
{
    for (int64_t i = 0; i < n; i++) {
        const double change = x[i] - mean[i];
        mean[i] += share * change;
        sum[i] += change * (x[i] - mean[i]);
    }
}

static void add_products(urn__moments *m, double share, const double *x)
{
    for (int64_t i = 0; i < m->n; i++) {
        m->change[i] = x[i] - m->mean[i];
        m->mean[i] += share * m->change[i];
    }
    for (int64_t i = 0; i < m->n; i++) {
        const double now = x[i] - m->mean[i];
        double *restrict row = m->sum + i * m->n;
        for (int64_t j = 0; j <= i; j++)
            row[j] += now * m->change[j];
    }
}

void urn__moments_add(urn__moments *m, const double *x)
{
    m->count++;
    const double share = 1.0 / (double)m->count;
    if (m->dense)
        add_products(m, share, x);
    else
        add_squares(m->n, share, x, m->mean, m->sum);
}

bool urn__moments_to_metric(const urn__moments *m, urn__metric *metric)
{
    const double count = (double)m->count, prior = 5.0, small = 1e-3;
    const double factor = count / (count + prior) / (count > 1.0 ? count - 1.0 : 1.0);
    const double ridge = small * prior / (count + prior);
    for (int64_t i = 0; !m->dense && i < m->n; i++)
        metric->inverse[i] = factor * m->sum[i] + ridge;
    for (int64_t i = 0; m->dense && i < m->n; i++) {
        for (int64_t j = 0; j <= i; j++)
            metric->inverse[i * m->n + j] = metric->inverse[j * m->n + i] =
                factor * m->sum[i * m->n + j];
        metric->inverse[i * m->n + i] += ridge;
    }
    return urn__metric_factor(metric);
}
