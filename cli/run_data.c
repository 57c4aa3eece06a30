/* The data of a run, read again, and its model traced on it. */
#include "run.h"
#include <string.h>

static urn_trace_options trace_options(const cli_run *run, const urn_dataset *data)
{
    return (urn_trace_options){.bytes = sizeof(urn_trace_options),
                               .data = data,
                               .settings = run->settings,
                               .n_settings = run->n_settings,
                               .handlers = run->handlers.list,
                               .n_handlers = run->handlers.n,
                               .allow_duplicates = true};
}

urn_status cli_run_trace_rows(const cli_run *run, const urn_dataset *data, urn_rows rows,
                              urn_model **model, urn_error *error)
{
    urn_trace_options options = trace_options(run, data);
    options.rows = rows;
    return urn_model_trace(&run->source.def, &options, model, error);
}

urn_status cli_run_trace(const cli_run *run, const urn_dataset *data, urn_model **model,
                         urn_error *error)
{
    return cli_run_trace_rows(run, data, URN_ROWS_ALL, model, error);
}

/* ---- files ---- */

/* Is the file still what the fit read? */
static bool unchanged(const json_t *source)
{
    char hash[33];
    urn_error ignored;
    return urn__io_hash_file(urn__io_json_get_text(source, "path", ""), hash, &ignored) == URN_OK &&
           strcmp(hash, urn__io_json_get_text(source, "hash", "")) == 0;
}

/* Reads the files of the fit; `test` (may be NULL) after the first. */
static urn_status read_files(const cli_run *run, const char *test, urn_dataset **data,
                             urn_error *error)
{
    const json_t *sources = urn__io_json_get(run->json, "data");
    *data = NULL;
    for (size_t i = 0; i < json_array_size(sources); i++)
        if (!unchanged(json_array_get(sources, i)))
            return URN_OK;
    urn_dataset *read = urn_dataset_new(NULL);
    if (read == NULL)
        return cli_fail_memory(error);
    urn_status status = URN_OK;
    for (size_t i = 0; i < json_array_size(sources) && status == URN_OK; i++) {
        const json_t *source = json_array_get(sources, i);
        const urn__io_options options = {.test_path = i == 0 ? test : NULL};
        status = urn__io_read(urn__io_json_get_text(source, "path", ""),
                              urn__io_json_get_text(source, "table", ""), read, &options, error);
    }
    if (status != URN_OK)
        urn_dataset_free(read);
    else
        *data = read;
    return status;
}

urn_status cli_run_training_data(const cli_run *run, urn_dataset **data, urn_error *error)
{
    return read_files(run, NULL, data, error);
}

/* ---- as the fit had them ---- */

static urn_status apply_maps(const cli_run *run, urn_dataset *data, urn_error *error)
{
    const char *word;
    json_t *value;
    json_object_foreach(json_object_get(run->json, "map"), word, value)
    {
        URN_TRY(urn_dataset_map(data, word, json_string_value(value), error));
    }
    return URN_OK;
}

/* The options decide in the order of the fit: maps, duplicates, rows held out; ids and means come
 * last, for they are results of these. */
static urn_status repeat_options(const cli_run *run, urn_dataset *data, urn_error *error)
{
    const urn_trace_options options = trace_options(run, data);
    const char *merge = urn__io_json_get_text(run->json, "options.duplicates", "error");
    const char *share = urn__io_json_get_text(run->json, "options.holdout", NULL);
    double held_out = 0.0;
    bool observed;
    URN_TRY(apply_maps(run, data, error));
    URN_TRY(cli_merge_rows(data, &run->source.def, &options, merge, true, error));
    if (share != NULL && urn__parse_real(share, &held_out))
        URN_TRY(cli_hold_out_share(data, &run->source.def, &options, held_out, error));
    return cli_run_prepare(run, data, &observed, error);
}

urn_status cli_run_fit_data(const cli_run *run, urn_dataset **data, urn_error *error)
{
    const json_t *test = json_object_get(run->json, "test");
    *data = NULL;
    /* runs of older versions name the file, but have no hash of it */
    if ((test != NULL && !unchanged(test)) ||
        (test == NULL && urn__io_json_get(run->json, "options.test") != NULL))
        return URN_OK;
    urn_dataset *read = NULL;
    URN_TRY(read_files(run, test != NULL ? urn__io_json_get_text(test, "path", "") : NULL, &read,
                       error));
    if (read == NULL)
        return URN_OK;
    const urn_status status = repeat_options(run, read, error);
    if (status != URN_OK)
        urn_dataset_free(read);
    else
        *data = read;
    return status;
}
