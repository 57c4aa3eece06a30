/* Groups of draws.nc for what the model read: observed_data, and constant_data for the rest. Left
 * out where they would be large. */
#include "../runtime/model/dataset.h"
#include "save.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- observed_data ---- */

urn_status cli_save_observed(const cli_fitted *fitted, int64_t room, urn__io_nc *nc,
                             urn_error *error)
{
    const urn_model *model = fitted->model;
    int group = -1, var;
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info info;
        urn_model_site(model, i, &info);
        const bool seen = info.role == URN_SITE_OBSERVED && info.size > 0;
        const double *values = seen ? urn_model_observed(model, i) : NULL;
        room -= seen ? 8 * info.size : 0;
        if (values == NULL || room < 0)
            continue;
        if (group < 0)
            URN_TRY(urn__io_nc_group(nc, "observed_data", &group, error));
        URN_TRY(urn__io_nc_site(nc, group, model, i, NULL, 0, 0, 0, &var, error));
        URN_TRY(urn__io_nc_put_double(nc, group, var, NULL, NULL, values, error));
    }
    return URN_OK;
}

/* ---- constant_data ---- */

typedef struct constants {
    const cli_fitted *fitted;
    urn__io_nc *nc;
    int group; /* -1: not there yet */
    int64_t room;
    urn__arena *arena;
} constants;

/* Dims of a variable. A dim with a name is a plate. */
typedef struct shape {
    int rank;
    int64_t dims[URN__IO_NC_MAX_RANK];
    const char *plates[URN__IO_NC_MAX_RANK];
} shape;

static int64_t size_of(const shape *s)
{
    int64_t size = 1;
    for (int d = 0; d < s->rank; d++)
        size *= s->dims[d];
    return size;
}

static bool all_whole(const double *values, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (values[i] != rint(values[i]) || fabs(values[i]) > 9007199254740992.0)
            return false;
    return true;
}

/* A variable named as a dim would be taken for that dim's coordinates. */
static const char *name_of(const constants *c, const char *name, const char *suffix)
{
    urn_plate_info plate;
    size_t n = strlen(name);
    while (n > 1 && (name[n - 1] == '*' || name[n - 1] == '.' || name[n - 1] == '_') &&
           strchr(name, '*') != NULL)
        n--;
    const char *own = urn__arena_printf(c->arena, "%.*s%s", (int)n, name, suffix);
    return own != NULL && cli_plate_find(c->fitted->model, own, &plate)
               ? urn__arena_printf(c->arena, "%s_data", own)
               : own;
}

static urn_status put(constants *c, const char *name, const shape *s, const double *values,
                      urn_error *error)
{
    int dims[URN__IO_NC_MAX_RANK], var;
    const int64_t size = size_of(s);
    c->room -= 8 * size;
    if (name == NULL)
        return cli_fail_memory(error);
    if (c->room < 0 || size == 0)
        return URN_OK;
    if (c->group < 0)
        URN_TRY(urn__io_nc_group(c->nc, "constant_data", &c->group, error));
    if (urn__io_nc_find_var(c->nc, c->group, name) >= 0)
        return URN_OK; /* of another table: one is kept */
    for (int d = 0; d < s->rank; d++) {
        const char *own =
            urn__arena_printf(c->arena, "%s_dim_%d", name, d - (s->plates[0] != NULL));
        if (s->plates[d] != NULL)
            URN_TRY(urn__io_nc_plate(c->nc, c->group, c->fitted->model, s->plates[d], s->dims[d],
                                     &dims[d], error));
        else if (own != NULL)
            URN_TRY(urn__io_nc_dim(c->nc, c->group, own, s->dims[d], NULL, NULL, &dims[d], error));
        else
            return cli_fail_memory(error);
    }
    URN_TRY(urn__io_nc_var(c->nc, c->group, name,
                           all_whole(values, size) ? URN__IO_NC_INT : URN__IO_NC_DOUBLE, s->rank,
                           dims, 0, &var, error));
    return urn__io_nc_put_double(c->nc, c->group, var, NULL, NULL, values, error);
}

static bool rows_of(const constants *c, const char *table, urn_plate_info *rows)
{
    for (int i = 0; table != NULL && i < urn_model_plate_count(c->fitted->model); i++) {
        urn_model_plate(c->fitted->model, i, rows);
        if (strcmp(rows->kind, "rows") == 0 && rows->table != NULL &&
            strcmp(rows->table, table) == 0)
            return true;
    }
    return false;
}

/* Copies a column's values on the rows seen into column k of n; false for texts. */
static bool copy_column(const constants *c, const urn_plate_info *rows, const char *column,
                        double *to, int64_t k, int64_t n)
{
    const double *values = urn_dataset_values(c->fitted->data, rows->table, column);
    for (int64_t r = 0; values != NULL && r < rows->size; r++)
        to[r * n + k] = values[urn_model_table_row(c->fitted->model, rows->name, r)];
    return values != NULL;
}

static urn_status put_columns(constants *c, const urn_data_info *info, urn_error *error)
{
    enum { MOST = 4096 };
    urn_plate_info rows;
    const urn_dataset *data = c->fitted->data;
    const bool matrix = strcmp(info->kind, "columns") == 0;
    const char *names[MOST] = {info->name};
    if (!rows_of(c, info->table, &rows))
        return URN_OK;
    int n = 1;
    if (matrix)
        n = urn__dataset_match(data, urn__dataset_table(data, info->table), info->name, names,
                               MOST);
    if (n > MOST || 8 * rows.size * n > c->room)
        return URN_OK;
    double *values = malloc(((size_t)(rows.size * n) + 1) * sizeof *values);
    if (values == NULL)
        return cli_fail_memory(error);
    bool numbers = true;
    for (int k = 0; k < n && numbers; k++)
        numbers = copy_column(c, &rows, names[k], values, k, n);
    const shape s = {.rank = matrix ? 2 : 1, .dims = {rows.size, n}, .plates = {rows.name}};
    const urn_status status =
        numbers ? put(c, name_of(c, info->name, ""), &s, values, error) : URN_OK;
    free(values);
    return status;
}

/* Ids as positions among the plate's, whose coordinates are the ids themselves. */
static urn_status put_index(constants *c, const urn_data_info *info, urn_error *error)
{
    urn_plate_info rows, ids;
    const int32_t *codes = NULL;
    int dim;
    if (!rows_of(c, info->table, &rows) || !cli_plate_find(c->fitted->model, info->name, &ids) ||
        strcmp(ids.kind, "ids") != 0)
        return put_columns(c, info, error);
    if (8 * (rows.size + ids.size) > c->room)
        return URN_OK;
    URN_TRY(cli_codes(c->fitted->data, c->fitted->model, &rows, &ids, c->arena, &codes, error));
    double *values =
        codes != NULL ? urn__arena_alloc(c->arena, (size_t)rows.size + 1, sizeof *values) : NULL;
    if (codes == NULL)
        return URN_OK;
    if (values == NULL)
        return cli_fail_memory(error);
    for (int64_t r = 0; r < rows.size; r++)
        values[r] = codes[r];
    const shape s = {.rank = 1, .dims = {rows.size}, .plates = {rows.name}};
    URN_TRY(put(c, name_of(c, info->name, "_idx"), &s, values, error));
    return c->group < 0 ? URN_OK
                        : urn__io_nc_plate(c->nc, c->group, c->fitted->model, ids.name, ids.size,
                                           &dim, error);
}

static urn_status put_entry(constants *c, const urn_data_info *info, urn_error *error)
{
    const int64_t *dims = NULL;
    shape s = {0};
    const double *values = urn__dataset_array(c->fitted->data, info->name, &s.rank, &dims);
    if (values == NULL || s.rank > URN__IO_NC_MAX_RANK)
        return URN_OK;
    for (int d = 0; d < s.rank; d++)
        s.dims[d] = dims[d];
    return put(c, name_of(c, info->name, ""), &s, values, error);
}

static urn_status put_mean(constants *c, const urn_data_info *info, urn_error *error)
{
    double mean;
    const shape s = {0};
    const urn_dataset *data = c->fitted->data;
    URN_TRY(
        urn__dataset_mean(data, urn__dataset_table(data, info->table), info->name, &mean, error));
    return put(c, name_of(c, info->name, "_mean"), &s, &mean, error);
}

static urn_status put_read(constants *c, int i, urn_error *error)
{
    urn_data_info info;
    urn_model_data(c->fitted->model, i, &info);
    if (info.observed != NULL)
        return URN_OK;
    if (strcmp(info.kind, "mean") == 0)
        return put_mean(c, &info, error);
    if (strcmp(info.kind, "index") == 0)
        return put_index(c, &info, error);
    return info.table != NULL ? put_columns(c, &info, error) : put_entry(c, &info, error);
}

urn_status cli_save_constant(const cli_fitted *fitted, int64_t room, urn__io_nc *nc,
                             urn_error *error)
{
    constants c = {.fitted = fitted, .nc = nc, .group = -1, .room = room};
    c.arena = urn__arena_new(NULL);
    urn_status status = c.arena != NULL ? URN_OK : cli_fail_memory(error);
    for (int i = 0; i < urn_model_data_count(fitted->model) && status == URN_OK; i++)
        status = put_read(&c, i, error);
    urn__arena_free(c.arena);
    return status;
}
