/* Sentences whose words make another family: truncation, censoring, mixtures, order; log densities
 * as values. Log densities and slopes against formulas by GSL, on every path; predictions;
 * messages.
 */
#include "tests/model/density_test.h"

#include <gsl/gsl_cdf.h>

enum { N = 17 };
static double y_first[N], y_second[N], y_real[N], y_above[N], y_time[N], y_limit[N], y_count[N];

static urn_dataset *columns(void)
{
    dice d = {11};
    urn_dataset *data = rows_new(N);
    for (int i = 0; i < N; i++) {
        y_real[i] = 1.5 * dice_normal(&d);
        y_above[i] = 0.5 + fabs(dice_normal(&d));
        y_limit[i] = 0.4 + dice_uniform(&d);
        y_time[i] = fmin(-log(dice_uniform(&d)), y_limit[i]);
        y_count[i] = 1.0 + (double)dice_below(&d, 6);
    }
    for (int i = 0; i < N; i++) {
        y_first[i] = 1.3 * dice_normal(&d);
        y_second[i] = 0.4 * y_first[i] + dice_normal(&d);
    }
    rows_real(data, "v1", y_first);
    rows_real(data, "v2", y_second);
    rows_real(data, "real", y_real);
    rows_real(data, "above", y_above);
    rows_real(data, "time", y_time);
    rows_real(data, "limit", y_limit);
    rows_real(data, "count", y_count);
    return data;
}

static void check(const urn_model_def *def, formula *expected)
{
    urn_dataset *data = columns();
    check_model_density(def, data, expected);
    urn_dataset_free(data);
}

/* ---- truncation ---- */

static void truncated(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var one = urn_real(m, 1.0), half = urn_real(m, 0.5);
    urn_var loc = urn_sample(m, "loc", normal, .loc = urn_real(m, 0.0), .scale = one);
    urn_var scale = urn_sample(m, "scale", gamma, .shape = urn_real(m, 3.0), .rate = one,
                               .truncate_above = urn_real(m, 4.0));
    urn_observe(m, "above", normal, .value = urn_data(rows, "above"), .loc = loc, .scale = scale,
                .truncate_below = half, .plate = rows);
    urn_observe(m, "between", student_t, .value = urn_data(rows, "real"),
                .df = urn_shifted(scale, 1), .loc = loc, .scale = one,
                .truncate_below = urn_real(m, -6.0), .truncate_above = urn_real(m, 7.0),
                .plate = rows);
    urn_observe(m, "count", poisson, .value = urn_data(rows, "count"), .rate = scale,
                .truncate_below = one, .plate = rows);
}

static double truncated_formula(const urn_model *model, const double *x)
{
    (void)model;
    const double s = sigmoid(x[1]), loc = x[0], scale = 4.0 * s;
    double lp = lp_normal(loc, 0.0, 1.0) + lp_gamma(scale, 3.0, 1.0) -
                log(gsl_cdf_gamma_P(4.0, 3.0, 1.0)) + log(4.0 * s * (1.0 - s));
    for (int i = 0; i < N; i++) {
        lp += lp_normal(y_above[i], loc, scale) - log(gsl_cdf_gaussian_Q(0.5 - loc, scale));
        lp +=
            lp_student_t(y_real[i], scale + 1.0, loc, 1.0) -
            log(gsl_cdf_tdist_P(7.0 - loc, scale + 1.0) - gsl_cdf_tdist_P(-6.0 - loc, scale + 1.0));
        lp += lp_poisson(y_count[i], scale) - log1p(-exp(-scale));
    }
    return lp;
}

static void truncation(void **state)
{
    (void)state;
    check(DEF(truncated), truncated_formula);
}

/* Far out, where the distribution function is 1 to all digits: the tail is exponential there. */
static void far_out(urn_model *m)
{
    urn_var x = urn_sample(m, "x", normal, .loc = urn_real(m, 0.0), .scale = urn_real(m, 1.0),
                           .truncate_below = urn_real(m, 50.0));
    urn_observe(m, "y", truncated_normal, .value = urn_real(m, -50.1), .loc = urn_scaled(x, 0.01),
                .scale = urn_real(m, 1.0), .high = urn_real(m, -50.0));
}

/* log Q(z) for large z: Mills' ratio as a continued fraction. */
static double log_tail(double z)
{
    double fraction = z;
    for (int k = 40; k > 0; k--)
        fraction = z + (double)k / fraction;
    return -0.5 * z * z - 0.5 * log(2.0 * M_PI) - log(fraction);
}

static double far_out_formula(const urn_model *model, const double *p)
{
    (void)model;
    const double x = 50.0 + exp(p[0]), loc = 0.01 * x, z = 50.0 + loc;
    return -0.5 * x * x - 0.5 * log(2.0 * M_PI) - log_tail(50.0) + p[0] -
           0.5 * (50.1 + loc) * (50.1 + loc) - 0.5 * log(2.0 * M_PI) - log_tail(z);
}

static void far_truncation(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(far_out), NULL);
    machine d = machine_of(model, URN_PROGRAM_DENSITY);
    for (double p = -2.0; p < 2.5; p += 1.0) { /* a float of x has lost what is looked at here */
        double gradient, at = p;
        const double value = urn_replay_log_density(d.replay, &at, &gradient);
        assert_near(value, far_out_formula(model, &at), 1e-11, "log density");
        check_gradient(model, far_out_formula, &at, &gradient);
    }
    machine_clear(&d);
    machine v = machine_of(model, URN_PROGRAM_SIMULATE);
    const double *x = NULL;
    double sum = 0.0;
    for (uint64_t step = 0; step < 4000; step++) {
        urn_replay_seed(v.replay, 1, 0, step);
        urn_replay_run(v.replay, NULL);
        x = urn_replay_result(v.replay, site_of(model, "x"), URN_RESULT_VALUE);
        assert_true(x[0] >= 50.0);
        sum += x[0] - 50.0;
    }
    /* the excess has mean 1 / 50 - 2 / 50^3 and about that sd: five standard errors */
    assert_near(sum / 4000.0, 0.02 - 2.0 / 125000.0, 5 * 0.02 / sqrt(4000.0), "mean excess");
    machine_clear(&v);
    urn_model_free(model);
}

/* ---- censoring ---- */

static void censored(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var one = urn_real(m, 1.0);
    urn_var rate = urn_sample(m, "rate", gamma, .shape = one, .rate = one);
    urn_var loc = urn_sample(m, "loc", normal, .loc = urn_real(m, 0.0), .scale = one);
    urn_observe(m, "time", exponential, .value = urn_data(rows, "time"), .rate = rate,
                .censor_above = urn_data(rows, "limit"), .plate = rows);
    urn_observe(m, "tobit", normal, .value = urn_maximum(urn_data(rows, "real"), urn_real(m, -0.3)),
                .loc = loc, .scale = one, .censor_below = urn_real(m, -0.3), .plate = rows);
    urn_observe(m, "count", poisson, .value = urn_data(rows, "count"), .rate = rate,
                .censor_above = urn_real(m, 5.0), .plate = rows);
}

static double censored_formula(const urn_model *model, const double *x)
{
    (void)model;
    const double rate = exp(x[0]), loc = x[1];
    double lp = lp_gamma(rate, 1.0, 1.0) + x[0] + lp_normal(loc, 0.0, 1.0);
    for (int i = 0; i < N; i++) {
        lp += y_time[i] >= y_limit[i] ? -rate * y_limit[i] : lp_exponential(y_time[i], rate);
        lp += y_real[i] <= -0.3 ? log(gsl_cdf_gaussian_P(-0.3 - loc, 1.0))
                                : lp_normal(y_real[i], loc, 1.0);
        lp += y_count[i] >= 5.0 ? log(gsl_cdf_poisson_Q(4, rate)) : lp_poisson(y_count[i], rate);
    }
    return lp;
}

static void censoring(void **state)
{
    (void)state;
    check(DEF(censored), censored_formula);
}

/* ---- mixtures and order ---- */

static void mixed(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var zero = urn_real(m, 0.0), two = urn_real(m, 2.0);
    urn_var mu = urn_sample(m, "mu", normal, .loc = zero, .scale = two, .ordered = true, .size = 2);
    urn_var sigma = urn_sample(m, "sigma", half_normal, .scale = urn_fill(m, 2, 2.0));
    urn_var theta = urn_sample(m, "theta", beta, .concentration1 = urn_real(m, 5.0),
                               .concentration0 = urn_real(m, 5.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "real"), .loc = mu, .scale = sigma,
                .mixture = urn_stack(theta, urn_sub(urn_real(m, 1.0), theta)), .plate = rows);
}

/* Where the density itself underflows, too. */
static double lp_gaussian(double x, double loc, double scale)
{
    const double z = (x - loc) / scale;
    return -0.5 * (z * z + log(2.0 * M_PI)) - log(scale);
}

static double mixed_formula(const urn_model *model, const double *x)
{
    (void)model;
    const double mu[2] = {x[0], x[0] + exp(x[1])}, sigma[2] = {exp(x[2]), exp(x[3])};
    const double theta = sigmoid(x[4]);
    double lp =
        x[1] + x[2] + x[3] + log(theta * (1.0 - theta)) + log(gsl_ran_beta_pdf(theta, 5.0, 5.0));
    for (int k = 0; k < 2; k++)
        lp += lp_normal(mu[k], 0.0, 2.0) + lp_half_normal(sigma[k], 2.0);
    for (int i = 0; i < N; i++) {
        const double a = log(theta) + lp_gaussian(y_real[i], mu[0], sigma[0]);
        const double b = log1p(-theta) + lp_gaussian(y_real[i], mu[1], sigma[1]);
        lp += fmax(a, b) + log1p(exp(-fabs(a - b)));
    }
    return lp;
}

static void mixtures(void **state)
{
    (void)state;
    urn_dataset *data = columns();
    urn_model *model = trace_data(DEF(mixed), data);
    /* narrow components change shares within a step of the differences */
    check_density(model, &(density_case){.expected = mixed_formula, .spread = 0.4});
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- mixtures of vectors: three components of two elements; what differs by component, by row,
 * by neither ---- */

enum { K = 3 };
static const double l_shared[4] = {1.0, 0.0, -0.6, 0.8}, l_own[4] = {0.9, 0.0, 0.3, 1.1};
static const double on_simplex[3] = {0.2, 0.5, 0.3}, counted[3] = {2.0, 0.0, 5.0};

static void vectors(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), k = urn_plate_size(m, "k", K);
    urn_var one = urn_real(m, 1.0), two = urn_real(m, 2.0), y = urn_data_columns(rows, "v*");
    urn_var mu = urn_sample(m, "mu", normal, .loc = urn_zeros(m, 2), .scale = two, .plate = k);
    urn_var s = urn_sample(m, "s", half_normal, .scale = one);
    urn_var each = urn_sample(m, "each", half_normal, .scale = one, .plate = k);
    urn_var logits = urn_sample(m, "logits", normal, .loc = urn_zeros(m, K), .scale = one);
    urn_var c = urn_sample(m, "c", normal, .loc = urn_zeros(m, K), .scale = one, .plate = k);
    urn_var own = urn_as_event(urn_mul(each, urn_matrix(m, 2, 2, l_own)));
    urn_var concentration = urn_as_event(urn_exp(c));
    urn_observe(m, "shared", mvn, .value = y, .loc = urn_as_event(mu),
                .scale_tril = urn_mul(s, urn_matrix(m, 2, 2, l_shared)), .mixture_logits = logits,
                .plate = rows);
    urn_observe(m, "own", mvn_student_t, .value = y, .df = urn_shifted(s, 1.0),
                .loc = urn_add(urn_as_event(mu), urn_data(rows, "real")), .scale_tril = own,
                .mixture = urn_softmax(logits), .plate = rows);
    urn_observe(m, "share", dirichlet, .value = urn_vector(m, 3, on_simplex),
                .concentration = concentration, .mixture_logits = logits);
    urn_observe(m, "counts", multinomial, .value = urn_vector(m, 3, counted),
                .total = urn_real(m, 7.0), .probs = urn_softmax(urn_as_event(c)),
                .mixture_logits = logits);
    urn_observe(m, "kind", categorical, .value = urn_sub(urn_data(rows, "count"), one),
                .logits = urn_concat(urn_as_event(c), urn_as_event(c)), .mixture_logits = logits,
                .plate = rows);
}

static double lp_mixture(const double *logits, const double *lp)
{
    double norm = 0.0, high = -INFINITY, sum = 0.0;
    for (int k = 0; k < K; k++) {
        norm += exp(logits[k]);
        high = fmax(high, logits[k] + lp[k]);
    }
    for (int k = 0; k < K; k++)
        sum += exp(logits[k] + lp[k] - high);
    return high + log(sum) - log(norm);
}

/* scale^2 L L^T */
static void covariance_of(const double *l, double scale, double *s)
{
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            s[2 * i + j] = scale * scale * (l[2 * i] * l[2 * j] + l[2 * i + 1] * l[2 * j + 1]);
}

static double lp_mvn_t(const double *y, double df, const double *loc, const double *s)
{
    const double det = s[0] * s[3] - s[1] * s[2];
    const double square = -2.0 * lp_mvn(2, y, loc, s) - 2.0 * log(2.0 * M_PI) - log(det);
    return lgamma(0.5 * df + 1.0) - lgamma(0.5 * df) - log(df * M_PI) - 0.5 * log(det) -
           (0.5 * df + 1.0) * log1p(square / df);
}

static double vectors_formula(const urn_model *model, const double *x)
{
    (void)model;
    const double *mu = x, *logits = x + 10, *c = x + 13, s = exp(x[6]);
    double lp = x[6] + lp_half_normal(s, 1.0), of[K], shared[4], own[4];
    for (int k = 0; k < 2 * K; k++)
        lp += lp_normal(mu[k], 0.0, 2.0);
    for (int k = 0; k < K; k++)
        lp += x[7 + k] + lp_half_normal(exp(x[7 + k]), 1.0) + lp_normal(logits[k], 0.0, 1.0);
    for (int k = 0; k < K * K; k++)
        lp += lp_normal(c[k], 0.0, 1.0);
    covariance_of(l_shared, s, shared);
    for (int i = 0; i < N; i++) {
        const double y[2] = {y_first[i], y_second[i]};
        for (int k = 0; k < K; k++)
            of[k] = lp_mvn(2, y, mu + 2 * k, shared);
        lp += lp_mixture(logits, of);
        for (int k = 0; k < K; k++) {
            const double loc[2] = {mu[2 * k] + y_real[i], mu[2 * k + 1] + y_real[i]};
            covariance_of(l_own, exp(x[7 + k]), own);
            of[k] = lp_mvn_t(y, s + 1.0, loc, own);
        }
        lp += lp_mixture(logits, of);
        for (int k = 0; k < K; k++) { /* each category twice */
            const double *e = c + 3 * k;
            of[k] = e[((int)y_count[i] - 1) % 3] - log(2.0 * (exp(e[0]) + exp(e[1]) + exp(e[2])));
        }
        lp += lp_mixture(logits, of);
    }
    const unsigned n[3] = {2, 0, 5};
    for (int k = 0; k < K; k++) {
        const double e[3] = {exp(c[3 * k]), exp(c[3 * k + 1]), exp(c[3 * k + 2])};
        of[k] = gsl_ran_dirichlet_lnpdf(3, e, on_simplex);
    }
    lp += lp_mixture(logits, of);
    for (int k = 0; k < K; k++) {
        const double e[3] = {exp(c[3 * k]), exp(c[3 * k + 1]), exp(c[3 * k + 2])};
        of[k] = gsl_ran_multinomial_lnpdf(3, e, n);
    }
    return lp + lp_mixture(logits, of);
}

static void mixtures_of_vectors(void **state)
{
    (void)state;
    urn_dataset *data = columns();
    urn_model *model = trace_data(DEF(vectors), data);
    assert_string_equal(info_of(model, "own").family->name, "mixture of mvn_student_t");
    check_density(model, &(density_case){.expected = vectors_formula, .spread = 0.4});
    urn_model_free(model);
    urn_dataset_free(data);
}

/* A latent mixture of vectors: its draws and summaries. */
static void drawn_vectors(urn_model *m)
{
    static const double loc[6] = {-1.0, 0.5, 2.0, 1.0, 0.0, -3.0}, weight[3] = {0.2, 0.5, 0.3};
    urn_var x = urn_sample(m, "x", mvn, .loc = urn_matrix(m, 3, 2, loc),
                           .scale_tril = urn_matrix(m, 2, 2, l_shared),
                           .mixture = urn_vector(m, 3, weight));
    urn_observe(m, "y", mvn, .value = x, .loc = urn_matrix(m, 3, 2, loc),
                .scale_tril = urn_matrix(m, 2, 2, l_shared), .mixture = urn_vector(m, 3, weight));
}

static void draws_of_vectors(void **state)
{
    (void)state;
    /* mean 0.2 (-1, 0.5) + 0.5 (2, 1) + 0.3 (0, -3); covariance L L^T plus that of the means */
    static const double mean[2] = {0.8, -0.3};
    static const double covariance[4] = {1.0 + 1.56, -0.6 + 1.14, -0.6 + 1.14, 1.0 + 3.16};
    enum { DRAWS = 20000 };
    urn_model *model = trace_data(DEF(drawn_vectors), NULL);
    machine s = machine_of(model, URN_PROGRAM_SIMULATE), c = machine_of(model, URN_PROGRAM_CENTRE);
    machine p = machine_of(model, URN_PROGRAM_PREDICT);
    double sum[2] = {0}, squares[4] = {0};
    for (uint64_t step = 0; step < DRAWS; step++) {
        urn_replay_seed(s.replay, 4, 0, step);
        urn_replay_run(s.replay, NULL);
        const double *x = urn_replay_result(s.replay, site_of(model, "x"), URN_RESULT_VALUE);
        for (int i = 0; i < 2; i++)
            sum[i] += x[i] / DRAWS;
        for (int i = 0; i < 4; i++)
            squares[i] += (x[i / 2] - mean[i / 2]) * (x[i % 2] - mean[i % 2]) / DRAWS;
    }
    for (int i = 0; i < 2; i++)
        assert_near(sum[i], mean[i], 5.0 * sqrt(covariance[3 * i] / DRAWS), "mean of draws");
    for (int i = 0; i < 4; i++)
        assert_near(squares[i], covariance[i], 5.0 * 2.0 * 4.2 / sqrt(DRAWS), "their covariance");
    urn_replay_run(c.replay, NULL);
    const double *centre = urn_replay_result(c.replay, site_of(model, "x"), URN_RESULT_VALUE);
    assert_true(centre[0] == 2.0 && centre[1] == 1.0); /* of the heaviest component */
    urn_error error = {0};
    assert_ok(urn_replay_input(p.replay, site_of(model, "x"), mean, 2, &error), &error);
    urn_replay_run(p.replay, NULL);
    for (int i = 0; i < 2; i++)
        assert_near(urn_replay_result(p.replay, site_of(model, "y"), URN_RESULT_MEAN)[i], mean[i],
                    1e-14, "mean");
    machine_clear(&s);
    machine_clear(&c);
    machine_clear(&p);
    urn_model_free(model);
}

/* Components of several families, weights as logits, through values. */
static void several(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var zero = urn_real(m, 0.0), one = urn_real(m, 1.0), y = urn_data(rows, "real");
    urn_var loc = urn_sample(m, "loc", normal, .loc = zero, .scale = one);
    urn_var weight = urn_sample(m, "weight", normal, .loc = zero, .scale = one);
    urn_var light = urn_log_density(m, normal, .value = y, .loc = loc, .scale = one, .plate = rows);
    urn_var heavy = urn_log_density(m, cauchy, .value = y, .loc = loc, .scale = one, .plate = rows);
    urn_factor(m, "y",
               urn_log_add_exp(urn_add(light, urn_log_sigmoid(weight)),
                               urn_add(heavy, urn_log_sigmoid(urn_neg(weight)))));
    /* one value against a vector of locations, then summed */
    urn_var at = urn_vector(m, 3, (double[]){-1.0, 0.0, 2.0});
    urn_factor(m, "grid",
               urn_logsumexp(urn_log_density(m, normal, .value = loc, .loc = at, .scale = one)));
}

static double several_formula(const urn_model *model, const double *x)
{
    (void)model;
    const double w = sigmoid(x[1]), loc = x[0];
    double lp = lp_normal(loc, 0.0, 1.0) + lp_normal(x[1], 0.0, 1.0), grid = 0.0;
    for (int i = 0; i < N; i++)
        lp += log(w * gsl_ran_gaussian_pdf(y_real[i] - loc, 1.0) +
                  (1.0 - w) * gsl_ran_cauchy_pdf(y_real[i] - loc, 1.0));
    for (int k = 0; k < 3; k++)
        grid += gsl_ran_gaussian_pdf(loc - (k == 0 ? -1.0 : k == 1 ? 0.0 : 2.0), 1.0);
    return lp + log(grid);
}

static void log_densities_as_values(void **state)
{
    (void)state;
    check(DEF(several), several_formula);
}

/* ---- what mixtures and limits predict ---- */

static void predicted(urn_model *m)
{
    urn_var two = urn_real(m, 2.0), one = urn_real(m, 1.0);
    const double loc[2] = {-1.0, 3.0}, weight[2] = {0.25, 0.75};
    urn_var x = urn_sample(m, "x", normal, .loc = one, .scale = one);
    urn_observe(m, "mixture", normal, .value = x, .loc = urn_vector(m, 2, loc), .scale = one,
                .mixture = urn_vector(m, 2, weight));
    urn_observe(m, "limit", normal, .value = x, .loc = one, .scale = two, .censor_above = two);
    urn_observe(m, "cut", normal, .value = urn_minimum(x, two), .loc = one, .scale = two,
                .truncate_above = two);
}

static double at(const machine *v, const urn_model *model, const char *site, urn_result what)
{
    return urn_replay_result(v->replay, site_of(model, site), what)[0];
}

static void predictions(void **state)
{
    (void)state;
    urn_error error = {0};
    urn_model *model = trace_data(DEF(predicted), NULL);
    machine v = machine_of(model, URN_PROGRAM_PREDICT);
    const double x = 1.7, z = 0.5, phi = gsl_ran_ugaussian_pdf(z), below = gsl_cdf_ugaussian_P(z);
    assert_ok(urn_replay_input(v.replay, site_of(model, "x"), &x, 1, &error), &error);
    double sum[3] = {0};
    static const char *const sites[3] = {"mixture", "limit", "cut"};
    enum { DRAWS = 4000 };
    for (uint64_t step = 0; step < DRAWS; step++) {
        urn_replay_seed(v.replay, 1, 0, step);
        urn_replay_run(v.replay, NULL);
        for (int k = 0; k < 3; k++)
            sum[k] += at(&v, model, sites[k], URN_RESULT_DRAW);
    }
    /* E max(X, limit) by its formula; E(X | X < limit) = loc - scale phi / Phi */
    const double mean[3] = {0.25 * -1.0 + 0.75 * 3.0, below * 1.0 - 2.0 * phi + (1.0 - below) * 2.0,
                            1.0 - 2.0 * phi / below};
    for (int k = 0; k < 3; k++) {
        assert_near(at(&v, model, sites[k], URN_RESULT_MEAN), mean[k], 1e-9, sites[k]);
        assert_near(sum[k] / DRAWS, mean[k], 5.0 * 2.1 / sqrt((double)DRAWS), sites[k]);
    }
    assert_near(at(&v, model, "mixture", URN_RESULT_CDF),
                0.25 * gsl_cdf_ugaussian_P(2.7) + 0.75 * gsl_cdf_ugaussian_P(-1.3), 1e-14, "cdf");
    assert_near(at(&v, model, "limit", URN_RESULT_CDF), gsl_cdf_ugaussian_P(0.35), 1e-14, "cdf");
    assert_near(at(&v, model, "cut", URN_RESULT_CDF), gsl_cdf_ugaussian_P(0.35) / below, 1e-14,
                "cdf");
    machine_clear(&v);
    urn_model_free(model);
}

/* ---- order: starts and draws ---- */

static void in_order(urn_model *m)
{
    urn_var zero = urn_real(m, 0.0);
    urn_sample(m, "c", logistic, .loc = zero, .scale = urn_real(m, 1.0), .ordered = true,
               .size = 4);
    urn_sample(m, "own", normal, .loc = urn_vector(m, 2, (double[]){0.0, 0.5}),
               .scale = urn_real(m, 1.0), .ordered = true, .size = 2);
}

static void order(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(in_order), NULL);
    machine v = machine_of(model, URN_PROGRAM_SIMULATE);
    double smallest = 0.0;
    enum { DRAWS = 2000 };
    for (uint64_t step = 0; step < DRAWS; step++) {
        urn_replay_seed(v.replay, 3, 0, step);
        urn_replay_run(v.replay, NULL);
        const double *c = urn_replay_result(v.replay, site_of(model, "c"), URN_RESULT_VALUE);
        const double *own = urn_replay_result(v.replay, site_of(model, "own"), URN_RESULT_VALUE);
        assert_true(c[0] < c[1] && c[1] < c[2] && c[2] < c[3] && own[0] < own[1]);
        smallest += 1.0 / (1.0 + exp(-c[0]));
    }
    /* the smallest of four uniforms: mean 1/5, sd sqrt(4 / 150) */
    assert_near(smallest / DRAWS, 0.2, 5.0 * sqrt(4.0 / 150.0 / DRAWS), "smallest of four");
    machine_clear(&v);
    machine centre = machine_of(model, URN_PROGRAM_CENTRE);
    urn_replay_run(centre.replay, NULL);
    const double *c = urn_replay_result(centre.replay, site_of(model, "c"), URN_RESULT_VALUE);
    for (int k = 0; k < 4; k++)
        assert_near(1.0 / (1.0 + exp(-c[k])), (k + 0.5) / 4.0, 1e-14, "centre");
    machine_clear(&centre);
    urn_model_free(model);
}

/* ---- messages ---- */

#define ONE urn_real(m, 1.0)
#define REFUSED(name, sentence)                                                                    \
    static void name(urn_model *m)                                                                 \
    {                                                                                              \
        sentence;                                                                                  \
    }

REFUSED(nothing_left,
        urn_sample(m, "x", gamma, .shape = ONE, .rate = ONE, .truncate_above = urn_real(m, -1.0)))
REFUSED(no_probability, urn_sample(m, "x", poisson, .rate = ONE, .truncate_below = urn_real(m, 1.2),
                                   .truncate_above = urn_real(m, 1.8)))
REFUSED(own_bounds, urn_sample(m, "x", uniform, .low = ONE, .high = urn_real(m, 2.0),
                               .truncate_above = urn_real(m, 1.5)))
REFUSED(two_things, urn_sample(m, "x", normal, .loc = ONE, .scale = ONE, .ordered = true, .size = 2,
                               .truncate_above = ONE))
REFUSED(latent_censored, urn_sample(m, "x", normal, .loc = ONE, .scale = ONE, .censor_above = ONE))
REFUSED(cut_vectors, urn_sample(m, "x", mvn, .loc = urn_zeros(m, 2), .scale_tril = urn_eye(m, 2, 1),
                                .truncate_above = ONE))
REFUSED(fewer_vectors,
        urn_sample(m, "x", mvn, .loc = urn_matrix(m, 2, 2, (double[]){0.0, 1.0, 2.0, 3.0}),
                   .scale_tril = urn_eye(m, 2, 1), .mixture = urn_fill(m, 4, 0.25)))
REFUSED(other_sides, urn_sample(m, "x", mvn, .loc = urn_zeros(m, 3), .scale_tril = urn_eye(m, 2, 1),
                                .mixture = urn_fill(m, 2, 0.5)))
REFUSED(other_components, urn_sample(m, "x", normal, .loc = urn_zeros(m, 3), .scale = ONE,
                                     .mixture = urn_fill(m, 2, 0.5)))
REFUSED(positive_order,
        urn_sample(m, "x", gamma, .shape = ONE, .rate = ONE, .ordered = true, .size = 2))
REFUSED(unordered_cuts, urn_observe(m, "x", ordered_logistic, .value = ONE, .loc = ONE,
                                    .cutpoints = urn_vector(m, 2, (double[]){1.0, 0.5})))
REFUSED(beyond_cuts, urn_observe(m, "x", ordered_probit, .value = urn_real(m, 3.0), .loc = ONE,
                                 .cutpoints = urn_vector(m, 2, (double[]){0.5, 1.0})))
REFUSED(outside, urn_observe(m, "x", normal, .value = urn_real(m, 2.0), .loc = ONE, .scale = ONE,
                             .truncate_above = ONE))
REFUSED(no_value, urn_log_density(m, normal, .loc = ONE, .scale = ONE))

static void messages(void **state)
{
    (void)state;
    const urn_trace_options none = trace_options(NULL);
    static const struct {
        const char *message, *hint;
    } expected[] = {
        {"(truncated gamma): truncate_below is 0 and truncate_above is -1; truncate_below must be "
         "below truncate_above",
         ""},
        {"(truncated poisson): nothing is left between truncate_below = 1.2 and truncate_above = "
         "1.8: the probability there is 0",
         "move the bounds to where the family has values"},
        {"(uniform): the family has bounds of its own; make them narrower", ""},
        {"(normal): truncation, censoring, mixture and order are said one at a time", ""},
        {"(normal): a latent value cannot be censored: nothing of it was seen; observe what was",
         ""},
        {"(mvn): it is for families of single numbers", ""},
        {"(mixture of mvn): the mixture has 4 components, but loc is of 2", ""},
        {"(mixture of mvn): loc has 3 elements but scale_tril is 2 x 2; both need the same last "
         "dimension",
         ""},
        {"(mixture of normal): mixture has 2 elements but loc has 3 elements; both need the same "
         "last dimension",
         ""},
        {"(gamma): it is for families on the whole line; order others through their logarithms",
         ""},
        {"(ordered_logistic): cutpoints must be in increasing order; element 0 is 1, element 1 is "
         "0.5",
         ""},
        {"(ordered_probit): row 0 is outside the support (ordinal): found 3",
         "mend the data, mask the row, or use a family with another support"},
        {"(truncated normal): row 0 is outside the support (bounded): found 2",
         "mend the data, mask the row, or use a family with another support"},
        {"(normal): urn_log_density needs .value", ""},
    };
    const urn_model_def *const defs[] = {
        DEF(nothing_left),     DEF(no_probability), DEF(own_bounds),     DEF(two_things),
        DEF(latent_censored),  DEF(cut_vectors),    DEF(fewer_vectors),  DEF(other_sides),
        DEF(other_components), DEF(positive_order), DEF(unordered_cuts), DEF(beyond_cuts),
        DEF(outside),          DEF(no_value),
    };
    for (size_t k = 0; k < N_OF(defs); k++)
        check_failure(defs[k], &none,
                      &(failure){.status = k == 11 || k == 12 ? URN_ERR_DATA : URN_ERR_MODEL,
                                 .message = expected[k].message,
                                 .hint = expected[k].hint});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truncation),
        cmocka_unit_test(far_truncation),
        cmocka_unit_test(censoring),
        cmocka_unit_test(mixtures),
        cmocka_unit_test(mixtures_of_vectors),
        cmocka_unit_test(draws_of_vectors),
        cmocka_unit_test(log_densities_as_values),
        cmocka_unit_test(predictions),
        cmocka_unit_test(order),
        cmocka_unit_test(messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
