/* A Gibbs sampler for Bayesian probabilistic matrix factorisation (Salakhutdinov and Mnih 2008),
 * written for that one job: what the machine can do. Double precision.
 *
 *   r ~ N(u . v, 1 / alpha), u ~ N(mu_u, Lambda_u^-1), v ~ N(mu_v, Lambda_v^-1),
 *   (mu, Lambda) ~ NormalWishart(0, beta0 = 2, W0 = I, nu0 = d) of each side */
#ifndef URN_BENCH_BPMF_H
#define URN_BENCH_BPMF_H

#include "bench/ratings.h"

typedef struct bpmf bpmf;

/* Takes over the ratings, which are sorted. */
bpmf *bpmf_new(ratings d, int64_t dim, double alpha, int threads, uint64_t seed);
void bpmf_free(bpmf *f);
/* Hyperparameters and rows of both sides: one sweep, the next of the sequence. */
void bpmf_sweep(bpmf *f);
/* u . v as they are. */
double bpmf_product(const bpmf *f, int32_t user, int32_t item);

/* For checks: rows (stride apart), hyperparameters and normals of the last sweep. Side k = 0:
 * users. */
typedef struct bpmf_side {
    int64_t n, stride;
    const double *x;
    const double *mu, *lambda; /* lambda: rows of stride */
    uint64_t key, key2;        /* row i: normals number i d .. of this stream (normals.h) */
} bpmf_side;
bpmf_side bpmf_look(const bpmf *f, int k);

#endif
