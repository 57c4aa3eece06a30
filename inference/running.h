/* Predictions of held-out rows while a sampler runs: every draw counts, also those that are not
 * stored. Chains are accumulated apart and merged in their order, so results do not depend on which
 * of them ran first. */
#ifndef URN_INFERENCE_RUNNING_H
#define URN_INFERENCE_RUNNING_H

#include "../runtime/base/base.h"
#include <urn/fit.h>

typedef struct urn__running urn__running;

/* Zeros are defaults. */
typedef struct urn__running_options {
    const urn_allocator *allocator;
    const char *site; /* the observed site; NULL: the only one */
    const char *cpu;  /* of the fit */
    int chains;
    int64_t draws;    /* of a chain */
    bool errors_only; /* of each draw: no sums, no prediction in the end */
    int threads;
    uint64_t seed;
} urn__running_options;

/* Errors of the latest draw and of the mean of its chain's draws so far; NaN without observed
 * values. */
typedef struct urn__running_errors {
    double rmse, rmse_of_mean;
} urn__running_errors;

/* `target` is the fitted model traced on the rows to predict; both are borrowed. */
urn_status urn__running_new(const urn_model *fitted, const urn_model *target,
                            const urn__running_options *options, urn__running **running,
                            urn_error *error);
void urn__running_free(urn__running *running); /* takes NULL */
/* Draws of a chain come in order, draw by draw. Draw d of chain c has the random numbers that
 * urn_predict gives the same draw of a posterior of chains x draws. */
urn_status urn__running_add(urn__running *running, const urn_draw *draw,
                            urn__running_errors *errors, urn_error *error);
/* The prediction of all draws so far, without intervals; no more can be added. At least one must
 * have been. Free it with urn_prediction_free. */
urn_status urn__running_finish(urn__running *running, urn_prediction **prediction,
                               urn_error *error);
int64_t urn__running_draws(const urn__running *running); /* so far, of all chains */

#endif
