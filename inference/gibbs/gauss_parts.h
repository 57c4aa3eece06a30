/* What the files of gauss_rows share. */
#ifndef URN_INFERENCE_GIBBS_GAUSS_PARTS_H
#define URN_INFERENCE_GIBBS_GAUSS_PARTS_H

#include "../../runtime/tensor/gauss.h"
#include "gauss_rows.h"

#include <stdatomic.h>

/* Child rows whose targets are gathered at a time. */
#define URN__GAUSS_GATHER 256
/* Larger systems are solved one by one. */
#define URN__GAUSS_LARGE 96

/* Child rows of a term in the order of their block rows. */
typedef struct urn__gauss_children {
    int64_t n;
    const int64_t *start; /* a block row's; NULL: n / n_rows each */
    const int32_t *order; /* NULL: as they are */
    /* One part whose coefficients are gathered in place: the rows of x, in this order. NULL with
     * `rows_in_order`: one after another. */
    bool one_part, rows_in_order;
    const int32_t *at;
    int32_t *own_at; /* at, if it had to be made */
    /* Several parts that are gathered by one column, or numbers: a row of padded d a row of what is
     * gathered, put together at the start of each run and read like one part. NULL: not so. */
    double *table;
    int64_t n_table;
    double *own_targets; /* fixed targets in this order, if they had to be sorted */
    bool fixed;
    double fixed_squares; /* sum of fixed targets' squares */
} urn__gauss_children;

/* Rows [from, to), or a piece of one row: child rows [first, last) of a term. */
typedef struct urn__gauss_task {
    int64_t from, to;
    int64_t split; /* -1: whole rows; else the number of the split row */
    int64_t piece; /* its place among all pieces */
    int64_t term, first, last;
    double cost; /* cycles, about */
} urn__gauss_task;

typedef struct urn__gauss_split {
    int64_t row, first_piece, n_pieces;
    atomic_llong left; /* pieces not summed yet */
} urn__gauss_split;

/* A thread's own. */
typedef struct urn__gauss_scratch {
    double *memory;
    double *pack, *sums, *work, *x, *z; /* sums: one a lane */
    double *vectors, *target, *weight;  /* URN__GAUSS_GATHER of each */
    int64_t z_from, z_to;               /* normals that are in z */
} urn__gauss_scratch;

struct urn__gauss_rows {
    const urn_allocator *allocator;
    const urn__kernels *kernels;
    const urn__gauss_kernels *gauss;
    const char *site, *plate;
    int64_t n_rows, d, padded;
    int n_parts, n_terms, threads;
    int64_t dim[URN__GAUSS_PARTS];
    urn__gauss_children children[URN__GAUSS_TERMS];
    int64_t n_tasks, n_splits, n_pieces;
    urn__gauss_task *tasks; /* heaviest first */
    urn__gauss_split *splits;
    double *pieces;  /* sums of each */
    double *squares; /* of each task and term, then of each split row and term */
    double *prior;   /* the shared prior's lower triangle by columns, then its shift */
    urn__gauss_scratch *scratch;
    int64_t z_room;
    atomic_llong next, bad_row;
};

static inline int64_t urn__gauss_first(const urn__gauss_rows *b, const urn__gauss_children *c,
                                       int64_t row)
{
    return c->start != NULL ? c->start[row] : row * (c->n / b->n_rows);
}

/* Makes tasks, splits and pieces from the numbers of child rows. */
urn_status urn__gauss_plan(urn__gauss_rows *b, urn_error *error);
/* The error for a row that has no draw. */
urn_status urn__gauss_fail(const urn__gauss_rows *b, const urn__gauss_run *run, int64_t row,
                           urn_error *error);

#endif
