/* where(condition, a, b): a where the condition is above 0, else b. Unlike a product with 0 and 1
 * it lets nothing of the other side through, be it infinite or not a number. */
#include "../graph.h"
#include <stdio.h>

typedef struct where_job {
    const urn__call *call;
    urn__walk walk[3];
    int64_t n;
} where_job;

static bool where_shape(urn__shape_query *q)
{
    urn__shape sides;
    if (urn__shape_broadcast(q->in[1], q->in[2], &sides) &&
        urn__shape_broadcast(q->in[0], &sides, &q->out[0]))
        return true;
    (void)snprintf(q->why, q->why_size,
                   "the shapes do not fit: plates must be among each other's, and event dims "
                   "equal, or 1, from the right");
    return false;
}

static void where_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const where_job *job = context;
    const urn__call *c = job->call;
    urn__real buffer[3][URN__BLOCK], *y = c->out[0];
    const int64_t end = (chunk + 1) * URN__CHUNK < job->n ? (chunk + 1) * URN__CHUNK : job->n;
    for (int64_t from = chunk * URN__CHUNK; from < end; from += URN__BLOCK) {
        const int64_t n = end - from < URN__BLOCK ? end - from : URN__BLOCK;
        for (int k = 0; k < 3; k++)
            URN__REAL(walk_expand)(&job->walk[k], c->in[k], from, n, buffer[k]);
        for (int64_t i = 0; i < n; i++)
            y[from + i] = buffer[0][i] > 0 ? buffer[1][i] : buffer[2][i];
    }
}

static void where_run(const urn__call *c)
{
    where_job job = {.call = c, .n = urn__shape_size(c->out_shape)};
    for (int k = 0; k < 3; k++)
        job.walk[k] = urn__walk_of(c->in_shape[k], c->out_shape);
    urn__each_chunk(c->exec, (job.n + URN__CHUNK - 1) / URN__CHUNK, where_chunk, &job);
}

static void where_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                      urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    for (int k = 1; k < 3; k++) {
        urn__id in[3] = {n.in[0], urn__number(g, 0), urn__number(g, 0)};
        in[k] = d_out[0];
        const urn__id d = wanted[k] ? urn__emit(g, &urn__op_where, 3, in, NULL, 0) : 0;
        if (d != 0)
            d_in[k] = urn__sum_to(g, d, urn__graph_shape(g, n.in[k]));
    }
}

static urn__id where_example(urn__example *e, int variant)
{
    urn__graph *g = urn__example_graph(e);
    const int64_t n = urn__example_size(e);
    const urn__shape rows = {.n_plates = 1, .n_event = 1, .plate = {1}, .dim = {n, 3}};
    const urn__shape shape[][2] = {
        {urn__shape_vector(n), urn__shape_vector(n)},
        {urn__shape_vector(n), urn__shape_scalar()},
        {urn__shape_vector(3), rows},
        {urn__shape_scalar(), urn__shape_scalar()},
    };
    if (variant > 3)
        return 0;
    const urn__shape where = variant < 2 ? urn__shape_vector(n) : urn__shape_vector(3);
    double *bit =
        urn__arena_alloc(urn__graph_arena(g), (size_t)urn__shape_size(&where) + 1, sizeof *bit);
    for (int64_t i = 0; bit != NULL && i < urn__shape_size(&where); i++)
        bit[i] = i % 3 != 1;
    if (bit == NULL)
        return 0;
    const urn__id in[3] = {urn__constant(g, &where, bit),
                           urn__example_input(e, shape[variant][0], URN_DOMAIN_REAL),
                           urn__example_input(e, shape[variant][1], URN_DOMAIN_REAL)};
    return urn__emit(g, &urn__op_where, 3, in, NULL, 0);
}

/* The condition itself has no slope. */
const urn__op URN__OP(where) = {.name = "where",
                                .arity = 3,
                                .shape = where_shape,
                                .run = where_run,
                                .vjp = where_vjp,
                                .example = where_example};
