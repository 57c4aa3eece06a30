/* The layout of factor_density's work: blocks, tasks, copies and memory, which depend on the data
 * alone. */
#include "factor_job.h"

#define TASK 4096        /* ratings and rows a task is made for */
#define MOST_TASKS 1024  /* beyond it tasks grow */
#define NEAR_BYTES 16384 /* rows of V a block meets, where all of V is not far */
#define FAR_BYTES 131072 /* where it is: the blocks' first rows come late */
#define FAR_FROM 524288  /* bytes of V from which on it is */
#define LEAST_BLOCK 32
#define MOST_BLOCK 512
#define RATINGS_A_ROW 24 /* of V, for each copy of its partial */
#define MOST_COPIES 8
#define SQUARES_A_ROW 32    /* ratings of a row of U from which on one pass over long rows pays */
#define SQUARES_BLOCK 2048  /* no second pass comes for its rows */
#define FEW_RATINGS 1048576 /* whose rows are written down, not found again in each run */

static int64_t tasks_for(int64_t n, int64_t rows)
{
    const int64_t tasks = (n + rows) / TASK + 1;
    return tasks < MOST_TASKS ? tasks : MOST_TASKS;
}

static int64_t block_of(int64_t n_v, int64_t d)
{
    const int64_t row = (int64_t)sizeof(urn__real) * (d < 1 ? 1 : d);
    const int64_t fits = (n_v * row < FAR_FROM ? NEAR_BYTES : FAR_BYTES) / row;
    const int64_t block = fits / 16 * 16;
    return block < LEAST_BLOCK ? LEAST_BLOCK : block > MOST_BLOCK ? MOST_BLOCK : block;
}

/* Copies of the partial of V, 0: it has a pass of its own, as short rows always do. Making and
 * adding a copy costs as much as a few ratings a row do. */
static int64_t copies_for(int64_t n, int64_t n_v, int64_t d)
{
    if (d < URN__FACTOR_LONG)
        return 0;
    const int64_t copies = n / (RATINGS_A_ROW * (n_v < 1 ? 1 : n_v));
    return copies < 2 ? 0 : copies < MOST_COPIES ? copies : MOST_COPIES;
}

/* Is the log density quadratic in the mean, with parameters that all ratings share, and the rest of
 * what the one pass is written for? */
static bool is_squares(const factor_job *job)
{
    const urn__factor_attr *a = job->a;
    bool shared = true;
    for (int k = 0; k < job->n_params; k++)
        shared = shared && !job->param[k].a_row;
    const int64_t most =
        job->n >= SQUARES_A_ROW * job->n_u ? URN__SQUARES_MOST_LINES : URN__SQUARES_OWN_LINES;
    return job->by_block && shared && job->d <= most * LINE &&
           a->density.family->quadratic != NULL && a->density.producer == 0 && !job->offset_a_row &&
           (a->link < 0 || a->link == URN__MAP_SIGMOID);
}

/* Of a thread: mean, value, density, partial of the mean, link's slope, two of each parameter, the
 * family's own; and two lists of row numbers. */
static void lay_out(factor_job *job, const urn__factor_attr *a, const urn__shape *const *in,
                    bool sorted)
{
    *job = (factor_job){.a = a, .n = urn__shape_size(in[URN__FACTOR_X])};
    job->n_u = urn__shape_rows(in[URN__FACTOR_U]);
    job->n_v = urn__shape_rows(in[URN__FACTOR_V]);
    job->d = urn__shape_event(in[URN__FACTOR_U]);
    job->block = block_of(job->n_v, job->d);
    job->copies = a->wanted_u && a->wanted_v ? copies_for(job->n, job->n_v, job->d) : 0;
    job->tasks_u = job->copies > 0 ? job->copies : tasks_for(job->n, job->n_u);
    job->tasks_v = tasks_for(job->n, job->n_v);
    int out = 1;
    job->out_u = a->wanted_u ? out++ : -1;
    job->out_v = a->wanted_v ? out++ : -1;
    job->out_offset = a->wanted_offset ? out++ : -1;
    job->sorted = sorted;
    job->by_block = job->copies > 0 && sorted && !a->wanted_offset;
    if (a->has_offset)
        job->offset_a_row = in[URN__REAL(factor_offset_input)(a)]->n_plates > 0;
    for (int k = 0; k < a->density.n_given; k++) {
        if (a->density.given[k] == a->density.producer)
            continue;
        const int input = URN__REAL(factor_input)(a, k);
        job->param[job->n_params++] =
            (factor_param){.input = input,
                           .number = a->density.given[k],
                           .a_row = in[input]->n_plates > 0,
                           .out = URN__REAL(factor_wanted)(a, k) ? out++ : -1};
    }
    job->n_sums = 1 + job->n_params;
    job->squares = is_squares(job);
    if (job->squares)
        job->block = SQUARES_BLOCK;
    job->thread_size = doubles_for(job->block) * (5 + 2 * job->n_params) +
                       (family_scratch(job) + 7) / 8 * 8 + job->block + URN__ROWS_AT_ONCE;
}

/* Those of mini-batches are another order each time, whatever the one at hand is. */
static bool in_order(const urn__index *ix)
{
    return ix->own != NULL && ix->sorted;
}

/* Before there is a call. Rows picked by a mini-batch come in no order. */
static factor_job job_of(const urn__graph *g, const urn__node *n)
{
    const urn__shape *in[URN__MAX_IN];
    const urn__index_attr *rows = urn__graph_node(g, n->in[URN__FACTOR_IU])->attr;
    factor_job job;
    for (int k = 0; k < n->n_in; k++)
        in[k] = urn__graph_shape(g, n->in[k]);
    lay_out(&job, n->attr, in, !rows->batch && in_order(rows->index));
    return job;
}

int64_t URN__REAL(factor_scratch)(const urn__graph *g, const urn__node *n, int threads)
{
    const factor_job job = job_of(g, n);
    return (keeps_weights(&job) ? doubles_for(job.n) : 0) + job.thread_size * threads +
           job.copies * copy_size(&job) + job.tasks_u * job.n_sums;
}

unsigned URN__REAL(factor_by_target)(const urn__graph *g, const urn__node *n)
{
    const factor_job job = job_of(g, n);
    return 1U << URN__FACTOR_IU | (has_second_pass(&job) ? 1U << URN__FACTOR_IV : 0U);
}

unsigned URN__REAL(factor_by_row)(const urn__graph *g, const urn__node *n)
{
    const factor_job job = job_of(g, n);
    const bool few = job.by_block && !job.squares && job.n <= FEW_RATINGS;
    const bool all = has_second_pass(&job) || !job.sorted || few;
    return 1U << URN__FACTOR_IV | (all ? 1U << URN__FACTOR_IU : 0U);
}

void URN__REAL(factor_prepare)(const urn__call *c)
{
    factor_job *job = c->state;
    const urn__index *rows = c->index[URN__FACTOR_IU];
    lay_out(job, c->attr, c->in_shape, in_order(rows));
    if (c->column != NULL) {
        job->x_stored = true;
        job->x = urn__numbers_cells(c->column->numbers);
        job->x_first = c->column->first;
    }
    job->runner = URN__REAL(family_runner_of)(job->a->density.family, c->exec);
}
