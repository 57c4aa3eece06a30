/* The fused density of factor models against the unfused graph: random shapes, in both precisions,
 * on every CPU path, with the same bits for any number of threads. */
#include "runtime/graph/graph.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_ROOTS = 6 };

typedef enum order { BY_USER, BY_ITEM, SHUFFLED } order;

typedef struct problem {
    int64_t n, n_users, n_items, dim;
    order order;
    bool one_user;   /* has all ratings */
    int32_t map;     /* link: urn__map1, or -1 */
    bool scaled;     /* mean times a number plus a number */
    bool biases;     /* offsets gathered from users and items, and a constant */
    bool level;      /* a constant alone */
    bool bernoulli;  /* else normal */
    bool own_scales; /* one a rating */
    bool priors;     /* something to add to the partials */
} problem;

typedef struct fixture {
    urn__arena *arena;
    urn__graph *g;
    uint64_t random;
    int64_t n_position;
    double *position;
    urn__id root[MOST_ROOTS];
    int n_roots;
} fixture;

static uint64_t next_word(fixture *f)
{
    f->random = f->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return f->random >> 33;
}

static double next_unit(fixture *f)
{
    return ((double)next_word(f) + 0.5) * 0x1p-31;
}

static int64_t next_below(fixture *f, int64_t n)
{
    return (int64_t)(next_word(f) % (uint64_t)n);
}

static urn__shape rows_of(int32_t plate, int64_t n, int64_t d)
{
    return (urn__shape){.n_plates = 1, .n_event = d > 0, .plate = {plate}, .dim = {n, d}};
}

static urn__id coordinate(fixture *f, urn__shape shape)
{
    const urn__slot_attr attr = {.slot = f->n_position, .shape = shape};
    f->n_position += urn__shape_size(&shape);
    return urn__emit(f->g, &urn__op_coordinate, 0, NULL, &attr, sizeof attr);
}

static urn__id data(fixture *f, const problem *p, bool binary)
{
    double *values = urn__arena_alloc(f->arena, (size_t)p->n + 1, sizeof *values);
    for (int64_t i = 0; i < p->n; i++) /* floats hold these */
        values[i] = binary ? (double)next_below(f, 2) : (double)(1 + next_below(f, 9)) * 0.5;
    const urn__values_attr attr = {.values = values, .width = 1, .shape = rows_of(1, p->n, 0)};
    return urn__emit(f->g, &urn__op_data, 0, NULL, &attr, sizeof attr);
}

/* Row numbers, sorted where asked for; ids near 0 are met most. */
static urn__id rows(fixture *f, const problem *p, int32_t plate, int64_t targets, bool sorted)
{
    urn__index *ix = urn__arena_alloc(f->arena, 1, sizeof *ix);
    ix->n = p->n;
    ix->n_targets = targets;
    ix->row = urn__arena_alloc(f->arena, (size_t)p->n + 1, sizeof *ix->row);
    ix->order = urn__arena_alloc(f->arena, (size_t)p->n + 1, sizeof *ix->order);
    ix->start = urn__arena_alloc(f->arena, (size_t)targets + 2, sizeof *ix->start);
    for (int64_t r = 0; r < p->n; r++) {
        const double u = next_unit(f), part = (double)r / (double)p->n;
        const double at = sorted ? part * part : u * u; /* from long rows to short */
        ix->row[r] = (int32_t)((double)targets * at);
        if (sorted) /* and each second one empty */
            ix->row[r] = ix->row[r] / 2 * 2;
        if (p->one_user && plate == 2)
            ix->row[r] = (int32_t)(targets / 2);
    }
    urn__index_sort(ix);
    const urn__index_attr attr = {
        .index = ix, .rows_plate = 1, .target_plate = plate, .n = p->n, .n_targets = targets};
    return urn__emit(f->g, &urn__op_index, 0, NULL, &attr, sizeof attr);
}

static urn__id mean_of(fixture *f, const problem *p, urn__id u, urn__id v, urn__id iu, urn__id iv,
                       urn__id bias)
{
    urn__id mean = urn__emit2(f->g, &urn__op_row_dot, urn__emit2(f->g, &urn__op_gather, u, iu),
                              urn__emit2(f->g, &urn__op_gather, v, iv));
    if (p->biases) {
        mean = urn__emit2(f->g, &urn__op_add, mean, urn__emit2(f->g, &urn__op_gather, bias, iu));
        mean = urn__emit2(f->g, &urn__op_add, urn__number(f->g, 0.125), mean);
    }
    if (p->level)
        mean = urn__emit2(f->g, &urn__op_add, mean, urn__number(f->g, -0.25));
    for (int i = 0; p->map >= 0 && urn__op_at(i) != NULL; i++)
        if (urn__op_at(i)->map == p->map && urn__op_at(i)->arity == 1 &&
            (urn__op_at(i)->flags & URN__OP_ELEMENTWISE))
            mean = urn__emit1(f->g, urn__op_at(i), mean);
    if (p->scaled) {
        mean = urn__emit2(f->g, &urn__op_mul, mean, urn__number(f->g, 4.5));
        mean = urn__emit2(f->g, &urn__op_add, urn__number(f->g, 0.5), mean);
    }
    return mean;
}

/* Half a sum of squares: its partial has the shape of a prior's. */
static urn__id prior(fixture *f, urn__id x)
{
    const urn__shape one = urn__shape_scalar();
    return urn__times(f->g, urn__number(f->g, -0.5),
                      urn__sum_to(f->g, urn__emit1(f->g, &urn__op_square, x), &one));
}

static void start(fixture *f, const problem *p, uint64_t seed, bool fused, urn_precision precision)
{
    *f = (fixture){.random = seed};
    f->arena = urn__arena_new(NULL);
    f->g = urn__graph_new(f->arena);
    const urn__id u = coordinate(f, rows_of(2, p->n_users, p->dim));
    const urn__id v = coordinate(f, rows_of(3, p->n_items, p->dim));
    const urn__id bias = coordinate(f, rows_of(2, p->n_users, 0));
    const urn__id scale = coordinate(f, p->own_scales ? rows_of(1, p->n, 0) : urn__shape_scalar());
    const urn__id iu = rows(f, p, 2, p->n_users, p->order == BY_USER);
    const urn__id iv = rows(f, p, 3, p->n_items, p->order == BY_ITEM);
    const urn__density_attr a = {.family =
                                     p->bernoulli ? urn_family_bernoulli() : urn_family_normal(),
                                 .dim = 1,
                                 .event = 1,
                                 .weight = 1.25,
                                 .n_given = p->bernoulli ? 1 : 2,
                                 .given = {0, 1},
                                 .producer = -1};
    const urn__id in[3] = {data(f, p, p->bernoulli), mean_of(f, p, u, v, iu, iv, bias),
                           urn__emit1(f->g, &urn__op_exp, scale)};
    urn__id total = urn__emit(f->g, &urn__op_density, p->bernoulli ? 2 : 3, in, &a, sizeof a);
    f->root[f->n_roots++] = total;
    if (p->priors)
        total = urn__plus(f->g, total, urn__plus(f->g, prior(f, u), prior(f, v)));
    f->root[f->n_roots++] = total; /* replaced by the gradients */
    f->position = urn__arena_alloc(f->arena, (size_t)f->n_position + 1, sizeof *f->position);
    for (int64_t i = 0; i < f->n_position; i++) /* floats hold these, too */
        f->position[i] = (double)(float)(next_unit(f) - 0.5);
    assert_string_equal(urn__graph_error(f->g), "");
    const urn__id wrt[4] = {u, v, bias, scale};
    if (fused) {
        assert_int_equal(urn__fuse_gather(f->g, 2, f->root, NULL), URN_OK);
        assert_int_equal(urn__fuse_factor(f->g, 2, f->root, NULL), URN_OK);
    }
    total = f->root[1];
    f->n_roots = 5;
    assert_int_equal(urn__backward(f->g, total, 4, wrt, f->root + 1, NULL), URN_OK);
    if (fused) {
        assert_int_equal(urn__fuse_density(f->g, f->n_roots, f->root, NULL), URN_OK);
        assert_int_equal(urn__fuse_factor_adjoint(f->g, f->n_roots, f->root, NULL), URN_OK);
        assert_int_equal(urn__fuse_elementwise(f->g, f->n_roots, f->root, NULL), URN_OK);
    }
    if (precision == URN_PRECISION_SINGLE)
        assert_int_equal(urn__narrow(f->g, f->n_roots, f->root, NULL), URN_OK);
    assert_int_equal(urn__verify(f->g, NULL), URN_OK);
}

static void stop(fixture *f)
{
    urn__arena_free(f->arena);
}

static int nodes_of(const fixture *f, const urn__op *op)
{
    int n = 0;
    bool *needed = calloc(urn__graph_count(f->g) + 1, sizeof *needed);
    urn__mark_needed(f->g, f->n_roots, f->root, needed);
    for (urn__id id = 1; id <= urn__graph_count(f->g); id++)
        n += needed[id] && urn__graph_node(f->g, id)->op == op;
    free(needed);
    return n;
}

static int64_t size_of_root(const fixture *f, int k)
{
    return f->root[k] == 0 ? 0 : urn__shape_size(urn__graph_shape(f->g, f->root[k]));
}

static double element(const urn__machine *m, const urn__plan *plan, urn_precision precision, int k,
                      int64_t i)
{
    const void *root = urn__machine_root(m, k);
    const bool single = precision == URN_PRECISION_SINGLE && !urn__plan_root_is_wide(plan, k);
    return single ? (double)((const float *)root)[i] : ((const double *)root)[i];
}

/* All roots one after another. */
static double *evaluate(const fixture *f, const urn__kernels *kernels, urn_precision precision,
                        int threads)
{
    urn__plan *plan;
    urn__machine *machine;
    int64_t n = 0, at = 0;
    float *position = calloc((size_t)f->n_position + 1, sizeof *position);
    for (int64_t i = 0; i < f->n_position; i++)
        position[i] = (float)f->position[i];
    assert_int_equal(urn__plan_new(f->g, f->n_roots, f->root, kernels, precision, &plan, NULL),
                     URN_OK);
    assert_int_equal(urn__machine_new(plan, NULL, threads, NULL, &machine, NULL), URN_OK);
    if (precision == URN_PRECISION_SINGLE)
        urn__machine_position(machine, position);
    else
        urn__machine_position(machine, f->position);
    urn__machine_run(machine);
    for (int k = 0; k < f->n_roots; k++)
        n += size_of_root(f, k);
    double *all = calloc((size_t)n + 1, sizeof *all);
    for (int k = 0; k < f->n_roots; k++)
        for (int64_t i = 0; i < size_of_root(f, k); i++)
            all[at++] = element(machine, plan, precision, k, i);
    urn__machine_free(machine);
    free(position);
    return all;
}

/* Sums of at most n + dim terms, in another order: (terms + a few roundings each) ulp of the
 * largest partial sum, which is taken to be below eight times the largest element found. */
static void compare(const fixture *f, const problem *p, const double *expected, const double *found,
                    double ulp, const char *what)
{
    int64_t at = 0;
    for (int k = 0; k < f->n_roots; k++) {
        const int64_t n = size_of_root(f, k);
        double most = 1.0;
        for (int64_t i = 0; i < n; i++)
            most = fmax(most, fabs(expected[at + i]));
        for (int64_t i = 0; i < n; i++, at++)
            if (!(fabs(expected[at] - found[at]) <= 8.0 * (double)(p->n + p->dim + 8) * ulp * most))
                fail_msg(
                    "%s, n %d, users %d, items %d, dim %d: root %d element %d: %.12g, not %.12g",
                    what, (int)p->n, (int)p->n_users, (int)p->n_items, (int)p->dim, k, (int)i,
                    found[at], expected[at]);
    }
}

static void check_threads(const fixture *f, const urn__kernels *kernels, urn_precision precision,
                          const double *one)
{
    int64_t n = 0;
    for (int k = 0; k < f->n_roots; k++)
        n += size_of_root(f, k);
    static const int threads[] = {2, 3, 8};
    for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
        double *other = evaluate(f, kernels, precision, threads[t]);
        assert_memory_equal(one, other, (size_t)n * sizeof *one);
        free(other);
    }
}

/* Everything is one node, and the priors' partials are its bases. */
static void check_nodes(const fixture *f)
{
    assert_int_equal(nodes_of(f, &urn__op_factor_density), 1);
    assert_int_equal(nodes_of(f, &urn__op_scatter_dot), 0);
    assert_int_equal(nodes_of(f, &urn__op_gather_dot), 0);
    for (int k = 1; k <= 2; k++) /* the gradients of both factors come straight from it */
        assert_ptr_equal(urn__graph_node(f->g, f->root[k])->op, &urn__op_output);
}

static void check(const problem *p, uint64_t seed)
{
    static const char *const paths[] = {"base", "v3", "v4"};
    fixture plain, fused[2];
    const urn__kernels *kernels;
    start(&plain, p, seed, false, URN_PRECISION_DOUBLE);
    for (int single = 0; single < 2; single++)
        start(&fused[single], p, seed, true, (urn_precision)single);
    check_nodes(&fused[0]);
    assert_int_equal(urn__kernels_select("base", &kernels, NULL), URN_OK);
    double *expected = evaluate(&plain, kernels, URN_PRECISION_DOUBLE, 1);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (urn__kernels_select(paths[i], &kernels, NULL) != URN_OK)
            continue; /* this machine has no such path */
        for (int single = 0; single < 2; single++) {
            const urn_precision precision = (urn_precision)single;
            double *found = evaluate(&fused[single], kernels, precision, 1);
            compare(&plain, p, expected, found, single ? 0x1p-24 : 0x1p-53, paths[i]);
            check_threads(&fused[single], kernels, precision, found);
            free(found);
        }
    }
    free(expected);
    stop(&plain);
    for (int single = 0; single < 2; single++)
        stop(&fused[single]);
}

static void known_shapes(void **state)
{
    (void)state;
    static const problem problems[] = {
        {.n = 0, .n_users = 4, .n_items = 3, .dim = 5, .map = -1, .priors = true},
        {.n = 1, .n_users = 1, .n_items = 1, .dim = 1, .map = -1},
        {.n = 1, .n_users = 5, .n_items = 9, .dim = 30, .map = -1, .priors = true},
        {.n = 40, .n_users = 7, .n_items = 5, .dim = 3, .map = -1, .biases = true},
        {.n = 6000, .n_users = 900, .n_items = 40, .dim = 30, .map = -1, .priors = true},
        /* one pass over rows with few ratings: 2 on average and often none; among long ones */
        {.n = 6000, .n_users = 3000, .n_items = 50, .dim = 20, .map = URN__MAP_SIGMOID},
        {.n = 9001, .n_users = 6000, .n_items = 40, .dim = 16, .map = -1, .priors = true},
        {.n = 9000, .n_users = 400, .n_items = 60, .dim = 61, .map = -1, .one_user = true},
        {.n = 9000, .n_users = 600, .n_items = 60, .dim = 32, .map = -1, .level = true},
        {.n = 6000, .n_users = 40, .n_items = 900, .dim = 30, .map = -1, .priors = true},
        {.n = 6000, .n_users = 40, .n_items = 900, .dim = 33, .map = -1, .biases = true},
        {.n = 6000, .n_users = 40, .n_items = 900, .dim = 16, .map = URN__MAP_SIGMOID},
        {.n = 6000, .n_users = 90, .n_items = 40, .dim = 5, .map = -1, .priors = true},
        {.n = 9000, .n_users = 50, .n_items = 3000, .dim = 4, .map = -1, .one_user = true},
        {.n = 9000, .n_users = 50, .n_items = 30, .dim = 20, .map = -1, .one_user = true},
        {.n = 5000, .n_users = 20000, .n_items = 30, .dim = 32, .map = -1, .own_scales = true},
        {.n = 5000, .n_users = 2000, .n_items = 1500, .dim = 64, .map = -1, .priors = true},
        {.n = 3000, .n_users = 50, .n_items = 60, .dim = 17, .map = -1, .bernoulli = true},
        /* rows of many ratings and squared residuals: all in one pass, near and far */
        {.n = 6000, .n_users = 100, .n_items = 60, .dim = 16, .map = -1, .priors = true},
        {.n = 6000, .n_users = 60, .n_items = 100, .dim = 17, .map = -1, .level = true},
        {.n = 6001, .n_users = 1, .n_items = 99, .dim = 64, .map = -1, .scaled = true},
        {.n = 6000, .n_users = 80, .n_items = 90, .dim = 100, .map = -1, .level = true},
        {.n = 6000, .n_users = 80, .n_items = 1, .dim = 30, .map = URN__MAP_SIGMOID, .level = true},
        {.n = 9000,
         .n_users = 150,
         .n_items = 90,
         .dim = 47,
         .map = URN__MAP_SIGMOID,
         .scaled = true},
        {.n = 56000, .n_users = 1200, .n_items = 1110, .dim = 30, .map = -1, .priors = true},
        {.n = 3000, .n_users = 50, .n_items = 60, .dim = 7, .map = URN__MAP_TANH, .biases = true},
    };
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++)
        for (order o = BY_USER; o <= SHUFFLED; o++) {
            problem p = problems[i];
            p.order = o;
            check(&p, 7 + i);
        }
}

static void random_shapes(void **state)
{
    (void)state;
    fixture f = {.random = 20261122};
    static const int32_t links[] = {-1, -1, URN__MAP_SIGMOID, URN__MAP_SOFTPLUS};
    for (int i = 0; i < 40; i++) {
        const problem p = {.n = next_below(&f, 3000),
                           .n_users = 1 + next_below(&f, i % 2 ? 30 : 800),
                           .n_items = 1 + next_below(&f, i % 3 ? 40 : 500),
                           .dim = 1 + next_below(&f, 40),
                           .order = (order)next_below(&f, 3),
                           .map = links[next_below(&f, 4)],
                           .scaled = next_below(&f, 3) == 0,
                           .biases = next_below(&f, 2) == 0,
                           .level = next_below(&f, 4) == 0,
                           .bernoulli = next_below(&f, 4) == 0,
                           .own_scales = next_below(&f, 3) == 0,
                           .priors = next_below(&f, 2) == 0};
        check(&p, 1000 + (uint64_t)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_shapes),
                                       cmocka_unit_test(random_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
