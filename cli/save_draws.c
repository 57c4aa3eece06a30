/* draws.nc: posterior draws for reading, and the guide's parameters (or the positions drawn) for
 * predictions. Nothing in it depends on the clock, the machine or the threads. */
#include "save.h"
#include "sites.h"
#include <stdlib.h>
#include <string.h>

typedef struct writer {
    const urn_model *model;
    const urn_posterior *posterior;
    urn__io_nc *nc;
    int64_t chains, draws, thin; /* kept draws a chain; every thin-th of the posterior's */
    int64_t rows_room;           /* bytes that a group with a number a row may take */
    int posterior_group, guide_group, stats_group;
    bool sampler;         /* the posterior's draws are stored ones */
    int *vars;            /* per site; -1: not kept */
    const char *chosen;   /* by --keep; NULL: all */
    const cli_keep *keep; /* all their draws, or NULL */
} writer;

static bool kept(const urn_model *model, bool sampler, const char *chosen, int site,
                 urn_site_info *info)
{
    urn_model_site(model, site, info);
    if (chosen != NULL && !cli_listed(chosen, info->name))
        return false;
    if (info->role != URN_SITE_LATENT && info->role != URN_SITE_RECORDED &&
        info->role != URN_SITE_PARAM)
        return false;
    return sampler || info->size <= CLI_GUIDE_SITE;
}

/* Elements of a draw of the sites kept. */
static int64_t kept_elements(const urn_model *model, bool sampler, const char *chosen)
{
    int64_t elements = 0;
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info info;
        if (kept(model, sampler, chosen, i, &info))
            elements += info.size;
    }
    return elements;
}

/* Every so manieth of `draws` fits into the budget. */
static int64_t thinning(int64_t draws, int64_t chains, int64_t elements, int64_t budget)
{
    const int64_t most = budget / (8 * (elements + 1) * chains);
    return most >= draws ? 1 : (draws + most) / (most > 0 ? most : 1);
}

/* How many draws to keep: all of a sampler's, 1,000 of a guide's, thinned evenly to the budget. Of
 * a sampler, the states behind them have the other half of it. */
static void choose_draws(writer *w, int64_t budget)
{
    const urn_posterior_kind kind = urn_posterior_kind_of(w->posterior);
    w->sampler = urn_posterior_stored(w->posterior);
    w->chains = urn_posterior_chains(w->posterior);
    w->draws = w->sampler                     ? urn_posterior_draws(w->posterior)
               : kind == URN_POSTERIOR_NORMAL ? CLI_GUIDE_DRAWS
                                              : 1;
    w->thin = thinning(w->draws, w->chains, kept_elements(w->model, w->sampler, w->chosen),
                       w->sampler ? budget / 2 : budget);
    w->draws = (w->draws + w->thin - 1) / w->thin;
}

double cli_guide_draws_bytes(const urn_model *model, int64_t budget)
{
    const int64_t elements = kept_elements(model, false, NULL);
    const int64_t draws = CLI_GUIDE_DRAWS / thinning(CLI_GUIDE_DRAWS, 1, elements, budget);
    return 8.0 * (double)elements * (double)draws;
}

static urn_status define_sites(writer *w, urn_error *error)
{
    for (int i = 0; i < urn_model_site_count(w->model); i++) {
        urn_site_info info;
        w->vars[i] = -1;
        if (w->keep == NULL && kept(w->model, w->sampler, w->chosen, i, &info))
            URN_TRY(urn__io_nc_site(w->nc, w->posterior_group, w->model, i, NULL, w->chains,
                                    w->draws, 0, &w->vars[i], error));
    }
    return URN_OK;
}

static urn_status put_draw(const writer *w, const urn_replay *replay, int64_t chain, int64_t draw,
                           urn_error *error)
{
    for (int i = 0; i < urn_model_site_count(w->model); i++) {
        if (w->vars[i] < 0)
            continue;
        urn_site_info info;
        urn_model_site(w->model, i, &info);
        int64_t start[URN__IO_NC_MAX_RANK] = {chain, draw}, count[URN__IO_NC_MAX_RANK] = {1, 1};
        for (int d = 0; d < info.n_dims; d++)
            count[2 + d] = info.dims[d];
        const double *values = urn_replay_result(replay, i, URN_RESULT_VALUE);
        if (values == NULL)
            return cli_fail(error, URN_ERR_INTERNAL, NULL, "site \"%s\" has no value", info.name);
        URN_TRY(urn__io_nc_put_double(w->nc, w->posterior_group, w->vars[i], start, count, values,
                                      error));
    }
    return URN_OK;
}

/* The values of the sites kept, as one number. */
static uint64_t hash_of_kept(const writer *w, const urn_replay *replay)
{
    uint64_t h = 0;
    for (int i = 0; i < urn_model_site_count(w->model); i++) {
        urn_site_info info;
        urn_model_site(w->model, i, &info);
        const double *values =
            w->vars[i] < 0 ? NULL : urn_replay_result(replay, i, URN_RESULT_VALUE);
        if (values != NULL)
            h = urn__hash_bytes(h, values, (size_t)info.size * sizeof *values);
    }
    return h;
}

/* Draw `s` of the coordinates of sites that are kept, or of those that are not. */
static void draw_sites(const writer *w, int64_t s, bool are_kept, double *position)
{
    for (int i = 0; i < urn_model_site_count(w->model); i++) {
        urn_site_info info;
        urn_model_site(w->model, i, &info);
        if (info.offset >= 0 && info.free_size > 0 && (w->vars[i] >= 0) == are_kept)
            urn_posterior_draw_part(w->posterior, s, info.offset, info.free_size, position);
    }
}

/* Large sites of a guide are not kept, and need not be drawn unless the others depend on them: a
 * recorded site may in any way, a latent one through the bounds of its support, which shows when
 * they are moved. */
static bool needs_all(const writer *w, urn_replay *replay, double *position)
{
    for (int i = 0; i < urn_model_site_count(w->model); i++) {
        urn_site_info info;
        urn_model_site(w->model, i, &info);
        if (w->vars[i] >= 0 && info.role == URN_SITE_RECORDED)
            return true;
    }
    urn_posterior_draw(w->posterior, 0, position);
    urn_replay_run(replay, position);
    const uint64_t before = hash_of_kept(w, replay);
    draw_sites(w, 1, false, position);
    urn_replay_run(replay, position);
    return hash_of_kept(w, replay) != before;
}

static urn_status put_each(const writer *w, urn_replay *replay, double *position, urn_error *error)
{
    const int64_t stored = urn_posterior_draws(w->posterior);
    const bool all = w->sampler || needs_all(w, replay, position);
    for (int64_t c = 0; c < w->chains; c++)
        for (int64_t d = 0; d < w->draws; d++) {
            const int64_t s = c * stored + d * w->thin;
            if (all)
                urn_posterior_draw(w->posterior, s, position);
            else
                draw_sites(w, s, true, position);
            urn_replay_run(replay, position);
            URN_TRY(put_draw(w, replay, c, d, error));
        }
    return URN_OK;
}

static urn_status put_draws(const writer *w, const char *cpu, urn_error *error)
{
    const urn_compile_options options = {
        .bytes = sizeof options, .kind = URN_PROGRAM_VALUES, .cpu = cpu};
    urn_program *program = NULL;
    urn_replay *replay = NULL;
    double *position = malloc(((size_t)urn_posterior_size(w->posterior) + 1) * sizeof *position);
    urn_status status = position != NULL ? URN_OK : cli_fail_memory(error);
    if (status == URN_OK)
        status = urn_program_compile(w->model, &options, &program, error);
    if (status == URN_OK)
        status = urn_replay_new(program, 1, &replay, error); /* little but copies */
    if (status == URN_OK)
        status = put_each(w, replay, position, error);
    urn_replay_free(replay);
    urn_program_free(program);
    free(position);
    return status;
}

/* What the sampler reported of the steps behind the draws, as ArviZ expects it. */
static urn_status put_stat(const writer *w, const urn_fit_stat *stat, urn_error *error)
{
    const int64_t stored = urn_posterior_draws(w->posterior);
    const urn__io_nc_type type = stat->boolean   ? URN__IO_NC_BOOL
                                 : stat->integer ? URN__IO_NC_INT
                                                 : URN__IO_NC_DOUBLE;
    int dims[2], var;
    URN_TRY(urn__io_nc_dim(w->nc, w->stats_group, "chain", w->chains, NULL, NULL, &dims[0], error));
    URN_TRY(urn__io_nc_dim(w->nc, w->stats_group, "draw", w->draws, NULL, NULL, &dims[1], error));
    URN_TRY(urn__io_nc_var(w->nc, w->stats_group, stat->name, type, 2, dims, 0, &var, error));
    double *values = malloc((size_t)(w->chains * w->draws) * sizeof *values);
    if (values == NULL)
        return cli_fail_memory(error);
    for (int64_t c = 0; c < w->chains; c++)
        for (int64_t d = 0; d < w->draws; d++)
            values[c * w->draws + d] = stat->values[c * stored + d * w->thin];
    const urn_status status =
        urn__io_nc_put_double(w->nc, w->stats_group, var, NULL, NULL, values, error);
    free(values);
    return status;
}

static urn_status put_stats(writer *w, const urn_fit *fit, urn_error *error)
{
    urn_fit_stat stat;
    if (!urn_fit_stat_at(fit, 0, &stat))
        return URN_OK;
    URN_TRY(urn__io_nc_group(w->nc, "sample_stats", &w->stats_group, error));
    for (int i = 0; urn_fit_stat_at(fit, i, &stat); i++)
        URN_TRY(put_stat(w, &stat, error));
    return URN_OK;
}

/* Mean and sd over all draws, of large sites of which not all are kept. */
static urn_status put_moments(const writer *w, const cli_watch *watch, int k, int site, int group,
                              urn_error *error)
{
    static const char *const words[] = {"mean", "sd"};
    urn_site_info info;
    urn_model_site(w->model, site, &info);
    double *values[2] = {malloc(2 * (size_t)info.size * sizeof(double)), NULL};
    if (values[0] == NULL)
        return cli_fail_memory(error);
    values[1] = values[0] + info.size;
    cli_watch_moments(watch, k, &site, values[0], values[1]);
    urn_status status = URN_OK;
    for (int i = 0; i < 2 && site >= 0 && status == URN_OK; i++) {
        char name[160];
        int var;
        snprintf(name, sizeof name, "%s_%s", info.name, words[i]);
        status = urn__io_nc_site(w->nc, group, w->model, site, name, 0, 0, 0, &var, error);
        if (status == URN_OK)
            status = urn__io_nc_put_double(w->nc, group, var, NULL, NULL, values[i], error);
    }
    free(values[0]);
    return status;
}

static urn_status put_all_moments(const writer *w, const cli_watch *watch, urn_error *error)
{
    int site, group;
    cli_watch_moments(watch, 0, &site, NULL, NULL);
    if (site < 0)
        return URN_OK;
    URN_TRY(urn__io_nc_group(w->nc, "moments", &group, error));
    for (int k = 0; site >= 0; cli_watch_moments(watch, ++k, &site, NULL, NULL))
        URN_TRY(put_moments(w, watch, k, site, group, error));
    return URN_OK;
}

/* Which coordinates belong to which site, as text: checked when the run is read. */
static char *layout_text(const urn_model *model)
{
    json_t *list = json_array();
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info info;
        urn_model_site(model, i, &info);
        if (info.offset < 0)
            continue;
        json_t *plates = json_array();
        for (int d = 0; d < info.n_plates; d++)
            json_array_append_new(plates, json_string(info.plates[d]));
        json_array_append_new(list,
                              json_pack("{s:s,s:I,s:I,s:I,s:o,s:b}", "site", info.name, "offset",
                                        (json_int_t)info.offset, "free_size",
                                        (json_int_t)info.free_size, "rows", (json_int_t)info.rows,
                                        "plates", plates, "noncentred", info.noncentred));
    }
    char *text = urn__io_json_text(list, 0);
    json_decref(list);
    return text;
}

/* The ids of every plate, as coordinates, so that a run needs no data to be used. */
static urn_status put_plates(const writer *w, urn_error *error)
{
    urn_plate_info plate;
    for (int k = 0; cli_plate_of_ids(w->model, k, &plate); k++) {
        int dim;
        URN_TRY(urn__io_nc_dim(w->nc, w->guide_group, plate.name, plate.size, plate.int_labels,
                               plate.text_labels, &dim, error));
    }
    return URN_OK;
}

static urn_status put_array(const writer *w, const char *name, int rank, const int *dims,
                            const double *values, urn_error *error)
{
    int var;
    URN_TRY(
        urn__io_nc_var(w->nc, w->guide_group, name, URN__IO_NC_DOUBLE, rank, dims, 0, &var, error));
    return urn__io_nc_put_double(w->nc, w->guide_group, var, NULL, NULL, values, error);
}

/* Where the blocks of Cholesky factors are, as text. */
static urn_status put_blocks(const writer *w, const urn_normal_form *form, urn_error *error)
{
    json_t *list = json_array();
    for (int b = 0; b < form->n_blocks; b++)
        json_array_append_new(list,
                              json_pack("{s:I,s:I,s:I}", "first", (json_int_t)form->blocks[b].first,
                                        "rows", (json_int_t)form->blocks[b].rows, "width",
                                        (json_int_t)form->blocks[b].width));
    char *text = urn__io_json_text(list, 0);
    json_decref(list);
    if (text == NULL)
        return cli_fail_memory(error);
    const urn_status status =
        urn__io_nc_attr_text(w->nc, w->guide_group, -1, "blocks", text, error);
    free(text);
    return status;
}

/* How the coordinates of a normal depend on each other: see docs/formats.md. */
static urn_status put_form(const writer *w, int position, urn_error *error)
{
    urn_normal_form form = {.bytes = sizeof form};
    int dims[2] = {position, 0};
    if (!urn_posterior_form(w->posterior, &form))
        return URN_OK;
    const bool rank = form.rank > 0;
    URN_TRY(urn__io_nc_attr_text(w->nc, w->guide_group, -1, "form", rank ? "low-rank" : "cholesky",
                                 error));
    URN_TRY(put_array(w, "own_scale", 1, dims, form.own, error));
    if (!rank)
        URN_TRY(put_blocks(w, &form, error));
    URN_TRY(urn__io_nc_dim(w->nc, w->guide_group, rank ? "rank" : "factor_element",
                           rank ? form.rank : form.n_factor, NULL, NULL, &dims[1], error));
    return put_array(w, "factor", rank ? 2 : 1, rank ? dims : dims + 1, form.factor, error);
}

static urn_status put_guide(const writer *w, urn_error *error)
{
    const char *const kinds[] = {"draws", "normal", "point", "independent"};
    const urn_posterior_kind kind = urn_posterior_kind_of(w->posterior);
    int dims[3] = {0};
    URN_TRY(urn__io_nc_attr_text(w->nc, w->guide_group, -1, "kind", kinds[kind], error));
    char *layout = layout_text(w->model);
    if (layout == NULL)
        return cli_fail_memory(error);
    const urn_status status =
        urn__io_nc_attr_text(w->nc, w->guide_group, -1, "layout", layout, error);
    free(layout);
    URN_TRY(status);
    URN_TRY(put_plates(w, error));
    if (w->sampler) {
        URN_TRY(
            urn__io_nc_dim(w->nc, w->guide_group, "chain", w->chains, NULL, NULL, &dims[0], error));
        URN_TRY(urn__io_nc_dim(w->nc, w->guide_group, "draw", urn_posterior_draws(w->posterior),
                               NULL, NULL, &dims[1], error));
    }
    const int rank = w->sampler ? 3 : 1;
    URN_TRY(urn__io_nc_dim(w->nc, w->guide_group, "position", urn_posterior_size(w->posterior),
                           NULL, NULL, &dims[rank - 1], error));
    URN_TRY(put_array(w, "loc", rank, dims, urn_posterior_loc(w->posterior), error));
    if (kind != URN_POSTERIOR_NORMAL)
        return URN_OK;
    URN_TRY(put_array(w, "scale", rank, dims, urn_posterior_scale(w->posterior), error));
    return put_form(w, dims[0], error);
}

static urn_status write_all(writer *w, const cli_fitted *fitted, urn_error *error)
{
    URN_TRY(urn__io_nc_attr_text(w->nc, 0, -1, "inference_library", "urn", error));
    URN_TRY(urn__io_nc_attr_text(w->nc, 0, -1, "inference_library_version", URN_VERSION, error));
    URN_TRY(urn__io_nc_attr_text(w->nc, 0, -1, "model", urn_model_name(w->model), error));
    URN_TRY(
        urn__io_nc_attr_text(w->nc, 0, -1, "engine", urn_engine_name(fitted->args->engine), error));
    URN_TRY(urn__io_nc_group(w->nc, "posterior", &w->posterior_group, error));
    URN_TRY(urn__io_nc_group(w->nc, "guide", &w->guide_group, error));
    URN_TRY(define_sites(w, error));
    if (w->keep != NULL)
        URN_TRY(cli_keep_save(w->keep, w->nc, w->posterior_group, error));
    else
        URN_TRY(put_draws(w, urn_fit_cpu(fitted->fit), error));
    URN_TRY(put_guide(w, error));
    const int64_t prior = cli_int(fitted->args, "prior");
    if (prior > 0)
        URN_TRY(cli_save_prior(fitted, prior, w->nc, error));
    if (w->sampler || prior > 0) {
        URN_TRY(cli_save_observed(fitted, w->rows_room, w->nc, error));
        URN_TRY(cli_save_constant(fitted, w->rows_room / 4, w->nc, error));
    }
    if (!w->sampler)
        return URN_OK;
    URN_TRY(put_stats(w, fitted->fit, error));
    URN_TRY(put_all_moments(w, fitted->watch, error));
    const cli_kept kept = {w->chains, w->draws, w->thin};
    return cli_save_rows(fitted, &kept, w->rows_room, w->nc, error);
}

urn_status cli_save_draws(const cli_fitted *fitted, int64_t budget, const char *path,
                          urn_error *error)
{
    writer w = {.model = fitted->model, .posterior = urn_fit_posterior(fitted->fit)};
    w.chosen = cli_text(fitted->args, "keep");
    if (cli_keep_complete(cli_watch_kept(fitted->watch)))
        w.keep = cli_watch_kept(fitted->watch);
    choose_draws(&w, budget);
    w.rows_room = budget / 16;
    w.vars = calloc((size_t)urn_model_site_count(w.model) + 1, sizeof *w.vars);
    if (w.vars == NULL)
        return cli_fail_memory(error);
    urn_status status = urn__io_nc_create(path, NULL, &w.nc, error);
    if (status == URN_OK) {
        status = write_all(&w, fitted, error);
        if (status == URN_OK)
            status = urn__io_nc_commit(w.nc, error);
        else
            urn__io_nc_close(w.nc);
    }
    free(w.vars);
    return status;
}
