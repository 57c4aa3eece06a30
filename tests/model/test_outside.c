/* Observations outside the support of their family: the row, the file's line and the value are
 * named. */
#include "tests/model/at_line.h"

static void counts(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    NEXT;
    urn_observe(m, "n", poisson, .value = urn_data(rows, "y"), .rate = urn_real(m, 1),
                .plate = rows);
}

static void positives(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_observe(m, "h", half_normal, .value = urn_data(rows, "y"), .scale = urn_real(m, 1),
                .plate = rows);
}

static void bits(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_observe(m, "b", bernoulli, .value = urn_data(rows, "y"), .logits = urn_real(m, 0),
                .plate = rows);
}

static void classes(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_observe(m, "c", categorical, .value = urn_data(rows, "y"), .logits = urn_zeros(m, 3),
                .plate = rows);
}

static void bounded(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_observe(m, "u", uniform, .value = urn_data(rows, "y"), .low = urn_real(m, 0),
                .high = urn_data(rows, "top"), .plate = rows);
}

static void pairs_of_positives(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_observe(m, "h", half_normal, .value = urn_data_columns(rows, "*"), .scale = urn_real(m, 1),
                .plate = rows);
}

static void check_outside(const urn_model_def *def, const double *y, const char *where,
                          const char *message)
{
    static const double top[4] = {9, 9, 2, 9};
    urn_dataset *data = rows_y(4, y);
    rows_real(data, "top", top);
    const urn_trace_options options = trace_options(data);
    check(def, &options,
          (failure){.status = URN_ERR_DATA,
                    .where = where,
                    .message = message,
                    .hint = "mend the data, mask the row, or use a family with another support"});
    urn_dataset_free(data);
}

/* Columns y and top as vectors of two, and matrices without rows. */
static void shares(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_observe(m, "s", dirichlet, .value = urn_data_columns(rows, "*"),
                .concentration = urn_fill(m, 2, 2), .plate = rows);
}

#define OBSERVED(name, family, ...)                                                                \
    static void name(urn_model *m)                                                                 \
    {                                                                                              \
        urn_observe(m, "x", family, __VA_ARGS__);                                                  \
    }
OBSERVED(long_rows, lkj_cholesky, .value = urn_matrix(m, 2, 2, (double[]){1, 0, 0.6, 0.9}),
         .size = 2, .concentration = urn_real(m, 1))
OBSERVED(upper, lkj_cholesky, .value = urn_matrix(m, 2, 2, (double[]){1, 0.25, 0.6, 0.8}),
         .size = 2, .concentration = urn_real(m, 1))
OBSERVED(no_diagonal, lkj_cholesky, .value = urn_matrix(m, 2, 2, (double[]){1, 0, 0.6, -0.8}),
         .size = 2, .concentration = urn_real(m, 1))
OBSERVED(lopsided, wishart, .value = urn_matrix(m, 2, 2, (double[]){1, 0.5, 0.25, 1}),
         .df = urn_real(m, 3), .scale_tril = urn_eye(m, 2, 1))
OBSERVED(indefinite, wishart, .value = urn_matrix(m, 2, 2, (double[]){1, 2, 2, 1}),
         .df = urn_real(m, 3), .scale_tril = urn_eye(m, 2, 1))

/* Row, and by how much. */
static void vectors_and_matrices_outside(void **state)
{
    (void)state;
    const struct {
        const urn_model_def *def;
        const char *message;
    } cases[] = {
        {DEF(long_rows), "(lkj_cholesky): row 0 is outside the support (corr_cholesky): the length "
                         "of the matrix's row 1 is 1.08166538, 0.0817 too much"},
        {DEF(upper), "(lkj_cholesky): row 0 is outside the support (corr_cholesky): element 0, 1 "
                     "is 0.25 above the diagonal"},
        {DEF(no_diagonal), "(lkj_cholesky): row 0 is outside the support (corr_cholesky): element "
                           "1, 1 is -0.8 on the diagonal"},
        {DEF(lopsided), "(wishart): row 0 is outside the support (positive_definite): elements 0, "
                        "1 and 1, 0 differ by 0.25"},
        {DEF(indefinite), "(wishart): row 0 is outside the support (positive_definite): it is not "
                          "positive definite: its pivot 1 is -3"},
    };
    const urn_trace_options none = trace_options(NULL);
    for (size_t k = 0; k < N_OF(cases); k++)
        check(cases[k].def, &none,
              (failure){.status = URN_ERR_DATA, .site = "x", .message = cases[k].message});
    static const double top[3] = {0.5, 0.75, 0.5};
    static const double y[2][3] = {{0.5, 0.26, 0.5}, {0.5, 0.25, -0.5}};
    static const char *const messages[2] = {
        "(dirichlet): row 1 is outside the support (simplex): its elements add up to 1.01, 0.01 "
        "too much",
        "(dirichlet): row 2 is outside the support (simplex): element 0 is -0.5"};
    for (int k = 0; k < 2; k++) {
        urn_dataset *data = rows_y(3, y[k]);
        rows_real(data, "top", top);
        const urn_trace_options options = trace_options(data);
        check(DEF(shares), &options,
              (failure){.status = URN_ERR_DATA,
                        .where = k == 0 ? "rows.csv:3" : "rows.csv:4",
                        .message = messages[k]});
        urn_dataset_free(data);
    }
}

static void observations_outside_their_support(void **state)
{
    (void)state;
    check_outside(DEF(counts), (double[]){1, 0, -1, 3}, "rows.csv:4",
                  "(poisson): row 2 is outside the support (count): found -1");
    check_outside(DEF(counts), (double[]){1, 2.5, -1, 3}, "rows.csv:3",
                  "(poisson): row 1 is outside the support (count): found 2.5");
    check_outside(DEF(positives), (double[]){1, 2, 3, -0.5}, "rows.csv:5",
                  "(half_normal): row 3 is outside the support (non_negative): found -0.5");
    check_outside(DEF(bits), (double[]){2, 0, 1, 1}, "rows.csv:2",
                  "(bernoulli): row 0 is outside the support (boolean): found 2");
    check_outside(DEF(classes), (double[]){0, 2, 1, 3}, "rows.csv:5",
                  "(categorical): row 3 is outside the support (category): found 3");
    check_outside(DEF(classes), (double[]){0, 0.5, 1, 3}, "rows.csv:3",
                  "(categorical): row 1 is outside the support (category): found 0.5");
    check_outside(DEF(bounded), (double[]){0, 9, 3, 1}, "rows.csv:4",
                  "(uniform): row 2 is outside the support (bounded): found 3");
    check_outside(DEF(pairs_of_positives), (double[]){1, 1, 1, -2}, "rows.csv:5",
                  "(half_normal): row 3 is outside the support (non_negative): found -2");
}

static void lines_are_those_of_the_file(void **state)
{
    (void)state;
    static const int64_t lines[4] = {2, 10, 11, 50};
    static const unsigned char held_out[4] = {0, 1, 0, 0};
    urn_error error = {0};
    urn_dataset *data = rows_y(4, (double[]){1, -1, 1, -1});
    urn_trace_options options = trace_options(data);
    assert_ok(urn_dataset_set_lines(data, "rows", lines, &error), &error);
    assert_ok(urn_dataset_set_held_out(data, "rows", held_out, &error), &error);
    check(DEF(counts), &options,
          (failure){.status = URN_ERR_DATA,
                    .site = "n",
                    .where = "rows.csv:50",
                    .message = "(poisson): row 2 is outside the support (count): found -1"});
    options.rows = URN_ROWS_HELD_OUT;
    check(DEF(counts), &options, (failure){.status = URN_ERR_DATA, .where = "rows.csv:10"});
    options.rows = URN_ROWS_ALL;
    check(DEF(counts), &options, (failure){.status = URN_ERR_DATA, .where = "rows.csv:10"});
    options.rows = URN_ROWS_TRAINING; /* row outside any mini-batch picked first: found as well */
    options.batch_plate = "rows";
    options.batch_size = 1;
    check(DEF(counts), &options, (failure){.status = URN_ERR_DATA, .where = "rows.csv:50"});
    urn_dataset_free(data);
}

static void masked_counts(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_observe(m, "n", poisson, .value = urn_data(rows, "y"), .rate = urn_real(m, 1),
                .plate = rows, .mask = urn_data(rows, "mask"));
}

static void masked_rows_may_be_outside(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(5, (double[]){1, -1, 2, 0.5, 3});
    rows_real(data, "mask", (double[]){1, 0, 1, 0, 1});
    urn_model *model = trace_data(DEF(masked_counts), data);
    machine d = machine_of(model, URN_PROGRAM_DENSITY);
    double g[1];
    const double lp = -3.0 - log(2.0) - log(6.0);
    assert_near(urn_replay_log_density(d.replay, g, g), lp, 1e-14, "masked density");
    machine_clear(&d);
    urn_model_free(model);
    urn_dataset_free(data);

    data = rows_y(5, (double[]){1, -1, 2, 0.5, 3});
    rows_real(data, "mask", (double[]){1, 0, 1, 1, 1});
    const urn_trace_options options = trace_options(data);
    check(DEF(masked_counts), &options,
          (failure){.status = URN_ERR_DATA,
                    .where = "rows.csv:5",
                    .message = "(poisson): row 3 is outside the support (count): found 0.5"});
    urn_dataset_free(data);
}

static void constant_count(urn_model *m)
{
    NEXT;
    urn_observe(m, "n", poisson, .value = urn_real(m, -1), .rate = urn_real(m, 1));
}

static void a_constant_outside_names_the_model(void **state)
{
    (void)state;
    const urn_trace_options options = trace_options(NULL);
    check(DEF(constant_count), &options,
          (failure){.status = URN_ERR_DATA,
                    .site = "n",
                    .line = 1,
                    .message = "(poisson): row 0 is outside the support (count): found -1"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(observations_outside_their_support),
        cmocka_unit_test(vectors_and_matrices_outside),
        cmocka_unit_test(lines_are_those_of_the_file),
        cmocka_unit_test(masked_rows_may_be_outside),
        cmocka_unit_test(a_constant_outside_names_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
