/* Optimisers against sequences worked out by hand, and schedules against their formulas. */
#include "tests/inference/check.h"

#include "inference/optimiser.h"

static urn__optimiser read(const urn_setting *given, size_t n, int64_t n_steps)
{
    urn__arena *arena = urn__arena_new(NULL);
    urn__settings settings;
    urn__optimiser optimiser;
    assert_int_equal(urn__settings_read(urn_engine_find("svi"), given, n, arena, &settings, NULL),
                     URN_OK);
    assert_int_equal(urn__optimiser_read(&settings, n_steps, &optimiser, NULL), URN_OK);
    urn__arena_free(arena);
    return optimiser;
}

/* Descends f(p) = p^2 / 2 (gradient p) from 1 and compares. */
static void check_sequence(urn__optimiser *o, bool decay, const double *expected, int n)
{
    const urn__kernels *kernels;
    double p = 1.0, m = 0.0, v = 0.0;
    assert_int_equal(urn__kernels_select(NULL, &kernels, NULL), URN_OK);
    for (int step = 1; step <= n; step++) {
        const double g = p;
        urn__optimiser_begin(o, step);
        urn__optimiser_update(o, kernels, 1, decay, &g, &m, &v, &p);
        assert_close(p, expected[step - 1], 1e-12);
    }
}

/* lr 0.1, beta 0.9 and 0.999, epsilon 1e-8; each line is one step of the published algorithm:
 * m = .1, v = .001: p = 1 - .1 * 1 / (1 + 1e-8)
 * m = .9 * .1 + .1 * p1, v = .999 * .001 + .001 p1^2, corrections 1 - .81 and 1 - .998001; ... */
static void adam_takes_the_published_steps(void **state)
{
    (void)state;
    static const double expected[] = {0.9000000009999999, 0.8004122297123379, 0.7015862745044147};
    const urn_setting given[] = {{"lr", "0.1"}};
    urn__optimiser o = read(given, 1, 3);
    check_sequence(&o, true, expected, 3);
}

/* The same steps taken after p has shrunk by 1 - lr * 0.5. */
static void adamw_decays_what_should_decay(void **state)
{
    (void)state;
    const urn_setting given[] = {{"lr", "0.1"}, {"optimizer", "adamw"}, {"weight-decay", "0.5"}};
    static const double first[] = {0.85000000100000001};
    static const double without[] = {0.900000001};
    urn__optimiser o = read(given, 3, 3);
    check_sequence(&o, true, first, 1);
    o = read(given, 3, 3);
    check_sequence(&o, false, without, 1);
}

/* velocity 1, 1.4 (.5 * 1 + .9), 1.46 (.7 + .76): p .9, .76, .614 */
static void sgd_keeps_its_momentum(void **state)
{
    (void)state;
    const urn_setting given[] = {{"lr", "0.1"}, {"optimizer", "sgd"}, {"momentum", "0.5"}};
    static const double expected[] = {0.9, 0.76, 0.614};
    urn__optimiser o = read(given, 3, 3);
    check_sequence(&o, true, expected, 3);
}

static void schedules_follow_their_formulas(void **state)
{
    (void)state;
    static const struct {
        const char *schedule;
        double at[5]; /* steps 1, 26, 51, 76, 101 of 101, from 1 to 0.01 */
    } cases[] = {
        {"constant", {1.0, 1.0, 1.0, 1.0, 1.0}},
        {"exponential", {1.0, 0.31622776601683794, 0.1, 0.031622776601683791, 0.01}},
        {"cosine", {1.0, 0.85501785668734098, 0.505, 0.15498214331265903, 0.01}},
        {"step-decay", {1.0, 0.31622776601683794, 0.1, 0.031622776601683791, 0.01}},
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        const urn_setting given[] = {
            {"lr", "1"}, {"schedule", cases[i].schedule}, {"lr-final", "0.01"}};
        const urn__optimiser o = read(given, i == 0 ? 2 : 3, 101);
        for (int k = 0; k < 5; k++)
            assert_close(urn__optimiser_rate(&o, 1 + 25 * k), cases[i].at[k], 1e-14);
    }
    const urn_setting given[] = {{"lr", "1"}, {"schedule", "step-decay"}};
    const urn__optimiser o = read(given, 2, 101);
    assert_close(urn__optimiser_rate(&o, 20), 1.0, 0.0);
    assert_close(urn__optimiser_rate(&o, 21), 0.31622776601683794, 1e-15);
    assert_close(urn__optimiser_rate(&o, 81), 0.01, 1e-15);
    const urn__optimiser one = read(given, 2, 1);
    assert_close(urn__optimiser_rate(&one, 1), 1.0, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adam_takes_the_published_steps),
        cmocka_unit_test(adamw_decays_what_should_decay),
        cmocka_unit_test(sgd_keeps_its_momentum),
        cmocka_unit_test(schedules_follow_their_formulas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
