/* PREDICT: known rows are inputs, unknown ids are drawn from the prior; densities, means, cdfs and
 * draws of the observed rows. */
#include "tests/model/density_test.h"

#include <gsl/gsl_cdf.h>

enum { KNOWN = 3, ALL = 5, ROWS = 8 };

/* Rows of groups 0 .. 2, which the fit knew, and of 3 and 4, which it did not. */
static const int64_t group[ROWS] = {0, 1, 2, 0, 3, 4, 4, 2};
static const double y[ROWS] = {1, 2, 3, 0.5, -1, 2, 4, 0}, count[ROWS] = {0, 1, 2, 3, 0, 5, 1, 2},
                    bit[ROWS] = {0, 1, 1, 0, 1, 0, 1, 1}, mask[ROWS] = {1, 1, 0, 1, 1, 1, 0, 1};

static void predicted(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), of = urn_plate_of(m, "group");
    urn_var tau = urn_sample(m, "tau", log_normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_var c = urn_param(m, "c", 1, 0, (urn_plate){0});
    urn_var theta = urn_sample(m, "theta", normal, .loc = c, .scale = tau, .plate = of);
    urn_var w =
        urn_sample(m, "w", mvn, .loc = urn_zeros(m, 2),
                   .scale_tril = urn_matrix(m, 2, 2, (double[]){2, 0, 0.5, 1}), .plate = of);
    urn_var g = urn_index(rows, "group", of);
    urn_var loc = urn_record(m, "loc", urn_gather(theta, g));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = loc, .scale = tau,
                .plate = rows);
    urn_observe(m, "n", poisson, .value = urn_data(rows, "n"), .rate = urn_exp(loc), .plate = rows,
                .mask = urn_data(rows, "mask"));
    urn_observe(m, "b", bernoulli, .value = urn_data(rows, "b"), .logits = loc, .plate = rows);
    urn_observe(m, "v", mvn, .value = urn_data_columns(rows, "v*"), .loc = urn_gather(w, g),
                .scale_tril = urn_eye(m, 2, 1), .plate = rows);
}

static urn_dataset *rows_with_known(void)
{
    urn_error error = {0};
    const int64_t known[KNOWN] = {0, 1, 2};
    urn_dataset *data = rows_new(ROWS);
    rows_int(data, "group", group);
    rows_real(data, "y", y);
    rows_real(data, "n", count);
    rows_real(data, "b", bit);
    rows_real(data, "v1", y);
    rows_real(data, "v2", bit);
    rows_real(data, "mask", mask);
    assert_ok(urn_dataset_set_ids(data, "group", KNOWN, known, NULL, &error), &error);
    return data;
}

typedef struct scene {
    urn_dataset *data;
    urn_model *model;
    machine predict;
} scene;

static void give(const scene *s, const char *site, const double *values, int64_t n)
{
    urn_error error = {0};
    assert_ok(urn_replay_input(s->predict.replay, site_of(s->model, site), values, n, &error),
              &error);
}

static const double *look(const scene *s, const char *site, urn_result what)
{
    return urn_replay_result(s->predict.replay, site_of(s->model, site), what);
}

static const double tau_in[1] = {0.7}, c_in[1] = {-0.5}, theta_in[KNOWN] = {0.1, -0.2, 0.9},
                    w_in[2 * KNOWN] = {1, 2, 3, 4, 5, 6};

static scene open_scene(void)
{
    scene s = {.data = rows_with_known()};
    s.model = trace_data(DEF(predicted), s.data);
    s.predict = machine_of(s.model, URN_PROGRAM_PREDICT);
    give(&s, "tau", tau_in, 1);
    give(&s, "c", c_in, 1);
    give(&s, "theta", theta_in, KNOWN);
    give(&s, "w", w_in, 2 * KNOWN);
    return s;
}

static void close_scene(scene *s)
{
    machine_clear(&s->predict);
    urn_model_free(s->model);
    urn_dataset_free(s->data);
}

static void known_rows_are_the_inputs(void **state)
{
    (void)state;
    scene s = open_scene();
    urn_plate_info plate;
    urn_model_plate(s.model, 1, &plate);
    assert_string_equal(plate.name, "group");
    assert_int_equal(plate.size, ALL);
    assert_int_equal(plate.n_known, KNOWN);
    for (uint64_t step = 0; step < 20; step++) {
        urn_replay_seed(s.predict.replay, 1, 0, step);
        urn_replay_run(s.predict.replay, NULL);
        assert_same_bits(look(&s, "theta", URN_RESULT_VALUE), theta_in, KNOWN, "theta");
        assert_same_bits(look(&s, "w", URN_RESULT_VALUE), w_in, 2 * KNOWN, "w");
        assert_same_bits(look(&s, "tau", URN_RESULT_VALUE), tau_in, 1, "tau");
        assert_same_bits(look(&s, "c", URN_RESULT_VALUE), c_in, 1, "c");
    }
    close_scene(&s);
}

static void rows_are_scored_at_their_values(void **state)
{
    (void)state;
    scene s = open_scene();
    for (uint64_t step = 0; step < 20; step++) {
        urn_replay_seed(s.predict.replay, 1, 0, step);
        urn_replay_run(s.predict.replay, NULL);
        const double *theta = look(&s, "theta", URN_RESULT_VALUE), tau = 0.7;
        const double *w = look(&s, "w", URN_RESULT_VALUE);
        const double *draw = look(&s, "n", URN_RESULT_DRAW);
        assert_null(look(&s, "v", URN_RESULT_CDF)); /* no cdf of a vector */
        assert_null(look(&s, "theta", URN_RESULT_MEAN));
        assert_null(look(&s, "y", URN_RESULT_VALUE));
        for (int r = 0; r < ROWS; r++) {
            const double t = theta[group[r]], *at = w + 2 * group[r], p = sigmoid(t);
            assert_near(look(&s, "loc", URN_RESULT_VALUE)[r], t, 0, "loc");
            assert_near(look(&s, "y", URN_RESULT_LOG_DENSITY)[r], lp_normal(y[r], t, tau), 1e-12,
                        "normal");
            assert_near(look(&s, "n", URN_RESULT_LOG_DENSITY)[r],
                        mask[r] * lp_poisson(count[r], exp(t)), 1e-12, "poisson, masked");
            assert_near(look(&s, "b", URN_RESULT_LOG_DENSITY)[r], lp_bernoulli_logits(bit[r], t),
                        1e-12, "bernoulli");
            assert_near(look(&s, "v", URN_RESULT_LOG_DENSITY)[r],
                        lp_normal(y[r], at[0], 1) + lp_normal(bit[r], at[1], 1), 1e-12, "mvn");
            assert_near(look(&s, "y", URN_RESULT_MEAN)[r], t, 0, "mean");
            assert_near(look(&s, "n", URN_RESULT_MEAN)[r], exp(t), 1e-15, "mean");
            assert_near(look(&s, "b", URN_RESULT_MEAN)[r], p, 1e-15, "mean");
            assert_near(look(&s, "v", URN_RESULT_MEAN)[2 * r + 1], at[1], 0, "mean");
            assert_near(look(&s, "y", URN_RESULT_CDF)[r], gsl_cdf_gaussian_P(y[r] - t, tau), 1e-13,
                        "cdf");
            assert_near(look(&s, "n", URN_RESULT_CDF)[r],
                        gsl_cdf_poisson_P((unsigned)count[r], exp(t)), 1e-12, "cdf");
            assert_true(draw[r] >= 0 && draw[r] == floor(draw[r]));
        }
    }
    close_scene(&s);
}

/* The sum over rows is the site's term of the joint density. */
static void rows_add_up_to_the_density(void **state)
{
    (void)state;
    urn_dataset *data = rows_with_known();
    urn_error error = {0};
    const int64_t all[ALL] = {0, 1, 2, 3, 4};
    assert_ok(urn_dataset_set_ids(data, "group", ALL, all, NULL, &error), &error);
    urn_model *model = trace_data(DEF(predicted), data);
    scene s = {.model = model, .predict = machine_of(model, URN_PROGRAM_PREDICT)};
    machine v = machine_of(model, URN_PROGRAM_VALUES), d = machine_of(model, URN_PROGRAM_DENSITY);
    static const char *const latent[] = {"tau", "c", "theta", "w"};
    static const char *const observed[] = {"y", "n", "b", "v"};
    double x[1 + 1 + ALL + 2 * ALL];
    dice dice_of = {2};
    dice_normals(&dice_of, (int64_t)N_OF(x), 0.5, x);
    urn_replay_run(v.replay, x);
    for (size_t k = 0; k < N_OF(latent); k++)
        give(&s, latent[k],
             urn_replay_result(v.replay, site_of(model, latent[k]), URN_RESULT_VALUE),
             info_of(model, latent[k]).size);
    urn_replay_run(s.predict.replay, NULL);
    double total = lp_log_normal(exp(x[0]), 0, 1) + x[0];
    const double covariance[4] = {4, 1, 1, 1.25}, zero[2] = {0, 0};
    for (int g = 0; g < ALL; g++)
        total += lp_normal(x[2 + g], x[1], exp(x[0])) + lp_mvn(2, x + 7 + 2 * g, zero, covariance);
    for (size_t k = 0; k < N_OF(observed); k++)
        for (int r = 0; r < ROWS; r++)
            total += look(&s, observed[k], URN_RESULT_LOG_DENSITY)[r];
    assert_near(urn_replay_log_density(d.replay, x, NULL), total, 1e-12, "log density");
    machine_clear(&s.predict);
    machine_clear(&v);
    machine_clear(&d);
    urn_model_free(model);
    urn_dataset_free(data);
}

typedef struct moments {
    double n, sum, squares;
} moments;

static void add(moments *m, double x)
{
    m->n += 1;
    m->sum += x;
    m->squares += x * x;
}

static void check_standard(const moments *m, const char *what)
{
    const double mean = m->sum / m->n;
    assert_near(mean * sqrt(m->n), 0, 4.5, what);
    assert_near(m->squares / m->n - mean * mean, 1, 0.08, what);
}

static void unknown_rows_follow_the_prior(void **state)
{
    (void)state;
    scene s = open_scene();
    moments theta = {0}, w0 = {0}, w1 = {0}, draws = {0}, b = {0};
    double last = 0;
    for (uint64_t step = 0; step < 3000; step++) {
        urn_replay_seed(s.predict.replay, 11, 0, step);
        urn_replay_run(s.predict.replay, NULL);
        const double *t = look(&s, "theta", URN_RESULT_VALUE), *w = look(&s, "w", URN_RESULT_VALUE);
        assert_true(t[3] != last);
        last = t[3];
        for (int g = KNOWN; g < ALL; g++) {
            add(&theta, (t[g] + 0.5) / 0.7);
            add(&w0, w[2 * g] / 2);
            add(&w1, w[2 * g + 1] - 0.25 * w[2 * g]);
        }
        for (int r = 0; r < ROWS; r++)
            add(&draws, (look(&s, "y", URN_RESULT_DRAW)[r] - t[group[r]]) / 0.7);
        const double p = sigmoid(0.1);
        add(&b, (look(&s, "b", URN_RESULT_DRAW)[0] - p) / sqrt(p * (1 - p)));
    }
    check_standard(&theta, "theta");
    check_standard(&w0, "w, first");
    check_standard(&w1, "w, second given first");
    check_standard(&draws, "draws of y");
    check_standard(&b, "draws of b");
    close_scene(&s);
}

static void inputs_have_their_sizes(void **state)
{
    (void)state;
    scene s = open_scene();
    urn_error error = {0};
    const double five[ALL] = {1, 2, 3, 4, 5};
    assert_int_equal(
        urn_replay_input(s.predict.replay, site_of(s.model, "theta"), five, ALL, &error),
        URN_ERR_USAGE);
    assert_string_equal(error.message, "an input of 5 elements was given; the program wants 3");
    assert_string_equal(error.site, "theta");
    assert_int_equal(urn_replay_input(s.predict.replay, site_of(s.model, "y"), five, 5, &error),
                     URN_ERR_USAGE);
    assert_int_equal(urn_replay_input(s.predict.replay, 1000, five, 5, &error), URN_ERR_USAGE);
    assert_int_equal(urn_replay_input(s.predict.replay, -1, five, 5, NULL), URN_ERR_USAGE);
    assert_null(urn_replay_result(s.predict.replay, 1000, URN_RESULT_MEAN));
    assert_null(urn_replay_result(s.predict.replay, -1, URN_RESULT_MEAN));
    close_scene(&s);
}

/* Held-out rows alone are seen, and table rows are found again. */
static void held_out_rows(void **state)
{
    (void)state;
    static const unsigned char held_out[ROWS] = {0, 0, 1, 0, 1, 0, 0, 1};
    static const int64_t rows_of[] = {2, 4, 7};
    urn_error error = {0};
    urn_dataset *data = rows_with_known();
    assert_ok(urn_dataset_set_held_out(data, "rows", held_out, &error), &error);
    urn_trace_options options = trace_options(data);
    options.rows = URN_ROWS_HELD_OUT;
    scene s = {.data = data, .model = trace_with(DEF(predicted), &options)};
    s.predict = machine_of(s.model, URN_PROGRAM_PREDICT);
    give(&s, "tau", tau_in, 1);
    give(&s, "theta", theta_in, KNOWN);
    urn_replay_run(s.predict.replay, NULL);
    assert_int_equal(info_of(s.model, "y").size, 3);
    const double *theta = look(&s, "theta", URN_RESULT_VALUE);
    for (int r = 0; r < 3; r++) {
        assert_int_equal(urn_model_table_row(s.model, "rows", r), rows_of[r]);
        assert_near(look(&s, "y", URN_RESULT_LOG_DENSITY)[r],
                    lp_normal(y[rows_of[r]], theta[group[rows_of[r]]], 0.7), 1e-12, "density");
        assert_true(urn_model_observed(s.model, site_of(s.model, "y"))[r] == y[rows_of[r]]);
    }
    assert_int_equal(urn_model_table_row(s.model, "rows", 3), -1);
    assert_int_equal(urn_model_table_row(s.model, "row", 0), -1);
    close_scene(&s);
}

static void by_row(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var e =
        urn_sample(m, "e", normal, .loc = urn_real(m, 3), .scale = urn_real(m, 2), .plate = rows);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = e, .scale = urn_real(m, 1),
                .plate = rows);
}

/* A site over the rows themselves: those of the fit are inputs, others are drawn. */
static void sites_over_rows(void **state)
{
    (void)state;
    static const unsigned char held_out[ROWS] = {0, 0, 1, 0, 1, 0, 0, 1};
    urn_error error = {0};
    urn_dataset *data = rows_with_known();
    urn_model *model = trace_data(DEF(by_row), data);
    scene s = {.model = model, .predict = machine_of(model, URN_PROGRAM_PREDICT)};
    give(&s, "e", y, ROWS);
    urn_replay_run(s.predict.replay, NULL);
    assert_same_bits(look(&s, "e", URN_RESULT_VALUE), y, ROWS, "e");
    machine_clear(&s.predict);
    urn_model_free(model);
    assert_ok(urn_dataset_set_held_out(data, "rows", held_out, &error), &error);
    urn_trace_options options = trace_options(data);
    options.rows = URN_ROWS_HELD_OUT;
    s.model = trace_with(DEF(by_row), &options);
    s.predict = machine_of(s.model, URN_PROGRAM_PREDICT);
    moments e = {0};
    for (uint64_t step = 0; step < 1000; step++) {
        urn_replay_seed(s.predict.replay, 1, 0, step);
        urn_replay_run(s.predict.replay, NULL);
        for (int r = 0; r < 3; r++)
            add(&e, (look(&s, "e", URN_RESULT_VALUE)[r] - 3) / 2);
    }
    check_standard(&e, "e");
    assert_int_equal(urn_replay_input(s.predict.replay, 0, y, 3, NULL), URN_ERR_USAGE);
    s.data = data;
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_rows_are_the_inputs),
        cmocka_unit_test(rows_are_scored_at_their_values),
        cmocka_unit_test(rows_add_up_to_the_density),
        cmocka_unit_test(unknown_rows_follow_the_prior),
        cmocka_unit_test(inputs_have_their_sizes),
        cmocka_unit_test(held_out_rows),
        cmocka_unit_test(sites_over_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
