/* The CSV reader: what it accepts, and what it says about what it does not. */
#include "io_test.h"

#include "runtime/model/dataset.h"

#include <locale.h>
#include <math.h>

/* Reads text as a file x.csv into a new dataset. */
static urn_dataset *read_csv_with(const char *text, size_t n, const urn__io_options *options)
{
    urn_dataset *data = urn_dataset_new(NULL);
    assert_non_null(data);
    const char *path = write_bytes("x.csv", text, n);
    expect_ok(urn__io_read_csv(path, "", data, options, &err));
    return data;
}

static urn_dataset *read_csv(const char *text)
{
    return read_csv_with(text, strlen(text), NULL);
}

/* Reading fails with bad data and a message that starts at a place in the file ("" or ":3"). */
static void expect_bad(const char *text, size_t n, const char *place, const char *message)
{
    char whole[1024];
    urn_dataset *data = urn_dataset_new(NULL);
    const char *path = write_bytes("x.csv", text, n);
    snprintf(whole, sizeof whole, "%s%s: %s", path, place, message);
    expect_failure(URN_ERR_DATA, whole, urn__io_read_csv(path, "", data, NULL, &err));
    urn_dataset_free(data);
}

static void expect_bad_text(const char *text, const char *place, const char *message)
{
    expect_bad(text, strlen(text), place, message);
}

static void expect_values(const urn_dataset *data, const char *column, int n, const double *values)
{
    const double *found = urn_dataset_values(data, "", column);
    assert_non_null(found);
    assert_int_equal(urn_dataset_rows(data, ""), n);
    for (int i = 0; i < n; i++)
        if (!(found[i] == values[i]))
            fail_msg("%s[%d] is %.17g, expected %.17g", column, i, found[i], values[i]);
}

static void expect_place(const urn_dataset *data, int64_t row, const char *place)
{
    char text[512], expected[512];
    urn__dataset_where(data, 0, row, text, sizeof text);
    snprintf(expected, sizeof expected, "%s%s", in_dir("x.csv"), place);
    assert_string_equal(text, expected);
}

/* Text columns have no public values: ids show them, in byte order, and codes give them by row. */
static void expect_texts(const urn_dataset *data, const char *column, int n,
                         const char *const *texts)
{
    urn__arena *arena = urn__arena_new(NULL);
    urn__ids ids;
    int32_t *codes = NULL;
    assert_int_equal(urn_dataset_rows(data, ""), n);
    expect_ok(urn__dataset_ids(data, column, arena, &ids, &err));
    assert_non_null(ids.texts);
    expect_ok(urn__dataset_codes(data, 0, column, &ids, 0, arena, &codes, &err));
    for (int i = 0; i < n; i++)
        assert_string_equal(ids.texts[codes[i]], texts[i]);
    urn__arena_free(arena);
}

static void test_plain(void **state)
{
    (void)state;
    urn_dataset *data = read_csv("user,item,rating\n1,2,3.5\n4,-5,6\n");
    assert_int_equal(urn_dataset_column_count(data, ""), 3);
    expect_values(data, "user", 2, (double[]){1, 4});
    expect_values(data, "item", 2, (double[]){2, -5});
    expect_values(data, "rating", 2, (double[]){3.5, 6});
    assert_string_equal(urn_dataset_source(data, ""), in_dir("x.csv"));
    expect_place(data, 1, ":3");
    urn_dataset_free(data);
}

static void test_line_ends(void **state)
{
    (void)state;
    static const char *const files[] = {"a,b\n1,2\n3,4\n",
                                        "a,b\r\n1,2\r\n3,4\r\n",
                                        "a,b\r1,2\r3,4\r",
                                        "a,b\n1,2\n3,4",
                                        "a,b\r\n1,2\r\n3,4",
                                        "a,b\r1,2\r3,4",
                                        "a,b\n1,2\r\n3,4\r",
                                        "\xEF\xBB\xBF\x61,b\n1,2\n3,4",
                                        "\"a\",\"b\"\n\"1\",\"2\"\n\"3\",\"4\""};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        urn_dataset *data = read_csv(files[i]);
        expect_values(data, "a", 2, (double[]){1, 3});
        expect_values(data, "b", 2, (double[]){2, 4});
        expect_place(data, 1, ":3");
        urn_dataset_free(data);
    }
}

static void test_blank_lines(void **state)
{
    (void)state;
    urn_dataset *data = read_csv("\n\na,b\n\n1,2\n3,4\n\r\n\n5,6\n\n");
    expect_values(data, "a", 3, (double[]){1, 3, 5});
    expect_place(data, 0, ":5");
    expect_place(data, 1, ":6");
    expect_place(data, 2, ":9");
    urn_dataset_free(data);
}

static void test_quotes(void **state)
{
    (void)state;
    urn_dataset *data = read_csv("name,\"the \"\"x\"\", y\",z\n"
                                 "\"one, two\",1,2\n"
                                 "\"line\none\",3,4\n"
                                 "\"say \"\"hi\"\"\" ,5,6\n"
                                 "mid\"quote,7,8\n"
                                 "\" kept \",\" 9 \", 10\t\n"
                                 "\"\"\"\"\"\",11,\"12\"\n");
    expect_texts(data, "name", 6,
                 (const char *const[]){"one, two", "line\none", "say \"hi\"", "mid\"quote",
                                       " kept ", "\"\""});
    expect_values(data, "the \"x\", y", 6, (double[]){1, 3, 5, 7, 9, 11});
    expect_values(data, "z", 6, (double[]){2, 4, 6, 8, 10, 12});
    expect_place(data, 1, ":3");
    expect_place(data, 2, ":5"); /* the field before had a line end in it */
    urn_dataset_free(data);
}

static void test_delimiters(void **state)
{
    (void)state;
    static const char *const files[] = {"a\tb\n1\t2\n", "a;b\n1;2\n", "a|b\n1|2\n",
                                        "\"a\";\"b\"\n1;2\n"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        urn_dataset *data = read_csv(files[i]);
        expect_values(data, "b", 1, (double[]){2});
        urn_dataset_free(data);
    }
    urn__io_options options = {.delimiter = ';'};
    const char *text = "a,b;c\n1;2\n";
    urn_dataset *data = read_csv_with(text, strlen(text), &options);
    expect_values(data, "a,b", 1, (double[]){1});
    urn_dataset_free(data);
    options.delimiter = '.';
    data = urn_dataset_new(NULL);
    expect_failure(URN_ERR_USAGE, "'.' cannot delimit",
                   urn__io_read_csv(in_dir("x.csv"), "", data, &options, &err));
    const char *path = write_text("x.tsv", "a,b\tc\n1\t2\n");
    expect_ok(urn__io_read(path, "", data, NULL, &err));
    expect_values(data, "a,b", 1, (double[]){1});
    urn_dataset_free(data);
}

/* What a column is taken for, by its fields. */
static void test_kinds(void **state)
{
    (void)state;
    urn_dataset *data = read_csv("int,wide,real,late,text,nan,quoted\n"
                                 "1,9223372036854775807,1.5,1,1,1,\"1\"\n"
                                 "-2,-9223372036854775808,2,2,b,NaN,\"2.5\"\n"
                                 "+3,9007199254740993,1e3,3,c,-inf, 3\n"
                                 "00,4,.5,4.25,4,Infinity,4.\n");
    expect_values(data, "int", 4, (double[]){1, -2, 3, 0});
    expect_values(data, "real", 4, (double[]){1.5, 2, 1000, 0.5});
    expect_values(data, "late", 4, (double[]){1, 2, 3, 4.25});
    expect_values(data, "quoted", 4, (double[]){1, 2.5, 3, 4});
    const double *nan = urn_dataset_values(data, "", "nan");
    assert_true(isnan(nan[1]) && nan[2] == -(double)INFINITY && nan[3] == (double)INFINITY);
    expect_texts(data, "text", 4, (const char *const[]){"1", "b", "c", "4"});
    urn__arena *arena = urn__arena_new(NULL);
    urn__ids ids;
    expect_failure(URN_ERR_DATA, "found -9223372036854775808, expected an id of at least 0",
                   urn__dataset_ids(data, "wide", arena, &ids, &err));
    assert_null(urn__dataset_column(data, 0, "nan", &err));
    check_message(&err, "x.csv:3: column \"nan\": found NaN, expected a finite number");
    assert_null(urn__dataset_column(data, 0, "text", &err));
    check_message(&err, "x.csv:3: column \"text\": found \"b\", expected a number");
    urn__arena_free(arena);
    urn_dataset_free(data);
    /* Past 64 bits a column is real, so its ids are not exact. */
    data = read_csv("id,x\n1,2\n18446744073709551616,3\n");
    arena = urn__arena_new(NULL);
    expect_failure(URN_ERR_DATA, "x.csv:3: column \"id\": found 1.84467440737096e+19",
                   urn__dataset_ids(data, "id", arena, &ids, &err));
    urn__arena_free(arena);
    urn_dataset_free(data);
}

static void test_not_numbers(void **state)
{
    (void)state;
    static const char *const words[] = {"abc", "1x",  "0x10", "1e",    "1e+",  ".",   "-",
                                        "+",   "1 2", "1,5",  "1e999", "nanx", "--1", "NA"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char text[128], message[128];
        snprintf(text, sizeof text, "x;y\n1;2\n%s;3\n", words[i]);
        snprintf(message, sizeof message, "x.csv:3: column \"x\": found \"%s\", expected a number",
                 words[i]);
        urn_dataset *data = read_csv_with(text, strlen(text), &(urn__io_options){.delimiter = ';'});
        assert_null(urn__dataset_column(data, 0, "x", &err));
        check_message(&err, message);
        urn_dataset_free(data);
    }
    urn_dataset *data = read_csv("x,y\n1,2\n,3\n");
    assert_null(urn__dataset_column(data, 0, "x", &err));
    check_message(&err, "x.csv:3: column \"x\": found an empty field, expected a number");
    urn_dataset_free(data);
}

/* Exactly the doubles that the C library reads, on the fast path and off it. */
static void test_rounding(void **state)
{
    (void)state;
    enum { N = 20000 };
    static char text[N * 32 + 16];
    static double expected[N];
    uint64_t seed = 11;
    size_t n = (size_t)sprintf(text, "x\n");
    for (int i = 0; i < N; i++) {
        char number[32];
        const uint64_t bits = next_random(&seed);
        const int digits = 1 + (int)(bits % 17);
        double value = (double)(next_random(&seed) >> 11) / 9007199254740992.0;
        value *= i % 3 == 0 ? 1 : i % 3 == 1 ? -1e6 : pow(10, (double)(bits % 600) - 300);
        snprintf(number, sizeof number, i % 2 ? "%.*g" : "%.*e", digits, value);
        expected[i] = strtod(number, NULL);
        n += (size_t)sprintf(text + n, "%s\n", number);
    }
    urn_dataset *data = read_csv_with(text, n, NULL);
    expect_values(data, "x", N, expected);
    urn_dataset_free(data);
    const char *hard = "x\n9007199254740993\n9007199254740993.0\n1.7976931348623157e308\n5e-324\n"
                       "2.2250738585072011e-308\n123456789012345678.5\n0.1\n"
                       "0.500000000000000166533453693773481063544750213623046875\n1e23\n";
    data = read_csv(hard);
    expect_values(data, "x", 9,
                  (double[]){9007199254740992.0, 9007199254740992.0, 1.7976931348623157e308,
                             4.9406564584124654e-324, 2.2250738585072011e-308, 123456789012345680.0,
                             0.1, 0x1.0000000000002p-1, 1e23});
    urn_dataset_free(data);
}

static void test_ragged(void **state)
{
    (void)state;
    expect_bad_text("a,b,c\n1,2,3\n4,5\n", ":3", "expected 3 fields, found 2");
    expect_bad_text("a,b,c\n1,2,3\n4,5,6,7\n", ":3", "expected 3 fields, found 4");
    expect_bad_text("a,b,c\n1,2,3\n4,5,6,\n", ":3", "expected 3 fields, found 4");
    expect_bad_text("a,b\n\"x\ny\",2\n1\n", ":4", "expected 2 fields, found 1");
    expect_bad_text("a\n1\n2,3\n", ":3", "expected 1 field, found 2");
    expect_bad_text("a,b\n1,2\n3\n", ":3", "expected 2 fields, found 1");
}

static void test_bad_quotes(void **state)
{
    (void)state;
    expect_bad_text("a,b\n1,\"2\n3,4\n5,6\n", ":2",
                    "a field starts with a quote here, and the quote "
                    "is never closed");
    expect_bad_text("a,b\n1,\"2\"x\n", ":2", "found more text after a field's closing quote");
    expect_bad_text("a,\"b\n1,2\n", ":1", "a field starts with a quote here");
    expect_bad_text("a,b\n\"x\ny\"z,2\n", ":3", "found more text after");
}

static void test_bad_headers(void **state)
{
    (void)state;
    expect_bad_text("", "", "the file is empty");
    expect_bad_text("\n \r\n\t", "", "the file is empty");
    expect_bad_text("\xEF\xBB\xBF\n", "", "the file is empty");
    expect_bad_text("a,b\n", "", "the file has a header and no rows");
    expect_bad_text("a,b", "", "the file has a header and no rows");
    expect_bad_text("a,b\n\n\r\n", "", "the file has a header and no rows");
    expect_bad_text("a,b, a\n1,2,3\n", ":1", "there are two columns called \"a\"");
    expect_bad_text("1,2,3.5\n4,5,6\n", ":1",
                    "the first line holds only numbers, expected the "
                    "columns' names");
    urn_dataset *data = read_csv(",a,\n1,2,3\n");
    assert_string_equal(urn_dataset_column_name(data, "", 0), "column_1");
    assert_string_equal(urn_dataset_column_name(data, "", 2), "column_3");
    urn_dataset_free(data);
}

static void test_bad_bytes(void **state)
{
    (void)state;
    static const char zero[] = "a,b\r\n1,2\r\n3,\0\r\n";
    expect_bad(zero, sizeof zero - 1, ":3", "found a zero byte");
    static const char utf16[] = "\xFF\xFE"
                                "a\0,\0b\0\n\0";
    expect_bad(utf16, sizeof utf16 - 1, "", "the file is UTF-16");
}

static void test_missing_files(void **state)
{
    (void)state;
    urn_dataset *data = urn_dataset_new(NULL);
    char message[600];
    const char *path = in_dir("absent.csv");
    snprintf(message, sizeof message, "%s: cannot read this file: No such file or directory", path);
    expect_failure(URN_ERR_IO, message, urn__io_read_csv(path, "", data, NULL, &err));
    expect_failure(URN_ERR_IO, "cannot read this file: it is a directory",
                   urn__io_read_csv(test_dir, "", data, NULL, &err));
    expect_failure(URN_ERR_IO, "No such file", urn__io_read(path, "", data, NULL, &err));
    expect_failure(URN_ERR_IO, "No such file",
                   urn__io_read(in_dir("absent"), "", data, NULL, &err));
    if (geteuid() == 0) {
        print_message("running as root: the case of missing permissions is skipped\n");
    } else {
        path = write_text("secret.csv", "a\n1\n");
        chmod(path, 0);
        expect_failure(URN_ERR_IO, "Permission denied",
                       urn__io_read_csv(path, "", data, NULL, &err));
    }
    urn_dataset_free(data);
}

/* A field of ten million letters, and a line of fifty thousand fields. */
static void test_long_things(void **state)
{
    (void)state;
    enum { LONG = 10000000, MANY = 50000 };
    char *text = malloc(LONG + 64);
    assert_non_null(text);
    size_t n = 6;
    snprintf(text, n + 1, "a,b\n1,");
    memset(text + n, 'x', LONG);
    text[n + LONG] = '\n';
    urn_dataset *data = read_csv_with(text, n + LONG + 1, NULL);
    expect_values(data, "a", 1, (double[]){1});
    assert_null(urn__dataset_column(data, 0, "b", &err));
    check_message(&err, "x.csv:2: column \"b\": found \"xxxxx");
    urn_dataset_free(data);
    n = 0;
    for (int i = 0; i < 3000; i++)
        n += (size_t)sprintf(text + n, "%sc%d", i ? "," : "", i);
    for (int r = 0; r < 2; r++)
        for (int i = 0; i < 3000; i++)
            n += (size_t)sprintf(text + n, "%s%d", i ? "," : "\n", i * (r + 1));
    data = read_csv_with(text, n, NULL);
    assert_int_equal(urn_dataset_column_count(data, ""), 3000);
    expect_values(data, "c2999", 2, (double[]){2999, 5998});
    urn_dataset_free(data);
    n = (size_t)sprintf(text, "a,b\n");
    memset(text + n, ',', MANY);
    expect_bad(text, n + MANY, ":2", "expected 2 fields, found 50001");
    free(text);
}

/* ---- a test file ---- */

static urn_status read_two(const char *train, const char *test, urn_dataset *data)
{
    const char *first = write_text("x.csv", train);
    const urn__io_options options = {.test_path = write_text("test.csv", test)};
    return urn__io_read_csv(first, "", data, &options, &err);
}

static void test_test_file(void **state)
{
    (void)state;
    urn_dataset *data = urn_dataset_new(NULL);
    char place[512];
    expect_ok(
        read_two("user,item,r\n1,a,2\n2,b,3\n", "r,extra,item,user\n4.5,0,7,x\n\n5,0,c,2\n", data));
    assert_int_equal(urn_dataset_rows(data, ""), 4);
    assert_int_equal(urn_dataset_column_count(data, ""), 3);
    assert_memory_equal(urn_dataset_held_out(data, ""), ((unsigned char[]){0, 0, 1, 1}), 4);
    expect_values(data, "r", 4, (double[]){2, 3, 4.5, 5});
    expect_texts(data, "item", 4, (const char *const[]){"a", "b", "7", "c"});
    expect_texts(data, "user", 4, (const char *const[]){"1", "2", "x", "2"});
    expect_place(data, 1, ":3");
    urn__dataset_where(data, 0, 3, place, sizeof place);
    assert_non_null(strstr(place, "test.csv:4"));
    urn_dataset_free(data);
    data = urn_dataset_new(NULL);
    expect_failure(URN_ERR_DATA, "test.csv: there is no column \"item\", which",
                   read_two("user,item\n1,2\n", "user,itm\n1,2\n", data));
    check_message(&err, "the columns are: user, itm");
    expect_failure(URN_ERR_DATA, "test.csv:2: expected 2 fields, found 1",
                   read_two("user,item\n1,2\n", "user,item\n1\n", data));
    urn_dataset_free(data);
}

/* A decimal comma in the host's locale changes nothing. */
static void test_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "nl_NL.UTF-8"};
    const char *set = NULL;
    for (size_t i = 0; !set && i < sizeof names / sizeof names[0]; i++)
        set = setlocale(LC_NUMERIC, names[i]);
    if (!set) {
        print_message("no locale with a decimal comma is installed: skipped\n");
        skip();
    }
    urn_dataset *data = read_csv("x\n0.1234567890123456789\n2.5e-3\n");
    expect_values(data, "x", 2, (double[]){0x1.f9add3746f65fp-4, 0x1.47ae147ae147bp-9});
    char text[32];
    urn__io_format_real(0.1, text);
    assert_string_equal(text, "0.1");
    setlocale(LC_NUMERIC, "C");
    urn_dataset_free(data);
}

/* ---- every allocation may fail ---- */

static urn_status read_all(const char *path, const char *test, const urn_allocator *allocator)
{
    urn_dataset *data = urn_dataset_new(allocator);
    if (!data)
        return urn__fail_memory(&err, "a dataset", 1);
    const urn__io_options options = {.allocator = allocator, .test_path = test};
    const urn_status status = urn__io_read_csv(path, "t", data, &options, &err);
    urn_dataset_free(data);
    return status;
}

static void test_failing_memory(void **state)
{
    (void)state;
    const char *path = write_text("x.csv", "a,b,c\n1,2.5,x\n\n2,3,y\n");
    const char *test = write_text("test.csv", "c,b,a\nq,4.5,1.5\n");
    counting c = {.fail_at = -1};
    urn_allocator allocator = counting_allocator(&c);
    expect_ok(read_all(path, test, &allocator));
    assert_int_equal(c.alive, 0);
    const long n = c.n;
    assert_true(n > 30);
    for (long i = 0; i < n; i++) {
        c = (counting){.fail_at = i};
        expect_failure(URN_ERR_MEMORY, "out of memory", read_all(path, test, &allocator));
        assert_int_equal(c.alive, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),          cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_blank_lines),    cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_delimiters),     cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_not_numbers),    cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_ragged),         cmocka_unit_test(test_bad_quotes),
        cmocka_unit_test(test_bad_headers),    cmocka_unit_test(test_bad_bytes),
        cmocka_unit_test(test_missing_files),  cmocka_unit_test(test_long_things),
        cmocka_unit_test(test_test_file),      cmocka_unit_test(test_locale),
        cmocka_unit_test(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
