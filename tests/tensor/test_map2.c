/* Elementwise kernels of two arguments: values, strides, aliasing, parts. */
#include "tests/tensor/paths.h"

enum { N = 37 };

static long double exact(int map, long double a, long double b)
{
    switch (map) {
    case URN__MAP_ADD:
        return a + b;
    case URN__MAP_SUB:
        return a - b;
    case URN__MAP_MUL:
        return a * b;
    case URN__MAP_DIV:
        return a / b;
    case URN__MAP_MAXIMUM:
        return fmaxl(a, b);
    case URN__MAP_MINIMUM:
        return fminl(a, b);
    default:
        return powl(a, b);
    }
}

/* Powers are 4 units in the last place off at most; for the others, rounding in extended precision
 * first could be off by one where the kernels round once. */
static void assert_value(int map, urn__real value, urn__real a, urn__real b)
{
    const long double expected = exact(map, (long double)a, (long double)b);
    assert_within((double)value, expected,
                  (map == URN__MAP_POW ? 8.0 : 1.001) * ROUNDING * fabs((double)expected));
}

static void check_strides(const urn__kernels_real *kernels)
{
    uint64_t seed = 3;
    urn__real *a = test_array(&seed, N, 0.1, 9.0), *b = test_array(&seed, N, -3.0, 3.0);
    for (int map = 0; map < URN__MAP2_COUNT; map++) {
        for (int strides = 0; strides < 4; strides++) {
            const int64_t stride_a = strides & 1, stride_b = strides >> 1;
            for (int64_t n = 0; n <= N; n++) {
                urn__real y[N + 1];
                y[n] = UNTOUCHED;
                kernels->map2[map](n, a, stride_a, b, stride_b, y);
                for (int64_t i = 0; i < n; i++)
                    assert_value(map, y[i], a[i * stride_a], b[i * stride_b]);
                assert_true(y[n] == UNTOUCHED);
            }
        }
    }
    free(a);
    free(b);
}

static void values_for_all_strides(void **state)
{
    (void)state;
    on_each_path(check_strides);
}

/* y may be a or b, also where that one has stride 0. */
static void check_aliases(const urn__kernels_real *kernels)
{
    uint64_t seed = 4;
    urn__real *a = test_array(&seed, N, 0.1, 9.0), *b = test_array(&seed, N, -3.0, 3.0);
    for (int map = 0; map < URN__MAP2_COUNT; map++) {
        for (int strides = 0; strides < 4; strides++) {
            const int64_t stride_a = strides & 1, stride_b = strides >> 1;
            urn__real expected[N], y[N];
            kernels->map2[map](N, a, stride_a, b, stride_b, expected);
            memcpy(y, a, sizeof y);
            kernels->map2[map](N, y, stride_a, b, stride_b, y);
            assert_same_bits(N, y, expected);
            memcpy(y, b, sizeof y);
            kernels->map2[map](N, a, stride_a, y, stride_b, y);
            assert_same_bits(N, y, expected);
        }
    }
    free(a);
    free(b);
}

static void in_place(void **state)
{
    (void)state;
    on_each_path(check_aliases);
}

static void check_parts(const urn__kernels_real *kernels)
{
    uint64_t seed = 5;
    urn__real *a = test_array(&seed, N, 0.1, 9.0), *b = test_array(&seed, N, -3.0, 3.0);
    for (int map = 0; map < URN__MAP2_COUNT; map++) {
        urn__real whole[N], part[N];
        kernels->map2[map](N, a, 1, b, 1, whole);
        for (int from = 0; from < N; from++) {
            kernels->map2[map](N - from, a + from, 1, b + from, 1, part);
            assert_same_bits(N - from, part, whole + from);
            kernels->map2[map](1, a + from, 0, b + from, 0, part);
            assert_same_bits(1, part, whole + from);
        }
    }
    free(a);
    free(b);
}

static void parts_equal_the_whole(void **state)
{
    (void)state;
    on_each_path(check_parts);
}

/* C17 F.10.4.4 for power, IEEE for the others. */
static void check_specials(const urn__kernels_real *kernels)
{
    static const urn__real points[] = {0.0,
                                       -0.0,
                                       1.0,
                                       -1.0,
                                       2.0,
                                       -2.0,
                                       0.5,
                                       -0.5,
                                       3.0,
                                       (urn__real)-1e30,
                                       (urn__real)1e30,
                                       (urn__real)INFINITY,
                                       -(urn__real)INFINITY};
    enum { COUNT = sizeof points / sizeof *points };
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < COUNT; j++) {
            for (int map = 0; map < URN__MAP2_COUNT; map++) {
                urn__real y;
                kernels->map2[map](1, &points[i], 1, &points[j], 1, &y);
                const urn__real expected =
                    (urn__real)exact(map, (long double)points[i], (long double)points[j]);
                const bool same =
                    isnan(expected)
                        ? isnan(y)
                        : y == expected || fabs((double)y / (double)expected - 1.0) <= 4 * EPSILON;
                if (!same)
                    fail_msg("%s map2 %d of %g and %g is %g, expected %g", kernels->name, map,
                             (double)points[i], (double)points[j], (double)y, (double)expected);
            }
        }
    }
}

static void special_values(void **state)
{
    (void)state;
    on_each_path(check_specials);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_for_all_strides),
        cmocka_unit_test(in_place),
        cmocka_unit_test(parts_equal_the_whole),
        cmocka_unit_test(special_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
