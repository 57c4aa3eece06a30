/* Columns of numbers: every type, read in every type, and what is held meanwhile. */
#include "tests/base/check.h"

#include "runtime/base/numbers.h"

#include <math.h>
#include <string.h>

enum { N = 5 };

static const int32_t ints[N] = {0, -3, INT32_MAX, INT32_MIN, 16777217};
static const int64_t longs[N] = {0, -3, INT64_C(1) << 53, (INT64_C(1) << 53) + 1, INT64_MIN};
static const float singles[N] = {0.0f, -0.5f, 3.5f, 1e30f, -1e-30f};
static const double doubles[N] = {0.0, -0.1, 1e300, 3.5, -1e-300};

static const void *const cells[] = {ints, longs, singles, doubles};

static double as_double(urn__number_type type, int i)
{
    return type == URN__INT32   ? (double)ints[i]
           : type == URN__INT64 ? (double)longs[i]
           : type == URN__FLOAT ? (double)singles[i]
                                : doubles[i];
}

static float as_single(urn__number_type type, int i)
{
    return type == URN__INT32   ? (float)ints[i]
           : type == URN__INT64 ? (float)longs[i]
           : type == URN__FLOAT ? singles[i]
                                : (float)doubles[i];
}

static urn__numbers *numbers_of(const urn_allocator *allocator, urn__number_type type)
{
    const size_t bytes = N * urn__number_size(type);
    void *copy = urn__alloc(allocator, bytes);
    assert_non_null(copy);
    memcpy(copy, cells[type], bytes);
    urn__numbers *numbers = urn__numbers_new(allocator, type, N, copy);
    assert_non_null(numbers);
    return numbers;
}

static void same(double a, double b)
{
    assert_memory_equal(&a, &b, sizeof a);
}

static void check_reads(urn__numbers *numbers, urn__number_type type)
{
    static const int32_t rows[4] = {3, 0, 0, 2};
    double all[N], picked[4];
    float picked_single[4];
    urn__numbers_read(numbers, 0, N, all);
    for (int i = 0; i < N; i++)
        same(all[i], as_double(type, i));
    urn__numbers_read(numbers, 2, 2, all);
    same(all[1], as_double(type, 3));
    urn__numbers_pick(numbers, 1, 4, rows, picked);
    urn__numbers_pick_single(numbers, 1, 4, rows, picked_single);
    for (int i = 0; i < 4; i++) {
        same(picked[i], as_double(type, 1 + rows[i]));
        same((double)picked_single[i], (double)as_single(type, 1 + rows[i]));
    }
}

static void every_type_is_read_in_every_type(void **state)
{
    (void)state;
    for (int type = URN__INT32; type <= URN__DOUBLE; type++)
        for (int order = 0; order < 2; order++) { /* which whole store is asked for first */
            failing_memory memory;
            failing_memory_init(&memory, 0, false);
            urn__numbers *numbers = numbers_of(&memory.hook, (urn__number_type)type);
            assert_int_equal(urn__numbers_count(numbers), N);
            check_reads(numbers, (urn__number_type)type);
            const float *f = order == 0 ? urn__numbers_singles(numbers) : NULL;
            const double *d = urn__numbers_doubles(numbers);
            f = f == NULL ? urn__numbers_singles(numbers) : f;
            assert_non_null(d);
            assert_non_null(f);
            for (int i = 0; i < N; i++) {
                same(d[i], as_double((urn__number_type)type, i));
                same((double)f[i], (double)as_single((urn__number_type)type, i));
            }
            assert_ptr_equal(urn__numbers_doubles(numbers), d);
            assert_ptr_equal(urn__numbers_singles(numbers), f);
            check_reads(numbers, (urn__number_type)type);
            urn__numbers_release(numbers);
            assert_int_equal(memory.live, 0);
        }
}

static void whole_numbers_stay_exact(void **state)
{
    (void)state;
    urn__numbers *numbers = numbers_of(NULL, URN__INT64);
    assert_non_null(urn__numbers_doubles(numbers)); /* which cannot hold 2^53 + 1 */
    for (int i = 0; i < N; i++)
        assert_int_equal(urn__numbers_int(numbers, i), longs[i]);
    urn__numbers_release(numbers);
}

/* Floats that nobody has go when doubles are made; floats given out stay. */
static void one_store_is_held_where_one_is_enough(void **state)
{
    (void)state;
    urn__numbers *numbers = numbers_of(NULL, URN__FLOAT);
    const size_t small = urn__numbers_bytes(numbers);
    assert_non_null(urn__numbers_doubles(numbers));
    assert_int_equal(urn__numbers_bytes(numbers), small + N * 4);
    urn__numbers_release(numbers);
    numbers = numbers_of(NULL, URN__FLOAT);
    assert_non_null(urn__numbers_singles(numbers));
    assert_int_equal(urn__numbers_bytes(numbers), small);
    assert_non_null(urn__numbers_doubles(numbers));
    assert_int_equal(urn__numbers_bytes(numbers), small + N * 8);
    urn__numbers_release(numbers);
}

static void references_are_counted(void **state)
{
    (void)state;
    failing_memory memory;
    failing_memory_init(&memory, 0, false);
    urn__numbers *numbers = numbers_of(&memory.hook, URN__DOUBLE);
    assert_false(urn__numbers_shared(numbers));
    assert_ptr_equal(urn__numbers_share(numbers), numbers);
    assert_true(urn__numbers_shared(numbers));
    urn__numbers_release(numbers);
    assert_true(memory.live > 0);
    assert_false(urn__numbers_shared(numbers));
    urn__numbers_release(numbers);
    assert_int_equal(memory.live, 0);
    assert_null(urn__numbers_share(NULL));
    urn__numbers_release(NULL);
}

static void failing_memory_is_reported(void **state)
{
    (void)state;
    for (int type = URN__INT32; type <= URN__DOUBLE; type++) {
        failing_memory memory;
        failing_memory_init(&memory, 0, false);
        urn__numbers *numbers = numbers_of(&memory.hook, (urn__number_type)type);
        memory.fail_at = memory.calls + 1;
        memory.stay_down = true;
        assert_true((urn__numbers_doubles(numbers) == NULL) == (type != URN__DOUBLE));
        assert_true((urn__numbers_singles(numbers) == NULL) == (type != URN__FLOAT));
        check_reads(numbers, (urn__number_type)type); /* as good as before */
        memory.fail_at = 0;
        assert_non_null(urn__numbers_doubles(numbers));
        urn__numbers_release(numbers);
        assert_int_equal(memory.live, 0);
        failing_memory_init(&memory, 1, true);
        double kept[1] = {0};
        assert_null(urn__numbers_new(&memory.hook, URN__DOUBLE, 1, kept));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read_in_every_type),
        cmocka_unit_test(whole_numbers_stay_exact),
        cmocka_unit_test(one_store_is_held_where_one_is_enough),
        cmocka_unit_test(references_are_counted),
        cmocka_unit_test(failing_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
