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

static void make_symmetric(int64_t n, double *a)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++)
            a[i * n + j] = a[j * n + i] = 0.5 * (a[i * n + j] + a[j * n + i]);
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
    make_symmetric(n, l->curvature);
    *whole = true;
    return URN_OK;
}

/* ---- where it is not positive definite ---- */

/* The lowest eigenvalue of the curvature, and its vector into l->step. */
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
    memcpy(l->factor, l->curvature, (size_t)(size * size) * sizeof *l->factor);
    const lapack_int status =
        LAPACKE_dsyevr_work(LAPACK_COL_MAJOR, 'V', 'I', 'U', n, l->factor, n, 0.0, 0.0, 1, 1, 0.0,
                            &found, values, l->step, n, support, work, 26 * n, numbers, 10 * n);
    *value = values[0];
    return status == 0 && found == 1;
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
    double value, scale = 0.0;
    char name[160], ended[160] = "";
    if (!lowest(l, &value, arena))
        return urn__fail_memory(error, "the Hessian's eigenvalues",
                                36 * (size_t)n * sizeof(double));
    for (int64_t i = 0; i < n; i++)
        scale = fmax(scale, fabs(l->curvature[i * n + i]));
    const int64_t at = largest(n, l->step);
    urn__coordinate_name(l->run->target, at, name, sizeof name);
    if (!l->search.converged)
        snprintf(ended, sizeof ended, " (the search itself ended after %lld steps: %s)",
                 (long long)l->run->step,
                 l->search.stalled ? l->search.stalled : "there were no more steps");
    if (value < -1e-9 * scale)
        return urn__fail(
            error, URN_ERR_RUNTIME, NULL, NULL,
            "start elsewhere (--init random, another --seed); where that ends here too, use nuts",
            "engine \"laplace\": the Hessian is not negative definite where the search ended%s: "
            "along a direction that is mostly %s (%.0f %% of it) the second derivative is +%.3g, "
            "so "
            "this is a saddle or the side of a hill, not a mode",
            ended, name, 100.0 * l->step[at] * l->step[at], -value);
    return urn__fail(
        error, URN_ERR_RUNTIME, NULL, NULL,
        "give what is not determined a proper prior, or leave it out of the model",
        "engine \"laplace\": the Hessian is singular where the search ended%s: along a direction "
        "that is mostly %s (%.0f %% of it) the density is flat (second derivative %.3g, the "
        "largest "
        "is %.3g), so data and priors do not determine it",
        ended, name, 100.0 * l->step[at] * l->step[at], -value, scale);
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
