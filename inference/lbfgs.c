/* liblbfgs owns the loop and its own memory; its progress callback is where each step is seen. */
#include "lbfgs.h"

#include <lbfgs.h>
#include <limits.h>
#include <math.h>
#include <string.h>

static double norm_of(const urn__target *target, const double *x)
{
    return sqrt(target->kernels->dot(target->size, x, x));
}

/* A density that is not finite becomes a wall: a flat value well above the last accepted one, which
 * the line search's interpolation turns into a shorter step (infinity would turn into NaN there).
 */
static lbfgsfloatval_t evaluate(void *context, const lbfgsfloatval_t *x, lbfgsfloatval_t *g,
                                const int n, const lbfgsfloatval_t step)
{
    const urn__lbfgs *own = context;
    const double *gradient = own->scratch;
    (void)step;
    const double value = urn__target_log_density(own->target, x, own->scratch);
    const bool good = isfinite(value) && isfinite(norm_of(own->target, gradient));
    for (int i = 0; i < n; i++)
        g[i] = good ? -gradient[i] : 0.0;
    return good ? -value : 1.0 - own->log_density + fabs(own->log_density);
}

static int progress(void *context, const lbfgsfloatval_t *x, const lbfgsfloatval_t *g,
                    const lbfgsfloatval_t fx, const lbfgsfloatval_t xnorm,
                    const lbfgsfloatval_t gnorm, const lbfgsfloatval_t step, int n, int k, int ls)
{
    urn__lbfgs *own = context;
    (void)xnorm, (void)gnorm, (void)step, (void)k, (void)ls;
    memcpy(own->position, x, (size_t)n * sizeof *x);
    for (int i = 0; i < n; i++)
        own->gradient[i] = -g[i];
    own->log_density = -fx;
    return !own->iterate(own->context);
}

static urn_status judge(urn__lbfgs *own, int result, urn_error *error)
{
    switch (result) {
    case LBFGS_CONVERGENCE:
    case LBFGS_STOP:
    case LBFGS_ALREADY_MINIMIZED:
        own->converged = true;
        return URN_OK;
    case LBFGSERR_CANCELED: /* the hook said so */
    case LBFGSERR_MAXIMUMITERATION:
        return URN_OK;
    case LBFGSERR_OUTOFMEMORY:
        return urn__fail_memory(error, "L-BFGS", sizeof(double));
    default: /* the library has gone back to the last good position */
        own->stalled = "no better position was found along the search direction";
        return URN_OK;
    }
}

static urn_status descend(urn__lbfgs *search, double *x, urn_error *error)
{
    const urn__target *target = search->target;
    const size_t bytes = (size_t)target->size * sizeof *x;
    memcpy(x, search->position, bytes);
    lbfgs_parameter_t parameter;
    lbfgs_parameter_init(&parameter);
    parameter.m = search->history;
    parameter.epsilon = search->tolerance;
    parameter.max_iterations = (int)(search->most_steps < INT_MAX ? search->most_steps : INT_MAX);
    parameter.max_linesearch = 60;
    search->log_density = urn__target_log_density(target, x, search->gradient);
    const int result = lbfgs((int)target->size, x, NULL, evaluate, progress, search, &parameter);
    return judge(search, result, error);
}

urn_status urn__lbfgs_run(urn__lbfgs *search, urn_error *error)
{
    const int64_t size = search->target->size;
    search->converged = false;
    search->stalled = NULL;
    if (size > INT_MAX - 64)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "fit with svi, or map --method adam",
                         "L-BFGS takes at most %d coordinates, but the model has %lld",
                         INT_MAX - 64, (long long)size);
    double *x = lbfgs_malloc((int)size); /* its own alignment and padding */
    if (!x)
        return urn__fail_memory(error, "L-BFGS", (size_t)size * sizeof *x);
    const urn_status status = descend(search, x, error);
    lbfgs_free(x);
    return status;
}

urn_status urn__lbfgs_check(const urn__run *run, const double *position, const char *hint,
                            urn_error *error)
{
    bool varies;
    URN_TRY(urn__target_varies(run->target, run->seed, position, &varies, error));
    if (varies)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, hint,
                         "L-BFGS needs the whole density, but this one changes from step to step "
                         "(mini-batches, or sites drawn from their priors)");
    return urn__target_address(run->target, run->seed, urn__chain_for(URN__USE_STEPS, run->chain),
                               0, error);
}
