/* One test for every op of the table: derivative against central differences, shape rule against
 * what the kernel wrote, linearity as declared, fused against plain, and the same bits for any
 * number of threads. */
#include "runtime/graph/graph.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct bench {
    urn__arena *arena;
    urn__example e;
    urn__id node; /* the op under test */
    urn__id loss; /* a scalar that weighs all its elements differently */
    urn__id grad[URN__EXAMPLE_INPUTS];
    double position[8192];
} bench;

static const int SIZES[] = {1, 2, 7, 33};
enum { N_SIZES = sizeof SIZES / sizeof SIZES[0] };

static const urn__kernels *kernels(void)
{
    const urn__kernels *k = NULL;
    assert_int_equal(urn__kernels_select("base", &k, NULL), URN_OK);
    return k;
}

static void fill_tril(double *x, const urn__shape *s, urn__stream *stream)
{
    const int64_t d = urn__shape_last(s);
    for (int64_t i = 0; i < urn__shape_size(s); i++) {
        const int64_t row = i / d % d, column = i % d;
        const double u = (double)(urn__pcg64_next(&stream->base) >> 11) * 0x1p-53;
        x[i] = column > row ? 0.0 : column == row ? 1.0 + u : u - 0.5;
    }
}

static void fill_position(bench *b, uint64_t seed)
{
    urn__stream stream = urn__stream_at(seed, 0, "test", 0);
    int64_t at = 0;
    for (int k = 0; k < b->e.n_inputs; k++) {
        const urn__shape *s = urn__graph_shape(b->e.graph, b->e.input[k]);
        const int64_t n = urn__shape_size(s);
        if (b->e.domain[k] == URN_DOMAIN_TRIL)
            fill_tril(b->position + at, s, &stream);
        for (int64_t i = 0; b->e.domain[k] != URN_DOMAIN_TRIL && i < n; i++) {
            const double u = (double)(urn__pcg64_next(&stream.base) >> 11) * 0x1p-53;
            /* reals stay off zero, where relu and abs have a kink */
            b->position[at + i] = b->e.domain[k] == URN_DOMAIN_POSITIVE ? 0.3 + 2.0 * u
                                  : b->e.domain[k] == URN_DOMAIN_UNIT   ? 0.05 + 0.9 * u
                                  : u < 0.5                             ? 3.0 * u - 1.52
                                                                        : 3.0 * u - 1.48;
        }
        at += n;
    }
}

/* Weights that differ from element to element, so that a misplaced adjoint shows. */
static urn__id weigh(urn__graph *g, urn__id x)
{
    double w[8192];
    const urn__shape *s = urn__graph_shape(g, x);
    const urn__shape scalar = urn__shape_scalar();
    assert_true(urn__shape_size(s) <= 8192);
    for (int64_t i = 0; i < urn__shape_size(s); i++)
        w[i] = 1.0 + 0.37 * sin(1.0 + (double)i);
    return urn__sum_to(g, urn__times(g, x, urn__constant(g, s, w)), &scalar);
}

static bool build(bench *b, const urn__op *op, int variant, int size)
{
    memset(b, 0, sizeof *b);
    b->arena = urn__arena_new(NULL);
    b->e.graph = urn__graph_new(b->arena);
    b->e.size = size;
    urn__graph_name_plate(b->e.graph, 1, "rows");
    b->node = op->example(&b->e, variant);
    if (b->node == 0) {
        assert_string_equal(urn__graph_error(b->e.graph), "");
        urn__arena_free(b->arena);
        return false;
    }
    assert_true(b->e.n_position <= 8192);
    b->loss = weigh(b->e.graph, b->node);
    fill_position(b, 42);
    return true;
}

static double evaluate(const bench *b, urn__id root, const double *position, int threads,
                       double *out)
{
    urn__plan *plan;
    urn__machine *machine;
    assert_int_equal(
        urn__plan_new(b->e.graph, 1, &root, kernels(), URN_PRECISION_DOUBLE, &plan, NULL), URN_OK);
    assert_int_equal(urn__machine_new(plan, NULL, threads, &machine, NULL), URN_OK);
    urn__machine_position(machine, position);
    urn__machine_run(machine);
    const int64_t n = urn__shape_size(urn__graph_shape(b->e.graph, root));
    const double *v = urn__machine_root(machine, 0);
    const double first = v[0];
    if (out != NULL)
        memcpy(out, v, (size_t)n * sizeof *out);
    urn__machine_free(machine);
    return first;
}

static bool is_free(const bench *b, int input, int64_t i)
{
    const urn__shape *s = urn__graph_shape(b->e.graph, b->e.input[input]);
    const int64_t d = urn__shape_last(s);
    return b->e.domain[input] != URN_DOMAIN_TRIL || i % d <= i / d % d;
}

/* Fourth-order central difference of the loss. */
static double difference(bench *b, int64_t at)
{
    const double x = b->position[at], h = 1e-3 * fmax(1.0, fabs(x));
    double f[4];
    const double step[4] = {-2, -1, 1, 2};
    for (int k = 0; k < 4; k++) {
        b->position[at] = x + step[k] * h;
        f[k] = evaluate(b, b->loss, b->position, 1, NULL);
    }
    b->position[at] = x;
    return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
}

static void check_gradient(bench *b, const urn__op *op, int variant)
{
    double g[8192];
    const int n = b->e.n_inputs;
    assert_int_equal(urn__backward(b->e.graph, b->loss, n, b->e.input, b->grad, NULL), URN_OK);
    assert_int_equal(urn__verify(b->e.graph, NULL), URN_OK);
    int64_t at = 0;
    for (int k = 0; k < n; k++) {
        const int64_t size = urn__shape_size(urn__graph_shape(b->e.graph, b->e.input[k]));
        memset(g, 0, sizeof g);
        if (b->grad[k] != 0) {
            assert_true(urn__shape_equal(urn__graph_shape(b->e.graph, b->grad[k]),
                                         urn__graph_shape(b->e.graph, b->e.input[k])));
            evaluate(b, b->grad[k], b->position, 1, g);
        }
        for (int64_t i = 0; i < size; i++) {
            if (!is_free(b, k, i))
                continue;
            const double expected = difference(b, at + i);
            /* h^4 truncation and 1e-16 / h rounding both stay below 1e-9 of the scale here */
            if (fabs(g[i] - expected) > 1e-7 * fmax(1.0, fabs(expected)))
                fail_msg("%s variant %d input %d element %d: gradient %.12g, difference %.12g",
                         op->name, variant, k, (int)i, g[i], expected);
        }
        at += size;
    }
}

/* f(x + y) - f(x) - f(y) + f(0) = 0 in each input declared linear. */
static void check_linear(bench *b, const urn__op *op)
{
    double x[8192], f[4][8192];
    const int64_t n = urn__shape_size(urn__graph_shape(b->e.graph, b->node));
    const urn__node *node = urn__graph_node(b->e.graph, b->node);
    if (node->op != op)
        return; /* the example wraps the op */
    int64_t at = 0;
    for (int k = 0; k < b->e.n_inputs; k++) {
        const int64_t size = urn__shape_size(urn__graph_shape(b->e.graph, b->e.input[k]));
        if (node->in[k] == b->e.input[k] && (op->linear >> k & 1)) {
            for (int c = 0; c < 4; c++) {
                memcpy(x, b->position, sizeof x);
                for (int64_t i = 0; i < size; i++) {
                    const double p = b->position[at + i], q = cos(3.0 * (double)i);
                    x[at + i] = (c & 1 ? p : 0.0) + (c & 2 ? q : 0.0);
                }
                evaluate(b, b->node, x, 1, f[c]);
            }
            for (int64_t i = 0; i < n; i++)
                if (fabs(f[3][i] - f[1][i] - f[2][i] + f[0][i]) >
                    1e-11 * (1.0 + fabs(f[3][i]) + fabs(f[1][i])))
                    fail_msg("%s is not linear in input %d", op->name, k);
        }
        at += size;
    }
}

static void check_fused(bench *b, const urn__op *op, int variant)
{
    urn__id root[1 + URN__EXAMPLE_INPUTS], plain[1 + URN__EXAMPLE_INPUTS];
    double x[8192], y[8192];
    int n = 0;
    root[n++] = b->loss;
    for (int k = 0; k < b->e.n_inputs; k++)
        if (b->grad[k] != 0)
            root[n++] = b->grad[k];
    memcpy(plain, root, sizeof plain);
    assert_int_equal(urn__fuse_gather(b->e.graph, n, root, NULL), URN_OK);
    assert_int_equal(urn__fuse_density(b->e.graph, n, root, NULL), URN_OK);
    assert_int_equal(urn__fuse_elementwise(b->e.graph, n, root, NULL), URN_OK);
    assert_int_equal(urn__verify(b->e.graph, NULL), URN_OK);
    for (int k = 0; k < n; k++) {
        const int64_t size = urn__shape_size(urn__graph_shape(b->e.graph, root[k]));
        evaluate(b, plain[k], b->position, 1, x);
        evaluate(b, root[k], b->position, 1, y);
        for (int64_t i = 0; i < size; i++)
            if (fabs(x[i] - y[i]) > 1e-13 * fmax(1.0, fabs(x[i])))
                fail_msg("%s variant %d root %d: plain %.17g, fused %.17g", op->name, variant, k,
                         x[i], y[i]);
        for (int threads = 2; threads <= 8; threads += 3) {
            evaluate(b, root[k], b->position, threads, x);
            assert_memory_equal(x, y, (size_t)size * sizeof *x);
        }
    }
}

static void every_op(void **state)
{
    (void)state;
    int tested = 0;
    for (int i = 0; urn__op_at(i) != NULL; i++) {
        const urn__op *op = urn__op_at(i);
        const bool needs_none =
            (op->flags & (URN__OP_LEAF | URN__OP_NOT_DIFFERENTIABLE)) || op == &urn__op_output;
        if (op->example == NULL) {
            if (!needs_none)
                fail_msg("op %s brings no example", op->name);
            continue;
        }
        for (int variant = 0; variant < 32; variant++)
            for (int s = 0; s < N_SIZES; s++) {
                bench *b = test_malloc(sizeof *b);
                const bool more = build(b, op, variant, SIZES[s]);
                if (more) {
                    check_gradient(b, op, variant);
                    check_linear(b, op);
                    check_fused(b, op, variant);
                    urn__arena_free(b->arena);
                    tested++;
                }
                test_free(b);
            }
    }
    assert_true(tested > 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_op)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
