/* The check of derived blocks against the joint density. */
#ifndef URN_INFERENCE_GIBBS_VERIFY_H
#define URN_INFERENCE_GIBBS_VERIFY_H

#include "gibbs.h"

/* Of one block at one pair of points: log p(x1, rest) - log p(x2, rest) of the joint density, and
 * the same of the conditional. They agree where |difference| <= 1e-9 (1 + |log p1| + |log p2|). */
typedef struct urn__block_check {
    int block;
    double joint[2]; /* log p(x1, rest), log p(x2, rest) */
    double conditional[2];
    double difference, allowed;
    bool agrees;
} urn__block_check;

/* What one check may cost unless all is to be checked: rows of the data times numbers a row, about.
 */
#define URN__CHECK_AFFORDABLE ((int64_t)20000000)

/* At points number `point` of the seed: all sites random, then the block's sites moved. Blocks that
 * are not exact agree. Values of the chain are lost. */
urn_status urn__gibbs_check(urn__gibbs *g, int block, uint64_t seed, int64_t point,
                            urn__block_check *check, urn_error *error);
/* All blocks, at one point each, skipped where a density costs more than `most`. A block that
 * disagrees is URN_ERR_INTERNAL, named, and marked as failed. */
urn_status urn__gibbs_check_all(urn__gibbs *g, int64_t most, urn_error *error);

#endif
