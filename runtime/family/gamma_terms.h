/* What gamma and inverse_gamma share. With s = rate x (rate / x) both log densities are
 *   shape log s - s - log Gamma(shape) - log x,
 * which loses digits where shape is large and s is near it. From SHAPE_LARGE on it is written as
 *   shape (log t - (t - 1)) + log(shape / (2 pi)) / 2 - stirling_error(shape) - log x,  t = s /
 * shape. */
#ifndef URN_FAMILY_GAMMA_TERMS_H
#define URN_FAMILY_GAMMA_TERMS_H

#include "density.h"

#define URN__SHAPE_LARGE 10.0

/* Per row the term in shape alone, and what is left of d / d shape: -digamma(shape), with
 * log(shape) added where it is large. Rows often share one shape, which is then looked at once. */
static inline void urn__gamma_terms(int64_t n, const real *shape, real *term, real *d_term)
{
    double last = NAN, of_last = NAN, d_of_last = NAN;
    for (int64_t i = 0; i < n; i++) {
        const double a = (double)shape[i];
        if (a != last) {
            const bool large = a >= URN__SHAPE_LARGE;
            last = a;
            of_last =
                large ? 0.5 * (log(a) - URN__LOG_2PI) - urn__stirling_error(a) : -urn__log_gamma(a);
            d_of_last = (large ? log(a) : 0.0) - urn__digamma(a);
        }
        term[i] = (real)of_last;
        d_term[i] = (real)d_of_last;
    }
}

#endif
