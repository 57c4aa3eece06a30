/* A run read back: its description, its posterior, and its model traced again. */
#include "run.h"
#include "../inference/driver.h"
#include "../runtime/model/dataset.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static urn_status bad_run(const char *dir, const char *what, urn_error *error)
{
    return cli_fail(error, URN_ERR_DATA, "fit again with --out", "%s: %s", dir, what);
}

static urn_status run_file(const char *dir, const char *name, char path[PATH_MAX], urn_error *error)
{
    struct stat info;
    if (stat(dir, &info) != 0 || !S_ISDIR(info.st_mode))
        return cli_fail(error, URN_ERR_IO, "RUN is what \"urn fit --out\" wrote",
                        "%s: no such run directory", dir);
    if (snprintf(path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
        return cli_fail(error, URN_ERR_IO, NULL, "%s: the path is too long", dir);
    if (stat(path, &info) != 0)
        return cli_fail(error, URN_ERR_IO, "RUN is what \"urn fit --out\" wrote",
                        "%s is not a run: it has no %s", dir, name);
    return URN_OK;
}

/* ---- the posterior ---- */

static urn_status read_array(cli_run *run, const char *name, urn__io_nc_shape *shape,
                             double **values, urn_error *error)
{
    const int var = urn__io_nc_find_var(run->nc, run->guide, name);
    if (var < 0)
        return cli_fail(error, URN_ERR_DATA, NULL, "draws.nc has no guide/%s", name);
    URN_TRY(urn__io_nc_shape_of(run->nc, run->guide, var, shape, error));
    *values = malloc(((size_t)shape->size + 1) * sizeof **values);
    if (*values == NULL)
        return cli_fail_memory(error);
    return urn__io_nc_get_double(run->nc, run->guide, var, NULL, NULL, *values, error);
}

static urn_normal_block *read_blocks(const char *text, int *n)
{
    json_t *list = text != NULL ? json_loads(text, 0, NULL) : NULL;
    *n = (int)json_array_size(list);
    urn_normal_block *blocks = malloc(((size_t)*n + 1) * sizeof *blocks);
    for (int b = 0; blocks != NULL && b < *n; b++) {
        const json_t *block = json_array_get(list, (size_t)b);
        blocks[b] = (urn_normal_block){.first = urn__io_json_get_int(block, "first", -1),
                                       .rows = urn__io_json_get_int(block, "rows", 0),
                                       .width = urn__io_json_get_int(block, "width", 0)};
    }
    json_decref(list);
    return blocks;
}

/* A normal whose coordinates depend on each other. */
static urn_status read_form(cli_run *run, bool rank, int64_t size, const double *loc, int64_t seed,
                            urn_error *error)
{
    urn_normal_form form = {.bytes = sizeof form};
    urn__io_nc_shape shape = {0}, unused;
    double *own = NULL, *factor = NULL;
    const char *text = NULL;
    URN_TRY(urn__io_nc_get_text(run->nc, run->guide, -1, "blocks", &text, error));
    urn_normal_block *blocks = read_blocks(rank ? NULL : text, &form.n_blocks);
    urn_status status = blocks != NULL ? URN_OK : cli_fail_memory(error);
    if (status == URN_OK)
        status = read_array(run, "own_scale", &unused, &own, error);
    if (status == URN_OK)
        status = read_array(run, "factor", &shape, &factor, error);
    if (status == URN_OK && unused.size != size)
        status = cli_fail(error, URN_ERR_DATA, NULL,
                          "draws.nc: guide/own_scale has %lld numbers for %lld coordinates",
                          (long long)unused.size, (long long)size);
    if (status == URN_OK) {
        form.blocks = blocks;
        form.own = own;
        form.factor = factor;
        form.n_factor = shape.size;
        form.rank = rank ? shape.dims[shape.rank - 1] : 0;
        status = urn_posterior_new_normal(size, loc, &form, (uint64_t)seed, &run->posterior, error);
    }
    free(blocks);
    free(own);
    free(factor);
    return status;
}

static urn_status read_posterior(cli_run *run, urn_error *error)
{
    const char *text = NULL;
    URN_TRY(urn__io_nc_get_text(run->nc, run->guide, -1, "layout", &text, error));
    run->layout = text != NULL ? json_loads(text, 0, NULL) : NULL;
    URN_TRY(urn__io_nc_get_text(run->nc, run->guide, -1, "kind", &text, error));
    if (run->layout == NULL || text == NULL)
        return cli_fail(error, URN_ERR_DATA, NULL, "draws.nc has no layout of its guide");
    const urn_posterior_kind kind = strcmp(text, "draws") == 0         ? URN_POSTERIOR_DRAWS
                                    : strcmp(text, "normal") == 0      ? URN_POSTERIOR_NORMAL
                                    : strcmp(text, "independent") == 0 ? URN_POSTERIOR_INDEPENDENT
                                                                       : URN_POSTERIOR_POINT;
    urn__io_nc_shape shape = {0}, unused;
    double *loc = NULL, *scale = NULL;
    const int64_t seed = urn__io_json_get_int(run->json, "seed", 0);
    urn_status status = urn__io_nc_get_text(run->nc, run->guide, -1, "form", &text, error);
    if (status == URN_OK)
        status = read_array(run, "loc", &shape, &loc, error);
    if (status == URN_OK && kind == URN_POSTERIOR_NORMAL && text != NULL) {
        status = read_form(run, strcmp(text, "low-rank") == 0, shape.size, loc, seed, error);
        free(loc);
        return status;
    }
    if (status == URN_OK && kind == URN_POSTERIOR_NORMAL)
        status = read_array(run, "scale", &unused, &scale, error);
    if (status == URN_OK) {
        const bool draws = shape.rank == 3;
        status = urn_posterior_new(kind, shape.dims[shape.rank - 1], draws ? shape.dims[0] : 1,
                                   draws ? shape.dims[1] : 0, loc, scale, (uint64_t)seed,
                                   &run->posterior, error);
    }
    free(loc);
    free(scale);
    return status;
}

/* ---- the model ---- */

static urn_status read_settings(cli_run *run, urn_error *error)
{
    const json_t *settings = urn__io_json_get(run->json, "settings");
    run->settings = calloc(json_object_size(settings) + 1, sizeof *run->settings);
    if (run->settings == NULL)
        return cli_fail_memory(error);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)settings, name, value)
        run->settings[run->n_settings++] = (urn_setting){name, json_string_value(value)};
    return URN_OK;
}

static urn_status load_model(cli_run *run, const char *dir, urn_error *error)
{
    const char *file = urn__io_json_get_text(run->json, "model_file", NULL);
    const char *spec = file != NULL ? file : urn__io_json_get_text(run->json, "model", "");
    const urn_status status = cli_load(spec, &run->source, error);
    if (status != URN_OK && error != NULL)
        snprintf(error->hint, sizeof error->hint,
                 "the run %s was fitted with this model, and needs it again", dir);
    return status;
}

/* The only table of the template, or the one of that name. */
static const json_t *template_table(const cli_run *run, const char *table)
{
    json_t *tables = json_object_get(run->json, "template");
    json_t *found = table != NULL ? json_object_get(tables, table) : NULL;
    void *first = json_object_iter(tables);
    return found != NULL || first == NULL ? found : json_object_iter_value(first);
}

urn_status cli_add_constant(urn_dataset *data, const char *table, const char *column,
                            const json_t *value, urn_error *error)
{
    const size_t n = (size_t)urn_dataset_rows(data, table);
    void *memory = malloc((n + 1) * sizeof(double));
    if (memory == NULL)
        return cli_fail_memory(error);
    int64_t *ints = memory;
    double *reals = memory;
    const char **texts = memory;
    for (size_t i = 0; i < n; i++) {
        if (json_is_string(value))
            texts[i] = json_string_value(value);
        else if (json_is_integer(value))
            ints[i] = json_integer_value(value);
        else
            reals[i] = json_number_value(value);
    }
    const urn_status status =
        json_is_string(value)    ? urn_dataset_add_text(data, table, column, texts, error)
        : json_is_integer(value) ? urn_dataset_add_int(data, table, column, ints, error)
                                 : urn_dataset_add_real(data, table, column, reals, error);
    free(memory);
    return status;
}

/* A dataset of one row a table: with the known ids it gives the model the fit's own shapes. */
static urn_status template_data(cli_run *run, urn_error *error)
{
    run->data = urn_dataset_new(NULL);
    if (run->data == NULL)
        return cli_fail_memory(error);
    const char *table, *column;
    json_t *columns, *value;
    json_object_foreach(json_object_get(run->json, "template"), table, columns)
    {
        URN_TRY(urn_dataset_add_table(run->data, table, NULL, 1, 1, error));
        json_object_foreach(columns, column, value)
            URN_TRY(cli_add_constant(run->data, table, column, value, error));
    }
    bool observed;
    return cli_run_prepare(run, run->data, &observed, error);
}

static urn_status check_layout(const cli_run *run, const char *dir, urn_error *error)
{
    bool same = urn__posterior_fits(run->posterior, run->model, NULL) == URN_OK;
    for (size_t i = 0; i < json_array_size(run->layout); i++) {
        const json_t *entry = json_array_get(run->layout, i);
        const int site = urn_model_site_find(run->model, urn__io_json_get_text(entry, "site", ""));
        urn_site_info info = {.offset = -1};
        if (site >= 0)
            urn_model_site(run->model, site, &info);
        same = same && info.offset == urn__io_json_get_int(entry, "offset", -2) &&
               info.free_size == urn__io_json_get_int(entry, "free_size", -2);
    }
    if (same)
        return URN_OK;
    return bad_run(dir, "the model's sites are no longer those of the fit; it has changed", error);
}

/* Latent sites have a value for each training row, so these are what the model is traced on. */
static urn_status trace_rows(cli_run *run, const char *dir, urn_error *error)
{
    URN_TRY(cli_run_fit_data(run, &run->data, error));
    if (run->data == NULL)
        return bad_run(dir, "the data it was fitted on is gone or has changed", error);
    return cli_run_trace_rows(run, run->data, URN_ROWS_TRAINING, &run->model, error);
}

static urn_status trace_fitted(cli_run *run, const char *dir, urn_error *error)
{
    if (json_is_true(json_object_get(run->json, "row_sites"))) {
        URN_TRY(trace_rows(run, dir, error));
        return check_layout(run, dir, error);
    }
    if (json_is_true(json_object_get(run->json, "tables_only"))) {
        URN_TRY(template_data(run, error));
    } else {
        URN_TRY(cli_run_training_data(run, &run->data, error));
        if (run->data == NULL)
            return bad_run(dir, "the data it was fitted on is gone or has changed", error);
        bool observed;
        URN_TRY(cli_run_prepare(run, run->data, &observed, error));
    }
    URN_TRY(cli_run_trace(run, run->data, &run->model, error));
    return check_layout(run, dir, error);
}

urn_status cli_run_json(const char *dir, json_t **json, urn_error *error)
{
    char path[PATH_MAX];
    *json = NULL;
    URN_TRY(run_file(dir, "fit.json", path, error));
    URN_TRY(urn__io_json_read(path, NULL, json, error));
    if (urn__io_json_get_int(*json, "schema_version", 0) > CLI_SCHEMA_VERSION)
        return cli_fail(error, URN_ERR_DATA, "update urn", "%s was written by a newer urn", dir);
    return URN_OK;
}

static urn_status open_run(const char *dir, bool model, cli_run *run, urn_error *error)
{
    char path[PATH_MAX];
    URN_TRY(cli_run_json(dir, &run->json, error));
    URN_TRY(run_file(dir, "draws.nc", path, error));
    URN_TRY(urn__io_nc_open(path, NULL, &run->nc, error));
    run->guide = urn__io_nc_find_group(run->nc, "guide");
    if (run->guide < 0)
        return bad_run(dir, "draws.nc has no group guide", error);
    URN_TRY(read_posterior(run, error));
    if (!model)
        return URN_OK;
    URN_TRY(read_settings(run, error));
    URN_TRY(cli_handlers_from_json(json_object_get(run->json, "handlers"), &run->handlers, error));
    URN_TRY(load_model(run, dir, error));
    return trace_fitted(run, dir, error);
}

urn_status cli_run_open(const char *dir, bool model, cli_run *run, urn_error *error)
{
    *run = (cli_run){0};
    const urn_status status = open_run(dir, model, run, error);
    if (status != URN_OK)
        cli_run_close(run);
    return status;
}

void cli_run_close(cli_run *run)
{
    urn_model_free(run->model);
    urn_dataset_free(run->data);
    cli_unload(&run->source);
    urn_posterior_free(run->posterior);
    urn__io_nc_close(run->nc);
    json_decref(run->layout);
    json_decref(run->json);
    free(run->settings);
    cli_handlers_clear(&run->handlers);
    *run = (cli_run){0};
}

/* ---- data for it ---- */

urn_status cli_run_labels(const cli_run *run, const char *plate, int64_t *n, const int64_t **ints,
                          const char *const **texts, urn_error *error)
{
    const json_t *plates = json_object_get(run->json, "id_plates");
    for (size_t i = 0; i < json_array_size(plates); i++)
        if (strcmp(json_string_value(json_array_get(plates, i)), plate) == 0)
            return urn__io_nc_labels(run->nc, run->guide, plate, n, ints, texts, error);
    *n = -1;
    return URN_OK;
}

static urn_status set_known_ids(const cli_run *run, urn_dataset *data, urn_error *error)
{
    const json_t *plates = json_object_get(run->json, "id_plates");
    for (size_t i = 0; i < json_array_size(plates); i++) {
        const char *plate = json_string_value(json_array_get(plates, i));
        int64_t n = 0;
        const int64_t *ints = NULL;
        const char *const *texts = NULL;
        URN_TRY(cli_run_labels(run, plate, &n, &ints, &texts, error));
        URN_TRY(urn_dataset_set_ids(data, plate, n, texts != NULL ? NULL : ints, texts, error));
    }
    return URN_OK;
}

static bool has_column(const urn_dataset *data, const char *table, const char *column)
{
    for (int i = 0; i < urn_dataset_column_count(data, table); i++)
        if (strcmp(urn_dataset_column_name(data, table, i), column) == 0)
            return true;
    return false;
}

/* The file's column behind a model's word: by the data's own --map, else by the fit's. */
static const char *file_column(const cli_run *run, const urn_dataset *data, const char *word)
{
    const char *own = urn__dataset_mapped(data, word);
    if (strcmp(own, word) != 0)
        return own;
    const char *map = json_string_value(json_object_get(json_object_get(run->json, "map"), word));
    return map != NULL ? map : word;
}

static urn_status fill_observed(const cli_run *run, urn_dataset *data, bool *observed,
                                urn_error *error)
{
    const json_t *list = json_object_get(run->json, "observed");
    *observed = json_array_size(list) > 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        const char *table = urn__io_json_get_text(entry, "table", "");
        const char *word = urn__io_json_get_text(entry, "column", "");
        const char *column = file_column(run, data, word);
        if (urn_dataset_rows(data, table) < 0 || has_column(data, table, column))
            continue;
        *observed = false;
        const char *map =
            json_string_value(json_object_get(json_object_get(run->json, "map"), word));
        const json_t *value = json_object_get(template_table(run, table), map != NULL ? map : word);
        if (value != NULL)
            URN_TRY(cli_add_constant(data, table, column, value, error));
    }
    return URN_OK;
}

urn_status cli_run_prepare(const cli_run *run, urn_dataset *data, bool *observed, urn_error *error)
{
    URN_TRY(fill_observed(run, data, observed, error));
    const char *word;
    json_t *value;
    json_object_foreach(json_object_get(run->json, "map"), word, value)
    {
        if (strcmp(urn__dataset_mapped(data, word), word) == 0)
            URN_TRY(urn_dataset_map(data, word, json_string_value(value), error));
    }
    json_object_foreach(json_object_get(run->json, "means"), word, value)
        URN_TRY(urn_dataset_set_mean(data, word, json_number_value(value), error));
    return set_known_ids(run, data, error);
}
