/* One thread or many: the faster way is found, kept, and found again after the machine changes. */
#include "inference/governor.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Runs `n` steps that take one[] or many[] seconds; returns how many ran on one thread. */
static int run(urn__governor *g, int *threads, double *now, int n, double one, double many)
{
    int alone = 0;
    for (int i = 0; i < n; i++) {
        const double seconds = *threads == 1 ? one : many;
        alone += *threads == 1;
        *now += seconds;
        *threads = urn__governor_step(g, seconds, *now);
    }
    return alone;
}

static void keeps_the_faster_way(void **state)
{
    (void)state;
    urn__governor g;
    double now = 100.0;
    int threads = urn__governor_start(&g, 4, now);
    assert_int_equal(threads, 4);
    const int alone = run(&g, &threads, &now, 10000, 1e-3, 0.6e-3);
    assert_int_equal(threads, 4);
    assert_true(alone >= 8 && alone <= 8 * 8); /* the first trial, then one a second at most */
    threads = urn__governor_start(&g, 4, now);
    const int single = run(&g, &threads, &now, 10000, 1e-3, 1.2e-3);
    assert_int_equal(threads, 1);
    assert_true(10000 - single <= 8 * 12);
}

/* A way that stalls costs one step a second, however long the trial was meant to be. */
static void a_stall_ends_a_trial(void **state)
{
    (void)state;
    urn__governor g;
    double now = 0.0;
    int threads = urn__governor_start(&g, 2, now);
    run(&g, &threads, &now, 20, 1e-3, 50e-3);
    assert_int_equal(threads, 1);
    const int alone = run(&g, &threads, &now, 5000, 1e-3, 50e-3);
    assert_int_equal(threads, 1);
    assert_true(5000 - alone <= 6);
}

static void follows_a_change(void **state)
{
    (void)state;
    urn__governor g;
    double now = 0.0;
    int threads = urn__governor_start(&g, 2, now);
    run(&g, &threads, &now, 3000, 1e-3, 0.6e-3);
    assert_int_equal(threads, 2);
    run(&g, &threads, &now, 3000, 1e-3, 20e-3); /* somebody else wants the cores */
    assert_int_equal(threads, 1);
    run(&g, &threads, &now, 3000, 1e-3, 0.6e-3);
    assert_int_equal(threads, 2);
}

static void one_thread_is_one(void **state)
{
    (void)state;
    urn__governor g;
    double now = 0.0;
    int threads = urn__governor_start(&g, 1, now);
    assert_int_equal(run(&g, &threads, &now, 2000, 1e-3, 0.1e-3), 2000);
    threads = urn__governor_start(&g, 0, now);
    assert_int_equal(threads, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_faster_way),
        cmocka_unit_test(a_stall_ends_a_trial),
        cmocka_unit_test(follows_a_change),
        cmocka_unit_test(one_thread_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
