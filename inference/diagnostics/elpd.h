/* Expected log predictive densities: PSIS-LOO, WAIC, and differences between models.
 *
 * Vehtari, Gelman and Gabry, Practical Bayesian model evaluation using leave-one-out
 * cross-validation and WAIC, Statistics and Computing 27, 2017; Vehtari, Simpson, Gelman, Yao and
 * Gabry, Pareto smoothed importance sampling, JMLR 25, 2024; Watanabe, Asymptotic equivalence of
 * Bayes cross validation and widely applicable information criterion, JMLR 11, 2010. Figures are
 * those of ArviZ 0.23 on the log scale. */
#ifndef URN_INFERENCE_DIAGNOSTICS_ELPD_H
#define URN_INFERENCE_DIAGNOSTICS_ELPD_H

#include "../../runtime/base/base.h"

/* Log likelihoods of n_points observations under n_draws draws, those of all chains one after the
 * other: log_lik[s * draw_stride + i * point_stride]. */
typedef struct urn__log_lik {
    const double *log_lik;
    int64_t n_draws, n_points;
    int64_t draw_stride, point_stride;
} urn__log_lik;

/* One observation. NaN throughout, with k infinite, if a log likelihood of it is not finite. */
typedef struct urn__elpd_point {
    double elpd; /* log predictive density of the observation, left out */
    double lppd; /* log mean likelihood, not left out */
    double p;    /* lppd - elpd (LOO), or the variance of the log likelihood (WAIC) */
    double k;    /* shape of the Pareto tail of the weights; NaN for WAIC */
} urn__elpd_point;

typedef struct urn__elpd {
    double elpd, se;     /* sum over the observations, sqrt(n variance of one) */
    double p, ic, ic_se; /* effective parameters; looic or waic = -2 elpd, with its error */
    double worst_k;      /* largest k; NaN for WAIC */
    double good_k;       /* min(1 - 1 / log10(draws), 0.7): above it a term is not to be trusted */
    int64_t n_bad;       /* terms above good_k (LOO); with p over 0.4 (WAIC) */
} urn__elpd;

/* `relative_efficiency` is the mean over all parameters of ESS of the mean over the number of
 * draws, 1 for independent draws or a single chain (ArviZ's convention). `points` gets n_points
 * rows. At least two draws and one observation. */
urn_status urn__loo(const urn_allocator *allocator, const urn__log_lik *data,
                    double relative_efficiency, urn__elpd_point *points, urn__elpd *total,
                    urn_error *error);
urn_status urn__waic(const urn__log_lik *data, urn__elpd_point *points, urn__elpd *total,
                     urn_error *error);

/* elpd of a less that of b on the same n observations; *se is sqrt(n variance of a term), NaN for
 * a single observation. */
double urn__elpd_difference(int64_t n, const urn__elpd_point *a, const urn__elpd_point *b,
                            double *se);

#endif
