/* fit.json: what was fitted, from what, how long it took and how well it did. */
#include "../runtime/model/dataset.h"
#include "memory.h"
#include "save.h"
#include "sites.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void hash_words(char hash[33], int n, const char *const *words)
{
    uint64_t h[2] = {1, 2};
    for (int i = 0; i < 2; i++)
        for (int w = 0; w < n; w++)
            h[i] = urn__hash_text(h[i], words[w]);
    snprintf(hash, 33, "%016llx%016llx", (unsigned long long)h[0], (unsigned long long)h[1]);
}

/* Everything given on the command line that decides the result. */
static json_t *options_json(const cli_args *args)
{
    static const char *const other[] = {"threads", "out",       "force",   "json",      "quiet",
                                        "strict",  "log-every", "profile", "max-memory"};
    json_t *object = json_object();
    for (int i = 0; i < args->n_given; i++) {
        const cli_given *g = &args->given[i];
        bool skip = false;
        for (size_t k = 0; k < sizeof other / sizeof other[0]; k++)
            skip = skip || strcmp(g->name, other[k]) == 0;
        if (skip)
            continue;
        json_t *before = json_object_get(object, g->name);
        if (json_is_array(before))
            json_array_append_new(before, json_string(g->value));
        else if (cli_text_at(args, g->name, 1) != NULL)
            json_object_set_new(object, g->name, json_pack("[s]", g->value));
        else
            json_object_set_new(object, g->name, json_string(g->value));
    }
    return object;
}

static json_t *model_options_json(const urn_model *model)
{
    json_t *object = json_object();
    for (int i = 0; i < urn_model_option_count(model); i++) {
        urn_option_info option;
        urn_model_option(model, i, &option);
        json_object_set_new(object, option.name, json_string(option.value));
    }
    return object;
}

/* Absolute path and hash of a file that was read. */
static urn_status file_json(const char *path, json_t **entry, urn_error *error)
{
    char hash[33], absolute[PATH_MAX];
    *entry = NULL;
    URN_TRY(urn__io_hash_file(path, hash, error));
    if (realpath(path, absolute) == NULL)
        snprintf(absolute, sizeof absolute, "%s", path);
    *entry = json_pack("{s:s,s:s}", "path", absolute, "hash", hash);
    return *entry != NULL ? URN_OK : cli_fail_memory(error);
}

static urn_status add_files(const cli_fitted *f, json_t *json, char all[33], urn_error *error)
{
    json_t *sources = json_array(), *entry;
    const char *text, *test = cli_text(f->args, "test");
    json_object_set_new(json, "data", sources);
    for (int i = 0; (text = cli_text_at(f->args, "data", i)) != NULL; i++) {
        const cli_source source = cli_source_of(text);
        URN_TRY(file_json(source.path, &entry, error));
        json_object_set_new(entry, "table", json_string(source.table));
        const char *const words[] = {all, source.table,
                                     json_string_value(json_object_get(entry, "hash"))};
        hash_words(all, 3, words);
        json_array_append_new(sources, entry);
    }
    if (test == NULL)
        return URN_OK;
    URN_TRY(file_json(test, &entry, error));
    json_object_set_new(json, "test", entry);
    return URN_OK;
}

static urn_status add_hashes(const cli_fitted *f, json_t *json, urn_error *error)
{
    char all[33] = "";
    URN_TRY(add_files(f, json, all, error));
    json_t *without_paths = json_copy(json_object_get(json, "options"));
    json_object_del(without_paths, "data");
    char *options = urn__io_json_text(without_paths, 0);
    json_decref(without_paths);
    if (options == NULL)
        return cli_fail_memory(error);
    char options_hash[33];
    const char *const words[] = {options};
    hash_words(options_hash, 1, words);
    free(options);
    json_object_set_new(
        json, "hashes",
        json_pack("{s:s,s:s,s:s}", "model", f->source->hash, "data", all, "options", options_hash));
    return URN_OK;
}

static json_t *settings_json(const urn_setting *settings, size_t n)
{
    json_t *object = json_object();
    for (size_t i = 0; i < n; i++)
        json_object_set_new(object, settings[i].name, json_string(settings[i].value));
    return object;
}

static json_t *number_json(double value)
{
    return value == floor(value) && fabs(value) < 9e15 ? json_integer((json_int_t)value)
                                                       : urn__io_json_real(value);
}

/* The value of a text or id column in the first row; ids as their plate holds them. */
static json_t *label_json(const cli_fitted *f, const char *column, bool *is_id)
{
    urn_plate_info plate;
    for (int k = 0; cli_plate_of_ids(f->model, k, &plate); k++)
        if (strcmp(urn__dataset_mapped(f->data, plate.name), column) == 0) {
            *is_id = true;
            return plate.text_labels != NULL ? json_string(plate.text_labels[0])
                                             : json_integer((json_int_t)plate.int_labels[0]);
        }
    *is_id = false;
    return NULL;
}

/* A row of every table: enough to trace the model again, with the ids that draws.nc holds. */
static json_t *template_json(const cli_fitted *f)
{
    json_t *tables = json_object();
    for (int t = 0; t < urn_dataset_table_count(f->data); t++) {
        const char *table = urn_dataset_table_name(f->data, t);
        const unsigned char *held_out = urn_dataset_held_out(f->data, table);
        int64_t row = 0;
        while (held_out != NULL && row + 1 < urn_dataset_rows(f->data, table) && held_out[row])
            row++;
        json_t *columns = json_object();
        for (int c = 0; c < urn_dataset_column_count(f->data, table); c++) {
            const char *column = urn_dataset_column_name(f->data, table, c);
            bool is_id = false;
            double number;
            json_t *value = label_json(f, column, &is_id);
            if (!is_id)
                value = urn__dataset_number(f->data, t, column, row, &number) ? number_json(number)
                                                                              : json_string("");
            json_object_set_new(columns, column, value);
        }
        json_object_set_new(tables, table, columns);
    }
    return tables;
}

/* Is there a latent site with a value a row of data? Then a run can be read with these rows alone.
 */
static bool has_row_sites(const urn_model *model)
{
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info site;
        urn_plate_info plate;
        urn_model_site(model, i, &site);
        for (int d = 0; site.offset >= 0 && d < site.n_plates; d++)
            if (cli_plate_find(model, site.plates[d], &plate) && strcmp(plate.kind, "rows") == 0)
                return true;
    }
    return false;
}

static urn_status add_data_words(const cli_fitted *f, json_t *json, urn_error *error)
{
    json_t *means = json_object(), *observed = json_array();
    bool tables_only = true;
    urn_status status = URN_OK;
    for (int i = 0; i < urn_model_data_count(f->model) && status == URN_OK; i++) {
        urn_data_info info;
        urn_model_data(f->model, i, &info);
        tables_only = tables_only && info.table != NULL;
        if (info.observed != NULL)
            json_array_append_new(observed, json_pack("{s:s,s:s?,s:s}", "site", info.observed,
                                                      "table", info.table, "column", info.name));
        if (strcmp(info.kind, "mean") == 0) {
            double mean = 0.0;
            status = urn__dataset_mean(f->data, urn__dataset_table(f->data, info.table), info.name,
                                       &mean, error);
            json_object_set_new(means, info.name, urn__io_json_real(mean));
        }
    }
    urn_plate_info plate;
    json_t *plates = json_array();
    for (int k = 0; cli_plate_of_ids(f->model, k, &plate); k++)
        json_array_append_new(plates, json_string(plate.name));
    json_object_set_new(json, "id_plates", plates);
    json_object_set_new(json, "means", means);
    json_object_set_new(json, "observed", observed);
    json_object_set_new(json, "template", template_json(f));
    json_object_set_new(json, "tables_only", json_boolean(tables_only));
    json_object_set_new(json, "row_sites", json_boolean(has_row_sites(f->model)));
    return status;
}

static void add_numbers(const cli_fitted *f, json_t *json)
{
    urn_fit_number number;
    json_object_set_new(json, "wall_s", urn__io_json_real(f->wall_s));
    json_object_set_new(json, "peak_rss_mb", urn__io_json_real(cli_memory_peak() / 1048576.0));
    json_object_set_new(json, "memory_estimate_mb",
                        urn__io_json_real(f->memory_estimate / 1048576.0));
    for (int i = 0; urn_fit_number_at(f->fit, i, &number); i++)
        json_object_set_new(json, strcmp(number.name, "wall_s") == 0 ? "steps_s" : number.name,
                            number_json(number.value));
}

static void add_scores(const cli_fitted *f, json_t *json)
{
    for (int i = 0; i < f->n_scores; i++) {
        if (i == 0) {
            json_object_set_new(json, "holdout", cli_score_json(&f->scores[0]));
            json_object_set_new(json, "baselines", cli_baselines_json(&f->scores[0]));
            continue;
        }
        json_t *more = json_object_get(json, "more_holdout");
        if (more == NULL) {
            more = json_array();
            json_object_set_new(json, "more_holdout", more);
        }
        json_array_append_new(more, cli_score_json(&f->scores[i]));
    }
}

urn_status cli_fit_json(const cli_fitted *f, json_t **json, urn_error *error)
{
    json_t *warnings = json_array();
    const char *warning;
    for (int i = 0; (warning = urn_fit_warning_at(f->fit, i)) != NULL; i++)
        json_array_append_new(warnings, json_string(warning));
    urn_setting *maps = NULL;
    size_t n_maps = 0;
    *json = NULL;
    URN_TRY(cli_settings(f->args, "map", &maps, &n_maps, error));
    json_t *map = settings_json(maps, n_maps);
    cli_settings_free(maps);
    json_t *object = json_pack(
        "{s:i,s:s,s:s,s:s,s:I,s:o,s:o,s:o,s:o,s:{s:s,s:i},s:i,s:s,s:s,s:b,s:I,s:I,s:o,s:O}",
        "schema_version", CLI_SCHEMA_VERSION, "model", urn_model_name(f->model), "engine",
        urn_engine_name(f->args->engine), "model_kind", f->source->kind, "seed",
        (json_int_t)f->seed, "options", options_json(f->args), "model_options",
        model_options_json(f->model), "settings",
        settings_json(f->setup->settings, f->setup->n_settings), "map", map, "versions", "urn",
        URN_VERSION, "model_abi", URN_ABI_VERSION, "threads", f->threads, "cpu",
        urn_fit_cpu(f->fit), "precision", cli_text(f->args, "precision"), "interrupted",
        f->interrupted, "n_training", (json_int_t)f->n_training, "n_held_out",
        (json_int_t)f->n_held_out, "warnings", warnings, "sites", (json_t *)(uintptr_t)f->sites);
    if (object == NULL)
        return cli_fail_memory(error);
    if (f->setup->handlers.n > 0)
        json_object_set_new(object, "handlers", cli_handlers_json(&f->setup->handlers));
    json_object_set_new(object, "model_file",
                        f->source->path[0] != '\0' ? json_string(f->source->path) : json_null());
    urn_status status = add_hashes(f, object, error);
    if (status == URN_OK)
        status = add_data_words(f, object, error);
    add_numbers(f, object);
    add_scores(f, object);
    json_t *convergence =
        cli_convergence_json(f->sites, urn_posterior_chains(urn_fit_posterior(f->fit)));
    json_array_extend(warnings, json_object_get(convergence, "warnings"));
    if (convergence != NULL)
        json_object_set_new(object, "convergence", convergence);
    if (status != URN_OK) {
        json_decref(object);
        return status;
    }
    *json = object;
    return URN_OK;
}
