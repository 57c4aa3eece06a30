/* One thread or many: the faster way is found, kept, and found again after the machine changes. */
#include "inference/governor.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Steps that take the time of their number of threads: seconds[t] on t threads. Returns how many
 * did not run on `threads`. */
static int run(urn__governor *g, int *now_on, double *now, int n, const double *seconds,
               int threads)
{
    int others = 0;
    for (int i = 0; i < n; i++) {
        others += *now_on != threads;
        *now += seconds[*now_on];
        *now_on = urn__governor_step(g, seconds[*now_on], *now);
    }
    return others;
}

/* Two are faster: the search of 8 + 8 steps, then at most 8 a trial, with ever longer pauses. */
static void keeps_the_faster_way(void **state)
{
    (void)state;
    const double two[] = {0, 1e-3, 0.6e-3}, one[] = {0, 1e-3, 1.2e-3};
    urn__governor g;
    double now = 100.0;
    int threads = urn__governor_start(&g, 2, now);
    assert_int_equal(threads, 1);
    const int alone = run(&g, &threads, &now, 20000, two, 2); /* 12 s */
    assert_int_equal(threads, 2);
    assert_true(alone >= 8 + 8 && alone <= 8 * 8); /* trials at .1, .3, .7, 1.5, 3.1, 6.3 s */
    assert_int_equal(urn__governor_used(&g), 2);
    threads = urn__governor_start(&g, 2, now);
    const int both = run(&g, &threads, &now, 20000, one, 1);
    assert_int_equal(threads, 1);
    assert_true(both >= 8 && both <= 8 * 9);
    assert_int_equal(urn__governor_used(&g), 1);
}

/* Of eight threads three or four may be the best: halves are tried while they are faster. */
static void finds_the_best_of_many(void **state)
{
    (void)state;
    const double seconds[] = {0, 1e-3, .7e-3, 0, .4e-3, 0, 0, 0, .6e-3};
    urn__governor g;
    double now = 0.0;
    int threads = urn__governor_start(&g, 8, now);
    run(&g, &threads, &now, 8 * 5, seconds, 4);
    assert_int_equal(threads, 4);
    run(&g, &threads, &now, 5000, seconds, 4);
    assert_int_equal(urn__governor_used(&g), 4);
    threads = urn__governor_start(&g, 7, now); /* ways: 1, 2, 4, 7 */
    assert_int_equal(g.n_ways, 4);
    assert_int_equal(g.way[1].threads, 2);
    assert_int_equal(g.way[2].threads, 4);
    assert_int_equal(g.way[3].threads, 7);
}

/* A way that stalls costs one step a trial, however long the trial was meant to be. */
static void a_stall_ends_a_trial(void **state)
{
    (void)state;
    const double seconds[] = {0, 1e-3, 50e-3};
    urn__governor g;
    double now = 0.0;
    int threads = urn__governor_start(&g, 2, now);
    run(&g, &threads, &now, 20, seconds, 1);
    assert_int_equal(threads, 1);
    const int stalled = run(&g, &threads, &now, 5000, seconds, 1);
    assert_int_equal(threads, 1);
    assert_true(stalled >= 1 && stalled <= 5);
}

static void follows_a_change(void **state)
{
    (void)state;
    const double idle[] = {0, 1e-3, 0.6e-3}, busy[] = {0, 1e-3, 20e-3};
    urn__governor g;
    double now = 0.0;
    int threads = urn__governor_start(&g, 2, now);
    run(&g, &threads, &now, 3000, idle, 2);
    assert_int_equal(threads, 2);
    const int before = run(&g, &threads, &now, 3000, busy, 1); /* somebody else wants the cores */
    assert_int_equal(threads, 1);
    assert_true(before < 20); /* it is seen within a tenth of a second or so */
    run(&g, &threads, &now, 5000, idle, 2);
    assert_int_equal(threads, 2);
}

/* Steps too short for a second thread are left alone until they grow. */
static void small_steps_stay_alone(void **state)
{
    (void)state;
    const double small[] = {0, 10e-6, 5e-6}, grown[] = {0, 1e-3, 0.6e-3};
    urn__governor g;
    double now = 0.0;
    int threads = urn__governor_start(&g, 2, now);
    assert_int_equal(run(&g, &threads, &now, 500000, small, 1), 0);
    run(&g, &threads, &now, 3000, grown, 2);
    assert_int_equal(threads, 2);
}

/* Steps of half a second: no warm-up, trials of a step, and pauses of many times their length. */
static void long_steps_are_not_wasted(void **state)
{
    (void)state;
    const double seconds[] = {0, 0.5, 0.3};
    urn__governor g;
    double now = 0.0;
    int threads = urn__governor_start(&g, 2, now);
    const int alone = run(&g, &threads, &now, 400, seconds, 2);
    assert_int_equal(threads, 2);
    assert_true(alone >= 2 && alone <= 1 + 8); /* 120 s: pauses of 5, 10, 20, 30, 30 s */
}

static void one_thread_is_one(void **state)
{
    (void)state;
    const double seconds[] = {0, 1e-3};
    urn__governor g;
    double now = 0.0;
    int threads = urn__governor_start(&g, 1, now);
    assert_int_equal(run(&g, &threads, &now, 2000, seconds, 1), 0);
    threads = urn__governor_start(&g, 0, now);
    assert_int_equal(threads, 1);
    assert_int_equal(urn__governor_used(&g), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_faster_way),   cmocka_unit_test(finds_the_best_of_many),
        cmocka_unit_test(a_stall_ends_a_trial),   cmocka_unit_test(follows_a_change),
        cmocka_unit_test(small_steps_stay_alone), cmocka_unit_test(long_steps_are_not_wasted),
        cmocka_unit_test(one_thread_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
