/* A pass over the draws of a run (see compare.h). Everything is computed in the order of draws, and
 * of rows within a draw, so that results do not depend on threads. */
#include "../driver.h"
#include "distances.h"
#include "parts.h"

#include <math.h>
#include <string.h>

enum {
    GUIDE_DRAWS = 400,       /* for predictions: as fit.json's scores */
    GUIDE_SITE_DRAWS = 1000, /* for sites */
    SAMPLER_DRAWS = 4000     /* at most */
};

const char *const urn__group_names[URN__GROUPS] = {"all", "0", "1-5", "6-20", "more than 20"};

const char *urn__quantity_word(urn__quantity_kind kind)
{
    static const char *const words[] = {"held_out", "noise", "likelihood", "gram",
                                        "axes",     "new",   "site"};
    return words[kind];
}

/* ---- draws ---- */

static void choose_draws(urn__digesting *w)
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
static urn_status watch(urn__digesting *w, const urn_model *model, urn__watched *watched_site,
                        urn_error *error)
{
    urn_site_info info;
    *watched_site = (urn__watched){.target = -1, .site = -1};
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

static const double *result(const urn__digesting *w, const urn__watched *site, urn_result what)
{
    return urn__forward_result(w->forward, site->target, site->site, what);
}

/* ---- a draw ---- */

static void follow(urn__track *t, const double *values)
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

static void read_sites(urn__digesting *w, int64_t s)
{
    urn__plan_read(&w->plan, w->forward, w->values);
    for (int i = 0; i < w->plan.n_series; i++)
        w->out->series[i].draws[s] = w->values[i];
    for (int i = 0; i < w->plan.n_fields; i++)
        follow(&w->tracks[i], urn__forward_value(w->forward, w->plan.field_site[i]));
}

/* The running log of a sum of exponentials: log_density holds the sum over exp(largest). */
static void add_density(urn__digesting *w, const double *value, int64_t s)
{
    urn__held_cells *cells = &w->out->cells;
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

static void read_held_out(urn__digesting *w, int64_t s)
{
    urn__held_cells *cells = &w->out->cells;
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

static double sum_log_densities(const urn__digesting *w)
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

static void read_training(urn__digesting *w, int64_t s)
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

static void read_fresh(urn__digesting *w, int64_t s)
{
    const double *mean = result(w, &w->fresh, URN_RESULT_MEAN);
    if (!mean)
        mean = result(w, &w->fresh, URN_RESULT_DRAW);
    w->fresh_mean->draws[s] = mean_over(w->fresh.rows, mean);
    follow(w->fresh_track, mean);
}

static urn_status run_draws(urn__digesting *w, urn_error *error)
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

/* ---- all of it ---- */

static urn_status do_work(urn__digesting *w, urn_error *error)
{
    const urn__digest_input *in = w->in;
    choose_draws(w);
    URN_TRY(urn__plan_digest(in->fitted, in->sites, w->arena, &w->plan, error));
    URN_TRY(urn__forward_new(in->fitted, in->posterior, in->threads, &w->forward, error));
    URN_TRY(watch(w, in->held_out, &w->held_out, error));
    URN_TRY(watch(w, in->training, &w->training, error));
    URN_TRY(watch(w, in->fresh, &w->fresh, error));
    URN_TRY(urn__digest_room(w, error));
    URN_TRY(run_draws(w, error));
    return urn__digest_finish(w, error);
}

urn_status urn__digest_run(const urn__digest_input *input, urn__digest **digest, urn_error *error)
{
    urn__digesting w = {
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
