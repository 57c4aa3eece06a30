/* Walks all families: partials against central differences of sixth order, shared and own rows,
 * every number of rows, every legal choice of parameters, every CPU path. */
#include "problem.h"
#include "runtime/tensor/tensor.h"

/* d/dv of the total log density, for one element of x or of a parameter. Subtracted row by row, so
 * that rows it does not touch add no rounding. */
static double difference(const problem *p, double *v)
{
    static const double weight[] = {0.0, 45.0, -9.0, 1.0};
    const double at = *v, h = 1e-4 * (fabs(at) > 0.03 ? fabs(at) : 0.03);
    const urn_density_call c = density_call_of(p, false);
    double *up = numbers(p->n), sum = 0.0;
    for (int k = 1; k <= 3; k++) {
        *v = at + k * h;
        p->family->log_density(&c);
        memcpy(up, p->log_density, (size_t)p->n * sizeof(double));
        *v = at - k * h;
        p->family->log_density(&c);
        for (int64_t i = 0; i < p->n; i++)
            sum += weight[k] * (up[i] - p->log_density[i]);
    }
    *v = at;
    free(up);
    return sum / (60.0 * h);
}

/* A matrix is lower triangular: what is above the diagonal is not a coordinate. */
static bool is_coordinate(const problem *p, bool triangular, int64_t element)
{
    const int64_t within = element % (p->dim * p->dim);
    return !triangular || within % p->dim <= within / p->dim;
}

static void check_partials(const problem *p, double *values, const double *found, int64_t count,
                           int64_t size, bool triangular, bool shared, const char *what)
{
    for (int64_t e = 0; e < (shared ? size : count * size); e++) {
        const double before = shared ? SENTINEL : 0.0;
        const double slope = is_coordinate(p, triangular, e) ? difference(p, &values[e]) : 0.0;
        assert_agree(found[e] - before, slope, 1e-7, "%s (dim %ld, %ld rows%s): d %s[%ld]",
                     p->family->name, (long)p->dim, (long)p->n, shared ? ", shared" : "", what,
                     (long)e);
    }
}

static void check_problem(problem *p)
{
    const urn_density_call c = density_call_of(p, true);
    p->family->log_density(&c);
    const bool point = strcmp(p->family->name, "delta") == 0;
    if (!p->family->support()->discrete && !point)
        check_partials(p, p->x, p->d_x, p->n, p->event, x_is_triangular(p->family),
                       p->x_stride == 0, "x");
    for (int k = 0; k < p->n_params && !point; k++)
        if (p->param[k] != NULL && p->family->params[k].domain != URN_DOMAIN_COUNT)
            check_partials(p, p->param[k], p->d_param[k], p->n, p->element[k],
                           p->family->params[k].domain == URN_DOMAIN_TRIL, p->stride[k] == 0,
                           p->family->params[k].word);
    for (int64_t i = 0; i < p->n && point; i++) {
        assert_true(p->log_density[i] == 0.0);
        assert_true(p->d_x[i] == 0.0 && p->d_param[0][i] == 0.0);
    }
}

/* Every pattern of shared operands that families with events may meet. */
static void check_sharing(const urn_family *family, int64_t dim, unsigned given)
{
    const int n_params = param_count(family);
    for (unsigned shared = 0; shared < 1u << (n_params + 1); shared++) {
        problem p = problem_new(family, dim > 8 ? 3 : 19, dim, given, 11 + shared);
        bool legal = true;
        for (int k = 0; k < n_params; k++)
            if (shared >> k & 1u) {
                legal &= p.param[k] != NULL &&
                         (family->event_rank > 0 || family->params[k].event_rank > 0);
                p.stride[k] = 0;
            }
        if (shared >> n_params & 1u) {
            legal &= family->event_rank > 0;
            p.x_stride = 0;
        }
        if (legal)
            check_problem(&p);
        problem_free(&p);
    }
}

static void test_partials(void **state)
{
    (void)state;
    for (int f = 0; tested_family(f) != NULL; f++) {
        const urn_family *family = tested_family(f);
        int choices = 0;
        for (unsigned given = 0; given < 1u << param_count(family); given++) {
            if (!choice_is_legal(family, given))
                continue;
            choices++;
            for (int i = 0; dim_at(family, i) > 0; i++)
                check_sharing(family, dim_at(family, i), given);
        }
        assert_true(choices > 0);
    }
}

/* Copies the problem's row `i` into a problem of one row with nothing shared. */
static problem row_of(const problem *p, int64_t i, unsigned given)
{
    problem one = problem_new(p->family, 1, p->dim, given, 1);
    for (int k = 0; k < p->n_params; k++)
        if (p->param[k] != NULL)
            memcpy(one.param[k], p->param[k] + i * p->stride[k],
                   (size_t)p->element[k] * sizeof(double));
    memcpy(one.x, p->x + i * p->x_stride, (size_t)p->event * sizeof(double));
    return one;
}

/* n rows at once are n times one row: log densities, own and shared partials. */
static void check_rows(const urn_family *family, int64_t n, int64_t dim, unsigned given, bool share)
{
    problem p = problem_new(family, n, dim, given, 77);
    share = share && family->event_rank > 0;
    double *sums = numbers(p.n_params * dim * dim);
    for (int k = 0; k < p.n_params; k++)
        p.stride[k] = share ? 0 : p.element[k];
    const urn_density_call c = density_call_of(&p, true);
    family->log_density(&c);
    for (int64_t i = 0; i < n; i++) {
        problem one = row_of(&p, i, given);
        const urn_density_call single = density_call_of(&one, true);
        family->log_density(&single);
        assert_agree(p.log_density[i], one.log_density[0], 1e-12, "%s (dim %ld), row %ld of %ld",
                     family->name, (long)dim, (long)i, (long)n);
        for (int64_t e = 0; e < p.event; e++)
            assert_agree(p.d_x[i * p.event + e], one.d_x[e], 1e-11, "%s d x, row %ld of %ld",
                         family->name, (long)i, (long)n);
        for (int k = 0; k < p.n_params; k++)
            for (int64_t e = 0; p.param[k] != NULL && e < p.element[k]; e++) {
                if (share)
                    sums[k * dim * dim + e] += one.d_param[k][e];
                else
                    assert_agree(p.d_param[k][i * p.element[k] + e], one.d_param[k][e], 1e-11,
                                 "%s d %s, row %ld of %ld", family->name, family->params[k].word,
                                 (long)i, (long)n);
            }
        problem_free(&one);
    }
    for (int k = 0; k < p.n_params && share && n > 0; k++)
        for (int64_t e = 0; p.param[k] != NULL && e < p.element[k]; e++)
            assert_agree(p.d_param[k][e], sums[k * dim * dim + e], 1e-10 * (double)n,
                         "%s d %s[%ld], shared by %ld rows of dim %ld", family->name,
                         family->params[k].word, (long)e, (long)n, (long)dim);
    free(sums);
    problem_free(&p);
}

static void test_any_number_of_rows(void **state)
{
    (void)state;
    static const int64_t sizes[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 257};
    for (int f = 0; tested_family(f) != NULL; f++) {
        const urn_family *family = tested_family(f);
        for (unsigned given = 0; given < 1u << param_count(family); given++)
            for (int i = 0; choice_is_legal(family, given) && dim_at(family, i) > 0; i++)
                for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
                    check_rows(family, sizes[s], dim_at(family, i), given, false);
                    check_rows(family, sizes[s], dim_at(family, i), given, true);
                }
    }
}

/* mvn has paths of its own for diagonal matrices. */
static void make_diagonal(problem *p)
{
    for (int k = 0; k < p->n_params; k++)
        for (int64_t e = 0; p->param[k] != NULL && e < p->n * p->element[k]; e++)
            if (p->family->params[k].event_rank == 2 &&
                e % (p->dim * p->dim) / p->dim != e % p->dim)
                p->param[k][e] = 0.0;
}

/* A partial that is not wanted changes nothing else. */
static void check_alone(const urn_family *family, int64_t dim, unsigned given, bool diagonal)
{
    problem p = problem_new(family, 37, dim, given, 3), q = problem_new(family, 37, dim, given, 3);
    for (int k = 0; k < p.n_params; k++)
        p.stride[k] = q.stride[k] = family->event_rank > 0 ? 0 : p.element[k];
    if (diagonal) {
        make_diagonal(&p);
        make_diagonal(&q);
    }
    const urn_density_call all = density_call_of(&p, true);
    family->log_density(&all);
    for (int alone = -1; alone <= p.n_params; alone++) {
        urn_density_call c = density_call_of(&q, false);
        double *found = alone < 0 ? NULL : alone == p.n_params ? q.d_x : q.d_param[alone];
        const double *expected = alone < 0 ? NULL : alone == p.n_params ? p.d_x : p.d_param[alone];
        if (alone == p.n_params)
            c.d_x = found;
        else if (alone >= 0)
            c.d_param[alone] = found;
        if (alone >= 0 && found == NULL)
            continue;
        family->log_density(&c);
        for (int64_t i = 0; i < p.n; i++)
            assert_agree(q.log_density[i], p.log_density[i], 1e-12, "%s, row %ld", family->name,
                         (long)i);
        const int64_t count = alone < 0              ? 0
                              : alone == p.n_params  ? p.n * p.event
                              : p.stride[alone] == 0 ? p.element[alone]
                                                     : p.n * p.element[alone];
        for (int64_t e = 0; e < count; e++)
            assert_agree(found[e], expected[e], 1e-11, "%s, partial %d alone, element %ld",
                         family->name, alone, (long)e);
    }
    problem_free(&p);
    problem_free(&q);
}

static void test_partials_alone(void **state)
{
    (void)state;
    for (int f = 0; tested_family(f) != NULL; f++) {
        const urn_family *family = tested_family(f);
        for (unsigned given = 0; given < 1u << param_count(family); given++)
            for (int i = 0; choice_is_legal(family, given) && dim_at(family, i) > 0; i++) {
                check_alone(family, dim_at(family, i), given, false);
                check_alone(family, dim_at(family, i), given, true);
            }
    }
}

/* One family on one path against the base build, all outputs. */
static void check_path(const urn_family *base, const urn_family *other, int64_t dim, unsigned given,
                       bool diagonal)
{
    problem p = problem_new(base, 61, dim, given, 9), q = problem_new(base, 61, dim, given, 9);
    for (int k = 0; k < p.n_params && base->event_rank > 0; k++)
        p.stride[k] = q.stride[k] = 0;
    if (diagonal) {
        make_diagonal(&p);
        make_diagonal(&q);
    }
    urn_density_call at = density_call_of(&p, true), bt = density_call_of(&q, true);
    for (int k = 0; k < p.n_params && diagonal; k++) /* else L is a full one again */
        if (base->params[k].event_rank == 2)
            at.d_param[k] = bt.d_param[k] = NULL;
    base->log_density(&at);
    other->log_density(&bt);
    for (int64_t i = 0; i < p.n; i++)
        assert_agree(q.log_density[i], p.log_density[i], 1e-13, "%s, row %ld", base->name, (long)i);
    for (int64_t i = 0; i < p.n * p.event; i++)
        assert_agree(q.d_x[i], p.d_x[i], 1e-13 * (double)dim, "%s, d x", base->name);
    for (int k = 0; k < p.n_params; k++) /* sums over 61 rows */
        for (int64_t e = 0; p.param[k] != NULL && e < p.element[k]; e++)
            assert_agree(q.d_param[k][e], p.d_param[k][e], 61e-13, "%s, d %s", base->name,
                         base->params[k].word);
    problem_free(&p);
    problem_free(&q);
}

static void test_paths(void **state)
{
    (void)state;
    static const char *const paths[] = {"v3", "v4"};
    int compared = 0;
    for (int c = 0; c < 2; c++) {
        const urn__kernels *kernels = NULL;
        if (urn__kernels_select(paths[c], &kernels, NULL) != URN_OK) {
            print_message("path %s: not on this machine or not in this build\n", paths[c]);
            continue;
        }
        for (int f = 0; urn__family_at(f) != NULL; f++) {
            const urn_family *base = urn__family_at(f);
            const urn_family *other = urn__family_for_cpu(base, paths[c]);
            assert_ptr_not_equal(base, other);
            assert_ptr_equal(urn__family_for_cpu(other, "base"), base);
            assert_string_equal(base->name, other->name);
            for (unsigned given = 0; given < 1u << param_count(base); given++)
                for (int i = 0; choice_is_legal(base, given) && dim_at(base, i) > 0; i++) {
                    check_path(base, other, dim_at(base, i), given, false);
                    check_path(base, other, dim_at(base, i), given, true);
                }
            compared++;
        }
    }
    if (compared == 0)
        skip();
}

static void test_foreign_families_pass_through(void **state)
{
    (void)state;
    const urn_family own = {.bytes = sizeof own, .name = "own"};
    assert_ptr_equal(urn__family_for_cpu(&own, "v4"), &own);
    assert_ptr_equal(urn__family_for_cpu(urn_family_normal(), "v9"), urn_family_normal());
    assert_null(urn__family_at(-1));
    assert_null(urn__support_at(-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partials),
        cmocka_unit_test(test_any_number_of_rows),
        cmocka_unit_test(test_partials_alone),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_foreign_families_pass_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
