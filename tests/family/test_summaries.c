/* Walks all families: cdf against the integral of the density, centre against the median, quantile
 * against the cdf, mean and variance against integrals. */
#include "problem.h"
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_randist.h>

typedef struct integrand { /* of (x - about)^power; x is the quantile of Phi(z), z standard normal
                            */
    problem *p;
    int power;
    double about;
} integrand;

static double at_point(problem *p, void (*function)(const urn_draw_call *), double x, double level)
{
    double out = NAN;
    urn_draw_call c = draw_call_of(p);
    c.n = 1;
    c.p = level;
    c.out = &out;
    p->x[0] = x;
    function(&c);
    return out;
}

static double density_at(double x, void *context)
{
    problem *p = context;
    p->x[0] = x;
    const urn_density_call c = density_call_of(p, false);
    p->family->log_density(&c);
    return exp(p->log_density[0]);
}

/* The density's integral between two quantiles is the difference of their cdfs. */
static void check_cdf(problem *p, gsl_integration_workspace *space)
{
    static const double levels[] = {0.02, 0.11, 0.35, 0.5, 0.72, 0.93, 0.99};
    for (int i = 0; i + 1 < 7; i++) {
        const double from = at_point(p, p->family->quantile, 0.0, levels[i]);
        const double to = at_point(p, p->family->quantile, 0.0, levels[i + 1]);
        const double below = at_point(p, p->family->cdf, from, 0.0);
        const double above = at_point(p, p->family->cdf, to, 0.0);
        assert_agree(below, levels[i], 1e-9, "%s: cdf of the %g quantile", p->family->name,
                     levels[i]);
        double integral = 0.0, error = 0.0;
        gsl_function f = {density_at, p};
        gsl_integration_qag(&f, from, to, 0.0, 1e-10, 1000, GSL_INTEG_GAUSS31, space, &integral,
                            &error);
        assert_agree(integral, above - below, 1e-8, "%s: density from %g to %g", p->family->name,
                     from, to);
    }
}

static double moment_at(double z, void *context)
{
    const integrand *g = context;
    const double x = at_point(g->p, g->p->family->quantile, 0.0, gsl_cdf_ugaussian_P(z));
    return pow(x - g->about, g->power) * gsl_ran_ugaussian_pdf(z);
}

static void check_moments(problem *p, gsl_integration_workspace *space)
{
    const bool powers =
        strcmp(p->family->name, "student_t") == 0 || strcmp(p->family->name, "inverse_gamma") == 0;
    if (p->family->mean == NULL || (powers && p->param[0][0] < 6.0))
        return; /* does not exist, or is too far out for the grid of doubles below 1 */
    if (strcmp(p->family->name, "log_normal") == 0)
        p->param[1][0] = fmin(p->param[1][0], 0.6);
    integrand g = {p, 1, 0.0};
    gsl_function f = {moment_at, &g};
    double mean = 0.0, variance = 0.0, error = 0.0;
    gsl_integration_qag(&f, -7.5, 7.5, 1e-9, 1e-9, 1000, GSL_INTEG_GAUSS31, space, &mean, &error);
    assert_agree(at_point(p, p->family->mean, 0.0, 0.0), mean, 1e-6, "%s: mean", p->family->name);
    g = (integrand){p, 2, mean};
    gsl_integration_qag(&f, -7.5, 7.5, 1e-9, 1e-9, 1000, GSL_INTEG_GAUSS31, space, &variance,
                        &error);
    assert_agree(at_point(p, p->family->variance, 0.0, 0.0), variance, 1e-5, "%s: variance",
                 p->family->name);
}

static void check_median(problem *p)
{
    const urn_draw_call c = draw_call_of(p);
    p->family->centre(&c);
    const double centre = p->x[0], cdf = at_point(p, p->family->cdf, centre, 0.0);
    if (!p->family->support()->discrete) {
        assert_agree(cdf, 0.5, 1e-12, "%s: cdf of the centre", p->family->name);
        return;
    }
    assert_true(cdf >= 0.5 && at_point(p, p->family->cdf, centre - 1.0, 0.0) <= 0.5);
}

/* Families with a vector for a parameter get one of three. */
static int64_t dim_of(const urn_family *family)
{
    return family->size_from != NULL ? 3 : 1;
}

static void test_continuous(void **state)
{
    (void)state;
    gsl_integration_workspace *space = gsl_integration_workspace_alloc(1000);
    int checked = 0;
    for (int f = 0; tested_family(f) != NULL; f++) {
        const urn_family *family = tested_family(f);
        if (family->event_rank > 0 || family->cdf == NULL || family->support()->discrete ||
            strcmp(family->name, "delta") == 0 || is_censored(family))
            continue;
        for (uint64_t seed = 1; seed <= 8; seed++) {
            problem p =
                problem_new(family, 1, dim_of(family), (1u << param_count(family)) - 1u, seed);
            check_median(&p);
            check_cdf(&p, space);
            check_moments(&p, space);
            problem_free(&p);
        }
        checked++;
    }
    assert_true(checked >= 18);
    gsl_integration_workspace_free(space);
}

/* cdf against sums of probabilities; the quantile is the first value that reaches the level. */
static void test_discrete(void **state)
{
    (void)state;
    for (int f = 0; tested_family(f) != NULL; f++) {
        const urn_family *family = tested_family(f);
        if (!family->support()->discrete || family->cdf == NULL)
            continue;
        for (uint64_t seed = 1; seed <= 8; seed++) {
            problem p =
                problem_new(family, 1, dim_of(family), (1u << param_count(family)) - 1u, seed);
            double sum = 0.0, mean = 0.0, square = 0.0;
            for (double k = -5.0; k < 4000.0; k += 1.0) {
                const double mass = density_at(k, &p);
                assert_agree(at_point(&p, family->cdf, k - 0.5, 0.0), sum, 1e-12, "%s cdf",
                             family->name);
                sum += mass;
                mean += mass * k;
                square += mass * k * k;
                assert_agree(at_point(&p, family->cdf, k, 0.0), sum, 1e-12, "%s cdf at %g",
                             family->name, k);
                if (mass > 1e-6 && sum < 1.0 - 1e-6) {
                    const double just = sum - 1e-9, past = sum + 1e-9;
                    assert_true(at_point(&p, family->quantile, 0.0, just) == k);
                    assert_true(at_point(&p, family->quantile, 0.0, past) > k);
                }
            }
            assert_agree(at_point(&p, family->mean, 0.0, 0.0), mean, 1e-10, "%s mean",
                         family->name);
            assert_agree(at_point(&p, family->variance, 0.0, 0.0), square - mean * mean, 1e-9,
                         "%s variance", family->name);
            check_median(&p);
            problem_free(&p);
        }
    }
}

/* Centres of what has no cdf: inside the support, and where the descriptor says. */
static void test_other_centres(void **state)
{
    (void)state;
    for (int f = 0; urn__family_at(f) != NULL; f++) {
        const urn_family *family = urn__family_at(f);
        assert_non_null(family->centre);
        for (unsigned given = 0; given < 1u << param_count(family); given++) {
            if (!choice_is_legal(family, given))
                continue;
            problem p = problem_new(family, 9, 4, given, 2);
            const urn_draw_call c = draw_call_of(&p);
            family->centre(&c);
            assert_int_equal(first_outside(&p), -1);
            const urn_density_call d = density_call_of(&p, false);
            family->log_density(&d);
            for (int64_t i = 0; i < p.n; i++)
                assert_true(isfinite(p.log_density[i]));
            problem_free(&p);
        }
    }
}

/* Rows that share parameters (stride 0) and rows with their own say the same. */
static void test_strides(void **state)
{
    (void)state;
    for (int f = 0; urn__family_at(f) != NULL; f++) {
        const urn_family *family = urn__family_at(f);
        void (*const functions[])(const urn_draw_call *) = {family->mean, family->variance,
                                                            family->cdf, family->quantile};
        for (unsigned given = 0; given < 1u << param_count(family); given++) {
            if (!choice_is_legal(family, given))
                continue;
            problem p = problem_new(family, 6, 3, given, 2);
            for (int k = 0; k < p.n_params; k++)
                for (int64_t i = 1; p.param[k] != NULL && i < p.n; i++)
                    memcpy(p.param[k] + i * p.element[k], p.param[k],
                           (size_t)p.element[k] * sizeof(double));
            double own[6 * 9], shared[6 * 9];
            for (int g = 0; g < 4; g++) {
                urn_draw_call c = draw_call_of(&p);
                c.p = 0.4;
                if (functions[g] == NULL)
                    continue;
                for (int i = 0; i < 54; i++)
                    own[i] = shared[i] = 0.0;
                c.out = own;
                functions[g](&c);
                for (int k = 0; k < p.n_params; k++)
                    c.stride[k] = 0;
                c.out = shared;
                functions[g](&c);
                for (int i = 0; i < 54; i++)
                    assert_agree(own[i], shared[i], 0.0, "%s, summary %d", family->name, g);
            }
            problem_free(&p);
        }
    }
}

int main(void)
{
    gsl_set_error_handler_off(); /* for the integrals only */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_continuous),
        cmocka_unit_test(test_discrete),
        cmocka_unit_test(test_other_centres),
        cmocka_unit_test(test_strides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
