/* Small models whose posteriors are known, and their data. */
#ifndef URN_TESTS_ZOO_H
#define URN_TESTS_ZOO_H

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <urn/urn.h>

/* ---- a normal mean: mu ~ N(1, 2), y ~ N(mu, 0.5) ---- */

static void normal_mean(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var mu = urn_sample(m, "mu", normal, .loc = urn_real(m, 1.0), .scale = urn_real(m, 2.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = mu, .scale = urn_real(m, 0.5),
                .plate = rows);
}
URN_MODEL(normal_mean, "normal mean, known noise");

/* ---- a regression: beta_k ~ N(0, 3), y ~ N(X beta, 0.7) ---- */

static void regression(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var x = urn_data_columns(rows, "x*");
    urn_var zero = urn_real(m, 0.0), three = urn_real(m, 3.0);
    urn_var b0 = urn_sample(m, "b0", normal, .loc = zero, .scale = three);
    urn_var b1 = urn_sample(m, "b1", normal, .loc = zero, .scale = three);
    urn_var b2 = urn_sample(m, "b2", normal, .loc = zero, .scale = three);
    urn_var mean = urn_add(urn_add(urn_mul(b0, urn_element(x, 0)), urn_mul(b1, urn_element(x, 1))),
                           urn_mul(b2, urn_element(x, 2)));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = mean,
                .scale = urn_real(m, 0.7), .plate = rows);
}
URN_MODEL(regression, "linear regression, known noise");

/* ---- a rate: lambda ~ Gamma(3, 2), y ~ Poisson(lambda); and a recorded site ---- */

static void rate(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var lambda =
        urn_sample(m, "lambda", gamma, .shape = urn_real(m, 3.0), .rate = urn_real(m, 2.0));
    urn_record(m, "log_lambda", urn_log(lambda));
    urn_observe(m, "y", poisson, .value = urn_data(rows, "y"), .rate = lambda, .plate = rows);
}
URN_MODEL(rate, "Poisson rate");

/* ---- group means: theta_g ~ N(0, 1.5), y ~ N(theta_g, 0.5) ---- */

static void groups(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_plate group = urn_plate_of(m, "group");
    urn_var theta = urn_sample(m, "theta", normal, .loc = urn_real(m, 0.0),
                               .scale = urn_real(m, 1.5), .plate = group);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_gather(theta, urn_index(rows, "group", group)),
                .scale = urn_real(m, 0.5), .plate = rows);
}
URN_MODEL(groups, "group means, known noise");

/* ---- supports: nothing is observed but a row that says nothing about them ---- */

static void supports(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_sample(m, "real", normal, .loc = urn_real(m, 1.0), .scale = urn_real(m, 2.0));
    urn_var top =
        urn_sample(m, "positive", log_normal, .loc = urn_real(m, 0.3), .scale = urn_real(m, 0.4));
    urn_sample(m, "bounded", uniform, .low = urn_real(m, -1.0), .high = urn_real(m, 3.0));
    urn_sample(m, "moving", uniform, .low = urn_real(m, 0.0), .high = top);
    urn_sample(m, "tril", lkj_cholesky, .size = 3, .concentration = urn_real(m, 2.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_real(m, 0.0),
                .scale = urn_real(m, 1.0), .plate = rows);
}
URN_MODEL(supports, "one site of each support");

/* ---- a point-estimated parameter: y ~ N(c, 1) ---- */

static void with_param(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var c = urn_param(m, "c", 0.25, 0, (urn_plate){0});
    urn_var mu = urn_sample(m, "mu", normal, .loc = c, .scale = urn_real(m, 1.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = mu, .scale = urn_real(m, 0.5),
                .plate = rows);
}
URN_MODEL(with_param, "a parameter above a normal mean");

/* ---- a latent site over the rows themselves: x_r ~ N(0, 2), y ~ N(x_r, 0.5) ---- */

static void noisy_rows(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var x = urn_sample(m, "x", normal, .loc = urn_real(m, 0.0), .scale = urn_real(m, 2.0),
                           .plate = rows);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = x, .scale = urn_real(m, 0.5),
                .plate = rows);
}
URN_MODEL(noisy_rows, "one latent site a row");

/* ---- unknown mean and precision: tau ~ Gamma(2, 1), mu ~ N(1, 1 / (tau / 2)), y ~ N(mu, 1 / tau)
 * ---- */

static void mean_and_precision(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var tau = urn_sample(m, "tau", gamma, .shape = urn_real(m, 2.0), .rate = urn_real(m, 1.0));
    urn_var mu =
        urn_sample(m, "mu", normal, .loc = urn_real(m, 1.0), .precision = urn_scaled(tau, 0.5));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = mu, .precision = tau,
                .plate = rows);
}
URN_MODEL(mean_and_precision, "normal mean and precision");

/* ---- a variance: v ~ InverseGamma(3, 2), y ~ N(1, v) ---- */

static void variance(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var v =
        urn_sample(m, "v", inverse_gamma, .shape = urn_real(m, 3.0), .rate = urn_real(m, 2.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_real(m, 1.0),
                .variance = v, .plate = rows);
}
URN_MODEL(variance, "normal variance, known mean");

/* ---- a proportion: p ~ Beta(2, 1.5), y ~ Binomial(6, p) ---- */

static void proportion(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var p = urn_sample(m, "p", beta, .concentration1 = urn_real(m, 2.0),
                           .concentration0 = urn_real(m, 1.5));
    urn_observe(m, "y", binomial, .value = urn_data(rows, "y"), .total = urn_real(m, 6.0),
                .probs = p, .plate = rows);
}
URN_MODEL(proportion, "probability of a binomial");

/* ---- shares: p ~ Dirichlet(1.5, ...), y ~ Categorical(p), 0 .. 4 ---- */

static void shares(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var p = urn_sample(m, "p", dirichlet, .concentration = urn_fill(m, 5, 1.5));
    urn_observe(m, "y", categorical, .value = urn_data(rows, "y"), .probs = p, .plate = rows);
}
URN_MODEL(shares, "probabilities of categories");

/* ---- a precision and a covariance matrix of pairs (y, y^2 / 4) around (1, 1) ---- */

static void matrices(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var y = urn_data(rows, "y"), df = urn_real(m, 4.0), one = urn_fill(m, 2, 1.0);
    urn_var x = urn_stack(y, urn_scaled(urn_square(y), 0.25));
    urn_var lam = urn_sample(m, "lam", wishart, .df = df, .scale = urn_eye(m, 2, 0.5));
    urn_var sigma = urn_sample(m, "sigma", inverse_wishart, .df = df, .scale = urn_eye(m, 2, 2.0));
    urn_observe(m, "a", mvn, .value = x, .loc = one, .precision = lam, .plate = rows);
    urn_observe(m, "b", mvn, .value = x, .loc = one, .covariance = sigma, .plate = rows);
}
URN_MODEL(matrices, "precision and covariance matrices");

/* ---- both parameters of pairs (y, y^2 / 4): lam ~ Wishart(4, I / 2), mu ~ N(1, 1 / (2 lam)) ----
 */

static void centre_and_precision(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var y = urn_data(rows, "y");
    urn_var lam =
        urn_sample(m, "lam", wishart, .df = urn_real(m, 4.0), .scale = urn_eye(m, 2, 0.5));
    urn_var mu =
        urn_sample(m, "mu", mvn, .loc = urn_fill(m, 2, 1.0), .precision = urn_scaled(lam, 2.0));
    urn_observe(m, "x", mvn, .value = urn_stack(y, urn_scaled(urn_square(y), 0.25)), .loc = mu,
                .precision = lam, .plate = rows);
}
URN_MODEL(centre_and_precision, "mean and precision matrix of pairs");

/* ---- a mixture: z ~ Bernoulli(0.4), y ~ N(3 z, 1) ---- */

static void two_kinds(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var z = urn_sample(m, "z", bernoulli, .probs = urn_real(m, 0.4), .plate = rows);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_scaled(z, 3.0),
                .scale = urn_real(m, 1.0), .plate = rows);
}
URN_MODEL(two_kinds, "two kinds of rows");

/* ---- a discrete latent site ---- */

static void discrete(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var z = urn_sample(m, "z", bernoulli, .logits = urn_real(m, 0.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = z, .scale = urn_real(m, 1.0),
                .plate = rows);
}
URN_MODEL(discrete, "a discrete latent site");

/* ---- a density that is nowhere finite: the scale of "y" is negative ---- */

static void impossible(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var mu = urn_sample(m, "mu", normal, .loc = urn_real(m, 0.0), .scale = urn_real(m, 1.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = mu,
                .scale = urn_neg(urn_exp(mu)), .plate = rows);
}
URN_MODEL(impossible, "a negative scale");

/* All models that take a column "y" (whole numbers will do) and a column "group", for tests that
 * walk them. */
typedef struct zoo_model {
    const urn_model_def *(*def)(void);
    const char *refused;   /* the site no gradient engine takes, or NULL */
    const char *not_drawn; /* the one no sampler that follows gradients takes */
    bool broken;           /* its density is never finite */
} zoo_model;

static const zoo_model zoo_models[] = {
    {urn_model_normal_mean, NULL, NULL, false},
    {urn_model_rate, NULL, NULL, false},
    {urn_model_groups, NULL, NULL, false},
    {urn_model_supports, NULL, NULL, false},
    {urn_model_with_param, NULL, "c", false},
    {urn_model_noisy_rows, NULL, NULL, false},
    {urn_model_discrete, "z", NULL, false},
    {urn_model_impossible, NULL, NULL, true},
    {urn_model_mean_and_precision, NULL, NULL, false},
    {urn_model_variance, NULL, NULL, false},
    {urn_model_proportion, NULL, NULL, false},
    {urn_model_shares, NULL, NULL, false},
    {urn_model_two_kinds, "z", NULL, false},
};

#endif
