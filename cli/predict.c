/* urn predict: predictions for rows of a file, from a run. */
#include "../runtime/model/dataset.h"
#include "run.h"
#include <string.h>

const cli_option cli_predict_options[] = {
    CLI_LIST("test", "FILE", "the rows to predict; TABLE=FILE names a table; repeats"),
    CLI_LIST("map", "NAME=COLUMN", "the model's word=the file's column (default: as in the fit)"),
    CLI_TEXT("site", "SITE", NULL, "the observed site (default: the first)"),
    CLI_INT("draws", "400", 1, 100000000, "draws of a guide to average over"),
    CLI_REAL("level", "0.9", 0.001, 0.999, "of the interval low to high"),
    CLI_FLAG("plug-in", 0, "use the posterior's centre instead of draws"),
    CLI_OUT("FILE", "write the CSV here"),
    CLI_THREADS_OPTION,
    CLI_SEED_OPTION,
    CLI_END,
};

typedef struct job {
    const cli_args *args;
    cli_run run;
    urn_dataset *data;
    urn_model *target;
    urn_prediction *prediction;
    urn__arena *arena;
    int site;
    urn_plate_info rows;
    bool observed; /* the file holds the observed values */
} job;

/* ---- data ---- */

/* Scalars and arrays of the fit, which the rows to predict do not bring. */
static urn_status read_entries(job *j, urn_error *error)
{
    if (json_is_true(json_object_get(j->run.json, "tables_only")))
        return URN_OK;
    const json_t *sources = json_object_get(j->run.json, "data");
    for (size_t i = 0; i < json_array_size(sources); i++) {
        const json_t *source = json_array_get(sources, i);
        const char *path = urn__io_json_get_text(source, "path", "");
        const char *dot = strrchr(path, '.');
        if (*urn__io_json_get_text(source, "table", "") == '\0' && dot != NULL &&
            strcmp(dot, ".json") == 0)
            URN_TRY(urn__io_read(path, "", j->data, NULL, error));
    }
    return URN_OK;
}

static urn_status read_test(job *j, urn_error *error)
{
    const char *text;
    j->data = urn_dataset_new(NULL);
    if (j->data == NULL)
        return cli_fail_memory(error);
    URN_TRY(read_entries(j, error));
    for (int i = 0; (text = cli_text_at(j->args, "test", i)) != NULL; i++) {
        const cli_source source = cli_source_of(text);
        URN_TRY(urn__io_read(source.path, source.table, j->data, NULL, error));
    }
    URN_TRY(cli_apply_maps(j->args, j->data, error));
    return cli_run_prepare(&j->run, j->data, &j->observed, error);
}

static urn_status find_site(job *j, urn_error *error)
{
    const char *wanted = cli_text(j->args, "site"), *names[64];
    size_t n = 0;
    urn_site_info info;
    for (int k = 0; n < 64 && (j->site = cli_observed_site(j->target, k, &j->rows)) >= 0; k++) {
        urn_model_site(j->target, j->site, &info);
        if (wanted == NULL || strcmp(wanted, info.name) == 0)
            return URN_OK;
        names[n++] = info.name;
    }
    if (wanted != NULL)
        return cli_fail_unknown(error, "observed site", wanted, names, n);
    return cli_fail(error, URN_ERR_MODEL, NULL, "the model observes no site over rows of a table");
}

/* ---- output ---- */

/* Columns of the CSV: the table's ids, and how many rows have one the fit never saw. */
typedef struct id_columns {
    urn_plate_info plates[4];
    const int32_t *codes[4];
    int n;
    int64_t unseen;
} id_columns;

static urn_status find_ids(const job *j, id_columns *ids, urn_error *error)
{
    *ids = (id_columns){0};
    urn_plate_info plate;
    for (int k = 0; ids->n < 4 && cli_plate_of_ids(j->target, k, &plate); k++) {
        const int32_t *codes = NULL;
        URN_TRY(cli_codes(j->data, j->target, &j->rows, &plate, j->arena, &codes, error));
        if (codes == NULL)
            continue;
        ids->plates[ids->n] = plate;
        ids->codes[ids->n++] = codes;
    }
    for (int64_t r = 0; r < j->rows.size; r++) {
        bool unseen = false;
        for (int k = 0; k < ids->n; k++)
            unseen = unseen || ids->codes[k][r] >= ids->plates[k].n_known;
        ids->unseen += unseen;
    }
    return URN_OK;
}

static urn_status write_csv(const job *j, const id_columns *ids, const char *path, urn_error *error)
{
    static const char *const names[] = {"mean", "sd", "low", "high"};
    const urn_prediction *p = j->prediction;
    const double *const columns[] = {p->mean, p->sd, p->low, p->high};
    urn__io_file *file = NULL;
    URN_TRY(urn__io_file_open(path, NULL, &file, error));
    urn__io_csv csv = {.file = file};
    for (int k = 0; k < ids->n; k++)
        urn__io_csv_text(&csv, urn__dataset_mapped(j->data, ids->plates[k].name));
    for (int c = 0; c < 4; c++)
        urn__io_csv_text(&csv, names[c]);
    urn__io_csv_end(&csv);
    for (int64_t r = 0; r < p->n_rows; r++) {
        char text[32];
        for (int k = 0; k < ids->n; k++)
            urn__io_csv_text(&csv, cli_label(&ids->plates[k], ids->codes[k][r], text));
        for (int c = 0; c < 4; c++)
            urn__io_csv_real(&csv, columns[c][r]);
        urn__io_csv_end(&csv);
    }
    return urn__io_file_commit(file, error);
}

static json_t *scores_json(const urn_scores *s)
{
    return json_pack(
        "{s:I,s:o,s:o,s:o,s:o,s:o,s:o}", "n", (json_int_t)s->n, "rmse", urn__io_json_real(s->rmse),
        "mae", urn__io_json_real(s->mae), "mean_log_predictive_density",
        urn__io_json_real(s->mean_log_predictive_density), "coverage_50",
        urn__io_json_real(s->coverage_50), "coverage_80", urn__io_json_real(s->coverage_80),
        "coverage_95", urn__io_json_real(s->coverage_95));
}

static urn_status print_json(const job *j, const id_columns *ids, const urn_scores *scores,
                             urn_error *error)
{
    const urn_prediction *p = j->prediction;
    json_t *list = json_array();
    for (int64_t r = 0; r < p->n_rows; r++) {
        json_t *row = json_object();
        char text[32];
        for (int k = 0; k < ids->n; k++)
            json_object_set_new(row, ids->plates[k].name,
                                json_string(cli_label(&ids->plates[k], ids->codes[k][r], text)));
        json_object_set_new(row, "mean", urn__io_json_real(p->mean[r]));
        json_object_set_new(row, "sd", urn__io_json_real(p->sd[r]));
        json_object_set_new(row, "low", urn__io_json_real(p->low[r]));
        json_object_set_new(row, "high", urn__io_json_real(p->high[r]));
        json_array_append_new(list, row);
    }
    return cli_print_json(json_pack("{s:I,s:o,s:o}", "n_unseen", (json_int_t)ids->unseen, "scores",
                                    scores != NULL ? scores_json(scores) : json_null(),
                                    "predictions", list),
                          error);
}

static void say(const job *j, const id_columns *ids, const urn_scores *scores)
{
    char a[32], b[32], c[32];
    if (ids->unseen > 0)
        fprintf(stderr,
                "urn: %lld of %lld rows have an id that the fit never saw; it is drawn from the "
                "prior\n",
                (long long)ids->unseen, (long long)j->rows.size);
    if (scores != NULL)
        fprintf(stderr, "urn: RMSE %s, MAE %s, mean log predictive density %s\n",
                cli_number(scores->rmse, a), cli_number(scores->mae, b),
                cli_number(scores->mean_log_predictive_density, c));
}

static urn_status output(const job *j, urn_error *error)
{
    id_columns ids;
    urn_scores scores, *given = NULL;
    URN_TRY(find_ids(j, &ids, error));
    const double *y = j->observed ? urn_model_observed(j->target, j->site) : NULL;
    if (y != NULL) {
        urn_score(j->prediction, y, &scores);
        given = &scores;
    }
    if (cli_flag(j->args, "json"))
        return print_json(j, &ids, given, error);
    const char *path = cli_text(j->args, "out");
    fflush(stdout);
    URN_TRY(write_csv(j, &ids, path != NULL ? path : "-", error));
    say(j, &ids, given);
    return URN_OK;
}

static urn_status predict(job *j, urn_error *error)
{
    if (cli_text_at(j->args, "test", 0) == NULL)
        return cli_fail(error, URN_ERR_USAGE, NULL, "urn predict needs --test FILE");
    URN_TRY(cli_run_open(j->args->operands[0], true, &j->run, error));
    URN_TRY(read_test(j, error));
    URN_TRY(cli_run_trace(&j->run, j->data, &j->target, error));
    URN_TRY(find_site(j, error));
    urn_site_info info;
    urn_model_site(j->target, j->site, &info);
    const bool draws = urn_posterior_stored(j->run.posterior);
    const urn_predict_options options = {
        .bytes = sizeof options,
        .draws = draws && !cli_given_at_all(j->args, "draws") ? 0 : cli_int(j->args, "draws"),
        .level = cli_real(j->args, "level"),
        .threads = (int)cli_int(j->args, "threads"),
        .seed = (uint64_t)cli_int(j->args, "seed"),
        .site = info.name,
        .plug_in = cli_flag(j->args, "plug-in")};
    URN_TRY(
        urn_predict(j->run.model, j->run.posterior, j->target, &options, &j->prediction, error));
    j->arena = urn__arena_new(NULL);
    return j->arena != NULL ? output(j, error) : cli_fail_memory(error);
}

urn_status cli_predict(const cli_args *args, urn_error *error)
{
    job j = {.args = args};
    const urn_status status = predict(&j, error);
    urn__arena_free(j.arena);
    urn_prediction_free(j.prediction);
    urn_model_free(j.target);
    urn_dataset_free(j.data);
    cli_run_close(&j.run);
    return status;
}
