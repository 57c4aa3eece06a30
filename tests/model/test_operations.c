/* Operations that models call, against plain loops: sequences, hidden Markov chains, kernels,
 * choices. Their slopes are the business of tests/graph; here values and messages count. */
#include "tests/model/density_test.h"

static const double *record(const machine *v, const urn_model *model, const char *site)
{
    const double *value = urn_replay_result(v->replay, site_of(model, site), URN_RESULT_VALUE);
    if (value == NULL)
        fail_msg("site %s has no value", site);
    return value;
}

/* ---- elementwise ---- */

static const double points[5] = {-3.0, -0.5, 0.1, 2.0, 30.0};
static const double others[5] = {1.0, -0.5, 0.2, -40.0, 29.0};

static void elementwise(urn_model *m)
{
    urn_var x = urn_vector(m, 5, points), y = urn_vector(m, 5, others);
    urn_record(m, "log_sigmoid", urn_log_sigmoid(x));
    urn_record(m, "log1m_exp", urn_log1m_exp(urn_neg(urn_abs(x))));
    urn_record(m, "phi", urn_phi(x));
    urn_record(m, "log_phi", urn_log_phi(x));
    urn_record(m, "maximum", urn_maximum(x, y));
    urn_record(m, "minimum", urn_minimum(x, y));
    urn_record(m, "log_add_exp", urn_log_add_exp(x, y));
    urn_record(m, "where", urn_where(x, urn_log(x), y));
    urn_record(m, "softmax", urn_softmax(x));
    urn_record(m, "log_softmax", urn_log_softmax(x));
}

static void elementwise_values(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(elementwise), NULL);
    machine v = machine_of(model, URN_PROGRAM_VALUES);
    urn_replay_run(v.replay, NULL);
    double total = 0.0;
    for (int i = 0; i < 5; i++)
        total += exp(points[i] - 30.0);
    for (int i = 0; i < 5; i++) {
        const double x = points[i], y = others[i], phi = 0.5 * erfc(-x / sqrt(2.0));
        assert_near(record(&v, model, "log_sigmoid")[i], -log1p(exp(-x)), 1e-14, "log_sigmoid");
        assert_near(record(&v, model, "log1m_exp")[i], log(-expm1(-fabs(x))), 1e-14, "log1m_exp");
        assert_near(record(&v, model, "phi")[i], phi, 1e-15, "phi");
        assert_near(record(&v, model, "log_phi")[i], log(phi), 1e-14, "log_phi");
        assert_true(record(&v, model, "maximum")[i] == fmax(x, y));
        assert_true(record(&v, model, "minimum")[i] == fmin(x, y));
        assert_near(record(&v, model, "log_add_exp")[i], fmax(x, y) + log1p(exp(-fabs(x - y))),
                    1e-14, "log_add_exp");
        /* the logarithm of a negative number does not come through */
        assert_near(record(&v, model, "where")[i], x > 0 ? log(x) : y, 1e-15, "where");
        assert_near(record(&v, model, "softmax")[i], exp(x - 30.0) / total, 1e-14, "softmax");
        assert_near(record(&v, model, "log_softmax")[i], x - 30.0 - log(total), 1e-14,
                    "log_softmax");
    }
    machine_clear(&v);
    urn_model_free(model);
}

/* ---- sequences ---- */

enum { T = 7 };
static const double terms[T] = {0.3, -1.0, 2.0, 0.7, -0.2, 0.0, 1.5};

static void sequences(urn_model *m)
{
    urn_var b = urn_vector(m, T, terms), a = urn_real(m, 0.8);
    urn_record(m, "cumsum", urn_cumsum(b));
    urn_record(m, "ar", urn_recurrence(a, b, urn_real(m, 2.0)));
    urn_record(m, "own factors", urn_recurrence(b, a, urn_real(m, -1.0)));
}

static void sequence_values(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(sequences), NULL);
    machine v = machine_of(model, URN_PROGRAM_VALUES);
    urn_replay_run(v.replay, NULL);
    double sum = 0.0, ar = 2.0, own = -1.0;
    for (int t = 0; t < T; t++) {
        sum += terms[t];
        ar = 0.8 * ar + terms[t];
        own = terms[t] * own + 0.8;
        assert_near(record(&v, model, "cumsum")[t], sum, 1e-15, "cumsum");
        assert_near(record(&v, model, "ar")[t], ar, 1e-15, "recurrence");
        assert_near(record(&v, model, "own factors")[t], own, 1e-15, "recurrence, own factors");
    }
    machine_clear(&v);
    urn_model_free(model);
}

/* ---- hidden Markov chains: the sum over all paths ---- */

enum { K = 3, STEPS = 4 };
static const double initial[K] = {0.2, 0.5, 0.3};
static const double transition[K * K] = {0.7, 0.2, 0.1, 0.0, 0.4, 0.6, 0.25, 0.25, 0.5};
static const double emission[STEPS * K] = {-0.3, -2.0, -1.0, -4.0, -0.1, -0.7,
                                           -1.2, -0.9, -3.0, -0.2, -0.4, -0.6};

static void hidden(urn_model *m)
{
    const urn_var log_initial = urn_log(urn_vector(m, K, initial));
    const urn_var log_transition = urn_log(urn_matrix(m, K, K, transition)); /* one is -infinity */
    urn_record(m, "hmm",
               urn_hmm_forward(log_initial, log_transition, urn_matrix(m, STEPS, K, emission)));
}

static double over_all_paths(void)
{
    double total = 0.0;
    for (int path = 0; path < K * K * K * K; path++) {
        int code = path, state = code % K;
        double p = initial[state] * exp(emission[state]);
        for (int t = 1; t < STEPS; t++) {
            code /= K;
            p *= transition[state * K + code % K] * exp(emission[t * K + code % K]);
            state = code % K;
        }
        total += p;
    }
    return log(total);
}

static void hidden_values(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(hidden), NULL);
    machine v = machine_of(model, URN_PROGRAM_VALUES);
    urn_replay_run(v.replay, NULL);
    assert_near(record(&v, model, "hmm")[0], over_all_paths(), 1e-14, "hmm");
    machine_clear(&v);
    urn_model_free(model);
}

/* ---- kernels ---- */

enum { N = 4 };
static const double where[2 * N] = {0.0, 1.0, 0.4, -2.0, 0.4, -2.0, 3.0, 0.5};
static const double lengths[2] = {0.7, 2.0};

static void kernels(urn_model *m)
{
    urn_var x = urn_matrix(m, N, 2, where), scale = urn_real(m, 1.5);
    urn_var one = urn_real(m, 0.9), each = urn_vector(m, 2, lengths);
    urn_record(m, "exp_quad", urn_kernel_exp_quad(x, scale, one));
    urn_record(m, "exp_quad each", urn_kernel_exp_quad(x, scale, each));
    urn_record(m, "matern32", urn_kernel_matern32(x, scale, each));
    urn_record(m, "matern52", urn_kernel_matern52(x, scale, one));
    urn_record(m, "line", urn_kernel_matern32(urn_element(x, 0), scale, one));
    urn_record(m, "noise", urn_add_diagonal(urn_kernel_exp_quad(x, scale, one), urn_real(m, 0.3)));
}

static double distance(int i, int j, double length0, double length1)
{
    const double a = (where[2 * i] - where[2 * j]) / length0;
    const double b = (where[2 * i + 1] - where[2 * j + 1]) / length1;
    return sqrt(a * a + b * b);
}

static void kernel_values(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(kernels), NULL);
    machine v = machine_of(model, URN_PROGRAM_VALUES);
    urn_replay_run(v.replay, NULL);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            const int at = i * N + j;
            const double one = distance(i, j, 0.9, 0.9), each = distance(i, j, 0.7, 2.0);
            const double line = fabs(where[2 * i] - where[2 * j]) / 0.9;
            const double q = 2.25 * exp(-0.5 * one * one), r3 = sqrt(3.0), r5 = sqrt(5.0);
            assert_near(record(&v, model, "exp_quad")[at], q, 1e-14, "exp_quad");
            assert_near(record(&v, model, "noise")[at], q + (i == j ? 0.3 : 0.0), 1e-14, "noise");
            assert_near(record(&v, model, "exp_quad each")[at], 2.25 * exp(-0.5 * each * each),
                        1e-14, "exp_quad, a length each");
            assert_near(record(&v, model, "matern32")[at],
                        2.25 * (1.0 + r3 * each) * exp(-r3 * each), 1e-14, "matern32");
            assert_near(record(&v, model, "matern52")[at],
                        2.25 * (1.0 + r5 * one + 5.0 / 3.0 * one * one) * exp(-r5 * one), 1e-14,
                        "matern52");
            assert_near(record(&v, model, "line")[at], 2.25 * (1.0 + r3 * line) * exp(-r3 * line),
                        1e-14, "matern32 of numbers");
        }
    machine_clear(&v);
    urn_model_free(model);
}

/* Latent points and lengths: two of the points are the same, where a root has no slope. */
static void latent_points(urn_model *m)
{
    urn_var one = urn_real(m, 1.0);
    urn_var length = urn_sample(m, "length", gamma, .shape = urn_fill(m, 2, 3.0), .rate = one);
    urn_var scale = urn_sample(m, "scale", gamma, .shape = one, .rate = one);
    urn_var k = urn_kernel_matern32(urn_matrix(m, N, 2, where), scale, length);
    urn_var k2 = urn_kernel_matern52(urn_matrix(m, N, 2, where), scale, length);
    urn_factor(m, "f", urn_sum(urn_mul(urn_sin(k), k2)));
}

static void kernels_have_slopes(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(latent_points), NULL);
    machine d = machine_of(model, URN_PROGRAM_DENSITY);
    double x[3] = {0.1, -0.3, 0.4}, gradient[3];
    (void)urn_replay_log_density(d.replay, x, gradient);
    for (int i = 0; i < 3; i++) {
        const double at = x[i], h = 1e-3;
        double f[4];
        for (int k = 0; k < 4; k++) {
            x[i] = at + h * (double)(k < 2 ? k - 2 : k - 1);
            f[k] = urn_replay_log_density(d.replay, x, NULL);
        }
        x[i] = at;
        assert_near(gradient[i], (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h), 1e-9, "slope");
    }
    machine_clear(&d);
    urn_model_free(model);
}

/* ---- rows as an event ---- */

static void rows_as_event(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var y = urn_data(rows, "y");
    urn_record(m, "sorted sums", urn_cumsum(urn_as_event(y)));
}

static void rows_become_an_event(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(5, points);
    urn_model *model = trace_data(DEF(rows_as_event), data);
    machine v = machine_of(model, URN_PROGRAM_VALUES);
    urn_replay_run(v.replay, NULL);
    double sum = 0.0;
    for (int i = 0; i < 5; i++) {
        sum += points[i];
        assert_near(record(&v, model, "sorted sums")[i], sum, 1e-15, "sum");
    }
    assert_int_equal(info_of(model, "sorted sums").n_plates, 0);
    machine_clear(&v);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- messages ---- */

static void no_sequence(urn_model *m)
{
    urn_record(m, "r", urn_cumsum(urn_real(m, 1.0)));
}

static void start_too_long(urn_model *m)
{
    urn_record(m, "r", urn_recurrence(urn_real(m, 1.0), urn_zeros(m, 3), urn_zeros(m, 3)));
}

static void other_states(urn_model *m)
{
    urn_record(m, "r", urn_hmm_forward(urn_zeros(m, 2), urn_eye(m, 3, 1.0), urn_eye(m, 3, 1.0)));
}

static void other_lengths(urn_model *m)
{
    urn_var x = urn_matrix(m, N, 2, where), one = urn_real(m, 1.0);
    urn_record(m, "r", urn_kernel_exp_quad(x, one, urn_zeros(m, 3)));
}

static void points_over_rows(urn_model *m)
{
    urn_var x = urn_data(urn_plate_rows(m, "rows"), "y"), one = urn_real(m, 1.0);
    urn_record(m, "r", urn_kernel_exp_quad(x, one, one));
}

static void messages(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(5, points);
    const urn_trace_options none = trace_options(NULL), with = trace_options(data);
    check_failure(DEF(no_sequence), &none,
                  &(failure){.status = URN_ERR_MODEL,
                             .message = "cumsum of scalar: there is no event dim to run along"});
    check_failure(DEF(start_too_long), &none,
                  &(failure){.status = URN_ERR_MODEL,
                             .message = "urn_recurrence: the start must be one number for each "
                                        "sequence"});
    check_failure(
        DEF(other_states), &none,
        &(failure){.status = URN_ERR_MODEL,
                   .message = "hmm_forward of 2 and 3 x 3 and 3 x 3: the emissions have 3 states; "
                              "the initial weights and both dims of the transition matrix must "
                              "have as many"});
    check_failure(DEF(other_lengths), &none,
                  &(failure){.status = URN_ERR_MODEL,
                             .message =
                                 "a kernel got a length scale with 3 elements for points of 2 "
                                 "coordinates; give one number, or one for each"});
    check_failure(DEF(points_over_rows), &with,
                  &(failure){.status = URN_ERR_MODEL,
                             .message = "a kernel got points with 1 plate dims and 0 event dims",
                             .hint =
                                 "give the points as [n] or [n, d]; urn_as_event turns a column "
                                 "over rows into that"});
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elementwise_values),
        cmocka_unit_test(sequence_values),
        cmocka_unit_test(hidden_values),
        cmocka_unit_test(kernel_values),
        cmocka_unit_test(kernels_have_slopes),
        cmocka_unit_test(rows_become_an_event),
        cmocka_unit_test(messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
