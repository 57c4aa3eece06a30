/* Normals whose coordinates depend on each other. */
#include "normal_form.h"

#include <math.h>
#include <string.h>

/* ---- layout ---- */

static bool count_block(const urn_normal_block *block, int64_t size, int64_t from, int64_t *numbers)
{
    int64_t coordinates, triangle;
    if (block->first < from || block->rows < 1 || block->width < 1 || block->width > INT32_MAX ||
        __builtin_mul_overflow(block->rows, block->width, &coordinates) ||
        coordinates > size - block->first)
        return false;
    triangle = block->width * (block->width - 1) / 2;
    return !__builtin_mul_overflow(block->rows, triangle, numbers);
}

bool urn__layout_count(urn__layout *layout, int64_t *start)
{
    int64_t from = 0, n = 0;
    layout->n_factor = 0;
    layout->start = start;
    if (layout->rank > 0)
        return layout->n_blocks == 0 &&
               !__builtin_mul_overflow(layout->rank, layout->size, &layout->n_factor);
    for (int b = 0; b < layout->n_blocks; b++) {
        const urn_normal_block *block = &layout->blocks[b];
        if (!count_block(block, layout->size, from, &n))
            return false;
        start[b] = layout->n_factor;
        if (__builtin_add_overflow(layout->n_factor, n, &layout->n_factor))
            return false;
        from = block->first + block->rows * block->width;
    }
    start[layout->n_blocks] = layout->n_factor;
    return true;
}

/* ---- memory ---- */

static urn_status fail_layout(int64_t size, int64_t rank, int n_blocks, urn_error *error)
{
    return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                     "a normal of %lld coordinates was given rank %lld and %d blocks; it takes "
                     "either a rank of at least 1, or blocks of at least one row and coordinate, "
                     "in order, that do not overlap",
                     (long long)size, (long long)rank, n_blocks);
}

static bool take_room(urn__normal_form *form, int64_t size, int n_blocks)
{
    const urn_allocator *a = form->allocator;
    form->own = urn__calloc(a, (size_t)size, sizeof *form->own);
    form->blocks = urn__calloc(a, (size_t)n_blocks + 1, sizeof *form->blocks);
    form->start = urn__calloc(a, (size_t)n_blocks + 1, sizeof *form->start);
    return form->own && form->blocks && form->start;
}

urn_status urn__normal_form_room(const urn_allocator *allocator, int64_t size, int64_t rank,
                                 int n_blocks, const urn_normal_block *blocks,
                                 urn__normal_form **form, urn_error *error)
{
    *form = NULL;
    if (size < 1 || rank < 0 || n_blocks < 0 || (rank > 0) == (n_blocks > 0))
        return fail_layout(size, rank, n_blocks, error);
    urn__normal_form *f = urn__calloc(allocator, 1, sizeof *f);
    if (!f)
        return urn__fail_memory(error, "a normal form", sizeof *f);
    f->allocator = allocator;
    if (!take_room(f, size, n_blocks)) {
        urn__normal_form_free(f);
        return urn__fail_memory(error, "a normal form", (size_t)size * sizeof(double));
    }
    if (n_blocks > 0)
        memcpy(f->blocks, blocks, (size_t)n_blocks * sizeof *blocks);
    f->layout =
        (urn__layout){.size = size, .rank = rank, .n_blocks = n_blocks, .blocks = f->blocks};
    if (!urn__layout_count(&f->layout, f->start)) {
        urn__normal_form_free(f);
        return fail_layout(size, rank, n_blocks, error);
    }
    f->factor = urn__calloc(allocator, (size_t)f->layout.n_factor + 1, sizeof *f->factor);
    if (!f->factor) {
        const size_t bytes = (size_t)f->layout.n_factor * sizeof(double);
        urn__normal_form_free(f);
        return urn__fail_memory(error, "the factor of a normal", bytes);
    }
    *form = f;
    return URN_OK;
}

void urn__normal_form_free(urn__normal_form *form)
{
    if (!form)
        return;
    urn__free(form->allocator, form->own);
    urn__free(form->allocator, form->blocks);
    urn__free(form->allocator, form->start);
    urn__free(form->allocator, form->factor);
    urn__free(form->allocator, form);
}

int64_t urn__normal_form_bytes(const urn__layout *layout)
{
    const int64_t a_block = (int64_t)(sizeof(urn_normal_block) + sizeof(int64_t));
    return (layout->size + layout->n_factor) * (int64_t)sizeof(double) + layout->n_blocks * a_block;
}

/* ---- scales ---- */

static urn_status fail_number(const char *what, int64_t i, double value, urn_error *error)
{
    return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                     "%s %lld of a normal posterior is %g; it must be finite%s", what, (long long)i,
                     value, what[0] == 'd' ? " and not negative" : "");
}

urn_status urn__normal_form_scales(const urn__normal_form *form, double *scale, urn_error *error)
{
    const urn__layout *layout = &form->layout;
    int b = 0;
    for (int64_t i = 0; i < layout->n_factor; i++)
        if (!isfinite(form->factor[i]))
            return fail_number("number", i, form->factor[i], error);
    for (int64_t i = 0; i < layout->size; i++) {
        urn__factor_row row = {0};
        const double own = form->own[i];
        if (!(own >= 0.0) || !isfinite(own))
            return fail_number("diagonal element", i, own, error);
        while (b < layout->n_blocks &&
               i >= layout->blocks[b].first + layout->blocks[b].rows * layout->blocks[b].width)
            b++;
        if (layout->rank > 0)
            row = urn__row_of_rank(layout, i);
        else if (b < layout->n_blocks && i >= layout->blocks[b].first)
            row = urn__row_in_block(layout, b, i);
        double squares = own * own;
        for (int64_t k = 0; k < row.n; k++)
            squares += form->factor[row.at + k] * form->factor[row.at + k];
        scale[i] = row.n > 0 ? sqrt(squares) : own;
    }
    return URN_OK;
}

/* ---- draws ---- */

typedef struct adding {
    const urn__normal_form *form;
    const urn__kernels *kernels;
    int64_t first, end; /* coordinates wanted */
    double *x;
} adding;

/* Chunk by chunk of the stream, so that the sums' order does not depend on the part. */
static void add_rank(const adding *a, const urn__stream *further)
{
    const urn__layout *layout = &a->form->layout;
    double z[URN__CHUNK];
    for (int64_t from = 0; from < layout->rank; from += URN__CHUNK) {
        const int64_t left = layout->rank - from, n = left < URN__CHUNK ? left : URN__CHUNK;
        a->kernels->normals(further, from, n, z);
        for (int64_t i = a->first; i < a->end; i++)
            a->x[i] += a->kernels->dot(n, a->form->factor + i * layout->rank + from, z);
    }
}

static void add_row(const adding *a, const urn__factor_row *row, int64_t i, int64_t from,
                    int64_t to, const double *z)
{
    const int64_t low = row->from > from ? row->from : from;
    const int64_t high = row->from + row->n < to ? row->from + row->n : to;
    if (low < high)
        a->x[i] += a->kernels->dot(high - low, a->form->factor + row->at + low - row->from,
                                   z + low - from);
}

static void add_block(const adding *a, int b, const urn__stream *stream)
{
    const urn__layout *layout = &a->form->layout;
    const urn_normal_block *block = &layout->blocks[b];
    const int64_t block_end = block->first + block->rows * block->width;
    const int64_t first = a->first > block->first ? a->first : block->first;
    const int64_t end = a->end < block_end ? a->end : block_end;
    double z[URN__CHUNK];
    if (first >= end || block->width < 2)
        return;
    const int64_t low = urn__row_in_block(layout, b, first).from;
    for (int64_t from = low / URN__CHUNK * URN__CHUNK; from < end; from += URN__CHUNK) {
        const int64_t to = from + URN__CHUNK < end ? from + URN__CHUNK : end;
        a->kernels->normals(stream, from, to - from, z);
        for (int64_t i = first > from ? first : from; i < end; i++) {
            const urn__factor_row row = urn__row_in_block(layout, b, i);
            if (row.from >= to)
                break;
            add_row(a, &row, i, from, to, z);
        }
    }
}

void urn__normal_form_add(const urn__normal_form *form, const urn__kernels *kernels,
                          const urn__stream *stream, const urn__stream *further, int64_t first,
                          int64_t n, double *x)
{
    const adding a = {.form = form, .kernels = kernels, .first = first, .end = first + n, .x = x};
    if (form->layout.rank > 0)
        add_rank(&a, further);
    for (int b = 0; b < form->layout.n_blocks; b++)
        add_block(&a, b, stream);
}
