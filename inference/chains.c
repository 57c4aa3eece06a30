/* Runs the chains of a sampler: each has a run and an engine's state of its own; several run at the
 * same time on threads of their own, each with its share of the others. Nothing a chain computes
 * depends on the others or on who runs it, so results have the same bits for any number of threads.
 */
#include "chains.h"
#include "workers.h"

#include <math.h>
#include <string.h>

/* Runs one chain after another. */
typedef struct worker {
    urn__worker base;
    urn__chains_run *c;
    double *scratch; /* a state that is not stored */
} worker;

/* ---- hooks, under the lock ---- */

static void log_rows(urn__chains_run *c)
{
    const urn_fit_options *options = c->base->options;
    const urn__chain_plan *s = &c->plan;
    double values[URN__MAX_STATS + 3];
    while (c->log_chain < s->chains) {
        const urn__chain *chain = &c->chain[c->log_chain];
        for (; c->log_step < chain->steps; c->log_step++) {
            values[0] = chain->number;
            values[1] = (double)(c->log_step + 1);
            values[2] = c->log_step < s->warmup;
            if (s->n_stats > 0)
                memcpy(values + 3, chain->stats + c->log_step * s->n_stats,
                       (size_t)s->n_stats * sizeof *values);
            if (options->log_row)
                options->log_row(options->context, s->n_stats + 3, c->names, values);
        }
        if (!chain->ended)
            return;
        c->log_chain++;
        c->log_step = 0;
    }
}

static void show_progress(const urn__chains_run *c, const urn__chain *chain)
{
    const urn_fit_options *options = c->base->options;
    const urn__chain_plan *s = &c->plan;
    if (!options->progress)
        return;
    const urn_progress progress = {.phase = chain->steps <= s->warmup ? "warm-up" : "sampling",
                                   .chain = chain->number,
                                   .step = chain->steps,
                                   .n_steps = s->n_steps,
                                   .loss = (double)NAN,
                                   .smoothed_loss = (double)NAN,
                                   .seconds = urn__clock_now() - c->start,
                                   .n_chains = s->chains,
                                   .all_done = c->done,
                                   .all_steps = s->chains * s->n_steps,
                                   .sweeps = c->engine->sweeps};
    options->progress(options->context, &progress);
}

static urn_status hand_over(const urn__chains_run *c, const urn__chain *chain, const double *state,
                            urn_error *error)
{
    const urn_fit_options *options = c->base->options;
    const urn__chain_plan *s = &c->plan;
    if (!options->draw || !state)
        return URN_OK;
    const urn_draw draw = {.chain = chain->number,
                           .draw = chain->drawn - 1,
                           .n_draws = s->draws,
                           .state = state,
                           .n_stats = s->n_stats,
                           .stat_names = c->names + 3,
                           .stats = chain->stats + (chain->steps - 1) * s->n_stats};
    return options->draw(options->context, &draw, error);
}

/* ---- a step ---- */

static urn_status check_state(const urn__chains_run *c, const urn__chain *chain,
                              const double *state, urn_error *error)
{
    const urn__target *target = c->base->target;
    for (int64_t i = 0; i < c->plan.size; i++) {
        if (isfinite(state[i]))
            continue;
        const char *site = NULL, *where = NULL;
        for (int b = 0; b < target->n_blocks; b++) {
            const urn__block *block = &target->blocks[b];
            if (i >= block->offset && i - block->offset < block->size) {
                site = block->name;
                where = block->where;
            }
        }
        return urn__fail(error, URN_ERR_RUNTIME, where, site, "check the priors and the data",
                         "chain %d has left the finite numbers: element %lld of its state is %g "
                         "after step %lld",
                         chain->number, (long long)i, state[i], (long long)chain->run->step);
    }
    return URN_OK;
}

/* Where the state after this step goes: into the posterior, or the scratch; NULL: nobody wants it.
 */
static double *place_of_draw(const worker *w, const urn__chain *chain, int64_t step)
{
    const urn__chain_plan *s = &w->c->plan;
    const int64_t after = step - s->warmup, draw = after / s->thin;
    if (after < 1 || after % s->thin != 0)
        return NULL;
    if (draw % s->stride == 0 && chain->stored < s->stored)
        return chain->draws + chain->stored * s->size;
    return w->c->base->options->draw ? w->scratch : NULL;
}

/* Accounts for a step; *go_on is false when the chain is to stop. */
static urn_status after_step(worker *w, urn__chain *chain, const double *state, bool *go_on,
                             urn_error *error)
{
    urn__chains_run *c = w->c;
    const urn__chain_plan *s = &c->plan;
    const urn_fit_options *options = c->base->options;
    const int64_t after = chain->run->step - s->warmup;
    pthread_mutex_lock(&c->lock);
    chain->steps = chain->run->step;
    chain->drawn += after >= 1 && after % s->thin == 0;
    chain->stored += state && state != w->scratch;
    c->done++;
    const urn_status status = hand_over(c, chain, state, error);
    log_rows(c);
    show_progress(c, chain);
    if (!c->stop && options->interrupted && options->interrupted(options->context))
        c->base->interrupted = c->stop = true;
    *go_on = !c->stop;
    pthread_mutex_unlock(&c->lock);
    return status;
}

/* Room for what another step reports: a long fit that is interrupted pays for the steps it made. */
static urn_status grow_stats(worker *w, urn__chain *chain, urn_error *error)
{
    enum { FIRST = 512 };
    urn__chains_run *c = w->c;
    const urn__chain_plan *s = &c->plan;
    if (chain->run->step < chain->room)
        return URN_OK;
    const int64_t twice = chain->room > 0 ? 2 * chain->room : FIRST;
    const int64_t room = twice < s->n_steps ? twice : s->n_steps;
    const size_t row = (size_t)s->n_stats * sizeof *chain->stats, bytes = (size_t)room * row;
    pthread_mutex_lock(&c->lock);
    double *larger = urn__alloc(c->base->allocator, bytes);
    if (larger) {
        if (chain->steps > 0)
            memcpy(larger, chain->stats, (size_t)chain->steps * row);
        urn__free(c->base->allocator, chain->stats);
        chain->stats = larger;
        chain->room = room;
    }
    pthread_mutex_unlock(&c->lock);
    return larger ? URN_OK : urn__fail_memory(error, "the numbers of the steps", bytes);
}

static urn_status run_steps(worker *w, urn__chain *chain, urn_error *error)
{
    const urn_engine *engine = w->c->engine;
    const urn__chain_plan *s = &w->c->plan;
    urn__run *run = chain->run;
    urn__step_clock_start(&run->clock);
    urn__run_govern_start(run);
    bool go_on = true;
    for (int64_t step = 1; go_on && step <= s->n_steps; step++) {
        urn__step_info info = {0};
        URN_TRY(engine->step(chain->state, step, &info, error));
        urn__run_govern(run, urn__step_clock_stop(&run->clock));
        if (s->n_stats > 0) {
            URN_TRY(grow_stats(w, chain, error));
            memcpy(chain->stats + (step - 1) * s->n_stats, info.stats,
                   (size_t)s->n_stats * sizeof *info.stats);
        }
        run->step = step;
        double *place = place_of_draw(w, chain, step);
        if (place) {
            engine->position(chain->state, place);
            URN_TRY(check_state(w->c, chain, place, error));
        }
        URN_TRY(after_step(w, chain, place, &go_on, error));
        urn__step_clock_resume(&run->clock);
    }
    return URN_OK;
}

/* ---- a chain ---- */

static urn_status begin_chain(worker *w, urn__chain *chain, urn_error *error)
{
    const urn__chains_run *c = w->c;
    const urn__run *base = c->base;
    chain->run = urn__calloc(base->allocator, 1, sizeof *chain->run);
    if (!chain->run)
        return urn__fail_memory(error, "a chain", sizeof *chain->run);
    URN_TRY(urn__fit_new(base->allocator, &chain->notes, error));
    *chain->run = (urn__run){
        .allocator = base->allocator,
        .target = w->base.target,
        .settings = base->settings,
        .seed = base->seed,
        .chain = (uint64_t)chain->number,
        .init = urn__start_given(base->options, base->target->size, (uint64_t)chain->number),
        .init_scale = base->init_scale,
        .n_steps = c->plan.n_steps,
        .n_warmup = c->plan.warmup,
        .n_draws = c->plan.draws,
        .thin = c->plan.thin,
        .fit = chain->notes,
        .options = base->options,
        .most_threads = w->base.threads};
    return urn__state_new(chain->run, c->engine, &chain->state, error);
}

/* A chain that was interrupted before its first draw leaves the state it is in. */
static urn_status keep_last_state(const urn__chains_run *c, urn__chain *chain, urn_error *error)
{
    if (!c->base->interrupted || chain->stored > 0 || chain->steps == 0)
        return URN_OK;
    c->engine->position(chain->state, chain->draws);
    return check_state(c, chain, chain->draws, error);
}

static urn_status end_chain(urn__chains_run *c, urn__chain *chain, urn_error *error)
{
    const urn_engine *engine = c->engine;
    chain->median = urn__step_clock_median(&chain->run->clock);
    chain->threads = urn__governor_used(&chain->run->governor);
    URN_TRY(keep_last_state(c, chain, error));
    if (engine->finish && !c->stop)
        URN_TRY(engine->finish(chain->state, error));
    chain->ended = chain->steps == c->plan.n_steps || c->stop;
    log_rows(c);
    if (chain->notes->warning_lost)
        return urn__fail_memory(error, "the warnings of a chain", sizeof(urn_error));
    return URN_OK;
}

static void run_chain(worker *w, urn__chain *chain)
{
    urn__chains_run *c = w->c;
    pthread_mutex_lock(&c->lock);
    urn_status status = begin_chain(w, chain, &chain->error);
    pthread_mutex_unlock(&c->lock);
    if (status == URN_OK)
        status = run_steps(w, chain, &chain->error);
    pthread_mutex_lock(&c->lock);
    if (status == URN_OK)
        status = end_chain(c, chain, &chain->error);
    urn__state_free(c->base, c->engine, chain->state);
    urn__free(c->base->allocator, chain->run);
    chain->state = NULL;
    chain->run = NULL;
    chain->status = status;
    c->stop = c->stop || status != URN_OK;
    pthread_mutex_unlock(&c->lock);
}

static urn__chain *next_chain(urn__chains_run *c)
{
    pthread_mutex_lock(&c->lock);
    urn__chain *chain = !c->stop && c->next < c->plan.chains ? &c->chain[c->next++] : NULL;
    pthread_mutex_unlock(&c->lock);
    return chain;
}

static void *work(void *context)
{
    worker *w = context;
    urn__chain *chain;
    while ((chain = next_chain(w->c)) != NULL)
        run_chain(w, chain);
    return NULL;
}

/* ---- all of them ---- */

static urn_status prepare_worker(urn__chains_run *c, int i, worker *w, urn_error *error)
{
    const urn__run *base = c->base;
    const size_t bytes = (size_t)c->plan.size * sizeof *w->scratch;
    w->c = c;
    w->scratch = urn__alloc(base->allocator, bytes);
    if (!w->scratch)
        return urn__fail_memory(error, "a state", bytes);
    return urn__worker_open(&w->base, base->target, i, c->plan.workers, base->target->threads,
                            error);
}

static urn_status run_chains(urn__chains_run *c, urn_error *error)
{
    const urn__run *base = c->base;
    const int n = c->plan.workers;
    worker *workers = urn__calloc(base->allocator, (size_t)n, sizeof *workers);
    if (!workers)
        return urn__fail_memory(error, "the chains of a fit", (size_t)n * sizeof *workers);
    urn_status status = URN_OK;
    for (int i = 0; status == URN_OK && i < n; i++)
        status = prepare_worker(c, i, &workers[i], error);
    c->start = urn__clock_now();
    if (status == URN_OK)
        urn__workers_run(workers, sizeof *workers, n, work);
    for (int i = 0; i < n; i++) {
        urn__worker_close(&workers[i].base, base->target);
        urn__free(base->allocator, workers[i].scratch);
    }
    urn__free(base->allocator, workers);
    return status;
}

static urn_status make_room(urn__chains_run *c, urn_error *error)
{
    const urn__run *base = c->base;
    const urn__chain_plan *s = &c->plan;
    static const char *const first[] = {"chain", "step", "warmup"};
    memcpy(c->names, first, sizeof first);
    for (int i = 0; i < s->n_stats; i++)
        c->names[3 + i] = c->engine->stats[i].name;
    double *draws, *none;
    URN_TRY(urn__posterior_room(base->allocator, URN_POSTERIOR_DRAWS, s->size, s->chains, s->stored,
                                base->seed, base->target->kernels->name, &draws, &none,
                                &c->posterior, error));
    c->chain = urn__calloc(base->allocator, (size_t)s->chains, sizeof *c->chain);
    if (!c->chain)
        return urn__fail_memory(error, "the chains of a fit", (size_t)s->chains * sizeof *c->chain);
    for (int i = 0; i < s->chains; i++)
        c->chain[i] = (urn__chain){
            .number = i, .draws = draws + i * s->stored * s->size, .median = (double)NAN};
    return URN_OK;
}

static urn_status run_all(urn__chains_run *c, urn_error *error)
{
    URN_TRY(make_room(c, error));
    if (pthread_mutex_init(&c->lock, NULL) != 0)
        return urn__fail_memory(error, "the chains of a fit", sizeof c->lock);
    const urn_status status = run_chains(c, error);
    pthread_mutex_destroy(&c->lock);
    URN_TRY(status);
    return urn__chains_conclude(c, error);
}

static void release_chain(const urn__run *base, urn__chain *chain)
{
    urn_fit_free(chain->notes);
    urn__free(base->allocator, chain->stats);
}

urn_status urn__sample(urn__run *run, const urn_engine *engine, urn_error *error)
{
    urn__chains_run c = {.base = run, .engine = engine};
    URN_TRY(urn__chain_plan_of(run->target, engine, run->options, &c.plan, error));
    const urn_status status = run_all(&c, error);
    for (int i = 0; c.chain && i < c.plan.chains; i++)
        release_chain(run, &c.chain[i]);
    urn__free(run->allocator, c.chain);
    urn_posterior_free(c.posterior);
    return status;
}
