/* A chain of elementwise ops as one node: each block of elements goes through all of them while it
 * is in the first-level cache. Built by the fusion pass only. */
#include "../graph.h"
#include <string.h>

#define REGISTERS (URN__MAX_IN + URN__FUSED_MAX)
#define BUFFER ((int64_t)(REGISTERS * URN__BLOCK)) /* numbers, a thread */

typedef struct fused_job {
    const urn__call *call;
    const urn__fused_attr *a;
    urn__walk walk[URN__MAX_IN];
    int64_t n;
    int8_t out_of[REGISTERS]; /* output a register is, or -1 */
} fused_job;

static bool fused_shape(urn__shape_query *q)
{
    const urn__fused_attr *a = q->attr;
    q->n_out = a->n_out;
    for (int k = 0; k < a->n_out; k++)
        q->out[k] = a->shape;
    return true;
}

typedef struct registers {
    const urn__real *at[REGISTERS];
    int64_t stride[REGISTERS];
} registers;

static void load(const fused_job *job, int64_t from, int64_t n, urn__real *buffer, registers *r)
{
    const urn__call *c = job->call;
    for (int k = 0; k < c->n_in; k++) {
        const urn__walk *w = &job->walk[k];
        const urn__real *x = c->in[k];
        r->stride[k] = w->kind == URN__WALK_SCALAR ? 0 : 1;
        r->at[k] = w->kind == URN__WALK_FULL ? x + from : x;
        if (w->kind == URN__WALK_GENERAL) {
            URN__REAL(walk_expand)(w, x, from, n, buffer + k * URN__BLOCK);
            r->at[k] = buffer + k * URN__BLOCK;
        }
    }
}

/* The buffer of a register: the output's own memory where it is one. */
static urn__real *target(const fused_job *job, int reg, int64_t from, urn__real *buffer)
{
    const int k = job->out_of[reg];
    urn__real *out = k >= 0 ? job->call->out[k] : NULL;
    return k >= 0 ? out + from : buffer + reg * URN__BLOCK;
}

static void step(const fused_job *job, int i, int64_t n, urn__real *to, registers *r)
{
    const urn__kernels_real *k = urn__exec_kernels(job->call->exec);
    const int32_t a = job->a->instr[i].a, b = job->a->instr[i].b;
    urn__real spread[URN__BLOCK];
    const urn__real *x = r->at[a];
    if (job->a->instr[i].arity == 2) {
        k->map2[job->a->instr[i].map](n, x, r->stride[a], r->at[b], r->stride[b], to);
    } else {
        if (r->stride[a] == 0) {
            for (int64_t j = 0; j < n; j++)
                spread[j] = x[0];
            x = spread;
        }
        if (job->a->instr[i].arity == 1)
            k->map1[job->a->instr[i].map](n, x, to);
        else
            memmove(to, x, (size_t)n * sizeof *to);
    }
    r->at[job->call->n_in + i] = to;
    r->stride[job->call->n_in + i] = 1;
}

static void fused_chunk(void *context, int64_t chunk, int thread)
{
    const fused_job *job = context;
    urn__real *buffer = (urn__real *)(void *)job->call->exec->scratch + thread * BUFFER;
    const int64_t start = chunk * URN__CHUNK;
    const int64_t end = start + URN__CHUNK < job->n ? start + URN__CHUNK : job->n;
    for (int64_t from = start; from < end; from += URN__BLOCK) {
        const int64_t n = end - from < URN__BLOCK ? end - from : URN__BLOCK;
        registers r;
        load(job, from, n, buffer, &r);
        for (int i = 0; i < job->a->n_instr; i++)
            step(job, i, n, target(job, job->call->n_in + i, from, buffer), &r);
    }
}

static void fused_prepare(const urn__call *c)
{
    fused_job *job = c->state;
    *job = (fused_job){.call = c, .a = c->attr, .n = urn__shape_size(c->out_shape)};
    for (int k = 0; k < c->n_in; k++)
        job->walk[k] = urn__walk_of(c->in_shape[k], c->out_shape);
    for (int r = 0; r < REGISTERS; r++)
        job->out_of[r] = -1;
    for (int k = 0; k < job->a->n_out; k++)
        job->out_of[job->a->out[k]] = (int8_t)k;
}

static void fused_run(const urn__call *c)
{
    fused_job *job = c->state;
    urn__each_chunk(c->exec, (job->n + URN__CHUNK - 1) / URN__CHUNK, fused_chunk, job);
}

static int64_t fused_scratch(const urn__graph *g, const urn__node *n, int threads)
{
    (void)g, (void)n;
    return BUFFER * threads; /* doubles: enough for either precision */
}

const urn__op URN__OP(fused) = {.name = "fused",
                                .arity = -1,
                                .flags = URN__OP_NOT_DIFFERENTIABLE,
                                .shape = fused_shape,
                                .run = fused_run,
                                .state_size = sizeof(fused_job),
                                .prepare = fused_prepare,
                                .scratch = fused_scratch};
