/* Files and run directories that appear whole or not at all; numbers and JSON as text; hashes. */
#include "io_test.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

static void expect_content(const char *path, const char *text)
{
    size_t n;
    char *bytes = read_bytes(path, &n);
    assert_string_equal(bytes, text);
    free(bytes);
}

/* Runs with files limited to `bytes`; writing more is an error instead of a signal. */
static struct rlimit limit_files(rlim_t bytes)
{
    struct rlimit before, limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    return before;
}

/* Permissions do not hold for root: says so. */
static bool can_lock_out(void)
{
    if (geteuid() == 0)
        print_message("running as root: the case of missing permissions is skipped\n");
    return geteuid() != 0;
}

/* ---- files ---- */

static void test_file(void **state)
{
    (void)state;
    urn__io_file *file = NULL;
    const char *path = write_text("out.txt", "before");
    const int n = count_entries(test_dir);
    expect_ok(urn__io_file_open(path, NULL, &file, &err));
    urn__io_file_write(file, "one ", 4);
    urn__io_file_print(file, "%s %d\n", "two", 3);
    expect_content(path, "before");
    assert_int_equal(count_entries(test_dir), n + 1);
    expect_ok(urn__io_file_commit(file, &err));
    expect_content(path, "one two 3\n");
    assert_int_equal(count_entries(test_dir), n);
    expect_ok(urn__io_file_open(path, NULL, &file, &err));
    urn__io_file_write(file, "lost", 4);
    urn__io_file_flush(file);
    urn__io_file_abort(file);
    expect_content(path, "one two 3\n");
    assert_int_equal(count_entries(test_dir), n);
    urn__io_file_abort(NULL);
}

/* Longer than the buffer, in pieces and at once, and a long formatted text. */
static void test_long_file(void **state)
{
    (void)state;
    enum { N = 300000 };
    char *text = malloc(N + 1);
    assert_non_null(text);
    for (int i = 0; i < N; i++)
        text[i] = (char)('a' + i % 26);
    text[N] = 0;
    urn__io_file *file = NULL;
    const char *path = in_dir("long.txt");
    expect_ok(urn__io_file_open(path, NULL, &file, &err));
    for (int i = 0; i < N; i += 1000)
        urn__io_file_write(file, text + i, 1000);
    urn__io_file_write(file, text, N);
    urn__io_file_print(file, "%s", text);
    expect_ok(urn__io_file_commit(file, &err));
    size_t n;
    char *bytes = read_bytes(path, &n);
    assert_int_equal(n, 3 * N);
    for (int k = 0; k < 3; k++)
        assert_memory_equal(bytes + k * N, text, N);
    free(bytes);
    free(text);
}

static void test_unwritable(void **state)
{
    (void)state;
    urn__io_file *file = NULL;
    expect_failure(URN_ERR_IO, "absent/out.txt: cannot write this file: No such file or directory",
                   urn__io_file_open(in_dir("absent/out.txt"), NULL, &file, &err));
    expect_failure(URN_ERR_IO, "cannot write this file: Is a directory",
                   urn__io_file_open(test_dir, NULL, &file, &err));
    assert_null(file);
    if (can_lock_out()) {
        const char *dir = in_dir("locked");
        assert_int_equal(mkdir(dir, 0500), 0);
        expect_failure(URN_ERR_IO, "Permission denied; check the permissions",
                       urn__io_file_open(in_dir("locked/out.txt"), NULL, &file, &err));
        rmdir(dir);
    }
}

static void test_full_disk(void **state)
{
    (void)state;
    urn__io_file *file = NULL;
    if (access("/dev/full", W_OK) == 0) {
        expect_ok(urn__io_file_open("/dev/full", NULL, &file, &err));
        urn__io_file_write(file, "x", 1);
        expect_failure(URN_ERR_IO, "/dev/full: cannot write this file: No space left on device",
                       urn__io_file_commit(file, &err));
        assert_int_equal(access("/dev/full", F_OK), 0);
    }
    const int n = count_entries(test_dir);
    const char *path = write_text("kept.txt", "kept");
    const struct rlimit before = limit_files(100000);
    expect_ok(urn__io_file_open(path, NULL, &file, &err));
    for (int i = 0; i < 200; i++)
        urn__io_file_print(file, "%01000d", i);
    assert_true(urn__io_file_failed(file));
    expect_failure(URN_ERR_IO, "kept.txt: cannot write this file: File too large; make room",
                   urn__io_file_commit(file, &err));
    setrlimit(RLIMIT_FSIZE, &before);
    expect_content(path, "kept");
    assert_int_equal(count_entries(test_dir), n + 1);
}

/* "-" is the standard output, which is added to and never replaced. */
static void test_standard_output(void **state)
{
    (void)state;
    urn__io_file *file = NULL;
    const char *path = write_text("stdout.txt", "before ");
    fflush(stdout);
    const int kept = dup(STDOUT_FILENO), other = open(path, O_WRONLY | O_APPEND);
    assert_true(kept >= 0 && other >= 0);
    dup2(other, STDOUT_FILENO);
    const urn_status opened = urn__io_file_open("-", NULL, &file, &err);
    if (opened == URN_OK)
        urn__io_file_print(file, "after");
    const urn_status done = opened == URN_OK ? urn__io_file_commit(file, &err) : opened;
    dup2(kept, STDOUT_FILENO);
    close(kept);
    close(other);
    assert_int_equal(done, URN_OK);
    expect_content(path, "before after");
}

static void test_csv_out(void **state)
{
    (void)state;
    urn__io_file *file = NULL;
    const char *path = in_dir("out.csv");
    expect_ok(urn__io_file_open(path, NULL, &file, &err));
    urn__io_csv csv = {.file = file};
    urn__io_csv_text(&csv, "plain");
    urn__io_csv_text(&csv, "a,b");
    urn__io_csv_text(&csv, "say \"hi\"");
    urn__io_csv_text(&csv, "");
    urn__io_csv_end(&csv);
    urn__io_csv_text(&csv, "");
    urn__io_csv_int(&csv, -5);
    urn__io_csv_real(&csv, 0.1);
    urn__io_csv_real(&csv, (double)NAN);
    urn__io_csv_end(&csv);
    expect_ok(urn__io_file_commit(file, &err));
    expect_content(path, "plain,\"a,b\",\"say \"\"hi\"\"\",\n\"\",-5,0.1,nan\n");
}

/* ---- numbers ---- */

static void test_format_real(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0, "-0"},
                 {3, "3"},
                 {-17, "-17"},
                 {0.1, "0.1"},
                 {1.0 / 3, "0.3333333333333333"},
                 {2.0 / 3, "0.6666666666666666"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {1e14, "100000000000000"},
                 {1e15, "1e+15"},
                 {1e300, "1e+300"},
                 {5e-324, "4.94065645841247e-324"},
                 {DBL_MAX, "1.7976931348623157e+308"},
                 {(double)INFINITY, "inf"},
                 {-(double)INFINITY, "-inf"},
                 {(double)NAN, "nan"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        urn__io_format_real(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
    uint64_t seed = 5;
    for (int i = 0; i < 100000; i++) {
        const uint64_t bits = next_random(&seed);
        double value, back;
        char text[32];
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        urn__io_format_real(value, text);
        assert_true(urn__io_parse_real(text, strlen(text), &back));
        assert_memory_equal(&value, &back, sizeof value);
    }
}

static void test_parse_real(void **state)
{
    (void)state;
    static const char *const good[] = {"1", "-1.5", ".5", "5.", "1e5", "1E-5", "+2"};
    static const double values[] = {1, -1.5, 0.5, 5, 1e5, 1e-5, 2};
    double value;
    for (size_t i = 0; i < 7; i++) {
        assert_true(urn__io_parse_real(good[i], strlen(good[i]), &value));
        assert_true(value == values[i]);
    }
    static const char *const bad[] = {"",    "-",   ".",     "e5",     "1e",    "1 ", " 1",
                                      "0x1", "1_0", "1e999", "-1e999", "infin", "na", "1e400000x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(urn__io_parse_real(bad[i], strlen(bad[i]), &value));
    assert_true(urn__io_parse_real("-INF", 4, &value) && value == -(double)INFINITY);
    assert_true(urn__io_parse_real("NaN", 3, &value) && isnan(value));
    assert_true(urn__io_parse_real("12345", 2, &value) && value == 12);
}

/* ---- JSON ---- */

static void test_json(void **state)
{
    (void)state;
    json_t *json =
        json_pack("{s:s, s:o, s:i, s:{s:o, s:o, s:b, s:n}, s:[i,i], s:[], s:{}, s:[{s:i}]}", "zeta",
                  "a \"q\" \xC3\xA9", "lr", urn__io_json_real(0.001), "steps", 3000, "holdout",
                  "rmse", urn__io_json_real(4.0), "bad", urn__io_json_real((double)NAN), "flag", 1,
                  "none", "dims", 2, 3, "empty", "nothing", "list", "k", 1);
    assert_non_null(json);
    char *text = urn__io_json_text(json, 2);
    assert_string_equal(text, "{\n"
                              "  \"zeta\": \"a \\\"q\\\" \xC3\xA9\",\n"
                              "  \"lr\": 0.001,\n"
                              "  \"steps\": 3000,\n"
                              "  \"holdout\": {\n"
                              "    \"rmse\": 4.0,\n"
                              "    \"bad\": null,\n"
                              "    \"flag\": true,\n"
                              "    \"none\": null\n"
                              "  },\n"
                              "  \"dims\": [2, 3],\n"
                              "  \"empty\": [],\n"
                              "  \"nothing\": {},\n"
                              "  \"list\": [\n"
                              "    {\n"
                              "      \"k\": 1\n"
                              "    }\n"
                              "  ]\n"
                              "}");
    free(text);
    text = urn__io_json_text(json_object_get(json, "holdout"), 0);
    assert_string_equal(text, "{\"rmse\":4.0,\"bad\":null,\"flag\":true,\"none\":null}");
    free(text);
    const char *path = in_dir("fit.json");
    expect_ok(urn__io_json_write(json, path, NULL, &err));
    json_t *back = NULL;
    expect_ok(urn__io_json_read(path, NULL, &back, &err));
    assert_true(json_equal(json, back));
    assert_true(urn__io_json_get_real(back, "holdout.rmse", -1) == 4.0);
    assert_true(urn__io_json_get_real(back, "holdout.mae", -1) == -1.0);
    assert_int_equal(urn__io_json_get_int(back, "steps", -1), 3000);
    assert_int_equal(urn__io_json_get_int(back, "zeta", -1), -1);
    assert_string_equal(urn__io_json_get_text(back, "zeta", ""), "a \"q\" \xC3\xA9");
    assert_string_equal(urn__io_json_get_text(back, "steps", "none"), "none");
    assert_null(urn__io_json_get(back, "holdout.rmse.deeper"));
    assert_ptr_equal(urn__io_json_get(back, ""), back);
    json_decref(back);
    json_decref(json);
    expect_failure(URN_ERR_MEMORY, "out of memory",
                   urn__io_json_write(NULL, in_dir("fit.json"), NULL, &err));
    expect_failure(URN_ERR_DATA, "bad.json:2: this is not JSON",
                   urn__io_json_read(write_text("bad.json", "{\"a\": 1,\n"), NULL, &back, &err));
    expect_failure(URN_ERR_IO, "cannot read this file: No such file",
                   urn__io_json_read(in_dir("absent.json"), NULL, &back, &err));
}

/* ---- hashes ---- */

static void test_hash(void **state)
{
    (void)state;
    enum { N = 3000000 };
    char a[33], b[33], *bytes = calloc(N, 1);
    assert_non_null(bytes);
    expect_ok(urn__io_hash_file(write_bytes("a", bytes, N), a, &err));
    assert_int_equal(strlen(a), 32);
    assert_int_equal(strspn(a, "0123456789abcdef"), 32);
    expect_ok(urn__io_hash_file(write_bytes("b", bytes, N), b, &err));
    assert_string_equal(a, b);
    expect_ok(urn__io_hash_file(write_bytes("b", bytes, N - 1), b, &err));
    assert_string_not_equal(a, b);
    for (size_t at = 0; at < N; at += 123457) {
        bytes[at] = 1;
        expect_ok(urn__io_hash_file(write_bytes("b", bytes, N), b, &err));
        assert_string_not_equal(a, b);
        bytes[at] = 0;
    }
    expect_failure(URN_ERR_IO, "cannot read this file", urn__io_hash_file(in_dir("c"), b, &err));
    expect_failure(URN_ERR_IO, "Is a directory", urn__io_hash_file(test_dir, b, &err));
    free(bytes);
}

/* ---- run directories ---- */

static void put(urn__io_run *run, const char *name, const char *text)
{
    urn__io_file *file = NULL;
    const char *path = urn__io_run_path(run, name);
    assert_non_null(path);
    expect_ok(urn__io_file_open(path, NULL, &file, &err));
    urn__io_file_write(file, text, strlen(text));
    expect_ok(urn__io_file_commit(file, &err));
}

static void test_run(void **state)
{
    (void)state;
    const char *dir = in_dir("run");
    urn__io_run *run = NULL;
    const int n = count_entries(test_dir);
    expect_ok(urn__io_run_open(in_dir("run//"), false, NULL, &run, &err));
    put(run, "fit.json", "{}\n");
    put(run, "log.csv", "1\n");
    assert_int_equal(access(dir, F_OK), -1);
    expect_ok(urn__io_run_commit(run, &err));
    assert_int_equal(count_entries(test_dir), n + 1);
    assert_int_equal(count_entries(dir), 2);
    struct stat about;
    const mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(stat(dir, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0777 & ~mask);
    /* again */
    char message[600];
    snprintf(message, sizeof message,
             "%s: this directory exists already; choose another name, or "
             "replace it with --force",
             dir);
    expect_failure(URN_ERR_USAGE, message, urn__io_run_open(dir, false, NULL, &run, &err));
    expect_ok(urn__io_run_open(dir, true, NULL, &run, &err));
    put(run, "fit.json", "{\"new\": 1}\n");
    urn__io_run_abort(run);
    assert_int_equal(count_entries(test_dir), n + 1);
    assert_int_equal(count_entries(dir), 2);
    expect_ok(urn__io_run_open(dir, true, NULL, &run, &err));
    put(run, "fit.json", "{\"new\": 1}\n");
    expect_ok(urn__io_run_commit(run, &err));
    assert_int_equal(count_entries(test_dir), n + 1);
    assert_int_equal(count_entries(dir), 1);
    expect_content(in_dir("run/fit.json"), "{\"new\": 1}\n");
}

static void test_run_refused(void **state)
{
    (void)state;
    urn__io_run *run = NULL;
    assert_int_equal(mkdir(in_dir("mine"), 0777), 0);
    write_text("mine/thesis.txt", "years of work");
    expect_failure(URN_ERR_USAGE,
                   "this directory exists and is not a run (it has no fit.json), so "
                   "--force leaves it alone",
                   urn__io_run_open(in_dir("mine"), true, NULL, &run, &err));
    write_text("mine/fit.json", "{}");
    assert_int_equal(mkdir(in_dir("mine/deeper"), 0777), 0);
    expect_failure(URN_ERR_USAGE, "(it holds more than plain files)",
                   urn__io_run_open(in_dir("mine"), true, NULL, &run, &err));
    expect_content(in_dir("mine/thesis.txt"), "years of work");
    const char *file = write_text("plain", "x");
    expect_failure(URN_ERR_USAGE, "this file exists already",
                   urn__io_run_open(file, false, NULL, &run, &err));
    expect_failure(URN_ERR_USAGE, "cannot be replaced by a run: Not a directory",
                   urn__io_run_open(file, true, NULL, &run, &err));
    expect_failure(URN_ERR_USAGE, "name is empty", urn__io_run_open("", true, NULL, &run, &err));
    expect_failure(URN_ERR_IO, "absent/run: cannot make this directory: No such file or directory",
                   urn__io_run_open(in_dir("absent/run"), false, NULL, &run, &err));
    assert_null(run);
    if (can_lock_out()) {
        assert_int_equal(mkdir(in_dir("locked"), 0500), 0);
        expect_failure(URN_ERR_IO, "cannot make this directory: Permission denied",
                       urn__io_run_open(in_dir("locked/run"), false, NULL, &run, &err));
    }
}

/* What somebody else puts there meanwhile is not overwritten. */
static void test_run_race(void **state)
{
    (void)state;
    urn__io_run *run = NULL;
    expect_ok(urn__io_run_open(in_dir("raced"), false, NULL, &run, &err));
    put(run, "fit.json", "{}");
    assert_int_equal(mkdir(in_dir("raced"), 0777), 0);
    write_text("raced/other.txt", "other");
    const int n = count_entries(test_dir);
    expect_failure(URN_ERR_USAGE, "this directory exists already", urn__io_run_commit(run, &err));
    expect_content(in_dir("raced/other.txt"), "other");
    assert_int_equal(count_entries(test_dir), n - 1);
}

static urn_status make_run(const char *dir, const urn_allocator *allocator)
{
    urn__io_run *run = NULL;
    urn__io_file *file = NULL;
    URN_TRY(urn__io_run_open(dir, true, allocator, &run, &err));
    const char *path = urn__io_run_path(run, "fit.json");
    urn_status status = path ? urn__io_file_open(path, allocator, &file, &err)
                             : urn__fail_memory(&err, "a path", 1);
    if (status == URN_OK) {
        urn__io_file_print(file, "%01000d", 1);
        status = urn__io_file_commit(file, &err);
    }
    if (status == URN_OK)
        return urn__io_run_commit(run, &err);
    urn__io_run_abort(run);
    return status;
}

static void test_failing_memory(void **state)
{
    (void)state;
    const char *dir = in_dir("failing");
    counting c = {.fail_at = -1};
    urn_allocator allocator = counting_allocator(&c);
    expect_ok(make_run(dir, &allocator));
    assert_int_equal(c.alive, 0);
    remove_tree(dir);
    const long n = c.n;
    const int entries = count_entries(test_dir);
    assert_true(n > 8);
    for (long i = 0; i < n; i++) {
        c = (counting){.fail_at = i};
        expect_failure(URN_ERR_MEMORY, "out of memory", make_run(dir, &allocator));
        assert_int_equal(c.alive, 0);
        assert_int_equal(count_entries(test_dir), entries);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_long_file),
        cmocka_unit_test(test_unwritable),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_standard_output),
        cmocka_unit_test(test_csv_out),
        cmocka_unit_test(test_format_real),
        cmocka_unit_test(test_parse_real),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_run_refused),
        cmocka_unit_test(test_run_race),
        cmocka_unit_test(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
