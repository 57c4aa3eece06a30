/* What gibbs draws, against posteriors in closed form; the same bits for any number of threads;
 * rows without data; conditionals that are no distributions. */
#include "tests/gibbs/cases.h"

static urn_var R(urn_model *m, double x)
{
    return urn_real(m, x);
}

/* ---- fits ---- */

static urn_status run_gibbs(urn_model *model, int64_t draws, int threads, urn_fit **fit,
                            urn_error *error)
{
    static const urn_setting always[] = {{"check", "always"}};
    const urn_fit_options options = {.bytes = sizeof options,
                                     .engine = urn_engine_find("gibbs"),
                                     .settings = always,
                                     .n_settings = 1,
                                     .seed = 11,
                                     .threads = threads,
                                     .warmup = 200,
                                     .draws = draws};
    return urn_fit_run(model, &options, fit, error);
}

static urn_fit *gibbs_fit(urn_model *model, int64_t draws, int threads)
{
    urn_fit *fit = NULL;
    urn_error error = {0};
    assert_ok(run_gibbs(model, draws, threads, &fit, &error), &error);
    return fit;
}

/* Mean of a coordinate over the draws, and of its product with another (offset -1: with 1). */
static double moment(const urn_fit *fit, int64_t i, int64_t j)
{
    const urn_posterior *p = urn_fit_posterior(fit);
    const int64_t n = urn_posterior_draws(p), size = urn_posterior_size(p);
    const double *draws = urn_posterior_loc(p);
    double sum = 0.0;
    for (int64_t s = 0; s < n; s++)
        sum += draws[s * size + i] * (j < 0 ? 1.0 : draws[s * size + j]);
    return sum / (double)n;
}

static double column(const urn_dataset *data, const char *name, int row)
{
    return urn_dataset_values(data, "rows", name)[row];
}

/* ---- a regression: one block, so draws are independent ---- */

static void regression3(urn_model *m)
{
    static const double l[9] = {1.2, 0.0, 0.0, 0.4, 0.9, 0.0, -0.3, 0.2, 0.7};
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var beta = urn_sample(m, "beta", mvn, .loc = urn_fill(m, 3, 0.5),
                              .precision_tril = urn_matrix(m, 3, 3, l));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_row_dot(urn_data_columns(rows, "x*"), beta), .scale = R(m, 0.7),
                .plate = rows);
}

/* Precision and shift by hand, then its inverse by Gauss and Jordan. */
static void regression_posterior(const urn_dataset *data, double mean[3], double covariance[9])
{
    static const double l[9] = {1.2, 0.0, 0.0, 0.4, 0.9, 0.0, -0.3, 0.2, 0.7};
    static const char *const names[] = {"x1", "x2", "x3"};
    double a[3][6] = {{0}}, h[3] = {0};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            for (int k = 0; k < 3; k++)
                a[i][j] += l[3 * i + k] * l[3 * j + k];
            h[i] += 0.5 * a[i][j];
        }
    for (int r = 0; r < N_ROWS; r++)
        for (int i = 0; i < 3; i++) {
            h[i] += column(data, names[i], r) * column(data, "y", r) / 0.49;
            for (int j = 0; j < 3; j++)
                a[i][j] += column(data, names[i], r) * column(data, names[j], r) / 0.49;
        }
    for (int i = 0; i < 3; i++)
        a[i][3 + i] = 1.0;
    for (int p = 0; p < 3; p++) {
        const double pivot = a[p][p];
        for (int j = 0; j < 6; j++)
            a[p][j] /= pivot;
        for (int i = 0; i < 3; i++) {
            const double f = i == p ? 0.0 : a[i][p];
            for (int j = 0; j < 6; j++)
                a[i][j] -= f * a[p][j];
        }
    }
    for (int i = 0; i < 3; i++) {
        mean[i] = 0.0;
        for (int j = 0; j < 3; j++) {
            covariance[3 * i + j] = a[i][3 + j];
            mean[i] += a[i][3 + j] * h[j];
        }
    }
}

static void a_regression_has_its_posterior(void **state)
{
    (void)state;
    enum { DRAWS = 40000 };
    urn_dataset *data = case_data();
    urn_model *model = trace_rows(CASE_DEF(regression3), data, URN_ROWS_TRAINING);
    urn_fit *fit = gibbs_fit(model, DRAWS, 2);
    double mean[3], covariance[9];
    regression_posterior(data, mean, covariance);
    for (int i = 0; i < 3; i++) {
        /* five standard errors of independent draws */
        const double sd = sqrt(covariance[4 * i]);
        assert_close(moment(fit, i, -1), mean[i], 5.0 * sd / sqrt(DRAWS));
        for (int j = 0; j < 3; j++) {
            const double found = moment(fit, i, j) - moment(fit, i, -1) * moment(fit, j, -1);
            const double scale = sd * sqrt(covariance[4 * j]);
            assert_close(found, covariance[3 * i + j], 5.0 * 1.5 * scale / sqrt(DRAWS));
        }
    }
    urn_fit_free(fit);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- players: rows in turn ---- */

static void three_players(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), five = urn_plate_size(m, "player", 5);
    urn_var skill =
        urn_sample(m, "skill", normal, .loc = R(m, 0.2), .scale = R(m, 1.3), .plate = five);
    urn_var home = urn_gather(skill, urn_index(rows, "g", five));
    urn_var away = urn_gather(skill, urn_index(rows, "h", five));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_sub(home, away),
                .scale = R(m, 0.7), .plate = rows);
}

/* Posterior mean of the five skills: solves Q m = h by Gauss and Seidel's steps, which converge. */
static void skills_of(const urn_dataset *data, double mean[5], double q[5][5])
{
    double h[5];
    memset(q, 0, 25 * sizeof(double));
    for (int i = 0; i < 5; i++) {
        mean[i] = 0.0;
        q[i][i] = 1.0 / 1.69;
        h[i] = 0.2 / 1.69;
    }
    for (int r = 0; r < N_ROWS; r++) {
        const int g = (int)column(data, "g", r), a = (int)column(data, "h", r);
        double c[5] = {0};
        c[g] += 1.0;
        c[a] -= 1.0;
        for (int i = 0; i < 5; i++) {
            h[i] += c[i] * column(data, "y", r) / 0.49;
            for (int j = 0; j < 5; j++)
                q[i][j] += c[i] * c[j] / 0.49;
        }
    }
    for (int sweep = 0; sweep < 10000; sweep++)
        for (int i = 0; i < 5; i++) {
            double sum = h[i];
            for (int j = 0; j < 5; j++)
                sum -= j == i ? 0.0 : q[i][j] * mean[j];
            mean[i] = sum / q[i][i];
        }
}

static void rows_in_turn_have_their_posterior(void **state)
{
    (void)state;
    enum { DRAWS = 40000 };
    urn_dataset *data = case_data();
    urn_model *model = trace_rows(CASE_DEF(three_players), data, URN_ROWS_TRAINING);
    urn_fit *fit = gibbs_fit(model, DRAWS, 1);
    double mean[5], q[5][5];
    skills_of(data, mean, q);
    for (int i = 0; i < 5; i++) {
        /* sds are at most that of the prior; at worst some forty sweeps make one fresh draw */
        assert_close(moment(fit, i, -1), mean[i], 4.0 * 1.3 * sqrt(40.0 / DRAWS));
        for (int j = 0; j < 5; j++) {
            /* E[(Q (x - mean))_i x_j] is the unit matrix */
            double sum = 0.0;
            for (int k = 0; k < 5; k++)
                sum += q[i][k] * (moment(fit, k, j) - mean[k] * moment(fit, j, -1));
            assert_close(sum, i == j ? 1.0 : 0.0, 0.12);
        }
    }
    urn_fit_free(fit);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- factors ---- */

static void small_factors(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_plate users = urn_plate_of(m, "user"), items = urn_plate_of(m, "item");
    urn_var mu = urn_sample(m, "mu", mvn, .loc = urn_zeros(m, 3), .precision = urn_eye(m, 3, 1.0));
    urn_var U = urn_sample(m, "U", mvn, .loc = mu, .precision = urn_eye(m, 3, 1.0), .plate = users);
    urn_var V =
        urn_sample(m, "V", normal, .loc = urn_zeros(m, 3), .scale = R(m, 1.0), .plate = items);
    urn_var u = urn_gather(U, urn_index(rows, "user", users));
    urn_var v = urn_gather(V, urn_index(rows, "item", items));
    urn_observe(m, "r", normal, .value = urn_data(rows, "y"), .loc = urn_row_dot(u, v),
                .scale = R(m, 0.5), .plate = rows);
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3, 8};
    urn_dataset *data = case_data();
    urn_model *model = trace_rows(CASE_DEF(small_factors), data, URN_ROWS_TRAINING);
    urn_fit *first = gibbs_fit(model, 50, 1);
    const urn_posterior *p = urn_fit_posterior(first);
    const size_t bytes = (size_t)(urn_posterior_draws(p) * urn_posterior_size(p)) * sizeof(double);
    for (int k = 1; k < 4; k++) {
        urn_fit *fit = gibbs_fit(model, 50, threads[k]);
        assert_memory_equal(urn_posterior_loc(urn_fit_posterior(fit)), urn_posterior_loc(p), bytes);
        urn_fit_free(fit);
    }
    urn_fit_free(first);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* Groups 5 and 6 have no rows: they are drawn from their prior, N(3, 0.5). */
static void empty_groups(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), seven = urn_plate_size(m, "group", 7);
    urn_var a = urn_sample(m, "a", normal, .loc = R(m, 3.0), .scale = R(m, 0.5), .plate = seven);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_gather(a, urn_index(rows, "g", seven)), .scale = R(m, 0.7),
                .plate = rows);
}

static void rows_without_data_have_their_prior(void **state)
{
    (void)state;
    enum { DRAWS = 20000 };
    urn_dataset *data = case_data();
    urn_model *model = trace_rows(CASE_DEF(empty_groups), data, URN_ROWS_TRAINING);
    urn_fit *fit = gibbs_fit(model, DRAWS, 2);
    for (int i = 5; i < 7; i++) {
        const double mean = moment(fit, i, -1), variance = moment(fit, i, i) - mean * mean;
        assert_close(mean, 3.0, 5.0 * 0.5 / sqrt(DRAWS));
        assert_close(variance, 0.25, 5.0 * 0.25 * sqrt(2.0 / DRAWS));
    }
    urn_fit_free(fit);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* Without a prior they have no distribution. */
static void flat_groups(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), seven = urn_plate_size(m, "group", 7);
    urn_var a = urn_sample(m, "a", improper_uniform, .plate = seven);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_gather(a, urn_index(rows, "g", seven)), .scale = R(m, 0.7),
                .plate = rows);
}

static void a_singular_precision_is_named(void **state)
{
    (void)state;
    urn_dataset *data = case_data();
    urn_model *model = trace_rows(CASE_DEF(flat_groups), data, URN_ROWS_TRAINING);
    urn_fit *fit = NULL;
    urn_error error = {0};
    assert_int_not_equal(run_gibbs(model, 10, 1, &fit, &error), URN_OK);
    assert_string_equal(error.site, "a");
    /* squares are 0, 1 or 4 modulo 5 */
    assert_non_null(strstr(error.message, "row 2"));
    assert_non_null(strstr(error.message, "condition"));
    urn_fit_free(fit);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- the check can fail ---- */

static double one_row_less(urn__gibbs_block *b, int64_t part)
{
    (void)part; /* N - 1 rows counted where there are N */
    const double x = *urn__block_value(b, 0), n = N_ROWS - 1;
    double sum = 0.0;
    for (int r = 0; r < N_ROWS; r++)
        sum += 1.5 * sin(1.7 * r) + 0.3;
    return -0.5 * (1.0 + n / 0.49) * x * x + sum / 0.49 * x;
}

static void level(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var mu = urn_sample(m, "mu", normal, .loc = R(m, 0.0), .scale = R(m, 1.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = mu, .scale = R(m, 0.7),
                .plate = rows);
}

static void a_wrong_conditional_is_found_out(void **state)
{
    (void)state;
    urn_error error = {0};
    urn_dataset *data = case_data();
    urn_model *model = trace_rows(CASE_DEF(level), data, URN_ROWS_TRAINING);
    urn__gibbs *g = derive(model, 1);
    urn__block_kind wrong = *g->block[0].kind;
    assert_ok(urn__gibbs_open(g, &error), &error);
    assert_ok(urn__gibbs_check_all(g, INT64_MAX, &error), &error);
    wrong.log_conditional = one_row_less;
    g->block[0].kind = &wrong;
    assert_int_equal(urn__gibbs_check_all(g, INT64_MAX, &error), URN_ERR_INTERNAL);
    assert_string_equal(error.site, "mu");
    assert_non_null(strstr(error.message, "does not agree with the joint density"));
    assert_true(g->block[0].failed);
    urn__gibbs_free(g);
    urn_model_free(model);
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_regression_has_its_posterior),
        cmocka_unit_test(rows_in_turn_have_their_posterior),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(rows_without_data_have_their_prior),
        cmocka_unit_test(a_singular_precision_is_named),
        cmocka_unit_test(a_wrong_conditional_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
