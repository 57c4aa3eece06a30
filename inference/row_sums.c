/* Predictions of rows, accumulated draw by draw: see row_sums.h. */
#include "row_sums.h"

#include "../runtime/tensor/tensor.h"

#include <math.h>

#define ROWS 1024 /* of a task */

urn_status urn__row_sums_make(urn__arena *arena, int64_t n_rows, urn__row_sums *sums,
                              urn_error *error)
{
    const size_t n = (size_t)(n_rows > 0 ? n_rows : 1);
    *sums = (urn__row_sums){.n_rows = n_rows};
    double **const arrays[] = {&sums->mean,    &sums->squares, &sums->noise,
                               &sums->largest, &sums->density, &sums->cdf};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        *arrays[i] = urn__arena_alloc(arena, n, sizeof(double));
    if (urn__arena_failed(arena))
        return urn__fail_memory(error, "predictions", 6 * n * sizeof(double));
    return URN_OK;
}

/* Sums and what is added to or made of them. */
typedef struct task {
    urn__row_sums *sums;
    const urn__row_results *results;
    const urn__row_sums *from;
} task;

/* Conditional means and the squares of the noise around them. Without means, of the draws. */
static void add_moments(const task *t, int64_t first, int64_t end)
{
    urn__row_sums *s = t->sums;
    const double *draw = t->results->draw;
    const double *mean = t->results->mean ? t->results->mean : draw;
    for (int64_t r = first; r < end; r++) {
        const double change = mean[r] - s->mean[r];
        s->mean[r] += change / (double)s->n_draws;
        s->squares[r] += change * (mean[r] - s->mean[r]);
        s->noise[r] += (draw[r] - mean[r]) * (draw[r] - mean[r]);
    }
}

/* Another term of the running log of a sum of exponentials: `sum` times exp(x). */
static void add_density(urn__row_sums *s, int64_t r, double x, double sum, bool first)
{
    if (first || x > s->largest[r] || isnan(x)) {
        const bool nothing = first || s->largest[r] == -HUGE_VAL;
        s->density[r] = nothing ? sum : s->density[r] * exp(s->largest[r] - x) + sum;
        s->largest[r] = x;
    } else if (x > -HUGE_VAL) {
        s->density[r] += sum * exp(x - s->largest[r]);
    }
}

static void add_rows(const task *t, int64_t first, int64_t end)
{
    urn__row_sums *s = t->sums;
    add_moments(t, first, end);
    for (int64_t r = first; s->has_density && r < end; r++)
        add_density(s, r, t->results->log_density[r], 1.0, s->n_draws == 1);
    for (int64_t r = first; s->has_cdf && r < end; r++)
        s->cdf[r] += t->results->cdf[r];
}

/* Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample
 * variances, 1979. */
static void merge_rows(const task *t, int64_t first, int64_t end)
{
    urn__row_sums *s = t->sums;
    const urn__row_sums *f = t->from;
    const double a = (double)s->n_draws, b = (double)f->n_draws, n = a + b;
    for (int64_t r = first; r < end; r++) {
        const double change = f->mean[r] - s->mean[r];
        s->mean[r] += change * (b / n);
        s->squares[r] += f->squares[r] + change * change * (a * b / n);
        s->noise[r] += f->noise[r];
        s->cdf[r] += f->cdf[r];
    }
    for (int64_t r = first; s->has_density && r < end; r++)
        add_density(s, r, f->largest[r], f->density[r], s->n_draws == 0);
}

static void conclude_rows(const task *t, int64_t first, int64_t end)
{
    urn__row_sums *s = t->sums;
    const double n = (double)s->n_draws;
    for (int64_t r = first; r < end; r++) {
        const double variance = s->n_draws > 1 ? s->squares[r] / (n - 1.0) : 0.0;
        s->noise[r] = sqrt(variance + s->noise[r] / n);
        s->squares[r] = s->has_mean ? sqrt(variance) : (double)NAN;
        s->density[r] = s->largest[r] + log(s->density[r] / n);
        s->cdf[r] /= n;
    }
}

/* ---- by tasks ---- */

typedef struct tasks {
    task *task;
    void (*body)(const task *which, int64_t first, int64_t end);
} tasks;

static void run_task(void *context, int64_t chunk, int thread)
{
    const tasks *all = context;
    const int64_t first = chunk * ROWS, n = all->task->sums->n_rows;
    (void)thread;
    all->body(all->task, first, first + ROWS < n ? first + ROWS : n);
}

static void each_task(task *t, int threads,
                      void (*body)(const task *which, int64_t first, int64_t end))
{
    tasks all = {t, body};
    urn__parallel(threads, (t->sums->n_rows + ROWS - 1) / ROWS, run_task, &all);
}

void urn__row_sums_add(urn__row_sums *sums, const urn__row_results *results, int threads)
{
    task t = {.sums = sums, .results = results};
    sums->has_mean = results->mean != NULL;
    sums->has_density = results->log_density != NULL;
    sums->has_cdf = results->cdf != NULL;
    sums->n_draws++;
    each_task(&t, threads, add_rows);
}

void urn__row_sums_merge(urn__row_sums *sums, const urn__row_sums *from, int threads)
{
    task t = {.sums = sums, .from = from};
    if (from->n_draws == 0)
        return;
    sums->has_mean = from->has_mean;
    sums->has_density = from->has_density;
    sums->has_cdf = from->has_cdf;
    each_task(&t, threads, merge_rows);
    sums->n_draws += from->n_draws;
}

void urn__row_sums_conclude(urn__row_sums *sums, int threads, urn_prediction *prediction)
{
    task t = {.sums = sums};
    each_task(&t, threads, conclude_rows);
    *prediction = (urn_prediction){.n_rows = sums->n_rows,
                                   .mean = sums->mean,
                                   .sd = sums->noise,
                                   .mean_sd = sums->squares,
                                   .log_density = sums->has_density ? sums->density : NULL,
                                   .cdf = sums->has_cdf ? sums->cdf : NULL};
}

/* ---- predictions ---- */

urn_status urn__prediction_new(const urn_allocator *allocator, urn__owned_prediction **prediction,
                               urn_error *error)
{
    urn__arena *arena = urn__arena_new(allocator);
    *prediction = arena ? urn__arena_alloc(arena, 1, sizeof **prediction) : NULL;
    if (!*prediction) {
        urn__arena_free(arena);
        return urn__fail_memory(error, "predictions", sizeof **prediction);
    }
    (*prediction)->arena = arena;
    return URN_OK;
}

void urn_prediction_free(urn_prediction *prediction)
{
    if (prediction)
        urn__arena_free(((urn__owned_prediction *)prediction)->arena);
}
