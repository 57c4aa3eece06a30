/* L-BFGS through liblbfgs (Liu and Nocedal, On the limited memory BFGS method for large scale
 * optimization, 1989). The library owns the loop and its own memory; its progress callback is where
 * the run sees each step. */
#include "map.h"

#include <float.h>
#include <lbfgs.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* A density that is not finite becomes a wall: a flat value well above the last accepted one, which
 * the line search's interpolation turns into a shorter step (infinity would turn into NaN there).
 */
static lbfgsfloatval_t evaluate(void *context, const lbfgsfloatval_t *x, lbfgsfloatval_t *g,
                                const int n, const lbfgsfloatval_t step)
{
    urn__map_state *map = context;
    const urn__target *target = map->run->target;
    (void)step;
    const double value = urn__target_log_density(target, x, map->gradient);
    const bool good = isfinite(value) && isfinite(urn__map_norm(map, map->gradient));
    for (int i = 0; i < n; i++)
        g[i] = good ? -map->gradient[i] : 0.0;
    return good ? -value : map->accepted + 1.0 + fabs(map->accepted);
}

static int progress(void *context, const lbfgsfloatval_t *x, const lbfgsfloatval_t *g,
                    const lbfgsfloatval_t fx, const lbfgsfloatval_t xnorm,
                    const lbfgsfloatval_t gnorm, const lbfgsfloatval_t step, int n, int k, int ls)
{
    urn__map_state *map = context;
    (void)g, (void)xnorm, (void)gnorm, (void)step, (void)k, (void)ls;
    memcpy(map->position, x, (size_t)n * sizeof *x);
    map->accepted = fx;
    const urn__step_info info = {.loss = fx / map->run->target->observations};
    return !urn__run_after_step(map->run, &info);
}

static urn_status refuse_mini_batches(urn__map_state *map, urn_error *error)
{
    bool varies;
    URN_TRY(urn__target_varies(map->run->target, map->run->seed, map->position, &varies, error));
    if (varies)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "add --method adam",
                         "L-BFGS needs the whole density, but this one changes from step to step "
                         "(mini-batches, or sites drawn from their priors)");
    return urn__target_address(map->run->target, map->run->seed,
                               urn__chain_for(URN__USE_STEPS, map->run->chain), 0, error);
}

static urn_status judge(urn__map_state *map, int result, urn_error *error)
{
    switch (result) {
    case LBFGS_CONVERGENCE:
    case LBFGS_STOP:
    case LBFGS_ALREADY_MINIMIZED:
        map->converged = true;
        return URN_OK;
    case LBFGSERR_CANCELED: /* interrupted */
    case LBFGSERR_MAXIMUMITERATION:
        return URN_OK;
    case LBFGSERR_OUTOFMEMORY:
        return urn__fail_memory(error, "L-BFGS", sizeof(double));
    default: /* the library has gone back to the last good position */
        map->stalled = "no better position was found along the search direction";
        return URN_OK;
    }
}

urn_status urn__map_lbfgs(urn__map_state *map, urn_error *error)
{
    const int64_t size = map->run->target->size;
    if (size > INT_MAX - 64)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "add --method adam",
                         "L-BFGS takes at most %d coordinates, but the model has %lld",
                         INT_MAX - 64, (long long)size);
    URN_TRY(refuse_mini_batches(map, error));
    double *x = lbfgs_malloc((int)size); /* its own alignment and padding */
    if (!x)
        return urn__fail_memory(error, "L-BFGS", (size_t)size * sizeof *x);
    memcpy(x, map->position, (size_t)size * sizeof *x);
    lbfgs_parameter_t parameter;
    lbfgs_parameter_init(&parameter);
    parameter.m = map->history;
    parameter.epsilon = map->tolerance;
    parameter.max_iterations = (int)map->run->n_steps;
    parameter.max_linesearch = 60;
    map->accepted = -urn__target_log_density(map->run->target, x, NULL);
    const int result = lbfgs((int)size, x, NULL, evaluate, progress, map, &parameter);
    memcpy(map->position, x, (size_t)size * sizeof *x);
    lbfgs_free(x);
    return judge(map, result, error);
}
