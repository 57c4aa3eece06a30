/* What wishart and inverse_wishart share. With the scale matrix W = L L^T, X = C C^T, and as
 * distance R = L^-1 C (C^-1 L for the inverse), both log densities are
 *   df h - (d + 1) / 2 log |X| - |R|^2 / 2 - log Gamma_d(df / 2),
 * h half of log |X| - log |W|, of the other sign for the inverse, less d / 2 log 2. */
#ifndef URN_FAMILY_WISHART_TERMS_H
#define URN_FAMILY_WISHART_TERMS_H

#include "positive_definite.h"

enum { DF, SCALE_TRIL };

typedef struct urn__wishart {
    double sign; /* of log |X| in h */
    /* R from L and C */
    void (*distance)(int64_t d, const double *l, const double *c, double *r);
    /* The partials of one row, added; C and R are used up. d_x or d_l may be NULL. */
    void (*add_partials)(int64_t d, double df, const double *l, double *c, double *r, double *work,
                         double *d_x, double *d_l);
} urn__wishart;

static inline int64_t urn__wishart_scratch(int64_t n, int64_t dim)
{
    (void)n;
    return 3 * dim * dim;
}

/* Are there such distributions? */
static inline bool urn__wishart_proper(int64_t d, double df, const double *l)
{
    return !isnan(urn__log_det_of_factor(d, l)) && df > (double)(d - 1) && !isinf(df);
}

/* The log density of one row, as urn__matrix_row. */
static inline double urn__wishart_row(const urn__wishart *w, int64_t d, double df, const double *l,
                                      const double *x, double *scratch, double *d_df, double *d_x,
                                      double *d_l)
{
    double *c = scratch, *r = c + d * d, *work = r + d * d, slope = 0.0, squares = 0.0;
    *d_df = 0.0;
    if (!urn__wishart_proper(d, df, l))
        return (double)NAN;
    if (!urn__factor_symmetric(d, x, c))
        return (double)-INFINITY;
    w->distance(d, l, c, r);
    for (int64_t e = 0; e < d * d; e++)
        squares += r[e] * r[e];
    const double of_x = urn__log_det_of_factor(d, c), of_scale = urn__log_det_of_factor(d, l);
    const double log_gamma = urn__log_gamma_multi(d, 0.5 * df, &slope);
    const double h = 0.5 * (w->sign * (of_x - of_scale) - (double)d * URN__LOG_2);
    *d_df = h - 0.5 * slope;
    if (d_x != NULL || d_l != NULL)
        w->add_partials(d, df, l, c, r, work, d_x, d_l);
    return df * h - 0.5 * (double)(d + 1) * of_x - 0.5 * squares - log_gamma;
}

#endif
