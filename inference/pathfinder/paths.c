/* Runs the paths: several at the same time on threads of their own, each with its share of the
 * others. Nothing a path computes depends on the others or on who runs it. */
#include "../workers.h"
#include "pathfinder.h"

#include <string.h>

typedef struct worker {
    urn__worker base;
    urn__pathfinder *p;
} worker;

/* ---- hooks, under the lock ---- */

/* Rows are in order of paths, then steps, whatever runs first. */
static void log_rows(urn__pathfinder *p)
{
    static const char *const names[] = {"path", "step", "lp", "elbo"};
    const urn_fit_options *options = p->run->options;
    while (p->log_path < p->n_paths) {
        const urn__path *path = &p->path[p->log_path];
        for (; p->log_step < path->n_steps; p->log_step++) {
            const urn__path_row *row = &path->rows[p->log_step];
            const double values[] = {path->number, (double)(p->log_step + 1), row->log_density,
                                     row->elbo};
            if (options->log_row)
                options->log_row(options->context, 4, names, values);
        }
        if (!path->ended)
            return;
        p->log_path++;
        p->log_step = 0;
    }
}

static void show_progress(const urn__pathfinder *p, const urn__path *path, const char *phase)
{
    const urn_fit_options *options = p->run->options;
    if (!options->progress)
        return;
    const urn_progress progress = {.phase = phase,
                                   .chain = path->number,
                                   .step = path->n_steps,
                                   .n_steps = p->run->n_steps,
                                   .loss = -path->elbo,
                                   .smoothed_loss = -path->elbo,
                                   .seconds = urn__clock_now() - p->first_step,
                                   .n_chains = p->n_paths,
                                   .all_done = p->done,
                                   .all_steps = p->n_paths * p->run->n_steps};
    options->progress(options->context, &progress);
}

bool urn__pathfinder_report(urn__path *path, const char *phase)
{
    urn__pathfinder *p = path->all;
    const urn_fit_options *options = p->run->options;
    pthread_mutex_lock(&p->lock);
    const bool step = strcmp(phase, "paths") == 0;
    p->done += step;
    path->n_steps += step; /* under the lock: whoever ends a path logs the others' rows, too */
    show_progress(p, path, phase);
    if (!p->stop && options->interrupted && options->interrupted(options->context))
        p->run->interrupted = p->stop = true;
    const bool go_on = !p->stop;
    pthread_mutex_unlock(&p->lock);
    return go_on;
}

/* ---- paths ---- */

/* The first path's clock and threads stand for all. */
static void keep_clock(urn__pathfinder *p, const urn__path *path, int workers)
{
    if (path->number != 0 || !path->run)
        return;
    p->run->clock = path->run->clock;
    p->run->clock.start = p->first_step;
    p->run->governor = path->run->governor;
    for (int i = 0; i < p->run->governor.n_ways; i++)
        p->run->governor.way[i].threads *= workers;
}

static void run_path(worker *w, urn__path *path)
{
    urn__pathfinder *p = w->p;
    urn_error error = {0};
    pthread_mutex_lock(&p->lock);
    urn_status status = urn__path_begin(path, w->base.target, w->base.threads, &error);
    pthread_mutex_unlock(&p->lock);
    if (status == URN_OK)
        status = urn__path_run(path, &error);
    pthread_mutex_lock(&p->lock);
    path->ended = true;
    p->done += p->run->n_steps - path->n_steps;
    log_rows(p);
    keep_clock(p, path, urn__pathfinder_workers(p->run, p->n_paths));
    urn__path_end(path);
    if (status != URN_OK && p->status == URN_OK) {
        p->status = status;
        p->error = error;
        p->stop = true;
    }
    pthread_mutex_unlock(&p->lock);
}

static urn__path *next_path(urn__pathfinder *p)
{
    pthread_mutex_lock(&p->lock);
    urn__path *path = !p->stop && p->next < p->n_paths ? &p->path[p->next++] : NULL;
    pthread_mutex_unlock(&p->lock);
    return path;
}

static void *work(void *context)
{
    worker *w = context;
    urn__path *path;
    while ((path = next_path(w->p)) != NULL)
        run_path(w, path);
    return NULL;
}

/* ---- all of them ---- */

int urn__pathfinder_workers(const urn__run *run, int n_paths)
{
    const int most = run->most_threads > 0 ? run->most_threads : run->target->threads;
    if (run->options->profile || !run->target->fork)
        return 1;
    return n_paths < most ? n_paths : most;
}

static urn_status run_all(urn__pathfinder *p, urn_error *error)
{
    urn__run *run = p->run;
    const int n = urn__pathfinder_workers(run, p->n_paths);
    worker *workers = urn__calloc(run->allocator, (size_t)n, sizeof *workers);
    if (!workers)
        return urn__fail_memory(error, "the paths", (size_t)n * sizeof *workers);
    urn_status status = URN_OK;
    for (int i = 0; status == URN_OK && i < n; i++) {
        workers[i].p = p;
        status = urn__worker_open(&workers[i].base, run->target, i, n, run->most_threads, error);
    }
    p->first_step = urn__clock_now();
    if (status == URN_OK)
        urn__workers_run(workers, sizeof *workers, n, work);
    for (int i = 0; i < n; i++)
        urn__worker_close(&workers[i].base, run->target);
    urn__free(run->allocator, workers);
    if (status == URN_OK && p->status != URN_OK) {
        if (error)
            *error = p->error;
        status = p->status;
    }
    return status;
}

urn_status urn__pathfinder_run(urn__pathfinder *p, urn_error *error)
{
    if (pthread_mutex_init(&p->lock, NULL) != 0)
        return urn__fail_memory(error, "the paths", sizeof p->lock);
    const urn_status status = run_all(p, error);
    pthread_mutex_destroy(&p->lock);
    for (int i = 0; i < p->n_paths; i++)
        p->run->step += p->path[i].n_steps;
    return status;
}
