/* What is said about a density that is not finite: site, row, value and parameters. */
#include "tests/model/model_test.h"

static int line;

enum { N = 5, GROUPS = 2 };

static const double y[N] = {1, 2, 3, 4, 5};
static const int64_t group[N] = {0, 1, 0, 1, 1};

static void chained(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), of = urn_plate_of(m, "group");
    urn_var a = urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_var s = urn_sample(m, "s", normal, .loc = a, .scale = urn_real(m, 2), .plate = of);
    line = __LINE__ + 1;
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = a,
                .scale = urn_gather(s, urn_index(rows, "group", of)), .plate = rows);
}

static urn_dataset *grouped(void)
{
    urn_dataset *data = rows_y(N, y);
    rows_int(data, "group", group);
    return data;
}

/* The text from the site's name on. */
static void check_explanation(const urn_model *model, const double *x, const char *expected)
{
    char text[512] = "before";
    urn_error error = {0};
    assert_ok(urn_model_explain(model, x, text, sizeof text, &error), &error);
    const char *from = strstr(text, "site ");
    if (expected[0] == '\0') {
        assert_string_equal(text, "");
        return;
    }
    assert_non_null(from);
    check_text("the explanation", from, expected);
    assert_true(strncmp(text, __FILE__, strlen(__FILE__)) == 0);
}

static void sites_rows_and_values(void **state)
{
    (void)state;
    urn_dataset *data = grouped();
    urn_model *model = trace_data(DEF(chained), data);
    double x[1 + GROUPS] = {0.5, 1, 1};
    check_explanation(model, x, "");
    x[2] = -2;
    check_explanation(model, x,
                      "site \"y\" (normal): log density is nan at row 1 (rows.csv:3): value 2, loc "
                      "0.5, scale -2");
    char text[512];
    urn_error error = {0};
    assert_ok(urn_model_explain(model, x, text, sizeof text, &error), &error);
    assert_int_equal(atoi(text + strlen(__FILE__) + 1) >= line, 1);
    assert_int_equal(atoi(text + strlen(__FILE__) + 1) <= line + 4, 1);
    x[1] = -1;
    check_explanation(model, x,
                      "site \"y\" (normal): log density is nan at row 0 (rows.csv:2): value 1, loc "
                      "0.5, scale -1");
    x[1] = (double)NAN;
    check_explanation(model, x,
                      "site \"s\" (normal): log density is nan at row 0: value nan, loc 0.5, scale "
                      "2");
    x[0] = -HUGE_VAL;
    check_explanation(model, x,
                      "site \"a\" (normal): log density is -inf: value -inf, loc 0, "
                      "scale 1");
    char small[8];
    assert_ok(urn_model_explain(model, x, small, sizeof small, &error), &error);
    assert_int_equal(strlen(small), sizeof small - 1);
    urn_model_free(model);
    urn_dataset_free(data);
}

static void vectors(urn_model *m)
{
    urn_plate k = urn_plate_size(m, "k", 3);
    urn_var loc = urn_sample(m, "loc", mvn, .loc = urn_zeros(m, 2), .scale_tril = urn_eye(m, 2, 1),
                             .plate = k);
    urn_var d = urn_sample(m, "d", normal, .loc = urn_zeros(m, 2), .scale = urn_real(m, 1));
    urn_sample(m, "x", mvn, .loc = loc, .scale_tril = urn_diagonal_matrix(d), .plate = k);
}

static void vectors_are_cut_short(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(vectors), NULL);
    double x[6 + 2 + 6] = {1, 2, 3, 4, 5, 6, 1, 1, 7, 8, 9, 10, 11, 12};
    check_explanation(model, x, "");
    x[7] = -1;
    check_explanation(model, x,
                      "site \"x\" (mvn): log density is nan at row 0: value 7, ..., loc 1, ..., "
                      "scale_tril 1, ...");
    x[7] = 1;
    x[10] = HUGE_VAL;
    check_explanation(model, x,
                      "site \"x\" (mvn): log density is -inf at row 1: value inf, ..., loc 3, ..., "
                      "scale_tril 1, ...");
    urn_model_free(model);
}

/* Rows of the last batch are found as well as those of the first. */
static void mini_batches(void **state)
{
    (void)state;
    urn_dataset *data = grouped();
    urn_trace_options options = trace_options(data);
    options.batch_plate = "rows";
    options.batch_size = 2;
    urn_model *model = trace_with(DEF(chained), &options);
    double x[1 + GROUPS] = {0.5, 1, 1};
    check_explanation(model, x, "");
    x[2] = -2;
    check_explanation(model, x,
                      "site \"y\" (normal): log density is nan at row 1 (rows.csv:3): value 2, loc "
                      "0.5, scale -2");
    urn_model_free(model);
    urn_dataset_free(data);
}

static void substituted_sites(void **state)
{
    (void)state;
    static const urn_handler h = {URN_HANDLER_SUBSTITUTE, "s", NULL, 0};
    urn_dataset *data = grouped();
    urn_trace_options options = trace_options(data);
    options.handlers = &h;
    options.n_handlers = 1;
    urn_model *model = trace_with(DEF(chained), &options);
    char text[64] = "before";
    const double x[1] = {0};
    urn_error error = {0};
    assert_int_equal(urn_model_explain(model, x, text, sizeof text, &error), URN_ERR_USAGE);
    assert_string_equal(error.site, "s");
    assert_string_equal(text, "");
    urn_model_free(model);
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sites_rows_and_values),
        cmocka_unit_test(vectors_are_cut_short),
        cmocka_unit_test(mini_batches),
        cmocka_unit_test(substituted_sites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
