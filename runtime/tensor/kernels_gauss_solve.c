/* As many small symmetric systems at a time as a register has numbers, one in each lane: Cholesky's
 * factor, forward and back substitution. Every lane does the same whatever is in the others, so a
 * system's solution does not depend on what it is solved with.
 *
 * The work array has the lower triangle by columns, with h as a last row, so that its elements
 * become those of y, L y = h, along with the factor's. Diagonal elements are replaced by their
 * reciprocals. */
#include "gauss.h"
#include "roots.h"

#define LANES URN__DOUBLES
/* Columns of a tile: with its rows, what registers hold. */
#if URN_CPU == 2
#define COLUMNS 4
#else
#define COLUMNS 2
#endif
#define ROWS 4

typedef urn__doubles vec;

/* Element (i, k) is at[k][i]: columns of d + 1 - k elements, one after another. */
URN__INLINE vec *column(vec *work, int64_t d, int64_t k)
{
    return work + k * (d + 1) - k * (k - 1) / 2 - k;
}

/* ---- in and out ---- */

/* Row k of v becomes lane k of all. */
#ifdef URN__HAVE_SHUFFLES
#define PAIRS2(u, v, out0, out1)                                                                   \
    do {                                                                                           \
        out0 = __builtin_shufflevector(u, v, 0, 2);                                                \
        out1 = __builtin_shufflevector(u, v, 1, 3);                                                \
    } while (0)
#define PAIRS4(u, v, out0, out1)                                                                   \
    do {                                                                                           \
        out0 = __builtin_shufflevector(u, v, 0, 4, 2, 6);                                          \
        out1 = __builtin_shufflevector(u, v, 1, 5, 3, 7);                                          \
    } while (0)
#define QUADS4(u, v, out0, out1)                                                                   \
    do {                                                                                           \
        out0 = __builtin_shufflevector(u, v, 0, 1, 4, 5);                                          \
        out1 = __builtin_shufflevector(u, v, 2, 3, 6, 7);                                          \
    } while (0)
#define PAIRS8(u, v, out0, out1)                                                                   \
    do {                                                                                           \
        out0 = __builtin_shufflevector(u, v, 0, 8, 2, 10, 4, 12, 6, 14);                           \
        out1 = __builtin_shufflevector(u, v, 1, 9, 3, 11, 5, 13, 7, 15);                           \
    } while (0)
#define QUADS8(u, v, out0, out1)                                                                   \
    do {                                                                                           \
        out0 = __builtin_shufflevector(u, v, 0, 1, 8, 9, 4, 5, 12, 13);                            \
        out1 = __builtin_shufflevector(u, v, 2, 3, 10, 11, 6, 7, 14, 15);                          \
    } while (0)
#define HALVES8(u, v, out0, out1)                                                                  \
    do {                                                                                           \
        out0 = __builtin_shufflevector(u, v, 0, 1, 2, 3, 8, 9, 10, 11);                            \
        out1 = __builtin_shufflevector(u, v, 4, 5, 6, 7, 12, 13, 14, 15);                          \
    } while (0)

URN__INLINE void transpose(vec *v)
{
#if URN__DOUBLES == 2
    vec a, b;
    PAIRS2(v[0], v[1], a, b);
    v[0] = a;
    v[1] = b;
#elif URN__DOUBLES == 4
    vec a[4];
    PAIRS4(v[0], v[1], a[0], a[1]);
    PAIRS4(v[2], v[3], a[2], a[3]);
    QUADS4(a[0], a[2], v[0], v[2]);
    QUADS4(a[1], a[3], v[1], v[3]);
#else
    vec a[8], b[8];
    PAIRS8(v[0], v[1], a[0], a[1]);
    PAIRS8(v[2], v[3], a[2], a[3]);
    PAIRS8(v[4], v[5], a[4], a[5]);
    PAIRS8(v[6], v[7], a[6], a[7]);
    QUADS8(a[0], a[2], b[0], b[2]);
    QUADS8(a[1], a[3], b[1], b[3]);
    QUADS8(a[4], a[6], b[4], b[6]);
    QUADS8(a[5], a[7], b[5], b[7]);
    HALVES8(b[0], b[4], v[0], v[4]);
    HALVES8(b[1], b[5], v[1], v[5]);
    HALVES8(b[2], b[6], v[2], v[6]);
    HALVES8(b[3], b[7], v[3], v[7]);
#endif
}
#else
URN__INLINE void transpose(vec *v)
{
    vec t[LANES];
    for (int i = 0; i < LANES; i++)
        for (int k = 0; k < LANES; k++)
            t[k][i] = v[i][k];
    memcpy(v, t, sizeof t);
}
#endif

/* Elements [c, c + LANES) of rows, one row a lane; zeros where there is none. */
URN__INLINE void read_block(const double *const *rows, int64_t c, vec *v)
{
    URN__UNROLL
    for (int l = 0; l < LANES; l++) {
        v[l] = (vec){0.0};
        if (rows[l] != NULL)
            memcpy(&v[l], rows[l] + c, sizeof v[l]);
    }
    transpose(v);
}

/* Column k from row k of the sums, which are padded, so that whole blocks can be read. */
URN__INLINE void fill_column(const urn__gauss_systems *s, const double *const *rows, int64_t k,
                             const double *prior, vec *at)
{
    for (int64_t c = k / LANES * LANES; c < s->d; c += LANES) {
        vec v[LANES];
        read_block(rows, c, v);
        const int64_t from = c < k ? k - c : 0, to = s->d - c < LANES ? s->d - c : LANES;
        for (int64_t q = from; q < to; q++)
            at[c + q] = s->scale * v[q] + prior[c + q];
    }
}

URN__INLINE void add_shift(const urn__gauss_systems *s, int64_t k, vec *h)
{
    if (s->shift != NULL && s->shift_stride == 0)
        *h += s->shift[k];
    else
        for (int64_t l = 0; l < s->n && s->shift != NULL; l++)
            (*h)[l] += s->shift[l * s->shift_stride + k];
}

/* h as the last row. */
static void fill_shift(const urn__gauss_systems *s, vec *work)
{
    const int64_t d = s->d, p = urn__gauss_padded(d);
    const double *rows[LANES] = {NULL};
    for (int64_t l = 0; l < s->n; l++)
        rows[l] = s->sums[l] != NULL ? s->sums[l] + p * p : NULL;
    for (int64_t c = 0; c < d; c += LANES) {
        vec v[LANES];
        read_block(rows, c, v);
        for (int64_t q = 0; q < LANES && c + q < d; q++) {
            v[q] *= s->scale;
            add_shift(s, c + q, &v[q]);
            column(work, d, c + q)[d] = v[q];
        }
    }
}

/* Lanes without a system get the prior alone, and are not looked at in the end. */
static void fill(const urn__gauss_systems *s, vec *work, double *zeros)
{
    const int64_t d = s->d, p = urn__gauss_padded(d);
    memset(zeros, 0, (size_t)d * sizeof *zeros);
    for (int64_t k = 0; k < d; k++) {
        const double *rows[LANES] = {NULL};
        for (int64_t l = 0; l < s->n; l++)
            rows[l] = s->sums[l] != NULL ? s->sums[l] + k * p : NULL;
        const double *prior = s->prior != NULL ? s->prior + k * d - k * (k - 1) / 2 - k
                                               : zeros; /* at [i - k] of it */
        fill_column(s, rows, k, prior, column(work, d, k));
    }
    fill_shift(s, work);
}

/* ---- the factor ---- */

/* acc = elements of `rows` rows from i and `columns` columns from j, less what the columns before j
 * contribute. */
URN__INLINE void reduced(int rows, int columns, vec *work, int64_t d, int64_t i, int64_t j,
                         vec acc[ROWS][COLUMNS])
{
    URN__UNROLL
    for (int c = 0; c < columns; c++) {
        const vec *at = column(work, d, j + c) + i;
        URN__UNROLL
        for (int q = 0; q < rows; q++)
            acc[q][c] = at[q];
    }
    const vec *at = work; /* column 0, and on by a column's length less one */
    for (int64_t step = d; step > d - j; at += step, step--) {
        vec x[COLUMNS];
        URN__UNROLL
        for (int c = 0; c < columns; c++)
            x[c] = at[j + c];
        URN__UNROLL
        for (int q = 0; q < rows; q++) {
            const vec y = at[i + q];
            URN__UNROLL
            for (int c = 0; c < columns; c++)
                acc[q][c] -= y * x[c];
        }
    }
}

/* The diagonal tile; bad lanes get ones in `bad`. */
URN__INLINE void factor_diagonal(int columns, vec *work, int64_t d, int64_t j, urn__words *bad)
{
    vec acc[ROWS][COLUMNS];
    /* rows of the tile above its diagonal belong to other columns' elements: read and ignored */
    URN__UNROLL
    for (int c = 0; c < columns; c++)
        URN__UNROLL
    for (int q = 0; q < columns; q++)
        acc[q][c] = q >= c ? column(work, d, j + c)[j + q] : (vec){0.0};
    const vec *at = work;
    for (int64_t step = d; step > d - j; at += step, step--) {
        URN__UNROLL
        for (int q = 0; q < columns; q++)
            URN__UNROLL
        for (int c = 0; c <= q; c++)
            acc[q][c] -= at[j + q] * at[j + c];
    }
    URN__UNROLL
    for (int c = 0; c < columns; c++) {
        const vec pivot = acc[c][c];
        /* all ones where the pivot is positive and finite */
        const urn__words good = (urn__words)(pivot > 0.0) & (urn__words)(pivot < HUGE_VAL);
        *bad |= ~good;
        vec root;
        urn__roots(&pivot, &root);
        const vec reciprocal = 1.0 / root;
        acc[c][c] = reciprocal;
        URN__UNROLL
        for (int q = c + 1; q < columns; q++) {
            acc[q][c] *= reciprocal;
            URN__UNROLL
            for (int e = c + 1; e <= q; e++)
                acc[q][e] -= acc[q][c] * acc[e][c];
        }
    }
    URN__UNROLL
    for (int c = 0; c < columns; c++)
        URN__UNROLL
    for (int q = c; q < columns; q++)
        column(work, d, j + c)[j + q] = acc[q][c];
}

/* Rows below it. */
URN__INLINE void factor_tile(int rows, int columns, vec *work, int64_t d, int64_t i, int64_t j)
{
    vec acc[ROWS][COLUMNS];
    reduced(rows, columns, work, d, i, j, acc);
    URN__UNROLL
    for (int c = 0; c < columns; c++) {
        URN__UNROLL
        for (int e = 0; e < c; e++) {
            const vec l = column(work, d, j + e)[j + c];
            URN__UNROLL
            for (int q = 0; q < rows; q++)
                acc[q][c] -= acc[q][e] * l;
        }
        const vec reciprocal = column(work, d, j + c)[j + c];
        URN__UNROLL
        for (int q = 0; q < rows; q++)
            acc[q][c] *= reciprocal;
    }
    URN__UNROLL
    for (int c = 0; c < columns; c++) {
        vec *at = column(work, d, j + c) + i;
        URN__UNROLL
        for (int q = 0; q < rows; q++)
            at[q] = acc[q][c];
    }
}

/* `columns` columns from j on, down to the row of h. */
URN__INLINE void factor_columns(int columns, vec *work, int64_t d, int64_t j, urn__words *bad)
{
    factor_diagonal(columns, work, d, j, bad);
    int64_t i = j + columns;
    for (; i + ROWS <= d + 1; i += ROWS)
        factor_tile(ROWS, columns, work, d, i, j);
    for (; i + 2 <= d + 1; i += 2)
        factor_tile(2, columns, work, d, i, j);
    for (; i <= d; i++)
        factor_tile(1, columns, work, d, i, j);
}

static void factor(vec *work, int64_t d, urn__words *bad)
{
    int64_t j = 0;
    for (; j + COLUMNS <= d; j += COLUMNS)
        factor_columns(COLUMNS, work, d, j, bad);
#if COLUMNS > 2
    if (j + 2 <= d) {
        factor_columns(2, work, d, j, bad);
        j += 2;
    }
#endif
    if (j < d)
        factor_columns(1, work, d, j, bad);
}

/* ---- back substitution ---- */

/* x[j .. j + columns), those behind being known; x has y + z. */
URN__INLINE void back_tile(int columns, vec *work, int64_t d, int64_t j, vec *x)
{
    vec acc[4];
    const vec *at[4];
    URN__UNROLL
    for (int c = 0; c < columns; c++) {
        acc[c] = x[j + c];
        at[c] = column(work, d, j + c);
    }
    for (int64_t m = j + columns; m < d; m++)
        URN__UNROLL
    for (int c = 0; c < columns; c++)
        acc[c] -= at[c][m] * x[m];
    URN__UNROLL
    for (int c = columns - 1; c >= 0; c--) {
        URN__UNROLL
        for (int e = columns - 1; e > c; e--)
            acc[c] -= at[c][j + e] * acc[e];
        acc[c] *= at[c][j + c];
        x[j + c] = acc[c];
    }
}

static void substitute_back(vec *work, int64_t d, vec *x)
{
    int64_t j = d;
    for (; j >= 4; j -= 4)
        back_tile(4, work, d, j - 4, x);
    for (; j >= 1; j--)
        back_tile(1, work, d, j - 1, x);
}

/* x = y + z */
static void start_back(const urn__gauss_systems *s, vec *work, vec *x)
{
    const int64_t d = s->d;
    const double *rows[LANES] = {NULL};
    for (int64_t l = 0; l < s->n && s->z != NULL; l++)
        rows[l] = s->z + l * d;
    for (int64_t c = 0; c < d; c += LANES) {
        vec v[LANES];
        read_block(rows, c, v);
        for (int64_t q = 0; q < LANES && c + q < d; q++)
            x[c + q] = column(work, d, c + q)[d] + v[q];
    }
}

static void write_back(const urn__gauss_systems *s, const vec *x, urn__words *bad)
{
    const int64_t d = s->d, p = urn__gauss_padded(d);
    for (int64_t c = 0; c < d; c += LANES) {
        vec v[LANES];
        for (int64_t q = 0; q < LANES; q++) {
            v[q] = c + q < d ? x[c + q] : (vec){0.0};
            *bad |= ~(urn__words)(v[q] * 0.0 == 0.0);
        }
        transpose(v);
        for (int64_t l = 0; l < s->n; l++)
            memcpy(s->x + l * p + c, &v[l], sizeof v[l]);
    }
}

uint32_t URN__KERNEL(gauss_solve)(const urn__gauss_systems *s)
{
    const int64_t d = s->d;
    vec *work = (vec *)s->work, *x = work + (d + 1) * (d + 2) / 2;
    urn__words bad = {0};
    fill(s, work, (double *)(x + d));
    factor(work, d, &bad);
    start_back(s, work, x);
    substitute_back(work, d, x);
    write_back(s, x, &bad);
    uint32_t lanes = 0;
    for (int l = 0; l < (int)s->n; l++)
        lanes |= bad[l] != 0 ? UINT32_C(1) << l : 0;
    return lanes;
}

static const urn__gauss_kernels table = {
    .lanes = LANES,
    .sum = URN__KERNEL(gauss_sum),
    .solve = URN__KERNEL(gauss_solve),
};

const urn__gauss_kernels *URN__KERNEL(kernels_gauss)(void)
{
    return &table;
}
