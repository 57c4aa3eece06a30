/* Matrices in the last two event dims, batched over what comes before. Factors, solves and products
 * are computed in double in either precision; in single, matrices are converted one at a time. */
#include "convert.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static int64_t rows_dim(const urn__shape *s)
{
    return s->dim[s->n_plates + s->n_event - 2];
}

static bool is_matrix(urn__shape_query *q, int k)
{
    if (q->in[k]->n_event >= 2)
        return true;
    (void)snprintf(q->why, q->why_size, "input %d must be a matrix (two event dims)", k + 1);
    return false;
}

static bool is_square(urn__shape_query *q, int k)
{
    if (!is_matrix(q, k))
        return false;
    if (rows_dim(q->in[k]) == urn__shape_last(q->in[k]))
        return true;
    (void)snprintf(q->why, q->why_size, "input %d must be square", k + 1);
    return false;
}

static bool batch_with(urn__shape_query *q, const urn__shape *a, const urn__shape *b, int n_event,
                       int64_t d0, int64_t d1)
{
    urn__shape batch;
    if (!urn__shape_broadcast(a, b, &batch) ||
        batch.n_plates + batch.n_event + n_event > URN__MAX_DIMS) {
        (void)snprintf(q->why, q->why_size, "the leading dims do not fit");
        return false;
    }
    int64_t dims[URN__MAX_DIMS] = {0};
    for (int i = 0; i < batch.n_event; i++)
        dims[i] = batch.dim[batch.n_plates + i];
    dims[batch.n_event] = d0;
    dims[batch.n_event + (n_event > 1)] = n_event > 1 ? d1 : d0;
    q->out[0] = urn__shape_with_event(&batch, batch.n_event + n_event, dims);
    return true;
}

/* ---- matmul; attribute: a = first transposed, b = second transposed ---- */

static bool matmul_shape(urn__shape_query *q)
{
    const urn__ints_attr *t = q->attr;
    if (!is_matrix(q, 0) || !is_matrix(q, 1))
        return false;
    const urn__shape *a = q->in[0], *b = q->in[1];
    const int64_t r = t->a ? urn__shape_last(a) : rows_dim(a);
    const int64_t k = t->a ? rows_dim(a) : urn__shape_last(a);
    const int64_t k2 = t->b ? urn__shape_last(b) : rows_dim(b);
    const int64_t c = t->b ? rows_dim(b) : urn__shape_last(b);
    if (k != k2) {
        (void)snprintf(q->why, q->why_size, "the inner dims are %lld and %lld; they must be equal",
                       (long long)k, (long long)k2);
        return false;
    }
    const urn__shape ba = urn__shape_drop_event(a, 2), bb = urn__shape_drop_event(b, 2);
    return batch_with(q, &ba, &bb, 2, r, c);
}

/* One product: (r x k) (k x c). */
typedef struct product {
    int64_t r, k, c;
    bool ta, tb;
} product;

static product product_of(const urn__ints_attr *t, const urn__shape *a, const urn__shape *out)
{
    return (product){.r = rows_dim(out),
                     .k = t->a ? rows_dim(a) : urn__shape_last(a),
                     .c = urn__shape_last(out),
                     .ta = t->a != 0,
                     .tb = t->b != 0};
}

#ifdef URN_SINGLE

#define STRIP 8192 /* elements of the first matrix converted at a time, about */

/* The product is made of strips of rows of the stored first matrix: rows of the result, or, where
 * it is transposed, terms of its sums. */
static int64_t strip_rows(const product *p)
{
    const int64_t width = p->ta ? p->r : p->k, rows = p->ta ? p->k : p->r;
    const int64_t strip = width < STRIP ? STRIP / (width + 1) + 1 : 1;
    return strip < rows ? strip : rows;
}

/* Doubles: a strip, the second matrix, the result. */
static int64_t product_scratch(const product *p)
{
    const int64_t strip = strip_rows(p);
    return strip * (p->ta ? p->r : p->k) + p->k * p->c + (p->ta ? p->r : strip) * p->c;
}

static void multiply_rows(const product *p, const float *a, const double *b, double *scratch,
                          float *out)
{
    const int64_t strip = strip_rows(p);
    double *result = scratch + strip * p->k;
    for (int64_t i = 0; i < p->r; i += strip) {
        const int64_t n = p->r - i < strip ? p->r - i : strip;
        urn__matmul(n, p->k, p->c, doubles_of(n * p->k, a + i * p->k, scratch), false, b, p->tb,
                    result, false);
        give_back(n * p->c, result, out + i * p->c);
    }
}

static void multiply_terms(const product *p, const float *a, const double *b, double *scratch,
                           float *out)
{
    const int64_t strip = strip_rows(p);
    double *result = scratch + strip * p->r;
    memset(result, 0, (size_t)(p->r * p->c) * sizeof *result);
    for (int64_t t = 0; t < p->k; t += strip) {
        const int64_t n = p->k - t < strip ? p->k - t : strip;
        urn__matmul(p->r, n, p->c, doubles_of(n * p->r, a + t * p->r, scratch), true, b + t * p->c,
                    false, result, true);
    }
    give_back(p->r * p->c, result, out);
}

/* The second matrix in double; as it is used, not as it is stored, where strips cut through it. */
static const double *second(const product *p, const float *b, double *buffer)
{
    if (!p->ta || !p->tb)
        return doubles_of(p->k * p->c, b, buffer);
    for (int64_t t = 0; t < p->k; t++)
        for (int64_t j = 0; j < p->c; j++)
            buffer[t * p->c + j] = (double)b[j * p->k + t];
    return buffer;
}

static void multiply(const product *p, const float *a, const float *b, double *scratch, float *out)
{
    const double *wide = second(p, b, scratch);
    if (p->ta)
        multiply_terms(p, a, wide, scratch + p->k * p->c, out);
    else
        multiply_rows(p, a, wide, scratch + p->k * p->c, out);
}

#else

static int64_t product_scratch(const product *p)
{
    (void)p;
    return 0;
}

static void multiply(const product *p, const double *a, const double *b, double *scratch,
                     double *out)
{
    (void)scratch;
    urn__matmul(p->r, p->k, p->c, a, p->ta, b, p->tb, out, false);
}

#endif

static void matmul_run(const urn__call *c)
{
    const product p = product_of(c->attr, c->in_shape[0], c->out_shape);
    const urn__shape batch = urn__shape_drop_event(c->out_shape, 2);
    const urn__shape ba = urn__shape_drop_event(c->in_shape[0], 2),
                     bb = urn__shape_drop_event(c->in_shape[1], 2);
    const urn__walk wa = urn__walk_of(&ba, &batch), wb = urn__walk_of(&bb, &batch);
    const urn__real *a = c->in[0], *b = c->in[1];
    urn__real *out = c->out[0];
    for (int64_t i = 0; i < urn__shape_size(&batch); i++)
        multiply(&p, a + urn__walk_offset(&wa, i) * p.r * p.k,
                 b + urn__walk_offset(&wb, i) * p.k * p.c, c->exec->scratch, out + i * p.r * p.c);
}

static int64_t matmul_scratch(const urn__graph *g, const urn__node *n, int threads)
{
    (void)threads;
    const product p = product_of(n->attr, urn__graph_shape(g, n->in[0]), n->shape);
    return product_scratch(&p);
}

static urn__id matmul(urn__graph *g, urn__id a, bool ta, urn__id b, bool tb)
{
    const urn__ints_attr attr = {.a = ta, .b = tb};
    return urn__emit(g, &urn__op_matmul, 2, (urn__id[]){a, b}, &attr, sizeof attr);
}

/* C = A' B' with A' = A or A^T: dA' = dC B'^T, dB' = A'^T dC. */
static void matmul_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                       urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    const urn__ints_attr t = *(const urn__ints_attr *)n.attr;
    const urn__id a = n.in[0], b = n.in[1], d = d_out[0];
    if (wanted[0]) {
        const urn__id d_a =
            t.a ? matmul(g, b, t.b != 0, d, true) : matmul(g, d, false, b, t.b == 0);
        d_in[0] = urn__sum_to(g, d_a, urn__graph_shape(g, a));
    }
    if (wanted[1]) {
        const urn__id d_b =
            t.b ? matmul(g, d, true, a, t.a != 0) : matmul(g, a, t.a == 0, d, false);
        d_in[1] = urn__sum_to(g, d_b, urn__graph_shape(g, b));
    }
}

static urn__id matmul_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    if (variant > 4)
        return 0;
    const bool ta = variant & 1, tb = variant & 2;
    urn__shape a = ta ? urn__shape_matrix(4, n) : urn__shape_matrix(n, 4);
    if (variant == 4)
        a = (urn__shape){.n_plates = 1, .n_event = 2, .plate = {1}, .dim = {3, n, 4}};
    const urn__shape b = tb ? urn__shape_matrix(3, 4) : urn__shape_matrix(4, 3);
    const urn__id x = urn__example_input(e, a, URN_DOMAIN_REAL);
    return matmul(urn__example_graph(e), x, ta, urn__example_input(e, b, URN_DOMAIN_REAL), tb);
}

/* ---- transpose ---- */

static bool transpose_shape(urn__shape_query *q)
{
    if (!is_matrix(q, 0))
        return false;
    q->out[0] = *q->in[0];
    const int last = q->in[0]->n_plates + q->in[0]->n_event - 1;
    q->out[0].dim[last] = q->in[0]->dim[last - 1];
    q->out[0].dim[last - 1] = q->in[0]->dim[last];
    return true;
}

static int64_t matrices(const urn__shape *s)
{
    const urn__shape batch = urn__shape_drop_event(s, 2);
    return urn__shape_size(&batch);
}

static void transpose_run(const urn__call *c)
{
    const int64_t r = rows_dim(c->in_shape[0]), n = urn__shape_last(c->in_shape[0]);
    const urn__real *x = c->in[0];
    urn__real *out = c->out[0];
    for (int64_t m = 0; m < matrices(c->in_shape[0]); m++)
        for (int64_t i = 0; i < r; i++)
            for (int64_t j = 0; j < n; j++)
                out[m * r * n + j * r + i] = x[m * r * n + i * n + j];
}

static void transpose_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                          urn__id *d_in)
{
    (void)y, (void)wanted;
    d_in[0] = urn__emit1(g, &urn__op_transpose, d_out[0]);
}

static urn__id transpose_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    if (variant > 0)
        return 0;
    return urn__emit1(urn__example_graph(e), &urn__op_transpose,
                      urn__example_input(e, urn__shape_matrix(n, 3), URN_DOMAIN_REAL));
}

/* ---- cholesky ---- */

static bool square_shape(urn__shape_query *q)
{
    q->out[0] = *q->in[0];
    return is_square(q, 0);
}

static void cholesky_run(const urn__call *c)
{
    const int64_t d = urn__shape_last(c->out_shape), size = d * d;
    const urn__real *a = c->in[0];
    urn__real *out = c->out[0];
    for (int64_t m = 0; m < matrices(c->out_shape); m++) {
        double *l = doubles_for(out + m * size, c->exec->scratch);
        const double *full =
            doubles_of(size, a + m * size, c->exec->scratch + URN__CONVERTED * size);
        if (!urn__cholesky(d, full, l))
            for (int64_t i = 0; i < size; i++)
                l[i] = NAN; /* not positive definite: the density that uses it is not finite */
        give_back(size, l, out + m * size);
    }
}

static int64_t cholesky_scratch(const urn__graph *g, const urn__node *n, int threads)
{
    (void)g, (void)threads;
    return URN__CONVERTED * 2 * urn__shape_last(n->shape) * urn__shape_last(n->shape);
}

static void cholesky_vjp_emit(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                              urn__id *d_in)
{
    (void)wanted;
    d_in[0] = urn__emit2(g, &urn__op_cholesky_vjp, y, d_out[0]);
}

/* Only the symmetric part of the input counts: the example symmetrises, so that the result is a
 * function of unconstrained elements. */
static urn__id cholesky_example(urn__example *e, int variant)
{
    urn__graph *g = urn__example_graph(e);
    if (variant > 1)
        return 0;
    const int64_t d = variant == 0 ? 1 : 5;
    const urn__id x = urn__example_input(e, urn__shape_matrix(d, d), URN_DOMAIN_REAL);
    double eye[25] = {0};
    for (int64_t i = 0; i < d; i++)
        eye[i * d + i] = 2.0;
    const urn__shape s = urn__shape_matrix(d, d);
    return urn__emit1(g, &urn__op_cholesky,
                      urn__plus(g, matmul(g, x, false, x, true), urn__constant(g, &s, eye)));
}

/* ---- cholesky_vjp: L, dL -> dA, symmetric (Murray 2016, arXiv:1602.07527, section 4) ---- */

static bool cholesky_vjp_shape(urn__shape_query *q)
{
    q->out[0] = *q->in[0];
    return is_square(q, 0) && is_square(q, 1);
}

/* work = Phi(L^T dL): lower triangle with halved diagonal. */
static void phi_of_product(int64_t d, const double *l, const double *dl, double *work)
{
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double sum = 0;
            for (int64_t k = i; k < d && j <= i; k++)
                sum += l[k * d + i] * (k >= j ? dl[k * d + j] : 0.0);
            work[i * d + j] = i == j ? 0.5 * sum : sum;
        }
}

/* out = sym(L^-T work L^-1) */
static void cholesky_vjp_one(int64_t d, const double *l, const double *dl, double *work,
                             double *out)
{
    phi_of_product(d, l, dl, work);
    urn__tri_solve(d, d, l, true, work); /* L^-T work */
    for (int64_t i = 0; i < d; i++)      /* transpose in place: (W L^-1)^T = L^-T W^T */
        for (int64_t j = 0; j < i; j++) {
            const double t = work[i * d + j];
            work[i * d + j] = work[j * d + i];
            work[j * d + i] = t;
        }
    urn__tri_solve(d, d, l, true, work);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            out[i * d + j] = 0.5 * (work[i * d + j] + work[j * d + i]);
}

static void cholesky_vjp_run(const urn__call *c)
{
    const int64_t d = urn__shape_last(c->out_shape), size = d * d;
    const urn__real *l = c->in[0], *dl = c->in[1];
    urn__real *out = c->out[0];
    double *work = c->exec->scratch, *buffer = work + size;
    for (int64_t m = 0; m < matrices(c->out_shape); m++) {
        double *d_a = doubles_for(out + m * size, buffer);
        cholesky_vjp_one(d, doubles_of(size, l + m * size, buffer + URN__CONVERTED * size),
                         doubles_of(size, dl + m * size, buffer + URN__CONVERTED * 2 * size), work,
                         d_a);
        give_back(size, d_a, out + m * size);
    }
}

static int64_t cholesky_vjp_scratch(const urn__graph *g, const urn__node *n, int threads)
{
    (void)g, (void)threads;
    const int64_t d = urn__shape_last(n->shape);
    return (1 + URN__CONVERTED * 3) * d * d;
}

/* ---- tri_solve: L^-1 B or (a = 1) L^-T B; B a matrix, or (b = 1) a vector ---- */

static bool tri_solve_shape(urn__shape_query *q)
{
    const urn__ints_attr *t = q->attr;
    if (!is_square(q, 0) || (!t->b && !is_matrix(q, 1)))
        return false;
    const int64_t d = urn__shape_last(q->in[0]);
    const int64_t r = t->b ? urn__shape_last(q->in[1]) : rows_dim(q->in[1]);
    if (d != r) {
        (void)snprintf(q->why, q->why_size, "the matrix has %lld rows, the right side %lld",
                       (long long)d, (long long)r);
        return false;
    }
    const urn__shape ba = urn__shape_drop_event(q->in[0], 2),
                     bb = urn__shape_drop_event(q->in[1], t->b ? 1 : 2);
    return batch_with(q, &ba, &bb, t->b ? 1 : 2, d, urn__shape_last(q->in[1]));
}

static void tri_solve_run(const urn__call *c)
{
    const urn__ints_attr *t = c->attr;
    const int width = t->b ? 1 : 2;
    const int64_t d = urn__shape_last(c->in_shape[0]);
    const int64_t n = t->b ? 1 : urn__shape_last(c->out_shape);
    const urn__shape batch = urn__shape_drop_event(c->out_shape, width);
    const urn__shape ba = urn__shape_drop_event(c->in_shape[0], 2),
                     bb = urn__shape_drop_event(c->in_shape[1], width);
    const urn__walk wa = urn__walk_of(&ba, &batch), wb = urn__walk_of(&bb, &batch);
    const urn__real *all = c->in[0], *b = c->in[1];
    const double *l = NULL;
    int64_t current = -1; /* matrix in l */
    for (int64_t i = 0; i < urn__shape_size(&batch); i++) {
        urn__real *out = (urn__real *)c->out[0] + i * d * n;
        double *x = doubles_for(out, c->exec->scratch + URN__CONVERTED * d * d);
        if (urn__walk_offset(&wa, i) != current) {
            current = urn__walk_offset(&wa, i);
            l = doubles_of(d * d, all + current * d * d, c->exec->scratch);
        }
        memcpy(out, b + urn__walk_offset(&wb, i) * d * n, (size_t)(d * n) * sizeof *out);
        (void)doubles_of(d * n, out, x);
        urn__tri_solve(d, n, l, t->a != 0, x);
        give_back(d * n, x, out);
    }
}

static int64_t tri_solve_scratch(const urn__graph *g, const urn__node *n, int threads)
{
    (void)threads;
    const int64_t d = urn__shape_last(urn__graph_shape(g, n->in[0]));
    const int64_t width = ((const urn__ints_attr *)n->attr)->b ? 1 : urn__shape_last(n->shape);
    return URN__CONVERTED * d * (d + width);
}

static urn__id tri_solve(urn__graph *g, urn__id l, urn__id b, bool transposed, bool vector)
{
    const urn__ints_attr attr = {.a = transposed, .b = vector};
    return urn__emit(g, &urn__op_tri_solve, 2, (urn__id[]){l, b}, &attr, sizeof attr);
}

static urn__id as_column(urn__graph *g, urn__id x, bool vector)
{
    const urn__shape *s = urn__graph_shape(g, x);
    int64_t dims[URN__MAX_DIMS];
    if (!vector)
        return x;
    for (int i = 0; i < s->n_event; i++)
        dims[i] = s->dim[s->n_plates + i];
    dims[s->n_event] = 1;
    return urn__reshape_event(g, x, s->n_event + 1, dims);
}

/* Y = L^-1 B: dB = L^-T dY, dL = -tril(dB Y^T). Y = L^-T B: dB = L^-1 dY, dL = -tril(Y dB^T). */
static void tri_solve_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                          urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    const urn__ints_attr t = *(const urn__ints_attr *)n.attr;
    const urn__id d_b = tri_solve(g, n.in[0], d_out[0], t.a == 0, t.b != 0);
    if (wanted[1])
        d_in[1] = urn__sum_to(g, d_b, urn__graph_shape(g, n.in[1]));
    if (!wanted[0])
        return;
    const urn__id left = as_column(g, t.a ? y : d_b, t.b != 0);
    const urn__id right = as_column(g, t.a ? d_b : y, t.b != 0);
    const urn__id d_l = urn__emit1(
        g, &urn__op_tril, urn__emit1(g, &urn__op_neg, matmul(g, left, false, right, true)));
    d_in[0] = urn__sum_to(g, d_l, urn__graph_shape(g, n.in[0]));
}

static urn__id tri_solve_example(urn__example *e, int variant)
{
    if (variant > 3)
        return 0;
    urn__graph *g = urn__example_graph(e);
    const urn__id l = urn__example_input(e, urn__shape_matrix(4, 4), URN_DOMAIN_TRIL);
    const urn__shape shape = variant & 1 ? urn__shape_vector(4) : urn__shape_matrix(4, 3);
    const urn__id b = urn__example_input(e, shape, URN_DOMAIN_REAL);
    return tri_solve(g, l, b, variant & 2, variant & 1);
}

/* ---- tril, diagonal, diagonal_matrix ---- */

static void tril_run(const urn__call *c)
{
    const int64_t d = urn__shape_last(c->out_shape);
    const urn__real *x = c->in[0];
    urn__real *out = c->out[0];
    for (int64_t m = 0; m < matrices(c->out_shape); m++)
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < d; j++)
                out[(m * d + i) * d + j] = j <= i ? x[(m * d + i) * d + j] : 0;
}

static void tril_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                     urn__id *d_in)
{
    (void)y, (void)wanted;
    d_in[0] = urn__emit1(g, &urn__op_tril, d_out[0]);
}

static urn__id square_example(urn__example *e, int variant, const urn__op *op)
{
    const int64_t n = urn__example_size(e);
    if (variant > 0)
        return 0;
    return urn__emit1(urn__example_graph(e), op,
                      urn__example_input(e, urn__shape_matrix(n, n), URN_DOMAIN_REAL));
}

static urn__id tril_example(urn__example *e, int variant)
{
    return square_example(e, variant, &urn__op_tril);
}

static bool diagonal_shape(urn__shape_query *q)
{
    if (!is_square(q, 0))
        return false;
    const urn__shape *s = q->in[0];
    q->out[0] = urn__shape_with_event(s, s->n_event - 1, s->dim + s->n_plates);
    return true;
}

static void diagonal_run(const urn__call *c)
{
    const int64_t d = urn__shape_last(c->out_shape);
    const int64_t n = urn__shape_size(c->out_shape);
    const urn__real *x = c->in[0];
    urn__real *out = c->out[0];
    for (int64_t i = 0; i < n; i++)
        out[i] = x[i * d + i % d];
}

static void diagonal_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                         urn__id *d_in)
{
    (void)y, (void)wanted;
    d_in[0] = urn__emit1(g, &urn__op_diagonal_matrix, d_out[0]);
}

static urn__id diagonal_example(urn__example *e, int variant)
{
    return square_example(e, variant, &urn__op_diagonal);
}

static bool diagonal_matrix_shape(urn__shape_query *q)
{
    const urn__shape *s = q->in[0];
    if (s->n_event == 0 || s->n_plates + s->n_event >= URN__MAX_DIMS) {
        (void)snprintf(q->why, q->why_size, "it needs a vector");
        return false;
    }
    const urn__shape batch = urn__shape_drop_event(s, 1);
    return batch_with(q, &batch, &batch, 2, urn__shape_last(s), urn__shape_last(s));
}

static void diagonal_matrix_run(const urn__call *c)
{
    const int64_t d = urn__shape_last(c->out_shape);
    const int64_t n = urn__shape_size(c->in_shape[0]);
    const urn__real *x = c->in[0];
    urn__real *out = c->out[0];
    memset(out, 0, (size_t)urn__shape_size(c->out_shape) * sizeof *out);
    for (int64_t i = 0; i < n; i++)
        out[i * d + i % d] = x[i];
}

static void diagonal_matrix_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                                urn__id *d_in)
{
    (void)y, (void)wanted;
    d_in[0] = urn__emit1(g, &urn__op_diagonal, d_out[0]);
}

static urn__id diagonal_matrix_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e);
    if (variant > 0)
        return 0;
    return urn__emit1(urn__example_graph(e), &urn__op_diagonal_matrix,
                      urn__example_input(e, urn__shape_vector(n), URN_DOMAIN_REAL));
}

const urn__op URN__OP(matmul) = {.name = "matmul",
                                 .arity = 2,
                                 .linear = 3,
                                 .shape = matmul_shape,
                                 .run = matmul_run,
                                 .scratch = matmul_scratch,
                                 .vjp = matmul_vjp,
                                 .example = matmul_example};
const urn__op URN__OP(transpose) = {.name = "transpose",
                                    .arity = 1,
                                    .linear = 1,
                                    .shape = transpose_shape,
                                    .run = transpose_run,
                                    .vjp = transpose_vjp,
                                    .example = transpose_example};
const urn__op URN__OP(cholesky) = {.name = "cholesky",
                                   .arity = 1,
                                   .shape = square_shape,
                                   .run = cholesky_run,
                                   .scratch = cholesky_scratch,
                                   .vjp = cholesky_vjp_emit,
                                   .example = cholesky_example};
const urn__op URN__OP(cholesky_vjp) = {.name = "cholesky_vjp",
                                       .arity = 2,
                                       .flags = URN__OP_NOT_DIFFERENTIABLE,
                                       .linear = 2,
                                       .shape = cholesky_vjp_shape,
                                       .run = cholesky_vjp_run,
                                       .scratch = cholesky_vjp_scratch};
const urn__op URN__OP(tri_solve) = {.name = "tri_solve",
                                    .arity = 2,
                                    .linear = 2,
                                    .shape = tri_solve_shape,
                                    .run = tri_solve_run,
                                    .scratch = tri_solve_scratch,
                                    .vjp = tri_solve_vjp,
                                    .example = tri_solve_example};
const urn__op URN__OP(tril) = {.name = "tril",
                               .arity = 1,
                               .linear = 1,
                               .shape = square_shape,
                               .run = tril_run,
                               .vjp = tril_vjp,
                               .example = tril_example};
const urn__op URN__OP(diagonal) = {.name = "diagonal",
                                   .arity = 1,
                                   .linear = 1,
                                   .shape = diagonal_shape,
                                   .run = diagonal_run,
                                   .vjp = diagonal_vjp,
                                   .example = diagonal_example};
const urn__op URN__OP(diagonal_matrix) = {.name = "diagonal_matrix",
                                          .arity = 1,
                                          .linear = 1,
                                          .shape = diagonal_matrix_shape,
                                          .run = diagonal_matrix_run,
                                          .vjp = diagonal_matrix_vjp,
                                          .example = diagonal_matrix_example};
