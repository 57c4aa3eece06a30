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
} urn__runner;

/* For runs on up to `threads` threads. _close is right after a failed _open, and on zeros, too. */
urn_status urn__runner_open(urn__runner *runner, const urn_model *model,
                            const urn_compile_options *options, int threads, urn_error *error);
void urn__runner_close(urn__runner *runner);

/* The threads of a loop over draws. */
typedef struct urn__pace {
    urn__governor governor;
    int threads;  /* of the coming draw */
    double start; /* when it began */
} urn__pace;
void urn__pace_start(urn__pace *pace, int threads);
/* After each draw. */
void urn__pace_step(urn__pace *pace);

/* Quantile p of n numbers, linear between order statistics; their order changes. NaN if any of them
 * is NaN. */
double urn__quantile(int64_t n, double *x, double p);
/* The same of numbers in ascending order, `stride` apart, none of them NaN. */
double urn__sorted_quantile(int64_t n, const double *x, int64_t stride, double p);
/* Number of the stored draw behind draw s of `wanted` out of `kept`: evenly spread over them. */
int64_t urn__spread(int64_t s, int64_t wanted, int64_t kept);
/* Draws to use: `wanted`, or for 0 all stored ones, or `fallback` from a guide. */
int64_t urn__draw_count(const urn_posterior *posterior, int64_t wanted, int64_t fallback);
/* Draw s of n. */
void urn__draw_of(const urn_posterior *posterior, int64_t s, int64_t n, int threads,
                  double *position);

#endif
