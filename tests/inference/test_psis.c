/* Pareto-smoothed importance sampling against ArviZ's numbers, and on weights with known tails. */
#include "tests/inference/diagnostics_test.h"

#include "inference/psis.h"

/* Log weights of leaving observation `k` out: minus its log likelihood, chain by chain. */
static int64_t weights_of(const json_t *set, size_t k, double *weight)
{
    const json_t *chains = json_object_get(set, "log_lik");
    int64_t n = 0;
    for (size_t c = 0; c < json_array_size(chains); c++) {
        const json_t *chain = json_array_get(chains, c);
        for (size_t d = 0; d < json_array_size(chain); d++)
            weight[n++] = -json_number_value(json_array_get(json_array_get(chain, d), k));
    }
    return n;
}

static void check_set(const char *name, const json_t *set, const char *which, double efficiency)
{
    const json_t *expected = json_object_get(json_object_get(set, which), "pareto_k");
    const json_t *smoothed = json_object_get(set, "psis_smoothed_log_weights_obs7_first10");
    double weight[4096];
    assert_int_equal(json_array_size(expected), 8);
    for (size_t k = 0; k < 8; k++) {
        const int64_t n = weights_of(set, k, weight);
        double found;
        assert_int_equal(n, 1000);
        assert_int_equal(urn__psis(NULL, n, weight, efficiency, &found, NULL), URN_OK);
        const double wanted = json_number_value(json_array_get(expected, k));
        if (!(fabs(found - wanted) <= 1e-9 * fmax(1.0, fabs(wanted))))
            fail_msg("%s, %s, observation %zu: k %.15g, ArviZ has %.15g", name, which, k, found,
                     wanted);
        double sum = 0.0;
        for (int64_t i = 0; i < n; i++)
            sum += exp(weight[i]);
        assert_close(sum, 1.0, 1e-12);
        if (k == 7 && efficiency == 1.0)
            for (size_t i = 0; i < 10; i++)
                assert_close(weight[i], json_number_value(json_array_get(smoothed, i)), 1e-9);
    }
}

static void k_and_weights_equal_arviz(void **state)
{
    (void)state;
    json_t *root = open_fixture();
    const json_t *sets = json_object_get(root, "loo");
    const char *name;
    json_t *set;
    int n = 0;
    json_object_foreach((json_t *)sets, name, set)
    {
        const double efficiency = json_number_value(json_object_get(set, "reff_default"));
        assert_true(efficiency > 0.0 && efficiency < 1.0);
        check_set(name, set, "loo", efficiency);
        check_set(name, set, "loo_reff1", 1.0);
        n++;
    }
    assert_int_equal(n, 3);
    json_decref(root);
}

/* Quantiles of a generalised Pareto distribution in place of draws. */
static void known_tails_are_found(void **state)
{
    (void)state;
    enum { N = 4000 };
    static double x[N];
    static const double shapes[] = {-0.3, 0.2, 0.5, 0.9};
    for (size_t s = 0; s < N_OF(shapes); s++) {
        double k, sigma;
        for (int i = 0; i < N; i++)
            x[i] = 2.0 * expm1(-shapes[s] * log1p(-(i + 0.5) / N)) / shapes[s];
        urn__pareto_fit(N, x, &k, &sigma);
        assert_close(k, (N * shapes[s] + 5.0) / (N + 10.0), 0.02);
        assert_close(sigma, 2.0, 0.06);
    }
}

static void weights_without_a_tail_or_a_meaning_have_infinite_k(void **state)
{
    (void)state;
    double k = 0.0;
    double equal[100] = {0.0};
    assert_int_equal(urn__psis(NULL, 100, equal, 1.0, &k, NULL), URN_OK);
    assert_true(isinf(k));
    assert_close(equal[50], -log(100.0), 1e-12);

    double none[100];
    for (int i = 0; i < 100; i++)
        none[i] = -HUGE_VAL;
    assert_int_equal(urn__psis(NULL, 100, none, 1.0, &k, NULL), URN_OK);
    assert_true(isinf(k));

    double broken[100] = {0.0};
    broken[3] = (double)NAN;
    assert_int_equal(urn__psis(NULL, 100, broken, 1.0, &k, NULL), URN_OK);
    assert_true(isinf(k));

    double few[3] = {1.0, 2.0, 3.0};
    assert_int_equal(urn__psis(NULL, 3, few, 1.0, &k, NULL), URN_OK);
    assert_true(isinf(k));
}

static void zero_weights_are_allowed(void **state)
{
    (void)state;
    double weight[500], k;
    for (int i = 0; i < 500; i++)
        weight[i] = i < 200 ? -HUGE_VAL : 0.2 * log1p(-(i - 199.5) / 300.0) * -1.0;
    assert_int_equal(urn__psis(NULL, 500, weight, 1.0, &k, NULL), URN_OK);
    assert_true(isfinite(k));
    assert_true(weight[0] == -HUGE_VAL);
}

static void memory_running_out_is_an_error(void **state)
{
    (void)state;
    double weight[100];
    for (int i = 0; i < 100; i++)
        weight[i] = sin(i);
    for (long fail_at = 1; fail_at <= 2; fail_at++) {
        failing_memory memory;
        urn_error error = {0};
        double k;
        failing_memory_init(&memory, fail_at, false);
        assert_int_equal(urn__psis(&memory.hook, 100, weight, 1.0, &k, &error), URN_ERR_MEMORY);
        assert_int_equal(memory.live, 0);
        assert_non_null(strstr(error.message, "importance weights"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k_and_weights_equal_arviz),
        cmocka_unit_test(known_tails_are_found),
        cmocka_unit_test(weights_without_a_tail_or_a_meaning_have_infinite_k),
        cmocka_unit_test(zero_weights_are_allowed),
        cmocka_unit_test(memory_running_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
