/* Where a fit starts, when the user says so: --init FILE and --init-from RUN. */
#include "init.h"
#include "../inference/engine.h"
#include "../io/io.h"
#include "run.h"
#include <stdlib.h>
#include <string.h>

void cli_init_clear(cli_init *init)
{
    free(init->position);
    free(init->scale);
    free(init->metric);
    urn_posterior_free(init->posterior);
    *init = (cli_init){0};
}

/* Has it coordinates? Values of discrete sites come after them: a sampler finds its own. */
static bool has_coordinates(const urn_model *model, const urn_site_info *info)
{
    return info->offset >= 0 && info->offset < urn_model_position_size(model);
}

/* Every latent site at its prior median: what sites not mentioned start from. */
static urn_status medians(const urn_model *model, double *position, urn_error *error)
{
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_CENTRE};
    urn_program *program = NULL;
    urn_replay *replay = NULL;
    URN_TRY(urn_program_compile(model, &options, &program, error));
    urn_status status = urn_replay_new(program, 1, &replay, error);
    if (status == URN_OK)
        urn_replay_run(replay, NULL);
    for (int i = 0; i < urn_model_site_count(model) && status == URN_OK; i++) {
        urn_site_info info;
        urn_model_site(model, i, &info);
        const double *value =
            has_coordinates(model, &info) ? urn_replay_result(replay, i, URN_RESULT_VALUE) : NULL;
        if (value != NULL && !info.noncentred) /* whose medians are at 0 */
            status = urn_model_unconstrain(model, i, value, position + info.offset, error);
    }
    urn_replay_free(replay);
    urn_program_free(program);
    return status;
}

static urn_status start(const urn_model *model, cli_init *init, urn_error *error)
{
    const size_t n = (size_t)urn_model_position_size(model);
    init->position = calloc(n + 1, sizeof *init->position);
    if (init->position == NULL)
        return cli_fail_memory(error);
    return medians(model, init->position, error);
}

static urn_status fail_site(const urn_model *model, const char *where, const char *name,
                            urn_error *error)
{
    const char *known[256];
    size_t n = 0;
    for (int i = 0; i < urn_model_site_count(model) && n < 256; i++) {
        urn_site_info info;
        urn_model_site(model, i, &info);
        if (has_coordinates(model, &info))
            known[n++] = info.name;
    }
    cli_fail_unknown(error, "site", name, known, n);
    if (error != NULL) {
        error->status = URN_ERR_DATA;
        snprintf(error->where, sizeof error->where, "%s", where);
    }
    return URN_ERR_DATA;
}

/* ---- a file ---- */

/* The site's coordinates, which may depend on where the other sites are. */
static urn_status set_among_others(const urn_model *model, int site, const double *value,
                                   double *position, urn_error *error)
{
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_VALUES};
    urn_program *program = NULL;
    urn_replay *replay = NULL;
    urn_status status = urn_program_compile(model, &options, &program, error);
    if (status == URN_OK)
        status = urn_replay_new(program, 1, &replay, error);
    if (status == URN_OK) {
        urn_replay_run(replay, position);
        status = urn_model_unconstrain_among(model, replay, site, value, position, error);
    }
    urn_replay_free(replay);
    urn_program_free(program);
    return status;
}

static urn_status set_site(const char *path, const urn_model *model, const char *name,
                           const json_t *json, double *position, urn_error *error)
{
    const int site = urn_model_site_find(model, name);
    urn_site_info info = {.offset = -1};
    if (site >= 0)
        urn_model_site(model, site, &info);
    if (!has_coordinates(model, &info))
        return fail_site(model, path, name, error);
    if (!info.noncentred)
        return urn__io_json_unconstrain(path, model, site, json, position + info.offset, error);
    double *values;
    URN_TRY(urn__io_json_site_values(path, model, site, json, &values, error));
    const urn_status status = set_among_others(model, site, values, position, error);
    urn__free(NULL, values);
    return status;
}

static bool is_noncentred(const urn_model *model, const char *name)
{
    const int site = urn_model_site_find(model, name);
    urn_site_info info = {0};
    if (site >= 0)
        urn_model_site(model, site, &info);
    return info.noncentred;
}

static urn_status from_file(const char *path, const urn_model *model, cli_init *init,
                            urn_error *error)
{
    json_t *json = NULL;
    URN_TRY(urn__io_json_read(path, NULL, &json, error));
    urn_status status = start(model, init, error);
    const char *name;
    json_t *value;
    for (int noncentred = 0; noncentred < 2; noncentred++) /* those come last */
        json_object_foreach(json, name, value)
        {
            if (status == URN_OK && is_noncentred(model, name) == (noncentred != 0))
                status = set_site(path, model, name, value, init->position, error);
        }
    json_decref(json);
    return status;
}

/* ---- another run ---- */

/* For each row of a site here, the row of the run's site with the same id; -1 for none. Rows of
 * plates without ids go by number. */
static urn_status match_rows(const cli_run *run, const urn_model *model, const urn_site_info *info,
                             int64_t run_rows, int64_t *match, urn_error *error)
{
    for (int64_t i = 0; i < info->rows; i++)
        match[i] = i < run_rows ? i : -1;
    urn_plate_info plate, known = {.size = -1};
    if (info->n_plates != 1 || !cli_plate_find(model, info->plates[0], &plate) ||
        strcmp(plate.kind, "ids") != 0)
        return URN_OK;
    URN_TRY(
        cli_run_labels(run, plate.name, &known.size, &known.int_labels, &known.text_labels, error));
    if (known.size < 0)
        return URN_OK;
    char text[32];
    for (int64_t i = 0; i < plate.size; i++) {
        const char *label = cli_label(&plate, i, text);
        char guess[32];
        /* the same data gives the same order: look there first */
        const bool same = i < known.size && strcmp(cli_label(&known, i, guess), label) == 0;
        match[i] = same ? i : cli_label_find(&known, label);
    }
    return URN_OK;
}

/* The stored draw that chain c of n begins at. Chains of a sampler go on where they ended, more
 * chains at draws before that; independent draws are taken from all over, equal ones once. */
static int64_t draw_for(const urn_posterior *p, int64_t c, int64_t n)
{
    const int64_t chains = urn_posterior_chains(p), draws = urn_posterior_draws(p);
    if (urn_posterior_kind_of(p) == URN_POSTERIOR_DRAWS) {
        const int64_t rounds = (n + chains - 1) / chains;
        return (c % chains) * draws + draws - 1 - c / chains * draws / rounds;
    }
    return c < draws ? c * draws / (n < draws ? n : draws) : c % draws;
}

/* Is draw s equal to the one that an earlier chain begins at? Resampling repeats draws. */
static bool is_taken(const urn_posterior *p, const int64_t *taken, int64_t n, int64_t s)
{
    const size_t size = (size_t)urn_posterior_size(p);
    const double *loc = urn_posterior_loc(p);
    for (int64_t k = 0; k < n; k++)
        if (memcmp(loc + taken[k] * (int64_t)size, loc + s * (int64_t)size, size * sizeof *loc) ==
            0)
            return true;
    return false;
}

/* The draws n chains begin at. */
static void choose_draws(const urn_posterior *p, int64_t n, int64_t *chosen)
{
    const int64_t all = urn_posterior_chains(p) * urn_posterior_draws(p);
    for (int64_t c = 0; c < n; c++) {
        const int64_t first = draw_for(p, c, n);
        chosen[c] = first;
        for (int64_t k = 0; k < all && is_taken(p, chosen, c, chosen[c]); k++)
            chosen[c] = (first + k + 1) % all;
        if (is_taken(p, chosen, c, chosen[c]))
            chosen[c] = first;
    }
}

static void copy_rows(const cli_run *run, const urn_site_info *info, int64_t offset,
                      int64_t free_row, const int64_t *match, const double *loc, double *position,
                      cli_init *init)
{
    const double *scale = urn_posterior_scale(run->posterior);
    for (int64_t i = 0; i < info->rows; i++) {
        if (match[i] < 0)
            continue;
        const size_t bytes = (size_t)free_row * sizeof(double);
        memcpy(position + info->offset + i * free_row, loc + offset + match[i] * free_row, bytes);
        if (init->scale != NULL && scale != NULL)
            memcpy(init->scale + info->offset + i * free_row, scale + offset + match[i] * free_row,
                   bytes);
    }
}

/* What was copied: sites, and coordinates that are where they were. */
typedef struct tally {
    int sites;
    int64_t in_place;
} tally;

/* Of the draws chosen, or the location of a guide. */
static urn_status copy_site(const cli_run *run, const urn_model *model, const json_t *entry,
                            const int64_t *chosen, cli_init *init, tally *copied, urn_error *error)
{
    const urn_posterior *p = run->posterior;
    const int site = urn_model_site_find(model, urn__io_json_get_text(entry, "site", ""));
    urn_site_info info = {.offset = -1};
    if (site >= 0)
        urn_model_site(model, site, &info);
    const int64_t free_size = urn__io_json_get_int(entry, "free_size", 0);
    const int64_t rows = urn__io_json_get_int(entry, "rows", 1);
    const int64_t offset = urn__io_json_get_int(entry, "offset", 0);
    if (!has_coordinates(model, &info) || info.rows < 1 || rows < 1 ||
        free_size / rows != info.free_size / info.rows ||
        json_is_true(json_object_get(entry, "noncentred")) != info.noncentred)
        return URN_OK;
    int64_t *match = malloc(((size_t)info.rows + 1) * sizeof *match);
    if (match == NULL)
        return cli_fail_memory(error);
    const urn_status status = match_rows(run, model, &info, rows, match, error);
    for (int64_t c = 0; status == URN_OK && c < init->n; c++)
        copy_rows(run, &info, offset, free_size / rows, match,
                  urn_posterior_loc(p) + chosen[c] * urn_posterior_size(p),
                  init->position + c * urn_model_position_size(model), init);
    for (int64_t i = 0; status == URN_OK && i < info.rows; i++)
        if (offset == info.offset && match[i] == i)
            copied->in_place += info.free_size / info.rows;
    free(match);
    copied->sites++;
    return status;
}

/* How many positions a run's draws are to be the start of: one a chain. */
static int64_t count_starts(const cli_args *args, const urn_posterior *p)
{
    const int64_t chains = cli_int(args, "chains");
    if (!urn_posterior_stored(p))
        return 1;
    if (args->engine->kind == URN__SAMPLER)
        return chains > 0 ? chains : args->engine->chains > 0 ? args->engine->chains : 1;
    return cli_engine_takes(args, "paths", "1") ? cli_int(args, "paths") : 1;
}

/* Every start as the first, which has what sites not mentioned start from. */
static urn_status repeat_start(const urn_model *model, int64_t n, cli_init *init, urn_error *error)
{
    const size_t size = (size_t)urn_model_position_size(model);
    double *all = realloc(init->position, ((size_t)n * size + 1) * sizeof *all);
    if (all == NULL)
        return cli_fail_memory(error);
    init->position = all;
    init->n = n;
    for (int64_t c = 1; c < n; c++)
        memcpy(all + (size_t)c * size, all, size * sizeof *all);
    return URN_OK;
}

static urn_status make_scale(const urn_model *model, cli_init *init, urn_error *error)
{
    const int64_t size = urn_model_position_size(model);
    init->scale = malloc(((size_t)size + 1) * sizeof *init->scale);
    if (init->scale == NULL)
        return cli_fail_memory(error);
    for (int64_t i = 0; i < size; i++)
        init->scale[i] = 0.1; /* sites and ids the run does not have */
    return URN_OK;
}

static urn_status fill_from(const cli_run *run, const cli_args *args, const urn_model *model,
                            cli_init *init, tally *copied, urn_error *error)
{
    URN_TRY(start(model, init, error));
    URN_TRY(repeat_start(model, count_starts(args, run->posterior), init, error));
    if (urn_posterior_kind_of(run->posterior) == URN_POSTERIOR_NORMAL)
        URN_TRY(make_scale(model, init, error));
    int64_t *chosen = calloc((size_t)init->n, sizeof *chosen);
    if (chosen == NULL)
        return cli_fail_memory(error);
    if (urn_posterior_stored(run->posterior))
        choose_draws(run->posterior, init->n, chosen);
    urn_status status = URN_OK;
    for (size_t i = 0; i < json_array_size(run->layout) && status == URN_OK; i++)
        status = copy_site(run, model, json_array_get(run->layout, i), chosen, init, copied, error);
    free(chosen);
    return status;
}

static urn_status from_run(const char *dir, const cli_args *args, const urn_model *model,
                           cli_init *init, urn_error *error)
{
    cli_run run;
    tally copied = {0};
    const int64_t size = urn_model_position_size(model);
    URN_TRY(cli_run_open(dir, false, &run, error));
    urn_status status = fill_from(&run, args, model, init, &copied, error);
    if (status == URN_OK && copied.sites == 0)
        status = cli_fail(error, URN_ERR_USAGE, NULL,
                          "--init-from %s: no site of that run is like "
                          "one of this model",
                          dir);
    if (status == URN_OK && init->scale != NULL && copied.in_place == size &&
        urn_posterior_size(run.posterior) == size) {
        init->posterior = run.posterior;
        run.posterior = NULL;
    }
    cli_run_close(&run);
    return status;
}

urn_status cli_init_read(const cli_args *args, const urn_model *model, cli_init *init,
                         urn_error *error)
{
    *init = (cli_init){0};
    const char *file = cli_text(args, "init"), *dir = cli_text(args, "init-from");
    if (file != NULL && cli_engine_takes(args, "init", file))
        file = NULL;
    if (file != NULL && dir != NULL)
        return cli_fail(error, URN_ERR_USAGE, NULL, "--init and --init-from exclude each other");
    urn_status status = URN_OK;
    if (file != NULL)
        status = from_file(file, model, init, error);
    else if (dir != NULL)
        status = from_run(dir, args, model, init, error);
    if (status == URN_OK)
        status = cli_metric_read(args, init, error);
    if (status != URN_OK)
        cli_init_clear(init);
    return status;
}
