/* Simulation-based calibration: over many data sets drawn with their truth from the model, the rank
 * of the truth among the posterior's draws is uniform if the posterior is right (Talts, Betancourt,
 * Simpson, Vehtari and Gelman, Validating Bayesian inference algorithms with simulation-based
 * calibration, 2018). */
#ifndef URN_INFERENCE_DIAGNOSTICS_RANKS_H
#define URN_INFERENCE_DIAGNOSTICS_RANKS_H

#include <stdint.h>

enum { URN__RANK_BINS = 20 };

typedef struct urn__ranks {
    int64_t n_draws; /* ranks are 0 .. n_draws */
    int n_bins;      /* of equal numbers of ranks */
    int64_t trials, bin[URN__RANK_BINS];
    double shift, spread; /* sums over the trials */
} urn__ranks;

/* As many bins, up to 20, as n_draws + 1 can be divided into evenly with five trials or more each.
 */
void urn__ranks_start(urn__ranks *ranks, int64_t n_draws, int64_t n_trials);
void urn__ranks_add(urn__ranks *ranks, int64_t rank);
/* Probability of bins at least as uneven as these (chi-square). NaN with a single bin. */
double urn__ranks_p(const urn__ranks *ranks);
/* Standard scores of the mean rank, and of the mean squared distance from the middle. The first is
 * above 0 where the posterior's draws are too low, the second where they are too narrow. */
double urn__ranks_shift(const urn__ranks *ranks);
double urn__ranks_spread(const urn__ranks *ranks);

#endif
