/* See touched_rows.h. */
#include "touched_rows.h"
#include "../base/permutation.h"
#include <string.h>

enum { BITS = 64 };

static int64_t words_of(int64_t rows)
{
    return (rows + BITS - 1) / BITS;
}

static const int32_t *column_to(const urn_program *p, int k, uint32_t plate)
{
    const urn__index_attr *a = urn__plan_batch_index(p->plan, k);
    return a->index != NULL && a->target_plate == (int32_t)plate ? a->index->row : NULL;
}

static void count_rows(urn__touched_rows *t, const urn_model *m)
{
    const int64_t rows = m->plate[m->batch_plate - 1].size;
    for (int k = 0; k < t->n_columns; k++)
        for (int64_t r = 0; r < rows; r++)
            t->count[t->column[k][r]]++;
    for (int64_t i = 0; i < t->size; i++)
        t->n_unreached += t->count[i] == 0;
}

static bool list_unreached(urn__touched_rows *t, const urn_model *m, urn__arena *arena)
{
    const urn__plate *batch = &m->plate[m->batch_plate - 1];
    int64_t at = 0;
    t->unreached = urn__arena_alloc(arena, (size_t)t->n_unreached + 1, sizeof *t->unreached);
    if (t->unreached == NULL)
        return false;
    for (int64_t i = 0; i < t->size; i++)
        if (t->count[i] == 0)
            t->unreached[at++] = (int32_t)i;
    const double share = (double)batch->seen / (double)batch->size * (double)t->n_unreached;
    t->slice = t->n_unreached == 0 ? 0 : (int64_t)share < 1 ? 1 : (int64_t)share;
    return true;
}

bool urn__touched_rows_init(urn__touched_rows *t, const urn_program *p, uint32_t plate,
                            urn__arena *arena)
{
    const urn__plate *own = &p->m->plate[plate - 1];
    const size_t size = (size_t)own->size + 1, room = (size_t)own->room + 1;
    *t = (urn__touched_rows){.plate = plate, .size = own->size, .room = own->room};
    t->column =
        urn__arena_alloc(arena, (size_t)urn__plan_batch_indices(p->plan) + 1, sizeof *t->column);
    t->count = urn__arena_alloc(arena, size, sizeof *t->count);
    t->met = urn__arena_alloc(arena, size, sizeof *t->met);
    t->place = urn__arena_alloc(arena, size, sizeof *t->place);
    t->mark = urn__arena_alloc(arena, (size_t)words_of(own->size) + 1, sizeof *t->mark);
    t->row = urn__arena_alloc(arena, room, sizeof *t->row);
    t->weight = urn__arena_alloc(arena, room, sizeof *t->weight);
    if (urn__arena_failed(arena))
        return false;
    for (int k = 0; k < urn__plan_batch_indices(p->plan); k++)
        if (column_to(p, k, plate) != NULL)
            t->column[t->n_columns++] = column_to(p, k, plate);
    count_rows(t, p->m);
    return list_unreached(t, p->m, arena);
}

static void mark(urn__touched_rows *t, int32_t row)
{
    t->mark[row / BITS] |= (uint64_t)1 << (row % BITS);
}

static void mark_unreached(urn__touched_rows *t, uint64_t seed, int64_t step)
{
    if (t->slice == 0)
        return;
    const int64_t per_epoch = t->n_unreached / t->slice; /* those left over wait for the next */
    const urn__stream stream =
        urn__stream_at(seed, t->plate, "mini-batch", (uint64_t)(step / per_epoch));
    const urn__permutation order = urn__permutation_of(&stream, t->n_unreached);
    for (int64_t i = 0; i < t->slice; i++)
        mark(t, t->unreached[urn__permutation_at(&order, step % per_epoch * t->slice + i)]);
}

static void add(urn__touched_rows *t, int32_t row, double factor)
{
    const int64_t at = t->n++;
    t->row[at] = row;
    t->place[row] = (int32_t)at;
    t->weight[at] = t->count[row] > 0 ? factor * (double)t->met[row] / (double)t->count[row]
                                      : (double)t->n_unreached / (double)t->slice;
    t->met[row] = 0;
}

void urn__touched_rows_pick(urn__touched_rows *t, const urn_program *p, uint64_t seed, int64_t step,
                            int64_t n, const int32_t *rows)
{
    for (int k = 0; k < t->n_columns; k++)
        for (int64_t i = 0; i < n; i++) {
            const int32_t row = t->column[k][rows[i]];
            t->met[row]++;
            mark(t, row);
        }
    mark_unreached(t, seed, step);
    t->n = 0;
    for (int64_t w = 0; w < words_of(t->size); w++) {
        for (uint64_t bits = t->mark[w]; bits != 0; bits &= bits - 1)
            add(t, (int32_t)(w * BITS + __builtin_ctzll(bits)), p->m->batch_factor);
        t->mark[w] = 0;
    }
    for (int64_t i = t->n; i < t->room; i++)
        t->weight[i] = 0.0;
}
