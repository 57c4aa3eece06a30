/* One test for every op of the table: derivative against central differences, shape rule against
 * what the kernel wrote, linearity as declared, fused against plain, single precision against
 * double, and the same bits for any number of threads on every CPU path. */
#include "runtime/graph/graph.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 16384 }; /* elements of anything here */

typedef struct bench {
    urn__arena *arena;
    urn__example e;
    urn__id node; /* the op under test */
    urn__id loss; /* a scalar that weighs all its elements differently */
    urn__id grad[URN__EXAMPLE_INPUTS];
    double position[MOST];
} bench;

static const int SIZES[] = {1, 2, 7, 33};
enum { N_SIZES = sizeof SIZES / sizeof SIZES[0] };

static const char *const PATHS[] = {"base", "v3", "v4"};
enum { N_PATHS = 3 };

/* The kernels of a CPU path, or NULL where the machine has not got it. */
static const urn__kernels *kernels(int path)
{
    const urn__kernels *k = NULL;
    if (urn__kernels_select(PATHS[path], &k, NULL) != URN_OK)
        assert_true(path > 0);
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
    double w[MOST];
    const urn__shape *s = urn__graph_shape(g, x);
    const urn__shape scalar = urn__shape_scalar();
    assert_true(urn__shape_size(s) <= MOST);
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
    if (b->node == 0 && size > 0)
        assert_string_equal(urn__graph_error(b->e.graph), "");
    if (b->node == 0 || b->e.n_position > MOST ||
        urn__shape_size(urn__graph_shape(b->e.graph, b->node)) > MOST) {
        assert_true(b->node == 0 || size > 90);
        urn__arena_free(b->arena);
        return false;
    }
    b->loss = weigh(b->e.graph, b->node);
    fill_position(b, 42);
    return true;
}

typedef struct way {
    int path, threads;
    bool single;
} way;

static const way PLAIN = {.threads = 1};

/* Numbers of a root as doubles. */
static void read_root(const urn__plan *plan, const urn__machine *machine, bool single, int64_t n,
                      double *out)
{
    const void *v = urn__machine_root(machine, 0);
    const double *d = v;
    const float *f = v;
    for (int64_t i = 0; i < n; i++)
        out[i] = single && !urn__plan_root_is_wide(plan, 0) ? (double)f[i] : d[i];
}

static double evaluate(const bench *b, urn__id root, const double *position, way how, double *out)
{
    urn__plan *plan;
    urn__machine *machine;
    float single[MOST];
    double first[MOST];
    const urn_precision precision = how.single ? URN_PRECISION_SINGLE : URN_PRECISION_DOUBLE;
    for (int64_t i = 0; i < b->e.n_position; i++)
        single[i] = (float)position[i];
    const int64_t n = urn__shape_size(urn__graph_shape(b->e.graph, root));
    if (how.single)
        assert_int_equal(urn__narrow(b->e.graph, 1, &root, NULL), URN_OK);
    assert_int_equal(urn__plan_new(b->e.graph, 1, &root, kernels(how.path), precision, &plan, NULL),
                     URN_OK);
    assert_int_equal(urn__machine_new(plan, NULL, how.threads, NULL, &machine, NULL), URN_OK);
    urn__machine_position(machine, how.single ? (const void *)single : position);
    urn__machine_run(machine);
    read_root(plan, machine, how.single, n, out == NULL ? first : out);
    urn__machine_free(machine);
    return out == NULL ? first[0] : out[0];
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
        f[k] = evaluate(b, b->loss, b->position, PLAIN, NULL);
    }
    b->position[at] = x;
    return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
}

static void differentiate(bench *b)
{
    urn_error error = {0};
    if (urn__backward(b->e.graph, b->loss, b->e.n_inputs, b->e.input, b->grad, &error) != URN_OK)
        fail_msg("%s: %s", urn__graph_node(b->e.graph, b->node)->op->name, error.message);
}

static void check_gradient(bench *b, const urn__op *op, int variant)
{
    double g[MOST];
    const int n = b->e.n_inputs;
    differentiate(b);
    assert_int_equal(urn__verify(b->e.graph, NULL), URN_OK);
    int64_t at = 0;
    for (int k = 0; k < n; k++) {
        const int64_t size = urn__shape_size(urn__graph_shape(b->e.graph, b->e.input[k]));
        memset(g, 0, sizeof g);
        if (b->grad[k] != 0) {
            assert_true(urn__shape_equal(urn__graph_shape(b->e.graph, b->grad[k]),
                                         urn__graph_shape(b->e.graph, b->e.input[k])));
            evaluate(b, b->grad[k], b->position, PLAIN, g);
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
    double x[MOST], f[4][MOST];
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
                evaluate(b, b->node, x, PLAIN, f[c]);
            }
            for (int64_t i = 0; i < n; i++)
                if (fabs(f[3][i] - f[1][i] - f[2][i] + f[0][i]) >
                    1e-11 * (1.0 + fabs(f[3][i]) + fabs(f[1][i])))
                    fail_msg("%s is not linear in input %d", op->name, k);
        }
        at += size;
    }
}

/* The loss and the gradients it has, as they are and fused. */
typedef struct roots {
    int n;
    urn__id plain[1 + URN__EXAMPLE_INPUTS], fused[1 + URN__EXAMPLE_INPUTS];
} roots;

static roots fuse(bench *b)
{
    roots r = {.n = 1, .plain = {b->loss}};
    for (int k = 0; k < b->e.n_inputs; k++)
        if (b->grad[k] != 0)
            r.plain[r.n++] = b->grad[k];
    memcpy(r.fused, r.plain, sizeof r.plain);
    assert_int_equal(urn__fuse_gather(b->e.graph, r.n, r.fused, NULL), URN_OK);
    assert_int_equal(urn__fuse_density(b->e.graph, r.n, r.fused, NULL), URN_OK);
    assert_int_equal(urn__fuse_elementwise(b->e.graph, r.n, r.fused, NULL), URN_OK);
    assert_int_equal(urn__verify(b->e.graph, NULL), URN_OK);
    return r;
}

static void check_fused(bench *b, const urn__op *op, int variant, const roots *r)
{
    double x[MOST], y[MOST];
    for (int k = 0; k < r->n; k++) {
        const int64_t size = urn__shape_size(urn__graph_shape(b->e.graph, r->fused[k]));
        evaluate(b, r->plain[k], b->position, PLAIN, x);
        evaluate(b, r->fused[k], b->position, PLAIN, y);
        for (int64_t i = 0; i < size; i++)
            if (fabs(x[i] - y[i]) > 1e-13 * fmax(1.0, fabs(x[i])))
                fail_msg("%s variant %d root %d: plain %.17g, fused %.17g", op->name, variant, k,
                         x[i], y[i]);
    }
}

static void check_threads(bench *b, const roots *r)
{
    static const int threads[] = {2, 3, 8};
    double x[MOST], y[MOST];
    for (int k = 0; k < r->n; k++)
        for (int path = 0; path < N_PATHS && kernels(path) != NULL; path++)
            for (int single = 0; single < 2; single++) {
                const int64_t size = urn__shape_size(urn__graph_shape(b->e.graph, r->fused[k]));
                way how = {.path = path, .threads = 1, .single = single != 0};
                evaluate(b, r->fused[k], b->position, how, x);
                for (int t = 0; t < 3; t++) {
                    how.threads = threads[t];
                    evaluate(b, r->fused[k], b->position, how, y);
                    assert_memory_equal(x, y, (size_t)size * sizeof *x);
                }
            }
}

static double largest(int64_t n, const double *x, const double *y)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs(x[i] - (y == NULL ? 0.0 : y[i])));
    return most;
}

/* How far the results move when every input moves by up to one rounding of a float. */
static double sensitivity(const bench *b, urn__id root, int64_t n, const double *y)
{
    double moved[MOST], z[MOST], most = 0;
    urn__stream stream = urn__stream_at(7, 0, "moves", 0);
    for (int t = 0; t < 3; t++) {
        for (int64_t i = 0; i < b->e.n_position; i++)
            moved[i] =
                b->position[i] * (1.0 + (urn__pcg64_next(&stream.base) & 1 ? 0x1p-24 : -0x1p-24));
        evaluate(b, root, moved, PLAIN, z);
        most = fmax(most, largest(n, y, z));
    }
    return most;
}

/* A backward stable evaluation in floats gives the exact result of inputs moved by a few roundings,
 * rounded. No chain of kernels in these graphs is longer than 32 roundings. */
static void check_single(bench *b, const urn__op *op, int variant, const roots *r)
{
    double x[MOST], y[MOST];
    for (int64_t i = 0; i < b->e.n_position; i++)
        b->position[i] = (double)(float)b->position[i];
    for (int k = 0; k < 2 * r->n; k++) {
        const urn__id plain = r->plain[k / 2], root = k % 2 ? r->fused[k / 2] : plain;
        const int64_t n = urn__shape_size(urn__graph_shape(b->e.graph, root));
        evaluate(b, plain, b->position, PLAIN, y);
        const double scale = fmax(1.0, largest(n, y, NULL));
        const double tolerance = 32 * (sensitivity(b, plain, n, y) + 0x1p-24 * scale);
        for (int path = 0; path < N_PATHS && kernels(path) != NULL; path++) {
            evaluate(b, root, b->position, (way){path, 1, true}, x);
            if (!(largest(n, x, y) <= tolerance))
                fail_msg("%s variant %d root %d on %s: single differs by %g, allowed %g", op->name,
                         variant, k, PATHS[path], largest(n, x, y), tolerance);
        }
    }
}

/* Sizes with no rows, and past blocks and chunks. */
static void every_op_at_odd_sizes(void **state)
{
    (void)state;
    static const int sizes[] = {0, 97, 1237, 5001};
    int tested = 0;
    for (int i = 0; urn__op_at(i) != NULL; i++)
        for (int k = 0; k < 4 * 32 && urn__op_at(i)->example != NULL; k++) {
            bench *b = test_malloc(sizeof *b);
            if (build(b, urn__op_at(i), k / 4, sizes[k % 4])) {
                differentiate(b);
                const roots r = fuse(b);
                check_fused(b, urn__op_at(i), k / 4, &r);
                check_threads(b, &r);
                check_single(b, urn__op_at(i), k / 4, &r);
                urn__arena_free(b->arena);
                tested++;
            }
            test_free(b);
        }
    assert_true(tested > 150);
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
                    const roots r = fuse(b);
                    check_fused(b, op, variant, &r);
                    check_threads(b, &r);
                    check_single(b, op, variant, &r);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_op),
                                       cmocka_unit_test(every_op_at_odd_sizes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
