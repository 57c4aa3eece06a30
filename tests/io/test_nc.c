/* netCDF files: what is written is read back, the same calls give the same bytes, and errors. */
#include "io_test.h"

#include "nc_sample.h"

#include <signal.h>
#include <sys/resource.h>

static void check_posterior(urn__io_nc *nc)
{
    static const char *const dims[] = {"chain", "draw", "user", "U_dim_0"};
    urn__io_nc_shape shape;
    const int group = urn__io_nc_find_group(nc, "posterior");
    assert_true(group > 0);
    assert_int_equal(urn__io_nc_find_group(nc, "posterior"), group);
    const int U = urn__io_nc_find_var(nc, group, "U");
    expect_ok(urn__io_nc_shape_of(nc, group, U, &shape, &err));
    assert_string_equal(shape.name, "U");
    assert_int_equal(shape.rank, 4);
    assert_int_equal(shape.size, SAMPLE_CHAINS * SAMPLE_DRAWS * SAMPLE_USERS * SAMPLE_DIM);
    for (int i = 0; i < 4; i++)
        assert_string_equal(shape.dim_names[i], dims[i]);
    double *values = malloc((size_t)shape.size * sizeof *values);
    assert_non_null(values);
    expect_ok(urn__io_nc_get_double(nc, group, U, NULL, NULL, values, &err));
    const double *next = values;
    for (int c = 0; c < SAMPLE_CHAINS; c++)
        for (int d = 0; d < SAMPLE_DRAWS; d++)
            for (int u = 0; u < SAMPLE_USERS; u++)
                for (int k = 0; k < SAMPLE_DIM; k++)
                    assert_true(*next++ == sample_value(c, d, u, k));
    free(values);
    double block[4];
    expect_ok(urn__io_nc_get_double(nc, group, U, (int64_t[]){1, 7, 1, 0}, (int64_t[]){1, 1, 2, 2},
                                    block, &err));
    for (int i = 0; i < 4; i++)
        assert_true(block[i] == sample_value(1, 7, 1 + i / 2, i % 2));
    const char *name = NULL;
    assert_int_equal(urn__io_nc_var_at(nc, group, 0, &name), U);
    assert_string_equal(name, "U");
    assert_true(urn__io_nc_var_at(nc, group, 1, &name) >= 0);
    assert_string_equal(name, "obs_scale");
    assert_int_equal(urn__io_nc_var_at(nc, group, 2, &name), -1);
}

static void check_labels(urn__io_nc *nc)
{
    int64_t n = 0;
    const int64_t *ints;
    const char *const *texts;
    const int posterior = urn__io_nc_find_group(nc, "posterior");
    expect_ok(urn__io_nc_labels(nc, posterior, "user", &n, &ints, &texts, &err));
    assert_int_equal(n, SAMPLE_USERS);
    assert_null(ints);
    assert_string_equal(texts[0], "ann");
    assert_string_equal(texts[1], "b\xC3\xA9\x61");
    expect_ok(urn__io_nc_labels(nc, posterior, "draw", &n, &ints, &texts, &err));
    assert_int_equal(n, SAMPLE_DRAWS);
    assert_null(texts);
    assert_int_equal(ints[SAMPLE_DRAWS - 1], SAMPLE_DRAWS - 1);
    const int guide = urn__io_nc_find_group(nc, "guide");
    expect_ok(urn__io_nc_labels(nc, guide, "item", &n, &ints, &texts, &err));
    assert_true(ints[1] == 9007199254740993);
    expect_failure(URN_ERR_IO, "cannot read \"planet\"",
                   urn__io_nc_labels(nc, guide, "planet", &n, &ints, &texts, &err));
}

static void check_rest(urn__io_nc *nc)
{
    int64_t diverging[SAMPLE_CHAINS * SAMPLE_DRAWS];
    double elbo = 0, depth[SAMPLE_CHAINS * SAMPLE_DRAWS];
    const char *text = NULL;
    const int stats = urn__io_nc_find_group(nc, "sample_stats");
    int var = urn__io_nc_find_var(nc, stats, "diverging");
    expect_ok(urn__io_nc_get_int(nc, stats, var, NULL, NULL, diverging, &err));
    var = urn__io_nc_find_var(nc, stats, "tree_depth");
    expect_ok(urn__io_nc_get_double(nc, stats, var, NULL, NULL, depth, &err));
    for (int i = 0; i < SAMPLE_CHAINS * SAMPLE_DRAWS; i++) {
        assert_int_equal(diverging[i], i % 10 == 0);
        assert_true(depth[i] == i % 7);
    }
    const int guide = urn__io_nc_find_group(nc, "guide");
    var = urn__io_nc_find_var(nc, guide, "elbo");
    expect_ok(urn__io_nc_get_double(nc, guide, var, NULL, NULL, &elbo, &err));
    assert_true(elbo == -123.5);
    expect_ok(urn__io_nc_get_text(nc, guide, var, "unit", &text, &err));
    assert_string_equal(text, "nat");
    expect_ok(urn__io_nc_get_text(nc, guide, var, "absent", &text, &err));
    assert_null(text);
    assert_true(urn__io_nc_get_real(nc, guide, -1, "lr", 7) == 0.001);
    assert_true(urn__io_nc_get_real(nc, guide, -1, "steps", 7) == 3000);
    assert_true(urn__io_nc_get_real(nc, guide, var, "unit", 7) == 7);
    assert_int_equal(urn__io_nc_find_var(nc, guide, "U"), -1);
    assert_int_equal(urn__io_nc_find_group(nc, "prior"), -1);
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int deflate = 0; deflate <= 9; deflate += 3) {
        urn__io_nc *nc = NULL;
        const char *path = in_dir("draws.nc");
        const int n = count_entries(test_dir) + (deflate == 0);
        expect_ok(write_sample(path, deflate, NULL, &err));
        assert_int_equal(count_entries(test_dir), n);
        expect_ok(urn__io_nc_open(path, NULL, &nc, &err));
        check_posterior(nc);
        check_labels(nc);
        check_rest(nc);
        urn__io_nc_close(nc);
    }
}

/* Chunks smaller than the variable, written a draw at a time, rank 1 to 3. */
static void test_large_chunks(void **state)
{
    (void)state;
    enum { DRAWS = 40, SIZE = 20000 };
    static double values[SIZE], back[SIZE];
    urn__io_nc *nc = NULL;
    const char *path = in_dir("chunks.nc");
    int dims[3], var;
    expect_ok(urn__io_nc_create(path, NULL, &nc, &err));
    expect_ok(urn__io_nc_dim(nc, 0, "chain", 1, NULL, NULL, &dims[0], &err));
    expect_ok(urn__io_nc_dim(nc, 0, "draw", DRAWS, NULL, NULL, &dims[1], &err));
    expect_ok(urn__io_nc_dim(nc, 0, "row", SIZE, NULL, NULL, &dims[2], &err));
    expect_ok(urn__io_nc_var(nc, 0, "x", URN__IO_NC_DOUBLE, 3, dims, 1, &var, &err));
    for (int d = 0; d < DRAWS; d++) {
        for (int i = 0; i < SIZE; i++)
            values[i] = d + 1e-5 * i;
        expect_ok(urn__io_nc_put_double(nc, 0, var, (int64_t[]){0, d, 0}, (int64_t[]){1, 1, SIZE},
                                        values, &err));
    }
    expect_ok(urn__io_nc_commit(nc, &err));
    expect_ok(urn__io_nc_open(path, NULL, &nc, &err));
    var = urn__io_nc_find_var(nc, 0, "x");
    for (int d = 0; d < DRAWS; d++) {
        expect_ok(urn__io_nc_get_double(nc, 0, var, (int64_t[]){0, d, 0}, (int64_t[]){1, 1, SIZE},
                                        back, &err));
        for (int i = 0; i < SIZE; i++)
            assert_true(back[i] == d + 1e-5 * i);
    }
    urn__io_nc_close(nc);
}

/* The clock must have no part in the bytes: a second passes between the two. */
static void test_same_bytes(void **state)
{
    (void)state;
    for (int deflate = 0; deflate <= 4; deflate += 4) {
        size_t n_a, n_b;
        expect_ok(write_sample(in_dir("a.nc"), deflate, NULL, &err));
        sleep(1);
        expect_ok(write_sample(in_dir("b.nc"), deflate, NULL, &err));
        char *a = read_bytes(in_dir("a.nc"), &n_a), *b = read_bytes(in_dir("b.nc"), &n_b);
        assert_int_equal(n_a, n_b);
        assert_memory_equal(a, b, n_a);
        free(a);
        free(b);
    }
}

static void test_errors(void **state)
{
    (void)state;
    urn__io_nc *nc = NULL;
    int dim, var, group;
    expect_failure(URN_ERR_IO, "cannot read this file: No such file",
                   urn__io_nc_open(in_dir("absent.nc"), NULL, &nc, &err));
    expect_failure(URN_ERR_IO, "this is not a netCDF file, or it is damaged",
                   urn__io_nc_open(write_text("text.nc", "not netCDF"), NULL, &nc, &err));
    expect_failure(URN_ERR_IO, "cannot write this file: No such file",
                   urn__io_nc_create(in_dir("absent/x.nc"), NULL, &nc, &err));
    assert_null(nc);
    const int n = count_entries(test_dir);
    expect_ok(urn__io_nc_create(in_dir("x.nc"), NULL, &nc, &err));
    expect_failure(URN_ERR_DATA, "dimension \"none\" has size 0",
                   urn__io_nc_dim(nc, 0, "none", 0, NULL, NULL, &dim, &err));
    expect_ok(urn__io_nc_dim(nc, 0, "two", 2, NULL, NULL, &dim, &err));
    expect_ok(urn__io_nc_dim(nc, 0, "two", 2, NULL, NULL, &var, &err));
    assert_int_equal(dim, var);
    expect_failure(URN_ERR_INTERNAL, "dimension \"two\" has sizes 2 and 3 in one group",
                   urn__io_nc_dim(nc, 0, "two", 3, NULL, NULL, &dim, &err));
    expect_ok(urn__io_nc_group(nc, "inner", &group, &err));
    expect_ok(urn__io_nc_dim(nc, group, "two", 3, NULL, NULL, &dim, &err));
    expect_failure(URN_ERR_INTERNAL, "has 9 dimensions",
                   urn__io_nc_var(nc, 0, "x", URN__IO_NC_DOUBLE, 9, NULL, 0, &var, &err));
    expect_failure(URN_ERR_IO, "cannot write \"a/b\"",
                   urn__io_nc_var(nc, 0, "a/b", URN__IO_NC_DOUBLE, 0, NULL, 0, &var, &err));
    expect_ok(urn__io_nc_var(nc, 0, "x", URN__IO_NC_DOUBLE, 1, (int[]){0}, 0, &var, &err));
    expect_failure(
        URN_ERR_IO, "cannot write \"x\"",
        urn__io_nc_put_double(nc, 0, var, (int64_t[]){1}, (int64_t[]){2}, (double[]){1, 2}, &err));
    urn__io_nc_close(nc);
    assert_int_equal(count_entries(test_dir), n);
    urn__io_nc_close(NULL);
}

static void test_full_disk(void **state)
{
    (void)state;
    struct rlimit before, limit;
    const char *path = write_text("kept.nc", "kept");
    const int n = count_entries(test_dir);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    for (rlim_t bytes = 0; bytes < 30000; bytes += 4000) {
        limit = before;
        limit.rlim_cur = bytes;
        setrlimit(RLIMIT_FSIZE, &limit);
        expect_failure(URN_ERR_IO, "kept.nc: cannot write this file: File too large",
                       write_sample(path, 0, NULL, &err));
        setrlimit(RLIMIT_FSIZE, &before);
        assert_int_equal(count_entries(test_dir), n);
    }
    size_t size;
    char *bytes = read_bytes(path, &size);
    assert_string_equal(bytes, "kept");
    free(bytes);
}

static urn_status write_and_read(const char *path, const urn_allocator *allocator)
{
    urn__io_nc *nc = NULL;
    urn__io_nc_shape shape;
    int64_t n;
    const int64_t *ints;
    const char *const *texts, *text;
    URN_TRY(write_sample(path, 0, allocator, &err));
    URN_TRY(urn__io_nc_open(path, allocator, &nc, &err));
    const int group = urn__io_nc_find_group(nc, "posterior");
    urn_status status =
        urn__io_nc_shape_of(nc, group, urn__io_nc_find_var(nc, group, "U"), &shape, &err);
    if (status == URN_OK)
        status = urn__io_nc_labels(nc, group, "user", &n, &ints, &texts, &err);
    if (status == URN_OK)
        status = urn__io_nc_get_text(nc, group, -1, "inference_library", &text, &err);
    urn__io_nc_close(nc);
    return status;
}

static void test_failing_memory(void **state)
{
    (void)state;
    const char *path = in_dir("failing.nc");
    counting c = {.fail_at = -1};
    urn_allocator allocator = counting_allocator(&c);
    expect_ok(write_and_read(path, &allocator));
    assert_int_equal(c.alive, 0);
    const long n = c.n;
    const int entries = count_entries(test_dir);
    assert_true(n > 8);
    for (long i = 0; i < n; i++) {
        c = (counting){.fail_at = i};
        expect_failure(URN_ERR_MEMORY, "out of memory", write_and_read(path, &allocator));
        assert_int_equal(c.alive, 0);
        assert_int_equal(count_entries(test_dir), entries);
    }
}

/* A reader of somebody else's, where it is installed. */
static void test_ncdump(void **state)
{
    (void)state;
    char command[1024], header[8192] = "";
    const char *path = in_dir("dump.nc");
    if (system("command -v ncdump >/dev/null") != 0) {
        print_message("ncdump is not there: skipped\n");
        skip();
    }
    expect_ok(write_sample(path, 4, NULL, &err));
    snprintf(command, sizeof command, "ncdump -h '%s'", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    const size_t n = fread(header, 1, sizeof header - 1, pipe);
    header[n] = 0;
    assert_int_equal(pclose(pipe), 0);
    static const char *const parts[] = {"group: posterior {",
                                        "double U(chain, draw, user, U_dim_0)",
                                        "string user(user)",
                                        "int64 draw(draw)",
                                        "double obs_scale(chain, draw)",
                                        "byte diverging(chain, draw)",
                                        "diverging:dtype = \"bool\"",
                                        "group: guide {",
                                        "int64 item(item)",
                                        ":steps = 3000LL"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(header, parts[i]))
            fail_msg("\"%s\" is missing in\n%s", parts[i], header);
}

/* ArviZ itself, in the Python that URN_PYTHON names or else in python3, where it has ArviZ. */
static void test_arviz(void **state)
{
    (void)state;
    char command[2048];
    const char *python = getenv("URN_PYTHON"), *source = getenv("srcdir");
    if (!python)
        python = "python3";
    snprintf(command, sizeof command, "'%s' -W ignore -c 'import arviz' 2>/dev/null", python);
    if (system(command) != 0) {
        print_message("%s has no ArviZ (URN_PYTHON names another): skipped\n", python);
        skip();
    }
    const char *path = in_dir("arviz.nc");
    for (int deflate = 0; deflate <= 4; deflate += 4) {
        expect_ok(write_sample(path, deflate, NULL, &err));
        snprintf(command, sizeof command, "'%s' '%s/tests/io/check_arviz.py' '%s'", python,
                 source ? source : ".", path);
        assert_int_equal(system(command), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_large_chunks),
        cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_full_disk),  cmocka_unit_test(test_failing_memory),
        cmocka_unit_test(test_ncdump),     cmocka_unit_test(test_arviz),
    };
    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
