/* Loops of mvn for small dims: LANES rows are dim whole registers, and stay in them. The dim is a
 * constant of each loop. */
#ifndef URN_FAMILY_MVN_SMALL_H
#define URN_FAMILY_MVN_SMALL_H

#include "mvn_rows.h"

#define MVN_SMALL_PRODUCTS (MVN_SMALL * (MVN_SMALL + 1) / 2)

/* Rows from here on, or the one that all share LANES times. */
LANES_INLINE const urn__real *mvn_repeated(const int64_t d, const urn__real *rows, int64_t stride,
                                           urn__real *pattern)
{
    if (stride != 0)
        return rows;
    for (int64_t e = 0; e < LANES * d; e++)
        pattern[e] = rows[e % d];
    return pattern;
}

LANES_INLINE void mvn_store_rows(const int64_t d, bool negate, const lanes *flat, urn__real *rows)
{
    LANES_UNROLL
    for (int64_t k = 0; k < d; k++)
        lanes_put(rows + k * LANES, negate ? -flat[k] : flat[k]);
}

/* y = L^T c, or L y = c. What is known last is used last. */
LANES_INLINE void mvn_whiten(const int64_t d, const bool by_precision, const urn__real *l,
                             const urn__real *inverse, const lanes *c, lanes *y)
{
    LANES_UNROLL
    for (int64_t j = 0; j < d; j++) {
        const int64_t terms = by_precision ? d - 1 - j : j;
        lanes sum = by_precision ? c[j] * l[j * d + j] : c[j];
        LANES_UNROLL
        for (int64_t i = 0; i < terms; i++)
            sum += by_precision ? c[j + 1 + i] * l[(j + 1 + i) * d + j] : y[i] * -l[j * d + i];
        y[j] = by_precision ? sum : sum * inverse[j];
    }
}

/* g = L y, or L^T g = y. */
LANES_INLINE void mvn_pull(const int64_t d, const bool by_precision, const urn__real *l,
                           const urn__real *inverse, const lanes *y, lanes *g)
{
    LANES_UNROLL
    for (int64_t i = d - 1; i >= 0; i--) {
        const int64_t terms = by_precision ? i : d - 1 - i;
        lanes sum = by_precision ? y[i] * l[i * d + i] : y[i];
        LANES_UNROLL
        for (int64_t n = 1; n <= terms; n++)
            sum += by_precision ? y[i - n] * l[i * d + i - n] : g[d - n] * -l[(d - n) * d + i];
        g[i] = by_precision ? sum : sum * inverse[i];
    }
}

/* Adds left_i y_j, j <= i, packed. */
LANES_INLINE void mvn_multiply(const int64_t d, const lanes *left, const lanes *y, lanes *products)
{
    LANES_UNROLL
    for (int64_t i = 0; i < d; i++) {
        LANES_UNROLL
        for (int64_t j = 0; j <= i; j++)
            products[i * (i + 1) / 2 + j] += left[i] * y[j];
    }
}

LANES_INLINE lanes mvn_density(const int64_t d, urn__real constant, const lanes *y)
{
    lanes square = y[0] * y[0];
    LANES_UNROLL
    for (int64_t k = 1; k < d; k++)
        square += y[k] * y[k];
    return lanes_in_order(d, constant - (urn__real)0.5 * square);
}

/* Whole groups of rows with a triangular L. */
LANES_INLINE void mvn_small_rows(const int64_t d, const bool by_precision, const mvn_job *given,
                                 const mvn_sums *sums)
{
    const mvn_job job = *given; /* copies: what is reached by address cannot stay in registers */
    urn__real x_pattern[LANES * MVN_SMALL], loc_pattern[LANES * MVN_SMALL];
    lanes sum_g[MVN_SMALL] = {{0}}, products[MVN_SMALL_PRODUCTS] = {{0}};
    const urn__real *l = job.tril, *inverse = job.inverse;
    const urn__real *x = mvn_repeated(d, job.x, job.x_stride, x_pattern);
    const urn__real *loc = mvn_repeated(d, job.loc, job.loc_stride, loc_pattern);
    const bool x_rows = job.d_x != NULL && job.x_stride != 0;
    const bool loc_rows = job.d_loc != NULL && job.loc_stride != 0;
    const bool want_g =
        job.d_x != NULL || job.d_loc != NULL || (job.d_tril != NULL && !by_precision);
    for (int64_t row = 0; row < job.n; row += LANES) {
        lanes flat[MVN_SMALL], c[MVN_SMALL], y[MVN_SMALL], g[MVN_SMALL] = {{0}};
        LANES_UNROLL
        for (int64_t k = 0; k < d; k++)
            flat[k] = lanes_get(x + k * LANES) - lanes_get(loc + k * LANES);
        x += job.x_stride * LANES;
        loc += job.loc_stride * LANES;
        lanes_columns(d, flat, c);
        mvn_whiten(d, by_precision, l, inverse, c, y);
        lanes_put(job.log_density + row, mvn_density(d, job.constant, y));
        /* in this order, no more is alive at any time than there are registers */
        if (by_precision && job.d_tril != NULL)
            mvn_multiply(d, c, y, products);
        if (want_g)
            mvn_pull(d, by_precision, l, inverse, y, g);
        if (!by_precision && job.d_tril != NULL)
            mvn_multiply(d, g, y, products);
        if (!want_g)
            continue;
        LANES_UNROLL
        for (int64_t k = 0; k < d; k++)
            sum_g[k] += g[k];
        lanes_rows(d, g, flat);
        if (x_rows)
            mvn_store_rows(d, true, flat, job.d_x + row * d);
        if (loc_rows)
            mvn_store_rows(d, false, flat, job.d_loc + row * d);
    }
    LANES_UNROLL
    for (int64_t k = 0; k < d; k++)
        sums->g[k] += sum_g[k];
    if (job.d_tril == NULL)
        return;
    LANES_UNROLL
    for (int64_t k = 0; k < d * (d + 1) / 2; k++)
        sums->products[k] += products[k];
}

/* Whole groups of rows with a diagonal L, root being its inverse (itself, by precision): only the
 * squares are turned into columns. */
LANES_INLINE void mvn_small_diagonal(const int64_t d, const urn__real *root, const mvn_job *given,
                                     const mvn_sums *sums)
{
    const mvn_job job = *given;
    urn__real x_pattern[LANES * MVN_SMALL], loc_pattern[LANES * MVN_SMALL];
    urn__real root_pattern[LANES * MVN_SMALL];
    lanes p[MVN_SMALL], sum_g[MVN_SMALL];
    const urn__real *roots = mvn_repeated(d, root, 0, root_pattern);
    LANES_UNROLL
    for (int64_t k = 0; k < d; k++) {
        p[k] = lanes_get(roots + k * LANES);
        sum_g[k] = (lanes){0};
    }
    const urn__real *x = mvn_repeated(d, job.x, job.x_stride, x_pattern);
    const urn__real *loc = mvn_repeated(d, job.loc, job.loc_stride, loc_pattern);
    const bool x_rows = job.d_x != NULL && job.x_stride != 0;
    const bool loc_rows = job.d_loc != NULL && job.loc_stride != 0;
    for (int64_t row = 0; row < job.n; row += LANES) {
        lanes z[MVN_SMALL], g[MVN_SMALL], columns[MVN_SMALL];
        LANES_UNROLL
        for (int64_t k = 0; k < d; k++) {
            z[k] = lanes_get(x + k * LANES) - lanes_get(loc + k * LANES);
            z[k] *= p[k];
            g[k] = z[k] * p[k];
            sum_g[k] += g[k];
        }
        x += job.x_stride * LANES;
        loc += job.loc_stride * LANES;
        if (x_rows)
            mvn_store_rows(d, true, g, job.d_x + row * d);
        if (loc_rows)
            mvn_store_rows(d, false, g, job.d_loc + row * d);
        lanes_columns(d, z, columns);
        lanes_put(job.log_density + row, mvn_density(d, job.constant, columns));
    }
    lanes columns[MVN_SMALL];
    lanes_columns(d, sum_g, columns);
    LANES_UNROLL
    for (int64_t k = 0; k < d; k++)
        sums->g[k] += columns[k];
}

#endif
