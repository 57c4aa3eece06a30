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
/* Registers of rows a block of the general loop holds. */
#define MVN_WIDE 4

typedef struct mvn_job {
    int64_t n, dim;
    const double *x, *loc, *tril;
    int64_t x_stride, loc_stride;
    const double *inverse; /* 1 / L_kk */
    double constant;
    double *log_density, *d_x, *d_loc, *d_tril;
} mvn_job;

/* Where a block of rows is worked on: dim columns of `wide` registers each, and the sums over
 * blocks. */
typedef struct mvn_block {
    lanes *c, *y, *g;    /* dim x wide */
    lanes *loc;          /* dim */
    lanes *sum_g;        /* dim */
    lanes *sum_products; /* dim (dim + 1) / 2 */
} mvn_block;

LANES_INLINE void mvn_centred(const int64_t d, const int wide, const bool whole, const mvn_job *job,
                              int64_t row, lanes *c, lanes *loc)
{
    LANES_UNROLL
    for (int v = 0; v < wide; v++) {
        const int64_t first = row + v * LANES, left = job->n - first;
        if (job->x_stride != 0 && whole)
            lanes_load(d, job->x + first * d, wide, c + v);
        else if (job->x_stride != 0)
            lanes_load_few(d, left, job->x + first * d, wide, c + v);
        if (job->loc_stride != 0 && whole)
            lanes_load(d, job->loc + first * d, 1, loc);
        else if (job->loc_stride != 0)
            lanes_load_few(d, left, job->loc + first * d, 1, loc);
        for (int64_t k = 0; k < d; k++) {
            const lanes at = job->x_stride != 0 ? c[k * wide + v] : (lanes){0} + job->x[k];
            c[k * wide + v] = at - (job->loc_stride != 0 ? loc[k] : (lanes){0} + job->loc[k]);
        }
        if (!whole) /* rows that are not there must not count in sums */
            for (int64_t k = 0; k < d; k++)
                for (int64_t i = left > 0 ? left : 0; i < LANES; i++)
                    c[k * wide + v][i] = 0.0;
    }
}

/* y = L^T c, or L y = c. */
LANES_INLINE void mvn_whiten(const int64_t d, const int wide, const bool by_precision,
                             const mvn_job *job, const lanes *restrict c, lanes *restrict y)
{
    LANES_UNROLL
    for (int64_t j = 0; j < d; j++) {
        lanes sum[MVN_WIDE];
        LANES_UNROLL
        for (int v = 0; v < wide; v++)
            sum[v] = by_precision ? c[j * wide + v] * job->tril[j * d + j] : c[j * wide + v];
        const int64_t from = by_precision ? j + 1 : 0, to = by_precision ? d : j;
        LANES_UNROLL
        for (int64_t i = from; i < to; i++) {
            const double l = by_precision ? job->tril[i * d + j] : -job->tril[j * d + i];
            const lanes *other = by_precision ? c : y;
            LANES_UNROLL
            for (int v = 0; v < wide; v++)
                sum[v] += other[i * wide + v] * l;
        }
        LANES_UNROLL
        for (int v = 0; v < wide; v++)
            y[j * wide + v] = by_precision ? sum[v] : sum[v] * job->inverse[j];
    }
}

/* g = L y, or L^T g = y. */
LANES_INLINE void mvn_pull(const int64_t d, const int wide, const bool by_precision,
                           const mvn_job *job, const lanes *restrict y, lanes *restrict g)
{
    LANES_UNROLL
    for (int64_t i = d - 1; i >= 0; i--) {
        lanes sum[MVN_WIDE];
        LANES_UNROLL
        for (int v = 0; v < wide; v++)
            sum[v] = by_precision ? y[i * wide + v] * job->tril[i * d + i] : y[i * wide + v];
        const int64_t from = by_precision ? 0 : i + 1, to = by_precision ? i : d;
        LANES_UNROLL
        for (int64_t j = from; j < to; j++) {
            const double l = by_precision ? job->tril[i * d + j] : -job->tril[j * d + i];
            const lanes *other = by_precision ? y : g;
            LANES_UNROLL
            for (int v = 0; v < wide; v++)
                sum[v] += other[j * wide + v] * l;
        }
        LANES_UNROLL
        for (int v = 0; v < wide; v++)
            g[i * wide + v] = by_precision ? sum[v] : sum[v] * job->inverse[i];
    }
}

LANES_INLINE void mvn_write_density(const int64_t d, const int wide, const bool whole,
                                    const mvn_job *job, int64_t row, const lanes *y)
{
    LANES_UNROLL
    for (int v = 0; v < wide; v++) {
        lanes square = {0};
        LANES_UNROLL
        for (int64_t k = 0; k < d; k++)
            square += y[k * wide + v] * y[k * wide + v];
        const lanes value = job->constant - 0.5 * square;
        double *to = job->log_density + row + v * LANES;
        if (whole)
            *(lanes_at *)to = value;
        else

            for (int64_t i = 0; i < LANES && row + v * LANES + i < job->n; i++)
                to[i] = value[i];
    }
}

LANES_INLINE void mvn_write_partials(const int64_t d, const int wide, const bool whole,
                                     const mvn_job *job, int64_t row, const lanes *g)
{
    LANES_UNROLL
    for (int v = 0; v < wide; v++) {
        const int64_t first = row + v * LANES, left = job->n - first;
        if (job->d_x != NULL && job->x_stride != 0) {
            if (whole)
                lanes_store(d, -1.0, g + v, wide, job->d_x + first * d);
            else
                lanes_store_few(d, left, -1.0, g + v, wide, job->d_x + first * d);
        }
        if (job->d_loc != NULL && job->loc_stride != 0) {
            if (whole)
                lanes_store(d, 1.0, g + v, wide, job->d_loc + first * d);
            else
                lanes_store_few(d, left, 1.0, g + v, wide, job->d_loc + first * d);
        }
    }
}

/* Sums over rows of left_i y_j, j <= i, packed. */
LANES_INLINE void mvn_add_products(const int64_t d, const int wide, const lanes *left,
                                   const lanes *y, lanes *sum_products)
{
    LANES_UNROLL
    for (int64_t i = 0; i < d; i++) {
        LANES_UNROLL
        for (int64_t j = 0; j <= i; j++) {
            lanes sum = sum_products[i * (i + 1) / 2 + j];
            LANES_UNROLL
            for (int v = 0; v < wide; v++)
                sum += left[i * wide + v] * y[j * wide + v];
            sum_products[i * (i + 1) / 2 + j] = sum;
        }
    }
}

/* What is summed over the rows: added once, at the end. */
static __attribute__((noinline)) void mvn_finish(bool by_precision, const mvn_job *job,
                                                 const mvn_block *at)
{
    const int64_t d = job->dim;
    for (int64_t k = 0; k < d; k++) {
        const double sum = lanes_sum(&at->sum_g[k]);
        if (job->d_x != NULL && job->x_stride == 0)
            job->d_x[k] -= sum;
        if (job->d_loc != NULL && job->loc_stride == 0)
            job->d_loc[k] += sum;
    }
    if (job->d_tril == NULL)
        return;
    const double sign = by_precision ? 1.0 : -1.0;
    for (int64_t i = 0; i < d; i++) {
        for (int64_t j = 0; j <= i; j++)
            job->d_tril[i * d + j] -= sign * lanes_sum(&at->sum_products[i * (i + 1) / 2 + j]);
        job->d_tril[i * d + i] += sign * (double)job->n * job->inverse[i];
    }
}

/* All rows, with L shared, LANES at a time and none left over, with everything in registers: `d`
 * and `by_precision` are constants. */
LANES_INLINE void mvn_small_rows(const int64_t d, const bool by_precision, const mvn_job *job,
                                 mvn_block at)
{
    const bool want_g =
        job->d_x != NULL || job->d_loc != NULL || (job->d_tril != NULL && !by_precision);
    for (int64_t row = 0; row < job->n; row += LANES) {
        mvn_centred(d, 1, true, job, row, at.c, at.loc);
        mvn_whiten(d, 1, by_precision, job, at.c, at.y);
        mvn_write_density(d, 1, true, job, row, at.y);
        if (want_g) {
            mvn_pull(d, 1, by_precision, job, at.y, at.g);
            mvn_write_partials(d, 1, true, job, row, at.g);
            LANES_UNROLL
            for (int64_t k = 0; k < d; k++)
                at.sum_g[k] += at.g[k];
        }
        if (job->d_tril != NULL)
            mvn_add_products(d, 1, by_precision ? at.c : at.g, at.y, at.sum_products);
    }
    /* copies: what is handed on by address cannot stay in registers */
    lanes sum_g[MVN_SMALL], sum_products[MVN_SMALL * (MVN_SMALL + 1) / 2];
    LANES_UNROLL
    for (int64_t k = 0; k < d; k++)
        sum_g[k] = at.sum_g[k];
    LANES_UNROLL
    for (int64_t k = 0; k < d * (d + 1) / 2; k++)
        sum_products[k] = at.sum_products[k];
    mvn_finish(by_precision, job, &(mvn_block){.sum_g = sum_g, .sum_products = sum_products});
}

#endif
