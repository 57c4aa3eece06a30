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
#define SHORT 16                  /* ratings of a row, from which on it has groups of its own */
#define TOGETHER 512              /* ratings of short rows that are taken together */
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

/* The rows that have the ratings in order, d numbers each: their values, what their sums start from
 * (or NULL), and their sums. */
typedef struct owners {
    int64_t d;
    const urn__real *own, *base;
    urn__real *out;
    int64_t at[TOGETHER + GROUP]; /* of rows taken together, by rating; -1 after the last */
} owners;

URN__INLINE void load(const urn__real *row, int64_t n, int64_t d, vector *registers)
{
    for (int64_t k = 0; k < n; k++)
        memcpy(&registers[k], row + place(k, n, d), sizeof registers[k]);
}

URN__INLINE void begin_row(const owners *rows, int64_t at, int64_t n, vector *sum)
{
    for (int64_t k = 0; k < n; k++)
        sum[k] = (vector){0};
    if (rows->base)
        load(rows->base + at, n, rows->d, sum);
}

URN__INLINE void end_row(const owners *rows, int64_t at, int64_t n, const vector *sum)
{
    urn__real *row = rows->out + at;
    for (int64_t k = n - 1; k >= 0; k--) /* the last line is incomplete where others overlap it */
        memcpy(row + place(k, n, rows->d), &sum[k], sizeof sum[k]);
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

/* From the products' lanes `s` of ratings j .. j + m - 1, a whole group or fewer, to their weights.
 */
URN__INLINE void weigh(bool whole, int64_t m, bool sigmoid, const pass *p, int64_t j,
                       const vector *s, urn__real *weight, group *squares)
{
    urn__real product[GROUP], x[GROUP] = {0};
    group square;
    SUM_LANES(s, product);
    for (int64_t r = 0; !whole && r < m; r++)
        x[r] = p->x[j + r];
    residuals(sigmoid, p, whole ? p->x + j : x, product, weight, &square);
    for (int64_t r = m; !whole && r < GROUP; r++)
        square[r] = 0;
    *squares += square;
}

/* Ratings j .. j + m - 1 of one row. Short vectors are kept in registers from their products to
 * their sums; with stores to other rows between, they would be read again. */
URN__INLINE void add_group(bool whole, int64_t m, int64_t n, bool sigmoid, const pass *p, int64_t j,
                           const vector *own, vector *sum, group *squares)
{
    urn__real weight[GROUP];
    vector *pair[GROUP], s[GROUP], row[GROUP * KEPT];
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
    weigh(whole, m, sigmoid, p, j, s, weight, squares);
    if (!whole) {
        for (int64_t r = 0; r < m; r++)
            add_rating(n, weight[r], row + r * KEPT, pair[r], own, sum);
        return;
    }
    URN__UNROLL
    for (int64_t r = 0; r < GROUP; r++)
        add_rating(n, weight[r], row + r * KEPT, pair[r], own, sum);
}

/* The row at `at`, of ratings from .. to - 1, of which there may be none. */
URN__INLINE void add_row(int64_t at, int64_t from, int64_t to, int64_t n, bool sigmoid,
                         const pass *p, const owners *rows, group *squares)
{
    vector own[MOST], sum[MOST];
    load(rows->own + at, n, rows->d, own);
    begin_row(rows, at, n, sum);
    int64_t j = from;
    for (; j + GROUP <= to; j += GROUP)
        add_group(true, GROUP, n, sigmoid, p, j, own, sum, squares);
    if (j < to)
        add_group(false, to - j, n, sigmoid, p, j, own, sum, squares);
    end_row(rows, at, n, sum);
}

/* As add_group, with the row of each rating, which may end there. As an option of add_group it
 * would cost that the registers its row is kept in. */
URN__INLINE void add_mixed(bool whole, int64_t m, int64_t n, bool sigmoid, const pass *p, int64_t j,
                           const owners *rows, const int64_t *at, vector *sum, group *squares)
{
    urn__real weight[GROUP];
    vector *pair[GROUP], s[GROUP], row[GROUP * KEPT], own[MOST];
    const bool far = p->far && j + GROUP + AHEAD <= p->n;
    URN__UNROLL
    for (int64_t r = 0; r < GROUP; r++) {
        const int64_t q = whole || r < m ? r : 0;
        pair[r] = pair_of(p, j + q, n);
        if (far)
            ask(pair_of(p, j + r + AHEAD, n), n);
        load(rows->own + at[q], n, rows->d, own);
        s[r] = (vector){0};
        for (int64_t k = 0; k < n; k++)
            s[r] += own[k] * (n <= KEPT ? (row[r * KEPT + k] = pair[r][k]) : pair[r][k]);
    }
    weigh(whole, m, sigmoid, p, j, s, weight, squares);
    URN__UNROLL
    for (int64_t r = 0; r < GROUP; r++) {
        if (!whole && r >= m)
            break;
        load(rows->own + at[r], n, rows->d, own);
        add_rating(n, weight[r], row + r * KEPT, pair[r], own, sum);
        if (at[r + 1] != at[r]) {
            end_row(rows, at[r], n, sum);
            begin_row(rows, at[r + 1] < 0 ? at[r] : at[r + 1], n, sum);
        }
    }
}

/* Short rows from .. to - 1, one after the other, so that groups are whole: TOGETHER ratings at
 * most, and at least one. */
URN__INLINE void add_rows(int64_t from, int64_t to, int64_t n, bool sigmoid, const pass *p,
                          const int64_t *start, owners *rows, group *squares)
{
    const int64_t first = start[from], end = start[to];
    vector sum[MOST];
    for (int64_t t = from; t < to; t++) {
        for (int64_t j = start[t]; j < start[t + 1]; j += GROUP)
            for (int64_t r = 0; r < GROUP; r++) /* the next row begins where this one ends */
                rows->at[j - first + r] = t * rows->d;
        if (start[t] == start[t + 1]) {
            begin_row(rows, t * rows->d, n, sum);
            end_row(rows, t * rows->d, n, sum);
        }
    }
    rows->at[end - first] = -1;
    begin_row(rows, rows->at[0], n, sum);
    int64_t j = first;
    for (; j + GROUP <= end; j += GROUP)
        add_mixed(true, GROUP, n, sigmoid, p, j, rows, rows->at + (j - first), sum, squares);
    if (j < end)
        add_mixed(false, end - j, n, sigmoid, p, j, rows, rows->at + (j - first), sum, squares);
}

/* The row after the short ones from t on that are taken together. */
static int64_t end_of_short(int64_t t, int64_t to, const int64_t *start)
{
    const int64_t first = start[t];
    while (t < to && start[t + 1] - start[t] < SHORT && start[t + 1] - first <= TOGETHER)
        t++;
    return t;
}

/* Rows from .. to - 1, of n registers. */
URN__INLINE double add_all(int64_t from, int64_t to, int64_t n, bool sigmoid, const pass *p,
                           const int64_t *start, owners *rows)
{
    group squares = {0};
    double sum = 0.0;
    for (int64_t t = from; t < to;) {
        const int64_t end = end_of_short(t, to, start);
        if (start[end] > start[t]) {
            add_rows(t, end, n, sigmoid, p, start, rows, &squares);
            t = end;
        } else {
            add_row(t * rows->d, start[t], start[t + 1], n, sigmoid, p, rows, &squares);
            t++;
        }
    }
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
    owners rows;
    rows.d = d;
    rows.own = own;
    rows.base = base;
    rows.out = out;
    const int64_t lines = (d + LINE - 1) / LINE;
    switch (mean->sigmoid ? -lines : lines) { /* the lengths with a body of their own */
#define CASE(l)                                                                                    \
    case l:                                                                                        \
        return add_all(from, to, (l)*PER_LINE, false, &p, start, &rows);                           \
    case -(l):                                                                                     \
        return add_all(from, to, (l)*PER_LINE, true, &p, start, &rows);
        CASE(1)
        CASE(2)
        CASE(3)
        CASE(4)
#undef CASE
    default:
        return add_all(from, to, lines * PER_LINE, mean->sigmoid, &p, start, &rows);
    }
}
