/* Log densities of vector and matrix sites: the multivariate normal in all its parameterisations,
 * and factors of correlation matrices. */
#include "tests/model/density_test.h"

enum { N = 11, K = 3 };

static double xs[3][N];
static int64_t group[N];

static urn_dataset *vectors(void)
{
    static const char *const names[3] = {"x1", "x2", "x3"};
    dice d = {17};
    urn_dataset *data = rows_new(N);
    for (int k = 0; k < 3; k++) {
        dice_normals(&d, N, 1.5, xs[k]);
        rows_real(data, names[k], xs[k]);
    }
    for (int i = 0; i < N; i++)
        group[i] = i < K ? i : dice_below(&d, K);
    rows_int(data, "group", group);
    return data;
}

static const double *row_of(int64_t i, double row[3])
{
    for (int k = 0; k < 3; k++)
        row[k] = xs[k][i];
    return row;
}

/* ---- constant matrices, four ways ---- */

static const double tril[9] = {1.5, 0, 0, 0.4, 0.8, 0, -0.7, 0.3, 1.1};

static void four_ways(urn_model *m)
{
    static const double loc[3] = {0.5, -1, 2};
    double a[9];
    urn_plate k = urn_plate_size(m, "k", K);
    urn_var mean = urn_vector(m, 3, loc), l = urn_matrix(m, 3, 3, tril);
    times_transpose(3, tril, a);
    urn_sample(m, "a", mvn, .loc = mean, .covariance = urn_matrix(m, 3, 3, a), .plate = k);
    urn_sample(m, "b", mvn, .loc = mean, .precision = urn_matrix(m, 3, 3, a), .plate = k);
    urn_sample(m, "c", mvn, .loc = mean, .scale_tril = l, .plate = k);
    urn_sample(m, "d", mvn, .loc = mean, .precision_tril = l, .plate = k);
    urn_sample(m, "e", mvn, .loc = mean, .scale_tril = l, .size = 3);
}

static double four_ways_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    static const double loc[3] = {0.5, -1, 2};
    double a[9], inverse[9], lp = 0;
    times_transpose(3, tril, a);
    invert_spd(3, a, inverse);
    for (int i = 0; i < K; i++) {
        lp += lp_mvn(3, f + 3 * i, loc, a) + lp_mvn(3, f + 9 + 3 * i, loc, inverse);
        lp += lp_mvn(3, f + 18 + 3 * i, loc, a) + lp_mvn(3, f + 27 + 3 * i, loc, inverse);
    }
    return lp + lp_mvn(3, f + 36, loc, a);
}

static void constant_matrices(void **state)
{
    (void)state;
    check_model_density(DEF(four_ways), NULL, four_ways_by_hand);
}

/* ---- matrices made of latent values, four ways; rows observed with a mean of their own ---- */

static int way;

static void latent_matrix(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), of = urn_plate_of(m, "group");
    urn_var l = urn_sample(m, "L", lkj_cholesky, .size = 3, .concentration = urn_real(m, 1.7));
    urn_var sd = urn_sample(m, "sd", log_normal, .loc = urn_zeros(m, 3), .scale = urn_real(m, 0.3));
    urn_var mean = urn_sample(m, "mean", mvn, .loc = urn_zeros(m, 3),
                              .scale_tril = urn_eye(m, 3, 2), .plate = of);
    urn_var loc = urn_gather(mean, urn_index(rows, "group", of));
    urn_var root = urn_matmul(urn_diagonal_matrix(sd), l);
    urn_var full = urn_matmul(root, urn_transpose(root));
    urn_var x = urn_data_columns(rows, "x*");
    if (way == 0)
        urn_observe(m, "x", mvn, .value = x, .loc = loc, .scale_tril = root, .plate = rows);
    else if (way == 1)
        urn_observe(m, "x", mvn, .value = x, .loc = loc, .precision_tril = root, .plate = rows);
    else if (way == 2)
        urn_observe(m, "x", mvn, .value = x, .loc = loc, .covariance = full, .plate = rows);
    else
        urn_observe(m, "x", mvn, .value = x, .loc = loc, .precision = full, .plate = rows);
}

static double latent_matrix_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    const double *sd = f + 3, *mean = f + 6;
    double l[9], root[9], a[9], inverse[9], row[3], lp = corr_from_free(3, f, l);
    lp += lp_lkj(3, l, 1.7);
    for (int k = 0; k < 3; k++)
        lp += lp_log_normal(exp(sd[k]), 0, 0.3) + sd[k];
    for (int k = 0; k < 3 * K; k++)
        lp += lp_normal(mean[k], 0, 2);
    for (int k = 0; k < 9; k++)
        root[k] = exp(sd[k / 3]) * l[k];
    times_transpose(3, root, a);
    invert_spd(3, a, inverse);
    for (int64_t i = 0; i < N; i++)
        lp += lp_mvn(3, row_of(i, row), mean + 3 * group[i], way % 2 == 0 ? a : inverse);
    return lp;
}

static void latent_matrices(void **state)
{
    (void)state;
    urn_dataset *data = vectors();
    for (way = 0; way < 4; way++) {
        urn_model *model = trace_data(DEF(latent_matrix), data);
        check_density(model, &(density_case){.expected = latent_matrix_by_hand, .spread = 0.4});
        urn_model_free(model);
    }
    urn_dataset_free(data);
}

/* ---- a matrix of its own for every row of a plate ---- */

static void matrix_by_row(urn_model *m)
{
    urn_plate k = urn_plate_size(m, "k", K);
    urn_var s = urn_sample(m, "s", log_normal, .loc = urn_zeros(m, 2), .scale = urn_real(m, 0.5),
                           .plate = k);
    urn_var l =
        urn_sample(m, "L", lkj_cholesky, .size = 2, .concentration = urn_real(m, 2), .plate = k);
    urn_var root = urn_matmul(urn_diagonal_matrix(s), l);
    urn_var x = urn_sample(m, "x", mvn, .loc = urn_zeros(m, 2), .scale_tril = root, .plate = k);
    urn_sample(m, "y", mvn, .loc = x, .precision_tril = root, .plate = k);
}

static double matrix_by_row_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    double lp = 0;
    for (int i = 0; i < K; i++) {
        const double *s = f + 2 * i, *free = f + 2 * K + i, *x = f + 3 * K + 2 * i,
                     *y = f + 5 * K + 2 * i;
        double l[4], root[4], a[4], inverse[4];
        const double zero[2] = {0, 0};
        lp += corr_from_free(2, free, l) + lp_lkj(2, l, 2);
        for (int k = 0; k < 2; k++)
            lp += lp_log_normal(exp(s[k]), 0, 0.5) + s[k];
        for (int k = 0; k < 4; k++)
            root[k] = exp(s[k / 2]) * l[k];
        times_transpose(2, root, a);
        invert_spd(2, a, inverse);
        lp += lp_mvn(2, x, zero, a) + lp_mvn(2, y, x, inverse);
    }
    return lp;
}

static void matrices_by_row(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(matrix_by_row), NULL);
    check_density(model, &(density_case){.expected = matrix_by_row_by_hand, .spread = 0.5});
    urn_model_free(model);
}

/* ---- vectors over a nest, their mean over the outer plate, their matrix over the inner ---- */

static void nested_vectors(urn_model *m)
{
    urn_plate outer = urn_plate_size(m, "outer", K), inner = urn_plate_size(m, "inner", 2);
    urn_plate nest = urn_plate_nest(outer, inner);
    urn_var loc = urn_sample(m, "loc", mvn, .loc = urn_zeros(m, 2), .scale_tril = urn_eye(m, 2, 1),
                             .plate = outer);
    urn_var s = urn_sample(m, "s", log_normal, .loc = urn_zeros(m, 2), .scale = urn_real(m, 0.5),
                           .plate = inner);
    urn_sample(m, "x", mvn, .loc = loc, .scale_tril = urn_diagonal_matrix(s), .plate = nest);
    urn_sample(m, "y", normal, .loc = loc, .scale = s, .plate = nest);
}

static double nested_vectors_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    const double *loc = f, *s = f + 2 * K, *x = s + 4, *y = x + 4 * K;
    double lp = 0;
    for (int i = 0; i < 2 * K; i++)
        lp += lp_normal(loc[i], 0, 1);
    for (int i = 0; i < 4; i++)
        lp += lp_log_normal(exp(s[i]), 0, 0.5) + s[i];
    for (int i = 0; i < K; i++)
        for (int j = 0; j < 2; j++)
            for (int k = 0; k < 2; k++) {
                const int at = (i * 2 + j) * 2 + k;
                lp += lp_normal(x[at], loc[2 * i + k], exp(s[2 * j + k]));
                lp += lp_normal(y[at], loc[2 * i + k], exp(s[2 * j + k]));
            }
    return lp;
}

static void vectors_over_a_nest(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(nested_vectors), NULL);
    check_density(model, &(density_case){.expected = nested_vectors_by_hand, .spread = 0.5});
    urn_model_free(model);
}

/* ---- sizes of correlation factors ---- */

static int64_t side;

static void factor_of_side(urn_model *m)
{
    urn_var eta = urn_sample(m, "eta", gamma, .shape = urn_real(m, 3), .rate = urn_real(m, 2));
    urn_sample(m, "L", lkj_cholesky, .size = side, .concentration = eta);
}

static double factor_of_side_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    double l[64], lp = lp_gamma(exp(f[0]), 3, 2) + f[0];
    lp += corr_from_free(side, f + 1, l);
    return lp + lp_lkj(side, l, exp(f[0]));
}

static void correlation_factors_of_every_side(void **state)
{
    (void)state;
    for (side = 1; side <= 6; side++) {
        urn_model *model = trace_data(DEF(factor_of_side), NULL);
        assert_int_equal(urn_model_position_size(model), 1 + side * (side - 1) / 2);
        check_density(model, &(density_case){.expected = factor_of_side_by_hand, .spread = 0.5});
        urn_model_free(model);
    }
}

/* The log-Jacobian is that of the elements below the diagonal: a determinant of differences. */
static void the_jacobian_of_a_factor(void **state)
{
    (void)state;
    enum { SIDE = 4, FREE = 6 };
    side = SIDE;
    urn_model *model = trace_data(DEF(factor_of_side), NULL);
    machine v = machine_of(model, URN_PROGRAM_VALUES);
    const urn_compile_options plain = {
        .bytes = sizeof plain, .kind = URN_PROGRAM_DENSITY, .no_jacobian = true};
    machine with = machine_of(model, URN_PROGRAM_DENSITY), without = machine_with(model, &plain, 1);
    double f[1 + FREE] = {0}, j[FREE * FREE];
    dice d = {5};
    dice_normals(&d, 1 + FREE, 0.7, f);
    for (int c = 0; c < FREE; c++) {
        double at[2][SIDE * SIDE];
        const double h = 1e-5, x = f[1 + c];
        for (int side_of = 0; side_of < 2; side_of++) {
            f[1 + c] = x + (side_of == 0 ? -h : h);
            urn_replay_run(v.replay, f);
            memcpy(at[side_of], urn_replay_result(v.replay, site_of(model, "L"), URN_RESULT_VALUE),
                   sizeof at[0]);
        }
        f[1 + c] = x;
        for (int i = 1, r = 0; i < SIDE; i++)
            for (int k = 0; k < i; k++, r++)
                j[r * FREE + c] = (at[1][i * SIDE + k] - at[0][i * SIDE + k]) / (2 * h);
    }
    gsl_matrix_view m = gsl_matrix_view_array(j, FREE, FREE);
    gsl_permutation *p = gsl_permutation_alloc(FREE);
    int sign;
    gsl_linalg_LU_decomp(&m.matrix, p, &sign);
    const double difference = urn_replay_log_density(with.replay, f, NULL) -
                              urn_replay_log_density(without.replay, f, NULL) - f[0];
    assert_near(difference, gsl_linalg_LU_lndet(&m.matrix), 1e-8, "log-Jacobian");
    gsl_permutation_free(p);
    machine_clear(&v);
    machine_clear(&with);
    machine_clear(&without);
    urn_model_free(model);
}

/* ---- wide vectors, many rows: blocks of every remainder ---- */

static int64_t wide, n_rows;

static void wide_vectors(urn_model *m)
{
    double *l = doubles(wide * wide);
    for (int64_t i = 0; i < wide; i++)
        for (int64_t j = 0; j <= i; j++)
            l[i * wide + j] = i == j ? 1.0 + 0.01 * (double)i : 0.02 * (double)((i + j) % 5 - 2);
    urn_plate k = urn_plate_size(m, "k", n_rows);
    urn_var loc = urn_sample(m, "loc", normal, .loc = urn_zeros(m, wide), .scale = urn_real(m, 2));
    urn_sample(m, "x", mvn, .loc = loc, .scale_tril = urn_matrix(m, wide, wide, l), .plate = k);
    free(l);
}

static double wide_vectors_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    double *z = doubles(wide), lp = 0;
    for (int64_t k = 0; k < wide; k++)
        lp += lp_normal(f[k], 0, 2);
    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t i = 0; i < wide; i++) { /* forward substitution */
            z[i] = f[wide + r * wide + i] - f[i];
            for (int64_t j = 0; j < i; j++)
                z[i] -= 0.02 * (double)((i + j) % 5 - 2) * z[j];
            z[i] /= 1.0 + 0.01 * (double)i;
            lp += lp_normal(z[i], 0, 1) - log(1.0 + 0.01 * (double)i);
        }
    free(z);
    return lp;
}

static void wide_vectors_and_odd_rows(void **state)
{
    (void)state;
    static const int64_t sizes[][2] = {{1, 1}, {1, 19}, {2, 7},  {4, 33},
                                       {5, 8}, {6, 5},  {9, 17}, {23, 3}};
    for (size_t k = 0; k < N_OF(sizes); k++) {
        wide = sizes[k][0];
        n_rows = sizes[k][1];
        urn_model *model = trace_data(DEF(wide_vectors), NULL);
        check_density(model, &(density_case){.expected = wide_vectors_by_hand, .positions = 2});
        urn_model_free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_matrices),
        cmocka_unit_test(latent_matrices),
        cmocka_unit_test(matrices_by_row),
        cmocka_unit_test(vectors_over_a_nest),
        cmocka_unit_test(correlation_factors_of_every_side),
        cmocka_unit_test(the_jacobian_of_a_factor),
        cmocka_unit_test(wide_vectors_and_odd_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
