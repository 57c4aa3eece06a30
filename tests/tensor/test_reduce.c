/* Sums, dot products, multiples added: against sums in extended precision, at all sizes and
 * alignments. Sums are double in both precisions. */
#include "tests/tensor/paths.h"

enum { N = 261 };

static void check_sums(const urn__kernels_real *kernels)
{
    uint64_t seed = 11;
    urn__real *x = test_array(&seed, N, -1.0, 1.0), *y = test_array(&seed, N, -1.0, 1.0);
    for (int64_t from = 0; from < 9; from++) {
        for (int64_t n = 0; n <= N - from; n++) {
            long double sum = 0.0L, dot = 0.0L, size = 0.0L;
            for (int64_t i = from; i < from + n; i++) {
                sum += (long double)x[i];
                dot += (long double)x[i] * (long double)y[i];
                size += fabsl((long double)x[i]);
            }
            assert_close(kernels->sum(n, x + from), (double)sum, 1e-15, (double)size);
            assert_close(kernels->dot(n, x + from, y + from), (double)dot, 1e-15, (double)size);
        }
    }
    free(x);
    free(y);
}

static void sums_and_dots(void **state)
{
    (void)state;
    on_each_path(check_sums);
}

static void check_large(const urn__kernels_real *kernels)
{
    enum { LARGE = 1000003 };
    uint64_t seed = 12;
    urn__real *x = test_array(&seed, LARGE, 0.0, 1.0);
    long double sum = 0.0L, dot = 0.0L;
    for (int64_t i = 0; i < LARGE; i++) {
        sum += (long double)x[i];
        dot += (long double)x[i] * (long double)x[i];
    }
    assert_close(kernels->sum(LARGE, x), (double)sum, 1e-13, 0.0);
    assert_close(kernels->dot(LARGE, x, x), (double)dot, 1e-13, 0.0);
    free(x);
}

static void long_sums(void **state)
{
    (void)state;
    on_each_path(check_large);
}

static double sum_on_base;

static void check_same_sum(const urn__kernels_real *kernels)
{
    uint64_t seed = 13;
    urn__real *x = test_array(&seed, N, -1.0, 1.0);
    const double sum = kernels->sum(N, x);
    if (strcmp(kernels->name, "base") == 0)
        sum_on_base = sum;
    assert_memory_equal(&sum, &sum_on_base, sizeof sum);
    free(x);
}

static void sums_have_the_same_bits_on_all_paths(void **state)
{
    (void)state;
    on_each_path(check_same_sum);
}

static void check_not_finite(const urn__kernels_real *kernels)
{
    for (int64_t at = 0; at < 70; at++) {
        urn__real x[70] = {0};
        x[at] = (urn__real)INFINITY;
        assert_true(isinf(kernels->sum(70, x)));
        x[at] = (urn__real)NAN;
        assert_true(isnan(kernels->sum(70, x)));
        assert_true(isnan(kernels->dot(70, x, x)));
    }
}

static void nan_and_infinity_come_through(void **state)
{
    (void)state;
    on_each_path(check_not_finite);
}

static void check_axpy(const urn__kernels_real *kernels)
{
    uint64_t seed = 14;
    urn__real *x = test_array(&seed, N, -1.0, 1.0), *y = test_array(&seed, N, -1.0, 1.0);
    for (int64_t n = 0; n < N; n++) {
        urn__real z[N];
        const urn__real a = (urn__real)-1.7;
        memcpy(z, y, sizeof z);
        kernels->axpy(n, a, x + 1, z);
        for (int64_t i = 0; i < n; i++) /* two roundings, of 1.7 and 2.7 at most */
            assert_within((double)z[i], (long double)y[i] + (long double)a * (long double)x[i + 1],
                          (1.7 + 2.7) * ROUNDING);
        assert_same_bits(N - n, z + n, y + n);
    }
    free(x);
    free(y);
}

static void multiples_added(void **state)
{
    (void)state;
    on_each_path(check_axpy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_dots),
        cmocka_unit_test(long_sums),
        cmocka_unit_test(sums_have_the_same_bits_on_all_paths),
        cmocka_unit_test(nan_and_infinity_come_through),
        cmocka_unit_test(multiples_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
