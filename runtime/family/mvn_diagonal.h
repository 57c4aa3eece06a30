/* Loops of mvn with a diagonal L for dims that are no few registers: rows as they lie in memory,
 * one pass over it. `root` is 1 / L_kk, or L_kk by precision: z = c root, g = z root. */
#ifndef URN_FAMILY_MVN_DIAGONAL_H
#define URN_FAMILY_MVN_DIAGONAL_H

#include "mvn_rows.h"

#ifdef URN_SINGLE
typedef int32_t lanes_bits __attribute__((vector_size(LANES_BYTES)));
#else
typedef int64_t lanes_bits __attribute__((vector_size(LANES_BYTES)));
#endif

typedef struct mvn_diagonal {
    int64_t last;              /* where the last register of a row begins */
    lanes_bits own;            /* its lanes that hold what no other register does */
    urn__real *root, *x, *loc; /* of all rows, of shared ones; dim and a register more */
    urn__real *sums;           /* of g, or NULL */
} mvn_diagonal;

/* Numbers of memory it needs. */
#define MVN_DIAGONAL(dim) (4 * ((dim) + LANES_MOST))

/* The last register of a row overlaps the one before it; a row shorter than a register is read with
 * what follows it. */
static inline mvn_diagonal mvn_diagonal_at(const mvn_job *job, const urn__real *root,
                                           urn__real *memory)
{
    const int64_t d = job->dim, size = d + LANES_MOST;
    mvn_diagonal at = {.last = d > LANES ? d - LANES : 0,
                       .root = memory,
                       .sums = memory + size,
                       .x = memory + 2 * size,
                       .loc = memory + 3 * size};
    const int64_t first = d > LANES ? (d - 1) / LANES * LANES - at.last : 0;
    for (int64_t i = 0; i < LANES; i++)
        at.own[i] = i >= first && at.last + i < d ? -1 : 0;
    memset(memory, 0, (size_t)(4 * size) * sizeof *memory);
    memcpy(at.root, root, (size_t)d * sizeof *root);
    memcpy(at.x, job->x, (size_t)d * sizeof *root);
    memcpy(at.loc, job->loc, (size_t)d * sizeof *root);
    if ((job->d_x == NULL || job->x_stride != 0) && (job->d_loc == NULL || job->loc_stride != 0))
        at.sums = NULL;
    return at;
}

/* Rows worked on together, in ascending order: what a short row's store leaves in the next one is
 * overwritten. */
#define MVN_TOGETHER (LANES < 4 ? LANES : 4)
#define MVN_PARTS (LANES / MVN_TOGETHER)
/* Their sums, combined part by part, come in another order than the rows. */
#define MVN_FROM_PARTS(l, d, k) (l) / MVN_TOGETHER + (l) % MVN_TOGETHER *MVN_PARTS

/* The register at k of those rows. x, loc, d_x and d_loc are those of the first one. */
LANES_INLINE void mvn_diagonal_column(const bool last, const bool x_out, const bool loc_rows,
                                      const mvn_job *job, const mvn_diagonal *at, int64_t k,
                                      const urn__real *x, const urn__real *loc, urn__real *d_x,
                                      urn__real *d_loc, lanes *square)
{
    const int64_t step = job->dim;
    const int64_t x_step = x_out || job->x_stride != 0 ? step : 0;
    const lanes root = lanes_get(at->root + k);
    const lanes shared = lanes_get(loc + k);
    lanes sum = {0};
    LANES_UNROLL
    for (int i = 0; i < MVN_TOGETHER; i++) {
        const lanes from = loc_rows ? lanes_get(loc + i * step + k) : shared;
        lanes z = (from - lanes_get(x + i * x_step + k)) * root;
        lanes g = z * root; /* negative */
        if (x_out)
            lanes_put(d_x + i * step + k, g);
        if (loc_rows && d_loc != NULL)
            lanes_put(d_loc + i * step + k, -g);
        if (last) {
            z = (lanes)((lanes_bits)z & at->own);
            g = (lanes)((lanes_bits)g & at->own);
        }
        square[i] += z * z;
        sum += g;
    }
    if (at->sums != NULL)
        *(lanes_at *)(at->sums + k) -= sum;
}

/* |z|^2 of those rows, still to be combined. */
LANES_INLINE lanes mvn_diagonal_few(const bool x_out, const bool loc_rows, const mvn_job *job,
                                    const mvn_diagonal *at, int64_t row)
{
    const urn__real *x = job->x_stride != 0 ? job->x + row * job->x_stride : at->x;
    const urn__real *loc = loc_rows ? job->loc + row * job->loc_stride : at->loc;
    urn__real *d_x = x_out ? job->d_x + row * job->dim : NULL;
    urn__real *d_loc = loc_rows && job->d_loc != NULL ? job->d_loc + row * job->dim : NULL;
    lanes square[MVN_TOGETHER] = {{0}};
    for (int64_t k = 0; k < at->last; k += LANES)
        mvn_diagonal_column(false, x_out, loc_rows, job, at, k, x, loc, d_x, d_loc, square);
    mvn_diagonal_column(true, x_out, loc_rows, job, at, at->last, x, loc, d_x, d_loc, square);
    return lanes_sum_each(MVN_TOGETHER, square);
}

LANES_INLINE void mvn_diagonal_groups(const bool x_out, const bool loc_rows, const mvn_job *given,
                                      const mvn_diagonal *diagonal)
{
    const mvn_job job = *given;
    const mvn_diagonal at = *diagonal;
    for (int64_t row = 0; row < job.n; row += LANES) {
        lanes square[MVN_PARTS];
        for (int i = 0; i < MVN_PARTS; i++)
            square[i] = mvn_diagonal_few(x_out, loc_rows, &job, &at, row + i * MVN_TOGETHER);
        const lanes sum = lanes_sum_each(MVN_PARTS, square);
        const lanes ordered = __builtin_shufflevector(sum, sum, LANES_EACH(MVN_FROM_PARTS, 0, 0));
        lanes_put(job.log_density + row, job.constant - (urn__real)0.5 * ordered);
    }
}

/* Whole groups of rows. */
static inline void mvn_diagonal_rows(const mvn_job *job, const mvn_diagonal *at)
{
    const bool x_out = job->d_x != NULL && job->x_stride != 0, loc_rows = job->loc_stride != 0;
    if (x_out && !loc_rows)
        mvn_diagonal_groups(true, false, job, at);
    else if (x_out)
        mvn_diagonal_groups(true, true, job, at);
    else if (loc_rows)
        mvn_diagonal_groups(false, true, job, at);
    else
        mvn_diagonal_groups(false, false, job, at);
}

#endif
