/* Pareto-smoothed importance sampling: how far log weights are from usable ones. */
#ifndef URN_INFERENCE_PSIS_H
#define URN_INFERENCE_PSIS_H

#include "../runtime/base/base.h"

/* Shape and scale of a generalised Pareto distribution fitted to n >= 5 positive exceedances in
 * ascending order: Zhang and Stephens, A new and efficient estimation method for the generalized
 * Pareto distribution, Technometrics 51, 2009, with k drawn towards 0.5 by ten observations' worth
 * (Vehtari, Simpson, Gelman, Yao and Gabry, Pareto smoothed importance sampling, 2024). */
void urn__pareto_fit(int64_t n, const double *exceedance, double *k, double *sigma);

/* Smooths n log weights in place: the tail is replaced by quantiles of its Pareto fit, cut off at
 * the largest raw weight, and all are normalised (log of their sum is 0). `relative_efficiency` is
 * 1 for independent draws. The order of the weights is kept. *k is infinite when the tail is too
 * short to fit, and when a weight is NaN or infinite (nothing is smoothed then; weights of zero,
 * -infinity, are allowed as long as one is larger). */
urn_status urn__psis(const urn_allocator *allocator, int64_t n, double *log_weight,
                     double relative_efficiency, double *k, urn_error *error);

/* Are n log weights, at least one of them, equal up to 1e-6? Then the draws are of the target
 * itself, and there is no tail to fit. */
bool urn__weights_agree(int64_t n, const double *log_weight);

#endif
