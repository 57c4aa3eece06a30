/* A target with any log density, for tests of engines: one block "x" of n coordinates. */
#ifndef URN_TESTS_INFERENCE_FREE_TARGET_H
#define URN_TESTS_INFERENCE_FREE_TARGET_H

#include "tests/inference/check.h"

typedef struct free_target {
    urn__target target;
    urn__block block;
    const void *of; /* what the density looks at */
} free_target;

static inline urn_status free_target_fork(void *context, int threads, urn__target **own,
                                          urn_error *error)
{
    return copy_target(context, sizeof(free_target), threads, own, error);
}

static inline urn_status free_target_explain(void *context, const double *position, char *text,
                                             size_t size, urn_error *error)
{
    (void)context, (void)position, (void)error;
    snprintf(text, size, "site \"x\" is -inf");
    return URN_OK;
}

/* `t` stays where it is. The density gets `t`. */
static inline void free_target_init(free_target *t, int64_t n,
                                    double (*density)(void *, const double *, double *),
                                    const void *of, int threads)
{
    *t = (free_target){.block = {.name = "x", .where = "x.c:1", .site = -1, .size = n}, .of = of};
    t->target = (urn__target){.size = n,
                              .observations = 10.0,
                              .n_blocks = 1,
                              .blocks = &t->block,
                              .threads = threads,
                              .context = t,
                              .log_density = density,
                              .explain = free_target_explain,
                              .fork = free_target_fork,
                              .join = free_copy};
    assert_int_equal(urn__kernels_select(NULL, &t->target.kernels, NULL), URN_OK);
    t->target.kernels_single = urn__kernels_in_single(t->target.kernels);
}

/* A normal distribution with all constants, times exp(evidence). */
enum { MOST_NORMAL = 24 };
typedef struct normal_truth {
    int n;
    double mean[MOST_NORMAL], precision[MOST_NORMAL * MOST_NORMAL]; /* n x n */
    double log_determinant, evidence;                               /* of the precision */
} normal_truth;

static inline double normal_truth_density(void *context, const double *x, double *gradient)
{
    const normal_truth *of = ((const free_target *)context)->of;
    double sum = of->evidence + 0.5 * of->log_determinant - 0.5 * of->n * LOG_2PI;
    for (int i = 0; i < of->n; i++) {
        double row = 0.0;
        for (int j = 0; j < of->n; j++)
            row += of->precision[i * of->n + j] * (x[j] - of->mean[j]);
        if (gradient)
            gradient[i] = -row;
        sum -= 0.5 * row * (x[i] - of->mean[i]);
    }
    return sum;
}

#endif
