/* From unconstrained coordinates to a site's support: value and summed log-Jacobian, and the
 * adjoint. Supports compute in double; in single, rows are converted a chunk at a time. */
#include "convert.h"
#include <string.h>

#define ROWS 1024 /* rows a chunk */

/* Inputs of constrain: free, [low], [high]. Outputs: value, log-Jacobian (a scalar, wide).
 * Inputs of constrain_vjp: free, [d_value], [d_log_jacobian], [low], [high].
 * Outputs: d_free, [d_low], [d_high] with one value a row. */

typedef struct constrain_job {
    const urn__call *call;
    const urn__constrain_attr *a;
    const urn__real *bound[2];
    urn__walk bound_walk[2];
    urn__real *d_bound[2];
    double *partial; /* a chunk's log-Jacobian */
} constrain_job;

static int64_t chunks_of(int64_t rows)
{
    return (rows + ROWS - 1) / ROWS;
}

/* A thread's buffers, for a chunk of rows. */
typedef struct buffers {
    urn__real *expanded[2];                                /* bounds, one a row */
    double *jacobian;                                      /* log-Jacobians or their adjoints */
    double *d_value;                                       /* zeros, or converted */
    double *free, *value, *d_free, *bound[2], *d_bound[2]; /* converted */
} buffers;

static double *take(double **at, int64_t n)
{
    double *here = *at;
    *at += (n + 7) / 8 * 8;
    return here;
}

static void lay_out_buffers(const urn__constrain_attr *a, double *at, buffers *b)
{
    const int64_t rows = a->rows < ROWS ? a->rows : ROWS;
    b->jacobian = take(&at, rows);
    b->d_value = take(&at, rows * a->value_size);
    b->free = take(&at, URN__CONVERTED * rows * a->free_size);
    b->value = take(&at, URN__CONVERTED * rows * a->value_size);
    b->d_free = take(&at, URN__CONVERTED * rows * a->free_size);
    for (int k = 0; k < 2; k++) {
        b->expanded[k] = (urn__real *)(void *)take(&at, rows);
        b->bound[k] = take(&at, URN__CONVERTED * rows);
        b->d_bound[k] = take(&at, URN__CONVERTED * rows);
    }
}

static int64_t buffer_size(const urn__constrain_attr *a)
{
    const int64_t rows = a->rows < ROWS ? a->rows : ROWS;
    const int64_t in_single = 2 * a->free_size + a->value_size + 4;
    return rows * (3 + a->value_size + URN__CONVERTED * in_single) + 11 * 8; /* 11 arrays */
}

static bool constrain_shape(urn__shape_query *q)
{
    q->out[0] = ((const urn__constrain_attr *)q->attr)->value_shape;
    q->out[1] = urn__shape_scalar();
    q->n_out = 2;
    return true;
}

static bool constrain_vjp_shape(urn__shape_query *q)
{
    const urn__constrain_attr *a = q->attr;
    q->out[0] = a->free_shape;
    q->n_out = 1;
    if (a->has_low)
        q->out[q->n_out++] = a->value_shape;
    if (a->has_high)
        q->out[q->n_out++] = a->value_shape;
    return true;
}

static bool jacobian_is_wide(const urn__node *n, int k)
{
    (void)n;
    return k == 1;
}

static int first_bound(const urn__call *c)
{
    const urn__constrain_attr *a = c->attr;
    return c->node->op == &urn__op_constrain ? 1 : 1 + a->has_d_value + a->has_d_jacobian;
}

static void find_bounds(constrain_job *job, int first)
{
    const urn__call *c = job->call;
    const bool has[2] = {job->a->has_low != 0, job->a->has_high != 0};
    for (int k = 0; k < 2; k++)
        if (has[k])
            job->bound_walk[k] = urn__walk_of(c->in_shape[first++], &job->a->value_shape);
}

static void attach_bounds(constrain_job *job, int first)
{
    const urn__call *c = job->call;
    job->bound[0] = job->a->has_low ? c->in[first++] : NULL;
    job->bound[1] = job->a->has_high ? c->in[first] : NULL;
}

/* The support's arguments for one chunk, apart from the adjoints. */
static urn_bijection_call chunk_call(const constrain_job *job, int64_t from, int64_t n,
                                     const buffers *b)
{
    const urn__constrain_attr *a = job->a;
    urn_bijection_call call = {
        .n = n, .dim = a->dim, .value_size = a->value_size, .free_size = a->free_size};
    const double *bound[2] = {NULL, NULL};
    for (int k = 0; k < 2; k++) {
        if (job->bound[k] == NULL)
            continue;
        URN__REAL(walk_expand)(&job->bound_walk[k], job->bound[k], from, n, b->expanded[k]);
        bound[k] = doubles_of(n, b->expanded[k], b->bound[k]);
    }
    call.low = bound[0];
    call.high = bound[1];
    const urn__real *free = job->call->in[0];
    union { /* the support reads `free` here; the member is not const for its other uses */
        const double *in;
        double *out;
    } coordinates = {.in = doubles_of(n * a->free_size, free + from * a->free_size, b->free)};
    call.free = coordinates.out;
    return call;
}

static void constrain_chunk(void *context, int64_t chunk, int thread)
{
    const constrain_job *job = context;
    const urn__constrain_attr *a = job->a;
    const urn__exec *exec = job->call->exec;
    const int64_t from = chunk * ROWS, n = a->rows - from < ROWS ? a->rows - from : ROWS;
    urn__real *value = job->call->out[0];
    buffers b;
    lay_out_buffers(a, exec->scratch + chunks_of(a->rows) + thread * buffer_size(a), &b);
    urn_bijection_call call = chunk_call(job, from, n, &b);
    value += from * a->value_size;
    call.value = doubles_for(value, b.value);
    call.log_jacobian = b.jacobian;
    a->support->constrain(&call);
    give_back(n * a->value_size, call.value, value);
    job->partial[chunk] = exec->kernels->sum(n, call.log_jacobian);
}

static void constrain_prepare(const urn__call *c)
{
    constrain_job *job = c->state;
    *job = (constrain_job){.call = c, .a = c->attr};
    find_bounds(job, first_bound(c));
}

static void constrain_run(const urn__call *c)
{
    constrain_job *job = c->state;
    attach_bounds(job, first_bound(c));
    job->partial = c->exec->scratch;
    const int64_t chunks = chunks_of(job->a->rows);
    urn__each_chunk(c->exec, chunks, constrain_chunk, job);
    double total = 0;
    for (int64_t k = 0; k < chunks; k++)
        total += job->partial[k];
    double *jacobian = c->out[1];
    if (jacobian != NULL)
        jacobian[0] = total;
}

static int64_t constrain_scratch(const urn__graph *g, const urn__node *n, int threads)
{
    (void)g;
    const urn__constrain_attr *a = n->attr;
    return chunks_of(a->rows) + threads * buffer_size(a);
}

/* The adjoint of the value, or zeros. */
static const double *value_adjoint(const constrain_job *job, int64_t from, int64_t n,
                                   const buffers *b)
{
    const int64_t width = job->a->value_size;
    const urn__real *d_value = job->call->in[1];
    if (job->a->has_d_value)
        return doubles_of(n * width, d_value + from * width, b->d_value);
    memset(b->d_value, 0, (size_t)(n * width) * sizeof *b->d_value);
    return b->d_value;
}

static void fill_jacobian_adjoint(const constrain_job *job, int64_t n, const buffers *b)
{
    const urn__real *d = job->a->has_d_jacobian ? job->call->in[1 + job->a->has_d_value] : NULL;
    for (int64_t i = 0; i < n; i++)
        b->jacobian[i] = d == NULL ? 0.0 : (double)d[0];
}

static void constrain_vjp_chunk(void *context, int64_t chunk, int thread)
{
    const constrain_job *job = context;
    const urn__constrain_attr *a = job->a;
    const urn__exec *exec = job->call->exec;
    const int64_t from = chunk * ROWS, n = a->rows - from < ROWS ? a->rows - from : ROWS;
    urn__real *d_free = job->call->out[0], *d_bound[2] = {NULL, NULL};
    double *d[2] = {NULL, NULL};
    buffers b;
    lay_out_buffers(a, exec->scratch + chunks_of(a->rows) + thread * buffer_size(a), &b);
    urn_bijection_call call = chunk_call(job, from, n, &b);
    fill_jacobian_adjoint(job, n, &b);
    call.d_log_jacobian = b.jacobian;
    call.d_value = value_adjoint(job, from, n, &b);
    d_free += from * a->free_size;
    call.d_free = doubles_for(d_free, b.d_free);
    for (int k = 0; k < 2; k++)
        if (job->d_bound[k] != NULL) {
            d_bound[k] = job->d_bound[k] + from;
            d[k] = doubles_for(d_bound[k], b.d_bound[k]);
        }
    call.d_low = d[0];
    call.d_high = d[1];
    a->support->constrain_vjp(&call);
    give_back(n * a->free_size, call.d_free, d_free);
    for (int k = 0; k < 2; k++)
        if (d[k] != NULL)
            give_back(n, d[k], d_bound[k]);
}

static void constrain_vjp_run(const urn__call *c)
{
    constrain_job *job = c->state;
    attach_bounds(job, first_bound(c));
    job->d_bound[0] = job->a->has_low ? c->out[1] : NULL;
    job->d_bound[1] = job->a->has_high ? c->out[1 + job->a->has_low] : NULL;
    urn__each_chunk(c->exec, chunks_of(job->a->rows), constrain_vjp_chunk, job);
}

static void constrain_vjp_emit(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                               urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    urn__constrain_attr a = *(const urn__constrain_attr *)n.attr;
    urn__id in[5] = {n.in[0]};
    int n_in = 1;
    a.has_d_value = d_out[0] != 0;
    a.has_d_jacobian = d_out[1] != 0;
    for (int k = 0; k < 2; k++)
        if (d_out[k] != 0)
            in[n_in++] = d_out[k];
    for (int k = 1; k < n.n_in; k++)
        in[n_in++] = n.in[k];
    const urn__id all = urn__emit(g, &urn__op_constrain_vjp, n_in, in, &a, sizeof a);
    for (int k = 0; all != 0 && k < n.n_in; k++)
        if (wanted[k])
            d_in[k] = urn__sum_to(g, urn__output(g, all, k), urn__graph_shape(g, n.in[k]));
}

static urn__id constrain_of(urn__example *e, urn__constrain_attr a, int n_bounds)
{
    urn__graph *g = urn__example_graph(e);
    urn__id in[3] = {urn__example_input(e, a.free_shape, URN_DOMAIN_REAL)};
    if (n_bounds > 0) /* low below high: one is negative, the other positive */
        in[1] = urn__emit1(g, &urn__op_neg,
                           urn__example_input(e, urn__shape_scalar(), URN_DOMAIN_POSITIVE));
    if (n_bounds > 1)
        in[2] = urn__example_input(e, a.value_shape, URN_DOMAIN_POSITIVE);
    const urn__id both = urn__emit(g, &urn__op_constrain, 1 + n_bounds, in, &a, sizeof a);
    const urn__id jacobian = urn__emit1(g, &urn__op_narrow, urn__output(g, both, 1));
    const urn__id scalar =
        urn__sum_to(g, urn__emit1(g, &urn__op_sin, urn__output(g, both, 0)), &(urn__shape){0});
    return urn__plus(g, scalar, jacobian);
}

static urn__id constrain_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    urn__constrain_attr a = {.support = urn_support_positive(),
                             .dim = 1,
                             .value_size = 1,
                             .free_size = 1,
                             .value_shape = urn__shape_vector(n),
                             .free_shape = urn__shape_vector(n),
                             .rows = n};
    switch (variant) {
    case 0:
        return constrain_of(e, a, 0);
    case 1:
        a.support = urn_support_bounded();
        a.has_low = a.has_high = 1;
        return constrain_of(e, a, 2);
    case 2:
        a.support = urn_support_corr_cholesky();
        a.dim = 3;
        a.value_size = 9;
        a.free_size = 3;
        a.rows = 1;
        a.value_shape = urn__shape_matrix(3, 3);
        a.free_shape = urn__shape_vector(3);
        return constrain_of(e, a, 0);
    default:
        return 0;
    }
}

const urn__op URN__OP(constrain) = {.name = "constrain",
                                    .arity = -1,
                                    .shape = constrain_shape,
                                    .run = constrain_run,
                                    .state_size = sizeof(constrain_job),
                                    .prepare = constrain_prepare,
                                    .scratch = constrain_scratch,
                                    .wide = jacobian_is_wide,
                                    .vjp = constrain_vjp_emit,
                                    .example = constrain_example};
const urn__op URN__OP(constrain_vjp) = {.name = "constrain_vjp",
                                        .arity = -1,
                                        .flags = URN__OP_NOT_DIFFERENTIABLE,
                                        .shape = constrain_vjp_shape,
                                        .run = constrain_vjp_run,
                                        .state_size = sizeof(constrain_job),
                                        .prepare = constrain_prepare,
                                        .scratch = constrain_scratch};
