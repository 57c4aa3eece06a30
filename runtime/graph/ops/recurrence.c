/* Sequences along the last event dim: cumulative sums, and linear recurrences
 *   y_t = a_t y_(t-1) + b_t,  y_(-1) = start,
 * of which autoregressions and GARCH variances are made. A recurrence is the scan a static graph
 * can hold: its length is a shape, and its adjoint is the same recurrence run backwards,
 *   lambda_t = d_y_t + a_(t+1) lambda_(t+1).
 * Running values are doubles in either precision. */
#include "../graph.h"
#include <stdio.h>

static bool has_sequence(urn__shape_query *q, int k)
{
    if (q->in[k]->n_event > 0)
        return true;
    (void)snprintf(q->why, q->why_size, "there is no event dim to run along");
    return false;
}

static int64_t sequences(const urn__shape *s)
{
    const urn__shape each = urn__shape_drop_event(s, 1);
    return urn__shape_size(&each);
}

/* ---- cumsum; attribute: a = from the end ---- */

static bool cumsum_shape(urn__shape_query *q)
{
    q->out[0] = *q->in[0];
    return has_sequence(q, 0);
}

static void cumsum_run(const urn__call *c)
{
    const bool backwards = ((const urn__ints_attr *)c->attr)->a != 0;
    const int64_t length = urn__shape_last(c->out_shape);
    const urn__real *x = c->in[0];
    urn__real *y = c->out[0];
    for (int64_t s = 0; s < sequences(c->out_shape); s++) {
        double sum = 0.0;
        for (int64_t i = 0; i < length; i++) {
            const int64_t at = s * length + (backwards ? length - 1 - i : i);
            sum += (double)x[at];
            y[at] = (urn__real)sum;
        }
    }
}

static void cumsum_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                       urn__id *d_in)
{
    (void)wanted;
    const urn__ints_attr *a = urn__graph_node(g, y)->attr;
    const urn__ints_attr other = {.a = !a->a};
    d_in[0] = urn__emit(g, &urn__op_cumsum, 1, d_out, &other, sizeof other);
}

static urn__id cumsum_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    const urn__shape shape[] = {
        urn__shape_vector(n),
        {.n_plates = 1, .n_event = 1, .plate = {1}, .dim = {n, 4}},
        urn__shape_matrix(3, n),
    };
    if (variant > 2)
        return 0;
    const urn__ints_attr attr = {.a = variant == 1};
    const urn__id x = urn__example_input(e, shape[variant], URN_DOMAIN_REAL);
    return urn__emit(urn__example_graph(e), &urn__op_cumsum, 1, &x, &attr, sizeof attr);
}

/* ---- recurrence: a, b, start ---- */

static bool recurrence_shape(urn__shape_query *q)
{
    if (!has_sequence(q, 0))
        return false;
    const urn__shape each = urn__shape_drop_event(q->in[0], 1);
    q->out[0] = *q->in[0];
    if (urn__shape_equal(q->in[0], q->in[1]) && urn__shape_equal(&each, q->in[2]))
        return true;
    (void)snprintf(q->why, q->why_size,
                   "factors and terms must have one shape, and the start that without its last "
                   "dim");
    return false;
}

static void recurrence_run(const urn__call *c)
{
    const int64_t length = urn__shape_last(c->out_shape);
    const urn__real *a = c->in[0], *b = c->in[1], *start = c->in[2];
    urn__real *y = c->out[0];
    for (int64_t s = 0; s < sequences(c->out_shape); s++) {
        double last = (double)start[s];
        for (int64_t t = s * length; t < (s + 1) * length; t++) {
            last = (double)a[t] * last + (double)b[t];
            y[t] = (urn__real)last;
        }
    }
}

static void recurrence_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                           urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    const urn__id in[4] = {n.in[0], n.in[2], y, d_out[0]};
    const urn__id all = urn__emit(g, &urn__op_recurrence_vjp, 4, in, NULL, 0);
    for (int k = 0; all != 0 && k < 3; k++)
        if (wanted[k])
            d_in[k] = urn__output(g, all, k);
}

static urn__id recurrence_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    const urn__shape rows = {.n_plates = 1, .n_event = 1, .plate = {1}, .dim = {n, 5}};
    const urn__shape shape = variant == 0 ? urn__shape_vector(n) : rows;
    const urn__shape each = urn__shape_drop_event(&shape, 1);
    if (variant > 1)
        return 0;
    /* factors between 0 and 1, so that long sequences neither die out at once nor explode */
    const urn__id in[3] = {urn__example_input(e, shape, URN_DOMAIN_UNIT),
                           urn__example_input(e, shape, URN_DOMAIN_REAL),
                           urn__example_input(e, each, URN_DOMAIN_REAL)};
    return urn__emit(urn__example_graph(e), &urn__op_recurrence, 3, in, NULL, 0);
}

/* ---- recurrence_vjp: a, start, y, d_y -> d_a, d_b, d_start ---- */

static bool recurrence_vjp_shape(urn__shape_query *q)
{
    q->out[0] = q->out[1] = *q->in[0];
    q->out[2] = *q->in[1];
    q->n_out = 3;
    return true;
}

static void recurrence_vjp_run(const urn__call *c)
{
    const int64_t length = urn__shape_last(c->out_shape);
    const urn__real *a = c->in[0], *start = c->in[1], *y = c->in[2], *d_y = c->in[3];
    urn__real *d_a = c->out[0], *d_b = c->out[1], *d_start = c->out[2];
    for (int64_t s = 0; s < sequences(c->out_shape); s++) {
        double carried = 0.0; /* a_(t+1) lambda_(t+1) */
        for (int64_t i = length - 1; i >= 0; i--) {
            const int64_t t = s * length + i;
            const double lambda = (double)d_y[t] + carried;
            if (d_a != NULL)
                d_a[t] = (urn__real)(lambda * (double)(i > 0 ? y[t - 1] : start[s]));
            if (d_b != NULL)
                d_b[t] = (urn__real)lambda;
            carried = (double)a[t] * lambda;
        }
        if (d_start != NULL)
            d_start[s] = (urn__real)carried;
    }
}

const urn__op URN__OP(cumsum) = {.name = "cumsum",
                                 .arity = 1,
                                 .linear = 1,
                                 .shape = cumsum_shape,
                                 .run = cumsum_run,
                                 .vjp = cumsum_vjp,
                                 .example = cumsum_example};
const urn__op URN__OP(recurrence) = {.name = "recurrence",
                                     .arity = 3,
                                     .shape = recurrence_shape,
                                     .run = recurrence_run,
                                     .vjp = recurrence_vjp,
                                     .example = recurrence_example};
const urn__op URN__OP(recurrence_vjp) = {.name = "recurrence_vjp",
                                         .arity = 4,
                                         .flags = URN__OP_NOT_DIFFERENTIABLE,
                                         .shape = recurrence_vjp_shape,
                                         .run = recurrence_vjp_run};
