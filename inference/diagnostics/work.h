/* What chains.c, ess.c and errors.c share. */
#ifndef URN_INFERENCE_DIAGNOSTICS_WORK_H
#define URN_INFERENCE_DIAGNOSTICS_WORK_H

#include "chains.h"

/* Lags whose autocovariances are summed one by one: where a chain forgets faster, no transform is
 * needed. */
#define URN__DIRECT_LAGS 32
#define URN__LAGS_AT_ONCE 4

typedef struct urn__ranked {
    double value;
    int64_t at; /* position in x, or in split */
} urn__ranked;

struct urn__chains {
    const urn_allocator *allocator;
    int64_t n_chains, n_draws, half;
    double *x;                            /* [chain][draw] */
    urn__ranked *order, *folded, *merged; /* ascending; of x, of the folded draws, scratch */
    double *split;          /* [2 n_chains][half] or whole chains: the values studied */
    double *centred;        /* a chain each, its mean taken off, zeros behind it */
    double *chain_mean;     /* [2 n_chains] */
    int64_t fft_size;       /* a power of two, >= 2 n_draws */
    double *fft, *power;    /* [fft_size] */
    double *autocovariance; /* [n_draws], mean over the chains studied */
    double mean, sd;
    bool any_nan, usable; /* usable: finite, four draws or more */
};

/* Mean; *squares gets the sum of squared distances from it. Both are exact where all are equal. */
double urn__moments(int64_t n, const double *x, double *squares);
/* Fill `split`: with the draws, with 1 and 0 for draws up to `limit` and above, with normal scores
 * of the draws' ranks and of those of |x - median|. */
void urn__split_draws(urn__chains *chains);
void urn__split_indicator(urn__chains *chains, double limit);
void urn__split_scores(urn__chains *chains);
void urn__split_folded_scores(urn__chains *chains);
/* Of m chains of n values in `split`. */
double urn__ess_of(urn__chains *chains, int64_t m, int64_t n);

#endif
