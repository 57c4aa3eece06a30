/* Walks all families: draws against the cdf (Kolmogorov-Smirnov), the probabilities (chi-square)
 * and the moments. Seeds are fixed, so a failure means a change; the bounds are those a right
 * sampler exceeds once in some 10,000 tests. */
#include "problem.h"
#include "runtime/tensor/tensor.h"
#include <gsl/gsl_cdf.h>

#define N 40000
#define KS_BOUND 2.23 /* P(sqrt(n) D > 2.23) = 1e-4 */
#define Z_BOUND 5.0

/* Repeats row 0 of the parameters over all rows, and draws. Few degrees of freedom give matrices
 * that are singular to the last digit, which nothing more can be learned from: there are enough. */
static problem draws_of(const urn_family *family, int64_t n, int64_t dim, unsigned given,
                        uint64_t seed)
{
    problem p = problem_new(family, 1, dim, given, seed);
    free(p.x);
    free(p.scratch);
    free(p.log_density);
    p.n = n;
    p.x = numbers(n * p.event);
    p.log_density = numbers(n);
    p.scratch = numbers(urn__family_scratch(family, n, dim) + n);
    for (int k = 0; k < p.n_params; k++) {
        p.stride[k] = 0;
        if (family->params[k].domain == URN_DOMAIN_ABOVE_SIDE)
            p.param[k][0] = fmax(p.param[k][0], (double)dim + 1.5);
    }
    const urn__stream stream = urn__stream_at(seed, 1, family->name, 2);
    const urn_draw_call c = draw_call_of(&p);
    urn__row_cursor cursor = urn__row_cursor_at(&stream, 0);
    for (int64_t i = 0; i < n; i++) {
        urn_rng rng;
        urn__row_cursor_next(&cursor, &rng);
        family->draw(&c, i, &rng);
    }
    return p;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* sqrt(n) times the largest distance of `u` from uniform; sorts u. */
static double ks(int64_t n, double *u)
{
    qsort(u, (size_t)n, sizeof(double), by_value);
    double worst = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const double above = (double)(i + 1) / (double)n - u[i];
        const double below = u[i] - (double)i / (double)n;
        worst = fmax(worst, fmax(above, below));
    }
    return worst * sqrt((double)n);
}

static void check_cdf(const problem *p)
{
    double *u = numbers(p->n);
    urn_draw_call c = draw_call_of(p);
    c.out = u;
    p->family->cdf(&c);
    const double statistic = ks(p->n, u);
    if (!(statistic < KS_BOUND))
        fail_msg("%s: sqrt(n) D = %g", p->family->name, statistic);
    free(u);
}

/* Counts against exp(log density), over 0, 1, ... while 10 or more are expected, the rest together.
 */
static void check_counts(const problem *p)
{
    problem one = problem_new(p->family, 1, p->dim, (1u << p->n_params) - 1u, 1);
    for (int k = 0; k < p->n_params; k++)
        memcpy(one.param[k], p->param[k], (size_t)p->element[k] * sizeof(double));
    double statistic = 0.0, left_expected = (double)p->n, left_found = (double)p->n;
    int cells = 0;
    for (double k = -5.0; k < 400.0; k += 1.0) {
        one.x[0] = k;
        const urn_density_call c = density_call_of(&one, false);
        p->family->log_density(&c);
        const double expected = (double)p->n * exp(one.log_density[0]);
        double found = 0.0;
        for (int64_t i = 0; i < p->n; i++)
            found += p->x[i] == k;
        assert_true(expected > 0.0 || found == 0.0);
        if (expected < 10.0)
            continue;
        statistic += (found - expected) * (found - expected) / expected;
        left_expected -= expected;
        left_found -= found;
        cells++;
    }
    if (left_expected > 10.0) {
        statistic += (left_found - left_expected) * (left_found - left_expected) / left_expected;
        cells++;
    } else
        assert_true(left_found < 40.0);
    const double beyond = cells > 1 ? gsl_cdf_chisq_Q(statistic, cells - 1) : 1.0;
    if (beyond < 1e-5)
        fail_msg("%s: chi-square %g over %d cells", p->family->name, statistic, cells);
    problem_free(&one);
}

/* Sample mean and variance of element `e` against the family's, in standard errors; the error of
 * the variance is estimated from the fourth moment, so heavy tails are left out. */
static void check_element(const problem *p, int64_t e, double mean, double variance, double tail)
{
    const double n = (double)p->n;
    double sum = 0.0, m2 = 0.0, m4 = 0.0;
    for (int64_t i = 0; i < p->n; i++)
        sum += p->x[i * p->event + e];
    for (int64_t i = 0; i < p->n; i++) {
        const double d = p->x[i * p->event + e] - sum / n;
        m2 += d * d / n;
        m4 += d * d * d * d / n;
    }
    if (tail > 2.0 && variance > 0.0) {
        const double z = (sum / n - mean) / sqrt(variance / n);
        if (!(fabs(z) < Z_BOUND))
            fail_msg("%s: the mean of element %ld is %g standard errors off", p->family->name,
                     (long)e, z);
    }
    if (tail > 8.0 && variance > 0.0) {
        const double z = (m2 - variance) / sqrt((m4 - m2 * m2) / n);
        if (!(fabs(z) < Z_BOUND))
            fail_msg("%s: the variance of element %ld is %g standard errors off", p->family->name,
                     (long)e, z);
    }
}

static void check_moments(const problem *p, double tail)
{
    if (p->family->mean == NULL || p->family->variance == NULL)
        return;
    double *mean = numbers(p->n * p->event), *variance = numbers(p->n * p->event);
    urn_draw_call c = draw_call_of(p);
    c.out = mean;
    p->family->mean(&c);
    c.out = variance;
    p->family->variance(&c);
    for (int64_t e = 0; e < p->event; e++)
        check_element(p, e, mean[e], variance[e], tail);
    free(mean);
    free(variance);
}

/* How many moments there are. */
static double tail_of(const problem *p)
{
    const bool powers = strcmp(p->family->name, "student_t") == 0 ||
                        strcmp(p->family->name, "mvn_student_t") == 0 ||
                        strcmp(p->family->name, "inverse_gamma") == 0;
    if (strcmp(p->family->name, "inverse_wishart") == 0)
        return 0.5 * (p->param[0][0] - (double)p->dim + 1.0);
    return powers ? p->param[0][0] : 100.0;
}

/* Vectors and matrices: the moments of every element. */
static void test_events(void **state)
{
    (void)state;
    for (int f = 0; urn__family_at(f) != NULL; f++) {
        const urn_family *family = urn__family_at(f);
        for (unsigned given = 0; given < 1u << param_count(family); given++)
            for (uint64_t seed = 1; seed <= 4; seed++) {
                if (family->draw == NULL || family->event_rank == 0 ||
                    !choice_is_legal(family, given))
                    continue;
                problem p = draws_of(family, N, 1 + (int64_t)seed % 4, given, 30 + seed);
                assert_int_equal(first_outside(&p), -1);
                check_moments(&p, tail_of(&p));
                problem_free(&p);
            }
    }
}

static void test_scalars(void **state)
{
    (void)state;
    for (int f = 0; tested_family(f) != NULL; f++) {
        const urn_family *family = tested_family(f);
        if (family->draw == NULL || family->event_rank > 0 || is_censored(family))
            continue;
        for (uint64_t seed = 1; seed <= (family->base != NULL ? 1u : 6u); seed++) {
            const unsigned given = (1u << param_count(family)) - 1u;
            problem p = draws_of(family, family->base != NULL ? N / 20 : N,
                                 family->size_from != NULL ? 4 : 1, given, seed);
            const bool point = strcmp(family->name, "delta") == 0;
            if (family->low_word == NULL)
                assert_int_equal(first_outside(&p), -1);
            if (family->support()->discrete)
                check_counts(&p);
            else if (!point)
                check_cdf(&p);
            if (!(family->size_from != NULL))
                check_moments(&p, tail_of(&p));
            for (int64_t i = 0; i < p.n && point; i++)
                assert_true(p.x[i] == p.param[0][0]);
            problem_free(&p);
        }
    }
}

/* Parameters where samplers change method or lose digits. */
static void test_corners(void **state)
{
    (void)state;
    static const struct {
        const urn_family *(*family)(void);
        double param[3];
    } rows[] = {
        {urn_family_gamma, {0.02, 1.0}},
        {urn_family_gamma, {1.0, 3.0}},
        {urn_family_gamma, {1e6, 1e-3}},
        {urn_family_inverse_gamma, {0.3, 2.0}},
        {urn_family_inverse_gamma, {1.0, 1.0}},
        {urn_family_student_t, {0.4, 1.0, 2.0}},
        {urn_family_student_t, {2.0, 0.0, 1.0}},
        {urn_family_student_t, {1e6, 0.0, 1.0}},
        {urn_family_half_cauchy, {25.0}},
        {urn_family_bernoulli, {-4.0}},
        {urn_family_poisson, {9.999}},
        {urn_family_poisson, {10.0}},
        {urn_family_poisson, {0.01}},
        {urn_family_poisson, {60.0}},
        {urn_family_poisson, {200.0}},
        {urn_family_beta, {0.3, 0.4}},
        {urn_family_beta, {1.0, 1.0}},
        {urn_family_beta, {1e6, 3e5}},
        {urn_family_binomial, {200.0, -0.3}},
        {urn_family_binomial, {50.0, 4.0}},
        {urn_family_binomial, {0.0, 1.0}},
        {urn_family_geometric, {3.0}},
        {urn_family_geometric, {-3.0}},
        {urn_family_neg_binomial_2, {4.0, 0.1}},
        {urn_family_neg_binomial_2, {100.0, 1e6}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const urn_family *family = rows[i].family();
        const unsigned given = (1u << param_count(family)) - 1u;
        problem p = problem_new(family, 1, 1, given, 1);
        problem_free(&p);
        p = (problem){.family = family, .n = N, .dim = 1, .event = 1};
        p.n_params = param_count(family);
        for (int k = 0; k < p.n_params; k++) {
            p.param[k] = numbers(1);
            p.param[k][0] = rows[i].param[k];
            p.element[k] = 1;
        }
        p.x = numbers(N);
        const urn__stream stream = urn__stream_at(i, 0, "corner", 0);
        const urn_draw_call c = draw_call_of(&p);
        for (int64_t r = 0; r < N; r++) {
            urn_rng rng;
            urn__rng_at_row(&rng, &stream, r);
            family->draw(&c, r, &rng);
        }
        if (family->support()->discrete)
            check_counts(&p);
        else
            check_cdf(&p);
        problem_free(&p);
    }
}

/* More trials than GSL counts: the mean and variance, and a normal shape. */
static void test_huge_binomial(void **state)
{
    (void)state;
    problem p = draws_of(urn_family_binomial(), N, 1, 3u, 1);
    const double n = 1e13, q = 1.0 / (1.0 + exp(2.0));
    p.param[0][0] = n;
    p.param[1][0] = -2.0;
    const urn__stream stream = urn__stream_at(4, 0, "huge", 0);
    const urn_draw_call c = draw_call_of(&p);
    double *u = numbers(N);
    for (int64_t r = 0; r < N; r++) {
        urn_rng rng;
        urn__rng_at_row(&rng, &stream, r);
        p.family->draw(&c, r, &rng);
        assert_true(p.x[r] == floor(p.x[r]));
        u[r] = gsl_cdf_ugaussian_P((p.x[r] + 0.5 - n * q) / sqrt(n * q * (1.0 - q)));
    }
    assert_true(ks(N, u) < KS_BOUND);
    free(u);
    problem_free(&p);
}

/* The parts of a Dirichlet vector are beta; those of multinomial counts binomial, two of them
 * together, too. */
static void test_parts(void **state)
{
    (void)state;
    problem p = draws_of(urn_family_dirichlet(), N, 4, 1u, 51);
    double *u = numbers(N), sum = 0.0;
    for (int64_t k = 0; k < 4; k++)
        sum += p.param[0][k];
    for (int64_t k = 0; k < 4; k++) {
        for (int64_t r = 0; r < N; r++)
            u[r] = gsl_cdf_beta_P(p.x[r * 4 + k], p.param[0][k], sum - p.param[0][k]);
        assert_true(ks(N, u) < KS_BOUND);
    }
    problem_free(&p);
    p = draws_of(urn_family_multinomial(), N, 4, 3u, 52);
    double w[4], all = 0.0;
    for (int64_t k = 0; k < 4; k++)
        all += w[k] = exp(p.param[1][k]);
    problem pair = draws_of(urn_family_binomial(), N, 1, 3u, 1);
    pair.param[0][0] = p.param[0][0];
    for (int64_t k = 0; k < 4; k++) {
        const double q = (w[k] + w[(k + 1) % 4]) / all;
        pair.param[1][0] = log(q) - log1p(-q);
        for (int64_t r = 0; r < N; r++)
            pair.x[r] = p.x[r * 4 + k] + p.x[r * 4 + (k + 1) % 4];
        check_counts(&pair);
    }
    free(u);
    problem_free(&pair);
    problem_free(&p);
}

/* A Poisson of a rate no table of counts reaches: by its mean, variance and normal shape. */
static void test_huge_poisson(void **state)
{
    (void)state;
    problem p = draws_of(urn_family_poisson(), N, 1, 1u, 1);
    p.param[0][0] = 1e10;
    const urn__stream stream = urn__stream_at(3, 0, "huge", 0);
    const urn_draw_call c = draw_call_of(&p);
    double *u = numbers(N);
    for (int64_t r = 0; r < N; r++) {
        urn_rng rng;
        urn__rng_at_row(&rng, &stream, r);
        p.family->draw(&c, r, &rng);
        assert_true(p.x[r] == floor(p.x[r]));
        u[r] = gsl_cdf_ugaussian_P((p.x[r] + 0.5 - 1e10) / 1e5); /* skewness 1e-5: not seen */
    }
    assert_true(ks(N, u) < KS_BOUND);
    free(u);
    problem_free(&p);
}

/* Row i's draw does not depend on which rows are drawn, in what order, or what is left in x. */
static void test_rows_are_addressed(void **state)
{
    (void)state;
    for (int f = 0; urn__family_at(f) != NULL; f++) {
        const urn_family *family = urn__family_at(f);
        for (unsigned given = 0; given < 1u << param_count(family); given++) {
            if (!choice_is_legal(family, given) || family->draw == NULL)
                continue;
            problem p = problem_new(family, 50, 4, given, 21),
                    q = problem_new(family, 50, 4, given, 21);
            const urn__stream stream = urn__stream_at(8, 0, "rows", 1);
            const urn_draw_call a = draw_call_of(&p), b = draw_call_of(&q);
            urn_rng rng;
            for (int64_t i = 0; i < 50; i++) {
                urn__rng_at_row(&rng, &stream, i);
                family->draw(&a, i, &rng);
            }
            for (int64_t e = 0; e < 50 * q.event; e++)
                q.x[e] = NAN;
            for (int64_t i = 49; i >= 0; i -= i == 30 ? 11 : 1) { /* rows 20 to 29 left out */
                urn__rng_at_row(&rng, &stream, i);
                family->draw(&b, i, &rng);
            }
            for (int64_t e = 0; e < 50 * q.event; e++) {
                const int64_t row = e / q.event;
                assert_true(row >= 20 && row < 30 ? isnan(q.x[e]) : p.x[e] == q.x[e]);
            }
            problem_free(&p);
            problem_free(&q);
        }
    }
}

/* Covariance of an mvn problem's parameters, by solving with unit vectors where given as precision.
 */
static void covariance_of(const problem *p, double *out)
{
    const int64_t d = p->dim;
    double *inverse = numbers(d * d);
    const double *l = p->param[1] != NULL ? p->param[1] : p->param[2];
    for (int64_t k = 0; k < d && p->param[2] != NULL; k++)
        for (int64_t i = 0; i < d; i++) {
            double sum = i == k ? 1.0 : 0.0;
            for (int64_t j = 0; j < i; j++)
                sum -= l[i * d + j] * inverse[j * d + k];
            inverse[i * d + k] = sum / l[i * d + i];
        }
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double sum = 0.0; /* L L^T, or L^-T L^-1 */
            for (int64_t k = 0; k < d; k++)
                sum += p->param[1] != NULL ? l[i * d + k] * l[j * d + k]
                                           : inverse[k * d + i] * inverse[k * d + j];
            out[i * d + j] = sum;
        }
    free(inverse);
}

static void check_mvn(int64_t d, unsigned given, uint64_t seed)
{
    problem p = draws_of(urn_family_mvn(), N, d, given, seed);
    double *covariance = numbers(d * d), *mean = numbers(N * d), *variance = numbers(N * d);
    covariance_of(&p, covariance);
    urn_draw_call c = draw_call_of(&p);
    c.out = mean;
    p.family->mean(&c);
    c.out = variance;
    p.family->variance(&c);
    for (int64_t i = 0; i < d; i++) {
        assert_agree(variance[i], covariance[i * d + i], 1e-12, "mvn variance");
        assert_agree(variance[(N - 1) * d + i], covariance[i * d + i], 1e-12, "mvn variance");
        assert_true(mean[i] == p.param[0][i]);
        double sum = 0.0;
        for (int64_t r = 0; r < N; r++)
            sum += p.x[r * d + i] - p.param[0][i];
        assert_true(fabs(sum / sqrt(N * covariance[i * d + i])) < Z_BOUND);
        for (int64_t j = 0; j <= i; j++) {
            double product = 0.0;
            for (int64_t r = 0; r < N; r++)
                product += (p.x[r * d + i] - p.param[0][i]) * (p.x[r * d + j] - p.param[0][j]) / N;
            const double v = covariance[i * d + i] * covariance[j * d + j] +
                             covariance[i * d + j] * covariance[i * d + j];
            const double z = (product - covariance[i * d + j]) / sqrt(v / N);
            if (!(fabs(z) < Z_BOUND))
                fail_msg("mvn covariance (%ld, %ld): %g standard errors off", (long)i, (long)j, z);
        }
    }
    free(covariance);
    free(mean);
    free(variance);
    problem_free(&p);
}

static void test_mvn(void **state)
{
    (void)state;
    for (int64_t d = 1; d <= 6; d++) {
        check_mvn(d, 3u, 100 + (uint64_t)d);
        check_mvn(d, 5u, 200 + (uint64_t)d);
    }
}

/* Quadratic forms: for X ~ Wishart(df, W), v^T X v / v^T W v is chi-square with df degrees of
 * freedom; for the inverse of one with scale Psi^-1 the same holds for X^-1 and Psi^-1. The second
 * form, with inverses of the first, has df - d + 1 degrees of freedom. */
static double form(int64_t d, const double *factor, bool inverse, const double *v)
{
    double y[8], sum = 0.0;
    memcpy(y, v, (size_t)d * sizeof *y);
    if (inverse)
        urn__tri_solve(d, 1, factor, false, y);
    else
        for (int64_t i = 0; i < d; i++) {
            y[i] = 0.0;
            for (int64_t j = i; j < d; j++)
                y[i] += factor[j * d + i] * v[j];
        }
    for (int64_t i = 0; i < d; i++)
        sum += y[i] * y[i];
    return sum;
}

static void check_wishart(const urn_family *family, int64_t d, bool inverted, uint64_t seed)
{
    problem p = draws_of(family, N, d, 3u, seed);
    const double *l = p.param[1], v[] = {1.0, -0.5, 0.25, 2.0, -1.5};
    double *u[2] = {numbers(N), numbers(N)}, factor[64];
    for (int64_t r = 0; r < N; r++) {
        assert_true(urn__cholesky(d, p.x + r * d * d, factor));
        for (int k = 0; k < 2; k++) {
            const bool solved = (k == 1) != inverted;
            const double x = form(d, factor, solved, v), scale = form(d, l, solved, v);
            u[k][r] = k == 0 ? gsl_cdf_chisq_P(x / scale, p.param[0][0])
                             : gsl_cdf_chisq_P(scale / x, p.param[0][0] - (double)d + 1.0);
        }
    }
    for (int k = 0; k < 2; k++) {
        const double statistic = ks(N, u[k]);
        if (!(statistic < KS_BOUND))
            fail_msg("%s, %ld x %ld, form %d: sqrt(n) D = %g", family->name, (long)d, (long)d, k,
                     statistic);
        free(u[k]);
    }
    problem_free(&p);
}

static void test_wishart(void **state)
{
    (void)state;
    for (int64_t d = 1; d <= 5; d++) {
        check_wishart(urn_family_wishart(), d, false, 300 + (uint64_t)d);
        check_wishart(urn_family_inverse_wishart(), d, true, 400 + (uint64_t)d);
    }
}

/* Each correlation r of an LKJ matrix has (r + 1) / 2 ~ Beta(b, b), b = concentration + d / 2 - 1.
 */
static void check_lkj(int64_t d, double concentration, uint64_t seed)
{
    problem p = draws_of(urn_family_lkj_cholesky(), 1, d, 1u, 1);
    free(p.x);
    p.n = N;
    p.x = numbers(N * d * d);
    p.param[0][0] = concentration;
    const urn__stream stream = urn__stream_at(seed, 0, "lkj", 0);
    const urn_draw_call c = draw_call_of(&p);
    for (int64_t r = 0; r < N; r++) {
        urn_rng rng;
        urn__rng_at_row(&rng, &stream, r);
        p.family->draw(&c, r, &rng);
    }
    const urn_bijection_call b = {.n = N, .dim = d, .value_size = d * d, .value = p.x};
    assert_int_equal(urn_support_corr_cholesky()->first_outside(&b), -1);
    double *u = numbers(N);
    const double shape = concentration + 0.5 * (double)d - 1.0;
    for (int64_t i = 1; i < d; i++)
        for (int64_t j = 0; j < i; j++) {
            for (int64_t r = 0; r < N; r++) {
                double sum = 0.0;
                for (int64_t k = 0; k <= j; k++)
                    sum += p.x[(r * d + i) * d + k] * p.x[(r * d + j) * d + k];
                u[r] = gsl_cdf_beta_P(fmin(fmax(0.5 * (sum + 1.0), 0.0), 1.0), shape, shape);
            }
            const double statistic = ks(N, u);
            if (!(statistic < KS_BOUND))
                fail_msg("lkj_cholesky(%g), %ld x %ld, correlation (%ld, %ld): sqrt(n) D = %g",
                         concentration, (long)d, (long)d, (long)i, (long)j, statistic);
        }
    free(u);
    problem_free(&p);
}

static void test_lkj(void **state)
{
    (void)state;
    static const double concentrations[] = {0.5, 1.0, 2.0, 10.0};
    for (uint64_t i = 0; i < 4; i++)
        for (int64_t d = 2; d <= 5; d++)
            check_lkj(d, concentrations[i], 10 * i + (uint64_t)d);
}

/* |L^-1 (x - loc)|^2 / d is F(d, df), and so are parts of it. */
static void test_mvn_student(void **state)
{
    (void)state;
    enum { D = 3 };
    problem p = draws_of(urn_family_mvn_student_t(), N, D, 7u, 61);
    const double df = p.param[0][0], *loc = p.param[1], *l = p.param[2];
    double *u[D];
    for (int k = 0; k < D; k++)
        u[k] = numbers(N);
    for (int64_t r = 0; r < N; r++) {
        double z[D], square = 0.0;
        for (int i = 0; i < D; i++) {
            z[i] = p.x[r * D + i] - loc[i];
            for (int k = 0; k < i; k++)
                z[i] -= l[i * D + k] * z[k];
            z[i] /= l[i * D + i];
            square += z[i] * z[i];
            u[i][r] = gsl_cdf_fdist_P(square / (i + 1), i + 1, df);
        }
    }
    for (int k = 0; k < D; k++) {
        assert_true(ks(N, u[k]) < KS_BOUND);
        free(u[k]);
    }
    problem_free(&p);
}

/* Families of normals: the normal of a row's draw gives that draw, which has that normal, and whose
 * cdf is the normal's. Only rounding is left: of the normal, some units, and where the density is
 * steep as many times more. */
static void check_of_normals(const urn_family *family)
{
    problem p = draws_of(family, N, 1, (1u << param_count(family)) - 1u, 61);
    double *z = numbers(N), *x = numbers(N), *cdf = numbers(N);
    urn_draw_call c = draw_call_of(&p);
    c.out = cdf;
    family->cdf(&c);
    c.out = z;
    family->to_normals(&c);
    c.x = x;
    family->of_normals(&c);
    const urn__stream stream = urn__stream_at(61, 1, family->name, 2);
    urn__row_cursor cursor = urn__row_cursor_at(&stream, 0);
    for (int64_t i = 0; i < N; i++) {
        urn_rng rng;
        urn__row_cursor_next(&cursor, &rng);
        assert_agree(z[i], urn_rng_normal(&rng), 1e-13, "%s: normal", family->name);
        assert_agree(x[i], p.x[i], 1e-13, "%s: of the normal", family->name);
        assert_agree(cdf[i], gsl_cdf_ugaussian_P(z[i]), 1e-13, "%s: cdf", family->name);
    }
    free(z), free(x), free(cdf);
    problem_free(&p);
}

/* Nothing is below the support; a parameter outside its domain is no number. */
static void check_edges_of_normals(const urn_family *family)
{
    double loc[2] = {0.5, 0.5}, scale[2] = {2.0, -2.0}, x[2] = {-1.0, 0.0}, z[2] = {0.25, 0.25};
    urn_draw_call c = {.n = 2, .dim = 1, .event = 1, .x = x, .out = z, .family = family};
    c.param[0] = loc, c.param[1] = scale;
    c.stride[0] = c.stride[1] = 1;
    if (family->support() == urn_support_positive()) {
        c.n = 1; /* the support ends at 0 */
        family->to_normals(&c);
        assert_true(z[0] == -(double)INFINITY);
        z[0] = 0.25;
        c.n = 2;
    }
    family->of_normals(&c);
    assert_true(isfinite(x[0]));
    assert_true(isnan(x[1]));
}

static void test_of_normals(void **state)
{
    (void)state;
    int found = 0;
    for (int f = 0; urn__family_at(f) != NULL; f++) {
        const urn_family *family = urn__family_at(f);
        assert_int_equal(family->of_normals == NULL, family->to_normals == NULL);
        if (family->of_normals == NULL)
            continue;
        check_of_normals(family);
        check_edges_of_normals(family);
        found++;
    }
    assert_true(found >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),      cmocka_unit_test(test_corners),
        cmocka_unit_test(test_huge_poisson), cmocka_unit_test(test_rows_are_addressed),
        cmocka_unit_test(test_mvn),          cmocka_unit_test(test_lkj),
        cmocka_unit_test(test_wishart),      cmocka_unit_test(test_events),
        cmocka_unit_test(test_parts),        cmocka_unit_test(test_huge_binomial),
        cmocka_unit_test(test_mvn_student),  cmocka_unit_test(test_of_normals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
