/* The state of stochastic variational inference, shared by its steps and its final evaluation. */
#ifndef URN_INFERENCE_SVI_SVI_H
#define URN_INFERENCE_SVI_SVI_H

#include "../driver.h"

typedef struct urn__svi {
    urn__run *run;
    urn__arena *arena;
    urn__optimiser optimiser;
    urn__guide guide;
    bool normal; /* else a point */
    bool fused;  /* one sweep does the update: see urn__guide_step */
    int64_t particles, evaluations, k_hat_draws;
    double *log_weight; /* of the evaluations, k_hat_draws at most */
} urn__svi;

/* Loss, its standard error and k-hat at the end of a run, with their warnings. */
urn_status urn__svi_evaluate(urn__svi *svi, urn_error *error);

#endif
