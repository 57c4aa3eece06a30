/* Log densities in single precision against those in double on the same numbers: values and all
 * partials, every legal choice of parameters, every pattern of shared operands, any number of rows,
 * every CPU path; values outside the support and bad parameters; sums over large blocks.
 *
 * What may differ: u = 2^-24 is the rounding of one float operation. Roundings inside the formula
 * act like changes of its inputs by a few u; how much the result then moves is measured in double,
 * by changing all inputs by up to u at random. What the result is subtracted from is of the size of
 * 1 in these problems, so a few u of that are added, and of the result. */
#include "problem.h"
#include "runtime/tensor/tensor.h"

#define U 0x1p-24
#define ROUNDINGS 8 /* of results: the vector functions may be off by four units */
#define CHANGES 8   /* of the inputs, in units of u */
#define TRIALS 6
#define GUARD 24 /* floats around each array that must stay as they are */

static const char *const paths[] = {"base", "v3", "v4"};

static bool path_runs(const char *path)
{
    const urn__kernels *kernels = NULL;
    return urn__kernels_select(path, &kernels, NULL) == URN_OK;
}

/* ---- arrays of floats, 4 bytes off any alignment, with guards ---- */

static float *floats(int64_t n, const double *from)
{
    float *v = aligned_alloc(64, ((size_t)(n + 2 * GUARD + 1) * sizeof(float) + 63) / 64 * 64);
    assert_non_null(v);
    for (int64_t i = 0; i < n + 2 * GUARD + 1; i++)
        v[i] = (float)SENTINEL;
    v += GUARD + 1;
    for (int64_t i = 0; from != NULL && i < n; i++)
        v[i] = (float)from[i];
    return v;
}

static void release(float *v, int64_t n, const char *what)
{
    if (v == NULL)
        return;
    for (int64_t i = 1; i <= GUARD; i++)
        if (v[-i] != (float)SENTINEL || v[n + i - 1] != (float)SENTINEL)
            fail_msg("%s: written outside its %ld numbers", what, (long)n);
    free(v - GUARD - 1);
}

static int64_t count_of(const problem *p, int k)
{
    return (p->stride[k] == 0 ? 1 : p->n) * p->element[k];
}

static int64_t count_of_x(const problem *p)
{
    return (p->x_stride == 0 ? 1 : p->n) * p->event;
}

/* A problem in floats, with the numbers of one in double. */
typedef struct single {
    urn__density_call_single call;
    float *x, *param[URN_FAMILY_PARAMS], *log_density, *d_x, *d_param[URN_FAMILY_PARAMS];
} single;

static single single_new(const problem *p)
{
    single s = {.call = {.n = p->n, .dim = p->dim, .event = p->event, .x_stride = p->x_stride}};
    const urn_family *family = p->family;
    s.call.x = s.x = floats(count_of_x(p), p->x);
    s.call.d_x = s.d_x = floats(count_of_x(p), NULL);
    s.call.log_density = s.log_density = floats(p->n, NULL);
    for (int k = 0; k < p->n_params; k++) {
        if (p->param[k] == NULL)
            continue;
        s.call.stride[k] = p->stride[k];
        s.call.param[k] = s.param[k] = floats(count_of(p, k), p->param[k]);
        s.call.d_param[k] = s.d_param[k] = floats(count_of(p, k), NULL);
    }
    const int64_t scratch =
        family->scratch_doubles != NULL ? family->scratch_doubles(p->n, p->dim) : 0;
    s.call.scratch =
        aligned_alloc(64, ((size_t)(scratch > 0 ? scratch : 1) * sizeof(float) + 63) / 64 * 64);
    assert_non_null(s.call.scratch);
    return s;
}

static void single_free(single *s, const problem *p)
{
    release(s->x, count_of_x(p), "x");
    release(s->d_x, count_of_x(p), "d x");
    release(s->log_density, p->n, "log density");
    for (int k = 0; k < p->n_params; k++) {
        release(s->param[k], p->param[k] != NULL ? count_of(p, k) : 0, "a parameter");
        release(s->d_param[k], p->param[k] != NULL ? count_of(p, k) : 0, "a partial");
    }
    free(s->call.scratch);
}

/* ---- how far results move when inputs do ---- */

static void round_to_float(double *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        v[i] = (double)(float)v[i];
}

static void round_inputs(problem *p)
{
    const int64_t room = p->n > 0 ? p->n : 1;
    round_to_float(p->x, room * p->event);
    for (int k = 0; k < p->n_params; k++)
        if (p->param[k] != NULL)
            round_to_float(p->param[k], room * p->element[k]);
}

static void run_double(const problem *p)
{
    urn_density_call c = density_call_of(p, true);
    for (int64_t i = 0; p->x_stride == 0 && i < p->event; i++)
        p->d_x[i] = SENTINEL;
    for (int k = 0; k < p->n_params; k++)
        for (int64_t i = 0; p->param[k] != NULL && p->stride[k] == 0 && i < p->element[k]; i++)
            p->d_param[k][i] = SENTINEL;
    p->family->log_density(&c);
}

static void change(source *s, bool discrete, const double *from, int64_t n, double *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = discrete ? from[i] : from[i] * (1.0 + U * (2.0 * source_uniform(s) - 1.0));
}

static void widen(const double *result, const double *changed, int64_t n, double *moved)
{
    for (int64_t i = 0; i < n; i++)
        moved[i] = fmax(moved[i], fabs(changed[i] - result[i]));
}

/* Results of p as moved by changes of inputs: into the arrays of `moved`. */
static void measure(const problem *p, problem *changed, problem *moved)
{
    source s = {99};
    const bool discrete = p->family->support()->discrete;
    memset(moved->log_density, 0, (size_t)p->n * sizeof(double));
    memset(moved->d_x, 0, (size_t)count_of_x(p) * sizeof(double));
    for (int k = 0; k < p->n_params; k++)
        if (p->param[k] != NULL)
            memset(moved->d_param[k], 0, (size_t)count_of(p, k) * sizeof(double));
    for (int trial = 0; trial < TRIALS; trial++) {
        change(&s, discrete, p->x, count_of_x(p), changed->x);
        for (int k = 0; k < p->n_params; k++)
            if (p->param[k] != NULL)
                change(&s, false, p->param[k], count_of(p, k), changed->param[k]);
        run_double(changed);
        widen(p->log_density, changed->log_density, p->n, moved->log_density);
        widen(p->d_x, changed->d_x, count_of_x(p), moved->d_x);
        for (int k = 0; k < p->n_params; k++)
            if (p->param[k] != NULL)
                widen(p->d_param[k], changed->d_param[k], count_of(p, k), moved->d_param[k]);
    }
}

/* ---- comparison ---- */

static void compare(const float *found, const double *expected, const double *moved, int64_t n,
                    double roundings, const problem *p, const char *path, const char *what)
{
    for (int64_t i = 0; i < n; i++) {
        const double tolerance = CHANGES * moved[i] + roundings * U * (1.0 + fabs(expected[i]));
        if (!(fabs((double)found[i] - expected[i]) <= tolerance))
            fail_msg("%s (dim %ld, %ld rows, path %s), %s[%ld]: found %.9g, expected %.9g +- %.2g",
                     p->family->name, (long)p->dim, (long)p->n, path, what, (long)i,
                     (double)found[i], expected[i], tolerance);
    }
}

static void compare_all(const problem *p, const problem *moved, const single *s, const char *path)
{
    /* what n rows share is a sum of n terms of the size of 1 */
    const double sum = ROUNDINGS * (1.0 + (double)p->n);
    compare(s->log_density, p->log_density, moved->log_density, p->n, ROUNDINGS, p, path,
            "log density");
    compare(s->d_x, p->d_x, moved->d_x, count_of_x(p), p->x_stride == 0 ? sum : ROUNDINGS, p, path,
            "d x");
    for (int k = 0; k < p->n_params; k++)
        if (s->call.d_param[k] != NULL)
            compare(s->d_param[k], p->d_param[k], moved->d_param[k], count_of(p, k),
                    p->stride[k] == 0 ? sum : ROUNDINGS, p, path, p->family->params[k].word);
}

static void set_strides(problem *p, unsigned shared)
{
    for (int k = 0; k < p->n_params; k++)
        p->stride[k] = shared >> k & 1u ? 0 : p->element[k];
    p->x_stride = shared >> p->n_params & 1u ? 0 : p->event;
}

static void check(const urn_family *family, int64_t n, int64_t dim, unsigned given, unsigned shared,
                  bool diagonal)
{
    const uint64_t seed = 31 + shared;
    const int64_t room = n > 0 ? n : 1; /* a shared operand is there without rows, too */
    problem p = problem_new(family, room, dim, given, seed);
    problem changed = problem_new(family, room, dim, given, seed);
    problem moved = problem_new(family, room, dim, given, seed);
    p.n = changed.n = moved.n = n;
    for (int k = 0; k < p.n_params && diagonal; k++) /* mvn has loops of its own for these */
        for (int64_t e = 0; p.param[k] != NULL && e < room * p.element[k]; e++)
            if (family->params[k].event_rank == 2 && e % (dim * dim) / dim != e % dim)
                p.param[k][e] = 0.0;
    round_inputs(&p);
    set_strides(&p, shared);
    set_strides(&changed, shared);
    set_strides(&moved, shared);
    run_double(&p);
    measure(&p, &changed, &moved);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (!path_runs(paths[i]))
            continue;
        single s = single_new(&p);
        for (int k = 0; k < p.n_params && diagonal; k++) /* else L is a full matrix again */
            if (family->params[k].event_rank == 2)
                s.call.d_param[k] = NULL;
        urn__family_single(family, paths[i])(&s.call);
        compare_all(&p, &moved, &s, paths[i]);
        single_free(&s, &p);
    }
    problem_free(&p);
    problem_free(&changed);
    problem_free(&moved);
}

/* Whether rows may share what `shared` says: families without events have a row of their own each.
 */
static bool may_share(const urn_family *family, unsigned given, unsigned shared)
{
    const int n_params = param_count(family);
    for (int k = 0; k < n_params; k++)
        if (shared >> k & 1u &&
            (!(given >> k & 1u) || (family->event_rank == 0 && family->params[k].event_rank == 0)))
            return false;
    return !(shared >> n_params & 1u) || family->event_rank > 0;
}

static void check_family(const urn_family *family, unsigned given)
{
    static const int64_t sizes[] = {0, 1, 2, 7, 16, 17, 33, 64, 131};
    const bool events = family->event_rank > 0;
    for (int i = 0; dim_at(family, i) > 0; i++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            for (unsigned shared = 0; shared < 2u << param_count(family); shared++)
                if (may_share(family, given, shared)) {
                    check(family, sizes[s], dim_at(family, i), given, shared, false);
                    if (events)
                        check(family, sizes[s], dim_at(family, i), given, shared, true);
                }
}

static void test_values_and_partials(void **state)
{
    (void)state;
    int families = 0;
    for (int f = 0; urn__family_at(f) != NULL; f++) {
        const urn_family *family = urn__family_at(f);
        if (urn__family_single(family, "base") == NULL)
            continue;
        families++;
        for (unsigned given = 0; given < 1u << param_count(family); given++)
            if (choice_is_legal(family, given))
                check_family(family, given);
    }
    assert_true(families >= 13);
}

/* ---- a partial that is not wanted changes nothing else ---- */

static void check_alone(const urn_family *family, int64_t dim, unsigned given, const char *path)
{
    problem p = problem_new(family, 37, dim, given, 3);
    set_strides(&p, family->event_rank > 0 ? (1u << p.n_params) - 1u : 0u);
    single all = single_new(&p);
    urn__family_single(family, path)(&all.call);
    for (int alone = -1; alone <= p.n_params; alone++) {
        if (alone >= 0 && alone < p.n_params && p.param[alone] == NULL)
            continue;
        single s = single_new(&p);
        s.call.d_x = alone == p.n_params ? s.d_x : NULL;
        for (int k = 0; k < p.n_params; k++)
            s.call.d_param[k] = alone == k ? s.d_param[k] : NULL;
        urn__family_single(family, path)(&s.call);
        for (int64_t i = 0; i < p.n; i++)
            assert_agree((double)s.log_density[i], (double)all.log_density[i], 4.0 * U,
                         "%s, row %ld", family->name, (long)i);
        if (alone == p.n_params)
            for (int64_t i = 0; i < count_of_x(&p); i++)
                assert_agree((double)s.d_x[i], (double)all.d_x[i], 16.0 * U, "%s, d x alone",
                             family->name);
        for (int64_t i = 0; alone >= 0 && alone < p.n_params && i < count_of(&p, alone); i++)
            assert_agree((double)s.d_param[alone][i], (double)all.d_param[alone][i], 64.0 * U,
                         "%s, d %s alone", family->name, family->params[alone].word);
        single_free(&s, &p);
    }
    single_free(&all, &p);
    problem_free(&p);
}

static void test_partials_alone(void **state)
{
    (void)state;
    for (int f = 0; urn__family_at(f) != NULL; f++) {
        const urn_family *family = urn__family_at(f);
        for (unsigned given = 0; given < 1u << param_count(family); given++)
            for (size_t c = 0; c < sizeof paths / sizeof paths[0]; c++)
                for (int i = 0; dim_at(family, i) > 0; i++)
                    if (choice_is_legal(family, given) && path_runs(paths[c]) &&
                        urn__family_single(family, paths[c]) != NULL)
                        check_alone(family, dim_at(family, i), given, paths[c]);
    }
}

/* ---- edges ---- */

/* The same kind of number: NaN, an infinity, or finite and near. */
static bool alike(float found, double expected)
{
    if (isnan(expected) || isinf(expected))
        return isnan(expected) ? isnan(found) : (double)found == expected;
    return isfinite(found) && fabs((double)found - expected) <= 1e-4 * (1.0 + fabs(expected));
}

static void check_edge(const urn_family *family, unsigned given, int k, double value)
{
    problem p = problem_new(family, 21, 3, given, 6);
    round_inputs(&p);
    const int64_t row = 18;
    if (k < 0)
        p.x[row * p.event] = value;
    else
        p.param[k][row * p.element[k]] = value;
    run_double(&p);
    for (size_t c = 0; c < sizeof paths / sizeof paths[0]; c++) {
        if (!path_runs(paths[c]))
            continue;
        single s = single_new(&p);
        urn__family_single(family, paths[c])(&s.call);
        for (int64_t i = 0; i < p.n; i++)
            if (!alike(s.log_density[i], p.log_density[i]))
                fail_msg("%s (path %s) with %s = %g, row %ld: found %g, expected %g", family->name,
                         paths[c], k < 0 ? "x" : family->params[k].word, value, (long)i,
                         (double)s.log_density[i], p.log_density[i]);
        single_free(&s, &p);
    }
    problem_free(&p);
}

static void test_edges(void **state)
{
    (void)state;
    static const double values[] = {0.0,  -0.0, 1.0,   2.0,      -0.5,      0.5, 3.0,
                                    20.0, 1e10, -1e10, INFINITY, -INFINITY, NAN};
    for (int f = 0; urn__family_at(f) != NULL; f++) {
        const urn_family *family = urn__family_at(f);
        if (urn__family_single(family, "base") == NULL)
            continue;
        for (unsigned given = 0; given < 1u << param_count(family); given++)
            for (int k = -1; choice_is_legal(family, given) && k < param_count(family); k++)
                for (size_t v = 0; v < sizeof values / sizeof values[0]; v++)
                    if (k < 0 || given >> k & 1u)
                        check_edge(family, given, k, values[v]);
    }
}

/* ---- sums over the rows of a large block ---- */

/* A sum is compared in units of the sum of its terms' sizes, which the rows alone give. */
static void check_sums(const urn_family *family, int64_t n, int64_t dim, unsigned given)
{
    problem p = problem_new(family, n, dim, given, 21),
            rows = problem_new(family, n, dim, given, 21);
    const unsigned all = (1u << p.n_params) - 1u;
    round_inputs(&p);
    for (int k = 0; k < p.n_params; k++)
        for (int64_t i = 0; p.param[k] != NULL && i < n; i++)
            memcpy(rows.param[k] + i * p.element[k], p.param[k],
                   (size_t)p.element[k] * sizeof(double));
    memcpy(rows.x, p.x, (size_t)(n * p.event) * sizeof(double));
    set_strides(&p, all);
    run_double(&p);
    run_double(&rows);
    for (size_t c = 0; c < sizeof paths / sizeof paths[0]; c++) {
        if (!path_runs(paths[c]))
            continue;
        single s = single_new(&p);
        urn__family_single(family, paths[c])(&s.call);
        for (int k = 0; k < p.n_params; k++)
            for (int64_t e = 0; p.param[k] != NULL && e < p.element[k]; e++) {
                double size = SENTINEL;
                for (int64_t i = 0; i < n; i++)
                    size += fabs(rows.d_param[k][i * p.element[k] + e]);
                const double off = fabs((double)s.d_param[k][e] - p.d_param[k][e]);
                if (off > 1e-6 * size)
                    fail_msg("%s (dim %ld, %ld rows, path %s) d %s[%ld]: off by %.2g of its terms",
                             family->name, (long)dim, (long)n, paths[c], family->params[k].word,
                             (long)e, off / size);
            }
        single_free(&s, &p);
    }
    problem_free(&p);
    problem_free(&rows);
}

static void test_sums(void **state)
{
    (void)state;
    static const int64_t dims[] = {1, 2, 3, 5, 6, 16, 30, 64};
    for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++) {
        const int64_t n = dims[i] < 4 ? 2048 : 8192 / dims[i];
        check_sums(urn_family_mvn(), n, dims[i], 3u);
        check_sums(urn_family_mvn(), n, dims[i], 5u);
        check_sums(urn_family_categorical(), n, dims[i], 1u);
    }
}

static void test_families_without(void **state)
{
    (void)state;
    const urn_family own = {.bytes = sizeof own, .name = "own"};
    assert_null(urn__family_single(&own, "v4"));
    assert_null(urn__family_single(urn_family_delta(), "base"));
    for (size_t c = 0; c < sizeof paths / sizeof paths[0]; c++)
        assert_ptr_equal(
            urn__family_single(urn_family_normal(), paths[c]),
            urn__family_single(urn__family_for_cpu(urn_family_normal(), "v4"), paths[c]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_partials),
        cmocka_unit_test(test_partials_alone),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_families_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
