/* Sums of rows by target, in CSR order. */
#include "lanes.h"

enum {
    BLOCK = 256, /* rows that a sum in the kernels' own type takes; blocks are added in double */
    AHEAD = 12,  /* rows asked of the cache before their turn */
    MOST = 8,    /* vectors of a sum: registers */
    SAMPLE = 32, /* rows looked at to see how far apart they are */
    NEAR = 256 * 1024, /* bytes: rows spread no further need not be asked for */
};

/* Weights (step 0: one for all) and rows of x, of which `known` >= n are known. */
typedef struct list {
    int64_t n, known;
    const int32_t *row;
    const urn__real *weight;
    int64_t step;
    const urn__real *x;
    bool far;
} list;

/* Columns 0 .. width - 1 of the sum of rows of d numbers. */
typedef void sum_function(int64_t d, int64_t width, const list *l, const urn__real *base,
                          urn__real *out);

#define URN__ROWS_FILE "rows_sum.h"
#include "each_width.h"

/* Rows of three numbers or less, in double. */
URN__INLINE void sum_few(int d, int sets, const list *l, const urn__real *base, urn__real *out)
{
    double s[12] = {0.0};
    int64_t j = 0;
    for (; j + sets <= l->n; j += sets) {
        URN__UNROLL
        for (int k = 0; k < sets * d; k++)
            s[k] += (double)l->weight[(j + k / d) * l->step] *
                    (double)l->x[l->row[j + k / d] * d + k % d];
    }
    for (; j < l->n; j++)
        for (int k = 0; k < d; k++)
            s[k] += (double)l->weight[j * l->step] * (double)l->x[l->row[j] * d + k];
    for (int k = d; k < sets * d; k++)
        s[k % d] += s[k];
    for (int k = 0; k < d; k++)
        out[k] = (urn__real)(base ? (double)base[k] + s[k] : s[k]);
}

static void sum_short(int64_t d, int64_t width, const list *l, const urn__real *base,
                      urn__real *out)
{
    (void)width;
    if (d == 1)
        sum_few(1, 4, l, base, out);
    else if (d == 2)
        sum_few(2, 4, l, base, out);
    else
        sum_few(3, 4, l, base, out);
}

static sum_function *sum_of(int64_t width)
{
    if (width < 4)
        return sum_short;
    return URN__OF_WIDTH(sum_of, width);
}

/* What a call of the kernel works on. */
typedef struct work {
    int64_t d;
    const int32_t *order, *ix;
    const urn__real *weight, *x;
    int64_t end; /* positions below are known */
    bool far;
} work;

/* Room for a list that is not there as it is. */
typedef struct looked_up {
    int32_t row[BLOCK];
    urn__real weight[BLOCK];
} looked_up;

URN__INLINE int32_t row_at(const work *w, int64_t j)
{
    const int64_t r = w->order ? w->order[j] : j;
    return w->ix ? w->ix[r] : (int32_t)r;
}

/* Positions from .. from + n - 1, n at most BLOCK where something must be looked up. */
URN__INLINE list list_of(const work *w, int64_t from, int64_t n, looked_up *found)
{
    static const urn__real one = 1;
    list l = {.n = n, .known = n, .weight = &one, .x = w->x, .far = w->far};
    if (w->weight) {
        l.step = 1;
        l.weight = w->order ? found->weight : w->weight + from;
        for (int64_t j = 0; w->order && j < n; j++)
            found->weight[j] = w->weight[w->order[from + j]];
    }
    if (w->order && !w->ix) {
        l.row = w->order + from;
        l.known = w->end - from;
    } else if (!w->order && w->ix) {
        l.row = w->ix + from;
        l.known = w->end - from;
    } else {
        l.row = found->row;
        for (int64_t j = 0; j < n; j++)
            found->row[j] = row_at(w, from + j);
    }
    return l;
}

/* More than a block. */
static void sum_blocks(const work *w, sum_function *sum, int64_t width, int64_t from, int64_t n,
                       const urn__real *base, urn__real *out)
{
    looked_up found;
    urn__real part[MOST * URN__REGISTER_LANES];
    double total[MOST * URN__REGISTER_LANES] = {0.0};
    for (int64_t j = 0; j < n; j += BLOCK) {
        const list l = list_of(w, from + j, n - j < BLOCK ? n - j : BLOCK, &found);
        sum(w->d, width, &l, NULL, part);
        for (int64_t k = 0; k < width; k++)
            total[k] += (double)part[k];
    }
    for (int64_t k = 0; k < width; k++)
        out[k] = (urn__real)(base ? (double)base[k] + total[k] : total[k]);
}

/* Columns 0 .. width - 1 of targets from .. to - 1. */
static void sum_columns(const work *w, int64_t width, int64_t from, int64_t to,
                        const int64_t *start, const urn__real *base, urn__real *out)
{
    sum_function *const sum = sum_of(width);
    looked_up found;
    for (int64_t t = from; t < to; t++) {
        const int64_t n = start[t + 1] - start[t];
        const urn__real *b = base ? base + t * w->d : NULL;
        if (n <= BLOCK) {
            const list l = list_of(w, start[t], n, &found);
            sum(w->d, width, &l, b, out + t * w->d);
        } else {
            sum_blocks(w, sum, width, start[t], n, b, out + t * w->d);
        }
    }
}

/* Short rows by way of both indices, most targets having few of them: everything of a target in one
 * loop without calls. */
URN__INLINE void sum_targets(int d, bool ordered, const work *w, int64_t from, int64_t to,
                             const int64_t *restrict start, const urn__real *base, urn__real *out)
{
    const int32_t *restrict order = w->order, *restrict ix = w->ix;
    const urn__real *restrict weight = w->weight, *restrict x = w->x;
    for (int64_t t = from; t < to; t++) {
        urn__real s[8] = {0};
        if (start[t + 1] - start[t] > BLOCK) {
            sum_blocks(w, sum_of(d), d, start[t], start[t + 1] - start[t],
                       base ? base + t * d : NULL, out + t * d);
            continue;
        }
        for (int64_t j = start[t]; j < start[t + 1]; j++) {
            const int64_t r = ordered ? order[j] : j;
            const urn__real *restrict row = x + (int64_t)ix[r] * d;
            URN__UNROLL
            for (int k = 0; k < d; k++)
                s[k] += weight[r] * row[k];
        }
        for (int k = 0; k < d; k++)
            out[t * d + k] = base ? base[t * d + k] + s[k] : s[k];
    }
}

/* Is it a case of those? */
static bool sum_short_targets(const work *w, int64_t from, int64_t to, const int64_t *start,
                              const urn__real *base, urn__real *out)
{
    if (!w->ix || !w->weight)
        return false;
    switch (w->d) {
#define FEW(d)                                                                                     \
    case d:                                                                                        \
        if (w->order)                                                                              \
            sum_targets(d, true, w, from, to, start, base, out);                                   \
        else                                                                                       \
            sum_targets(d, false, w, from, to, start, base, out);                                  \
        return true;
        FEW(1)
        FEW(2)
        FEW(3)
        FEW(4)
        FEW(5)
        FEW(6)
        FEW(7)
#undef FEW
    default:
        return false;
    }
}

/* Without rows: the sum of the weights, or their number. */
static double sum_weights(const work *w, int64_t from, int64_t n)
{
    looked_up found;
    double s = 0.0;
    if (!w->weight)
        return (double)n;
    if (!w->order)
        return URN__KERNEL(sum)(n, w->weight + from);
    for (int64_t j = 0; j < n; j += BLOCK) {
        const int64_t part = n - j < BLOCK ? n - j : BLOCK;
        for (int64_t k = 0; k < part; k++)
            found.weight[k] = w->weight[w->order[from + j + k]];
        s += URN__KERNEL(sum)(part, found.weight);
    }
    return s;
}

/* Are rows of x far apart? Some of them tell. */
static bool is_far(const work *w, int64_t from, int64_t n)
{
    if (n == 0 || !(w->order || w->ix))
        return false;
    int32_t low = INT32_MAX, high = INT32_MIN;
    const int64_t samples = n < SAMPLE ? n : SAMPLE, apart = n / samples;
    for (int64_t k = 0; k < samples; k++) {
        const int32_t row = row_at(w, from + k * apart);
        low = row < low ? row : low;
        high = row > high ? row : high;
    }
    return ((int64_t)high - low) * w->d > NEAR / (int64_t)sizeof(urn__real);
}

void URN__KERNEL(scatter_rows)(int64_t from, int64_t to, int64_t d, const int64_t *start,
                               const int32_t *order, const urn__real *weight, const urn__real *x,
                               const int32_t *ix, const urn__real *base, urn__real *out)
{
    if (from >= to)
        return;
    work w = {.d = d, .order = order, .ix = ix, .weight = weight, .x = x, .end = start[to]};
    if (!x) {
        for (int64_t t = from; t < to; t++) {
            const double s = sum_weights(&w, start[t], start[t + 1] - start[t]);
            out[t] = (urn__real)(base ? (double)base[t] + s : s);
        }
        return;
    }
    if (sum_short_targets(&w, from, to, start, base, out))
        return;
    w.far = is_far(&w, start[from], start[to] - start[from]);
    const int64_t most = MOST * URN__REGISTER_LANES, parts = (d + most - 1) / most;
    for (int64_t p = 0; p < parts; p++) {
        const int64_t column = d * p / parts, width = d * (p + 1) / parts - column;
        w.x = x + column;
        sum_columns(&w, width, from, to, start, base ? base + column : NULL, out + column);
    }
}
