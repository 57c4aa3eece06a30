/* Univariate slice sampling with stepping out and shrinkage (Neal 2003, sections 4.1 and 4.2). */
#ifndef URN_INFERENCE_GIBBS_STEPPING_H
#define URN_INFERENCE_GIBBS_STEPPING_H

#include "../../runtime/base/rng.h"
#include <math.h>

typedef double urn__log_density_at(void *context, double x);

enum { URN__STEPS_OUT = 64, URN__SHRINKS = 400 };

/* A step from x, `width` being a guess of how far one may go; x itself where the density there is
 * not finite. The interval grows by steps of the width, whose number is shared out between the
 * sides at random beforehand, as exactness wants. */
static inline double urn__slice_step(urn__log_density_at *log_density, void *context, double width,
                                     double x, urn_rng *rng)
{
    const double here = log_density(context, x);
    if (!isfinite(here))
        return x;
    const double level = here + log(urn_rng_uniform(rng));
    double low = x - width * urn_rng_uniform(rng), high = low + width;
    int left = (int)(URN__STEPS_OUT * urn_rng_uniform(rng)), right = URN__STEPS_OUT - 1 - left;
    for (; left > 0 && log_density(context, low) > level; left--)
        low -= width;
    for (; right > 0 && log_density(context, high) > level; right--)
        high += width;
    for (int i = 0; i < URN__SHRINKS; i++) {
        const double y = low + (high - low) * urn_rng_uniform(rng);
        if (log_density(context, y) > level)
            return y;
        if (y < x)
            low = y;
        else
            high = y;
    }
    return x;
}

#endif
