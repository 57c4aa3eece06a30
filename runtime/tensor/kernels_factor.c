/* The pass of a factor model over its ratings in the order of one factor's rows: each rating adds
 * to the row it belongs to, and to a row of the other factor. */
#include "kernels.h"

#include <string.h>

/* The row lengths with a body of their own: the common ones of at least one register. */
#define EACH_LENGTH(X)                                                                             \
    X(16)                                                                                          \
    X(20)                                                                                          \
    X(24)                                                                                          \
    X(30)                                                                                          \
    X(32)                                                                                          \
    X(40)                                                                                          \
    X(48)                                                                                          \
    X(50)                                                                                          \
    X(64)

#define AHEAD 8       /* ratings whose rows are asked of the cache */
#define MOST_GROUPS 8 /* registers a row may take */
#define LINE ((int64_t)URN__LANES)

typedef struct ratings {
    const int32_t *order, *ix;
    const urn__real *weight, *x;
    urn__real *other; /* rows of the other factor's sums */
} ratings;

URN__INLINE void ask(const urn__real *row, int64_t d)
{
    for (int64_t k = 0; k < d; k += LINE)
        __builtin_prefetch(row + k, 1);
}

/* Where group k of a row of d numbers starts: the last one overlaps the one before, and computes
 * the same there. In the other factor's sums each group has a place of its own. */
URN__INLINE int64_t group_at(int64_t k, int64_t groups, int64_t d)
{
    return k + 1 < groups ? k * LINE : d - LINE;
}

/* Everything of one row in registers. */
URN__INLINE void known_row(int64_t from, int64_t to, int64_t d, const ratings *r,
                           const urn__real *own, const urn__real *base, urn__real *out)
{
    const int64_t groups = (d + LINE - 1) / LINE;
    urn__lanes sum[MOST_GROUPS], row[MOST_GROUPS];
    for (int64_t k = 0; k < groups; k++) {
        sum[k] = (urn__lanes){0};
        memcpy(&row[k], own + group_at(k, groups, d), sizeof row[k]);
        if (base)
            memcpy(&sum[k], base + group_at(k, groups, d), sizeof sum[k]);
    }
    for (int64_t j = from; j < to; j++) {
        const int64_t i = r->order ? r->order[j] : j;
        const urn__real w = r->weight[i];
        const urn__real *x = r->x + r->ix[i] * d;
        urn__lanes *y = (urn__lanes *)(void *)(r->other + r->ix[i] * groups * LINE);
        if (j + AHEAD < to)
            ask(r->other + r->ix[r->order ? r->order[j + AHEAD] : j + AHEAD] * groups * LINE, d);
        for (int64_t k = 0; k < groups; k++) {
            urn__lanes u;
            memcpy(&u, x + group_at(k, groups, d), sizeof u);
            sum[k] += w * u;
            y[k] += w * row[k];
        }
    }
    for (int64_t k = 0; k < groups; k++)
        memcpy(out + group_at(k, groups, d), &sum[k], sizeof sum[k]);
}

/* Rows of any length. */
URN__INLINE void any_row(int64_t from, int64_t to, int64_t d, const ratings *r,
                         const urn__real *restrict own, const urn__real *base, urn__real *out)
{
    const int64_t padded = (d + LINE - 1) / LINE * LINE, whole = d > 0 ? padded - LINE : 0;
    for (int64_t k = 0; k < d; k++)
        out[k] = base ? base[k] : 0;
    for (int64_t j = from; j < to; j++) {
        const int64_t i = r->order ? r->order[j] : j;
        const urn__real w = r->weight[i];
        const urn__real *restrict x = r->x + r->ix[i] * d;
        urn__real *restrict y = r->other + r->ix[i] * padded, *restrict end = y + padded - d;
        URN__SIMD
        for (int64_t k = 0; k < whole; k++)
            y[k] += w * own[k];
        URN__SIMD
        for (int64_t k = whole; k < d; k++)
            end[k] += w * own[k];
        URN__SIMD
        for (int64_t k = 0; k < d; k++)
            out[k] += w * x[k];
    }
}

URN__INLINE void all_rows(int64_t from, int64_t to, int64_t d, bool known, const int64_t *start,
                          const ratings *r, const urn__real *own, const urn__real *base,
                          urn__real *out)
{
    for (int64_t t = from; t < to; t++) {
        const urn__real *b = base ? base + t * d : NULL;
        if (known && d >= LINE && d <= MOST_GROUPS * LINE)
            known_row(start[t], start[t + 1], d, r, own + t * d, b, out + t * d);
        else
            any_row(start[t], start[t + 1], d, r, own + t * d, b, out + t * d);
    }
}

void URN__KERNEL(scatter_both)(int64_t from, int64_t to, int64_t d, const int64_t *start,
                               const int32_t *order, const urn__real *weight, const urn__real *x,
                               const int32_t *ix, const urn__real *own, const urn__real *base,
                               urn__real *out, urn__real *other)
{
    const ratings r = {.order = order, .ix = ix, .weight = weight, .x = x, .other = other};
    switch (d) {
#define CASE(length)                                                                               \
    case length:                                                                                   \
        all_rows(from, to, length, true, start, &r, own, base, out);                               \
        break;
        EACH_LENGTH(CASE)
#undef CASE
    default:
        all_rows(from, to, d, false, start, &r, own, base, out);
    }
}
