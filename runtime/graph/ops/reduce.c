/* Sums to a smaller shape, broadcasts to a larger one, log-sum-exp, and shapes seen anew. */
#include "../graph.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool given_shape(urn__shape_query *q)
{
    q->out[0] = ((const urn__shape_attr *)q->attr)->shape;
    return true;
}

/* ---- sum_to ---- */

typedef struct sum_job {
    const urn__call *call;
    urn__walk walk;
    int64_t n, n_out;
    double *partial; /* one output a chunk, when outputs are few */
} sum_job;

static int64_t chunks_of(int64_t n)
{
    return (n + URN__CHUNK - 1) / URN__CHUNK;
}

/* Few outputs: each chunk has its own sums, added in chunk order afterwards. */
static bool sums_by_chunk(int64_t n, int64_t n_out)
{
    return n_out <= 256 && n > 2 * n_out;
}

static void sum_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const sum_job *job = context;
    const int64_t from = chunk * URN__CHUNK;
    const int64_t n = job->n - from < URN__CHUNK ? job->n - from : URN__CHUNK;
    const urn__real *x = job->call->in[0];
    double *out = job->partial + chunk * job->n_out;
    memset(out, 0, (size_t)job->n_out * sizeof *out);
    if (job->walk.kind == URN__WALK_SCALAR)
        out[0] = urn__exec_kernels(job->call->exec)->sum(n, x + from);
    else
        URN__REAL(walk_reduce)(&job->walk, x + from, from, n, out);
}

static void sum_to_prepare(const urn__call *c)
{
    sum_job *job = c->state;
    *job = (sum_job){.call = c,
                     .walk = urn__walk_of(c->out_shape, c->in_shape[0]),
                     .n = urn__shape_size(c->in_shape[0]),
                     .n_out = urn__shape_size(c->out_shape)};
}

static void sum_to_run(const urn__call *c)
{
    sum_job *job = c->state;
    const int64_t chunks = chunks_of(job->n);
    urn__real *out = c->out[0];
    if (job->n_out == 1 && chunks == 1) {
        out[0] = urn__exec_kernels(c->exec)->sum(job->n, c->in[0]);
        return;
    }
    memset(out, 0, (size_t)job->n_out * sizeof *out);
    if (!sums_by_chunk(job->n, job->n_out)) {
        URN__REAL(walk_reduce)(&job->walk, c->in[0], 0, job->n, out);
        return;
    }
    job->partial = c->exec->scratch;
    urn__parallel(c->exec->threads, chunks, sum_chunk, job);
    for (int64_t k = 0; k < chunks; k++)
        for (int64_t i = 0; i < job->n_out; i++)
            out[i] += job->partial[k * job->n_out + i];
}

static int64_t sum_to_scratch(const urn__graph *g, const urn__node *node, int threads)
{
    (void)threads;
    const int64_t n = urn__shape_size(urn__graph_shape(g, node->in[0]));
    const int64_t n_out = urn__shape_size(node->shape);
    return sums_by_chunk(n, n_out) ? chunks_of(n) * n_out : 0;
}

static void sum_to_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                       urn__id *d_in)
{
    (void)wanted;
    d_in[0] = urn__broadcast(g, d_out[0], urn__graph_shape(g, urn__graph_node(g, y)->in[0]));
}

static urn__shape rows_shape(int64_t n, int n_event, int64_t event)
{
    return (urn__shape){.n_plates = 1, .n_event = n_event, .plate = {1}, .dim = {n, event}};
}

static urn__id sum_to_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    const urn__shape from[] = {rows_shape(n, 1, 3), rows_shape(n, 1, 3), rows_shape(n, 1, 3),
                               urn__shape_vector(n)};
    const urn__shape to[] = {rows_shape(n, 0, 0), urn__shape_vector(3), urn__shape_scalar(),
                             urn__shape_scalar()};
    if (variant >= 4)
        return 0;
    const urn__id x = urn__example_input(e, from[variant], URN_DOMAIN_REAL);
    return urn__sum_to(urn__example_graph(e), x, &to[variant]);
}

/* ---- broadcast ---- */

static void broadcast_run(const urn__call *c)
{
    const urn__walk w = urn__walk_of(c->in_shape[0], c->out_shape);
    URN__REAL(walk_expand)(&w, c->in[0], 0, urn__shape_size(c->out_shape), c->out[0]);
}

static void broadcast_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                          urn__id *d_in)
{
    (void)wanted;
    d_in[0] = urn__sum_to(g, d_out[0], urn__graph_shape(g, urn__graph_node(g, y)->in[0]));
}

static urn__id broadcast_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    const urn__shape to = rows_shape(n, 1, 3);
    const urn__shape from[] = {rows_shape(n, 0, 0), urn__shape_vector(3), urn__shape_scalar(),
                               rows_shape(n, 1, 1)};
    if (variant >= 4)
        return 0;
    /* a row without event dims broadcasts once it has one of length 1 */
    urn__id x = urn__example_input(e, from[variant], URN_DOMAIN_REAL);
    if (variant == 0)
        x = urn__reshape_event(urn__example_graph(e), x, 1, (int64_t[]){1});
    return urn__broadcast(urn__example_graph(e), x, &to);
}

/* ---- reshape: an alias ---- */

static void reshape_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                        urn__id *d_in)
{
    (void)wanted;
    const urn__shape *s = urn__graph_shape(g, urn__graph_node(g, y)->in[0]);
    d_in[0] = urn__reshape_event(g, d_out[0], s->n_event, s->dim + s->n_plates);
}

static urn__id reshape_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    if (variant > 0)
        return 0;
    const urn__id x = urn__example_input(e, urn__shape_matrix(n, 2), URN_DOMAIN_REAL);
    return urn__reshape_event(urn__example_graph(e), x, 1, (int64_t[]){2 * n});
}

/* ---- logsumexp over the last event dim ---- */

static bool logsumexp_shape(urn__shape_query *q)
{
    const urn__shape *s = q->in[0];
    if (s->n_event == 0) {
        (void)snprintf(q->why, q->why_size, "there is no event dim to sum over");
        return false;
    }
    q->out[0] = urn__shape_with_event(s, s->n_event - 1, s->dim + s->n_plates);
    return true;
}

static double logsumexp(int64_t n, const urn__real *x)
{
    double high = x[0];
    for (int64_t i = 1; i < n; i++)
        high = x[i] > high ? x[i] : high;
    if (!isfinite(high))
        return high;
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += exp(x[i] - high);
    return high + log(sum);
}

static void logsumexp_run(const urn__call *c)
{
    const int64_t width = urn__shape_last(c->in_shape[0]);
    const int64_t rows = urn__shape_size(c->out_shape);
    const urn__real *x = c->in[0];
    urn__real *out = c->out[0];
    for (int64_t r = 0; r < rows; r++)
        out[r] = logsumexp(width, x + r * width);
}

static urn__id with_last(urn__graph *g, urn__id x)
{
    const urn__shape *s = urn__graph_shape(g, x);
    int64_t dims[URN__MAX_DIMS];
    for (int i = 0; i < s->n_event; i++)
        dims[i] = s->dim[s->n_plates + i];
    dims[s->n_event] = 1;
    return urn__reshape_event(g, x, s->n_event + 1, dims);
}

static void logsumexp_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                          urn__id *d_in)
{
    (void)wanted;
    const urn__id x = urn__graph_node(g, y)->in[0];
    const urn__id z = urn__emit2(g, &urn__op_sub, x, with_last(g, y));
    d_in[0] = urn__times(g, with_last(g, d_out[0]), urn__emit1(g, &urn__op_exp, z));
}

static urn__id logsumexp_example(urn__example *e, int variant)
{
    if (variant > 1)
        return 0;
    const int64_t n = urn__example_size(e);
    const urn__shape shape = variant == 0 ? urn__shape_vector(n) : rows_shape(n, 1, 4);
    return urn__emit1(urn__example_graph(e), &urn__op_logsumexp,
                      urn__example_input(e, shape, URN_DOMAIN_REAL));
}

const urn__op URN__OP(sum_to) = {.name = "sum_to",
                                 .arity = 1,
                                 .linear = 1,
                                 .shape = given_shape,
                                 .run = sum_to_run,
                                 .state_size = sizeof(sum_job),
                                 .prepare = sum_to_prepare,
                                 .scratch = sum_to_scratch,
                                 .vjp = sum_to_vjp,
                                 .example = sum_to_example};
const urn__op URN__OP(broadcast) = {.name = "broadcast",
                                    .arity = 1,
                                    .linear = 1,
                                    .shape = given_shape,
                                    .run = broadcast_run,
                                    .vjp = broadcast_vjp,
                                    .example = broadcast_example};
const urn__op URN__OP(reshape) = {.name = "reshape",
                                  .arity = 1,
                                  .flags = URN__OP_ALIAS,
                                  .linear = 1,
                                  .shape = given_shape,
                                  .vjp = reshape_vjp,
                                  .example = reshape_example};
const urn__op URN__OP(logsumexp) = {.name = "logsumexp",
                                    .arity = 1,
                                    .shape = logsumexp_shape,
                                    .run = logsumexp_run,
                                    .vjp = logsumexp_vjp,
                                    .example = logsumexp_example};
