/* The driver and the engines on a target that is known: independent normals. */
#include "tests/inference/check.h"

#include "inference/svi/svi.h"

static const urn_setting decaying[] = {
    {"steps", "20000"}, {"lr", "0.05"}, {"schedule", "exponential"}, {"lr-final", "1e-5"}};

/* The exact optimum: loc = mean, scale = sd, and the loss 0 but for the parameter "c". */
static void check_optimum(const normal_target *t, const urn_fit *fit, double of_loc,
                          double of_scale)
{
    const urn_posterior *p = urn_fit_posterior(fit);
    const int64_t n = t->target.size;
    assert_int_equal(urn_posterior_kind_of(p), URN_POSTERIOR_NORMAL);
    assert_int_equal(urn_posterior_size(p), n);
    for (int64_t i = 0; i < n; i++) {
        assert_close(urn_posterior_loc(p)[i], t->mean[i], of_loc * t->sd[i]);
        if (i < n - 1)
            assert_close(urn_posterior_scale(p)[i], t->sd[i], of_scale * t->sd[i]);
    }
    assert_true(urn_posterior_scale(p)[n - 1] == 0.0);
}

static void svi_finds_normals(void **state)
{
    (void)state;
    normal_target *t = normal_target_new(5, 1);
    record *r = calloc(1, sizeof *r);
    const urn_fit_options options = options_for("svi", decaying, 4, r);
    urn_fit *fit;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    check_optimum(t, fit, 0.02, 0.02);
    /* the parameter contributes its density at its mode, and has no entropy */
    const double at_mode = log(t->sd[6]) + 0.5 * LOG_2PI;
    const double error = number_of(fit, "loss_standard_error");
    assert_true(error > 0.0 && error < 0.1);
    assert_close(number_of(fit, "loss_per_observation"), at_mode / 10.0, 4.0 * error + 1e-3);
    assert_true(number_of(fit, "k_hat") < 0.7);
    assert_null(urn_fit_warning_at(fit, 0));
    assert_int_equal(r->rows, 20000);
    assert_int_equal(r->progressed, 20000);
    assert_int_equal(r->n_steps, 20000);
    assert_int_equal(r->evaluating, 1000);
    for (int i = 0; i < 4096; i++)
        assert_true(r->steps[i] == i + 1 && isfinite(r->losses[i]));
    assert_close(number_of(fit, "smoothed_loss"), r->last_smoothed, 1e-12);
    assert_true(number_of(fit, "steps") == 20000.0);
    assert_true(number_of(fit, "skipped_steps") == 0.0);
    urn_fit_free(fit);
    free(r);
    free(t);
}

/* All ways to update: several particles, clipping, AdamW without decay, SGD. */
static void every_optimiser_finds_normals(void **state)
{
    (void)state;
    static const urn_setting kinds[][6] = {
        {{"particles", "4"}},
        {{"clip", "20"}},
        {{"optimizer", "adamw"}, {"weight-decay", "0"}},
        {{"optimizer", "sgd"}, {"lr", "0.05"}, {"lr-final", "1e-6"}},
    };
    static const size_t counts[] = {1, 1, 2, 3};
    for (size_t k = 0; k < N_OF(kinds); k++) {
        urn_setting settings[8];
        memcpy(settings, decaying, sizeof decaying);
        memcpy(settings + 4, kinds[k], counts[k] * sizeof(urn_setting));
        normal_target *t = normal_target_new(5, 1);
        const urn_fit_options options = options_for("svi", settings, 4 + counts[k], NULL);
        urn_fit *fit;
        assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
        check_optimum(t, fit, 0.05, 0.04);
        urn_fit_free(fit);
        free(t);
    }
}

/* One step of clipped SGD moves the parameters by lr times the limit, in norm. */
static void clipping_limits_the_norm(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"steps", "1"},    {"lr", "1"},      {"optimizer", "sgd"},
                                    {"momentum", "0"}, {"clip", "1e-3"}, {"init", "zero"}};
    normal_target *t = normal_target_new(5, 1);
    const urn_fit_options options = options_for("svi", settings, N_OF(settings), NULL);
    urn_fit *fit;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    const urn_posterior *p = urn_fit_posterior(fit);
    double squares = 0.0;
    for (int i = 0; i < 7; i++) {
        const double moved = urn_posterior_loc(p)[i];
        const double scaled = i < 6 ? log(urn_posterior_scale(p)[i] / 0.1) : 0.0;
        squares += moved * moved + scaled * scaled;
    }
    assert_close(sqrt(squares), 1e-3, 1e-9);
    urn_fit_free(fit);
    free(t);
}

/* The first step's loss is the definition's: -(log p(z) + entropy) / observations at the first
 * draw, whose noise is addressed by seed, site and step. */
static void the_loss_is_as_defined(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"steps", "1"}, {"init-scale", "0.25"}, {"init", "zero"}};
    normal_target *t = normal_target_new(5, 1);
    record *r = calloc(1, sizeof *r);
    const urn_fit_options options = options_for("svi", settings, 3, r);
    urn_fit *fit;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    double z[7] = {0.0}, eps[5], eps_b;
    const urn__stream a = urn__stream_at(7, 0, "a", 0), b = urn__stream_at(7, 0, "b", 0);
    t->target.kernels->normals(&a, 0, 5, eps);
    t->target.kernels->normals(&b, 0, 1, &eps_b);
    for (int i = 0; i < 5; i++)
        z[i] = 0.25 * eps[i];
    z[5] = 0.25 * eps_b;
    const double entropy = 6.0 * (log(0.25) + 0.5 * (1.0 + LOG_2PI));
    const double loss = -(normal_log_density(t, z, NULL) + entropy) / 10.0;
    assert_close(r->losses[0], loss, 1e-12 * fabs(loss));
    urn_fit_free(fit);
    free(r);
    free(t);
}

static void points_find_modes(void **state)
{
    (void)state;
    static const struct {
        const char *engine;
        urn_setting settings[6];
        size_t n;
        double tolerance;
    } cases[] = {
        {"svi",
         {{"guide", "delta"},
          {"steps", "3000"},
          {"lr", "0.1"},
          {"schedule", "cosine"},
          {"lr-final", "0"}},
         5,
         1e-6},
        {"map", {{"method", "lbfgs"}}, 1, 1e-5},
        {"map", {{"method", "lbfgs"}, {"init", "random"}}, 2, 1e-5},
        {"map",
         {{"method", "adam"}, {"lr", "0.1"}, {"schedule", "exponential"}, {"steps", "5000"}},
         4,
         1e-5},
        {"map",
         {{"method", "adam"},
          {"optimizer", "sgd"},
          {"lr", "0.2"},
          {"steps", "5000"},
          {"clip", "5"}},
         5,
         1e-5},
    };
    for (size_t k = 0; k < N_OF(cases); k++) {
        normal_target *t = normal_target_new(5, 1);
        record *r = calloc(1, sizeof *r);
        const urn_fit_options options =
            options_for(cases[k].engine, cases[k].settings, cases[k].n, r);
        urn_fit *fit;
        assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
        const urn_posterior *p = urn_fit_posterior(fit);
        assert_int_equal(urn_posterior_kind_of(p), URN_POSTERIOR_POINT);
        assert_null(urn_posterior_scale(p));
        for (int i = 0; i < 7; i++)
            assert_close(urn_posterior_loc(p)[i], t->mean[i], cases[k].tolerance);
        double loss = 0.0;
        for (int i = 0; i < 7; i++)
            loss += (log(t->sd[i]) + 0.5 * LOG_2PI) / 10.0;
        assert_close(number_of(fit, "loss_per_observation"), loss, 1e-7);
        assert_true(isnan(number_of(fit, "k_hat")));
        if (strcmp(cases[k].engine, "map") == 0)
            assert_true(number_of(fit, "converged") == 1.0);
        assert_null(urn_fit_warning_at(fit, 0));
        assert_true(r->rows == (int64_t)number_of(fit, "steps") && r->rows > 0);
        urn_fit_free(fit);
        free(r);
        free(t);
    }
}

static void a_search_cut_short_says_so(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"steps", "2"}};
    normal_target *t = normal_target_new(5, 1);
    const urn_fit_options options = options_for("map", settings, 1, NULL);
    urn_fit *fit;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    assert_true(number_of(fit, "converged") == 0.0);
    assert_true(warns_of(fit, "the mode was not reached in 2 steps"));
    urn_fit_free(fit);
    free(t);
}

static void a_loss_that_falls_is_told(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"steps", "3000"}, {"lr", "0.001"}};
    normal_target *t = normal_target_new(5, 1);
    const urn_fit_options options = options_for("svi", settings, 2, NULL);
    urn_fit *fit;
    for (int i = 0; i < 7; i++)
        t->mean[i] = 50.0;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    assert_true(warns_of(fit, "the loss still falls by "));
    assert_true(warns_of(fit, "per 1,000 steps at the last step: run more steps"));
    assert_true(number_of(fit, "k_hat") > 0.7);
    assert_true(warns_of(fit, "Pareto k-hat of the guide is "));
    urn_fit_free(fit);
    free(t);
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    static const urn_setting settings[] = {
        {"steps", "40"}, {"lr", "0.05"}, {"particles", "2"}, {"clip", "1"}};
    static const int threads[] = {1, 2, 3, 8};
    enum { N = 10000 };
    static double loc[N + 2], scale[N + 2];
    static record seen;
    for (int round = 0; round < 4; round++) {
        const urn_precision precision = round / 2 ? URN_PRECISION_SINGLE : URN_PRECISION_DOUBLE;
        const size_t n_settings = round % 2 ? 4 : 2;
        double losses[40], final = 0.0;
        for (size_t k = 0; k < N_OF(threads); k++) {
            normal_target *t = normal_target_in(precision, N, threads[k]);
            memset(&seen, 0, sizeof seen);
            const urn_fit_options options = options_for("svi", settings, n_settings, &seen);
            urn_fit *fit;
            assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
            const urn_posterior *p = urn_fit_posterior(fit);
            const size_t bytes = (size_t)(N + 2) * sizeof(double);
            if (k == 0) {
                memcpy(loc, urn_posterior_loc(p), bytes);
                memcpy(scale, urn_posterior_scale(p), bytes);
                memcpy(losses, seen.losses, sizeof losses);
                final = number_of(fit, "loss_per_observation");
            }
            assert_memory_equal(loc, urn_posterior_loc(p), bytes);
            assert_memory_equal(scale, urn_posterior_scale(p), bytes);
            assert_memory_equal(losses, seen.losses, sizeof losses);
            assert_true(final == number_of(fit, "loss_per_observation"));
            urn_fit_free(fit);
            free(t);
        }
    }
}

/* Float arithmetic on the same draws: each step's loss is that of double precision up to rounding
 * (eps 6e-8 a term; 16 of them, and the parameters drift apart by rounding as well), and fits end
 * at the same place. */
static void single_precision_agrees(void **state)
{
    (void)state;
    static const struct {
        const char *engine;
        urn_setting settings[5];
        size_t n;
    } cases[] = {
        {"svi", {{"steps", "300"}, {"lr", "0.05"}}, 2},
        {"svi", {{"steps", "300"}, {"lr", "0.05"}, {"particles", "3"}}, 3},
        {"svi", {{"steps", "300"}, {"lr", "0.01"}, {"optimizer", "sgd"}, {"clip", "3"}}, 4},
        {"svi",
         {{"steps", "300"}, {"lr", "0.05"}, {"optimizer", "adamw"}, {"weight-decay", "0.1"}},
         4},
        {"svi", {{"steps", "300"}, {"lr", "0.05"}, {"guide", "delta"}}, 3},
        {"map", {{"steps", "300"}, {"lr", "0.05"}, {"method", "adam"}}, 3},
        {"map", {{"steps", "300"}, {"lr", "0.05"}, {"method", "adam"}, {"optimizer", "sgd"}}, 4},
    };
    record *seen[2] = {calloc(1, sizeof(record)), calloc(1, sizeof(record))};
    for (size_t k = 0; k < N_OF(cases); k++) {
        urn_fit *fit[2];
        normal_target *t[2];
        for (int single = 0; single < 2; single++) {
            t[single] = normal_target_in((urn_precision)single, 14, 1);
            memset(seen[single], 0, sizeof(record));
            const urn_fit_options options =
                options_for(cases[k].engine, cases[k].settings, cases[k].n, seen[single]);
            assert_int_equal(fit_target(&t[single]->target, &options, &fit[single], NULL), URN_OK);
        }
        assert_int_equal(seen[0]->rows, seen[1]->rows);
        bool differs = false;
        for (int64_t i = 0; i < seen[0]->rows; i++) {
            const double a = seen[0]->losses[i], b = seen[1]->losses[i];
            assert_close(b, a, 1e-5 * fmax(fabs(a), 1.0));
            differs = differs || a != b;
        }
        assert_true(differs); /* they are floats */
        const urn_posterior *p = urn_fit_posterior(fit[0]), *q = urn_fit_posterior(fit[1]);
        for (int i = 0; i < 16; i++) {
            assert_close(urn_posterior_loc(q)[i], urn_posterior_loc(p)[i], 1e-4);
            if (urn_posterior_scale(p))
                assert_close(urn_posterior_scale(q)[i], urn_posterior_scale(p)[i], 1e-4);
        }
        const double loss = number_of(fit[0], "loss_per_observation");
        assert_close(number_of(fit[1], "loss_per_observation"), loss, 1e-4 * fmax(fabs(loss), 1.0));
        for (int single = 0; single < 2; single++) {
            urn_fit_free(fit[single]);
            free(t[single]);
        }
    }
    free(seen[0]);
    free(seen[1]);
}

static void single_precision_finds_normals(void **state)
{
    (void)state;
    const urn_setting search[] = {
        {"method", "adam"}, {"lr", "0.1"}, {"schedule", "exponential"}, {"steps", "5000"}};
    normal_target *t = normal_target_in(URN_PRECISION_SINGLE, 5, 1);
    urn_fit_options options = options_for("svi", decaying, 4, NULL);
    urn_fit *fit;
    options.precision = URN_PRECISION_SINGLE;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    check_optimum(t, fit, 0.02, 0.02);
    assert_true(number_of(fit, "k_hat") < 0.7);
    urn_fit_free(fit);
    options = options_for("map", search, 4, NULL);
    options.precision = URN_PRECISION_SINGLE;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    for (int i = 0; i < 7; i++)
        assert_close(urn_posterior_loc(urn_fit_posterior(fit))[i], t->mean[i], 1e-5);
    urn_fit_free(fit);
    free(t);
}

static void starts_are_taken_as_given(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"steps", "1"}, {"lr", "1e-12"}};
    const double init[7] = {1, 2, 3, 4, 5, 6, 7};
    const double scale[7] = {.1, .2, .3, .4, .5, .6, 0};
    double bad[7] = {1, 2, (double)NAN, 4, 5, 6, 7};
    normal_target *t = normal_target_new(5, 1);
    urn_fit_options options = options_for("svi", settings, 2, NULL);
    urn_fit *fit;
    urn_error error = {0};
    options.init = init;
    options.init_scale = scale;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    for (int i = 0; i < 7; i++) {
        assert_close(urn_posterior_loc(urn_fit_posterior(fit))[i], init[i], 1e-10);
        assert_close(urn_posterior_scale(urn_fit_posterior(fit))[i], scale[i], 1e-10);
    }
    urn_fit_free(fit);
    options.init_scale = bad;
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_DATA);
    assert_string_equal(error.site, "a");
    assert_non_null(strstr(error.message, "element 2 of the guide's first scale is nan"));
    options.init = bad;
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_DATA);
    assert_non_null(strstr(error.message, "element 2 of the first position is nan"));
    options.init = NULL;
    options.chains = 4;
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "runs one chain, not 4"));
    free(t);
}

static void mini_batches(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"steps", "50"}, {"k-hat-draws", "200"}};
    normal_target *t = normal_target_new(5, 1);
    t->batched = true;
    urn_fit_options options = options_for("svi", settings, 2, NULL);
    urn_fit *fit;
    urn_error error = {0};
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    assert_true(isnan(number_of(fit, "k_hat")));
    assert_true(warns_of(fit, "k-hat needs the whole density"));
    urn_fit_free(fit);
    options = options_for("map", NULL, 0, NULL);
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "L-BFGS needs the whole density"));
    assert_string_equal(error.hint, "add --method adam");
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(svi_finds_normals),
        cmocka_unit_test(every_optimiser_finds_normals),
        cmocka_unit_test(clipping_limits_the_norm),
        cmocka_unit_test(the_loss_is_as_defined),
        cmocka_unit_test(points_find_modes),
        cmocka_unit_test(a_search_cut_short_says_so),
        cmocka_unit_test(a_loss_that_falls_is_told),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(single_precision_agrees),
        cmocka_unit_test(single_precision_finds_normals),
        cmocka_unit_test(starts_are_taken_as_given),
        cmocka_unit_test(mini_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
