/* Predictions: what the target's PREDICT program computes for each row, averaged over draws. */
#include "driver.h"
#include "forward.h"

#include <math.h>
#include <string.h>

#define GUIDE_DRAWS 400
#define COLUMNS 8 /* doubles of a line of the cache */

typedef struct owned {
    urn_prediction prediction; /* first: what the caller sees */
    urn__arena *arena;
} owned;

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
    /* accumulated a row */
    double *mean_m2, *noise, *largest; /* sums of squares; largest log density so far */
    double *block; /* draws of rows first .. first + block_rows - 1, a draw's rows together */
    int64_t block_rows;
    int most_threads;
    double *columns; /* a thread's COLUMNS rows of the block, a row's draws together */
    owned *out;
} work;

/* ---- what is to be predicted ---- */

static urn_status find_site(work *w, urn_error *error)
{
    const char *wanted = w->options.site;
    urn_site_info info;
    w->site = -1;
    for (int i = 0; i < urn_model_site_count(w->target); i++) {
        urn_model_site(w->target, i, &info);
        if (info.role != URN_SITE_OBSERVED || (wanted && strcmp(wanted, info.name) != 0))
            continue;
        if (w->site >= 0)
            return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "name one of them",
                             "the model has several observed sites: which one is to be predicted?");
        w->site = i;
    }
    if (w->site < 0)
        return urn__fail(error, URN_ERR_USAGE, NULL, wanted, NULL,
                         wanted ? "the model has no observed site of this name"
                                : "the model has no observed site to predict");
    urn_model_site(w->target, w->site, &info);
    if (info.size != info.rows)
        return urn__fail(
            error, URN_ERR_USAGE, info.where, info.name, NULL,
            "rows of the site have %lld elements; predictions are made of sites with one "
            "number a row",
            (long long)(info.rows > 0 ? info.size / info.rows : 0));
    w->n = info.rows;
    return URN_OK;
}

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
    if (urn_posterior_kind_of(w->posterior) == URN_POSTERIOR_DRAWS)
        kept = urn_posterior_chains(w->posterior) * urn_posterior_draws(w->posterior);
    for (int64_t s = 0; s < kept; s++)
        for (int64_t i = 0; i < size; i++)
            w->centre[i] += (loc[s * size + i] - w->centre[i]) / (double)(s + 1);
}

static double *rows_of(work *w, urn__arena *arena)
{
    return urn__arena_alloc(arena, (size_t)(w->n > 0 ? w->n : 1), sizeof(double));
}

static urn_status make_room(work *w, urn_error *error)
{
    const size_t size = (size_t)urn_posterior_size(w->posterior);
    w->n_draws = urn__draw_count(w->posterior, w->options.draws, GUIDE_DRAWS);
    w->block_rows = URN__DRAWS_BYTES / (int64_t)sizeof(double) / w->n_draws;
    if (w->block_rows > w->n)
        w->block_rows = w->n;
    if (w->block_rows < 1)
        w->block_rows = 1;
    w->centre = urn__arena_alloc(w->arena, size, sizeof(double));
    w->mean_m2 = rows_of(w, w->arena);
    w->noise = rows_of(w, w->arena);
    w->largest = rows_of(w, w->arena);
    w->block =
        urn__arena_alloc(w->arena, (size_t)w->block_rows, (size_t)w->n_draws * sizeof(double));
    w->columns = urn__arena_alloc(w->arena, (size_t)w->most_threads * COLUMNS,
                                  (size_t)w->n_draws * sizeof(double));
    urn_prediction *p = &w->out->prediction;
    double **const arrays[] = {&p->mean, &p->sd,          &p->mean_sd, &p->low,
                               &p->high, &p->log_density, &p->cdf};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        *arrays[i] = rows_of(w, w->out->arena);
    p->n_rows = w->n;
    if (urn__arena_failed(w->arena) || urn__arena_failed(w->out->arena))
        return urn__fail_memory(error, "predictions",
                                (size_t)(w->block_rows * w->n_draws) * sizeof(double));
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

/* Conditional means and the squares of the noise around them. Without means, of the draws. */
static void add_moments(work *w, int64_t s)
{
    const double *draw = result(w, URN_RESULT_DRAW), *mean = result(w, URN_RESULT_MEAN);
    double *total = w->out->prediction.mean;
    for (int64_t r = 0; r < w->n; r++) {
        const double m = mean ? mean[r] : draw[r];
        const double change = m - total[r];
        total[r] += change / (double)(s + 1);
        w->mean_m2[r] += change * (m - total[r]);
        w->noise[r] += (draw[r] - m) * (draw[r] - m);
    }
}

/* The running log of a sum of exponentials; prediction.log_density holds the sum, scaled. */
static void add_densities(work *w, int64_t s)
{
    const double *value = result(w, URN_RESULT_LOG_DENSITY);
    double *sum = w->out->prediction.log_density;
    if (!value) {
        w->out->prediction.log_density = NULL;
        return;
    }
    for (int64_t r = 0; sum && r < w->n; r++) {
        const double x = value[r];
        if (s == 0 || x > w->largest[r] || isnan(x)) {
            const bool first = s == 0 || w->largest[r] == -HUGE_VAL;
            sum[r] = first ? 1.0 : sum[r] * exp(w->largest[r] - x) + 1.0;
            w->largest[r] = x;
        } else if (x > -HUGE_VAL) {
            sum[r] += exp(x - w->largest[r]);
        }
    }
}

static void add_cdf(work *w)
{
    const double *value = result(w, URN_RESULT_CDF);
    double *sum = w->out->prediction.cdf;
    if (!value)
        w->out->prediction.cdf = NULL;
    for (int64_t r = 0; value && sum && r < w->n; r++)
        sum[r] += value[r];
}

static void keep_draws(work *w, int64_t s, int64_t first, int64_t rows)
{
    const double *mean = w->options.mean_interval ? result(w, URN_RESULT_MEAN) : NULL;
    const double *draw = mean ? mean : result(w, URN_RESULT_DRAW);
    memcpy(w->block + s * rows, draw + first, (size_t)rows * sizeof *draw);
}

/* A block's rows to find intervals of. */
typedef struct intervals {
    work *w;
    int64_t first, rows;
} intervals;

static void find_intervals(void *context, int64_t chunk, int thread)
{
    const intervals *in = context;
    work *w = in->w;
    const double level = w->options.level > 0.0 ? w->options.level : 0.9;
    const int64_t at = chunk * COLUMNS, left = in->rows - at, n = w->n_draws;
    const int64_t count = left < COLUMNS ? left : COLUMNS;
    double *columns = w->columns + thread * COLUMNS * n;
    for (int64_t s = 0; s < n; s++)
        for (int64_t k = 0; k < count; k++)
            columns[k * n + s] = w->block[s * in->rows + at + k];
    for (int64_t k = 0; k < count; k++) {
        double *draws = columns + k * n;
        const int64_t r = in->first + at + k;
        w->out->prediction.low[r] = urn__quantile(n, draws, 0.5 * (1.0 - level));
        w->out->prediction.high[r] = urn__quantile(n, draws, 0.5 * (1.0 + level));
    }
}

/* One pass over all draws for the rows of a block; the first pass does everything else as well. */
static urn_status run_pass(work *w, int64_t first, urn_error *error)
{
    const int64_t left = w->n - first;
    const int64_t rows = left < w->block_rows ? left : w->block_rows;
    urn__forward_start(w->forward);
    for (int64_t s = 0; s < w->n_draws; s++, urn__forward_pace(w->forward)) {
        URN_TRY(run_draw(w, s, error));
        if (!result(w, URN_RESULT_DRAW))
            return urn__fail(error, URN_ERR_INTERNAL, NULL, NULL, NULL,
                             "the program has no draws of the site to predict");
        keep_draws(w, s, first, rows);
        if (first > 0)
            continue;
        add_moments(w, s);
        add_densities(w, s);
        add_cdf(w);
    }
    intervals in = {w, first, rows};
    urn__parallel(w->most_threads, (rows + COLUMNS - 1) / COLUMNS, find_intervals, &in);
    return URN_OK;
}

static void conclude(work *w)
{
    urn_prediction *p = &w->out->prediction;
    const double n = (double)w->n_draws;
    const bool has_mean = w->n > 0 && result(w, URN_RESULT_MEAN) != NULL;
    for (int64_t r = 0; r < w->n; r++) {
        const double variance = w->n_draws > 1 ? w->mean_m2[r] / (n - 1.0) : 0.0;
        p->mean_sd[r] = has_mean ? sqrt(variance) : (double)NAN;
        p->sd[r] = sqrt(variance + w->noise[r] / n);
        if (p->log_density)
            p->log_density[r] = w->largest[r] + log(p->log_density[r] / n);
        if (p->cdf)
            p->cdf[r] /= n;
    }
}

static urn_status do_work(work *w, urn_error *error)
{
    if (!(w->options.level >= 0.0 && w->options.level < 1.0) || w->options.draws < 0)
        return urn__fail(
            error, URN_ERR_USAGE, NULL, NULL, NULL,
            "a level of %g and %lld draws were asked for; the level must lie between 0 "
            "and 1, and draws must not be negative",
            w->options.level, (long long)w->options.draws);
    URN_TRY(find_site(w, error));
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
    w.arena = urn__arena_new(w.allocator);
    urn__arena *arena = urn__arena_new(w.allocator);
    w.out = arena ? urn__arena_alloc(arena, 1, sizeof *w.out) : NULL;
    urn_status status;
    if (w.arena && w.out) {
        w.out->arena = arena;
        status = do_work(&w, error);
    } else {
        status = urn__fail_memory(error, "predictions", sizeof *w.out);
    }
    urn__forward_free(w.forward);
    urn__arena_free(w.arena);
    if (status == URN_OK)
        *prediction = &w.out->prediction;
    else
        urn__arena_free(arena);
    return status;
}

void urn_prediction_free(urn_prediction *prediction)
{
    if (prediction)
        urn__arena_free(((owned *)prediction)->arena);
}
