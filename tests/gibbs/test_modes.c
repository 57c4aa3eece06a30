/* Block coordinate ascent: the density rises at every half of a sweep, and where it ends no
 * gradient is left. */
#include "tests/gibbs/cases.h"

static urn_var R(urn_model *m, double x)
{
    return urn_real(m, x);
}

static void biased(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_plate users = urn_plate_of(m, "user"), items = urn_plate_of(m, "item");
    urn_var user = urn_index(rows, "user", users), item = urn_index(rows, "item", items);
    urn_var eye = urn_eye(m, 3, 0.5);
    urn_var U = urn_sample(m, "U", mvn, .loc = urn_zeros(m, 3), .precision = eye, .plate = users);
    urn_var V = urn_sample(m, "V", mvn, .loc = urn_zeros(m, 3), .precision = eye, .plate = items);
    urn_var b = urn_sample(m, "b", normal, .loc = R(m, 0.0), .scale = R(m, 1.2), .plate = users);
    urn_var c = urn_sample(m, "c", normal, .loc = R(m, 0.0), .scale = R(m, 1.2), .plate = items);
    urn_var loc = urn_add(urn_row_dot(urn_gather(U, user), urn_gather(V, item)),
                          urn_add(urn_gather(b, user), urn_gather(c, item)));
    urn_observe(m, "r", normal, .value = urn_data(rows, "y"), .loc = loc, .scale = R(m, 0.4),
                .plate = rows);
}

static void noisy(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var s = urn_sample(m, "s", half_cauchy, .scale = R(m, 1.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = R(m, 0.0), .scale = s,
                .plate = rows);
}

static void the_density_never_falls(void **state)
{
    (void)state;
    urn_error error = {0};
    urn_dataset *data = case_data();
    urn_model *model = trace_rows(CASE_DEF(biased), data, URN_ROWS_TRAINING);
    urn__gibbs *g = derive(model, 1);
    double position[128];
    assert_true(urn_model_position_size(model) <= 128);
    for (int i = 0; i < 128; i++)
        position[i] = 0.3 * sin(2.9 * i);
    assert_ok(urn__gibbs_open(g, &error), &error);
    assert_ok(urn__gibbs_set_position(g, position, &error), &error);
    const double first = urn__gibbs_log_joint(g);
    double last = first;
    for (int step = 1; step <= 50; step++)
        for (int b = 0; b < g->n_blocks; b++) {
            assert_true(urn__block_has_mode(&g->block[b]));
            assert_ok(urn__gibbs_mode(g, b, step, &error), &error);
            const double now = urn__gibbs_log_joint(g);
            /* rounding of a sum of some 60 terms, of its own size */
            assert_true(now >= last - 1e-13 * fabs(last));
            last = now;
        }
    assert_true(last > first + 10.0);
    urn__gibbs_free(g);
    urn_model_free(model);
    urn_dataset_free(data);
}

static double end_of(urn_model *model, const urn_setting *settings, size_t n, double *position,
                     bool from_there)
{
    const urn_fit_options options = {.bytes = sizeof options,
                                     .engine = urn_engine_find("map"),
                                     .settings = settings,
                                     .n_settings = n,
                                     .seed = 3,
                                     .threads = 1,
                                     .init = from_there ? position : NULL};
    urn_fit *fit = fit_model(model, &options);
    double density = NAN;
    urn_fit_number number;
    for (int i = 0; urn_fit_number_at(fit, i, &number); i++)
        if (strcmp(number.name, "log_density") == 0)
            density = number.value;
    urn_posterior_draw(urn_fit_posterior(fit), 0, position);
    urn_fit_free(fit);
    return density;
}

/* L-BFGS from the end of the ascent finds nothing to gain. */
static void its_end_is_a_mode(void **state)
{
    (void)state;
    static const urn_setting blocks[] = {
        {"method", "blocks"}, {"tolerance", "1e-9"}, {"steps", "20000"}};
    static const urn_setting lbfgs[] = {{"tolerance", "1e-10"}, {"init-jitter", "0"}};
    urn_dataset *data = case_data();
    urn_model *model = trace_rows(CASE_DEF(biased), data, URN_ROWS_TRAINING);
    double position[128];
    const double by_blocks = end_of(model, blocks, 3, position, false);
    const double by_gradient = end_of(model, lbfgs, 2, position, true);
    assert_true(by_gradient - by_blocks < 1e-6 * fabs(by_blocks));
    assert_true(by_gradient >= by_blocks - 1e-9 * fabs(by_blocks));
    urn_model_free(model);
    urn_dataset_free(data);
}

static void sites_without_a_mode_are_named(void **state)
{
    (void)state;
    static const urn_setting blocks[] = {{"method", "blocks"}};
    urn_dataset *data = case_data();
    urn_model *model = trace_rows(CASE_DEF(noisy), data, URN_ROWS_TRAINING);
    const urn_fit_options options = {.bytes = sizeof options,
                                     .engine = urn_engine_find("map"),
                                     .settings = blocks,
                                     .n_settings = 1};
    urn_fit *fit;
    urn_error error = {0};
    assert_int_equal(urn_fit_run(model, &options, &fit, &error), URN_ERR_MODEL);
    assert_string_equal(error.site, "s");
    assert_non_null(strstr(error.message, "no mode in closed form"));
    urn_model_free(model);
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_density_never_falls),
        cmocka_unit_test(its_end_is_a_mode),
        cmocka_unit_test(sites_without_a_mode_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
