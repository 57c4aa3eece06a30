/* The log density of a block of rows in the precision of the including file: the family's own in
 * double; in single its single one where it has one, else its double one on converted numbers. */
#ifndef URN_GRAPH_OPS_FAMILY_BLOCK_H
#define URN_GRAPH_OPS_FAMILY_BLOCK_H

#include "../family_single.h"
#include "../graph.h"

#ifdef URN_SINGLE
typedef urn__density_call_single urn__family_call;
#else
typedef urn_density_call urn__family_call;
#endif

typedef struct urn__family_runner {
    const urn_family *family;
    urn__density_single *single; /* NULL: none, or not asked for */
} urn__family_runner;

urn__family_runner URN__REAL(family_runner_of)(const urn_family *family, const urn__exec *exec);
/* Doubles of scratch that blocks of up to n rows need. */
int64_t URN__REAL(family_block_scratch)(const urn_family *family, int64_t n, int64_t dim);
/* Fills call->log_density and the partials. `scratch` is 64-byte aligned; call->scratch is set. */
void URN__REAL(family_block)(const urn__family_runner *runner, urn__family_call *call,
                             double *scratch);

#endif
