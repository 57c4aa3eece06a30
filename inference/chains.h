/* The chains of a sampler while they run: what chains.c (running) and chains_end.c (results) share.
 */
#ifndef URN_INFERENCE_CHAINS_H
#define URN_INFERENCE_CHAINS_H

#include "driver.h"

#include <pthread.h>

typedef struct urn__chain {
    int number;
    urn__run *run;  /* while it runs */
    void *state;    /* of the engine, while it runs */
    urn_fit *notes; /* its numbers and warnings */
    bool ended;
    int64_t steps, drawn, stored;
    double *draws; /* stored ones, in the posterior */
    double *stats; /* [step][stat], with room for so many steps: */
    int64_t room;
    double median; /* seconds of a step; NaN: unknown */
    int threads;   /* most steps ran on */
    urn_status status;
    urn_error error;
} urn__chain;

typedef struct urn__chains_run {
    urn__run *base; /* what all chains have in common */
    const urn_engine *engine;
    urn__chain_plan plan;
    urn_posterior *posterior;
    urn__chain *chain;
    const char *names[URN__MAX_STATS + 3]; /* of a log row */
    double start;                          /* of the first chain */
    /* The rest belongs to who holds the lock: hooks are called and memory is taken under it. */
    pthread_mutex_t lock;
    int next; /* the chain to begin */
    bool stop;
    int64_t done; /* steps of all chains */
    int log_chain;
    int64_t log_step; /* rows are in order of chains, then steps, whatever runs first */
} urn__chains_run;

/* After the chains: what is kept of the draws, statistics of them, numbers and warnings. */
urn_status urn__chains_conclude(urn__chains_run *c, urn_error *error);

#endif
