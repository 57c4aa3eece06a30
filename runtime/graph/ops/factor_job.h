/* What the layout and the kernel of factor_density share: a job, and what follows from it. Included
 * by sources that are compiled once per precision. */
#ifndef URN_GRAPH_OPS_FACTOR_JOB_H
#define URN_GRAPH_OPS_FACTOR_JOB_H

#include "factor_density.h"
#include "family_block.h"

enum { URN__ROWS_AT_ONCE = 8 }; /* row numbers that are written together */

typedef struct factor_param {
    int input, number; /* of the call; of the family */
    bool a_row;        /* one a row; else one number */
    int out;           /* of the partial, -1: not wanted */
} factor_param;

typedef struct factor_job {
    const urn__call *call;
    const urn__factor_attr *a;
    int64_t n, n_u, n_v, d; /* ratings, rows of U and V, their length */
    int64_t block, tasks_u, tasks_v, copies;
    int n_params, n_sums; /* of the family but the producer; per task: density, one a parameter */
    factor_param param[URN_FAMILY_PARAMS];
    bool offset_a_row, sorted; /* ratings by row of U */
    bool by_block; /* a rating's weight is wanted while its block is at hand, and never again */
    bool squares;  /* nor that: a pass over squared residuals does everything */
    bool x_stored; /* the observations are read as they are stored, from x_first on */
    urn__cells x;
    int64_t x_first;
    int64_t thread_size; /* doubles of a thread's scratch */
    int out_u, out_v, out_offset;
    urn__family_runner runner;
    /* of the current run */
    urn_quadratic quadratic; /* and the means, for squared residuals */
    urn__squares mean;
    urn__real *weight; /* d log density / d mean, by rating; NULL: none, or by block */
    double *sums, *threads, *copy;
} factor_job;

_Static_assert(sizeof(factor_job) <= URN__FACTOR_STATE, "room for what is prepared");

/* Numbers of a cache line. */
enum { LINE = 64 / sizeof(urn__real) };

/* Doubles that hold n numbers of this precision, whole cache lines. */
static inline int64_t doubles_for(int64_t n)
{
    const int64_t bytes = n * (int64_t)sizeof(urn__real);
    return (bytes + 63) / 64 * 8;
}

static inline int64_t family_scratch(const factor_job *job)
{
    return URN__REAL(family_block_scratch)(job->a->density.family, job->block, 1);
}

/* Doubles of a row of a copy of the partial of V, which is whole cache lines; for squared residuals
 * the row of V itself is before its sums. */
static inline int64_t copy_pitch(const factor_job *job)
{
    return doubles_for(job->d) * (job->squares ? 2 : 1);
}

static inline int64_t copy_size(const factor_job *job)
{
    return job->n_v * copy_pitch(job);
}

/* Numbers of a row of whole cache lines, and those of them before the last line. */
static inline int64_t padded_row(const factor_job *job)
{
    return (job->d + LINE - 1) / LINE * LINE;
}

static inline int64_t whole_lines(const factor_job *job)
{
    return job->d > 0 ? padded_row(job) - LINE : 0;
}

/* Are the weights of all ratings kept between the passes, in scratch? */
static inline bool keeps_weights(const factor_job *job)
{
    return (job->out_u >= 0 || job->out_v >= 0) && job->out_offset < 0 && !job->by_block;
}

/* Is the partial of V summed in tasks of its own? */
static inline bool has_second_pass(const factor_job *job)
{
    return job->out_v >= 0 && job->copies == 0;
}

#endif
