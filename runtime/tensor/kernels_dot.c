/* Dot products of rows, gathered or not. */
#include "lanes.h"

enum {
    BLOCK = 256,       /* pairs whose places are found together */
    AHEAD = 16,        /* pairs asked of the cache before their turn */
    PLACES = 256 + 25, /* BLOCK and AHEAD, a group of 8, and the row after it */
    MOST = 8,          /* vectors of a row that are kept in registers */
    NEAR = 256 * 1024  /* bytes: rows spread no further need not be asked for */
};

/* Pairs of rows of two arrays, by where they begin. Past the last the last one is repeated. */
typedef struct pairs {
    int64_t n;
    const urn__real *a, *b;
    bool far; /* rows of one of the two are spread further than NEAR */
    int64_t at_a[PLACES], at_b[PLACES];
} pairs;

typedef void dot_function(int64_t d, const pairs *p, urn__real *y);

#define URN__ROWS_FILE "rows_dot.h"
#include "each_width.h"

/* Rows of three numbers or less. */
URN__INLINE void dot_few(int64_t d, const pairs *p, urn__real *restrict y)
{
    for (int64_t i = 0; i < p->n; i++) {
        const urn__real *u = p->a + p->at_a[i], *v = p->b + p->at_b[i];
        urn__real s = u[0] * v[0];
        for (int64_t k = 1; k < d; k++)
            s += u[k] * v[k];
        y[i] = s;
    }
}

static void dot_short(int64_t d, const pairs *p, urn__real *y)
{
    if (d == 1)
        dot_few(1, p, y);
    else if (d == 2)
        dot_few(2, p, y);
    else
        dot_few(3, p, y);
}

static dot_function *dot_of(int64_t d)
{
    if (d < 4)
        return dot_short;
    return URN__OF_WIDTH(dot_of, d);
}

/* One side of the pairs: rows index[i], or i, or (step 0) the first one for all. */
typedef struct side {
    const int32_t *index;
    int64_t step; /* numbers from one row to the next */
} side;

/* Where rows from .. from + n - 1 begin. Are they spread further than NEAR? */
static bool find_places(const side *s, int64_t from, int64_t n, int64_t *restrict at)
{
    int32_t low = INT32_MAX, high = INT32_MIN;
    if (s->index && s->step > 0) {
        const int32_t *restrict index = s->index + from;
        for (int64_t i = 0; i < n; i++) {
            low = index[i] < low ? index[i] : low;
            high = index[i] > high ? index[i] : high;
            at[i] = index[i] * s->step;
        }
    } else {
        for (int64_t i = 0; i < n; i++)
            at[i] = (from + i) * s->step;
        high = low;
    }
    for (int64_t i = n; i < PLACES && i < n + PLACES - BLOCK; i++)
        at[i] = at[n - 1];
    return ((int64_t)high - low) * s->step > NEAR / (int64_t)sizeof(urn__real);
}

/* Short rows by way of both indices: four products at once, then the rest. */
URN__INLINE void dot_indexed(int d, int64_t from, int64_t to, const urn__real *restrict a,
                             const int32_t *restrict ia, const urn__real *restrict b,
                             const int32_t *restrict ib, urn__real *restrict y)
{
    typedef urn__real four __attribute__((vector_size(4 * sizeof(urn__real))));
    for (int64_t i = from; i < to; i++) {
        const urn__real *u = a + (int64_t)ia[i] * d, *v = b + (int64_t)ib[i] * d;
        urn__real s = 0;
        if (d >= 4) {
            four p, q;
            memcpy(&p, u, sizeof p);
            memcpy(&q, v, sizeof q);
            p *= q;
            s = (p[0] + p[2]) + (p[1] + p[3]);
        }
        URN__UNROLL
        for (int k = d >= 4 ? 4 : 0; k < d; k++)
            s += u[k] * v[k];
        y[i] = s;
    }
}

static bool dot_short_indexed(int64_t from, int64_t to, int64_t d, const urn__real *a,
                              const int32_t *ia, const urn__real *b, const int32_t *ib,
                              urn__real *y)
{
    switch (d) {
#define FEW(d)                                                                                     \
    case d:                                                                                        \
        dot_indexed(d, from, to, a, ia, b, ib, y);                                                 \
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

void URN__KERNEL(row_dot)(int64_t from, int64_t to, int64_t d, const urn__real *a,
                          const int32_t *ia, int64_t stride_a, const urn__real *b,
                          const int32_t *ib, int64_t stride_b, urn__real *y)
{
    if (ia && ib && stride_a != 0 && stride_b != 0 &&
        dot_short_indexed(from, to, d, a, ia, b, ib, y))
        return;
    dot_function *const dot = dot_of(d);
    const side left = {ia, stride_a == 0 ? 0 : d}, right = {ib, stride_b == 0 ? 0 : d};
    pairs p;
    p.a = a;
    p.b = b;
    for (int64_t i = from; i < to; i += BLOCK) {
        const int64_t rest = to - i, n = rest < BLOCK + AHEAD ? rest : BLOCK + AHEAD;
        p.n = rest < BLOCK ? rest : BLOCK;
        p.far = find_places(&left, i, n, p.at_a);
        p.far = find_places(&right, i, n, p.at_b) || p.far;
        dot(d, &p, y + i);
    }
}
