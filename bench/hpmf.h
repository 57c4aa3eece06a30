/* The model `hpmf` (models/hpmf.c) for the floors: its log density and gradient, written by hand.
 */
#ifndef URN_BENCH_HPMF_H
#define URN_BENCH_HPMF_H

#include "bench/guide.h"
#include "bench/link.h"
#include "bench/ratings.h"

enum { LOC_U, TRIL_U, OBS_SCALE, U, V, N_SITES };

typedef struct hpmf hpmf;

/* Takes the ratings. */
hpmf *hpmf_new(ratings d, int64_t dim, int threads);
void hpmf_free(hpmf *f);
const ratings *hpmf_ratings(const hpmf *f);
int64_t hpmf_dim(const hpmf *f);
int hpmf_threads(const hpmf *f);
site *hpmf_site(hpmf *f, int i);

/* One step: finishes step number `step` - 1, if any, with the gradients in place, draws values and
 * evaluates the log density with its gradients. Returns the loss per rating, -ELBO / n. */
double hpmf_step(hpmf *f, const sweep *w);
/* log p(z, ratings) with Jacobians; gradients into the sites' g. `squares_v`: of z of V. */
double hpmf_density(hpmf *f, double squares_v);

/* Log of the normalising constant of the prior of tril_u. */
double hpmf_lkj_constant(int64_t d);

#endif
