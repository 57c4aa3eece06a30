/* Sums and solutions of rows of Gaussian vectors on every CPU path: the sums against plain loops in
 * extended precision, the solutions against LAPACK's Cholesky factor. */
#include "runtime/tensor/gauss.h"
#include "tests/tensor/paths.h"

#include <lapacke.h>

enum { MOST = 70, VECTORS = 33, LONGEST = 150 };

/* 64-byte aligned, filled with what must not matter. */
static double *scratch(int64_t n)
{
    double *x = urn__alloc(NULL, (size_t)n * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; i++)
        x[i] = NAN;
    return x;
}

typedef struct fixture {
    double *x, *target, *weight, *pack, *sums, *twice;
    int32_t *row;
} fixture;

/* Nothing is larger than it must be, so that valgrind sees a read past the end. */
static fixture fixture_new(uint64_t *seed, int64_t n, int64_t d, int64_t stride)
{
    fixture f = {.x = test_array(seed, (VECTORS - 1) * stride + d, -1.0, 1.0),
                 .target = test_array(seed, n, -2.0, 2.0),
                 .weight = test_array(seed, n, 0.0, 3.0),
                 .pack = scratch(urn__gauss_pack_size(d)),
                 .sums = scratch(urn__gauss_sums_size(d)),
                 .twice = scratch(urn__gauss_sums_size(d))};
    f.row = calloc((size_t)(n > 0 ? n : 1), sizeof *f.row);
    for (int64_t i = 0; i < n; i++)
        f.row[i] = (int32_t)(test_word(seed) % VECTORS);
    if (n > 3)
        f.row[1] = f.row[2] = VECTORS - 1;
    return f;
}

static void fixture_clear(fixture *f)
{
    free(f->x);
    free(f->target);
    free(f->weight);
    free(f->row);
    urn__free(NULL, f->pack);
    urn__free(NULL, f->sums);
    urn__free(NULL, f->twice);
}

/* sum of w a_j a_k, or of w a_j t for k < 0, and the sum of the terms' sizes */
static long double expected(const urn__gauss_vectors *v, int64_t j, int64_t k, double *size)
{
    long double sum = 0.0L;
    *size = 0.0;
    for (int64_t i = 0; i < v->n; i++) {
        const double *a = v->x + (v->row != NULL ? v->row[i] : i) * v->stride;
        const long double w = v->weight != NULL ? v->weight[i] : 1.0;
        const long double term = w * a[j] * (k < 0 ? v->target[i] : a[k]);
        sum += term;
        *size += (double)fabsl(term);
    }
    return sum;
}

/* A sum of n products of three in any order, added to a number `times` times. */
static void check_sums(const urn__gauss_vectors *v, int times, const double *sums)
{
    const int64_t d = v->d, p = urn__gauss_padded(d);
    double size;
    for (int64_t j = 0; j < d; j++) {
        for (int64_t k = j; k < d; k++) {
            const long double sum = times * expected(v, j, k, &size);
            assert_within(sums[j * p + k], sum, (double)(v->n + 4) * times * size * ROUNDING);
        }
        const long double sum = times * expected(v, j, -1, &size);
        assert_within(sums[p * p + j], sum, (double)(v->n + 4) * times * size * ROUNDING);
    }
}

static void check_shape(const urn__gauss_kernels *kernels, uint64_t *seed, int64_t n, int64_t d,
                        int64_t stride, bool gathered, bool weighted)
{
    fixture f = fixture_new(seed, n, d, stride);
    const urn__gauss_vectors v = {.n = n,
                                  .d = d,
                                  .x = f.x,
                                  .stride = stride,
                                  .row = gathered ? f.row : NULL,
                                  .readable = n,
                                  .target = f.target,
                                  .weight = weighted ? f.weight : NULL};
    kernels->sum(&v, false, f.pack, f.sums);
    check_sums(&v, 1, f.sums);
    /* what is fetched ahead, and where the sums go, do not matter */
    urn__gauss_vectors blind = v;
    blind.readable = 0;
    kernels->sum(&blind, false, f.pack, f.twice);
    for (int64_t j = 0, p = urn__gauss_padded(d); j < d; j++)
        assert_same_bits(d - j, f.sums + j * p + j, f.twice + j * p + j);
    kernels->sum(&v, true, f.pack, f.twice);
    check_sums(&v, 2, f.twice);
    fixture_clear(&f);
}

static const urn__gauss_kernels *kernels_of(const urn__kernels *kernels)
{
    return urn__kernels_gauss(kernels);
}

static void check_all_sums(const urn__kernels *kernels)
{
    uint64_t seed = 1;
    for (int64_t d = 1; d <= MOST; d++) {
        const int64_t some = (int64_t)(test_word(&seed) % LONGEST);
        for (int kind = 0; kind < 4; kind++) {
            const bool gathered = (kind & 1) != 0, weighted = (kind & 2) != 0;
            const int64_t lengths[] = {0, 1, 2, 9, gathered ? some : some % VECTORS};
            for (int i = 0; i < 5; i++)
                check_shape(kernels_of(kernels), &seed, lengths[i], d, d + (i == 2 ? 3 : 0),
                            gathered, weighted);
        }
    }
}

static void test_sums(void **state)
{
    (void)state;
    on_each_path(check_all_sums);
}

/* ---- solutions ---- */

typedef struct system_of {
    int64_t d;
    double *sums[URN__GAUSS_LANES], *prior, *shift, *z, *x, *work;
    double scale;
} system_of;

/* Sums of squares of 2 d random vectors, well conditioned together with a prior of size 1. */
static system_of system_new(uint64_t *seed, int64_t d)
{
    const int64_t p = urn__gauss_padded(d);
    system_of s = {.d = d,
                   .scale = 1.5,
                   .prior = test_zeros(d * (d + 1) / 2),
                   .shift = test_array(seed, URN__GAUSS_LANES * d, -1.0, 1.0),
                   .z = test_array(seed, URN__GAUSS_LANES * (d + 1), -2.0, 2.0),
                   .x = scratch(URN__GAUSS_LANES * p),
                   .work = scratch(urn__gauss_work_size(d))};
    for (int64_t k = 0, at = 0; k < d; k++)
        for (int64_t i = k; i < d; i++, at++)
            s.prior[at] = i == k ? 1.0 + test_uniform(seed, 0.0, 1.0)
                                 : test_uniform(seed, -0.5, 0.5) / (double)d;
    for (int l = 0; l < URN__GAUSS_LANES; l++) {
        s.sums[l] = scratch(urn__gauss_sums_size(d));
        for (int64_t k = 0; k < p * p; k++)
            s.sums[l][k] = NAN; /* but for: */
        double *a = test_array(seed, 2 * d * d, -1.0, 1.0);
        for (int64_t j = 0; j < d; j++)
            for (int64_t k = j; k < d; k++) {
                double sum = 0.0;
                for (int64_t i = 0; i < 2 * d; i++)
                    sum += a[i * d + j] * a[i * d + k];
                s.sums[l][j * p + k] = sum;
            }
        for (int64_t j = 0; j < d; j++)
            s.sums[l][p * p + j] = test_uniform(seed, -3.0, 3.0);
        free(a);
    }
    return s;
}

static void system_clear(system_of *s)
{
    free(s->prior);
    free(s->shift);
    free(s->z);
    urn__free(NULL, s->x);
    urn__free(NULL, s->work);
    for (int l = 0; l < URN__GAUSS_LANES; l++)
        urn__free(NULL, s->sums[l]);
}

static urn__gauss_systems systems_of(const system_of *s, int64_t n)
{
    urn__gauss_systems y = {.n = n,
                            .d = s->d,
                            .scale = s->scale,
                            .prior = s->prior,
                            .shift = s->shift,
                            .z = s->z,
                            .x = s->x,
                            .work = s->work};
    for (int64_t l = 0; l < n; l++)
        y.sums[l] = s->sums[l];
    return y;
}

/* Q of lane l, d x d, both triangles; its factor, lower. */
static void dense_of(const urn__gauss_systems *y, int64_t l, double *q, double *factor)
{
    const int64_t d = y->d, p = urn__gauss_padded(d);
    for (int64_t k = 0, at = 0; k < d; k++)
        for (int64_t i = k; i < d; i++, at++) {
            q[i * d + k] = y->scale * (y->sums[l] != NULL ? y->sums[l][k * p + i] : 0.0) +
                           (y->prior != NULL ? y->prior[at] : 0.0);
            q[k * d + i] = q[i * d + k];
        }
    memcpy(factor, q, (size_t)(d * d) * sizeof *q);
    assert_int_equal(LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', (lapack_int)d, factor, (lapack_int)d),
                     0);
}

/* Q x = h + L z up to rounding: Cholesky's backward error is below (d + 1) epsilon times the
 * diagonal's size, L's own relative error that times the condition, at most 100 here. */
static void check_lane(const urn__gauss_systems *y, int64_t l)
{
    const int64_t d = y->d, p = urn__gauss_padded(d);
    double *q = test_zeros(d * d), *factor = test_zeros(d * d);
    dense_of(y, l, q, factor);
    double size = 0.0;
    for (int64_t i = 0; i < d; i++)
        size = fmax(size, q[i * d + i]);
    for (int64_t i = 0; i < d; i++) {
        double h = y->sums[l] != NULL ? y->scale * y->sums[l][p * p + i] : 0.0, most = fabs(h);
        h += y->shift != NULL ? y->shift[l * y->shift_stride + i] : 0.0;
        for (int64_t k = 0; k < d; k++) {
            const double left = q[i * d + k] * y->x[l * p + k];
            const double right = k <= i && y->z != NULL ? factor[i * d + k] * y->z[l * d + k] : 0.0;
            h += right - left;
            most = fmax(most, fmax(fabs(left), fabs(right)));
        }
        assert_within(h, 0.0L, 100.0 * (double)((d + 1) * (d + 1)) * fmax(most, size) * EPSILON);
    }
    free(q);
    free(factor);
}

static void check_systems(const urn__gauss_kernels *kernels, const urn__gauss_systems *y)
{
    assert_int_equal(kernels->solve(y), 0);
    for (int64_t l = 0; l < y->n; l++)
        check_lane(y, l);
}

static void check_solutions(const urn__kernels *all)
{
    const urn__gauss_kernels *kernels = kernels_of(all);
    uint64_t seed = 7;
    for (int64_t d = 1; d <= MOST; d++) {
        system_of s = system_new(&seed, d);
        const int64_t p = urn__gauss_padded(d);
        for (int64_t n = 1; n <= kernels->lanes; n++) {
            const urn__gauss_systems y = systems_of(&s, n);
            check_systems(kernels, &y);
        }
        urn__gauss_systems y = systems_of(&s, kernels->lanes), one = systems_of(&s, 1);
        y.z = y.shift = NULL;
        check_systems(kernels, &y);
        y = systems_of(&s, kernels->lanes);
        y.shift_stride = d;
        check_systems(kernels, &y);
        y = systems_of(&s, kernels->lanes);
        y.prior = NULL;
        check_systems(kernels, &y);
        y = systems_of(&s, kernels->lanes);
        y.sums[0] = NULL; /* a row without children */
        check_systems(kernels, &y);
        /* a lane's bits depend on its own system only */
        double *alone = scratch(p);
        y.sums[0] = s.sums[0];
        one.x = alone;
        assert_int_equal(kernels->solve(&y), 0);
        assert_int_equal(kernels->solve(&one), 0);
        assert_same_bits(d, y.x, alone);
        urn__free(NULL, alone);
        system_clear(&s);
    }
}

static void test_solutions(void **state)
{
    (void)state;
    on_each_path(check_solutions);
}

/* Lanes that cannot be solved are named, the others are right. */
static void check_bad_lanes(const urn__kernels *all)
{
    const urn__gauss_kernels *kernels = kernels_of(all);
    const uint32_t last = UINT32_C(1) << (kernels->lanes - 1);
    uint64_t seed = 11;
    for (int64_t d = 1; d <= 20; d++) {
        const int64_t p = urn__gauss_padded(d), end = d - 1;
        system_of s = system_new(&seed, d);
        const urn__gauss_systems y = systems_of(&s, kernels->lanes);
        double *to = &s.sums[kernels->lanes - 1][end * p + end];
        const double good = *to, wrong[] = {-1e6, NAN, INFINITY};
        for (int i = 0; i < 3; i++) {
            *to = wrong[i];
            assert_int_equal(kernels->solve(&y), last);
            check_lane(&y, 0);
        }
        *to = good;
        s.sums[0][p * p + d / 2] = INFINITY;
        assert_int_equal(kernels->solve(&y), 1);
        check_lane(&y, kernels->lanes - 1);
        system_clear(&s);
    }
}

static void test_bad_lanes(void **state)
{
    (void)state;
    on_each_path(check_bad_lanes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_solutions),
        cmocka_unit_test(test_bad_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
