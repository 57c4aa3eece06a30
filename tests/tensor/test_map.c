/* Elementwise kernels of one argument against extended precision and GSL, on every CPU path. */
#include "tests/tensor/paths.h"

#include <float.h>
#include <gsl/gsl_sf_psi.h>

#define POINTS 20000
#define PI_L 3.141592653589793238462643383279502884L

static long double neg_l(long double x)
{
    return -x;
}

static long double square_l(long double x)
{
    return x * x;
}

static long double reciprocal_l(long double x)
{
    return 1.0L / x;
}

static long double sigmoid_l(long double x)
{
    return 1.0L / (1.0L + expl(-x));
}

static long double softplus_l(long double x)
{
    return fmaxl(x, 0.0L) + log1pl(expl(-fabsl(x)));
}

static long double lgamma_l(long double x)
{
    int sign;
    return lgammal_r(x, &sign);
}

/* In long double: recurrence to 30 or more, asymptotic series there (Abramowitz and Stegun 6.3.18,
 * 6.4.12), reflection below 0. */
static long double digamma_l(long double x)
{
    if (x < 0.0L)
        return digamma_l(1.0L - x) - PI_L * cosl(PI_L * x) / sinl(PI_L * x);
    long double sum = 0.0L;
    for (; x < 30.0L; x += 1.0L)
        sum += 1.0L / x;
    const long double t = 1.0L / (x * x);
    const long double tail =
        t * (1.0L / 12 - t * (1.0L / 120 - t * (1.0L / 252 - t * (1.0L / 240 - t * (1.0L / 132)))));
    return logl(x) - 0.5L / x - tail - sum;
}

static long double trigamma_l(long double x)
{
    if (x < 0.0L) {
        const long double s = PI_L / sinl(PI_L * x);
        return s * s - trigamma_l(1.0L - x);
    }
    long double sum = 0.0L;
    for (; x < 30.0L; x += 1.0L)
        sum += 1.0L / (x * x);
    const long double r = 1.0L / x, t = r * r;
    const long double tail =
        t * r * (1.0L / 6 - t * (1.0L / 30 - t * (1.0L / 42 - t * (1.0L / 30 - t * (5.0L / 66)))));
    return r + 0.5L * t + tail + sum;
}

/* The references themselves, where GSL's error of some units allows. */
static void psis_are_those_of_gsl(void **state)
{
    (void)state;
    for (double x = -0.95; x < 60.0; x += 0.0371) {
        const double psi = gsl_sf_psi(x), psi_1 = gsl_sf_psi_1(x);
        assert_true(fabs((double)digamma_l(x) - psi) < 1e-14 * fmax(1.0, fabs(psi)));
        assert_true(fabs((double)trigamma_l(x) / psi_1 - 1.0) < 1e-13);
    }
}

static long double relu_l(long double x)
{
    return x > 0.0L ? x : 0.0L;
}

static long double sign_l(long double x)
{
    return (long double)((x > 0.0L) - (x < 0.0L));
}

static long double log1m_exp_l(long double x)
{
    return x > -0.7L ? logl(-expm1l(x)) : log1pl(-expl(x));
}

static long double phi_l(long double x)
{
    return 0.5L * erfcl(-x * sqrtl(0.5L));
}

/* In long double, erfc does not underflow before x = -150. */
static long double log_phi_l(long double x)
{
    return x > 0.0L ? log1pl(-phi_l(-x)) : logl(phi_l(x));
}

static long double step_l(long double x)
{
    return x > 0.0L ? 1.0L : 0.0L;
}

/* Bounds are in units in the last place of the true value, or of `floor` where that is larger (for
 * functions with roots that the argument's own rounding blurs). */
typedef struct accuracy {
    urn__map1 map;
    const char *name;
    long double (*exact)(long double);
    double low, high;
    double ulp, floor;
} accuracy;

static const accuracy accuracies[] = {
    {URN__MAP_NEG, "neg", neg_l, -1e3, 1e3, 0.0, 0.0},
    {URN__MAP_ABS, "abs", fabsl, -1e3, 1e3, 0.0, 0.0},
    {URN__MAP_SQUARE, "square", square_l, -1e3, 1e3, 0.5, 0.0},
    {URN__MAP_SQRT, "sqrt", sqrtl, 0.0, 1e6, 0.51, 0.0},
    {URN__MAP_RECIPROCAL, "reciprocal", reciprocal_l, -3.0, 3.0, 0.51, 0.0},
    {URN__MAP_EXP, "exp", expl, -745.0, 709.7, 4.0, 0.0},
    {URN__MAP_EXP, "exp", expl, -2.0, 2.0, 4.0, 0.0},
    {URN__MAP_LOG, "log", logl, 1e-300, 1e-290, 4.0, 0.0},
    {URN__MAP_LOG, "log", logl, 0.0, 3.0, 4.0, 0.0},
    {URN__MAP_LOG, "log", logl, 3.0, 1e9, 4.0, 0.0},
    {URN__MAP_LOG1P, "log1p", log1pl, -0.999, 10.0, 4.0, 0.0},
    {URN__MAP_LOG1P, "log1p", log1pl, -1e-8, 1e-8, 4.0, 0.0},
    {URN__MAP_EXPM1, "expm1", expm1l, -40.0, 700.0, 4.0, 0.0},
    {URN__MAP_EXPM1, "expm1", expm1l, -1e-8, 1e-8, 4.0, 0.0},
    {URN__MAP_SIGMOID, "sigmoid", sigmoid_l, -1e3, 1e3, 6.0, 0.0},
    {URN__MAP_SIGMOID, "sigmoid", sigmoid_l, -5.0, 5.0, 6.0, 0.0},
    {URN__MAP_SOFTPLUS, "softplus", softplus_l, -1e3, 1e3, 8.0, 0.0},
    {URN__MAP_SOFTPLUS, "softplus", softplus_l, -5.0, 5.0, 8.0, 0.0},
    {URN__MAP_TANH, "tanh", tanhl, -30.0, 30.0, 4.0, 0.0},
    {URN__MAP_TANH, "tanh", tanhl, -1e-3, 1e-3, 4.0, 0.0},
    {URN__MAP_SIN, "sin", sinl, -10.0, 10.0, 4.0, 0.0},
    {URN__MAP_SIN, "sin", sinl, -1e5, 1e5, 4.0, 0.0},
    {URN__MAP_COS, "cos", cosl, -10.0, 10.0, 4.0, 0.0},
    {URN__MAP_COS, "cos", cosl, -1e5, 1e5, 4.0, 0.0},
    {URN__MAP_ERF, "erf", erfl, -7.0, 7.0, 4.0, 0.0},
    {URN__MAP_LGAMMA, "lgamma", lgamma_l, 1e-8, 3.0, 4.0, 0.0},
    {URN__MAP_LGAMMA, "lgamma", lgamma_l, 0.999, 1.001, 4.0, 0.0},
    {URN__MAP_LGAMMA, "lgamma", lgamma_l, 1.999, 2.001, 4.0, 0.0},
    {URN__MAP_LGAMMA, "lgamma", lgamma_l, 2.0, 7.0, 4.0, 0.0},
    {URN__MAP_LGAMMA, "lgamma", lgamma_l, 3.0, 1e7, 4.0, 0.0},
    {URN__MAP_LGAMMA, "lgamma", lgamma_l, 1e7, 1e300, 4.0, 0.0},
    {URN__MAP_LGAMMA, "lgamma", lgamma_l, -9.5, 0.0, 8.0, 1.0},
    {URN__MAP_DIGAMMA, "digamma", digamma_l, 1e-6, 3.0, 8.0, 1.0},
    {URN__MAP_DIGAMMA, "digamma", digamma_l, 3.0, 1e6, 8.0, 0.0},
    {URN__MAP_DIGAMMA, "digamma", digamma_l, -0.9, -0.1, 20.0, 1.0},
    {URN__MAP_TRIGAMMA, "trigamma", trigamma_l, 1e-6, 3.0, 5.0, 0.0},
    {URN__MAP_TRIGAMMA, "trigamma", trigamma_l, 3.0, 1e6, 5.0, 0.0},
    {URN__MAP_TRIGAMMA, "trigamma", trigamma_l, -0.9, -0.1, 40.0, 0.0},
    {URN__MAP_RELU, "relu", relu_l, -3.0, 3.0, 0.0, 0.0},
    {URN__MAP_SIGN, "sign", sign_l, -3.0, 3.0, 0.0, 0.0},
    {URN__MAP_STEP, "step", step_l, -3.0, 3.0, 0.0, 0.0},
    {URN__MAP_LOG1M_EXP, "log1m_exp", log1m_exp_l, -3.0, 0.0, 10.0, 0.0},
    {URN__MAP_LOG1M_EXP, "log1m_exp", log1m_exp_l, -1e-8, 0.0, 10.0, 0.0},
    {URN__MAP_LOG1M_EXP, "log1m_exp", log1m_exp_l, -700.0, -3.0, 10.0, 0.0},
    {URN__MAP_PHI, "phi", phi_l, -3.0, 8.0, 8.0, 0.0},
    {URN__MAP_PHI, "phi", phi_l, -1e-8, 1e-8, 8.0, 0.0},
    {URN__MAP_PHI, "phi", phi_l, -37.5, -3.0, 8.0, 0.0},
    {URN__MAP_LOG_PHI, "log_phi", log_phi_l, -150.0, -20.0, 4.0, 0.0},
    {URN__MAP_LOG_PHI, "log_phi", log_phi_l, -20.0, 1.0, 8.0, 0.0},
    {URN__MAP_LOG_PHI, "log_phi", log_phi_l, 1.0, 37.5, 8.0, 0.0},
};
#define N_ACCURACIES ((int)(sizeof accuracies / sizeof *accuracies))

/* |value - exact| in units in the last place of a double of size max(|exact|, floor). */
static double ulps(double value, long double exact, double floor)
{
    if ((long double)value == exact)
        return 0.0;
    const double size = fmax(fabs((double)exact), floor);
    int exponent = 0;
    (void)frexp(size, &exponent);
    const long double unit = ldexpl(1.0L, exponent - 53 > -1074 ? exponent - 53 : -1074);
    return (double)(fabsl((long double)value - exact) / unit);
}

static void check_accuracy(const urn__kernels *kernels)
{
    for (int k = 0; k < N_ACCURACIES; k++) {
        const accuracy *row = &accuracies[k];
        uint64_t seed = (uint64_t)k;
        urn__real *x = test_array(&seed, POINTS, row->low, row->high);
        double *y = malloc(POINTS * sizeof *y);
        assert_non_null(y);
        kernels->map1[row->map](POINTS, x, y);
        double worst = 0.0, at = x[0];
        for (int i = 0; i < POINTS; i++) {
            const double off = ulps(y[i], row->exact(x[i]), row->floor);
            if (!(off <= worst)) {
                worst = off;
                at = x[i];
            }
        }
        print_message("%s %s on [%g, %g]: %.2f ulp\n", kernels->name, row->name, row->low,
                      row->high, worst);
        if (!(worst <= row->ulp))
            fail_msg("%s %s on [%g, %g]: %g ulp off at %.17g", kernels->name, row->name, row->low,
                     row->high, worst, at);
        free(x);
        free(y);
    }
}

static void is_accurate(void **state)
{
    (void)state;
    on_each_path(check_accuracy);
}

static void every_map_is_tested(void **state)
{
    (void)state;
    bool seen[URN__MAP1_COUNT] = {false};
    for (int k = 0; k < N_ACCURACIES; k++)
        seen[accuracies[k].map] = true;
    for (int map = 0; map < URN__MAP1_COUNT; map++)
        if (!seen[map])
            fail_msg("map %d has no row in the table of accuracies", map);
}

typedef struct special {
    urn__map1 map;
    const char *name;
    double x, y;
} special;

#define INF ((double)INFINITY)
#define NOT ((double)NAN)
#define EULER 0.57721566490153286

static const special specials[] = {
    {URN__MAP_EXP, "exp", INF, INF},
    {URN__MAP_EXP, "exp", -INF, 0.0},
    {URN__MAP_EXP, "exp", 0.0, 1.0},
    {URN__MAP_EXP, "exp", 710.0, INF},
    {URN__MAP_EXP, "exp", -800.0, 0.0},
    {URN__MAP_LOG, "log", 0.0, -INF},
    {URN__MAP_LOG, "log", -0.0, -INF},
    {URN__MAP_LOG, "log", 1.0, 0.0},
    {URN__MAP_LOG, "log", -1.0, NOT},
    {URN__MAP_LOG, "log", INF, INF},
    {URN__MAP_LOG1P, "log1p", -1.0, -INF},
    {URN__MAP_LOG1P, "log1p", -2.0, NOT},
    {URN__MAP_LOG1P, "log1p", INF, INF},
    {URN__MAP_LOG1P, "log1p", 0.0, 0.0},
    {URN__MAP_EXPM1, "expm1", -INF, -1.0},
    {URN__MAP_EXPM1, "expm1", INF, INF},
    {URN__MAP_EXPM1, "expm1", 0.0, 0.0},
    {URN__MAP_SQRT, "sqrt", -1.0, NOT},
    {URN__MAP_SQRT, "sqrt", INF, INF},
    {URN__MAP_SQRT, "sqrt", 0.0, 0.0},
    {URN__MAP_SQUARE, "square", -INF, INF},
    {URN__MAP_RECIPROCAL, "reciprocal", 0.0, INF},
    {URN__MAP_RECIPROCAL, "reciprocal", INF, 0.0},
    {URN__MAP_ABS, "abs", -INF, INF},
    {URN__MAP_SIGMOID, "sigmoid", INF, 1.0},
    {URN__MAP_SIGMOID, "sigmoid", -INF, 0.0},
    {URN__MAP_SIGMOID, "sigmoid", 0.0, 0.5},
    {URN__MAP_SOFTPLUS, "softplus", INF, INF},
    {URN__MAP_SOFTPLUS, "softplus", -INF, 0.0},
    {URN__MAP_SOFTPLUS, "softplus", 1e3, 1e3},
    {URN__MAP_TANH, "tanh", INF, 1.0},
    {URN__MAP_TANH, "tanh", -INF, -1.0},
    {URN__MAP_SIN, "sin", INF, NOT},
    {URN__MAP_SIN, "sin", 0.0, 0.0},
    {URN__MAP_COS, "cos", INF, NOT},
    {URN__MAP_COS, "cos", 0.0, 1.0},
    {URN__MAP_LGAMMA, "lgamma", 0.0, INF},
    {URN__MAP_LGAMMA, "lgamma", -3.0, INF},
    {URN__MAP_LGAMMA, "lgamma", 1.0, 0.0},
    {URN__MAP_LGAMMA, "lgamma", 2.0, 0.0},
    {URN__MAP_LGAMMA, "lgamma", INF, INF},
    {URN__MAP_DIGAMMA, "digamma", 0.0, NOT},
    {URN__MAP_DIGAMMA, "digamma", -1.0, NOT},
    {URN__MAP_DIGAMMA, "digamma", -7.0, NOT},
    {URN__MAP_DIGAMMA, "digamma", INF, INF},
    {URN__MAP_DIGAMMA, "digamma", -INF, NOT},
    {URN__MAP_DIGAMMA, "digamma", 1.0, -EULER},
    {URN__MAP_DIGAMMA, "digamma", 0.5, -EULER - 2.0 * 0.69314718055994531},
    {URN__MAP_DIGAMMA, "digamma", -1.5, 2.0 + 2.0 / 3.0 - EULER - 2.0 * 0.69314718055994531},
    {URN__MAP_DIGAMMA, "digamma", 1e300, 690.77552789821371},
    {URN__MAP_TRIGAMMA, "trigamma", 0.0, INF},
    {URN__MAP_TRIGAMMA, "trigamma", -2.0, INF},
    {URN__MAP_TRIGAMMA, "trigamma", INF, 0.0},
    {URN__MAP_TRIGAMMA, "trigamma", 1.0, 1.6449340668482264},  /* pi^2 / 6 */
    {URN__MAP_TRIGAMMA, "trigamma", 0.5, 4.9348022005446793},  /* pi^2 / 2 */
    {URN__MAP_TRIGAMMA, "trigamma", -0.5, 8.9348022005446793}, /* pi^2 / 2 + 4 */
    {URN__MAP_TRIGAMMA, "trigamma", 1e200, 1e-200},
    {URN__MAP_ERF, "erf", INF, 1.0},
    {URN__MAP_ERF, "erf", -INF, -1.0},
    {URN__MAP_ERF, "erf", 0.0, 0.0},
    {URN__MAP_RELU, "relu", 0.0, 0.0},
    {URN__MAP_RELU, "relu", -INF, 0.0},
    {URN__MAP_RELU, "relu", INF, INF},
    {URN__MAP_SIGN, "sign", 0.0, 0.0},
    {URN__MAP_SIGN, "sign", -INF, -1.0},
    {URN__MAP_STEP, "step", 0.0, 0.0},
    {URN__MAP_STEP, "step", INF, 1.0},
    {URN__MAP_LOG1M_EXP, "log1m_exp", 0.0, -INF},
    {URN__MAP_LOG1M_EXP, "log1m_exp", -INF, 0.0},
    {URN__MAP_LOG1M_EXP, "log1m_exp", 1.0, NOT},
    {URN__MAP_PHI, "phi", -INF, 0.0},
    {URN__MAP_PHI, "phi", INF, 1.0},
    {URN__MAP_PHI, "phi", 0.0, 0.5},
    {URN__MAP_PHI, "phi", -40.0, 0.0},
    {URN__MAP_PHI, "phi", -30.0, 4.906713927148187e-198}, /* mpmath */
    {URN__MAP_LOG_PHI, "log_phi", -INF, -INF},
    {URN__MAP_LOG_PHI, "log_phi", INF, 0.0},
    {URN__MAP_LOG_PHI, "log_phi", -1e4, -50000010.129278915}, /* mpmath */
};
#define N_SPECIALS ((int)(sizeof specials / sizeof *specials))

/* Alone, and among ordinary neighbours, which take another way through a vector function. */
static void check_specials(const urn__kernels *kernels)
{
    for (int k = 0; k < N_SPECIALS; k++) {
        const special *row = &specials[k];
        double y[11];
        double x[11] = {0.5, 1.5, 2.5, row->x, 0.25, 3.5, 0.5, 1.5, 2.5, row->x, 0.25};
        kernels->map1[row->map](11, x, y);
        double alone;
        kernels->map1[row->map](1, &row->x, &alone);
        const double values[] = {y[3], y[9], alone};
        for (int i = 0; i < 3; i++) {
            const bool as_expected =
                isnan(row->y) ? isnan(values[i])
                              : values[i] == row->y ||
                                    fabs(values[i] - row->y) <= 4 * DBL_EPSILON * fabs(row->y);
            if (!as_expected)
                fail_msg("%s %s(%g) is %.17g, expected %.17g", kernels->name, row->name, row->x,
                         values[i], row->y);
        }
    }
}

static void special_values(void **state)
{
    (void)state;
    on_each_path(check_specials);
}

static void check_nan(const urn__kernels *kernels)
{
    for (int map = 0; map < URN__MAP1_COUNT; map++) {
        const double a = map == URN__MAP_LOG1M_EXP ? -1.0 : 1.0; /* inside the domain */
        double x[9] = {a, a, NOT, a, a, a, a, a, NOT}, y[9];
        kernels->map1[map](9, x, y);
        for (int i = 0; i < 9; i++)
            if (isnan(y[i]) != isnan(x[i]))
                fail_msg("%s map %d makes %g of %g", kernels->name, map, y[i], x[i]);
    }
}

static void nan_stays_nan(void **state)
{
    (void)state;
    on_each_path(check_nan);
}

/* Any part of an array, at any alignment, in place or not, gives what the whole gave; nothing past
 * the part is written. */
static void check_parts(const urn__kernels *kernels)
{
    enum { N = 37 };
    uint64_t seed = 7;
    urn__real *x = test_array(&seed, N, 0.1, 0.9);
    for (int map = 0; map < URN__MAP1_COUNT; map++) {
        double whole[N], part[N + 1];
        kernels->map1[map](N, x, whole);
        for (int from = 0; from < N; from++) {
            for (int n = 0; n <= N - from; n++) {
                part[n] = 12345.0;
                kernels->map1[map](n, x + from, part);
                assert_same_bits(n, part, whole + from);
                assert_true(part[n] == 12345.0);
                memcpy(part, x + from, (size_t)n * sizeof *part);
                kernels->map1[map](n, part, part);
                assert_same_bits(n, part, whole + from);
                assert_true(part[n] == 12345.0);
            }
        }
    }
    free(x);
}

static void parts_equal_the_whole(void **state)
{
    (void)state;
    on_each_path(check_parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_map_is_tested), cmocka_unit_test(psis_are_those_of_gsl),
        cmocka_unit_test(is_accurate),         cmocka_unit_test(special_values),
        cmocka_unit_test(nan_stays_nan),       cmocka_unit_test(parts_equal_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
