/* Guides: independent normals, points, and normals that depend on each other (guides/). A guide
 * holds the arrays of its parameters, of their optimiser and of one draw, all in the precision of
 * its target, and the sweeps over them; nothing of either precision shows here. Each sweep runs
 * over fixed chunks, so results have the same bits for any number of threads. */
#ifndef URN_INFERENCE_GUIDE_H
#define URN_INFERENCE_GUIDE_H

#include "optimiser.h"

/* Part of one block (site). */
typedef struct urn__chunk {
    int block;
    bool random;      /* normal; else a point */
    int64_t offset;   /* in the position */
    int64_t first, n; /* elements first .. first + n - 1 of the block */
} urn__chunk;

/* What a sweep sums up, a line of the cache for each task. */
typedef struct urn__sums {
    double log_scale;        /* of the normal coordinates */
    double squares;          /* of the standard normals behind the draw */
    double gradient, points; /* squared norms of the gradient and of the locations */
    double bad;              /* chunks whose gradient is not finite */
    double padding[3];
} urn__sums;

/* Arrays of as many numbers of the target's precision as the position has; those of a draw, as many
 * as the density takes. */
typedef struct urn__guide_arrays {
    void *loc, *m_loc, *v_loc;
    void *log_scale, *m_scale, *v_scale; /* NULL in a guide of points */
    void *position; /* the draw; in a guide of points that sees all rows, the locations themselves
                     */
    void *gradient; /* of the log density there */
    void *g_loc, *g_scale; /* gradient of the loss over several draws; NULL if from one */
} urn__guide_arrays;

typedef struct urn__sweep_table urn__sweep_table;
typedef struct urn__guide_touched urn__guide_touched; /* guide_touched.h */

/* Which draw of the guide: see urn__stream_at. */
typedef struct urn__draw {
    uint64_t seed, chain;
    int64_t number;
} urn__draw;

typedef struct urn__guide_kind urn__guide_kind; /* guides/guides.h */
typedef struct urn__factor urn__factor;

/* What to make: a kind, and what it was asked for. */
typedef struct urn__guide_plan {
    const urn__guide_kind *kind;
    int64_t rank; /* 0: the kind's default */
    uint64_t seed;
} urn__guide_plan;

typedef struct urn__guide {
    const urn__target *target;
    const urn__guide_kind *kind;
    urn__factor *factor; /* of kinds whose coordinates depend on each other; else NULL */
    uint64_t seed;
    const urn__sweep_table *sweeps; /* of the target's precision */
    bool normal;
    int64_t n_random; /* coordinates that are normal */
    int n_chunks, n_tasks;
    urn__chunk *chunks;
    int *task;            /* chunks of task t: task[t] .. task[t + 1] - 1 */
    urn__stream *streams; /* of the blocks, for the current draw */
    urn__sums *sums;      /* by task */
    urn__guide_arrays arrays;
    urn__arena *optimiser_memory; /* all but loc, log_scale and position; gone when settled */
    bool drawn;                   /* the position holds this draw: */
    urn__draw draw;
    double sum_log_scale, sum_squares; /* of it */
    int bad_in_a_row;            /* steps that were skipped; a step that is made sets it to 0 */
    urn__guide_touched *touched; /* of a target that sees what a mini-batch touches; else NULL */
} urn__guide;

/* What the first phase needs: chunks, locations, scales. Memory is from `arena`. Parameters are
 * points in any guide. */
urn_status urn__guide_init(urn__guide *guide, urn__arena *arena, const urn__target *target,
                           const urn__guide_plan *plan, urn_error *error);
/* Locations, and scales `given` (NULL: all of them `scale`; else URN_ERR_DATA names the first that
 * is not finite and positive): the sds of coordinates by themselves. */
urn_status urn__guide_start(urn__guide *guide, const double *loc, double scale, const double *given,
                            urn_error *error);
/* Memory of draws, gradients and the optimiser. `averaging`: of gradients over several draws. */
urn_status urn__guide_ready(urn__guide *guide, const urn__optimiser *optimiser, bool averaging,
                            urn_error *error);
/* Bytes of a guide that is ready. */
int64_t urn__guide_memory(const urn__target *target, const urn__optimiser *optimiser,
                          const urn__guide_plan *plan, bool averaging);
/* Gives back what only the steps need: no gradient and no update can be asked for any more.
 * Harmless in any state and when repeated. */
void urn__guide_settle(urn__guide *guide);

/* Fills the position with a draw, unless it is there already (see urn__guide_step). */
void urn__guide_sample(urn__guide *guide, urn__draw draw);
/* Log density of the target at the position, with its gradient if wanted. */
double urn__guide_target_density(urn__guide *guide, bool gradient);
/* Entropy of the guide at the parameters the current draw was made with. */
double urn__guide_entropy(const urn__guide *guide);
/* Log density of the guide at the current draw. */
double urn__guide_log_density(const urn__guide *guide);
/* See urn__target_varies: at the locations. */
urn_status urn__guide_varies(urn__guide *guide, uint64_t seed, bool *varies, urn_error *error);
/* See urn__target_fail_density: at the position. */
urn_status urn__guide_fail_density(const urn__guide *guide, const char *what, urn_error *error);
/* Leaves out a step whose density or gradient is not finite: an error once there are many in a row.
 */
urn_status urn__guide_skip(urn__guide *guide, int64_t step, urn__step_info *info, urn_error *error);
/* The first location that is not finite, -1 if all are. */
int64_t urn__guide_find_bad(const urn__guide *guide, double *value);
/* Locations and scales (0 where there is none) as doubles; `scale` may be NULL. Of a guide with a
 * factor the scales are those that multiply it. */
void urn__guide_export(const urn__guide *guide, double *loc, double *scale);

/* The step for one draw, in one sweep: gradient of -(log p + entropy) * factor, the optimiser
 * (Adam without decay in a guide of normals; any in one of points), and the draw `next` (NULL:
 * none) while the new parameters are in the cache. A chunk (at most URN__CHUNK coordinates of one
 * block) whose gradient is not finite keeps its parameters and its optimiser's memory as they were;
 * `bad` counts these. With `norms`, the sums hold squared norms of the gradient and of the
 * locations before the step. */
urn__sums urn__guide_step(urn__guide *guide, const urn__optimiser *optimiser, double factor,
                          bool norms, const urn__draw *next);
/* The same for any optimiser and number of draws: zero, accumulate each draw (`factor` is divided
 * by their number by the caller), then update with the norm of the gradient limited. _accumulate
 * returns false, with nothing lost but this step, when the gradient is not finite. */
void urn__guide_zero(urn__guide *guide);
bool urn__guide_accumulate(urn__guide *guide, double factor);
void urn__guide_update(urn__guide *guide, const urn__optimiser *optimiser, double factor);
/* Squared norms of the gradient and of the locations. */
urn__sums urn__guide_norms(urn__guide *guide);

/* sums += part */
void urn__sums_add(urn__sums *sums, const urn__sums *part);

/* ---- inside the guide: what is compiled once per precision (guide_sweeps.c) ---- */

/* Which coordinates a sweep goes over where the target sees the rows a mini-batch touches. */
typedef enum urn__sweep_rows {
    URN__ROWS_ALL,      /* all of the guide's */
    URN__ROWS_READ,     /* those the target sees, whose locations and scales are read */
    URN__ROWS_WEIGHTED, /* the same, row by row with its weight */
    URN__ROWS_UPDATE    /* the same, with the optimiser's memory; all are written */
} urn__sweep_rows;

typedef struct urn__sweep {
    urn__guide *guide;
    const urn__optimiser *optimiser;
    double factor;
    double weight; /* of the entropy; 1 unless the target sees touched rows */
    urn__sweep_rows rows;
    bool norms, draw;
    const double *from; /* doubles to start from, and to export to */
    double *loc, *scale;
    void (*chunk)(const struct urn__sweep *sweep, const urn__chunk *chunk, urn__sums *sums);
} urn__sweep;

struct urn__sweep_table {
    size_t real; /* bytes of a number */
    void (*start)(const urn__sweep *sweep, const urn__chunk *chunk, urn__sums *sums);
    void (*sample)(const urn__sweep *sweep, const urn__chunk *chunk, urn__sums *sums);
    void (*step)(const urn__sweep *sweep, const urn__chunk *chunk, urn__sums *sums);
    void (*accumulate)(const urn__sweep *sweep, const urn__chunk *chunk, urn__sums *sums);
    void (*entropy)(const urn__sweep *sweep, const urn__chunk *chunk, urn__sums *sums);
    void (*update)(const urn__sweep *sweep, const urn__chunk *chunk, urn__sums *sums);
    void (*norms)(const urn__sweep *sweep, const urn__chunk *chunk, urn__sums *sums);
    void (*export)(const urn__sweep *sweep, const urn__chunk *chunk, urn__sums *sums);
    void (*position)(const urn__sweep *sweep, const urn__chunk *chunk, urn__sums *sums);
    int64_t (*find_bad)(const urn__guide *guide, double *value);
};
extern const urn__sweep_table urn__guide_sweeps, urn__guide_sweeps_single;

/* Chunks of so many coordinates. */
int64_t urn__chunks_of(int64_t size);
/* Cuts a block's coordinates, which begin at `offset`; returns what follows the last chunk. */
urn__chunk *urn__cut_block(int block, bool random, int64_t offset, int64_t size, urn__chunk *chunk);
/* Puts small chunks together, so that many small sites are not many tasks: task[t] is the first of
 * task t, and task[the number returned] is n. */
int urn__group_chunks(int n, const urn__chunk *chunks, int *task);

/* Runs sweep->chunk over all chunks; sums are over tasks in their order. */
urn__sums urn__guide_sweep(urn__sweep *sweep);

#endif
