/* One path: L-BFGS from a start of its own, a normal distribution after every step, and draws of
 * the one with the highest ELBO (Zhang et al. 2022, algorithms 1 and 2). */
#include "pathfinder.h"

#include <math.h>
#include <string.h>

#define DRAWS_A_REPORT 32

/* ---- memory ---- */

static void make_kept(urn__path *path, int64_t n)
{
    const urn__pathfinder *all = path->all;
    const size_t draws = (size_t)all->n_draws + 1;
    urn__arena *arena = path->kept;
    urn__low_rank_init(&path->best, n, all->history, arena);
    urn__low_rank_init(&path->current, n, all->history, arena);
    urn__small_room_init(&path->room, all->history, arena);
    path->last = urn__arena_alloc(arena, (size_t)n, sizeof(double));
    path->rows = urn__arena_alloc(arena, (size_t)all->run->n_steps, sizeof *path->rows);
    path->log_p = urn__arena_alloc(arena, draws, sizeof(double));
    path->log_q = urn__arena_alloc(arena, draws, sizeof(double));
}

static void make_work(urn__path *path, int64_t n)
{
    double **const vectors[] = {&path->search.position, &path->search.gradient,
                                &path->search.scratch,  &path->before,
                                &path->gradient_before, &path->draw};
    urn__history_init(&path->history, n, path->all->history, path->work);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        *vectors[i] = urn__arena_alloc(path->work, (size_t)n, sizeof(double));
}

static urn_status make_room(urn__path *path, int64_t n, urn_error *error)
{
    const urn_allocator *allocator = path->all->run->allocator;
    const size_t bytes = (size_t)(n * (6 * path->all->history + 16)) * sizeof(double);
    path->kept = urn__arena_new(allocator);
    path->work = urn__arena_new(allocator);
    path->run = urn__calloc(allocator, 1, sizeof *path->run);
    if (!path->kept || !path->work || !path->run)
        return urn__fail_memory(error, "a path", bytes);
    make_kept(path, n);
    make_work(path, n);
    if (urn__arena_failed(path->kept) || urn__arena_failed(path->work))
        return urn__fail_memory(error, "a path", bytes);
    return URN_OK;
}

/* ---- a step ---- */

static double target_density(urn__path *path, const double *position, double *gradient)
{
    path->n_evaluations++;
    return urn__target_log_density(path->run->target, position, gradient);
}

/* Standard normals of a draw; `use` tells those of ELBOs from those that are kept. */
static void draw_normals(const urn__path *path, urn__use use, int64_t number, double *z)
{
    const urn__run *base = path->all->run;
    const urn__stream stream = urn__stream_at(
        base->seed, urn__chain_for(use, (uint64_t)path->number), "pathfinder", (uint64_t)number);
    base->target->kernels->normals(&stream, 0, base->target->size, z);
}

/* Mean of log p - log q over draws of `current`; -infinity where the density is not finite. The
 * normals behind the draws are the same after every step, so that ELBOs differ by less noise, until
 * one of them leads to where the density is not finite. */
static double estimate_elbo(urn__path *path)
{
    const urn__target *target = path->run->target;
    const int64_t n = path->all->n_elbo;
    double sum = 0.0;
    for (int64_t k = 0; k < n && isfinite(sum); k++) {
        draw_normals(path, URN__USE_EVALUATION, path->n_unlucky * n + k, path->draw);
        const double log_q =
            urn__low_rank_draw(&path->current, target->kernels, path->draw, &path->room);
        sum += target_density(path, path->draw, NULL) - log_q;
    }
    path->n_unlucky += !isfinite(sum);
    return isfinite(sum) ? sum / (double)n : -HUGE_VAL;
}

static void judge(urn__path *path)
{
    const urn__lbfgs *s = &path->search;
    urn__path_row *row = &path->rows[path->n_steps];
    row->log_density = s->log_density;
    row->elbo = -HUGE_VAL;
    if (urn__low_rank_at(&path->current, &path->history, s->target->kernels, s->position,
                         s->gradient, &path->room))
        row->elbo = estimate_elbo(path);
    if (!(row->elbo > path->elbo))
        return;
    const urn__low_rank worse = path->best;
    path->best = path->current;
    path->current = worse;
    path->elbo = row->elbo;
    path->best_step = path->n_steps + 1;
}

static bool after_step(void *context)
{
    urn__path *path = context;
    const urn__lbfgs *s = &path->search;
    const size_t bytes = (size_t)s->target->size * sizeof(double);
    urn__history_add(&path->history, path->before, path->gradient_before, s->position, s->gradient);
    memcpy(path->before, s->position, bytes);
    memcpy(path->gradient_before, s->gradient, bytes);
    memcpy(path->last, s->position, bytes);
    judge(path);
    urn__run_govern(path->run, urn__step_clock_stop(&path->run->clock));
    const bool go_on = urn__pathfinder_report(path, "paths");
    urn__step_clock_resume(&path->run->clock);
    return go_on;
}

/* ---- a path ---- */

static bool is_finite(void *context, const double *position)
{
    urn__path *path = context;
    urn__lbfgs *s = &path->search;
    s->log_density = target_density(path, position, s->gradient);
    return isfinite(s->log_density) &&
           isfinite(s->target->kernels->dot(s->target->size, s->gradient, s->gradient));
}

static urn_status find_start(urn__path *path, urn_error *error)
{
    urn__run *run = path->run;
    const char *init = urn__setting(run->settings, "init")->text;
    const size_t bytes = (size_t)run->target->size * sizeof(double);
    URN_TRY(urn__start_position(run, init, urn__setting_real(run->settings, "init-jitter"),
                                path->search.position, error));
    URN_TRY(urn__start_finite(run, init, is_finite, path, path->search.position, error));
    memcpy(path->before, path->search.position, bytes);
    memcpy(path->last, path->search.position, bytes);
    memcpy(path->gradient_before, path->search.gradient, bytes);
    return URN_OK;
}

/* A path without an end is left out, unless it is for want of memory. */
static urn_status give_up(urn__path *path, urn_status status, const urn_error *failure,
                          urn_error *error)
{
    path->failed = true;
    path->failure = *failure;
    if (status != URN_ERR_MEMORY)
        return URN_OK;
    if (error)
        *error = *failure;
    return status;
}

urn_status urn__path_begin(urn__path *path, const urn__target *target, int threads,
                           urn_error *error)
{
    urn__pathfinder *all = path->all;
    urn__run *base = all->run;
    URN_TRY(make_room(path, target->size, error));
    path->begun = true;
    path->elbo = -HUGE_VAL;
    urn__run *run = path->run;
    *run = (urn__run){.allocator = base->allocator,
                      .target = target,
                      .settings = base->settings,
                      .seed = base->seed,
                      .chain = (uint64_t)path->number,
                      .init = urn__start_given(base->options, target->size, (uint64_t)path->number),
                      .fit = base->fit,
                      .options = base->options,
                      .most_threads = threads};
    path->search.target = target;
    path->search.history = all->history < 3 ? 3 : all->history;
    path->search.most_steps = base->n_steps;
    path->search.tolerance = all->tolerance;
    path->search.iterate = after_step;
    path->search.context = path;
    urn_error failure = {0};
    const int n_warnings = base->fit->n_warnings;
    const urn_status status = find_start(path, &failure);
    if (path->number > 0) /* what is said of prior medians has been said by the first */
        base->fit->n_warnings = n_warnings;
    return status == URN_OK ? URN_OK : give_up(path, status, &failure, error);
}

double urn__path_draw(const urn__path *path, const urn__small_room *room, int64_t d,
                      double *position)
{
    draw_normals(path, URN__USE_POSTERIOR, d, position);
    urn__small_room own = *room;
    return urn__low_rank_draw(&path->best, path->all->run->target->kernels, position, &own);
}

static void draw_all(urn__path *path)
{
    for (int64_t d = 0; d < path->all->n_draws; d++) {
        path->log_q[d] = urn__path_draw(path, &path->room, d, path->draw);
        path->log_p[d] = target_density(path, path->draw, NULL);
        if (d % DRAWS_A_REPORT == 0 && !urn__pathfinder_report(path, "evaluating"))
            return;
    }
}

static void fail_path(const urn__path *path, urn_error *failure)
{
    if (path->n_steps == 0)
        urn__fail(failure, URN_ERR_RUNTIME, NULL, NULL, "start elsewhere (--init random)",
                  "L-BFGS made no step from the start: %s",
                  path->search.stalled ? path->search.stalled : "the gradient is zero there");
    else
        urn__fail(failure, URN_ERR_RUNTIME, NULL, NULL,
                  "start elsewhere (--init, another --seed), or use nuts",
                  "after none of its %lld steps were draws of the approximation inside the "
                  "posterior: their log density is not finite",
                  (long long)path->n_steps);
}

urn_status urn__path_run(urn__path *path, urn_error *error)
{
    urn_error failure = {0};
    if (path->failed)
        return URN_OK;
    urn__step_clock_start(&path->run->clock);
    urn__run_govern_start(path->run);
    const urn_status status = urn__lbfgs_run(&path->search, &failure);
    if (status != URN_OK)
        return give_up(path, status, &failure, error);
    if (isfinite(path->elbo)) {
        draw_all(path);
        return URN_OK;
    }
    fail_path(path, &failure);
    return give_up(path, URN_ERR_RUNTIME, &failure, error);
}

void urn__path_end(urn__path *path)
{
    urn__arena_free(path->work);
    urn__free(path->all->run->allocator, path->run);
    path->work = NULL;
    path->run = NULL;
}
