/* Writing netCDF-4 files. libnetcdf stores no object times, so equal calls give equal bytes. The
 * file is built in memory and written by ourselves: HDF5 takes a full disk badly (a failed flush
 * keeps the file open, and the library faults when the process ends). */
#include "nc.h"

#include <netcdf.h>
#include <netcdf_mem.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 20, FIRST_BYTES = 1 << 16 };

urn_status urn__io_nc_fail(const urn__io_nc *nc, const char *name, int status, urn_error *error)
{
    if (status == NC_ENOMEM)
        return urn__fail_memory(error, nc->path, FIRST_BYTES);
    return urn__fail(error, URN_ERR_IO, nc->path, NULL, NULL, "cannot %s \"%s\": %s",
                     nc->file ? "write" : "read", name, nc_strerror(status));
}

int urn__io_nc_id(const urn__io_nc *nc, int group)
{
    return nc->groups[group];
}

urn_status urn__io_nc_create(const char *path, const urn_allocator *allocator, urn__io_nc **nc,
                             urn_error *error)
{
    *nc = NULL;
    urn__io_nc *made = urn__calloc(allocator, 1, sizeof *made);
    if (!made)
        return urn__fail_memory(error, path, sizeof *made);
    *made = (urn__io_nc){.allocator = allocator, .id = -1, .n_groups = 1};
    made->arena = urn__arena_new(allocator);
    if (made->arena)
        made->path = urn__arena_strdup(made->arena, path);
    urn_status status = made->path ? urn__io_file_open(path, allocator, &made->file, error)
                                   : urn__fail_memory(error, path, sizeof *made);
    if (status == URN_OK) {
        const int created = nc_create_mem("draws", NC_NETCDF4, FIRST_BYTES, &made->id);
        if (created != NC_NOERR) {
            made->id = -1;
            status = urn__io_nc_fail(made, path, created, error);
        }
    }
    if (status != URN_OK) {
        urn__io_nc_close(made);
        return status;
    }
    made->groups[0] = made->id;
    *nc = made;
    return URN_OK;
}

urn_status urn__io_nc_group(urn__io_nc *nc, const char *name, int *group, urn_error *error)
{
    if (nc->n_groups == URN__IO_NC_MAX_GROUPS)
        return urn__fail(error, URN_ERR_INTERNAL, nc->path, NULL, NULL,
                         "more than %d groups in a file", URN__IO_NC_MAX_GROUPS);
    const int status = nc_def_grp(nc->id, name, &nc->groups[nc->n_groups]);
    if (status != NC_NOERR)
        return urn__io_nc_fail(nc, name, status, error);
    *group = nc->n_groups++;
    return URN_OK;
}

static int put_labels(int id, int var, int64_t size, const int64_t *ints, const char *const *texts,
                      urn__arena *arena)
{
    if (texts) {
        const char **borrowed = urn__arena_alloc(arena, (size_t)size, sizeof *borrowed);
        if (!borrowed)
            return NC_ENOMEM;
        memcpy(borrowed, texts, (size_t)size * sizeof *texts);
        return nc_put_var_string(id, var, borrowed);
    }
    long long *values = urn__arena_alloc(arena, (size_t)size, sizeof *values);
    if (!values)
        return NC_ENOMEM;
    for (int64_t i = 0; i < size; i++)
        values[i] = ints ? ints[i] : i;
    return nc_put_var_longlong(id, var, values);
}

/* A dim of the group itself: nc_inq_dimid would also find those of the root. */
static bool own_dim(int id, const char *name, int *dim, size_t *size)
{
    int n = 0, parent = 0;
    if (nc_inq_dimid(id, name, dim) != NC_NOERR || nc_inq_dimlen(id, *dim, size) != NC_NOERR)
        return false;
    if (nc_inq_grp_parent(id, &parent) != NC_NOERR) /* this is the root */
        return true;
    return nc_inq_dimid(parent, name, &n) != NC_NOERR || n != *dim;
}

urn_status urn__io_nc_dim(urn__io_nc *nc, int group, const char *name, int64_t size,
                          const int64_t *ints, const char *const *texts, int *dim, urn_error *error)
{
    const int id = urn__io_nc_id(nc, group);
    size_t present = 0;
    if (size < 1)
        return urn__fail(error, URN_ERR_DATA, nc->path, NULL, NULL,
                         "dimension \"%s\" has size %lld, expected at least 1", name,
                         (long long)size);
    if (own_dim(id, name, dim, &present)) {
        if (present == (size_t)size)
            return URN_OK;
        return urn__fail(error, URN_ERR_INTERNAL, nc->path, NULL, NULL,
                         "dimension \"%s\" has sizes %zu and %lld in one group", name, present,
                         (long long)size);
    }
    int var;
    int status = nc_def_dim(id, name, (size_t)size, dim);
    if (status == NC_NOERR)
        status = nc_def_var(id, name, texts ? NC_STRING : NC_INT64, 1, dim, &var);
    if (status == NC_NOERR)
        status = put_labels(id, var, size, ints, texts, nc->arena);
    return status == NC_NOERR ? URN_OK : urn__io_nc_fail(nc, name, status, error);
}

/* Compressed blocks: whole rows of the last dims, cut from the first dims on. */
static int set_deflate(int id, int var, int rank, const int *dims, int deflate)
{
    size_t chunks[URN__IO_NC_MAX_RANK], size = sizeof(double);
    for (int i = 0; i < rank; i++) {
        const int status = nc_inq_dimlen(id, dims[i], &chunks[i]);
        if (status != NC_NOERR)
            return status;
        size *= chunks[i];
    }
    for (int i = 0; i < rank; i++)
        while (size > CHUNK_BYTES && chunks[i] > 1) {
            size = size / chunks[i] * ((chunks[i] + 1) / 2);
            chunks[i] = (chunks[i] + 1) / 2;
        }
    const int status = nc_def_var_chunking(id, var, NC_CHUNKED, chunks);
    return status == NC_NOERR ? nc_def_var_deflate(id, var, 1, 1, deflate) : status;
}

urn_status urn__io_nc_var(urn__io_nc *nc, int group, const char *name, urn__io_nc_type type,
                          int rank, const int *dims, int deflate, int *var, urn_error *error)
{
    static const nc_type types[] = {NC_DOUBLE, NC_INT64, NC_BYTE};
    const int id = urn__io_nc_id(nc, group);
    if (rank < 0 || rank > URN__IO_NC_MAX_RANK)
        return urn__fail(error, URN_ERR_INTERNAL, nc->path, NULL, NULL,
                         "variable \"%s\" has %d dimensions, at most %d are possible", name, rank,
                         URN__IO_NC_MAX_RANK);
    int status = nc_def_var(id, name, types[type], rank, dims, var);
    if (status == NC_NOERR && deflate > 0 && rank > 0)
        status = set_deflate(id, *var, rank, dims, deflate);
    if (status == NC_NOERR && type == URN__IO_NC_BOOL) /* xarray's way of saying it */
        status = nc_put_att_text(id, *var, "dtype", 4, "bool");
    return status == NC_NOERR ? URN_OK : urn__io_nc_fail(nc, name, status, error);
}

/* Names the variable in the message. */
static urn_status fail_var(const urn__io_nc *nc, int group, int var, int status, urn_error *error)
{
    char name[NC_MAX_NAME + 1] = "";
    nc_inq_varname(urn__io_nc_id(nc, group), var, name);
    return urn__io_nc_fail(nc, name, status, error);
}

static void block(const int64_t *start, const int64_t *count, int rank, size_t from[],
                  size_t size[])
{
    for (int i = 0; i < rank; i++) {
        from[i] = (size_t)start[i];
        size[i] = (size_t)count[i];
    }
}

urn_status urn__io_nc_put_double(urn__io_nc *nc, int group, int var, const int64_t *start,
                                 const int64_t *count, const double *values, urn_error *error)
{
    const int id = urn__io_nc_id(nc, group);
    size_t from[URN__IO_NC_MAX_RANK], size[URN__IO_NC_MAX_RANK];
    int rank = 0, status = NC_NOERR;
    if (start)
        status = nc_inq_varndims(id, var, &rank);
    if (start && status == NC_NOERR)
        block(start, count, rank, from, size);
    if (status == NC_NOERR)
        status = start ? nc_put_vara_double(id, var, from, size, values)
                       : nc_put_var_double(id, var, values);
    return status == NC_NOERR ? URN_OK : fail_var(nc, group, var, status, error);
}

_Static_assert(sizeof(long long) == sizeof(int64_t),
               "libnetcdf takes 64-bit integers as long long");

urn_status urn__io_nc_put_int(urn__io_nc *nc, int group, int var, const int64_t *start,
                              const int64_t *count, const int64_t *values, urn_error *error)
{
    const int id = urn__io_nc_id(nc, group);
    const long long *wide = (const void *)values;
    size_t from[URN__IO_NC_MAX_RANK], size[URN__IO_NC_MAX_RANK];
    int rank = 0, status = NC_NOERR;
    if (start)
        status = nc_inq_varndims(id, var, &rank);
    if (start && status == NC_NOERR)
        block(start, count, rank, from, size);
    if (status == NC_NOERR)
        status = start ? nc_put_vara_longlong(id, var, from, size, wide)
                       : nc_put_var_longlong(id, var, wide);
    return status == NC_NOERR ? URN_OK : fail_var(nc, group, var, status, error);
}

urn_status urn__io_nc_attr_text(urn__io_nc *nc, int group, int var, const char *name,
                                const char *value, urn_error *error)
{
    const int status = nc_put_att_text(urn__io_nc_id(nc, group), var < 0 ? NC_GLOBAL : var, name,
                                       strlen(value), value);
    return status == NC_NOERR ? URN_OK : urn__io_nc_fail(nc, name, status, error);
}

urn_status urn__io_nc_attr_real(urn__io_nc *nc, int group, int var, const char *name, double value,
                                urn_error *error)
{
    const int status = nc_put_att_double(urn__io_nc_id(nc, group), var < 0 ? NC_GLOBAL : var, name,
                                         NC_DOUBLE, 1, &value);
    return status == NC_NOERR ? URN_OK : urn__io_nc_fail(nc, name, status, error);
}

urn_status urn__io_nc_attr_int(urn__io_nc *nc, int group, int var, const char *name, int64_t value,
                               urn_error *error)
{
    const long long wide = value;
    const int status = nc_put_att_longlong(urn__io_nc_id(nc, group), var < 0 ? NC_GLOBAL : var,
                                           name, NC_INT64, 1, &wide);
    return status == NC_NOERR ? URN_OK : urn__io_nc_fail(nc, name, status, error);
}

urn_status urn__io_nc_commit(urn__io_nc *nc, urn_error *error)
{
    NC_memio image = {0};
    urn_status status = URN_OK;
    const int closed = nc_close_memio(nc->id, &image);
    nc->id = -1;
    if (closed != NC_NOERR) {
        status = urn__io_nc_fail(nc, nc->path, closed, error);
    } else {
        urn__io_file_write(nc->file, image.memory, image.size);
        status = urn__io_file_commit(nc->file, error);
        nc->file = NULL;
    }
    free(image.memory);
    urn__io_nc_close(nc);
    return status;
}

void urn__io_nc_close(urn__io_nc *nc)
{
    if (!nc)
        return;
    if (nc->id >= 0)
        nc_close(nc->id);
    urn__io_file_abort(nc->file);
    if (nc->arena)
        urn__arena_free(nc->arena);
    urn__free(nc->allocator, nc);
}
