/* The stages of compiling, looked at through their dumps: which there are, what each leaves. */
#include "models/models.h"
#include "tests/model/density_test.h"

enum { MOST_STAGES = 16 };

typedef struct dumps {
    int n;
    char *stage[MOST_STAGES], *text[MOST_STAGES];
} dumps;

static char *copy_text(const char *text)
{
    char *copy = malloc(strlen(text) + 1);
    assert_non_null(copy);
    return strcpy(copy, text);
}

static void keep(void *context, const char *stage, const char *text)
{
    dumps *d = context;
    assert_true(d->n < MOST_STAGES);
    d->stage[d->n] = copy_text(stage);
    d->text[d->n++] = copy_text(text);
}

static void dumps_clear(dumps *d)
{
    for (int k = 0; k < d->n; k++) {
        free(d->stage[k]);
        free(d->text[k]);
    }
    *d = (dumps){0};
}

static dumps dumps_of(const urn_model *model, urn_program_kind kind, bool plain,
                      urn_precision precision)
{
    dumps d = {0};
    const urn_compile_options options = {.bytes = sizeof options,
                                         .kind = kind,
                                         .no_fuse = plain,
                                         .precision = precision,
                                         .cpu = "base",
                                         .dump = keep,
                                         .dump_context = &d};
    urn_program *program;
    urn_error error = {0};
    assert_ok(urn_program_compile(model, &options, &program, &error), &error);
    urn_program_free(program);
    return d;
}

static dumps density_dumps(const urn_model *model)
{
    return dumps_of(model, URN_PROGRAM_DENSITY, false, URN_PRECISION_DOUBLE);
}

static const char *stage_of(const dumps *d, const char *stage)
{
    for (int k = 0; k < d->n; k++)
        if (strcmp(d->stage[k], stage) == 0)
            return d->text[k];
    fail_msg("there is no stage \"%s\"", stage);
    return NULL;
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        n++;
    return n;
}

static void check_stages(const dumps *d, const char *const *expected, int n)
{
    assert_int_equal(d->n, n);
    for (int k = 0; k < n; k++)
        assert_string_equal(d->stage[k], expected[k]);
}

/* ---- which stages ---- */

static urn_dataset *ratings(void)
{
    static const int64_t user[6] = {1, 2, 3, 1, 2, 1}, item[6] = {7, 8, 7, 8, 9, 9};
    static const double rating[6] = {3, -1, 2, 0.5, 4, 1};
    urn_error error = {0};
    urn_dataset *data = urn_dataset_new(NULL);
    assert_non_null(data);
    assert_ok(urn_dataset_add_table(data, "", "ratings.csv", 6, 2, &error), &error);
    assert_ok(urn_dataset_add_int(data, "", "user", user, &error), &error);
    assert_ok(urn_dataset_add_int(data, "", "item", item, &error), &error);
    assert_ok(urn_dataset_add_real(data, "", "rating", rating, &error), &error);
    return data;
}

static void every_pass_is_named(void **state)
{
    (void)state;
    static const char *const density[] = {"trace",
                                          "constrain",
                                          "gather fusion",
                                          "factor fusion",
                                          "plan of the value",
                                          "adjoints",
                                          "density fusion",
                                          "factor sums fusion",
                                          "elementwise fusion",
                                          "plan"};
    static const char *const plain[] = {"trace", "constrain", "plan of the value", "adjoints",
                                        "plan"};
    static const char *const values[] = {"trace",         "constrain",          "gather fusion",
                                         "factor fusion", "elementwise fusion", "plan"};
    urn_dataset *data = ratings();
    urn_model *model = trace_data(urn__builtin_find("hpmf"), data);
    for (int precision = 0; precision < 2; precision++) {
        dumps d = dumps_of(model, URN_PROGRAM_DENSITY, false, (urn_precision)precision);
        check_stages(&d, density, N_OF(density));
        const char *first =
            precision ? "single precision, base kernels: " : "double precision, base kernels: ";
        assert_int_equal(strncmp(stage_of(&d, "plan"), first, strlen(first)), 0);
        assert_int_equal(count(stage_of(&d, "gather fusion"), "gather_dot"), 1);
        assert_int_equal(count(stage_of(&d, "constrain"), "gather_dot"), 0);
        assert_int_equal(count(stage_of(&d, "constrain"), "density_all"), 0);
        assert_true(count(stage_of(&d, "adjoints"), "density_all") > 0);
        dumps_clear(&d);
        d = dumps_of(model, URN_PROGRAM_DENSITY, true, (urn_precision)precision);
        check_stages(&d, plain, N_OF(plain));
        dumps_clear(&d);
    }
    dumps d = dumps_of(model, URN_PROGRAM_VALUES, false, URN_PRECISION_DOUBLE);
    check_stages(&d, values, N_OF(values));
    dumps_clear(&d);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* Floats take half the slab. */
static void plans_say_their_size(void **state)
{
    (void)state;
    long long slab[2];
    urn_dataset *data = ratings();
    urn_model *model = trace_data(urn__builtin_find("pmf"), data);
    for (int precision = 0; precision < 2; precision++) {
        dumps d = dumps_of(model, URN_PROGRAM_DENSITY, true, (urn_precision)precision);
        const char *at = strstr(stage_of(&d, "plan"), "slab ");
        assert_non_null(at);
        slab[precision] = atoll(at + 5);
        assert_true(count(stage_of(&d, "plan"), "slab+0[") > 0);
        assert_true(count(stage_of(&d, "plan"), "position+0[") > 0);
        assert_int_equal(count(stage_of(&d, "plan of the value"), " wide"), 3); /* the terms */
        dumps_clear(&d);
    }
    assert_true(slab[1] < slab[0]);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- elementwise chains with their sums ---- */

static void line(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var a = urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_var b = urn_sample(m, "b", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_add(a, urn_mul(b, urn_data(rows, "x"))), .scale = urn_real(m, 1),
                .plate = rows);
    urn_factor(m, "f", urn_neg(urn_exp(urn_mul(b, urn_data(rows, "z")))));
}

/* Rows are gone through once before the density, once after it, and once for the factor and its
 * adjoint: all sums are made on the way. */
static void sums_join_what_they_add(void **state)
{
    (void)state;
    static const double x[3] = {1, 2, 3}, y[3] = {2, 0, 1}, z[3] = {0.5, 0.25, -1};
    urn_dataset *data = rows_y(3, y);
    rows_real(data, "x", x);
    rows_real(data, "z", z);
    urn_model *model = trace_data(DEF(line), data);
    dumps d = density_dumps(model);
    const char *before = stage_of(&d, "density fusion"), *plan = stage_of(&d, "plan");
    const char *fused = stage_of(&d, "elementwise fusion");
    assert_int_equal(count(before, "= broadcast "), 0);
    assert_int_equal(count(before, "= sum_to "), 3);
    assert_int_equal(count(before, "= total "), 1);
    assert_int_equal(count(plan, " sum_to:") + count(plan, " total:"), 0);
    assert_int_equal(count(fused, "= fused<mul, sum, sum> "), 1);
    assert_int_equal(count(fused, "= fused<mul, exp, neg, mul, mul, total, sum> "), 1);
    assert_int_equal(count(plan, " fused:"), 3);
    dumps_clear(&d);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- data only: once ---- */

static void standardised(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var x = urn_data(rows, "x");
    urn_var curve = urn_exp(urn_neg(urn_square(urn_div(urn_shifted(x, -1.0), urn_real(m, 3)))));
    urn_var a = urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_observe(m, "y", normal, .value = urn_log(urn_data(rows, "y")), .loc = urn_mul(a, curve),
                .scale = urn_sqrt(urn_real(m, 2)), .plate = rows);
    urn_observe(m, "e", exponential, .value = urn_data(rows, "y"), .rate = urn_real(m, 0.5),
                .plate = rows); /* a term of data alone */
}

static double standardised_by_hand(const urn_model *m, const double *f)
{
    static const double x[4] = {0.5, 1, -2, 4}, y[4] = {1, 2, 0.25, 8};
    (void)m;
    double lp = lp_normal(f[0], 0, 1);
    for (int i = 0; i < 4; i++) {
        const double z = (x[i] - 1) / 3;
        lp += lp_normal(log(y[i]), f[0] * exp(-z * z), sqrt(2.0)) + lp_exponential(y[i], 0.5);
    }
    return lp;
}

static void what_depends_on_data_only_is_computed_once(void **state)
{
    (void)state;
    static const double x[4] = {0.5, 1, -2, 4}, y[4] = {1, 2, 0.25, 8};
    static const char *const folded[] = {" exp:", " log:", " square:", " sqrt:", " neg:", " div:"};
    urn_dataset *data = rows_y(4, y);
    rows_real(data, "x", x);
    urn_model *model = trace_data(DEF(standardised), data);
    check_density(model, &(density_case){.expected = standardised_by_hand});
    for (int precision = 0; precision < 2; precision++)
        for (int plain = 0; plain < 2; plain++) {
            dumps d = dumps_of(model, URN_PROGRAM_DENSITY, plain, (urn_precision)precision);
            const char *trace = stage_of(&d, "trace");
            for (size_t k = 0; k < N_OF(folded); k++) { /* they are in the model, not in plans */
                char op[16];
                (void)snprintf(op, sizeof op, "=%.*s ", (int)strlen(folded[k]) - 1, folded[k]);
                assert_true(count(trace, op) > 0);
                assert_int_equal(count(stage_of(&d, "plan"), folded[k]), 0);
                assert_int_equal(count(stage_of(&d, "plan of the value"), folded[k]), 0);
            }
            /* the term of data alone is a constant, too: one density for a, one for y */
            assert_int_equal(count(stage_of(&d, "plan of the value"), " density:"), 2);
            dumps_clear(&d);
        }
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- adjoints nobody needs ---- */

static void observed_only(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var a = urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_data(rows, "x"),
                .scale = urn_exp(a), .plate = rows);
}

/* The density has a partial for the scale, none for the data in the other places; what the value is
 * made of and its gradient share one pass. */
static void dead_adjoints_are_dropped(void **state)
{
    (void)state;
    static const double x[3] = {1, 2, 3}, y[3] = {2, 0, 1};
    urn_dataset *data = rows_y(3, y);
    rows_real(data, "x", x);
    urn_model *model = trace_data(DEF(observed_only), data);
    dumps d = density_dumps(model);
    const char *plan = stage_of(&d, "plan");
    assert_int_equal(count(plan, " density:"), 0);
    assert_int_equal(count(plan, " density_all:"), 2);
    const char *line = strstr(plan, " density_all: fixed[3], fixed[3], ");
    assert_non_null(line);
    const char *outputs = strstr(line, " -> "), *end = strchr(line, '\n');
    assert_true(outputs != NULL && outputs < end);
    char text[128];
    (void)snprintf(text, sizeof text, "%.*s", (int)(end - outputs), outputs);
    assert_int_equal(count(text, "[1]"), 2); /* the sum, and the partial of the scale */
    assert_int_equal(count(text, "[3]"), 0);
    dumps_clear(&d);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* A site that is held fixed has no adjoint at all. */
static void nothing_flows_into_inputs(void **state)
{
    (void)state;
    urn_dataset *data = ratings();
    const urn_handler handler = {.kind = URN_HANDLER_SUBSTITUTE, .site = "V"};
    urn_trace_options options = trace_options(data);
    urn_model *free_model = trace_with(urn__builtin_find("pmf"), &options);
    options.handlers = &handler;
    options.n_handlers = 1;
    urn_model *held = trace_with(urn__builtin_find("pmf"), &options);
    dumps all = dumps_of(free_model, URN_PROGRAM_DENSITY, true, URN_PRECISION_DOUBLE);
    dumps some = dumps_of(held, URN_PROGRAM_DENSITY, true, URN_PRECISION_DOUBLE);
    assert_int_equal(count(stage_of(&all, "plan"), " scatter:"), 2);
    assert_int_equal(count(stage_of(&some, "plan"), " scatter:"), 1);
    assert_int_equal(count(stage_of(&all, "plan"), " density_all:"), 3);
    assert_int_equal(count(stage_of(&some, "plan"), " density_all:"), 2);
    dumps_clear(&all);
    dumps_clear(&some);
    urn_model_free(free_model);
    urn_model_free(held);
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pass_is_named),
        cmocka_unit_test(plans_say_their_size),
        cmocka_unit_test(sums_join_what_they_add),
        cmocka_unit_test(what_depends_on_data_only_is_computed_once),
        cmocka_unit_test(dead_adjoints_are_dropped),
        cmocka_unit_test(nothing_flows_into_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
