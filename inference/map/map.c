/* Posterior modes: the density of the sites themselves is maximised, without the log-Jacobian of
 * the unconstrained coordinates the search runs in, so the mode does not depend on them. */
#include "map.h"
#include "../guides/guides.h"
#include "../importance.h"
#include "../lbfgs.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const urn_option_spec options[] = {
    {"method", URN_OPTION_CHOICE, "lbfgs", "lbfgs|adam|blocks", 0, 0,
     "L-BFGS; the stochastic methods of --optimizer (for mini-batches); or block coordinate ascent "
     "on closed-form conditionals, which on a matrix factorisation is alternating least squares. "
     "The "
     "mode is that of the sites in their natural space: no log-Jacobian terms"},
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
    {"batch-updates", URN_OPTION_CHOICE, "auto", "auto|all|touched", 0, 0,
     "with --batch, of plates such as users or items: update the rows a batch touches, or all "
     "rows; "
     "auto: the touched ones of plates with more rows than a batch can touch (--method adam)"},
    {0}};

static urn_status accepts(const urn__target *target, const urn__settings *settings,
                          urn_error *error)
{
    const bool blocks = urn__setting_is(settings, "method", "blocks");
    if (target->precision == URN_PRECISION_SINGLE && !urn__setting_is(settings, "method", "adam"))
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL,
                         "add --method adam, or leave --precision single out",
                         blocks ? "engine \"map\": method blocks works in double precision only"
                                : "engine \"map\": L-BFGS works in double precision only: its line "
                                  "search cannot tell float densities apart near a mode");
    URN_TRY(urn__require_mode(settings->engine, target, error));
    return urn__require_continuous(settings->engine, target, error);
}

static bool no_jacobian(const urn__settings *settings)
{
    (void)settings;
    return true;
}

static bool touched(const urn__settings *settings)
{
    return urn__setting_is(settings, "method", "adam");
}

static int64_t memory(const urn__target *target, const urn__settings *settings)
{
    urn__optimiser optimiser;
    if (urn__setting_is(settings, "method", "blocks")) /* values, and what conditionals hold */
        return target->size * (2 + 4) * (int64_t)sizeof(double);
    if (urn__setting_is(settings, "method", "lbfgs"))
        return target->size * (2 + urn__lbfgs_doubles(urn__setting_int(settings, "history"))) *
               (int64_t)sizeof(double);
    if (urn__optimiser_read(settings, 1, &optimiser, NULL) != URN_OK)
        return 0; /* start will say so */
    return urn__guide_memory(target, &optimiser, &(urn__guide_plan){.kind = &urn__guide_delta},
                             false);
}

static int64_t posterior_memory(const urn__target *target, const urn__settings *settings)
{
    (void)settings;
    return target->size * (int64_t)sizeof(double);
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
    static const char *const adam_only[] = {"lr",           "optimizer", "momentum",
                                            "weight-decay", "schedule",  "lr-final",
                                            "clip",         "batch",     "batch-updates"};
    run->n_steps = urn__setting_int(s, "steps");
    const bool adam = urn__setting_is(s, "method", "adam");
    map->lbfgs = urn__setting_is(s, "method", "lbfgs");
    map->tolerance = urn__setting_real(s, "tolerance");
    map->history = (int)urn__setting_int(s, "history");
    for (size_t i = 0; !adam && i < sizeof adam_only / sizeof adam_only[0]; i++)
        if (urn__setting(s, adam_only[i])->given)
            return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "add --method adam",
                             "engine \"map\": option \"%s\" was given, but %s does not take it",
                             adam_only[i], map->lbfgs ? "L-BFGS" : "method blocks");
    return urn__optimiser_read(s, run->n_steps, &map->optimiser, error);
}

static urn_status prepare_position(urn__map_state *map, const char *init, double jitter,
                                   urn_error *error)
{
    urn__run *run = map->run;
    const size_t size = (size_t)run->target->size;
    map->position = urn__arena_alloc(map->arena, size, sizeof(double));
    map->gradient = urn__arena_alloc(map->arena, size, sizeof(double));
    if (urn__arena_failed(map->arena))
        return urn__fail_memory(error, "the state of map", 2 * size * sizeof(double));
    URN_TRY(urn__start_position(run, init, jitter, map->position, error));
    URN_TRY(urn__target_address(run->target, run->seed, run->chain, 0, error));
    if (!isfinite(urn__target_log_density(run->target, map->position, map->gradient)))
        return urn__target_fail_density(run->target, map->position, "at the first position", error);
    return URN_OK;
}

static urn_status prepare_descent(urn__map_state *map, const char *init, double jitter,
                                  urn_error *error)
{
    urn__run *run = map->run;
    const urn__guide_plan plan = {.kind = &urn__guide_delta};
    URN_TRY(urn__guide_init(&map->guide, map->arena, run->target, &plan, error));
    URN_TRY(urn__start_guide(run, init, jitter, 1.0, &map->guide, error));
    URN_TRY(urn__guide_ready(&map->guide, &map->optimiser, false, error));
    map->close = map->tolerance > 0.0;
    URN_TRY(urn__target_address(run->target, run->seed, run->chain, 0, error));
    if (!isfinite(urn__guide_target_density(&map->guide, true)))
        return urn__guide_fail_density(&map->guide, "at the first position", error);
    return URN_OK;
}

static urn_status prepare(urn__map_state *map, urn_error *error)
{
    URN_TRY(read_settings(map, error));
    const char *init = urn__setting(map->run->settings, "init")->text;
    const double jitter = urn__setting_real(map->run->settings, "init-jitter");
    if (urn__setting_is(map->run->settings, "method", "adam"))
        return prepare_descent(map, init, jitter, error);
    URN_TRY(prepare_position(map, init, jitter, error));
    return map->lbfgs ? URN_OK : urn__map_prepare_blocks(map, error);
}

static void release(void *state)
{
    urn__map_state *map = state;
    urn__guide_settle(&map->guide);
    urn__gibbs_free(map->blocks);
    urn__arena_free(map->arena);
}

static urn_status start(void *state, urn_error *error)
{
    urn__map_state *map = state;
    map->arena = urn__arena_new(map->run->allocator);
    return map->arena ? prepare(map, error)
                      : urn__fail_memory(error, "the state of map", sizeof *map);
}

/* ---- Adam and SGD ---- */

/* Norms take a pass over memory, so they are only asked for where they decide something: with a
 * limit on the gradient, or when the norms of the last step (which the update has by the way) were
 * within this factor of small enough. */
#define CLOSE 100.0

static bool is_close(const urn__map_state *map, const urn__sums *sums)
{
    return urn__map_flat(map, sqrt(sums->gradient) / CLOSE, sqrt(sums->points));
}

/* What the gradient of log p is multiplied by; 0 when it is small enough. */
static double factor_of(urn__map_state *map)
{
    const double share = 1.0 / map->run->target->observations;
    const double limit = map->optimiser.clip / share;
    if (!map->close && !(limit > 0.0))
        return share;
    const urn__sums sums = urn__guide_norms(&map->guide);
    const double norm = sqrt(sums.gradient);
    if (urn__map_flat(map, norm, sqrt(sums.points)))
        return 0.0;
    return limit > 0.0 && norm > limit ? share * limit / norm : share;
}

urn_status urn__map_descend(urn__map_state *map, int64_t step, urn__step_info *info,
                            urn_error *error)
{
    urn__run *run = map->run;
    urn__run_phase(run, NULL);
    URN_TRY(urn__target_address(run->target, run->seed, urn__chain_for(URN__USE_STEPS, run->chain),
                                step - 1, error));
    const double value = urn__guide_target_density(&map->guide, true);
    urn__run_phase(run, "log density and gradient");
    info->loss = -value / run->target->observations;
    if (!isfinite(value))
        return urn__guide_skip(&map->guide, step, info, error);
    const double factor = factor_of(map);
    if (factor == 0.0) {
        info->done = map->converged = true;
        return URN_OK;
    }
    urn__optimiser_begin(&map->optimiser, step);
    const bool watch = map->tolerance > 0.0;
    const urn__sums sums = urn__guide_step(&map->guide, &map->optimiser, factor, watch, NULL);
    urn__run_phase(run, "update");
    map->close = watch && is_close(map, &sums);
    if (sums.bad > 0.0)
        return urn__guide_skip(&map->guide, step, info, error);
    map->guide.bad_in_a_row = 0;
    return URN_OK;
}

/* ---- the engine ---- */

static urn_status all_steps(void *state, urn_error *error)
{
    urn__map_state *map = state;
    urn__run *run = map->run;
    if (map->lbfgs)
        return urn__map_lbfgs(map, error);
    if (map->blocks)
        return urn__map_blocks(map, error);
    for (int64_t step = 1; step <= run->n_steps; step++) {
        urn__step_info info = {0};
        URN_TRY(urn__map_descend(map, step, &info, error));
        if (!urn__run_after_step(run, &info))
            break;
    }
    return URN_OK;
}

static int64_t find_bad(const void *state, double *value)
{
    const urn__map_state *map = state;
    if (!map->position)
        return urn__guide_find_bad(&map->guide, value);
    return urn__find_not_finite(map->run->target->size, map->position, value);
}

/* Log density where the search ended, with the norms there. */
static double final_density(urn__map_state *map, double *gradient_norm, double *position_norm)
{
    double value;
    if (map->position) {
        value = urn__target_log_density(map->run->target, map->position, map->gradient);
        *gradient_norm = urn__map_norm(map, map->gradient);
        *position_norm = urn__map_norm(map, map->position);
    } else {
        value = urn__guide_target_density(&map->guide, true);
        const urn__sums sums = urn__guide_norms(&map->guide);
        *gradient_norm = sqrt(sums.gradient);
        *position_norm = sqrt(sums.points);
    }
    return value;
}

static void warn(urn__map_state *map, double norm, double position_norm)
{
    urn__run *run = map->run;
    const bool close = urn__map_flat(map, norm / 100.0, position_norm);
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
    double norm, position_norm;
    const double value = final_density(map, &norm, &position_norm);
    urn__run_number(run, "loss_per_observation", -value / target->observations, false);
    urn__run_number(run, "log_density", value, false);
    urn__run_number(run, "gradient_norm", norm, false);
    urn__run_number(run, "converged", map->converged ? 1.0 : 0.0, false);
    warn(map, norm, position_norm);
    return URN_OK;
}

static urn_status posterior(void *state, urn_posterior **made, urn_error *error)
{
    urn__map_state *map = state;
    const urn__run *run = map->run;
    urn__guide_settle(&map->guide);
    if (!map->position)
        return urn__guide_posterior(run, &map->guide, made, error);
    return urn__final_point(run, map->position, made, error);
}

const urn_engine urn__engine_map = {
    .name = "map",
    .summary = "posterior mode by L-BFGS, Adam, or block by block (alternating least squares)",
    .kind = URN__OPTIMISER,
    .single = true,
    .options = options,
    .accepts = accepts,
    .any_form = "a mode is the same in any coordinates",
    .no_jacobian = no_jacobian,
    .touched = touched,
    .memory = memory,
    .posterior_memory = posterior_memory,
    .state_size = sizeof(urn__map_state),
    .start = start,
    .loop = all_steps,
    .find_bad = find_bad,
    .finish = finish,
    .posterior = posterior,
    .release = release,
};
