/* Zoo models whose posteriors are known in closed form: what every sampler makes of them, in
 * unconstrained coordinates, whose means and variances are digammas and trigammas of the
 * posterior's parameters. Within five standard errors of the chains. */
#include "inference/diagnostics/chains.h"
#include "tests/inference/models.h"
#include <gsl/gsl_sf_psi.h>

enum { N = 12 };
static const double Y[N] = {2, 0, 3, 1, 4, 1, 2, 2, 0, 3, 1, 2};

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

static int of_two_kinds(expected *e)
{
    for (int i = 0; i < N; i++) {
        const double odds = 0.4 / 0.6 * exp(3.0 * Y[i] - 4.5), p = odds / (1.0 + odds);
        e[i] = (expected){i, p, p * (1.0 - p)};
    }
    return N;
}

typedef struct known {
    const urn_model_def *(*def)(void);
    int (*of)(expected *e);
} known;

static const known models[] = {
    {urn_model_rate, of_rate},           {urn_model_mean_and_precision, of_mean_and_precision},
    {urn_model_variance, of_variance},   {urn_model_proportion, of_proportion},
    {urn_model_shares, of_shares},       {urn_model_matrices, of_matrices},
    {urn_model_two_kinds, of_two_kinds},
};

static void check_moments(const urn_posterior *p, const char *what, const expected *e, int n)
{
    urn__chains *chains;
    const int64_t size = urn_posterior_size(p), draws = urn_posterior_draws(p);
    const int64_t n_chains = urn_posterior_chains(p);
    assert_int_equal(urn__chains_new(NULL, n_chains, draws, &chains, NULL), URN_OK);
    for (int k = 0; k < n; k++) {
        urn__chains_read(chains, urn_posterior_loc(p) + e[k].at, draws * size, size);
        const double mean = urn__chains_mean(chains), sd = urn__chains_sd(chains);
        const double z = (mean - e[k].mean) / urn__mcse_mean(chains);
        const double z_sd = (sd - sqrt(e[k].variance)) / urn__mcse_sd(chains);
        if (!(fabs(z) < 5.0) || !(fabs(z_sd) < 5.0))
            fail_msg("%s, coordinate %ld: mean %g (%g, z = %.1f), sd %g (%g, z = %.1f)", what,
                     (long)e[k].at, mean, e[k].mean, z, sd, sqrt(e[k].variance), z_sd);
    }
    urn__chains_free(chains);
}

static void samplers_agree_with_closed_forms(void **state)
{
    (void)state;
    int fits = 0;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        for (int k = 0; k < urn_engine_count(); k++) {
            const urn_engine *engine = urn_engine_at(k);
            scene s = scene_y(models[i].def(), N, Y);
            urn_error error = {0};
            urn_fit *fit = NULL;
            expected e[N];
            char what[128];
            const urn_fit_options options = {.bytes = sizeof options,
                                             .engine = engine,
                                             .chains = 2,
                                             .warmup = 500,
                                             .draws = 3000,
                                             .threads = 1,
                                             .seed = 3};
            if (engine->kind == URN__SAMPLER) {
                const urn_status status = urn_fit_run(s.model, &options, &fit, &error);
                snprintf(what, sizeof what, "%s by %s", models[i].def()->name, engine->name);
                if (status == URN_OK) {
                    check_moments(urn_fit_posterior(fit), what, e, models[i].of(e));
                    fits++;
                } else { /* a discrete site, which gibbs alone takes */
                    assert_int_equal(status, URN_ERR_MODEL);
                    assert_string_equal(error.site, "z");
                    assert_string_not_equal(engine->name, "gibbs");
                }
            }
            urn_fit_free(fit);
            scene_clear(&s);
        }
    assert_int_equal(fits, 3 * 7 - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samplers_agree_with_closed_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
