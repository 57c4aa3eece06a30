/* Rows: gather and its scatter, dot products row by row and their adjoints. Scatters follow CSR
 * order, so no two threads write one row and sums have one order. */
#include "../graph.h"
#include <stdio.h>
#include <string.h>

#define ROWS_PER_CHUNK 1024

typedef struct row_job {
    const urn__call *call;
    int64_t n, d;
    urn__walk walk[2];
    double *partial;
} row_job;

static int64_t row_chunks(int64_t n)
{
    return (n + ROWS_PER_CHUNK - 1) / ROWS_PER_CHUNK;
}

static int64_t row_end(int64_t n, int64_t chunk)
{
    const int64_t end = (chunk + 1) * ROWS_PER_CHUNK;
    return end < n ? end : n;
}

/* ---- gather: x [T, event], index [R] -> [R, event] ---- */

static bool index_input(urn__shape_query *q, int k, const urn__index_attr **attr)
{
    const urn__node *n = urn__graph_node(q->graph, q->id[k]);
    if (n->op != &urn__op_index) {
        (void)snprintf(q->why, q->why_size, "input %d must come from urn_index", k + 1);
        return false;
    }
    *attr = n->attr;
    return true;
}

static bool indexed_by(urn__shape_query *q, const urn__shape *x, const urn__index_attr *a)
{
    if (x->n_plates == 1 && x->plate[0] == a->target_plate)
        return true;
    (void)snprintf(q->why, q->why_size,
                   "the index points into plate \"%s\", but the value %s; index it through "
                   "urn_index(rows, column, <the plate of the value>)",
                   urn__graph_plate_name(q->graph, a->target_plate),
                   x->n_plates == 0   ? "has no plate"
                   : x->n_plates == 1 ? "has another plate"
                                      : "has several plates");
    return false;
}

static urn__shape rows_of(const urn__index_attr *a, const urn__shape *x)
{
    const urn__shape plates = {.n_plates = 1, .plate = {a->rows_plate}, .dim = {a->n}};
    return urn__shape_with_event(&plates, x->n_event, x->dim + x->n_plates);
}

static bool gather_shape(urn__shape_query *q)
{
    const urn__index_attr *a;
    if (!index_input(q, 1, &a) || !indexed_by(q, q->in[0], a))
        return false;
    q->out[0] = rows_of(a, q->in[0]);
    return true;
}

static void gather_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const row_job *job = context;
    const urn__call *c = job->call;
    urn__exec_kernels(c->exec)->gather_rows(chunk * ROWS_PER_CHUNK, row_end(job->n, chunk), job->d,
                                            c->in[0], c->index[1]->row, c->out[0]);
}

static void gather_run(const urn__call *c)
{
    row_job job = {.call = c, .n = c->index[1]->n, .d = urn__shape_event(c->out_shape)};
    urn__each_chunk(c->exec, row_chunks(job.n), gather_chunk, &job);
}

static void gather_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                       urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    const urn__shape_attr attr = {.shape = *urn__graph_shape(g, n.in[0])};
    if (wanted[0])
        d_in[0] =
            urn__emit(g, &urn__op_scatter, 2, (urn__id[]){d_out[0], n.in[1]}, &attr, sizeof attr);
}

/* ---- scatter: d [R, event], index [R] -> [T, event], the adjoint of gather ---- */

static bool scatter_shape(urn__shape_query *q)
{
    const urn__index_attr *a;
    q->out[0] = ((const urn__shape_attr *)q->attr)->shape;
    return index_input(q, 1, &a);
}

static void scatter_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const row_job *job = context;
    const urn__call *c = job->call;
    const urn__index *ix = c->index[1];
    urn__exec_kernels(c->exec)->scatter_rows(chunk * ROWS_PER_CHUNK, row_end(job->n, chunk), job->d,
                                             ix->start, ix->order, NULL, c->in[0], NULL, NULL,
                                             c->out[0]);
}

static void scatter_run(const urn__call *c)
{
    row_job job = {.call = c, .n = c->index[1]->n_targets, .d = urn__shape_event(c->out_shape)};
    urn__each_chunk(c->exec, row_chunks(job.n), scatter_chunk, &job);
}

static void scatter_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                        urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    if (wanted[0])
        d_in[0] = urn__emit2(g, &urn__op_gather, d_out[0], n.in[1]);
}

/* ---- gather_dot: U [T, d], V [S, d], index of U, index of V -> [R] ---- */

static bool gather_dot_shape(urn__shape_query *q)
{
    const urn__index_attr *a, *b;
    if (!index_input(q, 2, &a) || !index_input(q, 3, &b))
        return false;
    q->out[0] = (urn__shape){.n_plates = 1, .plate = {a->rows_plate}, .dim = {a->n}};
    return true;
}

static void gather_dot_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const row_job *job = context;
    const urn__call *c = job->call;
    const int64_t from = chunk * ROWS_PER_CHUNK;
    urn__exec_kernels(c->exec)->row_dot(from, row_end(job->n, chunk), job->d, c->in[0],
                                        c->index[2]->row, job->d, c->in[1], c->index[3]->row,
                                        job->d, c->out[0]);
}

static void gather_dot_run(const urn__call *c)
{
    row_job job = {.call = c, .n = c->index[2]->n, .d = urn__shape_event(c->in_shape[0])};
    urn__each_chunk(c->exec, row_chunks(job.n), gather_dot_chunk, &job);
}

static void gather_dot_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                           urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    for (int k = 0; k < 2; k++) {
        const urn__id in[4] = {d_out[0], n.in[1 - k], n.in[2 + k], n.in[3 - k]};
        const urn__shape_attr attr = {.shape = *urn__graph_shape(g, n.in[k])};
        if (wanted[k])
            d_in[k] = urn__emit(g, &urn__op_scatter_dot, 4, in, &attr, sizeof attr);
    }
}

/* ---- scatter_dot: weights [R], other [S, d], own index, other's index -> [T, d] ---- */

static bool scatter_dot_shape(urn__shape_query *q)
{
    const urn__index_attr *a, *b;
    q->out[0] = ((const urn__shape_attr *)q->attr)->shape;
    return index_input(q, 2, &a) && index_input(q, 3, &b);
}

static void scatter_dot_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const row_job *job = context;
    const urn__call *c = job->call;
    const urn__index *own = c->index[2];
    urn__exec_kernels(c->exec)->scatter_rows(chunk * ROWS_PER_CHUNK, row_end(job->n, chunk), job->d,
                                             own->start, own->order, c->in[0], c->in[1],
                                             c->index[3]->row, NULL, c->out[0]);
}

static void scatter_dot_run(const urn__call *c)
{
    row_job job = {.call = c, .n = c->index[2]->n_targets, .d = urn__shape_event(c->out_shape)};
    urn__each_chunk(c->exec, row_chunks(job.n), scatter_dot_chunk, &job);
}

static void scatter_dot_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                            urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    const urn__id weight[4] = {d_out[0], n.in[1], n.in[2], n.in[3]};
    if (wanted[0])
        d_in[0] = urn__emit(g, &urn__op_gather_dot, 4, weight, NULL, 0);
    const urn__shape_attr attr = {.shape = *urn__graph_shape(g, n.in[1])};
    const urn__id other[4] = {n.in[0], d_out[0], n.in[3], n.in[2]};
    if (wanted[1])
        d_in[1] = urn__emit(g, &urn__op_scatter_dot, 4, other, &attr, sizeof attr);
}

/* ---- row_dot: a [.., d], b [.., d] -> [..] ---- */

static bool row_dot_shape(urn__shape_query *q)
{
    urn__shape both;
    const bool vectors = q->in[0]->n_event > 0 && q->in[1]->n_event > 0;
    if (!vectors || urn__shape_last(q->in[0]) != urn__shape_last(q->in[1])) {
        (void)snprintf(q->why, q->why_size, "the last event dims must be there and equal");
        return false;
    }
    if (!urn__shape_broadcast(q->in[0], q->in[1], &both)) {
        (void)snprintf(q->why, q->why_size,
                       "the plates mix or the event dims differ; one side's plates must be among "
                       "the other's");
        return false;
    }
    q->out[0] = urn__shape_with_event(&both, both.n_event - 1, both.dim + both.n_plates);
    return true;
}

/* Rows without their last event dim are what is walked over. */
static urn__walk row_walk(const urn__shape *in, const urn__shape *rows)
{
    const urn__shape grid = urn__shape_drop_event(in, 1);
    return urn__walk_of(&grid, rows);
}

static const urn__real *row_at(const urn__real *x, const urn__walk *w, int64_t r, int64_t d)
{
    if (w->kind == URN__WALK_FULL)
        return x + r * d;
    return w->kind == URN__WALK_SCALAR ? x : x + urn__walk_offset(w, r) * d;
}

static int64_t row_stride(const urn__walk *w, int64_t d)
{
    return w->kind == URN__WALK_SCALAR ? 0 : d;
}

static void row_dot_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const row_job *job = context;
    const urn__call *c = job->call;
    const urn__kernels_real *k = urn__exec_kernels(c->exec);
    const int64_t from = chunk * ROWS_PER_CHUNK, to = row_end(job->n, chunk);
    const bool simple =
        job->walk[0].kind != URN__WALK_GENERAL && job->walk[1].kind != URN__WALK_GENERAL;
    if (simple) {
        k->row_dot(from, to, job->d, c->in[0], NULL, row_stride(&job->walk[0], job->d), c->in[1],
                   NULL, row_stride(&job->walk[1], job->d), c->out[0]);
        return;
    }
    urn__real *out = c->out[0];
    for (int64_t r = from; r < to; r++)
        out[r] = (urn__real)k->dot(job->d, row_at(c->in[0], &job->walk[0], r, job->d),
                                   row_at(c->in[1], &job->walk[1], r, job->d));
}

static void row_dot_prepare(const urn__call *c)
{
    row_job *job = c->state;
    *job = (row_job){
        .call = c, .n = urn__shape_size(c->out_shape), .d = urn__shape_last(c->in_shape[0])};
    for (int k = 0; k < 2; k++)
        job->walk[k] = row_walk(c->in_shape[k], c->out_shape);
}

static void row_dot_run(const urn__call *c)
{
    row_job *job = c->state;
    urn__each_chunk(c->exec, row_chunks(job->n), row_dot_chunk, job);
}

/* The adjoint for one side: weights times the other side's rows, summed where that side is shared.
 */
static urn__id row_adjoint(urn__graph *g, urn__id weight, urn__id other, urn__id own)
{
    const urn__shape *rows = urn__graph_shape(g, weight);
    const urn__shape *s = urn__graph_shape(g, own);
    const urn__walk w = row_walk(s, rows);
    if (w.kind == URN__WALK_SCALAR) {
        const urn__shape_attr attr = {.shape = *s};
        return urn__emit(g, &urn__op_row_accumulate, 2, (urn__id[]){weight, other}, &attr,
                         sizeof attr);
    }
    return urn__sum_to(g, urn__emit2(g, &urn__op_row_scale, weight, other), s);
}

static void row_dot_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                        urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    for (int k = 0; k < 2; k++)
        if (wanted[k])
            d_in[k] = row_adjoint(g, d_out[0], n.in[1 - k], n.in[k]);
}

/* ---- row_scale: weight [..], x [.., d] (or shared) -> [.., d] ---- */

static bool row_scale_shape(urn__shape_query *q)
{
    const urn__shape *w = q->in[0];
    int64_t dims[URN__MAX_DIMS] = {0};
    if (w->n_plates + w->n_event >= URN__MAX_DIMS)
        return false;
    for (int i = 0; i < w->n_event; i++)
        dims[i] = w->dim[w->n_plates + i];
    dims[w->n_event] = urn__shape_last(q->in[1]);
    q->out[0] = urn__shape_with_event(w, w->n_event + 1, dims);
    return true;
}

static void row_scale_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const row_job *job = context;
    const urn__call *c = job->call;
    const urn__real *weight = c->in[0];
    urn__real *all = c->out[0];
    for (int64_t r = chunk * ROWS_PER_CHUNK; r < row_end(job->n, chunk); r++) {
        const urn__real *x = row_at(c->in[1], &job->walk[1], r, job->d);
        const urn__real w = weight[r];
        urn__real *out = all + r * job->d;
        for (int64_t k = 0; k < job->d; k++)
            out[k] = w * x[k];
    }
}

static void row_scale_run(const urn__call *c)
{
    row_job job = {
        .call = c, .n = urn__shape_size(c->in_shape[0]), .d = urn__shape_last(c->in_shape[1])};
    job.walk[1] = row_walk(c->in_shape[1], c->in_shape[0]);
    urn__each_chunk(c->exec, row_chunks(job.n), row_scale_chunk, &job);
}

static void row_scale_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                          urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    if (wanted[0])
        d_in[0] = urn__emit2(g, &urn__op_row_dot, d_out[0], n.in[1]);
    if (wanted[1])
        d_in[1] = urn__sum_to(g, urn__emit2(g, &urn__op_row_scale, n.in[0], d_out[0]),
                              urn__graph_shape(g, n.in[1]));
}

/* ---- row_accumulate: sum over rows of weight times x: [..], [.., d] -> [d] ---- */

static bool row_accumulate_shape(urn__shape_query *q)
{
    q->out[0] = ((const urn__shape_attr *)q->attr)->shape;
    return true;
}

static void row_accumulate_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const row_job *job = context;
    const urn__call *c = job->call;
    double *out = job->partial + chunk * job->d;
    memset(out, 0, (size_t)job->d * sizeof *out);
    if (job->walk[1].kind == URN__WALK_FULL) {
        urn__exec_kernels(c->exec)->weigh_rows(chunk * ROWS_PER_CHUNK, row_end(job->n, chunk),
                                               job->d, c->in[0], c->in[1], out);
        return;
    }
    const urn__real *weight = c->in[0];
    for (int64_t r = chunk * ROWS_PER_CHUNK; r < row_end(job->n, chunk); r++) {
        const urn__real *x = row_at(c->in[1], &job->walk[1], r, job->d);
        for (int64_t k = 0; k < job->d; k++)
            out[k] += (double)weight[r] * (double)x[k];
    }
}

static void row_accumulate_run(const urn__call *c)
{
    row_job job = {.call = c,
                   .n = urn__shape_size(c->in_shape[0]),
                   .d = urn__shape_last(c->in_shape[1]),
                   .partial = c->exec->scratch};
    job.walk[1] = row_walk(c->in_shape[1], c->in_shape[0]);
    const int64_t chunks = row_chunks(job.n);
    urn__each_chunk(c->exec, chunks, row_accumulate_chunk, &job);
    urn__real *out = c->out[0];
    for (int64_t i = 0; i < job.d; i++) {
        double sum = 0;
        for (int64_t k = 0; k < chunks; k++)
            sum += job.partial[k * job.d + i];
        out[i] = (urn__real)sum;
    }
}

static int64_t row_accumulate_scratch(const urn__graph *g, const urn__node *n, int threads)
{
    (void)threads;
    return row_chunks(urn__shape_size(urn__graph_shape(g, n->in[0]))) *
           urn__shape_last(urn__graph_shape(g, n->in[1]));
}

static void row_accumulate_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                               urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    if (wanted[0])
        d_in[0] = urn__broadcast(g, urn__emit2(g, &urn__op_row_dot, n.in[1], d_out[0]),
                                 urn__graph_shape(g, n.in[0]));
    if (wanted[1])
        d_in[1] = urn__sum_to(g, urn__emit2(g, &urn__op_row_scale, n.in[0], d_out[0]),
                              urn__graph_shape(g, n.in[1]));
}

/* ---- examples: plates 1 (rows), 2 and 3 (targets) ---- */

static urn__shape plate_rows(int32_t plate, int64_t n, int64_t d)
{
    return (urn__shape){.n_plates = 1, .n_event = d > 0, .plate = {plate}, .dim = {n, d}};
}

static urn__id gather_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    if (variant > 1)
        return 0;
    const urn__id x =
        urn__example_input(e, plate_rows(2, n / 2 + 1, variant == 0 ? 0 : 3), URN_DOMAIN_REAL);
    return urn__emit2(urn__example_graph(e), &urn__op_gather, x,
                      urn__example_index(e, 2, n, n / 2 + 1));
}

static urn__id scatter_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    if (variant > 1)
        return 0;
    const int64_t d = variant == 0 ? 0 : 3;
    const urn__id in[2] = {urn__example_input(e, plate_rows(1, n, d), URN_DOMAIN_REAL),
                           urn__example_index(e, 2, n, n / 2 + 1)};
    const urn__shape_attr attr = {.shape = plate_rows(2, n / 2 + 1, d)};
    return urn__emit(urn__example_graph(e), &urn__op_scatter, 2, in, &attr, sizeof attr);
}

static urn__id gather_dot_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e), d = variant == 0 ? 5 : variant == 1 ? 1 : 17;
    if (variant > 2)
        return 0;
    const urn__id in[4] = {urn__example_input(e, plate_rows(2, n / 2 + 1, d), URN_DOMAIN_REAL),
                           urn__example_input(e, plate_rows(3, n / 3 + 1, d), URN_DOMAIN_REAL),
                           urn__example_index(e, 2, n, n / 2 + 1),
                           urn__example_index(e, 3, n, n / 3 + 1)};
    return urn__emit(urn__example_graph(e), &urn__op_gather_dot, 4, in, NULL, 0);
}

static urn__id scatter_dot_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e), d = 4;
    if (variant > 0)
        return 0;
    const urn__id in[4] = {urn__example_input(e, plate_rows(1, n, 0), URN_DOMAIN_REAL),
                           urn__example_input(e, plate_rows(3, n / 3 + 1, d), URN_DOMAIN_REAL),
                           urn__example_index(e, 2, n, n / 2 + 1),
                           urn__example_index(e, 3, n, n / 3 + 1)};
    const urn__shape_attr attr = {.shape = plate_rows(2, n / 2 + 1, d)};
    return urn__emit(urn__example_graph(e), &urn__op_scatter_dot, 4, in, &attr, sizeof attr);
}

static urn__id row_dot_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    const urn__shape a[] = {plate_rows(1, n, 5), plate_rows(1, n, 5), urn__shape_vector(5),
                            urn__shape_matrix(n, 3)};
    const urn__shape b[] = {plate_rows(1, n, 5), urn__shape_vector(5), urn__shape_vector(5),
                            urn__shape_vector(3)};
    if (variant > 3)
        return 0;
    const urn__id x = urn__example_input(e, a[variant], URN_DOMAIN_REAL);
    const urn__id y = urn__example_input(e, b[variant], URN_DOMAIN_REAL);
    return urn__emit2(urn__example_graph(e), &urn__op_row_dot, x, y);
}

static urn__id row_scale_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    if (variant > 1)
        return 0;
    const urn__id w = urn__example_input(e, plate_rows(1, n, 0), URN_DOMAIN_REAL);
    const urn__shape shape = variant == 0 ? plate_rows(1, n, 3) : urn__shape_vector(3);
    return urn__emit2(urn__example_graph(e), &urn__op_row_scale, w,
                      urn__example_input(e, shape, URN_DOMAIN_REAL));
}

static urn__id row_accumulate_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    if (variant > 0)
        return 0;
    const urn__id in[2] = {urn__example_input(e, plate_rows(1, n, 0), URN_DOMAIN_REAL),
                           urn__example_input(e, plate_rows(1, n, 3), URN_DOMAIN_REAL)};
    const urn__shape_attr attr = {.shape = urn__shape_vector(3)};
    return urn__emit(urn__example_graph(e), &urn__op_row_accumulate, 2, in, &attr, sizeof attr);
}

const urn__op URN__OP(gather) = {.name = "gather",
                                 .arity = 2,
                                 .flags = URN__OP_ROWS_ONLY,
                                 .linear = 1,
                                 .shape = gather_shape,
                                 .run = gather_run,
                                 .vjp = gather_vjp,
                                 .example = gather_example};
const urn__op URN__OP(scatter) = {.name = "scatter",
                                  .arity = 2,
                                  .linear = 1,
                                  .shape = scatter_shape,
                                  .run = scatter_run,
                                  .vjp = scatter_vjp,
                                  .example = scatter_example};
const urn__op URN__OP(gather_dot) = {.name = "gather_dot",
                                     .arity = 4,
                                     .flags = URN__OP_ROWS_ONLY,
                                     .linear = 3,
                                     .shape = gather_dot_shape,
                                     .run = gather_dot_run,
                                     .vjp = gather_dot_vjp,
                                     .example = gather_dot_example};
const urn__op URN__OP(scatter_dot) = {.name = "scatter_dot",
                                      .arity = 4,
                                      .linear = 3,
                                      .shape = scatter_dot_shape,
                                      .run = scatter_dot_run,
                                      .vjp = scatter_dot_vjp,
                                      .example = scatter_dot_example};
const urn__op URN__OP(row_dot) = {.name = "row_dot",
                                  .arity = 2,
                                  .linear = 3,
                                  .shape = row_dot_shape,
                                  .run = row_dot_run,
                                  .state_size = sizeof(row_job),
                                  .prepare = row_dot_prepare,
                                  .vjp = row_dot_vjp,
                                  .example = row_dot_example};
const urn__op URN__OP(row_scale) = {.name = "row_scale",
                                    .arity = 2,
                                    .linear = 3,
                                    .shape = row_scale_shape,
                                    .run = row_scale_run,
                                    .vjp = row_scale_vjp,
                                    .example = row_scale_example};
const urn__op URN__OP(row_accumulate) = {.name = "row_accumulate",
                                         .arity = 2,
                                         .linear = 3,
                                         .shape = row_accumulate_shape,
                                         .run = row_accumulate_run,
                                         .scratch = row_accumulate_scratch,
                                         .vjp = row_accumulate_vjp,
                                         .example = row_accumulate_example};
