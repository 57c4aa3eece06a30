/* Posteriors: where draws of the position come from. */
#include "driver.h"

#include <math.h>
#include <string.h>

struct urn_posterior {
    const urn_allocator *allocator;
    urn_posterior_kind kind;
    int64_t size, chains, draws;
    uint64_t seed;
    const urn__kernels *kernels;
    double *loc;   /* DRAWS: chains x draws x size; else size */
    double *scale; /* NORMAL only */
};

static urn_status check_shape(urn_posterior_kind kind, int64_t size, int64_t chains, int64_t draws,
                              const double *loc, const double *scale, urn_error *error)
{
    const bool stored = kind == URN_POSTERIOR_DRAWS;
    if (size < 1 || !loc || (stored && (chains < 1 || draws < 1)))
        return urn__fail(
            error, URN_ERR_USAGE, NULL, NULL, NULL,
            "a posterior needs at least one element and one draw: size %lld, %lld chains "
            "of %lld draws",
            (long long)size, (long long)chains, (long long)draws);
    if (kind != URN_POSTERIOR_NORMAL)
        return URN_OK;
    for (int64_t i = 0; i < size; i++)
        if (!scale || !(scale[i] >= 0.0) || !isfinite(scale[i]))
            return urn__fail(
                error, URN_ERR_USAGE, NULL, NULL, NULL,
                "scale %lld of a normal posterior is %g; scales must be finite and not "
                "negative",
                (long long)i, scale ? scale[i] : (double)NAN);
    return URN_OK;
}

static double *copy_of(const urn_allocator *allocator, const double *x, int64_t n)
{
    double *copy = urn__calloc(allocator, (size_t)n, sizeof *copy);
    if (copy)
        memcpy(copy, x, (size_t)n * sizeof *copy);
    return copy;
}

urn_status urn__posterior_make(const urn_allocator *allocator, urn_posterior_kind kind,
                               int64_t size, int64_t chains, int64_t draws, const double *loc,
                               const double *scale, uint64_t seed, urn_posterior **posterior,
                               urn_error *error)
{
    *posterior = NULL;
    URN_TRY(check_shape(kind, size, chains, draws, loc, scale, error));
    int64_t n = size;
    if (kind == URN_POSTERIOR_DRAWS &&
        (__builtin_mul_overflow(n, chains, &n) || __builtin_mul_overflow(n, draws, &n)))
        return urn__fail_memory(error, "posterior draws", SIZE_MAX);
    /* Draws of a guide are the same bits on every machine, so they come from the base kernels. */
    const urn__kernels *kernels;
    URN_TRY(urn__kernels_select("base", &kernels, error));
    urn_posterior *p = urn__calloc(allocator, 1, sizeof *p);
    if (!p)
        return urn__fail_memory(error, "a posterior", sizeof *p);
    *p = (urn_posterior){.allocator = allocator,
                         .kind = kind,
                         .size = size,
                         .chains = kind == URN_POSTERIOR_DRAWS ? chains : 1,
                         .draws = kind == URN_POSTERIOR_DRAWS ? draws : 0,
                         .seed = seed,
                         .kernels = kernels,
                         .loc = copy_of(allocator, loc, n)};
    if (kind == URN_POSTERIOR_NORMAL)
        p->scale = copy_of(allocator, scale, size);
    if (!p->loc || (kind == URN_POSTERIOR_NORMAL && !p->scale)) {
        urn_posterior_free(p);
        return urn__fail_memory(error, "posterior arrays", (size_t)n * sizeof(double));
    }
    *posterior = p;
    return URN_OK;
}

urn_status urn_posterior_new(urn_posterior_kind kind, int64_t size, int64_t chains, int64_t draws,
                             const double *loc, const double *scale, uint64_t seed,
                             urn_posterior **posterior, urn_error *error)
{
    return urn__posterior_make(NULL, kind, size, chains, draws, loc, scale, seed, posterior, error);
}

void urn_posterior_free(urn_posterior *posterior)
{
    if (!posterior)
        return;
    urn__free(posterior->allocator, posterior->loc);
    urn__free(posterior->allocator, posterior->scale);
    urn__free(posterior->allocator, posterior);
}

const urn_allocator *urn__posterior_allocator(const urn_posterior *posterior)
{
    return posterior->allocator;
}

urn_posterior_kind urn_posterior_kind_of(const urn_posterior *posterior)
{
    return posterior->kind;
}

int64_t urn_posterior_size(const urn_posterior *posterior)
{
    return posterior->size;
}

int64_t urn_posterior_chains(const urn_posterior *posterior)
{
    return posterior->chains;
}

int64_t urn_posterior_draws(const urn_posterior *posterior)
{
    return posterior->draws;
}

const double *urn_posterior_loc(const urn_posterior *posterior)
{
    return posterior->loc;
}

const double *urn_posterior_scale(const urn_posterior *posterior)
{
    return posterior->scale;
}

void urn_posterior_draw(const urn_posterior *posterior, int64_t s, double *position)
{
    const int64_t n = posterior->size;
    if (posterior->kind == URN_POSTERIOR_DRAWS) {
        const int64_t total = posterior->chains * posterior->draws;
        memcpy(position, posterior->loc + (s % total) * n, (size_t)n * sizeof *position);
        return;
    }
    if (posterior->kind == URN_POSTERIOR_POINT) {
        memcpy(position, posterior->loc, (size_t)n * sizeof *position);
        return;
    }
    const urn__stream stream = urn__stream_at(
        posterior->seed, urn__chain_for(URN__USE_POSTERIOR, 0), "posterior", (uint64_t)s);
    posterior->kernels->normals(&stream, 0, n, position);
    for (int64_t i = 0; i < n; i++)
        position[i] = posterior->loc[i] + posterior->scale[i] * position[i];
}
