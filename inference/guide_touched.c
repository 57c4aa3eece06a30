/* See guide_touched.h. A chunk of what the target sees is worked on in a window: the rows'
 * parameters are brought together in a thread's own memory, where the sweeps of guide_sweeps.c find
 * them as they find any chunk, and put back. */
#include "guide_touched.h"

#include <math.h>
#include <string.h>

enum { N_ARRAYS = 6, SHORT_AGE = 4096, AHEAD = 8, MOST_PREFETCHED = 512 };

struct urn__guide_touched {
    int most_chunks, n_chunks, n_tasks;
    urn__chunk *chunks; /* of what is seen now; offsets are in the density's position */
    int *task;
    urn__sums *sums;
    void **window; /* by thread: N_ARRAYS x URN__CHUNK numbers */
    int n_windows;
    int32_t **age;   /* by block of touched rows, by row: updates it had */
    int64_t *drawn;  /* by block: rows of the draw that are not padding */
    urn__adam *adam; /* corrections by age, below SHORT_AGE */
};

static int64_t seen_now(const urn__target *target, int b)
{
    const urn__seen *seen = &target->seen[b];
    return seen->row > 0 ? seen->n * seen->row : seen->size;
}

/* ---- memory ---- */

static int64_t most_chunks(const urn__target *target)
{
    int64_t n = 0;
    for (int b = 0; b < target->n_blocks; b++)
        n += urn__chunks_of(target->seen[b].size);
    return n;
}

static size_t window_bytes(const urn__guide *guide)
{
    return (size_t)N_ARRAYS * URN__CHUNK * guide->sweeps->real;
}

static void new_blocks(urn__guide_touched *r, const urn__target *target, urn__arena *arena)
{
    const size_t n = (size_t)target->n_blocks + 1;
    r->age = urn__arena_alloc(arena, n, sizeof *r->age);
    r->drawn = urn__arena_alloc(arena, n, sizeof *r->drawn);
    for (int b = 0; r->age && b < target->n_blocks; b++) {
        const urn__seen *seen = &target->seen[b];
        if (seen->row == 0)
            continue;
        r->age[b] = urn__arena_alloc(arena, (size_t)(target->blocks[b].size / seen->row) + 1,
                                     sizeof *r->age[b]);
        if (r->drawn)
            r->drawn[b] = seen->size / seen->row;
    }
}

urn_status urn__guide_touched_init(urn__guide *guide, urn__arena *arena, urn_error *error)
{
    const urn__target *target = guide->target;
    guide->touched = NULL;
    if (!target->seen)
        return URN_OK;
    const int64_t n = most_chunks(target);
    urn__guide_touched *r = n < INT32_MAX ? urn__arena_alloc(arena, 1, sizeof *r) : NULL;
    if (!r)
        return urn__fail_memory(error, "a guide", SIZE_MAX);
    r->most_chunks = (int)n;
    r->chunks = urn__arena_alloc(arena, (size_t)n + 1, sizeof *r->chunks);
    r->task = urn__arena_alloc(arena, (size_t)n + 2, sizeof *r->task);
    r->sums = urn__arena_alloc(arena, (size_t)n + 1, sizeof *r->sums);
    r->n_windows = target->threads;
    r->window = urn__arena_alloc(arena, (size_t)r->n_windows, sizeof *r->window);
    for (int t = 0; r->window && t < r->n_windows; t++)
        r->window[t] = urn__arena_alloc(arena, window_bytes(guide), 1);
    r->adam = urn__arena_alloc(arena, SHORT_AGE, sizeof *r->adam);
    new_blocks(r, target, arena);
    guide->touched = r;
    for (int32_t age = 0; r->adam && age < SHORT_AGE; age++) {
        r->adam[age] = (urn__adam){.beta1 = URN__ADAM_BETA1, .beta2 = URN__ADAM_BETA2};
        urn__adam_correct(&r->adam[age], age + 1);
    }
    if (urn__arena_failed(arena))
        return urn__fail_memory(error, "a guide", (size_t)r->n_windows * window_bytes(guide));
    return URN_OK;
}

int64_t urn__guide_touched_memory(const urn__target *target)
{
    const size_t real = target->precision == URN_PRECISION_SINGLE ? sizeof(float) : sizeof(double);
    int64_t bytes = SHORT_AGE * (int64_t)sizeof(urn__adam) +
                    target->threads * N_ARRAYS * URN__CHUNK * (int64_t)real;
    bytes += most_chunks(target) * (int64_t)(sizeof(urn__chunk) + sizeof(urn__sums) + sizeof(int));
    for (int b = 0; b < target->n_blocks; b++)
        if (target->seen[b].row > 0)
            bytes += target->blocks[b].size / target->seen[b].row * (int64_t)sizeof(int32_t);
    return bytes;
}

/* ---- chunks ---- */

/* As a guide of all coordinates has them. */
static void cut_chunks(const urn__guide *guide)
{
    urn__guide_touched *r = guide->touched;
    const urn__target *target = guide->target;
    urn__chunk *chunk = r->chunks;
    for (int b = 0; b < target->n_blocks; b++)
        chunk = urn__cut_block(b, guide->normal && !target->blocks[b].point, target->seen[b].offset,
                               seen_now(target, b), chunk);
    r->n_chunks = (int)(chunk - r->chunks);
    r->n_tasks = urn__group_chunks(r->n_chunks, r->chunks, r->task);
}

/* ---- windows ---- */

typedef struct window {
    const urn__sweep *sweep;
    const urn__chunk *chunk;
    urn__guide guide; /* whose arrays begin with the chunk */
    urn__optimiser optimiser;
} window;

static void *from(const urn__guide *guide, void *array, int64_t element)
{
    return array ? (char *)array + (size_t)element * guide->sweeps->real : NULL;
}

/* The arrays that have a number for each coordinate of the guide. */
static void list_arrays(urn__guide_arrays *a, void **list[N_ARRAYS])
{
    void **const all[N_ARRAYS] = {&a->loc,   &a->log_scale, &a->m_loc,
                                  &a->v_loc, &a->m_scale,   &a->v_scale};
    memcpy(list, all, sizeof all);
}

/* Rows are anywhere in memory. */
static void prefetch(const char *row, size_t bytes)
{
    for (size_t at = 0; at < bytes && at < MOST_PREFETCHED; at += 64)
        __builtin_prefetch(row + at);
}

/* Copies the chunk's part of each row, out of the guide or into it. */
static void copy_rows(const urn__guide *all, const urn__chunk *c, void *array, void *part, bool out)
{
    const urn__seen *seen = &all->target->seen[c->block];
    const size_t real = all->sweeps->real;
    const int64_t offset = all->target->blocks[c->block].offset;
    int64_t at = c->first / seen->row, column = c->first % seen->row;
    for (int64_t done = 0; done < c->n; at++, column = 0) {
        const int64_t left = c->n - done, row = seen->row - column, n = row < left ? row : left;
        if (out && at + AHEAD < seen->n)
            prefetch(from(all, array, offset + (int64_t)seen->rows[at + AHEAD] * seen->row),
                     (size_t)seen->row * real);
        char *whole = from(all, array, offset + (int64_t)seen->rows[at] * seen->row + column);
        char *own = from(all, part, done);
        if (out)
            memcpy(own, whole, (size_t)n * real);
        else
            memcpy(whole, own, (size_t)n * real);
        done += n;
    }
}

static int used_arrays(const urn__sweep *s)
{
    return s->rows == URN__ROWS_UPDATE ? N_ARRAYS : 2;
}

static void open_window(window *w, const urn__sweep *s, const urn__chunk *c, int thread)
{
    const urn__guide *all = s->guide;
    const bool rows = all->target->seen[c->block].row > 0;
    void **list[N_ARRAYS];
    *w = (window){.sweep = s, .chunk = c, .guide = *all};
    urn__guide_arrays *a = &w->guide.arrays;
    a->position = from(all, a->position, c->offset);
    a->gradient = from(all, a->gradient, c->offset);
    a->g_loc = from(all, a->g_loc, c->offset);
    a->g_scale = from(all, a->g_scale, c->offset);
    list_arrays(a, list);
    for (int k = 0; k < N_ARRAYS; k++) {
        void *array = *list[k];
        if (!rows) {
            *list[k] = from(all, array, all->target->blocks[c->block].offset + c->first);
            continue;
        }
        *list[k] = array ? from(all, all->touched->window[thread], (int64_t)k * URN__CHUNK) : NULL;
        if (array && k < used_arrays(s))
            copy_rows(all, c, array, *list[k], true);
    }
}

static void close_window(window *w)
{
    const urn__sweep *s = w->sweep;
    urn__guide_arrays own = s->guide->arrays;
    void **list[N_ARRAYS], **part[N_ARRAYS];
    if (s->rows != URN__ROWS_UPDATE || s->guide->target->seen[w->chunk->block].row == 0)
        return;
    list_arrays(&own, list);
    list_arrays(&w->guide.arrays, part);
    for (int k = 0; k < N_ARRAYS; k++)
        if (*list[k])
            copy_rows(s->guide, w->chunk, *list[k], *part[k], false);
}

/* ---- what is done in them ---- */

/* As the row's own count of updates says. */
static void correct_for(const urn__guide_touched *r, int32_t age, urn__adam *adam)
{
    const urn__adam *known = &r->adam[age < SHORT_AGE ? age : 0];
    if (age >= SHORT_AGE || known->beta1 != adam->beta1 || known->beta2 != adam->beta2) {
        urn__adam_correct(adam, (int64_t)age + 1);
        return;
    }
    adam->correction1 = known->correction1;
    adam->correction2 = known->correction2;
}

/* Rows from `at` on that have age and weight in common, `most` rows at most. */
static int64_t alike(const urn__seen *seen, const int32_t *age, int64_t at, int64_t most)
{
    int64_t n = 1;
    while (n < most && age[seen->rows[at + n]] == age[seen->rows[at]] &&
           seen->weight[at + n] == seen->weight[at])
        n++;
    return n;
}

/* The sweep over the chunk's rows, as many at a time as are alike. */
static void run_rows(window *w, urn__sums *sums)
{
    const urn__sweep *s = w->sweep;
    const urn__chunk *c = w->chunk;
    const urn__guide_touched *r = s->guide->touched;
    const urn__seen *seen = &s->guide->target->seen[c->block];
    const int32_t *age = r->age[c->block];
    urn__sweep own = *s;
    own.guide = &w->guide;
    if (s->optimiser) {
        w->optimiser = *s->optimiser;
        own.optimiser = &w->optimiser;
    }
    for (int64_t at = c->first / seen->row, done = 0; done < c->n;) {
        const int64_t rows = alike(seen, age, at, (c->first + c->n - 1) / seen->row - at + 1);
        int64_t end = (at + rows) * seen->row - c->first;
        end = end < c->n ? end : c->n;
        own.weight = seen->weight[at];
        correct_for(r, age[seen->rows[at]], &w->optimiser.adam);
        const urn__chunk part = {.block = c->block,
                                 .random = c->random,
                                 .offset = done,
                                 .first = c->first + done,
                                 .n = end - done};
        s->chunk(&own, &part, sums);
        at += rows;
        done = end;
    }
}

static double sum_of(const urn__guide *guide, int64_t n, const void *x)
{
    if (guide->target->precision == URN_PRECISION_SINGLE)
        return guide->target->kernels_single->sum(n, x);
    return guide->target->kernels->sum(n, x);
}

/* The log scales of a row count as often as its own terms. */
static double weighted_scales(const window *w)
{
    const urn__chunk *c = w->chunk;
    const urn__seen *seen = &w->guide.target->seen[c->block];
    double sum = 0.0;
    int64_t at = c->first / seen->row, column = c->first % seen->row;
    for (int64_t done = 0; done < c->n; at++, column = 0) {
        const int64_t left = c->n - done, row = seen->row - column, n = row < left ? row : left;
        sum += seen->weight[at] *
               sum_of(&w->guide, n, from(&w->guide, w->guide.arrays.log_scale, done));
        done += n;
    }
    return sum;
}

/* A draw is of the whole chunk, whose normals are numbered. */
static void run_whole(window *w, urn__sums *sums)
{
    const urn__chunk *c = w->chunk;
    const bool rows = w->guide.target->seen[c->block].row > 0;
    urn__sweep own = *w->sweep;
    const urn__chunk part = {.block = c->block, .random = c->random, .first = c->first, .n = c->n};
    const double before = sums->log_scale;
    own.guide = &w->guide;
    own.chunk(&own, &part, sums);
    if (rows && c->random && own.chunk == w->guide.sweeps->sample)
        sums->log_scale = before + weighted_scales(w);
}

static void sweep_chunk(const urn__sweep *s, const urn__chunk *c, int thread, urn__sums *sums)
{
    window w;
    const bool rows = s->guide->target->seen[c->block].row > 0;
    open_window(&w, s, c, thread);
    if (rows && s->rows != URN__ROWS_READ)
        run_rows(&w, sums);
    else
        run_whole(&w, sums);
    close_window(&w);
}

static void sweep_task(void *context, int64_t task, int thread)
{
    const urn__sweep *s = context;
    urn__guide_touched *r = s->guide->touched;
    r->sums[task] = (urn__sums){0};
    for (int c = r->task[task]; c < r->task[task + 1]; c++)
        sweep_chunk(s, &r->chunks[c], thread, &r->sums[task]);
}

/* The sums are over tasks in their order. */
urn__sums urn__guide_touched_sweep(const urn__sweep *s)
{
    const urn__guide *guide = s->guide;
    urn__guide_touched *r = guide->touched;
    urn__sweep own = *s;
    urn__sums total = {0};
    cut_chunks(guide);
    urn__parallel(guide->target->threads, r->n_tasks, sweep_task, &own);
    for (int t = 0; t < r->n_tasks; t++)
        urn__sums_add(&total, &r->sums[t]);
    return total;
}

/* ---- between sweeps ---- */

static bool all_finite(const urn__guide *guide, int64_t n, const void *x)
{
    return isfinite(sum_of(guide, n, x));
}

/* Rows past the last weigh nothing, but they are computed with: they are copies of the first one.
 * Those that are copies already may stay, whatever row was the first then. */
void urn__guide_touched_pad(urn__guide *guide)
{
    const urn__target *target = guide->target;
    for (int b = 0; b < target->n_blocks; b++) {
        const urn__seen *seen = &target->seen[b];
        const size_t bytes = (size_t)seen->row * guide->sweeps->real;
        const void *first = from(guide, guide->arrays.position, seen->offset);
        if (seen->row == 0)
            continue;
        const bool good = seen->n > 0 && all_finite(guide, seen->row, first);
        for (int64_t i = seen->n; i < guide->touched->drawn[b]; i++) {
            void *to = from(guide, guide->arrays.position, seen->offset + i * seen->row);
            if (good)
                memcpy(to, first, bytes);
            else
                memset(to, 0, bytes);
        }
        guide->touched->drawn[b] = seen->n;
    }
}

void urn__guide_touched_count(urn__guide *guide)
{
    const urn__target *target = guide->target;
    for (int b = 0; b < target->n_blocks; b++) {
        const urn__seen *seen = &target->seen[b];
        int32_t *age = guide->touched->age[b];
        for (int64_t i = 0; seen->row > 0 && i < seen->n; i++)
            age[seen->rows[i]] += age[seen->rows[i]] < INT32_MAX;
    }
}

double urn__guide_touched_random(const urn__guide *guide)
{
    const urn__target *target = guide->target;
    double n = 0.0;
    for (int b = 0; b < target->n_blocks; b++) {
        const urn__seen *seen = &target->seen[b];
        double rows = 0.0;
        if (!guide->normal || target->blocks[b].point)
            continue;
        for (int64_t i = 0; seen->row > 0 && i < seen->n; i++)
            rows += seen->weight[i];
        n += seen->row > 0 ? rows * (double)seen->row : (double)seen->size;
    }
    return n;
}

void urn__guide_touched_position(const urn__guide *guide, double *position)
{
    const urn__target *target = guide->target;
    const bool single = target->precision == URN_PRECISION_SINGLE;
    for (int b = 0; b < target->n_blocks; b++) {
        const urn__seen *seen = &target->seen[b];
        const int64_t n = seen_now(target, b), offset = target->blocks[b].offset;
        const void *drawn = from(guide, guide->arrays.position, seen->offset);
        for (int64_t i = 0; i < n; i++) {
            const int64_t to =
                seen->row > 0 ? (int64_t)seen->rows[i / seen->row] * seen->row + i % seen->row : i;
            position[offset + to] =
                single ? (double)((const float *)drawn)[i] : ((const double *)drawn)[i];
        }
    }
}
