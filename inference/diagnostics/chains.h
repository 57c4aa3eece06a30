/* Convergence diagnostics of the draws of one number from several chains.
 *
 * The definitions are those of Vehtari, Gelman, Simpson, Carpenter and Buerkner,
 * Rank-normalization, folding, and localization: an improved R-hat for assessing convergence of
 * MCMC, Bayesian Analysis 16(2), 2021 (VGSCB below), in the form ArviZ 0.23 and the R package
 * posterior compute them.
 *
 * Chains are read once into an object that owns all memory the diagnostics need; from then on
 * nothing allocates and nothing fails. What cannot be said is NaN: of fewer than four draws a
 * chain, of draws that are not all finite, and R-hat of a single chain. Chains are split into
 * halves of floor(n / 2) draws; of an odd number of draws the middle one is left out there. */
#ifndef URN_INFERENCE_DIAGNOSTICS_CHAINS_H
#define URN_INFERENCE_DIAGNOSTICS_CHAINS_H

#include "../../runtime/base/base.h"

typedef struct urn__chains urn__chains;

/* Room for n_chains (at least 1) of n_draws (at least 1) each; no draws are in it until _read.
 * *chains is NULL on failure. */
urn_status urn__chains_new(const urn_allocator *allocator, int64_t n_chains, int64_t n_draws,
                           urn__chains **chains, urn_error *error);
void urn__chains_free(urn__chains *chains);

/* Copies the draws of one number: draw d of chain c is draws[c * chain_stride + d * draw_stride].
 * May be called again, for the next number. */
void urn__chains_read(urn__chains *chains, const double *draws, int64_t chain_stride,
                      int64_t draw_stride);

/* Of all draws together. The sd divides by their number less one. Quantiles are linear between
 * order statistics (type 7 of Hyndman and Fan, Sample quantiles in statistical packages, The
 * American Statistician 50, 1996), NaN if a draw is NaN; probabilities outside [0, 1] give NaN. */
double urn__chains_mean(const urn__chains *chains);
double urn__chains_sd(const urn__chains *chains);
double urn__chains_quantile(const urn__chains *chains, double p);

/* Mean over the draws of (x_d - mean)(x_{d + lag} - mean), divided by their number whatever the
 * lag, of one whole chain, for lags below n_lags (at most n_draws). */
void urn__chains_autocovariance(urn__chains *chains, int64_t chain, int64_t n_lags,
                                double *autocovariance);

/* R-hat, the square root of the pooled variance over the mean variance within chains. */
typedef enum urn__rhat_kind {
    URN__RHAT_RANK,    /* the larger of the next two: the one to report (VGSCB section 4) */
    URN__RHAT_BULK,    /* of rank-normalised draws of split chains */
    URN__RHAT_FOLDED,  /* of rank-normalised |x - median| of split chains: scales that differ */
    URN__RHAT_SPLIT,   /* of the draws of split chains (Gelman et al., Bayesian Data Analysis, 2013)
                        */
    URN__RHAT_IDENTITY /* of the draws of whole chains (Gelman and Rubin, Statistical Science 7,
                          1992) */
} urn__rhat_kind;
/* Infinite where chains are constant and differ; NaN where all draws are equal. */
double urn__rhat(urn__chains *chains, urn__rhat_kind kind);

/* Effective sample sizes, of split chains: n / tau, with the autocorrelation time tau summed up to
 * where Geyer's initial positive and monotone sequences end (Practical Markov chain Monte Carlo,
 * Statistical Science 7, 1992), and at least 1 / log10 of the number of draws (VGSCB section 3).
 * Draws that are all equal count in full. */
double urn__ess_bulk(urn__chains *chains); /* of rank-normalised draws */
double urn__ess_tail(urn__chains *chains); /* the smaller of the 5 % and 95 % quantiles' */
double urn__ess_mean(urn__chains *chains); /* of the draws themselves */
double urn__ess_sd(urn__chains *chains);   /* of squared distances from the mean */
double urn__ess_quantile(urn__chains *chains, double p); /* of x <= quantile p (VGSCB 4.3) */

/* Monte Carlo standard errors. That of the mean is sd / sqrt(ESS); that of the sd is by the delta
 * method from the error of the mean square; that of a quantile is half of the distance between the
 * draws at the 16 % and 84 % points of the quantile's Beta distribution (VGSCB section 4.4). */
double urn__mcse_mean(urn__chains *chains);
double urn__mcse_sd(urn__chains *chains);
double urn__mcse_quantile(urn__chains *chains, double p);

/* What a row of a summary shows. */
typedef struct urn__chains_summary {
    double mean, sd, mcse_mean, mcse_sd;
    double quantile[3]; /* 5, 50, 95 % */
    double ess_bulk, ess_tail, r_hat;
} urn__chains_summary;
void urn__chains_summarise(urn__chains *chains, urn__chains_summary *summary);

/* Estimated Bayesian fraction of missing information of one chain's energies: mean squared change
 * over variance (Betancourt, Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte
 * Carlo, 2016). Below 0.3 the momenta hardly move the energy. NaN for fewer than two energies, for
 * equal ones, and where one is not finite. */
double urn__e_bfmi(int64_t n, const double *energy, int64_t stride);

#endif
