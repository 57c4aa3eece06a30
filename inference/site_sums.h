/* Means and sds of sites over all draws of a sampler, accumulated as they are made: for sites whose
 * draws are too many to be stored. Chains are accumulated apart and merged in their order. */
#ifndef URN_INFERENCE_SITE_SUMS_H
#define URN_INFERENCE_SITE_SUMS_H

#include "../runtime/base/base.h"
#include <urn/fit.h>

typedef struct urn__site_sums urn__site_sums;

/* Zeros are defaults. */
typedef struct urn__site_sums_options {
    const urn_allocator *allocator;
    const char *cpu; /* of the fit */
    int chains, threads;
    int n; /* sites with values, by number; copied */
    const int *sites;
} urn__site_sums_options;

/* `model` is borrowed. */
urn_status urn__site_sums_new(const urn_model *model, const urn__site_sums_options *options,
                              urn__site_sums **sums, urn_error *error);
void urn__site_sums_free(urn__site_sums *sums); /* takes NULL */
urn_status urn__site_sums_add(urn__site_sums *sums, const urn_draw *draw, urn_error *error);
/* Mean and sd (over the number of draws less one) of the k-th site, in its natural space; arrays of
 * its size. False before the second draw. */
bool urn__site_sums_of(const urn__site_sums *sums, int k, double *mean, double *sd);

#endif
