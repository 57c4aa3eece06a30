#include "workers.h"

urn_status urn__worker_open(urn__worker *worker, const urn__target *target, int number, int n,
                            int threads, urn_error *error)
{
    worker->target = target;
    worker->threads = threads / n + (number < threads % n);
    if (number == 0)
        return URN_OK;
    URN_TRY(target->fork(target->context, worker->threads, &worker->own, error));
    worker->target = worker->own;
    return URN_OK;
}

void urn__worker_close(urn__worker *worker, const urn__target *target)
{
    if (worker->own)
        target->join(worker->own);
    worker->own = NULL;
}

static urn__worker *at(void *workers, size_t size, int i)
{
    return (urn__worker *)(void *)((char *)workers + size * (size_t)i);
}

void urn__workers_run(void *workers, size_t size, int n, void *(*work)(void *))
{
    for (int i = 1; i < n; i++) {
        urn__worker *w = at(workers, size, i);
        w->started = pthread_create(&w->thread, NULL, work, w) == 0;
    }
    work(workers);
    for (int i = 1; i < n; i++)
        if (at(workers, size, i)->started)
            pthread_join(at(workers, size, i)->thread, NULL);
}
