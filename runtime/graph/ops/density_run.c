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

/* How the rows of an argument reach the family. */
typedef enum source {
    AS_IT_IS, /* rows in place, or one row for all with stride 0 */
    ONCE,     /* one number for all, copied into the state before the rows are run */
    COPIED,   /* a block at a time, into scratch */
    PRODUCED  /* computed here: gather_dot */
} source;

typedef struct argument {
    const urn__real *in;
    urn__real *out; /* partial: one a row or one for all; NULL: not wanted */
    int64_t event;  /* elements a row */
    urn__walk walk; /* rows of the argument from rows of the site */
    source source;
    target target;
    bool reduced;     /* the partial is summed over all rows */
    bool fixed;       /* ONCE, and the number never changes */
    size_t buffer_at; /* bytes into the thread's scratch, or what follows the job: its block */
    size_t d_at;      /* bytes into the thread's scratch: its partial's block */
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
    size_t once_size;   /* bytes that follow the job */
    int64_t chunk_size; /* doubles of scratch */
    double *chunk_scratch;
    char *thread_scratch;
    bool one_block;          /* all rows are one block, none of them masked; then: */
    urn__family_call ready;  /* the family's call, prepared when pointers are bound */
    int n_fetched, n_wanted; /* arguments that are copied or start from zero; with partials */
    int8_t fetched[URN__DENSITY_ARGS], wanted[URN__DENSITY_ARGS];
} density_job;

_Static_assert(sizeof(density_job) <= URN__DENSITY_STATE, "room for what a density prepares");

/* ---- layout ---- */

/* `count` elements on a cache line of their own. */
static size_t reserve(size_t *size, int64_t count, size_t element)
{
    const size_t at = *size;
    *size += ((size_t)count * element + 63) / 64 * 64;
    return at;
}

static source source_of(const urn__density_attr *a, int k, const argument *arg, bool wanted)
{
    const bool one_row = arg->walk.kind == URN__WALK_SCALAR;
    if (k > 0 && a->given[k - 1] == a->producer)
        return PRODUCED;
    if (one_row && a->family->event_rank == 0 && urn__density_arg_rank(a, k) == 0)
        return ONCE; /* strides of scalar families are never 0 */
    if (arg->walk.kind == URN__WALK_GENERAL || (one_row && wanted && a->rowwise) ||
        (a->has_mask && !one_row))
        return COPIED;
    return AS_IT_IS;
}

static target target_of(const density_job *job, const argument *arg)
{
    if (arg->reduced)
        return arg->source == AS_IT_IS ? SHARED : BUFFER;
    return job->a->has_mask ? BUFFER : IN_PLACE;
}

static void lay_out_argument(density_job *job, int k, const urn__shape *shape, bool wanted,
                             const urn__shape *grid)
{
    const urn__density_attr *a = job->a;
    argument *arg = &job->arg[k];
    const bool produced = k > 0 && a->given[k - 1] == a->producer;
    const urn__shape own = produced ? *grid : urn__density_grid(a, k, shape);
    arg->event = urn__density_arg_event(a, k);
    arg->walk = urn__walk_of(&own, grid);
    arg->reduced = wanted && urn__density_reduced(a, &arg->walk);
    arg->source = source_of(a, k, arg, wanted);
    arg->target = wanted ? target_of(job, arg) : NOT_WANTED;
    if (arg->source != AS_IT_IS)
        arg->buffer_at = reserve(arg->source == ONCE ? &job->once_size : &job->thread_size,
                                 job->block * arg->event, sizeof(urn__real));
    if (arg->target == BUFFER || arg->target == SHARED)
        arg->d_at =
            reserve(&job->thread_size, (arg->target == BUFFER ? job->block : 1) * arg->event,
                    sizeof(urn__real));
    if (arg->reduced) {
        arg->sum_at = job->chunk_size;
        job->chunk_size += arg->event;
    }
}

static void choose_blocks(density_job *job)
{
    const urn__density_attr *a = job->a;
    const int64_t components = urn__family_components(a->family);
    const bool scalar = a->family->event_rank == 0 && a->dim == 1 && components == 0;
    const int64_t by_event = EVENT_ELEMENTS / (a->event > a->dim ? a->event : a->dim) /
                             (components > 0 ? components : 1);
    job->block = scalar ? SCALAR_BLOCK : by_event < 1 ? 1 : by_event > 2048 ? 2048 : by_event;
    job->chunk = scalar ? URN__CHUNK : job->block;
    job->chunks = (job->rows + job->chunk - 1) / job->chunk;
    job->one_block = job->rows > 0 && job->rows <= job->block && !a->has_mask;
    if (job->rows > 0 && job->rows < job->block)
        job->block = job->rows;
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
    job->lp_at = reserve(&job->thread_size, job->block, sizeof(urn__real));
    if (a->has_mask)
        job->rows_at = reserve(&job->thread_size, job->block, sizeof(int32_t));
    for (int k = 0; k < job->n_args; k++)
        lay_out_argument(job, k, in[urn__density_input(a, k)], all && urn__density_wanted(a, k),
                         &grid);
    if (a->has_mask)
        job->mask_walk = urn__walk_of(in[1 + a->n_given + (a->producer >= 0 ? 3 : 0)], &grid);
    job->family_at =
        reserve(&job->thread_size, URN__REAL(family_block_scratch)(a->family, job->block, a->dim),
                sizeof(double));
    job->chunk_size = (job->chunk_size + 7) / 8 * 8; /* no two chunks share a line */
}

static density_job job_of(const urn__graph *g, const urn__node *n)
{
    const urn__shape *in[URN__MAX_IN];
    density_job job = {0};
    for (int k = 0; k < n->n_in; k++)
        in[k] = urn__graph_shape(g, n->in[k]);
    lay_out(&job, n->attr, in, n->op == &urn__op_density_all);
    return job;
}

int64_t URN__REAL(density_scratch)(const urn__graph *g, const urn__node *n, int threads)
{
    const density_job job = job_of(g, n);
    return (int64_t)(job.thread_size / sizeof(double)) * threads + job.chunk_size * job.chunks;
}

size_t URN__REAL(density_extra)(const urn__graph *g, const urn__node *n)
{
    return job_of(g, n).once_size;
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

static block block_of(density_job *job, int thread, double *sums, int64_t from, int64_t n)
{
    return (block){.job = job,
                   .scratch = job->thread_scratch + (size_t)thread * job->thread_size,
                   .sums = sums,
                   .from = from,
                   .n = n,
                   .active = n};
}

static urn__real *buffer(const block *b, size_t at)
{
    return (urn__real *)(void *)(b->scratch + at);
}

static urn__real *once_buffer(density_job *job, const argument *arg)
{
    char *after = (char *)job + URN__DENSITY_STATE;
    return (urn__real *)(void *)(after + arg->buffer_at);
}

static void fill_once(density_job *job, const argument *arg)
{
    urn__real *to = once_buffer(job, arg);
    for (int64_t i = 0; i < job->block; i++)
        to[i] = arg->in[0];
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

static void copy_block(const block *b, const argument *arg)
{
    urn__real *to = buffer(b, arg->buffer_at);
    if (arg->source == PRODUCED)
        produce(b, to);
    else if (arg->event == 1 && b->row == NULL)
        URN__REAL(walk_expand)(&arg->walk, arg->in, b->from, b->n, to);
    else
        copy_rows(b, arg, to);
}

/* Where the family finds the rows of an argument. */
static const urn__real *rows_of(const block *b, const argument *arg, int64_t *stride)
{
    const bool shared = arg->source == AS_IT_IS && arg->walk.kind == URN__WALK_SCALAR;
    *stride = shared ? 0 : arg->event;
    if (arg->source == ONCE)
        return once_buffer(b->job, arg);
    if (arg->source != AS_IT_IS)
        return buffer(b, arg->buffer_at);
    return arg->in + (shared ? 0 : b->from * arg->event);
}

static urn__real *partial_of(const block *b, const argument *arg)
{
    if (arg->target == NOT_WANTED)
        return NULL;
    return arg->target == IN_PLACE ? arg->out + b->from * arg->event : buffer(b, arg->d_at);
}

static void scale(urn__real *x, int64_t n, double factor)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = (urn__real)(x[i] * factor);
}

/* The kernel's start costs more than a few rows do. */
static double sum_of(const block *b, int64_t n, const urn__real *x)
{
    double sum = 0;
    if (b->job->rows > 16)
        return urn__exec_kernels(b->job->call->exec)->sum(n, x);
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* Adds a block's partial to the chunk's sum. */
static void sum_partial(const block *b, const argument *arg, const urn__real *d)
{
    double *sum = b->sums + arg->sum_at;
    if (arg->target == BUFFER && arg->event == 1) {
        sum[0] += sum_of(b, b->active, d);
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
    if (!b->job->a->rowwise) {
        b->sums[0] += sum_of(b, b->active, lp);
        return;
    }
    urn__real *out = b->job->call->out[0], *to = out + b->from;
    if (b->row != NULL)
        memset(to, 0, (size_t)b->n * sizeof *to);
    for (int64_t i = 0; i < b->active; i++)
        to[block_row(b, i) - b->from] = (urn__real)(lp[i] * b->job->a->weight);
}

static void pick_active(block *b)
{
    const density_job *job = b->job;
    if (job->mask == NULL)
        return;
    int32_t *row = (int32_t *)(void *)(b->scratch + job->rows_at);
    b->active = 0;
    for (int64_t i = 0; i < b->n; i++)
        if (job->mask[urn__walk_offset(&job->mask_walk, b->from + i)] > 0)
            row[b->active++] = (int32_t)i;
    b->row = row;
}

static urn__family_call family_call(const block *b)
{
    const density_job *job = b->job;
    urn__family_call call = {.n = b->active,
                             .dim = job->a->dim,
                             .event = job->a->event,
                             .log_density = buffer(b, job->lp_at)};
    call.x = rows_of(b, &job->arg[0], &call.x_stride);
    call.d_x = partial_of(b, &job->arg[0]);
    for (int k = 1; k < job->n_args; k++) {
        const int p = job->a->given[k - 1];
        call.param[p] = rows_of(b, &job->arg[k], &call.stride[p]);
        call.d_param[p] = partial_of(b, &job->arg[k]);
    }
    return call;
}

/* What the family reads or adds to, apart from what it finds in place. */
static void fetch(const block *b, const argument *arg)
{
    if (arg->source == COPIED || arg->source == PRODUCED)
        copy_block(b, arg);
    if (arg->target == SHARED)
        memset(partial_of(b, arg), 0, (size_t)arg->event * sizeof *arg->out);
}

static void call_family(const block *b, urn__family_call *call)
{
    URN__REAL(family_block)
    (&b->job->runner, call, (double *)(void *)(b->scratch + b->job->family_at));
}

static void evaluate(const block *b, urn__family_call *call)
{
    density_job *job = b->job;
    for (int k = 0; k < job->n_args; k++)
        fetch(b, &job->arg[k]);
    call_family(b, call);
    settle_value(b, call->log_density);
    settle_partial(b, &job->arg[0], call->d_x);
    for (int k = 1; k < job->n_args; k++)
        settle_partial(b, &job->arg[k], call->d_param[job->a->given[k - 1]]);
}

/* ---- the node ---- */

static void density_chunk(void *context, int64_t chunk, int thread)
{
    density_job *job = context;
    const int64_t start = chunk * job->chunk;
    const int64_t end = start + job->chunk < job->rows ? start + job->chunk : job->rows;
    double *sums = job->chunk_scratch + chunk * job->chunk_size;
    memset(sums, 0, (size_t)job->chunk_size * sizeof *sums);
    for (int64_t from = start; from < end; from += job->block) {
        const int64_t n = end - from < job->block ? end - from : job->block;
        block b = block_of(job, thread, sums, from, n);
        pick_active(&b);
        urn__family_call call = family_call(&b);
        evaluate(&b, &call);
    }
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

/* ---- all rows in one block ---- */

static void list_arguments(density_job *job)
{
    for (int k = 0; k < job->n_args; k++) {
        const argument *arg = &job->arg[k];
        if (arg->source == COPIED || arg->source == PRODUCED || arg->target == SHARED)
            job->fetched[job->n_fetched++] = (int8_t)k;
        if (arg->target != NOT_WANTED)
            job->wanted[job->n_wanted++] = (int8_t)k;
    }
}

static void settle_whole(const block *b, const argument *arg)
{
    const double weight = b->job->a->weight;
    urn__real *d = partial_of(b, arg);
    if (arg->target == IN_PLACE) {
        if (weight > 1.0 || weight < 1.0)
            scale(d, b->n * arg->event, weight);
    } else if (arg->event == 1) {
        const double sum = arg->target == SHARED ? (double)d[0] : sum_of(b, b->n, d);
        arg->out[0] = (urn__real)(weight * sum);
    } else {
        double *sum = b->sums + arg->sum_at;
        memset(sum, 0, (size_t)arg->event * sizeof *sum);
        sum_partial(b, arg, d);
        for (int64_t i = 0; i < arg->event; i++)
            arg->out[i] = (urn__real)(weight * sum[i]);
    }
}

static void run_whole(density_job *job)
{
    const block b = block_of(job, 0, job->chunk_scratch, 0, job->rows);
    double *value = job->call->out[0];
    for (int i = 0; i < job->n_fetched; i++)
        fetch(&b, &job->arg[job->fetched[i]]);
    call_family(&b, &job->ready);
    if (job->a->rowwise)
        settle_value(&b, job->ready.log_density);
    else
        value[0] = job->a->weight * sum_of(&b, b.n, job->ready.log_density);
    for (int i = 0; i < job->n_wanted; i++)
        settle_whole(&b, &job->arg[job->wanted[i]]);
}

/* ---- entry points ---- */

void URN__REAL(density_prepare)(const urn__call *c)
{
    density_job *job = c->state;
    lay_out(job, c->attr, c->in_shape, c->node->op == &urn__op_density_all);
    list_arguments(job);
    job->call = c;
    job->runner = URN__REAL(family_runner_of)(job->a->family, c->exec);
}

void URN__REAL(density_bind)(const urn__call *c)
{
    density_job *job = c->state;
    int out = 1;
    for (int k = 0; k < job->n_args; k++) {
        argument *arg = &job->arg[k];
        const int input = urn__density_input(job->a, k);
        arg->in = c->in[input];
        arg->out = arg->target == NOT_WANTED ? NULL : c->out[out++];
        arg->fixed = arg->source == ONCE && (c->fixed >> input & 1);
        if (arg->fixed)
            fill_once(job, arg);
    }
    if (job->a->has_mask)
        job->mask = c->in[c->n_in - 1];
    job->chunk_scratch = c->exec->scratch;
    job->thread_scratch = (char *)(c->exec->scratch + job->chunk_size * job->chunks);
    if (job->one_block) {
        const block b = block_of(job, 0, job->chunk_scratch, 0, job->rows);
        job->ready = family_call(&b);
    }
}

void URN__REAL(density_run)(const urn__call *c)
{
    density_job *job = c->state;
    for (int k = 0; k < job->n_args; k++)
        if (job->arg[k].source == ONCE && !job->arg[k].fixed)
            fill_once(job, &job->arg[k]);
    if (job->one_block) {
        run_whole(job);
    } else {
        urn__each_chunk(c->exec, job->chunks, density_chunk, job);
        collect(job);
    }
}
