/* Guides that factorise over coordinates: independent normals, or points. A guide holds the arrays
 * of its parameters, of their optimiser and of one draw, and the sweeps over them. Each sweep runs
 * over fixed chunks, so results have the same bits for any number of threads. */
#ifndef URN_INFERENCE_SVI_GUIDE_H
#define URN_INFERENCE_SVI_GUIDE_H

#include "../optimiser.h"

/* Part of one block (site). */
typedef struct urn__chunk {
    int block;
    bool random;      /* normal; else a point */
    int64_t offset;   /* in the position */
    int64_t first, n; /* elements first .. first + n - 1 of the block */
} urn__chunk;

typedef struct urn__guide {
    const urn__target *target;
    int64_t n_random; /* coordinates that are normal */
    int n_chunks, n_tasks;
    urn__chunk *chunks;
    int *task;            /* chunks of task t: task[t] .. task[t + 1] - 1 */
    urn__stream *streams; /* of the blocks, for the current draw */
    double *partial;      /* two a task */
    /* parameters and their optimiser's memory */
    double *loc, *m_loc, *v_loc;
    double *log_scale, *m_scale, *v_scale;
    /* the current draw: position = loc + scale * eps, the sum of eps^2, and the density's gradient
     * there */
    double *position, *gradient;
    double sum_squares;
    /* gradient of the loss over several draws; NULL in a guide updated from one */
    double *g_loc, *g_scale;
} urn__guide;

/* All memory is from `arena`. `normal`: independent normals (parameters are points all the same);
 * `averaging`: has g_loc and g_scale. */
urn_status urn__guide_init(urn__guide *guide, urn__arena *arena, const urn__target *target,
                           bool normal, bool averaging, urn_error *error);
/* Fills position with draw `number` of a use. Returns the sum of the log scales.
 */
double urn__guide_sample(urn__guide *guide, uint64_t seed, uint64_t chain, int64_t number);
/* Entropy of the guide, given the sum of its log scales. */
double urn__guide_entropy(const urn__guide *guide, double sum_log_scale);
/* Log density of the guide at the current draw. */
double urn__guide_log_density(const urn__guide *guide, double sum_log_scale);
bool urn__guide_gradient_finite(urn__guide *guide);

/* One sweep for one draw: gradient of -(log p + entropy) * factor, then Adam. The optimiser must be
 * Adam without weight decay or clipping. */
void urn__guide_update_fused(urn__guide *guide, const urn__optimiser *optimiser, double factor);
/* The same in steps, for any optimiser and number of draws: zero, accumulate each draw (`factor` is
 * divided by their number by the caller), then update with the norm of the gradient limited. */
void urn__guide_zero(urn__guide *guide);
void urn__guide_accumulate(urn__guide *guide, double factor);
void urn__guide_update(urn__guide *guide, const urn__optimiser *optimiser, double factor);

#endif
