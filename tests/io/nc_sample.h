/* The netCDF file of the tests: what an SVI fit would write, small. */
#ifndef URN_TESTS_IO_NC_SAMPLE_H
#define URN_TESTS_IO_NC_SAMPLE_H

#include "io/io.h"
#include "runtime/base/base.h"

enum { SAMPLE_CHAINS = 2, SAMPLE_DRAWS = 50, SAMPLE_USERS = 3, SAMPLE_DIM = 2 };

/* Value of U[user, k] in a draw; anything that tells the elements apart and varies over draws. */
static inline double sample_value(int chain, int draw, int user, int k)
{
    return 100.0 * chain + 10.0 * user + k + 0.01 * ((draw * 37) % SAMPLE_DRAWS);
}

static inline urn_status write_posterior(urn__io_nc *nc, int deflate, urn_error *error)
{
    static const char *const users[] = {"ann", "b\xC3\xA9\x61", "c d"};
    int group, dims[4], U, scale;
    URN_TRY(urn__io_nc_group(nc, "posterior", &group, error));
    URN_TRY(urn__io_nc_dim(nc, group, "chain", SAMPLE_CHAINS, NULL, NULL, &dims[0], error));
    URN_TRY(urn__io_nc_dim(nc, group, "draw", SAMPLE_DRAWS, NULL, NULL, &dims[1], error));
    URN_TRY(urn__io_nc_dim(nc, group, "user", SAMPLE_USERS, NULL, users, &dims[2], error));
    URN_TRY(urn__io_nc_dim(nc, group, "U_dim_0", SAMPLE_DIM, NULL, NULL, &dims[3], error));
    URN_TRY(urn__io_nc_var(nc, group, "U", URN__IO_NC_DOUBLE, 4, dims, deflate, &U, error));
    URN_TRY(
        urn__io_nc_var(nc, group, "obs_scale", URN__IO_NC_DOUBLE, 2, dims, deflate, &scale, error));
    for (int c = 0; c < SAMPLE_CHAINS; c++)
        for (int d = 0; d < SAMPLE_DRAWS; d++) {
            double values[SAMPLE_USERS * SAMPLE_DIM];
            const int64_t start[] = {c, d, 0, 0}, count[] = {1, 1, SAMPLE_USERS, SAMPLE_DIM};
            for (int u = 0; u < SAMPLE_USERS; u++)
                for (int k = 0; k < SAMPLE_DIM; k++)
                    values[u * SAMPLE_DIM + k] = sample_value(c, d, u, k);
            URN_TRY(urn__io_nc_put_double(nc, group, U, start, count, values, error));
            const double one = 1.0 + 0.02 * ((d * 31) % SAMPLE_DRAWS);
            URN_TRY(urn__io_nc_put_double(nc, group, scale, start, count, &one, error));
        }
    return urn__io_nc_attr_text(nc, group, -1, "inference_library", "urn", error);
}

static inline urn_status write_stats(urn__io_nc *nc, urn_error *error)
{
    int64_t depth[SAMPLE_CHAINS * SAMPLE_DRAWS], diverging[SAMPLE_CHAINS * SAMPLE_DRAWS];
    int group, dims[2], var;
    for (int i = 0; i < SAMPLE_CHAINS * SAMPLE_DRAWS; i++) {
        depth[i] = i % 7;
        diverging[i] = i % 10 == 0;
    }
    URN_TRY(urn__io_nc_group(nc, "sample_stats", &group, error));
    URN_TRY(urn__io_nc_dim(nc, group, "chain", SAMPLE_CHAINS, NULL, NULL, &dims[0], error));
    URN_TRY(urn__io_nc_dim(nc, group, "draw", SAMPLE_DRAWS, NULL, NULL, &dims[1], error));
    URN_TRY(urn__io_nc_var(nc, group, "tree_depth", URN__IO_NC_INT, 2, dims, 0, &var, error));
    URN_TRY(urn__io_nc_put_int(nc, group, var, NULL, NULL, depth, error));
    URN_TRY(urn__io_nc_var(nc, group, "diverging", URN__IO_NC_BOOL, 2, dims, 0, &var, error));
    return urn__io_nc_put_int(nc, group, var, NULL, NULL, diverging, error);
}

static inline urn_status write_guide(urn__io_nc *nc, urn_error *error)
{
    static const int64_t items[] = {7, 9007199254740993};
    static const double loc[] = {0.25, -0.5}, elbo = -123.5;
    int group, dim, var;
    URN_TRY(urn__io_nc_group(nc, "guide", &group, error));
    URN_TRY(urn__io_nc_dim(nc, group, "item", 2, items, NULL, &dim, error));
    URN_TRY(urn__io_nc_var(nc, group, "loc", URN__IO_NC_DOUBLE, 1, &dim, 0, &var, error));
    URN_TRY(urn__io_nc_put_double(nc, group, var, NULL, NULL, loc, error));
    URN_TRY(urn__io_nc_var(nc, group, "elbo", URN__IO_NC_DOUBLE, 0, NULL, 0, &var, error));
    URN_TRY(urn__io_nc_put_double(nc, group, var, NULL, NULL, &elbo, error));
    URN_TRY(urn__io_nc_attr_text(nc, group, var, "unit", "nat", error));
    URN_TRY(urn__io_nc_attr_real(nc, group, -1, "lr", 0.001, error));
    return urn__io_nc_attr_int(nc, group, -1, "steps", 3000, error);
}

/* Writes all of it; nothing stays behind on failure. */
static inline urn_status write_sample(const char *path, int deflate, const urn_allocator *allocator,
                                      urn_error *error)
{
    urn__io_nc *nc = NULL;
    URN_TRY(urn__io_nc_create(path, allocator, &nc, error));
    urn_status status = write_posterior(nc, deflate, error);
    if (status == URN_OK)
        status = write_stats(nc, error);
    if (status == URN_OK)
        status = write_guide(nc, error);
    if (status == URN_OK)
        return urn__io_nc_commit(nc, error);
    urn__io_nc_close(nc);
    return status;
}

#endif
