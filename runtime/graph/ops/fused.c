/* A chain of elementwise ops as one node, with the sums of what they compute: each block of
 * elements goes through all of them while it is in the first-level cache. Built by the fusion pass
 * only. */
#include "../graph.h"
#include <string.h>

#define REGISTERS (URN__MAX_IN + URN__FUSED_MAX)
#define BUFFER ((int64_t)(REGISTERS * URN__BLOCK)) /* numbers, a thread */

/* An instruction on one block. */
typedef struct step {
    int32_t arity;
    void (*map1)(int64_t n, const urn__real *x, urn__real *y);
    void (*map2)(int64_t n, const urn__real *a, int64_t stride_a, const urn__real *b,
                 int64_t stride_b, urn__real *y);
    const urn__real *a, *b;
    int64_t stride_a, stride_b;
    urn__real *to;
} step;

typedef struct linked {
    step step[URN__FUSED_MAX];
    const urn__real *at[REGISTERS];
} linked;

typedef struct fused_job {
    const urn__call *call;
    const urn__fused_attr *a;
    urn__walk walk[URN__MAX_IN];
    int64_t n, chunks;
    bool sums;
    int8_t out_of[REGISTERS]; /* output a register is, or -1 */
    double *sum;              /* URN__MAX_OUT a chunk */
    urn__real *buffer;        /* of the first thread */
    linked whole;             /* of all elements, where they are one block */
} fused_job;

static bool fused_shape(urn__shape_query *q)
{
    const urn__fused_attr *a = q->attr;
    q->n_out = a->n_out;
    for (int k = 0; k < a->n_out; k++)
        q->out[k] = a->kind[k] == URN__FUSED_VALUE ? a->shape : urn__shape_scalar();
    return true;
}

static bool fused_wide(const urn__node *n, int k)
{
    return ((const urn__fused_attr *)n->attr)->kind[k] == URN__FUSED_TOTAL;
}

/* ---- a block ---- */

static void expand_inputs(const fused_job *job, int64_t from, int64_t n, urn__real *buffer)
{
    for (int k = 0; k < job->call->n_in; k++)
        if (job->walk[k].kind == URN__WALK_GENERAL)
            URN__REAL(walk_expand)
    (&job->walk[k], job->call->in[k], from, n, buffer + k * URN__BLOCK);
}

/* Where an instruction writes: an output's own memory, or a register. */
static urn__real *target(const fused_job *job, int reg, int64_t from, urn__real *buffer)
{
    const int k = job->out_of[reg];
    urn__real *out = k >= 0 ? job->call->out[k] : NULL;
    return k >= 0 ? out + from : buffer + reg * URN__BLOCK;
}

static void link_block(const fused_job *job, int64_t from, urn__real *buffer, linked *l)
{
    const urn__call *c = job->call;
    const urn__kernels_real *kernels = urn__exec_kernels(c->exec);
    int64_t stride[REGISTERS];
    for (int k = 0; k < c->n_in; k++) {
        const urn__real *x = c->in[k];
        stride[k] = job->walk[k].kind == URN__WALK_SCALAR ? 0 : 1;
        l->at[k] = job->walk[k].kind == URN__WALK_FULL     ? x + from
                   : job->walk[k].kind == URN__WALK_SCALAR ? x
                                                           : buffer + k * URN__BLOCK;
    }
    for (int i = 0; i < job->a->n_instr; i++) {
        const int32_t a = job->a->instr[i].a, b = job->a->instr[i].b, map = job->a->instr[i].map;
        step *s = &l->step[i];
        *s = (step){.arity = job->a->instr[i].arity,
                    .a = l->at[a],
                    .stride_a = stride[a],
                    .to = target(job, c->n_in + i, from, buffer)};
        if (s->arity == 1)
            s->map1 = kernels->map1[map];
        if (s->arity == 2) {
            s->map2 = kernels->map2[map];
            s->b = l->at[b];
            s->stride_b = stride[b];
        }
        l->at[c->n_in + i] = s->to;
        stride[c->n_in + i] = 1;
    }
}

static void run_step(const step *s, int64_t n)
{
    const urn__real *x = s->a;
    if (s->arity == 2) {
        s->map2(n, x, s->stride_a, s->b, s->stride_b, s->to);
        return;
    }
    if (s->stride_a == 0) { /* one number for all */
        for (int64_t j = 0; j < n; j++)
            s->to[j] = x[0];
        x = s->to;
    }
    if (s->arity == 1)
        s->map1(n, x, s->to);
    else if (x != s->to)
        memmove(s->to, x, (size_t)n * sizeof *x);
}

/* The kernel's start costs more than a few elements do. */
static double sum_of(const fused_job *job, int64_t n, const urn__real *x)
{
    double sum = 0;
    if (job->n > 16)
        return urn__exec_kernels(job->call->exec)->sum(n, x);
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

static void run_linked(const fused_job *job, const linked *l, int64_t n, double *sum)
{
    const urn__fused_attr *a = job->a;
    for (int i = 0; i < a->n_instr; i++)
        run_step(&l->step[i], n);
    for (int k = 0; job->sums && k < a->n_out; k++)
        if (a->kind[k] != URN__FUSED_VALUE)
            sum[k] += sum_of(job, n, l->at[a->out[k]]);
}

static void fused_chunk(void *context, int64_t chunk, int thread)
{
    const fused_job *job = context;
    urn__real *buffer = job->buffer + thread * BUFFER;
    double *sum = job->sum + chunk * URN__MAX_OUT;
    const int64_t start = chunk * URN__CHUNK;
    const int64_t end = start + URN__CHUNK < job->n ? start + URN__CHUNK : job->n;
    linked l;
    if (job->sums)
        memset(sum, 0, URN__MAX_OUT * sizeof *sum);
    for (int64_t from = start; from < end; from += URN__BLOCK) {
        const int64_t n = end - from < URN__BLOCK ? end - from : URN__BLOCK;
        expand_inputs(job, from, n, buffer);
        link_block(job, from, buffer, &l);
        run_linked(job, &l, n, sum);
    }
}

/* ---- the node ---- */

static void give_sums(const fused_job *job)
{
    const urn__fused_attr *a = job->a;
    for (int k = 0; k < a->n_out; k++) {
        urn__real *narrow = job->call->out[k];
        double *wide = job->call->out[k], sum = 0;
        if (a->kind[k] == URN__FUSED_VALUE)
            continue;
        for (int64_t chunk = 0; chunk < job->chunks; chunk++)
            sum += job->sum[chunk * URN__MAX_OUT + k];
        if (a->kind[k] == URN__FUSED_TOTAL)
            wide[0] = a->factor[k] * sum;
        else
            narrow[0] = (urn__real)sum;
    }
}

static int64_t chunks_of(int64_t n)
{
    return (n + URN__CHUNK - 1) / URN__CHUNK;
}

static void fused_prepare(const urn__call *c)
{
    fused_job *job = c->state;
    const urn__fused_attr *a = c->attr;
    job->call = c;
    job->a = a;
    job->n = urn__shape_size(&a->shape);
    job->chunks = chunks_of(job->n);
    for (int k = 0; k < c->n_in; k++)
        job->walk[k] = urn__walk_of(c->in_shape[k], &a->shape);
    for (int r = 0; r < REGISTERS; r++)
        job->out_of[r] = -1;
    for (int k = 0; k < a->n_out; k++)
        if (a->kind[k] == URN__FUSED_VALUE)
            job->out_of[a->out[k]] = (int8_t)k;
        else
            job->sums = true;
}

static void fused_bind(const urn__call *c)
{
    fused_job *job = c->state;
    job->sum = c->exec->scratch;
    job->buffer = (urn__real *)(void *)(c->exec->scratch + job->chunks * URN__MAX_OUT);
    if (job->n <= URN__BLOCK)
        link_block(job, 0, job->buffer, &job->whole);
}

static void fused_run(const urn__call *c)
{
    fused_job *job = c->state;
    if (job->n > URN__BLOCK) {
        urn__parallel(c->exec->threads, job->chunks, fused_chunk, job);
    } else {
        memset(job->sum, 0, URN__MAX_OUT * sizeof *job->sum);
        expand_inputs(job, 0, job->n, job->buffer);
        run_linked(job, &job->whole, job->n, job->sum);
    }
    if (job->sums)
        give_sums(job);
}

static int64_t fused_scratch(const urn__graph *g, const urn__node *n, int threads)
{
    (void)g;
    const int64_t chunks = chunks_of(urn__shape_size(&((const urn__fused_attr *)n->attr)->shape));
    return (chunks + 1) * URN__MAX_OUT + BUFFER * threads; /* enough for either precision */
}

const urn__op URN__OP(fused) = {.name = "fused",
                                .arity = -1,
                                .flags = URN__OP_NOT_DIFFERENTIABLE,
                                .shape = fused_shape,
                                .run = fused_run,
                                .state_size = sizeof(fused_job),
                                .prepare = fused_prepare,
                                .bind = fused_bind,
                                .scratch = fused_scratch,
                                .wide = fused_wide};
