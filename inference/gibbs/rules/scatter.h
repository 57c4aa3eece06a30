/* What the rules of precision and covariance matrices share: weighted sums of products of
 * deviations, and draws from Wishart distributions by natural parameters. */
#ifndef URN_INFERENCE_GIBBS_SCATTER_H
#define URN_INFERENCE_GIBBS_SCATTER_H

#include "../gibbs.h"

/* Doubles of scratch that the functions below use. */
int64_t urn__scatter_scratch(int64_t dim);

/* Adds the sum over the rows of k (v - from) (v - from)^T to `matrix` (d x d, symmetric), that of k
 * (v - from) to `sum` and that of k to `count`, which may be NULL. k is the row's coefficient, or
 * its inverse; `from` is the row's loc, or `from` for all where not NULL. */
void urn__add_scatter(const urn__child_call *call, bool inverse, const double *from, double *matrix,
                      double *sum, double *count);

/* L with L L^T = `matrix` (of which the lower triangle is read), into `l`; false, and the
 * reciprocal of the condition of its diagonal in *condition, where it is not positive definite. */
bool urn__scatter_factor(int64_t d, const double *matrix, double *l, double *condition);
/* A draw of Wishart(df, (L L^T)^-1) into x (d x d), by L; Bartlett's factor is left in `a` and the
 * scratch `t` is used. */
void urn__draw_wishart(int64_t d, double df, const double *l, urn_rng *rng, double *a, double *t,
                       double *x);
/* (L L^T)^-1 times `factor`. */
void urn__scaled_inverse(int64_t d, double factor, const double *l, double *t, double *x);
/* log |x| by a factor made in `l`; NaN where x is not positive definite. */
double urn__log_det(int64_t d, const double *x, double *l);
/* The sum of products of the elements of two symmetric matrices. */
double urn__trace_product(int64_t d, const double *a, const double *b);

#endif
