/* Is the loss still falling? Smoothing, and a test on the last steps of a run. */
#ifndef URN_INFERENCE_TREND_H
#define URN_INFERENCE_TREND_H

#include "../runtime/base/base.h"

/* Exponentially weighted mean over about 100 steps, right from the first value on. */
typedef struct urn__smoother {
    double sum, weight;
} urn__smoother;
double urn__smoother_add(urn__smoother *s, double value); /* ignores what is not finite */

/* The losses of the last steps, in a ring. */
typedef struct urn__trend {
    double *kept;
    int64_t capacity, count; /* count: all that were ever added */
} urn__trend;
/* Keeps the last tenth of n_steps, at least 50 steps, in memory of `arena`. False: out of memory.
 */
bool urn__trend_start(urn__trend *trend, urn__arena *arena, int64_t n_steps);
void urn__trend_add(urn__trend *trend, double loss);

/* Least-squares slope of the medians of up to 20 consecutive groups of the kept losses. */
typedef struct urn__slope {
    int groups;            /* 0: too few steps to tell */
    double per_step;       /* loss a step */
    double standard_error; /* of per_step */
    int64_t window;        /* steps looked at */
} urn__slope;
urn__slope urn__trend_slope(const urn__trend *trend);

/* Whether a slope is a fall that matters: below zero by more than three standard errors, and over
 * the window by more than 1e-4 of the loss (of 1, for small losses) and by more than a tenth of a
 * nat in all. */
bool urn__slope_falls(const urn__slope *slope, double loss, double observations);

#endif
