/* Row kernels of the factor models: dot products of gathered rows, sums of rows in CSR order,
 * copies. Every one has a body that is inlined with a constant row length for the lengths people
 * use, where the compiler keeps a row in registers. */
#include "kernels.h"

#include <string.h>

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

URN__INLINE void prefetch_row(const double *row, int64_t d)
{
    for (int64_t k = 0; k < d; k += 8)
        __builtin_prefetch(row + k);
    __builtin_prefetch(row + d - 1);
}

/* ---- dot products of rows ---- */

/* Groups of four, whose loads are half as many instructions as those of single numbers and whose
 * sum is short; then the rest. */
URN__INLINE double dot_short(int64_t d, const double *a, const double *b)
{
    typedef double four __attribute__((vector_size(4 * sizeof(double))));
    typedef double two __attribute__((vector_size(2 * sizeof(double))));
    double rest = 0.0;
    if (d < 4) {
        for (int64_t k = 0; k < d; k++)
            rest += a[k] * b[k];
        return rest;
    }
    four s = {0.0};
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

/* Eight running sums, then a tree: the same order whatever the vector length. */
URN__INLINE double dot_long(int64_t d, const double *a, const double *b)
{
    urn__lanes s = {0.0};
    int64_t k = 0;
    for (; k + URN__LANES <= d; k += URN__LANES) {
        urn__lanes u, v;
        memcpy(&u, a + k, sizeof u);
        memcpy(&v, b + k, sizeof v);
        s += u * v;
    }
    double rest = 0.0;
    for (; k < d; k++)
        rest += a[k] * b[k];
    return (((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))) + rest;
}

URN__INLINE double dot_row(int64_t d, const double *a, const double *b)
{
    return d < LONG_ROW ? dot_short(d, a, b) : dot_long(d, a, b);
}

URN__INLINE void dot_indexed(int64_t from, int64_t to, int64_t d, const double *restrict a,
                             const int32_t *restrict ia, const double *restrict b,
                             const int32_t *restrict ib, double *restrict y)
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

/* Steps are in doubles: d for a row each, 0 for one row for all. An index may be missing. */
URN__INLINE void dot_mixed(int64_t from, int64_t to, int64_t d, const double *restrict a,
                           const int32_t *restrict ia, int64_t step_a, const double *restrict b,
                           const int32_t *restrict ib, int64_t step_b, double *restrict y)
{
    for (int64_t i = from; i < to; i++) {
        const double *u = a + (ia ? ia[i] * d : i * step_a);
        const double *v = b + (ib ? ib[i] * d : i * step_b);
        y[i] = dot_row(d, u, v);
    }
}

URN__INLINE void dot_rows(int64_t from, int64_t to, int64_t d, const double *a, const int32_t *ia,
                          int64_t stride_a, const double *b, const int32_t *ib, int64_t stride_b,
                          double *y)
{
    if (ia && ib)
        dot_indexed(from, to, d, a, ia, b, ib, y);
    else
        dot_mixed(from, to, d, a, ia, stride_a == 0 ? 0 : d, b, ib, stride_b == 0 ? 0 : d, y);
}

void URN__KERNEL(row_dot)(int64_t from, int64_t to, int64_t d, const double *a, const int32_t *ia,
                          int64_t stride_a, const double *b, const int32_t *ib, int64_t stride_b,
                          double *y)
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

/* One target: the rows at order[0 .. n), added in that order. */
URN__INLINE void sum_target(int64_t n, int64_t d, const int32_t *restrict order,
                            const double *restrict weight, const double *restrict x,
                            const int32_t *restrict ix, double *restrict out)
{
    double kept[KEPT];
    double *restrict s = d <= KEPT ? kept : out;
    for (int64_t k = 0; k < d; k++)
        s[k] = 0.0;
    for (int64_t j = 0; j < n; j++) {
        const int64_t r = order[j];
        const double w = weight ? weight[r] : 1.0;
        const double *restrict row = x + (ix ? ix[r] : r) * d;
        if (d >= LONG_ROW && j + AHEAD < n)
            prefetch_row(x + (ix ? ix[order[j + AHEAD]] : order[j + AHEAD]) * d, d);
        URN__SIMD
        for (int64_t k = 0; k < d; k++)
            s[k] += w * row[k];
    }
    if (s != out)
        for (int64_t k = 0; k < d; k++)
            out[k] = s[k];
}

URN__INLINE void sum_rows(int64_t from, int64_t to, int64_t d, const int64_t *restrict start,
                          const int32_t *restrict order, const double *restrict weight,
                          const double *restrict x, const int32_t *restrict ix,
                          double *restrict out)
{
    for (int64_t t = from; t < to; t++)
        sum_target(start[t + 1] - start[t], d, order + start[t], weight, x, ix, out + t * d);
}

/* Without rows: the sum of the weights, or their number. */
static void sum_weights(int64_t from, int64_t to, const int64_t *restrict start,
                        const int32_t *restrict order, const double *restrict weight,
                        double *restrict out)
{
    for (int64_t t = from; t < to; t++) {
        double s = 0.0;
        for (int64_t j = start[t]; j < start[t + 1]; j++)
            s += weight ? weight[order[j]] : 1.0;
        out[t] = s;
    }
}

void URN__KERNEL(scatter_rows)(int64_t from, int64_t to, int64_t d, const int64_t *start,
                               const int32_t *order, const double *weight, const double *x,
                               const int32_t *ix, double *out)
{
    if (!x) {
        sum_weights(from, to, start, order, weight, out);
        return;
    }
    switch (d) {
#define CASE(length)                                                                               \
    case length:                                                                                   \
        sum_rows(from, to, length, start, order, weight, x, ix, out);                              \
        break;
        EACH_LENGTH(CASE)
#undef CASE
    default:
        sum_rows(from, to, d, start, order, weight, x, ix, out);
    }
}

/* ---- copies of rows ---- */

URN__INLINE void copy_rows(int64_t from, int64_t to, int64_t d, const double *restrict x,
                           const int32_t *restrict index, double *restrict y)
{
    for (int64_t i = from; i < to; i++) {
        if (d >= LONG_ROW && i + AHEAD < to)
            prefetch_row(x + index[i + AHEAD] * d, d);
        memcpy(y + i * d, x + index[i] * d, (size_t)d * sizeof *y);
    }
}

void URN__KERNEL(gather_rows)(int64_t from, int64_t to, int64_t d, const double *x,
                              const int32_t *index, double *y)
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
                              const double *restrict weight, const double *restrict x,
                              double *restrict out)
{
    urn__lanes s[SUMS_AT_ONCE], u;
    memcpy(s, out + k, (size_t)groups * sizeof u);
    for (int64_t i = from; i < to; i++)
        for (int j = 0; j < groups; j++) {
            memcpy(&u, x + i * d + k + j * URN__LANES, sizeof u);
            s[j] += weight[i] * u;
        }
    memcpy(out + k, s, (size_t)groups * sizeof u);
}

void URN__KERNEL(weigh_rows)(int64_t from, int64_t to, int64_t d, const double *restrict weight,
                             const double *restrict x, double *restrict out)
{
    int64_t k = 0;
    for (; k + SUMS_AT_ONCE * URN__LANES <= d; k += SUMS_AT_ONCE * URN__LANES)
        weigh_groups(SUMS_AT_ONCE, from, to, d, k, weight, x, out);
    for (; k + 2 * URN__LANES <= d; k += 2 * URN__LANES)
        weigh_groups(2, from, to, d, k, weight, x, out);
    for (; k + URN__LANES <= d; k += URN__LANES)
        weigh_groups(1, from, to, d, k, weight, x, out);
    for (int64_t i = from; i < to; i++)
        for (int64_t j = k; j < d; j++)
            out[j] += weight[i] * x[i * d + j];
}
