/* Predictions against predictive distributions known in closed form. */
#include "tests/inference/models.h"

static double normal_cdf(double z)
{
    return 0.5 * erfc(-z / sqrt(2.0));
}

static urn_posterior *normal_posterior(int64_t n, const double *loc, const double *scale)
{
    urn_posterior *p;
    urn_error error = {0};
    assert_ok(urn_posterior_new(URN_POSTERIOR_NORMAL, n, 1, 0, loc, scale, 3, &p, &error), &error);
    return p;
}

static urn_prediction *predict(const urn_model *fitted, const urn_posterior *p,
                               const urn_model *target, const urn_predict_options *options)
{
    urn_prediction *prediction;
    urn_error error = {0};
    assert_ok(urn_predict(fitted, p, target, options, &prediction, &error), &error);
    return prediction;
}

/* mu ~ N(1.8, 0.4): a new y is N(1.8, sqrt(0.4^2 + 0.5^2)). Errors of S = 4000 draws. */
static void a_normal_mean(void **state)
{
    (void)state;
    const double y[3] = {1.0, 1.9, 3.5}, loc[1] = {1.8}, scale[1] = {0.4};
    scene s = scene_y(urn_model_normal_mean(), 3, y);
    urn_posterior *p = normal_posterior(1, loc, scale);
    const urn_predict_options options = {
        .bytes = sizeof options, .draws = 4000, .threads = 1, .seed = 5};
    urn_prediction *got = predict(s.model, p, s.model, &options);
    const double sd = sqrt(0.41), root = sqrt(4000.0);
    assert_int_equal(got->n_rows, 3);
    for (int r = 0; r < 3; r++) {
        const double z = (y[r] - 1.8) / sd;
        assert_close(got->mean[r], 1.8, 4.0 * 0.4 / root);
        assert_close(got->mean_sd[r], 0.4, 4.0 * 0.4 / sqrt(2.0) / root);
        assert_close(got->sd[r], sd, 4.0 * sd / root);
        assert_close(got->low[r], 1.8 - 1.6448536269514722 * sd, 4.0 * 2.2 * sd / root);
        assert_close(got->high[r], 1.8 + 1.6448536269514722 * sd, 4.0 * 2.2 * sd / root);
        assert_close(got->cdf[r], normal_cdf(z), 4.0 * 0.5 / root);
        assert_close(got->log_density[r], -0.5 * z * z - log(sd) - 0.5 * LOG_2PI, 0.12);
    }
    urn_prediction_free(got);
    urn_posterior_free(p);
    scene_clear(&s);
}

/* The same from its parts: every average is over the draws that urn_posterior_draw gives. */
static void averages_are_over_the_posterior_s_draws(void **state)
{
    (void)state;
    enum { S = 50 };
    const double y[3] = {1.0, 1.9, 3.5}, loc[1] = {1.8}, scale[1] = {0.4};
    scene s = scene_y(urn_model_normal_mean(), 3, y);
    urn_posterior *p = normal_posterior(1, loc, scale);
    const urn_predict_options options = {.bytes = sizeof options, .draws = S, .threads = 1};
    urn_prediction *got = predict(s.model, p, s.model, &options);
    for (int r = 0; r < 3; r++) {
        double mean = 0.0, density = 0.0, cdf = 0.0, squares = 0.0, mu[1];
        for (int i = 0; i < S; i++) {
            urn_posterior_draw(p, i, mu);
            const double z = (y[r] - mu[0]) / 0.5;
            mean += mu[0] / S;
            density += exp(-0.5 * z * z) / 0.5 / sqrt(2.0 * 3.14159265358979323846) / S;
            cdf += normal_cdf(z) / S;
        }
        for (int i = 0; i < S; i++) {
            urn_posterior_draw(p, i, mu);
            squares += (mu[0] - mean) * (mu[0] - mean) / (S - 1);
        }
        assert_close(got->mean[r], mean, 1e-13);
        assert_close(got->mean_sd[r], sqrt(squares), 1e-13);
        assert_close(got->log_density[r], log(density), 1e-12);
        assert_close(got->cdf[r], cdf, 1e-13);
    }
    urn_prediction_free(got);
    urn_posterior_free(p);
    scene_clear(&s);
}

static void rows_drawn_far_apart_do_not_overflow(void **state)
{
    (void)state;
    const double y[2] = {1e6, 1.8}, loc[1] = {1.8}, scale[1] = {0.4};
    scene s = scene_y(urn_model_normal_mean(), 2, y);
    urn_posterior *p = normal_posterior(1, loc, scale);
    const urn_predict_options options = {.bytes = sizeof options, .draws = 100, .threads = 1};
    urn_prediction *got = predict(s.model, p, s.model, &options);
    assert_true(got->log_density[0] < -1e11 && isfinite(got->log_density[0]));
    assert_true(got->cdf[0] == 1.0);
    assert_true(got->log_density[1] > -2.0);
    urn_prediction_free(got);
    urn_posterior_free(p);
    scene_clear(&s);
}

/* Four groups were fitted; the target also has a fifth one, predicted from its prior N(0, 1.5). */
static void unseen_groups_come_from_the_prior(void **state)
{
    (void)state;
    static const char *const names[] = {"group", "y"};
    const double group[4] = {10, 20, 30, 40}, y[4] = {0, 0, 0, 0};
    const double new_group[3] = {40, 50, 10}, new_y[3] = {0.5, 0.0, 0.0};
    const double *const columns[] = {group, y}, *const new_columns[] = {new_group, new_y};
    const int64_t ids[4] = {10, 20, 30, 40};
    urn_error error = {0};
    scene s = {.data = dataset_of(4, names, columns, 2)};
    s.model = trace_rows(urn_model_groups(), s.data, URN_ROWS_TRAINING);
    scene t = {.data = dataset_of(3, names, new_columns, 2)};
    assert_ok(urn_dataset_set_ids(t.data, "group", 4, ids, NULL, &error), &error);
    t.model = trace_rows(urn_model_groups(), t.data, URN_ROWS_TRAINING);
    const double loc[4] = {1, 2, 3, 4}, scale[4] = {0.1, 0.1, 0.1, 0.1};
    urn_posterior *p = normal_posterior(4, loc, scale);
    const urn_predict_options options = {.bytes = sizeof options, .draws = 4000, .threads = 1};
    urn_prediction *got = predict(s.model, p, t.model, &options);
    assert_int_equal(got->n_rows, 3);
    assert_close(got->mean[0], 4.0, 0.01);
    assert_close(got->mean_sd[0], 0.1, 0.006);
    assert_close(got->mean[1], 0.0, 4.0 * 1.5 / sqrt(4000.0));
    assert_close(got->mean_sd[1], 1.5, 0.07);
    assert_close(got->sd[1], sqrt(1.5 * 1.5 + 0.25), 0.08);
    assert_close(got->mean[2], 1.0, 0.01);
    urn_prediction_free(got);
    urn_posterior_free(p);
    scene_clear(&t);
    scene_clear(&s);
}

/* Held-out rows of the same data: the plates are those of all rows. */
static void held_out_rows(void **state)
{
    (void)state;
    static const char *const names[] = {"group", "y"};
    const double group[5] = {1, 2, 3, 1, 2}, y[5] = {0, 0, 0, 7, 8};
    const unsigned char held_out[5] = {0, 0, 0, 1, 1};
    const double *const columns[] = {group, y};
    urn_error error = {0};
    scene s = {.data = dataset_of(5, names, columns, 2)};
    assert_ok(urn_dataset_set_held_out(s.data, "rows", held_out, &error), &error);
    s.model = trace_rows(urn_model_groups(), s.data, URN_ROWS_TRAINING);
    urn_model *target = trace_rows(urn_model_groups(), s.data, URN_ROWS_HELD_OUT);
    const double loc[3] = {1, 2, 3}, scale[3] = {0.1, 0.1, 0.1};
    urn_posterior *p = normal_posterior(3, loc, scale);
    const urn_predict_options options = {.bytes = sizeof options, .threads = 1};
    urn_prediction *got = predict(s.model, p, target, &options);
    assert_int_equal(got->n_rows, 2);
    assert_close(got->mean[0], 1.0, 0.03);
    assert_close(got->mean[1], 2.0, 0.03);
    const double observed[2] = {7, 8};
    urn_scores scores;
    urn_score(got, observed, &scores);
    assert_close(scores.rmse, 6.0, 0.05);
    assert_close(scores.coverage_95, 0.0, 0.0);
    urn_prediction_free(got);
    urn_posterior_free(p);
    urn_model_free(target);
    scene_clear(&s);
}

/* Latent values of held-out rows are not among the fitted ones: N(0, 2) again, plus noise. */
static void sites_over_rows_are_drawn_for_new_rows(void **state)
{
    (void)state;
    static const char *const names[] = {"y"};
    const double y[4] = {3, 3, 3, 3}, loc[3] = {3, 3, 3}, scale[3] = {0.1, 0.1, 0.1};
    const unsigned char held_out[4] = {0, 0, 0, 1};
    const double *const columns[] = {y};
    urn_error error = {0};
    scene s = {.data = dataset_of(4, names, columns, 1)};
    assert_ok(urn_dataset_set_held_out(s.data, "rows", held_out, &error), &error);
    s.model = trace_rows(urn_model_noisy_rows(), s.data, URN_ROWS_TRAINING);
    urn_model *target = trace_rows(urn_model_noisy_rows(), s.data, URN_ROWS_HELD_OUT);
    urn_posterior *p = normal_posterior(3, loc, scale);
    const urn_predict_options options = {.bytes = sizeof options, .draws = 4000, .threads = 1};
    urn_prediction *got = predict(s.model, p, target, &options);
    assert_int_equal(got->n_rows, 1);
    assert_close(got->mean[0], 0.0, 4.0 * 2.0 / sqrt(4000.0));
    assert_close(got->sd[0], sqrt(4.25), 0.1);
    urn_prediction_free(got);
    got = predict(s.model, p, s.model, &options); /* the training rows: fitted values */
    assert_int_equal(got->n_rows, 3);
    assert_close(got->mean[1], 3.0, 0.01);
    urn_prediction_free(got);
    urn_posterior_free(p);
    urn_model_free(target);
    scene_clear(&s);
}

/* ... also where there are as many of them. */
static void sites_over_rows_are_drawn_for_as_many_new_rows(void **state)
{
    (void)state;
    static const char *const names[] = {"y"};
    const double y[4] = {3, 3, 3, 3}, loc[2] = {3, 3}, scale[2] = {0.1, 0.1};
    const unsigned char held_out[4] = {0, 1, 0, 1};
    const double *const columns[] = {y};
    urn_error error = {0};
    scene s = {.data = dataset_of(4, names, columns, 1)};
    assert_ok(urn_dataset_set_held_out(s.data, "rows", held_out, &error), &error);
    s.model = trace_rows(urn_model_noisy_rows(), s.data, URN_ROWS_TRAINING);
    urn_model *target = trace_rows(urn_model_noisy_rows(), s.data, URN_ROWS_HELD_OUT);
    urn_posterior *p = normal_posterior(2, loc, scale);
    const urn_predict_options options = {.bytes = sizeof options, .draws = 4000, .threads = 1};
    urn_prediction *got = predict(s.model, p, target, &options);
    assert_int_equal(got->n_rows, 2);
    assert_close(got->mean[1], 0.0, 4.0 * 2.0 / sqrt(4000.0));
    urn_prediction_free(got);
    /* the same rows of the same file, read again, are known */
    scene again = {.data = dataset_of(4, names, columns, 1)};
    assert_ok(urn_dataset_set_held_out(again.data, "rows", held_out, &error), &error);
    again.model = trace_rows(urn_model_noisy_rows(), again.data, URN_ROWS_TRAINING);
    got = predict(s.model, p, again.model, &options);
    assert_close(got->mean[1], 3.0, 0.01);
    urn_prediction_free(got);
    scene_clear(&again);
    urn_posterior_free(p);
    urn_model_free(target);
    scene_clear(&s);
}

static void memory_running_out_is_an_error(void **state)
{
    (void)state;
    const double y[2] = {1, 2}, loc[1] = {1.8}, scale[1] = {0.4}, probs[1] = {0.5};
    scene s = scene_y(urn_model_normal_mean(), 2, y);
    const int mu = urn_model_site_find(s.model, "mu");
    for (long fail_at = 3;; fail_at++) { /* the first three make the posterior */
        failing_memory memory;
        urn_posterior *p = NULL;
        urn_prediction *got = NULL;
        double mean[1], quantile[1];
        urn_error error = {0};
        failing_memory_init(&memory, fail_at + 1, fail_at % 2 == 0);
        assert_int_equal(urn__posterior_make(&memory.hook, URN_POSTERIOR_NORMAL, 1, 1, 0, loc,
                                             scale, 1, &p, NULL),
                         URN_OK);
        const urn_predict_options options = {.bytes = sizeof options, .draws = 5, .threads = 1};
        urn_status status = urn_predict(s.model, p, s.model, &options, &got, &error);
        if (status == URN_OK)
            status = urn_summarise_site(s.model, p, mu, 1, mean, NULL, 1, probs, quantile, &error);
        urn_prediction_free(got);
        urn_posterior_free(p);
        assert_int_equal(memory.live, 0);
        const bool all = memory.calls <= fail_at;
        assert_int_equal(status, all ? URN_OK : URN_ERR_MEMORY);
        if (all) {
            assert_true(fail_at > 6);
            break;
        }
    }
    scene_clear(&s);
}

static void points_and_plug_in(void **state)
{
    (void)state;
    const double y[2] = {1.0, 1.9}, loc[1] = {1.8}, scale[1] = {0.4},
                 draws[4] = {1.0, 2.0, 3.0, 5.0};
    scene s = scene_y(urn_model_normal_mean(), 2, y);
    urn_posterior *p[3];
    const double centre[3] = {1.8, 1.8, 2.75};
    p[0] = normal_posterior(1, loc, scale);
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_POINT, 1, 1, 0, loc, NULL, 1, &p[1], NULL), 0);
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_DRAWS, 1, 2, 2, draws, NULL, 1, &p[2], NULL),
                     0);
    for (int k = 0; k < 3; k++) {
        const urn_predict_options options = {
            .bytes = sizeof options, .draws = 2000, .threads = 1, .plug_in = k != 1, .site = "y"};
        urn_prediction *got = predict(s.model, p[k], s.model, &options);
        const double z = (y[0] - centre[k]) / 0.5;
        assert_close(got->mean[0], centre[k], 1e-13);
        assert_close(got->mean_sd[0], 0.0, 1e-13);
        assert_close(got->sd[0], 0.5, 0.04);
        assert_close(got->log_density[0], -0.5 * z * z - log(0.5) - 0.5 * LOG_2PI, 1e-12);
        urn_prediction_free(got);
        urn_posterior_free(p[k]);
    }
    scene_clear(&s);
}

/* All stored draws are used once by default, an even selection when fewer are asked for. */
static void stored_draws_are_used_evenly(void **state)
{
    (void)state;
    const double y[1] = {1.0};
    double draws[10];
    for (int i = 0; i < 10; i++)
        draws[i] = i;
    scene s = scene_y(urn_model_normal_mean(), 1, y);
    urn_posterior *p;
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_DRAWS, 1, 2, 5, draws, NULL, 1, &p, NULL), 0);
    urn_predict_options options = {.bytes = sizeof options, .threads = 1};
    urn_prediction *got = predict(s.model, p, s.model, &options);
    assert_close(got->mean[0], 4.5, 1e-13);
    assert_close(got->mean_sd[0], sqrt(110.0 / 12.0), 1e-13);
    urn_prediction_free(got);
    options.draws = 5; /* 0, 2, 4, 6, 8 */
    got = predict(s.model, p, s.model, &options);
    assert_close(got->mean[0], 4.0, 1e-13);
    urn_prediction_free(got);
    urn_posterior_free(p);
    scene_clear(&s);
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    enum { N = 20000 };
    static double group[N], y[N], loc[N], scale[N];
    static const char *const names[] = {"group", "y"};
    const double *const columns[] = {group, y};
    for (int i = 0; i < N; i++) {
        group[i] = i % 7000;
        loc[i] = sin(i);
        scale[i] = 0.5;
    }
    scene s = {.data = dataset_of(N, names, columns, 2)};
    s.model = trace_rows(urn_model_groups(), s.data, URN_ROWS_TRAINING);
    urn_posterior *p = normal_posterior(7000, loc, scale);
    urn_prediction *first = NULL;
    static const int threads[] = {1, 2, 3, 8};
    for (size_t k = 0; k < 4; k++) {
        const urn_predict_options options = {
            .bytes = sizeof options, .draws = 8, .threads = threads[k], .seed = 4};
        urn_prediction *got = predict(s.model, p, s.model, &options);
        if (k == 0) {
            first = got;
            continue;
        }
        const size_t bytes = N * sizeof(double);
        assert_memory_equal(got->mean, first->mean, bytes);
        assert_memory_equal(got->sd, first->sd, bytes);
        assert_memory_equal(got->low, first->low, bytes);
        assert_memory_equal(got->high, first->high, bytes);
        assert_memory_equal(got->log_density, first->log_density, bytes);
        assert_memory_equal(got->cdf, first->cdf, bytes);
        urn_prediction_free(got);
    }
    urn_prediction_free(first);
    urn_posterior_free(p);
    scene_clear(&s);
}

static void refusals(void **state)
{
    (void)state;
    const double y[2] = {1, 2}, loc[3] = {0, 0, 0}, scale[3] = {1, 1, 1};
    scene s = scene_y(urn_model_normal_mean(), 2, y), other = scene_y(urn_model_rate(), 2, y);
    urn_posterior *p = normal_posterior(1, loc, scale), *large = normal_posterior(3, loc, scale);
    urn_prediction *got;
    urn_error error = {0};
    urn_predict_options options = {.bytes = sizeof options, .threads = 1, .site = "x"};
    assert_int_equal(urn_predict(s.model, p, s.model, &options, &got, &error), URN_ERR_USAGE);
    assert_null(got);
    assert_string_equal(error.site, "x");
    assert_non_null(strstr(error.message, "no observed site of this name"));
    options.site = "mu"; /* latent */
    assert_int_equal(urn_predict(s.model, p, s.model, &options, &got, &error), URN_ERR_USAGE);
    options.site = NULL;
    assert_int_equal(urn_predict(s.model, large, s.model, &options, &got, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "the posterior has 3 coordinates, but the model has 1"));
    assert_int_equal(urn_predict(s.model, p, other.model, &options, &got, &error), URN_ERR_USAGE);
    assert_string_equal(error.site, "lambda");
    assert_non_null(strstr(error.message, "the fitted model has no such site"));
    options.level = 1.0;
    assert_int_equal(urn_predict(s.model, p, s.model, &options, &got, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "a level of 1 and"));
    urn_posterior_free(p);
    urn_posterior_free(large);
    scene_clear(&s);
    scene_clear(&other);
}

static void groups_that_shrank_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"group", "y"};
    const double group[3] = {1, 2, 3}, y[3] = {0, 0, 0};
    const double *const columns[] = {group, y};
    scene s = {.data = dataset_of(3, names, columns, 2)},
          t = {.data = dataset_of(2, names, columns, 2)};
    s.model = trace_rows(urn_model_groups(), s.data, URN_ROWS_TRAINING);
    t.model = trace_rows(urn_model_groups(), t.data, URN_ROWS_TRAINING);
    const double loc[3] = {1, 2, 3}, scale[3] = {1, 1, 1};
    urn_posterior *p = normal_posterior(3, loc, scale);
    urn_prediction *got;
    urn_error error = {0};
    assert_int_equal(urn_predict(s.model, p, t.model, NULL, &got, &error), URN_ERR_USAGE);
    assert_string_equal(error.site, "theta");
    assert_non_null(strstr(error.message, "the site has 2 rows"));
    assert_non_null(strstr(error.hint, "ids of the fit"));
    urn_posterior_free(p);
    scene_clear(&s);
    scene_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_normal_mean),
        cmocka_unit_test(averages_are_over_the_posterior_s_draws),
        cmocka_unit_test(rows_drawn_far_apart_do_not_overflow),
        cmocka_unit_test(unseen_groups_come_from_the_prior),
        cmocka_unit_test(held_out_rows),
        cmocka_unit_test(sites_over_rows_are_drawn_for_new_rows),
        cmocka_unit_test(sites_over_rows_are_drawn_for_as_many_new_rows),
        cmocka_unit_test(memory_running_out_is_an_error),
        cmocka_unit_test(points_and_plug_in),
        cmocka_unit_test(stored_draws_are_used_evenly),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(refusals),
        cmocka_unit_test(groups_that_shrank_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
