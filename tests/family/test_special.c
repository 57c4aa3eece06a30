/* The special functions against GSL's, and against identities where GSL stops. */
#include "problem.h"
#include "runtime/family/special.h"
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sf_psi.h>

static const double shapes[] = {1e-3, 0.1, 0.5, 1.0, 1.5, 3.7, 9.99, 10.0, 10.01, 47.0, 1e3, 3e4};
#define N_SHAPES (sizeof shapes / sizeof shapes[0])

static void test_gamma_function(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SHAPES; i++) {
        const double x = shapes[i];
        assert_agree(urn__digamma(x), gsl_sf_psi(x), 1e-14, "digamma(%g)", x);
        assert_agree(urn__log_gamma(x), gsl_sf_lngamma(x), 4e-15, "log_gamma(%g)", x);
        const double stirling = gsl_sf_lngamma(x) - (x - 0.5) * log(x) + x - 0.5 * URN__LOG_2PI;
        assert_agree(urn__stirling_error(x), stirling, 1e-15 * (10.0 + x * log(x + 2.0)),
                     "stirling_error(%g)", x);
        const double step = gsl_sf_lngamma(x + 0.5) - gsl_sf_lngamma(x);
        assert_agree(urn__log_gamma_half_step(x), step, 1e-15 * (10.0 + x * log(x + 2.0)),
                     "log_gamma_half_step(%g)", x);
    }
    /* log Gamma(h + 1/2) - log Gamma(h) = log(h) / 2 - 1 / (8 h) + O(h^-3) */
    assert_agree(urn__log_gamma_half_step(1e9), 0.5 * log(1e9) - 0.125e-9, 1e-15, "at 1e9");
    assert_true(isnan(urn__digamma(-1.0)) && isnan(urn__digamma(0.0)) && isnan(urn__digamma(NAN)));
    assert_true(isnan(urn__log_gamma(-0.5)) && isnan(urn__stirling_error(0.0)));
}

static void test_incomplete_gamma(void **state)
{
    (void)state;
    static const double ratios[] = {1e-8, 0.01,  0.3,  0.7, 0.95, 0.999,
                                    1.0,  1.001, 1.05, 1.5, 4.0,  30.0};
    for (size_t i = 0; i < N_SHAPES; i++)
        for (size_t j = 0; j < sizeof ratios / sizeof ratios[0]; j++) {
            const double a = shapes[i], x = a * ratios[j];
            assert_agree(urn__gamma_p(a, x), gsl_cdf_gamma_P(x, a, 1.0), 1e-12, "P(%g, %g)", a, x);
            assert_agree(urn__gamma_q(a, x), gsl_cdf_gamma_Q(x, a, 1.0), 1e-12, "Q(%g, %g)", a, x);
        }
    /* the power series in 50-digit arithmetic; GSL is 1e-9 off here */
    static const double large[][3] = {
        {100010.0, 99750.68026685191, 0.20620625042395860637},
        {100010.0, 100104.87307310296, 0.61827717598409261351},
        {100010.0, 100800.60894252469, 0.99369318923878751648},
        {100010.0, 98428.78211495063, 2.5100726104051809324e-7},
        {1e6, 1000660.0, 0.74543345880618616524},
    };
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        const double a = large[i][0], x = large[i][1], p = large[i][2];
        assert_agree(urn__gamma_p(a, x) / p, 1.0, 2e-12, "P(%g, %g)", a, x);
        assert_agree(urn__gamma_q(a, x), 1.0 - p, 1e-13, "Q(%g, %g)", a, x);
    }
    /* both sides of the change of method, with GSL out of it: P(a, x) - P(a + 1, x) = x^a e^-x / a!
     */
    for (double z = -3.0; z <= 3.0; z += 0.5) {
        const double a = 99999.5, x = a + z * sqrt(a);
        const double term = exp(a * log(x) - x - gsl_sf_lngamma(a + 1.0));
        assert_agree(urn__gamma_p(a, x) - urn__gamma_p(a + 1.0, x), term, 1e-11, "across, z = %g",
                     z);
    }
    assert_true(urn__gamma_p(2.0, 0.0) == 0.0 && urn__gamma_q(2.0, -1.0) == 1.0);
    assert_true(urn__gamma_p(2.0, INFINITY) == 1.0 && urn__gamma_q(2.0, INFINITY) == 0.0);
    assert_true(isnan(urn__gamma_p(-1.0, 1.0)) && isnan(urn__gamma_q(1.0, NAN)));
}

static void test_gamma_quantile(void **state)
{
    (void)state;
    static const double ps[] = {1e-12, 1e-4, 0.025, 0.3, 0.5, 0.8, 0.975, 0.9999};
    static const double more[] = {1e5, 2e5, 1e7};
    for (size_t i = 0; i < N_SHAPES + 3; i++)
        for (size_t j = 0; j < sizeof ps / sizeof ps[0]; j++) {
            const double a = i < N_SHAPES ? shapes[i] : more[i - N_SHAPES], p = ps[j];
            const double low = urn__gamma_quantile(a, p, 0), high = urn__gamma_quantile(a, p, 1);
            if (low > 1e-300) /* else P jumps over p between two representable numbers */
                assert_agree(urn__gamma_p(a, low) / p, 1.0, 1e-8, "P(%g, x) = %g", a, p);
            if (high > 1e-300)
                assert_agree(urn__gamma_q(a, high) / p, 1.0, 1e-8, "Q(%g, x) = %g", a, p);
        }
    assert_true(urn__gamma_quantile(2.0, 0.0, 0) == 0.0);
    assert_true(urn__gamma_quantile(2.0, 1.0, 0) == INFINITY);
    assert_true(urn__gamma_quantile(2.0, 0.0, 1) == INFINITY);
    assert_true(isnan(urn__gamma_quantile(-2.0, 0.5, 0)) &&
                isnan(urn__gamma_quantile(2.0, 2.0, 0)));
}

static void test_student(void **state)
{
    (void)state;
    static const double dfs[] = {0.1, 0.5, 1.0, 2.0, 3.3, 7.0, 30.5, 1e3, 1e5, 9e6, 1.1e7, 1e12};
    static const double ts[] = {0.0, 1e-9, 0.01, 0.4, 1.0, 1.7, 3.0, 8.0, 40.0};
    for (size_t i = 0; i < sizeof dfs / sizeof dfs[0]; i++) {
        const double df = dfs[i];
        for (size_t j = 0; j < sizeof ts / sizeof ts[0]; j++) {
            const double gsl = df < 1e6 ? gsl_cdf_tdist_P(ts[j], df)
                                        : gsl_cdf_ugaussian_P(ts[j] * (1.0 - 0.25 / df) /
                                                              sqrt(1.0 + 0.5 * ts[j] * ts[j] / df));
            assert_agree(urn__student_cdf(df, ts[j]), gsl, 1e-12, "cdf, df %g, t %g", df, ts[j]);
            assert_agree(urn__student_cdf(df, -ts[j]), 1.0 - gsl, 1e-12, "cdf, df %g, t -%g", df,
                         ts[j]);
        }
        for (double p = 0.003; p < 1.0; p += 0.0997)
            assert_agree(urn__student_cdf(df, urn__student_quantile(df, p)), p, 1e-13,
                         "quantile, df %g, p %g", df, p);
    }
    assert_agree(urn__student_cdf(1.0, 1e8), 1.0 - 1e-8 / 3.14159265358979323846, 1e-16, "Cauchy");
    assert_true(urn__student_quantile(3.0, 0.0) == -INFINITY);
    assert_true(urn__student_quantile(3.0, 1.0) == INFINITY);
    assert_true(isnan(urn__student_cdf(-1.0, 0.0)) && isnan(urn__student_quantile(0.0, 0.5)));
}

static void test_normal(void **state)
{
    (void)state;
    for (double z = -30.0; z < 8.0; z += 0.61)
        assert_agree(urn__normal_cdf(z) / gsl_cdf_ugaussian_P(z), 1.0, 1e-12, "cdf(%g)", z);
    for (double p = 1e-10; p < 1.0; p = p * 1.7 + 1e-3)
        assert_agree(urn__normal_cdf(urn__normal_quantile(p)) / p, 1.0, 1e-13, "quantile(%g)", p);
    assert_true(urn__normal_quantile(0.0) == -INFINITY && urn__normal_quantile(1.0) == INFINITY);
    assert_true(isnan(urn__normal_quantile(-0.1)) && isnan(urn__normal_quantile(NAN)));
}

int main(void)
{
    gsl_set_error_handler_off(); /* for the reference values only */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gamma_function), cmocka_unit_test(test_incomplete_gamma),
        cmocka_unit_test(test_gamma_quantile), cmocka_unit_test(test_student),
        cmocka_unit_test(test_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
