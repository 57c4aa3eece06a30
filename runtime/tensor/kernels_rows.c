/* Copies of rows, and weighted sums of all rows of an array. */
#include "lanes.h"

enum {
    AHEAD = 16, /* rows asked of the cache before their turn */
    MOST = 8,   /* vectors of a sum: registers */
};

/* Shorter rows are not asked for. */
#define LONG_ROW (128 / (int64_t)sizeof(urn__real))

/* ---- copies ---- */

#define WORDS (URN__REGISTER_BYTES / (int64_t)sizeof(urn__real))

/* A row as vectors, the last of which ends where the row ends. */
URN__INLINE void copy_row(int64_t d, const urn__real *restrict x, urn__real *restrict y)
{
    char v[URN__REGISTER_BYTES];
    for (int64_t k = 0; k + WORDS < d; k += WORDS) {
        memcpy(v, x + k, sizeof v);
        memcpy(y + k, v, sizeof v);
    }
    memcpy(v, x + d - WORDS, sizeof v);
    memcpy(y + d - WORDS, v, sizeof v);
}

URN__INLINE void copy_few(int64_t from, int64_t to, int64_t d, const urn__real *restrict x,
                          const int32_t *restrict index, urn__real *restrict y)
{
    for (int64_t i = from; i < to; i++)
        memcpy(y + i * d, x + index[i] * d, (size_t)d * sizeof *y);
}

void URN__KERNEL(gather_rows)(int64_t from, int64_t to, int64_t d, const urn__real *x,
                              const int32_t *index, urn__real *y)
{
    switch (d < WORDS ? d : 0) {
#define FEW(length)                                                                                \
    case length:                                                                                   \
        copy_few(from, to, length, x, index, y);                                                   \
        return;
        FEW(1);
        FEW(2);
        FEW(3);
        FEW(4);
        FEW(5);
        FEW(6);
        FEW(7);
        FEW(8);
#undef FEW
    default:
        break;
    }
    if (d < WORDS) {
        copy_few(from, to, d, x, index, y);
        return;
    }
    for (int64_t i = from; i < to; i++) {
        if (d >= LONG_ROW && i + AHEAD < to)
            for (int64_t k = 0; k < d; k += 64 / (int64_t)sizeof *x)
                __builtin_prefetch(x + index[i + AHEAD] * d + k);
        copy_row(d, x + index[i] * d, y + i * d);
    }
}

/* ---- weighted sums, in double in both precisions ---- */

#define LANES (URN__REGISTER_BYTES / 8)
typedef double wide __attribute__((vector_size(LANES * sizeof(double))));
typedef urn__real narrow __attribute__((vector_size(LANES * sizeof(urn__real))));

/* Adds the sums of `width` columns, n vectors of them, the last of which ends where they end and is
 * partly computed twice. Rows go to `sets` sums in turn, so that an addition need not wait for the
 * one before it. */
URN__INLINE void weigh_vectors(int n, int sets, int64_t rows, int64_t d, int64_t width,
                               const urn__real *restrict weight, const urn__real *restrict x,
                               double *restrict out)
{
    wide s[MOST], all[MOST];
    URN__UNROLL
    for (int v = 0; v < n * sets; v++)
        s[v] = (wide){0.0};
    for (int64_t i = 0; i < rows; i += sets) {
        URN__UNROLL
        for (int k = 0; k < sets; k++) {
            if (i + k >= rows)
                break;
            const double w = (double)weight[i + k];
            URN__UNROLL
            for (int v = 0; v < n; v++) {
                narrow u;
                memcpy(&u, x + (i + k) * d + (v < n - 1 ? v * LANES : width - LANES), sizeof u);
                s[k * n + v] += w * __builtin_convertvector(u, wide);
            }
        }
    }
    for (int v = 0; v < n; v++) {
        for (int k = 1; k < sets; k++)
            s[v] += s[k * n + v];
        memcpy(&all[v], out + (v < n - 1 ? v * LANES : width - LANES), sizeof all[v]);
        all[v] += s[v];
    }
    for (int v = 0; v < n; v++)
        memcpy(out + (v < n - 1 ? v * LANES : width - LANES), &all[v], sizeof all[v]);
}

/* The same for rows shorter than a vector. */
URN__INLINE void weigh_few(int d, int64_t rows, const urn__real *restrict weight,
                           const urn__real *restrict x, double *restrict out)
{
    double s[2][LANES] = {{0.0}};
    int64_t i = 0;
    for (; i + 2 <= rows; i += 2) {
        URN__UNROLL
        for (int k = 0; k < d; k++) {
            s[0][k] += (double)weight[i] * (double)x[i * d + k];
            s[1][k] += (double)weight[i + 1] * (double)x[(i + 1) * d + k];
        }
    }
    for (int k = 0; k < d; k++) {
        if (i < rows)
            s[0][k] += (double)weight[i] * (double)x[i * d + k];
        out[k] += s[0][k] + s[1][k];
    }
}

static void weigh_columns(int64_t rows, int64_t d, int64_t width, const urn__real *weight,
                          const urn__real *x, double *out)
{
    switch ((width + LANES - 1) / LANES) {
#define VECTORS(n, sets)                                                                           \
    case n:                                                                                        \
        weigh_vectors(n, sets, rows, d, width, weight, x, out);                                    \
        return;
        VECTORS(1, 4);
        VECTORS(2, 2);
        VECTORS(3, 2);
        VECTORS(4, 2);
        VECTORS(5, 1);
        VECTORS(6, 1);
        VECTORS(7, 1);
        VECTORS(8, 1);
#undef VECTORS
    }
}

void URN__KERNEL(weigh_rows)(int64_t from, int64_t to, int64_t d, const urn__real *weight,
                             const urn__real *x, double *out)
{
    const int64_t rows = to - from;
    if (rows <= 0)
        return;
    weight += from;
    x += from * d;
    switch (d < LANES ? d : 0) {
#define FEW(length)                                                                                \
    case length:                                                                                   \
        weigh_few(length < LANES ? length : 1, rows, weight, x, out);                              \
        return;
        FEW(1);
        FEW(2);
        FEW(3);
        FEW(4);
        FEW(5);
        FEW(6);
        FEW(7);
#undef FEW
    default:
        break;
    }
    const int64_t most = MOST * LANES, parts = (d + most - 1) / most;
    for (int64_t p = 0; p < parts; p++) {
        const int64_t column = d * p / parts, width = d * (p + 1) / parts - column;
        weigh_columns(rows, d, width, weight, x + column, out + column);
    }
}
