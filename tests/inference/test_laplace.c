/* The Laplace approximation against what is known: normal posteriors, where it is exact, and
 * posteriors of one coordinate whose mode and second derivative are closed forms. */
#include "tests/inference/free_target.h"
#include "tests/inference/models.h"

#include <lapacke.h>

/* ---- normal posteriors ---- */

/* Correlated, with sds from 0.003 to 300. */
static void make_truth(normal_truth *of, int n)
{
    of->n = n;
    of->evidence = -2.5;
    for (int i = 0; i < n; i++) {
        of->mean[i] = 3.0 * sin(1.0 + i);
        for (int j = 0; j < n; j++) {
            double sum = i == j ? 1.0 : 0.0;
            for (int k = 0; k < n; k++)
                sum += sin(3.0 * i + 7.0 * k) * sin(3.0 * j + 7.0 * k);
            of->precision[i * n + j] = sum * pow(10.0, 2.5 - i % 6) * pow(10.0, 2.5 - j % 6);
        }
    }
}

/* L of precision = L L', by LAPACK. */
static void factor_of(normal_truth *of, double *l)
{
    const lapack_int n = of->n;
    memcpy(l, of->precision, (size_t)(n * n) * sizeof *l);
    assert_int_equal(LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', n, l, n), 0);
    of->log_determinant = 0.0;
    for (int i = 0; i < n; i++)
        of->log_determinant += 2.0 * log(l[i * n + i]);
}

/* The standard normals behind draw s. */
static void normals_of(const urn__kernels *kernels, int64_t s, int64_t n, double *z)
{
    const urn__stream stream =
        urn__stream_at(7, urn__chain_for(URN__USE_POSTERIOR, 0), "laplace", (uint64_t)s);
    kernels->normals(&stream, 0, n, z);
}

static const double *stat_of(const urn_fit *fit, const char *name)
{
    urn_fit_stat stat;
    for (int i = 0; urn_fit_stat_at(fit, i, &stat); i++)
        if (strcmp(stat.name, name) == 0)
            return stat.values;
    fail_msg("there is no %s", name);
    return NULL;
}

/* Every draw is mean + L'^-1 z: mean and covariance are exact. */
static void normal_posteriors_are_exact(void **state)
{
    (void)state;
    static const int sizes[] = {1, 2, 6, 20};
    for (size_t k = 0; k < N_OF(sizes); k++) {
        const int n = sizes[k];
        normal_truth of;
        free_target t;
        double l[MOST_NORMAL * MOST_NORMAL], z[MOST_NORMAL];
        make_truth(&of, n);
        factor_of(&of, l);
        free_target_init(&t, n, normal_truth_density, &of, 1);
        const urn_fit_options options = options_for("laplace", NULL, 0, NULL);
        urn_error error = {0};
        urn_fit *fit;
        const urn_status status = fit_target(&t.target, &options, &fit, &error);
        if (status != URN_OK)
            fail_msg("%d: %s", n, error.message);
        const urn_posterior *p = urn_fit_posterior(fit);
        assert_int_equal(urn_posterior_kind_of(p), URN_POSTERIOR_INDEPENDENT);
        assert_int_equal(urn_posterior_chains(p), 1);
        assert_int_equal(urn_posterior_draws(p), 1000);
        for (int s = 0; s < 1000; s += 37) {
            normals_of(t.target.kernels, s, n, z);
            LAPACKE_dtrtrs(LAPACK_ROW_MAJOR, 'L', 'T', 'N', n, 1, l, n, z, 1);
            for (int i = 0; i < n; i++) {
                const double sd = 1.0 / sqrt(of.precision[i * n + i]); /* given the others */
                assert_close(urn_posterior_loc(p)[s * n + i], of.mean[i] + z[i], 1e-6 * sd);
            }
            assert_close(stat_of(fit, "lp")[s] - of.evidence, stat_of(fit, "lp_approx")[s], 1e-6);
        }
        assert_close(number_of(fit, "log_evidence"), of.evidence, 1e-6);
        assert_close(number_of(fit, "importance_log_evidence"), of.evidence, 1e-6);
        assert_close(number_of(fit, "importance_size"), 1000.0, 1e-3);
        assert_true(number_of(fit, "k_hat") == 0.0);
        assert_null(urn_fit_warning_at(fit, 0));
        urn_fit_free(fit);
    }
}

/* ---- one coordinate ---- */

/* Draws are mode + z / sqrt(curvature); a central difference with a step of 1e-4 sds is off by
 * about 1e-8 of the curvature. */
static void check_one(const urn_model *model, const urn_fit *fit, double mode, double curvature)
{
    const urn__kernels *kernels;
    const urn_posterior *p = urn_fit_posterior(fit);
    assert_int_equal(urn_model_position_size(model), 1);
    assert_int_equal(urn__kernels_select(NULL, &kernels, NULL), URN_OK);
    for (int s = 0; s < 1000; s += 111) {
        double z;
        normals_of(kernels, s, 1, &z);
        assert_close(urn_posterior_loc(p)[s], mode + z / sqrt(curvature), 1e-6);
        assert_close(stat_of(fit, "lp_approx")[s], 0.5 * (log(curvature) - z * z - LOG_2PI), 1e-6);
    }
}

/* Gamma(a, b) is e^(a u - b e^u) du in u = log lambda: mode log(a / b), curvature a; without the
 * Jacobian the shape is one less. */
static void a_gamma_poisson(void **state)
{
    (void)state;
    const double y[5] = {2, 0, 3, 1, 4}, a = 3.0 + 10.0, b = 2.0 + 5.0;
    const urn_setting no[] = {{"jacobian", "no"}};
    scene s = scene_y(urn_model_rate(), 5, y);
    urn_fit_options options = options_for("laplace", NULL, 0, NULL);
    urn_fit *fit = fit_model(s.model, &options);
    check_one(s.model, fit, log(a / b), a);
    double at_mode = 3.0 * log(2.0) - lgamma(3.0) + a * log(a / b) - a;
    double evidence = 3.0 * log(2.0) - lgamma(3.0) + lgamma(a) - a * log(b);
    for (int i = 0; i < 5; i++) {
        at_mode -= lgamma(y[i] + 1.0);
        evidence -= lgamma(y[i] + 1.0);
    }
    assert_close(number_of(fit, "log_density"), at_mode, 1e-9);
    assert_close(number_of(fit, "log_evidence"), at_mode + 0.5 * (LOG_2PI - log(a)), 1e-6);
    /* by importance sampling it is the true one, up to the noise of 1,000 draws */
    assert_close(number_of(fit, "importance_log_evidence"), evidence, 0.02);
    assert_true(number_of(fit, "importance_size") > 500.0);
    urn_fit_free(fit);
    options = options_for("laplace", no, 1, NULL);
    fit = fit_model(s.model, &options);
    check_one(s.model, fit, log((a - 1.0) / b), a - 1.0);
    assert_true(isnan(number_of(fit, "k_hat")) && isnan(number_of(fit, "log_evidence")));
    urn_fit_free(fit);
    scene_clear(&s);
}

/* Beta(a, b) on the logit: mode log(a / b), curvature a b / (a + b). */
static void a_beta_binomial(void **state)
{
    (void)state;
    const double y[5] = {2, 0, 3, 1, 4}, a = 2.0 + 10.0, b = 1.5 + 20.0;
    scene s = scene_y(urn_model_proportion(), 5, y);
    const urn_fit_options options = options_for("laplace", NULL, 0, NULL);
    urn_fit *fit = fit_model(s.model, &options);
    check_one(s.model, fit, log(a / b), a * b / (a + b));
    urn_fit_free(fit);
    scene_clear(&s);
}

/* Resampled draws have the moments of the posterior itself: mean a / b, variance a / b^2. 1,000
 * draws are worth some 500 independent ones. */
static void resampled_draws_are_of_the_posterior(void **state)
{
    (void)state;
    const double y[5] = {2, 0, 3, 1, 4}, a = 13.0, b = 7.0;
    const urn_setting psis[] = {{"resample", "psis"}};
    scene s = scene_y(urn_model_rate(), 5, y);
    urn_fit_options options = options_for("laplace", psis, 1, NULL);
    options.draws = 4000;
    urn_fit *fit = fit_model(s.model, &options);
    const urn_posterior *p = urn_fit_posterior(fit);
    const double *lp = stat_of(fit, "lp");
    double mean = 0.0, square = 0.0;
    assert_int_equal(urn_posterior_draws(p), 4000);
    for (int i = 0; i < 4000; i++) {
        const double u = urn_posterior_loc(p)[i], x = exp(u);
        mean += x / 4000.0;
        square += x * x / 4000.0;
        assert_close(lp[i] - lp[0],
                     a * (u - urn_posterior_loc(p)[0]) - b * (x - exp(urn_posterior_loc(p)[0])),
                     1e-9);
    }
    const double sd = sqrt(a) / b;
    assert_close(mean, a / b, 4.0 * sd / sqrt(1500.0));
    assert_close(sqrt(square - mean * mean), sd, 4.0 * sd / sqrt(1500.0));
    urn_fit_free(fit);
    scene_clear(&s);
}

/* ---- where there is no mode ---- */

static double saddle(void *context, const double *x, double *g)
{
    (void)context;
    const double a = x[1] * x[1] - 1.0;
    if (g) {
        g[0] = -100.0 * x[0];
        g[1] = -4.0 * a * x[1];
    }
    return -50.0 * x[0] * x[0] - a * a;
}

static double ridge(void *context, const double *x, double *g)
{
    (void)context;
    if (g)
        g[0] = g[1] = -(x[0] + x[1]);
    return -0.5 * (x[0] + x[1]) * (x[0] + x[1]);
}

/* A scale that runs to 0 with the eight numbers it scales: x[0] is its logarithm. */
static double funnel(void *context, const double *x, double *g)
{
    (void)context;
    const double precision = exp(-2.0 * x[0]);
    double sum = -7.0 * x[0];
    if (g)
        g[0] = -7.0;
    for (int i = 1; i < 9; i++) {
        sum -= 0.5 * x[i] * x[i] * precision;
        if (g) {
            g[i] = -x[i] * precision;
            g[0] += x[i] * x[i] * precision;
        }
    }
    return sum;
}

static double nowhere(void *context, const double *x, double *g)
{
    (void)context;
    if (g)
        memset(g, 0, 2 * sizeof *g);
    return x[0] > 1e300 ? 0.0 : -HUGE_VAL;
}

static void without_a_mode_it_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        double (*density)(void *, const double *, double *);
        int n;
        urn_setting settings[2];
        const char *parts[3];
    } cases[] = {
        {saddle,
         2,
         {{"init", "zero"}, {"init-jitter", "0"}},
         {"mostly x (coordinate 2 of 2) (100 % of it; it is at 0)", "derivative is +4,", "saddle"}},
        {ridge,
         2,
         {{"init", "random"}, {"init-jitter", "0"}},
         {"mostly x (coordinate ", "(50 % of it", "the density is flat"}},
        {funnel, 9, {{"init", "random"}, {"init-jitter", "0"}}, {"x (coordinate 1 of 9)", "", ""}},
        {nowhere,
         2,
         {{"init", "random"}, {"init-jitter", "0"}},
         {"not finite at any of 100 random first positions", "site \"x\" is -inf", ""}},
        {nowhere,
         2,
         {{"init", "zero"}, {"init-jitter", "0"}},
         {"not finite at the first position", "site \"x\" is -inf", ""}},
    };
    for (size_t k = 0; k < N_OF(cases); k++) {
        free_target t;
        urn_fit *fit;
        urn_error error = {0};
        free_target_init(&t, cases[k].n, cases[k].density, NULL, 1);
        const urn_fit_options options = options_for("laplace", cases[k].settings, 2, NULL);
        assert_int_equal(fit_target(&t.target, &options, &fit, &error), URN_ERR_RUNTIME);
        for (int i = 0; i < 3; i++)
            if (!strstr(error.message, cases[k].parts[i]))
                fail_msg("case %zu: %s", k, error.message);
        assert_true(error.hint[0] != '\0');
    }
}

/* The saddle is left by itself where the search does not begin on it. */
static void a_saddle_is_left(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"init", "zero"}};
    free_target t;
    urn_fit *fit;
    free_target_init(&t, 2, saddle, NULL, 1);
    const urn_fit_options options = options_for("laplace", settings, 1, NULL);
    assert_int_equal(fit_target(&t.target, &options, &fit, NULL), URN_OK);
    const urn_posterior *p = urn_fit_posterior(fit);
    double mean = 0.0;
    for (int i = 0; i < 1000; i++)
        mean += urn_posterior_loc(p)[2 * i + 1] / 1000.0;
    assert_close(fabs(mean), 1.0, 4.0 / sqrt(8.0 * 1000.0));
    urn_fit_free(fit);
}

static void what_is_too_large_is_refused(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"max-size", "5"}};
    normal_target *t = normal_target_new(98, 1);
    urn_fit *fit;
    urn_error error = {0};
    urn_fit_options options = options_for("laplace", settings, 1, NULL);
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_MODEL);
    assert_string_equal(error.site, "c"); /* a parameter has no distribution */
    t->blocks[2].point = false;
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "100 coordinates"));
    assert_non_null(strstr(error.message, "at least 200 gradients"));
    assert_non_null(strstr(error.hint, "--max-size"));
    options.warmup = 10;
    options.n_settings = 0;
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "it has no warm-up"));
    free(t);
}

/* ---- interruptions, room, threads ---- */

static void what_there_is_survives_an_interruption(void **state)
{
    (void)state;
    static const struct {
        int64_t stop_at, stop_evaluating_at;
        urn_posterior_kind kind;
        int64_t draws;
        const char *warning;
    } cases[] = {
        {2, 0, URN_POSTERIOR_POINT, 0, "interrupted before there was an approximation"},
        {0, 5, URN_POSTERIOR_POINT, 0, "interrupted before there was an approximation"},
        {0, 50, URN_POSTERIOR_INDEPENDENT, 50, NULL},
    };
    for (size_t k = 0; k < N_OF(cases); k++) {
        normal_target *t = normal_target_new(10, 1);
        record *r = calloc(1, sizeof *r);
        urn_fit *fit;
        t->blocks[2].point = false;
        r->stop_at = cases[k].stop_at;
        r->stop_evaluating_at = cases[k].stop_evaluating_at;
        const urn_fit_options options = options_for("laplace", NULL, 0, r);
        assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_INTERRUPTED);
        const urn_posterior *p = urn_fit_posterior(fit);
        assert_int_equal(urn_posterior_kind_of(p), cases[k].kind);
        assert_int_equal(urn_posterior_draws(p), cases[k].draws);
        if (cases[k].warning)
            assert_true(warns_of(fit, cases[k].warning));
        urn_fit_free(fit);
        free(r);
        free(t);
    }
}

static void draws_that_do_not_fit_are_told(void **state)
{
    (void)state;
    normal_target *t = normal_target_new(10, 1);
    urn_fit *fit;
    t->blocks[2].point = false;
    urn_fit_options options = options_for("laplace", NULL, 0, NULL);
    options.draws = 500;
    options.keep_bytes = 14 * 8 * 200;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    assert_int_equal(urn_posterior_draws(urn_fit_posterior(fit)), 200);
    assert_true(warns_of(fit, "200 of the 500 draws are stored"));
    urn_fit_free(fit);
    free(t);
}

static void memory_running_out_is_an_error(void **state)
{
    (void)state;
    static const urn_setting settings[] = {{"resample", "psis"}};
    each_allocation_fails(urn_model_rate(), "laplace", settings, 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_posteriors_are_exact),
        cmocka_unit_test(a_gamma_poisson),
        cmocka_unit_test(a_beta_binomial),
        cmocka_unit_test(resampled_draws_are_of_the_posterior),
        cmocka_unit_test(without_a_mode_it_says_what_is_wrong),
        cmocka_unit_test(a_saddle_is_left),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(what_there_is_survives_an_interruption),
        cmocka_unit_test(draws_that_do_not_fit_are_told),
        cmocka_unit_test(memory_running_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
