/* Posteriors: arrays in, draws out; and scores against numbers worked out by hand. */
#include "tests/inference/check.h"

static void draws_of_a_normal_have_its_moments(void **state)
{
    (void)state;
    enum { N = 1500, S = 400 };
    static double loc[N], scale[N], draw[N];
    for (int i = 0; i < N; i++) {
        loc[i] = i;
        scale[i] = i == 7 ? 0.0 : 1.0 + i % 3;
    }
    urn_posterior *p;
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, N, 1, 0, loc, scale, 11, &p, NULL),
                     URN_OK);
    assert_int_equal(urn_posterior_chains(p), 1);
    assert_int_equal(urn_posterior_draws(p), 0);
    double sum = 0.0, squares = 0.0;
    for (int s = 0; s < S; s++) {
        urn_posterior_draw(p, s, draw);
        assert_true(draw[7] == 7.0);
        for (int i = 0; i < N; i++) {
            const double z = scale[i] > 0.0 ? (draw[i] - loc[i]) / scale[i] : 0.0;
            sum += z;
            squares += z * z;
        }
    }
    const double n = (N - 1.0) * S;
    assert_close(sum / n, 0.0, 4.0 / sqrt(n));
    assert_close(squares / n, 1.0, 4.0 * sqrt(2.0 / n));
    urn_posterior_free(p);
}

static void same_number_same_bits(void **state)
{
    (void)state;
    const double loc[3] = {1, 2, 3}, scale[3] = {1, 1, 1};
    double a[3], b[3], c[3];
    urn_posterior *p, *q, *other;
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 3, 1, 0, loc, scale, 5, &p, NULL), 0);
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 3, 1, 0, loc, scale, 5, &q, NULL), 0);
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 3, 1, 0, loc, scale, 6, &other, NULL),
                     0);
    urn_posterior_draw(p, 3, a);
    urn_posterior_draw(p, 9, c);
    urn_posterior_draw(q, 3, b);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    urn_posterior_draw(other, 3, b);
    assert_memory_not_equal(a, b, sizeof a);
    urn_posterior_free(p);
    urn_posterior_free(q);
    urn_posterior_free(other);
}

/* Any part of a draw, and on any number of threads, has the bits of the whole. */
static void parts_are_those_of_the_whole(void **state)
{
    (void)state;
    enum { N = 3 * URN__CHUNK + 100 };
    static double loc[N], scale[N], whole[N], part[N];
    static const int64_t cuts[][2] = {{0, 1},      {0, N},       {511, 2},  {512, 512},
                                      {700, 4096}, {5000, 5000}, {N - 1, 1}};
    for (int i = 0; i < N; i++) {
        loc[i] = sin(i);
        scale[i] = 0.5 + 0.1 * cos(i);
    }
    for (int kind = 0; kind < 3; kind++) {
        urn_posterior *p;
        const bool stored = kind == URN_POSTERIOR_DRAWS;
        assert_int_equal(urn_posterior_new((urn_posterior_kind)kind, stored ? N / 4 : N, 1,
                                           stored ? 4 : 0, loc, scale, 11, &p, NULL),
                         URN_OK);
        const int64_t n = urn_posterior_size(p);
        urn_posterior_draw(p, 3, whole);
        for (size_t k = 0; k < N_OF(cuts); k++) {
            const int64_t first = cuts[k][0], most = n - first;
            const int64_t count = cuts[k][1] < most ? cuts[k][1] : most;
            for (int i = 0; i < N; i++)
                part[i] = -99.0;
            if (count < 1)
                continue;
            urn_posterior_draw_part(p, 3, first, count, part);
            assert_memory_equal(part + first, whole + first, (size_t)count * sizeof(double));
            for (int64_t i = 0; i < n; i++)
                assert_true((part[i] == -99.0) == (i < first || i >= first + count));
        }
        for (int threads = 1; threads <= 8; threads++) {
            memset(part, 0, sizeof part);
            urn__posterior_draw(p, 3, threads, part);
            assert_memory_equal(part, whole, (size_t)n * sizeof(double));
        }
        urn_posterior_free(p);
    }
}

static void stored_draws_come_back(void **state)
{
    (void)state;
    double x[2 * 3 * 2], got[2];
    for (int i = 0; i < 12; i++)
        x[i] = i;
    urn_posterior *p;
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_DRAWS, 2, 2, 3, x, NULL, 1, &p, NULL), 0);
    assert_int_equal(urn_posterior_chains(p), 2);
    assert_int_equal(urn_posterior_draws(p), 3);
    for (int s = 0; s < 6; s++) {
        urn_posterior_draw(p, s, got);
        assert_true(got[0] == 2 * s && got[1] == 2 * s + 1);
    }
    urn_posterior_free(p);
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_POINT, 2, 1, 0, x + 4, NULL, 1, &p, NULL), 0);
    urn_posterior_draw(p, 99, got);
    assert_true(got[0] == 4 && got[1] == 5);
    urn_posterior_free(p);
    urn_posterior_free(NULL);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    const double x[2] = {0, 0}, bad[2] = {1, -1};
    urn_posterior *p;
    urn_error error = {0};
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 2, 1, 0, x, bad, 1, &p, &error),
                     URN_ERR_USAGE);
    assert_null(p);
    assert_non_null(strstr(error.message, "scale 1 of a normal posterior is -1"));
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 2, 1, 0, x, NULL, 1, &p, &error),
                     URN_ERR_USAGE);
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_DRAWS, 2, 1, 0, x, NULL, 1, &p, &error),
                     URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "1 chains of 0 draws"));
    assert_int_equal(
        urn_posterior_new(URN_POSTERIOR_DRAWS, INT64_MAX / 2, 8, 8, x, NULL, 1, &p, &error),
        URN_ERR_MEMORY);
}

static void memory_running_out_is_an_error(void **state)
{
    (void)state;
    const double x[2] = {0, 0}, scale[2] = {1, 1};
    for (long fail_at = 1; fail_at <= 3; fail_at++) {
        failing_memory memory;
        urn_posterior *p;
        urn_error error = {0};
        failing_memory_init(&memory, fail_at, false);
        assert_int_equal(urn__posterior_make(&memory.hook, URN_POSTERIOR_NORMAL, 2, 1, 0, x, scale,
                                             1, &p, &error),
                         URN_ERR_MEMORY);
        assert_null(p);
        assert_int_equal(memory.live, 0);
    }
}

static void scores_are_as_defined(void **state)
{
    (void)state;
    double mean[4] = {1, 2, 3, 4}, density[4] = {-1, -2, -3, -4}, cdf[4] = {0.5, 0.05, 0.74, 0.99};
    const double observed[4] = {2, 2, 1, 5};
    urn_prediction p = {.n_rows = 4, .mean = mean, .log_density = density, .cdf = cdf};
    urn_scores scores;
    urn_score(&p, observed, &scores);
    assert_int_equal(scores.n, 4);
    assert_close(scores.rmse, sqrt(6.0 / 4.0), 1e-15);
    assert_close(scores.mae, 1.0, 1e-15);
    assert_close(scores.mean_log_predictive_density, -2.5, 1e-15);
    assert_close(scores.coverage_50, 0.5, 0.0);  /* .5 and .74 */
    assert_close(scores.coverage_80, 0.5, 0.0);  /* 0.05 is below .1 */
    assert_close(scores.coverage_95, 0.75, 0.0); /* 0.99 is above .975 */
    p.cdf = NULL;
    p.log_density = NULL;
    urn_score(&p, observed, &scores);
    assert_true(isnan(scores.coverage_50) && isnan(scores.coverage_95));
    assert_true(isnan(scores.mean_log_predictive_density));
    assert_close(scores.mae, 1.0, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_of_a_normal_have_its_moments),
        cmocka_unit_test(same_number_same_bits),
        cmocka_unit_test(parts_are_those_of_the_whole),
        cmocka_unit_test(stored_draws_come_back),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(memory_running_out_is_an_error),
        cmocka_unit_test(scores_are_as_defined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
