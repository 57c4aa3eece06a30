/* Elementwise kernels of two arguments, each an array or (stride 0) one number for all elements. */
#include "kernels.h"
#include "vmath.h"

/* Loads of the two arguments are written per case: a stride in a loop keeps it from vectorising. */
#define LOOP(load_a, load_b, expression)                                                           \
    URN__SIMD for (int64_t i = 0; i < n; i++)                                                      \
    {                                                                                              \
        const urn__real u = load_a, v = load_b;                                                    \
        y[i] = (expression);                                                                       \
    }

/* The single numbers are read before anything is written: y may be a or b. */
#define MAP2_WHOLE(name, expression)                                                               \
    URN__INLINE void name##_whole(int64_t n, const urn__real *a, int64_t stride_a,                 \
                                  const urn__real *b, int64_t stride_b, urn__real *y)              \
    {                                                                                              \
        const urn__real a0 = a[0], b0 = b[0];                                                      \
        if (stride_a != 0 && stride_b != 0)                                                        \
            LOOP(a[i], b[i], expression)                                                           \
        else if (stride_a != 0)                                                                    \
            LOOP(a[i], b0, expression)                                                             \
        else if (stride_b != 0)                                                                    \
            LOOP(a0, b[i], expression)                                                             \
        else                                                                                       \
            LOOP(a0, b0, expression)                                                               \
    }

#define MAP2(name, expression)                                                                     \
    MAP2_WHOLE(name, expression)                                                                   \
    void URN__KERNEL(name)(int64_t n, const urn__real *a, int64_t stride_a, const urn__real *b,    \
                           int64_t stride_b, urn__real *y)                                         \
    {                                                                                              \
        if (n > 0)                                                                                 \
            name##_whole(n, a, stride_a, b, stride_b, y);                                          \
    }

MAP2(map_add, u + v)
MAP2(map_sub, u - v)
MAP2(map_mul, u *v)
MAP2(map_div, u / v)
/* Either one that is NaN makes the result NaN. */
MAP2(map_maximum, u > v || u != u ? u : v)
MAP2(map_minimum, u < v || u != u ? u : v)
MAP2_WHOLE(map_pow, urn__pow_real(u, v))

URN__INLINE void pad_with(urn__real *pad, int64_t n, const urn__real *x, int64_t stride)
{
    for (int i = 0; i < URN__LANES; i++)
        pad[i] = x[i < n ? i * stride : 0];
}

/* pow is the one whose vector and scalar versions differ: its last elements are padded to a vector.
 */
void URN__KERNEL(map_pow)(int64_t n, const urn__real *a, int64_t stride_a, const urn__real *b,
                          int64_t stride_b, urn__real *y)
{
    const int64_t whole = URN__WHOLE(n), rest = n - whole;
    urn__real pad_a[URN__LANES], pad_b[URN__LANES];
    if (rest > 0) { /* before y, which may be a or b, is written */
        pad_with(pad_a, rest, a + whole * stride_a, stride_a);
        pad_with(pad_b, rest, b + whole * stride_b, stride_b);
    }
    if (whole > 0)
        map_pow_whole(whole, a, stride_a, b, stride_b, y);
    if (rest > 0) {
        map_pow_whole(URN__LANES, pad_a, 1, pad_b, 1, pad_a);
        memcpy(y + whole, pad_a, (size_t)rest * sizeof *y);
    }
}
