/* Datasets: columns, names, ids, codes, rows that repeat. */
#include "io_test.h"

#include "runtime/model/dataset.h"

#include <math.h>

/* ---- a small dataset: ratings.csv, rows on lines 2 .. 6 ---- */

static const int64_t users[] = {7, 3, 7, 3, 11};
static const char *const items[] = {"b", "a", "a", "a", "c"};
static const int64_t stars[] = {1, 2, 3, 5, 4};
static const double weights[] = {0.5, 1.5, 2.5, 3.5, 4.5};

static urn_status fill(urn_dataset *data, urn_error *error)
{
    URN_TRY(urn_dataset_add_table(data, "", "ratings.csv", 5, 2, error));
    URN_TRY(urn_dataset_add_int(data, "", "user_id", users, error));
    URN_TRY(urn_dataset_add_text(data, "", "item_id", items, error));
    URN_TRY(urn_dataset_add_int(data, "", "stars", stars, error));
    return urn_dataset_add_real(data, "", "weight", weights, error);
}

static urn_dataset *small(void)
{
    urn_dataset *data = urn_dataset_new(NULL);
    assert_non_null(data);
    expect_ok(fill(data, &err));
    return data;
}

static void test_look(void **state)
{
    (void)state;
    urn_dataset *data = small();
    assert_int_equal(urn_dataset_rows(data, "anything"), 5);
    assert_int_equal(urn_dataset_rows(data, NULL), 5);
    assert_int_equal(urn_dataset_table_count(data), 1);
    assert_string_equal(urn_dataset_table_name(data, 0), "");
    assert_null(urn_dataset_table_name(data, 1));
    assert_int_equal(urn_dataset_column_count(data, ""), 4);
    assert_string_equal(urn_dataset_column_name(data, "", 3), "weight");
    assert_null(urn_dataset_column_name(data, "", 4));
    assert_string_equal(urn_dataset_source(data, ""), "ratings.csv");
    assert_true(urn_dataset_values(data, "", "stars")[3] == 5.0);
    assert_null(urn_dataset_values(data, "", "item_id"));
    assert_null(urn_dataset_values(data, "", "absent"));
    assert_null(urn_dataset_held_out(data, ""));
    expect_ok(urn_dataset_add_table(data, "named", NULL, 0, 1, &err));
    assert_int_equal(urn_dataset_rows(data, "anything"), -1);
    assert_int_equal(urn_dataset_rows(data, "named"), 0);
    urn_dataset_free(data);
}

static void test_building_errors(void **state)
{
    (void)state;
    urn_dataset *data = small();
    expect_failure(URN_ERR_DATA, "two columns called \"stars\"",
                   urn_dataset_add_int(data, "", "stars", stars, &err));
    expect_failure(URN_ERR_DATA, "two tables without a name",
                   urn_dataset_add_table(data, NULL, "b.csv", 1, 2, &err));
    expect_ok(urn_dataset_add_table(data, "more", "more.csv", 1, 2, &err));
    expect_failure(URN_ERR_DATA, "two tables called \"more\"",
                   urn_dataset_add_table(data, "more", "b.csv", 1, 2, &err));
    expect_failure(URN_ERR_USAGE, "no table \"absent\"",
                   urn_dataset_add_int(data, "absent", "x", stars, &err));
    expect_failure(URN_ERR_USAGE, "number of rows is -1",
                   urn_dataset_add_table(data, "x", NULL, -1, 2, &err));
    expect_failure(URN_ERR_DATA, "has 3000000000 rows; at most 2147483646 are possible",
                   urn_dataset_add_table(data, "x", NULL, 3000000000, 2, &err));
    expect_ok(urn_dataset_add_scalar(data, "sigma", 2.5, &err));
    expect_failure(URN_ERR_DATA, "\"sigma\" is in the data twice",
                   urn_dataset_add_scalar(data, "sigma", 1, &err));
    expect_failure(URN_ERR_DATA, "has 9 dimensions",
                   urn_dataset_add_array(data, "x", 9, (int64_t[9]){1}, weights, &err));
    urn_dataset_free(data);
}

static void test_columns(void **state)
{
    (void)state;
    urn_dataset *data = small();
    assert_true(urn__dataset_column(data, 0, "weight", &err)[4] == 4.5);
    assert_true(urn__dataset_column(data, 0, "user_id", &err)[4] == 11.0);
    assert_null(urn__dataset_column(data, 0, "wieght", &err));
    check_message(&err, "ratings.csv: there is no column \"wieght\"; the columns are: user_id, "
                        "item_id, stars, weight");
    check_message(&err, "did you mean \"weight\"?");
    assert_null(urn__dataset_column(data, 0, "quite_other", &err));
    check_message(&err, "--map quite_other=COLUMN");
    assert_null(urn__dataset_column(data, 0, "item_id", &err));
    check_message(&err, "ratings.csv:2: column \"item_id\": found \"b\", expected a number");
    const double broken[] = {1, 2, (double)NAN, 4, -(double)INFINITY};
    expect_ok(urn_dataset_add_real(data, "", "broken", broken, &err));
    expect_ok(urn_dataset_map(data, "y", "broken", &err));
    assert_null(urn__dataset_column(data, 0, "y", &err));
    check_message(&err, "ratings.csv:4: column \"broken\" (mapped from \"y\"): found NaN, expected "
                        "a finite number");
    const char *const mixed[] = {"1", " 2 ", "3.5", "", "x"};
    expect_ok(urn_dataset_add_text(data, "", "mixed", mixed, &err));
    assert_null(urn__dataset_column(data, 0, "mixed", &err));
    check_message(&err, "ratings.csv:5: column \"mixed\": found an empty field");
    urn_dataset_free(data);
}

static void test_places(void **state)
{
    (void)state;
    char text[128];
    urn_dataset *data = small();
    urn__dataset_where(data, 0, 4, text, sizeof text);
    assert_string_equal(text, "ratings.csv:6");
    expect_ok(urn_dataset_set_source(data, "", 3, "test.csv", 2, &err));
    urn__dataset_where(data, 0, 4, text, sizeof text);
    assert_string_equal(text, "test.csv:3");
    urn__dataset_where(data, 0, 2, text, sizeof text);
    assert_string_equal(text, "ratings.csv:4");
    expect_ok(urn_dataset_set_lines(data, "", (int64_t[]){2, 4, 8, 16, 32}, &err));
    urn__dataset_where(data, 0, 4, text, sizeof text);
    assert_string_equal(text, "test.csv:32");
    expect_failure(URN_ERR_USAGE, "cannot start at row 2",
                   urn_dataset_set_source(data, "", 2, "x.csv", 2, &err));
    expect_ok(urn_dataset_add_table(data, "t", NULL, 3, 0, &err));
    urn__dataset_where(data, 1, 2, text, sizeof text);
    assert_string_equal(text, "table t, row 2 (from 0)");
    urn_dataset_free(data);
}

static void test_maps(void **state)
{
    (void)state;
    urn_dataset *data = small();
    expect_ok(urn_dataset_map(data, "rating", "stars", &err));
    expect_ok(urn_dataset_map(data, "user", "user_id", &err));
    assert_string_equal(urn__dataset_mapped(data, "rating"), "stars");
    assert_string_equal(urn__dataset_mapped(data, "stars"), "stars");
    assert_true(urn_dataset_values(data, "", "rating")[0] == 1.0);
    assert_string_equal(urn_dataset_unused_map(data, 0), "rating");
    assert_string_equal(urn_dataset_unused_map(data, 1), "user");
    assert_non_null(urn__dataset_column(data, 0, "rating", &err));
    assert_string_equal(urn_dataset_unused_map(data, 0), "user");
    assert_null(urn_dataset_unused_map(data, 1));
    expect_failure(URN_ERR_USAGE, "\"rating\" is mapped twice",
                   urn_dataset_map(data, "rating", "weight", &err));
    expect_failure(URN_ERR_USAGE, "did you mean \"weight\"?",
                   urn_dataset_map(data, "w", "weigth", &err));
    expect_failure(URN_ERR_USAGE, "they have: user_id, item_id, stars, weight",
                   urn_dataset_map(data, "w", "unknown_name", &err));
    expect_failure(URN_ERR_USAGE, "a name is missing", urn_dataset_map(data, "w", "", &err));
    urn_dataset_free(data);
    data = urn_dataset_new(NULL); /* simulation without data: nothing to check against */
    expect_ok(urn_dataset_map(data, "rating", "stars", &err));
    urn_dataset_free(data);
}

static void test_match_and_lists(void **state)
{
    (void)state;
    urn_dataset *data = small();
    const char *names[2];
    char text[64];
    assert_int_equal(urn__dataset_match(data, 0, "*", names, 2), 4);
    assert_string_equal(names[1], "item_id");
    assert_int_equal(urn__dataset_match(data, 0, "st*", names, 2), 1);
    assert_string_equal(names[0], "stars");
    assert_int_equal(urn__dataset_match(data, 0, "weight", names, 2), 1);
    assert_int_equal(urn__dataset_match(data, 0, "w", names, 2), 0);
    expect_ok(urn_dataset_add_scalar(data, "sigma", 2.5, &err));
    urn__dataset_list(data, text, sizeof text);
    assert_string_equal(text, "user_id, item_id, stars, weight, sigma");
    urn__dataset_list(data, text, 24);
    assert_string_equal(text, "user_id, item_id, ...");
    urn__dataset_text_list(data, 0, text, sizeof text);
    assert_string_equal(text, "user_id, item_id, stars, weight");
    urn_dataset_free(data);
}

static void test_entries(void **state)
{
    (void)state;
    urn_dataset *data = small();
    int rank = -1;
    const int64_t *dims = NULL;
    const double values[] = {1, 2, 3, 4, 5, 6};
    expect_ok(urn_dataset_add_scalar(data, "sigma", 2.5, &err));
    expect_ok(urn_dataset_add_array(data, "x", 2, (int64_t[]){2, 3}, values, &err));
    expect_ok(urn_dataset_add_array(data, "none", 1, (int64_t[]){0}, NULL, &err));
    assert_true(*urn__dataset_array(data, "sigma", &rank, &dims) == 2.5);
    assert_int_equal(rank, 0);
    const double *x = urn__dataset_array(data, "x", &rank, &dims);
    assert_int_equal(rank, 2);
    assert_int_equal(dims[0] * 10 + dims[1], 23);
    assert_memory_equal(x, values, sizeof values);
    assert_non_null(urn__dataset_array(data, "none", &rank, &dims));
    assert_null(urn__dataset_array(data, "y", &rank, &dims));
    urn_dataset_free(data);
}

static void test_mean(void **state)
{
    (void)state;
    urn_dataset *data = small();
    double mean = 0;
    expect_ok(urn__dataset_mean(data, 0, "stars", &mean, &err));
    assert_true(mean == 3.0);
    expect_ok(urn_dataset_set_held_out(data, "", (const unsigned char[]){1, 0, 0, 0, 1}, &err));
    expect_ok(urn__dataset_mean(data, 0, "stars", &mean, &err));
    assert_true(mean == 10.0 / 3.0);
    expect_ok(urn_dataset_map(data, "rating", "stars", &err));
    expect_ok(urn_dataset_set_mean(data, "rating", 17.25, &err));
    expect_ok(urn__dataset_mean(data, 0, "stars", &mean, &err));
    assert_true(mean == 17.25);
    expect_ok(urn_dataset_set_held_out(data, "", (const unsigned char[]){1, 1, 1, 1, 1}, &err));
    expect_failure(URN_ERR_DATA, "no training rows",
                   urn__dataset_mean(data, 0, "weight", &mean, &err));
    expect_ok(urn_dataset_set_held_out(data, "", (const unsigned char[]){0, 0, 0, 0, 0}, &err));
    assert_int_equal(urn__dataset_held_out_count(data, 0), 0);
    assert_null(urn_dataset_held_out(data, ""));
    /* Compensated: the naive sum of these is 0. */
    const double hard[] = {1e16, 1.0, 1.0, 1.0, -1e16};
    expect_ok(urn_dataset_add_real(data, "", "hard", hard, &err));
    expect_ok(urn__dataset_mean(data, 0, "hard", &mean, &err));
    assert_true(fabs(mean - 0.6) < 1e-15);
    urn_dataset_free(data);
}

/* ---- ids and codes ---- */

static void test_int_ids(void **state)
{
    (void)state;
    urn_dataset *data = small();
    urn__arena *arena = urn__arena_new(NULL);
    urn__ids ids;
    int32_t *codes = NULL;
    expect_ok(urn_dataset_map(data, "user", "user_id", &err));
    expect_ok(urn__dataset_ids(data, "user", arena, &ids, &err));
    assert_int_equal(ids.n, 3);
    assert_int_equal(ids.n_known, 3);
    assert_null(ids.texts);
    assert_memory_equal(ids.ints, ((int64_t[]){3, 7, 11}), 24);
    expect_ok(urn__dataset_codes(data, 0, "user", &ids, ids.n, arena, &codes, &err));
    assert_memory_equal(codes, ((int32_t[]){1, 0, 1, 0, 2}), 20);
    /* A fit knew 7, 100 and 5: new ids come after them, ascending. */
    expect_ok(urn_dataset_set_ids(data, "user", 3, (int64_t[]){7, 100, 5}, NULL, &err));
    expect_ok(urn__dataset_ids(data, "user_id", arena, &ids, &err));
    assert_int_equal(ids.n, 5);
    assert_int_equal(ids.n_known, 3);
    assert_memory_equal(ids.ints, ((int64_t[]){7, 100, 5, 3, 11}), 40);
    expect_ok(urn__dataset_codes(data, 0, "user", &ids, ids.n, arena, &codes, &err));
    assert_memory_equal(codes, ((int32_t[]){0, 3, 0, 3, 4}), 20);
    expect_ok(urn_dataset_set_ids(data, "user", 2, (int64_t[]){7, 7}, NULL, &err));
    expect_failure(URN_ERR_DATA, "repeat one", urn__dataset_ids(data, "user", arena, &ids, &err));
    expect_ok(urn_dataset_set_ids(data, "user", 1, (int64_t[]){-7}, NULL, &err));
    expect_failure(URN_ERR_DATA, "have -7 among them",
                   urn__dataset_ids(data, "user", arena, &ids, &err));
    const urn__ids few = {.n = 2, .n_known = 2, .ints = (int64_t[]){3, 7}};
    expect_failure(URN_ERR_DATA,
                   "ratings.csv:6: column \"user_id\" (mapped from \"user\"): found 11",
                   urn__dataset_codes(data, 0, "user", &few, 2, arena, &codes, &err));
    urn__arena_free(arena);
    urn_dataset_free(data);
}

static void test_text_ids(void **state)
{
    (void)state;
    urn_dataset *data = small();
    urn__arena *arena = urn__arena_new(NULL);
    urn__ids ids;
    int32_t *codes = NULL;
    expect_ok(urn__dataset_ids(data, "item_id", arena, &ids, &err));
    assert_int_equal(ids.n, 3);
    assert_null(ids.ints);
    assert_string_equal(ids.texts[0], "a");
    assert_string_equal(ids.texts[2], "c");
    expect_ok(urn__dataset_codes(data, 0, "item_id", &ids, ids.n, arena, &codes, &err));
    assert_memory_equal(codes, ((int32_t[]){1, 0, 0, 0, 2}), 20);
    expect_ok(urn_dataset_set_ids(data, "item_id", 2, NULL, (const char *const[]){"z", "c"}, &err));
    expect_ok(urn__dataset_ids(data, "item_id", arena, &ids, &err));
    assert_int_equal(ids.n, 4);
    assert_int_equal(ids.n_known, 2);
    assert_string_equal(ids.texts[0], "z");
    assert_string_equal(ids.texts[1], "c");
    assert_string_equal(ids.texts[2], "a");
    /* Texts that all look like integers come from the file as integers. */
    expect_ok(
        urn_dataset_set_ids(data, "user_id", 2, NULL, (const char *const[]){"x1", "11"}, &err));
    expect_ok(urn__dataset_ids(data, "user_id", arena, &ids, &err));
    assert_int_equal(ids.n, 4);
    assert_string_equal(ids.texts[1], "11");
    assert_string_equal(ids.texts[2], "3");
    assert_string_equal(ids.texts[3], "7");
    expect_ok(urn__dataset_codes(data, 0, "user_id", &ids, ids.n, arena, &codes, &err));
    assert_memory_equal(codes, ((int32_t[]){3, 2, 3, 2, 1}), 20);
    /* A fit that knew integers cannot read texts. */
    expect_ok(urn_dataset_set_ids(data, "item_id", 1, (int64_t[]){1}, NULL, &err));
    expect_failure(URN_ERR_DATA,
                   "holds text (\"b\", ...), but the ids known to the fit are integers",
                   urn__dataset_ids(data, "item_id", arena, &ids, &err));
    expect_failure(URN_ERR_USAGE, "give either integers or texts",
                   urn_dataset_set_ids(data, "item_id", 1, NULL, NULL, &err));
    urn__arena_free(arena);
    urn_dataset_free(data);
}

/* One column with one wrong entry on line 4. */
static void expect_bad_id(const double *values, const char *message)
{
    urn_dataset *data = urn_dataset_new(NULL);
    urn__arena *arena = urn__arena_new(NULL);
    urn__ids ids;
    expect_ok(urn_dataset_add_table(data, "", "x.csv", 3, 2, &err));
    expect_ok(urn_dataset_add_real(data, "", "id", values, &err));
    expect_failure(URN_ERR_DATA, message, urn__dataset_ids(data, "id", arena, &ids, &err));
    urn__arena_free(arena);
    urn_dataset_free(data);
}

static void test_bad_ids(void **state)
{
    (void)state;
    expect_bad_id((double[]){1, 2, 2.5},
                  "x.csv:4: column \"id\": found 2.5, expected a whole number");
    expect_bad_id((double[]){1, 2, -2}, "x.csv:4: column \"id\": found -2, expected an id of at "
                                        "least 0");
    expect_bad_id((double[]){1, 2, 1e20}, "x.csv:4: column \"id\": found 1e+20, expected an id of "
                                          "at most 9007199254740992");
    expect_bad_id((double[]){1, 2, (double)NAN}, "x.csv:4: column \"id\": found NaN");
    urn_dataset *data = small();
    urn__arena *arena = urn__arena_new(NULL);
    urn__ids ids;
    int32_t *codes;
    expect_failure(URN_ERR_DATA,
                   "no table has a column \"video\" of ids; the data have: user_id, item_id",
                   urn__dataset_ids(data, "video", arena, &ids, &err));
    const int64_t negative[] = {0, 4, -3, 2, INT64_MAX};
    expect_ok(urn_dataset_add_int(data, "", "negative", negative, &err));
    expect_failure(URN_ERR_DATA, "ratings.csv:4: column \"negative\": found -3",
                   urn__dataset_ids(data, "negative", arena, &ids, &err));
    const char *const empty[] = {"a", "", "c", "d", "e"};
    expect_ok(urn_dataset_add_text(data, "", "empty", empty, &err));
    expect_failure(URN_ERR_DATA, "ratings.csv:3: column \"empty\": found an empty field",
                   urn__dataset_ids(data, "empty", arena, &ids, &err));
    const char *const latin[] = {"a", "b", "c", "caf\xE9", "e"};
    expect_ok(urn_dataset_add_text(data, "", "latin", latin, &err));
    expect_failure(URN_ERR_DATA, "ratings.csv:5: column \"latin\"",
                   urn__dataset_ids(data, "latin", arena, &ids, &err));
    expect_ok(urn_dataset_add_table(data, "prices", "prices.csv", 1, 2, &err));
    expect_ok(urn_dataset_add_int(data, "prices", "item_id", (int64_t[]){4}, &err));
    expect_failure(URN_ERR_DATA, "column \"item_id\" holds integers here but text in ratings.csv",
                   urn__dataset_ids(data, "item_id", arena, &ids, &err));
    expect_failure(URN_ERR_DATA,
                   "ratings.csv:6: column \"user_id\": found 11, expected a row number "
                   "from 0 to 10",
                   urn__dataset_codes(data, 0, "user_id", NULL, 11, arena, &codes, &err));
    expect_ok(urn__dataset_codes(data, 0, "user_id", NULL, 12, arena, &codes, &err));
    assert_memory_equal(codes, ((int32_t[]){7, 3, 7, 3, 11}), 20);
    expect_failure(URN_ERR_DATA, "found \"b\", expected a row number",
                   urn__dataset_codes(data, 0, "item_id", NULL, 12, arena, &codes, &err));
    urn__arena_free(arena);
    urn_dataset_free(data);
}

/* Integers that doubles cannot tell apart, and ranges too wide for a table by value. */
static void test_large_ids(void **state)
{
    (void)state;
    enum { N = 5000 };
    static int64_t values[N];
    urn_dataset *data = urn_dataset_new(NULL);
    urn__arena *arena = urn__arena_new(NULL);
    urn__ids ids;
    int32_t *codes = NULL;
    uint64_t seed = 1;
    for (int i = 0; i < N; i++)
        values[i] = INT64_MAX - (int64_t)(next_random(&seed) % 3000);
    expect_ok(urn_dataset_add_table(data, "", "x.csv", N, 2, &err));
    expect_ok(urn_dataset_add_int(data, "", "id", values, &err));
    expect_ok(urn__dataset_ids(data, "id", arena, &ids, &err));
    assert_true(ids.n > 2000 && ids.n <= 3000);
    for (int64_t i = 1; i < ids.n; i++)
        assert_true(ids.ints[i - 1] < ids.ints[i]);
    expect_ok(urn__dataset_codes(data, 0, "id", &ids, ids.n, arena, &codes, &err));
    for (int i = 0; i < N; i++)
        assert_true(ids.ints[codes[i]] == values[i]);
    urn__arena_free(arena);
    urn_dataset_free(data);
}

/* Ids of a column count over all tables that have it, and held-out rows count. */
static void test_ids_over_tables(void **state)
{
    (void)state;
    urn_dataset *data = small();
    urn__arena *arena = urn__arena_new(NULL);
    urn__ids ids;
    expect_ok(urn_dataset_add_table(data, "people", "people.csv", 2, 2, &err));
    expect_ok(urn_dataset_add_int(data, "people", "user_id", (int64_t[]){5, 7}, &err));
    expect_ok(urn_dataset_set_held_out(data, "", (const unsigned char[]){0, 0, 0, 0, 1}, &err));
    expect_ok(urn__dataset_ids(data, "user_id", arena, &ids, &err));
    assert_int_equal(ids.n, 4);
    assert_memory_equal(ids.ints, ((int64_t[]){3, 5, 7, 11}), 32);
    urn__arena_free(arena);
    urn_dataset_free(data);
}

/* ---- rows that repeat ---- */

static void test_unique(void **state)
{
    (void)state;
    urn_dataset *data = small();
    expect_failure(URN_ERR_DATA,
                   "ratings.csv:5: (user_id, item_id) = (3, \"a\") stands in ratings.csv:3 already",
                   urn__dataset_check_unique(data, 0, "user_id, item_id", &err));
    expect_failure(URN_ERR_DATA, "--duplicates mean",
                   urn__dataset_check_unique(data, 0, "user_id,item_id", &err));
    expect_ok(urn__dataset_check_unique(data, 0, "user_id,item_id,stars", &err));
    expect_ok(urn__dataset_check_unique(data, 0, "weight", &err));
    expect_failure(URN_ERR_DATA, "there is no column \"usr\"",
                   urn__dataset_check_unique(data, 0, "usr", &err));
    expect_failure(URN_ERR_USAGE, "no columns", urn__dataset_check_unique(data, 0, " ,", &err));
    /* A test row may repeat a training row. */
    expect_ok(urn_dataset_set_held_out(data, "", (const unsigned char[]){0, 1, 0, 0, 0}, &err));
    expect_ok(urn__dataset_check_unique(data, 0, "user_id,item_id", &err));
    urn_dataset_free(data);
}

static void test_merge_mean(void **state)
{
    (void)state;
    urn_dataset *data = small();
    int64_t merged = -1;
    char text[64];
    expect_ok(urn_dataset_merge(data, "", "user_id,item_id", "mean", &merged, &err));
    assert_int_equal(merged, 1);
    assert_int_equal(urn_dataset_rows(data, ""), 4);
    assert_memory_equal(urn_dataset_values(data, "", "stars"), ((double[]){1, 3.5, 3, 4}), 32);
    assert_memory_equal(urn_dataset_values(data, "", "weight"), ((double[]){0.5, 2.5, 2.5, 4.5}),
                        32);
    assert_memory_equal(urn_dataset_values(data, "", "user_id"), ((double[]){7, 3, 7, 11}), 32);
    urn__dataset_where(data, 0, 3, text, sizeof text);
    assert_string_equal(text, "ratings.csv:6");
    expect_ok(urn__dataset_check_unique(data, 0, "user_id,item_id", &err));
    assert_null(urn_dataset_values(data, "", "item_id"));
    expect_failure(URN_ERR_USAGE, "no way \"max\" to merge",
                   urn_dataset_merge(data, "", "user_id", "max", &merged, &err));
    expect_ok(urn_dataset_merge(data, "", "user_id,item_id", "mean", &merged, &err));
    assert_int_equal(merged, 0);
    urn_dataset_free(data);
}

static void test_merge_last(void **state)
{
    (void)state;
    urn_dataset *data = small();
    urn__arena *arena = urn__arena_new(NULL);
    urn__ids ids;
    int64_t merged = -1;
    char text[64];
    expect_ok(urn_dataset_set_source(data, "", 3, "test.csv", 2, &err));
    expect_ok(urn_dataset_merge(data, "", "item_id", "last", &merged, &err));
    assert_int_equal(merged, 2); /* the a of lines 3 and 4 go, that of test.csv:2 stays */
    assert_memory_equal(urn_dataset_values(data, "", "stars"), ((double[]){1, 5, 4}), 24);
    urn__dataset_where(data, 0, 0, text, sizeof text);
    assert_string_equal(text, "ratings.csv:2");
    urn__dataset_where(data, 0, 1, text, sizeof text);
    assert_string_equal(text, "test.csv:2");
    urn__dataset_where(data, 0, 2, text, sizeof text);
    assert_string_equal(text, "test.csv:3");
    expect_ok(urn__dataset_ids(data, "item_id", arena, &ids, &err));
    assert_int_equal(ids.n, 3);
    urn__arena_free(arena);
    urn_dataset_free(data);
}

/* Merging random rows agrees with a quadratic search. */
static void test_merge_random(void **state)
{
    (void)state;
    enum { N = 400 };
    int64_t user[N];
    double score[N], mean[N];
    int count[N];
    uint64_t seed = 7;
    for (int i = 0; i < N; i++) {
        user[i] = (int64_t)(next_random(&seed) % 150);
        score[i] = (double)(next_random(&seed) % 1000);
    }
    int n = 0;
    for (int i = 0; i < N; i++) {
        bool first = true;
        for (int k = 0; k < i; k++)
            first = first && user[k] != user[i];
        if (!first)
            continue;
        mean[n] = 0;
        count[n] = 0;
        for (int k = i; k < N; k++)
            if (user[k] == user[i]) {
                mean[n] += score[k];
                count[n]++;
            }
        mean[n] /= count[n];
        n++;
    }
    urn_dataset *data = urn_dataset_new(NULL);
    int64_t merged = 0;
    expect_ok(urn_dataset_add_table(data, "", NULL, N, 0, &err));
    expect_ok(urn_dataset_add_int(data, "", "user", user, &err));
    expect_ok(urn_dataset_add_real(data, "", "score", score, &err));
    expect_ok(urn_dataset_merge(data, "", "user", "mean", &merged, &err));
    assert_int_equal(merged, N - n);
    assert_memory_equal(urn_dataset_values(data, "", "score"), mean, (size_t)n * sizeof *mean);
    urn_dataset_free(data);
}

/* ---- every allocation may fail ---- */

static urn_status use_all(const urn_allocator *allocator, urn_error *error)
{
    urn_dataset *data = urn_dataset_new(allocator);
    if (!data)
        return urn__fail_memory(error, "a dataset", 1);
    urn__arena *arena = urn__arena_new(allocator);
    urn__ids ids;
    int32_t *codes = NULL;
    int64_t merged = 0;
    double mean = 0;
    urn_status status = arena ? fill(data, error) : urn__fail_memory(error, "an arena", 1);
#define NEXT(call)                                                                                 \
    if (status == URN_OK)                                                                          \
    status = (call)
    NEXT(urn_dataset_add_int(data, "", "big", (int64_t[]){INT64_MAX, 1, 2, 1, 4}, error));
    NEXT(urn_dataset_add_scalar(data, "sigma", 1, error));
    NEXT(urn_dataset_set_source(data, "", 4, "test.csv", 2, error));
    NEXT(urn_dataset_set_lines(data, "", (int64_t[]){2, 3, 4, 5, 9}, error));
    NEXT(urn_dataset_map(data, "user", "user_id", error));
    NEXT(urn_dataset_set_ids(data, "user", 1, (int64_t[]){3}, NULL, error));
    NEXT(urn_dataset_set_ids(data, "item_id", 1, NULL, items, error));
    NEXT(urn_dataset_set_mean(data, "stars", 2, error));
    NEXT(urn_dataset_merge(data, "", "user,item_id", "mean", &merged, error));
    NEXT(urn_dataset_set_held_out(data, "", (const unsigned char[]){0, 0, 0, 1}, error));
    NEXT(urn__dataset_check_unique(data, 0, "user,item_id", error));
    NEXT(urn__dataset_mean(data, 0, "weight", &mean, error));
    NEXT(urn__dataset_ids(data, "user", arena, &ids, error));
    NEXT(urn__dataset_codes(data, 0, "user", &ids, ids.n, arena, &codes, error));
    NEXT(urn__dataset_ids(data, "big", arena, &ids, error));
    NEXT(urn__dataset_ids(data, "item_id", arena, &ids, error));
    NEXT(urn__dataset_codes(data, 0, "item_id", &ids, ids.n, arena, &codes, error));
#undef NEXT
    if (arena)
        urn__arena_free(arena);
    urn_dataset_free(data);
    return status;
}

static void test_failing_memory(void **state)
{
    (void)state;
    counting c = {.fail_at = -1};
    urn_allocator allocator = counting_allocator(&c);
    expect_ok(use_all(&allocator, &err));
    assert_int_equal(c.alive, 0);
    const long n = c.n;
    assert_true(n > 40);
    for (long i = 0; i < n; i++) {
        c = (counting){.fail_at = i};
        expect_failure(URN_ERR_MEMORY, "out of memory", use_all(&allocator, &err));
        assert_int_equal(c.alive, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_look),
        cmocka_unit_test(test_building_errors),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_match_and_lists),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_mean),
        cmocka_unit_test(test_int_ids),
        cmocka_unit_test(test_text_ids),
        cmocka_unit_test(test_bad_ids),
        cmocka_unit_test(test_large_ids),
        cmocka_unit_test(test_ids_over_tables),
        cmocka_unit_test(test_unique),
        cmocka_unit_test(test_merge_mean),
        cmocka_unit_test(test_merge_last),
        cmocka_unit_test(test_merge_random),
        cmocka_unit_test(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
