/* How many threads the steps of a fit run on: the number that is fastest now, as measured. On a
 * busy machine a thread that is not scheduled holds up every barrier, and a small program gains
 * nothing from two; so one thread, all that were asked for, and halves of that are timed in turn
 * while the fit runs. Trials take a small share of the time, less and less while nothing changes.
 * Results have the same bits either way, so nothing but time depends on the choice. */
#ifndef URN_INFERENCE_GOVERNOR_H
#define URN_INFERENCE_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

#define URN__GOVERNOR_WAYS 13

typedef struct urn__way {
    int threads;
    double mean;     /* seconds a step; 0: not known yet */
    int64_t n_steps; /* that ran this way */
} urn__way;

typedef struct urn__governor {
    int n_ways; /* way[0] is one thread, the last all that were asked for */
    urn__way way[URN__GOVERNOR_WAYS];
    int best, now;  /* the fastest way known; the one in use */
    bool searching; /* the first round of trials is not over */
    bool trial;     /* the one in use is being tried: */
    int steps;      /* so far, ... */
    int counted;    /* ... without warm-up */
    double spent;   /* seconds of those that count */
    double settled; /* mean of the best way when it was last compared */
    double pause;   /* seconds between trials */
    double next;    /* at which time another way is tried */
    int probe;      /* the way tried last */
} urn__governor;

/* Threads for the first step. */
int urn__governor_start(urn__governor *g, int most, double now);
/* Threads for the next step, after one that took `seconds` and ended at `now`. */
int urn__governor_step(urn__governor *g, double seconds, double now);
/* The threads most steps ran on. */
int urn__governor_used(const urn__governor *g);

#endif
