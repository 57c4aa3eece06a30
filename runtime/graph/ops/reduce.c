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
    int64_t run;     /* > 0: output k is the sum of the k-th run of so many inputs */
    int64_t chunk;   /* inputs of a chunk; of runs, outputs */
    double *partial; /* all outputs, a chunk */
} sum_job;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t chunks_of(int64_t n, int64_t chunk)
{
    return (n + chunk - 1) / chunk;
}

static void lay_out_sum(sum_job *job, const urn__shape *in, const urn__shape *out)
{
    const urn__walk w = urn__walk_of(out, in);
    *job = (sum_job){.walk = w, .n = urn__shape_size(in), .n_out = urn__shape_size(out)};
    const bool runs = w.kind == URN__WALK_GENERAL && w.rank == 2 && w.stride[1] == 0;
    job->run = runs && w.stride[0] == 1 ? w.dim[1] : 0;
    if (job->run > 0)
        job->chunk = job->run < URN__CHUNK ? URN__CHUNK / job->run : 1;
    else /* partial sums take at most a sixteenth of the input's space, or one row */
        job->chunk = 16 * job->n_out > URN__CHUNK ? 16 * job->n_out : URN__CHUNK;
}

static void sum_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const sum_job *job = context;
    const int64_t from = chunk * job->chunk, n = least(job->n - from, job->chunk);
    const urn__real *x = job->call->in[0];
    double *out = job->partial + chunk * job->n_out;
    memset(out, 0, (size_t)job->n_out * sizeof *out);
    if (job->walk.kind == URN__WALK_SCALAR)
        out[0] = urn__exec_kernels(job->call->exec)->sum(n, x + from);
    else
        URN__REAL(walk_reduce)(&job->walk, x + from, from, n, out);
}

static void run_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const sum_job *job = context;
    const int64_t from = chunk * job->chunk, to = least(job->n_out, from + job->chunk);
    const urn__real *x = job->call->in[0];
    urn__real *out = job->call->out[0];
    for (int64_t k = from; k < to; k++) {
        double sum = 0;
        if (job->run >= 32)
            sum = urn__exec_kernels(job->call->exec)->sum(job->run, x + k * job->run);
        for (int64_t i = 0; job->run < 32 && i < job->run; i++)
            sum += x[k * job->run + i];
        out[k] = (urn__real)sum;
    }
}

static void sum_to_prepare(const urn__call *c)
{
    sum_job *job = c->state;
    lay_out_sum(job, c->in_shape[0], c->out_shape);
    job->call = c;
}

/* Sum of output k over chunks, in their order. */
static double collect(const sum_job *job, int64_t k)
{
    double sum = 0;
    for (int64_t chunk = 0; chunk * job->chunk < job->n; chunk++)
        sum += job->partial[chunk * job->n_out + k];
    return sum;
}

static void sum_to_run(const urn__call *c)
{
    sum_job *job = c->state;
    urn__real *out = c->out[0];
    if (job->run > 0) {
        urn__each_chunk(c->exec, chunks_of(job->n_out, job->chunk), run_chunk, job);
        return;
    }
    job->partial = c->exec->scratch;
    urn__each_chunk(c->exec, chunks_of(job->n, job->chunk), sum_chunk, job);
    for (int64_t k = 0; k < job->n_out; k++)
        out[k] = (urn__real)collect(job, k);
}

static int64_t sum_to_scratch(const urn__graph *g, const urn__node *node, int threads)
{
    (void)threads;
    sum_job job;
    lay_out_sum(&job, urn__graph_shape(g, node->in[0]), node->shape);
    return job.run > 0 ? 0 : chunks_of(job.n, job.chunk) * job.n_out;
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

/* ---- total: the sum of all elements times a factor, wide ---- */

static bool scalar_shape(urn__shape_query *q)
{
    q->out[0] = urn__shape_scalar();
    return true;
}

static bool first_is_wide(const urn__node *n, int k)
{
    (void)n;
    return k == 0;
}

static void total_prepare(const urn__call *c)
{
    const urn__shape scalar = urn__shape_scalar();
    sum_job *job = c->state;
    lay_out_sum(job, c->in_shape[0], &scalar);
    job->call = c;
    if (job->walk.kind == URN__WALK_FULL)
        job->walk.kind = URN__WALK_SCALAR; /* one element, or none */
}

static void total_run(const urn__call *c)
{
    sum_job *job = c->state;
    double *out = c->out[0];
    job->partial = c->exec->scratch;
    urn__each_chunk(c->exec, chunks_of(job->n, job->chunk), sum_chunk, job);
    out[0] = ((const urn__total_attr *)c->attr)->factor * collect(job, 0);
}

static int64_t total_scratch(const urn__graph *g, const urn__node *node, int threads)
{
    (void)threads;
    return chunks_of(urn__shape_size(urn__graph_shape(g, node->in[0])), URN__CHUNK);
}

static void total_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                      urn__id *d_in)
{
    (void)wanted;
    const urn__node n = *urn__graph_node(g, y);
    const urn__id factor = urn__number(g, ((const urn__total_attr *)n.attr)->factor);
    d_in[0] = urn__broadcast(g, urn__times(g, d_out[0], factor), urn__graph_shape(g, n.in[0]));
}

static urn__id total_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    const urn__shape from[] = {rows_shape(n, 1, 3), urn__shape_vector(n), urn__shape_scalar()};
    const urn__total_attr attr = {.factor = variant == 0 ? 1.0 : 2.5};
    if (variant > 2)
        return 0;
    const urn__id x = urn__example_input(e, from[variant], URN_DOMAIN_REAL);
    return urn__emit(urn__example_graph(e), &urn__op_total, 1, &x, &attr, sizeof attr);
}

/* ---- narrow: a wide number as one of the plan's precision ---- */

static void narrow_run(const urn__call *c)
{
    const double *x = c->in[0];
    urn__real *out = c->out[0];
    out[0] = (urn__real)x[0];
}

static void narrow_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                       urn__id *d_in)
{
    (void)g, (void)y, (void)wanted;
    d_in[0] = d_out[0];
}

static urn__id narrow_example(urn__example *e, int variant)
{
    const urn__id x = variant > 0 ? 0 : total_example(e, 1);
    return variant > 0 ? 0 : urn__emit1(urn__example_graph(e), &urn__op_narrow, x);
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

/* ---- regroup: an alias with other plates ---- */

static void regroup_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                        urn__id *d_in)
{
    (void)wanted;
    const urn__shape_attr attr = {.shape = *urn__graph_shape(g, urn__graph_node(g, y)->in[0])};
    d_in[0] = urn__emit(g, &urn__op_regroup, 1, d_out, &attr, sizeof attr);
}

static urn__id regroup_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    const urn__shape_attr attr = {.shape = urn__shape_matrix(n, 3)};
    if (variant > 0)
        return 0;
    const urn__id x = urn__example_input(e, rows_shape(n, 1, 3), URN_DOMAIN_REAL);
    return urn__emit(urn__example_graph(e), &urn__op_regroup, 1, &x, &attr, sizeof attr);
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
    double high = -INFINITY;
    for (int64_t i = 0; i < n; i++)
        high = x[i] > high || isnan(x[i]) ? x[i] : high;
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
        out[r] = (urn__real)logsumexp(width, x + r * width);
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
const urn__op URN__OP(total) = {.name = "total",
                                .arity = 1,
                                .linear = 1,
                                .shape = scalar_shape,
                                .run = total_run,
                                .state_size = sizeof(sum_job),
                                .prepare = total_prepare,
                                .scratch = total_scratch,
                                .wide = first_is_wide,
                                .vjp = total_vjp,
                                .example = total_example};
/* Put in by urn__narrow, for plans in single precision. */
const urn__op URN__OP(narrow) = {.name = "narrow",
                                 .arity = 1,
                                 .linear = 1,
                                 .shape = scalar_shape,
                                 .run = narrow_run,
                                 .vjp = narrow_vjp,
                                 .example = narrow_example};
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
/* Rows of a plate become an event dim, or back. */
const urn__op URN__OP(regroup) = {.name = "regroup",
                                  .arity = 1,
                                  .flags = URN__OP_ALIAS,
                                  .linear = 1,
                                  .shape = given_shape,
                                  .vjp = regroup_vjp,
                                  .example = regroup_example};
const urn__op URN__OP(logsumexp) = {.name = "logsumexp",
                                    .arity = 1,
                                    .shape = logsumexp_shape,
                                    .run = logsumexp_run,
                                    .vjp = logsumexp_vjp,
                                    .example = logsumexp_example};
