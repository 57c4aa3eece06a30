/* From the product of a user's and an item's row to the mean of their rating, for bench/rows.h. */
#ifndef URN_BENCH_LINK_H
#define URN_BENCH_LINK_H

#include "bench/real.h"

#define MAX_DIM 128
#define AHEAD 8 /* ratings asked of the cache before their turn */

typedef real vec4 __attribute__((vector_size(4 * sizeof(real))));

/* mean = x, or low + range sigmoid(x). */
typedef struct link {
    int sigmoid;
    real precision, low, range;
} link;

/* Four at a time: squared residuals, and the derivatives of -precision residual^2 / 2 in x. */
ALWAYS_INLINE void residuals_of(const link *l, vec4 y, vec4 x, vec4 *square, vec4 *weight)
{
    vec4 mean = x, slope = {1, 1, 1, 1};
    if (l->sigmoid) {
        vec4 e;
        for (int j = 0; j < 4; j++)
            e[j] = floor_exp(-x[j]);
        const vec4 s = 1 / (1 + e);
        mean = l->low + l->range * s;
        slope = l->range * s * (1 - s);
    }
    const vec4 residual = y - mean;
    *square = residual * residual;
    *weight = l->precision * residual * slope;
}

#endif
