/* The curvature at a point: minus the Hessian of the log density. */
#include "../names.h"
#include "laplace.h"

#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Steps of differences: in sds of a coordinate given the others, which are known after a first
 * column. The error of a central difference falls with the square of the step, that of rounding
 * with its inverse. */
#define STEP 1e-4
#define SHORTEST 1e-6
#define LONGEST 1e-2
/* Less than this of a coordinate's own curvature left, given the others, is rounding. */
#define SINGULAR 1e-9

/* Column j of the curvature with a step of h. */
static urn_status difference(urn__laplace *l, int64_t j, double h, double *column, urn_error *error)
{
    const urn__target *target = l->run->target;
    double *x = l->trial;
    const double start = urn__clock_now(), at = l->search.position[j];
    memcpy(x, l->search.position, (size_t)target->size * sizeof *x);
    const double above = x[j] = at + h;
    bool good = isfinite(urn__target_log_density(target, x, l->up));
    if (good) {
        const double below = x[j] = at - h;
        good = isfinite(urn__target_log_density(target, x, l->down));
        for (int64_t i = 0; i < target->size && good; i++) {
            column[i] = (l->down[i] - l->up[i]) / (above - below);
            good = isfinite(column[i]);
        }
    }
    l->n_gradients += 2;
    urn__run_govern(l->run, urn__clock_now() - start);
    if (good)
        return URN_OK;
    char name[160], what[256];
    snprintf(what, sizeof what, "beside the mode, with %s moved by %.3g",
             urn__coordinate_name(target, j, name, sizeof name), h);
    return urn__target_fail_density(target, x, what, error);
}

static urn_status fill_column(urn__laplace *l, int64_t j, urn_error *error)
{
    double *column = l->curvature + j * l->run->target->size;
    const double least = 1e-8 * fmax(1.0, fabs(l->search.position[j]));
    URN_TRY(difference(l, j, fmax(STEP, least), column, error));
    const double sd = 1.0 / sqrt(fabs(column[j]));
    if (!isfinite(sd) || (STEP >= SHORTEST * sd && STEP <= LONGEST * sd))
        return URN_OK;
    return difference(l, j, fmax(STEP * sd, least), column, error);
}

urn_status urn__laplace_curvature(urn__laplace *l, bool *whole, urn_error *error)
{
    const int64_t n = l->run->target->size;
    *whole = false;
    urn__run_govern_start(l->run);
    for (int64_t j = 0; j < n; j++) {
        URN_TRY(fill_column(l, j, error));
        if (!urn__run_evaluating(l->run, j + 1, n))
            return URN_OK;
    }
    urn__symmetrise(n, l->curvature);
    *whole = true;
    return URN_OK;
}

/* ---- where it is not positive definite ---- */

/* The curvature in units of each coordinate's own, so that scales do not matter. */
static double unit_of(const urn__laplace *l, int64_t i)
{
    const double own = fabs(l->curvature[i * l->run->target->size + i]);
    return own > 0.0 ? 1.0 / sqrt(own) : 1.0;
}

static void scale_curvature(urn__laplace *l)
{
    const int64_t n = l->run->target->size;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            l->factor[i * n + j] = l->curvature[i * n + j] * unit_of(l, i) * unit_of(l, j);
}

/* The lowest eigenvalue of the scaled curvature, and its vector into l->step. */
static bool lowest(urn__laplace *l, double *value, urn__arena *arena)
{
    const int64_t size = l->run->target->size;
    const lapack_int n = (lapack_int)size;
    double *values = urn__arena_alloc(arena, (size_t)size, sizeof *values);
    double *work = urn__arena_alloc(arena, 26 * (size_t)size, sizeof *work);
    lapack_int *numbers = urn__arena_alloc(arena, 10 * (size_t)size, sizeof *numbers);
    lapack_int found = 0, support[2];
    if (urn__arena_failed(arena))
        return false;
    scale_curvature(l);
    const lapack_int status =
        LAPACKE_dsyevr_work(LAPACK_COL_MAJOR, 'V', 'I', 'U', n, l->factor, n, 0.0, 0.0, 1, 1, 0.0,
                            &found, values, l->step, n, support, work, 26 * n, numbers, 10 * n);
    *value = values[0];
    return status == 0 && found == 1;
}

/* The second derivative of the log density along the vector, in the coordinates themselves. */
static double second_derivative(const urn__laplace *l)
{
    const int64_t n = l->run->target->size;
    double sum = 0.0, squares = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const double at_i = l->step[i] * unit_of(l, i);
        squares += at_i * at_i;
        for (int64_t j = 0; j < n; j++)
            sum -= at_i * l->curvature[i * n + j] * l->step[j] * unit_of(l, j);
    }
    return sum / squares;
}

static int64_t largest(int64_t n, const double *x)
{
    int64_t at = 0;
    for (int64_t i = 1; i < n; i++)
        if (fabs(x[i]) > fabs(x[at]))
            at = i;
    return at;
}

static urn_status name_direction(urn__laplace *l, urn__arena *arena, urn_error *error)
{
    const int64_t n = l->run->target->size;
    double value;
    char name[160], far[160], ended[400] = "";
    if (!lowest(l, &value, arena))
        return urn__fail_memory(error, "the Hessian's eigenvalues",
                                36 * (size_t)n * sizeof(double));
    const int64_t at = largest(n, l->step);
    const double share = 100.0 * l->step[at] * l->step[at];
    urn__coordinate_name(l->run->target, at, name, sizeof name);
    if (!l->search.converged)
        snprintf(
            ended, sizeof ended, " (after %lld steps: %s; farthest out is %s, at %.4g)",
            (long long)l->run->step,
            l->search.stalled ? l->search.stalled : "there were no more steps",
            urn__coordinate_name(l->run->target, largest(n, l->search.position), far, sizeof far),
            l->search.position[largest(n, l->search.position)]);
    if (value < -SINGULAR)
        return urn__fail(
            error, URN_ERR_RUNTIME, NULL, NULL,
            "start elsewhere (--init random, another --seed); where that ends here too, use nuts",
            "engine \"laplace\": the Hessian is not negative definite where the search ended%s: "
            "along a direction that is mostly %s (%.0f %% of it; it is at %.4g) the second "
            "derivative is +%.3g, so this is a saddle or the side of a hill, not a mode",
            ended, name, share, l->search.position[at], second_derivative(l));
    return urn__fail(
        error, URN_ERR_RUNTIME, NULL, NULL,
        "give what is not determined a proper prior, or leave it out of the model; if a scale runs "
        "to 0, write the model with standard normal sites, or use nuts",
        "engine \"laplace\": the Hessian is singular where the search ended%s: along a direction "
        "that is mostly %s (%.0f %% of it; it is at %.4g) the density is flat, so data and priors "
        "do not determine it, or there is no mode",
        ended, name, share, l->search.position[at]);
}

bool urn__laplace_factorise(urn__laplace *l)
{
    const int64_t n = l->run->target->size;
    if (!urn__cholesky(n, l->curvature, l->factor))
        return false;
    for (int64_t i = 0; i < n; i++) {
        const double left = l->factor[i * n + i] * l->factor[i * n + i];
        if (!(left > SINGULAR * l->curvature[i * n + i]))
            return false;
    }
    return true;
}

urn_status urn__laplace_fail_curvature(urn__laplace *l, urn_error *error)
{
    urn__arena *arena = urn__arena_new(l->run->allocator);
    if (!arena)
        return urn__fail_memory(error, "the Hessian's eigenvalues", sizeof(double));
    const urn_status status = name_direction(l, arena, error);
    urn__arena_free(arena);
    return status;
}
