/* urn export: a run's draws in other programs' formats. */
#include "export.h"
#include "../io/io.h"
#include "../runtime/base/base.h"
#include "run.h"
#include "sites.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const cli_option cli_export_options[] = {
    CLI_CHOICE("format", "cmdstan", "cmdstan", "cmdstan: a CSV file a chain, as CmdStan writes"),
    CLI_OUT("NAME", "files NAME_1.csv, NAME_2.csv, ... (default: the run's name)"),
    CLI_TEXT("sites", "A,B", NULL, "these sites (default: all)"),
    CLI_FORCE_OPTION,
    CLI_END,
};

/* CmdStan's names of what a sampler reports, in its order; ArviZ's are in draws.nc. */
static const struct {
    const char *own, *stan;
} stat_names[] = {{"lp", "lp__"},
                  {"lp_approx", "lp_approx__"},
                  {"acceptance_rate", "accept_stat__"},
                  {"step_size", "stepsize__"},
                  {"tree_depth", "treedepth__"},
                  {"n_steps", "n_leapfrog__"},
                  {"diverging", "divergent__"},
                  {"energy", "energy__"}};
enum { N_STATS = sizeof stat_names / sizeof stat_names[0] };

/* A variable of draws.nc over (chain, draw, ...). */
typedef struct column {
    char name[128];
    int group, var;
    urn__io_nc_shape shape;
    int64_t size; /* elements a draw */
} column;

typedef struct job {
    const cli_args *args;
    cli_run run;
    column *columns;
    int n_columns;
    int64_t chains, draws;
    double *values; /* of a draw's largest column */
    urn__io_file *file;
} job;

/* ---- what is written ---- */

static urn_status add_column(job *j, int group, int var, const char *name, urn_error *error)
{
    column *c = &j->columns[j->n_columns];
    *c = (column){.group = group, .var = var, .size = 1};
    snprintf(c->name, sizeof c->name, "%s", name);
    URN_TRY(urn__io_nc_shape_of(j->run.nc, group, var, &c->shape, error));
    for (int d = 2; d < c->shape.rank; d++)
        c->size *= c->shape.dims[d];
    if (c->shape.rank < 2 || c->size == 0)
        return URN_OK;
    j->chains = c->shape.dims[0];
    j->draws = c->shape.dims[1];
    j->n_columns++;
    return URN_OK;
}

static bool is_engine(const job *j, const char *name)
{
    return strcmp(urn__io_json_get_text(j->run.json, "engine", ""), name) == 0;
}

/* Those of laplace are its own. */
static const char *stan_name(const job *j, int k)
{
    static const char *const laplace[] = {"log_p__", "log_q__"};
    return k < 2 && is_engine(j, "laplace") ? laplace[k] : stat_names[k].stan;
}

static urn_status find_columns(job *j, urn_error *error)
{
    enum { MOST = 256 };
    const char *names = cli_text(j->args, "sites"), *name, *known[MOST];
    const int posterior = urn__io_nc_find_group(j->run.nc, "posterior");
    const int stats = urn__io_nc_find_group(j->run.nc, "sample_stats");
    size_t n = 0;
    j->columns = calloc(MOST + N_STATS, sizeof *j->columns);
    if (j->columns == NULL)
        return cli_fail_memory(error);
    for (int k = 0; stats >= 0 && k < N_STATS; k++) {
        const int var = urn__io_nc_find_var(j->run.nc, stats, stat_names[k].own);
        if (var >= 0)
            URN_TRY(add_column(j, stats, var, stan_name(j, k), error));
    }
    for (int i = 0, var; posterior >= 0 && n < MOST; i++) {
        var = urn__io_nc_var_at(j->run.nc, posterior, i, &name);
        if (var < 0)
            break;
        known[n++] = name;
        if (names == NULL || cli_listed(names, name))
            URN_TRY(add_column(j, posterior, var, name, error));
    }
    return cli_check_listed(names, known, n, error);
}

static urn_status make_room(job *j, urn_error *error)
{
    int64_t most = 1;
    for (int i = 0; i < j->n_columns; i++)
        most = j->columns[i].size > most ? j->columns[i].size : most;
    j->values = malloc((size_t)most * sizeof *j->values);
    return j->values != NULL ? URN_OK : cli_fail_memory(error);
}

/* ---- writing ---- */

/* Place of the k-th element of a draw's values; its indices from 0. */
static int64_t element_at(const column *c, int64_t k, int64_t *index)
{
    return urn__io_column_major(c->shape.rank - 2, c->shape.dims + 2, k, index);
}

static void write_names(job *j)
{
    int64_t index[URN__IO_NC_MAX_RANK];
    for (int i = 0; i < j->n_columns; i++) {
        const column *c = &j->columns[i];
        for (int64_t k = 0; k < c->size; k++) {
            urn__io_file_print(j->file, "%s%s", i + k > 0 ? "," : "", c->name);
            element_at(c, k, index);
            for (int d = 0; d < c->shape.rank - 2; d++)
                urn__io_file_print(j->file, ".%lld", (long long)index[d] + 1);
        }
    }
    urn__io_file_print(j->file, "\n");
}

static void write_number(job *j, double value, bool first)
{
    char text[32];
    if (isfinite(value))
        urn__io_format_real(value, text);
    else
        snprintf(text, sizeof text, "%s", isnan(value) ? "NaN" : value > 0.0 ? "inf" : "-inf");
    urn__io_file_print(j->file, "%s%s", first ? "" : ",", text);
}

static urn_status write_draw(job *j, int64_t chain, int64_t draw, urn_error *error)
{
    int64_t index[URN__IO_NC_MAX_RANK];
    for (int i = 0; i < j->n_columns; i++) {
        const column *c = &j->columns[i];
        int64_t start[URN__IO_NC_MAX_RANK] = {chain, draw}, count[URN__IO_NC_MAX_RANK] = {1, 1};
        for (int d = 2; d < c->shape.rank; d++)
            count[d] = c->shape.dims[d];
        URN_TRY(urn__io_nc_get_double(j->run.nc, c->group, c->var, start, count, j->values, error));
        for (int64_t k = 0; k < c->size; k++)
            write_number(j, j->values[element_at(c, k, index)], i + k == 0);
    }
    urn__io_file_print(j->file, "\n");
    return URN_OK;
}

/* metric_<chain>.json of the run, NULL without. */
static json_t *metric_of(const job *j, int64_t chain)
{
    char path[PATH_MAX];
    json_t *metric = NULL;
    const int n = snprintf(path, sizeof path, "%s/metric_%lld.json", j->args->operands[0],
                           (long long)chain + 1);
    if (n >= (int)sizeof path || urn__io_json_read(path, NULL, &metric, NULL) != URN_OK)
        return NULL;
    return metric;
}

static urn_status write_all(job *j, int64_t chain, urn_error *error)
{
    json_t *metric = metric_of(j, chain);
    const cli_exported e = {
        .fit = j->run.json, .metric = metric, .chain = chain, .draws = j->draws};
    urn_status status = URN_OK;
    cli_export_head(j->file, &e);
    write_names(j);
    cli_export_adaptation(j->file, &e);
    for (int64_t d = 0; d < j->draws && status == URN_OK; d++)
        status = write_draw(j, chain, d, error);
    cli_export_time(j->file, &e);
    json_decref(metric);
    return status;
}

static urn_status write_chain(job *j, const char *path, int64_t chain, urn_error *error)
{
    FILE *there = cli_flag(j->args, "force") ? NULL : fopen(path, "r");
    if (there != NULL) {
        fclose(there);
        return cli_fail(error, URN_ERR_USAGE, "--force replaces it", "%s exists", path);
    }
    URN_TRY(urn__io_file_open(path, NULL, &j->file, error));
    URN_TRY(write_all(j, chain, error));
    urn__io_file *file = j->file;
    j->file = NULL;
    return urn__io_file_commit(file, error);
}

static urn_status write_chains(job *j, urn_error *error)
{
    const char *name = cli_text(j->args, "out");
    char path[PATH_MAX], own[PATH_MAX];
    if (name == NULL) {
        snprintf(own, sizeof own, "%s", j->args->operands[0]);
        for (size_t n = strlen(own); n > 1 && own[n - 1] == '/'; n--)
            own[n - 1] = '\0';
        name = own;
    }
    json_t *files = json_array();
    urn_status status = URN_OK;
    for (int64_t c = 0; c < j->chains && status == URN_OK; c++) {
        if (snprintf(path, sizeof path, "%s_%lld.csv", name, (long long)c + 1) >= PATH_MAX)
            status = cli_fail(error, URN_ERR_IO, NULL, "%s: the path is too long", name);
        else
            status = write_chain(j, path, c, error);
        json_array_append_new(files, json_string(path));
        if (status == URN_OK && !cli_flag(j->args, "json"))
            printf("%s: %lld draws\n", path, (long long)j->draws);
    }
    if (status == URN_OK && cli_flag(j->args, "json"))
        status = cli_print_json(json_pack("{s:O}", "files", files), error);
    json_decref(files);
    return status;
}

static urn_status export_run(job *j, urn_error *error)
{
    URN_TRY(cli_run_open(j->args->operands[0], false, &j->run, error));
    URN_TRY(find_columns(j, error));
    if (j->n_columns == 0)
        return cli_fail(error, URN_ERR_DATA, NULL, "%s: draws.nc has no draws to export",
                        j->args->operands[0]);
    URN_TRY(make_room(j, error));
    return write_chains(j, error);
}

urn_status cli_export(const cli_args *args, urn_error *error)
{
    job j = {.args = args};
    const urn_status status = export_run(&j, error);
    urn__io_file_abort(j.file);
    free(j.values);
    free(j.columns);
    cli_run_close(&j.run);
    return status;
}
