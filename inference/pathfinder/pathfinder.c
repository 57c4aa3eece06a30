/* Pathfinder (Zhang, Carpenter, Gelman and Vehtari, Pathfinder: parallel quasi-Newton variational
 * inference, JMLR 23 (306), 2022): normal approximations along the paths of L-BFGS, the best of
 * each path by its ELBO, and draws of all of them resampled by their importance weights. */
#include "pathfinder.h"

#include <math.h>
#include <string.h>

#define INTERRUPTED_DRAWS 100

static const urn_option_spec options[] = {
    {"paths", URN_OPTION_INT, "4", NULL, 1, 4096, "paths, each from a start of its own"},
    {"resample", URN_OPTION_CHOICE, "psis", "psis|none", 0, 0,
     "draws of all paths drawn again by their smoothed importance weights, with replacement; or "
     "draws of each path in turn, as they are"},
    {"path-draws", URN_OPTION_INT, "1000", NULL, 10, 1e7,
     "draws of each path that have weights: what is resampled, and what k-hat is of"},
    {"elbo-draws", URN_OPTION_INT, "25", NULL, 1, 1e6, "draws for the ELBO after each step"},
    {"steps", URN_OPTION_INT, "1000", NULL, 1, 1e6, "steps of L-BFGS a path at most"},
    {"history", URN_OPTION_INT, "5", NULL, 1, 50,
     "steps that the inverse Hessian is made of, and corrections L-BFGS keeps (3 at least)"},
    {"tolerance", URN_OPTION_REAL, "1e-8", NULL, 0, 1,
     "a path ends when the norm of the gradient falls below this times that of the position (or "
     "1)"},
    {"init", URN_OPTION_CHOICE, "random", "random|median|zero", 0, 0,
     "where paths start: uniform in (-2, 2) in unconstrained space, prior medians, or 0 there"},
    {"init-jitter", URN_OPTION_REAL, "0.1", NULL, 0, 1e6,
     "sd of the noise added to medians or zeros, so that paths differ"},
    {0}};

static urn_status accepts(const urn__target *target, const urn__settings *settings,
                          urn_error *error)
{
    return urn__require_distributions(settings->engine, target, error);
}

static int workers(const urn__settings *settings, int threads)
{
    const int paths = (int)urn__setting_int(settings, "paths");
    return paths < threads ? paths : threads;
}

/* All of what a path keeps, and the rest as if all ran at once. */
static int64_t memory(const urn__target *target, const urn__settings *settings)
{
    const int64_t history = urn__setting_int(settings, "history");
    const int64_t vectors = 6 * history + 12 + urn__lbfgs_doubles(history);
    return urn__setting_int(settings, "paths") *
           (target->size * vectors + 2 * urn__setting_int(settings, "path-draws") +
            2 * urn__setting_int(settings, "steps")) *
           (int64_t)sizeof(double);
}

/* ---- starting ---- */

static urn_status prepare(urn__pathfinder *p, urn_error *error)
{
    urn__run *run = p->run;
    const urn__settings *s = run->settings;
    run->n_steps = urn__setting_int(s, "steps");
    run->most_threads = run->target->threads;
    p->n_paths = (int)urn__setting_int(s, "paths");
    p->history = (int)urn__setting_int(s, "history");
    p->n_elbo = urn__setting_int(s, "elbo-draws");
    p->n_draws = urn__setting_int(s, "path-draws");
    p->tolerance = urn__setting_real(s, "tolerance");
    p->resample = urn__setting_is(s, "resample", "psis");
    p->path = urn__arena_alloc(p->arena, (size_t)p->n_paths, sizeof *p->path);
    double *zero = urn__arena_alloc(p->arena, (size_t)run->target->size, sizeof *zero);
    if (urn__arena_failed(p->arena))
        return urn__fail_memory(error, "the paths", (size_t)p->n_paths * sizeof *p->path);
    memset(p->path, 0, (size_t)p->n_paths * sizeof *p->path);
    memset(zero, 0, (size_t)run->target->size * sizeof *zero);
    for (int i = 0; i < p->n_paths; i++)
        p->path[i] = (urn__path){.number = i, .all = p};
    return urn__lbfgs_check(run, run->init ? run->init : zero, NULL, error);
}

static void release(void *state)
{
    urn__pathfinder *p = state;
    for (int i = 0; p->path && i < p->n_paths; i++) {
        urn__path_end(&p->path[i]);
        urn__arena_free(p->path[i].kept);
    }
    urn_posterior_free(p->final.posterior);
    urn__arena_free(p->arena);
}

static urn_status start(void *state, urn_error *error)
{
    urn__pathfinder *p = state;
    p->arena = urn__arena_new(p->run->allocator);
    return p->arena ? prepare(p, error)
                    : urn__fail_memory(error, "the state of pathfinder", sizeof *p);
}

/* ---- the paths ---- */

static int count_good(const urn__pathfinder *p)
{
    int n = 0;
    for (int i = 0; i < p->n_paths; i++)
        n += p->path[i].begun && !p->path[i].failed && isfinite(p->path[i].elbo);
    return n;
}

/* Path number k of those that came to an approximation. */
static const urn__path *good_path(const urn__pathfinder *p, int k)
{
    const urn__path *path = p->path;
    while (!path->begun || path->failed || !isfinite(path->elbo) || k-- > 0)
        path++;
    return path;
}

static urn_status fail_all(const urn__pathfinder *p, urn_error *error)
{
    const urn_error *first = &p->path[0].failure;
    return urn__fail(error, first->status, first->where, first->site, first->hint,
                     "engine \"pathfinder\": none of %d paths came to an approximation. The first: "
                     "%s",
                     p->n_paths, first->message);
}

static void note_paths(urn__pathfinder *p)
{
    urn__run *run = p->run;
    double elbo = -HUGE_VAL, evaluations = 0.0;
    int failed = 0;
    for (int i = 0; i < p->n_paths; i++) {
        const urn__path *path = &p->path[i];
        evaluations += (double)path->n_evaluations;
        elbo = fmax(elbo, path->begun ? path->elbo : elbo);
        if (path->failed && failed++ == 0)
            urn__run_warn(run, "path %d came to no approximation, and is left out: %s", i,
                          path->failure.message);
    }
    urn__run_number(run, "paths", p->n_paths, false);
    urn__run_number(run, "paths_failed", failed, false);
    urn__run_number(run, "elbo", elbo, false);
    urn__run_number(run, "evaluations", evaluations, false);
}

static urn_status run_paths(void *state, urn_error *error)
{
    urn__pathfinder *p = state;
    URN_TRY(urn__pathfinder_run(p, error));
    if (!p->run->interrupted && count_good(p) == 0)
        return fail_all(p, error);
    note_paths(p);
    return URN_OK;
}

static int64_t find_bad(const void *state, double *value)
{
    (void)state, (void)value;
    return -1; /* draws are what is kept, and have densities */
}

/* ---- draws ---- */

/* Draw `d` of a path as draw `s` of the posterior, with its log density unless it is known. */
static void put_draw(urn__pathfinder *p, const urn__path *path, int64_t d, int64_t s, bool known)
{
    const urn__target *target = p->run->target;
    double *position = p->final.draws + s * target->size;
    p->final.lp_approx[s] = urn__path_draw(path, &path->room, d, position);
    p->final.lp[s] = known ? path->log_p[d] : urn__target_log_density(target, position, NULL);
}

/* Draws of each path in turn. */
static void draw_in_turn(urn__pathfinder *p, int64_t n, bool known)
{
    const int paths = count_good(p);
    for (int64_t s = 0; paths > 0 && s < n; s++) {
        const int64_t d = s / paths;
        put_draw(p, good_path(p, (int)(s % paths)), d, s, known && d < p->n_draws);
    }
}

static urn_status resample(urn__pathfinder *p, int64_t n, const double *weight, urn_error *error)
{
    const urn__run *run = p->run;
    int64_t *pick = urn__arena_alloc(p->arena, (size_t)n, sizeof *pick);
    if (!pick)
        return urn__fail_memory(error, "importance weights", (size_t)n * sizeof *pick);
    URN_TRY(urn__importance_pick(run->allocator, count_good(p) * p->n_draws, weight, run->seed,
                                 "pathfinder", n, pick, error));
    for (int64_t s = 0; s < n; s++)
        put_draw(p, good_path(p, (int)(pick[s] / p->n_draws)), pick[s] % p->n_draws, s, true);
    return URN_OK;
}

/* All paths' draws, one path after another. */
static urn_status weigh(urn__pathfinder *p, urn__importance *weights, urn_error *error)
{
    const int paths = count_good(p);
    const size_t n = (size_t)(paths * p->n_draws), one = (size_t)p->n_draws;
    double *numbers = urn__arena_alloc(p->arena, 3 * n, sizeof *numbers);
    if (!numbers)
        return urn__fail_memory(error, "importance weights", 3 * n * sizeof *numbers);
    for (int k = 0; k < paths; k++) {
        const urn__path *path = good_path(p, k);
        memcpy(numbers + n + (size_t)k * one, path->log_p, one * sizeof *numbers);
        memcpy(numbers + 2 * n + (size_t)k * one, path->log_q, one * sizeof *numbers);
    }
    weights->weight = numbers;
    return urn__importance_weigh(p->run->allocator, (int64_t)n, numbers + n, numbers + 2 * n,
                                 weights, error);
}

static urn_status finish(void *state, urn_error *error)
{
    urn__pathfinder *p = state;
    urn__run *run = p->run;
    const int64_t n = urn__final_draws(run->options, run->target->size, NULL);
    urn__importance weights = {0};
    URN_TRY(weigh(p, &weights, error));
    urn__importance_note(run, "Pathfinder approximation", count_good(p) * p->n_draws, &weights);
    URN_TRY(urn__final_room(run, n, &p->final, error));
    if (p->resample)
        URN_TRY(resample(p, n, weights.weight, error));
    else
        draw_in_turn(p, n, true);
    urn__final_end(run, n, &p->final);
    return URN_OK;
}

/* ---- after the fit ---- */

/* What an interrupted run has: draws of the approximations so far, or a point of the search. */
static urn_status keep_interrupted(urn__pathfinder *p, urn_posterior **made, urn_error *error)
{
    urn__run *run = p->run;
    int64_t n = urn__final_draws(run->options, run->target->size, NULL);
    if (count_good(p) == 0) {
        urn__run_warn(run, "interrupted before there was an approximation: what is kept is a point "
                           "that a path had reached");
        return urn__final_point(run, p->path[0].last, made, error);
    }
    n = n < INTERRUPTED_DRAWS ? n : INTERRUPTED_DRAWS;
    urn__run_warn(run,
                  "interrupted: the %lld draws are of the approximations that the paths had come "
                  "to, and have not been weighed",
                  (long long)n);
    URN_TRY(urn__final_room(run, n, &p->final, error));
    draw_in_turn(p, n, false);
    urn__final_end(run, n, &p->final);
    return URN_OK;
}

static urn_status posterior(void *state, urn_posterior **made, urn_error *error)
{
    urn__pathfinder *p = state;
    *made = NULL;
    if (!p->final.posterior)
        URN_TRY(keep_interrupted(p, made, error));
    if (*made)
        return URN_OK;
    *made = p->final.posterior;
    p->final.posterior = NULL;
    return URN_OK;
}

const urn_engine urn__engine_pathfinder = {
    .name = "pathfinder",
    .summary = "normal approximations along the paths of an optimiser, resampled (Pathfinder)",
    .kind = URN__OPTIMISER,
    .draws = 1000,
    .options = options,
    .accepts = accepts,
    .workers = workers,
    .memory = memory,
    .state_size = sizeof(urn__pathfinder),
    .start = start,
    .loop = run_paths,
    .find_bad = find_bad,
    .finish = finish,
    .posterior = posterior,
    .release = release,
};
