/* The graph itself: shapes, hash-consing, errors, fusion, the plan's lifetimes, allocation. */
#include "runtime/graph/graph.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct fixture {
    urn__arena *arena;
    urn__graph *g;
    int64_t n_position;
} fixture;

static void start(fixture *f)
{
    f->arena = urn__arena_new(NULL);
    f->g = urn__graph_new(f->arena);
    f->n_position = 0;
    urn__graph_name_plate(f->g, 1, "users");
    urn__graph_name_plate(f->g, 2, "items");
}

static void stop(fixture *f)
{
    urn__arena_free(f->arena);
}

static urn__id input(fixture *f, urn__shape shape)
{
    const urn__slot_attr attr = {.slot = f->n_position, .shape = shape};
    f->n_position += urn__shape_size(&shape);
    return urn__emit(f->g, &urn__op_coordinate, 0, NULL, &attr, sizeof attr);
}

static urn__shape plate(int32_t id, int64_t n, int64_t event)
{
    return (urn__shape){.n_plates = 1, .n_event = event > 0, .plate = {id}, .dim = {n, event}};
}

static void shapes_broadcast_by_plate(void **state)
{
    (void)state;
    urn__shape out;
    const urn__shape users = plate(1, 4, 0), items = plate(2, 4, 0),
                     both = {.n_plates = 2, .plate = {1, 2}, .dim = {4, 4}};
    const urn__shape vector = urn__shape_vector(3), rows = plate(1, 4, 3);
    assert_false(urn__shape_broadcast(&users, &items, &out)); /* equal sizes do not make them one */
    assert_true(urn__shape_broadcast(&users, &both, &out));
    assert_true(urn__shape_equal(&out, &both));
    assert_true(urn__shape_broadcast(&vector, &rows, &out));
    assert_true(urn__shape_equal(&out, &rows));
    const urn__shape reversed = {.n_plates = 2, .plate = {2, 1}, .dim = {4, 4}};
    assert_false(urn__shape_broadcast(&both, &reversed, &out));
    const urn__shape four = urn__shape_vector(4);
    assert_false(urn__shape_broadcast(&vector, &four, &out));
}

static void walks_expand_and_reduce(void **state)
{
    (void)state;
    const urn__shape large = {.n_plates = 2, .n_event = 1, .plate = {1, 2}, .dim = {3, 2, 4}};
    const urn__shape small[] = {plate(1, 3, 0),       plate(2, 2, 4), urn__shape_vector(4),
                                urn__shape_vector(1), large,          urn__shape_scalar()};
    for (size_t k = 0; k < sizeof small / sizeof small[0]; k++) {
        double src[24], dst[24], back[24] = {0};
        const urn__walk w = urn__walk_of(&small[k], &large);
        for (int i = 0; i < 24; i++)
            src[i] = 1.0 + i;
        for (int64_t from = 0; from < 24; from += 5) {
            const int64_t n = 24 - from < 5 ? 24 - from : 5;
            urn__walk_expand(&w, src, from, n, dst + from);
            urn__walk_reduce(&w, dst + from, from, n, back);
        }
        for (int64_t u = 0; u < 3; u++) /* against the definition, index by index */
            for (int64_t v = 0; v < 2; v++)
                for (int64_t e = 0; e < 4; e++) {
                    const int64_t at[] = {u, v * 4 + e, e, 0, (u * 2 + v) * 4 + e, 0};
                    const double found = dst[(u * 2 + v) * 4 + e], expected = src[at[k]];
                    assert_true(found >= expected && found <= expected);
                }
        const int64_t n = urn__shape_size(&small[k]);
        for (int64_t i = 0; i < n; i++)
            assert_true(fabs(back[i] - src[i] * (24.0 / (double)n)) < 1e-12);
    }
}

static void equal_nodes_are_one(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    const urn__id x = input(&f, urn__shape_vector(3)), y = input(&f, urn__shape_vector(3));
    assert_int_not_equal(x, y);
    assert_int_equal(urn__emit2(f.g, &urn__op_add, x, y), urn__emit2(f.g, &urn__op_add, x, y));
    assert_int_not_equal(urn__emit2(f.g, &urn__op_add, x, y), urn__emit2(f.g, &urn__op_add, y, x));
    const double v[3] = {1, 2, 3}, w[3] = {1, 2, 4};
    const urn__shape s = urn__shape_vector(3);
    double copy[3];
    memcpy(copy, v, sizeof copy);
    assert_int_equal(urn__constant(f.g, &s, v), urn__constant(f.g, &s, copy));
    assert_int_not_equal(urn__constant(f.g, &s, v), urn__constant(f.g, &s, w));
    const urn__id before = urn__number(f.g, 0.5);
    for (int i = 0; i < 5000; i++)
        (void)urn__number(f.g, (double)i); /* grows every table */
    assert_int_equal(before, urn__number(f.g, 0.5));
    assert_int_equal(urn__verify(f.g, NULL), URN_OK);
    stop(&f);
}

static void shape_errors_say_what(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    const urn__id u = input(&f, plate(1, 4, 5)), v = input(&f, plate(2, 4, 5));
    assert_int_equal(urn__emit2(f.g, &urn__op_add, u, v), 0);
    assert_string_equal(urn__graph_error(f.g),
                        "add of users[4] x 5 and items[4] x 5: the plates mix; one side's plates "
                        "must be among the other's (gather one through an index, or nest the "
                        "plates)");
    urn__graph_clear_error(f.g);
    assert_int_equal(urn__emit2(f.g, &urn__op_gather, u, v), 0);
    assert_non_null(strstr(urn__graph_error(f.g), "input 2 must come from urn_index"));
    urn__graph_clear_error(f.g);
    assert_int_equal(urn__emit1(f.g, &urn__op_cholesky, u), 0);
    assert_non_null(strstr(urn__graph_error(f.g), "must be a matrix"));
    assert_int_equal(urn__emit1(f.g, &urn__op_exp, 0), 0); /* poison goes through */
    stop(&f);
}

/* ---- plans ---- */

static const urn__kernels *kernels(void)
{
    const urn__kernels *k = NULL;
    assert_int_equal(urn__kernels_select(NULL, &k, NULL), URN_OK);
    return k;
}

/* A long chain whose values die young needs little memory; all roots survive. */
static void plan_reuses_memory(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    enum { N = 1000, DEPTH = 40 };
    urn__id x = input(&f, urn__shape_vector(N)), root[2];
    for (int i = 0; i < DEPTH; i++) {
        x = urn__emit1(f.g, &urn__op_sin, urn__plus(f.g, x, urn__number(f.g, 0.1 * i)));
        if (i == 3)
            root[0] = x;
    }
    root[1] = x;
    urn__plan *plan;
    urn__machine *m;
    assert_int_equal(urn__plan_new(f.g, 2, root, kernels(), URN_PRECISION_DOUBLE, &plan, NULL),
                     URN_OK);
    assert_int_equal(urn__plan_length(plan), 2 * DEPTH);
    assert_true(urn__plan_slab(plan) <= 4 * 8 * (N + 16));
    assert_int_equal(urn__machine_new(plan, NULL, 1, NULL, &m, NULL), URN_OK);
    double position[N];
    for (int i = 0; i < N; i++)
        position[i] = 0.01 * i;
    urn__machine_position(m, position);
    urn__machine_run(m);
    const double *shallow = urn__machine_root(m, 0), *deep = urn__machine_root(m, 1);
    for (int i = 0; i < N; i++) {
        double v = position[i], early = 0;
        for (int k = 0; k < DEPTH; k++) {
            v = sin(v + 0.1 * k);
            early = k == 3 ? v : early;
        }
        assert_true(fabs(shallow[i] - early) < 1e-13);
        assert_true(fabs(deep[i] - v) < 1e-13);
    }
    urn__machine_free(m);
    stop(&f);
}

/* Roots are written to the caller's memory where each has its own. */
static void roots_bind(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    const urn__id x = input(&f, urn__shape_vector(3));
    const urn__id y = urn__emit1(f.g, &urn__op_exp, x);
    const urn__id root[4] = {y, urn__emit1(f.g, &urn__op_neg, y), x, y};
    urn__plan *plan;
    urn__machine *m;
    double out[3], position[3] = {0, 1, 2};
    assert_int_equal(urn__plan_new(f.g, 4, root, kernels(), URN_PRECISION_DOUBLE, &plan, NULL),
                     URN_OK);
    assert_int_equal(urn__machine_new(plan, NULL, 1, NULL, &m, NULL), URN_OK);
    assert_false(urn__machine_bind_root(m, 0, out)); /* shared with root 3 */
    assert_false(urn__machine_bind_root(m, 2, out)); /* a leaf */
    assert_true(urn__machine_bind_root(m, 1, out));
    urn__machine_position(m, position);
    urn__machine_run(m);
    assert_ptr_equal(urn__machine_root(m, 1), out);
    assert_true(fabs(out[1] + exp(1.0)) < 1e-14);
    assert_ptr_equal(urn__machine_root(m, 2), position);
    urn__machine_free(m);
    stop(&f);
}

static void constants_fold(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    const urn__id c = urn__emit1(f.g, &urn__op_exp, urn__number(f.g, 2.0));
    const urn__id x = input(&f, urn__shape_scalar());
    const urn__id y = urn__emit2(f.g, &urn__op_mul, x, urn__emit1(f.g, &urn__op_sqrt, c));
    urn__plan *plan;
    urn__machine *m;
    const double position = 3.0;
    assert_int_equal(urn__plan_new(f.g, 1, &y, kernels(), URN_PRECISION_DOUBLE, &plan, NULL),
                     URN_OK);
    assert_int_equal(urn__plan_length(plan), 1); /* the product alone is left to do */
    assert_int_equal(urn__machine_new(plan, NULL, 1, NULL, &m, NULL), URN_OK);
    urn__machine_position(m, &position);
    urn__machine_run(m);
    assert_true(fabs(*(const double *)urn__machine_root(m, 0) - 3.0 * exp(1.0)) < 1e-14);
    urn__machine_free(m);
    stop(&f);
}

static void elementwise_chains_fuse(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    const urn__id x = input(&f, urn__shape_vector(5000)), s = input(&f, urn__shape_scalar());
    urn__id y = urn__emit1(f.g, &urn__op_exp, urn__emit2(f.g, &urn__op_mul, x, s));
    const urn__shape scalar = urn__shape_scalar();
    urn__id root = urn__sum_to(f.g, urn__emit1(f.g, &urn__op_log1p, y), &scalar);
    urn__plan *plan;
    assert_int_equal(urn__fuse_elementwise(f.g, 1, &root, NULL), URN_OK);
    assert_int_equal(urn__verify(f.g, NULL), URN_OK);
    assert_int_equal(urn__plan_new(f.g, 1, &root, kernels(), URN_PRECISION_DOUBLE, &plan, NULL),
                     URN_OK);
    assert_int_equal(urn__plan_length(plan), 1); /* one block loop with the sum */
    stop(&f);
}

/* A member whose other input comes later must not pull the group before it. */
static void fusion_keeps_order(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    const urn__shape v = urn__shape_vector(64), scalar = urn__shape_scalar();
    const urn__id x = input(&f, v);
    const urn__id a = urn__emit1(f.g, &urn__op_exp, x);
    const urn__id total = urn__sum_to(f.g, a, &scalar);
    const urn__id b = urn__emit2(f.g, &urn__op_div, a, total); /* needs the sum of a */
    const urn__id c = urn__emit1(f.g, &urn__op_square, b);
    urn__id root[2] = {urn__sum_to(f.g, c, &scalar), b};
    assert_int_equal(urn__fuse_elementwise(f.g, 2, root, NULL), URN_OK);
    urn__plan *plan;
    urn__machine *m;
    double position[64], sum = 0, squares = 0;
    for (int i = 0; i < 64; i++) {
        position[i] = 0.05 * i;
        sum += exp(position[i]);
    }
    for (int i = 0; i < 64; i++)
        squares += exp(2 * position[i]) / (sum * sum);
    assert_int_equal(urn__plan_new(f.g, 2, root, kernels(), URN_PRECISION_DOUBLE, &plan, NULL),
                     URN_OK);
    assert_int_equal(urn__machine_new(plan, NULL, 1, NULL, &m, NULL), URN_OK);
    urn__machine_position(m, position);
    urn__machine_run(m);
    assert_true(fabs(*(const double *)urn__machine_root(m, 0) - squares) < 1e-14);
    urn__machine_free(m);
    stop(&f);
}

/* ---- allocation failure ---- */

typedef struct counting {
    int64_t left, live;
} counting;

static void *count_allocate(void *context, size_t size)
{
    counting *c = context;
    if (c->left-- <= 0)
        return NULL;
    c->live++;
    return aligned_alloc(64, (size + 63) / 64 * 64);
}

static void count_release(void *context, void *memory)
{
    ((counting *)context)->live--;
    free(memory);
}

static urn_status whole_path(const urn_allocator *allocator)
{
    urn__arena *arena = urn__arena_new(allocator);
    urn__graph *g = arena == NULL ? NULL : urn__graph_new(arena);
    urn_status status = URN_ERR_MEMORY;
    urn__machine *m = NULL;
    if (g != NULL) {
        const urn__slot_attr attr = {.shape = urn__shape_vector(100)};
        const urn__shape scalar = urn__shape_scalar();
        const urn__id x = urn__emit(g, &urn__op_coordinate, 0, NULL, &attr, sizeof attr);
        urn__id root[2] = {urn__sum_to(g, urn__emit1(g, &urn__op_tanh, x), &scalar), 0};
        urn__plan *plan;
        status = root[0] == 0 ? URN_ERR_MEMORY : urn__backward(g, root[0], 1, &x, root + 1, NULL);
        if (status == URN_OK)
            status = urn__fuse_elementwise(g, 2, root, NULL);
        if (status == URN_OK)
            status = urn__plan_new(g, 2, root, kernels(), URN_PRECISION_DOUBLE, &plan, NULL);
        if (status == URN_OK)
            status = urn__machine_new(plan, allocator, 2, NULL, &m, NULL);
    }
    urn__machine_free(m);
    urn__arena_free(arena);
    return status;
}

static void failed_allocations_are_errors(void **state)
{
    (void)state;
    int failures = 0;
    for (int64_t n = 0;; n++) {
        counting c = {.left = n};
        const urn_allocator allocator = {count_allocate, count_release, &c};
        const urn_status status = whole_path(&allocator);
        assert_int_equal(c.live, 0);
        if (status == URN_OK)
            break;
        assert_int_equal(status, URN_ERR_MEMORY);
        failures++;
    }
    assert_true(failures > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_broadcast_by_plate),
        cmocka_unit_test(walks_expand_and_reduce),
        cmocka_unit_test(equal_nodes_are_one),
        cmocka_unit_test(shape_errors_say_what),
        cmocka_unit_test(plan_reuses_memory),
        cmocka_unit_test(roots_bind),
        cmocka_unit_test(constants_fold),
        cmocka_unit_test(elementwise_chains_fuse),
        cmocka_unit_test(fusion_keeps_order),
        cmocka_unit_test(failed_allocations_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
