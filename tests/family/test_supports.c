/* Walks all supports: round trips, log-Jacobians against determinants of finite differences,
 * adjoints against finite differences, extreme values, values outside. */
#include "problem.h"

typedef struct mapping {
    const urn_support *support;
    urn_bijection_call call;
    bool low, high;
} mapping;

static mapping mapping_new(const urn_support *support, int64_t n, int64_t dim, int64_t value_size,
                           bool low, bool high)
{
    mapping m = {.support = support, .low = low, .high = high};
    urn_bijection_call *c = &m.call;
    *c = (urn_bijection_call){.n = n, .dim = dim, .value_size = value_size};
    c->free_size = support->free_size != NULL ? support->free_size(dim, value_size) : value_size;
    double *bounds[2] = {low ? numbers(n) : NULL, high ? numbers(n) : NULL};
    for (int64_t i = 0; i < n; i++) {
        if (low)
            bounds[0][i] = -2.0 - 0.3 * (double)i;
        if (high)
            bounds[1][i] = 1.5 + 0.7 * (double)i;
    }
    c->low = bounds[0];
    c->high = bounds[1];
    c->free = numbers(n * c->free_size);
    c->value = numbers(n * value_size);
    c->log_jacobian = numbers(n);
    c->d_value = numbers(n * value_size);
    c->d_log_jacobian = numbers(n);
    c->d_free = numbers(n * c->free_size);
    c->d_low = low ? numbers(n) : NULL;
    c->d_high = high ? numbers(n) : NULL;
    return m;
}

static void mapping_free(mapping *m)
{
    urn_bijection_call *c = &m->call;
    free((double *)c->low);
    free((double *)c->high);
    free(c->free);
    free(c->value);
    free(c->log_jacobian);
    free((double *)c->d_value);
    free((double *)c->d_log_jacobian);
    free(c->d_free);
    free(c->d_low);
    free(c->d_high);
}

static bool is_matrix(const urn_support *support)
{
    return support == urn_support_corr_cholesky() || support == urn_support_positive_definite();
}

/* Runs `body` on every continuous support, with the sizes and bounds it may have. */
static void for_each(int64_t n, void (*body)(mapping *m))
{
    for (int s = 0; urn__support_at(s) != NULL; s++) {
        const urn_support *support = urn__support_at(s);
        const bool bounded = support == urn_support_bounded();
        for (int64_t dim = 1; dim <= 6 && !support->discrete; dim++)
            for (int bounds = 0; bounds < (bounded ? 4 : 1); bounds++) {
                mapping m = mapping_new(support, n, dim, is_matrix(support) ? dim * dim : dim,
                                        bounds & 1, bounds & 2);
                source s2 = {17 + (uint64_t)dim};
                for (int64_t i = 0; i < n * m.call.free_size; i++)
                    m.call.free[i] = /* condition numbers grow with the side */
                        1.3 * source_normal(&s2) / (is_matrix(support) ? sqrt((double)dim) : 1.0);
                for (int64_t i = 0; i < n * m.call.value_size; i++)
                    ((double *)m.call.d_value)[i] = source_normal(&s2);
                for (int64_t i = 0; i < n; i++)
                    ((double *)m.call.d_log_jacobian)[i] = source_normal(&s2);
                body(&m);
                mapping_free(&m);
            }
    }
}

static void round_trip(mapping *m)
{
    urn_bijection_call *c = &m->call;
    double *before = numbers(c->n * c->free_size);
    memcpy(before, c->free, (size_t)(c->n * c->free_size) * sizeof(double));
    m->support->constrain(c);
    assert_int_equal(m->support->first_outside(c), -1);
    for (int64_t i = 0; i < c->n * c->free_size; i++)
        c->free[i] = NAN;
    m->support->unconstrain(c);
    for (int64_t i = 0; i < c->n * c->free_size; i++)
        assert_agree(c->free[i], before[i], 1e-12, "%s, dim %ld", m->support->name, (long)c->dim);
    urn_bijection_call no_jacobian = *c;
    double *value = numbers(c->n * c->value_size);
    memcpy(value, c->value, (size_t)(c->n * c->value_size) * sizeof(double));
    no_jacobian.log_jacobian = NULL;
    m->support->constrain(&no_jacobian);
    for (int64_t i = 0; i < c->n * c->value_size; i++)
        assert_agree(c->value[i], value[i], 1e-13, "%s without log-Jacobian", m->support->name);
    free(value);
    free(before);
}

static void test_round_trip(void **state)
{
    (void)state;
    for_each(0, round_trip);
    for_each(1, round_trip);
    for_each(7, round_trip);
}

/* log |det| by elimination with pivoting; destroys `a`. */
static double log_determinant(int64_t n, double *a)
{
    double sum = 0.0;
    for (int64_t k = 0; k < n; k++) {
        int64_t best = k;
        for (int64_t i = k + 1; i < n; i++)
            best = fabs(a[i * n + k]) > fabs(a[best * n + k]) ? i : best;
        for (int64_t j = 0; j < n; j++) {
            const double swap = a[k * n + j];
            a[k * n + j] = a[best * n + j];
            a[best * n + j] = swap;
        }
        sum += log(fabs(a[k * n + k]));
        for (int64_t i = k + 1; i < n; i++)
            for (int64_t j = n - 1; j >= k; j--)
                a[i * n + j] -= a[i * n + k] / a[k * n + k] * a[k * n + j];
    }
    return sum;
}

/* Central difference of fourth order of output `out[at]` along `v`. */
static double difference(mapping *m, double *v, const double *out, int64_t at)
{
    const double x = *v, h = 1e-3;
    double f[5];
    for (int k = -2; k <= 2; k++) {
        *v = x + k * h;
        m->support->constrain(&m->call);
        f[k + 2] = out[at];
    }
    *v = x;
    return (8.0 * (f[3] - f[1]) - (f[4] - f[0])) / (12.0 * h);
}

/* The coordinates of a value: all of a vector, what is below the diagonal of a matrix, which may be
 * one of them. */
static int64_t coordinate(const mapping *m, int64_t k)
{
    if (!is_matrix(m->support))
        return k;
    const int64_t first = m->support == urn_support_corr_cholesky() ? 1 : 0;
    int64_t row = first;
    for (; k >= row + 1 - first; row++)
        k -= row + 1 - first;
    return row * m->call.dim + k;
}

static void jacobian(mapping *m)
{
    urn_bijection_call *c = &m->call;
    const int64_t n = c->free_size;
    double *a = numbers(n * n);
    for (int64_t r = 0; r < c->n; r++) {
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++)
                a[i * n + j] = difference(m, &c->free[r * n + j], c->value,
                                          r * c->value_size + coordinate(m, i));
        m->support->constrain(c);
        assert_agree(c->log_jacobian[r], log_determinant(n, a), 1e-8, "%s, dim %ld",
                     m->support->name, (long)c->dim);
    }
    free(a);
}

static void test_jacobian(void **state)
{
    (void)state;
    for_each(2, jacobian);
}

/* d (d_value . value + d_log_jacobian . log_jacobian) / dv */
static double directional(mapping *m, double *v)
{
    const urn_bijection_call *c = &m->call;
    double sum = 0.0;
    for (int64_t i = 0; i < c->n * c->value_size; i++)
        sum += c->d_value[i] * difference(m, v, c->value, i);
    for (int64_t i = 0; i < c->n; i++)
        sum += c->d_log_jacobian[i] * difference(m, v, c->log_jacobian, i);
    return sum;
}

static void adjoints(mapping *m)
{
    urn_bijection_call *c = &m->call;
    m->support->constrain_vjp(c);
    for (int64_t i = 0; i < c->n * c->free_size; i++)
        assert_agree(c->d_free[i], directional(m, &c->free[i]), 1e-8, "%s, dim %ld, d free[%ld]",
                     m->support->name, (long)c->dim, (long)i);
    for (int64_t i = 0; i < c->n; i++) {
        if (c->low != NULL)
            assert_agree(c->d_low[i], directional(m, (double *)c->low + i), 1e-8, "d low");
        if (c->high != NULL)
            assert_agree(c->d_high[i], directional(m, (double *)c->high + i), 1e-8, "d high");
    }
    c->d_low = c->d_high = (free(c->d_low), free(c->d_high), NULL); /* not wanted: not written */
    m->support->constrain_vjp(c);
}

static void test_adjoints(void **state)
{
    (void)state;
    for_each(3, adjoints);
}

static void extremes(mapping *m)
{
    static const double far[] = {-700.0, -40.0, -1e-300, 0.0, 40.0, 700.0};
    urn_bijection_call *c = &m->call;
    /* a positive definite matrix has squares of exponentials */
    const double reach = m->support == urn_support_positive_definite() ? 0.5 : 1.0;
    for (int64_t v = 0; v < 6; v++) {
        for (int64_t i = 0; i < c->n * c->free_size; i++)
            c->free[i] = reach * far[(v + (i % 2 == 0 ? 0 : i)) % 6];
        m->support->constrain(c);
        m->support->constrain_vjp(c);
        for (int64_t i = 0; i < c->n * c->value_size; i++)
            assert_true(isfinite(c->value[i]));
        for (int64_t i = 0; i < c->n; i++)
            assert_true(isfinite(c->log_jacobian[i]));
        for (int64_t i = 0; i < c->n * c->free_size; i++)
            assert_true(isfinite(c->d_free[i]));
        for (int64_t i = 0; i < c->n; i++) {
            assert_true(c->low == NULL ||
                        (isfinite(c->d_low[i]) && c->value[i] >= c->low[0] - 10.0));
            assert_true(c->high == NULL || isfinite(c->d_high[i]));
        }
        if (m->support == urn_support_bounded())
            assert_int_equal(m->support->first_outside(c), -1);
    }
}

static void test_extremes(void **state)
{
    (void)state;
    for_each(5, extremes);
}

static int64_t outside(const urn_support *support, int64_t dim, int64_t size, int64_t n,
                       const double *value, const double *low, const double *high)
{
    double copy[64], room[64];
    memcpy(copy, value, (size_t)(n * size) * sizeof(double));
    const urn_bijection_call c = {.n = n,
                                  .dim = dim,
                                  .value_size = size,
                                  .free = room,
                                  .value = copy,
                                  .low = low,
                                  .high = high};
    return support->first_outside(&c);
}

static void test_outside(void **state)
{
    (void)state;
    const double low[4] = {0.0, 1.0, 2.0, 3.0}, high[4] = {5.0, 5.0, 5.0, 5.0};
    const urn_support *real = urn_support_real(), *positive = urn_support_positive();
    assert_int_equal(outside(real, 1, 1, 3, (double[]){1.0, -2.0, 3.0}, NULL, NULL), -1);
    assert_int_equal(outside(real, 1, 1, 3, (double[]){1.0, -2.0, INFINITY}, NULL, NULL), 2);
    assert_int_equal(outside(real, 2, 2, 2, (double[]){1.0, 2.0, NAN, 3.0}, NULL, NULL), 1);
    assert_int_equal(outside(positive, 1, 1, 3, (double[]){1.0, 0.0, 3.0}, NULL, NULL), 1);
    assert_int_equal(outside(positive, 1, 1, 2, (double[]){1.0, INFINITY}, NULL, NULL), 1);
    assert_int_equal(outside(positive, 1, 1, 1, (double[]){NAN}, NULL, NULL), 0);
    const urn_support *non_negative = urn_support_non_negative();
    assert_int_equal(outside(non_negative, 1, 1, 3, (double[]){1.0, 0.0, 3.0}, NULL, NULL), -1);
    assert_int_equal(outside(non_negative, 1, 1, 2, (double[]){0.0, -1e-300}, NULL, NULL), 1);
    assert_int_equal(outside(non_negative, 1, 1, 1, (double[]){NAN}, NULL, NULL), 0);
    const urn_support *bounded = urn_support_bounded();
    assert_int_equal(outside(bounded, 1, 1, 4, (double[]){0.0, 2.0, 2.0, 5.0}, low, high), -1);
    assert_int_equal(outside(bounded, 1, 1, 4, (double[]){0.0, 2.0, 1.9, 5.0}, low, high), 2);
    assert_int_equal(outside(bounded, 1, 1, 4, (double[]){0.0, 2.0, 2.0, 5.1}, low, high), 3);
    assert_int_equal(outside(bounded, 1, 1, 2, (double[]){-1e9, 5.1}, NULL, high), 1);
    assert_int_equal(outside(bounded, 1, 1, 1, (double[]){NAN}, low, NULL), 0);
    assert_int_equal(outside(urn_support_boolean(), 1, 1, 3, (double[]){0, 1, 0.5}, NULL, NULL), 2);
    assert_int_equal(outside(urn_support_boolean(), 1, 1, 2, (double[]){0, NAN}, NULL, NULL), 1);
    assert_int_equal(outside(urn_support_count(), 1, 1, 3, (double[]){0, 7, 1e9}, NULL, NULL), -1);
    assert_int_equal(outside(urn_support_count(), 1, 1, 3, (double[]){0, -1, 2}, NULL, NULL), 1);
    assert_int_equal(outside(urn_support_count(), 1, 1, 3, (double[]){0, 1, 2.5}, NULL, NULL), 2);
    assert_int_equal(outside(urn_support_count(), 1, 1, 1, (double[]){INFINITY}, NULL, NULL), 0);
    const urn_support *category = urn_support_category();
    assert_int_equal(outside(category, 3, 1, 3, (double[]){0, 1, 2}, NULL, NULL), -1);
    assert_int_equal(outside(category, 3, 1, 3, (double[]){0, 1, 3}, NULL, NULL), 2);
    assert_int_equal(outside(category, 1, 1, 3, (double[]){0, 5, 6}, NULL, high), 2);
    assert_int_equal(outside(category, 1, 1, 2, (double[]){0, 0.5}, NULL, NULL), 1);
    const urn_support *corr = urn_support_corr_cholesky();
    const double good[] = {1, 0, 0.6, 0.8};
    assert_int_equal(outside(corr, 2, 4, 1, good, NULL, NULL), -1);
    assert_int_equal(outside(corr, 2, 4, 1, (double[]){1, 0, 0.6, -0.8}, NULL, NULL), 0);
    assert_int_equal(outside(corr, 2, 4, 1, (double[]){1, 0, 0.6, 0.9}, NULL, NULL), 0);
    assert_int_equal(outside(corr, 2, 4, 1, (double[]){1, 0.1, 0.6, 0.8}, NULL, NULL), 0);
    assert_int_equal(outside(corr, 2, 4, 1, (double[]){2, 0, 0.6, 0.8}, NULL, NULL), 0);
}

static void test_outside_simplex(void **state)
{
    (void)state;
    const urn_support *simplex = urn_support_simplex(), *unit = urn_support_unit();
    assert_int_equal(outside(simplex, 2, 2, 2, (double[]){0.5, 0.5, 1, 0}, NULL, NULL), -1);
    assert_int_equal(outside(simplex, 2, 2, 2, (double[]){0.5, 0.5, 1.1, -0.1}, NULL, NULL), 1);
    assert_int_equal(outside(simplex, 2, 2, 1, (double[]){0.5, 0.4999}, NULL, NULL), 0);
    assert_int_equal(outside(simplex, 2, 2, 1, (double[]){0.5, NAN}, NULL, NULL), 0);
    assert_int_equal(outside(unit, 1, 1, 3, (double[]){0, 1, 0.3}, NULL, NULL), -1);
    assert_int_equal(outside(unit, 1, 1, 3, (double[]){0, 1, 1.001}, NULL, NULL), 2);
    assert_int_equal(outside(unit, 1, 1, 2, (double[]){0, NAN}, NULL, NULL), 1);
    const urn_support *count = urn_support_count(), *counts = urn_support_counts();
    const double high[2] = {3.0, 4.0};
    assert_int_equal(outside(count, 1, 1, 2, (double[]){3, 4}, NULL, high), -1);
    assert_int_equal(outside(count, 1, 1, 2, (double[]){4, 4}, NULL, high), 0);
    assert_int_equal(outside(counts, 2, 2, 2, (double[]){1, 2, 4, 0}, NULL, high), -1);
    assert_int_equal(outside(counts, 2, 2, 2, (double[]){1, 2, 4, 1}, NULL, high), 1);
    assert_int_equal(outside(counts, 2, 2, 1, (double[]){1, 2.5}, NULL, NULL), 0);
    assert_int_equal(outside(counts, 2, 2, 1, (double[]){4, -1}, NULL, high), 0);
}

/* simplex by hand at d = 3; zeros are its centre. */
static void test_known_simplex(void **state)
{
    (void)state;
    double f[2] = {log(2.0), log(3.0)}, value[3], log_jacobian;
    const urn_bijection_call c = {.n = 1,
                                  .dim = 3,
                                  .value_size = 3,
                                  .free_size = 2,
                                  .free = f,
                                  .value = value,
                                  .log_jacobian = &log_jacobian};
    urn_support_simplex()->constrain(&c); /* half of the stick, three quarters of the rest */
    const double expected[3] = {0.5, 0.375, 0.125};
    for (int i = 0; i < 3; i++)
        assert_agree(value[i], expected[i], 1e-15, "element %d", i);
    assert_agree(log_jacobian, log(0.5) + 2 * log(0.5) + log(0.75) + log(0.25), 1e-14, "Jacobian");
    f[0] = f[1] = 0.0;
    urn_support_simplex()->constrain(&c);
    for (int i = 0; i < 3; i++)
        assert_agree(value[i], 1.0 / 3.0, 1e-15, "centre %d", i);
}

static void test_outside_positive_definite(void **state)
{
    (void)state;
    const urn_support *definite = urn_support_positive_definite();
    assert_int_equal(outside(definite, 1, 1, 3, (double[]){2, 1e-300, 0}, NULL, NULL), 2);
    assert_int_equal(outside(definite, 2, 4, 1, (double[]){2, 1, 1, 2}, NULL, NULL), -1);
    assert_int_equal(outside(definite, 2, 4, 2, (double[]){2, 1, 1, 2, 1, 2, 2, 1}, NULL, NULL), 1);
    assert_int_equal(outside(definite, 2, 4, 1, (double[]){2, 1, 1.01, 2}, NULL, NULL), 0);
    assert_int_equal(outside(definite, 2, 4, 1, (double[]){2, NAN, NAN, 2}, NULL, NULL), 0);
    assert_int_equal(outside(definite, 2, 4, 1, (double[]){INFINITY, 0, 0, 2}, NULL, NULL), 0);
    assert_int_equal(outside(definite, 2, 4, 1, (double[]){-2, 0, 0, -2}, NULL, NULL), 0);
}

/* positive_definite by hand at d = 2. */
static void test_known_matrix(void **state)
{
    (void)state;
    double f[3] = {0.5, -0.2, 1.1}, value[4], log_jacobian;
    const urn_bijection_call c = {.n = 1,
                                  .dim = 2,
                                  .value_size = 4,
                                  .free_size = 3,
                                  .free = f,
                                  .value = value,
                                  .log_jacobian = &log_jacobian};
    urn_support_positive_definite()->constrain(&c);
    const double expected[4] = {exp(1.0), -0.2 * exp(0.5), -0.2 * exp(0.5), 0.04 + exp(2.2)};
    for (int i = 0; i < 4; i++)
        assert_agree(value[i], expected[i], 1e-15, "element %d", i);
    assert_agree(log_jacobian, 2 * log(2) + 3 * 0.5 + 2 * 1.1, 1e-14, "log-Jacobian");
}

/* corr_cholesky by hand at d = 3: the order of the coordinates is part of every saved position. */
static void test_known_factor(void **state)
{
    (void)state;
    double f[3] = {0.5, -0.2, 1.1}, value[9], log_jacobian;
    const urn_bijection_call c = {.n = 1,
                                  .dim = 3,
                                  .value_size = 9,
                                  .free_size = 3,
                                  .free = f,
                                  .value = value,
                                  .log_jacobian = &log_jacobian};
    urn_support_corr_cholesky()->constrain(&c);
    const double z[3] = {tanh(0.5), tanh(-0.2), tanh(1.1)};
    const double s[3] = {sqrt(1 - z[0] * z[0]), sqrt(1 - z[1] * z[1]), sqrt(1 - z[2] * z[2])};
    const double expected[9] = {1, 0, 0, z[0], s[0], 0, z[1], z[2] * s[1], s[1] * s[2]};
    for (int i = 0; i < 9; i++)
        assert_agree(value[i], expected[i], 1e-15, "element %d", i);
    const double log_j = 2 * log(s[0]) + 3 * log(s[1]) + 2 * log(s[2]);
    assert_agree(log_jacobian, log_j, 1e-14, "log-Jacobian");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_jacobian),
        cmocka_unit_test(test_adjoints),        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_outside),         cmocka_unit_test(test_known_factor),
        cmocka_unit_test(test_known_matrix),    cmocka_unit_test(test_known_simplex),
        cmocka_unit_test(test_outside_simplex), cmocka_unit_test(test_outside_positive_definite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
