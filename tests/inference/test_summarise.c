/* Summaries of sites in their natural space, against closed forms. */
#include "tests/inference/models.h"

static const double probs[3] = {0.05, 0.5, 0.975};
static const double z_of[3] = {-1.6448536269514722, 0.0, 1.9599639845400545};

typedef struct summary {
    double mean[9], sd[9], quantiles[27];
} summary;

static summary summarise(const urn_model *model, const urn_posterior *p, const char *site)
{
    summary s;
    urn_error error = {0};
    assert_ok(urn_summarise_site(model, p, urn_model_site_find(model, site), 1, s.mean, s.sd, 3,
                                 probs, s.quantiles, &error),
              &error);
    return s;
}

/* A guide over the supports model with loc[i], scale[i] by coordinate. */
static scene supports_scene(double *loc, double *scale)
{
    const double y[1] = {0.0};
    scene s = scene_y(urn_model_supports(), 1, y);
    const int64_t n = urn_model_position_size(s.model);
    assert_int_equal(n, 7);
    for (int64_t i = 0; i < n; i++) {
        loc[i] = 0.3 * (double)i - 0.7;
        scale[i] = 0.2 + 0.05 * (double)i;
    }
    return s;
}

static void elementwise_supports_are_exact(void **state)
{
    (void)state;
    double loc[7], scale[7];
    scene s = supports_scene(loc, scale);
    urn_posterior *p;
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 7, 1, 0, loc, scale, 3, &p, NULL),
                     URN_OK);

    int64_t at = offset_of(s.model, "real");
    summary got = summarise(s.model, p, "real");
    assert_close(got.mean[0], loc[at], 0.0);
    assert_close(got.sd[0], scale[at], 0.0);
    for (int k = 0; k < 3; k++)
        assert_close(got.quantiles[k], loc[at] + scale[at] * z_of[k], 1e-14);

    at = offset_of(s.model, "positive");
    got = summarise(s.model, p, "positive");
    const double v = scale[at] * scale[at];
    assert_close(got.mean[0], exp(loc[at] + 0.5 * v), 1e-14);
    assert_close(got.sd[0], exp(loc[at] + 0.5 * v) * sqrt(exp(v) - 1.0), 1e-14);
    for (int k = 0; k < 3; k++)
        assert_close(got.quantiles[k], exp(loc[at] + scale[at] * z_of[k]), 1e-14);

    at = offset_of(s.model, "bounded");
    got = summarise(s.model, p, "bounded");
    for (int k = 0; k < 3; k++)
        assert_close(got.quantiles[k], -1.0 + 4.0 / (1.0 + exp(-loc[at] - scale[at] * z_of[k])),
                     1e-13);
    /* the mean by Simpson's rule over +-8 sd */
    double sum = 0.0;
    for (int i = 0; i <= 2000; i++) {
        const double z = -8.0 + 16.0 * i / 2000.0;
        const double weight = i == 0 || i == 2000 ? 1.0 : i % 2 ? 4.0 : 2.0;
        sum += weight * exp(-0.5 * z * z - 0.5 * LOG_2PI) *
               (-1.0 + 4.0 / (1.0 + exp(-loc[at] - scale[at] * z)));
    }
    assert_close(got.mean[0], sum * 16.0 / 2000.0 / 3.0, 4.0 * got.sd[0] / sqrt(1000.0));
    urn_posterior_free(p);
    scene_clear(&s);
}

/* "moving" lies between 0 and "positive": its quantiles are not those of its own coordinate. */
static void bounds_that_move_are_drawn(void **state)
{
    (void)state;
    double loc[7], scale[7], draw[7], value[1000];
    scene s = supports_scene(loc, scale);
    urn_posterior *p;
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 7, 1, 0, loc, scale, 3, &p, NULL),
                     URN_OK);
    const summary got = summarise(s.model, p, "moving");
    const int64_t top = offset_of(s.model, "positive"), at = offset_of(s.model, "moving");
    double sum = 0.0;
    for (int i = 0; i < 1000; i++) {
        urn_posterior_draw(p, i, draw);
        value[i] = exp(draw[top]) / (1.0 + exp(-draw[at]));
        sum += value[i] / 1000.0;
    }
    assert_close(got.mean[0], sum, 1e-12);
    int below = 0;
    for (int i = 0; i < 1000; i++)
        below += value[i] <= got.quantiles[0];
    assert_in_range(below, 49, 51);
    urn_posterior_free(p);
    scene_clear(&s);
}

static void matrices_are_drawn(void **state)
{
    (void)state;
    double loc[7], scale[7];
    scene s = supports_scene(loc, scale);
    urn_posterior *p;
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 7, 1, 0, loc, scale, 3, &p, NULL),
                     URN_OK);
    const summary got = summarise(s.model, p, "tril");
    /* row-major 3 x 3: the corner is 1, the upper part 0, without spread */
    assert_close(got.mean[0], 1.0, 0.0);
    assert_close(got.sd[0], 0.0, 0.0);
    assert_close(got.mean[1], 0.0, 0.0);
    assert_close(got.quantiles[9 + 5], 0.0, 0.0);
    assert_true(got.sd[3] > 0.01 && got.quantiles[3] < got.quantiles[9 + 3] &&
                got.quantiles[9 + 3] < got.quantiles[18 + 3]);
    urn_posterior_free(p);
    scene_clear(&s);
}

static void recorded_sites_and_stored_draws(void **state)
{
    (void)state;
    const double y[2] = {1, 2};
    scene s = scene_y(urn_model_rate(), 2, y);
    double x[200];
    for (int i = 0; i < 200; i++)
        x[i] = 0.01 * ((i * 37) % 200); /* log(lambda): 0, 0.01, ... 1.99 in some order */
    urn_posterior *p;
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_DRAWS, 1, 2, 100, x, NULL, 3, &p, NULL),
                     URN_OK);
    summary got = summarise(s.model, p, "log_lambda");
    assert_close(got.mean[0], 0.995, 1e-12);
    assert_close(got.sd[0], 0.01 * sqrt(200.0 * 201.0 / 12.0), 1e-12);
    assert_close(got.quantiles[0], 0.01 * 0.05 * 199.0, 1e-12);
    assert_close(got.quantiles[1], 0.995, 1e-12);
    got = summarise(s.model, p, "lambda");
    assert_close(got.quantiles[1], 0.5 * (exp(0.99) + exp(1.0)), 1e-12);
    urn_posterior_free(p);

    const double point[1] = {0.4};
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_POINT, 1, 1, 0, point, NULL, 3, &p, NULL),
                     URN_OK);
    got = summarise(s.model, p, "lambda");
    assert_close(got.mean[0], exp(0.4), 1e-14);
    assert_close(got.sd[0], 0.0, 0.0);
    assert_close(got.quantiles[0], exp(0.4), 1e-14);
    urn_posterior_free(p);
    scene_clear(&s);
}

static void refusals(void **state)
{
    (void)state;
    const double y[2] = {1, 2}, x[3] = {0, 0, 0}, scale[1] = {1}, bad[1] = {1.5};
    double mean[2], quantile[2];
    urn_error error = {0};
    scene s = scene_y(urn_model_rate(), 2, y);
    urn_posterior *p, *large;
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 1, 1, 0, x, scale, 3, &p, NULL), 0);
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_POINT, 3, 1, 0, x, NULL, 3, &large, NULL), 0);
    assert_int_equal(urn_summarise_site(s.model, p, 99, 1, mean, NULL, 0, NULL, NULL, &error),
                     URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "site 99 was asked for"));
    assert_int_equal(urn_summarise_site(s.model, large, 0, 1, mean, NULL, 0, NULL, NULL, &error),
                     URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "the posterior has 3 coordinates, but the model has 1"));
    assert_int_equal(urn_summarise_site(s.model, p, 0, 1, NULL, NULL, 1, bad, quantile, &error),
                     URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "a quantile at 1.5"));
    const int observed = urn_model_site_find(s.model, "y");
    assert_int_equal(urn_summarise_site(s.model, p, observed, 1, mean, NULL, 0, NULL, NULL, &error),
                     URN_ERR_USAGE);
    assert_string_equal(error.site, "y");
    urn_posterior_free(p);
    urn_posterior_free(large);
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elementwise_supports_are_exact),
        cmocka_unit_test(bounds_that_move_are_drawn),
        cmocka_unit_test(matrices_are_drawn),
        cmocka_unit_test(recorded_sites_and_stored_draws),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
