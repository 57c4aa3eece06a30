/* Rows side by side in vector registers: a lanes value holds one column of LANES rows. */
#ifndef URN_FAMILY_LANES_H
#define URN_FAMILY_LANES_H

#include "../tensor/real.h"
#include <stdbool.h>
#include <stdint.h>

#if defined(__AVX512F__)
#define LANES_BYTES 64
#elif defined(__AVX__)
#define LANES_BYTES 32
#else
#define LANES_BYTES 16
#endif
#ifdef URN_SINGLE
#define LANES (LANES_BYTES / 4)
#else
#define LANES (LANES_BYTES / 8)
#endif
#define LANES_MOST 16 /* on any path, in either precision */

#define LANES_INLINE static inline __attribute__((always_inline))

/* Loops over registers must be unrolled whole, or the registers become memory. */
#ifdef __clang__ /* does it unasked */
#define LANES_UNROLL
#else
#define LANES_UNROLL _Pragma("GCC unroll 16")
#endif

typedef urn__real lanes __attribute__((vector_size(LANES_BYTES)));
/* The same, anywhere in an array. */
typedef urn__real lanes_at
    __attribute__((vector_size(LANES_BYTES), aligned(sizeof(urn__real)), may_alias));

LANES_INLINE lanes lanes_get(const urn__real *from)
{
    return *(const lanes_at *)from;
}

LANES_INLINE void lanes_put(urn__real *to, lanes v)
{
    *(lanes_at *)to = v;
}

/* ---- shuffles: f(lane, d, k) gives where each lane comes from ---- */

#define LANES_2(f, d, k, at) f((at) + 0, d, k), f((at) + 1, d, k)
#define LANES_4(f, d, k, at) LANES_2(f, d, k, at), LANES_2(f, d, k, (at) + 2)
#define LANES_8(f, d, k, at) LANES_4(f, d, k, at), LANES_4(f, d, k, (at) + 4)
#define LANES_16(f, d, k, at) LANES_8(f, d, k, at), LANES_8(f, d, k, (at) + 8)
#if LANES == 16
#define LANES_EACH(f, d, k) LANES_16(f, d, k, 0)
#elif LANES == 8
#define LANES_EACH(f, d, k) LANES_8(f, d, k, 0)
#elif LANES == 4
#define LANES_EACH(f, d, k) LANES_4(f, d, k, 0)
#else
#define LANES_EACH(f, d, k) LANES_2(f, d, k, 0)
#endif

#define LANES_FROM_ZIP(l, d, k) (l) % 2 * LANES + (l) / 2 + (k) * (LANES / 2)
#define LANES_FROM_UNZIP(l, d, k) 2 * (l) + (k)
/* a0 b0 a1 b1 ... of the lower halves (0) or the upper ones (1), and the inverse: every second lane
 * of a and b, from lane 0 or 1. */
#define lanes_zip(a, b, half) __builtin_shufflevector(a, b, LANES_EACH(LANES_FROM_ZIP, 2, half))
#define lanes_unzip(a, b, odd) __builtin_shufflevector(a, b, LANES_EACH(LANES_FROM_UNZIP, 2, odd))

/* v[row][column] becomes v[column][row], by log2(LANES) perfect shuffles. */
LANES_INLINE void lanes_transpose(lanes *v)
{
    LANES_UNROLL
    for (int step = 1; step < LANES; step *= 2) {
        lanes t[LANES];
        LANES_UNROLL
        for (int i = 0; i < LANES / 2; i++) {
            t[2 * i] = lanes_zip(v[i], v[i + LANES / 2], 0);
            t[2 * i + 1] = lanes_zip(v[i], v[i + LANES / 2], 1);
        }
        LANES_UNROLL
        for (int i = 0; i < LANES; i++)
            v[i] = t[i];
    }
}

/* Adds up neighbouring lanes of `count` registers and of each other, log2(count) times: with LANES
 * of them lane i of the result is the sum of v[i]. Overwrites v. */
LANES_INLINE lanes lanes_sum_each(const int count, lanes *v)
{
    LANES_UNROLL
    for (int half = count / 2; half > 0; half /= 2) {
        LANES_UNROLL
        for (int i = 0; i < half; i++)
            v[i] = lanes_zip(v[i], v[i + half], 0) + lanes_zip(v[i], v[i + half], 1);
    }
    return v[0];
}

static inline double lanes_sum(const lanes *v)
{
    double sum = 0.0;
    for (int i = 0; i < LANES; i++)
        sum += (double)(*v)[i];
    return sum;
}

/* ---- LANES rows of d <= 5, which are d registers exactly, to and from columns ---- */

/* Odd d: element LANES r + l of the rows is in column (LANES r + l) mod d, and the elements of one
 * column are in different lanes of their registers. So a column is a blend of the registers, then
 * rotated such that all columns have row i in lane (d i + (d - 1) / 2) mod LANES. Columns k and d -
 * 1 - k are rotated by the same on the way there and back. */
#define LANES_FROM_BLEND(l, d, k) ((l) % (d) == (k) ? LANES + (l) : (l))
#define LANES_FROM_ROTATION(l, d, k) ((l) + (k) + LANES * (d) - ((d)-1) / 2) % LANES
#define LANES_FROM_ORDER(l, d, k) ((d) * (l) + ((d)-1) / 2) % LANES
#define LANES_CLASS(d, k, r) (((k) + (d)*LANES - (r)*LANES) % (d))
#define lanes_blend(a, b, d, k, r)                                                                 \
    __builtin_shufflevector(a, b, LANES_EACH(LANES_FROM_BLEND, d, LANES_CLASS(d, k, r)))
#define lanes_rotate(v, d, k) __builtin_shufflevector(v, v, LANES_EACH(LANES_FROM_ROTATION, d, k))

#define LANES_COLUMN_3(in, out, k)                                                                 \
    do {                                                                                           \
        lanes v_ = lanes_blend(in[0], in[1], 3, k, 1);                                             \
        v_ = lanes_blend(v_, in[2], 3, k, 2);                                                      \
        out[k] = lanes_rotate(v_, 3, k);                                                           \
    } while (0)
#define LANES_COLUMN_5(in, out, k)                                                                 \
    do {                                                                                           \
        lanes v_ = lanes_blend(in[0], in[1], 5, k, 1);                                             \
        v_ = lanes_blend(v_, in[2], 5, k, 2);                                                      \
        v_ = lanes_blend(v_, in[3], 5, k, 3);                                                      \
        v_ = lanes_blend(v_, in[4], 5, k, 4);                                                      \
        out[k] = lanes_rotate(v_, 5, k);                                                           \
    } while (0)
#define LANES_REGISTER_3(in, out, r)                                                               \
    do {                                                                                           \
        lanes v_ = lanes_blend(in[0], in[1], 3, 1, r);                                             \
        out[r] = lanes_blend(v_, in[2], 3, 2, r);                                                  \
    } while (0)
#define LANES_REGISTER_5(in, out, r)                                                               \
    do {                                                                                           \
        lanes v_ = lanes_blend(in[0], in[1], 5, 1, r);                                             \
        v_ = lanes_blend(v_, in[2], 5, 2, r);                                                      \
        v_ = lanes_blend(v_, in[3], 5, 3, r);                                                      \
        out[r] = lanes_blend(v_, in[4], 5, 4, r);                                                  \
    } while (0)

/* Columns of d registers, with the rows in an order of their own. */
LANES_INLINE void lanes_columns(const int64_t d, const lanes *in, lanes *out)
{
    if (d == 1) {
        out[0] = in[0];
    } else if (d == 2) {
        out[0] = lanes_unzip(in[0], in[1], 0);
        out[1] = lanes_unzip(in[0], in[1], 1);
    } else if (d == 3) {
        LANES_COLUMN_3(in, out, 0);
        LANES_COLUMN_3(in, out, 1);
        LANES_COLUMN_3(in, out, 2);
    } else if (d == 4) {
        const lanes even[2] = {lanes_unzip(in[0], in[1], 0), lanes_unzip(in[2], in[3], 0)};
        const lanes odd[2] = {lanes_unzip(in[0], in[1], 1), lanes_unzip(in[2], in[3], 1)};
        out[0] = lanes_unzip(even[0], even[1], 0);
        out[1] = lanes_unzip(odd[0], odd[1], 0);
        out[2] = lanes_unzip(even[0], even[1], 1);
        out[3] = lanes_unzip(odd[0], odd[1], 1);
    } else {
        LANES_COLUMN_5(in, out, 0);
        LANES_COLUMN_5(in, out, 1);
        LANES_COLUMN_5(in, out, 2);
        LANES_COLUMN_5(in, out, 3);
        LANES_COLUMN_5(in, out, 4);
    }
}

/* What belongs to the rows of such columns, in the order of rows. */
LANES_INLINE lanes lanes_in_order(const int64_t d, lanes v)
{
    if (d == 3)
        return __builtin_shufflevector(v, v, LANES_EACH(LANES_FROM_ORDER, 3, 0));
    if (d == 5)
        return __builtin_shufflevector(v, v, LANES_EACH(LANES_FROM_ORDER, 5, 0));
    return v;
}

/* The inverse of lanes_columns. */
LANES_INLINE void lanes_rows(const int64_t d, const lanes *in, lanes *out)
{
    if (d == 1) {
        out[0] = in[0];
    } else if (d == 2) {
        out[0] = lanes_zip(in[0], in[1], 0);
        out[1] = lanes_zip(in[0], in[1], 1);
    } else if (d == 3) {
        const lanes turned[3] = {lanes_rotate(in[0], 3, 2), lanes_rotate(in[1], 3, 1),
                                 lanes_rotate(in[2], 3, 0)};
        LANES_REGISTER_3(turned, out, 0);
        LANES_REGISTER_3(turned, out, 1);
        LANES_REGISTER_3(turned, out, 2);
    } else if (d == 4) {
        const lanes even[2] = {lanes_zip(in[0], in[2], 0), lanes_zip(in[0], in[2], 1)};
        const lanes odd[2] = {lanes_zip(in[1], in[3], 0), lanes_zip(in[1], in[3], 1)};
        out[0] = lanes_zip(even[0], odd[0], 0);
        out[1] = lanes_zip(even[0], odd[0], 1);
        out[2] = lanes_zip(even[1], odd[1], 0);
        out[3] = lanes_zip(even[1], odd[1], 1);
    } else {
        const lanes turned[5] = {lanes_rotate(in[0], 5, 4), lanes_rotate(in[1], 5, 3),
                                 lanes_rotate(in[2], 5, 2), lanes_rotate(in[3], 5, 1),
                                 lanes_rotate(in[4], 5, 0)};
        LANES_REGISTER_5(turned, out, 0);
        LANES_REGISTER_5(turned, out, 1);
        LANES_REGISTER_5(turned, out, 2);
        LANES_REGISTER_5(turned, out, 3);
        LANES_REGISTER_5(turned, out, 4);
    }
}

/* ---- any d: the last register of a row runs into the rows after it ---- */

/* How many of `n` rows of `d` may be read and written a whole register at a time, LANES rows each:
 * the rows that the last register of a row runs into must be there. */
LANES_INLINE int64_t lanes_whole(int64_t d, int64_t n)
{
    const int64_t over = (d + LANES - 1) / LANES * LANES - d;
    const int64_t rows = n - (over + d - 1) / d;
    return rows < LANES ? 0 : rows / LANES * LANES;
}

/* Columns of LANES rows, of which all elements and those after them (see lanes_whole) may be read:
 * out[k * step] for column k. */
LANES_INLINE void lanes_load(int64_t d, const urn__real *rows, int64_t step, lanes *out)
{
    for (int64_t from = 0; from < d; from += LANES) {
        lanes tile[LANES];
        LANES_UNROLL
        for (int i = 0; i < LANES; i++)
            tile[i] = lanes_get(rows + i * d + from);
        lanes_transpose(tile);
        LANES_UNROLL
        for (int i = 0; i < LANES; i++)
            if (from + i < d)
                out[(from + i) * step] = tile[i];
    }
}

/* The inverse, negated if asked for. A whole store runs into the next row, which is stored after
 * it: so the last columns come first, and rows in ascending order. */
LANES_INLINE void lanes_store(int64_t d, bool negate, const lanes *in, int64_t step,
                              urn__real *rows)
{
    for (int64_t from = (d - 1) / LANES * LANES; from >= 0; from -= LANES) {
        lanes tile[LANES];
        LANES_UNROLL
        for (int i = 0; i < LANES; i++)
            tile[i] = from + i < d ? in[(from + i) * step] : (lanes){0};
        lanes_transpose(tile);
        LANES_UNROLL
        for (int i = 0; i < LANES; i++)
            lanes_put(rows + i * d + from, negate ? -tile[i] : tile[i]);
    }
}

#endif
