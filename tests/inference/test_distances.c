/* Distances between samples, against SciPy's and NumPy's figures. */
#include "tests/inference/check.h"

#include "inference/compare/distances.h"
#include "runtime/base/rng.h"

#include <gsl/gsl_randist.h>

static void wasserstein_distances(void **state)
{
    (void)state;
    double a[9], b[14], c[] = {2, 1, 3, 1, 2}, d[] = {5, 2, 1, 2}, one[] = {4.0};
    for (int i = 0; i < 9; i++)
        a[i] = sin(1.7 * i);
    for (int i = 0; i < 14; i++)
        b[i] = 1.3 * cos(0.9 * i) + 0.4;
    assert_close(urn__wasserstein(9, a, 14, b), 0.37529776118440283, 1e-14);
    assert_close(urn__wasserstein(14, b, 9, a), 0.37529776118440283, 1e-14);
    assert_close(urn__wasserstein(9, a, 9, a), 0.0, 0.0);
    assert_close(urn__wasserstein(5, c, 4, d), 0.7, 1e-14);   /* ties */
    assert_close(urn__wasserstein(1, one, 4, d), 2.0, 1e-14); /* to a point: mean |x - 4| */
    assert_true(isnan(urn__wasserstein(0, a, 4, d)));
    d[0] = (double)NAN;
    assert_true(isnan(urn__wasserstein(1, one, 4, d)));
}

/* The fair estimate on five numbers; then the mean over many samples against closed forms: of
 * N(1, 2) at 0.3, and of a mixture of three normals at 0.8 (also by quadrature). */
static void continuous_ranked_probability_scores(void **state)
{
    (void)state;
    double x[] = {0.3, -1.2, 2.5, 0.9, 0.3}, draws[20];
    assert_close(urn__crps(5, x, 0.5), 0.1, 1e-14);
    assert_true(isnan(urn__crps(1, x, 0.5)));
    static const double mu[] = {-1.0, 0.5, 2.0}, sd[] = {0.5, 1.0, 2.0};
    static const double expected[] = {0.56414513221810592, 0.51690095604659225};
    static const double at[] = {0.3, 0.8};
    enum { REPEATS = 40000 };
    for (int mixture = 0; mixture < 2; mixture++) {
        const urn__stream stream = urn__stream_at(5, (uint64_t)mixture, "crps", 0);
        urn_rng rng;
        urn__rng_at_row(&rng, &stream, 0);
        double sum = 0.0, squares = 0.0;
        for (int r = 0; r < REPEATS; r++) {
            for (int s = 0; s < 20; s++) {
                const double z = gsl_ran_ugaussian(urn_rng_gsl(&rng));
                const int k = (int)(3.0 * urn_rng_uniform(&rng));
                draws[s] = mixture ? mu[k] + sd[k] * z : 1.0 + 2.0 * z;
            }
            const double score = urn__crps(20, draws, at[mixture]);
            sum += score / REPEATS;
            squares += score * score / REPEATS;
        }
        const double se = sqrt((squares - sum * sum) / REPEATS);
        assert_true(se < 0.002);
        assert_close(sum, expected[mixture], 4.0 * se);
    }
}

static void correlations_and_errors(void **state)
{
    (void)state;
    double x[9], y[9], se, constant[9] = {0.0};
    for (int i = 0; i < 9; i++) {
        x[i] = sin(1.7 * i);
        y[i] = cos(0.4 * i) + 0.1 * i;
    }
    assert_close(urn__correlation(9, x, y), 0.079968069812871898, 1e-13);
    assert_true(isnan(urn__correlation(9, x, constant)));
    (void)urn__mean_of(9, x, &se);
    assert_close(se, 0.24584179781790627, 1e-13);
    (void)urn__mean_of(1, x, &se);
    assert_true(isnan(se));
}

static void eigenvalues(void **state)
{
    (void)state;
    static const double m[16] = {4, 1, -2, 0.5, 1, 3, 0, 1, -2, 0, 2, -0.3, 0.5, 1, -0.3, 1};
    static const double expected[] = {0.43357786206287269, 0.80838513186995664, 3.0586175002545857,
                                      5.6994195058125845};
    double a[16], v[16], l[4];
    memcpy(a, m, sizeof a);
    urn__eigen_symmetric(4, a, v, l);
    for (int k = 0; k < 4; k++) {
        assert_close(l[k], expected[k], 1e-13);
        for (int i = 0; i < 4; i++) { /* M v = l v */
            double sum = 0.0;
            for (int j = 0; j < 4; j++)
                sum += m[i * 4 + j] * v[j * 4 + k];
            assert_close(sum, l[k] * v[i * 4 + k], 1e-13);
        }
    }
    double zero[4] = {0.0};
    urn__eigen_symmetric(2, zero, NULL, l);
    assert_close(l[0], 0.0, 0.0);
}

static void gram(int n, const double *x, double *g)
{
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) {
            g[a * 3 + b] = 0.0;
            for (int i = 0; i < n; i++)
                g[a * 3 + b] += x[i * 3 + a] * x[i * 3 + b];
        }
}

/* Of U V^T, from Gram matrices; the same for U A and V A^-T. */
static void singular_values_of_products(void **state)
{
    (void)state;
    static const double expected[] = {9.2869482988485341, 1.7849631791194853, 0.2726037896611439};
    /* A and its inverse transposed */
    static const double turn[9] = {2, 1, 0, 0, 1, 0, 0, 0, 4};
    static const double back[9] = {0.5, 0, 0, -0.5, 1, 0, 0, 0, 0.25};
    double u[21], v[15], ua[21], va[15], gu[9], gv[9], work[30], values[3];
    for (int i = 0; i < 7; i++)
        for (int k = 0; k < 3; k++)
            u[i * 3 + k] = sin(1.3 * i + 2.1 * k * k + 0.4 * i * k);
    for (int j = 0; j < 5; j++)
        for (int k = 0; k < 3; k++)
            v[j * 3 + k] = cos(0.7 * j - 1.1 * k) + 0.2 * k * j;
    for (int turned = 0; turned < 2; turned++) {
        for (int i = 0; i < 7 * 3; i++) {
            ua[i] = 0.0;
            for (int k = 0; k < 3; k++)
                ua[i] += u[i / 3 * 3 + k] * turn[k * 3 + i % 3];
        }
        for (int i = 0; i < 5 * 3; i++) {
            va[i] = 0.0;
            for (int k = 0; k < 3; k++)
                va[i] += v[i / 3 * 3 + k] * back[k * 3 + i % 3];
        }
        gram(7, turned ? ua : u, gu);
        gram(5, turned ? va : v, gv);
        urn__product_singular_values(3, gu, gv, work, values);
        for (int k = 0; k < 3; k++)
            assert_close(values[k], expected[k], 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wasserstein_distances),
        cmocka_unit_test(continuous_ranked_probability_scores),
        cmocka_unit_test(correlations_and_errors),
        cmocka_unit_test(eigenvalues),
        cmocka_unit_test(singular_values_of_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
