/* Sums of squares of gathered vectors. Longer vectors are copied to a packed batch and summed by
 * tiles of the upper triangle that stay in registers; shorter ones are read in place, all of their
 * sums being in registers at once. */
#include "gauss.h"
#include "lanes.h"

#define LANES URN__DOUBLES
enum {
    AHEAD = 24,                /* vectors asked of the cache before their turn */
    ROWS = LANES >= 8 ? 8 : 4, /* of a tile */
    WIDEST = 3,                /* vectors of a tile */
};

typedef urn__doubles vec;

URN__INLINE void load(const double *x, vec *v)
{
    memcpy(v, x, sizeof *v);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- tiles of a packed batch ---- */

typedef struct batch {
    int64_t n, p;       /* vectors, their stride */
    const double *a;    /* as they are */
    const double *left; /* times their weights */
    const double *t;    /* targets times weights */
} batch;

/* Rows j .. j + rows - 1, `width` vectors of columns from column c on. */
URN__INLINE void tile(int rows, int width, const batch *b, int64_t j, int64_t c, bool add,
                      double *sums)
{
    vec s[ROWS][WIDEST];
    const double *a = b->a + c, *left = b->left + j;
    const int64_t p = b->p;
    URN__UNROLL
    for (int q = 0; q < rows; q++)
        URN__UNROLL
    for (int v = 0; v < width; v++)
        s[q][v] = (vec){0.0};
    for (int64_t i = 0; i < b->n; i++, a += p, left += p) {
        vec x[WIDEST];
        URN__UNROLL
        for (int v = 0; v < width; v++)
            load(a + v * LANES, &x[v]);
        URN__UNROLL
        for (int q = 0; q < rows; q++)
            URN__UNROLL
        for (int v = 0; v < width; v++)
            s[q][v] += left[q] * x[v];
    }
    URN__UNROLL
    for (int q = 0; q < rows; q++) {
        URN__UNROLL
        for (int v = 0; v < width; v++) {
            double *to = sums + (j + q) * p + c + v * LANES;
            if (add) {
                vec before;
                load(to, &before);
                s[q][v] += before;
            }
            memcpy(to, &s[q][v], sizeof s[q][v]);
        }
    }
}

#define TILE(rows, width)                                                                          \
    static void tile_##rows##_##width(const batch *b, int64_t j, int64_t c, bool add,              \
                                      double *sums)                                                \
    {                                                                                              \
        tile(rows, width, b, j, c, add, sums);                                                     \
    }
#define TILES(rows) TILE(rows, 1) TILE(rows, 2) TILE(rows, 3)
typedef void tile_function(const batch *b, int64_t j, int64_t c, bool add, double *sums);
#define TILE_ROW(rows)                                                                             \
    {                                                                                              \
        tile_##rows##_1, tile_##rows##_2, tile_##rows##_3                                          \
    }

TILES(1)
TILES(2)
TILES(3)
TILES(4)
#if URN_CPU == 2
TILES(5)
TILES(6)
TILES(7)
TILES(8)
#endif
static tile_function *const tiles[ROWS][WIDEST] = {
    TILE_ROW(1), TILE_ROW(2), TILE_ROW(3), TILE_ROW(4),
#if URN_CPU == 2
    TILE_ROW(5), TILE_ROW(6), TILE_ROW(7), TILE_ROW(8),
#endif
};

/* The sums of w t a: `width` vectors of them, with two sums each. */
URN__INLINE void shift_part(int width, const batch *b, int64_t c, bool add, double *shift)
{
    vec s[2][4];
    URN__UNROLL
    for (int v = 0; v < width; v++)
        s[0][v] = s[1][v] = (vec){0.0};
    const double *a = b->a + c;
    int64_t i = 0;
    for (; i + 2 <= b->n; i += 2, a += 2 * b->p) {
        URN__UNROLL
        for (int v = 0; v < width; v++) {
            vec x, y;
            load(a + v * LANES, &x);
            load(a + b->p + v * LANES, &y);
            s[0][v] += b->t[i] * x;
            s[1][v] += b->t[i + 1] * y;
        }
    }
    for (int v = 0; v < width; v++) {
        vec x, sum = s[0][v] + s[1][v];
        if (i < b->n) {
            load(a + v * LANES, &x);
            sum += b->t[i] * x;
        }
        if (add) {
            load(shift + c + v * LANES, &x);
            sum += x;
        }
        memcpy(shift + c + v * LANES, &sum, sizeof sum);
    }
}

static void shift_sums(const batch *b, int64_t d, bool add, double *shift)
{
    int64_t c = 0;
    for (; c + 4 * LANES <= b->p && c < d; c += 4 * LANES)
        shift_part(4, b, c, add, shift);
    for (; c < d; c += LANES)
        shift_part(1, b, c, add, shift);
}

static void batch_sums(const batch *b, int64_t d, bool add, double *sums)
{
    const int64_t columns = (d + LANES - 1) / LANES; /* vectors of them */
    for (int64_t j = 0; j < d; j += ROWS) {
        const int64_t first = j / LANES, n = columns - first, parts = (n + WIDEST - 1) / WIDEST;
        const int64_t rows = smaller(ROWS, d - j);
        for (int64_t part = 0; part < parts; part++) {
            const int64_t from = n * part / parts, to = n * (part + 1) / parts;
            tiles[rows - 1][to - from - 1](b, j, (first + from) * LANES, add, sums);
        }
    }
    shift_sums(b, d, add, sums + b->p * b->p);
}

/* ---- packing ---- */

/* One vector, zeros behind it; d > 0. */
URN__INLINE void copy_vector(int64_t d, int64_t p, const double *x, double *y)
{
    int64_t k = 0;
    vec v;
    for (; k + LANES <= d; k += LANES) {
        load(x + k, &v);
        memcpy(y + k, &v, sizeof v);
    }
    for (; k < d; k++)
        y[k] = x[k];
    for (; k < p; k++)
        y[k] = 0.0;
}

URN__INLINE void prefetch(int64_t d, const double *x)
{
    for (int64_t k = 0; k < d; k += 8)
        __builtin_prefetch(x + k);
    __builtin_prefetch(x + d - 1);
}

/* Vectors [from, from + n). */
static void gather(const urn__gauss_vectors *v, int64_t from, int64_t n, int64_t p, double *a)
{
    const int64_t d = v->d;
    for (int64_t i = from; i < from + n; i++, a += p) {
        if (v->row != NULL && i + AHEAD < v->readable)
            prefetch(d, v->x + v->row[i + AHEAD] * v->stride);
        copy_vector(d, p, v->x + (v->row != NULL ? v->row[i] : i) * v->stride, a);
    }
}

static void weigh(int64_t n, int64_t p, const double *weight, const double *a, double *left)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < p; k++)
            left[i * p + k] = weight[i] * a[i * p + k];
}

static void long_sums(const urn__gauss_vectors *v, bool add, double *pack, double *sums)
{
    const int64_t p = urn__gauss_padded(v->d);
    double *left = pack + URN__GAUSS_BATCH * p, *t = left + URN__GAUSS_BATCH * p;
    const bool packed = v->row == NULL && v->stride == p;
    for (int64_t i = 0; i < v->n; i += URN__GAUSS_BATCH) {
        batch b = {.n = smaller(URN__GAUSS_BATCH, v->n - i), .p = p, .a = pack, .left = pack};
        b.t = v->target + i;
        if (packed)
            b.a = b.left = v->x + i * p;
        else
            gather(v, i, b.n, p, pack);
        if (v->weight != NULL) {
            weigh(b.n, p, v->weight + i, b.a, left);
            for (int64_t k = 0; k < b.n; k++)
                t[k] = v->weight[i + k] * v->target[i + k];
            b.left = left;
            b.t = t;
        }
        batch_sums(&b, v->d, add || i > 0, sums);
    }
}

/* ---- one number ---- */

static void number_sums(const urn__gauss_vectors *v, bool add, double *sums)
{
    double squares = 0.0, products = 0.0;
    for (int64_t i = 0; i < v->n; i++) {
        const double a = v->x[(v->row != NULL ? v->row[i] : i) * v->stride];
        const double left = v->weight != NULL ? v->weight[i] * a : a;
        squares += left * a;
        products += left * v->target[i];
    }
    double *shift = sums + URN__GAUSS_LANES * URN__GAUSS_LANES;
    sums[0] = (add ? sums[0] : 0.0) + squares;
    shift[0] = (add ? shift[0] : 0.0) + products;
}

/* ---- vectors in place ---- */

#if URN_CPU == 2
#include "gauss_short.h"

#define SHORT(d)                                                                                   \
    case d:                                                                                        \
        if (v->weight != NULL)                                                                     \
            short_sums(d, true, v, add, sums);                                                     \
        else                                                                                       \
            short_sums(d, false, v, add, sums);                                                    \
        return true;

static bool in_place(const urn__gauss_vectors *v, bool add, double *sums)
{
    switch (v->d) {
        SHORT(2)
        SHORT(3)
        SHORT(4)
        SHORT(5)
        SHORT(6)
        SHORT(7)
        SHORT(8)
        SHORT(9)
        SHORT(10)
        SHORT(11)
        SHORT(12)
        SHORT(13)
        SHORT(14)
        SHORT(15)
        SHORT(16)
    default:
        return false;
    }
}
#else
static bool in_place(const urn__gauss_vectors *v, bool add, double *sums)
{
    (void)v;
    (void)add;
    (void)sums;
    return false;
}
#endif

void URN__KERNEL(gauss_sum)(const urn__gauss_vectors *v, bool add, double *pack, double *sums)
{
    if (v->n == 0) {
        if (!add)
            memset(sums, 0, (size_t)urn__gauss_sums_size(v->d) * sizeof *sums);
    } else if (v->d == 1) {
        number_sums(v, add, sums);
    } else if (!in_place(v, add, sums)) {
        long_sums(v, add, pack, sums);
    }
}
