/* What the density files share: where a partial goes, and how a row's parameter is found. */
#ifndef URN_FAMILY_DENSITY_H
#define URN_FAMILY_DENSITY_H

#include "family.h"
#include "special.h"

/* The loops write every partial, so that they have no branches and are compiled to full-width code:
 * one that is not wanted goes to slot `slot` of the scratch (n doubles each). */
static inline double *urn__partial(const urn_density_call *call, double *wanted, int slot)
{
    return wanted != NULL ? wanted : call->scratch + (int64_t)slot * call->n;
}

/* Parameter `k` of row `row`. */
static inline double urn__argument(const urn_draw_call *call, int k, int64_t row)
{
    return call->param[k][row * call->stride[k]];
}

#endif
