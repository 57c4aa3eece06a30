/* urn simulate: data and truth from a model's prior. */
#include "simulate.h"
#include "../io/io.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const cli_option cli_simulate_options[] = {
    CLI_SIZE_OPTIONS,
    CLI_REAL("popularity", "0", 0, 100, "ids are drawn with probability ~ rank^-X; 0: evenly"),
    CLI_LIST("fix", "SITE=V", "the value of a site instead of a draw: a number, or all: a,b,c"),
    CLI_SET_OPTION,
    CLI_DATA_OPTIONS,
    CLI_SEED_OPTION,
    CLI_OUT("DIR", "where to write data.csv and truth.json (default: here)"),
    CLI_FORCE_OPTION,
    CLI_END,
};

/* A number of the data: an integer column stays one. */
static void write_value(urn__io_csv *csv, double value)
{
    if (value == floor(value) && fabs(value) < 1e15)
        urn__io_csv_int(csv, (int64_t)value);
    else
        urn__io_csv_real(csv, value);
}

static urn_status write_rows(const cli_simulation *s, const char *table, urn__io_csv *csv,
                             urn_error *error)
{
    const int n = urn_dataset_column_count(s->data, table);
    const double **values = calloc((size_t)n + 1, sizeof *values);
    if (values == NULL)
        return cli_fail_memory(error);
    for (int c = 0; c < n; c++)
        values[c] = urn_dataset_values(s->data, table, urn_dataset_column_name(s->data, table, c));
    for (int64_t r = 0; r < urn_dataset_rows(s->data, table); r++) {
        for (int c = 0; c < n; c++)
            if (values[c] != NULL)
                write_value(csv, values[c][r]);
            else
                urn__io_csv_text(csv, "");
        urn__io_csv_end(csv);
    }
    free(values);
    return URN_OK;
}

/* The rows that are not made yet, a part at a time. */
static urn_status write_others(const cli_simulation *s, const char *table, urn__io_csv *csv,
                               urn_error *error)
{
    for (int64_t from = s->made; s->ids != NULL && from < s->n_rows; from += s->made) {
        cli_simulation part;
        fprintf(stderr, "%lld of %lld rows\n", (long long)from, (long long)s->n_rows);
        URN_TRY(cli_simulate_next(s, from, &part, error));
        urn_status status = cli_simulation_observe(&part, error);
        if (status == URN_OK)
            status = write_rows(&part, table, csv, error);
        cli_simulation_clear(&part);
        URN_TRY(status);
    }
    return URN_OK;
}

static urn_status write_table(const cli_simulation *s, const char *table, const char *path,
                              urn_error *error)
{
    urn__io_file *file = NULL;
    URN_TRY(urn__io_file_open(path, NULL, &file, error));
    urn__io_csv csv = {.file = file};
    for (int c = 0; c < urn_dataset_column_count(s->data, table); c++)
        urn__io_csv_text(&csv, urn_dataset_column_name(s->data, table, c));
    urn__io_csv_end(&csv);
    urn_status status = write_rows(s, table, &csv, error);
    if (status == URN_OK)
        status = write_others(s, table, &csv, error);
    if (status == URN_OK)
        return urn__io_file_commit(file, error);
    urn__io_file_abort(file);
    return status;
}

static int64_t rows_of(const cli_simulation *s, const char *table)
{
    return s->ids != NULL ? s->n_rows : urn_dataset_rows(s->data, table);
}

static json_t *truth_json(const cli_simulation *s, uint64_t seed)
{
    json_t *sites = json_object();
    for (int i = 0; i < urn_model_site_count(s->model); i++) {
        urn_site_info info;
        urn_model_site(s->model, i, &info);
        if (info.role != URN_SITE_LATENT && info.role != URN_SITE_RECORDED)
            continue;
        const double *values = cli_simulated(s, i);
        json_t *dims = json_array(), *list = json_array();
        for (int d = 0; d < info.n_dims; d++)
            json_array_append_new(dims, json_integer((json_int_t)info.dims[d]));
        for (int64_t k = 0; values != NULL && k < info.size; k++)
            json_array_append_new(list, urn__io_json_real(values[k]));
        json_object_set_new(sites, info.name, json_pack("{s:o,s:o}", "dims", dims, "values", list));
    }
    return json_pack("{s:i,s:s,s:I,s:o}", "schema_version", CLI_SCHEMA_VERSION, "model",
                     urn_model_name(s->model), "seed", (json_int_t)seed, "sites", sites);
}

static urn_status make_path(const char *dir, const char *name, bool force, char path[PATH_MAX],
                            urn_error *error)
{
    if (snprintf(path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
        return cli_fail(error, URN_ERR_IO, NULL, "%s: the path is too long", dir);
    if (!force && access(path, F_OK) == 0)
        return cli_fail(error, URN_ERR_USAGE, "--force replaces it", "%s exists", path);
    return URN_OK;
}

/* With one table it is data.csv, else <table>.csv each. */
static void file_name(const cli_simulation *s, int table, char *name, size_t size)
{
    if (urn_dataset_table_count(s->data) == 1)
        snprintf(name, size, "data.csv");
    else
        snprintf(name, size, "%s.csv", urn_dataset_table_name(s->data, table));
}

static urn_status write_all(const cli_args *args, const cli_simulation *s, urn_error *error)
{
    const char *dir = cli_text(args, "out");
    const bool force = cli_flag(args, "force");
    char path[PATH_MAX], truth[PATH_MAX], name[160];
    dir = dir != NULL ? dir : ".";
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return cli_fail(error, URN_ERR_IO, NULL, "%s cannot be made: %s", dir, strerror(errno));
    URN_TRY(make_path(dir, "truth.json", force, truth, error));
    for (int t = 0; t < urn_dataset_table_count(s->data); t++) {
        file_name(s, t, name, sizeof name);
        URN_TRY(make_path(dir, name, force, path, error));
    }
    json_t *json = truth_json(s, (uint64_t)cli_int(args, "seed"));
    urn_status status = urn__io_json_write(json, truth, NULL, error);
    json_decref(json);
    for (int t = 0; t < urn_dataset_table_count(s->data) && status == URN_OK; t++) {
        const char *table = urn_dataset_table_name(s->data, t);
        file_name(s, t, name, sizeof name);
        status = make_path(dir, name, true, path, error);
        if (status == URN_OK)
            status = write_table(s, table, path, error);
        if (status == URN_OK && !cli_flag(args, "json"))
            printf("%s: %lld rows\n", path, (long long)rows_of(s, table));
    }
    if (status == URN_OK && !cli_flag(args, "json"))
        printf("%s: the values they were drawn with\n", truth);
    return status;
}

static urn_status report(const cli_args *args, const cli_simulation *s, urn_error *error)
{
    URN_TRY(write_all(args, s, error));
    if (!cli_flag(args, "json"))
        return URN_OK;
    json_t *tables = json_object();
    for (int t = 0; t < urn_dataset_table_count(s->data); t++) {
        const char *table = urn_dataset_table_name(s->data, t);
        json_object_set_new(tables, table, json_integer((json_int_t)rows_of(s, table)));
    }
    const char *dir = cli_text(args, "out");
    return cli_print_json(json_pack("{s:s,s:s,s:o}", "model", urn_model_name(s->model), "out",
                                    dir != NULL ? dir : ".", "rows", tables),
                          error);
}

urn_status cli_simulate(const cli_args *args, urn_error *error)
{
    cli_model source;
    cli_setup setup = {0};
    cli_simulation simulation = {0};
    urn_setting *fixed = NULL;
    size_t n_fixed = 0;
    urn_dataset *data = NULL;
    URN_TRY(cli_load(args->operands[0], &source, error));
    urn_status status = cli_setup_init(args, true, &setup, error);
    if (status == URN_OK)
        status = cli_settings(args, "fix", &fixed, &n_fixed, error);
    if (status == URN_OK && cli_text_at(args, "data", 0) != NULL)
        status = cli_read_data(args, NULL, NULL, &data, error);
    if (status == URN_OK)
        status = cli_simulate_run(&source, &setup, data, cli_real(args, "popularity"), fixed,
                                  n_fixed, (uint64_t)cli_int(args, "seed"), CLI_SIMULATED_ROWS,
                                  &simulation, error);
    if (status == URN_OK)
        status = cli_simulation_observe(&simulation, error);
    if (status == URN_OK)
        status = report(args, &simulation, error);
    cli_simulation_clear(&simulation);
    cli_settings_free(fixed);
    cli_setup_clear(&setup);
    cli_unload(&source);
    return status;
}
