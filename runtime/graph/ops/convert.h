/* For kernels that compute in double in either precision: their arguments as doubles. In double the
 * arguments themselves, in single copies. Included by files compiled once per precision. */
#ifndef URN_GRAPH_OPS_CONVERT_H
#define URN_GRAPH_OPS_CONVERT_H

#include "../graph.h"

#ifdef URN_SINGLE

enum { URN__CONVERTED = 1 }; /* factor of the sizes of buffers */

/* `n` numbers as doubles, in `buffer`. */
static inline const double *doubles_of(int64_t n, const urn__real *x, double *buffer)
{
    for (int64_t i = 0; i < n; i++)
        buffer[i] = (double)x[i];
    return buffer;
}

/* Where to compute the doubles of `out`; give them back afterwards. */
static inline double *doubles_for(urn__real *out, double *buffer)
{
    (void)out;
    return buffer;
}

static inline void give_back(int64_t n, const double *computed, urn__real *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (urn__real)computed[i];
}

#else

enum { URN__CONVERTED = 0 };

static inline const double *doubles_of(int64_t n, const double *x, double *buffer)
{
    (void)n, (void)buffer;
    return x;
}

static inline double *doubles_for(double *out, double *buffer)
{
    (void)buffer;
    return out;
}

static inline void give_back(int64_t n, const double *computed, double *out)
{
    (void)n, (void)computed, (void)out;
}

#endif
#endif
