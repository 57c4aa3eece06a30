/* Guides: memory, chunks, and the order of sweeps. What touches a number is in guide_sweeps.c, what
 * makes coordinates depend on each other in guides/factor.c, and steps on the rows that a
 * mini-batch touches in guide_touched.c. */
#include "../runtime/family/family.h"
#include "guide_touched.h"
#include "guides/guides.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_BAD_STEPS 10
#define HALF_LOG_2PI (0.5 * URN__LOG_2PI)

/* ---- chunks and tasks ---- */

int64_t urn__chunks_of(int64_t size)
{
    return (size + URN__CHUNK - 1) / URN__CHUNK;
}

urn__chunk *urn__cut_block(int block, bool random, int64_t offset, int64_t size, urn__chunk *chunk)
{
    for (int64_t first = 0; first < size; first += URN__CHUNK) {
        const int64_t left = size - first;
        *chunk++ = (urn__chunk){.block = block,
                                .random = random,
                                .offset = offset + first,
                                .first = first,
                                .n = left < URN__CHUNK ? left : URN__CHUNK};
    }
    return chunk;
}

int urn__group_chunks(int n, const urn__chunk *chunks, int *task)
{
    int64_t elements = URN__CHUNK;
    int n_tasks = 0;
    for (int c = 0; c < n; c++) {
        if (elements >= URN__CHUNK) {
            task[n_tasks++] = c;
            elements = 0;
        }
        elements += chunks[c].n;
    }
    task[n_tasks] = n;
    return n_tasks;
}

static void cut_chunks(urn__guide *guide)
{
    const urn__target *target = guide->target;
    urn__chunk *chunk = guide->chunks;
    for (int b = 0; b < target->n_blocks; b++) {
        const urn__block *block = &target->blocks[b];
        const bool random = guide->normal && !block->point;
        chunk = urn__cut_block(b, random, block->offset, block->size, chunk);
        guide->n_random += random ? block->size : 0;
    }
    guide->n_tasks = urn__group_chunks(guide->n_chunks, guide->chunks, guide->task);
}

/* ---- memory ---- */

static void *numbers(const urn__guide *guide, urn__arena *arena)
{
    return urn__arena_alloc(arena, (size_t)guide->target->size, guide->sweeps->real);
}

static int64_t seen_size(const urn__target *target)
{
    return target->seen ? target->seen_size : target->size;
}

/* Those of a draw. */
static void *seen_numbers(const urn__guide *guide, urn__arena *arena)
{
    return urn__arena_alloc(arena, (size_t)seen_size(guide->target), guide->sweeps->real);
}

static urn_status fail_memory(const urn__guide *guide, const char *what, size_t arrays,
                              urn_error *error)
{
    return urn__fail_memory(error, what,
                            (size_t)guide->target->size * arrays * guide->sweeps->real);
}

urn_status urn__guide_init(urn__guide *guide, urn__arena *arena, const urn__target *target,
                           const urn__guide_plan *plan, urn_error *error)
{
    const bool normal = plan->kind->normal;
    *guide =
        (urn__guide){.target = target,
                     .kind = plan->kind,
                     .seed = plan->seed,
                     .normal = normal,
                     .sweeps = target->precision == URN_PRECISION_SINGLE ? &urn__guide_sweeps_single
                                                                         : &urn__guide_sweeps};
    int64_t n_chunks = 0;
    for (int b = 0; b < target->n_blocks; b++)
        n_chunks += urn__chunks_of(target->blocks[b].size);
    if (n_chunks >= INT32_MAX)
        return urn__fail_memory(error, "a guide", SIZE_MAX);
    guide->n_chunks = (int)n_chunks;
    const size_t n = (size_t)n_chunks + 1;
    guide->chunks = urn__arena_alloc(arena, n, sizeof *guide->chunks);
    guide->task = urn__arena_alloc(arena, n, sizeof *guide->task);
    guide->sums = urn__arena_alloc(arena, n, sizeof *guide->sums);
    guide->streams = urn__arena_alloc(arena, (size_t)target->n_blocks + 1, sizeof *guide->streams);
    guide->arrays.loc = numbers(guide, arena);
    guide->arrays.log_scale = normal ? numbers(guide, arena) : NULL;
    guide->arrays.position =
        normal || target->seen ? seen_numbers(guide, arena) : guide->arrays.loc;
    if (urn__arena_failed(arena))
        return fail_memory(guide, "a guide", 3, error);
    URN_TRY(urn__guide_touched_init(guide, arena, error));
    cut_chunks(guide);
    return plan->kind->lay_out ? urn__factor_init(guide, plan, arena, error) : URN_OK;
}

urn_status urn__guide_ready(urn__guide *guide, const urn__optimiser *optimiser, bool averaging,
                            urn_error *error)
{
    urn__guide_arrays *a = &guide->arrays;
    const bool second = optimiser->kind != URN__SGD; /* moments */
    struct {
        void **array;
        bool wanted, seen;
    } const list[] = {{&a->gradient, true, true},
                      {&a->m_loc, true, false},
                      {&a->v_loc, second, false},
                      {&a->m_scale, guide->normal, false},
                      {&a->v_scale, guide->normal && second, false},
                      {&a->g_loc, averaging, true},
                      {&a->g_scale, averaging && guide->normal, true}};
    guide->optimiser_memory = urn__arena_new(guide->target->allocator);
    if (!guide->optimiser_memory)
        return fail_memory(guide, "a guide's optimiser", 1, error);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (list[i].wanted)
            *list[i].array = list[i].seen ? seen_numbers(guide, guide->optimiser_memory)
                                          : numbers(guide, guide->optimiser_memory);
    if (urn__arena_failed(guide->optimiser_memory))
        return fail_memory(guide, "a guide's optimiser", 7, error);
    if (guide->factor && !urn__factor_ready(guide, second, averaging, guide->optimiser_memory))
        return fail_memory(guide, "the optimiser of a guide's factor", 7, error);
    return URN_OK;
}

int64_t urn__guide_memory(const urn__target *target, const urn__optimiser *optimiser,
                          const urn__guide_plan *plan, bool averaging)
{
    const bool normal = plan->kind->normal;
    const int moments = optimiser->kind == URN__SGD ? 1 : 2;
    const int sides = normal ? 2 : 1; /* locations, scales */
    const int arrays = sides * (1 + moments);
    const int draws = 1 + (normal || target->seen ? 1 : 0) + (averaging ? sides : 0);
    const size_t real = target->precision == URN_PRECISION_SINGLE ? sizeof(float) : sizeof(double);
    const int64_t chunks = urn__chunks_of(target->size) + target->n_blocks;
    const size_t a_chunk = sizeof(urn__chunk) + sizeof(urn__sums) + sizeof(int);
    const int64_t factor = plan->kind->lay_out
                               ? urn__factor_memory(plan, target, 1 + moments + (averaging ? 1 : 0))
                               : 0;
    return (target->size * arrays + seen_size(target) * draws) * (int64_t)real +
           chunks * (int64_t)a_chunk + factor +
           (target->seen ? urn__guide_touched_memory(target) : 0);
}

void urn__guide_settle(urn__guide *guide)
{
    urn__arena_free(guide->optimiser_memory);
    guide->optimiser_memory = NULL;
}

/* ---- sweeps ---- */

static void sweep_task(void *context, int64_t task, int thread)
{
    const urn__sweep *s = context;
    urn__guide *guide = s->guide;
    (void)thread;
    guide->sums[task] = (urn__sums){0};
    for (int c = guide->task[task]; c < guide->task[task + 1]; c++)
        s->chunk(s, &guide->chunks[c], &guide->sums[task]);
}

void urn__sums_add(urn__sums *sums, const urn__sums *part)
{
    sums->log_scale += part->log_scale;
    sums->squares += part->squares;
    sums->gradient += part->gradient;
    sums->points += part->points;
    sums->bad += part->bad;
}

urn__sums urn__guide_sweep(urn__sweep *s)
{
    const urn__guide *guide = s->guide;
    urn__sums total = {0};
    s->weight = 1.0;
    if (guide->touched && s->rows != URN__ROWS_ALL)
        return urn__guide_touched_sweep(s);
    urn__parallel(guide->target->threads, guide->n_tasks, sweep_task, s);
    for (int t = 0; t < guide->n_tasks; t++)
        urn__sums_add(&total, &guide->sums[t]);
    return total;
}

/* ---- start and end ---- */

static urn_status check_scales(const urn__guide *guide, const double *given, urn_error *error)
{
    for (int c = 0; c < guide->n_chunks; c++) {
        const urn__chunk *chunk = &guide->chunks[c];
        for (int64_t i = chunk->offset; chunk->random && i < chunk->offset + chunk->n; i++)
            if (!(given[i] > 0.0) || !isfinite(given[i]))
                return urn__fail(
                    error, URN_ERR_DATA, NULL, guide->target->blocks[chunk->block].name, NULL,
                    "element %lld of the guide's first scale is %g; scales must be finite "
                    "and positive",
                    (long long)(chunk->first + i - chunk->offset), given[i]);
    }
    return URN_OK;
}

urn_status urn__guide_start(urn__guide *guide, const double *loc, double scale, const double *given,
                            urn_error *error)
{
    if (given && guide->normal)
        URN_TRY(check_scales(guide, given, error));
    double *scales = urn__alloc(guide->target->allocator, URN__CHUNK * sizeof *scales);
    if (!scales)
        return urn__fail_memory(error, "first scales", URN__CHUNK * sizeof *scales);
    for (int c = 0; c < guide->n_chunks; c++) {
        const urn__chunk *chunk = &guide->chunks[c];
        for (int64_t i = 0; i < chunk->n; i++)
            scales[i] = chunk->random ? log(given ? given[chunk->offset + i] : scale) : 0.0;
        guide->sweeps->start(&(urn__sweep){.guide = guide, .from = loc, .scale = scales}, chunk,
                             NULL);
    }
    urn__free(guide->target->allocator, scales);
    guide->drawn = false;
    if (guide->factor)
        urn__factor_start(guide);
    return URN_OK;
}

void urn__guide_export(const urn__guide *guide, double *loc, double *scale)
{
    urn__guide *own = (urn__guide *)(uintptr_t)guide; /* sweeps read it only */
    urn__guide_sweep(
        &(urn__sweep){.guide = own, .loc = loc, .scale = scale, .chunk = guide->sweeps->export});
}

int64_t urn__guide_find_bad(const urn__guide *guide, double *value)
{
    return guide->sweeps->find_bad(guide, value);
}

/* ---- draws ---- */

static void address(urn__guide *guide, urn__draw draw)
{
    const urn__target *target = guide->target;
    for (int b = 0; b < target->n_blocks; b++)
        guide->streams[b] =
            urn__stream_at(draw.seed, draw.chain, target->blocks[b].name, (uint64_t)draw.number);
}

static void note_draw(urn__guide *guide, urn__draw draw, const urn__sums *sums)
{
    guide->drawn = true;
    guide->draw = draw;
    guide->sum_log_scale = sums->log_scale;
    guide->sum_squares = sums->squares;
}

static bool holds(const urn__guide *guide, urn__draw draw)
{
    const urn__draw *now = &guide->draw;
    return guide->drawn && now->seed == draw.seed && now->chain == draw.chain &&
           now->number == draw.number;
}

void urn__guide_sample(urn__guide *guide, urn__draw draw)
{
    if (!guide->normal || holds(guide, draw))
        return;
    address(guide, draw);
    const urn__sums sums =
        guide->factor
            ? urn__factor_sample(guide, draw)
            : urn__guide_sweep(&(urn__sweep){
                  .guide = guide, .rows = URN__ROWS_READ, .chunk = guide->sweeps->sample});
    if (guide->touched)
        urn__guide_touched_pad(guide);
    note_draw(guide, draw, &sums);
}

/* The locations of points that the target sees. */
static void bring_points(urn__guide *guide)
{
    if (!guide->touched || guide->normal)
        return;
    urn__guide_sweep(
        &(urn__sweep){.guide = guide, .rows = URN__ROWS_READ, .chunk = guide->sweeps->sample});
    urn__guide_touched_pad(guide);
}

double urn__guide_target_density(urn__guide *guide, bool gradient)
{
    bring_points(guide);
    return urn__target_log_density(guide->target, guide->arrays.position,
                                   gradient ? guide->arrays.gradient : NULL);
}

double urn__guide_entropy(const urn__guide *guide)
{
    const double n = guide->touched ? urn__guide_touched_random(guide) : (double)guide->n_random;
    return guide->sum_log_scale + n * (HALF_LOG_2PI + 0.5) +
           (guide->factor ? guide->factor->entropy : 0.0);
}

double urn__guide_log_density(const urn__guide *guide)
{
    const urn__factor *factor = guide->factor;
    const double squares = factor ? urn__factor_squares(guide) : guide->sum_squares;
    return -guide->sum_log_scale - (double)guide->n_random * HALF_LOG_2PI - 0.5 * squares -
           (factor ? factor->entropy : 0.0);
}

urn_status urn__guide_varies(urn__guide *guide, uint64_t seed, bool *varies, urn_error *error)
{
    return urn__target_varies(guide->target, seed, guide->arrays.loc, varies, error);
}

urn_status urn__guide_fail_density(const urn__guide *guide, const char *what, urn_error *error)
{
    const urn__target *target = guide->target;
    const size_t bytes = (size_t)target->size * sizeof(double);
    double *position = urn__alloc(target->allocator, bytes);
    if (!position)
        return urn__fail_memory(error, "a position", bytes);
    urn__guide *own = (urn__guide *)(uintptr_t)guide; /* sweeps read it only */
    if (guide->touched) {
        urn__guide_export(guide, position, NULL);
        urn__guide_touched_position(guide, position);
    } else {
        urn__guide_sweep(
            &(urn__sweep){.guide = own, .loc = position, .chunk = guide->sweeps->position});
    }
    const urn_status status = urn__target_fail_density(target, position, what, error);
    urn__free(target->allocator, position);
    return status;
}

urn_status urn__guide_skip(urn__guide *guide, int64_t step, urn__step_info *info, urn_error *error)
{
    info->skipped = true;
    if (++guide->bad_in_a_row < MOST_BAD_STEPS)
        return URN_OK;
    char what[96];
    snprintf(what, sizeof what, "at %d steps in a row, the last of them step %lld", MOST_BAD_STEPS,
             (long long)step);
    return urn__guide_fail_density(guide, what, error);
}

/* ---- updates ---- */

urn__sums urn__guide_step(urn__guide *guide, const urn__optimiser *optimiser, double factor,
                          bool norms, const urn__draw *next)
{
    /* the rows of the next step are not known yet */
    const bool draw = next && guide->normal && !guide->factor && !guide->touched;
    guide->drawn = false;
    if (guide->factor && !urn__factor_step(guide, optimiser, factor))
        return (urn__sums){.bad = 1.0};
    if (draw)
        address(guide, *next);
    const urn__sums sums = urn__guide_sweep(&(urn__sweep){.guide = guide,
                                                          .optimiser = optimiser,
                                                          .factor = factor,
                                                          .rows = URN__ROWS_UPDATE,
                                                          .norms = norms,
                                                          .draw = draw,
                                                          .chunk = guide->sweeps->step});
    if (draw)
        note_draw(guide, *next, &sums);
    if (guide->touched)
        urn__guide_touched_count(guide);
    else if (next && !draw)
        urn__guide_sample(guide, *next);
    return sums;
}

void urn__guide_zero(urn__guide *guide)
{
    const size_t bytes = (size_t)seen_size(guide->target) * guide->sweeps->real;
    memset(guide->arrays.g_loc, 0, bytes);
    if (guide->arrays.g_scale)
        memset(guide->arrays.g_scale, 0, bytes);
    if (guide->factor)
        urn__factor_zero(guide);
}

bool urn__guide_accumulate(urn__guide *guide, double factor)
{
    const urn__sums sums = urn__guide_sweep(&(urn__sweep){.guide = guide,
                                                          .factor = factor,
                                                          .rows = URN__ROWS_READ,
                                                          .chunk = guide->sweeps->accumulate});
    if (guide->factor && sums.bad == 0.0)
        urn__factor_accumulate(guide, factor);
    return sums.bad == 0.0;
}

void urn__guide_update(urn__guide *guide, const urn__optimiser *optimiser, double factor)
{
    const urn__sums sums = urn__guide_sweep(&(urn__sweep){.guide = guide,
                                                          .factor = factor,
                                                          .rows = URN__ROWS_WEIGHTED,
                                                          .chunk = guide->sweeps->entropy});
    const double more = guide->factor ? urn__factor_entropy(guide, factor) : 0.0;
    const double norm = sqrt(sums.gradient + more), limit = optimiser->clip;
    const double limited = limit > 0.0 && norm > limit ? limit / norm : 1.0;
    guide->drawn = false;
    urn__guide_sweep(&(urn__sweep){.guide = guide,
                                   .optimiser = optimiser,
                                   .factor = limited,
                                   .rows = URN__ROWS_UPDATE,
                                   .chunk = guide->sweeps->update});
    if (guide->factor)
        urn__factor_update(guide, optimiser, limited);
    if (guide->touched)
        urn__guide_touched_count(guide);
}

urn__sums urn__guide_norms(urn__guide *guide)
{
    return urn__guide_sweep(
        &(urn__sweep){.guide = guide, .rows = URN__ROWS_READ, .chunk = guide->sweeps->norms});
}
