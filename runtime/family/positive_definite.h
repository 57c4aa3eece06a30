/* Symmetric positive definite matrices, d x d, row-major, as the values of families. Only their
 * symmetric part counts: densities look at (X + X^T) / 2, and partials are symmetric. */
#ifndef URN_FAMILY_POSITIVE_DEFINITE_H
#define URN_FAMILY_POSITIVE_DEFINITE_H

#include "../tensor/tensor.h"
#include "density.h"
#include <gsl/gsl_randist.h>

/* |X_ij - X_ji| <= tolerance sqrt(X_ii X_jj), with a positive diagonal. */
static inline bool urn__is_symmetric(int64_t d, const double *x, double tolerance)
{
    for (int64_t i = 0; i < d; i++) {
        if (!(x[i * d + i] > 0.0))
            return false;
        for (int64_t j = 0; j < i; j++) {
            const double size = sqrt(x[i * d + i]) * sqrt(x[j * d + j]);
            if (!(fabs(x[i * d + j] - x[j * d + i]) <= tolerance * size))
                return false;
        }
    }
    return true;
}

/* The lower factor of (X + X^T) / 2; false where X is not positive definite or far from symmetric.
 * Finite differences, which change one element at a time, pass. */
static inline bool urn__factor_symmetric(int64_t d, const double *x, double *l)
{
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j <= i; j++)
            l[i * d + j] = 0.5 * x[i * d + j] + 0.5 * x[j * d + i];
    return urn__is_symmetric(d, x, 1e-2) && urn__cholesky(d, l, l);
}

/* Twice the sum of log L_kk; NaN unless they are positive. */
static inline double urn__log_det_of_factor(int64_t d, const double *l)
{
    double sum = 0.0;
    for (int64_t k = 0; k < d; k++)
        sum += l[k * (d + 1)] > 0.0 ? log(l[k * (d + 1)]) : (double)NAN;
    return 2.0 * sum;
}

/* log Gamma_d(a), the multivariate gamma function, a > (d - 1) / 2; its derivative to `slope`. */
static inline double urn__log_gamma_multi(int64_t d, double a, double *slope)
{
    double sum = 0.25 * (double)(d * (d - 1)) * URN__LOG_PI;
    *slope = 0.0;
    for (int64_t i = 0; i < d; i++) {
        sum += urn__log_gamma(a - 0.5 * (double)i);
        *slope += urn__digamma(a - 0.5 * (double)i);
    }
    return sum;
}

/* Bartlett's factor: A lower triangular with A A^T a draw from Wishart(df, I). */
static inline void urn__draw_bartlett(int64_t d, double df, urn_rng *rng, double *a)
{
    memset(a, 0, (size_t)(d * d) * sizeof *a);
    for (int64_t i = 0; i < d; i++) {
        for (int64_t j = 0; j < i; j++)
            a[i * d + j] = urn_rng_normal(rng);
        a[i * d + i] = sqrt(2.0 * gsl_ran_gamma(urn_rng_gsl(rng), 0.5 * (df - (double)i), 1.0));
    }
}

/* out = M^T M, or M M^T where `outer` is set. */
static inline void urn__gram(int64_t d, const double *m, bool outer, double *out)
{
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0.0;
            for (int64_t k = 0; k < d; k++)
                sum += outer ? m[i * d + k] * m[j * d + k] : m[k * d + i] * m[k * d + j];
            out[i * d + j] = out[j * d + i] = sum;
        }
}

/* One row of a family with parameters df and a factor L: its log density, and its partials, added
 * to d_x and d_l where these are not NULL. `scratch`: three matrices. */
typedef double urn__matrix_row(int64_t d, double df, const double *l, const double *x,
                               double *scratch, double *d_df, double *d_x, double *d_l);

static inline void urn__clear(double *x, int64_t n)
{
    if (x != NULL)
        memset(x, 0, (size_t)n * sizeof *x);
}

static inline void urn__matrix_rows(const urn_density_call *c, int df, int tril,
                                    urn__matrix_row *row)
{
    const int64_t size = c->dim * c->dim;
    double *d_df = c->d_param[df], *d_l = c->d_param[tril];
    urn__clear(c->x_stride != 0 ? c->d_x : NULL, c->n * size);
    urn__clear(c->stride[tril] != 0 ? d_l : NULL, c->n * size);
    urn__clear(c->stride[df] != 0 ? d_df : NULL, c->n);
    for (int64_t i = 0; i < c->n; i++) {
        double slope = 0.0;
        c->log_density[i] =
            row(c->dim, c->param[df][i * c->stride[df]], c->param[tril] + i * c->stride[tril],
                c->x + i * c->x_stride, c->scratch, &slope,
                c->d_x != NULL ? c->d_x + i * c->x_stride : NULL,
                d_l != NULL ? d_l + i * c->stride[tril] : NULL);
        if (d_df != NULL)
            d_df[i * c->stride[df]] += slope;
    }
}

static inline void urn__identity(int64_t d, double *m)
{
    memset(m, 0, (size_t)(d * d) * sizeof *m);
    for (int64_t i = 0; i < d; i++)
        m[i * d + i] = 1.0;
}

static inline void urn__fill_nan(int64_t n, double *x)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = (double)NAN;
}

#endif
