/* Handlers: condition, substitute and block take a joint density apart in known ways. */
#include "tests/model/density_test.h"

enum { N = 5, K = 3 };

static const double y[N] = {0.3, -1, 2, 0.7, 1.1};

/* tau > 0, theta over a plate, y observed; the density is log_p(tau) + log_p(theta) + log_p(y). */
static void tree(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), k = urn_plate_size(m, "k", K);
    urn_var tau = urn_sample(m, "tau", half_normal, .scale = urn_real(m, 2));
    urn_var theta =
        urn_sample(m, "theta", log_normal, .loc = urn_real(m, 0.5), .scale = tau, .plate = k);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_sum(theta), .scale = tau,
                .plate = rows);
}

static double lp_tau(double tau)
{
    return lp_half_normal(tau, 2);
}

static double lp_theta(double tau, const double *theta)
{
    double lp = 0;
    for (int k = 0; k < K; k++)
        lp += lp_log_normal(theta[k], 0.5, tau);
    return lp;
}

static double lp_y(double tau, const double *theta)
{
    double lp = 0;
    for (int i = 0; i < N; i++)
        lp += lp_normal(y[i], theta[0] + theta[1] + theta[2], tau);
    return lp;
}

static const double tau_value = 1.4, theta_value[K] = {0.3, 0.9, 0.2};

static urn_model *trace_handled(const urn_dataset *data, const urn_handler *handlers, size_t n)
{
    urn_trace_options options = trace_options(data);
    options.handlers = handlers;
    options.n_handlers = n;
    return trace_with(DEF(tree), &options);
}

static void check_gradient_of(const urn_model *model, const machine *d, double *x)
{
    const int64_t n = urn_model_position_size(model);
    double *g = doubles(n);
    urn_replay_log_density(d->replay, x, g);
    for (int64_t i = 0; i < n; i++) {
        const double at = x[i], h = 1e-4;
        double f[4];
        static const double steps[4] = {-2, -1, 1, 2};
        for (int k = 0; k < 4; k++) {
            x[i] = at + steps[k] * h;
            f[k] = urn_replay_log_density(d->replay, x, NULL);
        }
        x[i] = at;
        assert_near(g[i], (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h), 1e-7, "gradient");
    }
    free(g);
}

static void a_conditioned_site_is_observed(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(N, y);
    double values[K];
    memcpy(values, theta_value, sizeof values);
    const urn_handler h = {URN_HANDLER_CONDITION, "theta", values, K};
    urn_model *model = trace_handled(data, &h, 1);
    values[0] = 99; /* they were copied */
    machine d = machine_of(model, URN_PROGRAM_DENSITY);
    double x[1] = {log(tau_value)};
    assert_int_equal(urn_model_position_size(model), 1);
    assert_int_equal(info_of(model, "theta").role, URN_SITE_OBSERVED);
    assert_int_equal(urn_model_observation_count(model), N + K);
    const double lp =
        lp_tau(tau_value) + x[0] + lp_theta(tau_value, theta_value) + lp_y(tau_value, theta_value);
    assert_near(urn_replay_log_density(d.replay, x, NULL), lp, 1e-13, "log density");
    check_gradient_of(model, &d, x);
    machine_clear(&d);
    urn_model_free(model);
    urn_dataset_free(data);
}

static void a_substituted_site_is_an_input(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(N, y);
    const urn_handler h = {URN_HANDLER_SUBSTITUTE, "theta", NULL, 0};
    urn_model *model = trace_handled(data, &h, 1);
    machine d = machine_of(model, URN_PROGRAM_DENSITY), v = machine_of(model, URN_PROGRAM_VALUES);
    urn_error error = {0};
    double x[1] = {log(tau_value)};
    const int theta = site_of(model, "theta");
    assert_int_equal(urn_model_position_size(model), 1);
    assert_int_equal(info_of(model, "theta").role, URN_SITE_LATENT);
    assert_int_equal(info_of(model, "theta").offset, -1);
    for (int round = 0; round < 3; round++) {
        const double in[K] = {0.3 + round, 0.9, 0.2};
        assert_ok(urn_replay_input(d.replay, theta, in, K, &error), &error);
        assert_ok(urn_replay_input(v.replay, theta, in, K, &error), &error);
        const double lp = lp_tau(tau_value) + x[0] + lp_theta(tau_value, in) + lp_y(tau_value, in);
        double g[1];
        assert_near(urn_replay_log_density(d.replay, x, g), lp, 1e-13, "log density");
        assert_near(urn_replay_log_density(d.replay, x, NULL), lp, 1e-13, "value");
        check_gradient_of(model, &d, x);
        urn_replay_run(v.replay, x);
        assert_same_bits(urn_replay_result(v.replay, theta, URN_RESULT_VALUE), in, K, "theta");
    }
    machine_clear(&d);
    machine_clear(&v);
    urn_model_free(model);
    urn_dataset_free(data);
}

static void substituted_and_full_densities_agree(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(N, y);
    static const urn_handler both[] = {{URN_HANDLER_SUBSTITUTE, "theta", NULL, 0},
                                       {URN_HANDLER_SUBSTITUTE, "tau", NULL, 0}};
    urn_model *full = trace_data(DEF(tree), data), *none = trace_handled(data, both, 2);
    machine df = machine_of(full, URN_PROGRAM_DENSITY), dn = machine_of(none, URN_PROGRAM_DENSITY),
            vf = machine_of(full, URN_PROGRAM_VALUES);
    dice d = {31};
    for (int round = 0; round < 10; round++) {
        double x[1 + K], nothing[1], jacobian = 0;
        urn_error error = {0};
        dice_normals(&d, 1 + K, 0.5, x);
        for (int k = 0; k < 1 + K; k++)
            jacobian += x[k];
        urn_replay_run(vf.replay, x);
        const int tau = site_of(full, "tau"), theta = site_of(full, "theta");
        assert_ok(urn_replay_input(dn.replay, tau,
                                   urn_replay_result(vf.replay, tau, URN_RESULT_VALUE), 1, &error),
                  &error);
        assert_ok(urn_replay_input(dn.replay, theta,
                                   urn_replay_result(vf.replay, theta, URN_RESULT_VALUE), K,
                                   &error),
                  &error);
        assert_int_equal(urn_model_position_size(none), 0);
        assert_near(urn_replay_log_density(dn.replay, nothing, nothing) + jacobian,
                    urn_replay_log_density(df.replay, x, NULL), 1e-13, "log density");
    }
    machine_clear(&df);
    machine_clear(&dn);
    machine_clear(&vf);
    urn_model_free(full);
    urn_model_free(none);
    urn_dataset_free(data);
}

static void a_blocked_site_is_drawn_and_does_not_count(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(N, y);
    static const urn_handler h = {URN_HANDLER_BLOCK, "tau", NULL, 0};
    urn_model *model = trace_handled(data, &h, 1);
    machine d = machine_of(model, URN_PROGRAM_DENSITY), v = machine_of(model, URN_PROGRAM_VALUES);
    double x[K], theta[K], last = 0, sum = 0;
    dice numbers = {6};
    for (uint64_t step = 0; step < 500; step++) {
        dice_normals(&numbers, K, 0.5, x);
        urn_replay_seed(d.replay, 3, 1, step);
        urn_replay_seed(v.replay, 3, 1, step);
        urn_replay_run(v.replay, x);
        const double tau = urn_replay_result(v.replay, site_of(model, "tau"), URN_RESULT_VALUE)[0];
        assert_true(tau > 0 && tau != last);
        last = tau;
        sum += tau;
        double jacobian = 0;
        for (int k = 0; k < K; k++) {
            theta[k] = exp(x[k]);
            jacobian += x[k];
        }
        if (tau < 0.05)
            continue; /* the formula by way of densities underflows */
        assert_near(urn_replay_log_density(d.replay, x, NULL),
                    lp_theta(tau, theta) + jacobian + lp_y(tau, theta), 1e-11, "log density");
        if (step < 5)
            check_gradient_of(model, &d, x);
    }
    assert_near(sum / 500, 2 * sqrt(2 / M_PI), 0.1, "mean of a half normal");
    assert_int_equal(urn_model_position_size(model), K);
    machine_clear(&d);
    machine_clear(&v);
    urn_model_free(model);
    urn_dataset_free(data);
}

static void a_blocked_child_has_no_gradient(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(N, y);
    static const urn_handler h = {URN_HANDLER_BLOCK, "theta", NULL, 0};
    urn_model *model = trace_handled(data, &h, 1);
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_DENSITY};
    urn_program *program;
    urn_error error = {0};
    assert_int_equal(urn_program_compile(model, &options, &program, &error), URN_ERR_MODEL);
    assert_string_equal(error.site, "theta");
    assert_string_equal(error.message, "(log_normal): the site is blocked, so it is drawn, and its "
                                       "parameters depend on latent sites: there is no gradient");
    assert_string_equal(error.hint, "block the sites it depends on as well, or substitute it");
    urn_model_free(model);
    static const urn_handler both[] = {{URN_HANDLER_BLOCK, "theta", NULL, 0},
                                       {URN_HANDLER_BLOCK, "tau", NULL, 0}};
    model = trace_handled(data, both, 2);
    machine d = machine_of(model, URN_PROGRAM_DENSITY);
    double nothing[1];
    assert_true(isfinite(urn_replay_log_density(d.replay, nothing, nothing)));
    machine_clear(&d);
    urn_model_free(model);
    urn_dataset_free(data);
}

static const double *result(const machine *v, const urn_model *model, const char *site)
{
    return urn_replay_result(v->replay, site_of(model, site), URN_RESULT_VALUE);
}

static void a_simulation_respects_handlers(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(N, y);
    const urn_handler handlers[] = {{URN_HANDLER_SUBSTITUTE, "tau", NULL, 0},
                                    {URN_HANDLER_CONDITION, "theta", theta_value, K}};
    urn_model *model = trace_handled(data, handlers, 2);
    machine s = machine_of(model, URN_PROGRAM_SIMULATE);
    urn_error error = {0};
    const double tiny = 1e-9;
    assert_ok(urn_replay_input(s.replay, site_of(model, "tau"), &tiny, 1, &error), &error);
    urn_replay_seed(s.replay, 1, 1, 1);
    urn_replay_run(s.replay, NULL);
    assert_true(result(&s, model, "tau")[0] == tiny);
    assert_same_bits(result(&s, model, "theta"), theta_value, K, "theta");
    for (int i = 0; i < N; i++)
        assert_near(result(&s, model, "y")[i], 1.4, 1e-7, "y");
    machine_clear(&s);
    urn_model_free(model);
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conditioned_site_is_observed),
        cmocka_unit_test(a_substituted_site_is_an_input),
        cmocka_unit_test(substituted_and_full_densities_agree),
        cmocka_unit_test(a_blocked_site_is_drawn_and_does_not_count),
        cmocka_unit_test(a_blocked_child_has_no_gradient),
        cmocka_unit_test(a_simulation_respects_handlers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
