/* What a Hamiltonian chain learns in warm-up: the step size, by dual averaging, and the metric,
 * from the positions in windows of growing length. The schedule and its constants are those of Stan
 * (Stan Reference Manual, "HMC algorithm parameters"). Nothing here allocates after _new. */
#ifndef URN_INFERENCE_MCMC_ADAPT_H
#define URN_INFERENCE_MCMC_ADAPT_H

#include "metric.h"

/* ---- step size: Hoffman and Gelman, The No-U-Turn Sampler, JMLR 15, 2014, section 3.2 ---- */

typedef struct urn__averaging {
    double delta; /* acceptance statistic wanted */
    double mu;    /* log step sizes are drawn towards it */
    double count, error_sum, log_average;
} urn__averaging;

/* Starts afresh from a step size, ten times of which is tried boldly. */
void urn__averaging_restart(urn__averaging *a, double step_size);
/* Learns from the acceptance statistic of a transition; returns the step size of the next one. */
double urn__averaging_learn(urn__averaging *a, double acceptance);
/* The step size to sample with. */
double urn__averaging_final(const urn__averaging *a);

/* ---- windows ---- */

/* Warm-up transition t (0-based) belongs to the first buffer, to a window, or to the last buffer.
 */
typedef struct urn__windows {
    int64_t n_warmup, first, last; /* transitions of the two buffers */
    int64_t size, end;             /* of the current window; its last transition, -1: none */
} urn__windows;

enum { URN__FIRST_BUFFER = 75, URN__LAST_BUFFER = 50, URN__WINDOW = 25, URN__FEWEST_WARMUP = 20 };

void urn__windows_start(urn__windows *w, int64_t n_warmup);
/* Is the position after transition t one to learn the metric from? */
bool urn__windows_collect(const urn__windows *w, int64_t t);
/* Is transition t the last of a window? Then the next window begins. */
bool urn__windows_close(urn__windows *w, int64_t t);

/* ---- variances: Welford, Technometrics 4, 1962 ---- */

typedef struct urn__moments {
    int64_t n, count;
    bool dense;
    double *mean, *change; /* n each */
    double *sum;           /* of squared deviations: n, or n x n of which the lower part */
} urn__moments;

/* Doubles it takes. */
int64_t urn__moments_size(int64_t n, bool dense);
bool urn__moments_new(urn__moments *m, int64_t n, bool dense, urn__arena *arena);
void urn__moments_clear(urn__moments *m);
void urn__moments_add(urn__moments *m, const double *x);
/* The variances, shrunk a little towards 1e-3, as the metric; see urn__metric_factor. */
bool urn__moments_to_metric(const urn__moments *m, urn__metric *metric);

#endif
