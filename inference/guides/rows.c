/* A normal for each row of each site, with a Cholesky factor of its own: U[i, :] and V[j, :] of a
 * matrix factorisation, of which each is normal given all others. A site that is on no plate is one
 * row. Rows of one coordinate are independent. */
#include "guides.h"

#define WIDEST URN__CHUNK /* a row of a factor is at most a piece of work */
#define MOST_NUMBERS 1e8  /* of all factors */

static urn_status fail_width(const urn__block *block, urn_error *error)
{
    return urn__fail(error, URN_ERR_USAGE, block->where, block->name,
                     "put the site on a plate, or use --guide low-rank or normal",
                     "--guide rows learns a covariance of each row of a site, of at most %d "
                     "coordinates, but a row of this one has %lld",
                     WIDEST, (long long)block->row);
}

static urn_status lay_out(const urn__target *target, int64_t rank, urn_normal_block *blocks,
                          urn__layout *layout, urn_error *error)
{
    double numbers = 0.0;
    (void)rank;
    for (int b = 0; b < target->n_blocks; b++) {
        const urn__block *block = &target->blocks[b];
        if (block->point || block->row < 2)
            continue;
        if (block->row > WIDEST)
            return fail_width(block, error);
        numbers += (double)block->size * ((double)block->row - 1.0) / 2.0;
        blocks[layout->n_blocks++] =
            (urn_normal_block){block->offset, block->size / block->row, block->row};
    }
    if (numbers > MOST_NUMBERS)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL,
                         "use --guide normal, or rows with fewer coordinates",
                         "--guide rows would learn %.3g numbers of covariances (at most %.3g), "
                         "%.3g GB with the optimiser's",
                         numbers, MOST_NUMBERS, 3.0 * 8.0 * numbers / 1e9);
    return URN_OK;
}

const urn__guide_kind urn__guide_rows = {.name = "rows", .normal = true, .lay_out = lay_out};
