/* Handlers take a joint density apart in known ways; the non-centred form changes coordinates. */
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

/* ---- interventions, scales and masks ---- */

static void an_intervention_takes_the_density_away(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(N, y);
    const double one = 0.4, other[N] = {1, 2, 3, 4, 5};
    const urn_handler cases[] = {{URN_HANDLER_DO, "theta", theta_value, K},
                                 {URN_HANDLER_DO, "theta", &one, 1},
                                 {URN_HANDLER_DO, "y", other, N}};
    for (int c = 0; c < 3; c++) {
        urn_model *model = trace_handled(data, &cases[c], 1);
        machine d = machine_of(model, URN_PROGRAM_DENSITY);
        machine v = machine_of(model, URN_PROGRAM_VALUES);
        machine s = machine_of(model, URN_PROGRAM_SIMULATE);
        double x[1 + K] = {log(tau_value), log(0.3), log(0.9), log(0.2)};
        const double same[K] = {one, one, one};
        const double *theta = c == 1 ? same : theta_value;
        const double jacobian = x[1] + x[2] + x[3];
        const double lp = lp_tau(tau_value) + x[0] +
                          (c < 2 ? lp_y(tau_value, theta) : lp_theta(tau_value, theta) + jacobian);
        assert_int_equal(urn_model_position_size(model), c < 2 ? 1 : 1 + K);
        assert_int_equal(info_of(model, cases[c].site).role, URN_SITE_RECORDED);
        assert_int_equal(urn_model_observation_count(model), c < 2 ? N : 0);
        assert_near(urn_replay_log_density(d.replay, x, NULL), lp, 1e-13, "log density");
        check_gradient_of(model, &d, x);
        urn_replay_run(v.replay, x);
        urn_replay_seed(s.replay, 1, 1, 1);
        urn_replay_run(s.replay, NULL);
        const double *values = c < 2 ? theta : other;
        assert_same_bits(result(&v, model, cases[c].site), values, c < 2 ? K : N, "values");
        assert_same_bits(result(&s, model, cases[c].site), values, c < 2 ? K : N, "drawn");
        machine_clear(&d);
        machine_clear(&v);
        machine_clear(&s);
        urn_model_free(model);
    }
    urn_dataset_free(data);
}

/* tau, theta and y as above, and a factor -tau. */
static void with_factor(urn_model *m)
{
    tree(m);
    urn_var rate = urn_sample(m, "t_rate", exponential, .rate = urn_real(m, 1));
    urn_factor(m, "pull", urn_neg(rate));
}

static void scaled_densities_count_so_often(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(N, y);
    const double two = 2, third = 1.0 / 3, four = 4, half = 0.5;
    const urn_handler handlers[] = {{URN_HANDLER_SCALE, "theta", &two, 1},
                                    {URN_HANDLER_SCALE, "y", &third, 1},
                                    {URN_HANDLER_SCALE, "t*", &half, 1},
                                    {URN_HANDLER_SCALE, "pull", &four, 1}};
    urn_trace_options options = trace_options(data);
    options.handlers = handlers;
    options.n_handlers = N_OF(handlers);
    urn_model *model = trace_with(DEF(with_factor), &options);
    machine d = machine_of(model, URN_PROGRAM_DENSITY);
    double x[2 + K] = {log(tau_value), log(0.3), log(0.9), log(0.2), log(1.7)};
    double jacobian = 0;
    for (int i = 0; i < 2 + K; i++)
        jacobian += x[i]; /* of coordinates, which are not scaled */
    const double lp = 0.5 * lp_tau(tau_value) + 2 * 0.5 * lp_theta(tau_value, theta_value) +
                      lp_y(tau_value, theta_value) / 3 + 0.5 * lp_exponential(1.7, 1) - 4 * 1.7;
    assert_near(urn_replay_log_density(d.replay, x, NULL), lp + jacobian, 1e-13, "log density");
    check_gradient_of(model, &d, x);
    assert_true(info_of(model, "theta").weight == 1.0 && info_of(model, "tau").weight == 0.5);
    machine_clear(&d);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* A batch of scaled rows is scaled twice: its average over all batches is the whole. */
static void scales_meet_mini_batches(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(N, y);
    const double three = 3;
    const urn_handler h = {URN_HANDLER_SCALE, "y", &three, 1};
    urn_trace_options options = trace_options(data);
    options.handlers = &h;
    options.n_handlers = 1;
    options.batch_plate = "rows";
    options.batch_size = 1;
    urn_model *model = trace_with(DEF(tree), &options);
    machine d = machine_of(model, URN_PROGRAM_DENSITY);
    const double x[1 + K] = {log(tau_value), log(0.3), log(0.9), log(0.2)};
    double sum = 0;
    urn_replay_seed(d.replay, 5, 0, 0);
    for (int64_t step = 0; step < N; step++) {
        assert_int_equal(urn_replay_batch(d.replay, 5, step), URN_OK);
        sum += urn_replay_log_density(d.replay, x, NULL) / N;
    }
    const double lp = lp_tau(tau_value) + lp_theta(tau_value, theta_value) +
                      3 * lp_y(tau_value, theta_value) + x[0] + x[1] + x[2] + x[3];
    assert_near(sum, lp, 1e-12, "mean over an epoch");
    machine_clear(&d);
    urn_model_free(model);
    urn_dataset_free(data);
}

static void masked_rows_do_not_count(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(N, y);
    const double some[K] = {1, 0, 1}, rows[N] = {0, 1, 1, 0, 1};
    const urn_handler handlers[] = {{URN_HANDLER_MASK, "theta", some, K},
                                    {URN_HANDLER_MASK, "y", rows, N}};
    urn_model *model = trace_handled(data, handlers, 2);
    machine d = machine_of(model, URN_PROGRAM_DENSITY);
    double x[1 + K] = {log(tau_value), log(0.3), log(0.9), log(0.2)};
    double lp = lp_tau(tau_value) + x[0] + x[1] + x[2] + x[3];
    for (int k = 0; k < K; k++)
        lp += some[k] * lp_log_normal(theta_value[k], 0.5, tau_value);
    for (int i = 0; i < N; i++)
        lp += rows[i] * lp_normal(y[i], 1.4, tau_value);
    assert_near(urn_replay_log_density(d.replay, x, NULL), lp, 1e-13, "log density");
    check_gradient_of(model, &d, x);
    machine_clear(&d);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- the non-centred form ---- */

static const double l_of_v[4] = {1.1, 0, -0.4, 0.7};

/* One site of each family that has the form, over a plate; scale by its precision, too. */
static void forms(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), k = urn_plate_size(m, "k", K);
    urn_var one = urn_real(m, 1);
    urn_var mu = urn_sample(m, "mu", normal, .loc = one, .scale = urn_real(m, 2));
    urn_var tau = urn_sample(m, "tau", half_normal, .scale = urn_real(m, 2));
    urn_var a = urn_sample(m, "a", normal, .loc = mu, .precision = tau, .plate = k);
    urn_var b =
        urn_sample(m, "b", student_t, .df = urn_real(m, 4), .loc = a, .scale = tau, .plate = k);
    urn_var c = urn_sample(m, "c", cauchy, .loc = one, .scale = tau, .plate = k);
    urn_var d = urn_sample(m, "d", laplace, .loc = mu, .scale = one, .plate = k);
    urn_var e = urn_sample(m, "e", logistic, .loc = mu, .scale = tau);
    urn_var f = urn_sample(m, "f", log_normal, .loc = mu, .scale = tau, .plate = k);
    urn_var row = urn_sample(m, "row", normal, .loc = mu, .scale = tau, .plate = rows);
    urn_var v = urn_sample(m, "v", mvn, .loc = urn_stack(mu, tau),
                           .scale_tril = urn_mul(tau, urn_matrix(m, 2, 2, l_of_v)), .plate = k);
    e = urn_add(e, urn_sum(urn_mul(v, urn_vector(m, 2, (double[]){0.3, -0.2}))));
    urn_var sum = urn_add(urn_add(urn_sum(b), urn_sum(c)), urn_add(urn_sum(d), urn_sum(f)));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_add(urn_add(sum, e), row),
                .scale = urn_real(m, 3), .plate = rows);
}

static const char *const formed[] = {"a", "b", "c", "d", "e", "f", "row", "v"};

static urn_model *trace_forms(const urn_dataset *data, bool noncentred, int64_t batch)
{
    urn_handler handlers[N_OF(formed)];
    urn_trace_options options = trace_options(data);
    for (size_t i = 0; i < N_OF(formed); i++)
        handlers[i] = (urn_handler){URN_HANDLER_NONCENTRED, formed[i], NULL, 0};
    options.handlers = handlers;
    options.n_handlers = noncentred ? N_OF(formed) : 0;
    options.batch_plate = batch > 0 ? "rows" : NULL;
    options.batch_size = batch;
    return trace_with(DEF(forms), &options);
}

/* Where a standardised value is in the centred model's position, and log |d centred / d standard|:
 * the derivative of the map is triangular, with the scales on the diagonal. */
static double to_centred(const double *z, double *x)
{
    const double mu = z[0], tau = exp(z[1]);
    memcpy(x, z, 2 * sizeof *x);
    const double of_a = 1 / sqrt(tau);
    int i = 2;
    for (int k = 0; k < K; k++, i++)
        x[i] = mu + of_a * z[i];
    for (int k = 0; k < K; k++, i++)
        x[i] = x[i - K] + tau * z[i];
    for (int k = 0; k < K; k++, i++)
        x[i] = 1 + tau * z[i];
    for (int k = 0; k < K; k++, i++)
        x[i] = mu + z[i];
    for (; i < 2 + 4 * K + 1 + K + N; i++) /* e; log f; row */
        x[i] = mu + tau * z[i];
    for (int k = 0; k < K; k++, i += 2) {
        x[i] = mu + tau * l_of_v[0] * z[i];
        x[i + 1] = tau + tau * (l_of_v[2] * z[i] + l_of_v[3] * z[i + 1]);
    }
    return K * log(of_a) + (2 * K + 1 + K + N) * z[1] + K * (2 * z[1] + log(l_of_v[0] * l_of_v[3]));
}

enum { SIZE = 2 + 4 * K + 1 + K + N + 2 * K };

static void noncentred_sites_are_the_same_ones(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(N, y);
    urn_model *centred = trace_forms(data, false, 0), *model = trace_forms(data, true, 0);
    machine d = machine_of(model, URN_PROGRAM_DENSITY), v = machine_of(model, URN_PROGRAM_VALUES);
    machine dc = machine_of(centred, URN_PROGRAM_DENSITY);
    machine vc = machine_of(centred, URN_PROGRAM_VALUES);
    const urn_compile_options modes = {
        .bytes = sizeof modes, .kind = URN_PROGRAM_DENSITY, .no_jacobian = true};
    machine m = machine_with(model, &modes, 1), mc = machine_with(centred, &modes, 1);
    assert_int_equal(urn_model_position_size(model), SIZE);
    for (size_t i = 0; i < N_OF(formed); i++) {
        assert_true(info_of(model, formed[i]).noncentred);
        assert_true(info_of(centred, formed[i]).hierarchical);
        assert_int_equal(info_of(model, formed[i]).role, URN_SITE_LATENT);
    }
    assert_false(info_of(centred, "mu").hierarchical || info_of(centred, "tau").hierarchical);
    dice numbers = {8};
    for (int round = 0; round < 5; round++) {
        double z[SIZE], x[SIZE], back[SIZE];
        const double *values[32] = {0};
        urn_error error = {0};
        dice_normals(&numbers, SIZE, 0.7, z);
        const double jacobian = to_centred(z, x);
        assert_near(urn_replay_log_density(d.replay, z, NULL),
                    urn_replay_log_density(dc.replay, x, NULL) + jacobian, 1e-12, "log density");
        assert_near(urn_replay_log_density(m.replay, z, NULL),
                    urn_replay_log_density(mc.replay, x, NULL), 1e-12, "without Jacobian");
        check_gradient_of(model, &d, z);
        check_gradient_of(model, &m, z);
        urn_replay_run(v.replay, z);
        urn_replay_run(vc.replay, x);
        for (size_t i = 0; i < N_OF(formed); i++)
            for (int64_t k = 0; k < info_of(model, formed[i]).size; k++)
                assert_near(result(&v, model, formed[i])[k], result(&vc, centred, formed[i])[k],
                            1e-12, formed[i]);
        for (int i = 0; i < urn_model_site_count(model); i++)
            values[i] = urn_replay_result(v.replay, i, URN_RESULT_VALUE);
        assert_ok(urn_model_unconstrain_all(model, values, back, &error), &error);
        for (int i = 0; i < SIZE; i++)
            assert_near(back[i], z[i], 1e-11, "coordinates of the values");
    }
    machine_clear(&d);
    machine_clear(&v);
    machine_clear(&dc);
    machine_clear(&vc);
    machine_clear(&m);
    machine_clear(&mc);
    urn_model_free(model);
    urn_model_free(centred);
    urn_dataset_free(data);
}

static void noncentred_rows_come_in_batches(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(N, y);
    urn_model *whole = trace_forms(data, true, 0), *model = trace_forms(data, true, 1);
    machine d = machine_of(model, URN_PROGRAM_DENSITY),
            all = machine_of(whole, URN_PROGRAM_DENSITY);
    double z[SIZE], sum = 0;
    dice numbers = {9};
    dice_normals(&numbers, SIZE, 0.7, z);
    for (int64_t step = 0; step < N; step++) {
        assert_int_equal(urn_replay_batch(d.replay, 5, step), URN_OK);
        sum += urn_replay_log_density(d.replay, z, NULL) / N;
        check_gradient_of(model, &d, z);
    }
    assert_near(sum, urn_replay_log_density(all.replay, z, NULL), 1e-12, "mean over an epoch");
    machine_clear(&d);
    machine_clear(&all);
    urn_model_free(model);
    urn_model_free(whole);
    urn_dataset_free(data);
}

static void sites_without_the_form_are_refused(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(N, y);
    const double two = 2, bits[K] = {1, 1, 0};
    const struct {
        urn_handler handler[2];
        const char *site, *message;
    } cases[] = {
        {{{URN_HANDLER_NONCENTRED, "tau", NULL, 0}},
         "tau",
         "(half_normal): the family has no non-centred form"},
        {{{URN_HANDLER_NONCENTRED, "theta", NULL, 0}, {URN_HANDLER_SCALE, "theta", &two, 1}},
         "theta",
         "a site that is scaled or masked has no non-centred form"},
        {{{URN_HANDLER_MASK, "theta", bits, K}, {URN_HANDLER_NONCENTRED, "theta", NULL, 0}},
         "theta",
         "a site that is scaled or masked has no non-centred form"},
        {{{URN_HANDLER_NONCENTRED, "theta", NULL, 0}, {URN_HANDLER_BLOCK, "theta", NULL, 0}},
         "theta",
         "two handlers name this site"},
        {{{URN_HANDLER_SCALE, "y", bits + 2, 1}}, "y", "scale takes one number greater than 0"},
        {{{URN_HANDLER_SCALE, "z*", &two, 1}},
         "z*",
         "a handler names this site, but model tree has none of that name"},
        {{{URN_HANDLER_MASK, "y", bits, K}}, "y", "mask gives 3 elements; the site has 5 rows"},
        {{{URN_HANDLER_MASK, "tau", &two, 1}}, "tau", "a mask is of zeros and ones"},
        {{{URN_HANDLER_DO, "theta", bits, 2}}, "theta", "do gives 2 elements; the site has 3"},
        {{{URN_HANDLER_NONCENTRED, "y", NULL, 0}},
         "y",
         "a handler names this site, but it is observed; handlers act on latent sites"},
    };
    urn_trace_options options = trace_options(data);
    for (size_t k = 0; k < N_OF(cases); k++) {
        urn_model *model;
        urn_error error = {0};
        options.handlers = cases[k].handler;
        options.n_handlers = cases[k].handler[1].site == NULL ? 1 : 2;
        assert_int_equal(urn_model_trace(DEF(tree), &options, &model, &error), URN_ERR_USAGE);
        assert_string_equal(error.site, cases[k].site);
        assert_string_equal(error.message, cases[k].message);
    }
    urn_model *model = trace_forms(data, true, 0);
    urn_error error = {0};
    double position[K];
    assert_int_equal(
        urn_model_unconstrain(model, site_of(model, "a"), theta_value, position, &error),
        URN_ERR_MODEL);
    assert_string_equal(error.message, "(normal): its loc and scale depend on other sites");
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
        cmocka_unit_test(an_intervention_takes_the_density_away),
        cmocka_unit_test(scaled_densities_count_so_often),
        cmocka_unit_test(scales_meet_mini_batches),
        cmocka_unit_test(masked_rows_do_not_count),
        cmocka_unit_test(noncentred_sites_are_the_same_ones),
        cmocka_unit_test(noncentred_rows_come_in_batches),
        cmocka_unit_test(sites_without_the_form_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
