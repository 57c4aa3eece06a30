/* Cholesky, triangular solves, products: against definitions and GSL, and independent of threads.
 */
#include "tests/tensor/paths.h"

#include <gsl/gsl_linalg.h>

/* As in OpenBLAS's cblas.h, which GSL's own keeps from being included. */
void openblas_set_num_threads(int n);
int openblas_get_num_threads(void);

static const int64_t sizes[] = {1,  2,  3,  4,  5,  7,  8,  10, 16, 17,
                                30, 31, 32, 33, 50, 64, 65, 97, 130};
#define N_SIZES ((int)(sizeof sizes / sizeof *sizes))

static double *zeros(int64_t n)
{
    double *x = calloc((size_t)(n > 0 ? n : 1), sizeof *x);
    assert_non_null(x);
    return x;
}

/* A random positive definite matrix: b b^T / d + identity. */
static double *definite(uint64_t *seed, int64_t d)
{
    double *b = test_array(seed, d * d, -1.0, 1.0), *a = zeros(d * d);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            for (int64_t k = 0; k < d; k++)
                a[i * d + j] += b[i * d + k] * b[j * d + k] / (double)d;
            a[i * d + j] += i == j ? 1.0 : 0.0;
        }
    free(b);
    return a;
}

static void cholesky_is_that_of_gsl(void **state)
{
    (void)state;
    uint64_t seed = 31;
    for (int s = 0; s < N_SIZES; s++) {
        const int64_t d = sizes[s];
        double *a = definite(&seed, d), *l = zeros(d * d);
        memset(l, 0xff, (size_t)(d * d) * sizeof *l); /* NaNs that must go */
        assert_true(urn__cholesky(d, a, l));
        gsl_matrix *g = gsl_matrix_alloc((size_t)d, (size_t)d);
        memcpy(g->data, a, (size_t)(d * d) * sizeof *a);
        assert_int_equal(gsl_linalg_cholesky_decomp1(g), 0);
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < d; j++)
                assert_close(l[i * d + j], j <= i ? g->data[i * d + j] : 0.0, 1e-13, 1.0);
        assert_true(urn__cholesky(d, a, a)); /* in place */
        assert_same_bits(d * d, a, l);
        gsl_matrix_free(g);
        free(a);
        free(l);
    }
}

static void cholesky_reads_the_lower_part_only(void **state)
{
    (void)state;
    const double a[] = {4.0, (double)NAN, 2.0, 10.0};
    double l[4];
    assert_true(urn__cholesky(2, a, l));
    const double expected[] = {2.0, 0.0, 1.0, 3.0};
    assert_same_bits(4, l, expected);
}

static void cholesky_refuses(void **state)
{
    (void)state;
    uint64_t seed = 32;
    for (int s = 0; s < N_SIZES; s++) {
        const int64_t d = sizes[s];
        double *l = zeros(d * d);
        static const double wrong[] = {-1.0, 0.0, (double)NAN, (double)INFINITY};
        for (int w = 0; w < 4; w++) {
            double *a = definite(&seed, d);
            a[d * d - 1] = wrong[w]; /* found at the last pivot */
            assert_false(urn__cholesky(d, a, l));
            free(a);
        }
        free(l);
    }
}

static void check_solve(int64_t d, int64_t n, bool transposed, uint64_t *seed)
{
    double *a = definite(seed, d), *l = zeros(d * d), *x = test_array(seed, d * n, -1.0, 1.0);
    double *b = zeros(d * n);
    assert_true(urn__cholesky(d, a, l));
    for (int64_t i = 0; i < d; i++)
        for (int64_t k = 0; k < d; k++)
            for (int64_t j = 0; j < n; j++)
                b[i * n + j] += (transposed ? l[k * d + i] : l[i * d + k]) * x[k * n + j];
    for (int64_t i = 0; i < d; i++) /* what is above the diagonal is not read */
        for (int64_t j = i + 1; j < d; j++)
            l[i * d + j] = (double)NAN;
    urn__tri_solve(d, n, l, transposed, b);
    for (int64_t i = 0; i < d * n; i++)
        assert_close(b[i], x[i], 1e-12, 1.0);
    free(a);
    free(l);
    free(x);
    free(b);
}

static void triangular_solves(void **state)
{
    (void)state;
    uint64_t seed = 33;
    static const int64_t widths[] = {1, 2, 3, 8, 13};
    for (int s = 0; s < N_SIZES; s++)
        for (int w = 0; w < 5; w++) {
            check_solve(sizes[s], widths[w], false, &seed);
            check_solve(sizes[s], widths[w], true, &seed);
        }
}

static const int64_t shapes[][3] = {
    {1, 1, 1},   {1, 5, 1},    {5, 1, 5},    {5, 5, 5},    {3, 100, 2},  {100, 7, 1},   {1, 7, 100},
    {40, 5, 5},  {64, 64, 64}, {65, 64, 66}, {5, 3000, 5}, {300, 5, 5},  {33, 257, 65}, {9, 12, 11},
    {70, 20, 9}, {0, 5, 5},    {5, 0, 5},    {5, 5, 0},    {200, 70, 6}, {10, 600, 40},
};
#define N_SHAPES ((int)(sizeof shapes / sizeof *shapes))

static void check_product(const int64_t *shape, bool ta, bool tb, bool accumulate, uint64_t *seed)
{
    const int64_t r = shape[0], k = shape[1], c = shape[2];
    double *a = test_array(seed, r * k, -1.0, 1.0), *b = test_array(seed, k * c, -1.0, 1.0);
    double *out = test_array(seed, r * c + 1, -1.0, 1.0), *before = zeros(r * c + 1);
    memcpy(before, out, (size_t)(r * c + 1) * sizeof *out);
    if (!accumulate && r * c > 0)
        out[0] = (double)NAN; /* overwritten, not multiplied by zero */
    urn__matmul(r, k, c, a, ta, b, tb, out, accumulate);
    for (int64_t i = 0; i < r; i++)
        for (int64_t j = 0; j < c; j++) {
            long double s = accumulate ? before[i * c + j] : 0.0L;
            for (int64_t t = 0; t < k; t++)
                s += (long double)(ta ? a[t * r + i] : a[i * k + t]) *
                     (long double)(tb ? b[j * k + t] : b[t * c + j]);
            assert_close(out[i * c + j], (double)s, 1e-15, 1.0 + (double)k);
        }
    assert_same_bits(1, out + r * c, before + r * c);
    free(a);
    free(b);
    free(out);
    free(before);
}

static void products(void **state)
{
    (void)state;
    uint64_t seed = 34;
    for (int s = 0; s < N_SHAPES; s++)
        for (int kind = 0; kind < 8; kind++)
            check_product(shapes[s], kind & 1, kind & 2, kind & 4, &seed);
}

/* The BLAS may have been given any number of threads by the host program. */
static void products_do_not_depend_on_threads(void **state)
{
    (void)state;
    enum { R = 130, K = 1500, C = 90 };
    uint64_t seed = 35;
    double *a = test_array(&seed, R * K, -1.0, 1.0), *b = test_array(&seed, K * C, -1.0, 1.0);
    double *one = zeros(R * C), *four = zeros(R * C);
    openblas_set_num_threads(1);
    urn__matmul(R, K, C, a, false, b, false, one, false);
    openblas_set_num_threads(4);
    urn__matmul(R, K, C, a, false, b, false, four, false);
    assert_int_equal(openblas_get_num_threads(), 4); /* left as the host has it */
    openblas_set_num_threads(1);
    assert_same_bits(R * C, one, four);
    free(a);
    free(b);
    free(one);
    free(four);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cholesky_is_that_of_gsl),
        cmocka_unit_test(cholesky_reads_the_lower_part_only),
        cmocka_unit_test(cholesky_refuses),
        cmocka_unit_test(triangular_solves),
        cmocka_unit_test(products),
        cmocka_unit_test(products_do_not_depend_on_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
