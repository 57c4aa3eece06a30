/* Reading netCDF-4 files. */
#include "nc.h"

#include <errno.h>
#include <fcntl.h>
#include <netcdf.h>
#include <string.h>
#include <unistd.h>

urn_status urn__io_nc_open(const char *path, const urn_allocator *allocator, urn__io_nc **nc,
                           urn_error *error)
{
    *nc = NULL;
    const int file =
        open(path, O_RDONLY | O_CLOEXEC); /* for a plain reason: libnetcdf has its own */
    if (file < 0)
        return urn__io_fail_errno(error, path, "read this file", errno);
    close(file);
    urn__io_nc *made = urn__calloc(allocator, 1, sizeof *made);
    if (!made)
        return urn__fail_memory(error, path, sizeof *made);
    *made = (urn__io_nc){.allocator = allocator, .id = -1, .n_groups = 1};
    made->arena = urn__arena_new(allocator);
    if (made->arena)
        made->path = urn__arena_strdup(made->arena, path);
    if (!made->path) {
        urn__io_nc_close(made);
        return urn__fail_memory(error, path, sizeof *made);
    }
    const int status = nc_open(path, NC_NOWRITE, &made->id);
    if (status != NC_NOERR) {
        made->id = -1;
        urn__fail(error, URN_ERR_IO, path, NULL, NULL,
                  "this is not a netCDF file, or it is damaged: %s", nc_strerror(status));
        urn__io_nc_close(made);
        return URN_ERR_IO;
    }
    made->groups[0] = made->id;
    *nc = made;
    return URN_OK;
}

int urn__io_nc_find_group(urn__io_nc *nc, const char *name)
{
    int id;
    if (nc_inq_ncid(nc->id, name, &id) != NC_NOERR)
        return -1;
    for (int i = 0; i < nc->n_groups; i++)
        if (nc->groups[i] == id)
            return i;
    if (nc->n_groups == URN__IO_NC_MAX_GROUPS)
        return -1;
    nc->groups[nc->n_groups] = id;
    return nc->n_groups++;
}

int urn__io_nc_find_var(urn__io_nc *nc, int group, const char *name)
{
    int var;
    return nc_inq_varid(urn__io_nc_id(nc, group), name, &var) == NC_NOERR ? var : -1;
}

/* A variable with the name of a dim of its group holds that dim's coordinates. */
static bool is_coordinate(int id, int var, const char *name)
{
    int rank, dim, own;
    return nc_inq_varndims(id, var, &rank) == NC_NOERR && rank == 1 &&
           nc_inq_vardimid(id, var, &own) == NC_NOERR && nc_inq_dimid(id, name, &dim) == NC_NOERR &&
           dim == own;
}

int urn__io_nc_var_at(urn__io_nc *nc, int group, int i, const char **name)
{
    const int id = urn__io_nc_id(nc, group);
    int n = 0;
    char own[NC_MAX_NAME + 1];
    if (nc_inq_nvars(id, &n) != NC_NOERR)
        return -1;
    for (int var = 0; var < n; var++) {
        if (nc_inq_varname(id, var, own) != NC_NOERR || is_coordinate(id, var, own) || i-- > 0)
            continue;
        if (name)
            *name = urn__arena_strdup(nc->arena, own);
        return var;
    }
    return -1;
}

urn_status urn__io_nc_shape_of(urn__io_nc *nc, int group, int var, urn__io_nc_shape *shape,
                               urn_error *error)
{
    const int id = urn__io_nc_id(nc, group);
    char name[NC_MAX_NAME + 1];
    int dims[NC_MAX_VAR_DIMS];
    *shape = (urn__io_nc_shape){.size = 1};
    int status = nc_inq_var(id, var, name, NULL, &shape->rank, dims, NULL);
    if (status == NC_NOERR && shape->rank > URN__IO_NC_MAX_RANK)
        return urn__fail(error, URN_ERR_DATA, nc->path, NULL, NULL,
                         "variable \"%s\" has %d dimensions, at most %d are possible", name,
                         shape->rank, URN__IO_NC_MAX_RANK);
    shape->name = status == NC_NOERR ? urn__arena_strdup(nc->arena, name) : NULL;
    for (int i = 0; status == NC_NOERR && i < shape->rank; i++) {
        size_t size = 0;
        status = nc_inq_dim(id, dims[i], name, &size);
        shape->dims[i] = (int64_t)size;
        shape->dim_names[i] = urn__arena_strdup(nc->arena, name);
        shape->size *= shape->dims[i];
    }
    if (status == NC_NOERR && urn__arena_failed(nc->arena))
        status = NC_ENOMEM;
    return status == NC_NOERR ? URN_OK : urn__io_nc_fail(nc, "a variable", status, error);
}

static urn_status fail_var(const urn__io_nc *nc, int group, int var, int status, urn_error *error)
{
    char name[NC_MAX_NAME + 1] = "";
    nc_inq_varname(urn__io_nc_id(nc, group), var, name);
    return urn__io_nc_fail(nc, name, status, error);
}

/* Start and size of a block; all of the variable without `start`. */
static int block(int id, int var, const int64_t *start, const int64_t *count, size_t from[],
                 size_t size[])
{
    int rank = 0, dims[NC_MAX_VAR_DIMS];
    int status = nc_inq_varndims(id, var, &rank);
    if (status == NC_NOERR)
        status = nc_inq_vardimid(id, var, dims);
    for (int i = 0; status == NC_NOERR && i < rank; i++) {
        from[i] = start ? (size_t)start[i] : 0;
        if (start)
            size[i] = (size_t)count[i];
        else
            status = nc_inq_dimlen(id, dims[i], &size[i]);
    }
    return status;
}

urn_status urn__io_nc_get_double(urn__io_nc *nc, int group, int var, const int64_t *start,
                                 const int64_t *count, double *values, urn_error *error)
{
    const int id = urn__io_nc_id(nc, group);
    size_t from[NC_MAX_VAR_DIMS], size[NC_MAX_VAR_DIMS];
    int status = block(id, var, start, count, from, size);
    if (status == NC_NOERR)
        status = nc_get_vara_double(id, var, from, size, values);
    return status == NC_NOERR ? URN_OK : fail_var(nc, group, var, status, error);
}

urn_status urn__io_nc_get_int(urn__io_nc *nc, int group, int var, const int64_t *start,
                              const int64_t *count, int64_t *values, urn_error *error)
{
    const int id = urn__io_nc_id(nc, group);
    size_t from[NC_MAX_VAR_DIMS], size[NC_MAX_VAR_DIMS];
    int status = block(id, var, start, count, from, size);
    if (status == NC_NOERR)
        status = nc_get_vara_longlong(id, var, from, size, (void *)values);
    return status == NC_NOERR ? URN_OK : fail_var(nc, group, var, status, error);
}

static int text_labels(urn__io_nc *nc, int id, int var, size_t n, const char *const **texts)
{
    char **loaded = urn__arena_alloc(nc->arena, n, sizeof *loaded);
    const char **kept = urn__arena_alloc(nc->arena, n, sizeof *kept);
    if (!loaded || !kept)
        return NC_ENOMEM;
    const int status = nc_get_var_string(id, var, loaded);
    if (status != NC_NOERR)
        return status;
    for (size_t i = 0; i < n; i++)
        kept[i] = urn__arena_strdup(nc->arena, loaded[i] ? loaded[i] : "");
    nc_free_string(n, loaded);
    *texts = kept;
    return urn__arena_failed(nc->arena) ? NC_ENOMEM : NC_NOERR;
}

urn_status urn__io_nc_labels(urn__io_nc *nc, int group, const char *dim, int64_t *n,
                             const int64_t **ints, const char *const **texts, urn_error *error)
{
    const int id = urn__io_nc_id(nc, group);
    int dim_id, var;
    size_t size = 0;
    nc_type type = NC_NAT;
    *ints = NULL;
    *texts = NULL;
    int status = nc_inq_dimid(id, dim, &dim_id);
    if (status == NC_NOERR)
        status = nc_inq_dimlen(id, dim_id, &size);
    if (status != NC_NOERR)
        return urn__io_nc_fail(nc, dim, status, error);
    *n = (int64_t)size;
    if (size == 0 || nc_inq_varid(id, dim, &var) != NC_NOERR || !is_coordinate(id, var, dim))
        return URN_OK;
    status = nc_inq_vartype(id, var, &type);
    if (status == NC_NOERR && type == NC_STRING) {
        status = text_labels(nc, id, var, size, texts);
    } else if (status == NC_NOERR && type != NC_CHAR) {
        int64_t *values = urn__arena_alloc(nc->arena, size, sizeof *values);
        status = values ? nc_get_var_longlong(id, var, (void *)values) : NC_ENOMEM;
        *ints = values;
    }
    return status == NC_NOERR ? URN_OK : urn__io_nc_fail(nc, dim, status, error);
}

urn_status urn__io_nc_get_text(urn__io_nc *nc, int group, int var, const char *name,
                               const char **value, urn_error *error)
{
    const int id = urn__io_nc_id(nc, group), owner = var < 0 ? NC_GLOBAL : var;
    nc_type type;
    size_t n;
    *value = NULL;
    if (nc_inq_att(id, owner, name, &type, &n) != NC_NOERR || type != NC_CHAR)
        return URN_OK;
    char *text = urn__arena_alloc(nc->arena, n + 1, 1);
    if (!text)
        return urn__fail_memory(error, nc->path, n + 1);
    const int status = nc_get_att_text(id, owner, name, text);
    if (status != NC_NOERR)
        return urn__io_nc_fail(nc, name, status, error);
    *value = text;
    return URN_OK;
}

double urn__io_nc_get_real(urn__io_nc *nc, int group, int var, const char *name, double fallback)
{
    const int id = urn__io_nc_id(nc, group), owner = var < 0 ? NC_GLOBAL : var;
    nc_type type;
    size_t n;
    double value;
    if (nc_inq_att(id, owner, name, &type, &n) != NC_NOERR || type == NC_CHAR || n != 1 ||
        nc_get_att_double(id, owner, name, &value) != NC_NOERR)
        return fallback;
    return value;
}
