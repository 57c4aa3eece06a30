/* Variables for the sites of a model: which dims they have and how they are labelled. */
#include "nc.h"

#include <stdio.h>
#include <string.h>

/* A dim whose name a variable has too would be taken for that variable's coordinates. */
static const char *dim_name(urn__io_nc *nc, const urn_model *model, const char *plate)
{
    char *name = urn__arena_strdup(nc->arena, plate);
    if (!name)
        return NULL;
    for (char *p = name; *p; p++)
        if (*p == '/') /* netCDF's separator of groups */
            *p = '_';
    const bool taken = urn_model_site_find(model, name) >= 0 || strcmp(name, "chain") == 0 ||
                       strcmp(name, "draw") == 0;
    return taken ? urn__arena_printf(nc->arena, "%s_plate", name) : name;
}

static bool find_plate(const urn_model *model, const char *name, urn_plate_info *info)
{
    for (int i = 0; i < urn_model_plate_count(model); i++) {
        urn_model_plate(model, i, info);
        if (strcmp(info->name, name) == 0)
            return true;
    }
    return false;
}

/* Rows plates are labelled with the table's rows, which differ from 0 .. n - 1 in views of it. */
static const int64_t *row_labels(urn__io_nc *nc, const urn_model *model, const char *plate,
                                 int64_t size)
{
    int64_t *rows = urn__arena_alloc(nc->arena, (size_t)size, sizeof *rows);
    for (int64_t r = 0; rows && r < size; r++)
        rows[r] = urn_model_table_row(model, plate, r);
    return rows;
}

static urn_status plate_dim(urn__io_nc *nc, int group, const urn_model *model, const char *plate,
                            int64_t size, bool again, int *dim, urn_error *error)
{
    urn_plate_info info = {0};
    const bool known = find_plate(model, plate, &info) && info.size == size;
    const int64_t *ints = known ? info.int_labels : NULL;
    const char *name = dim_name(nc, model, plate);
    if (name && again)
        name = urn__arena_printf(nc->arena, "%s_1", name);
    if (known && strcmp(info.kind, "rows") == 0)
        ints = row_labels(nc, model, plate, size);
    if (!name || urn__arena_failed(nc->arena))
        return urn__fail_memory(error, nc->path, (size_t)size * sizeof *ints);
    return urn__io_nc_dim(nc, group, name, size, ints, known && !ints ? info.text_labels : NULL,
                          dim, error);
}

urn_status urn__io_nc_plate(urn__io_nc *nc, int group, const urn_model *model, const char *plate,
                            int64_t size, int *dim, urn_error *error)
{
    return plate_dim(nc, group, model, plate, size, false, dim, error);
}

/* Over chain and draw (if draws > 0) and the first n_dims dims of the site. */
static urn_status define_over(urn__io_nc *nc, int group, const urn_model *model, int site,
                              const char *name, int n_dims, urn__io_nc_type type, int64_t chains,
                              int64_t draws, int deflate, int *var, urn_error *error)
{
    urn_site_info info;
    int dims[URN__IO_NC_MAX_RANK], rank = 0;
    urn_model_site(model, site, &info);
    if (draws > 0) {
        URN_TRY(urn__io_nc_dim(nc, group, "chain", chains, NULL, NULL, &dims[rank++], error));
        URN_TRY(urn__io_nc_dim(nc, group, "draw", draws, NULL, NULL, &dims[rank++], error));
    }
    for (int i = 0; i < n_dims; i++) {
        if (i < info.n_plates) {
            bool again = false;
            for (int k = 0; k < i; k++)
                again = again || strcmp(info.plates[k], info.plates[i]) == 0;
            URN_TRY(plate_dim(nc, group, model, info.plates[i], info.dims[i], again, &dims[rank++],
                              error));
        } else {
            const char *own = urn__arena_printf(nc->arena, "%s_dim_%d", name, i - info.n_plates);
            if (!own)
                return urn__fail_memory(error, nc->path, strlen(name) + 8);
            URN_TRY(urn__io_nc_dim(nc, group, own, info.dims[i], NULL, NULL, &dims[rank++], error));
        }
    }
    return urn__io_nc_var(nc, group, name, type, rank, dims, deflate, var, error);
}

urn_status urn__io_nc_site(urn__io_nc *nc, int group, const urn_model *model, int site,
                           const char *name, int64_t chains, int64_t draws, int deflate, int *var,
                           urn_error *error)
{
    urn_site_info info;
    urn_model_site(model, site, &info);
    const bool discrete = info.family && info.family->support()->discrete;
    return define_over(nc, group, model, site, name ? name : info.name, info.n_dims,
                       discrete ? URN__IO_NC_INT : URN__IO_NC_DOUBLE, chains, draws, deflate, var,
                       error);
}

urn_status urn__io_nc_site_rows(urn__io_nc *nc, int group, const urn_model *model, int site,
                                int64_t chains, int64_t draws, int *var, urn_error *error)
{
    urn_site_info info;
    urn_model_site(model, site, &info);
    return define_over(nc, group, model, site, info.name, info.n_plates, URN__IO_NC_DOUBLE, chains,
                       draws, 0, var, error);
}
