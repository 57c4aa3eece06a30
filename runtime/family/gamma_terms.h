/* What gamma and inverse_gamma share. With s = rate x (rate / x) both log densities are
 *   shape log s - s - log Gamma(shape) - log x,
 * which loses digits where shape is large and s is near it. From SHAPE_LARGE on it is written as
 *   shape (log t - (t - 1)) + log(shape / (2 pi)) / 2 - stirling_error(shape) - log x,  t = s /
 * shape. */
#ifndef URN_FAMILY_GAMMA_TERMS_H
#define URN_FAMILY_GAMMA_TERMS_H

#include "density.h"
#include <gsl/gsl_randist.h>

enum { SHAPE, RATE };

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

/* Terms are of urn__gamma_terms; partials by x, shape and rate, those that nobody wants in the
 * scratch. */
typedef void urn__gamma_rows(int64_t n, const real *restrict x, const real *restrict shape,
                             const real *restrict rate, const real *restrict term,
                             const real *restrict d_term, real *restrict log_density,
                             real *restrict d_x, real *restrict d_shape, real *restrict d_rate);
static inline void urn__gamma_density(const urn__density_call_real *c, urn__gamma_rows *rows)
{
    real *term = c->scratch + 3 * c->n, *d_term = term + c->n;
    urn__gamma_terms(c->n, c->param[SHAPE], term, d_term);
    rows(c->n, c->x, c->param[SHAPE], c->param[RATE], term, d_term, c->log_density,
         urn__partial(c, c->d_x, 0), urn__partial(c, c->d_param[SHAPE], 1),
         urn__partial(c, c->d_param[RATE], 2));
}

static inline int64_t urn__gamma_scratch(int64_t n, int64_t dim)
{
    (void)dim;
    return 5 * n;
}

/* A draw at rate 1 with the shape of the row; NaN where the row's parameters are none. */
static inline double urn__gamma_unit_draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const double shape = urn__argument(c, SHAPE, row);
    if (shape > 0.0 && shape < (double)INFINITY && urn__argument(c, RATE, row) > 0.0)
        return gsl_ran_gamma(urn_rng_gsl(rng), shape, 1.0);
    return NAN;
}

/* Quantiles at rate 1, from the upper tail on request. Rows that share a shape share the search. */
static inline void urn__gamma_unit_quantiles(const urn_draw_call *c, double p, bool upper,
                                             double *out)
{
    double last = NAN, unit = NAN;
    for (int64_t i = 0; i < c->n; i++) {
        const double shape = urn__argument(c, SHAPE, i);
        if (shape != last)
            unit = urn__gamma_quantile(shape, p, upper);
        last = shape;
        out[i] = unit;
    }
}

#endif
