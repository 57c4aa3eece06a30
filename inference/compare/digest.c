/* A pass over the draws of a run (see compare.h). Everything is computed in the order of draws, and
 * of rows within a draw, so that results do not depend on threads. */
#include "../../runtime/tensor/tensor.h"
#include "../diagnostics/chains.h"
#include "../driver.h"
#include "distances.h"
#include "plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    GUIDE_DRAWS = 400,       /* for predictions: as fit.json's scores */
    GUIDE_SITE_DRAWS = 1000, /* for sites */
    SAMPLER_DRAWS = 4000,    /* at most */
    PREDICTIVE_DRAWS = 1000, /* at most, for CRPS */
    FOLLOWED = 64,           /* elements of a field */
    LEFT_OUT = 2000,         /* training rows, at most */
    EXTRA_SERIES = 4,        /* besides those of the plan */
    EXTRA_FIELDS = 2,
    CELLS_AT_ONCE = 64
};
#define CRPS_BYTES ((int64_t)256 << 20)

const char *const urn__group_names[URN__GROUPS] = {"all", "0", "1-5", "6-20", "more than 20"};

/* A field being filled. */
typedef struct track {
    urn__field *field;
    double *squares;  /* sums of squared distances from the mean */
    double *followed; /* n_followed x draws */
    int64_t seen, room;
} track;

/* An observed site of a target. */
typedef struct watched {
    int target, site; /* -1: none */
    int64_t rows;
    const double *observed;
} watched;

typedef struct work {
    const urn__digest_input *in;
    urn__digest *out;
    urn__arena *arena; /* of the work */
    const urn_allocator *allocator;
    urn__forward *forward;
    urn__plan_of plan;
    int64_t n_predict, n_sites; /* draws for predictions, and for sites: at least as many */
    watched held_out, training, fresh;
    double *values; /* of the series, one draw */
    track *tracks;  /* those of the plan's fields first */
    track *held_track, *fresh_track;
    urn__series *held_mean, *fresh_mean, *log_likelihood, *training_rmse;
    double *largest;    /* of the log densities of cells */
    double *predictive; /* draws x cells */
    int64_t n_predictive;
    double *log_lik; /* draws x rows left out */
    int64_t *left_out;
} work;

const char *urn__quantity_word(urn__quantity_kind kind)
{
    static const char *const words[] = {"held_out", "noise", "likelihood", "gram",
                                        "axes",     "new",   "site"};
    return words[kind];
}

/* ---- draws ---- */

static void choose_draws(work *w)
{
    const urn_posterior *p = w->in->posterior;
    const int64_t wanted = w->in->draws, chains = urn_posterior_chains(p);
    urn__digest *out = w->out;
    out->posterior = urn_posterior_kind_of(p);
    out->n_chains = 1;
    if (out->posterior == URN_POSTERIOR_DRAWS) {
        const int64_t most = wanted > 0 ? wanted : SAMPLER_DRAWS;
        const int64_t each = most / chains > 1 ? most / chains : 1;
        out->n_chains = chains;
        out->n_draws = each < urn_posterior_draws(p) ? each : urn_posterior_draws(p);
        w->n_predict = w->n_sites = chains * out->n_draws;
        return;
    }
    w->n_predict = out->n_draws = wanted > 0 ? wanted : GUIDE_DRAWS;
    w->n_sites =
        wanted > 0 || out->posterior == URN_POSTERIOR_POINT ? w->n_predict : GUIDE_SITE_DRAWS;
}

/* ---- targets ---- */

static bool is_watchable(const urn_model *model, int i, urn_site_info *info)
{
    urn_model_site(model, i, info);
    return info->role == URN_SITE_OBSERVED && info->n_plates == 1 && info->size == info->rows;
}

/* The observed site of a target: the one asked for, or the first. */
static urn_status watch(work *w, const urn_model *model, watched *watched_site, urn_error *error)
{
    urn_site_info info;
    *watched_site = (watched){.target = -1, .site = -1};
    for (int i = 0; model && watched_site->site < 0 && i < urn_model_site_count(model); i++)
        if (is_watchable(model, i, &info) && (!w->in->site || strcmp(w->in->site, info.name) == 0))
            watched_site->site = i;
    if (watched_site->site < 0)
        return !model || !w->in->site
                   ? URN_OK
                   : urn__fail(error, URN_ERR_USAGE, NULL, w->in->site, NULL,
                               "the model has no observed site of this name with one number a row");
    urn_model_site(model, watched_site->site, &info);
    if (info.rows == 0) {
        watched_site->site = -1;
        return URN_OK;
    }
    watched_site->rows = info.rows;
    watched_site->observed = urn_model_observed(model, watched_site->site);
    return urn__forward_add(w->forward, model, &watched_site->target, error);
}

static const double *result(const work *w, const watched *site, urn_result what)
{
    return urn__forward_result(w->forward, site->target, site->site, what);
}

/* ---- room ---- */

static double *numbers(urn__arena *arena, int64_t n)
{
    return urn__arena_alloc(arena, (size_t)(n > 0 ? n : 1), sizeof(double));
}

static urn__series *extra_series(work *w, urn__quantity_kind kind, const char *name)
{
    urn__series *s = &w->out->series[w->out->n_series++];
    *s = (urn__series){.kind = kind};
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

static track *extra_field(work *w, urn__quantity_kind kind, const char *name, int64_t n)
{
    urn__field *field = &w->out->fields[w->out->n_fields++];
    *field = (urn__field){.kind = kind, .n = n};
    snprintf(field->name, sizeof field->name, "%s", name);
    return &w->tracks[field - w->out->fields];
}

/* Series that predictions give: they have as many draws as these. */
static bool is_extra(const work *w, const urn__series *s)
{
    return s - w->out->series >= w->plan.n_series;
}

static void name_quantities(work *w)
{
    char name[96];
    urn__digest *out = w->out;
    out->n_series = w->plan.n_series;
    out->n_fields = w->plan.n_fields;
    memcpy(out->series, w->plan.series, (size_t)out->n_series * sizeof *out->series);
    memcpy(out->fields, w->plan.fields, (size_t)out->n_fields * sizeof *out->fields);
    if (w->held_out.site >= 0) {
        w->held_mean = extra_series(w, URN__QUANTITY_HELD_OUT, "mean held-out prediction");
        w->held_track =
            extra_field(w, URN__QUANTITY_HELD_OUT, "held-out predictions", w->held_out.rows);
        out->held_out = w->held_track->field = &out->fields[out->n_fields - 1];
    }
    if (w->training.site >= 0) {
        w->log_likelihood = extra_series(w, URN__QUANTITY_LIKELIHOOD, "log likelihood");
        if (w->training.observed)
            w->training_rmse =
                extra_series(w, URN__QUANTITY_LIKELIHOOD, "RMSE on training rows, of a draw");
    }
    if (w->fresh.site >= 0) {
        const char *who = w->in->fresh_name ? w->in->fresh_name : "new id";
        snprintf(name, sizeof name, "mean prediction for a %s", who);
        w->fresh_mean = extra_series(w, URN__QUANTITY_NEW, name);
        snprintf(name, sizeof name, "predictions for a %s", who);
        w->fresh_track = extra_field(w, URN__QUANTITY_NEW, name, w->fresh.rows);
    }
}

static void room_for_tracks(work *w)
{
    for (int i = 0; i < w->out->n_fields; i++) {
        urn__field *field = &w->out->fields[i];
        const int64_t n = i < w->plan.n_fields ? w->n_sites : w->n_predict;
        field->n_followed = field->n < FOLLOWED ? field->n : FOLLOWED;
        if (w->out->posterior != URN_POSTERIOR_DRAWS)
            field->n_followed = 0;
        field->mean = numbers(w->out->arena, field->n);
        field->sd = numbers(w->out->arena, field->n);
        w->tracks[i] = (track){.field = field,
                               .squares = numbers(w->arena, field->n),
                               .followed = numbers(w->arena, field->n_followed * n),
                               .room = n};
    }
}

static void room_for_series(work *w)
{
    urn__digest *out = w->out;
    for (int i = 0; i < out->n_series; i++) {
        urn__series *s = &out->series[i];
        s->n_chains = out->n_chains;
        s->n_draws = (is_extra(w, s) ? w->n_predict : w->n_sites) / out->n_chains;
        s->draws = numbers(out->arena, s->n_chains * s->n_draws);
        s->chain_mean = numbers(out->arena, s->n_chains);
    }
}

static void room_for_cells(work *w)
{
    urn__cells *cells = &w->out->cells;
    urn__arena *arena = w->out->arena;
    if (w->held_out.site < 0 || !w->held_out.observed)
        return;
    const int64_t n = cells->n = w->held_out.rows;
    const int64_t fit = CRPS_BYTES / (int64_t)sizeof(double) / n;
    w->n_predictive = w->n_predict < PREDICTIVE_DRAWS ? w->n_predict : PREDICTIVE_DRAWS;
    if (w->n_predictive > fit)
        w->n_predictive = fit > 2 ? fit : 2;
    if (w->n_predictive > w->n_predict)
        w->n_predictive = w->n_predict;
    cells->observed = numbers(arena, n);
    cells->mean = numbers(arena, n);
    cells->log_density = numbers(arena, n);
    cells->cdf = numbers(arena, n);
    cells->crps = numbers(arena, n);
    cells->group = urn__arena_alloc(arena, (size_t)n, 1);
    w->largest = numbers(w->arena, n);
    w->predictive = numbers(w->arena, n * w->n_predictive);
}

static void room_for_left_out(work *w)
{
    urn__digest *out = w->out;
    out->n_training = w->training.site >= 0 ? w->training.rows : 0;
    if (out->n_training == 0 || w->n_predict < 2)
        return;
    out->n_loo = out->n_training < LEFT_OUT ? out->n_training : LEFT_OUT;
    out->loo = urn__arena_alloc(out->arena, (size_t)out->n_loo, sizeof *out->loo);
    w->left_out = urn__arena_alloc(w->arena, (size_t)out->n_loo, sizeof *w->left_out);
    w->log_lik = numbers(w->arena, out->n_loo * w->n_predict);
    for (int64_t i = 0; w->left_out && i < out->n_loo; i++)
        w->left_out[i] = urn__spread(i, out->n_loo, out->n_training);
}

static urn_status make_room(work *w, urn_error *error)
{
    urn__digest *out = w->out;
    const size_t series = (size_t)w->plan.n_series + EXTRA_SERIES;
    const size_t fields = (size_t)w->plan.n_fields + EXTRA_FIELDS;
    out->series = urn__arena_alloc(out->arena, series, sizeof *out->series);
    out->fields = urn__arena_alloc(out->arena, fields, sizeof *out->fields);
    w->tracks = urn__arena_alloc(w->arena, fields, sizeof *w->tracks);
    w->values = numbers(w->arena, w->plan.n_series);
    if (!urn__arena_failed(out->arena) && !urn__arena_failed(w->arena)) {
        name_quantities(w);
        room_for_tracks(w);
        room_for_series(w);
        room_for_cells(w);
        room_for_left_out(w);
    }
    if (urn__arena_failed(out->arena) || urn__arena_failed(w->arena))
        return urn__fail_memory(error, "the draws of a comparison",
                                (size_t)(w->n_sites * w->plan.n_series) * sizeof(double));
    return URN_OK;
}

/* ---- a draw ---- */

static void follow(track *t, const double *values)
{
    urn__field *field = t->field;
    const double share = 1.0 / (double)(t->seen + 1);
    for (int64_t i = 0; i < field->n; i++) { /* Welford's running mean and sum of squares */
        const double change = values[i] - field->mean[i];
        field->mean[i] += change * share;
        t->squares[i] += change * (values[i] - field->mean[i]);
    }
    for (int64_t k = 0; k < field->n_followed; k++)
        t->followed[k * t->room + t->seen] = values[urn__spread(k, field->n_followed, field->n)];
    t->seen++;
}

static double mean_over(int64_t n, const double *x)
{
    return urn__mean_of(n, x, NULL);
}

static void read_sites(work *w, int64_t s)
{
    urn__plan_read(&w->plan, w->forward, w->values);
    for (int i = 0; i < w->plan.n_series; i++)
        w->out->series[i].draws[s] = w->values[i];
    for (int i = 0; i < w->plan.n_fields; i++)
        follow(&w->tracks[i], urn__forward_value(w->forward, w->plan.field_site[i]));
}

/* The running log of a sum of exponentials: log_density holds the sum over exp(largest). */
static void add_density(work *w, const double *value, int64_t s)
{
    urn__cells *cells = &w->out->cells;
    if (!value)
        cells->log_density = NULL;
    for (int64_t i = 0; cells->log_density && i < cells->n; i++) {
        const double x = value[i], largest = w->largest[i];
        if (s > 0 && x <= largest) {
            cells->log_density[i] += largest > -HUGE_VAL ? exp(x - largest) : 1.0;
            continue;
        }
        const bool first = s == 0 || largest == -HUGE_VAL;
        cells->log_density[i] = first ? 1.0 : cells->log_density[i] * exp(largest - x) + 1.0;
        w->largest[i] = x;
    }
}

static void read_held_out(work *w, int64_t s)
{
    urn__cells *cells = &w->out->cells;
    const double *draw = result(w, &w->held_out, URN_RESULT_DRAW);
    const double *mean = result(w, &w->held_out, URN_RESULT_MEAN);
    const double *cdf = result(w, &w->held_out, URN_RESULT_CDF);
    w->held_mean->draws[s] = mean_over(w->held_out.rows, mean ? mean : draw);
    follow(w->held_track, mean ? mean : draw);
    if (cells->n == 0)
        return;
    add_density(w, result(w, &w->held_out, URN_RESULT_LOG_DENSITY), s);
    if (!cdf)
        cells->cdf = NULL;
    for (int64_t i = 0; cells->cdf && i < cells->n; i++)
        cells->cdf[i] += cdf[i];
    /* evenly spread: draw s is number k of the selection if k is the first that reaches it */
    const int64_t k = (s * w->n_predictive + w->n_predict - 1) / w->n_predict;
    if (k < w->n_predictive && urn__spread(k, w->n_predictive, w->n_predict) == s)
        memcpy(w->predictive + k * cells->n, draw, (size_t)cells->n * sizeof *draw);
}

static double sum_log_densities(const work *w)
{
    const urn_model *model = w->in->training;
    double sum = 0.0;
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info info;
        urn_model_site(model, i, &info);
        if (info.role != URN_SITE_OBSERVED)
            continue;
        const double *rows =
            urn__forward_result(w->forward, w->training.target, i, URN_RESULT_LOG_DENSITY);
        for (int64_t r = 0; rows && r < info.rows; r++)
            sum += rows[r];
    }
    return sum;
}

static void read_training(work *w, int64_t s)
{
    const urn__digest *out = w->out;
    const double *mean = result(w, &w->training, URN_RESULT_MEAN);
    const double *density = result(w, &w->training, URN_RESULT_LOG_DENSITY);
    w->log_likelihood->draws[s] = density ? sum_log_densities(w) : (double)NAN;
    double squares = 0.0;
    for (int64_t i = 0; w->training_rmse && mean && i < w->training.rows; i++) {
        const double e = w->training.observed[i] - mean[i];
        squares += e * e;
    }
    if (w->training_rmse)
        w->training_rmse->draws[s] = mean ? sqrt(squares / (double)w->training.rows) : (double)NAN;
    for (int64_t i = 0; i < out->n_loo; i++)
        w->log_lik[s * out->n_loo + i] = density ? density[w->left_out[i]] : (double)NAN;
}

static void read_fresh(work *w, int64_t s)
{
    const double *mean = result(w, &w->fresh, URN_RESULT_MEAN);
    if (!mean)
        mean = result(w, &w->fresh, URN_RESULT_DRAW);
    w->fresh_mean->draws[s] = mean_over(w->fresh.rows, mean);
    follow(w->fresh_track, mean);
}

static urn_status run_draws(work *w, urn_error *error)
{
    urn__forward_start(w->forward);
    for (int64_t s = 0; s < w->n_sites; s++, urn__forward_pace(w->forward)) {
        if (s >= w->n_predict) {
            urn__forward_values(w->forward, s, w->n_sites);
            read_sites(w, s);
            continue;
        }
        URN_TRY(urn__forward_draw(w->forward, s, w->n_sites, w->in->seed, error));
        read_sites(w, s);
        if (w->held_out.site >= 0)
            read_held_out(w, s);
        if (w->training.site >= 0)
            read_training(w, s);
        if (w->fresh.site >= 0)
            read_fresh(w, s);
    }
    return URN_OK;
}

/* ---- what comes of them ---- */

static void note_worst(urn__digest *out, const char *name, double r_hat, double ess)
{
    if (r_hat > out->worst_r_hat || (isnan(out->worst_r_hat) && !isnan(r_hat))) {
        out->worst_r_hat = r_hat;
        out->worst_r_hat_of = name;
    }
    if (ess < out->least_ess || (isnan(out->least_ess) && !isnan(ess))) {
        out->least_ess = ess;
        out->least_ess_of = name;
    }
}

/* Moments and errors of a series: of independent draws, or of chains. */
static void finish_series(work *w, urn__chains *chains, urn__series *s)
{
    const bool sampler = w->out->posterior == URN_POSTERIOR_DRAWS;
    urn__chains_summary summary;
    urn__chains_read(chains, s->draws, s->n_draws, 1);
    for (int64_t c = 0; c < s->n_chains; c++)
        s->chain_mean[c] = mean_over(s->n_draws, s->draws + c * s->n_draws);
    s->r_hat = s->ess_mean = s->ess_bulk = s->ess_tail = (double)NAN;
    if (sampler) {
        urn__chains_summarise(chains, &summary);
        s->r_hat = summary.r_hat;
        s->ess_bulk = summary.ess_bulk;
        s->ess_tail = summary.ess_tail;
        s->ess_mean = urn__ess_mean(chains);
    }
    s->mean = urn__chains_mean(chains);
    s->sd = urn__chains_sd(chains);
    const double n = (double)(s->n_chains * s->n_draws);
    s->mcse = sampler ? summary.mcse_mean : s->sd / sqrt(n);
    if (n < 2.0)
        s->sd = s->mcse = 0.0;
    for (int k = 0; k < 3; k++)
        s->quantile[k] = urn__chains_quantile(chains, k == 0 ? 0.05 : k == 1 ? 0.5 : 0.95);
    if (!s->turns)
        note_worst(w->out, s->name, s->r_hat, fmin(s->ess_bulk, s->ess_tail));
}

static void finish_field(work *w, urn__chains *chains, const track *t)
{
    urn__field *field = t->field;
    const double n = (double)t->seen;
    for (int64_t i = 0; i < field->n; i++)
        field->sd[i] = n > 1.0 ? sqrt(t->squares[i] / (n - 1.0)) : 0.0;
    field->r_hat = field->ess_bulk = (double)NAN;
    for (int64_t k = 0; k < field->n_followed; k++) {
        urn__chains_read(chains, t->followed + k * t->room, w->out->n_draws, 1);
        field->r_hat = fmax(field->r_hat, urn__rhat(chains, URN__RHAT_RANK));
        field->ess_bulk = fmin(field->ess_bulk, urn__ess_bulk(chains));
    }
    if (!field->turns)
        note_worst(w->out, field->name, field->r_hat, field->ess_bulk);
}

static urn_status finish_quantities(work *w, urn_error *error)
{
    urn__digest *out = w->out;
    urn__chains *predict = NULL, *sites = NULL;
    const bool same = w->n_sites == w->n_predict;
    URN_TRY(urn__chains_new(w->allocator, out->n_chains, out->n_draws, &predict, error));
    urn_status status = same ? URN_OK : urn__chains_new(w->allocator, 1, w->n_sites, &sites, error);
    for (int i = 0; status == URN_OK && i < out->n_series; i++)
        finish_series(w, same || is_extra(w, &out->series[i]) ? predict : sites, &out->series[i]);
    for (int i = 0; status == URN_OK && i < out->n_fields; i++)
        finish_field(w, predict, &w->tracks[i]);
    urn__chains_free(sites);
    urn__chains_free(predict);
    return status;
}

/* Cells a thread scores at once. */
typedef struct scoring {
    const work *w;
    double *room; /* threads x draws */
} scoring;

static void score_chunk(void *context, int64_t chunk, int thread)
{
    const scoring *job = context;
    const urn__cells *cells = &job->w->out->cells;
    const int64_t n = job->w->n_predictive, first = chunk * CELLS_AT_ONCE;
    const int64_t end = first + CELLS_AT_ONCE < cells->n ? first + CELLS_AT_ONCE : cells->n;
    double *x = job->room + thread * n;
    for (int64_t i = first; i < end; i++) {
        for (int64_t s = 0; s < n; s++)
            x[s] = job->w->predictive[s * cells->n + i];
        cells->crps[i] = urn__crps(n, x, cells->observed[i]);
    }
}

static unsigned char group_of(int64_t n_rows)
{
    return n_rows == 0 ? 1 : n_rows <= 5 ? 2 : n_rows <= 20 ? 3 : 4;
}

static urn_status finish_cells(work *w, urn_error *error)
{
    urn__cells *cells = &w->out->cells;
    const double n = (double)w->n_predict;
    if (cells->n == 0)
        return URN_OK;
    memcpy(cells->observed, w->held_out.observed, (size_t)cells->n * sizeof *cells->observed);
    memcpy(cells->mean, w->out->held_out->mean, (size_t)cells->n * sizeof *cells->mean);
    for (int64_t i = 0; i < cells->n; i++) {
        if (cells->log_density)
            cells->log_density[i] = w->largest[i] + log(cells->log_density[i] / n);
        if (cells->cdf)
            cells->cdf[i] /= n;
        cells->group[i] = w->in->n_training_rows ? group_of(w->in->n_training_rows[i]) : 0;
    }
    const int threads = urn__thread_count(w->in->threads);
    const scoring job = {w, numbers(w->arena, threads * w->n_predictive)};
    if (!job.room)
        return urn__fail_memory(error, "scores", (size_t)w->n_predictive * sizeof(double));
    urn__parallel(threads, (cells->n + CELLS_AT_ONCE - 1) / CELLS_AT_ONCE, score_chunk,
                  (void *)(uintptr_t)&job);
    return URN_OK;
}

/* Mean of ESS over draws of what is identified; 1 for independent draws, and for one chain. */
static double relative_efficiency(const urn__digest *out)
{
    double sum = 0.0, n = 0.0;
    if (out->posterior != URN_POSTERIOR_DRAWS || out->n_chains < 2)
        return 1.0;
    for (int i = 0; i < out->n_series; i++) {
        const urn__series *s = &out->series[i];
        if (s->turns || !isfinite(s->ess_mean))
            continue;
        sum += s->ess_mean / (double)(s->n_chains * s->n_draws);
        n += 1.0;
    }
    return n > 0.0 && sum > 0.0 ? sum / n : 1.0;
}

static urn_status finish_left_out(work *w, urn_error *error)
{
    urn__digest *out = w->out;
    if (out->n_loo == 0 || isnan(w->log_lik[0]) || out->posterior == URN_POSTERIOR_POINT) {
        out->n_loo = 0;
        out->loo = NULL;
        return URN_OK;
    }
    const urn__log_lik data = {.log_lik = w->log_lik,
                               .n_draws = w->n_predict,
                               .n_points = out->n_loo,
                               .draw_stride = out->n_loo,
                               .point_stride = 1};
    return urn__loo(w->allocator, &data, relative_efficiency(out), out->loo, &out->loo_total,
                    error);
}

/* ---- all of it ---- */

static urn_status do_work(work *w, urn_error *error)
{
    const urn__digest_input *in = w->in;
    choose_draws(w);
    URN_TRY(urn__plan_digest(in->fitted, in->sites, w->arena, &w->plan, error));
    URN_TRY(urn__forward_new(in->fitted, in->posterior, in->threads, &w->forward, error));
    URN_TRY(watch(w, in->held_out, &w->held_out, error));
    URN_TRY(watch(w, in->training, &w->training, error));
    URN_TRY(watch(w, in->fresh, &w->fresh, error));
    URN_TRY(make_room(w, error));
    URN_TRY(run_draws(w, error));
    URN_TRY(finish_quantities(w, error));
    URN_TRY(finish_cells(w, error));
    return finish_left_out(w, error);
}

urn_status urn__digest_run(const urn__digest_input *input, urn__digest **digest, urn_error *error)
{
    work w = {
        .in = input, .allocator = input->allocator, .arena = urn__arena_new(input->allocator)};
    urn__arena *arena = urn__arena_new(input->allocator);
    *digest = NULL;
    w.out = arena ? urn__arena_alloc(arena, 1, sizeof *w.out) : NULL;
    urn_status status;
    if (w.arena && w.out) {
        *w.out =
            (urn__digest){.arena = arena, .worst_r_hat = (double)NAN, .least_ess = (double)NAN};
        status = do_work(&w, error);
    } else {
        status = urn__fail_memory(error, "a comparison", sizeof *w.out);
    }
    urn__forward_free(w.forward);
    urn__arena_free(w.arena);
    if (status == URN_OK)
        *digest = w.out;
    else
        urn__arena_free(arena);
    return status;
}

void urn__digest_free(urn__digest *digest)
{
    if (digest)
        urn__arena_free(digest->arena);
}
