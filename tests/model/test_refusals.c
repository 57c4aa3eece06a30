/* What is said about data, options, handlers, mini-batches and definitions that do not fit; and
 * what older callers may still say. */
#include "tests/model/at_line.h"

#include <stddef.h>

/* ---- data ---- */

static void wants_column(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_observe(m, "y", normal, .value = urn_data(rows, "ratting"), .loc = urn_real(m, 0),
                .scale = urn_real(m, 1), .plate = rows);
}

static void wants_columns(urn_model *m)
{
    urn_record(m, "x", urn_data_columns(urn_plate_rows(m, "rows"), "z*"));
}

static void wants_ids(urn_model *m)
{
    (void)urn_plate_of(m, "user");
}

static void wants_table(urn_model *m)
{
    (void)urn_plate_rows(m, "movies");
}

static void wants_number(urn_model *m)
{
    (void)urn_data_real(m, "sigma");
}

static void wants_array(urn_model *m)
{
    (void)urn_data_array(m, "a", urn_plate_size(m, "k", 3));
}

static void wants_whole_number(urn_model *m)
{
    (void)urn_plate_size(m, "k", urn_data_int(m, "k"));
}

static void wants_row_numbers(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), k = urn_plate_size(m, "k", 3);
    (void)urn_index(rows, "at", k);
}

static void wants_unique(urn_model *m)
{
    urn_unique(urn_plate_rows(m, "rows"), "user,item");
}

static urn_dataset *ratings(void)
{
    urn_error error = {0};
    urn_dataset *data = rows_new(4);
    rows_int(data, "u", (int64_t[]){1, 2, 1, 3});
    rows_int(data, "item", (int64_t[]){5, 5, 5, 6});
    rows_real(data, "rating", (double[]){1, 2, 3, 4});
    rows_int(data, "at", (int64_t[]){0, 2, 3, 1});
    assert_ok(urn_dataset_map(data, "user", "u", &error), &error);
    assert_ok(urn_dataset_add_scalar(data, "k", 2.5, &error), &error);
    assert_ok(
        urn_dataset_add_array(data, "a", 2, (int64_t[]){2, 2}, (double[]){1, 2, 3, 4}, &error),
        &error);
    return data;
}

static void data_that_is_not_there(void **state)
{
    (void)state;
    urn_dataset *data = ratings(), *empty = urn_dataset_new(NULL);
    const urn_trace_options options = trace_options(data), none = trace_options(NULL);
    const urn_trace_options with_empty = trace_options(empty);
    check(
        DEF(wants_column), &options,
        (failure){.status = URN_ERR_DATA,
                  .message = "there is no column \"ratting\"; the columns are: u, item, rating, at",
                  .hint = "did you mean \"rating\"? then give --map ratting=rating"});
    check(DEF(wants_columns), &options,
          (failure){.status = URN_ERR_DATA,
                    .message = "0 columns match \"z*\"; 1 to 4096 are needed"});
    check(DEF(wants_table), &options,
          (failure){.status = URN_ERR_DATA,
                    .where = __FILE__,
                    .message = "the model wants the rows of a table \"movies\"; the data has rows, "
                               "u, item, rating, at, k, a",
                    .hint = "name a table with --data TABLE=FILE"});
    check(DEF(wants_table), &none,
          (failure){.status = URN_ERR_DATA,
                    .message = "the model wants the rows of a table \"movies\"; the data has "
                               "nothing",
                    .hint = "give data with --data FILE"});
    check(DEF(wants_table), &with_empty,
          (failure){.status = URN_ERR_DATA, .hint = "give data with --data FILE"});
    check(DEF(wants_ids), &none,
          (failure){.status = URN_ERR_DATA,
                    .message = "the model wants the ids in column \"user\"",
                    .hint = "give data with --data FILE"});
    check(DEF(wants_number), &options,
          (failure){.status = URN_ERR_DATA, .hint = "give it in a JSON file with --data FILE"});
    check(DEF(wants_number), &none,
          (failure){.status = URN_ERR_DATA,
                    .message = "the model wants \"sigma\"; the data has nothing"});
    check(DEF(wants_array), &options,
          (failure){.status = URN_ERR_DATA,
                    .message = "\"a\" has dims (2 x 2); its leading ones must be k[3], and at most "
                               "4 in all"});
    check(DEF(wants_whole_number), &options,
          (failure){.status = URN_ERR_DATA, .message = "\"k\" is 2.5; a whole number is expected"});
    check(DEF(wants_row_numbers), &options,
          (failure){.status = URN_ERR_DATA, .where = "rows.csv:4"});
    urn_dataset_free(data);
    urn_dataset_free(empty);
}

static void repeated_rows(void **state)
{
    (void)state;
    urn_dataset *data = ratings();
    urn_trace_options options = trace_options(data);
    urn_error error = {0};
    urn_model *model;
    assert_int_equal(urn_model_trace(DEF(wants_unique), &options, &model, &error), URN_ERR_DATA);
    assert_string_equal(error.message, "(u, item) = (1, 5) stands in rows.csv:2 already; the model "
                                       "takes each combination once");
    assert_string_equal(error.where, "rows.csv:4");
    assert_non_null(strstr(error.hint, "--duplicates"));
    options.allow_duplicates = true;
    model = trace_with(DEF(wants_unique), &options);
    const char *table;
    assert_string_equal(urn_model_unique(model, 0, &table), "user,item");
    assert_string_equal(table, "rows");
    assert_null(urn_model_unique(model, 1, &table));
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- options ---- */

static void with_options(urn_model *m)
{
    const int64_t dim = urn_option_int(m, "dim", 5, "latent factors");
    const double scale = urn_option_real(m, "scale", 1.5, "prior scale");
    const int kind = urn_option_choice(m, "kind", "first|second", "which");
    urn_record(m, "dim", urn_real(m, (double)dim));
    urn_record(m, "scale", urn_real(m, scale));
    urn_record(m, "kind", urn_real(m, kind));
}

static void check_setting(const char *name, const char *value, const char *message,
                          const char *hint)
{
    const urn_setting setting = {name, value};
    urn_trace_options options = trace_options(NULL);
    options.settings = &setting;
    options.n_settings = 1;
    check(DEF(with_options), &options,
          (failure){.status = URN_ERR_USAGE, .site = "", .message = message, .hint = hint});
}

static void bad_options(void **state)
{
    (void)state;
    check_setting("dims", "3", "model with_options has no option \"dims\"; it has dim, scale, kind",
                  "did you mean \"dim\"?");
    check_setting("zzzzzzz", "3",
                  "model with_options has no option \"zzzzzzz\"; it has dim, scale, kind", "");
    check_setting("dim", "3.5", "option dim: \"3.5\" is not a whole number", "latent factors");
    check_setting("dim", "", "option dim: \"\" is not a whole number", NULL);
    check_setting("scale", "abc", "option scale: \"abc\" is not a number", "prior scale");
    check_setting("kind", "third", "option kind: \"third\" is not one of first|second", "which");
    check_setting("kind", "firs", "option kind: \"firs\" is not one of first|second", "which");
}

static void good_options(void **state)
{
    (void)state;
    static const urn_setting settings[] = {{"dim", "3"}, {"kind", "second"}, {"dim", "7"}};
    static const char *const names[] = {"dim", "scale", "kind"};
    static const char *const values[] = {"7", "1.5", "second"}, *const defaults[] = {"5", "1.5",
                                                                                     "first"};
    static const char *const types[] = {"integer", "number", "choice"};
    static const double expected[] = {7, 1.5, 1};
    urn_trace_options options = trace_options(NULL);
    options.settings = settings;
    options.n_settings = N_OF(settings);
    urn_model *model = trace_with(DEF(with_options), &options);
    machine v = machine_of(model, URN_PROGRAM_VALUES);
    urn_replay_run(v.replay, NULL);
    assert_int_equal(urn_model_option_count(model), 3);
    for (int i = 0; i < 3; i++) {
        urn_option_info info;
        urn_model_option(model, i, &info);
        assert_string_equal(info.name, names[i]);
        assert_string_equal(info.value, values[i]);
        assert_string_equal(info.fallback, defaults[i]);
        assert_string_equal(info.type, types[i]);
        assert_true((info.choices != NULL) == (i == 2));
        const double *value =
            urn_replay_result(v.replay, site_of(model, names[i]), URN_RESULT_VALUE);
        assert_true(value[0] == expected[i]);
    }
    machine_clear(&v);
    urn_model_free(model);
}

/* ---- handlers and mini-batches ---- */

static void all_roles(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var a = urn_sample(m, "latent", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_record(m, "record", a);
    urn_factor(m, "factor", a);
    urn_param(m, "param", 0, 0, (urn_plate){0});
    urn_sample(m, "delta", delta, .loc = a);
    urn_observe(m, "observed", normal, .value = urn_data(rows, "y"), .loc = a,
                .scale = urn_real(m, 1), .plate = rows);
}

static void bad_handlers(void **state)
{
    (void)state;
    static const double two[2] = {1, 2};
    static const struct {
        urn_handler handler[2];
        const char *site, *message;
    } cases[] = {
        {{{URN_HANDLER_BLOCK, "lateral", NULL, 0}},
         "lateral",
         "a handler names this site, but model all_roles has none of that name"},
        {{{URN_HANDLER_BLOCK, "observed", NULL, 0}},
         "observed",
         "a handler names this site, but it is observed; handlers act on latent sites"},
        {{{URN_HANDLER_BLOCK, "record", NULL, 0}},
         "record",
         "a handler names this site, but it is recorded; handlers act on latent sites"},
        {{{URN_HANDLER_SUBSTITUTE, "factor", NULL, 0}},
         "factor",
         "a handler names this site, but it is a factor; handlers act on latent sites"},
        {{{URN_HANDLER_SUBSTITUTE, "param", NULL, 0}},
         "param",
         "a handler names this site, but it is a parameter; handlers act on latent sites"},
        {{{URN_HANDLER_SUBSTITUTE, "delta", NULL, 0}},
         "delta",
         "a handler names this site, but it is recorded; handlers act on latent sites"},
        {{{URN_HANDLER_CONDITION, "latent", two, 2}},
         "latent",
         "condition gives 2 elements; the site has 1"},
        {{{URN_HANDLER_BLOCK, "latent", NULL, 0}, {URN_HANDLER_SUBSTITUTE, "latent", NULL, 0}},
         "latent",
         "two handlers name this site"},
    };
    urn_dataset *data = rows_y(2, (double[]){1, 2});
    urn_trace_options options = trace_options(data);
    for (size_t k = 0; k < N_OF(cases); k++) {
        options.handlers = cases[k].handler;
        options.n_handlers = cases[k].handler[1].site == NULL ? 1 : 2;
        check(
            DEF(all_roles), &options,
            (failure){.status = URN_ERR_USAGE, .site = cases[k].site, .message = cases[k].message});
    }
    const double outside = -1;
    const urn_handler condition = {URN_HANDLER_CONDITION, "latent", &outside, 1};
    options.handlers = &condition;
    options.n_handlers = 1;
    urn_model *model = trace_with(DEF(all_roles), &options);
    assert_int_equal(info_of(model, "latent").role, URN_SITE_OBSERVED);
    assert_int_equal(urn_model_position_size(model), 1);
    urn_model_free(model);
    urn_dataset_free(data);
}

static void positive_latent(urn_model *m)
{
    NEXT;
    urn_sample(m, "h", half_normal, .scale = urn_real(m, 1));
}

static void index_into_rows(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    (void)urn_index(rows, "y", rows);
}

static void row_numbers_of_a_view(void **state)
{
    (void)state;
    static const unsigned char held_out[4] = {0, 0, 1, 0};
    urn_error error = {0};
    urn_dataset *data = rows_y(4, (double[]){0, 1, 2, 3});
    const urn_trace_options options = trace_options(data);
    urn_model_free(trace_with(DEF(index_into_rows), &options));
    assert_ok(urn_dataset_set_held_out(data, "rows", held_out, &error), &error);
    check(DEF(index_into_rows), &options,
          (failure){.status = URN_ERR_MODEL,
                    .hint = "hold out rows of the other table, or index by ids",
                    .message = "urn_index into the rows of \"rows\", some of which are held out"});
    urn_dataset_free(data);
}

static void conditioned_outside_the_support(void **state)
{
    (void)state;
    const double outside = -1;
    const urn_handler condition = {URN_HANDLER_CONDITION, "h", &outside, 1};
    urn_trace_options options = trace_options(NULL);
    options.handlers = &condition;
    options.n_handlers = 1;
    check(DEF(positive_latent), &options,
          (failure){.status = URN_ERR_DATA,
                    .site = "h",
                    .line = 1,
                    .message = "(half_normal): row 0 is outside the support (non_negative): found "
                               "-1"});
}

static void bounds_by_row(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    NEXT;
    urn_sample(m, "u", uniform, .low = urn_real(m, 0), .high = urn_data(rows, "y"), .plate = rows);
}

static void nest_over_rows(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_plate nest = urn_plate_nest(rows, urn_plate_size(m, "k", 2));
    NEXT;
    urn_sample(m, "u", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1), .plate = nest);
}

static void param_over_rows(urn_model *m)
{
    urn_param(m, "p", 0, 0, urn_plate_rows(m, "rows"));
}

static void bad_batches(void **state)
{
    (void)state;
    urn_dataset *data = rows_y(4, (double[]){1, 2, 3, 4});
    urn_trace_options options = trace_options(data);
    options.batch_plate = "row";
    options.batch_size = 2;
    check(DEF(all_roles), &options,
          (failure){.status = URN_ERR_USAGE,
                    .message = "no rows plate is called \"row\"; mini-batches can be of: rows"});
    check(DEF(positive_latent), &options,
          (failure){.status = URN_ERR_USAGE,
                    .message = "no rows plate is called \"row\"; mini-batches can be of: none"});
    options.batch_plate = "rows";
    options.batch_size = 5;
    check(DEF(all_roles), &options,
          (failure){.status = URN_ERR_USAGE,
                    .message = "a mini-batch of 5 rows of plate \"rows\", which has 4"});
    options.batch_size = 0;
    check(DEF(all_roles), &options,
          (failure){.status = URN_ERR_USAGE,
                    .message = "a mini-batch of 0 rows of plate \"rows\", which has 4"});
    options.batch_size = 2;
    check(DEF(bounds_by_row), &options,
          (failure){.status = URN_ERR_MODEL,
                    .site = "u",
                    .line = 1,
                    .hint = "use full batches",
                    .message = "(uniform): its bounds differ by row of the mini-batched plate"});
    check(DEF(index_into_rows), &options,
          (failure){.status = URN_ERR_MODEL,
                    .hint = "use full batches",
                    .message = "urn_index into plate \"rows\", of which mini-batches are taken"});
    check(DEF(nest_over_rows), &options,
          (failure){.status = URN_ERR_MODEL,
                    .site = "u",
                    .line = 1,
                    .message = "(normal): a latent site in a nest of the mini-batched plate"});
    check(DEF(param_over_rows), &options,
          (failure){.status = URN_ERR_MODEL,
                    .site = "p",
                    .message = "(value): a parameter cannot be over the mini-batched plate"});
    urn_dataset_free(data);
}

/* ---- older and newer callers ---- */

static void fine(urn_model *m)
{
    urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
}

/* A site from a header with more words than this library knows. */
typedef struct newer_site {
    urn_site site;
    urn_var word;
} newer_site;

static void newer_words(urn_model *m)
{
    newer_site s = {.site = {.loc = urn_real(m, 0), .scale = urn_real(m, 1)}};
    s.site.bytes = sizeof s;
    urn_sample_at(m, URN_HERE, "a", urn_family_normal(), &s.site);
}

/* A site from a header that knew loc and scale only. */
static void older_words(urn_model *m)
{
    urn_site s = {.loc = urn_real(m, 0), .scale = urn_real(m, 1), .precision = urn_real(m, 5)};
    s.size = 77; /* what lies there is not looked at */
    s.bytes = offsetof(urn_site, variance);
    urn_sample_at(m, URN_HERE, "a", urn_family_normal(), &s);
}

static void older_and_newer_headers(void **state)
{
    (void)state;
    urn_trace_options options = trace_options(NULL);
    urn_model_def def = *DEF(fine);
    def.abi = URN_ABI_VERSION + 1;
    check(&def, &options,
          (failure){.status = URN_ERR_MODEL,
                    .where = __FILE__,
                    .message = "the model was compiled for interface version 2; this library has "
                               "1",
                    .hint = "compile the model against the headers of this library, or use a newer "
                            "library"});
    def = *DEF(fine);
    def.bytes = offsetof(urn_model_def, trace);
    check(&def, &options,
          (failure){.status = URN_ERR_MODEL,
                    .message = "the model's definition has no function to trace"});
    def = *DEF(fine);
    def.bytes += 64; /* newer fields at the end are of no concern */
    urn_model_free(trace_with(&def, &options));
    options.bytes = offsetof(urn_trace_options, handlers);
    options.n_handlers = 5; /* past what the caller's header had */
    urn_model_free(trace_with(DEF(fine), &options));
    options = trace_options(NULL);
    urn_model *model = trace_with(DEF(older_words), &options);
    assert_int_equal(info_of(model, "a").size, 1);
    urn_model_free(model);
    check(DEF(newer_words), &options,
          (failure){.status = URN_ERR_MODEL,
                    .site = "a",
                    .message = "(normal): the sentence was compiled against a newer Urn header, "
                               "which has more words",
                    .hint = "rebuild the model with this library's headers, or update urn"});
}

static void options_of_an_older_compile(void **state)
{
    (void)state;
    const urn_trace_options options = trace_options(NULL);
    urn_model *model = trace_with(DEF(fine), &options);
    urn_error error = {0};
    urn_program *program;
    urn_compile_options compile = {.kind = URN_PROGRAM_DENSITY, .cpu = "no such path"};
    compile.bytes = offsetof(urn_compile_options, cpu);
    assert_ok(urn_program_compile(model, &compile, &program, &error), &error);
    urn_program_free(program);
    compile.bytes = sizeof compile;
    assert_int_equal(urn_program_compile(model, &compile, &program, &error), URN_ERR_USAGE);
    assert_null(program);
    assert_non_null(strstr(error.message, "no such path"));
    urn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_that_is_not_there),
        cmocka_unit_test(repeated_rows),
        cmocka_unit_test(bad_options),
        cmocka_unit_test(good_options),
        cmocka_unit_test(bad_handlers),
        cmocka_unit_test(conditioned_outside_the_support),
        cmocka_unit_test(bad_batches),
        cmocka_unit_test(row_numbers_of_a_view),
        cmocka_unit_test(older_and_newer_headers),
        cmocka_unit_test(options_of_an_older_compile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
