/* Where engines begin. */
#include "driver.h"
#include "guides/guides.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ATTEMPTS 100

/* The generator of one block's start; uniform draws and normal ones come from different rows. */
static urn_rng rng_of(const urn__run *run, const urn__block *block, uint64_t attempt, int64_t row,
                      urn__stream *stream)
{
    urn_rng rng;
    *stream =
        urn__stream_at(run->seed, urn__chain_for(URN__USE_START, run->chain), block->name, attempt);
    urn__rng_at_row(&rng, stream, row);
    return rng;
}

void urn__start_random(const urn__run *run, uint64_t attempt, double *position)
{
    for (int b = 0; b < run->target->n_blocks; b++) {
        const urn__block *block = &run->target->blocks[b];
        urn__stream stream;
        urn_rng rng = rng_of(run, block, attempt, 0, &stream);
        for (int64_t i = 0; i < block->size; i++)
            position[block->offset + i] = 4.0 * urn_rng_uniform(&rng) - 2.0;
    }
}

static urn_status start_centre(urn__run *run, double *position, urn_error *error)
{
    const urn__target *target = run->target;
    bool *usable = urn__calloc(run->allocator, (size_t)target->n_blocks + 1, sizeof *usable);
    if (!usable)
        return urn__fail_memory(error, "first positions", (size_t)target->n_blocks);
    const urn_status status = target->centre(target->context, run->seed, position, usable, error);
    for (int b = 0; status == URN_OK && b < target->n_blocks; b++) {
        const urn__block *block = &target->blocks[b];
        if (!usable[b] && block->size > 0)
            urn__run_warn(
                run,
                "site \"%s\" has no finite prior median inside its support: it starts at 0 "
                "in unconstrained space",
                block->name);
    }
    urn__free(run->allocator, usable);
    return status;
}

static void add_jitter(const urn__run *run, double jitter, double *position)
{
    for (int b = 0; b < run->target->n_blocks; b++) {
        const urn__block *block = &run->target->blocks[b];
        urn__stream stream;
        urn_rng rng = rng_of(run, block, 1, 1, &stream);
        for (int64_t i = 0; i < block->size && !block->point; i++)
            position[block->offset + i] += jitter * urn_rng_normal(&rng);
    }
}

urn_status urn__start_position(urn__run *run, const char *init, double jitter, double *position,
                               urn_error *error)
{
    const urn__target *target = run->target;
    const size_t bytes = (size_t)target->size * sizeof *position;
    memset(position, 0, bytes);
    if (run->init) {
        memcpy(position, run->init, bytes);
        return URN_OK;
    }
    if (strcmp(init, "random") == 0)
        urn__start_random(run, 1, position);
    else if (strcmp(init, "median") == 0 && target->centre)
        URN_TRY(start_centre(run, position, error));
    if (jitter > 0.0 && strcmp(init, "random") != 0)
        add_jitter(run, jitter, position);
    return URN_OK;
}

const double *urn__start_given(const urn_fit_options *options, int64_t size, uint64_t chain)
{
    const int64_t n = options->n_init > 0 ? options->n_init : 1;
    return options->init ? options->init + (int64_t)(chain % (uint64_t)n) * size : NULL;
}

static urn_status fail_start(const urn__run *run, int attempts, const double *position,
                             urn_error *error)
{
    char what[96] = "at the first position";
    if (attempts > 1)
        snprintf(what, sizeof what, "at any of %d random first positions, here at the last",
                 attempts);
    return urn__target_fail_density(run->target, position, what, error);
}

urn_status urn__start_finite(const urn__run *run, const char *init,
                             bool (*good)(void *context, const double *position), void *context,
                             double *position, urn_error *error)
{
    const int attempts = !run->init && strcmp(init, "random") == 0 ? ATTEMPTS : 1;
    URN_TRY(urn__target_address(run->target, run->seed, urn__chain_for(URN__USE_STEPS, run->chain),
                                0, error));
    for (int attempt = 1; attempt <= attempts; attempt++) {
        if (attempt > 1)
            urn__start_random(run, (uint64_t)attempt, position);
        if (good(context, position))
            return URN_OK;
    }
    return fail_start(run, attempts, position, error);
}

urn_status urn__start_guide(urn__run *run, const char *init, double jitter, double scale,
                            urn__guide *guide, urn_error *error)
{
    const size_t bytes = (size_t)run->target->size * sizeof(double);
    double *position = urn__alloc(run->allocator, bytes);
    if (!position)
        return urn__fail_memory(error, "first positions", bytes);
    urn_status status = urn__start_position(run, init, jitter, position, error);
    if (status == URN_OK)
        status = urn__guide_start(guide, position, scale, run->init_scale, error);
    if (status == URN_OK && run->init_scale && run->options->init_form && guide->factor)
        urn__factor_take(guide, run->options->init_form);
    urn__free(run->allocator, position);
    return status;
}
