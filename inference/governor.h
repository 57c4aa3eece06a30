/* How many threads the steps of a fit run on: all that were asked for, or one, whichever is faster
 * now. On a busy machine a thread that is not scheduled holds up every barrier, and a small program
 * gains nothing from two; so both ways are timed in turn while the fit runs. Results have the same
 * bits either way, so nothing but time depends on the choice. */
#ifndef URN_INFERENCE_GOVERNOR_H
#define URN_INFERENCE_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

typedef struct urn__governor {
    int most;          /* threads asked for */
    bool many;         /* the way in use: all of them, or one */
    double mean[2];    /* seconds a step, [many]; 0: not known yet */
    int trial;         /* steps of a trial still to come, 0: none is under way */
    int steps;         /* of this trial, timed so far */
    double spent;      /* seconds of them */
    double next_trial; /* at which time the other way is tried again */
} urn__governor;

/* Threads for the first step. */
int urn__governor_start(urn__governor *g, int most, double now);
/* Threads for the next step, after one that took `seconds` and ended at `now`. */
int urn__governor_step(urn__governor *g, double seconds, double now);

#endif
