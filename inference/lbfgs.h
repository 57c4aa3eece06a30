/* L-BFGS through liblbfgs (Liu and Nocedal, On the limited memory BFGS method for large scale
 * optimization, 1989): the search that engines share. It maximises a target's log density. */
#ifndef URN_INFERENCE_LBFGS_H
#define URN_INFERENCE_LBFGS_H

#include "driver.h"

typedef struct urn__lbfgs {
    const urn__target *target;
    int history;        /* corrections kept */
    int64_t most_steps; /* 1 or more */
    double tolerance;   /* on the norm of the gradient, relative to that of the position (or 1) */
    /* `position` is where to begin, and then where the search is; `gradient` is that of the log
     * density there. All three are of the target's size. Who looks at the gradient in `iterate`
     * alone may give it for `scratch`, too. */
    double *position, *gradient, *scratch;
    double log_density; /* at `position` */
    /* After each step, which has moved `position`; false ends the search. */
    bool (*iterate)(void *context);
    void *context;
    /* How it ended: */
    bool converged;
    const char *stalled; /* why a line search gave up, or NULL */
} urn__lbfgs;

/* Searches from a position whose density is finite, with no memory from an allocator. Ends without
 * an error where no further step is found: see `stalled`. */
urn_status urn__lbfgs_run(urn__lbfgs *search, urn_error *error);
/* L-BFGS needs the same density at every evaluation: URN_ERR_USAGE with `hint` if it changes with
 * the address at `position`. Addresses the evaluations to come. */
urn_status urn__lbfgs_check(const urn__run *run, const double *position, const char *hint,
                            urn_error *error);
/* Doubles a coordinate that liblbfgs takes: position, gradient and direction, the first two of the
 * step before, and two vectors a correction. */
static inline int64_t urn__lbfgs_doubles(int64_t history)
{
    return 5 + 2 * history;
}

#endif
