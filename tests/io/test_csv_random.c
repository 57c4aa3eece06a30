/* The CSV reader on tables made at random, written and read back, and on files broken at random.
 * The latter is for sanitizers: whatever the bytes, an answer and no fault. */
#include "io_test.h"

#include "runtime/model/dataset.h"

enum { MAX_ROWS = 30, MAX_COLUMNS = 6, TABLES = 60, SOURCES = 30, MUTANTS = 200 };

typedef struct table {
    int n_rows, n_columns;
    int kind[MAX_COLUMNS]; /* 0 integers, 1 reals, 2 texts */
    int64_t ints[MAX_COLUMNS][MAX_ROWS];
    double reals[MAX_COLUMNS][MAX_ROWS];
    char texts[MAX_COLUMNS][MAX_ROWS][16];
} table;

/* Text that needs all the quoting there is, and never reads as a number or as nothing. */
static void random_text(uint64_t *seed, char text[16])
{
    static const char letters[] = "ab,\"\n\r ;|\t1.e-";
    const size_t n = 1 + next_random(seed) % 10;
    text[0] = 'x';
    for (size_t i = 1; i < n; i++)
        text[i] = letters[next_random(seed) % (sizeof letters - 1)];
    text[n] = 0;
}

static double random_real(uint64_t *seed)
{
    double value;
    do {
        const uint64_t bits = next_random(seed);
        memcpy(&value, &bits, sizeof value);
    } while (!(value - value == 0)); /* finite */
    return value;
}

static void make_table(uint64_t *seed, table *t)
{
    t->n_rows = 1 + (int)(next_random(seed) % MAX_ROWS);
    t->n_columns = 1 + (int)(next_random(seed) % MAX_COLUMNS);
    for (int c = 0; c < t->n_columns; c++) {
        t->kind[c] = (int)(next_random(seed) % 3);
        for (int r = 0; r < t->n_rows; r++) {
            t->ints[c][r] = (int64_t)(next_random(seed) >> (1 + next_random(seed) % 60));
            t->reals[c][r] = random_real(seed);
            random_text(seed, t->texts[c][r]);
        }
    }
}

static void write_table(const table *t, const char *path)
{
    urn__io_file *file = NULL;
    expect_ok(urn__io_file_open(path, NULL, &file, &err));
    urn__io_csv csv = {.file = file};
    for (int c = 0; c < t->n_columns; c++) {
        char name[32];
        snprintf(name, sizeof name, "col, \"%d\"", c);
        urn__io_csv_text(&csv, name);
    }
    urn__io_csv_end(&csv);
    for (int r = 0; r < t->n_rows; r++) {
        for (int c = 0; c < t->n_columns; c++) {
            if (t->kind[c] == 0)
                urn__io_csv_int(&csv, t->ints[c][r]);
            else if (t->kind[c] == 1)
                urn__io_csv_real(&csv, t->reals[c][r]);
            else
                urn__io_csv_text(&csv, t->texts[c][r]);
        }
        urn__io_csv_end(&csv);
    }
    expect_ok(urn__io_file_commit(file, &err));
}

static void check_table(const table *t, const urn_dataset *data)
{
    urn__arena *arena = urn__arena_new(NULL);
    assert_int_equal(urn_dataset_rows(data, ""), t->n_rows);
    assert_int_equal(urn_dataset_column_count(data, ""), t->n_columns);
    for (int c = 0; c < t->n_columns; c++) {
        urn__ids ids;
        int32_t *codes;
        char name[32];
        snprintf(name, sizeof name, "col, \"%d\"", c);
        if (t->kind[c] == 1) {
            assert_memory_equal(urn_dataset_values(data, "", name), t->reals[c],
                                (size_t)t->n_rows * sizeof(double));
            continue;
        }
        expect_ok(urn__dataset_ids(data, name, arena, &ids, &err));
        expect_ok(urn__dataset_codes(data, 0, name, &ids, 0, arena, &codes, &err));
        for (int r = 0; r < t->n_rows; r++)
            if (t->kind[c] == 0)
                assert_true(ids.ints[codes[r]] == t->ints[c][r]);
            else
                assert_string_equal(ids.texts[codes[r]], t->texts[c][r]);
    }
    urn__arena_free(arena);
}

/* Files go through windows of these sizes: records are cut everywhere. */
static const size_t windows[] = {0, 1, 3, 16, 61, 256};
enum { N_WINDOWS = sizeof windows / sizeof windows[0] };

static void test_round_trip(void **state)
{
    (void)state;
    static table t;
    uint64_t seed = 2026;
    const char *path = in_dir("table.csv");
    for (int i = 0; i < TABLES; i++) {
        make_table(&seed, &t);
        write_table(&t, path);
        for (size_t k = 0; k < N_WINDOWS; k++) {
            const urn__io_options options = {.delimiter = ',', .window_size = windows[k]};
            urn_dataset *data = urn_dataset_new(NULL);
            expect_ok(urn__io_read_csv(path, "", data, &options, &err));
            check_table(&t, data);
            urn_dataset_free(data);
        }
    }
}

/* A byte changed, dropped or doubled, a stretch moved, the end cut off. */
static size_t mutate(uint64_t *seed, char *bytes, size_t n)
{
    static const char nasty[] = "\",\n\r\0;\t 0-.eENna\xEF\xFF";
    const size_t times = 1 + next_random(seed) % 6;
    for (size_t i = 0; i < times && n > 1; i++) {
        const size_t at = next_random(seed) % n, length = 1 + next_random(seed) % 8;
        switch (next_random(seed) % 5) {
        case 0:
            bytes[at] = nasty[next_random(seed) % (sizeof nasty - 1)];
            break;
        case 1:
            bytes[at] = (char)next_random(seed);
            break;
        case 2:
            memmove(bytes + at, bytes + at + 1, n - at - 1);
            n--;
            break;
        case 3:
            memmove(bytes + at + 1, bytes + at, n - at);
            n++;
            break;
        default:
            if (at + length < n)
                memmove(bytes + next_random(seed) % (n - length), bytes + at, length);
            else
                n = at + 1;
        }
    }
    return n;
}

/* A window makes no difference to what is said, and where: with a small one, an error behind
 * another has not been seen yet, so only the first of a file counts. */
static void check_window(const char *path, size_t window, urn_status expected,
                         const urn_error *error)
{
    const urn__io_options options = {.window_size = window};
    urn_dataset *data = urn_dataset_new(NULL);
    urn_error own = {0};
    const urn_status status = urn__io_read_csv(path, "", data, &options, &own);
    assert_int_equal(status, expected);
    if (status != URN_OK && !strstr(error->message, "zero byte") &&
        !strstr(error->message, "is empty")) {
        assert_string_equal(own.message, error->message);
        assert_string_equal(own.where, error->where);
    }
    urn_dataset_free(data);
}

/* Whatever is read obeys the table's own laws; whatever is refused has a message with the file. */
static void check_mutant(const char *path, const char *name_of_table)
{
    urn_dataset *data = urn_dataset_new(NULL);
    memset(&err, 0, sizeof err);
    const urn_status status = urn__io_read(path, name_of_table, data, NULL, &err);
    if (status == URN_OK && urn_dataset_table_count(data) > 0) {
        const char *first = urn_dataset_table_name(data, 0);
        assert_true(urn_dataset_rows(data, first) > 0);
        for (int c = 0; c < urn_dataset_column_count(data, first); c++) {
            const char *name = urn_dataset_column_name(data, first, c);
            urn__arena *arena = urn__arena_new(NULL);
            urn__ids ids;
            const urn_status found = urn__dataset_ids(data, name, arena, &ids, &err);
            assert_true(found == URN_OK || found == URN_ERR_DATA);
            urn__dataset_column(data, 0, name, &err);
            urn__arena_free(arena);
        }
    } else if (status != URN_OK) {
        assert_int_equal(status, URN_ERR_DATA);
        if (!strstr(err.message, "in the data"))
            assert_non_null(strstr(err.where, path));
        assert_true(err.message[0] != 0);
    }
    urn_dataset_free(data);
}

static void test_mutants(void **state)
{
    (void)state;
    static table t;
    uint64_t seed = 31337;
    const char *path = in_dir("mutant.csv");
    for (int i = 0; i < SOURCES; i++) {
        make_table(&seed, &t);
        write_table(&t, path);
        size_t n;
        char *bytes = read_bytes(path, &n);
        char *copy = malloc(n + 64);
        assert_non_null(copy);
        for (int k = 0; k < MUTANTS; k++) {
            memcpy(copy, bytes, n);
            const size_t left = mutate(&seed, copy, n);
            write_bytes("mutant.csv", copy, left);
            check_mutant(path, "");
            urn_error error = {0};
            urn_dataset *data = urn_dataset_new(NULL);
            const urn_status status = urn__io_read_csv(path, "", data, NULL, &error);
            urn_dataset_free(data);
            check_window(path, windows[1 + (size_t)k % (N_WINDOWS - 1)], status, &error);
        }
        free(copy);
        free(bytes);
    }
}

static void test_other_mutants(void **state)
{
    (void)state;
    static const struct {
        const char *name, *table, *text;
    } sources[] = {
        {"m.mtx", "",
         "%%MatrixMarket matrix coordinate real symmetric\n% c\n4 4 3\n1 1 2.5\n"
         "3 1 -1e-3\n4 4 7\n"},
        {"m.mtx", "t",
         "%%MatrixMarket matrix coordinate integer skew-symmetric\n4 4 2\n2 1 2\n"
         "3 1 -1\n"},
        {"m.json", "",
         "{\"N\": 3, \"y\": [1, NaN, \"-Inf\"], \"x\": [[1, 2], [3, 4]], \"t\": "
         "{\"id\": [1, 2], \"name\": [\"a\", \"b\"], \"r\": [0.5, -Infinity]}}"},
        {"m.json", "t", "{\"id\": [1, 2], \"name\": [\"a\", \"b\"], \"r\": [0.5, 1e-3]}"}};
    uint64_t seed = 77;
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        for (int k = 0; k < 6 * MUTANTS; k++) {
            char copy[512];
            const size_t n = strlen(sources[i].text);
            memcpy(copy, sources[i].text, n);
            const size_t left = mutate(&seed, copy, n);
            check_mutant(write_bytes(sources[i].name, copy, left), sources[i].table);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_mutants),
        cmocka_unit_test(test_other_mutants),
    };
    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
