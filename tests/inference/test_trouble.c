/* The driver and the engines when something is wrong: densities that are not finite, interrupts,
 * settings that cannot be, no memory. */
#include "tests/inference/check.h"

static void lbfgs_wants_doubles(void **state)
{
    (void)state;
    normal_target *t = normal_target_in(URN_PRECISION_SINGLE, 5, 1);
    urn_fit_options options = options_for("map", NULL, 0, NULL);
    urn_fit *fit;
    urn_error error = {0};
    options.precision = URN_PRECISION_SINGLE;
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "L-BFGS works in double precision only"));
    assert_string_equal(error.hint, "add --method adam, or leave --precision single out");
    free(t);
}

/* A NaN in one of three chunks of block "a" at one step: that chunk stays where it was, the others
 * and the next steps go on. */
enum { CHUNKED = 3 * URN__CHUNK };

static double bad_in_the_middle(void *context, const double *x, double *gradient)
{
    normal_target *t = context;
    const double value = normal_log_density(context, x, gradient);
    if (gradient && ++t->evaluations == 2)
        gradient[URN__CHUNK + 17] = (double)NAN;
    return value;
}

static void a_bad_chunk_keeps_its_parameters(void **state)
{
    (void)state;
    const char *const steps[] = {"1", "2", "3"};
    double *loc[3];
    for (int k = 0; k < 3; k++) {
        const urn_setting settings[] = {
            {"steps", steps[k]}, {"lr", "0.01"}, {"init", "zero"}, {"k-hat-draws", "0"}};
        normal_target *t = normal_target_new(CHUNKED, 2);
        t->target.log_density = bad_in_the_middle;
        const urn_fit_options options = options_for("svi", settings, 4, NULL);
        urn_fit *fit;
        assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
        assert_true(number_of(fit, "skipped_steps") == (k > 0 ? 1.0 : 0.0));
        loc[k] = calloc(CHUNKED + 2, sizeof(double));
        memcpy(loc[k], urn_posterior_loc(urn_fit_posterior(fit)), sizeof(double) * (CHUNKED + 2));
        urn_fit_free(fit);
        free(t);
    }
    for (int i = 0; i < CHUNKED + 2; i++) {
        const bool bad = i >= URN__CHUNK && i < 2 * URN__CHUNK;
        assert_true(isfinite(loc[2][i]));
        assert_true((loc[0][i] == loc[1][i]) == bad);
        assert_true(loc[1][i] != loc[2][i]);
    }
    for (int k = 0; k < 3; k++)
        free(loc[k]);
}

static void an_interrupted_fit_is_usable(void **state)
{
    (void)state;
    static const struct {
        const char *engine;
        urn_setting settings[2];
        size_t n;
    } cases[] = {{"svi", {{"steps", "100"}}, 1},
                 {"svi", {{"guide", "delta"}}, 1},
                 {"map", {{"method", "adam"}}, 1},
                 {"map", {{"method", "lbfgs"}}, 1}};
    for (size_t k = 0; k < N_OF(cases); k++) {
        normal_target *t = normal_target_new(5, 1);
        record *r = calloc(1, sizeof *r);
        r->stop_at = 3;
        const urn_fit_options options =
            options_for(cases[k].engine, cases[k].settings, cases[k].n, r);
        urn_fit *fit;
        urn_error error = {0};
        assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_INTERRUPTED);
        assert_non_null(strstr(error.message, "interrupted after step 3 of "));
        assert_int_equal(r->rows, 3);
        assert_non_null(urn_fit_posterior(fit));
        assert_int_equal(urn_posterior_size(urn_fit_posterior(fit)), 7);
        assert_true(number_of(fit, "steps") == 3.0);
        assert_true(isfinite(number_of(fit, "smoothed_loss")));
        assert_true(isnan(number_of(fit, "loss_per_observation")));
        urn_fit_free(fit);
        free(r);
        free(t);
    }
}

static void evaluations_can_be_interrupted(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"steps", "10"}};
    normal_target *t = normal_target_new(5, 1);
    record *r = calloc(1, sizeof *r);
    r->stop_evaluating_at = 20;
    const urn_fit_options options = options_for("svi", settings, 1, r);
    urn_fit *fit;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_INTERRUPTED);
    assert_int_equal(r->evaluating, 20);
    assert_int_equal(r->rows, 10);
    assert_non_null(urn_fit_posterior(fit));
    assert_true(isnan(number_of(fit, "loss_per_observation")));
    urn_fit_free(fit);
    free(r);
    free(t);
}

/* Infinite densities and NaN gradients: a few are skipped and counted, ten in a row end the fit
 * with the site named. */
static void densities_that_are_not_finite(void **state)
{
    (void)state;
    static const char *const engines[] = {"svi", "map"};
    for (size_t round = 0; round < 4; round++)
        for (int gradient = 0; gradient < 2; gradient++) {
            const urn_setting settings[] = {{"steps", "100"}, {"method", "adam"}};
            const size_t e = round % 2;
            normal_target *t = normal_target_in((urn_precision)(round / 2), 5, 1);
            record *r = calloc(1, sizeof *r);
            t->bad_from = 6;
            t->bad_gradient = gradient == 1;
            const urn_fit_options options = options_for(engines[e], settings, 1 + e, r);
            urn_fit *fit;
            urn_error error = {0};
            assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_RUNTIME);
            assert_null(fit);
            assert_non_null(strstr(error.message, "not finite at 10 steps in a row"));
            assert_non_null(strstr(error.message, "site \"b\" is -inf"));
            assert_non_null(strstr(error.hint, "--lr"));
            free(r);
            free(t);
        }
}

static void a_bad_start_is_refused_by_map(void **state)
{
    (void)state;
    normal_target *t = normal_target_new(5, 1);
    t->bad_from = 1;
    const urn_fit_options options = options_for("map", NULL, 0, NULL);
    urn_fit *fit;
    urn_error error = {0};
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_RUNTIME);
    assert_non_null(strstr(error.message, "not finite at the first position: site \"b\""));
    free(t);
}

/* log(1 - x^2) + 30 x in each coordinate: NaN beyond 1, where a first long step ends up. The mode
 * is the root of 30 (1 - x^2) = 2 x in (0, 1). */
static double walled(void *context, const double *x, double *gradient)
{
    normal_target *t = context;
    double sum = 0.0;
    for (int64_t i = 0; i < t->target.size; i++) {
        sum += log(1.0 - x[i] * x[i]) + 30.0 * x[i];
        t->evaluations += isnan(sum);
        if (gradient)
            gradient[i] = 30.0 - 2.0 * x[i] / (1.0 - x[i] * x[i]);
    }
    return sum;
}

static void a_search_stays_inside_its_walls(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"tolerance", "1e-8"}};
    normal_target *t = normal_target_new(5, 1);
    t->target.log_density = walled;
    const urn_fit_options options = options_for("map", settings, 1, NULL);
    urn_fit *fit;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    assert_true(t->evaluations > 0); /* it did run into them */
    const double mode = (-1.0 + sqrt(901.0)) / 30.0;
    for (int i = 0; i < 7; i++)
        assert_close(urn_posterior_loc(urn_fit_posterior(fit))[i], mode, 1e-9);
    assert_null(urn_fit_warning_at(fit, 0));
    urn_fit_free(fit);
    free(t);
}

/* Bad for nine steps, then good again. */
static double bad_for_a_while(void *context, const double *x, double *gradient)
{
    normal_target *t = context;
    const double value = normal_log_density(context, x, gradient);
    t->evaluations++;
    return t->evaluations > 5 && t->evaluations <= 14 ? (double)NAN : value;
}

static void a_few_bad_steps_are_skipped(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"steps", "100"}};
    normal_target *t = normal_target_new(5, 1);
    t->target.log_density = bad_for_a_while;
    record *r = calloc(1, sizeof *r);
    const urn_fit_options options = options_for("svi", settings, 1, r);
    urn_fit *fit;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    assert_true(number_of(fit, "skipped_steps") == 9.0);
    assert_true(warns_of(fit, "9 of 100 steps were skipped"));
    assert_true(isnan(r->losses[5]) && isnan(r->losses[13]) && isfinite(r->losses[14]));
    for (int i = 0; i < 7; i++)
        assert_true(isfinite(urn_posterior_loc(urn_fit_posterior(fit))[i]));
    urn_fit_free(fit);
    free(r);
    free(t);
}

/* One step so long that it leaves the numbers. */
static void a_position_that_is_not_finite_is_an_error(void **state)
{
    (void)state;
    const urn_setting settings[] = {
        {"steps", "1"}, {"optimizer", "sgd"}, {"lr", "1e6"}, {"init", "zero"}};
    normal_target *t = normal_target_new(5, 1);
    t->sd[2] = 1e-152; /* a slope of about 1e303, times the learning rate */
    t->mean[2] = 1.0;
    const urn_fit_options options = options_for("svi", settings, 4, NULL);
    urn_fit *fit;
    urn_error error = {0};
    t->target.observations = 1.0;
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_RUNTIME);
    assert_non_null(strstr(error.message, "ended at a position that is not finite: element 2"));
    free(t);
}

static void discrete_sites_are_named(void **state)
{
    (void)state;
    for (int e = 0; e < urn_engine_count(); e++) {
        normal_target *t = normal_target_new(5, 1);
        t->blocks[1].discrete = true;
        const urn_fit_options options =
            options_for(urn_engine_name(urn_engine_at(e)), NULL, 0, NULL);
        urn_fit *fit;
        urn_error error = {0};
        assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_MODEL);
        assert_string_equal(error.site, "b");
        assert_string_equal(error.where, "x.c:2");
        assert_non_null(strstr(error.message, "discrete"));
        free(t);
    }
}

static void nothing_to_fit_is_an_error(void **state)
{
    (void)state;
    normal_target *t = normal_target_new(5, 1);
    t->target.n_blocks = 0;
    t->target.size = 0;
    const urn_fit_options options = options_for("svi", NULL, 0, NULL);
    urn_fit *fit;
    urn_error error = {0};
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_MODEL);
    assert_non_null(strstr(error.message, "no latent site"));
    free(t);
}

/* Every allocation fails once: a clean error each time, nothing left behind. */
static void memory_running_out_is_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *engine;
        urn_setting settings[3];
        size_t n;
    } cases[] = {{"svi", {{"steps", "20"}, {"lr", "1e-6"}, {"particles", "2"}}, 3},
                 {"svi", {{"steps", "20"}, {"guide", "delta"}}, 2},
                 {"svi", {{"steps", "2"}, {"guide", "low-rank"}, {"rank", "2"}}, 3},
                 {"map", {{"steps", "20"}, {"method", "adam"}}, 2},
                 {"map", {{"steps", "20"}}, 1}};
    for (size_t k = 0; k < N_OF(cases); k++) {
        normal_target *t = normal_target_new(5000, 1);
        urn_fit_options options = options_for(cases[k].engine, cases[k].settings, cases[k].n, NULL);
        long fail_at = 1;
        for (;; fail_at++) {
            failing_memory memory;
            urn_fit *fit;
            urn_error error = {0};
            failing_memory_init(&memory, fail_at, fail_at % 2 == 0);
            options.allocator = &memory.hook;
            const urn_status status = fit_target(&t->target, &options, &fit, &error);
            if (memory.calls < fail_at) {
                assert_int_equal(status, URN_OK);
                urn_fit_free(fit);
                assert_int_equal(memory.live, 0);
                break;
            }
            assert_int_equal(status, URN_ERR_MEMORY);
            assert_int_equal(error.status, URN_ERR_MEMORY);
            assert_true(error.message[0] != '\0');
            assert_null(fit);
            assert_int_equal(memory.live, 0);
        }
        assert_true(fail_at > 5);
        free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lbfgs_wants_doubles),
        cmocka_unit_test(a_bad_chunk_keeps_its_parameters),
        cmocka_unit_test(an_interrupted_fit_is_usable),
        cmocka_unit_test(evaluations_can_be_interrupted),
        cmocka_unit_test(densities_that_are_not_finite),
        cmocka_unit_test(a_bad_start_is_refused_by_map),
        cmocka_unit_test(a_search_stays_inside_its_walls),
        cmocka_unit_test(a_few_bad_steps_are_skipped),
        cmocka_unit_test(a_position_that_is_not_finite_is_an_error),
        cmocka_unit_test(discrete_sites_are_named),
        cmocka_unit_test(nothing_to_fit_is_an_error),
        cmocka_unit_test(memory_running_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
