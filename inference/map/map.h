/* The state of posterior-mode search, shared by its methods. */
#ifndef URN_INFERENCE_MAP_MAP_H
#define URN_INFERENCE_MAP_MAP_H

#include "../driver.h"
#include "../gibbs/gibbs.h"
#include "../gibbs/verify.h"
#include "../optimiser.h"

typedef struct urn__map_state {
    urn__run *run;
    urn__arena *arena;
    bool lbfgs;
    double tolerance;
    int history;
    double *position, *gradient; /* L-BFGS, blocks; the gradient is of the log density */
    urn__gibbs *blocks;          /* method blocks, else NULL */
    int64_t looked, next_look;   /* sweeps after which its gradient was, and will be, evaluated */
    double excess;               /* then: its norm over that which is small enough */
    urn__guide guide;            /* adam and sgd: a guide of points */
    urn__optimiser optimiser;
    bool close; /* adam and sgd: the gradient may be small enough at the next step */
    bool converged;
    const char *stalled; /* why a line search gave up, or NULL */
} urn__map_state;

/* One step of Adam, AdamW or SGD. */
urn_status urn__map_descend(urn__map_state *map, int64_t step, urn__step_info *info,
                            urn_error *error);
/* All steps of L-BFGS. */
urn_status urn__map_lbfgs(urn__map_state *map, urn_error *error);
/* Derives the blocks of method blocks, from map->position on; and all its steps. */
urn_status urn__map_prepare_blocks(urn__map_state *map, urn_error *error);
urn_status urn__map_blocks(urn__map_state *map, urn_error *error);
/* Is a gradient of this norm small enough at a position of this norm? */
bool urn__map_flat(const urn__map_state *map, double gradient_norm, double position_norm);
/* Of an array of the size of a position. */
double urn__map_norm(const urn__map_state *map, const double *x);

#endif
