/* Sums in a fixed order, the same on all paths: 32 running sums of doubles, combined as a tree. */
#include "kernels.h"

#define SUMS 4 /* groups of lanes, enough to hide an addition's latency */

URN__INLINE void load_part(const urn__real *x, int64_t n, urn__sum_lanes *v)
{
    urn__real pad[URN__SUM_LANES] = {0};
    memcpy(pad, x, (size_t)n * sizeof *x);
    urn__load_eight(pad, v);
}

URN__INLINE double combine(const urn__sum_lanes *sums)
{
    const urn__sum_lanes v = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

/* Up to eight terms, in the order the lanes would add them: going through a vector would wait for
 * eight small stores to reach it, and small models are made of small sums. */
URN__INLINE double reduce_few(int64_t n, const urn__real *x, const urn__real *y)
{
    double v[URN__SUM_LANES] = {0.0};
    for (int64_t i = 0; i < n; i++)
        v[i] = y ? (double)x[i] * (double)y[i] : (double)x[i];
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

/* sum of x, or of x * y where there is a y: padding with zeros changes neither */
URN__INLINE double reduce(int64_t n, const urn__real *x, const urn__real *y)
{
    urn__sum_lanes sums[SUMS] = {{0.0}}, u, v;
    int64_t i = 0;
    if (n <= URN__SUM_LANES)
        return reduce_few(n, x, y);
    for (; i + SUMS * URN__SUM_LANES <= n; i += SUMS * URN__SUM_LANES) {
        for (int k = 0; k < SUMS; k++) {
            urn__load_eight(x + i + k * URN__SUM_LANES, &u);
            if (y)
                urn__load_eight(y + i + k * URN__SUM_LANES, &v);
            sums[k] += y ? u * v : u;
        }
    }
    for (int k = 0; i < n; i += URN__SUM_LANES, k++) {
        const int64_t part = n - i < URN__SUM_LANES ? n - i : URN__SUM_LANES;
        load_part(x + i, part, &u);
        if (y)
            load_part(y + i, part, &v);
        sums[k] += y ? u * v : u;
    }
    return combine(sums);
}

double URN__KERNEL(sum)(int64_t n, const urn__real *x)
{
    return reduce(n, x, NULL);
}

double URN__KERNEL(dot)(int64_t n, const urn__real *a, const urn__real *b)
{
    return reduce(n, a, b);
}

void URN__KERNEL(axpy)(int64_t n, urn__real a, const urn__real *restrict x, urn__real *restrict y)
{
    URN__SIMD
    for (int64_t i = 0; i < n; i++)
        y[i] += a * x[i];
}
