/* Posterior modes: the density of the sites themselves is maximised, without the log-Jacobian of
 * the unconstrained coordinates the search runs in, so the mode does not depend on them. */
#include "map.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_BAD_STEPS 10

static const urn_option_spec options[] = {
    {"method", URN_OPTION_CHOICE, "lbfgs", "lbfgs|adam", 0, 0,
     "L-BFGS, or the stochastic methods of --optimizer (for mini-batches). The mode is that of the "
     "sites in their natural space: no log-Jacobian terms"},
    {"steps", URN_OPTION_INT, "3000", NULL, 1, 2e9, "steps at most"},
    {"tolerance", URN_OPTION_REAL, "1e-6", NULL, 0, 1,
     "stop when the norm of the gradient of the log density falls below this times that of the "
     "position (or 1)"},
    {"history", URN_OPTION_INT, "6", NULL, 3, 1000, "corrections L-BFGS keeps"},
    URN__OPTIMISER_OPTIONS("0.01", " (--method adam)"),
    {"init", URN_OPTION_CHOICE, "median", "median|random|zero", 0, 0,
     "where the search starts: prior medians, uniform in (-2, 2) in unconstrained space, or 0 "
     "there"},
    {"init-jitter", URN_OPTION_REAL, "0.1", NULL, 0, 1e6,
     "sd of the noise added to medians or zeros, so that a saddle point is left"},
    {"batch", URN_OPTION_TEXT, NULL, NULL, 0, 0,
     "mini-batches: PLATE=N takes N rows of a rows plate each step (--method adam)"},
    {0}};

static urn_status accepts(const urn__target *target, const urn__settings *settings,
                          urn_error *error)
{
    return urn__require_continuous(settings->engine, target, error);
}

static bool no_jacobian(const urn__settings *settings)
{
    (void)settings;
    return true;
}

double urn__map_norm(const urn__map_state *map, const double *x)
{
    return sqrt(map->run->target->kernels->dot(map->run->target->size, x, x));
}

bool urn__map_flat(const urn__map_state *map, double gradient_norm, double position_norm)
{
    return gradient_norm < map->tolerance * fmax(1.0, position_norm);
}

static urn_status read_settings(urn__map_state *map, urn_error *error)
{
    urn__run *run = map->run;
    const urn__settings *s = run->settings;
    static const char *const adam_only[] = {"lr",       "optimizer", "momentum", "weight-decay",
                                            "schedule", "lr-final",  "clip",     "batch"};
    run->n_steps = urn__setting_int(s, "steps");
    map->lbfgs = urn__setting_is(s, "method", "lbfgs");
    map->tolerance = urn__setting_real(s, "tolerance");
    map->history = (int)urn__setting_int(s, "history");
    for (size_t i = 0; map->lbfgs && i < sizeof adam_only / sizeof adam_only[0]; i++)
        if (urn__setting(s, adam_only[i])->given)
            return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "add --method adam",
                             "engine \"map\": option \"%s\" was given, but L-BFGS does not take it",
                             adam_only[i]);
    return urn__optimiser_read(s, run->n_steps, &map->optimiser, error);
}

static urn_status prepare(urn__map_state *map, urn_error *error)
{
    urn__run *run = map->run;
    const size_t size = (size_t)run->target->size;
    double **const arrays[] = {&map->position, &map->gradient, &map->slope, &map->m, &map->v};
    URN_TRY(read_settings(map, error));
    for (size_t i = 0; i < (map->lbfgs ? 2u : 5u); i++)
        *arrays[i] = urn__arena_alloc(map->arena, size, sizeof(double));
    if (urn__arena_failed(map->arena))
        return urn__fail_memory(error, "the state of map", 5 * size * sizeof(double));
    URN_TRY(urn__start_position(run, urn__setting(run->settings, "init")->text,
                                urn__setting_real(run->settings, "init-jitter"), map->position,
                                error));
    URN_TRY(urn__target_address(run->target, run->seed, run->chain, 0, error));
    if (!isfinite(urn__target_log_density(run->target, map->position, map->gradient)))
        return urn__target_fail_density(run->target, map->position, "at the first position", error);
    return URN_OK;
}

static void release(void *state)
{
    urn__map_state *map = state;
    if (!map)
        return;
    const urn_allocator *allocator = map->run->allocator;
    urn__arena_free(map->arena);
    urn__free(allocator, map);
}

static urn_status start(urn__run *run, void **state, urn_error *error)
{
    *state = NULL;
    urn__map_state *map = urn__calloc(run->allocator, 1, sizeof *map);
    if (!map)
        return urn__fail_memory(error, "the state of map", sizeof *map);
    map->run = run;
    map->arena = urn__arena_new(run->allocator);
    const urn_status status =
        map->arena ? prepare(map, error) : urn__fail_memory(error, "the state of map", sizeof *map);
    if (status != URN_OK) {
        release(map);
        return status;
    }
    *state = map;
    return URN_OK;
}

/* ---- Adam and SGD ---- */

static void update_chunk(void *context, int64_t chunk, int thread)
{
    urn__map_state *map = context;
    const urn__target *target = map->run->target;
    const int64_t at = chunk * URN__CHUNK;
    const int64_t left = target->size - at;
    const int64_t n = left < URN__CHUNK ? left : URN__CHUNK;
    const double factor = -map->clip_factor / target->observations;
    (void)thread;
    for (int64_t i = at; i < at + n; i++)
        map->slope[i] = factor * map->gradient[i];
    urn__optimiser_update(&map->optimiser, target->kernels, n, true, map->slope + at, map->m + at,
                          map->v + at, map->position + at);
}

static urn_status skip(urn__map_state *map, int64_t step, urn__step_info *info, urn_error *error)
{
    info->skipped = true;
    if (++map->bad_in_a_row < MOST_BAD_STEPS)
        return URN_OK;
    char what[96];
    snprintf(what, sizeof what, "at %d steps in a row, the last of them step %lld", MOST_BAD_STEPS,
             (long long)step);
    return urn__target_fail_density(map->run->target, map->position, what, error);
}

urn_status urn__map_descend(urn__map_state *map, int64_t step, urn__step_info *info,
                            urn_error *error)
{
    const urn__run *run = map->run;
    const urn__target *target = run->target;
    URN_TRY(urn__target_address(target, run->seed, urn__chain_for(URN__USE_STEPS, run->chain),
                                step - 1, error));
    const double value = urn__target_log_density(target, map->position, map->gradient);
    const double norm = urn__map_norm(map, map->gradient);
    info->loss = -value / target->observations;
    if (!isfinite(value) || !isfinite(norm))
        return skip(map, step, info, error);
    map->bad_in_a_row = 0;
    if (urn__map_flat(map, norm, urn__map_norm(map, map->position))) {
        info->done = map->converged = true;
        return URN_OK;
    }
    const double limit = map->optimiser.clip * target->observations;
    map->clip_factor = limit > 0.0 && norm > limit ? limit / norm : 1.0;
    urn__optimiser_begin(&map->optimiser, step);
    urn__parallel(target->threads, (target->size + URN__CHUNK - 1) / URN__CHUNK, update_chunk, map);
    return URN_OK;
}

/* ---- the engine ---- */

static urn_status all_steps(void *state, urn_error *error)
{
    urn__map_state *map = state;
    urn__run *run = map->run;
    if (map->lbfgs)
        return urn__map_lbfgs(map, error);
    for (int64_t step = 1; step <= run->n_steps; step++) {
        urn__step_info info = {0};
        URN_TRY(urn__map_descend(map, step, &info, error));
        if (!urn__run_after_step(run, &info))
            break;
    }
    return URN_OK;
}

static const double *position(const void *state)
{
    return ((const urn__map_state *)state)->position;
}

static void warn(urn__map_state *map, double norm)
{
    urn__run *run = map->run;
    const bool close = norm < 100.0 * map->tolerance * fmax(1.0, urn__map_norm(map, map->position));
    if (map->converged || (map->stalled && close))
        return;
    if (map->stalled)
        urn__run_warn(
            run, "the search stopped after %lld steps, where the gradient's norm is still %.3g: %s",
            (long long)run->step, norm, map->stalled);
    else
        urn__run_warn(
            run,
            "the mode was not reached in %lld steps: the gradient's norm is still %.3g; run "
            "more steps (--steps)",
            (long long)run->step, norm);
}

static urn_status finish(void *state, urn_error *error)
{
    urn__map_state *map = state;
    urn__run *run = map->run;
    const urn__target *target = run->target;
    URN_TRY(urn__target_address(target, run->seed, urn__chain_for(URN__USE_EVALUATION, run->chain),
                                0, error));
    const double value = urn__target_log_density(target, map->position, map->gradient);
    const double norm = urn__map_norm(map, map->gradient);
    urn__run_number(run, "loss_per_observation", -value / target->observations, false);
    urn__run_number(run, "log_density", value, false);
    urn__run_number(run, "gradient_norm", norm, false);
    urn__run_number(run, "converged", map->converged ? 1.0 : 0.0, false);
    warn(map, norm);
    return URN_OK;
}

static urn_status posterior(const void *state, urn_posterior **made, urn_error *error)
{
    const urn__map_state *map = state;
    return urn__posterior_make(map->run->allocator, URN_POSTERIOR_POINT, map->run->target->size, 1,
                               0, map->position, NULL, map->run->seed, made, error);
}

const urn_engine urn__engine_map = {
    .name = "map",
    .summary = "posterior mode by L-BFGS or Adam",
    .kind = URN__OPTIMISER,
    .options = options,
    .accepts = accepts,
    .no_jacobian = no_jacobian,
    .start = start,
    .loop = all_steps,
    .position = position,
    .finish = finish,
    .posterior = posterior,
    .release = release,
};
