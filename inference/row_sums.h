/* Predictions of rows, accumulated draw by draw: what is known of each row is a few sums, so no
 * draw is kept. Sums of several chains are merged; rows are worked on by several threads, and
 * results do not depend on their number. */
#ifndef URN_INFERENCE_ROW_SUMS_H
#define URN_INFERENCE_ROW_SUMS_H

#include "../runtime/base/base.h"
#include <urn/fit.h>

typedef struct urn__row_sums {
    int64_t n_rows, n_draws;
    double *mean, *squares; /* of the conditional mean, and its squared distances from there */
    double *noise;          /* squared distances of draws from the conditional mean */
    double *largest;        /* log density, and the sum of densities over exp(largest) */
    double *density, *cdf;
    bool has_mean, has_density, has_cdf;
} urn__row_sums;

/* What a PREDICT program computed for the rows; all but `draw` may be NULL. */
typedef struct urn__row_results {
    const double *draw, *mean, *log_density, *cdf;
} urn__row_results;

urn_status urn__row_sums_make(urn__arena *arena, int64_t n_rows, urn__row_sums *sums,
                              urn_error *error);
void urn__row_sums_add(urn__row_sums *sums, const urn__row_results *results, int threads);
/* As if the draws of `from` had been added after those of `sums`, up to rounding. */
void urn__row_sums_merge(urn__row_sums *sums, const urn__row_sums *from, int threads);
/* Turns the sums into the prediction, in place: its arrays are theirs; low and high are NULL. */
void urn__row_sums_conclude(urn__row_sums *sums, int threads, urn_prediction *prediction);

/* A prediction and the arena it lives in; urn_prediction_free frees both. */
typedef struct urn__owned_prediction {
    urn_prediction prediction; /* first: what the caller sees */
    urn__arena *arena;
} urn__owned_prediction;
urn_status urn__prediction_new(const urn_allocator *allocator, urn__owned_prediction **prediction,
                               urn_error *error);

#endif
