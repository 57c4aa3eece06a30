/* Vectors of the kernels' own type, as wide as this path's registers and, for short rows, halves
 * and quarters of them; and sums over the lanes of several vectors at once. */
#ifndef URN_TENSOR_LANES_H
#define URN_TENSOR_LANES_H

#include "kernels.h"

/* Lanes of a register. */
#if URN_CPU == 2
#define URN__REGISTER_BYTES 64
#elif URN_CPU == 1
#define URN__REGISTER_BYTES 32
#else
#define URN__REGISTER_BYTES 16
#endif
#ifdef URN_SINGLE
#define URN__REGISTER_LANES (URN__REGISTER_BYTES / 4)
typedef int32_t urn__bits;
#else
#define URN__REGISTER_LANES (URN__REGISTER_BYTES / 8)
typedef int64_t urn__bits;
#endif

/* Before a loop of short constant length whose arrays are to be registers. */
#if defined(__clang__)
#define URN__UNROLL _Pragma("unroll")
#else
#define URN__UNROLL _Pragma("GCC unroll 16")
#endif

#define URN__LANES_TYPES(lanes)                                                                    \
    typedef urn__real urn__vector_##lanes __attribute__((vector_size(lanes * sizeof(urn__real)))); \
    typedef urn__bits urn__mask_##lanes __attribute__((vector_size(lanes * sizeof(urn__real))));
URN__LANES_TYPES(2)
URN__LANES_TYPES(4)
URN__LANES_TYPES(8)
URN__LANES_TYPES(16)

/* of_<lanes>(n) of the widest vectors that a row of d >= 4 numbers fills, n being how many it
 * takes. */
#if URN__REGISTER_LANES == 16
#define URN__OF_WIDTH(of, d)                                                                       \
    ((d) >= 16  ? of##_16(((d) + 15) / 16)                                                         \
     : (d) >= 8 ? of##_8(((d) + 7) / 8)                                                            \
                : of##_4(((d) + 3) / 4))
#elif URN__REGISTER_LANES == 8
#define URN__OF_WIDTH(of, d) ((d) >= 8 ? of##_8(((d) + 7) / 8) : of##_4(((d) + 3) / 4))
#elif URN__REGISTER_LANES == 4
#define URN__OF_WIDTH(of, d) of##_4(((d) + 3) / 4)
#else
#define URN__OF_WIDTH(of, d) of##_2(((d) + 1) / 2)
#endif

/* One register of doubles, and of 64-bit words. */
#define URN__DOUBLES (URN__REGISTER_BYTES / 8)
typedef double urn__doubles __attribute__((vector_size(URN__REGISTER_BYTES)));
typedef uint64_t urn__words __attribute__((vector_size(URN__REGISTER_BYTES)));

/* urn__sum_lanes_N(v, sums): sums[r] is the sum of the N lanes of v[r], for as many r as fit N
 * lanes, 8 at most. Merging two vectors into one of half sums takes two shuffles and an addition,
 * so a sum costs less than three instructions a vector where one by one it would cost six and more.
 * The order of merges is one in which each shuffle is a single cheap instruction. */
#define URN__ROWS_OF(lanes) ((lanes) < 8 ? (lanes) : 8)

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define URN__HAVE_SHUFFLES 1
#endif
#endif

#ifdef URN__HAVE_SHUFFLES
#define URN__MERGE2(u, v, a, b, c, d)                                                              \
    (__builtin_shufflevector(u, v, a, b) + __builtin_shufflevector(u, v, c, d))
#define URN__MERGE4(u, v, a, b, c, d, e, f, g, h)                                                  \
    (__builtin_shufflevector(u, v, a, b, c, d) + __builtin_shufflevector(u, v, e, f, g, h))
#define URN__MERGE8(u, v, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                          \
    (__builtin_shufflevector(u, v, a, b, c, d, e, f, g, h) +                                       \
     __builtin_shufflevector(u, v, i, j, k, l, m, n, o, p))

#define URN__HALVES4(u, v) URN__MERGE4(u, v, 0, 1, 4, 5, 2, 3, 6, 7)
#define URN__HALVES8(u, v) URN__MERGE8(u, v, 0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15)

#ifdef URN_SINGLE
URN__INLINE void urn__sum_lanes_4(const urn__vector_4 *v, urn__real *sums)
{
    const urn__vector_4 a = URN__HALVES4(v[0], v[1]), b = URN__HALVES4(v[2], v[3]);
    const urn__vector_4 s = URN__MERGE4(a, b, 0, 2, 4, 6, 1, 3, 5, 7);
    memcpy(sums, &s, sizeof s);
}

#define URN__QUARTERS8(u, v) URN__MERGE8(u, v, 0, 1, 8, 9, 4, 5, 12, 13, 2, 3, 10, 11, 6, 7, 14, 15)
URN__INLINE void urn__sum_lanes_8(const urn__vector_8 *v, urn__real *sums)
{
    const urn__vector_8 a = URN__HALVES8(v[0], v[4]), b = URN__HALVES8(v[1], v[5]);
    const urn__vector_8 c = URN__HALVES8(v[2], v[6]), d = URN__HALVES8(v[3], v[7]);
    const urn__vector_8 e = URN__QUARTERS8(a, b), f = URN__QUARTERS8(c, d);
    const urn__vector_8 s = URN__MERGE8(e, f, 0, 2, 8, 10, 4, 6, 12, 14, 1, 3, 9, 11, 5, 7, 13, 15);
    memcpy(sums, &s, sizeof s);
}

URN__INLINE void urn__sum_lanes_16(const urn__vector_16 *v, urn__real *sums)
{
    urn__vector_8 half[8];
    URN__UNROLL
    for (int r = 0; r < 8; r++) {
        urn__vector_8 two[2];
        memcpy(two, &v[r], sizeof two);
        half[r] = two[0] + two[1];
    }
    urn__sum_lanes_8(half, sums);
}
#else
URN__INLINE void urn__sum_lanes_2(const urn__vector_2 *v, urn__real *sums)
{
    const urn__vector_2 s = URN__MERGE2(v[0], v[1], 0, 2, 1, 3);
    memcpy(sums, &s, sizeof s);
}

URN__INLINE void urn__sum_lanes_4(const urn__vector_4 *v, urn__real *sums)
{
    const urn__vector_4 a = URN__HALVES4(v[0], v[2]), b = URN__HALVES4(v[1], v[3]);
    const urn__vector_4 s = URN__MERGE4(a, b, 0, 4, 2, 6, 1, 5, 3, 7);
    memcpy(sums, &s, sizeof s);
}

#define URN__QUARTERS8(u, v) URN__MERGE8(u, v, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15)
URN__INLINE void urn__sum_lanes_8(const urn__vector_8 *v, urn__real *sums)
{
    const urn__vector_8 a = URN__HALVES8(v[0], v[2]), b = URN__HALVES8(v[4], v[6]);
    const urn__vector_8 c = URN__HALVES8(v[1], v[3]), d = URN__HALVES8(v[5], v[7]);
    const urn__vector_8 e = URN__QUARTERS8(a, b), f = URN__QUARTERS8(c, d);
    const urn__vector_8 s = URN__MERGE8(e, f, 0, 8, 2, 10, 4, 12, 6, 14, 1, 9, 3, 11, 5, 13, 7, 15);
    memcpy(sums, &s, sizeof s);
}
#endif
#else
/* Without shuffles: plain C. */
#define URN__SUM_LANES(lanes)                                                                      \
    URN__INLINE void urn__sum_lanes_##lanes(const urn__vector_##lanes *v, urn__real *sums)         \
    {                                                                                              \
        for (int r = 0; r < URN__ROWS_OF(lanes); r++) {                                            \
            urn__real s[lanes];                                                                    \
            memcpy(s, &v[r], sizeof s);                                                            \
            for (int half = lanes / 2; half > 0; half /= 2)                                        \
                for (int k = 0; k < half; k++)                                                     \
                    s[k] += s[k + half];                                                           \
            sums[r] = s[0];                                                                        \
        }                                                                                          \
    }
URN__SUM_LANES(2)
URN__SUM_LANES(4)
URN__SUM_LANES(8)
URN__SUM_LANES(16)
#endif

#endif
