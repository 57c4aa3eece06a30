/* Draws of a posterior carried forward: a draw becomes values of the fitted model's sites (VALUES),
 * and those become inputs of the same model traced on other rows (PREDICT), its *targets*. What a
 * target has and the fit did not know is drawn from its prior. Predictions and comparisons of runs
 * stand on this. */
#ifndef URN_INFERENCE_FORWARD_H
#define URN_INFERENCE_FORWARD_H

#include "replays.h"

typedef struct urn__forward urn__forward;

/* `fitted` is the model the posterior belongs to; both are borrowed. At most `threads` threads;
 * results do not depend on them. *forward is NULL on failure. */
urn_status urn__forward_new(const urn_model *fitted, const urn_posterior *posterior, int threads,
                            urn__forward **forward, urn_error *error);
void urn__forward_free(urn__forward *forward); /* takes NULL */

/* The same before there is a posterior: for urn__forward_run alone, on a CPU path (see
 * urn_compile_options). */
urn_status urn__forward_open(const urn_model *fitted, const char *cpu,
                             const urn_allocator *allocator, int threads, urn__forward **forward,
                             urn_error *error);
/* The observed site called `wanted` (NULL: the only one) of a model, and how many rows it has.
 * URN_ERR_USAGE unless it has one number a row. */
urn_status urn__forward_site(const urn_model *model, const char *wanted, int *site, int64_t *rows,
                             urn_error *error);
/* Threads of the coming run. */
int urn__forward_threads(const urn__forward *forward);

/* Adds a target, number *k (from 0): its latent sites are matched with the fitted ones by name. */
urn_status urn__forward_add(urn__forward *f, const urn_model *model, int *k, urn_error *error);

/* Runs draw s of n (see urn__draw_of) through all programs. Random numbers of the targets are
 * addressed by seed and s. */
urn_status urn__forward_draw(urn__forward *forward, int64_t s, int64_t n, uint64_t seed,
                             urn_error *error);
/* The same for a position of the caller's, or for a state (urn_model_state_size). */
urn_status urn__forward_run(urn__forward *forward, const double *position, int64_t s, uint64_t seed,
                            urn_error *error);
/* The fitted model's values alone, of draw s of n. */
void urn__forward_values(urn__forward *forward, int64_t s, int64_t n);

/* Of the last run; borrowed until the next; NULL where there is none. */
const double *urn__forward_value(const urn__forward *forward, int site);
const double *urn__forward_result(const urn__forward *forward, int k, int site, urn_result what);

/* At the beginning of a loop over draws, and after each: chooses the threads. */
void urn__forward_start(urn__forward *forward);
void urn__forward_pace(urn__forward *forward);

#endif
