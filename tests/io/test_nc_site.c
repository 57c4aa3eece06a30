/* How the sites of a model become netCDF variables: dims, labels, names. */
#include "io_test.h"

#include <urn/urn.h>

static void sample_model(urn_model *m)
{
    const urn_plate rows = urn_plate_rows(m, "ratings");
    const urn_plate users = urn_plate_of(m, "user"), items = urn_plate_of(m, "item");
    const urn_plate terms = urn_plate_size(m, "terms", 3);
    const urn_var zero = urn_real(m, 0.0), one = urn_real(m, 1.0);
    const urn_var scale = urn_sample(m, "scale", half_normal, .scale = one);
    const urn_var U = urn_sample(m, "U", mvn, .loc = urn_zeros(m, 2),
                                 .precision = urn_eye(m, 2, 1.0), .plate = users);
    const urn_var bias = urn_sample(m, "item", normal, .loc = zero, .scale = one, .plate = items);
    urn_sample(m, "coef", normal, .loc = zero, .scale = one, .plate = terms);
    const urn_var u = urn_gather(U, urn_index(rows, "user", users));
    const urn_var b = urn_gather(bias, urn_index(rows, "item", items));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_add(b, urn_row_dot(u, u)),
                .scale = scale, .plate = rows);
}

static const urn_model_def def = {.bytes = sizeof(urn_model_def),
                                  .abi = URN_ABI_VERSION,
                                  .name = "sample",
                                  .file = __FILE__,
                                  .trace = sample_model};

static urn_dataset *make_data(void)
{
    urn_dataset *data = urn_dataset_new(NULL);
    const char *const users[] = {"bob", "ann", "bob", "eve"};
    expect_ok(urn_dataset_add_table(data, "ratings", "r.csv", 4, 2, &err));
    expect_ok(urn_dataset_add_text(data, "ratings", "user", users, &err));
    expect_ok(urn_dataset_add_int(data, "ratings", "item", (int64_t[]){40, 30, 30, 20}, &err));
    expect_ok(urn_dataset_add_real(data, "ratings", "y", (double[]){1, 2, 3, 4}, &err));
    expect_ok(urn_dataset_set_held_out(data, "ratings", (unsigned char[]){0, 1, 0, 1}, &err));
    return data;
}

static void define(urn__io_nc *nc, int group, const urn_model *model, const char *site,
                   const char *name, int64_t draws)
{
    int var;
    const int i = urn_model_site_find(model, site);
    assert_true(i >= 0);
    expect_ok(urn__io_nc_site(nc, group, model, i, name, 2, draws, 1, &var, &err));
}

static void expect_dims(urn__io_nc *nc, const char *group_name, const char *var, int rank,
                        const char *const *names, const int64_t *dims)
{
    urn__io_nc_shape shape;
    const int group = urn__io_nc_find_group(nc, group_name);
    assert_true(group > 0);
    expect_ok(urn__io_nc_shape_of(nc, group, urn__io_nc_find_var(nc, group, var), &shape, &err));
    assert_int_equal(shape.rank, rank);
    for (int i = 0; i < rank; i++) {
        assert_string_equal(shape.dim_names[i], names[i]);
        assert_int_equal(shape.dims[i], dims[i]);
    }
}

static void check_file(urn__io_nc *nc)
{
    int64_t n;
    const int64_t *ints;
    const char *const *texts;
    expect_dims(nc, "posterior", "U", 4, (const char *const[]){"chain", "draw", "user", "U_dim_0"},
                (int64_t[]){2, 5, 3, 2});
    expect_dims(nc, "posterior", "scale", 2, (const char *const[]){"chain", "draw"},
                (int64_t[]){2, 5});
    /* The plate has a site's name: its labels must not be taken for the site. */
    expect_dims(nc, "posterior", "item", 3, (const char *const[]){"chain", "draw", "item_plate"},
                (int64_t[]){2, 5, 3});
    expect_dims(nc, "posterior", "coef", 3, (const char *const[]){"chain", "draw", "terms"},
                (int64_t[]){2, 5, 3});
    expect_dims(nc, "observed_data", "minutes", 1, (const char *const[]){"ratings"},
                (int64_t[]){2});
    const int posterior = urn__io_nc_find_group(nc, "posterior");
    expect_ok(urn__io_nc_labels(nc, posterior, "user", &n, &ints, &texts, &err));
    assert_null(ints);
    assert_string_equal(texts[0], "ann");
    assert_string_equal(texts[2], "eve");
    expect_ok(urn__io_nc_labels(nc, posterior, "item_plate", &n, &ints, &texts, &err));
    assert_memory_equal(ints, ((int64_t[]){20, 30, 40}), 24);
    expect_ok(urn__io_nc_labels(nc, posterior, "terms", &n, &ints, &texts, &err));
    assert_memory_equal(ints, ((int64_t[]){0, 1, 2}), 24);
    /* Training rows are the table's rows 0 and 2. */
    const int observed = urn__io_nc_find_group(nc, "observed_data");
    expect_ok(urn__io_nc_labels(nc, observed, "ratings", &n, &ints, &texts, &err));
    assert_memory_equal(ints, ((int64_t[]){0, 2}), 16);
}

static void test_sites(void **state)
{
    (void)state;
    int posterior, observed;
    urn_dataset *data = make_data();
    urn_model *model = NULL;
    const urn_trace_options options = {.bytes = sizeof options, .data = data};
    expect_ok(urn_model_trace(&def, &options, &model, &err));
    urn__io_nc *nc = NULL;
    const char *path = in_dir("sites.nc");
    expect_ok(urn__io_nc_create(path, NULL, &nc, &err));
    expect_ok(urn__io_nc_group(nc, "posterior", &posterior, &err));
    define(nc, posterior, model, "U", NULL, 5);
    define(nc, posterior, model, "scale", NULL, 5);
    define(nc, posterior, model, "item", NULL, 5);
    define(nc, posterior, model, "coef", NULL, 5);
    expect_ok(urn__io_nc_group(nc, "observed_data", &observed, &err));
    define(nc, observed, model, "y", "minutes", 0);
    expect_ok(urn__io_nc_commit(nc, &err));
    urn_model_free(model);
    urn_dataset_free(data);
    expect_ok(urn__io_nc_open(path, NULL, &nc, &err));
    check_file(nc);
    urn__io_nc_close(nc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sites)};
    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
