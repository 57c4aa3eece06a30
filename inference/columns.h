/* Quantiles of many numbers, each of which has its draws in a column. */
#ifndef URN_INFERENCE_COLUMNS_H
#define URN_INFERENCE_COLUMNS_H

#include "../runtime/tensor/tensor.h"

typedef struct urn__columns {
    const urn__kernels *kernels;
    int threads;
    int64_t n, rows;     /* draws, and numbers of each */
    const double *block; /* n x rows */
    double *scratch;     /* urn__columns_scratch doubles, 64-byte aligned */
    int n_probs;
    const double *probs;
    double *const *out; /* for each probability, `rows` numbers */
} urn__columns;

int64_t urn__columns_scratch(int threads, int64_t n);

/* Linear between order statistics, as urn__quantile. NaN where any draw is NaN. The same numbers
 * for any number of threads. */
void urn__columns_quantiles(const urn__columns *columns);

#endif
