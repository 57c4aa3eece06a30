/* Loops of mvn for any dim: blocks of `wide` groups of rows, as columns of `wide` registers. */
#ifndef URN_FAMILY_MVN_BLOCK_H
#define URN_FAMILY_MVN_BLOCK_H

#include "mvn_rows.h"

/* Groups of rows a block holds; those left over go one by one. */
#define MVN_WIDE 4

typedef struct mvn_block {
    lanes *c, *y, *g; /* dim x wide */
    lanes *loc;       /* dim */
    mvn_sums sums;
} mvn_block;

/* Registers a block needs. */
#define MVN_BLOCK(dim) ((dim) * (3 * MVN_WIDE + 2) + (dim) * ((dim) + 1) / 2)

static inline mvn_block mvn_block_at(int64_t d, bool products, lanes *at)
{
    const int64_t size = d * MVN_WIDE;
    lanes *g = at + 3 * size + d;
    memset(g, 0, (size_t)(d + (products ? d * (d + 1) / 2 : 0)) * sizeof(lanes));
    return (mvn_block){at, at + size, at + 2 * size, at + 3 * size, {g, g + d}};
}

LANES_INLINE void mvn_centre(const int wide, const mvn_job *job, int64_t row, const mvn_block *at)
{
    const int64_t d = job->dim;
    for (int v = 0; v < wide; v++) {
        const int64_t first = row + v * LANES;
        lanes *c = at->c + v;
        if (job->x_stride != 0)
            lanes_load(d, job->x + first * d, wide, c);
        if (job->loc_stride != 0)
            lanes_load(d, job->loc + first * d, 1, at->loc);
        for (int64_t k = 0; k < d; k++) {
            const lanes x = job->x_stride != 0 ? c[k * wide] : (lanes){0} + job->x[k];
            c[k * wide] = x - (job->loc_stride != 0 ? at->loc[k] : (lanes){0} + job->loc[k]);
        }
    }
}

/* The sums over i = from .. to - 1 of column i times a[i * step], and times b[i * step]. */
LANES_INLINE void mvn_combine(const int wide, int64_t from, int64_t to, const lanes *columns,
                              const urn__real *a, const urn__real *b, int64_t step, lanes *of_a,
                              lanes *of_b)
{
    LANES_UNROLL
    for (int v = 0; v < wide; v++)
        of_a[v] = of_b[v] = (lanes){0};
    for (int64_t i = from; i < to; i++) {
        const urn__real p = a[i * step], q = b[i * step];
        LANES_UNROLL
        for (int v = 0; v < wide; v++) {
            const lanes column = columns[i * wide + v];
            of_a[v] += column * p;
            of_b[v] += column * q;
        }
    }
}

/* y = L^T c, two columns at a time. */
LANES_INLINE void mvn_times_upper(const int wide, const mvn_job *job, const lanes *c, lanes *y)
{
    const int64_t d = job->dim;
    const urn__real *l = job->tril;
    for (int64_t j = 0; j < d; j += 2) {
        const int64_t next = j + 1 < d ? j + 1 : j;
        lanes a[MVN_WIDE], b[MVN_WIDE];
        mvn_combine(wide, j + 1, d, c, l + j, l + next, d, a, b);
        LANES_UNROLL
        for (int v = 0; v < wide; v++) {
            y[next * wide + v] = b[v];
            y[j * wide + v] = a[v] + c[j * wide + v] * l[j * d + j];
        }
    }
}

/* g = L y. */
LANES_INLINE void mvn_times_lower(const int wide, const mvn_job *job, const lanes *y, lanes *g)
{
    const int64_t d = job->dim;
    const urn__real *l = job->tril;
    for (int64_t i = 0; i < d; i += 2) {
        const int64_t next = i + 1 < d ? i + 1 : i;
        lanes a[MVN_WIDE], b[MVN_WIDE];
        mvn_combine(wide, 0, i + 1, y, l + i * d, l + next * d, 1, a, b);
        LANES_UNROLL
        for (int v = 0; v < wide; v++) {
            g[next * wide + v] = b[v] + y[next * wide + v] * l[next * d + next];
            g[i * wide + v] = a[v];
        }
    }
}

/* L y = c. */
LANES_INLINE void mvn_solve_lower(const int wide, const mvn_job *job, const lanes *c, lanes *y)
{
    const int64_t d = job->dim;
    const urn__real *l = job->tril;
    for (int64_t j = 0; j < d; j += 2) {
        const int64_t next = j + 1 < d ? j + 1 : j;
        lanes a[MVN_WIDE], b[MVN_WIDE];
        mvn_combine(wide, 0, j, y, l + j * d, l + next * d, 1, a, b);
        LANES_UNROLL
        for (int v = 0; v < wide; v++) {
            const lanes first = (c[j * wide + v] - a[v]) * job->inverse[j];
            const lanes second = c[next * wide + v] - b[v] - first * l[next * d + j];
            y[next * wide + v] = second * job->inverse[next];
            y[j * wide + v] = first;
        }
    }
}

/* L^T g = y. */
LANES_INLINE void mvn_solve_upper(const int wide, const mvn_job *job, const lanes *y, lanes *g)
{
    const int64_t d = job->dim;
    const urn__real *l = job->tril;
    for (int64_t i = d - 1; i >= 0; i -= 2) {
        const int64_t next = i > 0 ? i - 1 : i;
        lanes a[MVN_WIDE], b[MVN_WIDE];
        mvn_combine(wide, i + 1, d, g, l + i, l + next, d, a, b);
        LANES_UNROLL
        for (int v = 0; v < wide; v++) {
            const lanes first = (y[i * wide + v] - a[v]) * job->inverse[i];
            const lanes second = y[next * wide + v] - b[v] - first * l[i * d + next];
            g[next * wide + v] = second * job->inverse[next];
            g[i * wide + v] = first;
        }
    }
}

LANES_INLINE void mvn_write_density(const int wide, const mvn_job *job, int64_t row, const lanes *y)
{
    lanes square[MVN_WIDE] = {{0}};
    for (int64_t k = 0; k < job->dim; k++) {
        LANES_UNROLL
        for (int v = 0; v < wide; v++)
            square[v] += y[k * wide + v] * y[k * wide + v];
    }
    LANES_UNROLL
    for (int v = 0; v < wide; v++)
        lanes_put(job->log_density + row + v * LANES, job->constant - (urn__real)0.5 * square[v]);
}

LANES_INLINE void mvn_write_partials(const int wide, const mvn_job *job, int64_t row,
                                     const mvn_block *at)
{
    const int64_t d = job->dim;
    for (int v = 0; v < wide; v++) {
        const int64_t first = row + v * LANES;
        if (job->d_x != NULL && job->x_stride != 0)
            lanes_store(d, true, at->g + v, wide, job->d_x + first * d);
        if (job->d_loc != NULL && job->loc_stride != 0)
            lanes_store(d, false, at->g + v, wide, job->d_loc + first * d);
    }
    for (int64_t k = 0; k < d; k++)
        for (int v = 0; v < wide; v++)
            at->sums.g[k] += at->g[k * wide + v];
}

/* Adds left_i y_j, j <= i, packed; two rows of the product at a time. */
LANES_INLINE void mvn_add_products(const int wide, int64_t d, const lanes *left, const lanes *y,
                                   lanes *products)
{
    for (int64_t i = 0; i < d; i += 2) {
        const int64_t next = i + 1 < d ? i + 1 : i;
        lanes a[MVN_WIDE], b[MVN_WIDE];
        lanes *to_a = products + i * (i + 1) / 2, *to_b = products + next * (next + 1) / 2;
        LANES_UNROLL
        for (int v = 0; v < wide; v++) {
            a[v] = left[i * wide + v];
            b[v] = left[next * wide + v];
        }
        for (int64_t j = 0; j <= i; j++) {
            lanes of_a = to_a[j], of_b = to_b[j];
            LANES_UNROLL
            for (int v = 0; v < wide; v++) {
                of_a += a[v] * y[j * wide + v];
                of_b += b[v] * y[j * wide + v];
            }
            to_b[j] = of_b;
            to_a[j] = of_a;
        }
        if (next == i)
            break;
        lanes corner = to_b[next];
        LANES_UNROLL
        for (int v = 0; v < wide; v++)
            corner += b[v] * y[next * wide + v];
        to_b[next] = corner;
    }
}

#endif
