/* What the netCDF files share. Private to io. */
#ifndef URN_IO_NC_H
#define URN_IO_NC_H

#include "parts.h"

enum { URN__IO_NC_MAX_GROUPS = 32 };

struct urn__io_nc {
    const urn_allocator *allocator;
    urn__arena *arena;
    const char *path;
    urn__io_file *file; /* under construction; NULL for a file that is read */
    int id;             /* libnetcdf's, -1 when closed */
    int n_groups;
    int groups[URN__IO_NC_MAX_GROUPS]; /* libnetcdf's ids; 0 is the root */
};

/* The error of a libnetcdf status. */
urn_status urn__io_nc_fail(const urn__io_nc *nc, const char *name, int status, urn_error *error);
/* libnetcdf's id of a group. */
int urn__io_nc_id(const urn__io_nc *nc, int group);

#endif
