/* Means, sds and quantiles of a site in its natural space.
 *
 * A value that is a monotone function of one coordinate alone, as on the real, positive and bounded
 * supports, has its quantiles where the coordinate has them, so for normal guides they are exact:
 * the program maps loc + scale * z. That the function is of this kind is checked by moving the
 * other coordinates. Everything else comes from draws. */
#include "columns.h"
#include "driver.h"
#include "replays.h"

#include <math.h>
#include <string.h>

#define GUIDE_DRAWS 1000

typedef struct work {
    const urn_posterior *posterior;
    urn_site_info info;
    int site;
    urn__runner values;
    urn__pace pace;
    urn__arena *arena;
    double *position, *loc_value, *low_value, *high_value;
    double *mean, *sd, *quantiles; /* of the caller; may be NULL */
    const double *probs;
    int n_probs;
    int most_threads;
    bool own;        /* see is_own */
    double *columns; /* scratch of quantiles */
    double **out;    /* n_probs */
} work;

static double normal_quantile(double p)
{
    const double zero = 0.0, one = 1.0;
    double z = 0.0;
    const urn_draw_call call = {
        .n = 1, .dim = 1, .event = 1, .param = {&zero, &one}, .stride = {1, 1}, .out = &z, .p = p};
    urn_family_normal()->quantile(&call);
    return z;
}

static const double *run_at(work *w, const double *position)
{
    urn_replay_set_threads(w->values.replay, w->pace.threads);
    urn_replay_run(w->values.replay, position);
    return urn_replay_result(w->values.replay, w->site, URN_RESULT_VALUE);
}

/* Coordinates of this site at loc + z scale, of the others at loc + other scale. */
static const double *run_shifted(work *w, double z, double other)
{
    const double *loc = urn_posterior_loc(w->posterior), *scale = urn_posterior_scale(w->posterior);
    const int64_t size = urn_posterior_size(w->posterior);
    const int64_t from = w->info.offset, to = from + w->info.free_size;
    for (int64_t i = 0; i < size; i++)
        w->position[i] =
            scale[i] > 0.0 ? loc[i] + scale[i] * (i >= from && i < to ? z : other) : loc[i];
    return run_at(w, w->position);
}

/* Is the value of a normal guide's site a function of the site's own coordinates? Leaves the others
 * at loc, and the value there in loc_value. */
static bool is_own(work *w)
{
    const size_t bytes = (size_t)w->info.size * sizeof(double);
    if (urn_posterior_kind_of(w->posterior) != URN_POSTERIOR_NORMAL || w->info.free_size < 1)
        return false;
    memcpy(w->loc_value, run_shifted(w, 0.0, 1.0), bytes);
    return memcmp(w->loc_value, run_shifted(w, 0.0, 0.0), bytes) == 0;
}

/* Is element i of the value a function of coordinate i alone? The elementwise supports are, unless
 * other sites move their bounds. */
static bool is_elementwise(work *w)
{
    const urn_site_info *info = &w->info;
    if (!w->own || info->free_size != info->size)
        return false;
    if (info->role == URN_SITE_LATENT) {
        if (info->family->support()->free_size != NULL)
            return false;
    } else if (info->role != URN_SITE_PARAM) {
        return false;
    }
    const size_t bytes = (size_t)info->size * sizeof(double);
    memcpy(w->low_value, run_shifted(w, -1.0, 0.0), bytes);
    memcpy(w->high_value, run_shifted(w, 1.0, 0.0), bytes);
    return true;
}

static void exact_quantiles(work *w)
{
    const int64_t size = w->info.size;
    for (int k = 0; k < w->n_probs; k++) {
        double *out = w->quantiles + k * size;
        const double z = normal_quantile(w->probs[k]);
        const double *up = run_shifted(w, z, 0.0);
        memcpy(out, up, (size_t)size * sizeof *out);
        const double *down = run_shifted(w, -z, 0.0);
        for (int64_t i = 0; i < size; i++)
            if (w->high_value[i] < w->low_value[i]) /* a decreasing function */
                out[i] = down[i];
    }
}

/* Moments of x ~ N(loc, scale) itself or of exp(x), if that is what the values are. */
static bool exact_moments(work *w)
{
    const double *loc = urn_posterior_loc(w->posterior) + w->info.offset;
    const double *scale = urn_posterior_scale(w->posterior) + w->info.offset;
    bool same = true, exponential = true;
    for (int64_t i = 0; i < w->info.size; i++) {
        const double e = exp(loc[i]);
        same = same && w->loc_value[i] == loc[i];
        exponential = exponential && fabs(w->loc_value[i] - e) <= 1e-13 * e;
    }
    if (!same && !exponential)
        return false;
    for (int64_t i = 0; i < w->info.size; i++) {
        const double variance = scale[i] * scale[i];
        const double mean = same ? loc[i] : exp(loc[i] + 0.5 * variance);
        if (w->mean)
            w->mean[i] = mean;
        if (w->sd)
            w->sd[i] = same ? scale[i] : mean * sqrt(expm1(variance));
    }
    return true;
}

/* ---- of draws ---- */

/* The value at draw s of n. */
static const double *run_draw(work *w, int64_t s, int64_t n)
{
    if (w->own)
        urn_posterior_draw_part(w->posterior, s, w->info.offset, w->info.free_size, w->position);
    else
        urn__draw_of(w->posterior, s, n, w->pace.threads, w->position);
    const double *value = run_at(w, w->position);
    urn__pace_step(&w->pace);
    return value;
}

/* A block's elements and draws, and what is made of them. */
typedef struct pass {
    int64_t n, first, rows;
    double *block;          /* NULL: nothing is kept */
    double *mean, *squares; /* of all elements; NULL: not wanted */
} pass;

static void run_pass(work *w, const pass *p)
{
    for (int64_t s = 0; s < p->n; s++) {
        const double *value = run_draw(w, s, p->n);
        if (p->block)
            memcpy(p->block + s * p->rows, value + p->first, (size_t)p->rows * sizeof *value);
        for (int64_t i = 0; p->mean && i < w->info.size; i++) {
            const double change = value[i] - p->mean[i];
            p->mean[i] += change / (double)(s + 1);
            p->squares[i] += change * (value[i] - p->mean[i]);
        }
    }
}

static void give_moments(work *w, const pass *p)
{
    for (int64_t i = 0; i < w->info.size; i++) {
        if (w->mean)
            w->mean[i] = p->mean[i];
        if (w->sd)
            w->sd[i] = p->n > 1 ? sqrt(p->squares[i] / ((double)p->n - 1.0)) : 0.0;
    }
}

static void find_quantiles(work *w, const pass *p)
{
    for (int k = 0; k < w->n_probs; k++)
        w->out[k] = w->quantiles + k * w->info.size + p->first;
    const urn__columns c = {.kernels = urn__posterior_kernels(w->posterior),
                            .threads = w->most_threads,
                            .n = p->n,
                            .rows = p->rows,
                            .block = p->block,
                            .scratch = w->columns,
                            .n_probs = w->n_probs,
                            .probs = w->probs,
                            .out = w->out};
    urn__columns_quantiles(&c);
}

/* Room for all draws of as many elements as fit in memory. */
static urn_status make_block(work *w, pass *p, urn_error *error)
{
    const int64_t most = URN__DRAWS_BYTES / (int64_t)sizeof(double) / p->n, size = w->info.size;
    const int64_t scratch = urn__columns_scratch(w->most_threads, p->n);
    p->rows = most > size ? size : most < 1 ? 1 : most;
    p->block = urn__arena_alloc(w->arena, (size_t)p->rows, (size_t)p->n * sizeof *p->block);
    w->columns = urn__arena_alloc(w->arena, (size_t)scratch, sizeof *w->columns);
    w->out = urn__arena_alloc(w->arena, (size_t)w->n_probs, sizeof *w->out);
    if (urn__arena_failed(w->arena))
        return urn__fail_memory(error, "draws of a site",
                                (size_t)(p->rows * p->n + scratch) * sizeof *p->block);
    return URN_OK;
}

/* Moments and quantiles of n draws. Each block of elements runs over the draws; the first of them
 * finds the moments of all. */
static urn_status use_draws(work *w, int64_t n, bool moments, bool quantiles, urn_error *error)
{
    const int64_t size = w->info.size;
    pass p = {.n = n, .rows = size};
    if (moments) {
        p.mean = w->low_value;
        p.squares = w->high_value;
        memset(p.mean, 0, (size_t)size * sizeof *p.mean);
        memset(p.squares, 0, (size_t)size * sizeof *p.squares);
    }
    if (quantiles)
        URN_TRY(make_block(w, &p, error));
    const int64_t most = p.rows;
    for (; p.first < size; p.first += p.rows) {
        p.rows = size - p.first < most ? size - p.first : most;
        run_pass(w, &p);
        if (p.mean)
            give_moments(w, &p);
        p.mean = NULL;
        if (quantiles)
            find_quantiles(w, &p);
    }
    return URN_OK;
}

static urn_status check(const work *w, const urn_model *model, urn_error *error)
{
    URN_TRY(urn__posterior_fits(w->posterior, model, error));
    for (int k = 0; k < w->n_probs; k++)
        if (!(w->probs[k] >= 0.0 && w->probs[k] <= 1.0))
            return urn__fail(error, URN_ERR_USAGE, NULL, w->info.name, NULL,
                             "a quantile at %g was asked for; probabilities lie between 0 and 1",
                             w->probs[k]);
    return URN_OK;
}

static urn_status make_room(work *w, urn_error *error)
{
    const size_t size = (size_t)w->info.size;
    w->position =
        urn__arena_alloc(w->arena, (size_t)urn_posterior_size(w->posterior), sizeof(double));
    w->loc_value = urn__arena_alloc(w->arena, size, sizeof(double));
    w->low_value = urn__arena_alloc(w->arena, size, sizeof(double));
    w->high_value = urn__arena_alloc(w->arena, size, sizeof(double));
    if (urn__arena_failed(w->arena))
        return urn__fail_memory(error, "the summary of a site", 4 * size * sizeof(double));
    return URN_OK;
}

static urn_status do_work(work *w, const urn_model *model, int threads, urn_error *error)
{
    const urn_compile_options options = {.bytes = sizeof options,
                                         .kind = URN_PROGRAM_VALUES,
                                         .cpu = urn__posterior_kernels(w->posterior)->name};
    URN_TRY(check(w, model, error));
    w->most_threads = urn__thread_count(threads);
    urn__pace_start(&w->pace, w->most_threads);
    URN_TRY(urn__runner_open(&w->values, model, &options, threads, error));
    URN_TRY(make_room(w, error));
    urn_posterior_draw(w->posterior, 0, w->position);
    if (!run_at(w, w->position))
        return urn__fail(error, URN_ERR_USAGE, w->info.where, w->info.name, NULL,
                         "the site has no value of its own to summarise");
    const bool point = urn_posterior_kind_of(w->posterior) == URN_POSTERIOR_POINT;
    const int64_t n = point ? 1 : urn__draw_count(w->posterior, 0, GUIDE_DRAWS);
    w->own = is_own(w);
    const bool exact = is_elementwise(w);
    const bool moments = (w->mean || w->sd) && !(exact && exact_moments(w));
    const bool quantiles = w->n_probs > 0 && !exact;
    if (moments || quantiles)
        URN_TRY(use_draws(w, n, moments, quantiles, error));
    if (w->n_probs == 0 || quantiles)
        return URN_OK;
    memcpy(w->low_value, run_shifted(w, -1.0, 0.0), (size_t)w->info.size * sizeof(double));
    memcpy(w->high_value, run_shifted(w, 1.0, 0.0), (size_t)w->info.size * sizeof(double));
    exact_quantiles(w);
    return URN_OK;
}

urn_status urn_summarise_site(const urn_model *model, const urn_posterior *posterior, int site,
                              int threads, double *mean, double *sd, int n_probs,
                              const double *probs, double *quantiles, urn_error *error)
{
    if (site < 0 || site >= urn_model_site_count(model))
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "site %d was asked for, but the model has %d sites", site,
                         urn_model_site_count(model));
    work w = {.posterior = posterior,
              .site = site,
              .mean = mean,
              .sd = sd,
              .probs = probs,
              .quantiles = quantiles,
              .n_probs = quantiles ? n_probs : 0};
    urn_model_site(model, site, &w.info);
    w.arena = urn__arena_new(urn__posterior_allocator(posterior));
    const urn_status status = w.arena ? do_work(&w, model, threads, error)
                                      : urn__fail_memory(error, "the summary of a site", sizeof w);
    urn__runner_close(&w.values);
    urn__arena_free(w.arena);
    return status;
}
