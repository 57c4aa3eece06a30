/* What the density files share. A log density is written once, on arrays of urn__real, and compiled
 * for each CPU path in double and (with URN_SINGLE) in float; the rest of a family file is in
 * double only. The single density promises the same values outside the support and for bad
 * parameters, and numbers within a few float roundings of the largest term of the formula, as long
 * as no term leaves a float's range (squares do beyond 1e19). */
#ifndef URN_FAMILY_DENSITY_H
#define URN_FAMILY_DENSITY_H

#include "../tensor/real.h"
#include "family.h"
#include "special.h"

typedef urn__real real; /* for formulas */
#ifdef URN_SINGLE
typedef urn__density_call_single urn__density_call_real;
#else
typedef urn_density_call urn__density_call_real;
#endif

#define NOT_A_NUMBER ((real)NAN)
#define INFINITE ((real)INFINITY)

/* Ends the density of a family file: its single form has this name. What follows in the file is in
 * double only. */
#ifdef URN_SINGLE
#define URN__DENSITY_DEFINE(name, density)                                                         \
    urn__density_single URN__SINGLE_FUNCTION(name);                                                \
    void URN__SINGLE_FUNCTION(name)(const urn__density_call_single *call)                          \
    {                                                                                              \
        density(call);                                                                             \
    }
#else
#define URN__DENSITY_DEFINE(name, density)
#endif

/* The loops write every partial, so that they have no branches and are compiled to full-width code:
 * one that is not wanted goes to slot `slot` of the scratch (n numbers each). */
static inline urn__real *urn__partial(const urn__density_call_real *call, urn__real *wanted,
                                      int slot)
{
    return wanted != NULL ? wanted : call->scratch + (int64_t)slot * call->n;
}

/* Parameter `k` of row `row`. */
static inline double urn__argument(const urn_draw_call *call, int k, int64_t row)
{
    return call->param[k][row * call->stride[k]];
}

#endif
