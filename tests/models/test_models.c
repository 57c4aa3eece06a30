/* The built-in models: their joint densities against closed forms written out here. */
#include "models/models.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urn/urn.h>

#include <cmocka.h>

enum { D = 3, USERS = 4, ITEMS = 3, ROWS = 7 };
static const double LOG_2PI = 1.8378770664093454836;
static const int64_t user[ROWS] = {10, 11, 12, 13, 10, 11, 12};
static const int64_t item[ROWS] = {1, 2, 3, 1, 2, 3, 1};
static const double rating[ROWS] = {3.5, -1.0, 2.25, 0.0, 4.0, 1.5, -2.0};

static void check(urn_status status, const urn_error *error)
{
    if (status != URN_OK)
        fail_msg("%s: %s", urn_status_text(status), error->message);
}

static urn_dataset *make_data(void)
{
    urn_error error;
    urn_dataset *data = urn_dataset_new(NULL);
    assert_non_null(data);
    check(urn_dataset_add_table(data, "", "data.csv", ROWS, 2, &error), &error);
    check(urn_dataset_add_int(data, "", "user", user, &error), &error);
    check(urn_dataset_add_int(data, "", "item", item, &error), &error);
    check(urn_dataset_add_real(data, "", "rating", rating, &error), &error);
    return data;
}

/* A model at a random position: its density without Jacobians, and its values. */
typedef struct at {
    urn_dataset *data;
    urn_model *model;
    urn_program *density, *values;
    urn_replay *density_replay, *values_replay;
    double *position; /* values may point into it */
    double log_density;
} at;

static at evaluate(const char *name, const urn_setting *settings, size_t n, unsigned seed)
{
    at a = {.data = make_data()};
    urn_error error;
    const urn_trace_options trace = {
        .bytes = sizeof trace, .data = a.data, .settings = settings, .n_settings = n};
    const urn_model_def *def = urn__builtin_find(name);
    assert_non_null(def);
    check(urn_model_trace(def, &trace, &a.model, &error), &error);
    const urn_compile_options density = {
        .bytes = sizeof density, .kind = URN_PROGRAM_DENSITY, .no_jacobian = true};
    const urn_compile_options values = {.bytes = sizeof values, .kind = URN_PROGRAM_VALUES};
    check(urn_program_compile(a.model, &density, &a.density, &error), &error);
    check(urn_program_compile(a.model, &values, &a.values, &error), &error);
    check(urn_replay_new(a.density, 1, &a.density_replay, &error), &error);
    check(urn_replay_new(a.values, 1, &a.values_replay, &error), &error);
    const int64_t size = urn_model_position_size(a.model);
    double *position = a.position = calloc((size_t)size, sizeof *position);
    assert_non_null(position);
    uint64_t state = seed;
    for (int64_t i = 0; i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        position[i] = (double)(state >> 11) / 9007199254740992.0 * 2.0 - 1.0;
    }
    a.log_density = urn_replay_log_density(a.density_replay, position, NULL);
    urn_replay_run(a.values_replay, position);
    return a;
}

static void release(at *a)
{
    urn_replay_free(a->density_replay);
    urn_replay_free(a->values_replay);
    urn_program_free(a->density);
    urn_program_free(a->values);
    urn_model_free(a->model);
    urn_dataset_free(a->data);
    free(a->position);
}

static const double *value(const at *a, const char *site)
{
    const int i = urn_model_site_find(a->model, site);
    assert_true(i >= 0);
    const double *v = urn_replay_result(a->values_replay, i, URN_RESULT_VALUE);
    assert_non_null(v);
    return v;
}

static double normal(double x, double loc, double scale)
{
    const double z = (x - loc) / scale;
    return -0.5 * z * z - log(scale) - 0.5 * LOG_2PI;
}

/* With concentration 2: sum over k >= 2 of (D - k + 2) log L_kk - log Z (SYSTEMS: the LKJ density).
 */
static double lkj(const double *l)
{
    double sum = 0.0, log_gammas = 0.0;
    for (int k = 2; k <= D; k++)
        sum += (D - k + 2 * 2.0 - 2.0) * log(l[(k - 1) * D + k - 1]);
    const double alpha = 2.0 + 0.5 * (D - 1), half_log_pi = 0.5 * log(acos(-1.0));
    /* log of the multivariate gamma of D - 1 at alpha - 1/2 */
    log_gammas = half_log_pi * 0.5 * (D - 1) * (D - 2);
    for (int j = 1; j <= D - 1; j++)
        log_gammas += lgamma(alpha - 0.5 + 0.5 * (1 - j));
    return sum - (half_log_pi * (D - 1) + log_gammas - (D - 1) * lgamma(alpha));
}

static double likelihood(const at *a, double scale, double offset)
{
    const double *u = value(a, "U"), *v = value(a, "V");
    double sum = 0.0;
    for (int r = 0; r < ROWS; r++) {
        double mean = offset;
        for (int k = 0; k < D; k++)
            mean += u[(user[r] - 10) * D + k] * v[(item[r] - 1) * D + k];
        sum += normal(rating[r], mean, scale);
    }
    return sum;
}

static double standard_items(const at *a)
{
    double sum = 0.0;
    for (int i = 0; i < ITEMS * D; i++)
        sum += normal(value(a, "V")[i], 0.0, 1.0);
    return sum;
}

static double hyperprior(const at *a)
{
    const double s = value(a, "obs_scale")[0];
    double sum = lkj(value(a, "tril_u")) - 2.0 * log(s) - 1.0 / s; /* inverse_gamma(1, 1) */
    for (int k = 0; k < D; k++)
        sum += normal(value(a, "loc_u")[k], 0.0, 5.0);
    return sum;
}

/* log N(u; loc, (L L^T)^-1) = -|L^T (u - loc)|^2 / 2 + sum log L_kk - ... */
static double users_hierarchical(const at *a)
{
    const double *l = value(a, "tril_u"), *loc = value(a, "loc_u"), *u = value(a, "U");
    double sum = 0.0;
    for (int i = 0; i < USERS; i++)
        for (int c = 0; c < D; c++) {
            double z = 0.0;
            for (int r = c; r < D; r++)
                z += l[r * D + c] * (u[i * D + r] - loc[r]);
            sum += -0.5 * z * z + log(l[c * D + c]) - 0.5 * LOG_2PI;
        }
    return sum;
}

/* Covariance diag(1 / L_kk). */
static double users_notebook(const at *a)
{
    const double *l = value(a, "tril_u"), *loc = value(a, "loc_u"), *u = value(a, "U");
    double sum = 0.0;
    for (int i = 0; i < USERS; i++)
        for (int k = 0; k < D; k++)
            sum += normal(u[i * D + k], loc[k], 1.0 / sqrt(l[k * D + k]));
    return sum;
}

static void same(double found, double expected)
{
    assert_true(isfinite(found));
    if (!(fabs(found - expected) <= 1e-12 * fmax(1.0, fabs(expected))))
        fail_msg("density %.17g, expected %.17g", found, expected);
}

static double mean_rating(void)
{
    double sum = 0.0;
    for (int r = 0; r < ROWS; r++)
        sum += rating[r];
    return sum / ROWS;
}

static void hpmf_density(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 5; seed++)
        for (int kind = 0; kind < 4; kind++) {
            const urn_setting settings[] = {{"dim", "3"},
                                            {"prior", kind % 2 == 0 ? "hierarchical" : "notebook"},
                                            {"center", kind < 2 ? "none" : "mean"}};
            at a = evaluate("hpmf", settings, 3, seed);
            const double users = kind % 2 == 0 ? users_hierarchical(&a) : users_notebook(&a);
            same(a.log_density,
                 hyperprior(&a) + users + standard_items(&a) +
                     likelihood(&a, value(&a, "obs_scale")[0], kind < 2 ? 0.0 : mean_rating()));
            release(&a);
        }
}

/* The two priors are different models: the notebook's ignores what is off the diagonal. */
static void priors_differ(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"dim", "3"}, {"prior", "notebook"}};
    at a = evaluate("hpmf", settings, 2, 3);
    assert_true(fabs(users_hierarchical(&a) - users_notebook(&a)) > 0.01);
    release(&a);
}

static void pmf_density(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 5; seed++)
        for (int kind = 0; kind < 2; kind++) {
            const urn_setting settings[] = {
                {"dim", "3"},           {"noise", kind == 0 ? "fixed" : "free"},
                {"noise_scale", "1.5"}, {"loc_u", "0.25"},
                {"scale_u", "2"},       {"loc_v", "-0.5"},
                {"scale_v", "0.5"}};
            at a = evaluate("pmf", settings, 7, seed);
            double expected = 0.0, s = 1.5;
            if (kind == 1) {
                s = value(&a, "s")[0];
                expected += normal(s, 0.0, 1.5) + log(2.0); /* half-normal */
            }
            for (int i = 0; i < USERS * D; i++)
                expected += normal(value(&a, "U")[i], 0.25, 2.0);
            for (int i = 0; i < ITEMS * D; i++)
                expected += normal(value(&a, "V")[i], -0.5, 0.5);
            same(a.log_density, expected + likelihood(&a, s, 0.0));
            release(&a);
        }
}

/* Defaults are SYSTEMS' constants. */
static void pmf_defaults(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"dim", "3"}};
    at a = evaluate("pmf", settings, 1, 9);
    double expected = likelihood(&a, 1.0, 0.0) + standard_items(&a);
    for (int i = 0; i < USERS * D; i++)
        expected += normal(value(&a, "U")[i], 0.0, 1.0);
    same(a.log_density, expected);
    release(&a);
}

/* Of the ratings brought to [0, 1], and the Jacobian of that. */
static double likelihood_sigmoid(const at *a, double s, double low, double high)
{
    const double *u = value(a, "U"), *v = value(a, "V");
    double sum = 0.0;
    for (int r = 0; r < ROWS; r++) {
        double dot = 0.0;
        for (int k = 0; k < D; k++)
            dot += u[(user[r] - 10) * D + k] * v[(item[r] - 1) * D + k];
        sum +=
            normal((rating[r] - low) / (high - low), 1.0 / (1.0 + exp(-dot)), s) - log(high - low);
    }
    return sum;
}

static double factors(const at *a, double scale_u, double scale_v)
{
    double sum = 0.0;
    for (int i = 0; i < USERS * D; i++)
        sum += normal(value(a, "U")[i], 0.0, scale_u);
    for (int i = 0; i < ITEMS * D; i++)
        sum += normal(value(a, "V")[i], 0.0, scale_v);
    return sum;
}

/* log det by elimination without pivots, of a symmetric positive definite matrix. */
static double log_det(const double *x)
{
    double a[D * D], sum = 0.0;
    memcpy(a, x, sizeof a);
    for (int k = 0; k < D; k++) {
        sum += log(a[k * D + k]);
        for (int i = k + 1; i < D; i++)
            for (int j = k + 1; j < D; j++)
                a[i * D + j] -= a[i * D + k] * a[k * D + j] / a[k * D + k];
    }
    return sum;
}

/* With df D and scale I. */
static double wishart(const double *x)
{
    double trace = 0.0, log_gamma = 0.25 * D * (D - 1) * log(acos(-1.0));
    for (int k = 0; k < D; k++) {
        trace += x[k * D + k];
        log_gamma += lgamma(0.5 * (D - k));
    }
    return -0.5 * log_det(x) - 0.5 * trace - 0.5 * D * D * log(2.0) - log_gamma;
}

/* x ~ N(loc, (factor lam)^-1) */
static double by_precision(const double *x, const double *loc, const double *lam, double factor)
{
    double square = 0.0;
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++)
            square += factor * (x[i] - loc[i]) * lam[i * D + j] * (x[j] - loc[j]);
    return 0.5 * (log_det(lam) + D * log(factor) - D * LOG_2PI - square);
}

static double side(const at *a, const char *lam_name, const char *mu_name, const char *name, int n)
{
    const double zero[D] = {0.0}, *lam = value(a, lam_name), *mu = value(a, mu_name);
    double sum = wishart(lam) + by_precision(mu, zero, lam, 2.0);
    for (int i = 0; i < n; i++)
        sum += by_precision(value(a, name) + i * D, mu, lam, 1.0);
    return sum;
}

static void bpmf_density(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 5; seed++)
        for (int kind = 0; kind < 4; kind++) {
            const bool noise = kind % 2 == 1, biases = kind >= 2;
            const urn_setting settings[] = {{"dim", "3"},
                                            {"noise", noise ? "free" : "fixed"},
                                            {"biases", biases ? "yes" : "no"}};
            at a = evaluate("bpmf", settings, 3, seed);
            const double alpha = noise ? value(&a, "alpha")[0] : 2.0;
            const double *u = value(&a, "U"), *v = value(&a, "V");
            double expected = side(&a, "lam_u", "mu_u", "U", USERS) +
                              side(&a, "lam_v", "mu_v", "V", ITEMS) + (noise ? -alpha : 0.0);
            for (int i = 0; i < USERS && biases; i++)
                expected += normal(value(&a, "bias_u")[i], 0.0, 1.0);
            for (int i = 0; i < ITEMS && biases; i++)
                expected += normal(value(&a, "bias_v")[i], 0.0, 1.0);
            for (int r = 0; r < ROWS; r++) {
                const int64_t i = user[r] - 10, j = item[r] - 1;
                double mean = mean_rating();
                for (int k = 0; k < D; k++)
                    mean += u[i * D + k] * v[j * D + k];
                if (biases)
                    mean += value(&a, "bias_u")[i] + value(&a, "bias_v")[j];
                expected += normal(rating[r], mean, 1.0 / sqrt(alpha));
            }
            same(a.log_density, expected);
            release(&a);
        }
}

static void pmf_sigmoid_density(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 5; seed++)
        for (int kind = 0; kind < 4; kind++) {
            const urn_setting settings[] = {
                {"dim", "3"},           {"noise", kind % 2 == 0 ? "fixed" : "free"},
                {"noise_scale", "1.5"}, {"low", "-2"},
                {"high", "6"},          {"scale_u", "2"},
                {"scale_v", "0.5"},     {"scales", kind < 2 ? "fixed" : "free"}};
            at a = evaluate("pmf_sigmoid", settings, 8, seed);
            double expected = 0.0, s = 1.5, u = 2.0, v = 0.5;
            if (kind % 2 == 1) {
                s = value(&a, "s")[0];
                expected += normal(s, 0.0, 1.5) + log(2.0); /* half-normal */
            }
            if (kind >= 2) {
                u = value(&a, "sigma_u")[0];
                v = value(&a, "sigma_v")[0];
                expected += normal(u, 0.0, 2.0) + normal(v, 0.0, 0.5) + 2.0 * log(2.0);
            }
            same(a.log_density,
                 expected + factors(&a, u, v) + likelihood_sigmoid(&a, s, -2.0, 6.0));
            release(&a);
        }
}

/* Defaults are SYSTEMS' constants, for ratings from half a star to five. */
static void pmf_sigmoid_defaults(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"dim", "3"}};
    at a = evaluate("pmf_sigmoid", settings, 1, 9);
    same(a.log_density, factors(&a, 0.3, 0.3) + likelihood_sigmoid(&a, 0.3, 0.5, 5.0));
    release(&a);
    const urn_setting none = {"noise", "fixed"};
    a = evaluate("pmf_sigmoid", &none, 1, 9);
    assert_int_equal(urn_model_position_size(a.model), 30 * (USERS + ITEMS));
    release(&a);
}

static void refused(const char *name, urn_setting setting, const char *message)
{
    urn_error error;
    urn_model *model = NULL;
    urn_dataset *data = make_data();
    const urn_trace_options trace = {
        .bytes = sizeof trace, .data = data, .settings = &setting, .n_settings = 1};
    const urn_model_def *def = urn__builtin_find(name);
    assert_non_null(def);
    assert_int_equal(urn_model_trace(def, &trace, &model, &error), URN_ERR_MODEL);
    if (strstr(error.message, message) == NULL)
        fail_msg("%s: \"%s\" lacks \"%s\"", name, error.message, message);
    urn_dataset_free(data);
}

static void refusals(void **state)
{
    (void)state;
    for (int i = 0; urn__builtin_at(i) != NULL; i++)
        refused(urn__builtin_at(i)->name, (urn_setting){"dim", "0"},
                "option \"dim\" must be at least 1");
    static const char *const positive[] = {"noise_scale", "scale_u", "scale_v"};
    for (int i = 0; i < 3; i++) {
        refused("pmf", (urn_setting){positive[i], "0"}, "scale_v and scale_b must be positive");
        refused("pmf_sigmoid", (urn_setting){positive[i], "-1"}, "scale_v must be positive");
    }
    refused("bpmf", (urn_setting){"alpha", "0"}, "option \"alpha\" must be positive");
    refused("bpmf", (urn_setting){"df", "2"}, "option \"df\" must be at least dim");
    refused("bpmf", (urn_setting){"alpha", "-2"}, "option \"alpha\" must be positive");
    refused("pmf_sigmoid", (urn_setting){"low", "5"}, "option \"low\" must be below \"high\"");
    refused("pmf_sigmoid", (urn_setting){"high", "0.25"}, "must be below \"high\"");
}

static void table(void **state)
{
    (void)state;
    int n = 0;
    for (const urn_model_def *def; (def = urn__builtin_at(n)) != NULL; n++) {
        assert_ptr_equal(urn__builtin_find(def->name), def);
        assert_true(strlen(def->summary) > 0);
        assert_int_equal(def->abi, URN_ABI_VERSION);
    }
    assert_true(n >= 4);
    assert_null(urn__builtin_at(-1));
    assert_null(urn__builtin_find("hpm"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bpmf_density),         cmocka_unit_test(table),
        cmocka_unit_test(hpmf_density),         cmocka_unit_test(priors_differ),
        cmocka_unit_test(pmf_density),          cmocka_unit_test(pmf_defaults),
        cmocka_unit_test(pmf_sigmoid_density),  cmocka_unit_test(refusals),
        cmocka_unit_test(pmf_sigmoid_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
