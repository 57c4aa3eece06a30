/* Sums in a fixed order, the same on all paths: 32 running sums, combined as a tree. */
#include "kernels.h"

#include <string.h>

#define SUMS 4 /* groups of lanes, enough to hide an addition's latency */

/* Vectors go through pointers: passing them by value would depend on the machine's calling rules.
 */
URN__INLINE void load(const double *x, urn__lanes *v)
{
    memcpy(v, x, sizeof *v);
}

URN__INLINE void load_part(const double *x, int64_t n, urn__lanes *v)
{
    double pad[URN__LANES] = {0.0};
    memcpy(pad, x, (size_t)n * sizeof *x);
    memcpy(v, pad, sizeof *v);
}

URN__INLINE double combine(const urn__lanes *sums)
{
    const urn__lanes v = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

/* Up to eight terms, in the order the lanes would add them: going through a vector would wait for
 * eight small stores to reach it, and small models are made of small sums. */
URN__INLINE double reduce_few(int64_t n, const double *x, const double *y)
{
    double v[URN__LANES] = {0.0};
    for (int64_t i = 0; i < n; i++)
        v[i] = y ? x[i] * y[i] : x[i];
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

/* sum of x, or of x * y where there is a y: padding with zeros changes neither */
URN__INLINE double reduce(int64_t n, const double *x, const double *y)
{
    urn__lanes sums[SUMS] = {{0.0}}, u, v;
    int64_t i = 0;
    if (n <= URN__LANES)
        return reduce_few(n, x, y);
    for (; i + SUMS * URN__LANES <= n; i += SUMS * URN__LANES) {
        for (int k = 0; k < SUMS; k++) {
            load(x + i + k * URN__LANES, &u);
            if (y)
                load(y + i + k * URN__LANES, &v);
            sums[k] += y ? u * v : u;
        }
    }
    for (int k = 0; i < n; i += URN__LANES, k++) {
        const int64_t part = n - i < URN__LANES ? n - i : URN__LANES;
        load_part(x + i, part, &u);
        if (y)
            load_part(y + i, part, &v);
        sums[k] += y ? u * v : u;
    }
    return combine(sums);
}

double URN__KERNEL(sum)(int64_t n, const double *x)
{
    return reduce(n, x, NULL);
}

double URN__KERNEL(dot)(int64_t n, const double *a, const double *b)
{
    return reduce(n, a, b);
}

void URN__KERNEL(axpy)(int64_t n, double a, const double *restrict x, double *restrict y)
{
    URN__SIMD
    for (int64_t i = 0; i < n; i++)
        y[i] += a * x[i];
}
