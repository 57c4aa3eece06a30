/* PSIS-LOO and WAIC: against ArviZ's numbers, by hand, and where the exact answer is known. */
#include "tests/inference/diagnostics_test.h"

#include "inference/diagnostics/elpd.h"

/* ---- the fixture ---- */

static double efficiency_of(const json_t *set)
{
    double sum = 0.0;
    static const char *const parameters[] = {"mu", "tau"};
    for (size_t i = 0; i < N_OF(parameters); i++) {
        int64_t m, n;
        double *x = read_chains(json_object_get(set, parameters[i]), &m, &n);
        urn__chains *c = chains_of(m, n, x);
        sum += urn__ess_mean(c) / (double)(m * n);
        urn__chains_free(c);
        free(x);
    }
    const size_t n = N_OF(parameters);
    return sum / (double)n;
}

static urn__log_lik log_lik_of(const json_t *set, double *room)
{
    const json_t *chains = json_object_get(set, "log_lik");
    int64_t s = 0;
    for (size_t c = 0; c < json_array_size(chains); c++)
        for (size_t d = 0; d < json_array_size(json_array_get(chains, c)); d++, s++)
            for (size_t i = 0; i < 8; i++)
                room[s * 8 + (int64_t)i] = json_number_value(
                    json_array_get(json_array_get(json_array_get(chains, c), d), i));
    assert_int_equal(s, 1000);
    return (urn__log_lik){
        .log_lik = room, .n_draws = s, .n_points = 8, .draw_stride = 8, .point_stride = 1};
}

static void check_points(const char *name, const json_t *set, const urn__elpd_point *points,
                         const char *elpd_key)
{
    const json_t *elpds = json_object_get(set, elpd_key), *ks = json_object_get(set, "pareto_k");
    assert_int_equal(json_array_size(elpds), 8);
    for (size_t i = 0; i < 8; i++) {
        check_figure(name, elpd_key, points[i].elpd, json_number_value(json_array_get(elpds, i)));
        if (ks)
            check_figure(name, "pareto_k", points[i].k, json_number_value(json_array_get(ks, i)));
    }
}

static void check_elpds(const char *name, const json_t *set)
{
    static double room[8000];
    const urn__log_lik data = log_lik_of(set, room);
    const double efficiency = efficiency_of(set);
    check_figure(name, "reff", efficiency, number_in(set, "reff_default"));
    static const char *const which[] = {"loo", "loo_reff1"};
    urn__elpd_point points[8];
    urn__elpd total;
    for (size_t v = 0; v < 2; v++) {
        const json_t *loo = json_object_get(set, which[v]);
        assert_int_equal(urn__loo(NULL, &data, v ? 1.0 : efficiency, points, &total, NULL), URN_OK);
        check_figure(name, "elpd_loo", total.elpd, number_in(loo, "elpd_loo"));
        check_figure(name, "looic", total.ic, -2.0 * number_in(loo, "elpd_loo"));
        check_figure(name, "se", total.se, number_in(loo, "se"));
        check_figure(name, "p_loo", total.p, number_in(loo, "p_loo"));
        check_points(name, loo, points, "loo_i");
        if (v == 0) {
            check_figure(name, "good_k", total.good_k, number_in(loo, "good_k"));
            assert_int_equal(total.n_bad > 0, json_is_true(json_object_get(loo, "warning")));
        }
    }
    const json_t *waic = json_object_get(set, "waic");
    assert_int_equal(urn__waic(&data, points, &total, NULL), URN_OK);
    check_figure(name, "elpd_waic", total.elpd, number_in(waic, "elpd_waic"));
    check_figure(name, "waic se", total.se, number_in(waic, "se"));
    check_figure(name, "p_waic", total.p, number_in(waic, "p_waic"));
    check_points(name, waic, points, "waic_i");
    assert_int_equal(total.n_bad > 0, json_is_true(json_object_get(waic, "warning")));
}

static void elpds_equal_arviz(void **state)
{
    (void)state;
    json_t *root = open_fixture();
    const char *name;
    json_t *set;
    int n = 0;
    json_object_foreach(json_object_get(root, "loo"), name, set)
    {
        check_elpds(name, set);
        n++;
    }
    assert_int_equal(n, 3);
    json_decref(root);
}

/* ---- known answers ---- */

/* y_i ~ N(mu, 1) under a flat prior: mu is N(mean, 1 / n), and y_i left out is normal around the
 * others' mean with variance 1 + 1 / (n - 1). */
static void loo_of_a_normal_mean_is_known(void **state)
{
    (void)state;
    enum { N = 20, S = 4000 };
    double y[N], *mu = room_for(S), *log_lik = room_for(N * S), mean = 0.0, exact = 0.0;
    fill_ar1(0.0, 1, N, 30, y);
    fill_ar1(0.0, 1, S, 31, mu);
    for (int i = 0; i < N; i++)
        mean += y[i] / N;
    for (int i = 0; i < N; i++)
        for (int s = 0; s < S; s++) {
            const double z = y[i] - (mean + mu[s] / sqrt(N));
            log_lik[i * S + s] = -0.5 * z * z - 0.5 * LOG_2PI;
        }
    for (int i = 0; i < N; i++) {
        const double variance = 1.0 + 1.0 / (N - 1.0), off = (y[i] - mean) * N / (N - 1.0);
        exact -= 0.5 * off * off / variance + 0.5 * log(variance) + 0.5 * LOG_2PI;
    }
    const urn__log_lik data = {
        .log_lik = log_lik, .n_draws = S, .n_points = N, .draw_stride = 1, .point_stride = S};
    urn__elpd_point points[N], others[N];
    urn__elpd loo, waic;
    assert_int_equal(urn__loo(NULL, &data, 1.0, points, &loo, NULL), URN_OK);
    assert_int_equal(urn__waic(&data, others, &waic, NULL), URN_OK);
    /* a term's log weights have an sd of |off| / sqrt(n), about 0.2 to 0.5: its error is that over
     * sqrt(S), and 20 of them that are alike add up to less than 0.1 */
    assert_close(loo.elpd, exact, 0.1);
    assert_close(waic.elpd, exact, 0.2); /* and WAIC is LOO up to terms of order 1 / n */
    assert_true(loo.p > 0.5 && loo.p < 2.0 && waic.p > 0.5 && waic.p < 2.0); /* one parameter */
    assert_int_equal(loo.n_bad, 0);
    assert_true(loo.worst_k < 0.7 && isnan(waic.worst_k));
    assert_close(loo.ic, -2.0 * loo.elpd, 1e-12);
    assert_close(loo.ic_se, 2.0 * loo.se, 1e-12);
    free(mu), free(log_lik);
}

static void small_elpds_by_hand(void **state)
{
    (void)state;
    /* two draws of likelihood 1/2 and 1/4; then the same under both */
    const double log_lik[] = {log(0.5), -2.0, log(0.25), -2.0};
    const urn__log_lik data = {
        .log_lik = log_lik, .n_draws = 2, .n_points = 2, .draw_stride = 2, .point_stride = 1};
    urn__elpd_point a[2], b[2];
    urn__elpd total;
    assert_int_equal(urn__waic(&data, a, &total, NULL), URN_OK);
    const double p = 0.25 * log(2.0) * log(2.0);
    assert_close(a[0].lppd, log(0.375), 1e-14);
    assert_close(a[0].p, p, 1e-14);
    assert_close(a[0].elpd, log(0.375) - p, 1e-14);
    assert_close(a[1].elpd, -2.0, 1e-14);
    assert_close(a[1].p, 0.0, 0.0);
    assert_close(total.elpd, log(0.375) - p - 2.0, 1e-14);
    assert_close(total.se, fabs(a[0].elpd - a[1].elpd) / sqrt(2.0), 1e-14);
    assert_int_equal(total.n_bad, 0);
    /* weights 2 and 4 out of 6 (too few to smooth): 1/2 * 1/3 + 1/4 * 2/3 = 1/3, the harmonic mean
     */
    assert_int_equal(urn__loo(NULL, &data, 1.0, b, &total, NULL), URN_OK);
    assert_close(b[0].elpd, log(1.0 / 3.0), 1e-14);
    assert_close(b[1].elpd, -2.0, 1e-14);
    assert_true(isinf(b[0].k) && isinf(total.worst_k));
    assert_int_equal(total.n_bad, 2);
    double se;
    const double difference = urn__elpd_difference(2, a, b, &se);
    assert_close(difference, log(0.375) - p - log(1.0 / 3.0), 1e-14);
    assert_close(se, fabs(difference) / sqrt(2.0), 1e-14);
    assert_true(urn__elpd_difference(2, a, a, &se) == 0.0 && se == 0.0);
    urn__elpd_difference(1, a, b, &se);
    assert_true(isnan(se));
}

static void log_likelihoods_without_a_number(void **state)
{
    (void)state;
    static const double bad[] = {(double)NAN, HUGE_VAL, -HUGE_VAL};
    for (size_t i = 0; i < N_OF(bad); i++) {
        double log_lik[200];
        for (int k = 0; k < 200; k++)
            log_lik[k] = sin(k);
        log_lik[31] = bad[i];
        const urn__log_lik data = {
            .log_lik = log_lik, .n_draws = 100, .n_points = 2, .draw_stride = 2, .point_stride = 1};
        urn__elpd_point points[2];
        urn__elpd total;
        assert_int_equal(urn__loo(NULL, &data, 1.0, points, &total, NULL), URN_OK);
        assert_true(isfinite(points[0].elpd) && isfinite(points[0].k));
        assert_true(isnan(points[1].elpd) && isinf(points[1].k));
        assert_true(isnan(total.elpd) && total.n_bad == 1);
        assert_int_equal(urn__waic(&data, points, &total, NULL), URN_OK);
        assert_true(isfinite(points[0].elpd) && isnan(points[1].elpd) && isnan(total.elpd));
    }
}

/* ---- errors ---- */

static void wrong_sizes_are_refused(void **state)
{
    (void)state;
    urn_error error = {0};
    const double one = -1.0;
    urn__log_lik data = {.log_lik = &one, .n_draws = 1, .n_points = 1};
    urn__elpd_point point;
    urn__elpd total;
    assert_int_equal(urn__loo(NULL, &data, 1.0, &point, &total, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "1 observations under 1 draws"));
    assert_int_equal(urn__waic(&data, &point, &total, &error), URN_ERR_USAGE);
    data.n_draws = 2;
    static const double efficiencies[] = {0.0, -1.0, (double)NAN, HUGE_VAL};
    for (size_t i = 0; i < N_OF(efficiencies); i++) {
        assert_int_equal(urn__loo(NULL, &data, efficiencies[i], &point, &total, &error),
                         URN_ERR_USAGE);
        assert_non_null(strstr(error.message, "relative efficiency"));
    }
}

static void memory_running_out_is_an_error(void **state)
{
    (void)state;
    urn_error error = {0};
    failing_memory memory;
    double x[20];
    fill_ar1(0.3, 2, 10, 1, x);
    const urn__log_lik data = {
        .log_lik = x, .n_draws = 10, .n_points = 2, .draw_stride = 2, .point_stride = 1};
    for (long fail_at = 1; fail_at <= 5; fail_at++) {
        urn__elpd_point points[2];
        urn__elpd total;
        failing_memory_init(&memory, fail_at, false);
        assert_int_equal(urn__loo(&memory.hook, &data, 1.0, points, &total, &error),
                         URN_ERR_MEMORY);
        assert_int_equal(memory.live, 0);
        assert_non_null(strstr(error.message, "importance weights"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elpds_equal_arviz),
        cmocka_unit_test(loo_of_a_normal_mean_is_known),
        cmocka_unit_test(small_elpds_by_hand),
        cmocka_unit_test(log_likelihoods_without_a_number),
        cmocka_unit_test(wrong_sizes_are_refused),
        cmocka_unit_test(memory_running_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
