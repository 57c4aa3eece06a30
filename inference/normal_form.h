/* How the coordinates of a normal depend on each other: x = loc + own * e + F e', e and e' standard
 * normal. F has a row for each coordinate, over what that row reads:
 * - a Cholesky factor: e' is e, and row i reads the coordinates before i in its block;
 * - a rank: row i reads all of `rank` further normals.
 * Guides keep F in the same layout, with rows in units of the coordinate's scale. */
#ifndef URN_INFERENCE_NORMAL_FORM_H
#define URN_INFERENCE_NORMAL_FORM_H

#include "engine.h"

typedef struct urn__layout {
    int64_t size, rank;
    int n_blocks; /* rank 0: of Cholesky factors, ascending; other coordinates are independent */
    const urn_normal_block *blocks;
    const int64_t *start; /* of each block's numbers in F, n_blocks + 1 of them; NULL without */
    int64_t n_factor;
} urn__layout;

/* What a coordinate's row of F is and reads: numbers at .. at + n - 1 of F, normals from ..
 * from + n - 1 of those that `urn__layout` says. */
typedef struct urn__factor_row {
    int64_t at, from, n;
} urn__factor_row;

/* Counts F's numbers and fills `start` (memory of n_blocks + 1). False where blocks overlap, are
 * not in order or not within the coordinates, or are more than can be counted. */
bool urn__layout_count(urn__layout *layout, int64_t *start);
/* Numbers in the rows before row `k` of a Cholesky factor's block: whole factors, then triangle. */
static inline int64_t urn__before_row(int64_t width, int64_t k)
{
    const int64_t inside = k % width;
    return k / width * (width * (width - 1) / 2) + inside * (inside - 1) / 2;
}
/* Of coordinate i, which is in block b of a layout of Cholesky factors. */
static inline urn__factor_row urn__row_in_block(const urn__layout *layout, int b, int64_t i)
{
    const urn_normal_block *block = &layout->blocks[b];
    const int64_t k = i - block->first, n = k % block->width;
    return (urn__factor_row){layout->start[b] + urn__before_row(block->width, k), i - n, n};
}
static inline urn__factor_row urn__row_of_rank(const urn__layout *layout, int64_t i)
{
    return (urn__factor_row){i * layout->rank, 0, layout->rank};
}

/* A form with memory of its own. */
typedef struct urn__normal_form {
    const urn_allocator *allocator;
    urn__layout layout;
    urn_normal_block *blocks;
    int64_t *start;
    double *own, *factor; /* to be filled in: zeros */
} urn__normal_form;

urn_status urn__normal_form_room(const urn_allocator *allocator, int64_t size, int64_t rank,
                                 int n_blocks, const urn_normal_block *blocks,
                                 urn__normal_form **form, urn_error *error);
void urn__normal_form_free(urn__normal_form *form);
/* Bytes of a form. */
int64_t urn__normal_form_bytes(const urn__layout *layout);
/* The sds of the coordinates by themselves. URN_ERR_USAGE for numbers that are not finite, and for
 * diagonals below zero. */
urn_status urn__normal_form_scales(const urn__normal_form *form, double *scale, urn_error *error);
/* Adds F e' to elements first .. first + n - 1 of x. `stream` is that of e, `further` of the
 * normals of a rank. Sums have the same order whatever the part. */
void urn__normal_form_add(const urn__normal_form *form, const urn__kernels *kernels,
                          const urn__stream *stream, const urn__stream *further, int64_t first,
                          int64_t n, double *x);

#endif
