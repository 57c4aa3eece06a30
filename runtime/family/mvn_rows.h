/* The loops of mvn over rows. With c = x - loc and the shared lower triangular L:
 *   precision_tril: y = L^T c,   g = L y;       scale_tril: y = L^-1 c,   g = L^-T y
 *   log p = constant - |y|^2 / 2,  d x = -g,  d loc = g
 *   precision_tril: d L = sum of tril(diag(1 / L) - c y^T)
 *   scale_tril:     d L = sum of tril(g y^T - diag(1 / L)). */
#ifndef URN_FAMILY_MVN_ROWS_H
#define URN_FAMILY_MVN_ROWS_H

#include "density.h"
#include "lanes.h"

enum { LOC, SCALE_TRIL, PRECISION_TRIL };

/* Up to this dim everything is unrolled and kept in registers; more would not fit in them. */
#define MVN_SMALL 5

typedef struct mvn_job {
    int64_t n, dim;
    const urn__real *x, *loc, *tril;
    int64_t x_stride, loc_stride;
    const urn__real *inverse; /* 1 / L_kk */
    urn__real constant;
    urn__real *log_density, *d_x, *d_loc, *d_tril;
} mvn_job;

/* Rows from .. from + n - 1 of a job. */
static inline mvn_job mvn_part(const mvn_job *job, int64_t from, int64_t n)
{
    mvn_job p = *job;
    p.n = n;
    p.x += from * job->x_stride;
    p.loc += from * job->loc_stride;
    p.log_density += from;
    p.d_x = job->d_x != NULL ? job->d_x + from * job->x_stride : NULL;
    p.d_loc = job->d_loc != NULL ? job->d_loc + from * job->loc_stride : NULL;
    return p;
}

/* ---- groups of LANES rows ---- */

/* Rows that are no whole group are worked on in a copy of one, where the others are 0 with loc 0,
 * and so add nothing to sums. */
typedef struct mvn_copy {
    urn__real *x, *loc, *d_x, *d_loc; /* LANES x dim; one more register may be read and written */
    urn__real log_density[LANES];
} mvn_copy;

/* Numbers of memory a copy needs. */
#define MVN_COPY(dim) (4 * LANES_MOST * ((dim) + 1))

static inline mvn_copy mvn_copy_at(int64_t d, urn__real *memory)
{
    const int64_t size = LANES_MOST * (d + 1);
    return (mvn_copy){
        .x = memory, .loc = memory + size, .d_x = memory + 2 * size, .d_loc = memory + 3 * size};
}

static inline void mvn_copy_rows(int64_t d, int64_t n, const urn__real *from, int64_t stride,
                                 urn__real *to)
{
    for (int64_t i = 0; i < n; i++)
        memcpy(to + i * d, from + i * stride, (size_t)d * sizeof *to);
    memset(to + n * d, 0, (size_t)(LANES * (d + 1) - n * d) * sizeof *to);
}

/* A job on the copy of rows from .. from + n - 1, n <= LANES. */
static inline mvn_job mvn_copy_in(const mvn_job *job, int64_t from, int64_t n, mvn_copy *copy)
{
    const mvn_job p = mvn_part(job, from, n);
    mvn_job own = *job;
    own.n = LANES;
    own.x = copy->x;
    own.loc = copy->loc;
    own.log_density = copy->log_density;
    own.d_x = job->d_x != NULL ? copy->d_x : NULL;
    own.d_loc = job->d_loc != NULL ? copy->d_loc : NULL;
    mvn_copy_rows(job->dim, n, p.x, p.x_stride, copy->x);
    mvn_copy_rows(job->dim, n, p.loc, p.loc_stride, copy->loc);
    own.x_stride = own.loc_stride = job->dim;
    return own;
}

/* Moves what the copy's job wrote to where it belongs; sums are the caller's. */
static inline void mvn_copy_out(const mvn_job *job, int64_t from, int64_t n, const mvn_copy *copy)
{
    const size_t size = (size_t)(n * job->dim) * sizeof(urn__real);
    memcpy(job->log_density + from, copy->log_density, (size_t)n * sizeof(urn__real));
    if (job->d_x != NULL && job->x_stride != 0)
        memcpy(job->d_x + from * job->dim, copy->d_x, size);
    if (job->d_loc != NULL && job->loc_stride != 0)
        memcpy(job->d_loc + from * job->dim, copy->d_loc, size);
}

/* ---- what is summed over the rows ---- */

typedef struct mvn_sums {
    lanes *g;        /* dim */
    lanes *products; /* dim (dim + 1) / 2 */
} mvn_sums;

static inline void mvn_add(urn__real *to, double value)
{
    *to = (urn__real)((double)*to + value);
}

/* Adds the sums over the rows to the partials of what the rows share. */
static __attribute__((noinline)) void mvn_finish(bool by_precision, const mvn_job *job,
                                                 const mvn_sums *sums)
{
    const int64_t d = job->dim;
    const bool of_x = job->d_x != NULL && job->x_stride == 0;
    const bool of_loc = job->d_loc != NULL && job->loc_stride == 0;
    for (int64_t k = 0; k < d && (of_x || of_loc); k++) {
        const double sum = lanes_sum(&sums->g[k]);
        if (of_x)
            mvn_add(&job->d_x[k], -sum);
        if (of_loc)
            mvn_add(&job->d_loc[k], sum);
    }
    if (job->d_tril == NULL)
        return;
    const double sign = by_precision ? 1.0 : -1.0;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j <= i; j++) {
            const double own = i == j ? (double)job->n / (double)job->tril[i * d + i] : 0.0;
            const double sum = lanes_sum(&sums->products[i * (i + 1) / 2 + j]);
            mvn_add(&job->d_tril[i * d + j], sign * (own - sum));
        }
}

#endif
