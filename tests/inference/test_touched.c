/* Steps on the rows a mini-batch touches: the same as steps on all rows where a batch touches all,
 * the same posterior in the end, and what happens to rows that are not touched. */
#include "tests/inference/models.h"

#define DEF(function)                                                                              \
    (&(const urn_model_def){.bytes = sizeof(urn_model_def),                                        \
                            .abi = URN_ABI_VERSION,                                                \
                            .name = #function,                                                     \
                            .file = __FILE__,                                                      \
                            .trace = function})

static urn_model *trace_batches(const urn_model_def *def, const urn_dataset *data, int64_t size,
                                urn_batch_updates updates)
{
    const urn_trace_options options = {.bytes = sizeof options,
                                       .data = data,
                                       .batch_plate = "rows",
                                       .batch_size = size,
                                       .batch_updates = updates};
    urn_error error = {0};
    urn_model *model;
    assert_ok(urn_model_trace(def, &options, &model, &error), &error);
    return model;
}

/* ---- every batch touches all rows ---- */

/* Each row is of all three groups: each of them weighs N / size * size / N = 1 in every batch. */
static void three_at_once(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), groups = urn_plate_of(m, "g");
    urn_var one = urn_real(m, 1), x = urn_data(rows, "x");
    urn_var mu = urn_sample(m, "mu", normal, .loc = urn_real(m, 0), .scale = one);
    urn_var t = urn_sample(m, "t", normal, .loc = mu, .scale = one, .plate = groups);
    urn_var p = urn_param(m, "p", 0.5, 2, groups);
    urn_var c = urn_index(rows, "c", groups);
    urn_var loc = urn_add(urn_gather(t, urn_index(rows, "a", groups)),
                          urn_mul(x, urn_gather(t, urn_index(rows, "b", groups))));
    loc = urn_add(loc, urn_row_dot(urn_gather(p, c), urn_gather(p, c)));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = loc, .scale = urn_real(m, 0.5),
                .plate = rows);
}

static urn_dataset *all_touched(void)
{
    enum { N = 12 };
    static double column[6][N];
    static const char *const names[] = {"g", "a", "b", "c", "x", "y"};
    const double *columns[6];
    for (int k = 0; k < 6; k++)
        columns[k] = column[k];
    for (int i = 0; i < N; i++) {
        column[0][i] = i % 3;
        for (int k = 0; k < 3; k++)
            column[1 + k][i] = (i + k) % 3;
        column[4][i] = sin(2.0 * i);
        column[5][i] = cos(3.0 * i);
    }
    return dataset_of(N, names, columns, 6);
}

typedef struct same_case {
    const char *engine;
    urn_setting settings[6];
    size_t n;
} same_case;

static void compare_fits(urn_model *all, urn_model *touched, const same_case *c, bool single)
{
    record *seen[2] = {calloc(1, sizeof(record)), calloc(1, sizeof(record))};
    urn_fit *fit[2];
    for (int k = 0; k < 2; k++) {
        urn_fit_options options = options_for(c->engine, c->settings, c->n, seen[k]);
        options.precision = single ? URN_PRECISION_SINGLE : URN_PRECISION_DOUBLE;
        fit[k] = fit_model(k == 0 ? all : touched, &options);
    }
    /* terms are added in another order: 60 steps of Adam at 0.05 may turn a rounding of a gradient
     * near 0 into one of a step, not more */
    const double tolerance = single ? 2e-3 : 1e-9;
    for (int i = 0; i < 60; i++)
        assert_close(seen[1]->losses[i], seen[0]->losses[i],
                     tolerance * fmax(1.0, fabs(seen[0]->losses[i])));
    const urn_posterior *a = urn_fit_posterior(fit[0]), *b = urn_fit_posterior(fit[1]);
    for (int64_t i = 0; i < urn_model_position_size(all); i++) {
        assert_close(urn_posterior_loc(b)[i], urn_posterior_loc(a)[i], tolerance);
        if (urn_posterior_scale(a))
            assert_close(urn_posterior_scale(b)[i], urn_posterior_scale(a)[i], tolerance);
    }
    for (int k = 0; k < 2; k++) {
        urn_fit_free(fit[k]);
        free(seen[k]);
    }
}

static void where_all_rows_are_touched_steps_are_those_of_all_rows(void **state)
{
    (void)state;
    static const same_case cases[] = {
        {"svi", {{"steps", "60"}, {"lr", "0.05"}}, 2},
        {"svi", {{"steps", "60"}, {"lr", "0.05"}, {"particles", "3"}, {"clip", "0.5"}}, 4},
        {"svi", {{"steps", "60"}, {"lr", "0.05"}, {"optimizer", "adamw"}}, 3},
        {"svi", {{"steps", "60"}, {"lr", "0.01"}, {"optimizer", "sgd"}}, 3},
        {"svi", {{"steps", "60"}, {"lr", "0.05"}, {"guide", "delta"}}, 3},
        {"map", {{"method", "adam"}, {"steps", "60"}, {"lr", "0.05"}}, 3},
    };
    urn_dataset *data = all_touched();
    for (int64_t size = 3; size <= 6; size += 3) {
        urn_model *all = trace_batches(DEF(three_at_once), data, size, URN_BATCH_ALL);
        urn_model *touched = trace_batches(DEF(three_at_once), data, size, URN_BATCH_TOUCHED);
        for (size_t k = 0; k < N_OF(cases); k++)
            for (int single = 0; single < 2; single++)
                compare_fits(all, touched, &cases[k], single != 0);
        urn_model_free(all);
        urn_model_free(touched);
    }
    urn_dataset_free(data);
}

/* ---- the same posterior ---- */

enum { ROWS = 16, GROUPS = 7, REACHED = 5 };

static void group_means(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), groups = urn_plate_of(m, "g");
    urn_var t = urn_sample(m, "t", normal, .loc = urn_real(m, 1), .scale = urn_real(m, 0.8),
                           .plate = groups);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_gather(t, urn_index(rows, "g", groups)), .scale = urn_real(m, 0.5),
                .plate = rows);
}

/* Groups of 1 to 6 rows, and two that only held-out rows have. */
static urn_dataset *grouped(double *g, double *y)
{
    static const int group[ROWS] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4};
    static const char *const names[] = {"g", "y"};
    const double *const columns[] = {g, y};
    unsigned char held_out[ROWS + 2] = {0};
    urn_error error = {0};
    for (int i = 0; i < ROWS + 2; i++) {
        g[i] = i < ROWS ? group[i] : REACHED + i - ROWS;
        y[i] = 2.0 * sin(1.7 * i);
        held_out[i] = i >= ROWS;
    }
    urn_dataset *data = dataset_of(ROWS + 2, names, columns, 2);
    assert_ok(urn_dataset_set_held_out(data, "rows", held_out, &error), &error);
    return data;
}

/* As in test_fit: a learning rate that falls from 0.05 to 1e-5 leaves a few per cent of an sd. */
static void touched_rows_find_the_same_posterior(void **state)
{
    (void)state;
    static const urn_setting settings[] = {
        {"steps", "40000"}, {"lr", "0.05"}, {"schedule", "exponential"}, {"lr-final", "1e-5"}};
    double g[ROWS + 2], y[ROWS + 2];
    urn_dataset *data = grouped(g, y);
    for (int64_t size = 2; size <= 8; size += 6) {
        urn_model *model = trace_batches(DEF(group_means), data, size, URN_BATCH_TOUCHED);
        const urn_fit_options options = options_for("svi", settings, 4, NULL);
        urn_fit *fit = fit_model(model, &options);
        double evidence = 0.0;
        for (int k = 0; k < GROUPS; k++) {
            double precision = 1.0 / 0.64, sum = 1.0 / 0.64;
            for (int i = 0; i < ROWS; i++)
                if (g[i] == (double)k) {
                    precision += 4.0;
                    sum += 4.0 * y[i];
                }
            const double mean = sum / precision, sd = 1.0 / sqrt(precision);
            assert_close(urn_posterior_loc(urn_fit_posterior(fit))[k], mean, 0.06 * sd);
            assert_close(urn_posterior_scale(urn_fit_posterior(fit))[k], sd, 0.06 * sd);
            evidence += -0.5 * (mean - 1.0) * (mean - 1.0) / 0.64 - log(0.8) - 0.5 * log(precision);
            for (int i = 0; i < ROWS; i++)
                if (g[i] == (double)k)
                    evidence -= 2.0 * (y[i] - mean) * (y[i] - mean) + log(0.5) + 0.5 * LOG_2PI;
        }
        const double error = number_of(fit, "loss_standard_error");
        assert_close(number_of(fit, "loss_per_observation"), -evidence / ROWS, 4.0 * error);
        assert_true(error > 0.0 && error < 0.5);
        urn_fit_free(fit);
        urn_model_free(model);
    }
    urn_dataset_free(data);
}

/* ---- rows that are not touched ---- */

/* Nothing happens to a row until a batch touches it, and its first step is the learning rate,
 * whenever that is: the bias of its moments is corrected by its own count. */
static void rows_wait_until_they_are_touched(void **state)
{
    (void)state;
    enum { STEPS = 6 };
    double g[ROWS + 2], y[ROWS + 2], loc[STEPS + 1][GROUPS], scale[STEPS + 1][GROUPS];
    int first_steps = 0, waiting = 0;
    urn_dataset *data = grouped(g, y);
    urn_model *model = trace_batches(DEF(group_means), data, 2, URN_BATCH_TOUCHED);
    for (int k = 0; k < GROUPS; k++) {
        loc[0][k] = 1.0;
        scale[0][k] = 0.1;
    }
    for (int s = 1; s <= STEPS; s++) {
        char text[8];
        (void)snprintf(text, sizeof text, "%d", s);
        const urn_setting settings[] = {{"steps", text}, {"lr", "0.01"}};
        const urn_fit_options options = options_for("svi", settings, 2, NULL);
        urn_fit *fit = fit_model(model, &options);
        memcpy(loc[s], urn_posterior_loc(urn_fit_posterior(fit)), sizeof loc[s]);
        memcpy(scale[s], urn_posterior_scale(urn_fit_posterior(fit)), sizeof scale[s]);
        int touched = 0;
        for (int k = 0; k < GROUPS; k++) {
            if (loc[s][k] == loc[s - 1][k]) {
                assert_close(scale[s][k], scale[s - 1][k], 1e-15);
                waiting++;
                continue;
            }
            touched++;
            if (loc[s - 1][k] != 1.0)
                continue;
            first_steps++; /* lr g / (|g| + 1e-8) */
            assert_close(fabs(loc[s][k] - 1.0), 0.01, 1e-6);
            assert_close(fabs(log(scale[s][k] / 0.1)), 0.01, 1e-6);
        }
        assert_true(touched >= 1 && touched <= 3); /* two rows' groups, and one without rows */
        urn_fit_free(fit);
    }
    assert_true(first_steps >= 4);
    assert_true(waiting >= STEPS * (GROUPS - 3));
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- threads ---- */

static void matrix(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), users = urn_plate_of(m, "user"),
              items = urn_plate_of(m, "item");
    urn_var zeros = urn_zeros(m, 7), one = urn_real(m, 1);
    urn_var u = urn_sample(m, "U", normal, .loc = zeros, .scale = one, .plate = users);
    urn_var v = urn_sample(m, "V", normal, .loc = zeros, .scale = one, .plate = items);
    urn_var noise = urn_sample(m, "noise", half_normal, .scale = one);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_row_dot(urn_gather(u, urn_index(rows, "user", users)),
                                   urn_gather(v, urn_index(rows, "item", items))),
                .scale = noise, .plate = rows);
}

/* Several chunks that end within rows of 7. */
static void the_same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    enum { N = 20000, U = 6000, V = 900 };
    static double column[3][N];
    static const char *const names[] = {"user", "item", "y"};
    const double *const columns[] = {column[0], column[1], column[2]};
    static const urn_setting settings[] = {{"steps", "12"}, {"lr", "0.05"}, {"evaluations", "3"}};
    static const int threads[] = {1, 2, 3, 8};
    for (int i = 0; i < N; i++) {
        column[0][i] = i < U ? i : (i * 7919) % U;
        column[1][i] = i < V ? i : (i * 104729) % V;
        column[2][i] = sin(0.37 * i);
    }
    urn_dataset *data = dataset_of(N, names, columns, 3);
    urn_model *model = trace_batches(DEF(matrix), data, 3000, URN_BATCH_AUTO);
    const size_t bytes = (size_t)urn_model_position_size(model) * sizeof(double);
    for (int single = 0; single < 2; single++) {
        urn_fit *fit[4];
        for (int k = 0; k < 4; k++) {
            urn_fit_options options = options_for("svi", settings, 3, NULL);
            options.threads = threads[k];
            options.precision = single ? URN_PRECISION_SINGLE : URN_PRECISION_DOUBLE;
            fit[k] = fit_model(model, &options);
            const urn_posterior *a = urn_fit_posterior(fit[0]), *b = urn_fit_posterior(fit[k]);
            assert_memory_equal(urn_posterior_loc(a), urn_posterior_loc(b), bytes);
            assert_memory_equal(urn_posterior_scale(a), urn_posterior_scale(b), bytes);
            assert_true(number_of(fit[0], "loss_per_observation") ==
                        number_of(fit[k], "loss_per_observation"));
        }
        for (int k = 0; k < 4; k++)
            urn_fit_free(fit[k]);
    }
    urn_model_free(model);
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_all_rows_are_touched_steps_are_those_of_all_rows),
        cmocka_unit_test(touched_rows_find_the_same_posterior),
        cmocka_unit_test(rows_wait_until_they_are_touched),
        cmocka_unit_test(the_same_bits_for_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
