/* Pieces of the last event dim: slice, pad (its adjoint) and concat. */
#include "../graph.h"
#include <stdio.h>
#include <string.h>

/* slice and pad: a = first element, b = how many; pad: c = length of the result. */

static urn__shape with_last_dim(const urn__shape *s, int64_t last)
{
    urn__shape out = *s;
    out.dim[s->n_plates + s->n_event - 1] = last;
    return out;
}

static bool needs_event(urn__shape_query *q, int k)
{
    if (q->in[k]->n_event > 0)
        return true;
    (void)snprintf(q->why, q->why_size, "it needs a value with an event dim");
    return false;
}

static bool slice_shape(urn__shape_query *q)
{
    const urn__ints_attr *a = q->attr;
    if (!needs_event(q, 0))
        return false;
    const int64_t last = urn__shape_last(q->in[0]);
    if (a->a < 0 || a->b < 1 || a->a + a->b > last) {
        (void)snprintf(q->why, q->why_size,
                       "elements %lld to %lld were asked for, but the last dim has %lld (0-based)",
                       (long long)a->a, (long long)(a->a + a->b - 1), (long long)last);
        return false;
    }
    q->out[0] = with_last_dim(q->in[0], a->b);
    return true;
}

static bool pad_shape(urn__shape_query *q)
{
    const urn__ints_attr *a = q->attr;
    if (!needs_event(q, 0))
        return false;
    if (a->a < 0 || a->b < 1 || a->a + a->b > a->c || a->b != urn__shape_last(q->in[0])) {
        (void)snprintf(q->why, q->why_size, "the piece does not fit");
        return false;
    }
    q->out[0] = with_last_dim(q->in[0], a->c);
    return true;
}

static bool concat_shape(urn__shape_query *q)
{
    if (!needs_event(q, 0) || !needs_event(q, 1))
        return false;
    const urn__shape *a = q->in[0], *b = q->in[1];
    const urn__shape other = with_last_dim(b, urn__shape_last(a));
    if (!urn__shape_equal(a, &other)) {
        (void)snprintf(q->why, q->why_size, "all dims but the last must be the same");
        return false;
    }
    q->out[0] = with_last_dim(a, urn__shape_last(a) + urn__shape_last(b));
    return true;
}

/* Copies `width` columns between row-major arrays of different row lengths. */
static void copy_columns(int64_t rows, int64_t width, const urn__real *from, int64_t from_stride,
                         urn__real *to, int64_t to_stride)
{
    for (int64_t r = 0; r < rows; r++)
        memcpy(to + r * to_stride, from + r * from_stride, (size_t)width * sizeof *to);
}

static int64_t row_count(const urn__shape *s)
{
    return urn__shape_last(s) == 0 ? 0 : urn__shape_size(s) / urn__shape_last(s);
}

static void slice_run(const urn__call *c)
{
    const urn__ints_attr *a = c->attr;
    const urn__real *x = c->in[0];
    copy_columns(row_count(c->out_shape), a->b, x + a->a, urn__shape_last(c->in_shape[0]),
                 c->out[0], a->b);
}

static void pad_run(const urn__call *c)
{
    const urn__ints_attr *a = c->attr;
    urn__real *out = c->out[0];
    memset(out, 0, (size_t)urn__shape_size(c->out_shape) * sizeof *out);
    copy_columns(row_count(c->out_shape), a->b, c->in[0], a->b, out + a->a, a->c);
}

static void concat_run(const urn__call *c)
{
    const int64_t na = urn__shape_last(c->in_shape[0]), nb = urn__shape_last(c->in_shape[1]);
    const int64_t rows = row_count(c->out_shape);
    urn__real *out = c->out[0];
    copy_columns(rows, na, c->in[0], na, out, na + nb);
    copy_columns(rows, nb, c->in[1], nb, out + na, na + nb);
}

static urn__id slice_of(urn__graph *g, urn__id x, int64_t from, int64_t count)
{
    const urn__ints_attr attr = {.a = from, .b = count};
    return urn__emit(g, &urn__op_slice, 1, &x, &attr, sizeof attr);
}

static void slice_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                      urn__id *d_in)
{
    (void)wanted;
    const urn__node *n = urn__graph_node(g, y);
    const urn__ints_attr *a = n->attr;
    const urn__ints_attr attr = {
        .a = a->a, .b = a->b, .c = urn__shape_last(urn__graph_shape(g, n->in[0]))};
    d_in[0] = urn__emit(g, &urn__op_pad, 1, d_out, &attr, sizeof attr);
}

static void pad_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                    urn__id *d_in)
{
    (void)wanted;
    const urn__ints_attr *a = urn__graph_node(g, y)->attr;
    d_in[0] = slice_of(g, d_out[0], a->a, a->b);
}

static void concat_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                       urn__id *d_in)
{
    const urn__id a = urn__graph_node(g, y)->in[0], b = urn__graph_node(g, y)->in[1];
    const int64_t na = urn__shape_last(urn__graph_shape(g, a));
    const int64_t nb = urn__shape_last(urn__graph_shape(g, b));
    if (wanted[0] && na > 0)
        d_in[0] = slice_of(g, d_out[0], 0, na);
    if (wanted[1] && nb > 0)
        d_in[1] = slice_of(g, d_out[0], na, nb);
}

static urn__id slice_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    if (variant > 0)
        return 0;
    const urn__id x = urn__example_input(e, urn__shape_matrix(3, n + 2), URN_DOMAIN_REAL);
    return slice_of(urn__example_graph(e), x, 1, n);
}

static urn__id pad_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    if (variant > 0)
        return 0;
    const urn__id x = urn__example_input(e, urn__shape_matrix(3, n), URN_DOMAIN_REAL);
    const urn__ints_attr attr = {.a = 1, .b = n, .c = n + 3};
    return urn__emit(urn__example_graph(e), &urn__op_pad, 1, &x, &attr, sizeof attr);
}

static urn__id concat_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    if (variant > 0)
        return 0;
    const urn__id a = urn__example_input(e, urn__shape_matrix(3, n), URN_DOMAIN_REAL);
    const urn__id b = urn__example_input(e, urn__shape_matrix(3, 2), URN_DOMAIN_REAL);
    return urn__emit2(urn__example_graph(e), &urn__op_concat, a, b);
}

const urn__op URN__OP(slice) = {.name = "slice",
                                .arity = 1,
                                .linear = 1,
                                .shape = slice_shape,
                                .run = slice_run,
                                .vjp = slice_vjp,
                                .example = slice_example};
const urn__op URN__OP(pad) = {.name = "pad",
                              .arity = 1,
                              .linear = 1,
                              .shape = pad_shape,
                              .run = pad_run,
                              .vjp = pad_vjp,
                              .example = pad_example};
const urn__op URN__OP(concat) = {.name = "concat",
                                 .arity = 2,
                                 .shape = concat_shape,
                                 .run = concat_run,
                                 .vjp = concat_vjp,
                                 .example = concat_example};
