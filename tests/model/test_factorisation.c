/* The hpmf and pmf models against densities written by hand, Jacobians and derivatives included: on
 * repeated pairs, users without ratings, no rows at all, and sizes around the blocks of the
 * kernels. */
#include "models/models.h"
#include "tests/model/density_test.h"

enum { MOST_ROWS = 9000, MOST_DIM = 8 };

typedef struct shape {
    int64_t rows, users, items, dim;
} shape;

static shape at;
static int64_t user[MOST_ROWS], item[MOST_ROWS];
static double rating[MOST_ROWS];
static bool notebook, centred, noise_free;

static urn_dataset *random_ratings(const shape *s)
{
    dice d = {(uint64_t)(s->rows * 31 + s->users)};
    urn_error error = {0};
    urn_dataset *data = urn_dataset_new(NULL);
    int64_t ids[512];
    at = *s;
    for (int64_t r = 0; r < s->rows; r++) { /* a few pairs come often */
        const bool often = r % 4 == 3;
        user[r] = often ? r % 2 : dice_below(&d, s->users);
        item[r] = often ? 0 : dice_below(&d, s->items);
        user[r] %= s->users;
        rating[r] = 3.0 * dice_normal(&d);
    }
    assert_non_null(data);
    assert_ok(urn_dataset_add_table(data, "", "ratings.csv", s->rows, 2, &error), &error);
    assert_ok(urn_dataset_add_int(data, "", "user", user, &error), &error);
    assert_ok(urn_dataset_add_int(data, "", "item", item, &error), &error);
    assert_ok(urn_dataset_add_real(data, "", "rating", rating, &error), &error);
    for (int64_t i = 0; i < 512; i++)
        ids[i] = i;
    assert_ok(urn_dataset_set_ids(data, "user", s->users, ids, NULL, &error), &error);
    assert_ok(urn_dataset_set_ids(data, "item", s->items, ids, NULL, &error), &error);
    return data;
}

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (int64_t k = 0; k < at.dim; k++)
        sum += a[k] * b[k];
    return sum;
}

static double likelihood(const double *u, const double *v, double scale)
{
    double mean = 0, lp = 0;
    for (int64_t r = 0; r < at.rows; r++)
        mean += centred ? rating[r] / (double)at.rows : 0.0;
    for (int64_t r = 0; r < at.rows; r++) {
        const double z =
            (rating[r] - mean - dot(u + user[r] * at.dim, v + item[r] * at.dim)) / scale;
        lp += -0.5 * z * z - log(scale) - 0.5 * log(2 * M_PI);
    }
    return lp;
}

/* Positions: loc_u, tril_u, obs_scale, U, V. */
static double hpmf_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    const int64_t d = at.dim, corners = d * (d - 1) / 2;
    const double *loc = f, *noise = f + d + corners, *u = noise + 1, *v = u + at.users * d;
    double l[64], precision[64], covariance[64] = {0};
    double lp = corr_from_free(d, f + d, l) + lp_lkj(d, l, 2);
    for (int64_t k = 0; k < d; k++)
        lp += lp_normal(loc[k], 0, 5);
    lp += lp_inverse_gamma(exp(*noise), 1, 1) + *noise;
    times_transpose(d, l, precision);
    invert_spd(d, precision, covariance);
    for (int64_t k = 0; k < d * d && notebook; k++)
        covariance[k] = k % (d + 1) == 0 ? 1.0 / l[k] : 0.0;
    for (int64_t i = 0; i < at.users; i++)
        lp += lp_mvn(d, u + i * d, loc, covariance);
    for (int64_t i = 0; i < at.items * d; i++)
        lp += lp_normal(v[i], 0, 1);
    return lp + likelihood(u, v, exp(*noise));
}

static double pmf_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    const double *u = f + (noise_free ? 1 : 0), *v = u + at.users * at.dim;
    double lp = noise_free ? lp_half_normal(exp(f[0]), 2) + f[0] : 0;
    for (int64_t i = 0; i < at.users * at.dim; i++)
        lp += lp_normal(u[i], 0.25, 0.5);
    for (int64_t i = 0; i < at.items * at.dim; i++)
        lp += lp_normal(v[i], -0.5, 1.5);
    return lp + likelihood(u, v, noise_free ? exp(f[0]) : 2);
}

static urn_model *trace_set(const urn_model_def *def, const urn_dataset *data,
                            const urn_setting *settings, size_t n)
{
    urn_trace_options options = trace_options(data);
    options.settings = settings;
    options.n_settings = n;
    options.allow_duplicates = true;
    return trace_with(def, &options);
}

static urn_model *trace_hpmf(const urn_dataset *data)
{
    char dim[16];
    (void)snprintf(dim, sizeof dim, "%lld", (long long)at.dim);
    const urn_setting settings[] = {{"dim", dim},
                                    {"prior", notebook ? "notebook" : "hierarchical"},
                                    {"center", centred ? "mean" : "none"}};
    return trace_set(urn__builtin_find("hpmf"), data, settings, 3);
}

static urn_model *trace_pmf(const urn_dataset *data)
{
    char dim[16];
    (void)snprintf(dim, sizeof dim, "%lld", (long long)at.dim);
    const urn_setting settings[] = {{"dim", dim},       {"noise", noise_free ? "free" : "fixed"},
                                    {"center", "none"}, {"loc_u", "0.25"},
                                    {"scale_u", "0.5"}, {"loc_v", "-0.5"},
                                    {"scale_v", "1.5"}, {"noise_scale", "2"}};
    return trace_set(urn__builtin_find("pmf"), data, settings, N_OF(settings));
}

static const shape small[] = {
    {0, 3, 2, 2}, {1, 1, 1, 1}, {1, 4, 3, 2}, {7, 9, 2, 3}, {40, 5, 7, 5}, {33, 6, 5, 8},
};

static void small_hpmf(void **state)
{
    (void)state;
    for (size_t k = 0; k < N_OF(small); k++)
        for (int kind = 0; kind < 4; kind++) {
            notebook = kind % 2 != 0;
            centred = kind / 2 != 0 && small[k].rows > 0;
            urn_dataset *data = random_ratings(&small[k]);
            urn_model *model = trace_hpmf(data);
            assert_int_equal(urn_model_observation_count(model), small[k].rows);
            check_density(model,
                          &(density_case){.expected = hpmf_by_hand, .spread = 0.5, .positions = 2});
            urn_model_free(model);
            urn_dataset_free(data);
        }
}

static void small_pmf(void **state)
{
    (void)state;
    centred = false;
    for (size_t k = 0; k < N_OF(small); k++)
        for (int kind = 0; kind < 2; kind++) {
            noise_free = kind != 0;
            urn_dataset *data = random_ratings(&small[k]);
            urn_model *model = trace_pmf(data);
            check_density(model,
                          &(density_case){.expected = pmf_by_hand, .spread = 0.5, .positions = 2});
            urn_model_free(model);
            urn_dataset_free(data);
        }
}

/* Past one chunk of rows: the value by hand, the gradient along random directions. */
static void check_large(const urn_model *model, formula *expected)
{
    const int64_t n = urn_model_position_size(model);
    variant v[MOST_VARIANTS];
    dice d = {12};
    evaluation e = evaluation_new(n);
    double *way = doubles(n), *to = doubles(n);
    const int n_variants = density_variants(model, v);
    dice_normals(&d, n, 0.3, e.x);
    check_variants(&e, v, n_variants);
    assert_near(e.value, expected(model, e.x), 1e-11, "log density");
    for (int round = 0; round < 3; round++) {
        double along = 0, f[4];
        static const double steps[4] = {-2, -1, 1, 2};
        dice_normals(&d, n, 1, way);
        for (int64_t i = 0; i < n; i++)
            along += e.g[i] * way[i];
        for (int k = 0; k < 4; k++) {
            for (int64_t i = 0; i < n; i++)
                to[i] = e.x[i] + 1e-3 * steps[k] * way[i];
            f[k] = expected(model, to);
        }
        assert_near(along, (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / 12e-3, 1e-7, "slope");
    }
    variants_clear(v, n_variants);
    evaluation_clear(&e);
    free(way), free(to);
}

static void large_data(void **state)
{
    (void)state;
    static const shape large[] = {{4095, 300, 40, 5}, {4096, 257, 64, 4}, {8999, 500, 130, 3}};
    for (size_t k = 0; k < N_OF(large); k++) {
        notebook = noise_free = k == 1;
        centred = k == 2;
        urn_dataset *data = random_ratings(&large[k]);
        urn_model *hpmf = trace_hpmf(data);
        check_large(hpmf, hpmf_by_hand);
        urn_model_free(hpmf);
        centred = false;
        urn_model *pmf = trace_pmf(data);
        check_large(pmf, pmf_by_hand);
        urn_model_free(pmf);
        urn_dataset_free(data);
    }
}

/* ---- the notebook's prior is the covariance diag(1 / L_kk) ---- */

static void by_covariance(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), users = urn_plate_of(m, "user"),
              items = urn_plate_of(m, "item");
    const int64_t d = at.dim;
    urn_var zeros = urn_zeros(m, d);
    urn_var loc = urn_sample(m, "loc_u", mvn, .loc = zeros, .precision = urn_eye(m, d, 0.04));
    urn_var l = urn_sample(m, "tril_u", lkj_cholesky, .size = d, .concentration = urn_real(m, 2));
    urn_var noise =
        urn_sample(m, "obs_scale", inverse_gamma, .shape = urn_real(m, 1), .rate = urn_real(m, 1));
    urn_var covariance = urn_diagonal_matrix(urn_reciprocal(urn_diagonal(l)));
    urn_var u = urn_sample(m, "U", mvn, .loc = loc, .covariance = covariance, .plate = users);
    urn_var v =
        urn_sample(m, "V", mvn, .loc = zeros, .scale_tril = urn_eye(m, d, 1), .plate = items);
    urn_var mean = urn_row_dot(urn_gather(u, urn_index(rows, "user", users)),
                               urn_gather(v, urn_index(rows, "item", items)));
    urn_observe(m, "R", normal, .value = urn_data(rows, "rating"), .loc = mean, .scale = noise,
                .plate = rows);
}

static void the_notebook_prior_is_a_diagonal_covariance(void **state)
{
    (void)state;
    static const shape s = {60, 12, 7, 5};
    notebook = true;
    centred = false;
    urn_dataset *data = random_ratings(&s);
    urn_model *a = trace_hpmf(data), *b = trace_set(DEF(by_covariance), data, NULL, 0);
    machine da = machine_of(a, URN_PROGRAM_DENSITY), db = machine_of(b, URN_PROGRAM_DENSITY);
    const int64_t n = urn_model_position_size(a);
    double *x = doubles(n), *ga = doubles(n), *gb = doubles(n);
    dice d = {99};
    assert_int_equal(urn_model_position_size(b), n);
    for (int round = 0; round < 20; round++) {
        dice_normals(&d, n, 0.8, x);
        const double lp = urn_replay_log_density(da.replay, x, ga);
        assert_near(lp, urn_replay_log_density(db.replay, x, gb), 1e-13, "log density");
        for (int64_t i = 0; i < n; i++)
            assert_near(ga[i], gb[i], 1e-11, "gradient");
    }
    free(x), free(ga), free(gb);
    machine_clear(&da);
    machine_clear(&db);
    urn_model_free(a);
    urn_model_free(b);
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_hpmf),
        cmocka_unit_test(small_pmf),
        cmocka_unit_test(large_data),
        cmocka_unit_test(the_notebook_prior_is_a_diagonal_covariance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
