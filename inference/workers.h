/* Workers of a fit: threads that run its chains or paths, each on a target of its own and with its
 * share of the threads. */
#ifndef URN_INFERENCE_WORKERS_H
#define URN_INFERENCE_WORKERS_H

#include "engine.h"

#include <pthread.h>

/* Stands first in what a worker knows besides. */
typedef struct urn__worker {
    const urn__target *target;
    urn__target *own; /* NULL: works on the fit's own target */
    int threads;
    pthread_t thread;
    bool started;
} urn__worker;

/* Worker `number` of `n`, who share `threads`: the first has the fit's target, others a fork of it.
 */
urn_status urn__worker_open(urn__worker *worker, const urn__target *target, int number, int n,
                            int threads, urn_error *error);
/* Of any state, also after an error. `target`: the fit's. */
void urn__worker_close(urn__worker *worker, const urn__target *target);

/* work(worker) for `n` workers of `size` bytes at the same time, the first on the calling thread.
 * Where the system has no more threads the others are not called: work is to be taken from a common
 * heap. Returns when all have ended. */
void urn__workers_run(void *workers, size_t size, int n, void *(*work)(void *));

#endif
