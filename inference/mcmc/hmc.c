/* A chain's life, its leapfrog steps, fixed paths and adaptation; trees are in nuts.c. */
#include "chain.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define MOST_LOSS 1000.0         /* of energy, before a trajectory counts as divergent */
#define MOST_WARMUP_STEPS 1024.0 /* of a trajectory of given length; see URN__HMC_MOST_STEPS */

/* ---- life ---- */

urn__hmc_options urn__hmc_defaults(const char *name, uint64_t seed, uint64_t chain)
{
    return (urn__hmc_options){.name = name,
                              .seed = seed,
                              .chain = chain,
                              .metric = URN__METRIC_DIAG,
                              .path = 2.0 * M_PI,
                              .max_depth = 10,
                              .delta = 0.8,
                              .step_size = 1.0};
}

/* Vectors begin on cache lines. */
static int64_t padded(int64_t n)
{
    return (n + 7) & ~(int64_t)7;
}

/* Waiting stretches have a sample each, then there are the whole trajectory's, its two ends and the
 * point being made. */
static int position_slots(const urn__hmc_options *options)
{
    return (options->fixed_path ? 0 : options->max_depth) + 7;
}

/* Stretches have two ends and a sum. */
static int momentum_slots(const urn__hmc_options *options)
{
    return (options->fixed_path ? 0 : 3 * options->max_depth) + 10;
}

int64_t urn__hmc_memory(int64_t size, const urn__hmc_options *options)
{
    const bool dense = options->metric == URN__METRIC_DENSE;
    const int64_t slots = 2 * position_slots(options) + momentum_slots(options);
    const int64_t moments = options->n_warmup > 0 ? urn__moments_size(size, dense) : 0;
    const int64_t numbers =
        slots * padded(size) + urn__metric_size(options->metric, size) + moments;
    return (int64_t)(sizeof(double) * (size_t)numbers + sizeof(urn__hmc));
}

static bool new_pool(urn__pool *pool, int slots, int64_t stride, urn__arena *arena)
{
    pool->stride = stride;
    pool->memory = urn__arena_alloc(arena, (size_t)(slots * stride), sizeof(double));
    pool->uses = urn__arena_alloc(arena, (size_t)slots, sizeof *pool->uses);
    pool->free = urn__arena_alloc(arena, (size_t)slots, sizeof *pool->free);
    if (urn__arena_failed(arena))
        return false;
    for (pool->n_free = 0; pool->n_free < slots; pool->n_free++)
        pool->free[pool->n_free] = slots - 1 - pool->n_free;
    return true;
}

int urn__pool_take(urn__pool *pool)
{
    const int i = pool->free[--pool->n_free];
    pool->uses[i] = 1;
    return i;
}

static bool adapts_metric(const urn__hmc *h)
{
    return h->options.n_warmup > 0 && h->options.metric != URN__METRIC_UNIT;
}

static bool allocate(urn__hmc *h)
{
    const urn__hmc_options *o = &h->options;
    const int64_t n = h->size, stride = padded(n);
    const bool dense = o->metric == URN__METRIC_DENSE;
    h->points = urn__arena_alloc(h->arena, (size_t)position_slots(o), sizeof *h->points);
    h->normals = urn__arena_alloc(h->arena, URN__NORMAL_BLOCK, sizeof *h->normals);
    return new_pool(&h->positions, position_slots(o), 2 * stride, h->arena) &&
           new_pool(&h->momenta, momentum_slots(o), stride, h->arena) &&
           urn__metric_new(&h->metric, o->metric, n, h->target->kernels, h->arena) &&
           (!adapts_metric(h) || urn__moments_new(&h->moments, n, dense, h->arena)) &&
           !urn__arena_failed(h->arena);
}

static urn_status set_metric(urn__hmc *h, urn_error *error)
{
    const bool dense = h->options.metric == URN__METRIC_DENSE;
    const size_t size = (size_t)h->size * (size_t)(dense ? h->size : 1);
    if (!h->options.inverse_metric || h->options.metric == URN__METRIC_UNIT)
        return URN_OK;
    memcpy(h->metric.inverse, h->options.inverse_metric, size * sizeof(double));
    if (urn__metric_factor(&h->metric))
        return URN_OK;
    return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "give variances of the unconstrained sites",
                     "the inverse metric is not positive definite");
}

urn_status urn__hmc_new(const urn__target *target, const urn__hmc_options *options, urn__hmc **hmc,
                        urn_error *error)
{
    const size_t bytes = (size_t)urn__hmc_memory(target->size, options);
    urn__arena *arena = urn__arena_new(target->allocator);
    urn__hmc *h = arena ? urn__arena_alloc(arena, 1, sizeof *h) : NULL;
    *hmc = NULL;
    if (!h) {
        urn__arena_free(arena);
        return urn__fail_memory(error, "a chain", bytes);
    }
    h->target = target;
    h->options = *options;
    h->arena = arena;
    h->size = target->size;
    h->averaging.delta = options->delta;
    h->step_size = options->step_size;
    h->normals_of = -1;
    urn_status status =
        allocate(h) ? set_metric(h, error) : urn__fail_memory(error, "a chain", bytes);
    if (status != URN_OK) {
        urn__arena_free(arena);
        return status;
    }
    urn__windows_start(&h->windows, options->n_warmup);
    h->here = urn__pool_take(&h->positions);
    *hmc = h;
    return URN_OK;
}

void urn__hmc_free(urn__hmc *hmc)
{
    if (hmc)
        urn__arena_free(hmc->arena);
}

const double *urn__hmc_position(const urn__hmc *hmc)
{
    return urn__position_at(hmc, hmc->here);
}

double urn__hmc_step_size(const urn__hmc *hmc)
{
    return hmc->step_size;
}

const urn__metric *urn__hmc_metric(const urn__hmc *hmc)
{
    return &hmc->metric;
}

/* ---- points ---- */

void urn__hmc_evaluate(urn__hmc *h, int position)
{
    double *gradient = urn__gradient_at(h, position);
    const double value =
        h->target->log_density(h->target->context, urn__position_at(h, position), gradient);
    urn__metric_whiten(&h->metric, gradient);
    h->points[position].log_density = value;
}

bool urn__hmc_place(urn__hmc *h, const double *position)
{
    double *here = urn__position_at(h, h->here);
    if (here != position)
        memcpy(here, position, (size_t)h->size * sizeof *here);
    urn__hmc_evaluate(h, h->here);
    const double *gradient = urn__gradient_at(h, h->here);
    bool finite = isfinite(h->points[h->here].log_density);
    for (int64_t i = 0; finite && i < h->size; i++)
        finite = isfinite(gradient[i]);
    return finite;
}

static void kick_to(int64_t n, double step, const double *restrict r, const double *restrict w,
                    double *restrict to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = r[i] + step * w[i];
}

double urn__hmc_leapfrog(urn__hmc *h, double step, int position, int momentum, int new_position,
                         int new_momentum)
{
    const int64_t n = h->size;
    const urn__kernels *k = h->target->kernels;
    double *r = urn__pool_at(&h->momenta, new_momentum);
    kick_to(n, 0.5 * step, urn__pool_at(&h->momenta, momentum), urn__gradient_at(h, position), r);
    urn__metric_drift(&h->metric, step, urn__position_at(h, position), r,
                      urn__position_at(h, new_position));
    urn__hmc_evaluate(h, new_position);
    k->axpy(n, 0.5 * step, urn__gradient_at(h, new_position), r);
    const double square = k->dot(n, r, r);
    urn__point *point = &h->points[new_position];
    const double energy = 0.5 * square - point->log_density;
    point->energy = isfinite(energy) ? energy : HUGE_VAL;
    return square;
}

double urn__hmc_count(urn__hmc *h, int position)
{
    const double lost = h->start_energy - h->points[position].energy;
    h->n_steps++;
    h->acceptance += lost >= 0.0 ? 1.0 : exp(lost);
    h->diverging = h->diverging || lost < -MOST_LOSS;
    return lost;
}

/* ---- momenta ---- */

/* Few normals come in blocks for several transitions: making a block takes as long as a dozen
 * gradients of a small model. */
static int draw_momentum(urn__hmc *h, const urn__stream *stream, int64_t step)
{
    const urn__kernels *k = h->target->kernels;
    const int momentum = urn__pool_take(&h->momenta);
    double *r = urn__pool_at(&h->momenta, momentum);
    const int64_t per = URN__NORMAL_BLOCK / h->size;
    if (per < 2) {
        k->normals(stream, 0, h->size, r);
        return momentum;
    }
    const int64_t group = step / per;
    if (group != h->normals_of) {
        const urn__stream own =
            urn__stream_at(h->options.seed, h->options.chain, h->options.name, (uint64_t)group);
        k->normals(&own, 0, URN__NORMAL_BLOCK, h->normals);
        h->normals_of = group;
    }
    memcpy(r, h->normals + step % per * h->size, (size_t)h->size * sizeof *r);
    return momentum;
}

/* ---- a transition ---- */

/* Fixed number of steps, then Metropolis. In warm-up trajectories are cut: from a start far out all
 * long ones may diverge, whatever the step size, which then shrinks while they take ever longer. */
static void fixed_transition(urn__hmc *h, urn_rng *rng, int momentum, bool adapting)
{
    const double most = adapting ? MOST_WARMUP_STEPS : URN__HMC_MOST_STEPS;
    const double wanted = h->options.path / h->step_size;
    const int64_t n = h->options.n_steps > 0 ? h->options.n_steps
                      : wanted < 1.0         ? 1
                                             : (int64_t)fmin(wanted, most);
    int at = h->here;
    double lost = 0.0, statistic = 0.0;
    urn__pool_keep(&h->positions, at);
    for (int64_t i = 0; i < n && !h->diverging; i++) {
        const int next = urn__pool_take(&h->positions), r = urn__pool_take(&h->momenta);
        urn__hmc_leapfrog(h, h->step, at, momentum, next, r);
        urn__pool_drop(&h->positions, at);
        urn__pool_drop(&h->momenta, momentum);
        at = next;
        momentum = r;
        h->acceptance = 0.0; /* the last point's alone counts */
        lost = urn__hmc_count(h, at);
    }
    statistic = h->acceptance;
    if (!h->diverging && (lost >= 0.0 || urn_rng_uniform(rng) < statistic)) {
        const int old = h->here;
        h->here = at;
        at = old;
    } else {
        h->points[h->here].energy = h->start_energy;
    }
    h->acceptance = statistic * (double)h->n_steps;
    urn__pool_drop(&h->positions, at);
    urn__pool_drop(&h->momenta, momentum);
}

static void begin_trajectory(urn__hmc *h, int momentum)
{
    const double *r = urn__pool_at(&h->momenta, momentum);
    urn__point *point = &h->points[h->here];
    point->energy = 0.5 * h->target->kernels->dot(h->size, r, r) - point->log_density;
    h->start_energy = point->energy;
    h->shift = h->acceptance = 0.0;
    h->n_steps = 0;
    h->diverging = false;
}

static void transition(urn__hmc *h, int64_t step, bool adapting, urn__hmc_info *info)
{
    const urn__stream stream =
        urn__stream_at(h->options.seed, h->options.chain, h->options.name, (uint64_t)step);
    urn_rng rng;
    urn__rng_at_row(&rng, &stream, 0);
    *info = (urn__hmc_info){0};
    h->step = h->step_size;
    if (h->options.jitter > 0.0)
        h->step *= 1.0 + h->options.jitter * (2.0 * urn_rng_uniform(&rng) - 1.0);
    const int momentum = draw_momentum(h, &stream, step);
    begin_trajectory(h, momentum);
    if (h->options.fixed_path)
        fixed_transition(h, &rng, momentum, adapting);
    else
        urn__nuts_transition(h, &rng, momentum, info);
    info->log_density = h->points[h->here].log_density;
    info->energy = h->points[h->here].energy;
    info->acceptance = h->acceptance / (double)h->n_steps;
    info->step_size = h->step;
    info->n_steps = h->n_steps;
    info->diverging = h->diverging;
}

/* ---- adaptation ---- */

/* Energy lost by one leapfrog step with fresh momenta, number `try` of this step's. */
static double try_step(urn__hmc *h, const urn__stream *stream, int try)
{
    const int64_t blocks = (h->size + URN__NORMAL_BLOCK - 1) / URN__NORMAL_BLOCK;
    const int momentum = urn__pool_take(&h->momenta), r = urn__pool_take(&h->momenta);
    const int next = urn__pool_take(&h->positions);
    h->target->kernels->normals(stream, (1 + try) * blocks * URN__NORMAL_BLOCK, h->size,
                                urn__pool_at(&h->momenta, momentum));
    begin_trajectory(h, momentum);
    urn__hmc_leapfrog(h, h->step_size, h->here, momentum, next, r);
    const double lost = h->start_energy - h->points[next].energy;
    urn__pool_drop(&h->positions, next);
    urn__pool_drop(&h->momenta, momentum);
    urn__pool_drop(&h->momenta, r);
    return lost;
}

static urn_status fail_step_size(const urn__hmc *h, urn_error *error)
{
    if (h->step_size > 0.0)
        return urn__fail(error, URN_ERR_RUNTIME, NULL, NULL,
                         "give every site a proper prior, or data that say something about it",
                         "a leapfrog step of %.2g changes the energy by less than it may: the "
                         "posterior is probably improper",
                         h->step_size);
    return urn__fail(error, URN_ERR_RUNTIME, NULL, NULL,
                     "look for steps and jumps in the model, or start elsewhere",
                     "no leapfrog step is small enough to be accepted: the log density is probably "
                     "not continuous where the chain is");
}

/* Doubles or halves the step size until a step's acceptance crosses 0.8. */
static urn_status find_step_size(urn__hmc *h, int64_t step, urn_error *error)
{
    const double wanted = log(0.8), largest = 1e7;
    const urn__stream stream =
        urn__stream_at(h->options.seed, h->options.chain, h->options.name, (uint64_t)step);
    if (!(h->step_size > 0.0 && h->step_size <= largest))
        return URN_OK;
    const bool up = try_step(h, &stream, 0) > wanted;
    for (int try = 1; (try_step(h, &stream, try) > wanted) == up; try++) {
        h->step_size *= up ? 2.0 : 0.5;
        if (h->step_size > largest || h->step_size == 0.0)
            return fail_step_size(h, error);
    }
    return URN_OK;
}

/* As Stan does, the first averaging tries ten times the step size that was asked for boldly; only
 * those after a window go by the one that was found. */
static urn_status restart_step_size(urn__hmc *h, int64_t step, urn_error *error)
{
    URN_TRY(find_step_size(h, step, error));
    urn__averaging_restart(&h->averaging, step == 0 ? h->options.step_size : h->step_size);
    return URN_OK;
}

static urn_status close_window(urn__hmc *h, int64_t step, urn_error *error)
{
    if (!urn__moments_to_metric(&h->moments, &h->metric))
        return urn__fail(error, URN_ERR_RUNTIME, NULL, NULL,
                         "check that the posterior is proper, narrow very wide priors",
                         "the variances of the chain's positions are not finite or not positive "
                         "definite after %lld steps of warm-up",
                         (long long)step);
    urn__moments_clear(&h->moments);
    urn__hmc_evaluate(h, h->here); /* its gradient is whitened anew */
    return restart_step_size(h, step, error);
}

static urn_status adapt(urn__hmc *h, int64_t step, double acceptance, urn_error *error)
{
    const int64_t t = step - 1;
    h->step_size = urn__averaging_learn(&h->averaging, acceptance);
    if (adapts_metric(h) && urn__windows_collect(&h->windows, t)) {
        urn__moments_add(&h->moments, urn__hmc_position(h));
        if (urn__windows_close(&h->windows, t))
            URN_TRY(close_window(h, step, error));
    }
    if (step == h->options.n_warmup)
        h->step_size = urn__averaging_final(&h->averaging);
    return URN_OK;
}

urn_status urn__hmc_step(urn__hmc *h, int64_t step, urn__hmc_info *info, urn_error *error)
{
    const bool adapting = step <= h->options.n_warmup;
    if (adapting && !h->started)
        URN_TRY(restart_step_size(h, 0, error));
    h->started = true;
    transition(h, step, adapting, info);
    return adapting ? adapt(h, step, info->acceptance, error) : URN_OK;
}
