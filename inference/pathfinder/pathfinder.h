/* The state of Pathfinder: its paths, and who runs them. */
#ifndef URN_INFERENCE_PATHFINDER_PATHFINDER_H
#define URN_INFERENCE_PATHFINDER_PATHFINDER_H

#include "../importance.h"
#include "../lbfgs.h"
#include "inverse.h"

#include <pthread.h>

/* What a step of a path is worth: a row of log.csv. */
typedef struct urn__path_row {
    double log_density, elbo;
} urn__path_row;

/* One path. While it runs it belongs to the worker that runs it. */
typedef struct urn__path {
    int number;
    struct urn__pathfinder *all;
    urn__run *run;         /* of its own, with the worker's target */
    urn__arena *kept;      /* of what outlives the run: */
    urn__low_rank best;    /* the normal distribution of the highest ELBO */
    double elbo;           /* its; -infinity: there is none yet */
    int64_t best_step;     /* after which step it was found */
    double *last;          /* where the search was last */
    urn__path_row *rows;   /* one a step */
    double *log_p, *log_q; /* of its draws */
    urn__small_room room;
    urn__arena *work; /* of the rest, while it runs */
    urn__lbfgs search;
    urn__history history;
    urn__low_rank current;
    double *before, *gradient_before; /* the point before, and its gradient */
    double *draw;
    int64_t n_steps, n_evaluations;
    int64_t n_unlucky; /* ELBOs that were not finite */
    bool begun, ended, failed;
    urn_error failure;
} urn__path;

typedef struct urn__pathfinder {
    urn__run *run;
    int n_paths, history;
    int64_t n_elbo, n_draws; /* draws for each ELBO; of each path, for the weights */
    double tolerance;
    bool resample;
    urn__arena *arena;
    urn__path *path;
    int64_t made; /* draws of the posterior */
    urn__final final;
    double first_step; /* when the first path began */
    /* The rest belongs to who holds the lock: hooks are called and memory is taken under it. */
    pthread_mutex_t lock;
    int next; /* the path to begin */
    bool stop;
    urn_status status; /* of a failure that ends all */
    urn_error error;
    int log_path;
    int64_t log_step, done; /* rows written; steps of all paths */
} urn__pathfinder;

/* The number of paths that run at the same time. */
int urn__pathfinder_workers(const urn__run *run, int n_paths);
/* Runs all paths. */
urn_status urn__pathfinder_run(urn__pathfinder *p, urn_error *error);
/* After each step of a path, and now and then between its draws: false when it is to stop. */
bool urn__pathfinder_report(urn__path *path, const char *phase);

/* A path's memory and start; under the lock. Failures of the path itself are noted in it. */
urn_status urn__path_begin(urn__path *path, const urn__target *target, int threads,
                           urn_error *error);
/* From its start to its draws. */
urn_status urn__path_run(urn__path *path, urn_error *error);
/* Gives back what is not kept. */
void urn__path_end(urn__path *path);
/* Draw number d of the path's normal distribution into `position`; returns its log density. */
double urn__path_draw(const urn__path *path, const urn__small_room *room, int64_t d,
                      double *position);

#endif
