/* Guides that factorise over coordinates. */
#include "guide.h"

#include <math.h>
#include <string.h>

#define HALF_LOG_2PI 0.91893853320467274178

/* ---- chunks and tasks ---- */

static int64_t chunks_of(int64_t size)
{
    return (size + URN__CHUNK - 1) / URN__CHUNK;
}

static void cut_chunks(urn__guide *guide, bool normal)
{
    const urn__target *target = guide->target;
    urn__chunk *chunk = guide->chunks;
    for (int b = 0; b < target->n_blocks; b++) {
        const urn__block *block = &target->blocks[b];
        const bool random = normal && !block->point;
        for (int64_t first = 0; first < block->size; first += URN__CHUNK) {
            const int64_t left = block->size - first;
            *chunk++ = (urn__chunk){.block = b,
                                    .random = random,
                                    .offset = block->offset + first,
                                    .first = first,
                                    .n = left < URN__CHUNK ? left : URN__CHUNK};
        }
        guide->n_random += random ? block->size : 0;
    }
}

/* Small chunks are put together, so that many small sites are not many tasks. */
static void group_tasks(urn__guide *guide)
{
    int64_t elements = URN__CHUNK;
    for (int c = 0; c < guide->n_chunks; c++) {
        if (elements >= URN__CHUNK) {
            guide->task[guide->n_tasks++] = c;
            elements = 0;
        }
        elements += guide->chunks[c].n;
    }
    guide->task[guide->n_tasks] = guide->n_chunks;
}

static bool alloc_arrays(urn__guide *guide, urn__arena *arena, bool averaging)
{
    double **const arrays[] = {
        &guide->loc,     &guide->m_loc,    &guide->v_loc,    &guide->log_scale, &guide->m_scale,
        &guide->v_scale, &guide->position, &guide->gradient, &guide->g_loc,     &guide->g_scale};
    const size_t n = sizeof arrays / sizeof arrays[0] - (averaging ? 0 : 2);
    for (size_t i = 0; i < n; i++)
        *arrays[i] = urn__arena_alloc(arena, (size_t)guide->target->size, sizeof(double));
    return !urn__arena_failed(arena);
}

urn_status urn__guide_init(urn__guide *guide, urn__arena *arena, const urn__target *target,
                           bool normal, bool averaging, urn_error *error)
{
    *guide = (urn__guide){.target = target};
    int64_t n_chunks = 0;
    for (int b = 0; b < target->n_blocks; b++)
        n_chunks += chunks_of(target->blocks[b].size);
    if (n_chunks >= INT32_MAX)
        return urn__fail_memory(error, "a guide", SIZE_MAX);
    guide->n_chunks = (int)n_chunks;
    const size_t n = (size_t)n_chunks + 1;
    guide->chunks = urn__arena_alloc(arena, n, sizeof *guide->chunks);
    guide->task = urn__arena_alloc(arena, n, sizeof *guide->task);
    guide->partial = urn__arena_alloc(arena, n, 2 * sizeof *guide->partial);
    guide->streams = urn__arena_alloc(arena, (size_t)target->n_blocks + 1, sizeof *guide->streams);
    if (!alloc_arrays(guide, arena, averaging))
        return urn__fail_memory(error, "a guide and its optimiser",
                                (size_t)target->size * 10 * sizeof(double));
    cut_chunks(guide, normal);
    group_tasks(guide);
    return URN_OK;
}

/* ---- sweeps ---- */

typedef struct sweep {
    urn__guide *guide;
    const urn__kernels *kernels;
    const urn__optimiser *optimiser;
    double factor;
    void (*chunk)(const struct sweep *sweep, const urn__chunk *chunk, double *partial);
} sweep;

static void sweep_task(void *context, int64_t task, int thread)
{
    const sweep *s = context;
    urn__guide *guide = s->guide;
    double *partial = guide->partial + 2 * task;
    (void)thread;
    partial[0] = partial[1] = 0.0;
    for (int c = guide->task[task]; c < guide->task[task + 1]; c++)
        s->chunk(s, &guide->chunks[c], partial);
}

static void run_sweep(sweep *s)
{
    s->kernels = s->guide->target->kernels;
    urn__parallel(s->guide->target->threads, s->guide->n_tasks, sweep_task, s);
}

/* Sum over tasks in their order. */
static double total(const urn__guide *guide, int k)
{
    double sum = 0.0;
    for (int t = 0; t < guide->n_tasks; t++)
        sum += guide->partial[2 * t + k];
    return sum;
}

static void sample_chunk(const sweep *s, const urn__chunk *c, double *partial)
{
    urn__guide *g = s->guide;
    const int64_t at = c->offset;
    if (!c->random) {
        memcpy(g->position + at, g->loc + at, (size_t)c->n * sizeof *g->loc);
        return;
    }
    double sums[2];
    s->kernels->guide_sample(&g->streams[c->block], c->first, c->n, g->loc + at, g->log_scale + at,
                             g->position + at, sums);
    partial[0] += sums[0];
    partial[1] += sums[1];
}

double urn__guide_sample(urn__guide *guide, uint64_t seed, uint64_t chain, int64_t number)
{
    const urn__target *target = guide->target;
    for (int b = 0; b < target->n_blocks; b++)
        guide->streams[b] = urn__stream_at(seed, chain, target->blocks[b].name, (uint64_t)number);
    run_sweep(&(sweep){.guide = guide, .chunk = sample_chunk});
    guide->sum_squares = total(guide, 1);
    return total(guide, 0);
}

double urn__guide_entropy(const urn__guide *guide, double sum_log_scale)
{
    return sum_log_scale + (double)guide->n_random * (HALF_LOG_2PI + 0.5);
}

double urn__guide_log_density(const urn__guide *guide, double sum_log_scale)
{
    return -sum_log_scale - (double)guide->n_random * HALF_LOG_2PI - 0.5 * guide->sum_squares;
}

static void inspect_chunk(const sweep *s, const urn__chunk *c, double *partial)
{
    partial[0] += s->kernels->sum(c->n, s->guide->gradient + c->offset);
}

bool urn__guide_gradient_finite(urn__guide *guide)
{
    run_sweep(&(sweep){.guide = guide, .chunk = inspect_chunk});
    return isfinite(total(guide, 0));
}

/* ---- updates ---- */

/* The optimiser's step for what has a gradient in `gradient` (of log p; it becomes the loss's) and
 * no scale. */
static void update_point(const sweep *s, const urn__chunk *c)
{
    urn__guide *g = s->guide;
    const int64_t at = c->offset;
    double *slope = g->gradient + at;
    for (int64_t i = 0; i < c->n; i++)
        slope[i] *= -s->factor;
    urn__optimiser_update(s->optimiser, s->kernels, c->n, true, slope, g->m_loc + at, g->v_loc + at,
                          g->loc + at);
}

static void fused_chunk(const sweep *s, const urn__chunk *c, double *partial)
{
    urn__guide *g = s->guide;
    const int64_t at = c->offset;
    (void)partial;
    if (!c->random) {
        update_point(s, c);
        return;
    }
    s->kernels->guide_adam(c->n, &s->optimiser->adam, s->factor, g->gradient + at, g->position + at,
                           g->loc + at, g->m_loc + at, g->v_loc + at, g->log_scale + at,
                           g->m_scale + at, g->v_scale + at);
}

void urn__guide_update_fused(urn__guide *guide, const urn__optimiser *optimiser, double factor)
{
    run_sweep(
        &(sweep){.guide = guide, .optimiser = optimiser, .factor = factor, .chunk = fused_chunk});
}

void urn__guide_zero(urn__guide *guide)
{
    const size_t bytes = (size_t)guide->target->size * sizeof(double);
    memset(guide->g_loc, 0, bytes);
    memset(guide->g_scale, 0, bytes);
}

static void accumulate_chunk(const sweep *s, const urn__chunk *c, double *partial)
{
    urn__guide *g = s->guide;
    (void)partial;
    for (int64_t i = c->offset; i < c->offset + c->n; i++) {
        const double slope = -s->factor * g->gradient[i];
        g->g_loc[i] += slope;
        if (c->random)
            g->g_scale[i] += slope * (g->position[i] - g->loc[i]);
    }
}

void urn__guide_accumulate(urn__guide *guide, double factor)
{
    run_sweep(&(sweep){.guide = guide, .factor = factor, .chunk = accumulate_chunk});
}

/* The entropy's part of the gradient, and the squared norm of the whole. */
static void entropy_chunk(const sweep *s, const urn__chunk *c, double *partial)
{
    urn__guide *g = s->guide;
    const int64_t at = c->offset;
    partial[0] += s->kernels->dot(c->n, g->g_loc + at, g->g_loc + at);
    if (!c->random)
        return;
    for (int64_t i = at; i < at + c->n; i++)
        g->g_scale[i] -= s->factor;
    partial[0] += s->kernels->dot(c->n, g->g_scale + at, g->g_scale + at);
}

/* Here `factor` is what the gradient is multiplied by to keep its norm within the limit. */
static void update_chunk(const sweep *s, const urn__chunk *c, double *partial)
{
    urn__guide *g = s->guide;
    const int64_t at = c->offset;
    (void)partial;
    for (int64_t i = at; i < at + c->n; i++) {
        g->g_loc[i] *= s->factor;
        g->g_scale[i] *= s->factor;
    }
    urn__optimiser_update(s->optimiser, s->kernels, c->n, true, g->g_loc + at, g->m_loc + at,
                          g->v_loc + at, g->loc + at);
    if (c->random)
        urn__optimiser_update(s->optimiser, s->kernels, c->n, false, g->g_scale + at,
                              g->m_scale + at, g->v_scale + at, g->log_scale + at);
}

void urn__guide_update(urn__guide *guide, const urn__optimiser *optimiser, double factor)
{
    run_sweep(&(sweep){.guide = guide, .factor = factor, .chunk = entropy_chunk});
    const double norm = sqrt(total(guide, 0));
    const double limit = optimiser->clip;
    run_sweep(&(sweep){.guide = guide,
                       .optimiser = optimiser,
                       .factor = limit > 0.0 && norm > limit ? limit / norm : 1.0,
                       .chunk = update_chunk});
}
