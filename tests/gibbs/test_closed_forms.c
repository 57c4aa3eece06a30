/* Do the samplers agree? Every conjugate model of the zoo, and the factorisation models on a few
 * ratings, by nuts, hmc and gibbs:
 *
 * - with the posterior in closed form, in unconstrained coordinates, whose means and variances are
 *   those of normals, or digammas and trigammas of the posterior's parameters;
 * - among themselves, on what does not depend on how factors are turned or labels given: the series
 *   of a digest (inference/compare/compare.h), and all products of factors.
 *
 * And every block that gibbs has in closed form is held against the joint density.
 *
 * Means and sds, in standard errors of the chains. Seeds are fixed; right samplers go beyond BOUND
 * once in 15,000 comparisons, of which there are some 700. With URN_AGREE=20 in the environment
 * chains are twenty times as long. */
#include "inference/compare/compare.h"
#include "inference/diagnostics/chains.h"
#include "runtime/model/roles.h"
#include "tests/gibbs/conditionals.h"
#include <gsl/gsl_sf_psi.h>

#define BOUND 4.0

enum { N = 12, CHAINS = 2, COORDINATES = 16, SAMPLERS = 3 };
static const double Y[N] = {2, 0, 3, 1, 4, 1, 2, 2, 0, 3, 1, 2};
static const double GROUP[N] = {0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 0, 2};
static const double X[3][N] = {{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
                               {-2, -1, 0, 1, 2, 3, -3, 2, -1, 1, 0, 1},
                               {1, 0, 2, -1, 1, 0, 0, 1, -2, 3, 1, -1}};

/* A coordinate with its mean and variance. */
typedef struct expected {
    int64_t at; /* in the state */
    double mean, variance;
} expected;

static double sum_of(double (*of)(double))
{
    double sum = 0.0;
    for (int i = 0; i < N; i++)
        sum += of(Y[i]);
    return sum;
}

static double itself(double y)
{
    return y;
}

static double from_one(double y)
{
    return (y - 1.0) * (y - 1.0);
}

static double trigamma(double x)
{
    return gsl_sf_psi_1(x);
}

/* log of a gamma variable; of its inverse the mean has the other sign. */
static expected log_gamma(int64_t at, double shape, double rate, double sign)
{
    return (expected){at, sign * (gsl_sf_psi(shape) - log(rate)), trigamma(shape)};
}

/* log(x / (1 - x)) of a beta variable, moved by `shift`. */
static expected logit_beta(int64_t at, double a, double b, double shift)
{
    return (expected){at, gsl_sf_psi(a) - gsl_sf_psi(b) + shift, trigamma(a) + trigamma(b)};
}

static int of_rate(expected *e)
{
    e[0] = log_gamma(0, 3.0 + sum_of(itself), 2.0 + N, 1.0);
    return 1;
}

static int of_mean_and_precision(expected *e)
{
    const double count = 0.5 + N, mean = (0.5 + sum_of(itself)) / count;
    double square = 0.5 * (mean - 1.0) * (mean - 1.0);
    for (int i = 0; i < N; i++)
        square += (Y[i] - mean) * (Y[i] - mean);
    const double shape = 2.0 + 0.5 * N, rate = 1.0 + 0.5 * square;
    e[0] = log_gamma(0, shape, rate, 1.0);
    e[1] = (expected){1, mean, rate / (shape - 1.0) / count};
    return 2;
}

static int of_variance(expected *e)
{
    e[0] = log_gamma(0, 3.0 + 0.5 * N, 2.0 + 0.5 * sum_of(from_one), -1.0);
    return 1;
}

static int of_proportion(expected *e)
{
    const double successes = sum_of(itself);
    e[0] = logit_beta(0, 2.0 + successes, 1.5 + 6.0 * N - successes, 0.0);
    return 1;
}

/* Part k of the stick against what comes after it. */
static int of_shares(expected *e)
{
    double a[5] = {1.5, 1.5, 1.5, 1.5, 1.5}, after = 7.5 + N;
    for (int i = 0; i < N; i++)
        a[(int)Y[i]] += 1.0;
    for (int k = 0; k < 4; k++) {
        after -= a[k];
        e[k] = logit_beta(k, a[k], after, log(4.0 - k));
    }
    return 4;
}

/* X_11 / W_11 of a Wishart matrix is chi-square with df degrees of freedom, and X_11 / Psi_11 of an
 * inverse one the inverse of one with df - d + 1; the first coordinate is half of log X_11. */
static int of_matrices(expected *e)
{
    double s[3] = {0.0, 0.0, 0.0};
    for (int i = 0; i < N; i++) {
        const double a = Y[i] - 1.0, b = 0.25 * Y[i] * Y[i] - 1.0;
        s[0] += a * a;
        s[1] += a * b;
        s[2] += b * b;
    }
    const double df = 4.0 + N, p[3] = {2.0 + s[0], s[1], 2.0 + s[2]}; /* inverse scale; scale */
    const double w = p[2] / (p[0] * p[2] - p[1] * p[1]);
    const expected lam = log_gamma(0, 0.5 * df, 0.5 / w, 1.0);
    const expected sigma = log_gamma(3, 0.5 * (df - 1.0), 0.5 * p[0], -1.0);
    e[0] = (expected){0, 0.5 * lam.mean, 0.25 * lam.variance};
    e[1] = (expected){3, 0.5 * sigma.mean, 0.25 * sigma.variance};
    return 2;
}

/* lam is Wishart and mu a Student t around the mean of the normal-Wishart distribution. */
static int of_centre_and_precision(expected *e)
{
    double mean[2] = {0.0, 0.0}, s[3] = {2.0, 0.0, 2.0}; /* the inverse of W */
    for (int i = 0; i < N; i++) {
        mean[0] += Y[i] / N;
        mean[1] += 0.25 * Y[i] * Y[i] / N;
    }
    for (int i = 0; i <= N; i++) { /* the last is the prior mean */
        const double weight = i < N ? 1.0 : 2.0 * N / (2.0 + N);
        const double a = (i < N ? Y[i] : 1.0) - mean[0];
        const double b = (i < N ? 0.25 * Y[i] * Y[i] : 1.0) - mean[1];
        s[0] += weight * a * a;
        s[1] += weight * a * b;
        s[2] += weight * b * b;
    }
    const double df = 4.0 + N, beta = 2.0 + N, w = s[2] / (s[0] * s[2] - s[1] * s[1]);
    const expected lam = log_gamma(0, 0.5 * df, 0.5 / w, 1.0);
    e[0] = (expected){0, 0.5 * lam.mean, 0.25 * lam.variance};
    for (int k = 0; k < 2; k++)
        e[1 + k] = (expected){3 + k, (2.0 + N * mean[k]) / beta, s[2 * k] / (beta * (df - 3.0))};
    return 3;
}

/* A normal with its prior, and n values of sum `sum` around it. */
static expected normal_given(int64_t at, double loc, double scale, double n, double sum)
{
    const double precision = 1.0 / (scale * scale) + 4.0 * n;
    return (expected){at, (loc / (scale * scale) + 4.0 * sum) / precision, 1.0 / precision};
}

static int of_normal_mean(expected *e)
{
    e[0] = normal_given(0, 1.0, 2.0, N, sum_of(itself));
    return 1;
}

static int of_groups(expected *e)
{
    for (int g = 0; g < 4; g++) {
        double n = 0.0, sum = 0.0;
        for (int i = 0; i < N; i++) {
            n += GROUP[i] == g;
            sum += GROUP[i] == g ? Y[i] : 0.0;
        }
        e[g] = normal_given(g, 0.0, 1.5, n, sum);
    }
    return 4;
}

static int of_noisy_rows(expected *e)
{
    for (int i = 0; i < N; i++)
        e[i] = normal_given(i, 0.0, 2.0, 1.0, Y[i]);
    return N;
}

/* The inverse of the 3 x 3 precision by cofactors. */
static int of_regression(expected *e)
{
    double q[3][3], h[3], inverse[3][3], det = 0.0;
    for (int i = 0; i < 3; i++) {
        h[i] = 0.0;
        for (int j = 0; j < 3; j++)
            q[i][j] = i == j ? 1.0 / 9.0 : 0.0;
        for (int r = 0; r < N; r++) {
            h[i] += X[i][r] * Y[r] / 0.49;
            for (int j = 0; j < 3; j++)
                q[i][j] += X[i][r] * X[j][r] / 0.49;
        }
    }
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            const int a = (i + 1) % 3, b = (i + 2) % 3, c = (j + 1) % 3, d = (j + 2) % 3;
            inverse[j][i] = q[a][c] * q[b][d] - q[a][d] * q[b][c];
        }
    for (int i = 0; i < 3; i++)
        det += q[0][i] * inverse[i][0];
    for (int i = 0; i < 3; i++) {
        e[i] = (expected){i, 0.0, inverse[i][i] / det};
        for (int j = 0; j < 3; j++)
            e[i].mean += inverse[i][j] * h[j] / det;
    }
    return 3;
}

/* Nothing is known of them but the prior. */
static int of_supports(expected *e)
{
    const double third = acos(-1.0) * acos(-1.0) / 3.0; /* variance of a logistic variable */
    e[0] = (expected){0, 1.0, 4.0};
    e[1] = (expected){1, 0.3, 0.16};
    e[2] = (expected){2, 0.0, third};
    e[3] = (expected){3, 0.0, third};
    return 4;
}

static int of_two_kinds(expected *e)
{
    for (int i = 0; i < N; i++) {
        const double odds = 0.4 / 0.6 * exp(3.0 * Y[i] - 4.5), p = odds / (1.0 + odds);
        e[i] = (expected){i, p, p * (1.0 - p)};
    }
    return N;
}

/* Data are 1.2 lower. */
static int of_discrete(expected *e)
{
    const double p = 1.0 / (1.0 + exp(1.7 * N - sum_of(itself)));
    e[0] = (expected){0, p, p * (1.0 - p)};
    return 1;
}

/* ---- what is run ---- */

typedef struct known {
    const urn_model_def *(*def)(void);
    int (*of)(expected *e); /* NULL: nothing is known but that samplers agree */
    urn_setting settings[4];
    double lower;                  /* data are that much lower */
    int64_t draws, thin[SAMPLERS]; /* a chain; 0: 2,000; steps a draw, 0: 1 */
} known;

const urn_model_def *urn_model_hpmf(void);
const urn_model_def *urn_model_bpmf(void);

static const known models[] = {
    {.def = urn_model_normal_mean, .of = of_normal_mean},
    {.def = urn_model_regression, .of = of_regression},
    {.def = urn_model_rate, .of = of_rate},
    {.def = urn_model_groups, .of = of_groups},
    {.def = urn_model_supports, .of = of_supports},
    {.def = urn_model_noisy_rows, .of = of_noisy_rows},
    {.def = urn_model_mean_and_precision, .of = of_mean_and_precision},
    {.def = urn_model_variance, .of = of_variance},
    {.def = urn_model_proportion, .of = of_proportion},
    {.def = urn_model_shares, .of = of_shares},
    {.def = urn_model_matrices, .of = of_matrices},
    {.def = urn_model_centre_and_precision, .of = of_centre_and_precision},
    {.def = urn_model_two_kinds, .of = of_two_kinds},
    {.def = urn_model_discrete, .of = of_discrete, .lower = 1.2},
};

static const known factor_models[] = {
    {.def = urn_model_hpmf, .settings = {{"dim", "2"}}, .draws = 1000, .thin = {1, 1, 10}},
    {.def = urn_model_bpmf,
     .settings = {{"dim", "2"}, {"df", "6"}, {"noise", "free"}},
     .draws = 1000,
     .thin = {1, 1, 10}},
};

static const char *const samplers[SAMPLERS] = {"nuts", "hmc", "gibbs"};

static int64_t lengthened(int64_t draws)
{
    const char *times = getenv("URN_AGREE");
    return draws * (times != NULL && atoi(times) > 1 ? atoi(times) : 1);
}

/* ---- one number by two samplers ---- */

typedef struct tally {
    double worst; /* distance in standard errors */
    char of[160];
    int n;
} tally;

static void count(tally *t, const char *what, const char *name, const char *of, double z)
{
    if (!(fabs(z) < BOUND))
        print_message("%s, %s of %s: z = %.2f\n", what, of, name, z);
    t->n++;
    if (isnan(z) || fabs(z) > t->worst) {
        t->worst = isnan(z) ? HUGE_VAL : fabs(z);
        snprintf(t->of, sizeof t->of, "%s, %s of %s", what, of, name);
    }
}

typedef struct moments {
    double mean, mcse_mean, sd, mcse_sd;
} moments;

static moments moments_of(urn__chains *chains, const double *draws, int64_t chain_stride,
                          int64_t draw_stride)
{
    urn__chains_read(chains, draws, chain_stride, draw_stride);
    return (moments){urn__chains_mean(chains), urn__mcse_mean(chains), urn__chains_sd(chains),
                     urn__mcse_sd(chains)};
}

/* What never changes (the empty half of a triangle) is left out if it is the same everywhere. */
static void hold_against(tally *t, const char *what, const char *name, const moments *a,
                         const moments *b)
{
    if (isnan(a->mean) && isnan(b->mean) && strncmp(name, "RMSE", 4) == 0)
        return; /* categories have no mean */
    if (a->sd == 0.0 && b->sd == 0.0 && a->mean == b->mean)
        return;
    count(t, what, name, "mean", (a->mean - b->mean) / hypot(a->mcse_mean, b->mcse_mean));
    count(t, what, name, "sd", (a->sd - b->sd) / hypot(a->mcse_sd, b->mcse_sd));
}

static urn__chains *room(int64_t draws)
{
    urn__chains *chains;
    assert_int_equal(urn__chains_new(NULL, CHAINS, draws, &chains, NULL), URN_OK);
    return chains;
}

static void against_closed_form(tally *t, const known *k, const urn_posterior *p, const char *what)
{
    expected e[COORDINATES];
    const int n = k->of != NULL ? k->of(e) : 0;
    const int64_t size = urn_posterior_size(p), draws = urn_posterior_draws(p);
    urn__chains *chains = room(draws);
    for (int i = 0; i < n; i++) {
        char name[32];
        const moments m = moments_of(chains, urn_posterior_loc(p) + e[i].at, draws * size, size);
        const moments truth = {e[i].mean, 0.0, sqrt(e[i].variance), 0.0};
        snprintf(name, sizeof name, "coordinate %d", (int)e[i].at);
        hold_against(t, what, name, &m, &truth);
    }
    urn__chains_free(chains);
}

/* ---- two samplers ---- */

static urn__digest *digest_of(const urn_model *model, const urn_fit *fit)
{
    const urn__digest_input input = {.fitted = model,
                                     .posterior = urn_fit_posterior(fit),
                                     .training = model,
                                     .draws = CHAINS * urn_posterior_draws(urn_fit_posterior(fit)),
                                     .threads = 1};
    urn__digest *d;
    urn_error error = {0};
    assert_ok(urn__digest_run(&input, &d, &error), &error);
    return d;
}

static void hold_digests(tally *t, const char *what, const urn__digest *a, const urn__digest *b)
{
    urn__chains *chains = room(a->n_draws);
    assert_int_equal(a->n_series, b->n_series);
    assert_int_equal(a->n_draws, b->n_draws);
    for (int i = 0; i < a->n_series; i++) {
        if (a->series[i].turns)
            continue;
        const moments m = moments_of(chains, a->series[i].draws, a->n_draws, 1);
        const moments n = moments_of(chains, b->series[i].draws, a->n_draws, 1);
        hold_against(t, what, a->series[i].name, &m, &n);
    }
    urn__chains_free(chains);
}

/* All products of rows of two sites, product by product. */
static double *products_of(const urn_model *model, const urn_fit *fit, int a, int b, int64_t *n)
{
    const urn_compile_options values = {.bytes = sizeof values, .kind = URN_PROGRAM_VALUES};
    const urn_posterior *p = urn_fit_posterior(fit);
    const int64_t all = CHAINS * urn_posterior_draws(p);
    urn_error error = {0};
    urn_program *program;
    urn_replay *replay;
    urn_site_info u, v;
    urn_model_site(model, a, &u);
    urn_model_site(model, b, &v);
    const int64_t d = u.dims[1];
    double *to = malloc((size_t)(u.dims[0] * v.dims[0] * all) * sizeof *to);
    assert_non_null(to);
    assert_ok(urn_program_compile(model, &values, &program, &error), &error);
    assert_ok(urn_replay_new(program, 1, &replay, &error), &error);
    for (int64_t s = 0; s < all; s++) {
        urn_replay_run(replay, urn_posterior_loc(p) + s * urn_posterior_size(p));
        const double *x = urn_replay_result(replay, a, URN_RESULT_VALUE);
        const double *y = urn_replay_result(replay, b, URN_RESULT_VALUE);
        for (int64_t i = 0; i < u.dims[0] * v.dims[0]; i++) {
            double *sum = &to[i * all + s];
            *sum = 0.0;
            for (int64_t k = 0; k < d; k++)
                *sum += x[i / v.dims[0] * d + k] * y[i % v.dims[0] * d + k];
        }
    }
    urn_replay_free(replay);
    urn_program_free(program);
    *n = u.dims[0] * v.dims[0];
    return to;
}

static void hold_products(tally *t, const char *what, const urn_model *model, const urn_fit *one,
                          const urn_fit *other)
{
    const int64_t draws = urn_posterior_draws(urn_fit_posterior(one)), all = CHAINS * draws;
    int a, b;
    for (int k = 0; urn__model_factors(model, k, &a, &b); k++) {
        int64_t n;
        double *x = products_of(model, one, a, b, &n), *y = products_of(model, other, a, b, &n);
        urn__chains *chains = room(draws);
        for (int64_t i = 0; i < n; i++) {
            char name[32];
            const moments m = moments_of(chains, x + i * all, draws, 1);
            const moments o = moments_of(chains, y + i * all, draws, 1);
            snprintf(name, sizeof name, "product %d", (int)i);
            hold_against(t, what, name, &m, &o);
        }
        urn__chains_free(chains);
        free(x);
        free(y);
    }
}

/* ---- a model ---- */

static urn_model *trace_known(const known *k, const urn_dataset *data)
{
    int n = 0;
    while (k->settings[n].name != NULL)
        n++;
    const urn_trace_options options = {
        .bytes = sizeof options, .data = data, .settings = k->settings, .n_settings = (size_t)n};
    urn_error error = {0};
    urn_model *model;
    assert_ok(urn_model_trace(k->def(), &options, &model, &error), &error);
    return model;
}

static urn_fit *fit_by(const known *k, int sampler, urn_model *model)
{
    static const urn_setting path[] = {{"path", "2"}, {"jitter", "0.3"}};
    const urn_fit_options options = {.bytes = sizeof options,
                                     .engine = urn_engine_find(samplers[sampler]),
                                     .settings = path,
                                     .n_settings = sampler == 1 ? 2 : 0,
                                     .chains = CHAINS,
                                     .warmup = 500,
                                     .draws = lengthened(k->draws > 0 ? k->draws : 2000),
                                     .thin = k->thin[sampler] > 0 ? k->thin[sampler] : 1,
                                     .threads = 1,
                                     .seed = 3};
    urn_error error = {0};
    urn_fit *fit = NULL;
    const urn_status status = urn_fit_run(model, &options, &fit, &error);
    if (status == URN_ERR_MODEL && sampler < 2) /* a discrete site, which gibbs alone takes */
        assert_string_equal(error.site, "z");
    else
        assert_ok(status, &error);
    return fit;
}

static void check_blocks(const urn_model *model)
{
    urn_error error = {0};
    urn__gibbs *g = derive(model, 1);
    assert_ok(urn__gibbs_open(g, &error), &error);
    assert_true(check_conditionals(g, urn_model_name(model), 4) > 0);
    urn__gibbs_free(g);
}

/* Returns how many samplers took the model. */
static int run_known(tally *t, const known *k, const urn_dataset *data)
{
    urn_model *model = trace_known(k, data);
    urn_fit *fit[SAMPLERS];
    urn__digest *digest[SAMPLERS] = {NULL};
    char what[128];
    int fits = 0;
    check_blocks(model);
    for (int i = SAMPLERS - 1; i >= 0; i--) {
        fit[i] = fit_by(k, i, model);
        if (fit[i] == NULL)
            continue;
        fits++;
        digest[i] = digest_of(model, fit[i]);
        snprintf(what, sizeof what, "%s by %s", k->def()->name, samplers[i]);
        against_closed_form(t, k, urn_fit_posterior(fit[i]), what);
        snprintf(what, sizeof what, "%s by %s and gibbs", k->def()->name, samplers[i]);
        if (i < SAMPLERS - 1) {
            hold_digests(t, what, digest[i], digest[SAMPLERS - 1]);
            hold_products(t, what, model, fit[i], fit[SAMPLERS - 1]);
        }
    }
    for (int i = 0; i < SAMPLERS; i++) {
        urn__digest_free(digest[i]);
        urn_fit_free(fit[i]);
    }
    urn_model_free(model);
    return fits;
}

static void report(const tally *t)
{
    print_message("%d comparisons; the largest distance is %.2f standard errors: %s\n", t->n,
                  t->worst, t->of);
    assert_true(t->worst < BOUND);
}

static urn_dataset *zoo_data(double lower)
{
    static const char *const names[] = {"y", "group", "x0", "x1", "x2"};
    double y[N];
    const double *const columns[] = {y, GROUP, X[0], X[1], X[2]};
    for (int i = 0; i < N; i++)
        y[i] = Y[i] - lower;
    return dataset_of(N, names, columns, 5);
}

static void conjugate_models(void **state)
{
    (void)state;
    tally t = {0};
    int fits = 0;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        urn_dataset *data = zoo_data(models[i].lower);
        fits += run_known(&t, &models[i], data);
        urn_dataset_free(data);
    }
    assert_int_equal(fits, SAMPLERS * (int)(sizeof models / sizeof models[0]) - 4);
    report(&t);
}

/* Five users, four items, two thirds of the cells. */
static void factorisations(void **state)
{
    (void)state;
    enum { ROWS = 14 };
    static const char *const names[] = {"user", "item", "rating"};
    double user[ROWS], item[ROWS], rating[ROWS];
    const double *const columns[] = {user, item, rating};
    tally t = {0};
    for (int i = 0, cell = 0; i < ROWS; cell++) {
        if (cell % 3 == 1 && cell != 10)
            continue;
        const int u = cell / 4, v = cell % 4;
        user[i] = u;
        item[i] = v;
        rating[i++] = 1.5 * sin(1.0 + u) * cos(2.0 * v) + 0.4 * sin(3.7 * cell);
    }
    urn_dataset *data = dataset_in("", ROWS, names, columns, 3);
    for (size_t i = 0; i < sizeof factor_models / sizeof factor_models[0]; i++)
        assert_int_equal(run_known(&t, &factor_models[i], data), SAMPLERS);
    urn_dataset_free(data);
    report(&t);
}

/* Models of the zoo are compared, or have no posterior that nuts and gibbs both draw from. */
static void none_is_left_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof zoo_models / sizeof zoo_models[0]; i++) {
        bool listed = zoo_models[i].broken || zoo_models[i].not_drawn != NULL;
        for (size_t k = 0; k < sizeof models / sizeof models[0]; k++)
            listed = listed || models[k].def == zoo_models[i].def;
        if (!listed)
            fail_msg("model %s is not compared", zoo_models[i].def()->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conjugate_models),
        cmocka_unit_test(factorisations),
        cmocka_unit_test(none_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
