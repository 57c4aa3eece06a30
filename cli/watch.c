/* What is seen of a sampler's draws as they are made, and of a point after each sweep. */
#include "watch.h"
#include "../inference/driver.h"
#include "../inference/site_sums.h"
#include "keep.h"
#include "sites.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SITES = 8, N_COLUMNS = 2, TRAINING = 0, HELD_OUT = 1 };

/* Errors of a chain's draws so far. */
typedef struct track {
    urn__running_errors *errors;
    int64_t n, room;
} track;

struct cli_watch {
    urn__running *curve[N_COLUMNS]; /* of a point: errors on training and held-out rows */
    double error[N_COLUMNS];        /* after the last sweep */
    bool is_point;
    urn__running *running[MOST_SITES];
    int n_sites;
    urn__site_sums *sums; /* of large sites, or NULL */
    int *large;           /* their numbers */
    int n_large;
    cli_keep *keep; /* or NULL */
    track *tracks;
    int n_chains;
    int64_t warmup, thin;
    double items, ratings; /* rows a sweep updates, and those it reads */
    double last;           /* seconds when the last step ended */
};

static int chains_of(const cli_args *args)
{
    const int given = (int)cli_int(args, "chains"), own = args->engine->chains;
    return given > 0 ? given : own > 0 ? own : 1;
}

static int64_t of_engine(const cli_args *args, const char *name, int64_t own)
{
    return cli_given_at_all(args, name) ? cli_int(args, name) : own;
}

/* Latent rows, as SMURFF counts its items. */
static double count_items(const urn_model *model)
{
    double n = 0.0;
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info site;
        urn_model_site(model, i, &site);
        if (site.role == URN_SITE_LATENT && site.n_plates > 0)
            n += (double)site.rows;
    }
    return n;
}

static urn_status watch_sites(cli_watch *w, const cli_watched *what, urn_error *error)
{
    const cli_args *args = what->args;
    /* chains that run at the same time have their own threads: predictions are made on one of them
     */
    const bool alone = args->engine->one_chain_at_a_time || w->n_chains == 1;
    urn__running_options options = {.allocator = what->allocator,
                                    .cpu = cli_text(args, "cpu"),
                                    .chains = w->n_chains,
                                    .draws = of_engine(args, "draws", args->engine->draws),
                                    .threads = alone ? what->threads : 1,
                                    .seed = what->seed};
    urn_plate_info plate;
    for (int k = 0; k < MOST_SITES; k++) {
        urn_site_info site;
        const int number = cli_observed_site(what->target, k, &plate);
        if (number < 0)
            return URN_OK;
        urn_model_site(what->target, number, &site);
        options.site = site.name;
        URN_TRY(urn__running_new(what->model, what->target, &options, &w->running[k], error));
        w->n_sites++;
    }
    return URN_OK;
}

/* Means and sds of the sites whose draws are not all stored. */
static urn_status watch_large(cli_watch *w, const cli_watched *what, urn_error *error)
{
    const double state = 8.0 * (double)urn_model_state_size(what->model);
    const int64_t draws = of_engine(what->args, "draws", what->args->engine->draws);
    if (state * (double)draws * w->n_chains <= (double)what->keep_bytes)
        return URN_OK;
    const int n = urn_model_site_count(what->model);
    w->large = calloc((size_t)n + 1, sizeof *w->large);
    if (w->large == NULL)
        return cli_fail_memory(error);
    for (int i = 0; i < n; i++) {
        urn_site_info site;
        urn_model_site(what->model, i, &site);
        if (site.role == URN_SITE_LATENT && site.size > CLI_SMALL_SITE &&
            !site.family->support()->discrete)
            w->large[w->n_large++] = i;
    }
    const urn__site_sums_options options = {.allocator = what->allocator,
                                            .cpu = cli_text(what->args, "cpu"),
                                            .chains = w->n_chains,
                                            .threads = 1,
                                            .n = w->n_large,
                                            .sites = w->large};
    return w->n_large == 0 ? URN_OK : urn__site_sums_new(what->model, &options, &w->sums, error);
}

/* --keep SITES */
static urn_status watch_kept(cli_watch *w, const cli_watched *what, urn_error *error)
{
    const cli_keep_options options = {.allocator = what->allocator,
                                      .cpu = cli_text(what->args, "cpu"),
                                      .sites = cli_text(what->args, "keep"),
                                      .chains = w->n_chains,
                                      .draws =
                                          of_engine(what->args, "draws", what->args->engine->draws),
                                      .bytes = what->keep_bytes};
    return options.sites != NULL ? cli_keep_new(what->model, &options, &w->keep, error) : URN_OK;
}

/* Errors of a point on the rows of a trace, if it observes something. */
static urn_status watch_curve(cli_watch *w, const cli_watched *what, const urn_model *rows, int k,
                              urn_error *error)
{
    urn_plate_info plate;
    w->error[k] = (double)NAN;
    const int number = rows == NULL ? -1 : cli_observed_site(rows, 0, &plate);
    if (number < 0)
        return URN_OK;
    urn_site_info site;
    urn_model_site(rows, number, &site);
    const urn__running_options options = {.allocator = what->allocator,
                                          .cpu = cli_text(what->args, "cpu"),
                                          .site = site.name,
                                          .errors_only = true,
                                          .threads = what->threads,
                                          .seed = what->seed};
    return urn__running_new(what->model, rows, &options, &w->curve[k], error);
}

static urn_status watch_point(const cli_watched *what, cli_watch **watch, urn_error *error)
{
    cli_watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        return cli_fail_memory(error);
    w->is_point = true;
    urn_status status = watch_curve(w, what, what->model, TRAINING, error);
    if (status == URN_OK)
        status = watch_curve(w, what, what->target, HELD_OUT, error);
    if (status == URN_OK)
        *watch = w;
    else
        cli_watch_free(w);
    return status;
}

/* Of the optimisers block coordinate ascent alone has few steps, each worth a look. */
static bool goes_by_sweeps(const cli_args *args)
{
    const char *method = cli_text(args, "method");
    return strcmp(args->engine->name, "map") == 0 && method != NULL &&
           strcmp(method, "blocks") == 0;
}

urn_status cli_watch_new(const cli_watched *what, cli_watch **watch, urn_error *error)
{
    const urn_engine *engine = what->args->engine;
    *watch = NULL;
    if (engine->kind != URN__SAMPLER && cli_text(what->args, "keep") != NULL)
        return cli_fail(error, URN_ERR_USAGE, "leave --keep out",
                        "engine \"%s\" makes no draws to keep", engine->name);
    if (engine->kind != URN__SAMPLER)
        return goes_by_sweeps(what->args) ? watch_point(what, watch, error) : URN_OK;
    cli_watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        return cli_fail_memory(error);
    *w = (cli_watch){.n_chains = chains_of(what->args),
                     .warmup = of_engine(what->args, "warmup", engine->warmup),
                     .thin = of_engine(what->args, "thin", 1),
                     .items = count_items(what->model),
                     .ratings = (double)urn_model_observation_count(what->model)};
    w->tracks = calloc((size_t)w->n_chains, sizeof *w->tracks);
    urn_status status = w->tracks != NULL ? URN_OK : cli_fail_memory(error);
    if (status == URN_OK && what->target != NULL)
        status = watch_sites(w, what, error);
    if (status == URN_OK)
        status = watch_large(w, what, error);
    if (status == URN_OK)
        status = watch_kept(w, what, error);
    if (status == URN_OK)
        *watch = w;
    else
        cli_watch_free(w);
    return status;
}

void cli_watch_free(cli_watch *w)
{
    if (w == NULL)
        return;
    for (int k = 0; k < MOST_SITES; k++)
        urn__running_free(w->running[k]);
    for (int k = 0; k < N_COLUMNS; k++)
        urn__running_free(w->curve[k]);
    for (int c = 0; w->tracks != NULL && c < w->n_chains; c++)
        free(w->tracks[c].errors);
    urn__site_sums_free(w->sums);
    cli_keep_free(w->keep);
    free(w->large);
    free(w->tracks);
    free(w);
}

static urn_status keep_errors(track *t, const urn__running_errors *errors, urn_error *error)
{
    if (t->n == t->room) {
        const int64_t room = t->room > 0 ? 2 * t->room : 256;
        urn__running_errors *more = realloc(t->errors, (size_t)room * sizeof *more);
        if (more == NULL)
            return cli_fail_memory(error);
        t->errors = more;
        t->room = room;
    }
    t->errors[t->n++] = *errors;
    return URN_OK;
}

static urn_status add_to_curve(cli_watch *w, const urn_draw *point, urn_error *error)
{
    for (int k = 0; k < N_COLUMNS; k++) {
        urn__running_errors errors;
        if (w->curve[k] == NULL)
            continue;
        URN_TRY(urn__running_add(w->curve[k], point, &errors, error));
        w->error[k] = errors.rmse;
    }
    return URN_OK;
}

urn_status cli_watch_draw(cli_watch *w, const urn_draw *draw, urn_error *error)
{
    if (w != NULL && w->is_point)
        return add_to_curve(w, draw, error);
    for (int k = 0; w != NULL && k < w->n_sites; k++) {
        urn__running_errors errors;
        URN_TRY(urn__running_add(w->running[k], draw, &errors, error));
        if (k == 0)
            URN_TRY(keep_errors(&w->tracks[draw->chain], &errors, error));
    }
    if (w != NULL && w->keep != NULL)
        URN_TRY(cli_keep_draw(w->keep, draw, error));
    return w != NULL && w->sums != NULL ? urn__site_sums_add(w->sums, draw, error) : URN_OK;
}

/* Errors of the draw that a step ended with; NULL: it ended with none. */
static const urn__running_errors *errors_after(const cli_watch *w, int chain, int64_t step)
{
    const track *t = &w->tracks[chain];
    const int64_t after = step - w->warmup;
    if (after < 1 || after % w->thin != 0 || after / w->thin > t->n)
        return NULL;
    return &t->errors[after / w->thin - 1];
}

static void curve_text(const cli_watch *w, char *text, size_t size)
{
    static const char *const rows[N_COLUMNS] = {"training", "held-out"};
    int used = 0;
    for (int k = 0; k < N_COLUMNS; k++)
        if (w->curve[k] != NULL)
            used += snprintf(text + used, size - (size_t)used, "%s%.4f on %s rows",
                             used > 0 ? ", " : "  RMSE ", w->error[k], rows[k]);
}

void cli_watch_text(cli_watch *w, const urn_progress *progress, char *text, size_t size)
{
    text[0] = '\0';
    if (w != NULL && w->is_point)
        curve_text(w, text, size);
    if (w == NULL || progress->n_chains == 0)
        return;
    const urn__running_errors *e = errors_after(w, progress->chain, progress->step);
    int used = 0;
    if (e != NULL)
        used = snprintf(text, size, "  RMSE %.4f, of the mean %.4f", e->rmse, e->rmse_of_mean);
    const double rate = 1.0 / (progress->seconds - w->last);
    w->last = progress->seconds;
    if (progress->sweeps && isfinite(rate))
        snprintf(text + used, size - (size_t)used, "  %.3g items/s, %.3g ratings/s",
                 rate * w->items, rate * w->ratings);
}

int cli_watch_columns(const cli_watch *w, const char *const **names)
{
    static const char *const columns[N_COLUMNS] = {"rmse", "rmse_of_mean"};
    static const char *const curves[N_COLUMNS] = {"rmse_training", "rmse_held_out"};
    *names = w != NULL && w->is_point ? curves : columns;
    if (w != NULL && w->is_point)
        return N_COLUMNS;
    return w != NULL && w->n_sites > 0 ? N_COLUMNS : 0;
}

void cli_watch_row(const cli_watch *w, const double *values, double *more)
{
    if (w->is_point) {
        memcpy(more, w->error, sizeof w->error);
        return;
    }
    const urn__running_errors *e = errors_after(w, (int)values[0], (int64_t)values[1]);
    more[0] = e != NULL ? e->rmse : (double)NAN;
    more[1] = e != NULL ? e->rmse_of_mean : (double)NAN;
}

urn_status cli_watch_finish(cli_watch *w, int k, urn_prediction **prediction, urn_error *error)
{
    *prediction = NULL;
    if (w == NULL || k >= w->n_sites || urn__running_draws(w->running[k]) == 0)
        return URN_OK;
    return urn__running_finish(w->running[k], prediction, error);
}

void cli_watch_moments(const cli_watch *w, int k, int *site, double *mean, double *sd)
{
    const bool there = w != NULL && w->sums != NULL && k < w->n_large;
    *site = there ? w->large[k] : -1;
    if (there && mean != NULL && !urn__site_sums_of(w->sums, k, mean, sd))
        *site = -1;
}

const cli_keep *cli_watch_kept(const cli_watch *w)
{
    return w != NULL ? w->keep : NULL;
}
