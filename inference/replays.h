/* A program with one replay of it, and order statistics: what predictions and summaries share. */
#ifndef URN_INFERENCE_REPLAYS_H
#define URN_INFERENCE_REPLAYS_H

#include "../runtime/base/base.h"
#include "governor.h"
#include <urn/fit.h>

/* Bytes of draws kept at once; more rows than fit are done in several passes. */
#define URN__DRAWS_BYTES ((int64_t)256 << 20)

typedef struct urn__runner {
    urn_program *program;
    urn_replay *replay;
    urn__governor governor;
} urn__runner;

/* _close is right after a failed _open, and on zeros, too. */
urn_status urn__runner_open(urn__runner *runner, const urn_model *model,
                            const urn_compile_options *options, int threads, urn_error *error);
/* urn_replay_run on as many threads as are faster now. */
void urn__runner_run(urn__runner *runner, const double *position);
void urn__runner_close(urn__runner *runner);

/* Sorts n numbers; NaN go last. */
void urn__sort(int64_t n, double *x);
/* Quantile p of n sorted numbers, linear between order statistics. NaN if any of them is NaN. */
double urn__sorted_quantile(int64_t n, const double *sorted, double p);
/* Number of the stored draw behind draw s of `wanted` out of `kept`: evenly spread over them. */
int64_t urn__spread(int64_t s, int64_t wanted, int64_t kept);
/* Draws to use: `wanted`, or for 0 all stored ones, or `fallback` from a guide. */
int64_t urn__draw_count(const urn_posterior *posterior, int64_t wanted, int64_t fallback);
/* Draw s of n. */
void urn__draw_of(const urn_posterior *posterior, int64_t s, int64_t n, double *position);

#endif
