/* The kernel of density nodes: rows in chunks, arguments fetched a block at a time, the family's
 * own function on each block, partials written in place or summed a chunk. Sums are doubles in
 * either precision. Compiled once per precision. */
#include "density.h"
#include "family_block.h"
#include <string.h>

#define SCALAR_BLOCK URN__BLOCK
#define EVENT_ELEMENTS 8192 /* elements of a block of an event family */

/* Where the family writes the partial of an argument. */
typedef enum target {
    NOT_WANTED,
    IN_PLACE, /* the node's output */
    BUFFER,   /* scratch: a block's rows, moved or summed afterwards */
    SHARED    /* all rows share one: added to a sum of the chunk */
} target;

typedef struct argument {
    const urn__real *in;
    urn__real *out;   /* partial: one a row or one for all; NULL: not wanted */
    int64_t event;    /* elements a row */
    urn__walk walk;   /* rows of the argument from rows of the site */
    bool spread;      /* rows are copied to a buffer: stride `event` */
    bool reduced;     /* the partial is summed over all rows */
    bool produced;    /* computed here: gather_dot */
    target target;    /* of a partial */
    size_t buffer_at; /* bytes into the thread's scratch: its block */
    size_t d_at;      /* its partial's block */
    int64_t sum_at;   /* doubles into the chunk's scratch: its sum */
} argument;

typedef struct density_job {
    const urn__call *call;
    const urn__density_attr *a;
    urn__family_runner runner;
    argument arg[URN__DENSITY_ARGS];
    int n_args;
    int64_t rows, block, chunk, chunks;
    const urn__real *mask;
    urn__walk mask_walk;
    size_t thread_size; /* bytes of scratch */
    size_t lp_at, rows_at, family_at;
    int64_t chunk_size; /* doubles of scratch */
    char *thread_scratch;
    double *chunk_scratch;
} density_job;

_Static_assert(sizeof(density_job) <= URN__DENSITY_STATE, "room for what a density prepares");

/* ---- layout ---- */

/* `count` elements of the thread's scratch on a cache line of their own. */
static size_t reserve(density_job *job, int64_t count, size_t element)
{
    const size_t at = job->thread_size;
    job->thread_size += ((size_t)count * element + 63) / 64 * 64;
    return at;
}

static target target_of(const density_job *job, const argument *arg)
{
    if (arg->reduced)
        return arg->spread ? BUFFER : SHARED;
    return job->a->has_mask ? BUFFER : IN_PLACE;
}

static void lay_out_argument(density_job *job, int k, const urn__shape *shape, bool wanted,
                             const urn__shape *grid)
{
    const urn__density_attr *a = job->a;
    argument *arg = &job->arg[k];
    arg->event = urn__density_arg_event(a, k);
    arg->produced = k > 0 && a->given[k - 1] == a->producer;
    const urn__shape own = arg->produced ? *grid : urn__density_grid(a, k, shape);
    arg->walk = urn__walk_of(&own, grid);
    arg->reduced = wanted && urn__density_reduced(a, &arg->walk);
    const bool one_row = arg->walk.kind == URN__WALK_SCALAR;
    const bool materialise = a->family->event_rank == 0 && urn__density_arg_rank(a, k) == 0;
    arg->spread = arg->produced || arg->walk.kind == URN__WALK_GENERAL ||
                  (one_row && materialise) || (one_row && wanted && a->rowwise) ||
                  (a->has_mask && !one_row);
    if (arg->spread)
        arg->buffer_at = reserve(job, job->block * arg->event, sizeof(urn__real));
    arg->target = wanted ? target_of(job, arg) : NOT_WANTED;
    if (arg->target == BUFFER || arg->target == SHARED)
        arg->d_at =
            reserve(job, (arg->target == BUFFER ? job->block : 1) * arg->event, sizeof(urn__real));
    if (arg->reduced) {
        arg->sum_at = job->chunk_size;
        job->chunk_size += arg->event;
    }
}

static void choose_blocks(density_job *job)
{
    const urn__density_attr *a = job->a;
    const bool scalar = a->family->event_rank == 0 && a->dim == 1;
    const int64_t by_event = EVENT_ELEMENTS / (a->event > a->dim ? a->event : a->dim);
    job->block = scalar ? SCALAR_BLOCK : by_event < 1 ? 1 : by_event > 2048 ? 2048 : by_event;
    job->chunk = scalar ? URN__CHUNK : job->block;
    job->chunks = (job->rows + job->chunk - 1) / job->chunk;
}

/* Everything but the pointers, from the shapes alone: used for planning and for running. */
static void lay_out(density_job *job, const urn__density_attr *a, const urn__shape *const *in,
                    bool all)
{
    job->a = a;
    job->n_args = a->n_given + 1;
    const urn__shape grid = urn__density_grid(a, 0, in[0]);
    job->rows = urn__shape_size(&grid);
    choose_blocks(job);
    job->chunk_size = 1;
    job->lp_at = reserve(job, job->block, sizeof(urn__real));
    if (a->has_mask)
        job->rows_at = reserve(job, job->block, sizeof(int32_t));
    for (int k = 0; k < job->n_args; k++)
        lay_out_argument(job, k, in[urn__density_input(a, k)], all && urn__density_wanted(a, k),
                         &grid);
    if (a->has_mask)
        job->mask_walk = urn__walk_of(in[1 + a->n_given + (a->producer >= 0 ? 3 : 0)], &grid);
    job->family_at = reserve(job, URN__REAL(family_block_scratch)(a->family, job->block, a->dim),
                             sizeof(double));
    job->chunk_size = (job->chunk_size + 7) / 8 * 8; /* no two chunks share a line */
}

int64_t URN__REAL(density_scratch)(const urn__graph *g, const urn__node *n, int threads)
{
    const urn__shape *in[URN__MAX_IN];
    density_job job = {0};
    for (int k = 0; k < n->n_in; k++)
        in[k] = urn__graph_shape(g, n->in[k]);
    lay_out(&job, n->attr, in, n->op == &urn__op_density_all);
    return (int64_t)(job.thread_size / sizeof(double)) * threads + job.chunk_size * job.chunks;
}

/* ---- a block ---- */

typedef struct block {
    density_job *job;
    char *scratch;      /* the thread's */
    double *sums;       /* the chunk's: log density, then partials */
    int64_t from, n;    /* rows of the site */
    int64_t active;     /* rows that count */
    const int32_t *row; /* with a mask: offsets from `from` of those; NULL: all */
} block;

static urn__real *buffer(const block *b, size_t at)
{
    return (urn__real *)(void *)(b->scratch + at);
}

static int64_t block_row(const block *b, int64_t i)
{
    return b->from + (b->row == NULL ? i : b->row[i]);
}

static void copy_rows(const block *b, const argument *arg, urn__real *to)
{
    for (int64_t i = 0; i < b->active; i++) {
        const int64_t r = block_row(b, i);
        const int64_t at = arg->walk.kind == URN__WALK_FULL ? r : urn__walk_offset(&arg->walk, r);
        memcpy(to + i * arg->event, arg->in + at * arg->event, (size_t)arg->event * sizeof *to);
    }
}

static void produce(const block *b, urn__real *to)
{
    const urn__call *c = b->job->call;
    int at = 1;
    while (b->job->a->given[at - 1] != b->job->a->producer)
        at++;
    const int64_t d = urn__shape_event(c->in_shape[at]);
    urn__exec_kernels(c->exec)->row_dot(0, b->n, d, c->in[at], c->index[at + 2]->row + b->from, d,
                                        c->in[at + 1], c->index[at + 3]->row + b->from, d, to);
    for (int64_t i = 0; b->row != NULL && i < b->active; i++)
        to[i] = to[b->row[i]];
}

static const urn__real *fetch(const block *b, const argument *arg, int64_t *stride)
{
    *stride = arg->walk.kind == URN__WALK_SCALAR && !arg->spread ? 0 : arg->event;
    if (!arg->spread)
        return arg->in + (*stride == 0 ? 0 : b->from * arg->event);
    urn__real *to = buffer(b, arg->buffer_at);
    if (arg->produced)
        produce(b, to);
    else if (arg->event == 1 && b->row == NULL)
        URN__REAL(walk_expand)(&arg->walk, arg->in, b->from, b->n, to);
    else
        copy_rows(b, arg, to);
    return to;
}

static urn__real *partial_target(const block *b, const argument *arg)
{
    if (arg->target == NOT_WANTED)
        return NULL;
    if (arg->target == IN_PLACE)
        return arg->out + b->from * arg->event;
    urn__real *d = buffer(b, arg->d_at);
    if (arg->target == SHARED)
        memset(d, 0, (size_t)arg->event * sizeof *d);
    return d;
}

static void scale(urn__real *x, int64_t n, double factor)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = (urn__real)(x[i] * factor);
}

/* Adds a block's partial to the chunk's sum. */
static void sum_partial(const block *b, const argument *arg, const urn__real *d)
{
    double *sum = b->sums + arg->sum_at;
    if (arg->target == BUFFER && arg->event == 1) {
        sum[0] += urn__exec_kernels(b->job->call->exec)->sum(b->active, d);
        return;
    }
    const int64_t rows = arg->target == BUFFER ? b->active : 1;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < arg->event; i++)
            sum[i] += d[r * arg->event + i];
}

/* Moves a block's partial from where the family wrote it to where it belongs. */
static void settle_partial(const block *b, const argument *arg, urn__real *d)
{
    const double weight = b->job->a->weight;
    if (arg->target == NOT_WANTED)
        return;
    if (arg->reduced) {
        sum_partial(b, arg, d); /* weighted at the end */
        return;
    }
    if (weight > 1.0 || weight < 1.0)
        scale(d, b->active * arg->event, weight);
    if (arg->target == IN_PLACE)
        return;
    urn__real *to = arg->out + b->from * arg->event;
    memset(to, 0, (size_t)(b->n * arg->event) * sizeof *to);
    for (int64_t i = 0; i < b->active; i++)
        memcpy(to + (block_row(b, i) - b->from) * arg->event, d + i * arg->event,
               (size_t)arg->event * sizeof *to);
}

static void settle_value(const block *b, const urn__real *lp)
{
    const urn__call *c = b->job->call;
    if (!b->job->a->rowwise) {
        b->sums[0] += urn__exec_kernels(c->exec)->sum(b->active, lp);
        return;
    }
    urn__real *out = c->out[0], *to = out + b->from;
    if (b->row != NULL)
        memset(to, 0, (size_t)b->n * sizeof *to);
    for (int64_t i = 0; i < b->active; i++)
        to[block_row(b, i) - b->from] = (urn__real)(lp[i] * b->job->a->weight);
}

static void pick_active(block *b)
{
    const density_job *job = b->job;
    b->active = b->n;
    if (job->mask == NULL)
        return;
    int32_t *row = (int32_t *)(void *)(b->scratch + job->rows_at);
    b->active = 0;
    for (int64_t i = 0; i < b->n; i++)
        if (job->mask[urn__walk_offset(&job->mask_walk, b->from + i)] > 0)
            row[b->active++] = (int32_t)i;
    b->row = row;
}

static void run_block(block *b)
{
    density_job *job = b->job;
    const urn__density_attr *a = job->a;
    pick_active(b);
    urn__family_call call = {
        .n = b->active, .dim = a->dim, .event = a->event, .log_density = buffer(b, job->lp_at)};
    call.x = fetch(b, &job->arg[0], &call.x_stride);
    call.d_x = partial_target(b, &job->arg[0]);
    for (int k = 1; k < job->n_args; k++) {
        const int p = a->given[k - 1];
        call.param[p] = fetch(b, &job->arg[k], &call.stride[p]);
        call.d_param[p] = partial_target(b, &job->arg[k]);
    }
    URN__REAL(family_block)(&job->runner, &call, (double *)(void *)(b->scratch + job->family_at));
    settle_value(b, call.log_density);
    settle_partial(b, &job->arg[0], call.d_x);
    for (int k = 1; k < job->n_args; k++)
        settle_partial(b, &job->arg[k], call.d_param[a->given[k - 1]]);
}

static void density_chunk(void *context, int64_t chunk, int thread)
{
    density_job *job = context;
    const int64_t start = chunk * job->chunk;
    const int64_t end = start + job->chunk < job->rows ? start + job->chunk : job->rows;
    double *sums = job->chunk_scratch + chunk * job->chunk_size;
    memset(sums, 0, (size_t)job->chunk_size * sizeof *sums);
    for (int64_t from = start; from < end; from += job->block) {
        const int64_t n = end - from < job->block ? end - from : job->block;
        block b = {.job = job,
                   .scratch = job->thread_scratch + (size_t)thread * job->thread_size,
                   .sums = sums,
                   .from = from,
                   .n = n};
        run_block(&b);
    }
}

/* ---- the node ---- */

static void attach(density_job *job, const urn__call *c, bool all)
{
    const urn__density_attr *a = job->a;
    job->call = c;
    int out = 1;
    for (int k = 0; k < job->n_args; k++) {
        job->arg[k].in = c->in[urn__density_input(a, k)];
        job->arg[k].out = all && urn__density_wanted(a, k) ? c->out[out++] : NULL;
    }
    if (a->has_mask)
        job->mask = c->in[c->n_in - 1];
    job->thread_scratch = (char *)c->exec->scratch;
    job->chunk_scratch =
        (double *)(void *)(job->thread_scratch + job->thread_size * (size_t)c->exec->threads);
}

/* Chunk sums are added in chunk order, whatever thread made them. */
static double collect_sum(const density_job *job, int64_t at)
{
    double sum = 0;
    for (int64_t chunk = 0; chunk < job->chunks; chunk++)
        sum += job->chunk_scratch[chunk * job->chunk_size + at];
    return job->a->weight * sum;
}

static void collect(const density_job *job)
{
    double *value = job->call->out[0]; /* wide: a double in either precision */
    if (!job->a->rowwise)
        value[0] = collect_sum(job, 0);
    for (int k = 0; k < job->n_args; k++) {
        const argument *arg = &job->arg[k];
        for (int64_t i = 0; arg->reduced && i < arg->event; i++)
            arg->out[i] = (urn__real)collect_sum(job, arg->sum_at + i);
    }
}

void URN__REAL(density_prepare)(const urn__call *c)
{
    density_job *job = c->state;
    lay_out(job, c->attr, c->in_shape, c->node->op == &urn__op_density_all);
    job->runner = URN__REAL(family_runner_of)(job->a->family, c->exec);
}

void URN__REAL(density_run)(const urn__call *c)
{
    density_job *job = c->state;
    attach(job, c, c->node->op == &urn__op_density_all);
    urn__parallel(c->exec->threads, job->chunks, density_chunk, job);
    collect(job);
}
