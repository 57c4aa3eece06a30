/* A factor model's ratings with squared residuals in one pass: a rating's mean, residual and what
 * it adds to both factors' rows while those rows are at hand. Ratings are in the order of one
 * factor's rows; the other factor's rows stand beside their sums, which come along when they are
 * fetched. */
#include "lanes.h"
#include "vexp.h"

#define WIDTH URN__REGISTER_LANES
#define LINE URN__LANES         /* of the cache */
#define PER_LINE (LINE / WIDTH) /* registers */
#define MOST (URN__SQUARES_MOST_LINES * PER_LINE)
#define GROUP URN__ROWS_OF(WIDTH) /* ratings */
#define AHEAD 16                  /* ratings whose rows are asked of the cache */
#define KEPT 2                    /* registers of a row, of which a group's rows are kept */

#if WIDTH == 16
#define SUM_LANES urn__sum_lanes_16
typedef urn__vector_16 vector;
#elif WIDTH == 8
#define SUM_LANES urn__sum_lanes_8
typedef urn__vector_8 vector;
#elif WIDTH == 4
#define SUM_LANES urn__sum_lanes_4
typedef urn__vector_4 vector;
#else
#define SUM_LANES urn__sum_lanes_2
typedef urn__vector_2 vector;
#endif

typedef urn__real group __attribute__((vector_size(GROUP * sizeof(urn__real))));

typedef struct pass {
    const int32_t *ix;
    int64_t n; /* of ix */
    const urn__real *x;
    urn__real *pairs;
    urn__real offset, gain, shift, weight;
    bool far;
} pass;

/* Where register k of the n of a row of d numbers begins: the last line ends where the row ends,
 * and what it has in common with the line before is 0 in the rows of pairs. */
URN__INLINE int64_t place(int64_t k, int64_t n, int64_t d)
{
    const int64_t line = k / PER_LINE, within = k % PER_LINE * WIDTH;
    return ((line + 1) * PER_LINE < n ? line * LINE : d - LINE) + within;
}

/* The values and sums of rating j, n registers each. */
URN__INLINE vector *pair_of(const pass *p, int64_t j, int64_t n)
{
    return (vector *)(void *)(p->pairs + p->ix[j] * (2 * n * WIDTH));
}

URN__INLINE void ask(const vector *pair, int64_t n)
{
    for (int64_t k = 0; k < 2 * n; k += PER_LINE)
        __builtin_prefetch(pair + k, 1);
}

/* Without a call, which would cost the registers all else is kept in. */
URN__INLINE void sigmoids(group *v)
{
    urn__real x[GROUP];
    memcpy(x, v, sizeof x);
    URN__SIMD
    for (int r = 0; r < GROUP; r++) {
#ifdef URN_SINGLE
        const urn__real e = urn__exp_float(-fabsf(x[r]));
#else
        const urn__real e = urn__exp_double(-fabs(x[r]));
#endif
        x[r] = (x[r] >= 0 ? 1 : e) / (1 + e);
    }
    memcpy(v, x, sizeof x);
}

/* From a group's products to the weights of its rows, and the squares of its residuals. */
URN__INLINE void residuals(bool sigmoid, const pass *p, const urn__real *x,
                           const urn__real *product, urn__real *weight, group *squares)
{
    group y, e, w;
    memcpy(&y, product, sizeof y);
    memcpy(&e, x, sizeof e);
    y += p->offset;
    if (sigmoid)
        sigmoids(&y);
    e -= p->gain * y + p->shift;
    w = p->weight * e;
    if (sigmoid)
        w *= y * (1 - y);
    *squares = e * e;
    memcpy(weight, &w, sizeof w);
}

/* `row` has the values of the pair, where they are kept. */
URN__INLINE void add_rating(int64_t n, urn__real weight, const vector *row, vector *pair,
                            const vector *own, vector *sum)
{
    for (int64_t k = 0; k < n; k++) {
        sum[k] += weight * (n <= KEPT ? row[k] : pair[k]);
        pair[n + k] += weight * own[k];
    }
}

/* Ratings j .. j + m - 1 of one row: a whole group, or fewer. Short rows are kept in registers from
 * their products to their sums; with stores to other rows between, they would be read again. */
URN__INLINE void add_group(bool whole, int64_t m, int64_t n, bool sigmoid, const pass *p, int64_t j,
                           const vector *own, vector *sum, group *squares)
{
    urn__real product[GROUP], weight[GROUP], x[GROUP] = {0};
    vector *pair[GROUP], s[GROUP], row[GROUP * KEPT];
    group square;
    const bool far = p->far && j + GROUP + AHEAD <= p->n;
    URN__UNROLL
    for (int64_t r = 0; r < GROUP; r++) {
        pair[r] = pair_of(p, j + (whole || r < m ? r : 0), n);
        if (far)
            ask(pair_of(p, j + r + AHEAD, n), n);
        s[r] = (vector){0};
        for (int64_t k = 0; k < n; k++)
            s[r] += own[k] * (n <= KEPT ? (row[r * KEPT + k] = pair[r][k]) : pair[r][k]);
    }
    SUM_LANES(s, product);
    for (int64_t r = 0; !whole && r < m; r++)
        x[r] = p->x[j + r];
    residuals(sigmoid, p, whole ? p->x + j : x, product, weight, &square);
    for (int64_t r = m; !whole && r < GROUP; r++)
        square[r] = 0;
    *squares += square;
    if (!whole) {
        for (int64_t r = 0; r < m; r++)
            add_rating(n, weight[r], row + r * KEPT, pair[r], own, sum);
        return;
    }
    URN__UNROLL
    for (int64_t r = 0; r < GROUP; r++)
        add_rating(n, weight[r], row + r * KEPT, pair[r], own, sum);
}

URN__INLINE void add_run(int64_t from, int64_t to, int64_t n, int64_t d, bool sigmoid,
                         const pass *p, const urn__real *row, const urn__real *base, urn__real *out,
                         group *squares)
{
    vector own[MOST], sum[MOST];
    for (int64_t k = 0; k < n; k++) {
        memcpy(&own[k], row + place(k, n, d), sizeof own[k]);
        sum[k] = (vector){0};
        if (base)
            memcpy(&sum[k], base + place(k, n, d), sizeof sum[k]);
    }
    int64_t j = from;
    for (; j + GROUP <= to; j += GROUP)
        add_group(true, GROUP, n, sigmoid, p, j, own, sum, squares);
    if (j < to)
        add_group(false, to - j, n, sigmoid, p, j, own, sum, squares);
    for (int64_t k = n - 1; k >= 0; k--) /* the last line is incomplete where others overlap it */
        memcpy(out + place(k, n, d), &sum[k], sizeof sum[k]);
}

/* Rows from .. to - 1, of n registers. */
URN__INLINE double add_runs(int64_t from, int64_t to, int64_t n, int64_t d, bool sigmoid,
                            const pass *p, const int64_t *start, const urn__real *own,
                            const urn__real *base, urn__real *out)
{
    group squares = {0};
    double sum = 0.0;
    for (int64_t t = from; t < to; t++)
        add_run(start[t], start[t + 1], n, d, sigmoid, p, own + t * d, base ? base + t * d : NULL,
                out + t * d, &squares);
    for (int r = 0; r < GROUP; r++)
        sum += (double)squares[r];
    return sum;
}

double URN__KERNEL(squares_both)(int64_t from, int64_t to, int64_t d, const int64_t *start,
                                 const urn__squares *mean, int64_t n, const int32_t *ix,
                                 const urn__real *x, const urn__real *own, const urn__real *base,
                                 urn__real *out, urn__real *pairs)
{
    const pass p = {.ix = ix,
                    .n = n,
                    .x = x,
                    .pairs = pairs,
                    .offset = (urn__real)mean->offset,
                    .gain = (urn__real)mean->gain,
                    .shift = (urn__real)mean->shift,
                    .weight = (urn__real)(mean->weight * mean->gain),
                    .far = mean->far};
    const int64_t lines = (d + LINE - 1) / LINE;
    switch (mean->sigmoid ? -lines : lines) { /* the lengths with a body of their own */
#define CASE(l)                                                                                    \
    case l:                                                                                        \
        return add_runs(from, to, (l)*PER_LINE, d, false, &p, start, own, base, out);              \
    case -(l):                                                                                     \
        return add_runs(from, to, (l)*PER_LINE, d, true, &p, start, own, base, out);
        CASE(1)
        CASE(2)
        CASE(3)
        CASE(4)
#undef CASE
    default:
        return add_runs(from, to, lines * PER_LINE, d, mean->sigmoid, &p, start, own, base, out);
    }
}
