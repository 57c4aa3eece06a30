/* MatrixMarket and JSON data, the choice of a format, and the held-out split. */
#include "io_test.h"

#include "runtime/model/dataset.h"

#include <math.h>

static void expect_values(const urn_dataset *data, const char *table, const char *column, int n,
                          const double *values)
{
    const double *found = urn_dataset_values(data, table, column);
    assert_non_null(found);
    assert_int_equal(urn_dataset_rows(data, table), n);
    for (int i = 0; i < n; i++)
        if (!(found[i] == values[i]))
            fail_msg("%s[%d] is %.17g, expected %.17g", column, i, found[i], values[i]);
}

/* Reads text under a file name; the name's ending counts. */
static urn_dataset *read_as(const char *name, const char *table, const char *text)
{
    urn_dataset *data = urn_dataset_new(NULL);
    expect_ok(urn__io_read(write_text(name, text), table, data, NULL, &err));
    return data;
}

static void expect_bad(const char *name, const char *table, const char *text, const char *message)
{
    urn_dataset *data = urn_dataset_new(NULL);
    expect_failure(URN_ERR_DATA, message,
                   urn__io_read(write_text(name, text), table, data, NULL, &err));
    urn_dataset_free(data);
}

/* ---- MatrixMarket ---- */

static void test_matrix_market(void **state)
{
    (void)state;
    char place[512];
    urn_dataset *data = read_as("x.mtx", "",
                                "%%MatrixMarket matrix coordinate real general\n"
                                "% a comment\n"
                                "\n"
                                " 3 4 3\n"
                                "1 4 2.5\r\n"
                                "%between\n"
                                "3  1\t-1e-3\n"
                                "2 2 7");
    expect_values(data, "", "row", 3, (double[]){1, 3, 2});
    expect_values(data, "", "column", 3, (double[]){4, 1, 2});
    expect_values(data, "", "value", 3, (double[]){2.5, -1e-3, 7});
    urn__dataset_where(data, 0, 1, place, sizeof place);
    assert_non_null(strstr(place, "x.mtx:7"));
    urn_dataset_free(data);
    data = read_as("x.mm", "", "%%matrixmarket MATRIX coordinate Pattern General\n2 2 1\n2 1\n");
    expect_values(data, "", "value", 1, (double[]){1});
    urn_dataset_free(data);
    data = read_as("x.dat", "m",
                   "%%MatrixMarket matrix coordinate integer symmetric\n2 2 2\n1 1 5\n2 1 6\n");
    expect_values(data, "m", "row", 3, (double[]){1, 2, 1});
    expect_values(data, "m", "column", 3, (double[]){1, 1, 2});
    expect_values(data, "m", "value", 3, (double[]){5, 6, 6});
    urn__dataset_where(data, 0, 2, place, sizeof place);
    assert_non_null(strstr(place, "x.dat:4"));
    urn_dataset_free(data);
    data = read_as("x.mtx", "",
                   "%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n2 1 6\n");
    expect_values(data, "", "value", 2, (double[]){6, -6});
    urn_dataset_free(data);
}

#define BANNER "%%MatrixMarket matrix coordinate real general\n"

static void test_bad_matrix_market(void **state)
{
    (void)state;
    expect_bad("x.mtx", "", "1 2 3\n", "x.mtx:1: found \"1 2 3\", expected a first line");
    expect_bad("x.mtx", "", "%%MatrixMarket matrix array real general\n2 2\n",
               "expected a coordinate matrix (dense ones are not read)");
    expect_bad("x.mtx", "", "%%MatrixMarket matrix coordinate complex general\n",
               "expected a real, integer or pattern matrix");
    expect_bad("x.mtx", "", "%%MatrixMarket matrix coordinate real hermitian\n",
               "expected a general, symmetric or skew-symmetric matrix");
    expect_bad("x.mtx", "", BANNER "% only\n", "the file ends before the size line");
    expect_bad("x.mtx", "", BANNER "2 2\n", "x.mtx:2: found \"2 2\", expected three sizes");
    expect_bad("x.mtx", "", BANNER "2 2 0\n", "expected at least one entry");
    expect_bad("x.mtx", "", "%%MatrixMarket matrix coordinate real symmetric\n2 3 1\n1 1 1\n",
               "expected as many rows as columns");
    expect_bad("x.mtx", "", BANNER "2 2 1\n3 1 5\n",
               "x.mtx:3: found \"3 1 5\", expected a row from 1 to 2 and a column from 1 to 2; "
               "numbers count from 1");
    expect_bad("x.mtx", "", BANNER "2 2 1\n1 0 5\n", "x.mtx:3: found \"1 0 5\", expected a row");
    expect_bad("x.mtx", "", BANNER "2 2 1\n1 1 x\n",
               "x.mtx:3: found \"1 1 x\", expected a row number, a column number and a number");
    expect_bad("x.mtx", "", BANNER "2 2 1\n1 1\n", "expected a row number, a column number");
    expect_bad("x.mtx", "", BANNER "2 2 1\n1 1 2 3\n", "found \"1 1 2 3\", expected a row number");
    expect_bad("x.mtx", "", BANNER "2 2 3\n1 1 2\n2 2 2\n",
               "x.mtx:5: the file ends after 2 of 3 entries");
    expect_bad(
        "x.mtx", "", BANNER "2 2 1\n1 1 2\n2 2 2\n",
        "x.mtx:4: found \"2 2 2\", expected the end of the file: the size line says 1 entries");
    expect_bad("x.mtx", "", BANNER "2 2 99999999999999\n1 1 2\n",
               "expected no more entries than the file has lines");
    expect_bad("x.mtx", "", "%%MatrixMarket matrix coordinate integer general\n2 2 1\n1 1 1.5\n",
               "a column number and a whole number");
    expect_bad("x.mtx", "", "%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n1 1 1\n",
               "no diagonal entries");
    expect_bad("x.mtx", "", "", "the file is empty");
}

/* ---- JSON ---- */

static void test_json_stan(void **state)
{
    (void)state;
    int rank;
    const int64_t *dims;
    urn_dataset *data =
        read_as("x.json", "",
                "{\"N\": 3, \"sigma\": 1.5, \"y\": [1, 2.5, -3],\n"
                " \"x\": [[1, 2, 3], [4, 5, 6]], \"none\": [], \"rows\": [[], []],\n"
                " \"odd\": [\"NaN\", NaN, \"-Inf\", Infinity, -Infinity, \"+Infinity\"],\n"
                " \"text \\\" NaN\": 4, \"cube\": [[[1],[2]],[[3],[4]],[[5],[6]]]}");
    assert_int_equal(urn_dataset_table_count(data), 1); /* N, see below */
    assert_int_equal(urn_dataset_column_count(data, "N"), 1);
    assert_true(*urn__dataset_array(data, "N", &rank, &dims) == 3.0);
    assert_int_equal(rank, 0);
    const double *x = urn__dataset_array(data, "x", &rank, &dims);
    assert_int_equal(rank, 2);
    assert_int_equal(dims[0] * 10 + dims[1], 23);
    assert_memory_equal(x, ((double[]){1, 2, 3, 4, 5, 6}), 48);
    const double *cube = urn__dataset_array(data, "cube", &rank, &dims);
    assert_int_equal(rank, 3);
    assert_int_equal(dims[0] * 100 + dims[1] * 10 + dims[2], 321);
    assert_memory_equal(cube, ((double[]){1, 2, 3, 4, 5, 6}), 48);
    assert_non_null(urn__dataset_array(data, "none", &rank, &dims));
    assert_int_equal(dims[0], 0);
    assert_non_null(urn__dataset_array(data, "rows", &rank, &dims));
    assert_int_equal(rank * 100 + dims[0] * 10 + dims[1], 220);
    const double *odd = urn__dataset_array(data, "odd", &rank, &dims);
    assert_true(isnan(odd[0]) && isnan(odd[1]) && odd[2] == -(double)INFINITY);
    assert_true(odd[3] == (double)INFINITY && odd[4] == odd[2] && odd[5] == odd[3]);
    assert_non_null(urn__dataset_array(data, "text \" NaN", &rank, &dims));
    urn_dataset_free(data);
}

/* Arrays as long as a whole number says are columns of a table of its name. */
static void test_json_sizes(void **state)
{
    (void)state;
    urn_dataset *data =
        read_as("x.json", "",
                "{\"y\": [1, 2.5, -3], \"N\": 3, \"g\": [7, 8, 7], \"J\": 2, \"M\": 9,\n"
                " \"X\": [[1, 2], [3, 4], [5, 6]], \"s\": [4, 5], \"scale\": 2.0,\n"
                " \"ragged\": [[[1]], [[2]], [[3]]]}");
    assert_int_equal(urn_dataset_table_count(data), 2);
    assert_int_equal(urn_dataset_rows(data, "N"), 3);
    assert_int_equal(urn_dataset_column_count(data, "N"), 4);
    assert_memory_equal(urn_dataset_values(data, "N", "y"), ((double[]){1, 2.5, -3}), 24);
    assert_memory_equal(urn_dataset_values(data, "N", "g"), ((double[]){7, 8, 7}), 24);
    assert_memory_equal(urn_dataset_values(data, "N", "X.1"), ((double[]){1, 3, 5}), 24);
    assert_memory_equal(urn_dataset_values(data, "N", "X.2"), ((double[]){2, 4, 6}), 24);
    assert_int_equal(urn_dataset_rows(data, "J"), 2);
    assert_memory_equal(urn_dataset_values(data, "J", "s"), ((double[]){4, 5}), 16);
    assert_int_equal(urn_dataset_rows(data, "M"), -1);
    int rank;
    const int64_t *dims;
    assert_non_null(urn__dataset_array(data, "X", &rank, &dims));
    urn_dataset_free(data);
}

static void test_json_tables(void **state)
{
    (void)state;
    char place[512];
    urn_dataset *data =
        read_as("x.json", "",
                "{\"s\": 2, \"ratings\": {\"user\": [5, 3], \"item\": [\"a\", \"b\"], "
                "\"r\": [1, NaN]}, \"items\": {\"price\": [1.5]}}");
    assert_int_equal(urn_dataset_table_count(data), 2);
    expect_values(data, "ratings", "user", 2, (double[]){5, 3});
    expect_values(data, "items", "price", 1, (double[]){1.5});
    assert_null(urn__dataset_column(data, 0, "r", &err));
    check_message(&err, "x.json, table ratings, row 1 (from 0): column \"r\": found NaN");
    urn__dataset_where(data, 1, 0, place, sizeof place);
    assert_non_null(strstr(place, "x.json, table items, row 0"));
    urn_dataset_free(data);
    /* Under a name the object is the table, or has it as its only member. */
    data = read_as("x.json", "t", "{\"user\": [5, 3], \"r\": [1, 2.5]}");
    expect_values(data, "t", "r", 2, (double[]){1, 2.5});
    urn_dataset_free(data);
    data = read_as("x.txt", "t", " {\"only\": {\"user\": [5, 3]}}");
    expect_values(data, "t", "user", 2, (double[]){5, 3});
    urn_dataset_free(data);
}

static void test_bad_json(void **state)
{
    (void)state;
    expect_bad("x.json", "", "{\"y\": null}", "variable \"y\": found null, expected a number");
    expect_bad("x.json", "", "{\"y\": [1, null]}",
               "variable \"y\": found null at [1], expected a number");
    expect_bad("x.json", "", "{\"y\": [[1, 2], [3, \"a\"]]}",
               "variable \"y\": found \"a\" at [1][1], expected a number");
    expect_bad("x.json", "", "{\"y\": [[1, 2], [3]]}",
               "variable \"y\": the array at [1] has 1 elements, those before it 2");
    expect_bad("x.json", "", "{\"y\": [[1, 2], 3]}",
               "variable \"y\": found a number at [1], expected an array");
    expect_bad("x.json", "", "{\"y\": [1, [2]]}",
               "variable \"y\": found an array at [1], expected a number");
    expect_bad("x.json", "", "{\"y\": true}", "variable \"y\": found true or false");
    expect_bad("x.json", "", "{\"y\": \"abc\"}", "variable \"y\": found \"abc\"");
    expect_bad("x.json", "", "{\"y\": {}}", "variable \"y\": found an object");
    expect_bad("x.json", "", "{\"y\": [[[[[[[[[1]]]]]]]]]}", "nested more than 8 deep");
    expect_bad("x.json", "", "{\"y\": 1,\n \"y\": 2}", "x.json:2: this is not JSON: duplicate");
    expect_bad("x.json", "", "{\"y\": 1,\n\n}", "x.json:3: this is not JSON");
    expect_bad("x.json", "", "[1, 2]", "expected one JSON object");
    expect_bad("x.json", "", "{\"y\": 99999999999999999999}", "this is not JSON: too big integer");
    expect_bad("x.json", "", " ", "the file is empty");
    expect_bad("x.json", "", "{\"t\": {\"a\": [1, 2], \"b\": [1]}}",
               "table \"t\", column \"b\": it has 1 elements, the columns before it 2");
    expect_bad("x.json", "", "{\"t\": {\"a\": 1}}",
               "table \"t\", column \"a\": a table is an object");
    expect_bad("x.json", "", "{\"t\": {\"a\": [1, \"x\"]}}",
               "table \"t\", column \"a\": element 1 (from 0) is text \"x\", expected a number");
    expect_bad("x.json", "", "{\"t\": {\"a\": [\"x\", null]}}",
               "table \"t\", column \"a\": element 1 (from 0) is null, expected text");
    expect_bad("x.json", "", "{\"t\": {\"a\": []}}", "the table \"t\" has no rows");
    expect_bad("x.json", "t", "{\"a\": [1], \"b\": 2}", "column \"b\": a table is an object");
}

/* Stan's own data files, where they are at hand. */
static void test_posteriordb(void **state)
{
    (void)state;
    const char *shared = getenv("URN_SHARED");
    char path[1024];
    snprintf(path, sizeof path, "%s/posteriordb/eight_schools-eight_schools_centered/data.json",
             shared ? shared : "../shared");
    if (access(path, R_OK) != 0) {
        print_message("%s is not there: skipped\n", path);
        skip();
    }
    int rank;
    const int64_t *dims;
    urn_dataset *data = urn_dataset_new(NULL);
    expect_ok(urn__io_read(path, "", data, NULL, &err));
    assert_true(*urn__dataset_array(data, "J", &rank, &dims) == 8.0);
    const double *y = urn__dataset_array(data, "y", &rank, &dims);
    assert_int_equal(dims[0], 8);
    assert_memory_equal(y, ((double[]){28, 8, -3, 7, -1, 1, 18, 12}), 64);
    urn_dataset_free(data);
}

/* ---- test files of other formats ---- */

static void test_mixed_formats(void **state)
{
    (void)state;
    char place[512];
    urn__io_options options = {.test_path = write_text("t.csv", "value,row,column\n9.5,1,2\n")};
    const char *path =
        write_text("x.mtx", "%%MatrixMarket matrix coordinate integer general\n2 2 1\n2 1 3\n");
    urn_dataset *data = urn_dataset_new(NULL);
    expect_ok(urn__io_read(path, "", data, &options, &err));
    expect_values(data, "", "value", 2, (double[]){3, 9.5});
    expect_values(data, "", "row", 2, (double[]){2, 1});
    assert_memory_equal(urn_dataset_held_out(data, ""), ((unsigned char[]){0, 1}), 2);
    urn__dataset_where(data, 0, 1, place, sizeof place);
    assert_non_null(strstr(place, "t.csv:2"));
    urn__dataset_where(data, 0, 0, place, sizeof place);
    assert_non_null(strstr(place, "x.mtx:3"));
    urn_dataset_free(data);
    options.test_path =
        write_text("t.json", "{\"row\": [1, 7], \"value\": [2, 3], \"column\": [4, 5]}");
    data = urn_dataset_new(NULL);
    expect_ok(urn__io_read(path, "", data, &options, &err));
    expect_values(data, "", "column", 3, (double[]){1, 4, 5});
    urn__dataset_where(data, 0, 2, place, sizeof place);
    assert_non_null(strstr(place, "t.json, row 1 (from 0)"));
    urn_dataset_free(data);
    options.test_path = write_text("t.csv", "row,column,value\n1,b,3\n");
    data = urn_dataset_new(NULL);
    expect_failure(URN_ERR_DATA, "column \"column\" holds numbers here but text in",
                   urn__io_read(path, "", data, &options, &err));
    urn_dataset_free(data);
    data = urn_dataset_new(NULL);
    expect_failure(URN_ERR_USAGE, "a test file needs one table to be appended to, this file has 0",
                   urn__io_read(write_text("x.json", "{\"y\": 1}"), "", data, &options, &err));
    urn_dataset_free(data);
}

static urn_status read_json(const char *path, const char *test, const urn_allocator *allocator)
{
    urn_dataset *data = urn_dataset_new(allocator);
    if (!data)
        return urn__fail_memory(&err, "a dataset", 1);
    const urn__io_options options = {.allocator = allocator, .test_path = test};
    const urn_status status = urn__io_read(path, "", data, &options, &err);
    urn_dataset_free(data);
    return status;
}

static void test_failing_memory(void **state)
{
    (void)state;
    const char *paths[] = {
        write_text("x.json", "{\"y\": [1, 2], \"t\": {\"row\": [1, 2], \"column\": [2, 3], "
                             "\"value\": [1, NaN]}}"),
        write_text("x.mtx", "%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n2 1 3\n")};
    const char *test =
        write_text("t.mtx", "%%MatrixMarket matrix coordinate real general\n2 2 1\n2 1 3\n");
    for (int k = 0; k < 2; k++) {
        counting c = {.fail_at = -1};
        urn_allocator allocator = counting_allocator(&c);
        expect_ok(read_json(paths[k], test, &allocator));
        assert_int_equal(c.alive, 0);
        const long n = c.n;
        assert_true(n > 20);
        for (long i = 0; i < n; i++) {
            c = (counting){.fail_at = i};
            expect_failure(URN_ERR_MEMORY, "out of memory", read_json(paths[k], test, &allocator));
            assert_int_equal(c.alive, 0);
        }
    }
}

/* ---- the split ---- */

/* The rows below 0.1 among the first 100, worked out with Python's integers. */
static void test_split(void **state)
{
    (void)state;
    enum { N = 100000 };
    static const int held[] = {0, 5, 13, 26, 34, 47, 60, 68, 81, 89, 94};
    static double values[N];
    urn_dataset *data = urn_dataset_new(NULL);
    expect_ok(urn_dataset_add_table(data, "", "x.csv", N, 2, &err));
    expect_ok(urn_dataset_add_real(data, "", "x", values, &err));
    expect_ok(urn__io_split(data, "", 0, &err));
    assert_null(urn_dataset_held_out(data, ""));
    expect_ok(urn__io_split(data, "", 0.1, &err));
    const unsigned char *flags = urn_dataset_held_out(data, "");
    int n = 0, next = 0;
    for (int i = 0; i < N; i++) {
        n += flags[i];
        if (i < 100) {
            const bool expected = next < (int)(sizeof held / sizeof *held) && held[next] == i;
            assert_int_equal(flags[i], expected);
            next += expected;
        }
    }
    assert_int_equal(n, 10000);
    expect_failure(URN_ERR_USAGE, "held out already", urn__io_split(data, "", 0.1, &err));
    urn_dataset_free(data);
}

static void test_bad_split(void **state)
{
    (void)state;
    urn_dataset *data = read_as("x.csv", "t", "a,b\n1,2\n");
    expect_failure(URN_ERR_USAGE, "a share of 1 of the rows", urn__io_split(data, "t", 1, &err));
    expect_failure(URN_ERR_USAGE, "a share of -0.5", urn__io_split(data, "t", -0.5, &err));
    expect_failure(URN_ERR_USAGE, "a share of nan", urn__io_split(data, "t", (double)NAN, &err));
    expect_failure(URN_ERR_USAGE, "no table \"u\"", urn__io_split(data, "u", 0.5, &err));
    expect_failure(URN_ERR_DATA, "all 1 rows are held out, none is left to train on",
                   urn__io_split(data, "t", 0.1, &err));
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix_market),  cmocka_unit_test(test_bad_matrix_market),
        cmocka_unit_test(test_json_stan),      cmocka_unit_test(test_json_sizes),
        cmocka_unit_test(test_json_tables),    cmocka_unit_test(test_bad_json),
        cmocka_unit_test(test_posteriordb),    cmocka_unit_test(test_mixed_formats),
        cmocka_unit_test(test_failing_memory), cmocka_unit_test(test_split),
        cmocka_unit_test(test_bad_split),
    };
    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
