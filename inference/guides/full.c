/* One normal over all coordinates, by a Cholesky factor: exact for a normal posterior. */
#include "guides.h"

/* A row of the factor is at most a piece of work; beyond, a step of it costs far more than most
 * densities, and the factor takes hundreds of megabytes. */
#define MOST_COORDINATES URN__CHUNK

static urn_status lay_out(const urn__target *target, int64_t rank, urn_normal_block *blocks,
                          urn__layout *layout, urn_error *error)
{
    const double n = (double)target->size;
    (void)rank;
    if (target->size > MOST_COORDINATES)
        return urn__fail(
            error, URN_ERR_USAGE, NULL, NULL,
            "use --guide rows (covariances within the rows of sites) or --guide low-rank",
            "--guide full learns a covariance of all coordinates, at most %d of them, but the "
            "model has %lld: %.3g numbers, %.3g GB with the optimiser's",
            MOST_COORDINATES, (long long)target->size, n * (n - 1.0) / 2.0,
            3.0 * 8.0 * n * (n - 1.0) / 2.0 / 1e9);
    blocks[0] = (urn_normal_block){0, 1, target->size};
    layout->n_blocks = 1;
    return URN_OK;
}

const urn__guide_kind urn__guide_full = {.name = "full", .normal = true, .lay_out = lay_out};
