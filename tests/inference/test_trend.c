/* The test on a loss that still falls, smoothing, and the clock's median. */
#include "tests/inference/check.h"

static uint64_t word(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state)
{
    return ((double)(word(state) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(uint64_t *state)
{
    const double radius = sqrt(-2.0 * log(uniform(state)));
    return radius * cos(2.0 * 3.14159265358979323846 * uniform(state));
}

static urn__slope slope_of(int64_t n_steps, double fall, double noise, bool heavy, uint64_t seed)
{
    urn__arena *arena = urn__arena_new(NULL);
    urn__trend trend;
    assert_true(urn__trend_start(&trend, arena, n_steps));
    for (int64_t i = 0; i < n_steps; i++) {
        const double e = normal(&seed);
        const double tail = heavy && uniform(&seed) < 0.05 ? 100.0 : 1.0;
        urn__trend_add(&trend, 5.0 - fall * (double)i + noise * e * tail);
    }
    const urn__slope slope = urn__trend_slope(&trend);
    urn__arena_free(arena);
    return slope;
}

static void the_slope_of_a_line_is_found(void **state)
{
    (void)state;
    const urn__slope slope = slope_of(3000, 1e-3, 0.0, false, 1);
    assert_int_equal(slope.groups, 20);
    assert_int_equal(slope.window, 300);
    assert_close(slope.per_step, -1e-3, 1e-12);
    assert_true(slope.standard_error < 1e-12);
    assert_true(urn__slope_falls(&slope, 2.0, 100.0));
}

static void noise_is_not_a_fall(void **state)
{
    (void)state;
    int falls = 0;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        const urn__slope slope = slope_of(3000, 0.0, 0.1, seed % 2 == 0, seed);
        falls += urn__slope_falls(&slope, 5.0, 1000.0);
    }
    /* three standard errors with 18 degrees of freedom: 0.4 % on average */
    assert_in_range(falls, 0, 6);
}

static void a_fall_under_noise_is_seen(void **state)
{
    (void)state;
    int falls = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        const urn__slope slope = slope_of(3000, 1e-3, 0.1, seed % 2 == 0, seed);
        falls += urn__slope_falls(&slope, 5.0, 1000.0);
    }
    assert_in_range(falls, 98, 100);
}

static void a_rise_or_a_trifle_is_not_a_fall(void **state)
{
    (void)state;
    urn__slope slope = slope_of(3000, -1e-3, 0.0, false, 1);
    assert_false(urn__slope_falls(&slope, 5.0, 1000.0));
    slope = slope_of(3000, 1e-7, 0.0, false, 1); /* 3e-5 over the window */
    assert_false(urn__slope_falls(&slope, 5.0, 1e6));
    slope = slope_of(3000, 1e-5, 0.0, false, 1); /* 3e-3 over the window, of two observations */
    assert_false(urn__slope_falls(&slope, 5.0, 2.0));
    assert_true(urn__slope_falls(&slope, 5.0, 1000.0));
}

static void few_steps_tell_nothing(void **state)
{
    (void)state;
    urn__slope slope = slope_of(9, 1.0, 0.0, false, 1);
    assert_int_equal(slope.groups, 0);
    assert_false(urn__slope_falls(&slope, 5.0, 1000.0));
    slope = slope_of(10, 1.0, 0.0, false, 1);
    assert_int_equal(slope.groups, 10);
    assert_true(urn__slope_falls(&slope, 5.0, 1000.0));
}

static void long_runs_keep_the_last_steps(void **state)
{
    (void)state;
    /* falls in the first nine tenths only */
    urn__arena *arena = urn__arena_new(NULL);
    urn__trend trend;
    const int64_t n = 500000;
    assert_true(urn__trend_start(&trend, arena, n));
    for (int64_t i = 0; i < n; i++)
        urn__trend_add(&trend, i < n * 9 / 10 ? 100.0 - 1e-4 * (double)i : 1.0);
    const urn__slope slope = urn__trend_slope(&trend);
    assert_int_equal(slope.window, 20000);
    assert_true(slope.per_step == 0.0);
    urn__arena_free(arena);
}

static void smoothing_is_right_from_the_first_value(void **state)
{
    (void)state;
    urn__smoother s = {0};
    assert_close(urn__smoother_add(&s, 4.0), 4.0, 1e-14);
    assert_close(urn__smoother_add(&s, 4.0), 4.0, 1e-14);
    assert_close(urn__smoother_add(&s, (double)NAN), 4.0, 1e-14);
    assert_close(urn__smoother_add(&s, HUGE_VAL), 4.0, 1e-14);
    for (int i = 0; i < 2000; i++)
        urn__smoother_add(&s, 1.0);
    assert_close(urn__smoother_add(&s, 1.0), 1.0, 1e-12);
    /* half of a step change is taken up after about 34 steps */
    urn__smoother t = {0};
    for (int i = 0; i < 2000; i++)
        urn__smoother_add(&t, 0.0);
    double last = 0.0;
    for (int i = 0; i < 35; i++)
        last = urn__smoother_add(&t, 1.0);
    assert_close(last, 1.0 - pow(99.0 / 101.0, 35.0), 1e-12);
}

static void the_median_time_is_of_all_steps(void **state)
{
    (void)state;
    urn__step_clock *clock = calloc(1, sizeof *clock);
    assert_non_null(clock);
    urn__step_clock_start(clock);
    assert_true(isnan(urn__step_clock_median(clock)));
    for (int i = 0; i < 20000; i++) {
        urn__step_clock_stop(clock);
        /* a known time in place of the measured one */
        if (clock->kept > 0 && (clock->count - 1) % clock->stride == 0)
            clock->seconds[clock->kept - 1] = (float)i;
        urn__step_clock_resume(clock);
    }
    assert_int_equal(clock->count, 20000);
    assert_true(clock->kept > URN__CLOCK_KEPT / 4 && clock->kept <= URN__CLOCK_KEPT);
    assert_close(urn__step_clock_median(clock), 10000.0, 10.0);
    assert_true(urn__step_clock_seconds(clock) >= 0.0);
    free(clock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_slope_of_a_line_is_found),
        cmocka_unit_test(noise_is_not_a_fall),
        cmocka_unit_test(a_fall_under_noise_is_seen),
        cmocka_unit_test(a_rise_or_a_trifle_is_not_a_fall),
        cmocka_unit_test(few_steps_tell_nothing),
        cmocka_unit_test(long_runs_keep_the_last_steps),
        cmocka_unit_test(smoothing_is_right_from_the_first_value),
        cmocka_unit_test(the_median_time_is_of_all_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
