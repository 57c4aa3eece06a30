/* From the product of a user's and an item's row to the mean of their rating, for bench/rows.h. */
#ifndef URN_BENCH_LINK_H
#define URN_BENCH_LINK_H

#include "bench/real.h"

#define MAX_DIM 128
#define AHEAD 16 /* ratings asked of the cache before their turn */

typedef real vec4 __attribute__((vector_size(4 * sizeof(real))));
#ifdef FLOOR_SINGLE
typedef int32_t bits4 __attribute__((vector_size(16)));
#else
typedef int64_t bits4 __attribute__((vector_size(32)));
#endif

/* mean = x, or low + range sigmoid(x). */
typedef struct link {
    int sigmoid;
    real precision, low, range;
} link;

/* floor_exp of four numbers within +-87. */
ALWAYS_INLINE vec4 exp4(vec4 x)
{
#ifdef FLOOR_SINGLE
    const vec4 moved = x * 1.4426950408889634F + 0x1.8p23F, k = moved - 0x1.8p23F;
    const vec4 r = (x - k * 0x1.62e4p-1F) - k * 0x1.7f7d1cp-20F;
    vec4 p = 0.0013941108433972675F * r + 0.0083751263981533357F;
    p = p * r + 0.041666352896775157F;
    p = p * r + 0.16666415514653275F;
    p = p * r + 0.50000000471177577F;
    p = p * r * r + r + 1.0F;
    return (vec4)((bits4)p + ((bits4)moved << 23));
#else
    const vec4 moved = x * 1.4426950408889634 + 0x1.8p52, k = moved - 0x1.8p52;
    const vec4 r = (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
    vec4 p = 2.5110037605963778e-8 * r + 2.763263963904103e-7;
    p = p * r + 2.755724091857897e-6;
    p = p * r + 2.4801485482328492e-5;
    p = p * r + 0.00019841269890047114;
    p = p * r + 0.0013888888952314775;
    p = p * r + 0.0083333333333196006;
    p = p * r + 0.041666666666488095;
    p = p * r + 0.16666666666666681;
    p = p * r + 0.50000000000000184;
    p = p * r * r + r + 1.0;
    return (vec4)((bits4)p + ((bits4)moved << 52));
#endif
}

/* Four at a time: squared residuals, and the derivatives of -precision residual^2 / 2 in x. */
ALWAYS_INLINE void residuals_of(const link *l, vec4 y, vec4 x, vec4 *square, vec4 *weight)
{
    vec4 mean = x, slope = {1, 1, 1, 1};
    if (l->sigmoid) {
        const vec4 most = {80, 80, 80, 80};
        const bits4 high = x > most, low = x < -most;
        const vec4 inside =
            (vec4)(((bits4)x & ~(high | low)) | ((bits4)most & high) | ((bits4)-most & low));
        const vec4 s = 1 / (1 + exp4(-inside));
        mean = l->low + l->range * s;
        slope = l->range * s * (1 - s);
    }
    const vec4 residual = y - mean;
    *square = residual * residual;
    *weight = l->precision * residual * slope;
}

#endif
