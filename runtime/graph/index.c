/* Rows by target. */
#include "graph.h"
#include <pthread.h>
#include <string.h>

/* What an index with memory of its own keeps for itself. */
struct urn__index_own {
    const urn_allocator *allocator;
    pthread_mutex_t lock; /* of start, order and row while they are made */
    int32_t *row;         /* made here */
};

/* The number of rows of each target, summed: start[t] is where those of t end. */
static void count(urn__index *ix)
{
    memset(ix->start, 0, (size_t)(ix->n_targets + 1) * sizeof *ix->start);
    for (int64_t r = 0; r < ix->n; r++)
        ix->start[ix->row[r] + 1]++;
    for (int64_t t = 0; t < ix->n_targets; t++)
        ix->start[t + 1] += ix->start[t];
}

static void sort(urn__index *ix)
{
    for (int64_t r = 0; r < ix->n; r++) /* start[t] runs ahead, and is put back below */
        ix->order[ix->start[ix->row[r]]++] = (int32_t)r;
    for (int64_t t = ix->n_targets; t > 0; t--)
        ix->start[t] = ix->start[t - 1];
    ix->start[0] = 0;
}

static bool is_sorted(const urn__index *ix)
{
    for (int64_t r = 1; r < ix->n; r++)
        if (ix->row[r - 1] > ix->row[r])
            return false;
    return true;
}

void urn__index_sort(urn__index *ix)
{
    ix->sorted = is_sorted(ix);
    count(ix);
    sort(ix);
}

urn__index *urn__index_new(const urn_allocator *allocator, int64_t n, int64_t n_targets,
                           int32_t *row)
{
    urn__index *ix = urn__calloc(allocator, 1, sizeof *ix);
    urn__index_own *own = urn__calloc(allocator, 1, sizeof *own);
    if (ix == NULL || own == NULL || pthread_mutex_init(&own->lock, NULL) != 0) {
        urn__free(allocator, ix);
        urn__free(allocator, own);
        return NULL;
    }
    own->allocator = allocator;
    *ix = (urn__index){.n = n, .n_targets = n_targets, .row = row, .own = own};
    ix->sorted = is_sorted(ix);
    return ix;
}

void urn__index_free(urn__index *ix)
{
    if (ix == NULL)
        return;
    const urn_allocator *allocator = ix->own->allocator;
    pthread_mutex_destroy(&ix->own->lock);
    urn__free(allocator, ix->start);
    urn__free(allocator, ix->order);
    urn__free(allocator, ix->own->row);
    urn__free(allocator, ix->own);
    urn__free(allocator, ix);
}

urn__index *urn__index_in_order(const urn__index *from, const urn_allocator *allocator)
{
    urn__index *ix = urn__index_new(allocator, 0, from->n_targets, NULL);
    int64_t *start = urn__alloc(allocator, ((size_t)from->n_targets + 2) * sizeof *start);
    if (ix == NULL || start == NULL) {
        urn__free(allocator, start);
        urn__index_free(ix);
        return NULL;
    }
    *ix = (urn__index){.n = from->n,
                       .n_targets = from->n_targets,
                       .row = from->row,
                       .start = start,
                       .sorted = true,
                       .own = ix->own};
    count(ix);
    ix->row = NULL;
    return ix;
}

bool urn__index_need_rows(urn__index *ix)
{
    if (ix->own == NULL)
        return ix->row != NULL;
    pthread_mutex_lock(&ix->own->lock);
    if (ix->row == NULL) {
        int32_t *row = urn__alloc(ix->own->allocator, ((size_t)ix->n + 1) * sizeof *row);
        for (int64_t t = 0; row != NULL && t < ix->n_targets; t++)
            for (int64_t r = ix->start[t]; r < ix->start[t + 1]; r++)
                row[r] = (int32_t)t;
        ix->row = ix->own->row = row;
    }
    const bool ok = ix->row != NULL;
    pthread_mutex_unlock(&ix->own->lock);
    return ok;
}

static bool make(urn__index *ix)
{
    const urn_allocator *allocator = ix->own->allocator;
    int64_t *start = urn__alloc(allocator, ((size_t)ix->n_targets + 2) * sizeof *start);
    ix->order = ix->sorted ? NULL : urn__alloc(allocator, (size_t)ix->n * sizeof *ix->order);
    if (start == NULL || (!ix->sorted && ix->order == NULL)) {
        urn__free(allocator, start);
        urn__free(allocator, ix->order);
        ix->order = NULL;
        return false;
    }
    ix->start = start;
    count(ix);
    if (!ix->sorted)
        sort(ix);
    return true;
}

bool urn__index_need(urn__index *ix)
{
    if (ix->own == NULL)
        return ix->start != NULL;
    pthread_mutex_lock(&ix->own->lock);
    const bool ok = ix->start != NULL || make(ix);
    pthread_mutex_unlock(&ix->own->lock);
    return ok;
}

int32_t *urn__index_order(const urn__index *ix, const urn_allocator *allocator)
{
    urn__index copy = *ix;
    copy.start = urn__alloc(allocator, ((size_t)ix->n_targets + 2) * sizeof *copy.start);
    copy.order = urn__alloc(allocator, ((size_t)ix->n + 1) * sizeof *copy.order);
    if (copy.start != NULL && copy.order != NULL) {
        count(&copy);
        sort(&copy);
    } else {
        urn__free(allocator, copy.order);
        copy.order = NULL;
    }
    urn__free(allocator, copy.start);
    return copy.order;
}

size_t urn__index_bytes(urn__index *ix)
{
    if (ix == NULL || ix->own == NULL)
        return 0;
    pthread_mutex_lock(&ix->own->lock);
    const size_t bytes = (ix->start == NULL ? 0 : (size_t)ix->n_targets * sizeof *ix->start) +
                         (ix->order == NULL ? 0 : (size_t)ix->n * sizeof *ix->order) +
                         (ix->own->row == NULL ? 0 : (size_t)ix->n * sizeof *ix->row);
    pthread_mutex_unlock(&ix->own->lock);
    return bytes;
}
