/* Distances between samples, and of a sample from a number. */
#ifndef URN_INFERENCE_COMPARE_DISTANCES_H
#define URN_INFERENCE_COMPARE_DISTANCES_H

#include <stdint.h>

/* Wasserstein distance of order 1 of two samples: the integral of |F_a - F_b|. Both are sorted.
 * NaN if one is empty, or holds a NaN. */
double urn__wasserstein(int64_t n_a, double *a, int64_t n_b, double *b);

/* Continuous ranked probability score of a predictive distribution known by n draws, at y:
 * E|X - y| - E|X - X'| / 2 (Gneiting and Raftery, Strictly proper scoring rules, prediction, and
 * estimation, JASA 102, 2007), the second mean over pairs of different draws, so that it has no
 * bias for any n (Ferro, Fair scores for ensemble forecasts, QJRMS 140, 2014). Sorts x. NaN for
 * fewer than two draws. */
double urn__crps(int64_t n, double *x, double y);

double urn__correlation(int64_t n, const double *x, const double *y); /* NaN if one is constant */

/* Mean of n numbers; *se is its standard error, NaN for a single one. */
double urn__mean_of(int64_t n, const double *x, double *se);

/* Singular values, largest first, of the product A B^T of an (n x d) and an (m x d) matrix, from
 * their d x d Gram matrices, A^T A and B^T B (overwritten). They are the same for A C and B C^-T.
 * `work` has 3 d d + d numbers. */
void urn__product_singular_values(int64_t d, double *gram_a, double *gram_b, double *work,
                                  double *values);
/* Eigenvalues, ascending, of a symmetric d x d matrix (overwritten), by Jacobi's rotations
 * (Golub and Van Loan, Matrix Computations, 8.5); `vectors` (d x d, in columns) may be NULL. */
void urn__eigen_symmetric(int64_t d, double *a, double *vectors, double *values);

#endif
