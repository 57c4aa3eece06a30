/* Rows side by side in vector registers: a lanes value holds one column of LANES rows. */
#ifndef URN_FAMILY_LANES_H
#define URN_FAMILY_LANES_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__AVX512F__)
#define LANES 8
#define LANES_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define LANES_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#elif defined(__AVX__)
#define LANES 4
#define LANES_LOW 0, 4, 1, 5
#define LANES_HIGH 2, 6, 3, 7
#else
#define LANES 2
#define LANES_LOW 0, 2
#define LANES_HIGH 1, 3
#endif

#define LANES_INLINE static inline __attribute__((always_inline))

/* Loops over registers must be unrolled whole, or the registers become memory. */
#ifdef __clang__ /* does it unasked */
#define LANES_UNROLL
#else
#define LANES_UNROLL _Pragma("GCC unroll 8")
#endif

typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));
/* The same, anywhere in an array of doubles. */
typedef double lanes_at __attribute__((vector_size(LANES * sizeof(double)), aligned(8), may_alias));

/* v[row][column] becomes v[column][row], by log2(LANES) perfect shuffles. */
LANES_INLINE void lanes_transpose(lanes *v)
{
    LANES_UNROLL
    for (int step = 1; step < LANES; step *= 2) {
        lanes t[LANES];
        LANES_UNROLL
        for (int i = 0; i < LANES / 2; i++) {
            t[2 * i] = __builtin_shufflevector(v[i], v[i + LANES / 2], LANES_LOW);
            t[2 * i + 1] = __builtin_shufflevector(v[i], v[i + LANES / 2], LANES_HIGH);
        }
        LANES_UNROLL
        for (int i = 0; i < LANES; i++)
            v[i] = t[i];
    }
}

LANES_INLINE double lanes_sum(const lanes *v)
{
    double sum = 0.0;
    for (int i = 0; i < LANES; i++)
        sum += (*v)[i];
    return sum;
}

/* How many of `n` rows of `d` may be read and written a whole register at a time, LANES rows each:
 * the last register of a row runs into the rows after it, so those must be there. */
LANES_INLINE int64_t lanes_whole(int64_t d, int64_t n)
{
    const int64_t over = (d + LANES - 1) / LANES * LANES - d;
    const int64_t rows = n - (over + d - 1) / d;
    return rows < LANES ? 0 : rows / LANES * LANES;
}

/* Columns of LANES rows, of which all elements and those after them (see lanes_whole) may be read:
 * out[k * step] for column k. */
LANES_INLINE void lanes_load(int64_t d, const double *rows, int64_t step, lanes *out)
{
    for (int64_t from = 0; from < d; from += LANES) {
        lanes tile[LANES];
        LANES_UNROLL
        for (int i = 0; i < LANES; i++)
            tile[i] = *(const lanes_at *)(rows + i * d + from);
        lanes_transpose(tile);
        LANES_UNROLL
        for (int i = 0; i < LANES; i++)
            if (from + i < d)
                out[(from + i) * step] = tile[i];
    }
}

/* The inverse, times `sign`. A whole store runs into the next row, which is stored after it: so the
 * last columns come first, and rows in ascending order. */
LANES_INLINE void lanes_store(int64_t d, double sign, const lanes *in, int64_t step, double *rows)
{
    for (int64_t from = (d - 1) / LANES * LANES; from >= 0; from -= LANES) {
        lanes tile[LANES];
        LANES_UNROLL
        for (int i = 0; i < LANES; i++)
            tile[i] = from + i < d ? sign * in[(from + i) * step] : (lanes){0};
        lanes_transpose(tile);
        LANES_UNROLL
        for (int i = 0; i < LANES; i++)
            *(lanes_at *)(rows + i * d + from) = tile[i];
    }
}

/* The same for the last `n` < LANES rows, element by element; rows that are not there read as 0. */
static inline void lanes_load_few(int64_t d, int64_t n, const double *rows, int64_t step,
                                  lanes *out)
{
    for (int64_t k = 0; k < d; k++) {
        lanes column = {0};
        for (int64_t i = 0; i < LANES && i < n; i++)
            column[i] = rows[i * d + k];
        out[k * step] = column;
    }
}

static inline void lanes_store_few(int64_t d, int64_t n, double sign, const lanes *in, int64_t step,
                                   double *rows)
{
    for (int64_t k = 0; k < d; k++)
        for (int64_t i = 0; i < LANES && i < n; i++)
            rows[i * d + k] = sign * in[k * step][i];
}

#endif
