/* Single precision: what is refused, what stays double, and data in floats. That densities and
 * gradients agree with double is checked wherever densities are (density_test.h). */
#include "tests/model/density_test.h"

enum { ROWS = 50000 };

static machine single_machine(const urn_model *model)
{
    const urn_compile_options options = {
        .bytes = sizeof options, .kind = URN_PROGRAM_DENSITY, .precision = URN_PRECISION_SINGLE};
    return machine_with(model, &options, 1);
}

/* ---- refusals ---- */

static void one_site(urn_model *m)
{
    urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
}

static void only_densities(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(one_site), NULL);
    for (int kind = URN_PROGRAM_VALUES; kind <= URN_PROGRAM_PREDICT; kind++) {
        const urn_compile_options options = {.bytes = sizeof options,
                                             .kind = (urn_program_kind)kind,
                                             .precision = URN_PRECISION_SINGLE};
        urn_program *program = NULL;
        urn_error error = {0};
        assert_int_equal(urn_program_compile(model, &options, &program, &error), URN_ERR_USAGE);
        assert_null(program);
        assert_string_equal(error.message, "single precision is for density programs; values, "
                                           "draws and predictions are computed in double");
        assert_string_equal(error.hint, "compile it in double; positions of a single-precision "
                                        "program convert exactly");
    }
    const urn_compile_options options = {.bytes = sizeof options, .precision = (urn_precision)7};
    urn_program *program = NULL;
    urn_error error = {0};
    assert_int_equal(urn_program_compile(model, &options, &program, &error), URN_ERR_USAGE);
    assert_string_equal(error.message, "there is no precision number 7");
    urn_model_free(model);
}

/* ---- sums of log densities are doubles ---- */

static void long_column(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var a = urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = a, .scale = urn_real(m, 2),
                .plate = rows);
    urn_factor(m, "f", urn_mul(a, urn_data(rows, "y")));
}

/* Each row is off by a rounding of its own, and by one of the family's constants that is the same
 * in every row: the total by no more than one rounding (sums of 50,000 floats would be off by
 * hundreds). And it is no float. */
static void totals_are_not_rounded(void **state)
{
    (void)state;
    static double y[ROWS];
    dice d = {5};
    for (int i = 0; i < ROWS; i++)
        y[i] = (double)(float)(3.0 + 2.0 * dice_normal(&d));
    urn_dataset *data = rows_y(ROWS, y);
    urn_model *model = trace_data(DEF(long_column), data);
    machine wide = machine_of(model, URN_PROGRAM_DENSITY), single = single_machine(model);
    int floats = 0;
    for (int round = 0; round < 8; round++) {
        const float x[1] = {(float)dice_normal(&d)};
        const double position[1] = {(double)x[0]};
        float g[1];
        const double expected = urn_replay_log_density(wide.replay, position, NULL);
        const double found = urn_replay_log_density_single(single.replay, x, g);
        const double alone = urn_replay_log_density_single(single.replay, x, NULL);
        assert_true(fabs(expected) > 1e4);
        assert_near(found, expected, 0x1p-24, "log density");
        assert_near(alone, expected, 0x1p-24, "value");
        floats += memcmp(&found, &(double){(double)(float)found}, sizeof found) == 0;
    }
    assert_true(floats < 2);
    machine_clear(&wide);
    machine_clear(&single);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- constants: computed in double, then rounded ---- */

static void offsets(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var a = urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_var big = urn_real(m, 1e9);
    urn_var y = urn_sub(urn_add(urn_data(rows, "y"), big), big); /* floats would lose y */
    urn_factor(m, "f", urn_mul(a, y));
}

static void constants_are_computed_in_double(void **state)
{
    (void)state;
    const double y[4] = {0.25, -1.5, 3.125, 0.0625};
    urn_dataset *data = rows_y(4, y);
    urn_model *model = trace_data(DEF(offsets), data);
    machine single = single_machine(model);
    const float x[1] = {0.5f};
    float g[1];
    const double found = urn_replay_log_density_single(single.replay, x, g);
    const double prior = lp_normal(0.5, 0, 1);
    assert_near(found - prior, 0.5 * 1.9375, 1e-6, "factor");
    assert_near((double)g[0], 1.9375 - 0.5, 1e-6, "gradient");
    machine_clear(&single);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- inputs and draws ---- */

static void levels(urn_model *m)
{
    urn_plate k = urn_plate_size(m, "k", 5);
    urn_var b = urn_sample(m, "b", gamma, .shape = urn_real(m, 2), .rate = urn_real(m, 1));
    urn_var s = urn_sample(m, "s", log_normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_sample(m, "z", normal, .loc = urn_log(b), .scale = s, .plate = k);
}

static double handled_density(urn_handler_kind kind, urn_precision precision, uint64_t seed,
                              double *g)
{
    const urn_handler handler = {.kind = kind, .site = "b"};
    urn_trace_options options = trace_options(NULL);
    options.handlers = &handler;
    options.n_handlers = 1;
    urn_model *model = trace_with(DEF(levels), &options);
    const urn_compile_options compile = {
        .bytes = sizeof compile, .kind = URN_PROGRAM_DENSITY, .precision = precision};
    machine m = machine_with(model, &compile, 2);
    const double b = 1.75;
    double x[6];
    dice d = {6};
    assert_int_equal(urn_model_position_size(model), 6);
    for (int i = 0; i < 6; i++)
        x[i] = (double)(float)dice_normal(&d);
    if (kind == URN_HANDLER_SUBSTITUTE)
        assert_int_equal(urn_replay_input(m.replay, site_of(model, "b"), &b, 1, NULL), URN_OK);
    urn_replay_seed(m.replay, seed, 0, 1);
    const double value = urn_replay_log_density(m.replay, x, g);
    machine_clear(&m);
    urn_model_free(model);
    return value;
}

/* Draws are made in double from the same stream, so both programs see the same ones, rounded. */
static void inputs_and_draws(void **state)
{
    (void)state;
    static const urn_handler_kind kinds[] = {URN_HANDLER_SUBSTITUTE, URN_HANDLER_BLOCK};
    double values[2][3];
    for (int k = 0; k < 2; k++)
        for (uint64_t seed = 0; seed < 3; seed++) {
            double g[6], single_g[6];
            values[k][seed] = handled_density(kinds[k], URN_PRECISION_DOUBLE, seed, g);
            const double single = handled_density(kinds[k], URN_PRECISION_SINGLE, seed, single_g);
            assert_near(single, values[k][seed], 32 * 0x1p-24, "log density");
            for (int i = 0; i < 6; i++)
                assert_near(single_g[i], g[i], 64 * 0x1p-24, "gradient");
        }
    assert_true(values[0][0] >= values[0][1] && values[0][0] <= values[0][1]);
    assert_true(fabs(values[1][0] - values[1][1]) > 1e-3); /* another draw */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_densities),
        cmocka_unit_test(totals_are_not_rounded),
        cmocka_unit_test(constants_are_computed_in_double),
        cmocka_unit_test(inputs_and_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
