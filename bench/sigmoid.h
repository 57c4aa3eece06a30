/* The model `pmf_sigmoid` (models/pmf_sigmoid.c) for the floors, with its mode by Adam. */
#ifndef URN_BENCH_SIGMOID_H
#define URN_BENCH_SIGMOID_H

#include "bench/guide.h"
#include "bench/link.h"
#include "bench/ratings.h"

enum { FACTOR_U, FACTOR_V, N_FACTORS };

typedef struct sigmoid sigmoid;

/* Takes the ratings. The start is that of `urn fit pmf_sigmoid --engine map --init-jitter JITTER`
 * with this seed. */
sigmoid *sigmoid_new(ratings d, int64_t dim, int threads, double jitter, uint64_t seed);
void sigmoid_free(sigmoid *f);
const ratings *sigmoid_ratings(const sigmoid *f);
site *sigmoid_site(sigmoid *f, int i);
/* One step, as hpmf_step. Returns -log p per rating. */
double sigmoid_step(sigmoid *f, const sweep *w);

#endif
