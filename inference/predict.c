/* Predictions: what the target's PREDICT program computes for each row, averaged over draws. */
#include "columns.h"
#include "driver.h"
#include "forward.h"
#include "row_sums.h"

#include <math.h>
#include <string.h>

#define GUIDE_DRAWS 400

typedef struct work {
    const urn_model *fitted, *target;
    const urn_posterior *posterior;
    const urn_allocator *allocator;
    urn_predict_options options;
    urn__arena *arena; /* of the work; goes at the end */
    urn__forward *forward;
    int site; /* observed site of the target */
    int64_t n, n_draws;
    double *centre;
    urn__row_sums sums;
    double *block; /* draws of rows first .. first + block_rows - 1, a draw's rows together */
    int64_t block_rows;
    int most_threads;
    double *columns; /* scratch of their quantiles */
    double *low, *high;
    urn__owned_prediction *out;
} work;

static urn_status open_programs(work *w, urn_error *error)
{
    int number;
    w->most_threads = urn__thread_count(w->options.threads);
    URN_TRY(urn__forward_new(w->fitted, w->posterior, w->most_threads, &w->forward, error));
    return urn__forward_add(w->forward, w->target, &number, error);
}

/* The posterior's centre: the mean of stored positions. */
static void find_centre(work *w)
{
    const int64_t size = urn_posterior_size(w->posterior);
    const double *loc = urn_posterior_loc(w->posterior);
    int64_t kept = 1;
    if (urn_posterior_stored(w->posterior))
        kept = urn_posterior_chains(w->posterior) * urn_posterior_draws(w->posterior);
    for (int64_t s = 0; s < kept; s++)
        for (int64_t i = 0; i < size; i++)
            w->centre[i] += (loc[s * size + i] - w->centre[i]) / (double)(s + 1);
}

/* For intervals: all draws of as many rows as there is room for. */
static urn_status make_block(work *w, urn_error *error)
{
    const size_t draw = (size_t)w->n_draws * sizeof(double);
    w->block_rows = URN__DRAWS_BYTES / (int64_t)draw;
    if (w->block_rows > w->n)
        w->block_rows = w->n;
    if (w->block_rows < 1)
        w->block_rows = 1;
    w->low = urn__arena_alloc(w->out->arena, (size_t)w->n + 1, sizeof(double));
    w->high = urn__arena_alloc(w->out->arena, (size_t)w->n + 1, sizeof(double));
    w->block = urn__arena_alloc(w->arena, (size_t)w->block_rows, draw);
    w->columns = urn__arena_alloc(
        w->arena, (size_t)urn__columns_scratch(w->most_threads, w->n_draws), sizeof(double));
    if (urn__arena_failed(w->arena) || urn__arena_failed(w->out->arena))
        return urn__fail_memory(error, "predictions", (size_t)w->block_rows * draw);
    return URN_OK;
}

static urn_status make_room(work *w, urn_error *error)
{
    const size_t size = (size_t)urn_posterior_size(w->posterior);
    w->n_draws = urn__draw_count(w->posterior, w->options.draws, GUIDE_DRAWS);
    w->block_rows = w->n > 0 ? w->n : 1; /* one pass */
    URN_TRY(urn__row_sums_make(w->out->arena, w->n, &w->sums, error));
    if (!w->options.no_interval)
        URN_TRY(make_block(w, error));
    if (!w->options.plug_in)
        return URN_OK;
    w->centre = urn__arena_alloc(w->arena, size, sizeof(double));
    if (!w->centre)
        return urn__fail_memory(error, "predictions", size * sizeof(double));
    find_centre(w);
    return URN_OK;
}

/* ---- draws ---- */

static urn_status run_draw(work *w, int64_t s, urn_error *error)
{
    if (w->options.plug_in)
        return urn__forward_run(w->forward, w->centre, s, w->options.seed, error);
    return urn__forward_draw(w->forward, s, w->n_draws, w->options.seed, error);
}

static const double *result(const work *w, urn_result what)
{
    return urn__forward_result(w->forward, 0, w->site, what);
}

static void keep_draws(work *w, int64_t s, int64_t first, int64_t rows)
{
    const double *mean = w->options.mean_interval ? result(w, URN_RESULT_MEAN) : NULL;
    const double *draw = mean ? mean : result(w, URN_RESULT_DRAW);
    memcpy(w->block + s * rows, draw + first, (size_t)rows * sizeof *draw);
}

static void find_intervals(work *w, int64_t first, int64_t rows)
{
    const double level = w->options.level > 0.0 ? w->options.level : 0.9;
    const double probs[] = {0.5 * (1.0 - level), 0.5 * (1.0 + level)};
    double *const out[] = {w->low + first, w->high + first};
    const urn__columns columns = {.kernels = urn__posterior_kernels(w->posterior),
                                  .threads = w->most_threads,
                                  .n = w->n_draws,
                                  .rows = rows,
                                  .block = w->block,
                                  .scratch = w->columns,
                                  .n_probs = 2,
                                  .probs = probs,
                                  .out = out};
    urn__columns_quantiles(&columns);
}

/* One pass over all draws for the rows of a block; the first pass does everything else as well. */
static urn_status run_pass(work *w, int64_t first, urn_error *error)
{
    const int64_t left = w->n - first;
    const int64_t rows = left < w->block_rows ? left : w->block_rows;
    urn__forward_start(w->forward);
    for (int64_t s = 0; s < w->n_draws; s++, urn__forward_pace(w->forward)) {
        URN_TRY(run_draw(w, s, error));
        const urn__row_results results = {.draw = result(w, URN_RESULT_DRAW),
                                          .mean = result(w, URN_RESULT_MEAN),
                                          .log_density = result(w, URN_RESULT_LOG_DENSITY),
                                          .cdf = result(w, URN_RESULT_CDF)};
        if (!results.draw)
            return urn__fail(error, URN_ERR_INTERNAL, NULL, NULL, NULL,
                             "the program has no draws of the site to predict");
        if (w->block)
            keep_draws(w, s, first, rows);
        if (first == 0)
            urn__row_sums_add(&w->sums, &results, urn__forward_threads(w->forward));
    }
    if (w->block)
        find_intervals(w, first, rows);
    return URN_OK;
}

static void conclude(work *w)
{
    urn_prediction *p = &w->out->prediction;
    urn__row_sums_conclude(&w->sums, w->most_threads, p);
    p->low = w->low;
    p->high = w->high;
}

static urn_status do_work(work *w, urn_error *error)
{
    if (!(w->options.level >= 0.0 && w->options.level < 1.0) || w->options.draws < 0)
        return urn__fail(
            error, URN_ERR_USAGE, NULL, NULL, NULL,
            "a level of %g and %lld draws were asked for; the level must lie between 0 "
            "and 1, and draws must not be negative",
            w->options.level, (long long)w->options.draws);
    URN_TRY(urn__forward_site(w->target, w->options.site, &w->site, &w->n, error));
    URN_TRY(open_programs(w, error));
    URN_TRY(make_room(w, error));
    for (int64_t first = 0; first < w->n; first += w->block_rows)
        URN_TRY(run_pass(w, first, error));
    conclude(w);
    return URN_OK;
}

urn_status urn_predict(const urn_model *fitted, const urn_posterior *posterior,
                       const urn_model *target, const urn_predict_options *options,
                       urn_prediction **prediction, urn_error *error)
{
    *prediction = NULL;
    work w = {.fitted = fitted,
              .target = target,
              .posterior = posterior,
              .allocator = urn__posterior_allocator(posterior)};
    if (options)
        memcpy(&w.options, options,
               options->bytes < sizeof w.options ? options->bytes : sizeof w.options);
    URN_TRY(urn__prediction_new(w.allocator, &w.out, error));
    w.arena = urn__arena_new(w.allocator);
    const urn_status status =
        w.arena ? do_work(&w, error) : urn__fail_memory(error, "predictions", sizeof w);
    urn__forward_free(w.forward);
    urn__arena_free(w.arena);
    if (status == URN_OK)
        *prediction = &w.out->prediction;
    else
        urn_prediction_free(&w.out->prediction);
    return status;
}
