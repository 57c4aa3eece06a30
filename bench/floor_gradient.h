/* Log densities with gradients written by hand, in double, beside those of bench/gradient.c. */
#ifndef URN_BENCH_FLOOR_GRADIENT_H
#define URN_BENCH_FLOOR_GRADIENT_H

#include "bench/dataset.h"
#include "bench/hpmf.h"
#include <stdint.h>

/* mu, log tau, z; y and sigma of eight schools. */
double floor_eight_schools(const double *y, const double *sigma, const double *position,
                           double *gradient);

/* alpha, beta over the columns of x, which is n rows of LOGISTIC_STRIDE numbers, zeros past the
 * LOGISTIC_COLUMNS; y is 0 or 1. */
enum { LOGISTIC_STRIDE = 56 };
double floor_logistic(int64_t n, const double *y, const double *x, const double *position,
                      double *gradient);

/* loc_u, tril_u, obs_scale, U, V. */
double floor_hpmf(hpmf *f, const double *position, double *gradient);

#endif
