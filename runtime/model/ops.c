/* The public operations: handles in, a node, a handle out. */
#include "ops.h"
#include <stdio.h>
#include <string.h>
#include <urn/ops.h>

/* The model of some handles, or NULL with nothing to report it to. Mixed models, handles that no
 * call returned, and indices (but for the input number `index_at`) are errors. */
static urn_model *model_of(int n, const urn_var *v, int index_at)
{
    urn_model *m = NULL;
    for (int i = 0; i < n; i++)
        m = m == NULL ? v[i].model : m;
    if (m == NULL || !urn__model_ok(m))
        return m;
    for (int i = 0; i < n; i++) {
        if (v[i].model != m)
            (void)urn__model_error(m, URN_ERR_MODEL, NULL, NULL, NULL, "%s",
                                   v[i].model == NULL
                                       ? "an op got a handle that is all zeros: a value that was "
                                         "never set"
                                       : "an op got handles of two models");
        else if (v[i].id > urn__graph_count(m->graph))
            (void)urn__model_error(m, URN_ERR_MODEL, NULL, NULL, NULL,
                                   "an op got a handle that no call returned");
        else if (i != index_at && urn__graph_node(m->graph, v[i].id)->op == &urn__op_index)
            (void)urn__model_error(m, URN_ERR_MODEL, NULL, NULL, NULL,
                                   "an op got what urn_index returned, which serves urn_gather "
                                   "only");
    }
    return m;
}

static urn_var emit(const urn__op *op, int n, const urn_var *v, const void *attr, size_t size)
{
    urn_model *m = model_of(n, v, op == &urn__op_gather ? 1 : -1);
    urn__id in[4];
    if (m == NULL || !urn__model_ok(m))
        return urn__poison(m);
    for (int i = 0; i < n; i++)
        in[i] = v[i].id;
    return urn__var(m, urn__emit(m->graph, op, n, in, attr, size));
}

#define OP1(name)                                                                                  \
    urn_var urn_##name(urn_var x)                                                                  \
    {                                                                                              \
        return emit(&urn__op_##name, 1, &x, NULL, 0);                                              \
    }
#define OP2(name)                                                                                  \
    urn_var urn_##name(urn_var a, urn_var b)                                                       \
    {                                                                                              \
        return emit(&urn__op_##name, 2, (urn_var[]){a, b}, NULL, 0);                               \
    }

OP1(neg)
OP1(exp)
OP1(log)
OP1(log1p)
OP1(expm1)
OP1(sqrt)
OP1(square)
OP1(reciprocal)
OP1(abs)
OP1(sigmoid)
OP1(softplus)
OP1(tanh)
OP1(sin)
OP1(cos)
OP1(lgamma)
OP1(digamma)
OP1(erf)
OP1(relu)
OP1(log1m_exp)
OP1(phi)
OP1(log_phi)
OP1(logsumexp)
OP1(transpose)
OP1(cholesky)
OP1(diagonal)
OP1(diagonal_matrix)
OP2(add)
OP2(sub)
OP2(mul)
OP2(div)
OP2(pow)
OP2(maximum)
OP2(minimum)
OP2(row_dot)
OP2(concat)

/* ---- constants ---- */

static urn_var constant(urn_model *m, urn__shape shape, const double *values)
{
    if (!urn__model_ok(m))
        return urn__poison(m);
    return urn__var(m, urn__constant(m->graph, &shape, values));
}

static bool good_size(urn_model *m, const char *what, int64_t size)
{
    if (!urn__model_ok(m))
        return false;
    if (size >= 1 && size <= 100000000)
        return true;
    (void)urn__model_error(m, URN_ERR_MODEL, NULL, NULL, "sizes start at 1", "%s of size %lld",
                           what, (long long)size);
    return false;
}

urn_var urn_real(urn_model *m, double value)
{
    return constant(m, urn__shape_scalar(), &value);
}

urn_var urn_fill(urn_model *m, int64_t size, double value)
{
    if (!good_size(m, "a vector", size))
        return urn__poison(m);
    double *v = urn__arena_alloc(m->arena, (size_t)size, sizeof *v);
    for (int64_t i = 0; v != NULL && i < size; i++)
        v[i] = value;
    return v == NULL ? urn__var(m, 0) : constant(m, urn__shape_vector(size), v);
}

urn_var urn_zeros(urn_model *m, int64_t size)
{
    return urn_fill(m, size, 0.0);
}

urn_var urn_eye(urn_model *m, int64_t size, double diagonal)
{
    if (!good_size(m, "a matrix", size) || !good_size(m, "a matrix", size * size))
        return urn__poison(m);
    double *v = urn__arena_alloc(m->arena, (size_t)(size * size), sizeof *v);
    for (int64_t i = 0; v != NULL && i < size; i++)
        v[i * size + i] = diagonal;
    return v == NULL ? urn__var(m, 0) : constant(m, urn__shape_matrix(size, size), v);
}

urn_var urn_vector(urn_model *m, int64_t size, const double *v)
{
    return good_size(m, "a vector", size) ? constant(m, urn__shape_vector(size), v)
                                          : urn__poison(m);
}

urn_var urn_matrix(urn_model *m, int64_t rows, int64_t columns, const double *row_major)
{
    if (!good_size(m, "a matrix", rows) || !good_size(m, "a matrix", columns))
        return urn__poison(m);
    return constant(m, urn__shape_matrix(rows, columns), row_major);
}

urn_var urn_scaled(urn_var a, double factor)
{
    return a.model == NULL ? a : urn_mul(a, urn_real(a.model, factor));
}

urn_var urn_shifted(urn_var a, double term)
{
    return a.model == NULL ? a : urn_add(a, urn_real(a.model, term));
}

urn_var urn_log_sigmoid(urn_var x)
{
    return urn_neg(urn_softplus(urn_neg(x)));
}

/* From a on, so that nothing overflows: softplus keeps the digits of a small difference. */
urn_var urn_log_add_exp(urn_var a, urn_var b)
{
    return urn_add(a, urn_softplus(urn_sub(b, a)));
}

urn_var urn_where(urn_var condition, urn_var a, urn_var b)
{
    return emit(&urn__op_where, 3, (urn_var[]){condition, a, b}, NULL, 0);
}

/* ---- reductions ---- */

static urn_var sum_to(urn_var x, urn__shape shape)
{
    return urn__var(x.model, urn__sum_to(x.model->graph, x.id, &shape));
}

bool urn__usable(urn_var x)
{
    urn_model *m = model_of(1, &x, -1);
    return m != NULL && urn__model_ok(m) && x.id != 0;
}

urn_var urn_sum(urn_var x)
{
    return urn__usable(x) ? sum_to(x, urn__shape_scalar()) : urn__poison(x.model);
}

urn_var urn_mean(urn_var x)
{
    if (!urn__usable(x))
        return urn__poison(x.model);
    const int64_t n = urn__shape_size(urn__graph_shape(x.model->graph, x.id));
    return urn_scaled(urn_sum(x), 1.0 / (double)n);
}

urn_var urn_sum_event(urn_var x)
{
    if (!urn__usable(x))
        return urn__poison(x.model);
    return sum_to(x, urn__shape_plates_of(urn__graph_shape(x.model->graph, x.id)));
}

urn_var urn_sum_over(urn_var x, urn_plate plate)
{
    const urn__plate *p = urn__plate_at(plate);
    if (!urn__usable(x) || p == NULL)
        return urn__poison(x.model);
    urn__shape s = *urn__graph_shape(x.model->graph, x.id);
    for (int i = 0; i < p->n_levels; i++)
        if (!urn__shape_drop_plate(&s, p->level[i], &s))
            return urn__model_error(x.model, URN_ERR_MODEL, NULL, NULL, NULL,
                                    "urn_sum_over plate \"%s\" of a value without that plate",
                                    p->name);
    return sum_to(x, s);
}

urn_var urn_log_softmax(urn_var x)
{
    return urn_sub(x, urn__event_dims(urn_logsumexp(x), 1));
}

urn_var urn_softmax(urn_var x)
{
    return urn_exp(urn_log_softmax(x));
}

/* ---- sequences ---- */

urn_var urn_cumsum(urn_var x)
{
    const urn__ints_attr attr = {0};
    return emit(&urn__op_cumsum, 1, &x, &attr, sizeof attr);
}

static urn_var spread(urn_var x, const urn__shape *shape)
{
    return urn__var(x.model, urn__broadcast(x.model->graph, x.id, shape));
}

urn_var urn_recurrence(urn_var a, urn_var b, urn_var start)
{
    const urn_var in[3] = {a, b, start};
    urn_model *m = model_of(3, in, -1);
    urn__shape shape, fits;
    if (m == NULL || !urn__model_ok(m) || a.id == 0 || b.id == 0 || start.id == 0)
        return urn__poison(m);
    if (!urn__shape_broadcast(urn__graph_shape(m->graph, a.id), urn__graph_shape(m->graph, b.id),
                              &shape) ||
        shape.n_event == 0)
        return urn__model_error(m, URN_ERR_MODEL, NULL, NULL, NULL,
                                "urn_recurrence: factors and terms must fit each other, and one of "
                                "them must be a vector, along which it runs");
    const urn__shape each = urn__shape_drop_event(&shape, 1);
    if (!urn__shape_broadcast(urn__graph_shape(m->graph, start.id), &each, &fits) ||
        !urn__shape_equal(&fits, &each))
        return urn__model_error(m, URN_ERR_MODEL, NULL, NULL, NULL,
                                "urn_recurrence: the start must be one number for each sequence");
    const urn_var full[3] = {spread(a, &shape), spread(b, &shape), spread(start, &each)};
    return emit(&urn__op_recurrence, 3, full, NULL, 0);
}

urn_var urn_hmm_forward(urn_var log_initial, urn_var log_transition, urn_var log_emission)
{
    return emit(&urn__op_hmm_forward, 3, (urn_var[]){log_initial, log_transition, log_emission},
                NULL, 0);
}

/* ---- rows and matrices ---- */

urn_var urn_gather(urn_var x, urn_var index)
{
    return emit(&urn__op_gather, 2, (urn_var[]){x, index}, NULL, 0);
}

urn_var urn_matmul(urn_var a, urn_var b)
{
    const urn__ints_attr attr = {0};
    return emit(&urn__op_matmul, 2, (urn_var[]){a, b}, &attr, sizeof attr);
}

urn_var urn__event_dims(urn_var x, int64_t extra)
{
    if (!urn__usable(x))
        return urn__poison(x.model);
    const urn__shape *s = urn__graph_shape(x.model->graph, x.id);
    int64_t dims[URN__MAX_DIMS + 1];
    const int n = s->n_event + (extra > 0 ? 1 : -1);
    if (n < 0 || n > URN__MAX_DIMS || n + s->n_plates > URN__MAX_DIMS)
        return urn__model_error(x.model, URN_ERR_MODEL, NULL, NULL, NULL,
                                "a value would have %d dims; 0 to %d are allowed", n + s->n_plates,
                                URN__MAX_DIMS);
    for (int i = 0; i < n; i++)
        dims[i] = i < s->n_event ? s->dim[s->n_plates + i] : extra;
    return urn__var(x.model, urn__reshape_event(x.model->graph, x.id, n, dims));
}

urn_var urn_matvec(urn_var a, urn_var x)
{
    return urn__event_dims(urn_matmul(a, urn__event_dims(x, 1)), 0);
}

urn_var urn_outer(urn_var a, urn_var b)
{
    return urn_matmul(urn__event_dims(a, 1), urn_transpose(urn__event_dims(b, 1)));
}

urn_var urn_tri_solve(urn_var l, urn_var b)
{
    if (!urn__usable(b))
        return urn__poison(b.model);
    const urn__ints_attr attr = {.b = urn__graph_shape(b.model->graph, b.id)->n_event == 1};
    return emit(&urn__op_tri_solve, 2, (urn_var[]){l, b}, &attr, sizeof attr);
}

urn_var urn_slice(urn_var x, int64_t from, int64_t count)
{
    const urn__ints_attr attr = {.a = from, .b = count};
    return emit(&urn__op_slice, 1, &x, &attr, sizeof attr);
}

urn_var urn_element(urn_var x, int64_t i)
{
    return urn__event_dims(urn_slice(x, i, 1), 0);
}

urn_var urn_add_diagonal(urn_var a, urn_var v)
{
    if (!urn__usable(a) || !urn__usable(v))
        return urn__poison(a.model);
    const int64_t n = urn_last_dim(a);
    if (urn__graph_shape(v.model->graph, v.id)->n_event == 0)
        v = urn_mul(urn__event_dims(v, 1), urn_fill(a.model, n, 1.0));
    return urn_add(a, urn_diagonal_matrix(v));
}

urn_var urn_as_event(urn_var x)
{
    if (!urn__usable(x))
        return urn__poison(x.model);
    urn__shape_attr attr = {.shape = *urn__graph_shape(x.model->graph, x.id)};
    attr.shape.n_event += attr.shape.n_plates;
    attr.shape.n_plates = 0;
    memset(attr.shape.plate, 0, sizeof attr.shape.plate);
    return emit(&urn__op_regroup, 1, &x, &attr, sizeof attr);
}

urn_var urn_stack(urn_var a, urn_var b)
{
    return urn_concat(urn__event_dims(a, 1), urn__event_dims(b, 1));
}

int64_t urn_last_dim(urn_var x)
{
    return urn__usable(x) ? urn__shape_last(urn__graph_shape(x.model->graph, x.id)) : 0;
}
