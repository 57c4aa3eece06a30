/* What engines do that end with independent draws of an approximation q of the posterior p: how
 * good it is by its importance weights p / q, draws chosen by them, and the posterior of draws. */
#ifndef URN_INFERENCE_IMPORTANCE_H
#define URN_INFERENCE_IMPORTANCE_H

#include "driver.h"

/* Weights that are worth this share of their draws are good ones, whatever the shape of their tail,
 * which is all that k-hat looks at. */
#define URN__IMPORTANCE_EVEN 0.95

typedef struct urn__importance {
    double *weight; /* normalised, smoothed: sum 1; n of them, of the caller */
    double k_hat;
    double log_mean; /* log of the mean of the weights p / q: an estimate of the log evidence */
    double size;     /* effective number of draws after reweighting */
    int64_t n_bad;   /* draws where the density is not finite: their weight is 0 */
} urn__importance;

/* From log p and log q of n draws. Weights that all agree (q is p) have k_hat 0. URN_ERR_RUNTIME
 * when the density is finite at none. */
urn_status urn__importance_weigh(const urn_allocator *allocator, int64_t n, const double *log_p,
                                 const double *log_q, urn__importance *result, urn_error *error);
/* n_picks numbers of draws, each with its weight for probability, with replacement; addressed by
 * seed and `name`. */
urn_status urn__importance_pick(const urn_allocator *allocator, int64_t n, const double *weight,
                                uint64_t seed, const char *name, int64_t n_picks, int64_t *pick,
                                urn_error *error);
/* Notes k-hat and what follows from the n weights; warns above 0.7, of an approximation called
 * `what`, unless the weights are nearly equal (k-hat looks at the shape of their tail alone), and
 * of draws without a finite density. */
void urn__importance_note(urn__run *run, const char *what, int64_t n,
                          const urn__importance *result);

/* How many draws the posterior of an engine with `draws` stores: those asked for, or as many as
 * there is room for. *wanted (may be NULL) are those asked for. */
int64_t urn__final_draws(const urn_fit_options *options, int64_t size, int64_t *wanted);
/* Room for them: the posterior, and the statistics "lp" and "lp_approx" of the fit. */
typedef struct urn__final {
    urn_posterior *posterior;
    double *draws, *lp, *lp_approx;
} urn__final;
urn_status urn__final_room(urn__run *run, int64_t n, urn__final *final, urn_error *error);
/* Leaves the first n draws, those that were made; of none, nothing. Notes their number. */
void urn__final_end(urn__run *run, int64_t n, urn__final *final);
/* A posterior of one position, for a run that was interrupted before it had an approximation. */
urn_status urn__final_point(const urn__run *run, const double *position, urn_posterior **posterior,
                            urn_error *error);

#endif
