/* The state of posterior-mode search, shared by its two methods. */
#ifndef URN_INFERENCE_MAP_MAP_H
#define URN_INFERENCE_MAP_MAP_H

#include "../driver.h"
#include "../optimiser.h"

typedef struct urn__map_state {
    urn__run *run;
    urn__arena *arena;
    bool lbfgs;
    double tolerance;
    int history;
    double *position, *gradient; /* L-BFGS; the gradient is of the log density */
    urn__guide guide;            /* adam and sgd: a guide of points */
    urn__optimiser optimiser;
    bool close; /* adam and sgd: the gradient may be small enough at the next step */
    int bad_in_a_row;
    bool converged;
    double accepted;     /* L-BFGS: -log density of the last accepted position */
    const char *stalled; /* why a line search gave up, or NULL */
} urn__map_state;

/* One step of Adam, AdamW or SGD. */
urn_status urn__map_descend(urn__map_state *map, int64_t step, urn__step_info *info,
                            urn_error *error);
/* All steps of L-BFGS. */
urn_status urn__map_lbfgs(urn__map_state *map, urn_error *error);
/* Is a gradient of this norm small enough at a position of this norm? */
bool urn__map_flat(const urn__map_state *map, double gradient_norm, double position_norm);
/* Of an array of L-BFGS. */
double urn__map_norm(const urn__map_state *map, const double *x);

#endif
