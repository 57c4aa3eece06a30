/* Columns of a matrix sorted side by side: see table.h. */
#include "kernels.h"

/* Pairs in ascending order. */
static void order(int64_t n, urn__real *restrict low, urn__real *restrict high)
{
    URN__SIMD
    for (int64_t k = 0; k < n; k++) {
        const urn__real a = low[k], b = high[k];
        low[k] = a < b ? a : b;
        high[k] = a < b ? b : a;
    }
}

static int64_t largest_power_below(int64_t n)
{
    int64_t power = 1;
    while (2 * power < n)
        power *= 2;
    return power;
}

/* Batcher's merge exchange (1968; Knuth, The Art of Computer Programming 3, 5.2.2 M): which rows
 * are compared depends on nothing but n, so all columns take the same way. Rows i and i + d are
 * compared where bit p of i is that of r; d >= p, so no run of p rows meets its partners. */
void URN__KERNEL(sort_columns)(int64_t n, int64_t width, urn__real *x)
{
    const int64_t most = largest_power_below(n);
    for (int64_t p = most; p > 0 && n > 1; p /= 2) {
        int64_t r = 0, d = p;
        for (int64_t q = most; q >= p; q /= 2) {
            for (int64_t i = r; i < n - d; i += 2 * p) {
                const int64_t rows = n - d - i < p ? n - d - i : p;
                order(rows * width, x + i * width, x + (i + d) * width);
            }
            d = q - p;
            r = p;
        }
    }
}
