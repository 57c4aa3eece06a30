/* Row kernels of the factor models: dot products of gathered rows, sums of rows in CSR order,
 * copies. Every one has a body that is inlined with a constant row length for the lengths people
 * use, where the compiler keeps a row in registers. */
#include "kernels.h"

/* The row lengths with a body of their own. */
#define EACH_LENGTH(X)                                                                             \
    X(1)                                                                                           \
    X(2)                                                                                           \
    X(3)                                                                                           \
    X(4)                                                                                           \
    X(5)                                                                                           \
    X(6)                                                                                           \
    X(7)                                                                                           \
    X(8)                                                                                           \
    X(10)                                                                                          \
    X(16)                                                                                          \
    X(30)                                                                                          \
    X(32)                                                                                          \
    X(64)

/* Rows ahead that are asked of the cache, and the row length from which that pays. */
#define AHEAD 8
#define LONG_ROW 16

URN__INLINE void prefetch_row(const urn__real *row, int64_t d)
{
    for (int64_t k = 0; k < d; k += 8)
        __builtin_prefetch(row + k);
    __builtin_prefetch(row + d - 1);
}

/* ---- dot products of rows ---- */

/* Groups of four, whose loads are half as many instructions as those of single numbers and whose
 * sum is short; then the rest. */
URN__INLINE urn__real dot_short(int64_t d, const urn__real *a, const urn__real *b)
{
    typedef urn__real four __attribute__((vector_size(4 * sizeof(urn__real))));
    typedef urn__real two __attribute__((vector_size(2 * sizeof(urn__real))));
    urn__real rest = 0;
    if (d < 4) {
        for (int64_t k = 0; k < d; k++)
            rest += a[k] * b[k];
        return rest;
    }
    four s = {0};
    int64_t k = 0;
    for (; k + 4 <= d; k += 4) {
        four u, v;
        memcpy(&u, a + k, sizeof u);
        memcpy(&v, b + k, sizeof v);
        s += u * v;
    }
    for (; k < d; k++)
        rest += a[k] * b[k];
    two halves[2];
    memcpy(halves, &s, sizeof s);
    halves[0] += halves[1];
    return (halves[0][0] + halves[0][1]) + rest;
}

/* A running sum a lane, then a tree: the same order whatever the vector length. */
URN__INLINE urn__real dot_long(int64_t d, const urn__real *a, const urn__real *b)
{
    urn__lanes s = {0};
    int64_t k = 0;
    for (; k + URN__LANES <= d; k += URN__LANES) {
        urn__lanes u, v;
        memcpy(&u, a + k, sizeof u);
        memcpy(&v, b + k, sizeof v);
        s += u * v;
    }
    urn__real rest = 0;
    for (; k < d; k++)
        rest += a[k] * b[k];
    return urn__sum_of_lanes(&s) + rest;
}

URN__INLINE urn__real dot_row(int64_t d, const urn__real *a, const urn__real *b)
{
    return d < LONG_ROW ? dot_short(d, a, b) : dot_long(d, a, b);
}

URN__INLINE void dot_indexed(int64_t from, int64_t to, int64_t d, const urn__real *restrict a,
                             const int32_t *restrict ia, const urn__real *restrict b,
                             const int32_t *restrict ib, urn__real *restrict y)
{
    int64_t i = from;
    if (d >= LONG_ROW) {
        for (; i < to - AHEAD; i++) {
            prefetch_row(a + ia[i + AHEAD] * d, d);
            prefetch_row(b + ib[i + AHEAD] * d, d);
            y[i] = dot_row(d, a + ia[i] * d, b + ib[i] * d);
        }
    }
    for (; i < to; i++)
        y[i] = dot_row(d, a + ia[i] * d, b + ib[i] * d);
}

/* Steps are in numbers: d for a row each, 0 for one row for all. An index may be missing. */
URN__INLINE void dot_mixed(int64_t from, int64_t to, int64_t d, const urn__real *restrict a,
                           const int32_t *restrict ia, int64_t step_a, const urn__real *restrict b,
                           const int32_t *restrict ib, int64_t step_b, urn__real *restrict y)
{
    for (int64_t i = from; i < to; i++) {
        const urn__real *u = a + (ia ? ia[i] * d : i * step_a);
        const urn__real *v = b + (ib ? ib[i] * d : i * step_b);
        y[i] = dot_row(d, u, v);
    }
}

URN__INLINE void dot_rows(int64_t from, int64_t to, int64_t d, const urn__real *a,
                          const int32_t *ia, int64_t stride_a, const urn__real *b,
                          const int32_t *ib, int64_t stride_b, urn__real *y)
{
    if (ia && ib)
        dot_indexed(from, to, d, a, ia, b, ib, y);
    else
        dot_mixed(from, to, d, a, ia, stride_a == 0 ? 0 : d, b, ib, stride_b == 0 ? 0 : d, y);
}

void URN__KERNEL(row_dot)(int64_t from, int64_t to, int64_t d, const urn__real *a,
                          const int32_t *ia, int64_t stride_a, const urn__real *b,
                          const int32_t *ib, int64_t stride_b, urn__real *y)
{
    if (stride_a == 0) /* the one row, whatever the index says */
        ia = NULL;
    if (stride_b == 0)
        ib = NULL;
    switch (d) {
#define CASE(length)                                                                               \
    case length:                                                                                   \
        dot_rows(from, to, length, a, ia, stride_a, b, ib, stride_b, y);                           \
        break;
        EACH_LENGTH(CASE)
#undef CASE
    default:
        dot_rows(from, to, d, a, ia, stride_a, b, ib, stride_b, y);
    }
}

/* ---- sums of rows ---- */

/* Longest row whose sum is kept in local variables. */
#define KEPT 64

/* One target: base and the rows order[0 .. n), added in that order, in double. */
URN__INLINE void sum_target(int64_t n, int64_t d, int64_t first, const int32_t *restrict order,
                            const urn__real *restrict weight, const urn__real *restrict x,
                            const int32_t *restrict ix, const urn__real *base, urn__real *out)
{
    for (int64_t from = 0; from < d; from += KEPT) {
        const int64_t width = d <= KEPT ? d : d - from < KEPT ? d - from : KEPT;
        double s[KEPT];
        for (int64_t k = 0; k < width; k++)
            s[k] = base ? (double)base[from + k] : 0.0;
        for (int64_t j = 0; j < n; j++) {
            const int64_t r = order ? order[j] : first + j;
            const double w = weight ? (double)weight[r] : 1.0;
            const urn__real *restrict row = x + (ix ? ix[r] : r) * d + from;
            if (d >= LONG_ROW && j + AHEAD < n) {
                const int64_t ahead = order ? order[j + AHEAD] : first + j + AHEAD;
                prefetch_row(x + (ix ? ix[ahead] : ahead) * d + from, width);
            }
            URN__SIMD
            for (int64_t k = 0; k < width; k++)
                s[k] += w * (double)row[k];
        }
        for (int64_t k = 0; k < width; k++)
            out[from + k] = (urn__real)s[k];
    }
}

URN__INLINE void sum_rows(int64_t from, int64_t to, int64_t d, const int64_t *restrict start,
                          const int32_t *restrict order, const urn__real *restrict weight,
                          const urn__real *restrict x, const int32_t *restrict ix,
                          const urn__real *base, urn__real *out)
{
    for (int64_t t = from; t < to; t++)
        sum_target(start[t + 1] - start[t], d, start[t], order ? order + start[t] : NULL, weight, x,
                   ix, base ? base + t * d : NULL, out + t * d);
}

/* Without rows: the sum of the weights, or their number. */
static void sum_weights(int64_t from, int64_t to, const int64_t *restrict start,
                        const int32_t *restrict order, const urn__real *restrict weight,
                        const urn__real *base, urn__real *out)
{
    for (int64_t t = from; t < to; t++) {
        double s = base ? (double)base[t] : 0.0;
        for (int64_t j = start[t]; j < start[t + 1]; j++)
            s += weight ? (double)weight[order ? order[j] : j] : 1.0;
        out[t] = (urn__real)s;
    }
}

void URN__KERNEL(scatter_rows)(int64_t from, int64_t to, int64_t d, const int64_t *start,
                               const int32_t *order, const urn__real *weight, const urn__real *x,
                               const int32_t *ix, const urn__real *base, urn__real *out)
{
    if (!x) {
        sum_weights(from, to, start, order, weight, base, out);
        return;
    }
    switch (d) {
#define CASE(length)                                                                               \
    case length:                                                                                   \
        sum_rows(from, to, length, start, order, weight, x, ix, base, out);                        \
        break;
        EACH_LENGTH(CASE)
#undef CASE
    default:
        sum_rows(from, to, d, start, order, weight, x, ix, base, out);
    }
}

/* ---- copies of rows ---- */

URN__INLINE void copy_rows(int64_t from, int64_t to, int64_t d, const urn__real *restrict x,
                           const int32_t *restrict index, urn__real *restrict y)
{
    for (int64_t i = from; i < to; i++) {
        if (d >= LONG_ROW && i + AHEAD < to)
            prefetch_row(x + index[i + AHEAD] * d, d);
        memcpy(y + i * d, x + index[i] * d, (size_t)d * sizeof *y);
    }
}

void URN__KERNEL(gather_rows)(int64_t from, int64_t to, int64_t d, const urn__real *x,
                              const int32_t *index, urn__real *y)
{
    switch (d) {
#define CASE(length)                                                                               \
    case length:                                                                                   \
        copy_rows(from, to, length, x, index, y);                                                  \
        break;
        EACH_LENGTH(CASE)
#undef CASE
    default:
        copy_rows(from, to, d, x, index, y);
    }
}

/* ---- weighted sums of rows ---- */

enum { SUMS_AT_ONCE = 4 }; /* groups of lanes kept in registers over all rows */

/* `groups` groups of columns from column k on. */
URN__INLINE void weigh_groups(int groups, int64_t from, int64_t to, int64_t d, int64_t k,
                              const urn__real *restrict weight, const urn__real *restrict x,
                              double *restrict out)
{
    urn__sum_lanes s[SUMS_AT_ONCE], u;
    memcpy(s, out + k, (size_t)groups * sizeof u);
    for (int64_t i = from; i < to; i++)
        for (int j = 0; j < groups; j++) {
            urn__load_eight(x + i * d + k + j * URN__SUM_LANES, &u);
            s[j] += (double)weight[i] * u;
        }
    memcpy(out + k, s, (size_t)groups * sizeof u);
}

void URN__KERNEL(weigh_rows)(int64_t from, int64_t to, int64_t d, const urn__real *restrict weight,
                             const urn__real *restrict x, double *restrict out)
{
    int64_t k = 0;
    for (; k + SUMS_AT_ONCE * URN__SUM_LANES <= d; k += SUMS_AT_ONCE * URN__SUM_LANES)
        weigh_groups(SUMS_AT_ONCE, from, to, d, k, weight, x, out);
    for (; k + 2 * URN__SUM_LANES <= d; k += 2 * URN__SUM_LANES)
        weigh_groups(2, from, to, d, k, weight, x, out);
    for (; k + URN__SUM_LANES <= d; k += URN__SUM_LANES)
        weigh_groups(1, from, to, d, k, weight, x, out);
    for (int64_t i = from; i < to; i++)
        for (int64_t j = k; j < d; j++)
            out[j] += (double)weight[i] * (double)x[i * d + j];
}
