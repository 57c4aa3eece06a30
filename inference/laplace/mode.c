/* From where the search ended to the mode itself. L-BFGS stops a little short of it; with the
 * curvature at hand, Newton's method goes the rest of the way for a gradient a step. */
#include "../names.h"
#include "laplace.h"

#include <math.h>
#include <string.h>

#define ROUNDS 4
#define STEPS 20
/* The curvature may stay as it is when the mode is nearer to where it was taken, in sds. */
#define NEAR 1e-5
/* Decrements that are as small as they will be, and that are small enough. */
#define ZERO 1e-24
#define SMALL 1e-8

/* Newton's step at the position, with the curvature of an earlier one. */
static void find_step(urn__laplace *l)
{
    const int64_t n = l->run->target->size;
    const double *gradient = l->search.gradient;
    memcpy(l->step, gradient, (size_t)n * sizeof *l->step);
    urn__tri_solve(n, 1, l->factor, false, l->step);
    urn__tri_solve(n, 1, l->factor, true, l->step);
    l->decrement = l->run->target->kernels->dot(n, gradient, l->step);
}

/* Goes there if that is nearer to the mode. */
static bool take_step(urn__laplace *l)
{
    const urn__target *target = l->run->target;
    const size_t bytes = (size_t)target->size * sizeof(double);
    const double before = l->decrement;
    memcpy(l->down, l->search.position, bytes);
    memcpy(l->up, l->search.gradient, bytes);
    const double value_before = l->search.log_density;
    for (int64_t i = 0; i < target->size; i++)
        l->search.position[i] += l->step[i];
    l->search.log_density = urn__target_log_density(target, l->search.position, l->search.gradient);
    l->n_gradients++;
    if (isfinite(l->search.log_density)) {
        find_step(l);
        if (l->decrement < before)
            return true;
    }
    memcpy(l->search.position, l->down, bytes);
    memcpy(l->search.gradient, l->up, bytes);
    l->search.log_density = value_before;
    l->decrement = before;
    return false;
}

/* Returns the way gone, in sds. */
static double approach(urn__laplace *l)
{
    double way = 0.0;
    find_step(l);
    for (int i = 0; i < STEPS && l->decrement > ZERO; i++) {
        const double length = sqrt(l->decrement);
        if (!take_step(l))
            break;
        way += length;
    }
    return way;
}

/* Names the coordinate farthest out: where there is no mode, one of them runs away. */
static urn_status fail_mode(urn__laplace *l, urn_error *error)
{
    const urn__target *target = l->run->target;
    int64_t at = 0;
    char name[160];
    for (int64_t i = 1; i < target->size; i++)
        if (fabs(l->search.position[i]) > fabs(l->search.position[at]))
            at = i;
    urn__coordinate_name(target, at, name, sizeof name);
    return urn__fail(
        error, URN_ERR_RUNTIME, NULL, NULL,
        "run more --steps; if the density has no mode (a scale that runs to 0 with what it "
        "scales), write the model with standard normal sites, or use nuts",
        "engine \"laplace\": no mode was found: after %lld steps%s%s the gradient's norm is still "
        "%.3g; the coordinate farthest out is %s, at %.4g in unconstrained space",
        (long long)l->run->step, l->search.stalled ? ", when " : "",
        l->search.stalled ? l->search.stalled : "",
        sqrt(target->kernels->dot(target->size, l->search.gradient, l->search.gradient)), name,
        l->search.position[at]);
}

urn_status urn__laplace_settle(urn__laplace *l, bool *whole, urn_error *error)
{
    const int64_t n = l->run->target->size;
    for (int round = 0; round < ROUNDS; round++) {
        URN_TRY(urn__laplace_curvature(l, whole, error));
        if (!*whole)
            return URN_OK;
        if (!urn__laplace_factorise(l))
            return urn__laplace_fail_curvature(l, error);
        if (approach(l) < NEAR)
            break;
    }
    if (!(l->decrement <= SMALL))
        return fail_mode(l, error);
    l->log_determinant = 0.0;
    for (int64_t i = 0; i < n; i++)
        l->log_determinant += 2.0 * log(l->factor[i * n + i]);
    return URN_OK;
}
